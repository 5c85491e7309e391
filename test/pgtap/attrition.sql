-- Leaving, how it counts, the rate, its target and the forecast.
SELECT * FROM no_plan() \g /dev/null
SET search_path = public, perf, perfmgmt;

CREATE TABLE heard (place int GENERATED ALWAYS AS IDENTITY, actor int, label text, answer text);
GRANT INSERT ON heard TO PUBLIC;
CREATE FUNCTION answer(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE statement INTO result;
    RETURN coalesce(nullif(result, ''), 'done');
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
CREATE FUNCTION as_person(actor int, role_name text, label text, statement text) RETURNS text LANGUAGE sql AS $$
    SELECT format('BEGIN; SELECT perfmgmt.act_as(%1$s); SET LOCAL ROLE perfmgmt_%2$s; INSERT INTO public.heard (actor, label, answer) VALUES (%1$s, %3$L, public.answer(%4$L)); COMMIT',
                  actor, role_name, label, statement)
$$;
CREATE FUNCTION heard(of_label text) RETURNS text LANGUAGE sql AS $$ SELECT h.answer FROM public.heard h WHERE h.label = of_label ORDER BY h.place DESC LIMIT 1 $$;

-- Leaving outside of a case --------------------------------------------------

SELECT as_person(26, 'hr', 'resigns', $$SELECT perf.record_leaving(8, 'resignation', '2026-03-10')$$) \gexec
SELECT as_person(26, 'hr', 'dies', $$SELECT perf.record_leaving(11, 'death', '2026-03-11')$$) \gexec
SELECT as_person(26, 'hr', 'twice', $$SELECT perf.record_leaving(8, 'resignation', '2026-03-12')$$) \gexec
SELECT as_person(26, 'hr', 'severance without a case', $$SELECT perf.record_leaving(10, 'severance')$$) \gexec
SELECT as_person(26, 'hr', 'unknown', $$SELECT perf.record_leaving(999, 'resignation')$$) \gexec
SELECT as_person(26, 'hr', 'oneself', $$SELECT perf.record_leaving(26, 'resignation')$$) \gexec
SELECT as_person(4, 'leader', 'leader', $$SELECT perf.record_leaving(10, 'resignation')$$) \gexec
SELECT as_person(4, 'hr', 'not appointed', $$SELECT perf.record_leaving(10, 'resignation')$$) \gexec
SELECT employee_id AS case_of FROM pip_case WHERE closed_on IS NULL LIMIT 1 \gset
SELECT as_person(CASE :case_of WHEN 26 THEN 27 ELSE 26 END, 'hr', 'open case', 'SELECT perf.record_leaving(' || :case_of || ', ''resignation'')') \gexec
SELECT is(heard('open case'), format('PM004 a case about employee %s is open', :case_of), 'who is in a case leaves by its events');
SELECT as_person(26, 'hr', 'by the case function', $$SELECT perf.record_separation(10, 'terminated', CURRENT_DATE)$$) \gexec
SELECT is(heard('resigns'), 'done', 'HR records a resignation');
SELECT results_eq('SELECT left_on FROM perf.employee WHERE employee_id = 8', $$VALUES (date '2026-03-10')$$, 'which sets the day');
SELECT results_eq('SELECT upper(valid_during) FROM perf.assignment WHERE employee_id = 8', $$VALUES (date '2026-03-10')$$, 'and ends the assignment');
SELECT results_eq($$SELECT employee_id, separation_kind, last_stage, is_voluntary, is_regretted, manager_chain FROM perf.separation WHERE employee_id IN (8, 11) ORDER BY 1$$,
    $$VALUES (8, 'resignation', NULL::text, true, true, '{4,2,1}'::int[]), (11, 'death', NULL, false, NULL::boolean, '{4,2,1}')$$,
    'a resignation is regretted, a death is neither');
SELECT is(heard('twice'), 'PM004 employee 8 is not employed', 'nobody leaves twice');
SELECT is(heard('unknown'), 'PM004 employee 999 is not employed', 'nor before coming');
SELECT is(heard('severance without a case'), '22023 nobody leaves outside of a case by "severance"', 'some ways go through a case');
SELECT is(heard('oneself'), 'PM005 nobody changes the own record', 'not about oneself');
SELECT matches(heard('leader'), '^42501', 'a leader does not record it');
SELECT matches(heard('not appointed'), '^PM006', 'nor whoever is not appointed');
SELECT matches(heard('by the case function'), '^42501', 'only events of a case call record_separation()');
SELECT as_person(26, 'hr', 'gives notice', $$SELECT perf.record_leaving(22, 'resignation', CURRENT_DATE + 30)$$) \gexec
SELECT as_person(26, 'hr', 'dies before', $$SELECT perf.record_leaving(22, 'death', CURRENT_DATE)$$) \gexec
SELECT results_eq($$SELECT separation_kind, left_on FROM perf.separation WHERE employee_id = 22$$, $$SELECT 'death', CURRENT_DATE$$,
    'notice given is replaced by an earlier end');

-- The ends of a case ---------------------------------------------------------

SELECT record_separation(16, 'separated_tier1', '2026-05-04'), record_separation(14, 'separated_tier2', '2026-05-05'),
       record_separation(15, 'terminated', '2026-05-06'), record_separation(17, 'closed_resigned', '2026-05-07'),
       record_separation(18, 'closed_separated', '2026-05-08') \g /dev/null
SELECT results_eq('SELECT last_stage, is_regretted, is_voluntary FROM perf.separation WHERE last_stage IS NOT NULL ORDER BY left_on',
    $$VALUES ('separated_tier1', false, false), ('separated_tier2', false, false), ('terminated', false, false),
             ('closed_resigned', false, true), ('closed_separated', NULL, false)$$, 'what the ends of a case count as');
SELECT throws_ok($$SELECT perf.record_separation(19, 'focus', CURRENT_DATE)$$, '22023', 'stage "focus" ends no employment', 'another stage ends no employment');

-- by an event of a case, end to end: who resigns works until the last day, and
-- whoever resigns from a case that is not known to them stays as anybody does
SELECT as_person(CASE :case_of WHEN 26 THEN 27 ELSE 26 END, 'hr', 'resigns in a case', 'SELECT perf.pip_advance(' || :case_of || ', ''resign'', ''goes elsewhere'')') \gexec
SELECT isnt(heard('resigns in a case'), NULL, 'an event ends the case of the fixture: ' || heard('resigns in a case'));
SELECT is((SELECT stage FROM perf.pip_case WHERE employee_id = :case_of), 'closed_resigned', 'which is closed');
SELECT is_empty('SELECT * FROM perf.separation WHERE employee_id = ' || :case_of, 'and says nothing of a last day');
SELECT as_person(CASE :case_of WHEN 26 THEN 27 ELSE 26 END, 'hr', 'the last day', 'SELECT perf.record_leaving(' || :case_of || ', ''resignation'', CURRENT_DATE + 30)') \gexec
SELECT is(heard('the last day'), 'done', 'HR records that');
SELECT results_eq('SELECT s.separation_kind, s.last_stage, s.is_regretted, s.left_on - CURRENT_DATE, e.left_on - CURRENT_DATE FROM perf.separation s JOIN perf.employee e USING (employee_id) WHERE s.employee_id = ' || :case_of,
    $$VALUES ('resignation_in_case', 'closed_resigned', false, 30, 30)$$, 'and it counts as a resignation from a case');
DELETE FROM separation WHERE employee_id = :case_of;
SELECT as_person(6, 'leader', 'hidden case', $$SELECT perf.pip_advance(21, 'identify', 'x')$$) \gexec
SELECT as_person(21, 'employee', 'resigns from a hidden case', $$SELECT perf.resign('x')$$) \gexec
SELECT as_person(20, 'employee', 'resigns from none', $$SELECT perf.resign('x')$$) \gexec
SELECT is(heard('resigns from a hidden case'), heard('resigns from none'), 'the same answer');
SELECT is((SELECT stage FROM perf.pip_case WHERE employee_id = 21), 'identified', 'the case is HR''s to close');
SELECT as_person(26, 'hr', 'too early', $$SELECT perf.record_leaving(21, 'resignation', CURRENT_DATE + 30)$$) \gexec
SELECT is(heard('too early'), 'PM004 a case about employee 21 is open', 'who records the last day is told of it');
SELECT as_person(n, 'employee', 'acts on ' || n, $$SELECT count(*) FROM forte.my_plan$$) FROM unnest('{20,21}'::int[]) n \gexec
SELECT is(heard('acts on 21'), heard('acts on 20'), 'and the same afterwards: nobody is shut out');
SELECT is_empty('SELECT * FROM perf.separation WHERE employee_id IN (20, 21)', 'nor separated at once');

-- an import was first: the case ends on its day
SELECT as_person(7, 'leader', 'a case', $$SELECT perf.pip_advance(24, 'identify', 'x')$$) \gexec
UPDATE employee SET left_on = CURRENT_DATE - 3 WHERE employee_id = 24;
SELECT as_person(26, 'hr', 'ends it', $$SELECT perf.pip_advance(24, 'separate_other', 'x')$$) \gexec
SELECT results_eq($$SELECT separation_kind, last_stage, left_on - CURRENT_DATE FROM perf.separation WHERE employee_id = 24$$, $$VALUES ('other', 'closed_separated', -3)$$,
    'a case of somebody whom an import took out ends on that day');
SELECT as_person(26, 'hr', 'hired again', $$SELECT perf.record_leaving(24, 'resignation', CURRENT_DATE)$$) \gexec
SELECT is(heard('hired again'), 'PM004 employee 24 is not employed', 'and nobody leaves twice');
UPDATE employee SET left_on = NULL WHERE employee_id = 24;
SELECT as_person(7, 'leader', 'another case', $$SELECT perf.pip_advance(24, 'identify', 'x')$$) \gexec
SELECT is((SELECT string_agg(stage, ', ' ORDER BY pip_case_id) FROM perf.pip_case WHERE employee_id = 24), 'closed_separated, identified', 'hired again, there can be another case');
SELECT as_person(26, 'hr', 'closed again', $$SELECT perf.pip_advance(24, 'withdraw', 'x')$$) \gexec
DELETE FROM separation WHERE employee_id = 24;

-- Who sees it ------------------------------------------------------------------

SELECT as_person(2, 'leader', 'leader sees', $$SELECT array_agg(employee_id ORDER BY employee_id) FROM perf.separation$$) \gexec
SELECT as_person(3, 'leader', 'other leader sees', $$SELECT array_agg(employee_id ORDER BY employee_id) FROM perf.separation$$) \gexec
SELECT as_person(26, 'hr', 'hr sees', $$SELECT count(*) FROM perf.separation$$) \gexec
SELECT as_person(4, 'employee', 'employee sees', $$SELECT count(*) FROM perf.separation$$) \gexec
SELECT is(heard('leader sees'), '{8,11,14,15,16}', 'a leader sees separations of people below');
SELECT is(heard('other leader sees'), '{17,18,22,29}', 'and no others');
SELECT is(heard('hr sees'), '9', 'HR sees them all');
SELECT matches(heard('employee sees'), '^42501', 'employees none');

-- How it counts, until the period closes ------------------------------------------

SELECT as_person(26, 'hr', 'reclassify', $$SELECT perf.classify_separation(8, '2026-03-10', false, true, 'had a warning')$$) \gexec
SELECT as_person(26, 'hr', 'no reason', $$SELECT perf.classify_separation(8, '2026-03-10', true, true, ' ')$$) \gexec
SELECT as_person(26, 'hr', 'wrong day', $$SELECT perf.classify_separation(8, '2026-03-11', true, true, 'x')$$) \gexec
SELECT as_person(26, 'hr', 'closed before', $$SELECT perf.classify_separation(8, '2024-03-11', true, true, 'x')$$) \gexec
SELECT as_person(2, 'hr', 'reclassify by a leader', $$SELECT perf.classify_separation(8, '2026-03-10', true, true, 'x')$$) \gexec
SELECT is(heard('reclassify'), 'done', 'HR changes it with a reason');
SELECT results_eq('SELECT is_regretted, is_voluntary, change_reason FROM perf.separation WHERE employee_id = 8', $$VALUES (false, true, 'had a warning')$$, 'which stays');
SELECT matches(heard('no reason'), '^22004', 'not without a reason');
SELECT matches(heard('wrong day'), '^PM004 employee 8 has no separation', 'not of another day');
SELECT is(heard('closed before'), 'PM004 the period is closed', 'a closed period says so whether there is somebody or not');
SELECT matches(heard('reclassify by a leader'), '^PM006', 'HR alone');
SELECT as_person(26, 'hr', 'close', $$SELECT perf.close_attrition_period('2026-04-30')$$) \gexec
SELECT as_person(26, 'hr', 'close again', $$SELECT perf.close_attrition_period('2026-04-30')$$) \gexec
SELECT as_person(26, 'hr', 'close early', $$SELECT perf.close_attrition_period(CURRENT_DATE)$$) \gexec
SELECT as_person(26, 'hr', 'too late', $$SELECT perf.classify_separation(8, '2026-03-10', true, true, 'after all')$$) \gexec
SELECT as_person(26, 'hr', 'still open', $$SELECT perf.classify_separation(15, '2026-05-06', NULL, false, 'the unit was sold')$$) \gexec
SELECT is(heard('close'), '3', 'closing returns how many left since the last period');
SELECT matches(heard('close again'), '^PM004', 'a period closes once');
SELECT matches(heard('close early'), '^PM004', 'and when it is over');
SELECT is(heard('too late'), 'PM004 the period is closed', 'then it is fixed');
SELECT is(heard('still open'), 'done', 'what came after is not');

-- The rate, by hand -------------------------------------------------------------

-- 27 at the end of Jan, 2, 3...: from the assignments, by a loop over days
CREATE FUNCTION headcount_on(day date, teams int[]) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    n int := 0;
    e record;
BEGIN
    FOR e IN SELECT p.employee_id, p.hired_on, p.left_on FROM perf.employee p LOOP
        IF e.hired_on <= day AND (e.left_on IS NULL OR e.left_on > day)
           AND (SELECT a.team_id FROM perf.assignment a WHERE a.employee_id = e.employee_id AND lower(a.valid_during) <= day
                ORDER BY a.valid_during DESC LIMIT 1) = ANY (teams) THEN
            n := n + 1;
        END IF;
    END LOOP;
    RETURN n;
END
$$;
SELECT results_eq($$SELECT months, headcount_sum, unregretted, regretted, neither FROM perf.attrition_rate('2026-01-01', '2026-06-30')$$,
    $$SELECT 6, (SELECT sum(public.headcount_on(d, '{1,2,3}'))::int FROM unnest('{2026-01-31,2026-02-28,2026-03-31,2026-04-30,2026-05-31,2026-06-30}'::date[]) d), 4, 0, 3$$,
    'the company: 8, 14, 16 and 17 left unregretted');
SELECT is(headcount_sum, 30 + 30 + 28 + 28 + 23 + 23, 'month-end headcounts by hand') FROM attrition_rate('2026-01-01', '2026-06-30');
-- 4 of a mean of 27 in half a year
SELECT results_eq($$SELECT mean_headcount, unregretted_rate, regretted_rate, target_share FROM perf.attrition_rate('2026-01-01', '2026-06-30')$$,
    $$VALUES (27.00, 0.2963, 0.0000, 0.0600)$$, '4 / 27 in half a year are 29.63 % a year');
SELECT results_eq($$SELECT headcount_sum, unregretted, neither, target_share FROM perf.attrition_rate('2026-01-01', '2026-06-30', 3)$$,
    $$SELECT (SELECT sum(public.headcount_on(d, '{3}'))::int FROM unnest('{2026-01-31,2026-02-28,2026-03-31,2026-04-30,2026-05-31,2026-06-30}'::date[]) d), 1, 1, 0.0400$$,
    'a team, with its own target');
SELECT results_eq($$SELECT months, unregretted_rate FROM perf.attrition_rate('2026-03-02', '2026-03-20')$$, $$VALUES (0, NULL::numeric)$$, 'no month end, no rate');
SELECT results_eq($$SELECT perf.annual_rate(1, 3), perf.annual_rate(0, 12), perf.annual_rate(1, 0)$$, $$VALUES (4.0000, 0.0000, NULL::numeric)$$, 'exact to four places');
SELECT as_person(2, 'leader', 'rate by a leader', $$SELECT perf.attrition_rate('2026-01-01', '2026-06-30')$$) \gexec
SELECT matches(heard('rate by a leader'), '^42501', 'the rate is for HR');

-- The target ----------------------------------------------------------------------

SELECT as_person(26, 'hr', 'set', $$SELECT perf.set_unregretted_target(1, 0.05, 'a calm year')$$) \gexec
SELECT as_person(26, 'hr', 'too high', $$SELECT perf.set_unregretted_target(1, 1.5, 'x')$$) \gexec
SELECT as_person(26, 'hr', 'no reason for a target', $$SELECT perf.set_unregretted_target(1, 0.05, NULL)$$) \gexec
SELECT is(heard('set'), 'done', 'HR sets a target');
SELECT matches(heard('too high'), '^23514', 'between 0 and 1');
SELECT matches(heard('no reason for a target'), '^22004', 'with a reason');
SELECT results_eq('SELECT perf.unregretted_target(t) FROM unnest(ARRAY[1, 2, 3, NULL]) t', 'VALUES (0.0500), (0.0500), (0.0400), (0.0600)', 'the own one, that above, 6 %');
SELECT as_person(26, 'hr', 'unset', $$SELECT perf.set_unregretted_target(3, NULL, 'as the others')$$) \gexec
SELECT is(unregretted_target(3), 0.0500, 'NULL takes it away');

-- No target becomes names ---------------------------------------------------------
-- What knows the target: the table; views over what knows it, by the rewrite
-- rules; routines that name in their body what knows it, or have "target" in a
-- parameter beside "attrition" or "unregretted" in their name. Followed until
-- nothing is new. What gives people: a column or an OUT parameter named after a
-- person, a row type of a table of persons, a set of int, or anything that can
-- hide an id (json, text, record, arrays). SQL that a routine puts together from
-- parts of names is not found this way; the test after this one covers that.

CREATE VIEW gives_people AS
SELECT c.oid::regclass::text AS name, 'r' AS kind FROM pg_class c
WHERE c.relnamespace IN ('perf'::regnamespace, 'forte'::regnamespace, 'olr'::regnamespace, 'insight'::regnamespace)
  AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
              AND a.attname ~ '(employee|person|manager|subject|author|rater|leader)_?(id|name|chain)|external_id|full_name|email')
