-- Quota arithmetic and tiers: apportion, apportion_groups, forced_tier,
-- assign_tiers.
SET search_path = public, perfmgmt;
\set VERBOSITY default

-- Pseudo-random numbers 0 .. below-1 that are the same on every version.
CREATE FUNCTION pick(seed int, salt int, below int) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT ('x' || substr(md5(seed || ':' || salt), 1, 7))::bit(28)::int % below $$;

-- Does the plan of a query contain a word? The layout differs by version.
CREATE FUNCTION plan_has(query text, word text) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        IF strpos(line, word) > 0 THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
END $$;

--
-- apportion: published vectors
--
SELECT weights, seats, apportion(seats, weights) AS hamilton,
       apportion(seats, weights, 'webster') AS webster,
       apportion(seats, weights, 'huntington_hill') AS huntington_hill,
       apportion(seats, weights, 'dhondt') AS dhondt
FROM (VALUES
    (1, '{5117,4400,162,161,160}'::int[], 100),
    (2, '{9061,7179,5259,3319,1182}', 26),
    (3, '{21878,9713,4167,3252,1065}', 43),
    (4, '{21878,9713,4167,3252,1065}', 44),     -- the Alabama paradox
    (5, '{10,9,8,8,11,12}', 3)) v(n, weights, seats)
ORDER BY n;

-- edges: no seats, one element, zero weights, ties to the earlier, extremes
SELECT weights, seats, apportion(seats, weights) AS hamilton,
       apportion(seats, weights, 'webster') AS webster,
       apportion(seats, weights, 'huntington_hill') AS huntington_hill,
       apportion(seats, weights, 'dhondt') AS dhondt
FROM (VALUES
    (1, '{20,15,25,35,5}'::int[], 0),
    (2, '{7}', 5),
    (3, '{0,1,0,1}', 3),
    (4, '{1,1,1}', 1),
    (5, '{1,1,1}', 2),
    (6, '{0,5,0}', 2147483647),
    (7, '{1,2147483646}', 2147483647),
    (8, '{2147483646,1}', 2147483646),
    (9, '{1,1,1,1,2147483643}', 5),
    (10, '[3:5]={2,1,1}', 4)) v(n, weights, seats)
ORDER BY n;

-- hamilton: LE falls when the pool grows, by design of the method
SELECT n, apportion(n, '{20,15,25,35,5}') AS hamilton,
       apportion(n, '{20,15,25,35,5}', 'webster') AS webster
FROM unnest('{9,10,29,30}'::int[]) n;

-- hamilton never leaves floor .. ceiling, nor does webster for these weights
SELECT m AS method, count(*) AS pools,
       CASE WHEN bool_and(q BETWEEN n * w / 100 AND (n * w + 99) / 100) THEN 'ok' END AS quota
FROM generate_series(1, 399) n, unnest('{hamilton,webster}'::text[]) m,
     unnest(apportion(n, '{20,15,25,35,5}', m), '{20,15,25,35,5}'::int[]) a(q, w)
GROUP BY m ORDER BY m;

-- how many times one person more costs a tier a seat
SELECT m AS method, count(*) FILTER (WHERE q < before) AS paradoxes
FROM (SELECT m, n, tier, q, lag(q) OVER (PARTITION BY m, tier ORDER BY n) AS before
      FROM generate_series(1, 399) n,
           unnest('{hamilton,webster,huntington_hill,dhondt}'::text[]) m,
           unnest(apportion(n, '{20,15,25,35,5}', m)) WITH ORDINALITY a(q, tier)) s
GROUP BY m ORDER BY m;

-- seats as weights are reproduced, by every method
SELECT m AS method, CASE WHEN bool_and(apportion(n, seats, m) = seats) THEN 'ok' END AS reproduced
FROM generate_series(1, 399) n, unnest('{hamilton,webster,huntington_hill,dhondt}'::text[]) m,
     LATERAL (SELECT apportion(n, '{20,15,25,35,5}') AS seats) s
GROUP BY m ORDER BY m;

-- random weights: sums, quota of hamilton, zero weights, and the divisor
-- methods against dealing seat by seat
CREATE FUNCTION deal(seats int, weights int[], method text) RETURNS int[]
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    held int[] := array_fill(0, ARRAY[cardinality(weights)]);
    best int;
