-- Who is asking: act_as(), its lifetime, and everything that may not write or
-- outlive it. Real logins are in test/t/003_identity.pl.
SELECT * FROM no_plan() \g /dev/null
SET search_path = public, pg_catalog;

-- Refusals -----------------------------------------------------------------

-- not with throws_ok(): its subtransaction counts as a block
\set ON_ERROR_STOP 0
SELECT perfmgmt.act_as(8) \g /dev/null
\set ON_ERROR_STOP 1
SELECT is(:'LAST_ERROR_SQLSTATE'::text, '25P01', 'act_as() outside of a transaction block is refused');
SELECT is(perfmgmt.actor_id(), NULL, 'nobody acts');
SELECT is(perfmgmt.actor_sessions(), NULL, 'in no sessions');
SELECT is(perfmgmt.has_appointment('hr'), false, 'with no appointment');

BEGIN;
SELECT throws_ok('SELECT perfmgmt.act_as(999)', 'PM003', 'nobody can act as employee 999', 'an unknown person');
SELECT throws_ok('SELECT perfmgmt.act_as(29)', 'PM003', 'nobody can act as employee 29', 'a person who left, in the same words');
SELECT perfmgmt.act_as(NULL) \g /dev/null
SELECT is(perfmgmt.actor_id(), NULL, 'NULL sets nothing');
SELECT perfmgmt.act_as(8) \g /dev/null
SELECT is(perfmgmt.actor_id(), 8, 'act_as() works in a transaction block');
SELECT is(perfmgmt.actor_sessions(), '{}'::int[], 'a person without sessions has none, not NULL');
SELECT is(current_setting('perfmgmt.actor_id'), '8', 'SHOW tells the id alone');
SELECT is((SELECT setting FROM pg_settings WHERE name = 'perfmgmt.actor_id'), '8', 'pg_settings too');
SELECT lives_ok('SELECT perfmgmt.act_as(8)', 'the same person again');
SELECT throws_ok('SELECT perfmgmt.act_as(9)', 'PM003', 'this transaction already acts as somebody else', 'a second person');
COMMIT;
SELECT is(perfmgmt.actor_id(), NULL, 'the identity ends at commit');
SELECT is(current_setting('perfmgmt.actor_id'), '', 'and SHOW is empty');
BEGIN;
SELECT perfmgmt.act_as(9) \g /dev/null
SELECT is(perfmgmt.actor_id(), 9, 'the next transaction may be another person''s');
ROLLBACK;
SELECT is(perfmgmt.actor_id(), NULL, 'the identity ends at rollback');

BEGIN;
DECLARE kept CURSOR WITH HOLD FOR SELECT 1;
SELECT throws_ok('SELECT perfmgmt.act_as(8)', 'PM003', NULL, 'a cursor WITH HOLD is open');
CLOSE kept;
SELECT lives_ok('SELECT perfmgmt.act_as(8)', 'and closed');
COMMIT;

-- Lifetimes ----------------------------------------------------------------

BEGIN;
SAVEPOINT s;
SELECT perfmgmt.act_as(8) \g /dev/null
ROLLBACK TO s;
SELECT is(perfmgmt.actor_id(), NULL, 'the identity ends with its savepoint');
SELECT throws_ok('SELECT perfmgmt.act_as(9)', 'PM003', NULL, 'which makes no room for another person');
SELECT perfmgmt.act_as(8) \g /dev/null
RELEASE s;
SELECT is(perfmgmt.actor_id(), 8, 'a released savepoint keeps it');
SAVEPOINT t;
SET LOCAL perfmgmt.actor_id = '';
SELECT is(perfmgmt.actor_id(), NULL, 'an empty value is allowed, and is nobody');
SELECT is(perfmgmt.has_appointment('hr'), false, 'with no appointment');
SELECT throws_ok('SELECT perfmgmt.act_as(9)', 'PM003', NULL, 'and makes no room for another person');
ROLLBACK TO t;
SELECT is(perfmgmt.actor_id(), 8, 'back at the savepoint it is the person again');
RESET perfmgmt.actor_id;
SELECT is(perfmgmt.actor_id(), NULL, 'RESET is allowed, and is nobody');
SELECT throws_ok('SELECT perfmgmt.act_as(9)', 'PM003', NULL, 'and makes no room for another person');
SELECT lives_ok('SELECT perfmgmt.act_as(8)', 'the same person may come back');
COMMIT;

