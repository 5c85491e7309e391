-- Seats under bounds: apportion_bounded, bounds_conflict.
SET search_path = public, perfmgmt;
\set VERBOSITY default

-- Pseudo-random numbers 0 .. below-1 that are the same on every version.
CREATE FUNCTION pick(seed int, salt int, below int) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT ('x' || substr(md5(seed || ':' || salt), 1, 7))::bit(28)::int % below $$;

--
-- The default targets: TT at most 20 %, HV together 75, HV1 35-40, LE 5-10
--
CREATE TABLE rule (name text, tiers int, minimum int, maximum int);
INSERT INTO rule VALUES
    ('TT', 1, NULL, 20), ('HV', 2 + 4 + 8, 75, 75), ('HV1', 8, 35, 40), ('LE', 16, 5, 10);

-- In people; an equal bound on both sides stays floor .. ceiling.
CREATE VIEW bounds AS
SELECT n,
       array_agg(tiers) AS sets,
       array_agg(name) AS names,
       array_agg(minimum * n / 100) AS outward_minimums,
       array_agg((maximum * n + 99) / 100) AS outward_maximums,
       array_agg((minimum * n + CASE WHEN minimum = maximum THEN 0 ELSE 99 END) / 100) AS inward_minimums,
       array_agg((maximum * n + CASE WHEN minimum = maximum THEN 99 ELSE 0 END) / 100) AS inward_maximums
FROM generate_series(1, 399) n, rule
GROUP BY n;

SELECT sets, inward_minimums, inward_maximums,
       apportion(n, '{20,15,25,35,5}') AS hamilton,
       apportion_bounded(n, '{20,15,25,35,5}', sets, inward_minimums, inward_maximums) AS inward,
       apportion_bounded(n, '{20,15,25,35,5}', sets, outward_minimums, outward_maximums) AS outward
FROM bounds WHERE n = 53;

-- outward bounds never change hamilton
SELECT count(*) AS sizes,
       count(*) FILTER (WHERE apportion_bounded(n, '{20,15,25,35,5}', sets, outward_minimums, outward_maximums)
                              IS DISTINCT FROM apportion(n, '{20,15,25,35,5}')) AS changed,
       count(bounds_conflict(n, 5, sets, outward_minimums, outward_maximums)) AS conflicts
FROM bounds;

-- inward, LE 5-10 alone cannot hold for 1 to 9 people, and for no other number
SELECT min(n), max(n), count(*), min(conflict), max(conflict)
FROM (SELECT n, bounds_conflict(n, 5, '{16}', ARRAY[(5 * n + 99) / 100], ARRAY[10 * n / 100], '{LE}') AS conflict
      FROM generate_series(1, 399) n) s
WHERE conflict IS NOT NULL;

-- all inward bounds: who cannot hold is named, everybody else gets seats
SELECT bounds_conflict(n, 5, sets, inward_minimums, inward_maximums, names) AS conflict,
       array_agg(n ORDER BY n) AS n
FROM bounds
WHERE bounds_conflict(n, 5, sets, inward_minimums, inward_maximums, names) IS NOT NULL
GROUP BY 1 ORDER BY 1;
SELECT count(*) AS sizes,
       CASE WHEN bool_and(x[1] <= inward_maximums[1]
                          AND x[2] + x[3] + x[4] BETWEEN inward_minimums[2] AND inward_maximums[2]
                          AND x[4] BETWEEN inward_minimums[3] AND inward_maximums[3]
                          AND x[5] BETWEEN inward_minimums[4] AND inward_maximums[4]
                          AND x[1] + x[2] + x[3] + x[4] + x[5] = n) THEN 'ok' END AS bounds,
       count(*) FILTER (WHERE x <> apportion(n, '{20,15,25,35,5}')) AS not_hamilton
FROM bounds, apportion_bounded(n, '{20,15,25,35,5}', sets, inward_minimums, inward_maximums, names) x
WHERE bounds_conflict(n, 5, sets, inward_minimums, inward_maximums, names) IS NULL;

