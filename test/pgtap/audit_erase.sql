-- Erasing somebody, holds, retention. test/t/008_erase.pl looks for what is left.
SELECT * FROM no_plan() \g /dev/null
SET search_path = perf, perfmgmt, public;

-- somebody who left, with a few rows; and somebody who left and is in an open cycle
INSERT INTO employee (employee_id, external_id, full_name, email, hired_on, left_on)
VALUES (40, 'E40', 'Planted Person', 'planted@example.org', '2020-01-01', '2021-01-01');
INSERT INTO assignment (employee_id, manager_id, team_id, level_code, valid_during) VALUES (40, 6, 2, 'SDE I', '[2020-01-01,2021-01-01)');
INSERT INTO absence (employee_id, valid_during) VALUES (40, '[2020-02-01,2020-03-01)');
INSERT INTO accomplishment (employee_id, claim, achieved_during, manager_chain) VALUES (40, 'Planted claim.', '[2020-05-01,2020-06-01)', '{6,3,1}');
INSERT INTO delegation (principal_id, delegate_id, scope, valid_during, reason) VALUES (40, 9, 'calibration', '[2020-05-01,2020-06-01)', 'planted reason');
INSERT INTO import_error (import_name, line_number, import_reason, external_id, detail)
SELECT 'import_org', 2, r.import_reason, 'E40', 'planted detail' FROM import_reason r LIMIT 1;
SELECT count(*)::int AS in_chain FROM audit_entry WHERE subject = 40 \gset

CREATE FUNCTION public.planted() RETURNS int LANGUAGE sql AS $$
    SELECT (SELECT count(*) FROM audit_log l
            WHERE concat(l.reason, l.row_before, l.row_after, l.author_before, l.author_after) ~* 'planted')::int
         + (SELECT count(*) FROM employee e WHERE e::text ~* 'planted')::int + (SELECT count(*) FROM accomplishment a WHERE a::text ~* 'planted')::int
         + (SELECT count(*) FROM delegation d WHERE d::text ~* 'planted')::int + (SELECT count(*) FROM import_error i WHERE i::text ~* 'planted')::int
$$;
SELECT ok(planted() >= 6, 'planted');

-- who may not ---------------------------------------------------------------------

BEGIN; SELECT act_as(26); SET LOCAL ROLE perfmgmt_hr;
SELECT throws_ok($$SELECT erase_subject(13, 'asked')$$, 'PM004', 'employee 13 has not left', 'nobody who has not left');
SELECT throws_ok($$SELECT erase_subject(29, 'asked')$$, 'PM004', NULL, 'nobody in an open cycle') WHERE EXISTS (SELECT FROM participation WHERE employee_id = 29 AND review_cycle_id = 2);
SELECT throws_ok($$SELECT erase_subject(99, 'asked')$$, 'PM004', 'employee 99 does not exist', 'nobody who is not there');
SELECT throws_ok($$SELECT erase_subject(40, ' ')$$, '22004', NULL, 'not without a reason');
SELECT throws_ok($$SELECT place_legal_hold(26, 'x')$$, 'PM005', NULL, 'no hold on oneself');
SELECT throws_ok($$SELECT place_legal_hold(40, '')$$, '22004', NULL, 'no hold without a reason');
SELECT place_legal_hold(40, 'a court asks') AS hold \gset
COMMIT;
BEGIN; SELECT act_as(13); SET LOCAL ROLE perfmgmt_hr;
SELECT throws_ok($$SELECT erase_subject(40, 'asked')$$, 'PM006', NULL, 'not without the office');
SELECT throws_ok($$SELECT purge_expired()$$, 'PM006', NULL, 'nor purges');
ROLLBACK;
BEGIN; SELECT act_as(26); SET LOCAL ROLE perfmgmt_hr;
SELECT throws_ok($$SELECT erase_subject(40, 'asked')$$, 'PM004', 'a legal hold keeps the data of employee 40', 'not under a legal hold');
SELECT lift_legal_hold(:hold, 'the court is done') AS lift \gset
SELECT throws_ok(format('SELECT approve(%s)', :lift), 'PM005', NULL, 'two people lift a hold');
COMMIT;

-- a purge leaves them alone
BEGIN; SELECT act_as(26); SET LOCAL ROLE perfmgmt_hr;
SELECT propose_retention_rule('ratings', 24, 'the works council agreed') AS rule \gset
SELECT throws_ok($$SELECT propose_retention_rule('x', 24, 'x')$$, '22023', NULL, 'an unknown category');
SELECT throws_ok($$SELECT propose_retention_rule('ratings', 0, 'x')$$, '22023', NULL, 'no months');
COMMIT;
BEGIN; SELECT act_as(27); SET LOCAL ROLE perfmgmt_hr;
SELECT approve(:rule);
COMMIT;
BEGIN; SELECT act_as(27); SET LOCAL ROLE perfmgmt_hr;
SELECT is((SELECT months FROM retention_rule WHERE category = 'ratings'), 24, 'a rule of two people');
SELECT results_eq($$SELECT expired_rows, held_rows FROM expired() WHERE table_name = 'accomplishment'$$, 'VALUES (0::bigint, 1::bigint)', 'expired, but held');
SELECT throws_ok($$SELECT purge_expired(CURRENT_DATE + 1)$$, '22023', NULL, 'nothing is purged before its time');
SELECT is((SELECT count(*) FROM purge_expired()), 0::bigint, 'nothing goes');
COMMIT;
SELECT is((SELECT count(*) FROM accomplishment WHERE employee_id = 40), 1::bigint, 'it is there');
BEGIN; SELECT act_as(27); SET LOCAL ROLE perfmgmt_hr;
SELECT approve(:lift);
COMMIT;