BEGIN;
SELECT perfmgmt.act_as(8) \g /dev/null
RESET ALL;
SELECT is(perfmgmt.actor_id(), NULL, 'RESET ALL is nobody');
SET LOCAL search_path = public, pg_catalog;
SELECT throws_ok('SELECT perfmgmt.act_as(9)', 'PM003', NULL, 'and makes no room for another person');
ROLLBACK;

BEGIN;
DO $$
BEGIN
    BEGIN
        PERFORM perfmgmt.act_as(26);
        RAISE division_by_zero;
    EXCEPTION WHEN division_by_zero THEN
        NULL;
    END;
END
$$;
SELECT is(perfmgmt.actor_id(), NULL, 'an exception after act_as() takes it back');
SELECT is(perfmgmt.has_appointment('hr'), false, 'with the appointments');
DO $$
BEGIN
    PERFORM perfmgmt.act_as(26);
EXCEPTION WHEN division_by_zero THEN
    NULL;
END
$$;
SELECT is(perfmgmt.actor_id(), 26, 'a block with a handler that is not needed keeps it');
SELECT is(perfmgmt.has_appointment('hr'), true, 'with the appointments');
-- a thousand times, with savepoints that come and go: the value is freed and set again
DO $$
BEGIN
    FOR i IN 1..1000 LOOP
        BEGIN
            PERFORM perfmgmt.act_as(26);
            PERFORM set_config('perfmgmt.actor_id', '', true);
            IF i % 2 = 0 THEN
                RAISE division_by_zero;
            END IF;
            PERFORM perfmgmt.act_as(26);
        EXCEPTION WHEN division_by_zero THEN
            IF perfmgmt.actor_id() IS DISTINCT FROM 26 THEN
                RAISE EXCEPTION 'lost at %', i;
            END IF;
        END;
    END LOOP;
END
$$;
SELECT is(perfmgmt.actor_id(), 26, 'a thousand subtransactions later it is the same person');
SELECT is(perfmgmt.has_appointment('hr'), true, 'with the same appointment');
COMMIT;

-- a function with a SET clause takes back what it set itself, no other parameter
CREATE FUNCTION wrapped_act_as(int) RETURNS int LANGUAGE plpgsql SET search_path = pg_catalog
AS 'BEGIN PERFORM perfmgmt.act_as($1); RETURN perfmgmt.actor_id(); END';
CREATE FUNCTION without_actor() RETURNS int LANGUAGE plpgsql SET perfmgmt.actor_id = ''
AS 'BEGIN RETURN perfmgmt.actor_id(); END';
CREATE FUNCTION hide_and_hold() RETURNS void LANGUAGE plpgsql SET perfmgmt.actor_id = ''
AS $$BEGIN EXECUTE 'DECLARE held CURSOR WITH HOLD FOR SELECT perfmgmt.actor_id()'; END$$;
BEGIN;
SELECT is(wrapped_act_as(8), 8, 'act_as() in a function with a SET clause works in it');
SELECT is(perfmgmt.actor_id(), 8, 'and stays after it');
SELECT is(without_actor(), NULL, 'a function may put the identity aside');
SELECT is(perfmgmt.actor_id(), 8, 'and it comes back');
SELECT throws_ok('SELECT hide_and_hold()', 'PM003', NULL, 'but not to open a cursor WITH HOLD meanwhile');
COMMIT;

-- Writers ------------------------------------------------------------------

