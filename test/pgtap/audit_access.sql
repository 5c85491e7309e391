-- The log of reads: whoever reads named ratings or authors is in it, whatever
-- the way; counts are not; nobody changes it.
SELECT * FROM no_plan() \g /dev/null
SET search_path = perf, perfmgmt, public;

-- what a transaction of an actor in a role left in the log
CREATE VIEW public.newest AS
SELECT l.relation_name, l.view_names, l.subjects, l.people, l.actor_id, l.on_behalf_of, l.session_user_name
FROM access_log l WHERE l.transaction_id = (SELECT max(x.transaction_id::text::bigint) FROM access_log x)::text::xid8;
SELECT coalesce(max(access_log_id), 0) AS before FROM access_log \gset

-- the ways to read ------------------------------------------------------------

BEGIN; SELECT act_as(5); SET LOCAL ROLE perfmgmt_leader;
SELECT count(*) FROM olr.rating WHERE review_cycle_id = 1 \g /dev/null
COMMIT;
SELECT results_eq('SELECT relation_name, view_names, subjects, people, actor_id, on_behalf_of, session_user_name = session_user FROM newest',
    $$SELECT 'perf.overall_value', '{olr.rating}'::text[], '{[13,17),[31,32)}'::int4multirange, 5, 5, NULL::int, true$$, 'through a view');

-- which view, whatever the way
CREATE VIEW public.of_bi WITH (security_invoker = true) AS SELECT * FROM olr.rating;
GRANT SELECT ON public.of_bi TO perfmgmt_leader;
CREATE FUNCTION public.of_function() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM olr.rating WHERE review_cycle_id = 1); END';
BEGIN; SELECT act_as(5); SET LOCAL ROLE perfmgmt_leader;
SELECT count(*) FROM public.of_bi WHERE review_cycle_id = 1 \g /dev/null
COMMIT;
SELECT set_eq('SELECT unnest(view_names) FROM newest', $$VALUES ('public.of_bi'), ('olr.rating')$$, 'a view over a view: both');
BEGIN; SELECT act_as(5); SET LOCAL ROLE perfmgmt_leader;
SELECT public.of_function() \g /dev/null
COMMIT;
SELECT results_eq('SELECT view_names FROM newest', $$VALUES ('{olr.rating}'::text[])$$, 'in a function');
BEGIN; SELECT act_as(5); SET LOCAL ROLE perfmgmt_leader;
\copy (SELECT * FROM olr.rating WHERE review_cycle_id = 1) TO '/dev/null'
COMMIT;
SELECT results_eq('SELECT view_names FROM newest', $$VALUES ('{olr.rating}'::text[])$$, 'COPY');
BEGIN; SELECT act_as(5); SET LOCAL ROLE perfmgmt_leader;
DECLARE v CURSOR FOR SELECT employee_id FROM olr.rating WHERE review_cycle_id = 1;
FETCH 1 FROM v \g /dev/null
SELECT throws_ok('SELECT 1 / (r.employee_id - r.employee_id) FROM olr.rating r', '22012', NULL, 'a statement that fails');
SELECT count(*) FROM assessment WHERE employee_id = 13 \g /dev/null
COMMIT;
SELECT results_eq('SELECT relation_name, view_names FROM newest ORDER BY 1', $$VALUES ('perf.assessment', '{}'::text[]), ('perf.overall_value', '{olr.rating}')$$,
    'a cursor; and a table itself, after an error');

BEGIN; SELECT act_as(5); SET LOCAL ROLE perfmgmt_leader;
SELECT employee_id FROM overall_value WHERE employee_id = 14 AND review_cycle_id = 2 \g /dev/null
SELECT employee_id FROM olr.principle_rating WHERE employee_id IN (13, 15) \g /dev/null
SELECT employee_id FROM assessment WHERE employee_id = 16 \g /dev/null
COMMIT;
SELECT results_eq('SELECT relation_name, subjects FROM newest ORDER BY 1',
    $$VALUES ('perf.assessment', '{[16,17)}'::int4multirange), ('perf.overall_value', '{[14,15)}'), ('perf.principle_rating', '{[13,14),[15,16)}')$$,
    'from tables and views: a row a table, of those alone that were asked for');

