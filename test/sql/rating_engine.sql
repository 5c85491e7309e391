-- Rating engine: lp_score, performance_band, ov_points.
\pset null '(null)'

--
-- lp_score: the vectors of the scoring policy
--
SELECT perfmgmt.lp_score('{5,4,4}'::smallint[], 1, 1, '{{1,1,1}}');
SELECT perfmgmt.lp_score('{5,5,4}'::smallint[], 1, 1, '{{1,1,1}}');
SELECT perfmgmt.lp_score('{3,4}'::smallint[], 1, 1, '{{31,1}}');
SELECT perfmgmt.lp_score('{5,4,NULL,2}'::smallint[], 1, 1, '{{3,1,1,1}}');

-- half up: 30001, 30000.5 and a little less
SELECT perfmgmt.lp_score('{3,4}'::smallint[], 1, 1, '{{9999,1}}') AS exact,
       perfmgmt.lp_score('{3,4,3}'::smallint[], 1, 1, '{{10000,1,9999}}') AS half_up,
       perfmgmt.lp_score('{3,4,3}'::smallint[], 1, 1, '{{10000,1,10000}}') AS down;

-- several raters, relation weights, the subject's level
SELECT perfmgmt.lp_score(scores, relation_weight, 2, '{{1,1,1},{3,1,1}}')
FROM (VALUES ('{5,4,4}'::smallint[], 3),
             ('{3,3,NULL}', 1),
             ('{NULL,NULL,2}', 1)) AS rating(scores, relation_weight);

-- by hand: S = 3 x 23 + 12 + 2 = 83, W = 3 x 5 + 4 + 1 = 20
SELECT (20000 * 83 + 20) / (2 * 20) AS by_hand;

-- fewer scores than principles: the rest is not scored
SELECT perfmgmt.lp_score('{4,3}'::smallint[], 1, 1, '{{1,1,1}}');

-- more than eight scores, nulls in both bytes of the bitmap
SELECT perfmgmt.lp_score('{NULL,5,5,5,5,5,5,5,NULL,1,5,5,5,5,5,NULL}'::smallint[], 1, 1,
                         array_fill(1, ARRAY[1, 16]));

-- the extremes: all ones and all fives, the heaviest weights
SELECT perfmgmt.lp_score(array_fill(1::smallint, ARRAY[32]), 10000, 1, array_fill(10000, ARRAY[1, 32])) AS lowest,
       perfmgmt.lp_score(array_fill(5::smallint, ARRAY[32]), 10000, 1, array_fill(10000, ARRAY[1, 32])) AS highest;

--
-- lp_score: nothing to count gives NULL
--
SELECT perfmgmt.lp_score(NULL::smallint[], 1, 1, '{{1,1}}') AS no_scores,
       perfmgmt.lp_score(NULL::smallint[], NULL, NULL, NULL) AS outer_join,
       perfmgmt.lp_score('{}'::smallint[], 1, 1, '{{1,1}}') AS empty,
       perfmgmt.lp_score('{NULL,NULL}'::smallint[], 1, 1, '{{1,1}}') AS unscored,
       perfmgmt.lp_score('{5,5}'::smallint[], 0, 1, '{{1,1}}') AS relation_weight_0,
       perfmgmt.lp_score('{5,NULL}'::smallint[], 1, 1, '{{0,1}}') AS weight_0;
SELECT perfmgmt.lp_score('{5,5}'::smallint[], 1, 1, '{{1,1}}') AS no_rows WHERE false;

-- a row that contributes nothing leaves the others as they are
SELECT perfmgmt.lp_score(scores, relation_weight, 1, '{{1,1}}')
FROM (VALUES ('{5,4}'::smallint[], 1), (NULL, 1), (NULL, NULL), ('{}', 1), ('{1,1}', 0))
     AS rating(scores, relation_weight);