CREATE FUNCTION harmless() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TEMP TABLE writer (statement text);
INSERT INTO writer VALUES
    ($$SET perfmgmt.actor_id = '26'$$),
    ($$SET perfmgmt.actor_id = '26;,hr,;;'$$),
    ($$SET perfmgmt.actor_id = 'x'$$),
    ($$SET perfmgmt.actor_id = ' '$$),
    ($$SET LOCAL perfmgmt.actor_id = '26;,hr,;;'$$),
    ($$SELECT set_config('perfmgmt.actor_id', '26;,hr,;;', false)$$),
    ($$SELECT set_config('perfmgmt.actor_id', '26;,hr,;;', true)$$),
    ($$UPDATE pg_settings SET setting = '26;,hr,;;' WHERE name = 'perfmgmt.actor_id'$$),
    ($$ALTER ROLE CURRENT_USER SET perfmgmt.actor_id = '26;,hr,;;'$$),
    ($$ALTER ROLE ALL SET perfmgmt.actor_id = '26;,hr,;;'$$),
    (format($$ALTER ROLE CURRENT_USER IN DATABASE %I SET perfmgmt.actor_id = '26;,hr,;;'$$, current_database())),
    (format($$ALTER DATABASE %I SET perfmgmt.actor_id = '26;,hr,;;'$$, current_database())),
    ($$CREATE FUNCTION forged() RETURNS int LANGUAGE sql SET perfmgmt.actor_id = '26;,hr,;;' AS 'SELECT 1'$$),
    ($$ALTER FUNCTION harmless() SET perfmgmt.actor_id = '26;,hr,;;'$$);
SELECT throws_ok(statement, 'PM003', 'parameter "perfmgmt.actor_id" cannot be set directly', statement) FROM writer;
BEGIN;
SELECT perfmgmt.act_as(26) \g /dev/null
SELECT throws_ok(statement, 'PM003', 'parameter "perfmgmt.actor_id" cannot be set directly', 'while acting: ' || statement) FROM writer;
SELECT throws_ok($$CREATE FUNCTION forged() RETURNS int LANGUAGE sql SET perfmgmt.actor_id FROM CURRENT AS 'SELECT 1'$$,
                 'PM003', NULL, 'a function cannot take the identity along');
COMMIT;
SELECT throws_ok($$SET perfmgmt.actor = '26'$$, '42602', NULL, 'no other parameter with our prefix');

-- What outlives the transaction --------------------------------------------

CREATE TEMP TABLE outliving (statement text);
INSERT INTO outliving VALUES
    ('DECLARE held CURSOR WITH HOLD FOR SELECT 1'),
    ('CREATE TEMP TABLE kept (i int)'),
    ('CREATE TEMP TABLE kept (i int) ON COMMIT PRESERVE ROWS'),
    ('CREATE TABLE pg_temp.kept (i int)'),
    (format('CREATE TABLE %I.kept (i int)', pg_my_temp_schema()::regnamespace)),
    ('CREATE TEMP TABLE kept AS SELECT 1 AS i'),
    ('SELECT 1 AS i INTO TEMP kept'),
    ('EXPLAIN ANALYZE CREATE TEMP TABLE kept AS SELECT 1 AS i'),
    ('EXPLAIN (ANALYZE, COSTS off) CREATE TABLE pg_temp.kept AS SELECT 1 AS i'),
    ('DO $do$ BEGIN CREATE TEMP TABLE kept AS SELECT 1 AS i; END $do$'),
    ('SET LOCAL search_path = pg_temp, public; CREATE TABLE kept (i int)'),
    ('SET LOCAL search_path = pg_temp, public; CREATE TABLE kept AS SELECT 1 AS i');
