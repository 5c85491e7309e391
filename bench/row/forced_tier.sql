---- prepare
-- Everybody with a seat, as wide as in perf.overall_value but without its indexes.
DROP TABLE IF EXISTS bench.ranked, bench.ranked_covered, bench.quota;
CREATE TABLE bench.ranked AS
SELECT o.*, p.pool_number
FROM perf.overall_value o JOIN perf.calibration_pool p USING (calibration_pool_id)
WHERE o.review_cycle_id = 1 AND o.takes_seat AND o.ov_points IS NOT NULL;
CREATE TABLE bench.ranked_covered AS SELECT * FROM bench.ranked;
CREATE INDEX ON bench.ranked_covered (calibration_pool_id, ov_points DESC NULLS LAST, lp_points DESC NULLS LAST, lot);
-- the places of each tier, for the join
CREATE TABLE bench.quota AS
SELECT n.calibration_pool_id, t.tier,
       sum(t.seats) OVER w - t.seats + 1 AS first_place, sum(t.seats) OVER w AS last_place
FROM (SELECT calibration_pool_id, count(*)::int AS people FROM bench.ranked GROUP BY 1) n
CROSS JOIN LATERAL unnest(perfmgmt.apportion(n.people, '{20,15,25,35,5}')) WITH ORDINALITY t(seats, tier)
WINDOW w AS (PARTITION BY n.calibration_pool_id ORDER BY t.tier);
CREATE OR REPLACE FUNCTION bench.tier_loop() RETURNS SETOF int
LANGUAGE plpgsql AS $$
DECLARE
    person record;
    pool int;
    quota int[];
    tier int;
    taken int;
BEGIN
    FOR person IN
        SELECT r.employee_id, r.calibration_pool_id FROM bench.ranked r
        ORDER BY r.calibration_pool_id, r.ov_points DESC NULLS LAST, r.lp_points DESC NULLS LAST, r.lot
    LOOP
        IF pool IS DISTINCT FROM person.calibration_pool_id THEN
            pool := person.calibration_pool_id;
            SELECT array_agg(q.last_place ORDER BY q.tier) INTO quota FROM bench.quota q WHERE q.calibration_pool_id = pool;
            tier := 1;
            taken := 0;
        END IF;
        taken := taken + 1;
        WHILE taken > quota[tier] LOOP
            tier := tier + 1;
        END LOOP;
        RETURN NEXT tier;
    END LOOP;
END
$$;
CREATE INDEX ON bench.quota (calibration_pool_id);
VACUUM (ANALYZE) bench.ranked, bench.ranked_covered, bench.quota;

---- floor | row_number() over the same window
SELECT sum(t) FROM (SELECT row_number() OVER w AS t FROM bench.ranked
WINDOW w AS (PARTITION BY calibration_pool_id ORDER BY ov_points DESC NULLS LAST, lp_points DESC NULLS LAST, lot)) s;

---- ours | forced_tier() | 1.0 | tiers
SELECT sum(t) FROM (SELECT perfmgmt.forced_tier('{20,15,25,35,5}') OVER w AS t FROM bench.ranked
WINDOW w AS (PARTITION BY calibration_pool_id ORDER BY ov_points DESC NULLS LAST, lp_points DESC NULLS LAST, lot)) s;

---- peer | rank() and count() with CASE
SELECT sum(t) FROM (
    SELECT CASE WHEN r * 100 <= n * 20 THEN 1 WHEN r * 100 <= n * 35 THEN 2 WHEN r * 100 <= n * 60 THEN 3
                WHEN r * 100 <= n * 95 THEN 4 ELSE 5 END AS t
    FROM (SELECT rank() OVER w AS r, count(*) OVER (PARTITION BY calibration_pool_id) AS n FROM bench.ranked
          WINDOW w AS (PARTITION BY calibration_pool_id ORDER BY ov_points DESC NULLS LAST, lp_points DESC NULLS LAST, lot)) x) s;

---- peer | row_number() joined to a table of places | | tiers
SELECT sum(q.tier) FROM (SELECT calibration_pool_id, row_number() OVER w AS place FROM bench.ranked
WINDOW w AS (PARTITION BY calibration_pool_id ORDER BY ov_points DESC NULLS LAST, lp_points DESC NULLS LAST, lot)) s
JOIN bench.quota q ON q.calibration_pool_id = s.calibration_pool_id AND s.place BETWEEN q.first_place AND q.last_place;

---- peer | PL/pgSQL loop | | tiers
SELECT sum(t) FROM bench.tier_loop() t;

---- floor | rank() and count() with CASE, no index
SELECT sum(t) FROM (
    SELECT CASE WHEN r * 100 <= n * 20 THEN 1 WHEN r * 100 <= n * 35 THEN 2 WHEN r * 100 <= n * 60 THEN 3
                WHEN r * 100 <= n * 95 THEN 4 ELSE 5 END AS t
    FROM (SELECT rank() OVER w AS r, count(*) OVER (PARTITION BY calibration_pool_id) AS n FROM bench.ranked
          WINDOW w AS (PARTITION BY calibration_pool_id ORDER BY ov_points DESC NULLS LAST, lp_points DESC NULLS LAST, lot)) x) s;

---- ours | forced_tier(), index on pool, points and lot | 0.35 | tiers
SELECT sum(t) FROM (SELECT perfmgmt.forced_tier('{20,15,25,35,5}') OVER w AS t FROM bench.ranked_covered
WINDOW w AS (PARTITION BY calibration_pool_id ORDER BY ov_points DESC NULLS LAST, lp_points DESC NULLS LAST, lot)) s;

---- peer | rank() and count() with CASE, the same index
SELECT sum(t) FROM (
    SELECT CASE WHEN r * 100 <= n * 20 THEN 1 WHEN r * 100 <= n * 35 THEN 2 WHEN r * 100 <= n * 60 THEN 3
                WHEN r * 100 <= n * 95 THEN 4 ELSE 5 END AS t
    FROM (SELECT rank() OVER w AS r, count(*) OVER (PARTITION BY calibration_pool_id) AS n FROM bench.ranked_covered
          WINDOW w AS (PARTITION BY calibration_pool_id ORDER BY ov_points DESC NULLS LAST, lp_points DESC NULLS LAST, lot)) x) s;
