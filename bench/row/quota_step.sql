---- prepare
-- The five columns that count, in order of ids; and the rows as wide and in the
-- order in which calibrate() leaves them, which spares the sort much of its work.
DROP TABLE IF EXISTS bench.ranked, bench.ranked_narrow, bench.seats;
CREATE TABLE bench.ranked AS
SELECT o.*, p.pool_number
FROM perf.overall_value o JOIN perf.calibration_pool p USING (calibration_pool_id)
WHERE o.review_cycle_id = 1 AND o.takes_seat AND o.ov_points IS NOT NULL;
CREATE TABLE bench.ranked_narrow AS
SELECT employee_id, pool_number, ov_points, lp_points, lot FROM bench.ranked ORDER BY employee_id;
CREATE TABLE bench.seats AS
SELECT array_agg(s.seats ORDER BY s.pool_number) AS seats
FROM (SELECT p.pool_number, array_agg(q.seats ORDER BY t.tier_order DESC) AS seats
      FROM perf.calibration_pool p JOIN perf.pool_quota q USING (calibration_pool_id) JOIN perf.tier t USING (policy_id, tier)
      WHERE p.pool_number IS NOT NULL GROUP BY p.pool_number) s;
VACUUM (ANALYZE) bench.ranked, bench.ranked_narrow, bench.seats;

---- floor | row_number() window, five columns by id, work_mem 64MB
SELECT sum(t) FROM (SELECT row_number() OVER w AS t FROM bench.ranked_narrow
WINDOW w AS (PARTITION BY pool_number ORDER BY ov_points DESC NULLS LAST, lp_points DESC NULLS LAST, lot)) s;

---- ours | assign_tiers(), five columns by id, work_mem 64MB | 0.2 | tiers
SELECT sum(tier) FROM perfmgmt.assign_tiers('SELECT employee_id, pool_number, ov_points, lp_points, lot FROM bench.ranked_narrow',
                                            (SELECT seats FROM bench.seats));

---- floor | row_number() window, five columns by id, work_mem 4MB
SET work_mem = '4MB';
\timing on
SELECT sum(t) FROM (SELECT row_number() OVER w AS t FROM bench.ranked_narrow
WINDOW w AS (PARTITION BY pool_number ORDER BY ov_points DESC NULLS LAST, lp_points DESC NULLS LAST, lot)) s;
\timing off
RESET work_mem;

---- ours | assign_tiers(), five columns by id, work_mem 4MB | 0.2 | tiers
SET work_mem = '4MB';
\timing on
SELECT sum(tier) FROM perfmgmt.assign_tiers('SELECT employee_id, pool_number, ov_points, lp_points, lot FROM bench.ranked_narrow',
                                            (SELECT seats FROM bench.seats));
\timing off
RESET work_mem;

---- floor | row_number() window, rows as calibrate() left them, work_mem 64MB
SELECT sum(t) FROM (SELECT row_number() OVER w AS t FROM bench.ranked
WINDOW w AS (PARTITION BY pool_number ORDER BY ov_points DESC NULLS LAST, lp_points DESC NULLS LAST, lot)) s;

---- ours | assign_tiers(), rows as calibrate() left them, work_mem 64MB | 0.2 | tiers
SELECT sum(tier) FROM perfmgmt.assign_tiers('SELECT employee_id, pool_number, ov_points, lp_points, lot FROM bench.ranked',
                                            (SELECT seats FROM bench.seats));

---- check | as many people in each tier of each pool as it has seats
SELECT CASE WHEN count(*) = 0 THEN 'ok' ELSE count(*) || ' tiers of pools differ' END
FROM (SELECT r.calibration_pool_id, 5 - a.tier AS tier_order, count(*) AS people
      FROM perfmgmt.assign_tiers('SELECT employee_id, pool_number, ov_points, lp_points, lot FROM bench.ranked',
                                 (SELECT seats FROM bench.seats)) a
      JOIN bench.ranked r ON r.employee_id = a.id GROUP BY 1, 2) dealt
FULL JOIN (SELECT q.calibration_pool_id, t.tier_order, q.seats
           FROM perf.pool_quota q JOIN perf.tier t USING (policy_id, tier) WHERE q.seats > 0) q
USING (calibration_pool_id, tier_order)
WHERE dealt.people IS DISTINCT FROM q.seats;