BEGIN
    FOR i IN 1 .. seats LOOP
        SELECT e INTO best
        FROM generate_subscripts(weights, 1) e
        WHERE weights[e] > 0
        ORDER BY CASE method
                     WHEN 'dhondt' THEN weights[e]::numeric / (held[e] + 1)
                     WHEN 'webster' THEN weights[e]::numeric / (2 * held[e] + 1)
                     WHEN 'huntington_hill' THEN
                         CASE WHEN held[e] = 0 THEN 1e9 * weights[e]
                              ELSE weights[e]::numeric ^ 2 / (held[e] * (held[e] + 1)) END
                 END DESC, e
        LIMIT 1;
        held[best] := held[best] + 1;
    END LOOP;
    RETURN held;
END $$;
CREATE TABLE random_weights AS
SELECT i, pick(i, 0, 40) AS seats,
       (SELECT array_agg(pick(i, j, 12)) || 1 + pick(i, 99, 12)
        FROM generate_series(1, 1 + pick(i, 100, 6)) j) AS weights
FROM generate_series(1, 2000) i;
SELECT m AS method, count(*) AS cases,
       CASE WHEN bool_and(total = seats) THEN 'ok' END AS sums,
       CASE WHEN bool_and(zeros = 0) THEN 'ok' END AS zero_weights,
       CASE WHEN m <> 'hamilton' THEN 'not promised' WHEN bool_and(quota) THEN 'ok' END AS quota
FROM random_weights, unnest('{hamilton,webster,huntington_hill,dhondt}'::text[]) m,
     LATERAL (SELECT sum(q) AS total, coalesce(sum(q) FILTER (WHERE w = 0), 0) AS zeros,
                     bool_and(q BETWEEN floor(seats::numeric * w / whole)
                                    AND ceil(seats::numeric * w / whole)) AS quota
              FROM (SELECT sum(w) AS whole FROM unnest(weights) w) s,
                   unnest(apportion(seats, weights, m), weights) a(q, w)) c
GROUP BY m ORDER BY m;
SELECT m AS method,
       CASE WHEN bool_and(apportion(seats, weights, m) = deal(seats, weights, m)) THEN 'ok' END AS as_dealt
FROM random_weights, unnest('{webster,huntington_hill,dhondt}'::text[]) m
WHERE i <= 300
GROUP BY m ORDER BY m;

-- NULL in, NULL out
SELECT apportion(NULL, '{1}') IS NULL AS seats, apportion(1, NULL) IS NULL AS weights,
       apportion(1, '{1}', NULL) IS NULL AS method;

-- refused
SELECT apportion(-1, '{1,2}');
SELECT apportion(1, '{1,-2}');
SELECT apportion(1, '{0,0}');
SELECT apportion(1, '{}');
SELECT apportion(1, '{1,NULL}');
SELECT apportion(1, '{{1,2},{3,4}}');
SELECT apportion(1, '{2147483647,1}');
SELECT apportion(1, '{1}', 'Hamilton');
SELECT apportion(1, '{1}', '');

--
-- apportion_groups
--
SELECT groups, size, array_agg(total ORDER BY tier) AS totals
FROM (SELECT groups, size, tier, sum(q) AS total
      FROM (VALUES (10, 8), (20, 9)) v(groups, size),
           apportion_groups(array_fill(size, ARRAY[groups]), '{20,15,25,35,5}'),
           unnest(quotas) WITH ORDINALITY a(q, tier)
      GROUP BY groups, size, tier) s
GROUP BY groups, size ORDER BY groups;
SELECT * FROM apportion_groups('{8,9,0,13,1,50}', '{20,15,25,35,5}');
SELECT * FROM apportion_groups('{3,3,3}', '{1,1,1}');
SELECT * FROM apportion_groups('{}', '{1,1}');
SELECT * FROM apportion_groups('{5,0}', '{0,3,0}');
SELECT * FROM apportion_groups('{2147483647,2147483647}', '{1,2147483646}');

-- random groups: rows sum to sizes, cells and columns are floor or ceiling
CREATE TABLE random_groups AS
SELECT i,
       (SELECT array_agg(pick(i, j, 30)) FROM generate_series(1, 1 + pick(i, 1000, 25)) j) AS sizes,
       (SELECT array_agg(pick(i, -j, 20)) || 1 + pick(i, 1001, 20)
        FROM generate_series(1, 1 + pick(i, 1002, 7)) j) AS weights