--
-- Golden answers
--
-- minimum, maximum, equal
SELECT apportion_bounded(10, '{1,1,1,1,1}', '{16}', '{5}', '{NULL}');
SELECT apportion_bounded(10, '{1,1,1,1,1}', '{16}', '{NULL}', '{0}');
SELECT apportion_bounded(10, '{1,1,1,1,1}', '{3,24}', '{5,2}', '{5,NULL}');
-- ties: the better tier, unless a bound sends the seat elsewhere
SELECT apportion_bounded(1, '{1,1,1}', '{}', '{}', '{}') AS free,
       apportion_bounded(1, '{1,1,1}', '{1}', '{NULL}', '{0}') AS not_first,
       apportion_bounded(1, '{1,1,1}', '{4}', '{1}', '{NULL}') AS last,
       apportion_bounded(2, '{1,1,1}', '{3}', '{NULL}', '{1}') AS one_of_two;
-- nested three deep, in any order; a set given twice keeps both bounds
SELECT apportion_bounded(100, '{20,15,25,35,5}', '{31,14,6,2}', '{100,80,50,NULL}', '{100,80,NULL,10}') AS outer_first,
       apportion_bounded(100, '{20,15,25,35,5}', '{2,6,14,31}', '{NULL,50,80,100}', '{10,NULL,80,100}') AS inner_first,
       apportion_bounded(100, '{20,15,25,35,5}', '{2,6,6,14,14,31}', '{NULL,50,9,80,NULL,100}', '{10,NULL,99,NULL,80,NULL}') AS twice;
-- a weight of 0 gets a seat only when a bound says so
SELECT apportion_bounded(10, '{0,1,0}', '{}', '{}', '{}') AS free,
       apportion_bounded(10, '{0,1,0}', '{4}', '{2}', '{NULL}') AS minimum,
       apportion_bounded(10, '{0,1,0}', '{2}', '{NULL}', '{5}') AS maximum;
-- nobody, one tier, 31 tiers
SELECT apportion_bounded(0, '{20,15,25,35,5}', '{16}', '{0}', '{NULL}');
SELECT apportion_bounded(7, '{3}', '{1,1}', '{7,NULL}', '{NULL,7}');
SELECT apportion_bounded(31, array_fill(1, ARRAY[31]), '{1073741824,536870911,1610612736}', '{3,NULL,NULL}', '{NULL,28,4}');
SELECT apportion_bounded(31, array_fill(1, ARRAY[31]), '{1073741824,2147483647,1610612736}', '{3,31,NULL}', '{NULL,NULL,4}');
-- large numbers: the limits of the types
SELECT apportion_bounded(2147483647, '{2147483647}', '{1}', '{2147483647}', '{2147483647}') AS one,
       apportion_bounded(2147483647, '{2147483646,1}', '{2}', '{2147483647}', '{NULL}') AS against_weights,
       apportion_bounded(2147483647, '{1,2147483646}', '{}', '{}', '{}') AS free,
       apportion_bounded(2147483647, '{0,2147483647}', '{2}', '{NULL}', '{0}') AS no_weight;
SELECT apportion_bounded(2000000, '{20,15,25,35,5}', '{1,14,8,16}', '{NULL,1600000,NULL,100000}', '{300000,1600000,650000,NULL}');

--
-- Equal to hamilton without binding bounds: no sets; sets that allow the answer
--
SELECT count(*) AS cases,
       count(*) FILTER (WHERE apportion_bounded(n, w, '{}', '{}', '{}') <> h) AS free_differs,
       count(*) FILTER (WHERE apportion_bounded(n, w, '{1,3,12,15}',
                                                ARRAY[0, h[1] + h[2], NULL, (n * 0.3)::int - 10000000],
                                                ARRAY[h[1], NULL, h[3] + h[4] + pick(i, 6, 3), n]) <> h) AS bounded_differs
FROM (SELECT i, n, w, apportion(n, w) AS h
      FROM (SELECT i, 40000000 + pick(i, 1, 2000000) AS n,
                   ARRAY[pick(i, 2, 100), pick(i, 3, 100000), 1 + pick(i, 4, 7), pick(i, 5, 100000000)] AS w
            FROM generate_series(1, 2000) i) s) s;
SELECT count(*) AS cases,
       count(*) FILTER (WHERE apportion_bounded(n, w, '{}', '{}', '{}') <> apportion(n, w)) AS differs
FROM (SELECT pick(i, 1, 40) AS n, ARRAY[pick(i, 2, 4), 1 + pick(i, 3, 4), pick(i, 4, 4), pick(i, 5, 4), pick(i, 6, 4)] AS w
      FROM generate_series(1, 4000) i) s;

