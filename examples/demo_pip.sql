\echo '== 9. From LE to a closed case: each step has its named people ================='
\echo
-- Four people ended with LE in the session of Alice's group. Nothing follows by
-- itself: their managers open cases, and the year after passes in a rehearsal.
SELECT max(employee_id) FILTER (WHERE external_id = 'E00280') AS isla, max(employee_id) FILTER (WHERE external_id = 'E00436') AS adriana,
       max(employee_id) FILTER (WHERE external_id = 'E00969') AS kavya, max(employee_id) FILTER (WHERE external_id = 'E02228') AS uma,
       max(employee_id) FILTER (WHERE external_id = 'E00781') AS outsider FROM perf.employee \gset
SELECT array_agg(e.employee_id) AS peers FROM (SELECT e.employee_id FROM perf.employee e JOIN perf.team t ON t.team_code = 'CORE-STORAGE-2'
    JOIN perf.assignment a ON a.employee_id = e.employee_id AND a.team_id = t.team_id WHERE e.left_on IS NULL ORDER BY e.employee_id LIMIT 3) e \gset
\echo 'Final LE, and how many cases there are before anybody acts:'
SELECT (SELECT count(*) FROM perf.overall_value WHERE review_cycle_id = :cycle_id AND final_tier = 'LE') AS final_le,
       (SELECT count(*) FROM perf.pip_case) AS cases;

-- a row a step: day, who (m: the manager of the person; h: HR; H: the second HR person;
-- e: the person; 1 to 3: a peer on the panel), what; ? is the person
CREATE TEMP TABLE pip_story (place int GENERATED ALWAYS AS IDENTITY, day date, who text, person int, statement text);
INSERT INTO pip_story (day, who, person, statement)
SELECT day::date, who, CASE person WHEN 'isla' THEN :isla WHEN 'adriana' THEN :adriana WHEN 'kavya' THEN :kavya ELSE :uma END, statement
FROM (VALUES
    ('2027-01-11', 'm', 'isla', 'pip_advance(?, ''identify'')'), ('2027-01-11', 'm', 'adriana', 'pip_advance(?, ''identify'')'),
    ('2027-01-11', 'm', 'kavya', 'pip_advance(?, ''identify'')'), ('2027-01-11', 'm', 'uma', 'pip_advance(?, ''identify'')'),
    ('2027-01-12', 'm', 'isla', 'pip_advance(?, ''enroll'', ''two of four goals missed'')'), ('2027-01-12', 'm', 'adriana', 'pip_advance(?, ''enroll'', ''two of four goals missed'')'),
    ('2027-01-12', 'm', 'kavya', 'pip_advance(?, ''enroll'', ''three of four goals missed'')'), ('2027-01-12', 'm', 'uma', 'pip_advance(?, ''enroll'', ''all goals missed'')'),
    ('2027-01-13', 'h', 'isla', NULL),
    ('2027-02-01', 'm', 'kavya', 'note_coaching(?, ''estimates'', ''plan in days, look back weekly'', true)'),
    ('2027-02-15', 'm', 'kavya', 'note_coaching(?, ''reviews'', ''two a day'', true)'),
    ('2027-03-10', 'h', 'kavya', 'record_pay(?, 96000, ''EUR'', ''2026-01-01'')'), ('2027-03-10', 'h', 'uma', 'record_pay(?, 88000, ''EUR'', ''2026-01-01'')'),
    ('2027-03-15', 'm', 'isla', 'pip_advance(?, ''improve'', ''four reviews without a finding'')'),
    ('2027-03-15', 'm', 'adriana', 'pip_advance(?, ''escalate'', ''no change in nine weeks'')'), ('2027-03-15', 'm', 'kavya', 'pip_advance(?, ''escalate'')'),
    ('2027-03-15', 'm', 'uma', 'pip_advance(?, ''escalate'', ''no change in nine weeks'')'), ('2027-03-16', 'H', 'isla', NULL),
    ('2027-03-18', 'e', 'adriana', 'appeal_pip(''My project was stopped in May, and its goals went with it.'')'),
    ('2027-03-19', 'h', 'adriana', 'name_panel(?, %3$L)'), ('2027-03-22', '1', 'adriana', 'cast_vote((SELECT appeal_id FROM perf.appeals_to_decide()), ''uphold'')'),
    ('2027-03-22', '2', 'adriana', 'cast_vote((SELECT appeal_id FROM perf.appeals_to_decide()), ''deny'')'),
    ('2027-03-23', '3', 'adriana', 'cast_vote((SELECT appeal_id FROM perf.appeals_to_decide()), ''uphold'')'),
    ('2027-03-23', '1', 'adriana', 'conclude_appeal((SELECT appeal_id FROM perf.appeals_to_decide()), ''the goals of a stopped project do not count'')'),
    ('2027-03-20', 'm', 'kavya', 'write_pip_plan(?, ''a team mate did it in six weeks'', 45, ''Bring the importer into use.'', NULL, ''[{"criterion": "importer in use", "due_on": "2027-04-20"}]'')'),
    ('2027-03-22', 'h', 'kavya', 'approve_pip_plan((SELECT max(pip_plan_id) FROM perf.pip_plan))'),
    ('2027-03-24', 'e', 'kavya', 'acknowledge_plan()'), ('2027-03-25', 'e', 'kavya', 'choose_plan()'),
    ('2027-04-21', 'm', 'kavya', 'record_milestone((SELECT max(pip_milestone_id) FROM perf.pip_milestone), ''missed'', ''https://example.com/importer/status'')'),
    ('2027-03-30', 'e', 'uma', 'accept_severance()'), ('2027-03-31', 'h', 'uma', 'pip_advance(?, ''separate'')'),
    ('2027-05-10', 'm', 'kavya', 'pip_advance(?, ''fail'', ''the importer is not in use'')'), ('2027-05-10', 'H', 'kavya', NULL)
) AS v(day, who, person, statement);
CREATE TEMP VIEW pip_story_block AS
SELECT s.place, format('SET perfmgmt.today = %L; BEGIN; DO %L; SET LOCAL ROLE perfmgmt_%s; DO %L; COMMIT;', s.day,
        format('BEGIN PERFORM perfmgmt.act_as(%s); END', CASE s.who WHEN 'm' THEN e.manager_chain[1] WHEN 'h' THEN h.first WHEN 'H' THEN h.second
               WHEN 'e' THEN s.person ELSE h.peers[s.who::int] END),
        CASE WHEN s.who = 'm' THEN 'leader' WHEN s.who IN ('h', 'H') THEN 'hr' ELSE 'employee' END,
        format('BEGIN PERFORM %s; END', coalesce('perf.' || format(replace(s.statement, '?', s.person::text), NULL, NULL, h.peers),
               'perf.approve(decision_id) FROM perf.decision WHERE decision_kind = ''pip_step'' AND outcome = ''pending'''))) AS block
