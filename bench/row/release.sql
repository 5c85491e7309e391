---- prepare
-- at most 1 round
-- no warm-up
-- Feedback of six in seven raters who are not the manager: a text on strengths
-- and a score of communication, each left out by some. Nothing is kept of a
-- release, so that each round finds what the first found.
SET session_replication_role = replica;
SET synchronous_commit = off;
CREATE TABLE bench.feedback_index AS
SELECT pg_get_indexdef(i.indexrelid) AS statement, i.indexrelid::regclass::text AS index_name
FROM pg_index i
WHERE i.indrelid IN ('perf.feedback'::regclass, 'perf.feedback_item'::regclass)
  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u'));
SELECT 'DROP INDEX ' || index_name FROM bench.feedback_index \gexec
SELECT format('ALTER TABLE perf.%I SET (autovacuum_enabled = false)', t)
FROM unnest('{feedback,feedback_item,forte_label,forte_summary,forte_score,forte_text,release_group}'::text[]) t \gexec
TRUNCATE perf.feedback, perf.feedback_item;
INSERT INTO perf.feedback (employee_id, feedback_id, review_cycle_id, author_id, relation, version, submitted_at, manager_chain)
SELECT r.employee_id, row_number() OVER (ORDER BY r.employee_id, r.rater_id), 1, r.rater_id, r.relation, 1, '2026-02-01', r.manager_chain
FROM perf.principle_rating r
WHERE r.review_cycle_id = 1 AND r.relation <> 'manager' AND bench.hash(r.employee_id * 10000000::bigint + r.rater_id, 20) % 7 < 6;
INSERT INTO perf.feedback_item (employee_id, feedback_id, question, item_text, score, review_cycle_id, manager_chain)
SELECT f.employee_id, f.feedback_id, q.question,
       CASE q.question WHEN 'strengths' THEN 'Helps where it is needed, and says early what will not work. ' || bench.hash(f.feedback_id, 22) END,
       CASE q.question WHEN 'communication' THEN 2 + bench.hash(f.feedback_id, 23) % 4 END, 1, f.manager_chain
FROM perf.feedback f CROSS JOIN (VALUES ('strengths', 10), ('communication', 20)) q(question, skipped)
WHERE bench.hash(f.feedback_id * 64 + q.skipped, 21) % q.skipped > 0;
UPDATE perf.review_cycle SET status = 'calibration' WHERE review_cycle_id = 1;
INSERT INTO perf.appointment (employee_id, appointment_kind, valid_during, reason)
SELECT 1, 'hr', daterange(CURRENT_DATE, NULL), 'benchmark' WHERE NOT EXISTS (SELECT FROM perf.appointment);
RESET session_replication_role;
VACUUM (ANALYZE) perf.feedback, perf.feedback_item, perf.principle_rating;

---- floor | count and sum by person, relation and question | | answers
-- what the least k alone asks for
SELECT sum(n) FROM (
    SELECT employee_id, relation, question, count(*) AS n, sum(score) AS total
    FROM (SELECT r.employee_id, r.relation, s.ordinal::text AS question, s.score
          FROM perf.principle_rating r CROSS JOIN LATERAL unnest(r.scores) WITH ORDINALITY s(score, ordinal)
          WHERE r.review_cycle_id = 1 AND s.score IS NOT NULL
          UNION ALL
          SELECT f.employee_id, f.relation, i.question, i.score
          FROM perf.feedback f JOIN perf.feedback_item i USING (employee_id, feedback_id) WHERE f.review_cycle_id = 1) a
    GROUP BY employee_id, relation, question) q;

---- ours | forte_cells(): whose answers are shown, and the figures | 1.0
SELECT count(*), sum(cardinality(c.author_ids)), sum(cardinality(array_remove(c.scores, NULL))) FROM perf.release_cells(1) c;

---- ours | release_forte(): ratings checked, tiers, labels, and these figures written with the texts
BEGIN;
SELECT FROM perfmgmt.act_as(1);
\timing on
SELECT perf.release_forte(1, 'benchmark');
\timing off
ROLLBACK;

---- floor | the bare count of the same rows by person
SELECT sum(n) FROM (SELECT employee_id, count(*) AS n FROM perf.release_answer WHERE review_cycle_id = 1 GROUP BY employee_id) q;

---- ours | forte_cells() against the bare count
SELECT count(*), sum(cardinality(c.author_ids)), sum(cardinality(array_remove(c.scores, NULL))) FROM perf.release_cells(1) c;

---- check | no group of fewer than k, nobody in two groups
SELECT CASE WHEN min(cardinality(c.author_ids)) FILTER (WHERE c.is_anonymous) >= 3 THEN 'ok' ELSE 'a group is too small' END FROM perf.release_cells(1) c;

---- finish
TRUNCATE perf.feedback, perf.feedback_item;
SELECT statement FROM bench.feedback_index \gexec
DROP TABLE bench.feedback_index;
UPDATE perf.review_cycle SET status = 'assessment' WHERE review_cycle_id = 1;