--
-- Equal to brute force: up to 8 people, up to 4 tiers, random bounds on random
-- sets that are disjoint or nested
--
CREATE TABLE composition AS
WITH RECURSIVE c(t, n, x) AS (
    SELECT 0, 0, '{}'::int[]
    UNION ALL
    SELECT t + 1, n + k, x || k FROM c, generate_series(0, 8 - n) k WHERE t < 4
)
SELECT t, n, x, COALESCE(x[1], 0) AS x1, COALESCE(x[2], 0) AS x2, COALESCE(x[3], 0) AS x3, COALESCE(x[4], 0) AS x4
FROM c WHERE t > 0;
CREATE INDEX ON composition (t, n);

-- Random sets, each kept when it is disjoint or nested with those before it.
CREATE FUNCTION pick_sets(seed int, tiers int) RETURNS int[]
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    sets int[] := '{}';
    candidate int;
BEGIN
    FOR i IN 1 .. pick(seed, 20, 6) LOOP
        candidate := 1 + pick(seed, 20 + i, (1 << tiers) - 1);
        IF NOT EXISTS (SELECT FROM unnest(sets) s WHERE s & candidate NOT IN (0, s, candidate)) THEN
            sets := sets || candidate;
        END IF;
    END LOOP;
    RETURN sets;
END $$;

CREATE TABLE bounded_case AS
SELECT i, t, n, weights, sets,
       (SELECT COALESCE(array_agg(CASE WHEN pick(i, 40 + j, 3) > 0 THEN pick(i, 50 + j, n + 3) / 2 END ORDER BY j), '{}')
        FROM generate_series(1, cardinality(sets)) j) AS minimums,
       (SELECT COALESCE(array_agg(CASE WHEN pick(i, 60 + j, 3) > 0 THEN pick(i, 70 + j, n + 4) END ORDER BY j), '{}')
        FROM generate_series(1, cardinality(sets)) j) AS maximums
FROM (SELECT i, t, pick(i, 2, 9) AS n, pick_sets(i, t) AS sets,
             (SELECT array_agg(CASE WHEN k = 1 + pick(i, 3, t) THEN 1 ELSE 0 END + pick(i, 10 + k, 5) ORDER BY k)
              FROM generate_series(1, t) k) AS weights
      FROM (SELECT i, 1 + pick(i, 1, 4) AS t FROM generate_series(1, 4000) i) s) s;

-- The compositions that keep all bounds, the best first.
CREATE TABLE brute_force AS
SELECT DISTINCT ON (c.i) c.i, m.x
FROM bounded_case c JOIN composition m USING (t, n),
     LATERAL (SELECT sum(((SELECT sum(w) FROM unnest(c.weights) w) * q - c.n * w) ^ 2) AS cost
              FROM unnest(c.weights, m.x) AS u(w, q)) s
WHERE NOT EXISTS (
    SELECT FROM unnest(c.sets, c.minimums, c.maximums) AS b(s, least, most)
    WHERE x1 * (s & 1) + x2 * (s >> 1 & 1) + x3 * (s >> 2 & 1) + x4 * (s >> 3 & 1)
          NOT BETWEEN COALESCE(least, 0) AND COALESCE(most, 100))
ORDER BY c.i, s.cost, m.x DESC;

SELECT count(*) AS cases, count(f.x) AS feasible,
       count(*) FILTER (WHERE f.x <> apportion(c.n, c.weights)) AS bounds_bind,
       count(*) FILTER (WHERE (f.x IS NULL) <> (bounds_conflict(n, t, sets, minimums, maximums) IS NOT NULL)) AS feasibility_differs,
       count(*) FILTER (WHERE CASE WHEN f.x IS NOT NULL
                                   THEN apportion_bounded(n, weights, sets, minimums, maximums) <> f.x END) AS seats_differ
FROM bounded_case c LEFT JOIN brute_force f USING (i);

-- the set that is named cannot hold with the sets within it alone, while
-- every smaller set can: against brute force again
SELECT count(*) AS conflicts,
       count(*) FILTER (WHERE NOT within_fails) AS named_in_vain,
       count(*) FILTER (WHERE smaller_fails) AS named_too_late