UNION ALL
SELECT p.oid::regprocedure::text, 'f' FROM pg_proc p
WHERE p.pronamespace IN ('perf'::regnamespace, 'perfmgmt'::regnamespace)
  AND (EXISTS (SELECT FROM unnest(p.proargnames, p.proargmodes) AS a(argument, mode)
               WHERE a.mode IN ('o', 'b', 't') AND a.argument ~ '(employee|person|manager|subject|author|rater|leader)_?(id|name|chain)|external_id|full_name|email')
       OR EXISTS (SELECT FROM pg_type t JOIN pg_attribute a ON a.attrelid = t.typrelid WHERE t.oid = p.prorettype AND a.attname IN ('employee_id', 'manager_id'))
       OR (p.proretset AND p.prorettype IN ('int'::regtype, 'bigint'::regtype))
       OR p.prorettype IN ('int'::regtype, 'bigint'::regtype, 'text'::regtype, 'json'::regtype, 'jsonb'::regtype)
       OR (p.prorettype = 'record'::regtype AND p.proargmodes IS NULL)
       OR EXISTS (SELECT FROM pg_type t WHERE t.oid = p.prorettype AND t.typelem <> 0 AND t.typlen = -1));
CREATE FUNCTION knows_target() RETURNS TABLE (name text, kind text) LANGUAGE plpgsql AS $$
DECLARE
    found int := 0;
    known text[] := '{unregretted_attrition_target}';  -- as names without schema and arguments