-- erasing ----------------------------------------------------------------------

BEGIN; SELECT act_as(26); SET LOCAL ROLE perfmgmt_hr;
SELECT erase_subject(40, 'asked for it') AS erasure \gset
COMMIT;
SELECT throws_ok(format('SELECT erase_person(%s)', :erasure), 'PM004', NULL, 'not before it is approved');
BEGIN; SELECT act_as(26); SET LOCAL ROLE perfmgmt_hr;
SELECT throws_ok(format('SELECT approve(%s)', :erasure), 'PM005', NULL, 'two people decide');
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT act_as(27); SET LOCAL ROLE perfmgmt_hr;
SELECT throws_ok(format('SELECT approve(%s)', :erasure), '25000', NULL, 'not on an old snapshot');
ROLLBACK;
BEGIN; SELECT act_as(27); SET LOCAL ROLE perfmgmt_hr;
SELECT approve(:erasure, 'agreed');
COMMIT;
SELECT is(planted(), 0, 'nothing of it is there');
SELECT results_eq('SELECT external_id, full_name, email FROM employee WHERE employee_id = 40', $$VALUES ('erased 40', 'erased', NULL)$$, 'the row that others refer to stays, empty');
SELECT results_eq('SELECT what, reason, proposed_by, decided_by FROM erasure WHERE employee_id IN (0, 40)',
    $$VALUES ('subject', 'asked for it', 26, 27), ('subject', 'asked for it', 26, 27)$$, 'who decided, and why');
SELECT results_eq($$SELECT operation, row_after ->> 'reason' FROM audit_log WHERE subject = 40 AND table_name = 'perf.erasure'$$,
    $$VALUES ('erase', 'asked for it')$$, 'the ledger says it');
SELECT ok((SELECT count(*) FROM audit_entry WHERE subject = 40 AND content IS NULL AND authorship IS NULL) >= :in_chain, 'the entries are there, without their parts');
SELECT is((SELECT status FROM verify_audit()), 'unanchored', 'the ledger is whole');
SELECT is_empty('SELECT * FROM reconcile_audit()', 'and the tables are as it says');
SELECT throws_ok(format('SELECT erase_person(%s)', :erasure), 'PM004', NULL, 'not a second time');

-- without the entry that explains it, erased parts are an alarm
BEGIN;
UPDATE audit_entry SET content = NULL, content_digest = part_digest('content', content) WHERE subject = 13 AND sequence = 1;
SELECT results_eq('SELECT status, broken_subject, problem FROM verify_audit()',
    $$VALUES ('broken', 13, 'a part was erased and no entry says who decided')$$, 'erased by nobody: broken');
ROLLBACK;
SELECT format($test$BEGIN; SET LOCAL ROLE %1$I; SELECT throws_ok(%2$L, '42501', NULL, %3$L); ROLLBACK$test$, r, s, format('%s: %s', r, s))
FROM unnest('{perfmgmt_leader,perfmgmt_hr,perfmgmt_auditor,perfmgmt_engine}'::text[]) r
CROSS JOIN unnest(ARRAY['UPDATE perf.audit_entry SET content = NULL', 'DELETE FROM perf.audit_entry',
                        'INSERT INTO perf.erasure (employee_id, decision_id, what, reason, proposed_by, decided_by) VALUES (1, 1, ''x'', ''x'', 1, 1)']) s
\gexec

-- retention -----------------------------------------------------------------------

-- the cycle of 2024 was released long ago
UPDATE review_cycle SET released_at = now() - interval '25 months' WHERE review_cycle_id = 1;
BEGIN; SELECT act_as(26); SET LOCAL ROLE perfmgmt_hr;
SELECT place_legal_hold(13, 'a court asks') AS hold \gset
COMMIT;
SELECT count(*)::int AS all_raters, (count(*) FILTER (WHERE employee_id IN (13, 24)))::int AS held_raters FROM principle_rating WHERE review_cycle_id = 1 \gset
SELECT (count(*) FILTER (WHERE employee_id IN (13, 24)))::int AS held_values FROM overall_value WHERE review_cycle_id = 1 \gset
SELECT count(*)::int AS other_raters FROM principle_rating WHERE review_cycle_id = 2 \gset
SELECT md5(string_agg(s::text, ',' ORDER BY s::text)) AS release FROM forte_score s \gset
BEGIN; SELECT act_as(26); SET LOCAL ROLE perfmgmt_hr;
SELECT results_eq($$SELECT expired_rows::int, held_rows::int FROM expired() WHERE table_name = 'principle_rating'$$,
    format('VALUES (%s, %s)', :all_raters - :held_raters, :held_raters), 'a dry run says what goes');