FROM (SELECT c.i,
             NOT EXISTS (SELECT FROM composition m
                         WHERE m.t = c.t AND (named = all_tiers AND m.n = c.n OR named <> all_tiers AND m.n <= c.n)
                           AND NOT EXISTS (SELECT FROM unnest(c.sets, c.minimums, c.maximums) AS b(s, least, most)
                                           WHERE s & named = s
                                             AND x1 * (s & 1) + x2 * (s >> 1 & 1) + x3 * (s >> 2 & 1) + x4 * (s >> 3 & 1)
                                                 NOT BETWEEN COALESCE(least, 0) AND COALESCE(most, 100))) AS within_fails,
             EXISTS (SELECT FROM unnest(c.sets) AS smaller(set)
                     WHERE smaller.set & named = smaller.set AND smaller.set <> named
                       AND NOT EXISTS (SELECT FROM composition m
                                       WHERE m.t = c.t AND m.n <= c.n
                                         AND NOT EXISTS (SELECT FROM unnest(c.sets, c.minimums, c.maximums) AS b(s, least, most)
                                                         WHERE s & smaller.set = s
                                                           AND x1 * (s & 1) + x2 * (s >> 1 & 1) + x3 * (s >> 2 & 1) + x4 * (s >> 3 & 1)
                                                               NOT BETWEEN COALESCE(least, 0) AND COALESCE(most, 100)))) AS smaller_fails
      FROM (SELECT *, (1 << t) - 1 AS all_tiers,
                   CASE bounds_conflict(n, t, sets, minimums, maximums, sets::text[])
                       WHEN 'all tiers' THEN (1 << t) - 1
                       ELSE bounds_conflict(n, t, sets, minimums, maximums, sets::text[])::int END AS named
            FROM bounded_case) c
      WHERE named IS NOT NULL) s;

--
-- What conflicts: named by its name, or by its tiers; smaller sets first
--
SELECT bounds_conflict(9, 5, '{16}', '{1}', '{0}', '{LE}') AS named,
       bounds_conflict(9, 5, '{16}', '{1}', '{0}') AS not_named,
       bounds_conflict(9, 5, '{16}', '{1}', '{0}', '{NULL}') AS name_is_null,
       bounds_conflict(9, 5, '{16,16}', '{1,NULL}', '{NULL,0}', '{LE,"LE again"}') AS twice;
SELECT bounds_conflict(9, 5, '{14,2,4}', '{NULL,3,3}', '{5,NULL,NULL}') AS parts_need_more,
       bounds_conflict(9, 5, '{14,2,4,8}', '{5,NULL,NULL,NULL}', '{NULL,1,1,1}') AS parts_take_less,
       bounds_conflict(9, 5, '{14}', '{10}', '{NULL}') AS more_than_there_are,
       bounds_conflict(9, 5, '{31}', '{NULL}', '{8}', '{company}') AS all_named,
       bounds_conflict(9, 5, '{1,30}', '{5,5}', '{NULL,NULL}') AS together_too_many,
       bounds_conflict(9, 5, '{1,30}', '{NULL,NULL}', '{4,4}') AS together_too_few;
SELECT bounds_conflict(9, 5, '{16,1,6}', '{2,2,2}', '{1,1,1}') AS first,
       bounds_conflict(9, 5, '{16,1,6}', '{2,0,2}', '{1,1,1}') AS second,
       bounds_conflict(9, 5, '{16,1,6}', '{0,0,2}', '{1,1,1}') AS third;
SELECT bounds_conflict(0, 1, '{}', '{}', '{}') IS NULL AS nobody;

-- refused: bounds that cannot hold
SELECT apportion_bounded(9, '{20,15,25,35,5}', '{16}', '{1}', '{0}', '{LE}');
SELECT apportion_bounded(9, '{20,15,25,35,5}', '{16}', '{1}', '{0}');
SELECT apportion_bounded(9, '{20,15,25,35,5}', '{14}', '{10}', '{NULL}');
SELECT apportion_bounded(9, '{20,15,25,35,5}', '{14,2,4,8}', '{5,NULL,NULL,NULL}', '{NULL,1,1,1}', '{HV,HV3,HV2,HV1}');
SELECT apportion_bounded(9, '{20,15,25,35,5}', '{14,2,4}', '{NULL,3,3}', '{5,NULL,NULL}', '{HV,HV3,HV2}');
SELECT apportion_bounded(9, '{20,15,25,35,5}', '{1,30}', '{5,5}', '{NULL,NULL}');
SELECT apportion_bounded(9, '{20,15,25,35,5}', '{1,30}', '{NULL,NULL}', '{4,4}');
SELECT apportion_bounded(9, '{20,15,25,35,5}', '{6,2,4}', '{NULL,5,5}', '{NULL,NULL,NULL}', '{upper,HV3,HV2}');

