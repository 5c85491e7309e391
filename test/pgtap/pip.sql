-- Focus and Pivot: the transitions against a table written by hand, every stage
-- x event x person on the real tables, every pair of persons where two are
-- needed, dates, grounds, plans, appeals, offers, transfers, and every way round.
--
-- The line of 101 to 119 is 6, 3, 1; 141 to 159 are below them, one each, and hr.
-- 26 and 27 are hr, and so is 1. 28, 4 and 20 stand in no relation to them; 4 sits
-- on the panels.
SELECT * FROM no_plan() \g /dev/null
SET search_path = public, perf, perfmgmt, pg_temp;
SET client_min_messages = warning;
-- what a case does to an employment is test/pgtap/attrition.sql's
DROP FUNCTION IF EXISTS perf.record_separation(int, text, date);

-- The transitions -------------------------------------------------------------

-- from the specification, not from the code
CREATE TABLE edge (from_stage text, event text, to_stage text, actor text, timer text, PRIMARY KEY (from_stage, event));
INSERT INTO edge (from_stage, event, to_stage, actor) VALUES
    ('none', 'identify', 'identified', 'leader or hr'),
    ('identified', 'enroll', 'focus', 'leader + hr'), ('identified', 'withdraw', 'closed_withdrawn', 'hr'),
    ('focus', 'withdraw', 'closed_withdrawn', 'hr'), ('focus', 'improve', 'closed_improved', 'leader + hr'),
    ('focus', 'extend', 'focus', 'hr'), ('focus', 'escalate', 'pivot_offered', 'leader + hr'),
    ('pivot_offered', 'appeal_entry', 'entry_appeal', 'employee'), ('pivot_offered', 'accept_severance', 'leaving_tier1', 'employee'),
    ('pivot_offered', 'choose_plan', 'plan_active', 'employee'), ('pivot_offered', 'no_choice', 'plan_active', 'hr + hr'),
    ('pivot_offered', 'extend', 'pivot_offered', 'hr'),
    ('entry_appeal', 'uphold', 'closed_reinstated', 'panel'), ('entry_appeal', 'deny', 'pivot_offered', 'panel'),
    ('entry_appeal', 'replace_panel', 'entry_appeal', 'hr'), ('appeal_pending', 'replace_panel', 'appeal_pending', 'hr'),
    ('leaving_tier1', 'revoke', 'pivot_offered', 'employee'), ('leaving_tier1', 'separate', 'separated_tier1', 'hr'),
    ('plan_active', 'extend', 'plan_active', 'hr'), ('plan_active', 'pass', 'closed_passed', 'leader + hr'),
    ('plan_active', 'fail', 'plan_failed', 'leader + hr'),
    ('plan_failed', 'accept_severance', 'leaving_tier2', 'employee'), ('plan_failed', 'appeal', 'appeal_pending', 'employee'),
    ('plan_failed', 'no_choice', 'terminated', 'hr + hr'), ('plan_failed', 'extend', 'plan_failed', 'hr'),
    ('leaving_tier2', 'revoke', 'plan_failed', 'employee'), ('leaving_tier2', 'separate', 'separated_tier2', 'hr'),
    ('appeal_pending', 'uphold', 'closed_reinstated', 'panel'), ('appeal_pending', 'deny', 'terminated', 'panel');
CREATE TABLE open_stage AS
SELECT s AS stage FROM unnest('{identified,focus,pivot_offered,entry_appeal,leaving_tier1,plan_active,plan_failed,leaving_tier2,appeal_pending}'::text[]) s;
INSERT INTO edge (from_stage, event, to_stage, actor)
SELECT s.stage, a.event, coalesce(a.to_stage, s.stage), a.actor
FROM open_stage s CROSS JOIN (VALUES ('withdraw', 'closed_withdrawn', 'hr + hr'), ('resign', 'closed_resigned', 'employee or hr'),
    ('separate_other', 'closed_separated', 'hr'), ('pause', NULL, 'hr'), ('resume', NULL, 'hr')) AS a(event, to_stage, actor)
ON CONFLICT DO NOTHING;

-- what is due on entry; a step that stays in its stage without "extend", or goes back, keeps the date
UPDATE edge SET timer = CASE WHEN event IN ('revoke', 'pause', 'resume', 'replace_panel') THEN NULL
    ELSE ('{"focus": "review", "pivot_offered": "choice", "entry_appeal": "panel", "leaving_tier1": "revocation", "plan_active": "plan end",
            "plan_failed": "final choice", "leaving_tier2": "revocation", "appeal_pending": "panel"}'::jsonb) ->> to_stage END;
SELECT set_eq('SELECT from_stage, event, to_stage, actor, timer FROM pip_transitions()', 'SELECT from_stage, event, to_stage, actor, timer FROM edge', 'the transitions are those of the specification');
SELECT is((SELECT count(*) FROM pip_transitions()), (SELECT count(*) FROM edge), 'each once');
SELECT set_eq('SELECT stage FROM pip_stages() WHERE is_open', 'SELECT stage FROM open_stage', 'so are the open stages');
SELECT set_eq('SELECT stage, stage_order, is_open, description FROM pip_stages()', 'SELECT * FROM perf.pip_stage', 'the table of stages is a copy');
SELECT is_empty($$SELECT to_stage FROM pip_transitions() EXCEPT SELECT stage FROM pip_stages()$$, 'each transition leads to a stage');
SELECT is_empty($$WITH RECURSIVE reached AS (SELECT 'none' AS stage UNION SELECT t.to_stage FROM reached JOIN pip_transitions() t ON t.from_stage = reached.stage)
                  SELECT stage FROM pip_stages() EXCEPT SELECT stage FROM reached$$, 'each stage can be reached');
SELECT is_empty($$SELECT t.* FROM pip_transitions() t JOIN pip_stages() s ON s.stage = t.from_stage WHERE NOT s.is_open$$, 'nothing leads out of a closed stage');
SELECT is_empty($$SELECT t.* FROM pip_transitions() t WHERE t.from_stage = 'none' AND t.event <> 'identify'$$, 'a case begins with a name');

