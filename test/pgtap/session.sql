-- Sessions: who sits in them, what they may do, what happens in the middle, how
-- they end, and what follows the release. The fixture is told in setup.sql.
SELECT * FROM no_plan() \g /dev/null
SET search_path = public, perf, perfmgmt;

-- A step is a statement of a person in a role, in a transaction of its own, and
-- a pattern for the answer. do_steps() makes the transactions of the steps not
-- yet taken; answers hold SQLSTATE, message and detail. Constraints are checked
-- at once, as at commit.
CREATE TABLE step (place int GENERATED ALWAYS AS IDENTITY, actor int, role_name text, statement text, expected text, name text, answer text);
GRANT SELECT, UPDATE ON step TO PUBLIC;
CREATE FUNCTION answer(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
    detail text;
BEGIN
    EXECUTE statement INTO result;
    SET CONSTRAINTS ALL IMMEDIATE;
    RETURN coalesce(nullif(result, ''), 'done');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ' ' || SQLERRM || CASE WHEN detail <> '' THEN E'\n' || detail ELSE '' END;
END
$$;
CREATE FUNCTION do_steps() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('BEGIN; DO $do$ BEGIN PERFORM perfmgmt.act_as(%s); END $do$; SET LOCAL ROLE perfmgmt_%s;
                   UPDATE public.step SET answer = public.answer(statement) WHERE place = %s; COMMIT', s.actor, s.role_name, s.place)
    FROM step s WHERE s.answer IS NULL ORDER BY s.place
$$;
CREATE FUNCTION steps_went() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    s record;
BEGIN
    FOR s IN SELECT * FROM step ORDER BY place LOOP
        RETURN NEXT matches(s.answer, s.expected, s.name);
    END LOOP;
    DELETE FROM step;
END
$$;

-- What an employee can learn -----------------------------------------------

-- as employee 8: every relation and function of ours, with plans, counts and errors
CREATE TABLE learned (round text, what text, answer text);
GRANT INSERT ON learned TO PUBLIC;
CREATE PROCEDURE learn(round text) LANGUAGE plpgsql AS $$
DECLARE
    r record;
    line text;
    collected text;
BEGIN
    FOR r IN SELECT c.oid::regclass AS name FROM pg_class c WHERE c.relnamespace IN ('perf'::regnamespace, 'forte'::regnamespace, 'olr'::regnamespace)
             AND c.relkind IN ('r', 'v') LOOP
        INSERT INTO learned VALUES (round, 'count ' || r.name, answer(format('SELECT count(*) FROM %s', r.name)));
        collected := '';
        BEGIN
            FOR line IN EXECUTE format('EXPLAIN SELECT * FROM %s', r.name) LOOP
                collected := collected || line;
            END LOOP;
            FOR line IN EXECUTE format('EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, BUFFERS OFF) SELECT * FROM %s', r.name) LOOP
                collected := collected || line;
            END LOOP;
        EXCEPTION WHEN OTHERS THEN
            collected := SQLERRM;
        END;
        INSERT INTO learned VALUES (round, 'plan ' || r.name, collected);
    END LOOP;
    FOR r IN SELECT p.oid::regprocedure AS name, p.proname,
                    (SELECT string_agg(format('%s::%s', CASE y.t WHEN 'int4' THEN '2' WHEN 'text' THEN '''x''' ELSE 'NULL' END, y.t), ', ' ORDER BY y.place)
                     FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a(type_id, place)
                     CROSS JOIN LATERAL (SELECT t.typname::text AS t, a.place FROM pg_type t WHERE t.oid = a.type_id) y) AS arguments
             FROM pg_proc p WHERE p.pronamespace = 'perf'::regnamespace AND p.prorettype <> 'trigger'::regtype
             AND p.proname !~ 'transfer' -- these write what they show: test/pgtap/pip.sql
    LOOP
        INSERT INTO learned VALUES (round, 'call ' || r.name, answer(format('SELECT perf.%I(%s)', r.proname, r.arguments)));
    END LOOP;
END
$$;
BEGIN;
SELECT act_as(8) \g /dev/null
SET LOCAL ROLE perfmgmt_employee;
CALL public.learn('before');
COMMIT;

-- Planning -----------------------------------------------------------------

INSERT INTO step (actor, role_name, statement, expected, name) VALUES
    (4, 'leader', $$SELECT create_session(2, 'x')$$, '^42501', 'a leader makes no session'),
    (4, 'hr', $$SELECT create_session(2, 'x')$$, '^PM006', 'nor somebody in the role of hr without the office'),
    (26, 'hr', $$SELECT create_session(1, 'x')$$, '^PM004', 'not in a released cycle'),
    (26, 'hr', $$SELECT create_session(2, 'beta')$$, '^23505', 'a name is used once'),
    (26, 'hr', $$SELECT create_session(2, 'x', 1)$$, '^PM004 cycle 2 has no calibration group 1', 'a group of another cycle'),
    (26, 'hr', $$SELECT create_session(2, 'x', NULL, 99)$$, '^PM004 session 99 cannot be the parent', 'an unknown parent'),
    (26, 'hr', $$SELECT create_session(2, 'x', 4, 1)$$, '^PM005 .*\nemployee 28 takes part and employee 1 is above\.\nemployee 28 takes part and is a subject\.$', 'the people of a parent may not be in conflict with the subjects'),
    (26, 'hr', $$SELECT create_session(2, 'alpha', 5)$$, '^\d+$', 'HR plans a session');
SELECT do_steps() \gexec
SELECT steps_went();
SELECT calibration_session_id AS alpha FROM calibration_session WHERE session_name = 'alpha' \gset
SELECT results_eq(format('SELECT employee_id, added_reason FROM perf.session_subject WHERE calibration_session_id = %s ORDER BY 1', :alpha),
    $$SELECT v, 'belongs to the group' FROM unnest('{2,4,5,8,9,10,11,12,13,14,15,16}'::int[]) v$$, 'about everybody of the group who is rated');
SELECT is_empty(format('SELECT employee_id FROM perf.overall_value o JOIN perf.participation p USING (employee_id, review_cycle_id)
    WHERE review_cycle_id = 2 AND (o.calibration_session_id, p.calibration_session_id) IS DISTINCT FROM (CASE WHEN p.team_id = 2 THEN %1$s WHEN p.team_id = 3 THEN 2 END, CASE WHEN p.team_id = 2 THEN %1$s WHEN p.team_id = 3 THEN 2 END)', :alpha),
    'rows say which session they belong to');

INSERT INTO step (actor, role_name, statement, expected, name) VALUES
    (26, 'hr', format('SELECT add_participant(%s, 3, ''chair'')', :alpha), '^done', 'HR names a chair'),
    (3, 'leader', format('SELECT add_participant(%s, 6, ''calibrator'')', :alpha), '^done', 'the chair names a calibrator'),
    (3, 'leader', format('SELECT add_participant(%s, 7, ''calibrator'')', :alpha), '^done', 'and another'),
    (3, 'leader', format('SELECT add_participant(%s, 27, ''facilitator'')', :alpha), '^done', 'a facilitator'),
    (27, 'leader', format('SELECT add_participant(%s, 17, ''calibrator'')', :alpha), '^done', 'who names somebody too'),
    (27, 'leader', format('SELECT add_participant(%s, 17, ''observer'')', :alpha), '^done', 'and gives another role'),
    (6, 'leader', format('SELECT add_participant(%s, 18, ''observer'')', :alpha), '^PM006', 'a calibrator names nobody'),
    (17, 'leader', format('SELECT add_participant(%s, 18, ''observer'')', :alpha), '^PM006', 'nor an observer'),
    (2, 'leader', format('SELECT add_participant(%s, 18, ''observer'')', :alpha), '^PM004 calibration session \d+ does not exist$', 'to others the session does not exist'),
    (2, 'leader', 'SELECT add_participant(99, 18, ''observer'')', '^PM004 calibration session 99 does not exist$', 'just as one that does not'),
    (3, 'leader', format('SELECT add_participant(%s, 18, ''judge'')', :alpha), '^23503', 'an unknown role'),
    (3, 'leader', format('SELECT add_participant(%s, 999, ''observer'')', :alpha), '^23503', 'an unknown person'),
    (3, 'leader', format('SELECT add_participant(%s, 3, ''facilitator'')', :alpha), '^PM005 nobody gives oneself another role', 'nobody gives oneself a role'),
    (3, 'leader', format('SELECT add_participant(%s, 4, ''observer'')', :alpha), '^PM005 .*\nemployee 4 takes part and employee 2 is above\.\nemployee 4 takes part and is a subject\.$', 'a subject, whose manager is one too, does not take part'),
    (26, 'hr', 'SELECT add_participant(1, 3, ''observer'')', '^PM005 .*\nemployee 3 takes part and is a subject\.$', 'nor in a session above'),
    (26, 'hr', 'SELECT add_participant(1, 29, ''observer'')', '^PM005 .*\nemployee 29 takes part and employee 3 is above\.\nemployee 29 takes part and employee 6 is above\.$', 'nor anybody below a subject'),
    (3, 'leader', format('SELECT remove_participant(%s, 18)', :alpha), '^PM004', 'who does not take part cannot be taken out'),
    (6, 'leader', format('SELECT remove_participant(%s, 17)', :alpha), '^PM006', 'a calibrator takes nobody out'),
    (13, 'employee', format('SELECT activate_session(%s)', :alpha), '^42501', 'an employee calls none of this'),
    -- subjects
    (3, 'leader', format('SELECT add_subject(%s, 22, ''x'')', :alpha), '^PM004 employee 22 cannot become', 'a subject of another session'),
    (3, 'leader', format('SELECT add_subject(%s, 29, ''x'')', :alpha), '^PM004 employee 29 cannot become', 'somebody who is not rated'),
    (3, 'leader', format('SELECT add_subject(%s, 1, ''x'')', :alpha), '^PM005', 'the manager of a participant'),
    (3, 'leader', format('SELECT add_subject(%s, 27, ''x'')', :alpha), '^PM005', 'a participant'),
    (3, 'leader', format('SELECT add_subject(%s, 28, ''has no other session'')', :alpha), '^done', 'somebody in no session'),
    (3, 'leader', format('SELECT add_subject(%s, 28, ''again'')', :alpha), '^PM004', 'once'),
    (6, 'leader', format('SELECT remove_subject(%s, 28, ''x'')', :alpha), '^PM006', 'a calibrator removes nobody'),
    (3, 'leader', format('SELECT remove_subject(%s, 28, ''belongs elsewhere'')', :alpha), '^done', 'a subject can be removed'),
    (3, 'leader', format('SELECT remove_subject(%s, 28, ''x'')', :alpha), '^PM004', 'once'),
    -- preliminary ratings
    (6, 'leader', format('SELECT give_preliminary_rating(%s, 8, ''HV2'', ''steady'')', :alpha), '^done', 'a calibrator rates before the discussion'),
    (6, 'leader', format('SELECT give_preliminary_rating(%s, 8, ''HV3'')', :alpha), '^done', 'and changes the mind'),
    (7, 'leader', format('SELECT give_preliminary_rating(%s, 8, ''LE'')', :alpha), '^done', 'another one too'),
    (27, 'leader', format('SELECT give_preliminary_rating(%s, 8, ''LE'')', :alpha), '^PM006', 'not the facilitator'),
    (17, 'leader', format('SELECT give_preliminary_rating(%s, 8, ''LE'')', :alpha), '^PM006', 'nor an observer'),
    (6, 'leader', format('SELECT give_preliminary_rating(%s, 22, ''LE'')', :alpha), '^PM004', 'not about the subject of another session'),
    (6, 'leader', format('SELECT give_preliminary_rating(%s, 8, ''BEST'')', :alpha), '^23503', 'an unknown tier'),
    (2, 'leader', format('SELECT give_preliminary_rating(%s, 8, ''LE'')', :alpha), '^PM004', 'to others the session does not exist'),
    (6, 'leader', $$SELECT string_agg(calibrator_id || tier, ',') FROM olr.preliminary_rating WHERE employee_id = 8$$, '^6HV3$', 'a calibrator sees the own one'),
    (3, 'leader', 'SELECT count(*) FROM olr.preliminary_rating WHERE employee_id = 8', '^0$', 'the chair none yet'),
    (4, 'leader', 'SELECT count(*) FROM olr.preliminary_rating WHERE employee_id = 8', '^0$', 'nor the manager'),
    (26, 'hr', 'SELECT count(*) FROM olr.preliminary_rating WHERE employee_id = 8', '^0$', 'nor HR'),
    -- nothing else yet
    (3, 'leader', format('SELECT propose_change(%s, 8, ''HV2'', ''evidence'', ''x'')', :alpha), '^PM004 this is not possible while the session is planned', 'no change before the session is active'),
    (3, 'leader', format('SELECT rank_subject(%s, 8, 1)', :alpha), '^PM004', 'no rank'),
    (3, 'leader', format('SELECT mark_discussed(%s, 8)', :alpha), '^PM004', 'nothing discussed'),
    (3, 'leader', format('SELECT finalize_session(%s)', :alpha), '^PM004', 'no end'),
    (3, 'leader', format('SELECT propose_session_reopening(%s, ''x'')', :alpha), '^PM004', 'no reopening'),
    (3, 'leader', format('SELECT propose_session_exception(%s, ''x'')', :alpha), '^PM004', 'no exception'),
    (6, 'leader', format('SELECT activate_session(%s)', :alpha), '^PM006', 'a calibrator does not begin'),
    -- a move of a participant makes a conflict
    (26, 'hr', 'SELECT count(*) FROM move_employee(17, 4)', '^\d+$', 'an observer moves below a subject'),
    (3, 'leader', format('SELECT activate_session(%s)', :alpha), '^PM005 .*\nemployee 17 takes part and employee 2 is above\.\nemployee 17 takes part and employee 4 is above\.$', 'the session does not begin with a conflict'),
    (27, 'hr', format('SELECT remove_participant(%s, 17)', :alpha), '^done', 'the observer goes'),
    (27, 'hr', format('SELECT activate_session(%s)', :alpha), '^done', 'and HR begins the session'),
    (3, 'leader', format('SELECT activate_session(%s)', :alpha), '^PM004', 'once'),
    (26, 'hr', 'SELECT count(*) FROM move_employee(17, 6)', '^\d+$', 'the move is taken back'),
    (3, 'leader', $$SELECT string_agg(calibrator_id || tier, ',' ORDER BY calibrator_id) FROM olr.preliminary_rating WHERE employee_id = 8$$, '^6HV3,7LE$', 'now the chair sees the preliminary ratings'),
    (4, 'leader', 'SELECT count(*) FROM olr.preliminary_rating WHERE employee_id = 8', '^2$', 'and the manager'),
    (8, 'leader', 'SELECT count(*) FROM olr.preliminary_rating WHERE employee_id = 8', '^0$', 'the person does not'),
    (6, 'leader', format('SELECT give_preliminary_rating(%s, 8, ''HV2'')', :alpha), '^PM004 your preliminary rating is open', 'an open one stays as it is');
SELECT do_steps() \gexec
SELECT steps_went();
SELECT results_eq(format('SELECT removed_reason, removed_at IS NOT NULL FROM perf.session_subject WHERE calibration_session_id = %s AND employee_id = 28', :alpha),
    $$VALUES ('belongs elsewhere', true)$$, 'who was removed stays on record with the reason');
SELECT is((SELECT calibration_session_id FROM overall_value WHERE (employee_id, review_cycle_id) = (28, 2)), NULL, 'and belongs to no session');

-- Changes ------------------------------------------------------------------

INSERT INTO step (actor, role_name, statement, expected, name) VALUES
    (16, 'leader', $$SELECT propose_change(2, 21, 'HV2', 'evidence', 'x')$$, '^PM006', 'an observer changes nothing'),
    (26, 'leader', $$SELECT propose_change(2, 21, 'HV2', 'evidence', 'x')$$, '^PM006', 'nor the facilitator'),
    (27, 'hr', $$SELECT propose_change(2, 21, 'HV2', 'evidence', 'x')$$, '^PM006', 'nor HR'),
    (6, 'leader', $$SELECT propose_change(2, 21, 'HV2', 'evidence', 'x')$$, '^PM004 calibration session 2 does not exist$', 'for who takes no part there is no session'),
    (13, 'employee', $$SELECT propose_change(2, 21, 'HV2', 'evidence', 'x')$$, '^42501', 'an employee calls none of this'),
    (4, 'leader', $$SELECT propose_change(2, 8, 'HV2', 'evidence', 'x')$$, '^PM004 not everybody named', 'not a subject of another session'),
    (4, 'leader', $$SELECT propose_change(2, 999, 'HV2', 'evidence', 'x')$$, '^PM004 not everybody named', 'in the same words as nobody'),
    (6, 'leader', format('SELECT propose_change(%s, 12, ''HV2'', ''evidence'', ''x'')', :alpha), '^PM004', 'not somebody without an Overall Value'),
    (4, 'leader', $$SELECT propose_change(2, 21, 'HV2', 'because', 'x')$$, '^22023 unknown reason', 'an unknown reason'),
    (4, 'leader', $$SELECT propose_change(2, 21, 'HV2', 'withdrawn', 'x')$$, '^22023', 'withdrawing is another function'),
    (4, 'leader', $$SELECT propose_change(2, 21, 'HV2', NULL, 'x')$$, '^22023', 'no reason'),
    (4, 'leader', $$SELECT propose_change(2, 21, 'HV2', 'evidence', ' ')$$, '^22004', 'no comment'),
    (4, 'leader', $$SELECT propose_change(2, 21, 'HV2', 'evidence', NULL)$$, '^22004', 'not even an empty one'),
    (4, 'leader', $$SELECT propose_change(2, 21, 'BEST', 'evidence', 'x')$$, '^23503', 'an unknown tier'),
    (4, 'leader', $$SELECT propose_change(2, 21, NULL, 'evidence', 'x')$$, '^22023', 'no tier'),
    (4, 'leader', $$SELECT propose_changes(2, NULL, NULL, 'evidence', 'x')$$, '^22023', 'nobody'),
    (4, 'leader', $$SELECT propose_changes(2, '{}', '{}', 'evidence', 'x')$$, '^22023', 'nobody at all'),
    (4, 'leader', $$SELECT propose_changes(2, '{21,21}', '{HV2,HV1}', 'evidence', 'x')$$, '^22023', 'somebody twice'),
    (4, 'leader', $$SELECT propose_changes(2, '{21,22}', '{HV2}', 'evidence', 'x')$$, '^22023', 'a tier too few'),
    (4, 'leader', $$SELECT propose_change(2, 21, 'HV3', 'evidence', 'x')$$, '^done$', 'a person who stands there already'),
    (4, 'leader', $$SELECT propose_changes(2, '{21,22}', '{TT,TT}', 'evidence', 'both are strong')$$,
        '^PM009 the change breaks a hard bound of the pool\nTT would hold 4 people, allowed are 0 to 3\.$', 'a broken hard bound is refused when it is checked: at commit'),
    (4, 'leader', $$SELECT propose_changes(2, '{24,25}', '{LE,LE}', 'evidence', 'x')$$, '^PM009 .*\nLE would hold 3 people, allowed are 0 to 2\.$', 'at the other end too'),
    (4, 'leader', $$SELECT propose_changes(2, '{21,7,22}', '{TT,HV3,TT}', 'consistency', 'compared with the other team')$$, '^\{\d+,\d+,\d+\}$', 'with a swap in the same call it holds'),
    (5, 'leader', $$SELECT propose_change(2, 25, 'TT', 'scope', 'up first'); SELECT propose_change(2, 22, 'HV2', 'scope', 'then down')$$, '^\d+$', 'or in two statements of a transaction'),
    (4, 'leader', $$SET CONSTRAINTS ALL IMMEDIATE; SELECT propose_change(2, 22, 'TT', 'scope', 'up first')$$, '^PM009', 'unless they are checked at once'),
    (2, 'leader', 'SELECT rank_subject(2, 25, 2)', '^done', 'the chair ranks'),
    (5, 'leader', 'SELECT rank_subject(2, 25, 1)', '^done', 'and a calibrator'),
    (5, 'leader', 'SELECT rank_subject(2, 25, 0)', '^23514', 'ranks begin at 1'),
    (16, 'leader', 'SELECT rank_subject(2, 25, 1)', '^PM006', 'an observer does not'),
    (5, 'leader', 'SELECT rank_subject(2, 8, 1)', '^PM004', 'nor anybody a subject of another session'),
    (26, 'leader', 'SELECT mark_discussed(2, 25)', '^done', 'the facilitator marks'),
    (5, 'leader', 'SELECT mark_discussed(2, 25)', '^PM006', 'a calibrator does not');
SELECT do_steps() \gexec
SELECT steps_went();
SELECT results_eq('SELECT rank_in_tier, discussed_by FROM perf.session_subject WHERE (employee_id, calibration_session_id) = (25, 2)', 'VALUES (1, 26)', 'rank and mark are there');
SELECT results_eq($$SELECT employee_id, old_tier, new_tier, change_reason, changed_by FROM olr.calibration_history ORDER BY calibration_change_id$$,
    $$VALUES (20, 'HV2', 'HV3', 'evidence', 4), (7, 'TT', 'HV3', 'consistency', 4), (21, 'HV3', 'TT', 'consistency', 4), (22, 'HV3', 'TT', 'consistency', 4),
             (25, 'HV1', 'TT', 'scope', 5), (22, 'TT', 'HV2', 'scope', 5)$$, 'every change is on record, refused ones are not');
SELECT throws_ok($$UPDATE perf.calibration_change SET comment = 'y'$$, 'PM004', NULL, 'no change is changed');
SELECT throws_ok('DELETE FROM perf.calibration_change', 'PM004', NULL, 'or deleted');
SELECT calibration_change_id AS last_of_25 FROM calibration_change WHERE employee_id = 25 \gset
SELECT max(calibration_change_id) AS last_of_22, min(calibration_change_id) AS first_of_22 FROM calibration_change WHERE employee_id = 22 \gset

-- withdrawals
INSERT INTO step (actor, role_name, statement, expected, name) VALUES
    (4, 'leader', format('SELECT withdraw_change(%s, ''x'')', :last_of_22), '^PM004', 'another calibrator withdraws nothing'),
    (16, 'leader', format('SELECT withdraw_change(%s, ''x'')', :last_of_22), '^PM004', 'nor an observer'),
    (6, 'leader', format('SELECT withdraw_change(%s, ''x'')', :last_of_22), '^PM004', 'nor somebody else, in the same words'),
    (6, 'leader', 'SELECT withdraw_change(9999, ''x'')', '^PM004', 'as for no change'),
    (4, 'leader', format('SELECT withdraw_change(%s, ''x'')', :first_of_22), '^PM004 only the last change', 'the last one alone'),
    (5, 'leader', format('SELECT withdraw_change(%s, '' '')', :last_of_22), '^23514', 'with a comment'),
    (5, 'leader', format('SELECT withdraw_change(%s, ''x'')', :last_of_22), '^PM009', 'hard bounds hold here too'),
    (5, 'leader', format('SELECT withdraw_change(%s, ''up was wrong''); SELECT withdraw_change(%s, ''down was wrong'')', :last_of_25, :last_of_22), '^\d+$', 'both together'),
    (5, 'leader', format('SELECT withdraw_change(%s, ''x'')', :last_of_22), '^PM004', 'once'),
    (2, 'leader', format('SELECT withdraw_change(%s, ''the chair too'')', (SELECT max(calibration_change_id) FROM calibration_change WHERE employee_id = 7)), '^PM009|^\d+$', 'the chair withdraws');
SELECT do_steps() \gexec
SELECT steps_went();
SELECT results_eq('SELECT calibrated_tier, rank_in_tier FROM perf.overall_value JOIN perf.session_subject USING (employee_id, review_cycle_id) WHERE (employee_id, review_cycle_id) = (25, 2)',
    $$VALUES ('HV1', NULL::int)$$, 'the way back is a change, and the rank in the other tier is gone');
SELECT results_eq(format('SELECT old_tier, new_tier, change_reason, withdraws_change_id FROM perf.calibration_change WHERE withdraws_change_id = %s', :last_of_25),
    format($$VALUES ('TT', 'HV1', 'withdrawn', %s)$$, :last_of_25), 'on record as well');

-- a transaction with an older snapshot would not see what others did meanwhile
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT act_as(4) \g /dev/null
SELECT throws_ok($$SELECT perf.propose_change(2, 22, 'HV2', 'scope', 'x')$$, '25000', 'sessions need READ COMMITTED', 'not in REPEATABLE READ');
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT act_as(2) \g /dev/null
SELECT throws_ok('SELECT perf.finalize_session(2)', '25000', 'sessions need READ COMMITTED', 'nor in SERIALIZABLE');
ROLLBACK;

-- Delegation ---------------------------------------------------------------

INSERT INTO step (actor, role_name, statement, expected, name) VALUES
    (4, 'leader', $$SELECT delegate_calibration(4, CURRENT_DATE, CURRENT_DATE, 'x')$$, '^PM005', 'nobody delegates to oneself'),
    (4, 'leader', $$SELECT delegate_calibration(10, CURRENT_DATE, CURRENT_DATE, ' ')$$, '^23514', 'a delegation has a reason'),
    (4, 'leader', $$SELECT delegate_calibration(10, CURRENT_DATE, CURRENT_DATE - 1, 'x')$$, '^22000', 'and an end after its beginning'),
    (4, 'leader', $$SELECT delegate_calibration(20, CURRENT_DATE, CURRENT_DATE, 'x')$$, '^PM005 .*\nemployee 20 takes part and employee 3 is above', 'not to a subject'),
    (28, 'leader', $$SELECT delegate_calibration(20, CURRENT_DATE, CURRENT_DATE, 'x')$$, '^PM005', 'nor to one of a session below'),
    (4, 'leader', $$SELECT delegate_calibration(10, CURRENT_DATE - 5, CURRENT_DATE - 1, 'was away')$$, '^\d+$', 'a delegation that is over'),
    (4, 'leader', $$SELECT delegate_calibration(11, CURRENT_DATE + 1, CURRENT_DATE + 5, 'will be away')$$, '^\d+$', 'one that begins tomorrow'),
    (16, 'leader', $$SELECT delegate_calibration(15, CURRENT_DATE, CURRENT_DATE, 'away')$$, '^\d+$', 'one of an observer'),
    (9, 'leader', $$SELECT propose_change(2, 25, 'HV2', 'scope', 'x')$$, '^PM006', 'a delegate changes nothing in the own name'),
    (9, 'leader', $$SELECT propose_change(2, 25, 'HV2', 'scope', 'for the principal', 4)$$, '^PM006 nobody delegated', 'nor for somebody else'),
    (9, 'leader', $$SELECT propose_change(2, 25, 'HV2', 'scope', 'for the principal', 5)$$, '^\d+$', 'but for the principal'),
    (9, 'leader', $$SELECT finalize_session(2)$$, '^PM006', 'and leads nothing'),
    (9, 'leader', $$SELECT count(*) FROM olr.rating WHERE review_cycle_id = 2$$, '^12$', 'a delegate sees the subjects'),
    (10, 'leader', $$SELECT propose_change(2, 25, 'HV2', 'scope', 'x', 4)$$, '^PM004 calibration session 2 does not exist', 'when it is over there is no session'),
    (11, 'leader', $$SELECT propose_change(2, 25, 'HV2', 'scope', 'x', 4)$$, '^PM004 calibration session 2 does not exist', 'and none before'),
    (10, 'leader', $$SELECT count(*) FROM olr.rating WHERE review_cycle_id = 2$$, '^0$', 'and nothing to see'),
    (15, 'leader', $$SELECT propose_change(2, 25, 'HV1', 'scope', 'x', 16)$$, '^PM006', 'a principal who may not change cannot delegate it'),
    (15, 'leader', 'SELECT rank_subject(2, 25, 1)', '^PM006', 'nor rank'),
    (5, 'leader', $$SELECT string_agg(delegate_id::text, ',') FROM perf.delegation$$, '^9$', 'a principal sees the own delegations');
SELECT do_steps() \gexec
SELECT steps_went();
SELECT results_eq('SELECT changed_by, on_behalf_of, changed_by_name, on_behalf_of_name FROM olr.calibration_history ORDER BY calibration_change_id DESC LIMIT 1',
    $$VALUES (9, 5, 'Person 9', 'Person 5')$$, 'both are on record');

-- In the middle ------------------------------------------------------------

INSERT INTO step (actor, role_name, statement, expected, name) VALUES
    (3, 'leader', format('SELECT remove_subject(%s, 12, ''goes to the other session'')', :alpha), '^done', 'a subject leaves in the middle'),
    (2, 'leader', 'SELECT add_subject(2, 26, ''x'')', '^PM005', 'a participant does not come in'),
    (3, 'leader', format('SELECT add_subject(%s, 12, ''comes back'')', :alpha), '^done', 'a subject comes in the middle'),
    -- a participant comes below a subject: the conflict is listed, the rows are gone
    (26, 'hr', 'SELECT count(*) FROM move_employee(5, 6)', '^\d+$', 'a calibrator moves below a subject'),
    (5, 'leader', $$SELECT string_agg(employee_id::text, ',' ORDER BY employee_id) FROM olr.rating WHERE calibrated_tier IS NOT NULL OR employee_id IN (3, 6)$$, '^7,20,21,22,25$', 'sees the others, not the manager and who is above'),
    (5, 'leader', $$SELECT propose_change(2, 6, 'HV3', 'scope', 'x')$$, '^PM004 not everybody named', 'and does not move the manager'),
    (5, 'leader', $$SELECT propose_change(2, 3, 'HV3', 'scope', 'x')$$, '^PM004', 'nor anybody above'),
    (9, 'leader', $$SELECT propose_change(2, 6, 'HV3', 'scope', 'x', 5)$$, '^PM004', 'nor does the delegate'),
    (5, 'leader', $$SELECT give_preliminary_rating(2, 6, 'TT')$$, '^PM004', 'nor rate'),
    (5, 'leader', 'SELECT rank_subject(2, 6, 1)', '^PM004', 'nor rank'),
    (5, 'leader', 'SELECT explain_rank(2, 6)', '^PM004', 'nor explain'),
    (5, 'leader', $$SELECT count(*) FROM what_if(2, 2, '{0,0,0,0,1}') WHERE employee_id IN (3, 6)$$, '^0$', 'nor ask what would be'),
    (2, 'leader', 'SELECT finalize_session(2)', '^PM009 .*\nconflict: employee 5 takes part and employee 3 is above\nconflict: employee 5 takes part and employee 6 is above$', 'the session does not end so'),
    (26, 'hr', 'SELECT count(*) FROM move_employee(5, 2)', '^\d+$', 'the move is taken back'),
    -- somebody leaves
    (26, 'hr', $$SELECT change_eligibility(2, 24, 'left', 'left the company')$$, '^\d+$', 'somebody leaves'),
    (26, 'hr', $$SELECT change_eligibility(2, 23, 'transferred', 'came late')$$, '^\d+$', 'somebody was transferred');
SELECT do_steps() \gexec
SELECT steps_went();
INSERT INTO step (actor, role_name, statement, expected, name)
SELECT 27, 'hr', format('SELECT approve(%s)', decision_id), '^done', 'a second person agrees' FROM decision WHERE decision_kind = 'eligibility' AND outcome = 'pending';
SELECT do_steps() \gexec
SELECT steps_went();
SELECT results_eq('SELECT takes_seat, o.calibration_session_id, p.calibration_session_id, removed_reason FROM perf.overall_value o JOIN perf.participation p USING (employee_id, review_cycle_id) JOIN perf.session_subject USING (employee_id, review_cycle_id) WHERE employee_id = 24 AND review_cycle_id = 2',
    $$VALUES (false, NULL::int, NULL::int, 'left the company')$$, 'who left has no seat and sits in no session');
SELECT results_eq('SELECT takes_seat, quota_tier = proposed_tier, calibration_session_id FROM perf.overall_value WHERE employee_id = 23 AND review_cycle_id = 2',
    'VALUES (false, true, 2)', 'who was transferred stays, without a seat, in the proposed tier');
INSERT INTO step (actor, role_name, statement, expected, name) VALUES
    (4, 'leader', $$SELECT propose_change(2, 24, 'HV2', 'scope', 'x')$$, '^PM004', 'nobody moves who left'),
    (2, 'leader', $$SELECT add_subject(2, 24, 'x')$$, '^PM004', 'or takes in'),
    (2, 'leader', $$SELECT propose_change(2, 23, 'TT', 'scope', 'x')$$, '^\d+$', 'who takes no seat breaks no bound'),
    (2, 'leader', $$SELECT count(*) FROM what_if(2, 2) WHERE employee_id = 24$$, '^0$', 'what_if() counts who is there'),
    (2, 'leader', $$SELECT count(*) > 0 FROM what_if(2, 2, '{0,0,0,0,1}')$$, '^(t|true)$', 'and deals to them'),
    (26, 'hr', $$SELECT count(*) FROM (SELECT explain_rank(2, employee_id) FROM perf.overall_value WHERE review_cycle_id = 2) e$$, '^\d+$', 'explain_rank() works for everybody'),
    (26, 'hr', $$SELECT change_eligibility(2, 31, 'eligible', 'was there long enough')$$, '^\d+$', 'somebody comes back');
SELECT do_steps() \gexec
SELECT steps_went();
INSERT INTO step (actor, role_name, statement, expected, name)
SELECT 27, 'hr', format('SELECT approve(%s)', decision_id), '^done', 'a second person agrees' FROM decision WHERE decision_kind = 'eligibility' AND outcome = 'pending';
SELECT do_steps() \gexec
SELECT steps_went();

-- calibrate() once a session is active: new inputs only
CREATE TABLE was AS SELECT employee_id, quota_tier, calibrated_tier, calibration_pool_id FROM overall_value WHERE review_cycle_id = 2;
CREATE TABLE quota_was AS SELECT * FROM pool_quota;
INSERT INTO principle_rating (employee_id, review_cycle_id, rater_id, relation, scores, level_rank, manager_chain)
SELECT 31, 2, 5, 'manager', array_fill(4::smallint, ARRAY[16]), p.level_rank, p.manager_chain FROM participation p WHERE (employee_id, review_cycle_id) = (31, 2);
INSERT INTO assessment (employee_id, review_cycle_id, job_performance, potential, summary, source, assessed_by, manager_chain)
SELECT p.employee_id, 2, 5, 4, 'Better than thought.', 'manager', p.manager_id, p.manager_chain FROM participation p WHERE review_cycle_id = 2 AND employee_id IN (18, 31);
SELECT is((SELECT c.seats FROM calibrate(2) c), (SELECT sum(seats)::int FROM quota_was JOIN calibration_pool USING (calibration_pool_id) WHERE review_cycle_id = 2), 'calibrate() takes up new inputs');
SELECT results_eq('SELECT * FROM perf.pool_quota ORDER BY 1, 3', 'SELECT * FROM quota_was ORDER BY 1, 3', 'the quotas stay');
SELECT results_eq('SELECT employee_id, quota_tier, calibrated_tier, calibration_pool_id FROM perf.overall_value WHERE review_cycle_id = 2 AND employee_id <> 31 ORDER BY 1',
    'SELECT * FROM was WHERE employee_id <> 24 ORDER BY 1', 'so do tiers and pools of everybody');
SELECT results_eq('SELECT proposed_tier, quota_tier FROM perf.overall_value WHERE review_cycle_id = 2 AND employee_id = 18', $$VALUES ('TT', 'LE')$$, 'of who was assessed anew too: the session decides');
SELECT results_eq('SELECT quota_tier = proposed_tier, takes_seat, calibration_session_id FROM perf.overall_value WHERE review_cycle_id = 2 AND employee_id = 31', 'VALUES (true, true, NULL::int)', 'a newcomer begins in the proposed tier, in no session yet');
INSERT INTO step (actor, role_name, statement, expected, name) VALUES
    (3, 'leader', format('SELECT add_subject(%s, 31, ''came back'')', :alpha), '^done', 'and can be taken in'),
    (2, 'leader', $$SELECT value FROM explain_rank(2, 18) WHERE name = 'quota tier'$$, 'dealt was LE, before people or inputs changed$', 'explain_rank() says that the inputs changed later'),
    (2, 'leader', $$SELECT value FROM explain_rank(2, 25) WHERE name = 'moved in the session' ORDER BY step DESC LIMIT 1$$, '^HV1 -> HV2, scope: for the principal$', 'and which change moved a person');
SELECT do_steps() \gexec
SELECT steps_went();

-- hard bounds broken by others: no worse
UPDATE overall_value SET calibrated_tier = 'TT' WHERE review_cycle_id = 2 AND employee_id IN (7, 17, 21, 22, 19);
INSERT INTO step (actor, role_name, statement, expected, name) VALUES
    (4, 'leader', $$SELECT propose_change(2, 20, 'HV2', 'scope', 'elsewhere in the pool')$$, '^\d+$', 'what touches no broken bound is allowed'),
    (4, 'leader', $$SELECT propose_change(2, 19, 'HV2', 'scope', 'less broken')$$, '^\d+$', 'what makes it better too'),
    (4, 'leader', $$SELECT propose_changes(2, '{20,22}', '{TT,HV2}', 'scope', 'as broken')$$, '^\{', 'what leaves it as it was'),
    (4, 'leader', $$SELECT propose_change(2, 19, 'TT', 'scope', 'worse')$$, '^PM009 .*\nTT would hold 5 people, allowed are 0 to 2\.$', 'what makes it worse is not');
SELECT do_steps() \gexec
SELECT steps_went();

-- The end ------------------------------------------------------------------

-- everything that is wrong, at once: five lacks and one more session
INSERT INTO step (actor, role_name, statement, expected, name) VALUES
    (26, 'hr', $$SELECT create_session(2, 'below beta', NULL, 2)$$, '^\d+$', 'a session below'),
    (26, 'hr', 'SELECT count(*) FROM move_employee(16, 7)', '^\d+$', 'an observer moves below a subject'),
    (26, 'hr', $$SELECT remove_participant(2, 2)$$, '^done', 'the chair goes'),
    (26, 'hr', $$SELECT finalize_session(2)$$, '^PM006', 'HR does not end a session'),
    (5, 'leader', $$SELECT finalize_session(2)$$, '^PM006', 'nor a calibrator'),
    (6, 'leader', $$SELECT finalize_session(2)$$, '^PM004 calibration session 2 does not exist', 'for others there is none');
SELECT do_steps() \gexec
SELECT steps_went();
UPDATE overall_value SET ov_points = NULL, proposed_tier = NULL, quota_tier = NULL, missing = '{potential}' WHERE (employee_id, review_cycle_id) = (18, 2);
INSERT INTO step (actor, role_name, statement, expected, name) VALUES (28, 'leader', 'SELECT finalize_session(2)', '.', 'lacks');
SELECT do_steps() \gexec
SELECT is(answer, 'PM009 session "beta" cannot be finalized yet
pool beta: TT holds 4 people, allowed are 0 to 2
conflict: employee 16 takes part and employee 3 is above
conflict: employee 16 takes part and employee 7 is above
employee 18 has no Overall Value (missing: potential) and no recorded exemption
session "below beta" below is still planned
the session has no chair', 'finalize_session() lists everything that is missing, one a line') FROM step;
DELETE FROM step;

-- one by one
INSERT INTO step (actor, role_name, statement, expected, name) VALUES
    (26, 'hr', $$SELECT add_participant(2, 2, 'chair')$$, '^PM005 .*\nemployee 16 takes part and employee 3 is above', 'nobody sits down beside a conflict'),
    (26, 'hr', 'SELECT count(*) FROM move_employee(16, 5)', '^\d+$', 'the observer moves back'),
    (26, 'hr', $$SELECT add_participant(2, 2, 'chair')$$, '^done', 'and the chair sits down'),
    (5, 'leader', $$SELECT propose_calibration_exemption(2, 18, 'x')$$, '^PM006', 'a calibrator proposes no exemption'),
    (2, 'leader', $$SELECT propose_calibration_exemption(2, 8, 'x')$$, '^PM004', 'the chair not about a subject of another session'),
    (2, 'leader', $$SELECT propose_calibration_exemption(2, 18, 'potential comes later')$$, '^\d+$', 'but about an own one'),
    (5, 'leader', $$SELECT propose_session_exception(2, 'x')$$, '^PM006', 'nor an exception'),
    (2, 'leader', $$SELECT propose_session_exception(2, ' ')$$, '^22004', 'an exception has a reason'),
    (2, 'leader', $$SELECT propose_session_exception(2, 'four of them are that good')$$, '^\d+$', 'the chair proposes one'),
    (2, 'leader', $$SELECT finalize_session(2)$$, '^PM009 .*\npool beta: .*\nemployee 18 .*\nsession "below beta" below is still planned$', 'proposals change nothing'),
    -- the child has no subjects: it ends first
    (26, 'hr', $$SELECT add_participant((SELECT max(calibration_session_id) FROM perf.calibration_session), 28, 'chair')$$, '^done', 'a chair for the session below'),
    (28, 'leader', $$SELECT activate_session((SELECT max(calibration_session_id) FROM perf.calibration_session))$$, '^done', 'it begins'),
    (28, 'leader', $$SELECT finalize_session((SELECT max(calibration_session_id) FROM perf.calibration_session))$$, '^done', 'and ends');
SELECT do_steps() \gexec
SELECT steps_went();
SELECT decision_id AS exemption FROM decision WHERE decision_kind = 'calibration_exemption' \gset
SELECT decision_id AS exception FROM decision WHERE decision_kind = 'session_exception' \gset
INSERT INTO step (actor, role_name, statement, expected, name) VALUES
    (2, 'hr', format('SELECT approve(%s)', :exemption), '^PM004 there is no decision', 'the proposer does not approve, without the office'),
    (27, 'hr', format('SELECT approve(%s)', :exemption), '^done', 'a second person does'),
    (27, 'hr', format('SELECT approve(%s)', :exemption), '^PM004 .* was decided before', 'once'),
    (26, 'hr', format('SELECT approve(%s)', :exception), '^done', 'an exception is approved'),
    (4, 'leader', $$SELECT propose_change(2, 19, 'TT', 'scope', 'even a fifth')$$, '^\d+$', 'now hard bounds may be broken here'),
    (2, 'leader', $$SELECT finalize_session(2)$$, '^done', 'and the session ends'),
    (2, 'leader', $$SELECT finalize_session(2)$$, '^PM004', 'once'),
    (4, 'leader', $$SELECT propose_change(2, 19, 'HV2', 'scope', 'x')$$, '^PM004 this is not possible while the session is finalized', 'nothing moves any more'),
    (2, 'leader', 'SELECT rank_subject(2, 19, 1)', '^PM004', 'nor is ranked'),
    (2, 'leader', 'SELECT mark_discussed(2, 19)', '^PM004', 'nor discussed'),
    (2, 'leader', 'SELECT add_subject(2, 28, ''x'')', '^PM004', 'nobody comes'),
    (2, 'leader', 'SELECT remove_subject(2, 19, ''x'')', '^PM004', 'or goes'),
    (26, 'hr', 'SELECT add_participant(2, 10, ''observer'')', '^PM004', 'nobody sits down'),
    (26, 'hr', 'SELECT remove_participant(2, 4)', '^PM004', 'or gets up'),
    (4, 'leader', format('SELECT withdraw_change(%s, ''x'')', (SELECT max(calibration_change_id) FROM calibration_change)), '^PM004', 'no change is taken back'),
    (26, 'hr', $$SELECT release_forte(2, 'too early')$$, '^PM004 the cycle has sessions that are not finalized\nSession "all" is planned\.\nSession "alpha" is active\.$', 'no release before all sessions are finalized'),
    -- reopening
    (5, 'leader', $$SELECT propose_session_reopening(2, 'x')$$, '^PM006', 'a calibrator does not reopen'),
    (26, 'hr', $$SELECT propose_session_reopening(2, 'a letter came late')$$, '^\d+$', 'HR or a leader of the session proposes it'),
    (26, 'hr', $$SELECT propose_session_reopening(2, 'twice')$$, '^\d+$', 'even twice');
SELECT do_steps() \gexec
SELECT steps_went();
SELECT min(decision_id) AS reopening, max(decision_id) AS reopening_again FROM decision WHERE decision_kind = 'session_reopening' \gset
INSERT INTO step (actor, role_name, statement, expected, name) VALUES
    (26, 'hr', format('SELECT approve(%s)', :reopening), '^PM005 a second person', 'the proposer does not approve'),
    (27, 'hr', format('SELECT approve(%s)', :reopening), '^done', 'a second person does'),
    (27, 'hr', format('SELECT approve(%s)', :reopening_again), '^PM004 this is not possible while the session is active', 'a decision that has nothing to do is not approved'),
    (2, 'leader', 'SELECT finalize_session(2)', '^PM009 .*\npool beta: TT holds 5 people, allowed are 0 to 2$', 'the exception ended with the reopening'),
    (4, 'leader', $$SELECT propose_changes(2, '{19,17,20,22}', '{HV2,HV2,HV2,HV2}', 'quota_only', 'only two seats')$$, '^\{', 'moves until the bounds hold'),
    (2, 'leader', $$SELECT string_agg(status, ',' ORDER BY tier_order DESC) FROM olr.session_distribution WHERE scope = 'group' AND scope_name = 'beta' AND review_cycle_id = 2 AND tier IN ('TT', 'LE')$$, 'within bounds', 'as the distribution shows'),
    (2, 'leader', 'SELECT finalize_session(2)', '^done', 'and the session ends again');
SELECT do_steps() \gexec
SELECT steps_went();
SELECT results_eq($$SELECT count(*)::int, max(final_tier) FROM perf.overall_value WHERE review_cycle_id = 2 AND final_tier IS NOT NULL$$, 'VALUES (0, NULL::text)', 'nothing is final yet');

-- before the release an employee learns nothing of all that
BEGIN;
SELECT act_as(8) \g /dev/null
SET LOCAL ROLE perfmgmt_employee;
CALL public.learn('after');
COMMIT;
SELECT cmp_ok((SELECT count(*) FROM learned), '>', 200::bigint, 'every relation and function was asked');
SELECT is_empty($$SELECT what, b.answer, a.answer FROM learned b JOIN learned a USING (what) WHERE b.round = 'before' AND a.round = 'after' AND b.answer <> a.answer$$,
    'counts, plans and errors are the same with and without a session about the employee');

-- the others end
INSERT INTO step (actor, role_name, statement, expected, name) VALUES
    (3, 'leader', format('SELECT propose_calibration_exemption(%s, 12, ''no potential this year'')', :alpha), '^\d+$', 'an exemption in the other session'),
    (28, 'leader', 'SELECT activate_session(1)', '^done', 'the session above'),
    (28, 'leader', 'SELECT finalize_session(1)', '^done', 'ends when those below have ended'),
    (26, 'hr', $$SELECT propose_session_reopening(2, 'below a finalized one')$$, '^\d+$', 'a reopening below');
SELECT do_steps() \gexec
SELECT steps_went();
INSERT INTO step (actor, role_name, statement, expected, name)
SELECT 27, 'hr', format('SELECT approve(%s)', decision_id),
       CASE decision_kind WHEN 'session_reopening' THEN '^PM004 the session above is finalized' ELSE '^done' END, 'a second person: ' || decision_kind
FROM decision WHERE outcome = 'pending' AND decision_kind = 'calibration_exemption' OR decision_id = (SELECT max(decision_id) FROM decision WHERE decision_kind = 'session_reopening');
INSERT INTO step (actor, role_name, statement, expected, name) VALUES
    (6, 'leader', format('SELECT propose_change(%s, 31, ''HV2'', ''consistency'', ''one seat too many'')', :alpha), '^\d+$', 'the bounds of the other pool'),
    (3, 'leader', format('SELECT finalize_session(%s)', :alpha), '^done', 'the last session ends'),
    (27, 'hr', $$SELECT release_forte(2, 'too early')$$, '^PM004 ratings or assessments changed', 'a release of stale results'),
    (27, 'hr', 'SELECT people FROM calibrate(2)', '^\d+$', 'the inputs of the last days are taken up'),
    (27, 'hr', $$SELECT release_forte(2, 'the review of 2025 is complete')$$, '^\d+$', 'the release'),
    (26, 'hr', $$SELECT propose_session_reopening(2, 'x')$$, '^PM004', 'which is the end of every session');
SELECT do_steps() \gexec
SELECT steps_went();
SELECT is_empty($$SELECT employee_id, final_tier FROM perf.overall_value o JOIN perf.participation p USING (employee_id, review_cycle_id)
    WHERE review_cycle_id = 2 AND final_tier IS DISTINCT FROM CASE WHEN p.eligibility <> 'left' AND ov_points IS NOT NULL THEN coalesce(calibrated_tier, quota_tier) END$$,
    'the final tier is the calibrated one, else that of the quota; who left gets none');
SELECT is_empty('SELECT * FROM perf.forte_label WHERE employee_id IN (24, 29) AND review_cycle_id = 2', 'nor a label');
SELECT is((SELECT string_agg(DISTINCT status, ',') FROM calibration_session), 'released', 'sessions are released');

-- After the release --------------------------------------------------------

INSERT INTO step (actor, role_name, statement, expected, name) VALUES
    (8, 'employee', $$SELECT string_agg(forte_label || ': ' || manager_summary, ',') FROM forte.my_review WHERE review_cycle_id = 2$$, ': Summary for person 8\.$', 'the label comes with the summary'),
    (8, 'employee', $$SELECT acknowledge_review(2, 'Seen.')$$, '^done', 'an acknowledgement'),
    (8, 'employee', $$SELECT acknowledge_review(2)$$, '^done', 'again, without a comment'),
    (8, 'employee', $$SELECT acknowledge_review(2, 'Seen, and I do not agree.')$$, '^done', 'again, with another one'),
    (8, 'employee', 'SELECT acknowledge_review(99)', '^PM004 there is no released result of yours in cycle 99', 'not of a cycle that is none'),
    (12, 'employee', 'SELECT dispute_rating(2, ''x'')', '^done', 'a label can be disputed'),
    (30, 'employee', 'SELECT dispute_rating(2, ''x'')', '^PM004 there is no released result of yours in cycle 2', 'not by somebody without a result'),
    (8, 'employee', $$SELECT dispute_rating(2, ' ')$$, '^23514', 'a dispute says why'),
    (8, 'employee', $$SELECT dispute_rating(2, 'The project is missing.')$$, '^done', 'a dispute'),
    (8, 'employee', $$SELECT dispute_rating(2, 'Again.')$$, '^PM004 you disputed this result before', 'one'),
    (14, 'employee', $$SELECT dispute_rating(1, 'Again.')$$, '^PM004 you disputed this result before', 'each cycle'),
    (8, 'employee', $$SELECT string_agg(dispute_text || outcome, ',') FROM own_disputes()$$, '^The project is missing\.open$', 'the person sees the own one'),
    (9, 'employee', $$SELECT count(*) FROM own_disputes()$$, '^0$', 'nobody else'),
    (4, 'leader', $$SELECT count(*) FROM olr.dispute WHERE employee_id = 8$$, '^1$', 'the manager sees it'),
    (6, 'leader', $$SELECT count(*) FROM olr.dispute WHERE employee_id = 8$$, '^0$', 'no other leader'),
    (4, 'leader', $$SELECT string_agg(comment, ',') FROM perf.review_acknowledgement WHERE employee_id = 8$$, '^Seen, and I do not agree\.$', 'and the comment');
SELECT do_steps() \gexec
SELECT steps_went();
SELECT rating_dispute_id AS dispute FROM rating_dispute WHERE employee_id = 8 AND review_cycle_id = 2 \gset
SELECT rating_dispute_id AS old_dispute FROM rating_dispute WHERE employee_id = 14 \gset
INSERT INTO step (actor, role_name, statement, expected, name) VALUES
    (4, 'hr', format('SELECT assign_dispute_reviewer(%s, 7)', :dispute), '^PM006', 'HR names the reviewer'),
    (26, 'hr', format('SELECT assign_dispute_reviewer(%s, 8)', :dispute), '^PM005', 'not the person'),
    (26, 'hr', format('SELECT assign_dispute_reviewer(%s, 4)', :dispute), '^PM005', 'not the manager'),
    (26, 'hr', format('SELECT assign_dispute_reviewer(%s, 1)', :dispute), '^PM005', 'nobody above'),
    (26, 'hr', 'SELECT assign_dispute_reviewer(999, 7)', '^PM004', 'an unknown dispute'),
    (26, 'hr', format('SELECT count(*) FROM move_employee(8, 6); SELECT assign_dispute_reviewer(%s, 6)', :dispute), '^PM005', 'nor who is above by now'),
    (26, 'hr', format('SELECT assign_dispute_reviewer(%s, 6)', :dispute), '^done', 'but somebody else'),
    (7, 'leader', format('SELECT resolve_dispute(%s, ''upheld'', ''x'')', :dispute), '^PM004', 'who is no reviewer answers nothing'),
    (6, 'leader', format('SELECT resolve_dispute(%s, ''upheld'', '' '')', :dispute), '^22004', 'an answer has reasons'),
    (6, 'leader', format('SELECT resolve_dispute(%s, ''rejected'', ''x'')', :dispute), '^22023', 'upheld or corrected'),
    (6, 'leader', format('SELECT resolve_dispute(%s, ''corrected'', ''x'', ''BEST'', ''Meets High Bar'')', :dispute), '^22023', 'a tier of the policy'),
    (6, 'leader', format('SELECT resolve_dispute(%s, ''corrected'', ''x'', ''TT'', ''Great'')', :dispute), '^22023', 'a label of the policy'),
    (6, 'leader', format('SELECT resolve_dispute(%s, ''corrected'', ''the project counts'', ''TT'', ''Exceeds High Bar'')', :dispute), '^\d+$', 'a correction is a proposal'),
    (6, 'leader', format('SELECT resolve_dispute(%s, ''corrected'', ''once more'', ''HV3'', ''Meets High Bar'')', :dispute), '^\d+$', 'or two'),
    (8, 'employee', $$SELECT forte_label FROM forte.my_review WHERE review_cycle_id = 2$$, '^(Needs Improvement|Meets High Bar)$', 'nothing is corrected yet'),
    (7, 'leader', format('SELECT resolve_dispute(%s, ''upheld'', ''the project was counted'')', :old_dispute), '^done', 'another dispute is upheld'),
    (7, 'leader', format('SELECT resolve_dispute(%s, ''upheld'', ''x'')', :old_dispute), '^PM004', 'once'),
    (14, 'employee', 'SELECT string_agg(outcome || resolution, '','') FROM own_disputes()', '^upheldthe project was counted$', 'with the reasons');
SELECT do_steps() \gexec
SELECT steps_went();
SELECT min(decision_id) AS correction, max(decision_id) AS second_correction FROM decision WHERE decision_kind = 'rating_correction' \gset
INSERT INTO step (actor, role_name, statement, expected, name) VALUES
    (6, 'hr', format('SELECT approve(%s)', :correction), '^PM004', 'the reviewer does not approve'),
    (27, 'hr', format('SELECT approve(%s)', :correction), '^done', 'a second person does'),
    (26, 'hr', format('SELECT approve(%s)', :second_correction), '^PM004 the dispute was answered before', 'the dispute is answered once'),
    (8, 'employee', $$SELECT forte_label || '/' || manager_summary FROM forte.my_review WHERE review_cycle_id = 2$$, '^Exceeds High Bar/Summary for person 8\.$', 'the employee sees the corrected label'),
    (8, 'employee', 'SELECT string_agg(outcome || resolution, '','') FROM own_disputes()', '^correctedthe project counts$', 'and why'),
    (4, 'leader', $$SELECT consequences FROM olr.dispute WHERE employee_id = 8$$, '^final tier \S+ -> TT: look again at pay and at promotion packets that used it$', 'leaders see the consequences'),
    (6, 'leader', format('SELECT resolve_dispute(%s, ''upheld'', ''x'')', :dispute), '^PM004', 'it is closed');
SELECT do_steps() \gexec
SELECT steps_went();
SELECT results_eq('SELECT release_number, forte_label FROM perf.forte_label WHERE (employee_id, review_cycle_id) = (8, 2) ORDER BY 1 DESC LIMIT 1', $$VALUES (2, 'Exceeds High Bar')$$, 'the correction is a release of its own');
SELECT is((SELECT count(*) FROM forte_label WHERE (employee_id, review_cycle_id) = (8, 2)), 2::bigint, 'beside the first one');
SELECT is((SELECT final_tier FROM overall_value WHERE (employee_id, review_cycle_id) = (8, 2)), 'TT', 'the tier is corrected');
UPDATE review_cycle SET released_at = now() - interval '14 days 1 minute' WHERE review_cycle_id = 2;
INSERT INTO step (actor, role_name, statement, expected, name) VALUES
    (9, 'employee', $$SELECT dispute_rating(2, 'late')$$, '^PM004 the 14 days', 'after 14 days it is too late');
SELECT do_steps() \gexec
SELECT steps_went();

SELECT * FROM finish();