FROM generate_series(1, 3000) i;
CREATE TABLE random_quotas AS
SELECT r.i, g.group_no, tier, sizes[g.group_no] AS size, q, weights[tier] AS weight, whole
FROM random_groups r,
     LATERAL (SELECT sum(w)::int AS whole FROM unnest(weights) w) s,
     apportion_groups(sizes, weights) g, unnest(g.quotas) WITH ORDINALITY a(q, tier);
SELECT count(*) AS cells,
       CASE WHEN bool_and(q BETWEEN size * weight / whole
                              AND (size * weight + whole - 1) / whole) THEN 'ok' END AS within_quota
FROM random_quotas;
SELECT count(*) AS rows, CASE WHEN bool_and(total = size) THEN 'ok' END AS sums
FROM (SELECT size, sum(q) AS total FROM random_quotas GROUP BY i, group_no, size) s;
SELECT count(*) AS columns,
       CASE WHEN bool_and(total BETWEEN exact / whole AND (exact + whole - 1) / whole) THEN 'ok' END AS within_quota
FROM (SELECT whole, sum(q) AS total, sum(size * weight) AS exact
      FROM random_quotas GROUP BY i, tier, whole) s;
SELECT CASE WHEN count(*) = 3000 THEN 'ok' END AS all_cases,
       CASE WHEN bool_and(groups = cardinality(sizes)) THEN 'ok' END AS all_groups
FROM (SELECT i, count(DISTINCT group_no) AS groups FROM random_quotas GROUP BY i) q
JOIN random_groups USING (i);

-- a company of 100,000 groups
SELECT array_agg(total ORDER BY tier) AS totals
FROM (SELECT tier, sum(q) AS total
      FROM apportion_groups((SELECT array_agg(7 + i % 5) FROM generate_series(1, 100000) i),
                            '{20,15,25,35,5}'),
           unnest(quotas) WITH ORDINALITY a(q, tier)
      GROUP BY tier) s;

-- refused
SELECT * FROM apportion_groups('{1,-1}', '{1}');
SELECT * FROM apportion_groups('{1,NULL}', '{1}');
SELECT * FROM apportion_groups('{{1},{2}}', '{1}');
SELECT * FROM apportion_groups('{1}', '{0}');
SELECT * FROM apportion_groups('{1}', '{}');
SELECT * FROM apportion_groups('{1}', '{1,NULL}');
SELECT * FROM apportion_groups('{1}', '{-1,2}');
SELECT * FROM apportion_groups('{1}', '{{1,2}}');
SELECT * FROM apportion_groups('{1}', '{2147483647,2147483647}');

--
-- forced_tier
--
CREATE TABLE person (id int PRIMARY KEY, pool int, ov_points int, lp_points int, lot bigint);
INSERT INTO person VALUES
    (1, 1, 900, 50, 1), (2, 1, 800, 40, 2), (3, 1, 800, 60, 3), (4, 1, 800, 40, 1),
    (5, 1, 700, NULL, 1), (6, 1, 700, 10, 9), (7, 1, 600, 10, 1), (8, 1, 500, 10, 1),
    (9, 1, 400, 10, 1), (10, 1, 300, 10, 1), (11, 2, 100, 10, 1), (12, 1, NULL, 99, 1);
SELECT id, ov_points, lp_points, lot,
       forced_tier('{20,15,25,35,5}') OVER w AS tier
FROM person WHERE ov_points IS NOT NULL
WINDOW w AS (PARTITION BY pool ORDER BY ov_points DESC NULLS LAST, lp_points DESC NULLS LAST, lot)
ORDER BY pool, tier, ov_points DESC, lp_points DESC NULLS LAST, lot;

-- people of equal rank: {2,1,2,4,1} seats, three people with 800 points
SELECT ov_points,
       forced_tier('{2,1,2,4,1}') OVER w AS strict,
       forced_tier('{2,1,2,4,1}', ties => 'include') OVER (w RANGE UNBOUNDED PRECEDING) AS include,
       forced_tier('{2,1,2,4,1}', ties => 'exclude') OVER w AS exclude
FROM person WHERE ov_points IS NOT NULL AND pool = 1
WINDOW w AS (PARTITION BY pool ORDER BY ov_points DESC NULLS LAST)
ORDER BY ov_points DESC, strict, include, exclude;

