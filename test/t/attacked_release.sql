-- From what was written in the first cycle to its release, and the second cycle
-- with its window open. public.written may have been changed before.
SET client_min_messages = warning;
SET search_path = perf, perfmgmt, public;
-- asked by HR, submitted by the authors
SELECT format('BEGIN; SELECT as_person(%s, %L); COMMIT', CASE subject_id WHEN 7700030 THEN 7700031 ELSE 7700030 END, format('SELECT perf.nominate_author(1, %s, %s, %L)', subject_id, author_id, relation))
FROM public.written WHERE review_cycle_id = 1 ORDER BY subject_id, author_id \gexec
SELECT format('BEGIN; SELECT as_person(%s, %L); COMMIT', author_id, format('SELECT perf.submit_feedback(1, %s, %L, %L, %L)', subject_id, answers, principles, relation))
FROM public.written WHERE review_cycle_id = 1 ORDER BY subject_id, author_id \gexec
SELECT advance_cycle(1);
INSERT INTO assessment (employee_id, review_cycle_id, job_performance, potential, summary, source, assessed_by, manager_chain)
SELECT p.employee_id, 1, 3, 2, 'zqsummary' || p.employee_id, 'manager', p.manager_id, p.manager_chain FROM participation p WHERE p.manager_id IS NOT NULL;
\if :{?assess}
:assess
\endif
SELECT calibrate(1);
SELECT advance_cycle(1);
UPDATE review_cycle SET forte_closes_on = CURRENT_DATE - 1 WHERE review_cycle_id = 1;
-- The same random numbers each time; the ids of texts are made from the texts.
DO $$
DECLARE
    source text := (SELECT pg_get_functiondef(p.oid) FROM pg_proc p WHERE p.oid = 'perf.write_release_texts(int)'::regprocedure);
BEGIN
    EXECUTE replace(source, 'gen_random_uuid()', 'md5(i.item_text)::uuid');
END
$$;
SELECT setseed(0.5);
BEGIN;
SELECT as_person(7700030, 'SELECT perf.release_forte(1, ''zqreason'')');
COMMIT;
BEGIN;
SELECT as_person(7700011, 'SELECT perf.acknowledge_review(1, ''zqcomment7700011'')');
COMMIT;
BEGIN;
SELECT as_person(7700012, 'SELECT perf.dispute_rating(1, ''zqdispute7700012'')');
COMMIT;
-- the victim and the peers get another manager, one of them leaves
SELECT count(*) FROM (SELECT move_employee(n, 7700002) FROM generate_series(7700010, 7700019) n) m;
UPDATE assignment SET valid_during = daterange(lower(valid_during), CURRENT_DATE) WHERE employee_id = 7700020;
UPDATE employee SET left_on = CURRENT_DATE WHERE employee_id = 7700020;

SELECT create_cycle('second', CURRENT_DATE - 430, CURRENT_DATE - 66, 2, CURRENT_DATE - 200, CURRENT_DATE - 1, CURRENT_DATE + 30);
SELECT open_cycle(2);
BEGIN;
SELECT as_person(7700010, format('SELECT perf.nominate_author(2, 7700010, %s)', n)) FROM unnest('{7700011,7700012,7700018}'::int[]) n;
COMMIT;
BEGIN;
SELECT as_person(7700030, format('SELECT perf.nominate_author(2, 7700010, %s)', n)) FROM unnest('{7700013,7700014,7700015}'::int[]) n;
COMMIT;
BEGIN;
SELECT as_person(7700031, format('SELECT perf.nominate_author(2, %s, %s)', s, a)) FROM (VALUES (7700002, 7700016), (7700002, 7700021), (7700002, 7700022), (7700030, 7700032)) v(s, a);
COMMIT;
BEGIN;
SELECT as_person(7700021, $$SELECT perf.submit_feedback(2, 7700002, '{"growth": "zqtext2s7700002 open"}', '{}')$$);
COMMIT;
BEGIN;
SELECT as_person(7700013, $$SELECT perf.submit_feedback(2, 7700010, '{"growth": "zqtext2s7700010 open"}', '{}')$$);
COMMIT;
BEGIN;
SELECT as_person(7700014, $$SELECT perf.save_feedback_draft(2, 7700010, '{"growth": "zqtext2s7700010 draft"}', '{}')$$);
COMMIT;
\if :{?after}
:after
\endif
-- numbers of transactions are by chance
SET session_replication_role = replica;
UPDATE decision SET proposed_in = '1';
RESET session_replication_role;
SELECT seal_audit();
ANALYZE;