BEGIN; SELECT act_as(5); SET LOCAL ROLE perfmgmt_leader;
\copy (SELECT * FROM perf.assessment WHERE employee_id = 13) TO '/dev/null'
COMMIT;
SELECT results_eq('SELECT relation_name, subjects FROM newest', $$VALUES ('perf.assessment', '{[13,14)}'::int4multirange)$$, 'COPY of a query');

BEGIN; SELECT act_as(4); SET LOCAL ROLE perfmgmt_leader;
\copy perf.preliminary_rating TO '/dev/null'
COMMIT;
SELECT results_eq('SELECT relation_name, subjects FROM newest', $$VALUES ('perf.preliminary_rating', '{[21,23)}'::int4multirange)$$, 'COPY of a table');

BEGIN; SELECT act_as(5); SET LOCAL ROLE perfmgmt_leader;
DECLARE c CURSOR FOR SELECT employee_id FROM overall_value WHERE review_cycle_id = 2 ORDER BY employee_id;
CLOSE c;
COMMIT;
SELECT results_eq('SELECT relation_name FROM newest', $$VALUES ('perf.preliminary_rating')$$, 'a cursor that nobody fetched from read nothing');
BEGIN; SELECT act_as(5); SET LOCAL ROLE perfmgmt_leader; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = off;
DECLARE c CURSOR FOR SELECT employee_id FROM overall_value WHERE review_cycle_id = 2 ORDER BY employee_id;
FETCH 1 FROM c \g /dev/null
COMMIT;
SELECT results_eq('SELECT relation_name, subjects FROM newest', $$VALUES ('perf.overall_value', '{[3,4)}'::int4multirange)$$, 'a cursor: what was fetched');

BEGIN; SELECT act_as(5); SET LOCAL ROLE perfmgmt_leader;
SAVEPOINT s;
SELECT employee_id FROM assessment WHERE employee_id = 13 \g /dev/null
ROLLBACK TO s;
SELECT employee_id FROM assessment WHERE employee_id = 15 \g /dev/null
COMMIT;
SELECT results_eq('SELECT relation_name, subjects FROM newest', $$VALUES ('perf.assessment', '{[13,14),[15,16)}'::int4multirange)$$,
    'a savepoint that is rolled back keeps what it read');

BEGIN; SELECT act_as(27); SET LOCAL ROLE perfmgmt_hr;
SELECT count(*) FROM overall_value WHERE review_cycle_id = 2 \g /dev/null
COMMIT;
SELECT results_eq('SELECT people, actor_id FROM newest', $$SELECT count(*)::int, 27 FROM overall_value WHERE review_cycle_id = 2 AND employee_id <> 27$$, 'HR');

BEGIN; SELECT act_as(2); SET LOCAL ROLE perfmgmt_leader;
SELECT count(*) FROM overall_value WHERE review_cycle_id = 2 AND lp_points % 2 = 3 \g /dev/null
COMMIT;
SELECT ok((SELECT people FROM newest) > 0, 'rows that the statement dropped behind the policy count as read: the upper bound');
SELECT ok(NOT (SELECT subjects @> 2 OR subjects @> 1 FROM newest), 'nobody whom the policies hide, in whatever plan: not oneself, nobody above');
BEGIN; SELECT act_as(2); SET LOCAL ROLE perfmgmt_leader; SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off;
SELECT array_agg(DISTINCT employee_id ORDER BY employee_id)::text AS shown FROM overall_value \gset
COMMIT;
SELECT is((SELECT array_agg(n ORDER BY n)::text FROM newest, generate_series(1, 40) n WHERE subjects @> n), :'shown'::text, 'a sequential scan logs whom it shows');