-- no order: everybody is a peer
SELECT DISTINCT forced_tier('{2,1,2,4,1}', 'hamilton', 'include') OVER () AS include,
       forced_tier('{2,1,2,4,1}', 'hamilton', 'exclude') OVER () AS exclude
FROM person;

-- no rows, one row, more tiers than rows, zero weights in front
SELECT forced_tier('{1}') OVER () FROM person WHERE false;
SELECT forced_tier('{20,15,25,35,5}') OVER () FROM person WHERE id = 1;
SELECT array_agg(tier ORDER BY id) AS tiers
FROM (SELECT id, forced_tier('{0,0,1,0,1,0}') OVER (ORDER BY id) AS tier FROM person) s;
SELECT m AS method, array_agg(tier ORDER BY id) AS tiers
FROM (SELECT 'webster' AS m, id, forced_tier('{60,30,10}', 'webster') OVER (ORDER BY id) AS tier FROM person
      UNION ALL
      SELECT 'dhondt', id, forced_tier('{60,30,10}', 'dhondt') OVER (ORDER BY id) FROM person) s
GROUP BY m ORDER BY m;

-- weights of each pool, from a table; the same value in other bytes is the same
CREATE TABLE pool_seats (pool int, seats int[]);
INSERT INTO pool_seats VALUES (1, '{1,2,3,4}'), (2, '{0,0,0,1}');
SELECT pool, array_agg(tier ORDER BY tier) AS tiers
FROM (SELECT pool, forced_tier(seats) OVER (PARTITION BY pool ORDER BY ov_points DESC) AS tier
      FROM person JOIN pool_seats USING (pool) WHERE ov_points IS NOT NULL) s
GROUP BY pool ORDER BY pool;
SELECT array_agg(tier ORDER BY tier) AS tiers
FROM (SELECT forced_tier(CASE WHEN id % 2 = 0 THEN ARRAY[1,1] ELSE ARRAY[1] || 1 END) OVER (ORDER BY id) AS tier
      FROM person) s;

-- random data: seats of a pool as weights give each tier its seats; ties modes
-- agree with the definition
CREATE TABLE crowd AS
SELECT i AS id, 1 + pick(i, 1, 40) * pick(i, 2, 40) / 40 AS pool,
       CASE WHEN i % 50 > 0 THEN pick(i, 3, 60) * 700 END AS ov_points,
       CASE WHEN i % 30 > 0 THEN 10000 + pick(i, 4, 4) * 10000 END AS lp_points,
       ((pick(i, 5, 9) - 4)::bigint << pick(i, 6, 45)) * 7000 + i AS lot
FROM generate_series(1, 6000) i;
CREATE TABLE crowd_seats AS
SELECT p AS pool, count(c.id)::int AS people, apportion(count(c.id)::int, '{20,15,25,35,5}') AS seats
FROM generate_series(1, (SELECT max(pool) FROM crowd)) p
LEFT JOIN crowd c ON c.pool = p AND c.ov_points IS NOT NULL
GROUP BY p;
CREATE VIEW crowd_tier AS
SELECT id, pool, forced_tier(seats) OVER w AS tier,
       forced_tier(seats, 'hamilton', 'include') OVER peers AS include,
       forced_tier(seats, 'hamilton', 'exclude') OVER peers AS exclude,
       ov_points, lp_points, lot
FROM crowd JOIN crowd_seats USING (pool)
WHERE ov_points IS NOT NULL
WINDOW w AS (PARTITION BY pool ORDER BY ov_points DESC NULLS LAST, lp_points DESC NULLS LAST, lot),
       peers AS (PARTITION BY pool ORDER BY ov_points DESC NULLS LAST);
SELECT count(*) AS tiers, CASE WHEN bool_and(n = seats[tier]) THEN 'ok' END AS seats_reproduced
FROM (SELECT pool, t.tier, count(c.id) AS n
      FROM crowd_seats CROSS JOIN generate_series(1, 5) t(tier)
      LEFT JOIN crowd_tier c USING (pool, tier) GROUP BY pool, t.tier) s
JOIN crowd_seats USING (pool);
SELECT CASE WHEN bool_and(include = best) THEN 'ok' END AS include,
       CASE WHEN bool_and(exclude = worst) THEN 'ok' END AS exclude
FROM (SELECT include, exclude, min(tier) OVER p AS best, max(tier) OVER p AS worst
      FROM crowd_tier WINDOW p AS (PARTITION BY pool, ov_points)) s;

