-- The template database of the pgTAP tests: a small company with two cycles.
--
--   1 top                                                         team company
--   +- 2 director                                                 team alpha
--   |  +- 4 manager   8 9 10 11 12, 30 (hired late: too_new in cycle 2)
--   |  +- 5 manager  13 14 15 16, 31 (on leave: on_leave in cycle 2)
--   +- 3 director                                                 team beta
--   |  +- 6 manager  17 18 19 20 21, 29 (left on 2025-02-01)
--   |  +- 7 manager  22 23 24 25
--   +- 26 hr, over 27 hr                                          team company
--   +- 28 auditor                                                 team company
--
-- external_id is 'E' and two digits. Levels by employee_id: see level_of.
-- Policy 2: the default with minimum_pool_size 5 (policy 1 stays unused).
-- Cycle 1: July 2023 to June 2024, released by 26. Cycle 2: July 2024 to June
-- 2025, calibrated and not released; 12 has no potential there, so no Overall
-- Value. Rows of ratings come from self, manager, peers and direct reports.
-- Cycle 1: 13 acknowledged, 14 disputes, 7 reviews. Cycle 2 has session 1 "all"
-- (planned, chair 28, no subjects) and below it session 2 "beta" (active, about
-- team beta; chair 2, calibrators 4 and 5, facilitator 26, observer 16); 5
-- delegated to 9; 4 gave 22 and 5 gave 21 a preliminary rating; 4 moved 20.
-- PIP: 16 (below 5, 2) has a plan that runs, with a milestone, and asks for beta;
-- 9 (below 4, 2) appeals against the outcome of the plan: panel 17, 18, 19, of
-- whom 17 voted. 13 (below 5, 2) paused once and accepted the first offer.
-- Nobody has a login; tests act with act_as() as the superuser.

CREATE EXTENSION pgtap;
CREATE EXTENSION perfmgmt;
CALL perfmgmt.install();
SET search_path = perf, perfmgmt, public;

INSERT INTO team (team_id, team_code, parent_team_id) VALUES (1, 'company', NULL), (2, 'alpha', 1), (3, 'beta', 1);
SELECT setval('team_team_id_seq', 3);

INSERT INTO employee (employee_id, external_id, full_name, hired_on, left_on)
SELECT n, format('E%s', lpad(n::text, 2, '0')), format('Person %s', n),
       CASE n WHEN 30 THEN date '2025-05-01' ELSE date '2020-01-01' + n END,
       CASE n WHEN 29 THEN date '2025-02-01' END
FROM generate_series(1, 31) n;
SELECT setval('employee_employee_id_seq', 31);

CREATE TEMP TABLE line (manager_id int, team_id int, employee_ids int[]);
INSERT INTO line VALUES
    (NULL, 1, '{1}'), (1, 2, '{2}'), (1, 3, '{3}'), (1, 1, '{26,28}'), (26, 1, '{27}'),
    (2, 2, '{4,5}'), (3, 3, '{6,7}'),
    (4, 2, '{8,9,10,11,12,30}'), (5, 2, '{13,14,15,16,31}'),
    (6, 3, '{17,18,19,20,21,29}'), (7, 3, '{22,23,24,25}');
INSERT INTO assignment (employee_id, manager_id, team_id, level_code, valid_during)
SELECT e.employee_id, l.manager_id, l.team_id,
       CASE WHEN e.employee_id <= 3 THEN 'Distinguished' WHEN e.employee_id <= 7 THEN 'Principal'
            WHEN e.employee_id % 3 = 0 THEN 'SDE III' WHEN e.employee_id % 3 = 1 THEN 'SDE II' ELSE 'SDE I' END,
       daterange(e.hired_on, e.left_on)
FROM line l JOIN employee e ON e.employee_id = ANY (l.employee_ids);
-- the trigger does not touch who has left: the last chain, as an import writes it
UPDATE employee SET manager_chain = '{6,3,1}' WHERE employee_id = 29;
INSERT INTO absence (employee_id, valid_during) VALUES (31, '[2024-08-01,2025-04-01)');

SELECT appoint(26, 'hr', 'runs the reviews'), appoint(27, 'hr', 'runs the reviews');
BEGIN;
SELECT act_as(26);
SELECT appoint(28, 'auditor', 'reads the ledger') AS auditor_decision \gset
COMMIT;
BEGIN;
SELECT act_as(27);
SELECT approve(:auditor_decision);
COMMIT;