FROM pip_story s JOIN perf.employee e ON e.employee_id = s.person CROSS JOIN (SELECT :hr_id AS first, :second_hr_id AS second, :'peers'::int[] AS peers) h;
SELECT block FROM pip_story_block ORDER BY place \gexec

\echo 'Kavya Ogawa has three business days. What she sees (Forte):'
BEGIN;
SELECT perfmgmt.act_as(:kavya) AS acting \gset
SET LOCAL ROLE perfmgmt_employee;
\x on
SELECT stage_name, due_on, plan_text, milestones, offer_kind, offer_weeks, offer_amount, offer_currency FROM forte.my_plan;
\x off
COMMIT;
TRUNCATE pip_story;
INSERT INTO pip_story (day, who, person, statement) VALUES
    ('2027-05-12', 'e', :kavya, 'appeal_pip(''The importer waited three weeks for another team.'')'), ('2027-05-13', 'H', :kavya, format('name_panel(?, ''{%s}'')', :outsider));
SELECT block FROM pip_story_block ORDER BY place \gexec
BEGIN;
SELECT perfmgmt.act_as(:outsider) AS acting \gset
SET LOCAL ROLE perfmgmt_employee;
SELECT perf.cast_vote(appeal_id, 'deny') AS voted FROM perf.appeals_to_decide() \gset
SELECT perf.conclude_appeal(appeal_id, 'three weeks do not explain it') AS the_panel_says FROM perf.appeals_to_decide();
COMMIT;

\echo 'The four cases, as HR sees them:'
\echo
BEGIN;
SELECT perfmgmt.act_as(:hr_id) AS acting \gset
SET LOCAL ROLE perfmgmt_hr;
SELECT CASE v.event_number WHEN 1 THEN e.full_name ELSE '' END AS person,
       repeat('  ', s.stage_order - CASE WHEN s.is_open THEN 1 ELSE 9 END) || CASE WHEN s.is_open THEN '' ELSE '=> ' END || v.to_stage AS path,
       v.event, v.occurred_on AS on_day, coalesce(p.full_name || ' + ', '') || d.full_name AS by
FROM perf.pip_event v JOIN perf.employee e USING (employee_id) JOIN perf.pip_stage s ON s.stage = v.to_stage
LEFT JOIN perf.employee p ON p.employee_id = v.proposed_by JOIN perf.employee d ON d.employee_id = v.decided_by
ORDER BY v.pip_case_id, v.event_number;
SELECT count(*) AS events, count(*) FILTER (WHERE decided_by IS NULL) AS without_a_named_person, count(proposed_by) AS by_two_people,
       (SELECT count(*) FROM perf.pip_mismatches()) AS cases_that_do_not_add_up FROM perf.pip_event;
SELECT e.full_name, o.offer_kind, o.years_of_service AS years, o.weeks_of_pay AS weeks, o.amount, o.outcome
FROM perf.severance_offer o JOIN perf.employee e USING (employee_id) ORDER BY o.severance_offer_id;
COMMIT;
\set ON_ERROR_STOP off
\set SHOW_CONTEXT never
\echo '-- Somebody skips a step, and a superuser writes the stage, in a replica session:'
BEGIN;
SELECT perfmgmt.act_as(:hr_id) AS acting \gset
SET LOCAL ROLE perfmgmt_hr;
SELECT perf.pip_advance(:alice_id, 'separate');
ROLLBACK;
SET session_replication_role = replica;
UPDATE perf.pip_case SET stage = 'focus' WHERE employee_id = :kavya;
RESET session_replication_role;
RESET perfmgmt.today;
\set ON_ERROR_STOP on
\echo