-- the same, with partitions that are on disk
CREATE TABLE in_memory AS SELECT * FROM crowd_tier;
SET work_mem = '64kB';
SELECT count(*) AS differences
FROM (TABLE crowd_tier EXCEPT TABLE in_memory) s;
RESET work_mem;

-- the planner: constant weights make a Run Condition, others do not
SELECT plan_has($$SELECT * FROM (SELECT id, forced_tier('{20,15,25,35,5}') OVER (PARTITION BY pool ORDER BY ov_points DESC) AS tier
    FROM person) s WHERE tier <= 2$$, 'Run Condition') AS constant,
       plan_has($$SELECT * FROM (SELECT id, forced_tier(ARRAY[20,15,25,35,5], ties => 'include') OVER (PARTITION BY pool ORDER BY ov_points DESC) AS tier
    FROM person) s WHERE tier <= 2$$, 'Run Condition') AS expression,
       plan_has($$SELECT * FROM (SELECT id, forced_tier(seats) OVER (PARTITION BY pool ORDER BY ov_points DESC) AS tier
    FROM person JOIN pool_seats USING (pool)) s WHERE tier <= 2$$, 'Run Condition') AS joined,
       plan_has($$SELECT * FROM (SELECT id, forced_tier('{20,15,25,35,5}') OVER (PARTITION BY pool ORDER BY ov_points DESC) AS tier
    FROM person) s WHERE tier >= 2$$, 'Run Condition') AS from_below;
SELECT id, tier
FROM (SELECT id, forced_tier('{20,15,25,35,5}') OVER (PARTITION BY pool ORDER BY id) AS tier
      FROM person WHERE ov_points IS NOT NULL) s
WHERE tier <= 2 ORDER BY id;

-- refused
SELECT forced_tier('{1,2}');
SELECT forced_tier(NULL) OVER () FROM person;
SELECT forced_tier('{1}', NULL) OVER () FROM person;
SELECT forced_tier('{1}', 'hamilton', NULL) OVER () FROM person;
SELECT forced_tier('{1,NULL}') OVER () FROM person;
SELECT forced_tier('{1,-1}') OVER () FROM person;
SELECT forced_tier('{0}') OVER () FROM person;
SELECT forced_tier('{}') OVER () FROM person;
SELECT forced_tier('{{1,2}}') OVER () FROM person;
SELECT forced_tier('{1}', 'quota') OVER () FROM person;
SELECT forced_tier('{1}', 'hamilton', 'lenient') OVER () FROM person;
SELECT forced_tier(ARRAY[id, 1]) OVER (ORDER BY id) FROM person;
SELECT forced_tier(CASE WHEN id < 3 THEN ARRAY[1] END) OVER (ORDER BY id) FROM person;
SELECT forced_tier('{1}', CASE WHEN id < 3 THEN 'webster' ELSE 'dhondt' END) OVER (ORDER BY id) FROM person;
SELECT forced_tier('{1}', 'webster', CASE WHEN id < 3 THEN 'strict' ELSE 'include' END) OVER (ORDER BY id) FROM person;

--
-- assign_tiers
--
SELECT * FROM assign_tiers('SELECT id, pool, ov_points, lp_points, lot FROM person',
                           '{{2,1,3,4,0},{0,0,0,0,1}}') ORDER BY id;

-- equal to forced_tier: in memory, from files, from files divided again
CREATE FUNCTION check_crowd(memory text, OUT work_mem text, OUT people bigint, OUT without_ov bigint, OUT differences bigint)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('work_mem', memory, true);
    work_mem := memory;
    SELECT count(*), count(*) FILTER (WHERE a.tier IS NULL), count(*) FILTER (WHERE a.tier IS DISTINCT FROM f.tier)
    INTO people, without_ov, differences
    FROM assign_tiers('SELECT id, pool, ov_points, lp_points, lot FROM crowd',
                      (SELECT array_agg(seats ORDER BY pool) FROM crowd_seats)) a
    FULL JOIN in_memory f USING (id);
    PERFORM set_config('work_mem', '4MB', true);
END $$;
-- a pool without ranked people has no seats
UPDATE crowd_seats SET seats = CASE WHEN people = 0 THEN '{0,0,0,0,0}' ELSE seats END;
SELECT * FROM check_crowd('4MB');
SELECT * FROM check_crowd('64kB');