BEGIN;
SELECT perfmgmt.act_as(8) \g /dev/null
SELECT throws_ok(statement, 'PM003', NULL, statement) FROM outliving;
SELECT lives_ok('CREATE TEMP TABLE dropped (i int) ON COMMIT DROP', 'a temporary table that goes with the transaction');
SELECT lives_ok('CREATE TEMP TABLE dropped_too ON COMMIT DROP AS SELECT 1 AS i', 'and from a query');
SELECT lives_ok('DECLARE plain CURSOR FOR SELECT 1', 'a cursor that goes with the transaction');
SELECT lives_ok('CREATE TABLE public.planned (i int)', 'an ordinary table, for those who may');
SELECT lives_ok('EXPLAIN SELECT 1', 'EXPLAIN of a query');
RESET perfmgmt.actor_id;
SELECT throws_ok(statement, 'PM003', NULL, 'with the identity put aside: ' || statement) FROM outliving;
ROLLBACK;
BEGIN;
SELECT lives_ok(statement || CASE WHEN statement ~ 'HOLD' THEN '' ELSE '; DROP TABLE kept' END, 'without an identity: ' || statement)
FROM outliving;
ROLLBACK;

-- Appointments -------------------------------------------------------------

INSERT INTO perf.appointment (employee_id, appointment_kind, valid_during, reason) VALUES
    (8, 'hr', daterange(CURRENT_DATE - 10, CURRENT_DATE), 'ended yesterday'),
    (9, 'hr', daterange(CURRENT_DATE + 1, NULL), 'begins tomorrow'),
    (10, 'hr', daterange(CURRENT_DATE, CURRENT_DATE + 1), 'today only'),
    (10, 'auditor', daterange(NULL, NULL), 'for ever');
CREATE TABLE held (employee_id int, hr boolean, auditor boolean);
SELECT format('BEGIN; SELECT perfmgmt.act_as(%s); INSERT INTO held SELECT perfmgmt.actor_id(), perfmgmt.has_appointment(''hr''), perfmgmt.has_appointment(''auditor''); COMMIT', n)
FROM unnest('{8,9,10,26,28}'::int[]) n \gexec
SELECT results_eq('SELECT * FROM held ORDER BY 1',
    'VALUES (8, false, false), (9, false, false), (10, true, true), (26, true, false), (28, false, true)',
    'an appointment holds on its days');
BEGIN;
SELECT perfmgmt.act_as(10) \g /dev/null
SELECT is(array_agg(perfmgmt.has_appointment(kind)), '{f,f,f,f,f,f}', 'by its whole name')
FROM unnest(ARRAY['h', 'r', 'hr,', ',hr', '', 'hr,auditor']) kind;
SELECT is(perfmgmt.require_appointment('hr'), 10, 'require_appointment() returns the actor');
SELECT throws_ok($$SELECT perfmgmt.require_appointment('legal')$$, 'PM006', NULL, 'and refuses an office that the actor does not hold');
SELECT throws_ok($$SELECT perfmgmt.require_appointment('legal', true)$$, 'PM006', NULL, 'to the owner as well, while acting as somebody');
COMMIT;
SELECT is(perfmgmt.require_appointment('hr', true), NULL, 'the owner without an actor may, where the function allows that');
SELECT throws_ok($$SELECT perfmgmt.require_appointment('hr')$$, 'PM006', NULL, 'and may not elsewhere');

-- Hidden and missing are the same ------------------------------------------