BEGIN
    WHILE cardinality(known) > found LOOP
        found := cardinality(known);
        known := ARRAY(
            SELECT unnest(known)
            UNION
            SELECT v.relname FROM pg_class v JOIN pg_rewrite w ON w.ev_class = v.oid
            JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
            LEFT JOIN pg_class t ON d.refclassid = 'pg_class'::regclass AND t.oid = d.refobjid
            LEFT JOIN pg_proc f ON d.refclassid = 'pg_proc'::regclass AND f.oid = d.refobjid
            WHERE v.relkind IN ('v', 'm') AND (t.relname = ANY (known) OR f.proname = ANY (known))
            UNION
            -- tables that a routine which knows the target writes to
            SELECT c.relname FROM pg_class c JOIN pg_proc p ON p.proname = ANY (known)
                 AND (p.prosrc || coalesce(pg_get_function_sqlbody(p.oid), '')) ~* ('\m(insert into|update)\s+(perf\.)?' || c.relname || '\M')
            WHERE c.relnamespace = 'perf'::regnamespace AND c.relkind IN ('r', 'p')
            UNION
            SELECT p.proname FROM pg_proc p
            WHERE p.pronamespace IN ('perf'::regnamespace, 'perfmgmt'::regnamespace)
              -- the functions of the engine read no table of the records; what install() runs and lists is text there
              AND ((p.pronamespace = 'perf'::regnamespace
                    AND (p.prosrc || coalesce(pg_get_function_sqlbody(p.oid), '')) ~ ('\m(' || array_to_string(known, '|') || ')\M'))
                   OR (p.proname || ' ' || coalesce(array_to_string(p.proargnames, ' '), '')) ~ '(attrition|regretted).*target|target.*(attrition|regretted)'));
    END LOOP;
    RETURN QUERY
    SELECT c.oid::regclass::text, 'r' FROM pg_class c
    WHERE c.relname = ANY (known) AND c.relnamespace IN ('perf'::regnamespace, 'forte'::regnamespace, 'olr'::regnamespace, 'insight'::regnamespace)
    UNION ALL
    SELECT p.oid::regprocedure::text, 'f' FROM pg_proc p
    WHERE p.proname = ANY (known) AND p.pronamespace IN ('perf'::regnamespace, 'perfmgmt'::regnamespace);