--
-- lp_score: malformed input, line by line
--
SELECT perfmgmt.lp_score('{5,0}'::smallint[], 1, 1, '{{1,1}}');
SELECT perfmgmt.lp_score('{NULL,6}'::smallint[], 1, 1, '{{1,1}}');
SELECT perfmgmt.lp_score('{5,-1}'::smallint[], 1, 1, '{{1,1}}');
SELECT perfmgmt.lp_score('{5,6}'::smallint[], 0, 1, '{{1,1}}');
SELECT perfmgmt.lp_score('{5,4}'::smallint[], 1, 0, '{{1,1}}');
SELECT perfmgmt.lp_score('{5,4}'::smallint[], 1, 3, '{{1,1},{1,1}}');
SELECT perfmgmt.lp_score('{5,4}'::smallint[], 1, NULL, '{{1,1}}');
SELECT perfmgmt.lp_score('{5,4}'::smallint[], NULL, 1, '{{1,1}}');
SELECT perfmgmt.lp_score('{5,4}'::smallint[], -1, 1, '{{1,1}}');
SELECT perfmgmt.lp_score('{5,4,3}'::smallint[], 1, 1, '{{1,1}}');
SELECT perfmgmt.lp_score('{{5,4}}'::smallint[], 1, 1, '{{1,1}}');
SELECT perfmgmt.lp_score('[0:1]={5,4}'::smallint[], 1, 1, '{{1,1}}');
SELECT perfmgmt.lp_score('{5,4}'::smallint[], 1, 1, NULL);
SELECT perfmgmt.lp_score('{5,4}'::smallint[], 1, 1, '{{1,-1}}');
SELECT perfmgmt.lp_score('{5,4}'::smallint[], 1, 1, '{{1,1},{1,10001}}');
SELECT perfmgmt.lp_score('{5,4}'::smallint[], 1, 1, '{{1,NULL}}');
SELECT perfmgmt.lp_score('{5,4}'::smallint[], 1, 1, '{1,1}');
SELECT perfmgmt.lp_score('{5,4}'::smallint[], 1, 1, '{{{1,1}}}');
SELECT perfmgmt.lp_score('{5,4}'::smallint[], 1, 1, '[0:0][1:2]={{1,1}}');
SELECT perfmgmt.lp_score('{5,4}'::smallint[], 1, 1, '{}');
SELECT perfmgmt.lp_score(array_fill(5::smallint, ARRAY[32]), 2147483647, 1, array_fill(10000, ARRAY[1, 32]));

-- SQLSTATE, for clients
\set VERBOSITY sqlstate
SELECT perfmgmt.lp_score('{6}'::smallint[], 1, 1, '{{1}}');
SELECT perfmgmt.lp_score('{5}'::smallint[], 1, 2, '{{1}}');
SELECT perfmgmt.lp_score('{5}'::smallint[], 1, 1, '{{-1}}');
SELECT perfmgmt.lp_score('{5}'::smallint[], -1, 1, '{{1}}');
SELECT perfmgmt.lp_score('{5,5}'::smallint[], 1, 1, '{{1}}');
SELECT perfmgmt.lp_score('{5}'::smallint[], NULL, 1, '{{1}}');
SELECT perfmgmt.lp_score(array_fill(5::smallint, ARRAY[32]), 2147483647, 1, array_fill(10000, ARRAY[1, 32]));
\set VERBOSITY default

--
-- The parts of the aggregate, called by hand
--
SELECT perfmgmt.lp_score_accum('{0,0}', '{5,4}', 2, 1, '{{1,3}}');
SELECT perfmgmt.lp_score_combine('{34,8}', '{5,1}'), perfmgmt.lp_score_final('{39,9}');
SELECT perfmgmt.lp_score_accum(NULL, '{5,4}', 2, 1, '{{1,3}}');
SELECT perfmgmt.lp_score_accum('{0,0,0}', '{5,4}', 2, 1, '{{1,3}}');
SELECT perfmgmt.lp_score_accum('{0,NULL}', '{5,4}', 2, 1, '{{1,3}}');
SELECT perfmgmt.lp_score_accum('{0,-1}', '{5,4}', 2, 1, '{{1,3}}');
SELECT perfmgmt.lp_score_accum('{{0,0}}', '{5,4}', 2, 1, '{{1,3}}');
SELECT perfmgmt.lp_score_combine('{34,8}', '{5}');
SELECT perfmgmt.lp_score_combine('{9223372036854775807,8}', '{1,0}');
SELECT perfmgmt.lp_score_final('{10,1}');
SELECT perfmgmt.lp_score_final('{9223372036854775807,1}');