BEGIN; SELECT act_as(5); SET LOCAL ROLE perfmgmt_leader;
SELECT count(*) FROM explain_rank(2, 14) \g /dev/null
COMMIT;
SELECT results_eq('SELECT relation_name, subjects FROM newest', $$VALUES ('perf.overall_value', '{[14,15)}'::int4multirange)$$, 'explain_rank() answers about one');
BEGIN; SELECT act_as(1); SET LOCAL ROLE perfmgmt_leader;
SELECT array_agg(DISTINCT employee_id ORDER BY employee_id)::text AS shown FROM what_if(2, targets => '{50,20,20,5,5}') \gset
COMMIT;
SELECT is((SELECT array_agg(n ORDER BY n)::text FROM newest, generate_series(1, 40) n WHERE subjects @> n), :'shown'::text, 'what_if() logs whom it names');
SELECT isnt(:'shown'::text, '', 'and it named some');

-- counts --------------------------------------------------------------------

SELECT count(*) AS logged FROM access_log \gset
BEGIN; SELECT act_as(2); SET LOCAL ROLE perfmgmt_leader;
SELECT count(*) FROM olr.session_distribution \g /dev/null
SELECT count(*) FROM olr.matrix \g /dev/null
SELECT count(*) FROM olr.quota_drift \g /dev/null
SELECT count(*) FROM olr.advocacy \g /dev/null
SELECT count(*) FROM matrix_picture(2) \g /dev/null
COMMIT;
SELECT is((SELECT count(*) FROM access_log)::int, :logged, 'counts are not logged');

