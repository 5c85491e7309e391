---- prepare
INSERT INTO perf.appointment (employee_id, appointment_kind, valid_during, reason)
SELECT (SELECT min(employee_id) FROM perf.employee WHERE left_on IS NULL), 'hr', '[2020-01-01,)', 'bench'
WHERE NOT EXISTS (SELECT FROM perf.appointment);
VACUUM (ANALYZE) perf.overall_value;

---- floor | plain SQL by a superuser: tiers of the company and of each group
SELECT count(*), sum(n) FROM (
    SELECT calibration_pool_id, coalesce(final_tier, calibrated_tier, quota_tier) AS tier, count(*) AS n
    FROM perf.overall_value WHERE ov_points IS NOT NULL AND review_cycle_id = 1
    GROUP BY GROUPING SETS ((1, 2), (2))) s;

---- ours | olr.session_distribution as HR, company and every group, with bounds, targets and bars
BEGIN;
SELECT perfmgmt.act_as(employee_id) FROM perf.appointment \g /dev/null
SET LOCAL ROLE perfmgmt_hr;
\timing on
SELECT count(*) > 0, sum(n) > 0, max(length(bar)) FROM olr.session_distribution WHERE review_cycle_id = 1;
\timing off
ROLLBACK;