--
-- The weight matrix is kept for the query, and only while it is the same
--
CREATE TABLE rating_policy (policy_id int, weights int[]);
INSERT INTO rating_policy VALUES (1, '{{1,1}}'), (2, '{{3,1}}'), (3, '{{1,3}}'), (4, '{{1,1},{1,1}}');
-- stored out of line, compressed or not, and with a one-byte header
INSERT INTO rating_policy
SELECT 5, array_agg(ARRAY[level % 10 + 1, 1]) FROM generate_series(1, 2000) AS level;
ALTER TABLE rating_policy ALTER weights SET STORAGE EXTERNAL;
INSERT INTO rating_policy
SELECT 6, array_agg(ARRAY[1, level % 10 + 2]) FROM generate_series(1, 2000) AS level;

-- it comes with the rows and changes from row to row, in one group
SELECT perfmgmt.lp_score('{5,1}', 1, 1, weights ORDER BY policy_id) AS points,
       (20000 * (6 + 16 + 8 + 6 + 11 + 8) + 19) / (2 * 19) AS by_hand
FROM rating_policy;
SELECT policy_id, perfmgmt.lp_score('{5,1}', 1, 1, weights)
FROM rating_policy, generate_series(1, 3) GROUP BY policy_id ORDER BY policy_id;
SELECT DISTINCT perfmgmt.lp_score('{5,1}', 1, 1, CASE WHEN n % 2 = 0 THEN '{{3,1}}'::int[] ELSE '{{1,3}}' END) AS points
FROM generate_series(1, 1000) AS n;

-- a scalar query, a prepared statement, a variable, a window
SELECT perfmgmt.lp_score('{5,1}', 1, 1, (SELECT weights FROM rating_policy WHERE policy_id = 2))
FROM generate_series(1, 3);
PREPARE score(int[]) AS SELECT perfmgmt.lp_score('{5,1}', 1, 1, $1) FROM generate_series(1, 3);
SET plan_cache_mode = force_generic_plan;
EXECUTE score('{{3,1}}');
EXECUTE score('{{1,3}}');
RESET plan_cache_mode;
DO $$
DECLARE
    weights int[] := '{{3,1}}';
    points int;
BEGIN
    FOR turn IN 1..3 LOOP
        SELECT perfmgmt.lp_score('{5,1}', 1, 1, weights) INTO points FROM generate_series(1, 3);
        RAISE NOTICE '% %', weights, points;
        weights[1][2] := weights[1][2] + turn;
    END LOOP;
    BEGIN
        weights[1][1] := -1;
        SELECT perfmgmt.lp_score('{5,1}', 1, 1, weights) INTO points FROM generate_series(1, 3);
    EXCEPTION WHEN SQLSTATE 'PM001' THEN
        RAISE NOTICE '%', SQLERRM;
    END;
    weights[1][1] := 3;
    SELECT perfmgmt.lp_score('{5,1}', 1, 1, weights) INTO points FROM generate_series(1, 3);
    RAISE NOTICE '% %', weights, points;
