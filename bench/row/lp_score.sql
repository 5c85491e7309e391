---- prepare
-- 200,000 people at most: the row a principle is 16 times as many rows.
DROP TABLE IF EXISTS bench.rating, bench.principle_row, bench.weight, bench.weight_policy;
CREATE TABLE bench.rating AS
SELECT r.* FROM perf.principle_rating r
WHERE r.review_cycle_id = 1 AND r.employee_id <= 200000 ORDER BY r.employee_id, r.rater_id;
CREATE TABLE bench.principle_row AS
SELECT r.employee_id, r.rater_id, r.relation, r.level_rank, s.ordinal::int, s.score
FROM bench.rating r, unnest(r.scores) WITH ORDINALITY s(score, ordinal);
CREATE TABLE bench.weight AS
SELECT l.level_rank, w.ordinal, r.relation, w.weight * r.weight AS weight
FROM perf.principle_weight w JOIN perf.job_level l USING (level_code) JOIN perf.relation_weight r USING (policy_id)
WHERE w.policy_id = 1;
CREATE TABLE bench.weight_policy AS
SELECT jsonb_build_object(
    'relation', (SELECT jsonb_object_agg(relation, weight) FROM perf.relation_weight WHERE policy_id = 1),
    'level', (SELECT jsonb_object_agg(level_rank, weights)
              FROM (SELECT level_rank, jsonb_object_agg(ordinal, weight) AS weights
                    FROM perf.principle_weight JOIN perf.job_level USING (level_code)
                    WHERE policy_id = 1 GROUP BY level_rank) l)) AS policy;
VACUUM (ANALYZE) bench.rating, bench.principle_row, bench.weight, bench.weight_policy;

---- floor | sum(score), a row a principle
SELECT sum(s) FROM (SELECT employee_id, sum(score) AS s FROM bench.principle_row GROUP BY employee_id) q;

---- ours | lp_score(), a row a rater, weights by principle_weights() | 0.3 | points
SELECT sum(points) FROM (
    SELECT r.employee_id, perfmgmt.lp_score(r.scores, w.weight, r.level_rank, (SELECT perf.principle_weights(1))) AS points
    FROM bench.rating r JOIN perf.relation_weight w ON w.policy_id = 1 AND w.relation = r.relation
    GROUP BY r.employee_id) q;

---- ours | the same, weights as a constant | 0.3 | points
SELECT format('SELECT sum(points) FROM (
    SELECT r.employee_id, perfmgmt.lp_score(r.scores, w.weight, r.level_rank, %L) AS points
    FROM bench.rating r JOIN perf.relation_weight w ON w.policy_id = 1 AND w.relation = r.relation
    GROUP BY r.employee_id) q', perf.principle_weights(1)) AS statement \gset
\timing on
:statement;
\timing off

---- peer | weighted join, a row a principle | | points
SELECT sum((20000 * s + n) / (2 * n)) FROM (
    SELECT p.employee_id, sum(w.weight * p.score) AS s, sum(w.weight) AS n
    FROM bench.principle_row p JOIN bench.weight w USING (level_rank, ordinal, relation)
    GROUP BY p.employee_id) q;

---- peer | weights from a jsonb policy, a row a principle | | points
SELECT sum((20000 * s + n) / (2 * n)) FROM (
    SELECT employee_id, sum(weight * score) AS s, sum(weight) AS n
    FROM (SELECT p.employee_id, p.score,
                 (j.policy -> 'level' -> p.level_rank::text ->> p.ordinal::text)::int * (j.policy -> 'relation' ->> p.relation)::int AS weight
          FROM bench.principle_row p, bench.weight_policy j OFFSET 0) x
    GROUP BY employee_id) q;

---- check | the points are those of calibrate()
SELECT CASE WHEN count(*) = 0 THEN 'ok' ELSE count(*) || ' people differ' END
FROM (SELECT r.employee_id, perfmgmt.lp_score(r.scores, w.weight, r.level_rank, (SELECT perf.principle_weights(1))) AS points
      FROM bench.rating r JOIN perf.relation_weight w ON w.policy_id = 1 AND w.relation = r.relation
      GROUP BY r.employee_id) q
JOIN perf.overall_value o USING (employee_id)
WHERE o.lp_points IS DISTINCT FROM q.points;

---- finish
DROP TABLE bench.principle_row;