SELECT new_policy_version(1) AS small_policy \gset
UPDATE policy SET minimum_pool_size = 5 WHERE policy_id = :small_policy;

CREATE PROCEDURE pg_temp.rate(cycle_id int) LANGUAGE sql AS $$
    WITH part AS (
        SELECT p.* FROM participation p JOIN eligibility e USING (eligibility)
        WHERE p.review_cycle_id = cycle_id AND e.is_rated
    ), pair AS (
        SELECT s.employee_id, s.employee_id AS rater_id, 'self' AS relation FROM part s
        UNION ALL
        SELECT s.employee_id, s.manager_id, 'manager' FROM part s WHERE s.manager_id IS NOT NULL
        UNION ALL
        SELECT s.employee_id, r.employee_id, 'peer' FROM part s JOIN part r USING (manager_id)
        WHERE r.employee_id <> s.employee_id
        UNION ALL
        SELECT s.employee_id, r.employee_id, 'direct_report' FROM part s JOIN part r ON r.manager_id = s.employee_id
    )
    INSERT INTO principle_rating (employee_id, review_cycle_id, rater_id, relation, scores, level_rank, manager_chain)
    SELECT p.employee_id, cycle_id, p.rater_id, p.relation,
           (SELECT array_agg((1 + (p.employee_id * 7 + p.rater_id * 3 + o + cycle_id) % 5)::smallint ORDER BY o)
            FROM generate_series(1, 16) o),
           part.level_rank, part.manager_chain
    FROM pair p JOIN part USING (employee_id);

    INSERT INTO assessment (employee_id, review_cycle_id, job_performance, potential, summary, source, assessed_by, manager_chain)
    SELECT p.employee_id, cycle_id, 1 + (p.employee_id + cycle_id) % 5,
           CASE WHEN (p.employee_id, cycle_id) <> (12, 2) THEN 1 + (p.employee_id * 3 + cycle_id) % 4 END,
           format('Summary for person %s.', p.employee_id), 'manager', p.manager_id, p.manager_chain
    FROM participation p JOIN eligibility e USING (eligibility)
    WHERE p.review_cycle_id = cycle_id AND e.is_rated;

    INSERT INTO goal (employee_id, review_cycle_id, goal_text, weight, manager_chain)
    SELECT p.employee_id, cycle_id, 'A goal.', 1, p.manager_chain
    FROM participation p WHERE p.review_cycle_id = cycle_id AND p.employee_id % 2 = 0;
$$;

SELECT create_cycle('2024', '2023-07-01', '2024-06-30', :small_policy);
SELECT open_cycle(1);
SELECT advance_cycle(1);
CALL pg_temp.rate(1);
SELECT calibrate(1);
SELECT advance_cycle(1);
BEGIN;
SELECT act_as(26);
SELECT release_forte(1, 'the review of 2024 is complete');
COMMIT;

SELECT create_cycle('2025', '2024-07-01', '2025-06-30', :small_policy);
SELECT open_cycle(2);
SELECT advance_cycle(2);
CALL pg_temp.rate(2);
SELECT calibrate(2);
SELECT advance_cycle(2);

INSERT INTO accomplishment (employee_id, claim, achieved_during, manager_chain)
SELECT e.employee_id, 'Something finished.', '[2025-01-01,2025-02-01)', e.manager_chain
FROM employee e WHERE e.employee_id % 2 = 1;

BEGIN; SELECT act_as(13);
SELECT acknowledge_review(1, 'I have read it.');
COMMIT;
BEGIN; SELECT act_as(14);
SELECT dispute_rating(1, 'My project is missing.');
COMMIT;
BEGIN; SELECT act_as(26);
SELECT assign_dispute_reviewer(1, 7);
SELECT create_session(2, 'all');
SELECT create_session(2, 'beta', calibration_group_id, 1) FROM calibration_group WHERE review_cycle_id = 2 AND group_name = 'beta';
SELECT add_participant(1, 28, 'chair'), add_participant(2, 2, 'chair'), add_participant(2, 4, 'calibrator'),
       add_participant(2, 5, 'calibrator'), add_participant(2, 26, 'facilitator'), add_participant(2, 16, 'observer');
