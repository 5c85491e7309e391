-- Sessions on the fixture: who may give one up, end a delegation, lead as HR,
-- and what what_if() and explain_ov() tell a participant.
BEGIN;
SELECT * FROM no_plan() \g /dev/null
SET LOCAL search_path = public, perf, perfmgmt, pg_temp;

-- one person a transaction: each part is a transaction of its own
CREATE TABLE public.heard (name text, answer text);
GRANT INSERT ON public.heard TO PUBLIC;
CREATE FUNCTION public.answer_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    EXECUTE statement INTO answer;
    RETURN coalesce(answer, 'done');
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
COMMIT;
CREATE TEMP TABLE part (place int GENERATED ALWAYS AS IDENTITY, actor int, role_name text, statement text, expected text, name text);
INSERT INTO part (actor, role_name, statement, expected, name) VALUES
    (26, 'hr', $$SELECT perf.create_session(2, 'alpha for now', (SELECT calibration_group_id FROM perf.calibration_group WHERE review_cycle_id = 2 AND group_name = 'alpha'))$$,
        '^3$', 'a session is planned'),
    (3, 'leader', $$SELECT perf.cancel_session(3, 'mine')$$, '^PM004 calibration session 3 does not exist', 'not given up by somebody outside'),
    (26, 'hr', $$SELECT perf.cancel_session(2, 'too late')$$, '^PM004 this is not possible while the session is active', 'nor once it has begun'),
    (26, 'hr', $$SELECT perf.cancel_session(1, 'with one below')$$, '^PM004 the session has sessions below it', 'nor with sessions below'),
    (26, 'hr', $$SELECT perf.cancel_session(3, 'planned too early')$$, '^done|^$', 'HR gives it up'),
    (26, 'hr', $$SELECT count(*) FROM perf.overall_value WHERE calibration_session_id = 3$$, '^0$', 'and its subjects are free'),
    (26, 'hr', $$SELECT perf.create_session(2, 'company people', (SELECT calibration_group_id FROM perf.calibration_group WHERE review_cycle_id = 2 AND group_name = 'company'))$$,
        '^4$', 'a session about HR itself'),
    (26, 'hr', $$SELECT perf.add_participant(4, 8, 'chair')$$, '^PM006', 'HR who is a subject names nobody there'),
    (26, 'hr', $$SELECT perf.activate_session(4)$$, '^PM006', 'and does not begin it'),
    (9, 'leader', $$SELECT perf.end_delegation(1)$$, '^PM004', 'the delegate does not end the delegation'),
    (5, 'leader', $$SELECT perf.end_delegation(1)$$, '^done|^$', 'the principal does'),
    (9, 'leader', $$SELECT count(*) FROM perf.calibration_session$$, '^0$', 'and the delegate sees the session no more'),
    (4, 'leader', $$SELECT count(*) FROM perf.what_if(2, 2)$$, '^0$', 'what_if() with the same rules names nobody, for a session, too'),
    (4, 'leader', $$SELECT count(*) > 0 FROM perf.what_if(2, 2, '{0,0,0,0,100}')$$, '^t', 'and names subjects with other targets'),
    (4, 'leader', $$SELECT bool_and(employee_id IN (SELECT employee_id FROM perf.session_subject)) FROM perf.what_if(2, 2, '{0,0,0,0,100}')$$, '^t', 'of that session alone'),
    (4, 'leader', $$SELECT value || rule FROM perf.explain_ov(2, 18) WHERE name = 'LP points'$$, '^\d+.*as stored: the ratings are for the line of managers', 'a calibrator sees the LP points of a subject, not the raters'),
    (4, 'leader', $$SELECT count(*) FROM olr.principle_rating WHERE employee_id = 18$$, '^0$', 'who stay hidden'),
    (3, 'leader', $$SELECT rule FROM perf.explain_ov(2, 18) WHERE name = 'LP points'$$, 'half up$', 'the line of managers sees them'),
    (27, 'hr', $$SELECT perf.end_appointment(26, 'auditor', 'x')$$, '^PM004 employee 26 does not hold "auditor"', 'an office not held does not end'),
    (27, 'hr', $$SELECT perf.employee_id_of('E08')$$, '^8$', 'HR finds the id of a key');
SELECT format($f$BEGIN; %sSET LOCAL ROLE perfmgmt_%s; INSERT INTO public.heard SELECT %L, public.answer_of(%L); COMMIT$f$,
              format('SELECT perfmgmt.act_as(%s); ', actor), role_name, name, statement)
FROM part ORDER BY place \gexec
SELECT matches(h.answer, p.expected, p.name) FROM part p JOIN public.heard h USING (name) ORDER BY p.place;

-- the owner of the records
SELECT throws_ok($$SELECT perf.end_appointment(26, 'hr', 'x')$$, 'PM006', NULL, 'the owner of the records ends no appointment alone');
SELECT is(perf.employee_id_of('E08'), 8, 'the owner finds the id of a key');
SELECT throws_ok(format('SELECT perf.map_login(%L, 8)', current_user), 'PM005', NULL, 'and becomes nobody in the company');
SELECT throws_ok('SELECT * FROM perf.what_if(2)', 'PM006', NULL, 'what_if() answers a named person');

SELECT * FROM finish();