-- few pools, each too large for 64kB, with a tier that has no seats
TRUNCATE crowd_seats;
UPDATE crowd SET pool = CASE WHEN pool <= 3 THEN 1 WHEN pool < 10 THEN 2 ELSE 4 END;
INSERT INTO crowd_seats
SELECT p, count(id), CASE WHEN count(id) = 0 THEN '{0,0,0}' ELSE apportion(count(id)::int, '{5,0,7}', 'webster') END
FROM generate_series(1, 5) p LEFT JOIN crowd ON pool = p AND ov_points IS NOT NULL
GROUP BY p;
TRUNCATE in_memory;
INSERT INTO in_memory TABLE crowd_tier;
SELECT * FROM check_crowd('4MB');
SELECT * FROM check_crowd('64kB');

-- one pool
UPDATE crowd SET pool = 1;
TRUNCATE crowd_seats;
INSERT INTO crowd_seats SELECT 1, count(ov_points), apportion(count(ov_points)::int, '{20,15,25,35,5}') FROM crowd;
TRUNCATE in_memory;
INSERT INTO in_memory TABLE crowd_tier;
SELECT * FROM check_crowd('4MB');
SELECT * FROM check_crowd('64kB');

-- people equal in everything cannot be divided, but are dealt
SET work_mem = '64kB';
SELECT tier, count(*), count(DISTINCT id) AS people
FROM assign_tiers('SELECT i, 1, 7, 7, 7::bigint FROM generate_series(1, 5000) i', '{{1000,3000,1000}}')
GROUP BY tier ORDER BY tier;
RESET work_mem;

-- extremes of the ranges, NULL LP points last, lots signed
SELECT row_number() OVER () AS rank, id, tier
FROM assign_tiers($$VALUES (1, 1, 65534, 65534, '9223372036854775807'::bigint),
                           (2, 1, 65534, 65534, '-9223372036854775808'),
                           (3, 1, 65534, NULL, '-5'), (4, 1, 65534, 0, '1'), (5, 1, 0, 65534, '1'),
                           (6, 1, 65534, 65534, '9223372036854775806'),
                           (7, 1, 65534, 65534, '0'), (8, 1, 65534, 65534, '-1')$$, '{{1,1,1,1,1,1,1,1}}');

-- nobody, no pools, pools without people, no seats at all
SELECT * FROM assign_tiers('SELECT id, pool, ov_points, lp_points, lot FROM person WHERE false', '{}');
SELECT * FROM assign_tiers('SELECT id, pool, ov_points, lp_points, lot FROM person WHERE false', '{{0,0},{0,0}}');
SELECT * FROM assign_tiers('SELECT 1, NULL::int, NULL::int, NULL::int, NULL::bigint', '{}');
SELECT * FROM assign_tiers(NULL, '{}');
SELECT * FROM assign_tiers('SELECT 1', NULL);

-- in the list of outputs, and with a LIMIT
SELECT assign_tiers('SELECT 5, 1, 1, 1, 1::bigint', '{{0,1}}');
SELECT * FROM assign_tiers('SELECT 5, 1, 1, 1, 1::bigint', '{{0,1}}') LIMIT 1;

-- refused: seats
SELECT * FROM assign_tiers('SELECT id, pool, ov_points, lp_points, lot FROM person', '{{2,1,3,4,1},{0,0,0,0,1}}');
SELECT * FROM assign_tiers('SELECT id, pool, ov_points, lp_points, lot FROM person', '{{2,1,3,4,0},{0,0,0,0,0}}');
SELECT * FROM assign_tiers('SELECT id, pool, ov_points, lp_points, lot FROM person', '{{10}}');
SELECT * FROM assign_tiers('SELECT 1, 0, 1, 1, 1::bigint', '{{1}}');
SELECT * FROM assign_tiers('SELECT 1, 1, 1, 1, 1::bigint', '{1}');
SELECT * FROM assign_tiers('SELECT 1, 1, 1, 1, 1::bigint', '{{{1}}}');
SELECT * FROM assign_tiers('SELECT 1, 1, 1, 1, 1::bigint', '{{1,NULL}}');
SELECT * FROM assign_tiers('SELECT 1, 1, 1, 1, 1::bigint', '{{2,-1}}');
SELECT * FROM assign_tiers('SELECT 1, 1, 1, 1, 1::bigint', '{{2147483647,2147483647}}');

