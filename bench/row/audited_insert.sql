---- prepare
-- The shape of principle_rating, without foreign keys, which would hide the difference.
DROP TABLE IF EXISTS bench.unaudited, perf.bench_audited;
CREATE TABLE perf.bench_audited (
    employee_id int, review_cycle_id int, rater_id int, relation text, scores smallint[], level_rank int, comment text, manager_chain int[],
    PRIMARY KEY (employee_id, review_cycle_id, rater_id));
CREATE INDEX ON perf.bench_audited (rater_id);
CREATE INDEX ON perf.bench_audited USING gin (manager_chain);
CREATE TABLE bench.unaudited (LIKE perf.bench_audited INCLUDING ALL);
CALL perfmgmt.watch_table('perf.bench_audited');
CREATE OR REPLACE FUNCTION bench.ratings(rows int) RETURNS SETOF bench.unaudited LANGUAGE sql AS $$
    SELECT 1 + i / 8, 1, 1000000 + i, 'peer', '{1,2,3,4,5,1,2,3,4,5,1,2,3,4,5,1}'::smallint[], 3, NULL::text, ARRAY[2000000 + i % 1000, 3, 2, 1]
    FROM generate_series(0, rows - 1) i $$;

---- floor | 100,000 rows, unaudited
BEGIN;
\timing on
INSERT INTO bench.unaudited SELECT * FROM bench.ratings(100000);
\timing off
ROLLBACK;

---- ours | 100,000 rows, with a chain a person | 3.5 |
BEGIN;
\timing on
INSERT INTO perf.bench_audited SELECT * FROM bench.ratings(100000);
\timing off
ROLLBACK;

---- check
SELECT CASE v.status WHEN 'broken' THEN v.problem ELSE 'ok' END FROM perf.verify_audit() v;

---- finish
DROP TABLE bench.unaudited, perf.bench_audited CASCADE;