SELECT is((SELECT sum(purged_rows)::int FROM purge_expired() WHERE table_name = 'principle_rating'), :all_raters - :held_raters, 'and that goes');
COMMIT;
SELECT is((SELECT count(*)::int FROM principle_rating WHERE review_cycle_id = 1), :held_raters, 'but for who is held');
SELECT is((SELECT count(*)::int FROM overall_value WHERE review_cycle_id = 1), :held_values, 'ratings, too');
SELECT is((SELECT count(*)::int FROM principle_rating WHERE review_cycle_id = 2), :other_raters, 'nothing of a later cycle');
SELECT is((SELECT md5(string_agg(s::text, ',' ORDER BY s::text)) FROM forte_score s), :'release'::text, 'the release stays');
SELECT is((SELECT count(*)::int FROM audit_log l WHERE l.table_name = 'perf.principle_rating' AND l.subject NOT IN (13, 24)
           AND coalesce(l.row_after ->> 'review_cycle_id', l.row_before ->> 'review_cycle_id') = '1'), 0, 'no scores in the ledger');
SELECT is((SELECT count(*)::int FROM audit_log l WHERE l.table_name = 'perf.principle_rating' AND l.content_is_erased AND NOT l.authorship_is_erased), 0, 'nor raters');
SELECT ok((SELECT count(*)::int FROM audit_log l WHERE l.table_name = 'perf.principle_rating' AND (l.row_after ->> 'review_cycle_id') = '2' AND l.author_after ? 'rater_id') > 0,
    'of the later cycle both are there');
SELECT is((SELECT status FROM verify_audit()), 'unanchored', 'the ledger is whole');
SELECT is_empty('SELECT * FROM reconcile_audit()', 'and the tables are as it says');
SELECT results_eq($$SELECT decision_kind, outcome, decided_by FROM decision ORDER BY decision_id DESC LIMIT 1$$, $$VALUES ('purge', 'approved', 26)$$, 'a decision by name');
BEGIN; SELECT act_as(26); SET LOCAL ROLE perfmgmt_hr;
SELECT is_empty('SELECT * FROM purge_expired()', 'a second purge finds nothing');
COMMIT;

-- an erasure covers what it names, and nothing beside it
SELECT is_empty($$SELECT e.subject, e.sequence FROM audit_entry e WHERE (e.content IS NULL OR e.authorship IS NULL)
                  AND NOT EXISTS (SELECT FROM erasure x CROSS JOIN LATERAL generate_series(1, cardinality(x.erased_entries), 2) i
                                  WHERE x.employee_id = e.subject AND e.sequence BETWEEN x.erased_entries[i] AND x.erased_entries[i + 1])$$, 'every erased part is named by an erasure');
SELECT is_empty($$SELECT e.subject, e.sequence FROM erasure x CROSS JOIN LATERAL generate_series(1, cardinality(x.erased_entries), 2) i
                  JOIN audit_entry e ON e.subject = x.employee_id AND e.sequence BETWEEN x.erased_entries[i] AND x.erased_entries[i + 1]
                  WHERE e.content IS NOT NULL AND e.authorship IS NOT NULL$$, 'and no other part is');
BEGIN;
SELECT e.sequence AS beside FROM audit_entry e WHERE e.subject = 14 AND e.content IS NOT NULL ORDER BY e.sequence LIMIT 1 \gset
SELECT ok(:beside < (SELECT max(e.sequence) FROM audit_entry e WHERE e.subject = 14 AND e.operation = 'erase'), 'a part before a purge that stayed');
UPDATE audit_entry SET content = NULL, content_digest = part_digest('content', content) WHERE subject = 14 AND sequence = :beside;
SELECT results_eq('SELECT status, broken_subject, broken_sequence, problem FROM verify_audit()',
    format($$VALUES ('broken', 14, %s::bigint, 'a part was erased and no entry says who decided')$$, :beside), 'erased under the cover of the purge: broken');
ROLLBACK;

-- the log of reads goes in its time
INSERT INTO access_log (relation_name, subjects, people, session_user_name, transaction_id, read_at)
VALUES ('perf.feedback', '{[14,15)}', 1, 'x', '1', now() - interval '40 months'), ('perf.feedback', '{[13,15)}', 2, 'x', '1', now() - interval '40 months');
BEGIN; SELECT act_as(26); SET LOCAL ROLE perfmgmt_hr;
SELECT results_eq('SELECT table_name, purged_rows FROM purge_expired()', $$VALUES ('access_log', 1::bigint)$$, 'reads of long ago, but for who is held');
COMMIT;
SELECT * FROM finish();