END
$$;
SELECT results_eq('SELECT name FROM knows_target() ORDER BY name COLLATE "C"', $$VALUES
    ('attrition_rate(date,date,integer)'), ('insight.attrition'), ('insight.attrition_loop'), ('insight.pip_funnel'),
    ('insight_cell'), ('insight_figures()'), ('insight_part'), ('insight_parts()'), ('insight_placed()'), ('insight_step'), ('insight_team'),
    ('merge_insight_parts()'), ('refresh_insight()'), ('refresh_insight_step(timestamp with time zone)'), ('refresh_insight_team(timestamp with time zone)'),
    ('set_unregretted_target(integer,numeric,text)'), ('unregretted_attrition_target'), ('unregretted_target(integer)')$$,
    'everything that knows the target, by name');
SELECT results_eq('SELECT name FROM knows_target() JOIN gives_people USING (name, kind) ORDER BY 1', $$VALUES ('refresh_insight()')$$,
    'of it nothing gives people; the number that refresh_insight() returns is of parts');
CREATE FUNCTION offenders_with(statement text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    found text[];
BEGIN
    BEGIN
        EXECUTE statement;
        found := ARRAY(SELECT k.name FROM public.knows_target() k JOIN public.gives_people g USING (name, kind) WHERE k.name <> 'refresh_insight()' ORDER BY 1);
        RAISE EXCEPTION USING ERRCODE = 'ZZ001';
    EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
        RETURN found;
    END;
END
$$;
SELECT is(offenders_with(statement), ARRAY[offender], offence) FROM (VALUES
    ($$CREATE VIEW olr.planted AS SELECT e.employee_id FROM perf.employee e, perf.unregretted_attrition_target t WHERE t.target_share > 0$$, 'olr.planted', 'a view is found'),
    ($$CREATE FUNCTION perf.planted() RETURNS SETOF int LANGUAGE sql AS 'SELECT e.employee_id FROM perf.employee e LIMIT (SELECT 100 * perf.unregretted_target(1))::int'$$, 'planted()', 'a function is found'),
    ($$CREATE FUNCTION perf.planted(attrition_target numeric) RETURNS text LANGUAGE sql AS 'SELECT full_name FROM perf.employee LIMIT 1'$$, 'planted(numeric)', 'one that takes a target is found'),
    ($$CREATE FUNCTION perf.planted(unregretted_attrition_target numeric, OUT employee_id int) LANGUAGE sql RETURN 1$$, 'planted(numeric)', 'one with a body of its own is found'),
    ($$CREATE VIEW insight.planted AS SELECT t.team_code, e.full_name FROM perf.insight_team t, perf.employee e WHERE t.target_share > 0$$, 'insight.planted', 'one over the released figures is found')
    ) AS o(statement, offender, offence);

-- And by trial: ten times the target changes no row that names a person.
CREATE FUNCTION person_rows() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    digests text;
BEGIN
    SELECT string_agg(format('%s %s', g.name, (xpath('/row/d/text()', query_to_xml(format(
        'SELECT md5(coalesce(string_agg(md5(t::text), '''' ORDER BY md5(t::text)), '''')) AS d FROM %s t', g.name), false, true, '')))[1]), ' ' ORDER BY g.name)
    INTO digests FROM public.gives_people g WHERE g.kind = 'r' AND g.name::regclass::oid NOT IN
        -- the ledger notes that the target changed
        (SELECT c.oid FROM pg_class c WHERE c.relname ~ '^audit_|^access_log|_seq$|_idx$|_pkey$' OR c.relkind NOT IN ('r', 'p', 'v'));
    RETURN digests;
END
$$;
SELECT person_rows() AS before \gset
UPDATE unregretted_attrition_target SET target_share = 0.60;
INSERT INTO unregretted_attrition_target VALUES (2, 0.60, 'x');
SELECT refresh_insight() \g /dev/null
SELECT is(person_rows(), :'before', 'ten times the target, and no row about a person is another one');
SELECT cmp_ok(length(:'before'), '>', 1000, 'the rows of many relations were compared');

-- The forecast -------------------------------------------------------------------

SELECT results_eq('SELECT count(*)::int, count(completion_share)::int, count(expected_exits)::int FROM perf.attrition_forecast()', 'VALUES (9, 0, 0)', 'a few closed cases are nothing to go by: no forecast');
-- cases of somebody that ended in Focus: n of them, the first `exits` by a dismissal, `days` ago
CREATE PROCEDURE place_cases(first_id int, n int, exits int, days int) LANGUAGE sql AS $$
    INSERT INTO perf.pip_case (employee_id, pip_case_id, policy_id, stage, events, opened_on, closed_on, manager_chain)
    SELECT 19, first_id + i, 2, CASE WHEN i <= exits THEN 'terminated' ELSE 'closed_improved' END, 2, CURRENT_DATE - days, CURRENT_DATE - 1, '{}'
    FROM generate_series(1, n) i;
    INSERT INTO perf.pip_event (employee_id, pip_case_id, event_number, event, from_stage, to_stage, decided_by, policy_id, occurred_on, recorded_at, is_paused, manager_chain)
    SELECT 19, first_id + i, v, 'placed', 'none', CASE v WHEN 1 THEN 'focus' ELSE CASE WHEN i <= exits THEN 'terminated' ELSE 'closed_improved' END END,
           3, 2, CURRENT_DATE - days, now(), false, '{}'
    FROM generate_series(1, n) i, generate_series(1, 2) v;
$$;
ALTER TABLE pip_case DISABLE TRIGGER USER;
ALTER TABLE pip_event DISABLE TRIGGER USER;
SELECT completed_cases AS closed FROM attrition_forecast() WHERE stage = 'focus' \gset
SELECT is(count(*) FILTER (WHERE c.stage ~ '^(separated|terminated)'), 0::bigint, 'nobody of the fixture left that way')
FROM pip_case c WHERE EXISTS (SELECT FROM pip_event v WHERE v.pip_case_id = c.pip_case_id AND v.to_stage = 'focus') AND c.closed_on IS NOT NULL;
INSERT INTO pip_case (employee_id, pip_case_id, policy_id, stage, events, opened_on, manager_chain)
SELECT n, 500 + n, 2, 'focus', 1, CURRENT_DATE, '{}' FROM unnest('{10,12,23}'::int[]) n;
CALL place_cases(1000, 19 - :closed, 7, 100);
SELECT results_eq($$SELECT open_cases, completed_cases, completion_share, expected_exits FROM perf.attrition_forecast() WHERE stage = 'focus'$$,
    'VALUES (3, 19, NULL::numeric, NULL::numeric)', '19 closed cases are too few');
CALL place_cases(2000, 1, 0, 1097);
SELECT results_eq($$SELECT completed_cases, completion_share FROM perf.attrition_forecast() WHERE stage = 'focus'$$,
    'VALUES (19, NULL::numeric)', 'and one of more than three years ago makes no twentieth');
CALL place_cases(3000, 1, 0, 1090);
SELECT results_eq($$SELECT open_cases, completed_cases, completion_share, expected_exits FROM perf.attrition_forecast() WHERE stage = 'focus'$$,
    'VALUES (3, 20, 0.3500, 1.05)', '20 are enough: 3 open ones x 7 of 20');
SELECT results_eq($$SELECT count(completion_share)::int FROM perf.attrition_forecast()$$, 'VALUES (1)', 'each stage by itself');
ALTER TABLE pip_case ENABLE TRIGGER USER;
ALTER TABLE pip_event ENABLE TRIGGER USER;

-- Buffer signals -----------------------------------------------------------------

SELECT as_person(1, 'leader', 'signals', $$SELECT count(*) FROM olr.buffer_signals WHERE review_cycle_id = 2$$) \gexec
SELECT is(heard('signals')::bigint, (SELECT count(DISTINCT p.manager_id) FROM participation p JOIN overall_value o USING (employee_id, review_cycle_id)
    WHERE p.review_cycle_id = 2 AND p.manager_id IS NOT NULL AND coalesce(o.final_tier, o.calibrated_tier, o.quota_tier) IS NOT NULL), 'a row a manager below');
UPDATE employee SET hired_on = '2024-12-01' WHERE employee_id IN (17, 19, 20);
UPDATE overall_value SET calibrated_tier = CASE WHEN employee_id IN (17, 19, 20) THEN 'LE' ELSE 'HV2' END
WHERE review_cycle_id = 2 AND employee_id IN (SELECT p.employee_id FROM participation p WHERE p.review_cycle_id = 2 AND p.manager_id IN (6, 7)) AND calibration_session_id IS NULL;
SELECT results_eq($$SELECT recent_hires, recent_le, others, others_le, recent_le_share, others_le_share, round(p_value::numeric, 10)
    FROM olr.buffer_signals WHERE review_cycle_id = 2 AND manager_id = 6$$,
    $$SELECT 3, count(*) FILTER (WHERE e.employee_id IN (17, 19, 20) AND tier = 'LE')::int, 2, count(*) FILTER (WHERE e.employee_id NOT IN (17, 19, 20) AND tier = 'LE')::int,
             round(count(*) FILTER (WHERE e.employee_id IN (17, 19, 20) AND tier = 'LE') / 3.0, 4), round(count(*) FILTER (WHERE e.employee_id NOT IN (17, 19, 20) AND tier = 'LE') / 2.0, 4),
             round(perfmgmt.fisher_exact(count(*) FILTER (WHERE e.employee_id IN (17, 19, 20) AND tier = 'LE')::int, count(*) FILTER (WHERE e.employee_id IN (17, 19, 20) AND tier <> 'LE')::int,
                 count(*) FILTER (WHERE e.employee_id NOT IN (17, 19, 20) AND tier = 'LE')::int, count(*) FILTER (WHERE e.employee_id NOT IN (17, 19, 20) AND tier <> 'LE')::int)::numeric, 10)
      FROM perf.overall_value o JOIN perf.employee e USING (employee_id)
      CROSS JOIN LATERAL (SELECT coalesce(o.final_tier, o.calibrated_tier, o.quota_tier) AS tier) t
      WHERE o.review_cycle_id = 2 AND e.employee_id BETWEEN 17 AND 21 AND tier IS NOT NULL$$, 'recent hires against the rest, with n and p');

SELECT * FROM finish();
