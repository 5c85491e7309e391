---- prepare
DROP TABLE IF EXISTS bench.ranked, bench.seats;
CREATE TABLE bench.ranked AS
SELECT o.*, p.pool_number
FROM perf.overall_value o JOIN perf.calibration_pool p USING (calibration_pool_id)
WHERE o.review_cycle_id = 1 AND o.takes_seat AND o.ov_points IS NOT NULL;
CREATE TABLE bench.seats AS
SELECT array_agg(s.seats ORDER BY s.pool_number) AS seats
FROM (SELECT p.pool_number, array_agg(q.seats ORDER BY t.tier_order DESC) AS seats
      FROM perf.calibration_pool p JOIN perf.pool_quota q USING (calibration_pool_id) JOIN perf.tier t USING (policy_id, tier)
      WHERE p.pool_number IS NOT NULL GROUP BY p.pool_number) s;
VACUUM (ANALYZE) bench.ranked, bench.seats;

---- floor | row_number() window, work_mem 64MB
SELECT sum(t) FROM (SELECT row_number() OVER w AS t FROM bench.ranked
WINDOW w AS (PARTITION BY calibration_pool_id ORDER BY ov_points DESC NULLS LAST, lp_points DESC NULLS LAST, lot)) s;

---- ours | assign_tiers(), work_mem 64MB | 0.2 | tiers
SELECT sum(tier) FROM perfmgmt.assign_tiers('SELECT employee_id, pool_number, ov_points, lp_points, lot FROM bench.ranked',
                                            (SELECT seats FROM bench.seats));

---- floor | row_number() window, work_mem 4MB
SET work_mem = '4MB';
\timing on
SELECT sum(t) FROM (SELECT row_number() OVER w AS t FROM bench.ranked
WINDOW w AS (PARTITION BY calibration_pool_id ORDER BY ov_points DESC NULLS LAST, lp_points DESC NULLS LAST, lot)) s;
\timing off
RESET work_mem;

---- ours | assign_tiers(), work_mem 4MB | 0.2 | tiers
SET work_mem = '4MB';
\timing on
SELECT sum(tier) FROM perfmgmt.assign_tiers('SELECT employee_id, pool_number, ov_points, lp_points, lot FROM bench.ranked',
                                            (SELECT seats FROM bench.seats));
\timing off
RESET work_mem;

---- check | as many people in each tier of each pool as it has seats
SELECT CASE WHEN count(*) = 0 THEN 'ok' ELSE count(*) || ' pools differ' END
FROM (SELECT r.calibration_pool_id, 5 - a.tier AS tier_order, count(*) AS people
      FROM perfmgmt.assign_tiers('SELECT employee_id, pool_number, ov_points, lp_points, lot FROM bench.ranked',
                                 (SELECT seats FROM bench.seats)) a
      JOIN bench.ranked r ON r.employee_id = a.id GROUP BY 1, 2) dealt
FULL JOIN (SELECT q.calibration_pool_id, t.tier_order, q.seats FROM perf.pool_quota q JOIN perf.tier t USING (policy_id, tier) WHERE q.seats > 0) q
USING (calibration_pool_id, tier_order)
WHERE dealt.people IS DISTINCT FROM q.seats;