-- every stage x event through pip_next()
CREATE FUNCTION next_or_hint(stage text, event text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    RETURN perfmgmt.pip_next(stage, event);
EXCEPTION WHEN SQLSTATE 'PM004' THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN hint;
END
$$;
CREATE TABLE pair AS
SELECT s.stage, e.event FROM (SELECT 'none' AS stage UNION ALL SELECT stage FROM pip_stages()) s
CROSS JOIN (SELECT event FROM edge UNION SELECT 'promote') e;
SELECT is((SELECT count(*) FROM pair), 19 * 23::bigint, 'every stage and event');
SELECT is_empty($$SELECT p.*, next_or_hint(p.stage, p.event) FROM pair p JOIN edge e ON (e.from_stage, e.event) = (p.stage, p.event)
                  WHERE next_or_hint(p.stage, p.event) <> e.to_stage$$, 'pip_next() knows the legal ones');
SELECT is_empty($$SELECT p.*, next_or_hint(p.stage, p.event) FROM pair p
                  CROSS JOIN LATERAL (SELECT array_agg(e.event ORDER BY e.event) AS legal FROM edge e WHERE e.from_stage = p.stage) l
                  WHERE p.event <> ALL (coalesce(l.legal, '{}'))
                    AND CASE WHEN l.legal IS NULL THEN 'The case is closed: nothing leads out of this stage.' <> next_or_hint(p.stage, p.event)
                             ELSE l.legal IS DISTINCT FROM (SELECT array_agg(x ORDER BY x) FROM unnest(string_to_array(
                                  trim(trailing '.' FROM replace(next_or_hint(p.stage, p.event), 'Possible are: ', '')), ', ')) x) END$$,
                'and refuses the others with exactly the legal ones in the hint');
SELECT throws_ok($$SELECT perfmgmt.pip_next('limbo', 'pass')$$, '22023', 'unknown stage "limbo"', 'an unknown stage');
SELECT throws_ok($$SELECT perfmgmt.pip_diagram('png')$$, '22023', 'unknown format "png"', 'an unknown format');
SELECT is((SELECT count(*) FROM regexp_matches(perfmgmt.pip_diagram('dot'), ' -> ', 'g')), 34::bigint, 'the picture for Graphviz draws each edge, those of any open stage once');
SELECT is((SELECT count(*) FROM regexp_matches(perfmgmt.pip_diagram('mermaid'), ' --> ', 'g')), 34 + 9::bigint, 'so does mermaid, with its ends');

-- Every stage x event x person ---------------------------------------------------

INSERT INTO employee (employee_id, external_id, full_name, hired_on) SELECT n, 'P' || n, 'Person ' || n, '2020-01-01' FROM generate_series(101, 119) n;
INSERT INTO assignment (employee_id, manager_id, team_id, level_code, valid_during) SELECT n, 6, 3, 'SDE I', '[2020-01-01,)' FROM generate_series(101, 119) n;
INSERT INTO employee (employee_id, external_id, full_name, hired_on) SELECT n, 'P' || n, 'Person ' || n, '2020-01-01' FROM generate_series(141, 159) n;
INSERT INTO assignment (employee_id, manager_id, team_id, level_code, valid_during) SELECT n, n - 40, 3, 'SDE I', '[2020-01-01,)' FROM generate_series(141, 159) n;
INSERT INTO appointment (employee_id, appointment_kind, valid_during, reason)
SELECT n, 'hr', '[2020-01-01,)', 'x' FROM (SELECT 1 AS n UNION ALL SELECT generate_series(141, 159)) a;
CREATE TABLE subject AS
SELECT stage, 100 + stage_order AS employee_id, is_open FROM pip_stages() UNION ALL SELECT 'none', 119, NULL;

-- a case in each stage, put there by a superuser who switched the triggers off
BEGIN;
ALTER TABLE pip_case DISABLE TRIGGER USER;
ALTER TABLE pip_event DISABLE TRIGGER USER;
INSERT INTO pip_case (employee_id, pip_case_id, policy_id, stage, events, due_on, choice_due_on, plan_ends_by, opened_on, employee_informed_on, closed_on, manager_chain)
SELECT s.employee_id, s.employee_id, 2, s.stage, 1, CASE WHEN s.is_open AND s.stage <> 'identified' THEN date '2026-03-10' END,
       CASE WHEN s.stage ~ 'pivot|failed|leaving' THEN date '2026-03-10' END, CASE WHEN s.stage = 'plan_active' THEN date '2026-04-10' END,
       '2026-02-01', CASE WHEN s.stage NOT IN ('identified', 'focus') THEN date '2026-02-02' END,
       CASE WHEN NOT s.is_open THEN date '2026-02-03' END, '{6,3,1}'
FROM subject s WHERE s.stage <> 'none';
INSERT INTO pip_event (employee_id, pip_case_id, event_number, event, from_stage, to_stage, decided_by, policy_id, occurred_on, recorded_at, is_paused, manager_chain)
SELECT c.employee_id, c.pip_case_id, 1, 'placed', 'none', c.stage, 3, 2, '2026-02-01', now(), false, '{6,3,1}' FROM pip_case c WHERE c.employee_id > 100;
COMMIT;
ALTER TABLE pip_case ENABLE TRIGGER USER;
ALTER TABLE pip_event ENABLE TRIGGER USER;
CALL perfmgmt.install();
DROP FUNCTION IF EXISTS perf.record_separation(int, text, date);
SELECT setval('pip_case_pip_case_id_seq', 1000) \g /dev/null
INSERT INTO appeal (employee_id, pip_case_id, appeal_kind, statement, opened_on, manager_chain)
SELECT s.employee_id, s.employee_id, CASE s.stage WHEN 'entry_appeal' THEN 'entry' ELSE 'outcome' END, 'x', '2026-02-02', '{6,3,1}'
FROM subject s WHERE s.stage IN ('entry_appeal', 'appeal_pending');
INSERT INTO appeal_member (employee_id, appeal_id, member_id, named_on) SELECT employee_id, appeal_id, 4, '2026-02-03' FROM appeal WHERE employee_id > 100;
INSERT INTO appeal_vote SELECT employee_id, appeal_id, member_id, 'deny' FROM appeal_member WHERE employee_id > 100;
INSERT INTO pip_plan (employee_id, pip_case_id, plan_version, feasibility, plan_days, employee_section, written_by, written_on, approved_by, approved_on, manager_chain)
SELECT employee_id, employee_id, 1, 'x', 60, 'x', 6, '2026-02-02', 26, '2026-02-02', '{6,3,1}' FROM subject WHERE stage = 'plan_active';
SELECT release_pip(employee_id, pip_case_id) FROM pip_case WHERE employee_id > 100 \g /dev/null
SELECT is((SELECT count(*) FROM pg_trigger WHERE tgrelid IN ('perf.pip_case'::regclass, 'perf.pip_event'::regclass) AND NOT tgisinternal AND tgenabled <> 'A'),
          0::bigint, 'the triggers fire always');

-- What the specification says: the stage an event leads to, or the error.
CREATE FUNCTION expected(of_stage text, of_event text, who text, is_late boolean) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN who = 'nobody' THEN 'PM006'
        WHEN who = 'hr below' THEN 'PM005'
        WHEN who = 'oneself' AND of_event NOT IN ('appeal_entry', 'accept_severance', 'revoke', 'choose_plan', 'appeal', 'resign') THEN 'PM005'
        WHEN who = 'oneself' AND NOT (is_open AND (of_stage NOT IN ('identified', 'focus') OR of_event = 'resign')) THEN 'PM004'
        WHEN who = 'stranger' OR (who = 'panel' AND of_stage NOT IN ('entry_appeal', 'appeal_pending')) THEN 'PM006'
        WHEN to_stage IS NULL THEN 'PM004'
        -- a second person is missing
        WHEN actor IN ('leader + hr', 'hr + hr') THEN CASE WHEN split_part(actor, ' + ', 1) = ANY (string_to_array(who, ' and ')) THEN 'PM005' ELSE 'PM006' END
        WHEN NOT CASE actor WHEN 'employee' THEN who = 'oneself' WHEN 'employee or hr' THEN who = 'oneself' OR who ~ 'hr$'
                 ELSE string_to_array(actor, ' or ') && string_to_array(who, ' and ') END THEN 'PM006'
        WHEN of_event = 'resume' THEN 'PM004' -- nothing is paused
        WHEN of_event = 'uphold' THEN 'PM004' -- the vote says deny
        WHEN of_event = 'separate' AND NOT is_late THEN 'PM004'
        WHEN of_event = 'extend' AND of_stage = 'plan_failed' AND NOT is_late THEN 'PM004' -- three days from now are no later
        WHEN actor = 'employee' AND is_late THEN 'PM004'
        ELSE to_stage END
    FROM (SELECT coalesce(s.is_open, false) AS is_open, CASE WHEN s.is_open THEN of_stage ELSE 'none' END AS stage_now
          FROM subject s WHERE s.stage = of_stage) s
    LEFT JOIN edge e ON e.from_stage = s.stage_now AND e.event = of_event
$$;
CREATE TABLE tried (stage text, event text, who text, actor int, is_late boolean, answer text);
CREATE FUNCTION try_event(about int, what text, decision int DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    reached text;
BEGIN
    INSERT INTO perf.pip_event (employee_id, event, reason, decision_id) VALUES (about, what, 'for a reason', decision);
    SELECT c.stage INTO reached FROM perf.pip_case c WHERE c.employee_id = about ORDER BY c.pip_case_id DESC LIMIT 1;
    RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = reached;
EXCEPTION WHEN OTHERS THEN
    RETURN CASE WHEN SQLSTATE = 'ZZ001' THEN SQLERRM WHEN SQLSTATE LIKE 'XX%' THEN SQLSTATE || ' ' || SQLERRM ELSE SQLSTATE END;
END
$$;
CREATE PROCEDURE try_all(who text, actor_id int, day date) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('perfmgmt.today', day::text, true);
    IF actor_id IS NOT NULL THEN
        PERFORM act_as(actor_id);
    END IF;
    INSERT INTO tried
    SELECT p.stage, p.event, who, actor_id, day > '2026-03-10', try_event(s.employee_id, p.event)
    FROM pair p JOIN subject s USING (stage)
    WHERE who NOT IN ('oneself', 'hr below') OR s.employee_id = actor_id - CASE who WHEN 'oneself' THEN 0 ELSE 40 END;
END
$$;
SELECT format('BEGIN; CALL try_all(%L, %s, %L); COMMIT', who, coalesce(actor::text, 'NULL'), day)
FROM (SELECT * FROM (VALUES ('leader', 6), ('leader', 3), ('leader and hr', 1), ('hr', 26), ('hr', 27), ('panel', 4), ('stranger', 5), ('stranger', 20),
                            ('stranger', 28), ('nobody', NULL)) v(who, actor)
      UNION ALL SELECT 'oneself', employee_id FROM subject UNION ALL SELECT 'hr below', employee_id + 40 FROM subject) a
CROSS JOIN (VALUES (date '2026-03-03'), ('2026-03-11')) d(day) \gexec
SELECT is((SELECT count(*) FROM tried), 19 * 23 * 12 * 2::bigint, 'every stage x event x person, before and after the date');
SELECT is_empty(format($$SELECT t.*, expected(t.stage, t.event, t.who, t.is_late) FROM tried t
                         WHERE t.stage = %L AND t.who = %L AND t.answer <> expected(t.stage, t.event, t.who, t.is_late)$$, stage, who),
                format('%s in stage %s: %s', who, stage, string_agg(DISTINCT answer, ', ' ORDER BY answer)))
FROM tried GROUP BY stage, who ORDER BY stage, who;
SELECT is_empty($$SELECT actor FROM edge EXCEPT SELECT e.actor FROM edge e JOIN tried t ON (t.stage, t.event, t.answer) = (e.from_stage, e.event, e.to_stage)$$
                || $$ EXCEPT VALUES ('leader + hr'), ('hr + hr')$$, 'each kind of actor got somewhere');

-- The same through the front doors, in the roles of the database -------------------

-- role x person x stage x event by pip_advance(), and the employee's own functions
CREATE TABLE asked (role_name text, stage text, event text, who text, is_late boolean, answer text);
CREATE FUNCTION try_front(role_name text, about int, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    decision text;
BEGIN
    EXECUTE 'SET LOCAL ROLE perfmgmt_' || role_name;
    EXECUTE statement INTO decision;
    RESET ROLE;
    RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = CASE WHEN decision ~ '^\d' THEN 'proposed' ELSE
        (SELECT c.stage FROM perf.pip_case c WHERE c.employee_id = about ORDER BY c.pip_case_id DESC LIMIT 1) END;
EXCEPTION WHEN OTHERS THEN
    RETURN CASE WHEN SQLSTATE = 'ZZ001' THEN SQLERRM WHEN SQLSTATE LIKE 'XX%' THEN SQLSTATE || ' ' || SQLERRM ELSE SQLSTATE END;
END
$$;
CREATE PROCEDURE ask_all(role_name text, who text, actor_id int, day date) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('perfmgmt.today', day::text, true);
    PERFORM act_as(actor_id);
    INSERT INTO asked
    SELECT role_name, p.stage, p.event, who, day > '2026-03-10',
           try_front(role_name, s.employee_id, CASE WHEN who = 'oneself' AND role_name = 'employee' AND o.call IS NOT NULL THEN 'SELECT ' || o.call
                                                    ELSE format('SELECT perf.pip_advance(%s, %L, ''for a reason'')', s.employee_id, p.event) END)
    FROM pair p JOIN subject s USING (stage)
    LEFT JOIN (VALUES ('choose_plan', 'perf.choose_plan()'), ('accept_severance', 'perf.accept_severance()'), ('revoke', 'perf.revoke_severance()'),
                      ('appeal', 'perf.appeal_pip(''x'')'), ('appeal_entry', 'perf.appeal_pip(''x'')')) AS o(event, call) ON o.event = p.event
    WHERE who NOT IN ('oneself', 'hr below') OR s.employee_id = actor_id - CASE who WHEN 'oneself' THEN 0 ELSE 40 END;
END
$$;
SELECT format('BEGIN; CALL ask_all(%L, %L, %s, %L); COMMIT', role_name, who, actor, day)
FROM (SELECT * FROM (VALUES ('leader', 'leader', 6), ('leader', 'leader', 3), ('leader', 'leader and hr', 1), ('hr', 'leader and hr', 1), ('hr', 'hr', 26), ('leader', 'hr', 27),
                            ('leader', 'panel', 4), ('employee', 'panel', 4), ('leader', 'stranger', 5), ('hr', 'stranger', 28), ('auditor', 'stranger', 28),
                            ('employee', 'leader', 6), ('employee', 'hr', 26), ('auditor', 'hr', 26), ('analyst', 'hr', 26)) v(role_name, who, actor)
      UNION ALL SELECT 'employee', 'oneself', employee_id FROM subject
      UNION ALL SELECT 'hr', 'oneself', employee_id FROM subject
      UNION ALL SELECT 'hr', 'hr below', employee_id + 40 FROM subject) a
CROSS JOIN (VALUES (date '2026-03-03'), ('2026-03-11')) d(day) \gexec
SELECT is((SELECT count(*) FROM asked), 19 * 23 * 18 * 2::bigint, 'every role x person x stage x event');
SELECT is_empty(format($$
    SELECT a.*, x.answer FROM asked a
    LEFT JOIN edge e ON e.event = a.event AND e.from_stage = CASE WHEN (SELECT s.is_open FROM subject s WHERE s.stage = a.stage) THEN a.stage ELSE 'none' END
    -- appeal_pip() knows which of the two appeals it is
    LEFT JOIN LATERAL (SELECT CASE a.stage WHEN 'plan_failed' THEN 'appeal' ELSE 'appeal_entry' END AS event WHERE a.event ~ '^appeal') p ON true
    CROSS JOIN LATERAL (SELECT expected(a.stage, a.event, a.who, a.is_late) AS direct) d
    CROSS JOIN LATERAL (SELECT CASE
        WHEN a.role_name = 'employee' AND a.who = 'oneself' AND a.event ~ '^(appeal|appeal_entry|choose_plan|accept_severance|revoke)$'
            THEN expected(a.stage, coalesce(p.event, a.event), a.who, a.is_late)
        WHEN a.role_name NOT IN ('leader', 'hr') THEN '42501'
        WHEN a.event = 'replace_panel' THEN 'PM004'
        -- who could be the first of two proposes
        WHEN d.direct = 'PM005' AND e.actor LIKE '%% + %%' AND split_part(e.actor, ' + ', 1) = ANY (string_to_array(a.who, ' and '))
            THEN CASE WHEN a.event = 'no_choice' AND NOT a.is_late THEN 'PM004' ELSE 'proposed' END
        ELSE d.direct END AS answer) x
    WHERE (a.role_name, a.who) = (%L, %L) AND a.answer <> x.answer$$, role_name, who),
    format('%s in the role of %s: %s', who, role_name, string_agg(DISTINCT answer, ', ' ORDER BY answer)))
FROM asked GROUP BY role_name, who ORDER BY 1;
UPDATE decision SET outcome = 'rejected', decided_at = now() WHERE decision_kind = 'pip_step' AND outcome = 'pending';

-- Every pair of persons -----------------------------------------------------------

CREATE TABLE proposed (stage text, event text, who text, actor int, is_late boolean, decision_id int, answer text);
CREATE PROCEDURE propose_all(who text, actor_id int, day date) LANGUAGE plpgsql AS $$
DECLARE
    p record;
    id int;
BEGIN
    PERFORM set_config('perfmgmt.today', day::text, true);
    PERFORM act_as(actor_id);
    FOR p IN SELECT e.*, s.employee_id FROM edge e JOIN subject s ON s.stage = e.from_stage WHERE e.actor LIKE '% + %'
             AND (who NOT IN ('oneself', 'hr below') OR s.employee_id = actor_id - CASE who WHEN 'oneself' THEN 0 ELSE 40 END) LOOP
        BEGIN
            id := NULL;
            id := pip_advance(p.employee_id, p.event, 'for a reason');
            INSERT INTO proposed VALUES (p.from_stage, p.event, who, actor_id, day > '2026-03-10', id, 'proposed');
        EXCEPTION WHEN OTHERS THEN
            INSERT INTO proposed VALUES (p.from_stage, p.event, who, actor_id, day > '2026-03-10', NULL, SQLSTATE);
        END;
    END LOOP;
END
$$;
CREATE TABLE approved (stage text, event text, proposer text, proposed_by int, who text, actor int, is_late boolean, answer text);
CREATE FUNCTION try_approve(id int, about int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM approve(id);
    RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = (SELECT c.stage FROM perf.pip_case c WHERE c.employee_id = about);
EXCEPTION WHEN OTHERS THEN
    RETURN CASE WHEN SQLSTATE = 'ZZ001' THEN SQLERRM WHEN SQLSTATE LIKE 'XX%' THEN SQLSTATE || ' ' || SQLERRM ELSE SQLSTATE END;
END
$$;
CREATE PROCEDURE approve_all(who text, actor_id int, day date) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('perfmgmt.today', day::text, true);
    PERFORM act_as(actor_id);
    INSERT INTO approved
    SELECT p.stage, p.event, p.who, p.actor, approve_all.who, actor_id, day > '2026-03-10', try_approve(p.decision_id, s.employee_id)
    FROM proposed p JOIN subject s USING (stage)
    WHERE p.decision_id IS NOT NULL
      AND (approve_all.who NOT IN ('oneself', 'hr below') OR s.employee_id = actor_id - CASE approve_all.who WHEN 'oneself' THEN 0 ELSE 40 END);
END
$$;
CREATE TABLE person AS
SELECT * FROM (VALUES ('leader', 6), ('leader', 3), ('leader and hr', 1), ('hr', 26), ('hr', 27), ('stranger', 20), ('panel', 4)) v(who, actor)
UNION ALL SELECT w.who, s.employee_id + w.beside FROM subject s CROSS JOIN (VALUES ('oneself', 0), ('hr below', 40)) AS w(who, beside) WHERE s.is_open;
CREATE TABLE on_day AS SELECT * FROM (VALUES (date '2026-03-03'), ('2026-03-11')) d(day);
SELECT format('BEGIN; CALL propose_all(%L, %s, %L); COMMIT', who, actor, day) FROM person, on_day \gexec
SELECT format('BEGIN; CALL approve_all(%L, %s, %L); COMMIT', who, actor, day) FROM person, on_day \gexec
SELECT is((SELECT count(*) FROM proposed), (SELECT count(*) * 9 * 2 FROM edge WHERE actor LIKE '% + %'), 'every step of two people, proposed by each, before and after the date');
SELECT is_empty(format($$SELECT * FROM proposed p JOIN edge e ON (e.from_stage, e.event) = (p.stage, p.event)
    WHERE p.who = %L AND p.answer <> CASE WHEN p.who IN ('oneself', 'hr below') THEN 'PM005'
          WHEN split_part(e.actor, ' + ', 1) <> ALL (string_to_array(p.who, ' and ')) THEN 'PM006'
          WHEN p.event = 'no_choice' AND NOT p.is_late THEN 'PM004' ELSE 'proposed' END$$, who),
    format('proposed by %s: %s', who, string_agg(DISTINCT answer, ', '))) FROM proposed GROUP BY who;
SELECT is((SELECT count(*) FROM approved), (SELECT count(*) * 9 * 2 FROM proposed WHERE decision_id IS NOT NULL), 'every pair, before and after the date');
SELECT is_empty(format($$SELECT * FROM approved a JOIN edge e ON (e.from_stage, e.event) = (a.stage, a.event)
    WHERE a.event = %L AND a.answer <> CASE WHEN a.who = 'hr below' THEN 'PM005' WHEN a.who !~ 'hr$' THEN 'PM004' WHEN a.actor = a.proposed_by THEN 'PM005'
          WHEN a.event = 'no_choice' AND NOT a.is_late THEN 'PM004' ELSE e.to_stage END$$, event),
    format('%s approved by each: %s', event, string_agg(DISTINCT answer, ', ' ORDER BY answer))) FROM approved GROUP BY event;

-- a decision is good for its step alone: another event, another person, a second time, after the case went on
BEGIN;
SET LOCAL perfmgmt.today = '2026-03-03';
SELECT act_as(27) \g /dev/null
UPDATE decision SET outcome = 'approved', decided_by = 27, decided_at = now() WHERE decision_id IN (SELECT decision_id FROM proposed WHERE actor = 6 AND is_late);
SELECT decision_id AS improve FROM proposed WHERE (event, actor) = ('improve', 6) AND is_late \gset
SELECT is(try_event(102, 'escalate', :improve), 'PM005', 'a decision about another event proves nothing');
SELECT is(try_event(101, 'enroll', :improve), 'PM005', 'nor one about another person');
SELECT is(try_event(102, 'withdraw', :improve), '22023', 'one person''s step takes no decision');
SELECT is(try_event(102, 'improve', 999999), 'PM005', 'nor does one that is not there');
SELECT is(try_event(102, 'improve', :improve), 'closed_improved', 'the right one does');
INSERT INTO pip_event (employee_id, event, reason) VALUES (102, 'extend', 'more time');
SELECT is(try_event(102, 'improve', :improve), 'PM004', 'not when the case went on since');
ROLLBACK;
BEGIN;
SELECT act_as(26) \g /dev/null
UPDATE decision SET outcome = 'approved', decided_by = 27, decided_at = now() WHERE decision_id = :improve;
SELECT is(try_event(102, 'improve', :improve), 'PM005', 'somebody else''s approval is not one''s own');
ROLLBACK;

-- Ways round ------------------------------------------------------------------------

CREATE FUNCTION code_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END
$$;
CREATE TABLE bypass (statement text);
INSERT INTO bypass VALUES
    ('UPDATE perf.pip_case SET stage = ''closed_passed'' WHERE employee_id = 106'), ('UPDATE perf.pip_case SET due_on = due_on + 1'),
    ('UPDATE perf.pip_case SET closed_on = NULL WHERE closed_on IS NOT NULL'), ('DELETE FROM perf.pip_case WHERE employee_id = 106'),
    ('INSERT INTO perf.pip_case (employee_id, policy_id, stage, events, opened_on, manager_chain) VALUES (20, 2, ''focus'', 1, ''2026-01-01'', ''{}'')'),
    ('MERGE INTO perf.pip_case c USING (VALUES (106)) v(id) ON c.employee_id = v.id WHEN MATCHED THEN UPDATE SET stage = ''focus'''),
    ('MERGE INTO perf.pip_event t USING (VALUES (102)) v(id) ON t.employee_id = v.id AND t.event = ''pass'' WHEN NOT MATCHED THEN INSERT (employee_id, event, reason) VALUES (v.id, ''pass'', ''x'')'),
    ('UPDATE perf.pip_event SET reason = ''another''  WHERE employee_id = 106'), ('UPDATE perf.pip_event SET decided_by = 3'),
    ('DELETE FROM perf.pip_event WHERE employee_id = 106'), ('TRUNCATE perf.pip_event'), ('TRUNCATE perf.pip_case CASCADE'),
    ('COPY perf.pip_case (employee_id, policy_id, stage, events, opened_on, manager_chain) FROM PROGRAM ''printf "20\\t2\\tfocus\\t1\\t2026-01-01\\t{}\\n"''');
BEGIN;
SELECT act_as(26) \g /dev/null
SELECT isnt(code_of(statement), 'done', 'refused: ' || left(statement, 70)) FROM bypass;
SET LOCAL session_replication_role = replica;
SELECT isnt(code_of(statement), 'done', 'refused in a replica session: ' || left(statement, 70)) FROM bypass;
SELECT is(try_event(102, 'pass'), 'PM004', 'no step is skipped there');
SELECT is(try_event(107, 'accept_severance'), 'PM006', 'nor taken for somebody');
SELECT is(code_of('COPY perf.pip_event (employee_id, event, reason) FROM PROGRAM ''printf "102\\tpass\\tx\\n"'''), 'PM004', 'COPY of an event meets the same');
SELECT is(code_of('INSERT INTO perf.pip_event (employee_id, event, reason, pip_case_id) VALUES (112, ''pass'', ''x'', 112)'), 'PM004', 'a closed case stays closed');
SELECT is(code_of('INSERT INTO perf.pip_event (employee_id, event, reason) VALUES (102, ''identify'', ''x'')'), 'PM004', 'there is no second open case');
SELECT is(code_of('INSERT INTO perf.pip_event (employee_id, event, reason) VALUES (102, ''extend'', ''x''), (102, ''extend'', ''x'')'), '23505', 'a statement writes one event of a case');
SELECT is(code_of('INSERT INTO perf.pip_event (employee_id, event, reason) VALUES (9999, ''identify'', ''x'')'), 'PM006', 'nobody that is not there');
SELECT is(code_of('INSERT INTO perf.pip_event (employee_id, event, reason) VALUES (NULL, NULL, NULL)'), 'PM006', 'nor nobody');
ROLLBACK;
BEGIN;
SELECT act_as(26) \g /dev/null
-- what a client claims beside the event is not believed
INSERT INTO pip_event (employee_id, event, reason, event_number, from_stage, to_stage, decided_by, proposed_by, occurred_on, recorded_at, is_paused, manager_chain, policy_id)
VALUES (102, 'extend', 'x', 7, 'none', 'closed_passed', 3, 6, '2020-01-01', '2020-01-01', true, '{}', 1);
SELECT results_eq($$SELECT event_number, from_stage, to_stage, decided_by, proposed_by, occurred_on = (clock_timestamp() AT TIME ZONE 'UTC')::date,
                           recorded_at > now(), is_paused, manager_chain, policy_id FROM perf.pip_event WHERE employee_id = 102 AND event = 'extend'$$,
    $$VALUES (2, 'focus', 'focus', 26, NULL::int, true, true, false, '{6,3,1}'::int[], 2)$$, 'the trigger fills in who, when and where to');
INSERT INTO pip_event (employee_id, pip_event_id, event, reason) VALUES (102, (SELECT max(pip_event_id) FROM pip_event), 'withdraw', 'x') ON CONFLICT DO NOTHING;
SELECT is((SELECT stage FROM perf.pip_case WHERE employee_id = 102), 'focus', 'an event that is not stored has no effect');
ROLLBACK;
-- the owner of the records, who is no superuser
CREATE ROLE pip_owner LOGIN;
BEGIN;
SELECT format('ALTER TABLE perf.%I OWNER TO pip_owner', t) FROM unnest('{pip_case,pip_event}'::text[]) t \gexec
GRANT USAGE ON SCHEMA perf, public TO pip_owner;
GRANT SELECT ON bypass TO pip_owner;
GRANT pg_execute_server_program TO pip_owner;
SET LOCAL SESSION AUTHORIZATION pip_owner;
SELECT isnt(code_of(statement), 'done', 'refused to the owner: ' || left(statement, 70)) FROM bypass WHERE statement NOT LIKE '%perf.pip_event%';
SELECT isnt(code_of('INSERT INTO perf.pip_event (employee_id, event, reason) VALUES (20, ''identify'', ''x'')'), 'done', 'nor does the owner write an event');
-- who switches the triggers off meets no row; who switches row security off as well is found
ALTER TABLE perf.pip_case DISABLE TRIGGER USER;
ALTER TABLE perf.pip_event DISABLE TRIGGER USER;
SELECT is(code_of(statement), CASE WHEN statement ~ '^UPDATE' THEN 'done' ELSE '42501' END, 'without triggers: ' || left(statement, 70)) FROM (VALUES
    ('UPDATE perf.pip_case SET stage = ''closed_passed'''), ('UPDATE perf.pip_event SET to_stage = ''closed_passed'''),
    ('INSERT INTO perf.pip_case (employee_id, policy_id, stage, events, opened_on, manager_chain) VALUES (20, 2, ''focus'', 1, ''2026-01-01'', ''{}'')')) v(statement);
SET LOCAL SESSION AUTHORIZATION DEFAULT;
SELECT is((SELECT count(*) FROM pip_case WHERE stage = 'closed_passed' AND employee_id > 100), 1::bigint, 'nothing happened');
SELECT is_empty('SELECT m.* FROM perf.pip_mismatches() m JOIN perf.pip_case c USING (pip_case_id) WHERE c.employee_id < 100', 'and cases are as their events left them');
SET LOCAL SESSION AUTHORIZATION pip_owner;
ALTER TABLE perf.pip_case NO FORCE ROW LEVEL SECURITY;
UPDATE perf.pip_case SET stage = 'closed_passed' WHERE employee_id = 16;
SET LOCAL SESSION AUTHORIZATION DEFAULT;
SELECT results_eq('SELECT c.employee_id FROM perf.pip_mismatches() m JOIN perf.pip_case c USING (pip_case_id) WHERE c.employee_id < 100', 'VALUES (16)', 'a stage that no event led to is found');
ROLLBACK;
DROP ROLE pip_owner;
-- a policy that no cycle was opened with, so that nobody checked it
BEGIN;
SELECT new_policy_version(2) AS new_policy \gset
UPDATE pip_rule SET minimal_weeks = 40 WHERE policy_id = :new_policy;
CREATE OR REPLACE FUNCTION perf.pip_policy_id() RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN RETURN (SELECT max(policy_id) FROM perf.pip_rule); END';
SELECT act_as(26) \g /dev/null
SELECT throws_ok($$SELECT perf.pip_advance(11, 'identify', 'x')$$, 'PM001', NULL, 'no case begins under a policy whose offers do not decrease');
UPDATE pip_rule SET minimal_weeks = 2 WHERE policy_id = pip_policy_id();
SELECT lives_ok($$SELECT perf.pip_advance(11, 'identify', 'x')$$, 'one does when they do');
SELECT throws_ok($$UPDATE perf.pip_rule SET minimal_weeks = 40 WHERE policy_id = perf.pip_policy_id()$$, 'PM002', NULL, 'and the rules of a case stay');
ROLLBACK;

-- Dates -----------------------------------------------------------------------------

-- step(actor, day, statement): a transaction; `two` approves what is pending
CREATE TABLE step (place int GENERATED ALWAYS AS IDENTITY, actor int, day date, statement text, expected text, name text, role_name text);
CREATE TABLE heard (place int, answer text);
GRANT INSERT ON heard TO PUBLIC;
CREATE FUNCTION answer_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    EXECUTE statement INTO answer;
    RETURN coalesce(answer, 'done');
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
CREATE FUNCTION approve_pending() RETURNS bigint LANGUAGE sql AS
    $$SELECT count(*) FROM (SELECT approve(d.decision_id) FROM decision d WHERE d.decision_kind = 'pip_step' AND d.outcome = 'pending' OFFSET 0) a$$;
UPDATE decision SET outcome = 'rejected', decided_at = now() WHERE decision_kind = 'pip_step' AND outcome = 'pending';
CREATE PROCEDURE run_steps_of(n int) LANGUAGE plpgsql AS $$
DECLARE
    s step;
BEGIN
    SELECT * INTO s FROM step WHERE place = n;
    PERFORM set_config('perfmgmt.today', s.day::text, true);
    PERFORM act_as(s.actor);
    IF s.role_name IS NOT NULL THEN
        EXECUTE 'SET LOCAL ROLE perfmgmt_' || s.role_name;
    END IF;
    INSERT INTO heard VALUES (n, answer_of(s.statement));
END
$$;
CREATE FUNCTION due(about int) RETURNS text LANGUAGE sql AS
    $$SELECT concat_ws(' ', c.stage, c.due_on, CASE WHEN c.is_paused THEN 'paused' END) FROM perf.pip_case c WHERE c.employee_id = about ORDER BY c.pip_case_id DESC LIMIT 1$$;
INSERT INTO holiday VALUES ('2026-04-03', 'Good Friday'), ('2026-04-06', 'Easter Monday'), ('2026-12-25', 'Christmas'), ('2026-12-26', 'Boxing Day');

INSERT INTO step (actor, day, statement, expected, name) VALUES
    (6, '2026-01-05', $$SELECT perf.pip_advance(21, 'identify')$$, '^22004 event "identify" needs a reason', 'without a final LE a reason is needed'),
    (6, '2026-01-05', $$SELECT perf.pip_advance(21, 'identify', '  ')$$, '^22004', 'blanks are none'),
    (6, '2026-01-05', $$SELECT perf.pip_advance(21, 'identify', 'x', '2026-02-01')$$, '^22023', 'no date can be asked for'),
    (6, '2026-01-05', $$SELECT perf.pip_advance(21, 'identify', 'missed goals', attachments => '{https://example.com/1}')$$, '^done', 'with a reason it goes'),
    (6, '2026-01-05', $$SELECT perf.pip_advance(21, 'enroll', 'x')$$, '^\d', 'proposed'),
    (6, '2026-01-05', $$SELECT approve_pending()$$, '^PM004 there is no decision', 'a leader does not approve'),
    (26, '2026-01-06', $$SELECT approve_pending()$$, '^1', 'HR does'),
    (6, '2026-01-06', $$SELECT due(21)$$, '^focus 2026-03-09$', '60 days to the review fall on a Saturday: Monday'),
    (6, '2026-01-07', $$SELECT perf.pip_advance(21, 'escalate')$$, '^22004', 'without two notes Pivot needs a reason'),
    (6, '2026-01-07', $$SELECT perf.note_coaching(21, 'estimates', 'plan in days', true)$$, '^\d', 'a note'),
    (6, '2026-01-07', $$SELECT perf.note_coaching(21, 'future', 'x', true, '2026-01-08')$$, '^PM004', 'not about tomorrow'),
    (4, '2026-01-07', $$SELECT perf.note_coaching(21, 'x', 'x', true)$$, '^PM004', 'not by somebody outside of the line'),
    (21, '2026-01-07', $$SELECT perf.note_coaching(21, 'x', 'x', true)$$, '^PM004', 'not by oneself'),
    (6, '2026-01-08', $$SELECT perf.pip_advance(21, 'escalate')$$, '^22004', 'one is not enough'),
    (6, '2026-01-08', $$SELECT perf.note_coaching(21, 'reviews', 'weekly', false)$$, '^\d', 'a second note'),
    (27, '2026-01-08', $$SELECT perf.pip_advance(21, 'pause', 'ill')$$, '^done', 'paused'),
    (6, '2026-01-08', $$SELECT perf.pip_advance(21, 'escalate')$$, '^PM004 .*paused', 'nothing goes on meanwhile'),
    (27, '2026-01-08', $$SELECT perf.pip_advance(21, 'pause', 'x')$$, '^PM004 .*paused', 'not paused twice'),
    (27, '2026-01-18', $$SELECT perf.pip_advance(21, 'resume')$$, '^done', 'ten days later'),
    (6, '2026-01-18', $$SELECT due(21)$$, '^focus 2026-03-19$', 'the date moved by ten days'),
    (6, '2026-01-19', $$SELECT perf.pip_advance(21, 'escalate')$$, '^\d', 'with two notes it needs no reason'),
    (27, '2026-01-19', $$SELECT perf.pip_advance(21, 'extend', 'x')$$, '^done', 'the case goes on meanwhile'),
    (26, '2026-01-19', $$SELECT approve_pending()$$, '^PM004 the case went on', 'so the proposal is stale'),
    (26, '2026-01-19', $$SELECT perf.reject(decision_id) FROM decision WHERE outcome = 'pending' AND decision_kind = 'pip_step'$$, '', 'and rejected'),
    (6, '2026-01-20', $$SELECT perf.pip_advance(21, 'escalate', due_on => '2026-01-26')$$, '^\d', 'proposed with four business days'),
    (26, '2026-01-20', $$SELECT approve_pending()$$, '^PM004 the date asked for', 'five are the least'),
    (26, '2026-01-20', $$SELECT perf.reject(decision_id) FROM decision WHERE outcome = 'pending' AND decision_kind = 'pip_step'$$, '', 'rejected'),
    (6, '2026-01-20', $$SELECT perf.pip_advance(21, 'escalate', due_on => '2026-03-21')$$, '^\d', 'proposed with more than two months'),
    (26, '2026-01-20', $$SELECT approve_pending()$$, '^PM004 the date asked for', 'two months are the most'),
    (26, '2026-01-20', $$SELECT perf.reject(decision_id) FROM decision WHERE outcome = 'pending' AND decision_kind = 'pip_step'$$, '', 'rejected'),
    (21, '2026-03-03', $$SELECT count(*) FROM perf.forte_plan WHERE employee_id = 21$$, '^0', 'of Focus nothing is released'),
    (6, '2026-03-03', $$SELECT perf.pip_advance(21, 'escalate', 'no change')$$, '^\d', 'proposed'),
    (26, '2026-03-03', $$SELECT approve_pending()$$, '^1', 'approved'),
    (6, '2026-03-03', $$SELECT due(21)$$, '^pivot_offered 2026-04-07$', 'a month on is Good Friday: Tuesday after Easter'),
    (21, '2026-03-04', $$SELECT offer_weeks || ' ' || coalesce(offer_amount::text, 'unknown') FROM perf.forte_plan WHERE employee_id = 21$$, '^18 unknown', 'the employee sees the offer: 12 weeks and one a year'),
    (27, '2026-03-04', $$SELECT perf.pip_advance(21, 'no_choice', 'x')$$, '^PM004 the employee may still choose', 'nobody signs beforehand that the employee did not choose'),
    (27, '2026-03-04', $$SELECT perf.pip_advance(21, 'extend', 'x', '2026-03-20')$$, '^PM004 the date asked for', 'to extend takes no day away'),
    (27, '2026-03-05', $$SELECT perf.pip_advance(21, 'extend', 'x')$$, '^PM004 the usual date would be no later', 'without saying so either'),
    (21, '2026-04-08', $$SELECT perf.choose_plan()$$, '^PM004 the date to choose has passed', 'a day late'),
    (21, '2026-04-08', $$SELECT perf.accept_severance()$$, '^PM004', 'for the offer as well'),
    (21, '2026-04-08', $$SELECT perf.appeal_pip('x')$$, '^PM004', 'and the appeal'),
    (27, '2026-04-08', $$SELECT perf.pip_advance(21, 'extend', 'was ill', '2026-04-20')$$, '^done', 'HR extends'),
    (21, '2026-04-20', $$SELECT perf.accept_severance()$$, '^done', 'on the last day it counts'),
    (21, '2026-04-20', $$SELECT perf.revoke_severance()$$, '^PM004 the days to revoke are over', 'no days to revoke by default'),
    (27, '2026-04-20', $$SELECT perf.pip_advance(21, 'separate')$$, '^done', 'separated'),
    (27, '2026-04-20', $$SELECT string_agg(offer_kind || ' ' || outcome, ', ') FROM perf.severance_offer WHERE employee_id = 21$$, '^tier1 accepted$', 'with the first offer'),
    (27, '2026-04-21', $$SELECT perf.pip_advance(21, 'withdraw', 'x')$$, '^PM004 event "withdraw" is not possible in stage "none"', 'a closed case is over'),

    -- the plan: 90 days in all, pauses apart; three business days after it failed
    (7, '2026-08-03', $$SELECT perf.pip_advance(22, 'identify', 'x')$$, '^done', 'another case'),
    (7, '2026-08-03', $$SELECT perf.pip_advance(22, 'enroll', 'x')$$, '^\d', 'enrolled'), (26, '2026-08-03', $$SELECT approve_pending()$$, '^1', 'approved'),
    (7, '2026-08-04', $$SELECT perf.pip_advance(22, 'escalate', 'x', '2026-08-11')$$, '^\d', 'offered with five business days'), (26, '2026-08-04', $$SELECT approve_pending()$$, '^1', 'approved'),
    (22, '2026-08-05', $$SELECT perf.acknowledge_plan()$$, '^PM004 there is no plan', 'no plan is written'),
    (7, '2026-08-05', $$SELECT perf.write_pip_plan(22, ' ', 45, 'x')$$, '^23514', 'a plan says why it can be met'),
    (7, '2026-08-05', $$SELECT perf.write_pip_plan(22, 'feasible', 29, 'x')$$, '^23514', 'in 30 days at least'),
    (4, '2026-08-05', $$SELECT perf.write_pip_plan(22, 'feasible', 45, 'x')$$, '^PM004', 'not from outside'),
    (7, '2026-08-05', $$SELECT perf.write_pip_plan(22, 'half of the usual work', 45, 'Ship the report.', 'Is it the tooling?', '[{"criterion": "report in use", "due_on": "2026-09-10"}]')$$, '^\d', 'written'),
    (22, '2026-08-05', $$SELECT coalesce(plan_text, 'nothing') FROM perf.forte_plan WHERE employee_id = 22$$, '^nothing', 'not released before HR approved it'),
    (7, '2026-08-05', $$SELECT perf.approve_pip_plan((SELECT max(pip_plan_id) FROM perf.pip_plan))$$, '^PM006', 'a leader does not approve'),
    (26, '2026-08-05', $$SELECT perf.approve_pip_plan((SELECT max(pip_plan_id) FROM perf.pip_plan))$$, '', 'HR approves it'),
    (26, '2026-08-05', $$SELECT perf.approve_pip_plan((SELECT max(pip_plan_id) FROM perf.pip_plan))$$, '^PM004', 'once'),
    (22, '2026-08-05', $$SELECT plan_text || ' ' || milestones FROM perf.forte_plan WHERE employee_id = 22$$, '^Ship the report. report in use by 2026-09-10: open$', 'the employee''s section and the milestones'),
    (22, '2026-08-05', $$SELECT perf.acknowledge_plan()$$, '^1$', 'acknowledged'), (22, '2026-08-05', $$SELECT perf.acknowledge_plan()$$, '^PM004', 'once a version'),
    (22, '2026-08-06', $$SELECT perf.choose_plan()$$, '^done', 'chosen'),
    (22, '2026-08-06', $$SELECT due(22)$$, '^plan_active 2026-09-20$', 'for the 45 days of the plan'),
    (26, '2026-08-10', $$SELECT perf.write_pip_plan(22, 'the report is smaller now', 45, 'Ship the small report.', NULL, '[{"criterion": "small report", "due_on": "2026-09-10"}]')$$, '^\d', 'HR changes it'),
    (26, '2026-08-10', $$SELECT perf.approve_pip_plan((SELECT max(pip_plan_id) FROM perf.pip_plan))$$, '^PM005', 'nobody approves the own version'),
    (27, '2026-08-10', $$SELECT perf.approve_pip_plan((SELECT max(pip_plan_id) FROM perf.pip_plan))$$, '', 'a second person does'),
    (22, '2026-08-10', $$SELECT perf.acknowledge_plan()$$, '^2$', 'and it is acknowledged again'),
    (7, '2026-08-20', $$SELECT perf.record_milestone((SELECT max(pip_milestone_id) FROM perf.pip_milestone), 'met', ' ')$$, '^23514', 'a result needs evidence'),
    (7, '2026-08-20', $$SELECT perf.record_milestone((SELECT max(pip_milestone_id) FROM perf.pip_milestone), 'met', 'https://example.com/2')$$, '', 'a milestone is met'),
    (22, '2026-08-20', $$SELECT milestones FROM perf.forte_plan WHERE employee_id = 22$$, 'met$', 'as the employee sees'),
    (26, '2026-08-20', $$SELECT perf.pip_advance(22, 'extend', 'x', '2026-11-05')$$, '^PM004 the date asked for', '90 days in all'),
    (26, '2026-08-20', $$SELECT perf.pip_advance(22, 'pause', 'leave')$$, '^done', 'paused'), (26, '2026-08-30', $$SELECT perf.pip_advance(22, 'resume')$$, '^done', 'and resumed'),
    (26, '2026-08-30', $$SELECT due(22)$$, '^plan_active 2026-09-30$', 'the end moved'),
    (26, '2026-09-01', $$SELECT perf.pip_advance(22, 'extend', 'x', '2026-11-14')$$, '^done', 'and the 90 days by the pause'),
    (26, '2026-09-02', $$SELECT perf.pip_advance(22, 'extend', 'x')$$, '^PM004 the plan cannot be extended', 'but no longer'),
    (7, '2026-11-12', $$SELECT perf.pip_advance(22, 'fail', 'two of three missed')$$, '^\d', 'failed'), (26, '2026-12-23', $$SELECT approve_pending()$$, '^1', 'approved just before Christmas'),
    (22, '2026-12-23', $$SELECT due(22)$$, '^plan_failed 2026-12-29$', 'three business days without Christmas and the weekend'),
    (22, '2026-12-23', $$SELECT offer_kind || offer_weeks FROM perf.forte_plan WHERE employee_id = 22$$, '^tier210$', 'the second offer: 4 weeks and one a year'),
    (22, '2026-12-30', $$SELECT perf.appeal_pip('x')$$, '^PM004', 'too late'),
    (26, '2026-12-30', $$SELECT perf.pip_advance(22, 'no_choice', 'x')$$, '^\d', 'HR proposes'), (27, '2026-12-30', $$SELECT approve_pending()$$, '^1', 'a second one approves'),
    (26, '2026-12-30', $$SELECT string_agg(offer_kind || ' ' || weeks_of_pay || ' ' || outcome, ', ' ORDER BY severance_offer_id) FROM perf.severance_offer WHERE employee_id = 22$$,
        '^tier1 18 lapsed, tier2 10 lapsed, minimal 2 due$', 'the minimal offer is made, the others lapsed'),
    (22, '2026-12-30', $$SELECT stage || ' ' || offer_kind FROM perf.forte_plan WHERE employee_id = 22$$, '^terminated minimal$', 'and shown');
SELECT format('BEGIN; CALL run_steps_of(%s); COMMIT', place) FROM step ORDER BY place \gexec
SELECT matches(h.answer, s.expected, format('%s %s: %s', s.day, s.actor, s.name)) FROM step s JOIN heard h USING (place) ORDER BY place;
SELECT is_empty($$SELECT m.* FROM perf.pip_mismatches() m JOIN perf.pip_case c USING (pip_case_id) WHERE c.employee_id < 100$$, 'the events add up to the stages');
SELECT isnt_empty($$SELECT m.* FROM perf.pip_mismatches() m JOIN perf.pip_case c USING (pip_case_id) WHERE c.employee_id > 100$$, 'which would be found otherwise');

-- pauses and revocation: policy with 7 days
BEGIN;
ALTER TABLE pip_rule DISABLE TRIGGER USER;
UPDATE pip_rule SET revocation_days = 7 WHERE policy_id = 2;
COMMIT;
TRUNCATE heard, step;
INSERT INTO step (actor, day, statement, expected, name) VALUES
    (103, '2026-03-05', $$SELECT perf.accept_severance()$$, '^done', 'accepted'),
    (26, '2026-03-11', $$SELECT perf.pip_advance(103, 'separate')$$, '^PM004 the employee may still revoke', 'not separated while it can be revoked'),
    (26, '2026-03-11', $$SELECT perf.pip_advance(103, 'pause', 'x')$$, '^done', 'paused'), (103, '2026-03-13', $$SELECT perf.revoke_severance()$$, '^PM004 .*paused', 'nothing goes on'),
    (26, '2026-03-13', $$SELECT perf.pip_advance(103, 'resume')$$, '^done', 'resumed'),
    (103, '2026-03-13', $$SELECT perf.revoke_severance()$$, '^done', 'two days later than 2026-03-12 for the pause'),
    (103, '2026-03-13', $$SELECT due(103)$$, '^pivot_offered 2026-03-12$', 'back, with the date of before, which the pause moved as well'),
    (103, '2026-03-13', $$SELECT perf.accept_severance()$$, '^PM004 the date to choose', 'it has passed'),
    (26, '2026-03-13', $$SELECT perf.pip_advance(103, 'extend', 'x', '2026-03-20')$$, '^done', 'extended'),
    (103, '2026-03-16', $$SELECT perf.accept_severance()$$, '^done', 'accepted again'), (103, '2026-03-23', $$SELECT perf.revoke_severance()$$, '^PM004', 'after seven days it stands'),
    (26, '2026-03-23', $$SELECT perf.pip_advance(103, 'separate')$$, '^done', 'separated');
SELECT format('BEGIN; CALL run_steps_of(%s); COMMIT', place) FROM step ORDER BY place \gexec
SELECT matches(h.answer, s.expected, format('%s %s: %s', s.day, s.actor, s.name)) FROM step s JOIN heard h USING (place) ORDER BY place;

-- a day ends where the policy says: the same moment is in time at one end of the world, and late at the other
BEGIN;
ALTER TABLE pip_rule DISABLE TRIGGER USER;
ALTER TABLE pip_case DISABLE TRIGGER USER;
UPDATE pip_case SET due_on = (clock_timestamp() AT TIME ZONE 'Etc/GMT+12')::date WHERE employee_id = 107;
ALTER TABLE pip_case ENABLE TRIGGER USER;
ALTER TABLE pip_case ENABLE ALWAYS TRIGGER guard_statement, ENABLE ALWAYS TRIGGER guard_row;
SELECT act_as(107) \g /dev/null
UPDATE pip_rule SET time_zone = 'Etc/GMT+12' WHERE policy_id = 2;
SELECT is(try_event(107, 'appeal'), 'appeal_pending', 'in time in Etc/GMT+12');
UPDATE pip_rule SET time_zone = 'Etc/GMT-14' WHERE policy_id = 2;
SET LOCAL TimeZone = 'Etc/GMT+12';
SELECT is(try_event(107, 'appeal'), 'PM004', 'late in Etc/GMT-14, whatever the session says');
ROLLBACK;

-- neither the session's TimeZone nor a long transaction moves a day
SET TimeZone = 'Pacific/Kiritimati';
SELECT is(perfmgmt.pip_today('UTC'), (clock_timestamp() AT TIME ZONE 'UTC')::date, 'the day is the policy''s');
SET TimeZone = 'UTC';
SELECT is(perfmgmt.pip_today('Pacific/Kiritimati'), (clock_timestamp() AT TIME ZONE 'Pacific/Kiritimati')::date, 'in its zone');
SELECT throws_ok($$INSERT INTO perf.policy (policy_id, policy_name) VALUES (99, 'x'); INSERT INTO perf.pip_rule (policy_id, time_zone) VALUES (99, 'Middle/Earth')$$, '22023', NULL, 'an unknown zone');
SELECT throws_ok($$SET perfmgmt.today = '1 May'$$, '22023', NULL, 'a day for rehearsals is a day');
CREATE ROLE pip_plain;
BEGIN;
SET LOCAL ROLE pip_plain;
SELECT throws_ok($$SET perfmgmt.today = '2030-01-01'$$, '42501', NULL, 'that a superuser sets');
ROLLBACK;
DROP ROLE pip_plain;

-- Appeals ----------------------------------------------------------------------------

TRUNCATE heard, step;
SELECT employee_id AS appellant FROM subject WHERE stage = 'plan_failed' \gset
INSERT INTO step (actor, day, statement, expected, name, role_name)
SELECT actor, day::date, replace(statement, '{e}', :'appellant'), expected, name, role_name FROM (VALUES
    (:appellant, '2026-03-04', $$SELECT appeal_pip('the goals changed')$$, '^done', 'the employee appeals', 'employee'),
    (:appellant, '2026-03-04', $$SELECT due({e})$$, '^appeal_pending 2026-03-18', 'ten business days for the panel', NULL),
    (6, '2026-03-05', $$SELECT name_panel({e}, '{4}')$$, '^42501', 'a leader names no panel', 'leader'),
    (28, '2026-03-05', $$SELECT name_panel({e}, '{4}')$$, '^PM006', 'nor does somebody without the office', 'hr'),
    (26, '2026-03-05', $$SELECT name_panel({e}, '{17,18}')$$, '^22023', 'two are no panel', 'hr'),
    (26, '2026-03-05', $$SELECT name_panel({e}, '{17}')$$, '^22023', 'one who manages nobody is none', 'hr'),
    (26, '2026-03-05', $$SELECT name_panel({e}, '{17,18,18}')$$, '^22023', 'nor is one person twice', 'hr'),
    (26, '2026-03-05', $$SELECT name_panel({e}, '{17,18,19,20,21,22}')$$, '^22023', 'six are too many', 'hr'),
    (26, '2026-03-05', $$SELECT name_panel({e}, '{17,18,6}')$$, '^PM005', 'not with the manager', 'hr'),
    (26, '2026-03-05', $$SELECT name_panel({e}, '{1}')$$, '^PM005', 'nor somebody above', 'hr'),
    (26, '2026-03-05', $$SELECT name_panel({e}, '{17,18,{e}}')$$, '^22P02|^PM005', 'nor the employee', 'hr'),
    (26, '2026-03-05', $$SELECT name_panel({e}, '{17,18,29}')$$, '^PM005', 'nor who left', 'hr'),
    (26, '2026-03-05', $$SELECT name_panel({e}, '{3}')$$, '^PM005', 'nor who decided in the case', 'hr'),
    (26, '2026-03-05', $$SELECT name_panel({e}, '{17,18,19,20}')$$, '^\d', 'HR names four peers', 'hr'),
    (26, '2026-03-05', $$SELECT name_panel({e}, '{4}')$$, '^PM004', 'once', 'hr'),
    (22, '2026-03-05', $$SELECT count(*) FROM appeals_to_decide()$$, '^0', 'others have nothing to decide', 'employee'),
    (17, '2026-03-05', $$SELECT statement || has_voted FROM appeals_to_decide() WHERE employee_id = {e}$$, '^the goals changedfalse', 'a member reads what the employee says', 'employee'),
    (22, '2026-03-05', $$SELECT cast_vote((SELECT max(appeal_id) FROM perf.appeal), 'deny')$$, '^PM004', 'others do not vote', NULL),
    (17, '2026-03-05', $$SELECT cast_vote((SELECT max(appeal_id) FROM appeals_to_decide()), 'perhaps')$$, '^23514', 'a vote is uphold or deny', 'employee'),
    (17, '2026-03-05', $$SELECT cast_vote((SELECT max(appeal_id) FROM appeals_to_decide()), 'deny')$$, '^done|^$', 'a vote', 'employee'),
    (17, '2026-03-05', $$SELECT cast_vote((SELECT max(appeal_id) FROM appeals_to_decide()), 'uphold')$$, '^PM004', 'once', 'employee'),
    (17, '2026-03-05', $$SELECT conclude_appeal((SELECT max(appeal_id) FROM appeals_to_decide()))$$, '^PM004 the panel is not ready', 'not before all have voted', 'employee'),
    (18, '2026-03-05', $$SELECT cast_vote((SELECT max(appeal_id) FROM appeals_to_decide()), 'deny')$$, '^done|^$', 'a second vote', 'employee'),
    (19, '2026-03-05', $$SELECT cast_vote((SELECT max(appeal_id) FROM appeals_to_decide()), 'uphold')$$, '^done|^$', 'a third', 'employee'),
    (27, '2026-03-06', $$SELECT replace_panel_member({e}, 17, 21, 'x')$$, '^PM004 who has voted', 'a vote that HR does not like stays', 'hr'),
    (27, '2026-03-06', $$SELECT replace_panel_member({e}, 20, 3, 'x')$$, '^PM005', 'a conflict does not come in', 'hr'),
    (27, '2026-03-06', $$SELECT replace_panel_member({e}, 20, 21, ' ')$$, '^22004', 'with a reason', 'hr'),
    (27, '2026-03-06', $$SELECT replace_panel_member({e}, 20, 21, 'on leave')$$, '^done|^$', 'who has not voted is replaced', 'hr'),
    (27, '2026-03-06', $$SELECT last_event FROM olr.pip WHERE employee_id = {e}$$, '^replace_panel', 'which is an event', 'hr'),
    (20, '2026-03-06', $$SELECT count(*) FROM appeals_to_decide()$$, '^0', 'and has nothing to decide any more', 'employee'),
    (6, '2026-03-06', $$SELECT count(*) FROM perf.appeal_vote$$, '^42501', 'leaders see no vote', 'leader'),
    (17, '2026-03-06', $$SELECT count(*) FROM perf.appeal_vote$$, '^42501', 'nor do members', 'employee'),
    (28, '2026-03-06', $$SELECT count(*) FROM perf.audit_log WHERE table_name = 'perf.appeal_vote'$$, '^0', 'nor does an auditor', 'auditor'),
    (28, '2026-03-06', $$SELECT count(*) > 0 FROM perf.audit_log WHERE table_name = 'perf.appeal_member'$$, '^t', 'who reads the other entries', 'auditor'),
    (27, '2026-03-06', $$SELECT count(*) FROM perf.appeal_vote WHERE employee_id = {e}$$, '^3', 'HR does', 'hr'),
    (21, '2026-03-06', $$SELECT cast_vote((SELECT max(appeal_id) FROM appeals_to_decide()), 'uphold')$$, '^done|^$', 'the fourth vote', 'employee'),
    (26, '2026-03-07', $$SELECT m.employee_id FROM move_employee({e}, 5) m$$, '', 'the employee moves', 'hr'),
    (5, '2026-03-07', $$SELECT stage FROM olr.pip WHERE employee_id = {e}$$, '^appeal_pending', 'the new manager sees the open case', 'leader'),
    (6, '2026-03-07', $$SELECT count(*) FROM olr.pip WHERE employee_id = {e}$$, '^0', 'the former one no more', 'leader'),
    (21, '2026-03-07', $$SELECT conclude_appeal((SELECT max(appeal_id) FROM appeals_to_decide()), 'two of four')$$, '^uphold', 'a tie upholds', 'employee'),
    (:appellant, '2026-03-07', $$SELECT stage FROM forte.my_plan$$, '^closed_reinstated', 'and the employee sees it', 'employee'),
    (26, '2026-03-08', $$SELECT m.employee_id FROM move_employee({e}, 7) m$$, '', 'the employee moves again', 'hr'),
    (7, '2026-03-08', $$SELECT count(*) FROM olr.pip WHERE employee_id = {e}$$, '^0', 'a later manager sees nothing of a closed case', 'leader'),
    (5, '2026-03-08', $$SELECT stage FROM olr.pip WHERE employee_id = {e}$$, '^closed_reinstated', 'the manager of then does', 'leader')
) v(actor, day, statement, expected, name, role_name);
SELECT format('BEGIN; CALL run_steps_of(%s); COMMIT', place) FROM step ORDER BY place \gexec
SELECT matches(h.answer, s.expected, format('%s %s: %s', s.day, s.actor, s.name)) FROM step s JOIN heard h USING (place) ORDER BY place;

-- a member of the panel comes into the line of managers
TRUNCATE heard, step;
INSERT INTO step (actor, day, statement, expected, name, role_name) VALUES
    (26, '2026-03-05', $$SELECT m.employee_id FROM move_employee(104, 4) m$$, '', 'the employee of an entry appeal moves below the panel', 'hr'),
    (4, '2026-03-05', $$SELECT count(*) FROM appeals_to_decide() WHERE employee_id = 104$$, '^0', 'who decides no more', 'employee'),
    (4, '2026-03-05', $$SELECT write_pip_event(104, 'deny')$$, '^PM004 the panel is not ready', 'not even with the vote given before', NULL),
    (27, '2026-03-05', $$SELECT pip_advance(104, 'replace_panel', 'x')$$, '^PM004 event "replace_panel" is written', 'an event that replaces nobody is not written', 'hr'),
    (27, '2026-03-05', $$SELECT replace_panel_member(104, 4, 17, 'x')$$, '^22023', 'one who manages nobody is no panel', 'hr'),
    (27, '2026-03-05', $$SELECT replace_panel_member(104, 4, 5, 'became the manager')$$, '', 'and is replaced, vote or not', 'hr'),
    (5, '2026-03-05', $$SELECT cast_vote((SELECT appeal_id FROM appeals_to_decide() WHERE employee_id = 104), 'deny')$$, '', 'the new one votes', 'employee'),
    (5, '2026-03-05', $$SELECT write_pip_event(104, 'uphold')$$, '^PM004 the votes say otherwise', 'the event says what the votes say', NULL),
    (5, '2026-03-05', $$SELECT conclude_appeal((SELECT appeal_id FROM appeals_to_decide() WHERE employee_id = 104))$$, '^deny', 'denied', 'employee'),
    (104, '2026-03-05', $$SELECT due(104)$$, '^pivot_offered 2026-04-07', 'with a new date to choose', NULL),
    (104, '2026-03-06', $$SELECT appeal_pip('again')$$, '^PM004 the offer was appealed against before', 'the offer is appealed against once', 'employee');
-- the appeal of 104 began outside of the trigger
BEGIN;
ALTER TABLE pip_event DISABLE TRIGGER USER;
UPDATE pip_event SET event = 'appeal_entry' WHERE employee_id = 104;
COMMIT;
ALTER TABLE pip_event ENABLE TRIGGER USER;
CALL perfmgmt.install();
DROP FUNCTION IF EXISTS perf.record_separation(int, text, date);
SELECT format('BEGIN; CALL run_steps_of(%s); COMMIT', place) FROM step ORDER BY place \gexec
SELECT matches(h.answer, s.expected, format('%s %s: %s', s.day, s.actor, s.name)) FROM step s JOIN heard h USING (place) ORDER BY place;

-- Who sees what, and who is told ---------------------------------------------------------

-- the rows of cases that calls touch and take back, by the counters that anybody reads
CREATE FUNCTION touched(VARIADIC calls text[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    call text;
    before bigint;
    after bigint;
    rows_of text := 'SELECT sum(coalesce(idx_tup_fetch, 0) + seq_tup_read + n_tup_ins + n_tup_upd) FROM pg_stat_xact_all_tables WHERE relname ~ ''^(pip_case|pip_event|appeal|severance)''';
BEGIN
    EXECUTE rows_of INTO before;
    FOREACH call IN ARRAY calls LOOP
        BEGIN
            EXECUTE 'SELECT perf.' || call;
            RAISE EXCEPTION 'taken back';
        EXCEPTION WHEN OTHERS THEN
            NULL;
        END;
    END LOOP;
    EXECUTE rows_of INTO after;
    RETURN after - before;
END
$$;

TRUNCATE heard, step;
INSERT INTO step (actor, day, statement, expected, name, role_name) VALUES
    (26, '2026-02-02', $$SELECT pip_advance(26, 'identify', 'x')$$, '^PM005', 'HR takes no step about oneself', 'hr'),
    (1, '2026-02-02', $$SELECT pip_advance(26, 'identify', 'x')$$, '^done', 'the manager of HR does', 'leader'),
    (27, '2026-02-02', $$SELECT pip_advance(26, 'withdraw', 'x')$$, '^PM005 nobody decides about somebody above', 'HR takes none about somebody above', 'hr'),
    (26, '2026-02-02', $$SELECT count(*) FROM olr.pip WHERE employee_id = 26$$, '^0', 'and does not see the own case', 'hr'),
    (26, '2026-02-02', $$SELECT count(*) FROM perf.decision WHERE employee_id = 26$$, '^0', 'nor a decision about it', 'hr'),
    (7, '2026-02-02', $$SELECT pip_advance(24, 'identify', 'x')$$, '^done', 'a case', 'leader'),
    (7, '2026-02-02', $$SELECT pip_advance(24, 'enroll', 'x')$$, '^\d', 'proposed', 'leader'),
    (26, '2026-02-02', $$SELECT approve_pending()$$, '^1', 'in Focus', NULL),
    (6, '2026-02-02', $$SELECT count(*) FROM olr.pip WHERE employee_id = 24$$, '^0', 'a leader beside sees nothing', 'leader'),
    (6, '2026-02-02', $$SELECT pip_advance(24, 'improve', 'x')$$, '^PM006 event "improve" about employee 24 is not yours to write', 'and hears the same as', 'leader'),
    (6, '2026-02-02', $$SELECT pip_advance(25, 'improve', 'x')$$, '^PM006 event "improve" about employee 25 is not yours to write', 'where there is no case', 'leader'),
    (24, '2026-02-02', $$SELECT count(*) FROM forte.my_plan$$, '^0', 'the employee sees nothing', 'employee'),
    (24, '2026-02-02', $$SELECT choose_plan()$$, '^PM004 there is nothing of yours that waits for "choose_plan"', 'and hears the same as', 'employee'),
    (25, '2026-02-02', $$SELECT choose_plan()$$, '^PM004 there is nothing of yours that waits for "choose_plan"', 'somebody without a case', 'employee'),
    (24, '2026-02-02', $$SELECT touched('choose_plan()', 'accept_severance()', 'revoke_severance()', 'appeal_pip(''x'')', 'request_transfer(2)', 'resign()')$$, '^0$', 'touches no row of the case', NULL),
    (24, '2026-02-02', $$SELECT request_transfer(2, 'x')$$, '^pending HR$', 'a wish for another team waits', 'employee'),
    (25, '2026-02-02', $$SELECT request_transfer(2, 'x')$$, '^pending HR$', 'as anybody''s', 'employee'),
    (26, '2026-02-02', $$SELECT string_agg(coalesce(blocked_by, 'free'), ', ' ORDER BY employee_id) FROM olr.transfer_request WHERE employee_id IN (24, 25)$$, '^open case in stage focus, free$', 'HR sees why', 'hr'),
    (7, '2026-02-02', $$SELECT count(*) FROM olr.transfer_request$$, '^42501', 'leaders see none', 'leader'),
    (26, '2026-02-02', $$SELECT decide_transfer(transfer_request_id, 'approved') FROM olr.transfer_request WHERE employee_id = 24$$, '^PM004 an open case blocks', 'and cannot let it through', 'hr'),
    (26, '2026-02-02', $$SELECT decide_transfer(transfer_request_id, 'declined') FROM olr.transfer_request WHERE employee_id = 24$$, '^PM004 an open case blocks', 'nor decline it', 'hr'),
    (26, '2026-02-02', $$SELECT decide_transfer(transfer_request_id, 'approved') FROM olr.transfer_request WHERE employee_id = 25$$, '', 'the other one goes', 'hr'),
    (24, '2026-02-02', $$SELECT status FROM own_transfers()$$, '^pending HR$', 'the employee reads the same as at first', 'employee'),
    (25, '2026-02-02', $$SELECT status FROM own_transfers()$$, '^approved$', 'until HR decides', 'employee'),
    (25, '2026-02-02', $$SELECT withdraw_transfer(transfer_request_id) FROM own_transfers()$$, '^PM004', 'what is decided stays', 'employee'),
    (7, '2026-02-02', $$SELECT count(*) FROM perf.severance_offer$$, '^42501', 'leaders see no pay', 'leader'),
    (26, '2026-02-02', $$SELECT count(*) FROM olr.pip_due WHERE employee_id = 24$$, '^0', 'nothing is due', 'hr'),
    (26, '2026-04-06', $$SELECT days_left || ' ' || is_overdue || ' ' || next_events FROM olr.pip_due WHERE employee_id = 24$$, '^1 false improve \(leader \+ hr\), escalate \(leader \+ hr\)$', 'a review comes', 'hr'),
    (26, '2026-04-12', $$SELECT days_left || ' ' || is_overdue FROM olr.pip_due WHERE employee_id = 24$$, '^-5 true$', 'and is overdue', 'hr'),
    (7, '2026-02-02', $$SELECT pip_remind()$$, '^42501', 'a leader starts no reminders', 'leader'),
    (26, '2026-04-06', $$SELECT pip_remind('2026-04-06')$$, '^[1-9]', 'reminders', 'hr'),
    (26, '2026-04-06', $$SELECT pip_remind('2026-04-06')$$, '^0$', 'once', 'hr'),
    (26, '2026-04-12', $$SELECT pip_remind('2026-04-12')$$, '^[1-9]', 'and again when overdue', 'hr'),
    (26, '2026-04-12', $$SELECT pip_remind('2026-04-13')$$, '^0$', 'once', 'hr'),
    (24, '2026-04-13', $$SELECT resign('x')$$, '^pending HR$', 'who resigns from Focus hears', 'employee'),
    (25, '2026-04-13', $$SELECT resign('x')$$, '^pending HR$', 'the same as anybody', 'employee'),
    (26, '2026-04-13', $$SELECT stage FROM olr.pip WHERE employee_id = 24$$, '^focus$', 'the case is not touched', 'hr'),
    (26, '2026-04-13', $$SELECT pip_advance(24, 'resign', 'told on the 13th')$$, '^done', 'until HR closes it', 'hr'),
    (26, '2026-04-13', $$SELECT stage FROM olr.pip WHERE employee_id = 24$$, '^closed_resigned$', 'as it was told to', 'hr');
SELECT format('BEGIN; CALL run_steps_of(%s); COMMIT', place) FROM step ORDER BY place \gexec
SELECT matches(h.answer, s.expected, format('%s %s: %s', s.day, s.actor, s.name)) FROM step s JOIN heard h USING (place) ORDER BY place;
SELECT results_eq($$SELECT employee_id, event, detail ->> 'due_on' FROM perf.outbox
                    WHERE (detail ->> 'pip_case_id')::int = (SELECT max(pip_case_id) FROM perf.pip_case WHERE employee_id = 24) ORDER BY outbox_id$$,
    $$VALUES (7, 'pip.due', '2026-04-07'), (7, 'pip.overdue', '2026-04-07')$$, 'of Focus the manager is reminded, and nothing is queued about the employee');
SELECT results_eq($$SELECT event, count(*) FROM perf.outbox WHERE employee_id IN (24, 25) AND event LIKE 'pip.%' GROUP BY employee_id, event ORDER BY employee_id$$,
    $$VALUES ('pip.resigned', 1::bigint), ('pip.resigned', 1)$$, 'but that somebody resigned');
SELECT is_empty($$SELECT o.* FROM perf.outbox o JOIN perf.pip_case c ON c.pip_case_id = (o.detail ->> 'pip_case_id')::int
                  WHERE o.employee_id = c.employee_id AND c.employee_informed_on IS NULL$$, 'no queue holds what the person does not know');
SELECT is_empty($$SELECT f.* FROM perf.forte_plan f JOIN perf.pip_case c USING (employee_id, pip_case_id) WHERE c.employee_informed_on IS NULL$$, 'nor does the release table');
SELECT is_empty($$SELECT o.pip_case_id FROM perf.severance_offer o JOIN perf.severance_offer later
                  ON later.pip_case_id = o.pip_case_id AND later.severance_offer_id > o.severance_offer_id AND later.weeks_of_pay >= o.weeks_of_pay$$,
                'a later offer is always smaller');

-- What changes meanwhile -----------------------------------------------------------------

TRUNCATE heard, step;
-- 18: service of nearly six years, a policy whose offers are a week apart, and a rise between them
BEGIN;
ALTER TABLE pip_rule DISABLE TRIGGER USER;
UPDATE pip_rule SET tier1_weeks = 5, tier2_weeks = 4, minimal_weeks = 3, minimal_weeks_per_year = 1, revocation_days = 0 WHERE policy_id = 2;
COMMIT;
UPDATE employee SET hired_on = CASE employee_id WHEN 18 THEN date '2020-03-10' ELSE '2020-02-29' END WHERE employee_id IN (18, 118);
INSERT INTO step (actor, day, statement, expected, name, role_name) VALUES
    -- HR below the person, in what is no event
    (3, '2026-02-02', $$SELECT pip_advance(6, 'identify', 'x')$$, '^done', 'a case of a manager', 'leader'),
    (3, '2026-02-02', $$SELECT pip_advance(6, 'enroll', 'x')$$, '^\d', 'proposed', 'leader'),
    (141, '2026-02-02', $$SELECT count(approve(decision_id)) FROM perf.decision WHERE outcome = 'pending' AND decision_kind = 'pip_step'$$, '^PM005', 'HR below the person does not approve', 'hr'),
    (26, '2026-02-02', $$SELECT approve_pending()$$, '^1', 'somebody else in HR does', NULL),
    (141, '2026-02-02', $$SELECT note_coaching(6, 'x', 'x', true)$$, '^PM005', 'nor notes a talk with the own manager', 'hr'),
    (141, '2026-02-02', $$SELECT write_pip_plan(6, 'x', 30, 'x')$$, '^PM005', 'nor writes the manager''s plan', 'hr'),
    (3, '2026-02-02', $$SELECT write_pip_plan(6, 'x', 30, 'x')$$, '^\d', 'the manager above does', 'leader'),
    (141, '2026-02-02', $$SELECT approve_pip_plan((SELECT max(pip_plan_id) FROM perf.pip_plan))$$, '^PM005', 'nor approves it', 'hr'),
    (26, '2026-02-02', $$SELECT pip_advance(6, 'withdraw', 'x')$$, '^done', 'withdrawn', 'hr'),
    (6, '2026-02-02', $$SELECT request_transfer(2)$$, '^pending HR', 'the manager wishes for another team', 'employee'),
    (141, '2026-02-02', $$SELECT decide_transfer(transfer_request_id, 'declined') FROM olr.transfer_request WHERE employee_id = 6$$, '^PM005', 'which nobody below decides', 'hr'),

    -- a plan is there before it fails; offers fall in weeks and in money; milestones follow a pause
    (27, '2026-01-02', $$SELECT record_pay(18, 52000, 'EUR', '2026-01-01')$$, '', 'pay', 'hr'),
    (6, '2026-01-05', $$SELECT pip_advance(18, 'identify', 'x')$$, '^done', 'a case', 'leader'),
    (6, '2026-01-05', $$SELECT pip_advance(18, 'enroll', 'x')$$, '^\d', 'proposed', 'leader'), (26, '2026-01-05', $$SELECT approve_pending()$$, '^1', 'approved', NULL),
    (6, '2026-01-06', $$SELECT pip_advance(18, 'escalate', 'x')$$, '^\d', 'proposed', 'leader'), (26, '2026-01-06', $$SELECT approve_pending()$$, '^1', 'approved', NULL),
    (18, '2026-01-07', $$SELECT appeal_pip('too early')$$, '^done', 'the employee appeals against the offer', 'employee'),
    (142, '2026-01-07', $$SELECT name_panel(18, '{142,10,11}')$$, '^PM005 nobody names oneself', 'HR names a panel, not oneself', 'hr'),
    (26, '2026-01-07', $$SELECT name_panel(18, '{8,10,11}')$$, '^\d', 'three peers', 'hr'),
    (8, '2026-01-08', $$SELECT cast_vote(appeal_id, 'deny') FROM appeals_to_decide() WHERE employee_id = 18$$, '', 'one', 'employee'),
    (10, '2026-01-08', $$SELECT cast_vote(appeal_id, 'uphold') FROM appeals_to_decide() WHERE employee_id = 18$$, '', 'two', 'employee'),
    (11, '2026-01-08', $$SELECT cast_vote(appeal_id, 'deny') FROM appeals_to_decide() WHERE employee_id = 18$$, '', 'three', 'employee'),
    (11, '2026-01-08', $$SELECT conclude_appeal((SELECT appeal_id FROM appeals_to_decide() WHERE employee_id = 18))$$, '^deny', 'the majority denies', 'employee'),
    (18, '2026-01-09', $$SELECT choose_plan()$$, '^done', 'so the plan runs', 'employee'),
    (6, '2026-01-12', $$SELECT pip_advance(18, 'fail', 'x')$$, '^PM004 there is no plan that HR approved', 'a plan that nobody wrote does not fail', 'leader'),
    (28, '2026-01-12', $$SELECT write_pip_plan(18, 'x', 60, 'x')$$, '^PM004', 'not written from outside', NULL),
    (27, '2026-01-12', $$SELECT write_pip_plan(18, 'x', 60, 'x', NULL, '[{"criterion": "first", "due_on": "2026-01-20"}, {"criterion": "second", "due_on": "2026-02-20"}]')$$, '^\d', 'HR writes one', 'hr'),
    (6, '2026-01-12', $$SELECT pip_advance(18, 'fail', 'x')$$, '^PM004 there is no plan that HR approved', 'which waits for approval', 'leader'),
    (6, '2026-01-12', $$SELECT write_pip_plan(18, 'x', 60, 'x', NULL, '[{"criterion": "x", "due_on": "2026-01-11"}]')$$, '^22023 a milestone lies ahead', 'no milestone is missed before it begins', 'leader'),
    (143, '2026-01-12', $$SELECT approve_pip_plan((SELECT max(pip_plan_id) FROM perf.pip_plan))$$, '', 'another one in HR approves it', 'hr'),
    (26, '2026-02-01', $$SELECT pip_advance(18, 'pause', 'ill')$$, '^done', 'paused for ten days', 'hr'), (26, '2026-02-11', $$SELECT pip_advance(18, 'resume')$$, '^done', 'resumed', 'hr'),
    (18, '2026-02-11', $$SELECT milestones FROM forte.my_plan WHERE is_open$$, '^first by 2026-01-20: open\nsecond by 2026-03-02: open$', 'what was to come has ten days more, what was over has not', 'employee'),
    (27, '2026-03-01', $$SELECT record_pay(18, 104000, 'EUR', '2026-03-01')$$, '', 'a rise', 'hr'),
    (6, '2026-03-11', $$SELECT pip_advance(18, 'fail', 'x')$$, '^\d', 'proposed', 'leader'), (26, '2026-03-11', $$SELECT approve_pending()$$, '^1', 'failed, after six years of service', NULL),
    (18, '2026-03-11', $$SELECT appeal_pip('ill')$$, '^done', 'the employee appeals again', 'employee'),
    (26, '2026-03-11', $$SELECT name_panel(18, '{8,9,12}')$$, '^PM005', 'who voted on the first appeal does not sit on the second', 'hr'),
    (26, '2026-03-11', $$SELECT name_panel(18, '{143,9,12}')$$, '^PM005', 'nor who approved the plan', 'hr'),
    (26, '2026-03-11', $$SELECT name_panel(18, '{27,9,12}')$$, '^PM005', 'or wrote it', 'hr'),
    (26, '2026-03-11', $$SELECT name_panel(18, '{4}')$$, '^\d', 'one manager does', 'hr'),
    (4, '2026-03-12', $$SELECT cast_vote(appeal_id, 'deny') FROM appeals_to_decide() WHERE employee_id = 18$$, '', 'who', 'employee'),
    (4, '2026-03-12', $$SELECT conclude_appeal((SELECT appeal_id FROM appeals_to_decide() WHERE employee_id = 18))$$, '^deny', 'denies', 'employee'),
    (27, '2026-03-12', $$SELECT string_agg(format('%s %s %s', offer_kind, weeks_of_pay, amount), ', ' ORDER BY severance_offer_id) FROM perf.severance_offer WHERE employee_id = 18$$,
        '^tier1 10 10000.00, tier2 9 9000.00, minimal 8 8000.00$', 'three offers, each smaller than the one before, in weeks and in money', 'hr'),

    -- the person leaves before the case ends
    (6, '2026-02-02', $$SELECT pip_advance(20, 'identify', 'x')$$, '^done', 'a case', 'leader'),
    (6, '2026-02-02', $$SELECT pip_advance(20, 'enroll', 'x')$$, '^\d', 'proposed', 'leader'),
    (26, '2026-02-04', $$UPDATE perf.employee SET left_on = '2026-02-03' WHERE employee_id = 20 RETURNING 'left'$$, '^left', 'an import says that the person left', NULL),
    (26, '2026-02-04', $$SELECT approve_pending()$$, '^PM004 .*employee 20 has left', 'nothing begins for who has left', NULL),
    (26, '2026-02-04', $$SELECT perf.reject(decision_id) FROM decision WHERE outcome = 'pending' AND decision_kind = 'pip_step'$$, '', 'rejected', NULL),
    (26, '2026-02-04', $$SELECT pip_advance(20, 'pause', 'x')$$, '^PM004 .*employee 20 has left', 'nor stands still', 'hr'),
    (26, '2026-02-04', $$SELECT pip_advance(20, 'separate_other', 'the import was first')$$, '^done', 'the case can be ended', 'hr'),
    (26, '2026-02-04', $$SELECT pip_advance(29, 'identify', 'x')$$, '^PM004 .*employee 29 has left', 'nobody is named who has left', 'hr'),

    -- the one who proposed is no longer somebody who may
    (6, '2026-02-02', $$SELECT pip_advance(17, 'identify', 'x')$$, '^done', 'a case', 'leader'),
    (143, '2026-02-02', $$SELECT pip_advance(17, 'separate_other', 'x')$$, '^done', 'of one person', 'hr'),
    (4, '2026-02-02', $$SELECT pip_advance(12, 'identify', 'x')$$, '^done', 'a case', 'leader'),
    (4, '2026-02-02', $$SELECT pip_advance(12, 'enroll', 'x')$$, '^\d', 'proposed', 'leader'), (26, '2026-02-02', $$SELECT approve_pending()$$, '^1', 'approved', NULL),
    (4, '2026-02-02', $$SELECT pip_advance(12, 'escalate', 'x')$$, '^\d', 'proposed', 'leader'), (26, '2026-02-02', $$SELECT approve_pending()$$, '^1', 'approved', NULL),
    (144, '2026-02-03', $$SELECT pip_advance(12, 'withdraw', 'x')$$, '^\d', 'one in HR proposes to withdraw it', 'hr'),
    (26, '2026-02-03', $$SELECT m.employee_id FROM move_employee(144, 12) m$$, '', 'and moves below the person', 'hr'),
    (27, '2026-02-03', $$SELECT approve_pending()$$, '^PM006 who proposed this is no longer', 'so that it takes no effect', NULL),
    (27, '2026-02-03', $$SELECT perf.reject(decision_id) FROM decision WHERE outcome = 'pending' AND decision_kind = 'pip_step'$$, '', 'rejected', NULL),
    (145, '2026-02-03', $$SELECT pip_advance(12, 'withdraw', 'x')$$, '^\d', 'another one proposes', 'hr'),
    (26, '2026-02-03', $$UPDATE perf.appointment SET valid_during = daterange(lower(valid_during), CURRENT_DATE) WHERE employee_id = 145 RETURNING 'ended'$$, '^ended', 'whose appointment ends', NULL),
    (27, '2026-02-03', $$SELECT approve_pending()$$, '^PM006 who proposed this is no longer', 'with the same result', NULL),
    (27, '2026-02-03', $$SELECT perf.reject(decision_id) FROM decision WHERE outcome = 'pending' AND decision_kind = 'pip_step'$$, '', 'rejected', NULL),
    (2, '2026-02-03', $$SELECT pip_advance(12, 'improve', 'x')$$, '^PM004 event', 'not in this stage', 'leader'),
    (5, '2026-02-03', $$SELECT pip_advance(15, 'identify', 'x')$$, '^done', 'a case', 'leader'),
    (5, '2026-02-03', $$SELECT pip_advance(15, 'enroll', 'x')$$, '^\d', 'proposed', 'leader'),
    (26, '2026-02-03', $$UPDATE perf.employee SET left_on = CURRENT_DATE WHERE employee_id = 5 RETURNING 'left'$$, '^left', 'by a leader who leaves', NULL),
    (27, '2026-02-03', $$SELECT approve_pending()$$, '^PM006 who proposed this is no longer', 'with the same result', NULL),
    (26, '2026-02-03', $$UPDATE perf.employee SET left_on = NULL WHERE employee_id = 5 RETURNING 'back'$$, '^back', 'who comes back', NULL),
    (27, '2026-02-03', $$SELECT approve_pending()$$, '^1', 'and then it counts', NULL),

    (9, '2026-02-03', $$SELECT pip_advance(15, 'escalate', 'x')$$, '^PM006', 'who stands in for a leader in calibration does not here', 'leader'),

    -- months and days
    (5, '2026-12-31', $$SELECT pip_advance(15, 'escalate', 'x', '2027-03-01')$$, '^\d', 'more than two months from the last of December', 'leader'),
    (26, '2026-12-31', $$SELECT approve_pending()$$, '^PM004 the date asked for', 'end on the last of February', NULL),
    (26, '2026-12-31', $$SELECT perf.reject(decision_id) FROM decision WHERE outcome = 'pending' AND decision_kind = 'pip_step'$$, '', 'rejected', NULL),
    (5, '2026-12-31', $$SELECT pip_advance(15, 'escalate', 'x', '2027-02-28')$$, '^\d', 'proposed', 'leader'), (26, '2026-12-31', $$SELECT approve_pending()$$, '^1', 'which is possible', NULL),
    (26, '2026-12-31', $$SELECT pip_advance(15, 'extend', 'x')$$, '^PM004 the date cannot be extended any more now', 'and as far as it goes', 'hr'),
    (26, '2027-01-15', $$SELECT pip_advance(15, 'extend', 'x', '2027-03-15')$$, '^done', 'until days have passed', 'hr'),
    (26, '2027-03-10', $$SELECT pip_remind()$$, '^\d', 'what is overdue', 'hr'),
    (26, '2027-03-11', $$SELECT pip_remind()$$, '^0', 'the day of a reminder is that of the events', 'hr'),
    (26, '2027-03-12', $$SELECT pip_remind()$$, '^[1-9]', 'three days before', 'hr');
SELECT format('BEGIN; CALL run_steps_of(%s); COMMIT', place) FROM step ORDER BY place \gexec
SELECT matches(h.answer, s.expected, format('%s %s: %s', s.day, s.actor, s.name)) FROM step s JOIN heard h USING (place) ORDER BY place;
BEGIN;
INSERT INTO severance_offer (employee_id, pip_case_id, offer_kind, offered_on, years_of_service, weeks_of_pay, annual_pay, currency, amount)
VALUES (107, 107, 'tier1', '2026-02-01', 6, 11, NULL, NULL, NULL), (107, 107, 'tier2', '2026-02-20', 6, 10, 52000, 'EUR', 10000);
INSERT INTO employee_pay VALUES (107, '2026-02-25', 520000, 'EUR');
SELECT results_eq($$SELECT (severance_terms(2, 'minimal', 107, 107, '2026-03-11')).amount$$, 'VALUES (9000.00)', 'pay that the second offer knew first holds for the third');
ROLLBACK;
SELECT results_eq($$SELECT (severance_terms(2, 'tier1', 118, 0, d)).years_of_service FROM unnest('{2021-02-28,2021-03-01,2024-02-28,2024-02-29,2019-01-01}'::date[]) d$$,
    'VALUES (0), (1), (3), (4), (0)', 'who came on a leap day has served a year on the first of March');

-- where the policy discloses Focus
BEGIN;
ALTER TABLE pip_rule DISABLE TRIGGER USER;
UPDATE pip_rule SET focus_disclosed = true, entry_appeal_allowed = false, choice_months = 2 WHERE policy_id = 2;
COMMIT;
TRUNCATE heard, step;
INSERT INTO step (actor, day, statement, expected, name, role_name) VALUES
    (7, '2026-02-02', $$SELECT pip_advance(23, 'identify', 'x')$$, '^done', 'a case', 'leader'),
    (23, '2026-02-02', $$SELECT count(*) FROM forte.my_plan$$, '^0', 'identified is not Focus', 'employee'),
    (7, '2026-02-02', $$SELECT pip_advance(23, 'enroll', 'x')$$, '^\d', 'proposed', 'leader'),
    (26, '2026-02-02', $$SELECT approve_pending()$$, '^1', 'in Focus', NULL),
    (23, '2026-02-02', $$SELECT stage || ' ' || due_on FROM forte.my_plan$$, '^focus 2026-04-07$', 'the employee sees it', 'employee'),
    (7, '2026-03-02', $$SELECT pip_advance(23, 'escalate', 'x')$$, '^\d', 'proposed', 'leader'),
    (26, '2026-03-02', $$SELECT approve_pending()$$, '^1', 'Pivot', NULL),
    (23, '2026-03-02', $$SELECT due_on FROM forte.my_plan$$, '^2026-05-02$', 'two months are the most, on a Saturday too', 'employee'),
    (23, '2026-03-02', $$SELECT appeal_pip('x')$$, '^PM004 the policy knows no appeal', 'without an appeal against the offer, where the policy has none', 'employee');
SELECT format('BEGIN; CALL run_steps_of(%s); COMMIT', place) FROM step ORDER BY place \gexec
SELECT matches(h.answer, s.expected, format('%s %s: %s', s.day, s.actor, s.name)) FROM step s JOIN heard h USING (place) ORDER BY place;

-- a final LE of a released session is ground enough; LE opens nothing by itself
SELECT is((SELECT count(*) FROM perf.pip_event WHERE decided_by IS NULL), 0::bigint, 'no event without a named person');
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'perf'::regnamespace AND p.prosrc ~* 'insert\s+into\s+pip_event'
                  AND p.proname <> 'write_pip_event'$$, 'one function writes events');
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'perf'::regnamespace AND p.prosrc ~ '\mwrite_pip_event\M'
                  AND p.proname NOT IN ('pip_advance', 'apply_decision', 'replace_panel_member', 'conclude_appeal', 'choose_plan', 'accept_severance',
                                        'revoke_severance', 'appeal_pip', 'resign', 'write_own_event', 'write_pip_event')$$, 'called where a person acts');
BEGIN;
SELECT is(has_final_le(17), false, 'no session was released');
UPDATE overall_value SET final_tier = 'LE' WHERE (employee_id, review_cycle_id) = (17, 1);
SELECT is(has_final_le(17), false, 'LE without a session is none');
INSERT INTO calibration_session (calibration_session_id, review_cycle_id, session_name, status) VALUES (99, 1, 'x', 'released');
UPDATE overall_value SET calibration_session_id = 99 WHERE (employee_id, review_cycle_id) = (17, 1);
SELECT is(has_final_le(17), true, 'with one it is');
SELECT act_as(6) \g /dev/null
SELECT lives_ok($$SELECT perf.pip_advance(17, 'identify')$$, 'and needs no reason');
ROLLBACK;

-- Erasure ---------------------------------------------------------------------------------

-- history goes only where people decided so; the state not even then
BEGIN;
SET LOCAL ROLE perfmgmt_ledger;
SELECT public.throws_ok($$UPDATE perf.pip_case SET stage = 'focus'$$, '42501', NULL, 'the role that erases writes no stage');
ROLLBACK;
SELECT pip_case_id AS closed_case FROM pip_case WHERE employee_id = :appellant AND stage = 'closed_reinstated' \gset
TRUNCATE heard, step;
INSERT INTO step (actor, day, statement, expected, name, role_name) VALUES
    (26, '2026-06-01', $$SELECT propose_retention_rule('pip', 1, 'x')$$, '^\d', 'HR proposes to keep cases for a month', 'hr'),
    (27, '2026-06-01', $$SELECT approve(max(decision_id)) FROM perf.decision WHERE decision_kind = 'retention_rule'$$, '', 'a second one approves', 'hr'),
    (26, '2026-06-01', format($$SELECT string_agg(table_name, ' ' ORDER BY table_name) FROM purge_expired('2026-06-01') WHERE category = 'pip' AND purged_rows > 0$$),
        '^appeal appeal_member appeal_vote .*pip_case pip_event', 'what is older goes', 'hr');
SELECT count(*) AS open_before FROM pip_case WHERE closed_on IS NULL \gset
SELECT format('BEGIN; CALL run_steps_of(%s); COMMIT', place) FROM step ORDER BY place \gexec
SELECT matches(h.answer, s.expected, format('%s %s: %s', s.day, s.actor, s.name)) FROM step s JOIN heard h USING (place) ORDER BY place;
SELECT is((SELECT count(*) FROM pip_case WHERE pip_case_id = :closed_case), 0::bigint, 'a closed case is gone');
SELECT is((SELECT count(*) FROM pip_event WHERE pip_case_id = :closed_case), 0::bigint, 'with its events');
SELECT is((SELECT count(*) FROM pip_case WHERE closed_on IS NULL), :open_before::bigint, 'open ones stay');

-- The page -------------------------------------------------------------------------------

\set page `cat doc/pip.md`
SELECT ok(position(E'```mermaid\n' || perfmgmt.pip_diagram('mermaid') || E'```\n' IN :'page') > 0, 'doc/pip.md shows the picture that the function draws');

SELECT * FROM finish();