-- refused: columns and values
SELECT * FROM assign_tiers('SELECT 1, 1, 1, 1', '{{1}}');
SELECT * FROM assign_tiers('SELECT 1, 1, 1, 1, 1::bigint, 1', '{{1}}');
SELECT * FROM assign_tiers('SELECT 1, 1, 1, 1, 1', '{{1}}');
SELECT * FROM assign_tiers('SELECT 1, 1::bigint, 1, 1, 1::bigint', '{{1}}');
SELECT * FROM assign_tiers('SELECT NULL::int, 1, 1, 1, 1::bigint', '{{1}}');
SELECT * FROM assign_tiers('SELECT 1, NULL::int, 1, 1, 1::bigint', '{{1}}');
SELECT * FROM assign_tiers('SELECT 1, 1, 1, 1, NULL::bigint', '{{1}}');
SELECT * FROM assign_tiers('SELECT 1, 1, -1, 1, 1::bigint', '{{1}}');
SELECT * FROM assign_tiers('SELECT 1, 1, 65535, 1, 1::bigint', '{{1}}');
SELECT * FROM assign_tiers('SELECT 1, 1, 1, -1, 1::bigint', '{{1}}');
SELECT * FROM assign_tiers('SELECT 1, 1, 1, 65535, 1::bigint', '{{1}}');

-- refused: what is not one read-only query
\set VERBOSITY terse
SELECT * FROM assign_tiers('', '{{1}}');
SELECT * FROM assign_tiers('SELECT', '{{1}}');
SELECT * FROM assign_tiers('SELECT FROM nowhere', '{{1}}');
SELECT * FROM assign_tiers('DELETE FROM person', '{{1}}');
SELECT * FROM assign_tiers('DELETE FROM person RETURNING id, pool, ov_points, lp_points, lot', '{{1}}');
SELECT * FROM assign_tiers('SELECT 1, 1, 1, 1, 1::bigint; SELECT 2, 1, 1, 1, 1::bigint', '{{2}}');
SELECT count(*) FROM person;

-- the rights are those of the caller
CREATE ROLE calibration_engine_nobody;
GRANT USAGE ON SCHEMA perfmgmt TO calibration_engine_nobody;
SET ROLE calibration_engine_nobody;
SELECT * FROM perfmgmt.assign_tiers('SELECT id, pool, ov_points, lp_points, lot FROM person', '{{1}}');
RESET ROLE;
REVOKE USAGE ON SCHEMA perfmgmt FROM calibration_engine_nobody;
DROP ROLE calibration_engine_nobody;
\set VERBOSITY default

--
-- Serial equals parallel
--
CREATE FUNCTION digest(method text) RETURNS TABLE (parallel boolean, value numeric)
LANGUAGE plpgsql AS $$
DECLARE
    query text := format('SELECT sum(seats::numeric * q * i) FROM random_weights, '
                         'unnest(apportion(seats, weights, %L)) q', method);
BEGIN
    parallel := plan_has(query, 'Gather');
    EXECUTE query INTO value;
    RETURN NEXT;
END $$;
ANALYZE random_weights;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS
SELECT m, d.* FROM unnest('{hamilton,webster,huntington_hill,dhondt}'::text[]) m, digest(m) d;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SELECT m AS method, s.parallel, p.parallel, CASE WHEN s.value = p.value THEN 'ok' END AS same
FROM serial s, digest(m) p ORDER BY m;
SELECT count(*) AS differences
FROM assign_tiers('SELECT id, pool, ov_points, lp_points, lot FROM crowd',
                  (SELECT array_agg(seats ORDER BY pool) FROM crowd_seats)) a
FULL JOIN in_memory f USING (id)
WHERE a.tier IS DISTINCT FROM f.tier;

-- everything says what it is
SELECT p.oid::regprocedure AS function, provolatile AS volatile, proisstrict AS strict,
       proparallel AS parallel, obj_description(p.oid, 'pg_proc') IS NOT NULL AS comment
FROM pg_proc p
WHERE proname IN ('apportion', 'apportion_groups', 'forced_tier', 'forced_tier_support', 'assign_tiers')
  AND pronamespace = 'perfmgmt'::regnamespace
ORDER BY proname;

SET client_min_messages = warning;
DROP TABLE random_weights, random_groups, random_quotas, person, pool_seats,
    crowd, crowd_seats, in_memory, serial CASCADE;
DROP FUNCTION pick, plan_has, deal, check_crowd, digest;