COMMIT;
BEGIN; SELECT act_as(5);
SELECT delegate_calibration(9, CURRENT_DATE - 1, CURRENT_DATE + 30, 'away');
SELECT give_preliminary_rating(2, 21, 'HV2');
COMMIT;
BEGIN; SELECT act_as(4);
SELECT give_preliminary_rating(2, 22, 'TT', 'led the migration');
COMMIT;
BEGIN; SELECT act_as(2);
SELECT activate_session(2);
COMMIT;
BEGIN; SELECT act_as(4);
SELECT propose_change(2, 20, 'HV3', 'evidence', 'the customer wrote in');
COMMIT;

-- one person a transaction; 27 approves what was proposed
INSERT INTO holiday VALUES ('2030-01-01', 'New Year');
CREATE PROCEDURE pg_temp.as_one(actor int, statement text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM act_as(actor);
    EXECUTE statement;
END
$$;
SELECT format('BEGIN; CALL pg_temp.as_one(%s, %L); COMMIT', actor, statement)
FROM (VALUES
    (5, $$SELECT pip_advance(16, 'identify', 'two goals missed')$$), (4, $$SELECT pip_advance(9, 'identify', 'two goals missed')$$),
    (5, $$SELECT pip_advance(16, 'enroll', 'x')$$), (4, $$SELECT pip_advance(9, 'enroll', 'x')$$), (27, NULL),
    (5, $$SELECT note_coaching(16, 'estimates', 'plan in days', true)$$),
    (5, $$SELECT write_pip_plan(16, 'a smaller one took six weeks', 60, 'Deliver the importer.', 'Watch the reviews.',
            jsonb_build_array(jsonb_build_object('criterion', 'importer in use', 'due_on', CURRENT_DATE + 40)))$$),
    (27, $$SELECT approve_pip_plan(1)$$), (27, $$SELECT record_pay(16, 60000, 'EUR', '2024-01-01')$$),
    (5, $$SELECT pip_advance(16, 'escalate', 'x')$$), (4, $$SELECT pip_advance(9, 'escalate', 'x')$$), (27, NULL),
    (5, $$SELECT pip_advance(13, 'identify', 'x')$$), (27, $$SELECT pip_advance(13, 'pause', 'x')$$), (27, $$SELECT pip_advance(13, 'resume')$$),
    (5, $$SELECT pip_advance(13, 'enroll', 'x')$$), (27, NULL), (5, $$SELECT pip_advance(13, 'escalate', 'x')$$), (27, NULL),
    (13, $$SELECT accept_severance()$$), (16, $$SELECT choose_plan()$$), (16, $$SELECT request_transfer(3)$$), (9, $$SELECT choose_plan()$$),
    (4, $$SELECT write_pip_plan(9, 'half of the usual work', 30, 'Close ten reports.')$$), (27, $$SELECT approve_pip_plan(2)$$),
    (4, $$SELECT pip_advance(9, 'fail', 'x')$$), (27, NULL),
    (9, $$SELECT appeal_pip('The goals changed in between.')$$), (26, $$SELECT name_panel(9, '{17,18,19}')$$),
    (17, $$SELECT cast_vote(1, 'uphold')$$)
) AS step(actor, given)
CROSS JOIN LATERAL (SELECT coalesce(given, $$SELECT approve(decision_id) FROM decision
                                             WHERE decision_kind = 'pip_step' AND outcome = 'pending'$$) AS statement) s \gexec

BEGIN; SELECT act_as(4); SET LOCAL ROLE perfmgmt_leader;
SELECT count(*) FROM olr.rating WHERE review_cycle_id = 2;
COMMIT;
BEGIN; SELECT act_as(26);
SELECT place_legal_hold(24, 'a court asks');
COMMIT;
INSERT INTO erasure (employee_id, decision_id, what, reason, proposed_by, decided_by) VALUES (25, 1, 'retention', 'a first purge', 26, 26);
SELECT seal_audit();
ANALYZE;

-- 29, who left on 2025-02-01, was dismissed for cause; cycle 1 is in insight
INSERT INTO separation (employee_id, left_on, separation_kind, is_voluntary, is_regretted, manager_chain)
SELECT 29, '2025-02-01', k.separation_kind, k.is_voluntary, k.is_regretted, e.manager_chain
FROM separation_kind k CROSS JOIN employee e WHERE k.separation_kind = 'cause' AND e.employee_id = 29;
INSERT INTO attrition_period VALUES ('2024-12-31');
INSERT INTO unregretted_attrition_target VALUES (3, 0.04, 'a small team');
SELECT refresh_insight();
ANALYZE;