CREATE FUNCTION answer(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    state text; message text; detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN regexp_replace(concat_ws('|', state, message, detail, hint), '(decision|employee) \d+', '\1 N', 'g');
END
$$;
CREATE TABLE told (place int GENERATED ALWAYS AS IDENTITY, who text, what text, answer text);
GRANT INSERT ON told TO PUBLIC;
BEGIN;
SELECT perfmgmt.act_as(26) \g /dev/null
SELECT perf.appoint(11, 'auditor', 'to be decided') AS pending \gset
COMMIT;
SELECT format('BEGIN; SELECT perfmgmt.act_as(%s); SET LOCAL ROLE perfmgmt_%s;
    INSERT INTO told (who, what, answer) SELECT %3$L, v.what, public.answer(v.statement) FROM (VALUES
        (''explain_ov'', ''SELECT * FROM perf.explain_ov(2, %s)''), (''explain_ov'', ''SELECT * FROM perf.explain_ov(2, 999)''),
        (''explain_rank'', ''SELECT * FROM perf.explain_rank(2, %4$s)''), (''explain_rank'', ''SELECT * FROM perf.explain_rank(2, 999)'')%s) v(what, statement); COMMIT',
    w.actor, w.role_name, w.who, w.about,
    CASE w.role_name WHEN 'hr' THEN format(', (''approve'', ''SELECT perf.approve(%s)''), (''approve'', ''SELECT perf.approve(9999)'')', :pending) ELSE '' END)
FROM (VALUES (4, 'leader', 'a leader about another line', 13), (13, 'leader', 'a person about oneself', 13),
             (4, 'hr', 'somebody without the appointment', 13), (11, 'hr', 'the person a decision is about', 11)) w(actor, role_name, who, about) \gexec
SELECT is(count(DISTINCT answer), 1::bigint, format('%s: the same answer from %s', who, what)) FROM told GROUP BY who, what ORDER BY who, what;
SELECT is_empty($$SELECT * FROM told WHERE answer NOT LIKE 'PM004|%'$$, 'and it is PM004');

-- Parallel plans -----------------------------------------------------------

CREATE TABLE many (employee_id int, manager_chain int[], filler text);
INSERT INTO many SELECT 1 + n % 31, CASE WHEN n % 3 = 0 THEN '{2,1}'::int[] ELSE '{3,1}' END, repeat('x', 200) FROM generate_series(1, 6000) n;
ALTER TABLE many ENABLE ROW LEVEL SECURITY;
ALTER TABLE many FORCE ROW LEVEL SECURITY;
CREATE POLICY leader ON many TO perfmgmt_leader USING (manager_chain @> ARRAY[perfmgmt.actor_id()]);
CREATE POLICY hr ON many TO perfmgmt_hr USING (perfmgmt.has_appointment('hr'));
CREATE POLICY not_oneself ON many AS RESTRICTIVE TO perfmgmt_leader, perfmgmt_hr USING (employee_id <> perfmgmt.actor_id());
GRANT SELECT ON many TO perfmgmt_leader, perfmgmt_hr;
ANALYZE many;
CREATE FUNCTION plan_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    line text;
    lines text := '';
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS off, TIMING off) ' || statement LOOP
        lines := lines || line || E'\n';
    END LOOP;
    RETURN lines;
END
$$;
CREATE TABLE counted (who text, how text, n bigint, actors int, plan text);
GRANT INSERT ON counted TO PUBLIC;
SELECT format('BEGIN; SELECT perfmgmt.act_as(%s); %s SET LOCAL ROLE perfmgmt_%s;
    INSERT INTO counted SELECT %3$L, %L, count(*), count(DISTINCT perfmgmt.actor_id()), public.plan_of(''SELECT count(*) FROM many'') FROM many; COMMIT',
    w.actor, h.settings, w.role_name, h.how)
FROM (VALUES (2, 'leader'), (26, 'hr')) w(actor, role_name)
CROSS JOIN (VALUES
    ('serial', 'SET LOCAL max_parallel_workers_per_gather = 0;'),
    ('parallel', 'SET LOCAL max_parallel_workers_per_gather = 2; SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0;
                  SET LOCAL min_parallel_table_scan_size = 0; SET LOCAL parallel_leader_participation = off;')) h(how, settings) \gexec
SELECT results_eq($$SELECT who, how, n FROM counted ORDER BY 1, 2$$,
    $$SELECT w.who, h.how, w.n FROM (SELECT 'hr' AS who, count(*) FILTER (WHERE employee_id <> 26) AS n FROM many
                                     UNION ALL SELECT 'leader', count(*) FILTER (WHERE 2 = ANY (manager_chain) AND employee_id <> 2) FROM many) w
      CROSS JOIN (VALUES ('parallel'), ('serial')) h(how) ORDER BY 1, 2$$, 'parallel workers see the rows of the actor');
SELECT matches(plan, 'Workers Launched: [12]', 'and there were workers: ' || who) FROM counted WHERE how = 'parallel' ORDER BY who;

SELECT * FROM finish();
