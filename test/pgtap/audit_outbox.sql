-- The outbox: what becomes an event, who takes it.
SELECT * FROM no_plan() \g /dev/null
SET search_path = perf, perfmgmt, public;

-- what the fixture did
SELECT ok((SELECT count(*) FROM outbox WHERE event = 'forte.released') = (SELECT count(*) FROM forte_label WHERE release_number = 1), 'a release: everybody who got one');
SELECT results_eq($$SELECT employee_id, event FROM outbox WHERE employee_id IN (13, 14) AND event LIKE 'forte.%' ORDER BY outbox_id$$,
    $$VALUES (13, 'forte.released'), (14, 'forte.released'), (13, 'forte.acknowledged'), (14, 'forte.disputed')$$, 'in order for each person');
SELECT ok(EXISTS (SELECT FROM outbox WHERE event = 'decision.proposed') AND EXISTS (SELECT FROM outbox WHERE event = 'decision.approved'), 'decisions');
SELECT is_empty($$SELECT DISTINCT event FROM outbox WHERE event LIKE 'decision.%' AND (employee_id <> 0 OR detail - 'decision_id' <> '{}')$$, 'which name nobody');
SELECT is_empty($$SELECT DISTINCT event FROM outbox WHERE event !~ '^[a-z]+\.[a-z_]+$'$$, 'each is called <domain>.<what>');
BEGIN; SELECT act_as(26);
SELECT move_employee(20, 7);
COMMIT;
SELECT results_eq($$SELECT event, detail ->> 'manager_id' FROM outbox WHERE employee_id = 20 ORDER BY outbox_id DESC LIMIT 1$$, $$VALUES ('org.moved', '7')$$, 'a move');

-- writers never notify: everybody may listen, and they would queue for it
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_proc p
    WHERE p.pronamespace IN ('perf'::regnamespace, 'perfmgmt'::regnamespace, 'forte'::regnamespace, 'olr'::regnamespace, 'insight'::regnamespace)
      AND (p.prosrc || coalesce(pg_get_function_sqlbody(p.oid), '')) ~* '\m(pg_)?notify\M'$$, 'no routine notifies');

-- who takes them
SELECT format($test$BEGIN; SET LOCAL ROLE %1$I; SELECT throws_ok('SELECT * FROM perf.take_events()', '42501', NULL, %2$L); ROLLBACK$test$, r, r || ' takes none')
FROM unnest('{perfmgmt_employee,perfmgmt_leader,perfmgmt_hr,perfmgmt_auditor,perfmgmt_analyst}'::text[]) r
\gexec
BEGIN; SET LOCAL ROLE perfmgmt_app;
SELECT throws_ok('SELECT * FROM perf.outbox', '42501', NULL, 'the application does not read the table');
ROLLBACK;
SELECT count(*)::int AS waiting FROM outbox \gset
BEGIN; SET LOCAL ROLE perfmgmt_app;
SELECT is((SELECT array_agg(e.outbox_id) FROM perf.take_events(3) e), (SELECT array_agg(e.outbox_id) FROM perf.take_events(3) e), 'what is not acknowledged comes again');
SELECT is((SELECT count(*) FROM perf.take_events(3)), 3::bigint, 'as many as asked for');
COMMIT;
SELECT throws_ok($$SELECT acknowledge_events(ARRAY(SELECT max(outbox_id) FROM outbox WHERE employee_id = 13))$$, '22023', NULL, 'not a later one of a person before an earlier');
SELECT is(acknowledge_events(ARRAY(SELECT e.outbox_id FROM take_events(3) e)), 3, 'acknowledged');
SELECT is(acknowledge_events('{-1}'), 0, 'what is not there');
SELECT is((SELECT count(*)::int FROM outbox), :waiting - 3, 'and gone');
SELECT queue_events('{5,3,5}', 'test.many', '{"a": 1}');
SELECT results_eq($$SELECT employee_id, detail FROM outbox WHERE event = 'test.many' ORDER BY outbox_id$$, $$VALUES (3, '{"a": 1}'::jsonb), (5, '{"a": 1}')$$, 'several people, each once');
SELECT * FROM finish();
