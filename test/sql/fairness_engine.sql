-- Fairness engine: fisher_exact, kaplan_meier_median.
\pset null '(null)'

--
-- fisher_exact: published vectors, to ten places
--
SELECT round(perfmgmt.fisher_exact(3, 1, 1, 3)::numeric, 10) AS tea,
       round(perfmgmt.fisher_exact(3, 1, 1, 3, 'greater')::numeric, 10) AS tea_one_sided,
       round(perfmgmt.fisher_exact(2, 10, 15, 3)::numeric, 10) AS twins,
       round(perfmgmt.fisher_exact(48, 32, 12, 28)::numeric, 10) AS selected,
       round(perfmgmt.fisher_exact(21, 3, 14, 10)::numeric, 10) AS promoted;

-- large counts, against sums of 60 digits: error in units of the 12th digit
SELECT n, round((p / expected - 1)::numeric, 12) AS relative_error
FROM (VALUES
    ('100 thousand', perfmgmt.fisher_exact(20000, 30000, 20500, 29500), 0.00130655054714698573341987073986564256688),
    ('10 million', perfmgmt.fisher_exact(2000000, 3000000, 2001000, 2999000), 0.519040683398918521430045408384804312890),
    ('2 million, rare', perfmgmt.fisher_exact(10, 999990, 40, 999960), 0.0000238560404373099845597961885484989303506),
    ('8 billion', perfmgmt.fisher_exact(2000000000, 2000000000, 1999900000, 2000100000), 0.0253487831604678324086945044834278825133102)
) AS v(n, p, expected);

-- every table of up to 8 people a cell, against sums of exact binomials
CREATE TEMP TABLE binomial AS
SELECT n, k, round(factorial(n) / (factorial(k) * factorial(n - k))) AS ways
FROM generate_series(0, 32) AS n, LATERAL generate_series(0, n) AS k;
WITH tables AS MATERIALIZED (
    SELECT a, b, c, d, r1.ways * r2.ways AS weight, a + b AS r, a + c AS s, a + b + c + d AS n
    FROM generate_series(0, 16) a, generate_series(0, 16 - a) b, generate_series(0, 16 - a) c, generate_series(0, 16 - greatest(b, c)) d
    JOIN binomial r1 ON true JOIN binomial r2 ON true
    WHERE r1.n = a + b AND r1.k = a AND r2.n = c + d AND r2.k = c AND a + b + c + d <= 16
), model AS (
    SELECT o.a, o.b, o.c, o.d,
           sum(t.weight) FILTER (WHERE t.weight <= o.weight) / sum(t.weight) AS two_sided,
           sum(t.weight) FILTER (WHERE t.a <= o.a) / sum(t.weight) AS less,
           sum(t.weight) FILTER (WHERE t.a >= o.a) / sum(t.weight) AS greater
    FROM tables o JOIN tables t USING (r, s, n)
    GROUP BY o.a, o.b, o.c, o.d
)
SELECT count(*) AS tables,
       count(*) FILTER (WHERE abs(perfmgmt.fisher_exact(a, b, c, d)::numeric - two_sided) > 1e-14) AS two_sided_off,
       count(*) FILTER (WHERE abs(perfmgmt.fisher_exact(a, b, c, d, 'less')::numeric - less) > 1e-14) AS less_off,
       count(*) FILTER (WHERE abs(perfmgmt.fisher_exact(a, b, c, d, 'greater')::numeric - greater) > 1e-14) AS greater_off
FROM model;

-- the same, however rows and columns are turned; 1 stays 1
SELECT perfmgmt.fisher_exact(7, 2, 5, 11) = perfmgmt.fisher_exact(7, 5, 2, 11) AS transposed,
       abs(perfmgmt.fisher_exact(7, 2, 5, 11) - perfmgmt.fisher_exact(11, 5, 2, 7)) < 1e-15 AS turned,
       abs(perfmgmt.fisher_exact(7, 2, 5, 11) - perfmgmt.fisher_exact(2, 7, 11, 5)) < 1e-15 AS swapped,
       perfmgmt.fisher_exact(2, 2, 2, 2) AS most_probable,
       perfmgmt.fisher_exact(0, 0, 0, 0) AS empty,
       perfmgmt.fisher_exact(5, 0, 3, 0) AS one_column;

