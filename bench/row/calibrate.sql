---- prepare
-- at most 2 rounds
-- Nothing is kept, so that each round finds what the first found.
VACUUM (ANALYZE) perf.overall_value, perf.calibration_pool, perf.calibration_group;

---- ours | calibrate(), the first time | | people
BEGIN;
TRUNCATE perf.overall_value CASCADE;
\timing on
SELECT people, with_overall_value, seats FROM /* first time */ perf.calibrate(1);
\timing off
ROLLBACK;

---- ours | calibrate() again, nothing changed | | people
VACUUM (INDEX_CLEANUP ON) perf.overall_value, perf.calibration_pool, perf.calibration_group, perf.pool_quota;
BEGIN;
\timing on
SELECT people, with_overall_value, seats FROM perf.calibrate(1);
\timing off
ROLLBACK;

---- ours | calibrate() again, one person in a hundred assessed anew
BEGIN;
INSERT INTO perf.assessment (employee_id, review_cycle_id, job_performance, potential, source, assessed_by, manager_chain)
SELECT a.employee_id, 1, 6 - a.job_performance, a.potential, 'manager', a.assessed_by, a.manager_chain
FROM perf.current_assessment a WHERE a.employee_id % 100 = 0;
\timing on
SELECT people, with_overall_value, seats FROM perf.calibrate(1);
\timing off
ROLLBACK;