-- the counts are those of the rows that each reader sees, and in no role more
CREATE FUNCTION public.counted(actor int, of_role text, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    IF actor IS NOT NULL THEN
        PERFORM perfmgmt.act_as(actor);
    END IF;
    EXECUTE format('SET LOCAL ROLE %I', of_role);
    EXECUTE query INTO answer;
    RESET ROLE;
    RETURN answer;
END
$$;
SELECT format($test$BEGIN;
SELECT is(counted(%1$s, %2$L, $q$SELECT string_agg(format('%%s %%s %%s', review_cycle_id, tier, n), ',' ORDER BY review_cycle_id, tier) FROM (
            SELECT review_cycle_id, tier, sum(n) AS n FROM count_tiers() GROUP BY 1, 2) c$q$),
          counted(%1$s, %2$L, $q$SELECT string_agg(format('%%s %%s %%s', review_cycle_id, tier, n), ',' ORDER BY review_cycle_id, tier) FROM (
            SELECT review_cycle_id, coalesce(final_tier, calibrated_tier, quota_tier) AS tier, count(*) AS n
            FROM overall_value WHERE ov_points IS NOT NULL GROUP BY 1, 2) c$q$), 'tiers for %2$s %1$s');
SELECT is(counted(%1$s, %2$L, $q$SELECT string_agg(format('%%s %%s %%s %%s', review_cycle_id, performance_band, potential, n), ',' ORDER BY 1, 2, 3) FROM (
            SELECT review_cycle_id, performance_band, potential, sum(n) AS n FROM count_cells() GROUP BY 1, 2, 3 ORDER BY 1, 2, 3) c$q$),
          counted(%1$s, %2$L, $q$SELECT string_agg(format('%%s %%s %%s %%s', review_cycle_id, performance_band, potential, n), ',' ORDER BY 1, 2, 3) FROM (
            SELECT review_cycle_id, performance_band, potential, count(*) AS n
            FROM overall_value WHERE ov_points IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3) c$q$), 'cells for %2$s %1$s');
SELECT is(counted(%1$s, %2$L, 'SELECT coalesce(sum(n), 0) FROM count_moves()'),
          counted(%1$s, %2$L, 'SELECT count(*) FROM overall_value JOIN participation USING (employee_id, review_cycle_id) WHERE overall_value.calibration_session_id IS NOT NULL AND quota_tier IS NOT NULL'),
          'moves for %2$s %1$s');
COMMIT$test$, coalesce(a::text, 'NULL'), r)
FROM unnest('{1,2,4,5,9,13,16,26,27,28,NULL}'::int[]) a CROSS JOIN unnest('{perfmgmt_leader,perfmgmt_hr}'::text[]) r
\gexec

-- what the log says of itself ----------------------------------------------------

BEGIN; SELECT act_as(28); SET LOCAL ROLE perfmgmt_auditor;
SELECT ok((SELECT count(*) FROM access_log WHERE actor_id = 5) > 3, 'an auditor reads it');
SELECT is((SELECT count(*) FROM access_log WHERE subjects @> 28), 0::bigint, 'but not about oneself');
COMMIT;
BEGIN; SELECT act_as(27); SET LOCAL ROLE perfmgmt_hr;
SELECT throws_ok('SELECT * FROM access_log', '42501', NULL, 'HR does not');
COMMIT;
BEGIN; SELECT act_as(13); SET LOCAL ROLE perfmgmt_auditor;
SELECT is((SELECT count(*) FROM access_log), 0::bigint, 'who is no auditor sees nothing in the role');
COMMIT;
SELECT format($test$BEGIN; SET LOCAL ROLE %1$I; SELECT throws_ok(%2$L, '42501', NULL, %3$L); ROLLBACK$test$, r, s, format('%s: %s', r, split_part(s, ' ', 1)))
FROM unnest('{perfmgmt_leader,perfmgmt_hr,perfmgmt_auditor,perfmgmt_engine}'::text[]) r
CROSS JOIN unnest(ARRAY['INSERT INTO perf.access_log (relation_name, subjects, people, session_user_name, transaction_id, read_at) VALUES (''x'', ''{}'', 0, ''x'', ''1'', now())',
                        'UPDATE perf.access_log SET actor_id = 1', 'DELETE FROM perf.access_log', 'TRUNCATE perf.access_log']) s
\gexec
SELECT throws_ok('TRUNCATE access_log', '0A000', NULL, 'nobody empties it');

SELECT throws_ok($$SELECT log_read('public.nothing', 5)$$, '42P01', NULL, 'nobody writes names of other tables into it');
SELECT throws_ok($$SELECT log_read('perf.nothing', 5)$$, '42P01', NULL, 'nor of tables that are not there');

-- The ledger says who rated whom, too. An auditor reads it: not about oneself, not
-- the votes of a panel, and not unseen; what the company did names nobody.
BEGIN; SELECT act_as(28); SET LOCAL ROLE perfmgmt_auditor;
SELECT ok(count(*) > 0 AND bool_or(author_after ? 'rater_id'), 'an auditor reads who rated') FROM audit_log WHERE subject = 13 AND table_name = 'perf.principle_rating';
SELECT ok((SELECT count(*) FROM history('perf.assessment', 14)) = 2, 'and a history');
SELECT ok((SELECT count(*) FROM as_of('perf.assessment', 15, now())) = 2, 'and what was known of somebody');
SELECT is((SELECT count(*) FROM audit_log WHERE subject = 28) + (SELECT count(*) FROM history('perf.employee', 28)) + (SELECT count(*) FROM as_of('perf.employee', 28, now())),
          0::bigint, 'nothing about oneself');
COMMIT;
SELECT results_eq('SELECT relation_name, subjects, actor_id FROM newest', $$VALUES ('perf.audit_entry', '{[13,16)}'::int4multirange, 28)$$, 'which is logged');
SELECT is(count(*), 1::bigint, 'the ledger holds the vote of a panel') FROM audit_log WHERE table_name = 'perf.appeal_vote';
SELECT count(*) AS logged FROM access_log \gset
BEGIN; SELECT act_as(28); SET LOCAL ROLE perfmgmt_auditor;
SELECT is((SELECT count(*) FROM audit_log WHERE table_name = 'perf.appeal_vote') + (SELECT count(*) FROM history('perf.appeal_vote', 9)) + (SELECT count(*) FROM as_of('perf.appeal_vote', 9, now())),
          0::bigint, 'which auditors do not see');
COMMIT;
SELECT sequence AS vote FROM audit_entry WHERE table_name = 'perf.appeal_vote' LIMIT 1 \gset
SELECT ok(audit_inclusion(28, 1) IS NOT NULL AND audit_inclusion(9, :vote) IS NOT NULL, 'the owner proves any entry');
BEGIN; SELECT act_as(28); SET LOCAL ROLE perfmgmt_auditor;
SELECT ok(audit_inclusion(28, 1) IS NULL AND audit_inclusion(9, :vote) IS NULL, 'an auditor none about oneself, and no vote');
SELECT ok((SELECT count(*) FROM audit_log WHERE subject = 0) > 0, 'the chain of the company');
SELECT is((SELECT status FROM verify_audit()), 'unanchored', 'to verify');
SELECT is_empty('SELECT * FROM reconcile_audit()', 'and to compare');
COMMIT;
SELECT is((SELECT count(*) FROM access_log)::int, :logged, 'none of it is a read about a person');
BEGIN; SELECT act_as(28); SET LOCAL ROLE perfmgmt_auditor;
SELECT ok(audit_inclusion(14, 1) ->> 'table_name' IS NOT NULL, 'a proof about somebody');
COMMIT;
SELECT results_eq('SELECT relation_name, subjects, actor_id FROM newest', $$VALUES ('perf.audit_entry', '{[14,15)}'::int4multirange, 28)$$, 'is one');
-- a difference about an auditor, whose key names who rated
BEGIN;
SET LOCAL session_replication_role = replica;
ALTER TABLE principle_rating DISABLE TRIGGER audit_insert;
INSERT INTO principle_rating SELECT (r).* FROM (SELECT jsonb_populate_record(p, '{"employee_id": 28, "rater_id": 8}') AS r FROM principle_rating p WHERE p.relation = 'peer' LIMIT 1) x;
SELECT results_eq('SELECT subject, row_key ->> ''rater_id'' FROM reconcile_audit()', $$VALUES (28, '8')$$, 'the owner sees whose row is not in the ledger');
SELECT act_as(28); SET LOCAL ROLE perfmgmt_auditor;
SELECT results_eq('SELECT subject, row_key FROM reconcile_audit()', 'VALUES (28, NULL::jsonb)', 'the auditor not who rated the auditor');
ROLLBACK;
BEGIN READ ONLY; SELECT act_as(28); SET LOCAL ROLE perfmgmt_auditor;
SELECT is((SELECT status FROM verify_audit()), 'unanchored', 'verification reads only');
SELECT is_empty('SELECT * FROM reconcile_audit()', 'so does the comparison');
SELECT throws_ok('SELECT * FROM audit_log WHERE subject = 13', '25006', NULL, 'entries about somebody are refused where no row can be written');
COMMIT;
SELECT format($test$BEGIN; SELECT act_as(%s); SET LOCAL ROLE %I; SELECT throws_ok(%L, '42501', NULL, %L); ROLLBACK$test$, actor, r, s, r || ': ' || s)
FROM (VALUES (5, 'perfmgmt_leader'), (26, 'perfmgmt_hr'), (13, 'perfmgmt_employee')) v(actor, r)
CROSS JOIN unnest(ARRAY[$$SELECT perf.as_of('perf.goal', 13, now())$$, $$SELECT perf.history('perf.goal', 13)$$, 'SELECT * FROM perf.audit_log',
                        'SELECT perf.verify_audit()', 'SELECT perf.seal_audit()', 'SELECT perf.audit_digest()', 'SELECT perf.reconcile_audit()']) s
\gexec
BEGIN; SELECT act_as(13); SET LOCAL ROLE perfmgmt_auditor;
SELECT is((SELECT count(*) FROM history('perf.goal', 14)) + (SELECT count(*) FROM as_of('perf.goal', 14, now())), 0::bigint, 'who has the role alone sees nothing');
SELECT throws_ok(s, 'PM006', NULL, 'nor: ' || s) FROM unnest('{SELECT verify_audit(),SELECT seal_audit(),SELECT audit_digest(),SELECT reconcile_audit(),"SELECT audit_inclusion(0, 1)",SELECT audit_consistency()}'::text[]) s;
COMMIT;

-- people at the ends of what an int can be
BEGIN;
SELECT log_read('perf.assessment', n) FROM (VALUES (-2147483648), (-1025), (-1024), (-1), (0), (1023), (1024), (2147483646)) v(n) \g /dev/null
COMMIT;
SELECT results_eq('SELECT subjects, people FROM newest',
    $$VALUES ('{[-2147483648,-2147483647),[-1025,-1023),[-1,1),[1023,1025),[2147483646,2147483647)}'::int4multirange, 8)$$, 'ends of pages and of int');

-- for whom --------------------------------------------------------------------

-- 5 delegated to 9
BEGIN; SELECT act_as(9); SET LOCAL perfmgmt.on_behalf_of = 5; SET LOCAL ROLE perfmgmt_leader;
SELECT count(*) FROM overall_value WHERE review_cycle_id = 2 \g /dev/null
COMMIT;
SELECT results_eq('SELECT actor_id, on_behalf_of FROM newest', 'VALUES (9, 5)', 'on whose behalf');
BEGIN; SELECT act_as(9); SET LOCAL perfmgmt.on_behalf_of = 4; SET LOCAL ROLE perfmgmt_leader;
SELECT throws_ok('SELECT count(*) FROM overall_value', 'PM006', NULL, 'not for somebody who did not delegate');
ROLLBACK;
BEGIN; SELECT act_as(13); SET LOCAL perfmgmt.on_behalf_of = 4;
SELECT throws_ok('SELECT acknowledge_review(1, ''read'')', 'PM006', NULL, 'nor writes');
ROLLBACK;

-- what needs a reason takes no blank one
BEGIN; SELECT act_as(26);
SELECT throws_ok($$SELECT add_subject(1, 8, ' ')$$, '23514', NULL, 'a subject comes for a reason');
SELECT throws_ok($$SELECT remove_subject(2, 22, '')$$, '23514', NULL, 'and goes for one');
SELECT throws_ok($$SELECT cancel_session(1, ' ')$$, '22004', NULL, 'a session is cancelled for one');
SELECT throws_ok($$SELECT change_eligibility(2, 13, 'on_leave', ' ')$$, '22004', NULL, 'so is a decision made');
ROLLBACK;
BEGIN; SELECT act_as(2);
SELECT throws_ok($$SELECT propose_change(2, 17, 'HV3', 'evidence', ' ')$$, '22004', NULL, 'and a tier changed');
SELECT throws_ok($$SELECT delegate_calibration(10, CURRENT_DATE, CURRENT_DATE + 1, ' ')$$, '23514', NULL, 'a delegation');
ROLLBACK;

-- read-only transactions ---------------------------------------------------------

BEGIN READ ONLY; SELECT act_as(5); SET LOCAL ROLE perfmgmt_leader;
SELECT ok((SELECT sum(n) FROM olr.matrix) > 0, 'counts in a read-only transaction');
SELECT throws_ok('SELECT * FROM assessment', '25006', NULL, 'no ratings in a read-only transaction');
COMMIT;
BEGIN; SELECT act_as(5); SET LOCAL ROLE perfmgmt_leader;
SELECT count(*) FROM assessment WHERE employee_id = 13 \g /dev/null
SET TRANSACTION READ ONLY;
COMMIT;
SELECT results_eq('SELECT relation_name, subjects, actor_id FROM newest', $$VALUES ('perf.assessment', '{[13,14)}'::int4multirange, 5)$$,
    'who turns it read only afterwards is logged all the same');

BEGIN; SELECT act_as(26); SET LOCAL ROLE perfmgmt_hr;
SELECT throws_ok($$SELECT propose_access_rule('never', 'x')$$, '22023', NULL, 'an unknown rule');
SELECT throws_ok($$SELECT propose_access_rule('server_log', ' ')$$, '22004', NULL, 'a rule without a reason');
SELECT propose_access_rule('server_log', 'a standby answers BI') AS rule \gset
COMMIT;
BEGIN; SELECT act_as(26); SET LOCAL ROLE perfmgmt_hr;
SELECT throws_ok(format('SELECT approve(%s)', :rule), 'PM005', NULL, 'two people change it');
ROLLBACK;
SELECT is((SELECT read_only_access FROM access_rule), 'refuse', 'not yet');
BEGIN; SELECT act_as(27); SET LOCAL ROLE perfmgmt_hr;
SELECT approve(:rule);
COMMIT;
BEGIN READ ONLY; SELECT act_as(5); SET LOCAL ROLE perfmgmt_leader;
SELECT lives_ok('SELECT * FROM assessment', 'with server_log it is shown');
COMMIT;
SELECT * FROM finish();