END
$$;
SELECT rater, perfmgmt.lp_score(ARRAY[rater, 1]::smallint[], 1, 1, '{{1,1}}') OVER (ORDER BY rater) AS running
FROM generate_series(1, 5) AS rater;
SELECT rater, perfmgmt.lp_score(ARRAY[rater, 1]::smallint[], 1, 1, '{{1,1}}')
                  OVER (ORDER BY rater ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS two_rows
FROM generate_series(1, 5) AS rater;

--
-- Parallel equals serial
--
CREATE TABLE rating_row (subject int, scores smallint[], relation_weight int, level int);
INSERT INTO rating_row
SELECT n / 8,
       (SELECT array_agg(CASE WHEN (n * 31 + p * 17) % 23 = 0 THEN NULL
                              ELSE 1 + (n * 7919 + p * 104729) % 5 END ORDER BY p)
        FROM generate_series(1, 16) AS p),
       CASE WHEN n % 8 = 0 THEN 3 ELSE 1 END,
       1 + (n / 8) % 3
FROM generate_series(0, 19999) AS n;
INSERT INTO rating_row SELECT n, NULL, NULL, NULL FROM generate_series(2500, 2509) AS n;
ANALYZE rating_row;
CREATE VIEW rating_points AS
SELECT subject,
       perfmgmt.lp_score(scores, relation_weight, level,
                         '{{1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1},
                           {3,1,1,1,1,1,1,3,1,1,1,1,1,1,1,1},
                           {7,0,1,2,3,4,5,6,10000,9,8,7,6,5,4,3}}') AS points,
       count(*) FILTER (WHERE scores IS NULL) AS unrated
FROM rating_row GROUP BY subject;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE rating_serial AS SELECT * FROM rating_points;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 4;
CREATE FUNCTION rating_plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        IF line ~ 'Partial|Finalize' THEN
            RETURN NEXT substring(line FROM '(Partial|Finalize)');
        END IF;
    END LOOP;
END
$$;
SELECT * FROM rating_plan('SELECT * FROM rating_points');
SELECT * FROM rating_plan($$SELECT perfmgmt.lp_score(scores, relation_weight, 1, '{{1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1}}') FROM rating_row$$);
CREATE TABLE rating_parallel AS SELECT * FROM rating_points;
SELECT count(*) AS subjects, count(points) AS rated, min(points) >= 10000 AS above, max(points) <= 50000 AS below
FROM rating_parallel;
(TABLE rating_serial EXCEPT TABLE rating_parallel) UNION ALL (TABLE rating_parallel EXCEPT TABLE rating_serial);

-- one group, all in the partial aggregates
SET max_parallel_workers_per_gather = 0;
SELECT perfmgmt.lp_score(scores, relation_weight, 1, '{{1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1}}') AS points
FROM rating_row \gset serial_
SET max_parallel_workers_per_gather = 4;
SELECT perfmgmt.lp_score(scores, relation_weight, 1, '{{1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1}}') AS points
FROM rating_row \gset parallel_
SELECT :serial_points = :parallel_points AS same;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;

-- and equals the same sums in numeric
WITH by_numeric AS (
    SELECT subject,
           round(10000 * sum(weight * relation_weight * score)::numeric / sum(weight * relation_weight)) AS points
    FROM rating_row,
         LATERAL unnest(scores, (ARRAY['{1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1}',
                                       '{3,1,1,1,1,1,1,3,1,1,1,1,1,1,1,1}',
                                       '{7,0,1,2,3,4,5,6,10000,9,8,7,6,5,4,3}'])[level]::int[]) AS s(score, weight)
    WHERE score IS NOT NULL
    GROUP BY subject)
SELECT count(*) AS compared, count(*) FILTER (WHERE s.points IS DISTINCT FROM n.points) AS different
FROM rating_serial AS s JOIN by_numeric AS n USING (subject);
DROP FUNCTION rating_plan(text);
DROP VIEW rating_points;
DROP TABLE rating_policy, rating_row, rating_serial, rating_parallel;

--
-- performance_band
--
SELECT job_performance,
       perfmgmt.performance_band(job_performance, -1) AS development_needed,
       perfmgmt.performance_band(job_performance, 0) AS solid_strength,
       perfmgmt.performance_band(job_performance, 1) AS role_model
FROM generate_series(1, 5) AS job_performance;
SELECT perfmgmt.performance_band(NULL, 0), perfmgmt.performance_band(3, NULL);
SELECT perfmgmt.performance_band(0, 0);
SELECT perfmgmt.performance_band(6, 0);
SELECT perfmgmt.performance_band(3, -2);
SELECT perfmgmt.performance_band(3, 2);

--
-- ov_points: the vectors, with the tier from the default matrix
--
WITH matrix(band, tiers) AS (
    VALUES (7, '{HV3,TT,TT,TT}'::text[]),
           (6, '{HV2,HV3,TT,TT}'),
           (5, '{HV1,HV2,HV3,HV3}'),
           (4, '{HV1,HV1,HV2,HV3}'),
           (3, '{LE,LE,HV1,HV1}'),
           (2, '{LE,LE,LE,LE}'),
           (1, '{LE,LE,LE,LE}')),
vector(n, job_performance, lp_points, lp_tier, potential, expected_points, expected_tier) AS (
    VALUES (1, 3, 30000, 0, 2, 14666, 'HV1'),
           (2, 5, 50000, 1, 4, 49999, 'TT'),
           (3, 1, 10000, -1, 1, 0, 'LE'),
           (4, 5, 50000, 1, 1, 37999, 'HV3'),
           (5, 4, 45000, 1, 1, 26374, 'HV2'),
           (6, 4, 44999, 0, 3, 37707, 'HV3'),
           (7, 2, 35000, 0, 3, 14457, 'HV1'),
           (8, 3, 35000, 0, 2, 15041, 'HV1'),
           (9, 2, 24999, -1, 4, 4374, 'LE')),
placed AS (
    SELECT vector.*, band, tiers[potential] AS tier,
           array_position('{LE,HV1,HV2,HV3,TT}'::text[], tiers[potential]) - 1 AS tier_order
    FROM vector
    JOIN matrix ON band = perfmgmt.performance_band(job_performance, lp_tier)),
computed AS (
    SELECT *, perfmgmt.ov_points(job_performance, lp_points, potential, tier_order) AS points
    FROM placed)
SELECT job_performance AS job, lp_points AS lp, lp_tier, potential AS pot, band, tier, points,
       (points / 10000.0)::numeric(5,4) AS ov_score,
       points = expected_points AND tier = expected_tier AS as_expected
FROM computed ORDER BY n;

-- monotone on every axis, and always inside the tier
SELECT bool_and(points BETWEEN 20000 AND 29999) AS inside,
       bool_and(points >= job_before) AS job, bool_and(points >= lp_before) AS lp,
       bool_and(points >= potential_before) AS potential
FROM (SELECT points,
             lag(points, 1, 0) OVER (PARTITION BY lp, pot ORDER BY job) AS job_before,
             lag(points, 1, 0) OVER (PARTITION BY job, pot ORDER BY lp) AS lp_before,
             lag(points, 1, 0) OVER (PARTITION BY job, lp ORDER BY pot) AS potential_before
      FROM generate_series(1, 5) AS job, generate_series(10000, 50000, 500) AS lp, generate_series(1, 4) AS pot,
           LATERAL (SELECT perfmgmt.ov_points(job, lp, pot, 2) AS points) AS p) AS x;

-- other weights; the heaviest do not overflow
SELECT perfmgmt.ov_points(5, 10000, 1, 1, '{1,0,0}') AS job_alone,
       perfmgmt.ov_points(5, 50000, 1, 1, '{0,0,1}') AS potential_alone,
       perfmgmt.ov_points(5, 50000, 4, 4, '{10000,10000,10000}') AS heaviest,
       perfmgmt.ov_points(weights => '{50,30,20}', tier_order => 1, potential => 2, lp_points => 30000, job_performance => 3) AS by_name;

-- a missing axis is NULL, never zero
SELECT perfmgmt.ov_points(NULL, 30000, 2, 1) AS job, perfmgmt.ov_points(3, NULL, 2, 1) AS lp,
       perfmgmt.ov_points(3, 30000, NULL, 1) AS potential, perfmgmt.ov_points(3, 30000, 2, NULL) AS tier,
       perfmgmt.ov_points(3, 30000, 2, 1, NULL) AS weights;

-- malformed input, line by line
SELECT perfmgmt.ov_points(0, 30000, 2, 1);
SELECT perfmgmt.ov_points(6, 30000, 2, 1);
SELECT perfmgmt.ov_points(3, 9999, 2, 1);
SELECT perfmgmt.ov_points(3, 50001, 2, 1);
SELECT perfmgmt.ov_points(3, 30000, 0, 1);
SELECT perfmgmt.ov_points(3, 30000, 5, 1);
SELECT perfmgmt.ov_points(3, 30000, 2, -1);
SELECT perfmgmt.ov_points(3, 30000, 2, 5);
SELECT perfmgmt.ov_points(3, 30000, 2, 1, '{50,30}');
SELECT perfmgmt.ov_points(3, 30000, 2, 1, '{50,30,20,0}');
SELECT perfmgmt.ov_points(3, 30000, 2, 1, '{{50,30,20}}');
SELECT perfmgmt.ov_points(3, 30000, 2, 1, '{}');
SELECT perfmgmt.ov_points(3, 30000, 2, 1, '{50,NULL,20}');
SELECT perfmgmt.ov_points(3, 30000, 2, 1, '{50,-30,20}');
SELECT perfmgmt.ov_points(3, 30000, 2, 1, '{50,30,10001}');
SELECT perfmgmt.ov_points(3, 30000, 2, 1, '{0,0,0}');
