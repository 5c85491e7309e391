---- prepare
-- As HR, who sees everybody: other targets, the seats of each pool rounded alone
-- by largest remainders, which plain SQL can spell.
INSERT INTO perf.appointment (employee_id, appointment_kind, valid_during, reason)
SELECT (SELECT min(employee_id) FROM perf.employee WHERE left_on IS NULL), 'hr', '[2020-01-01,)', 'bench'
WHERE NOT EXISTS (SELECT FROM perf.appointment);
VACUUM (ANALYZE) perf.overall_value, perf.calibration_pool;
CREATE OR REPLACE VIEW bench.what_if_in_sql AS
WITH ranked AS (
    SELECT o.employee_id, o.calibration_pool_id, o.quota_tier, count(*) OVER (PARTITION BY o.calibration_pool_id) AS n,
           row_number() OVER (PARTITION BY o.calibration_pool_id ORDER BY o.ov_points DESC NULLS LAST, o.lp_points DESC NULLS LAST, o.lot) AS place
    FROM perf.overall_value o
    WHERE o.review_cycle_id = 1 AND o.takes_seat AND o.ov_points IS NOT NULL
), target AS (
    SELECT * FROM (VALUES ('TT', 4, 15), ('HV3', 3, 15), ('HV2', 2, 25), ('HV1', 1, 35), ('LE', 0, 10)) AS t(tier, tier_order, percent)
), cell AS (
    SELECT p.calibration_pool_id, t.tier, t.tier_order, p.n * t.percent / 100 AS whole,
           row_number() OVER (PARTITION BY p.calibration_pool_id ORDER BY p.n * t.percent % 100 DESC, t.tier_order DESC) AS remainder_place,
           p.n - sum(p.n * t.percent / 100) OVER (PARTITION BY p.calibration_pool_id) AS left_over
    FROM (SELECT DISTINCT calibration_pool_id, n FROM ranked) p CROSS JOIN target t
), seat AS (
    SELECT c.calibration_pool_id, c.tier, c.tier_order,
           sum(c.whole + (c.remainder_place <= c.left_over)::int) OVER (PARTITION BY c.calibration_pool_id ORDER BY c.tier_order DESC) AS last_place,
           c.whole + (c.remainder_place <= c.left_over)::int AS seats
    FROM cell c
)
SELECT r.employee_id, s.tier, s.tier_order - was.tier_order AS tier_change
FROM ranked r
JOIN seat s ON s.calibration_pool_id = r.calibration_pool_id AND r.place <= s.last_place AND r.place > s.last_place - s.seats
JOIN target was ON was.tier = r.quota_tier
WHERE s.tier <> r.quota_tier;

---- floor | plain SQL: windows, largest remainders, joins
SELECT count(*), sum(tier_change) FROM bench.what_if_in_sql;

---- ours | what_if(), the whole company | | changes
BEGIN;
SELECT perfmgmt.act_as(employee_id) FROM perf.appointment \g /dev/null
SET LOCAL ROLE perfmgmt_hr;
\timing on
SELECT count(*), sum(tier_change) FROM perf.what_if(1, NULL, '{15,15,25,35,10}', NULL, 'hamilton');
\timing off
ROLLBACK;

---- ours | what_if(), pools rounded together, which plain SQL cannot spell
BEGIN;
SELECT perfmgmt.act_as(employee_id) FROM perf.appointment \g /dev/null
SET LOCAL ROLE perfmgmt_hr;
\timing on
SELECT count(*) > 0 FROM perf.what_if(1, NULL, '{15,15,25,35,10}');
\timing off
ROLLBACK;

---- check | the same people change by the same steps
BEGIN;
SELECT perfmgmt.act_as(employee_id) FROM perf.appointment \g /dev/null
SELECT CASE WHEN count(*) = 0 THEN 'ok' ELSE count(*) || ' people differ' END
FROM (SELECT w.employee_id, w.what_if_tier, w.tier_change FROM perf.what_if(1, NULL, '{15,15,25,35,10}', NULL, 'hamilton') w) ours
FULL JOIN bench.what_if_in_sql plain USING (employee_id)
WHERE (ours.what_if_tier, ours.tier_change) IS DISTINCT FROM (plain.tier, plain.tier_change)
  AND employee_id <> perfmgmt.actor_id();
ROLLBACK;