-- refused: sets
SELECT apportion_bounded(9, '{20,15,25,35,5}', '{3,6}', '{1,1}', '{NULL,NULL}', '{upper,middle}');
SELECT bounds_conflict(9, 5, '{3,6}', '{1,1}', '{NULL,NULL}');
SELECT apportion_bounded(9, '{20,15,25,35,5}', '{0}', '{1}', '{NULL}');
SELECT apportion_bounded(9, '{20,15,25,35,5}', '{-1}', '{1}', '{NULL}');
SELECT apportion_bounded(9, '{20,15,25,35,5}', '{32}', '{1}', '{NULL}');
SELECT apportion_bounded(9, '{20,15,25,35,5}', '{NULL}', '{1}', '{NULL}');
SELECT apportion_bounded(9, '{20,15,25,35,5}', '{{1,2}}', '{1,1}', '{NULL,NULL}');

-- refused: bounds and names
SELECT apportion_bounded(9, '{20,15,25,35,5}', '{1}', '{-1}', '{NULL}');
SELECT apportion_bounded(9, '{20,15,25,35,5}', '{1}', '{NULL}', '{-1}');
SELECT apportion_bounded(9, '{20,15,25,35,5}', '{1}', '{}', '{NULL}');
SELECT apportion_bounded(9, '{20,15,25,35,5}', '{1}', '{NULL}', '{1,2}');
SELECT apportion_bounded(9, '{20,15,25,35,5}', '{1}', '{{1,2}}', '{1}');
SELECT apportion_bounded(9, '{20,15,25,35,5}', '{1}', '{1}', '{{1,2}}');
SELECT apportion_bounded(9, '{20,15,25,35,5}', '{1}', '{1}', '{1}', '{}');
SELECT apportion_bounded(9, '{20,15,25,35,5}', '{1,2}', '{1,1}', '{1,1}', '{{a,b}}');

-- refused: seats, weights, tiers, NULL
SELECT apportion_bounded(-1, '{1}', '{}', '{}', '{}');
SELECT apportion_bounded(1, '{}', '{}', '{}', '{}');
SELECT apportion_bounded(1, '{0,0}', '{}', '{}', '{}');
SELECT apportion_bounded(1, '{1,-1}', '{}', '{}', '{}');
SELECT apportion_bounded(1, '{1,NULL}', '{}', '{}', '{}');
SELECT apportion_bounded(1, '{{1,2}}', '{}', '{}', '{}');
SELECT apportion_bounded(1, '{2147483647,1}', '{}', '{}', '{}');
SELECT apportion_bounded(1, array_fill(1, ARRAY[32]), '{}', '{}', '{}');
SELECT bounds_conflict(1, 0, '{}', '{}', '{}');
SELECT bounds_conflict(1, 32, '{}', '{}', '{}');
SELECT bounds_conflict(-1, 1, '{}', '{}', '{}');
SELECT apportion_bounded(NULL, '{1}', '{}', '{}', '{}');
SELECT apportion_bounded(1, NULL, '{}', '{}', '{}');
SELECT apportion_bounded(1, '{1}', NULL, '{}', '{}');
SELECT apportion_bounded(1, '{1}', '{}', NULL, '{}');
SELECT apportion_bounded(1, '{1}', '{}', '{}', NULL);
SELECT bounds_conflict(NULL, 1, '{}', '{}', '{}');
SELECT bounds_conflict(1, NULL, '{}', '{}', '{}');

-- everything says what it is
SELECT p.oid::regprocedure AS function, provolatile AS volatile, proisstrict AS strict,
       proparallel AS parallel, obj_description(p.oid, 'pg_proc') IS NOT NULL AS comment
FROM pg_proc p
WHERE proname IN ('apportion_bounded', 'bounds_conflict')
  AND pronamespace = 'perfmgmt'::regnamespace
ORDER BY proname;

SET client_min_messages = warning;
DROP TABLE rule, composition, bounded_case, brute_force CASCADE;
DROP FUNCTION pick, pick_sets;