-- far out: as small as a double goes, then 0
SELECT perfmgmt.fisher_exact(100, 0, 0, 100) BETWEEN 2.208e-59 AND 2.209e-59 AS tiny,
       perfmgmt.fisher_exact(500, 0, 0, 500) BETWEEN 7.39e-300 AND 7.40e-300 AS smaller,
       perfmgmt.fisher_exact(2147483647, 0, 0, 2147483647) AS beyond,
       perfmgmt.fisher_exact(0, 2147483647, 2147483647, 0, 'less') AS beyond_less,
       perfmgmt.fisher_exact(0, 2147483647, 2147483647, 0, 'greater') AS all_of_it;

SELECT perfmgmt.fisher_exact(1, NULL, 1, 1) AS no_count;

-- bad input
SELECT perfmgmt.fisher_exact(-1, 1, 1, 1);
SELECT perfmgmt.fisher_exact(1, -2, 1, 1);
SELECT perfmgmt.fisher_exact(1, 1, -3, 1);
SELECT perfmgmt.fisher_exact(1, 1, 1, -2147483648);
SELECT perfmgmt.fisher_exact(1, 1, 1, 1, 'both');
SELECT perfmgmt.fisher_exact(1, 1, 1, 1, '');

--
-- kaplan_meier_median: the 6-MP arm of the Gehan data, median 23
--
CREATE TEMP TABLE gehan (weeks float8, observed boolean);
INSERT INTO gehan
SELECT unnest('{6,6,6,7,10,13,16,22,23}'::float8[]), true
UNION ALL
SELECT unnest('{6,9,10,11,17,19,20,25,32,32,34,35}'::float8[]), false;
SELECT perfmgmt.kaplan_meier_median(weeks, observed) FROM gehan;

-- without censoring: the smallest that half do not outlast
SELECT n, perfmgmt.kaplan_meier_median(d, true) FROM generate_series(1, 6) n, LATERAL generate_series(1, n) d GROUP BY n ORDER BY n;
-- exactly half after censored ones: 3/4 x 2/3
SELECT perfmgmt.kaplan_meier_median(d, o) FROM (VALUES (1, true), (2, true), (3, false), (4, false)) AS v(d, o);
-- an end and a censored stay on the same day: who was censored was still at risk
SELECT perfmgmt.kaplan_meier_median(d, o) FROM (VALUES (5, false), (5, true), (9, true)) AS v(d, o);
SELECT perfmgmt.kaplan_meier_median(d, o) FROM (VALUES (0, false), (0, true), (0, true)) AS v(d, o);
-- most still go on, none at all, only NULLs
SELECT perfmgmt.kaplan_meier_median(d, d < 3) FROM generate_series(1, 9) d;
SELECT perfmgmt.kaplan_meier_median(d, true) FROM generate_series(1, 0) d;
SELECT perfmgmt.kaplan_meier_median(d, o) FROM (VALUES (NULL, true), (3, NULL)) AS v(d, o);
SELECT perfmgmt.kaplan_meier_median(d, o) FROM (VALUES (NULL, true), (3, NULL), (4, true)) AS v(d, o);

-- windows and workers give the same
SELECT weeks, perfmgmt.kaplan_meier_median(weeks, observed) OVER (ORDER BY weeks DESC) FROM gehan WHERE observed ORDER BY weeks DESC LIMIT 4;
CREATE TABLE fairness_many AS SELECT (n * 7919 % 10007)::float8 AS d, n % 3 <> 0 AS o FROM generate_series(1, 20000) n;
WITH day AS (
    SELECT d, count(*) FILTER (WHERE o) AS ended, sum(count(*)) OVER (ORDER BY d DESC) AS at_risk FROM fairness_many GROUP BY d
), survival AS (
    SELECT d, exp(sum(ln(1 - ended / at_risk)) OVER (ORDER BY d)) AS outlast FROM day WHERE ended < at_risk
)
SELECT (SELECT min(d) FROM survival WHERE outlast <= 0.5) = (SELECT perfmgmt.kaplan_meier_median(d, o) FROM fairness_many) AS same;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT perfmgmt.kaplan_meier_median(d, o) FROM fairness_many;
SELECT (SELECT perfmgmt.kaplan_meier_median(d, o) FROM fairness_many) = (SELECT perfmgmt.kaplan_meier_median(d, o ORDER BY d DESC) FROM fairness_many) AS same;
DROP TABLE fairness_many;

-- bad input
SELECT perfmgmt.kaplan_meier_median(-1, true);
SELECT perfmgmt.kaplan_meier_median('NaN', true);
SELECT perfmgmt.kaplan_meier_median('Infinity', false);
SELECT perfmgmt.kaplan_meier_accum('{}', 1, true);
SELECT perfmgmt.kaplan_meier_median_final('{1,NULL}');
SELECT perfmgmt.kaplan_meier_median_final('{}');
