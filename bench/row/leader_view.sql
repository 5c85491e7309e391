---- prepare
-- Leaders by the number of people below them, and those people as an id list.
SELECT l.employee_id AS few_id, l.reports AS few FROM bench.leader l ORDER BY abs(l.reports - 8), l.employee_id LIMIT 1 \gset
SELECT l.employee_id AS some_id, l.reports AS some FROM bench.leader l ORDER BY abs(l.reports - 500), l.employee_id LIMIT 1 \gset
SELECT l.employee_id AS many_id, l.reports AS many FROM bench.leader l ORDER BY abs(l.reports - 20000), l.employee_id LIMIT 1 \gset
SELECT array_agg(e.employee_id ORDER BY e.employee_id) AS few_list FROM perf.employee e WHERE e.manager_chain @> ARRAY[:few_id] \gset
SELECT array_agg(e.employee_id ORDER BY e.employee_id) AS some_list FROM perf.employee e WHERE e.manager_chain @> ARRAY[:some_id] \gset
SELECT array_agg(e.employee_id ORDER BY e.employee_id) AS many_list FROM perf.employee e WHERE e.manager_chain @> ARRAY[:many_id] \gset
SELECT o.employee_id AS one_id FROM perf.overall_value o WHERE o.manager_chain @> ARRAY[:many_id] AND o.ov_points IS NOT NULL
ORDER BY o.employee_id LIMIT 1 \gset
\set totals 'count(*), sum(ov_points), sum(lp_points), count(quota_tier)'
-- What people write instead: the policy looks the hierarchy up.
DROP TABLE IF EXISTS bench.looked_up, bench.reporting;
CREATE TABLE bench.reporting AS SELECT employee_id, manager_chain[1] AS manager_id FROM perf.employee;
CREATE INDEX ON bench.reporting (manager_id);
CREATE INDEX ON bench.reporting (employee_id);
CREATE TABLE bench.looked_up AS SELECT * FROM perf.overall_value;
ALTER TABLE bench.looked_up ADD PRIMARY KEY (employee_id, review_cycle_id);
ALTER TABLE bench.looked_up ENABLE ROW LEVEL SECURITY;
CREATE POLICY leader ON bench.looked_up USING (employee_id IN (
    WITH RECURSIVE below AS (
        SELECT r.employee_id FROM bench.reporting r WHERE r.manager_id = perfmgmt.actor_id()
        UNION ALL
        SELECT r.employee_id FROM below b JOIN bench.reporting r ON r.manager_id = b.employee_id
    )
    SELECT below.employee_id FROM below));
-- the same with EXISTS, row by row: a hundredth of the rows, or nobody waits for it
DROP TABLE IF EXISTS bench.looked_up_part;
CREATE TABLE bench.looked_up_part AS SELECT * FROM perf.overall_value WHERE employee_id % 100 = 0;
ALTER TABLE bench.looked_up_part ADD PRIMARY KEY (employee_id, review_cycle_id);
ALTER TABLE bench.looked_up_part ENABLE ROW LEVEL SECURITY;
CREATE POLICY leader ON bench.looked_up_part USING (EXISTS (
    WITH RECURSIVE above AS (
        SELECT r.manager_id FROM bench.reporting r WHERE r.employee_id = looked_up_part.employee_id
        UNION ALL
        SELECT r.manager_id FROM above a JOIN bench.reporting r ON r.employee_id = a.manager_id
    )
    SELECT FROM above WHERE above.manager_id = perfmgmt.actor_id()));
GRANT SELECT ON bench.looked_up, bench.looked_up_part, bench.reporting TO perfmgmt_leader;
CREATE OR REPLACE FUNCTION bench.plan_of(query text) RETURNS SETOF text
LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN ' || query; END $$;
-- A sequential scan of what grows with the company. Of a small company, or for
-- who leads most of it, it is the right plan.
CREATE OR REPLACE FUNCTION bench.verdict(query text) RETURNS text
LANGUAGE sql
RETURN CASE WHEN (SELECT people < 100000 FROM bench.company) THEN 'not judged, the company is small'
            ELSE (SELECT coalesce(string_agg(btrim(p.line), '; '), 'ok') FROM bench.plan_of(query) p(line)
                  WHERE p.line ~ 'Seq Scan on (overall_value|participation|employee|assessment|principle_rating|assignment)') END;
VACUUM (ANALYZE) perf.employee, perf.participation, perf.overall_value, bench.reporting, bench.looked_up, bench.looked_up_part;

---- floor | :few people, superuser with an id list | | few
SELECT :totals FROM perf.overall_value WHERE review_cycle_id = 1 AND employee_id = ANY (:'few_list');

---- ours | :few people, leader | 1.0 | few
BEGIN;
SELECT perfmgmt.act_as(:few_id) \g /dev/null
SET LOCAL ROLE perfmgmt_leader;
\timing on
SELECT :totals FROM perf.overall_value WHERE review_cycle_id = 1;
\timing off
COMMIT;

---- floor | :some people, superuser with an id list | | some
SELECT :totals FROM perf.overall_value WHERE review_cycle_id = 1 AND employee_id = ANY (:'some_list');

---- ours | :some people, leader | 0.5 | some
BEGIN;
SELECT perfmgmt.act_as(:some_id) \g /dev/null
SET LOCAL ROLE perfmgmt_leader;
\timing on
SELECT :totals FROM perf.overall_value WHERE review_cycle_id = 1;
\timing off
COMMIT;

---- peer | :some people, policy with IN (recursive hierarchy) | | some
BEGIN;
SELECT perfmgmt.act_as(:some_id) \g /dev/null
SET LOCAL ROLE perfmgmt_leader;
\timing on
SELECT :totals FROM bench.looked_up WHERE review_cycle_id = 1;
\timing off
COMMIT;

---- peer | :some people, policy with EXISTS (hierarchy upward), on 1/100 of the rows
BEGIN;
SELECT perfmgmt.act_as(:some_id) \g /dev/null
SET LOCAL ROLE perfmgmt_leader;
\timing on
SELECT :totals FROM bench.looked_up_part WHERE review_cycle_id = 1;
\timing off
COMMIT;

---- floor | :many people, superuser with an id list | | many
SELECT :totals FROM perf.overall_value WHERE review_cycle_id = 1 AND employee_id = ANY (:'many_list');

---- ours | :many people, leader | 0.6 | many
BEGIN;
SELECT perfmgmt.act_as(:many_id) \g /dev/null
SET LOCAL ROLE perfmgmt_leader;
\timing on
SELECT :totals FROM perf.overall_value WHERE review_cycle_id = 1;
\timing off
COMMIT;

---- floor | one person, superuser | | one
SELECT :totals FROM perf.overall_value WHERE review_cycle_id = 1 AND employee_id = :one_id;

---- ours | one person, leader of :many | 2 | one
BEGIN;
SELECT perfmgmt.act_as(:many_id) \g /dev/null
SET LOCAL ROLE perfmgmt_leader;
\timing on
SELECT :totals FROM perf.overall_value WHERE review_cycle_id = 1 AND employee_id = :one_id;
\timing off
COMMIT;

---- floor | view olr.rating, :some people, superuser with an id list | | view
SELECT count(*), sum(ov_points), sum(lp_score), count(quota_tier), count(manager_name) FROM olr.rating WHERE review_cycle_id = 1 AND employee_id = ANY (:'some_list');

---- ours | view olr.rating, :some people, leader | | view
BEGIN;
SELECT perfmgmt.act_as(:some_id) \g /dev/null
SET LOCAL ROLE perfmgmt_leader;
\timing on
SELECT count(*), sum(ov_points), sum(lp_score), count(quota_tier), count(manager_name) FROM olr.rating WHERE review_cycle_id = 1;
\timing off
COMMIT;

---- floor | view olr.rating, :many people, superuser with an id list | | view_many
SELECT count(*), sum(ov_points), sum(lp_score), count(quota_tier), count(manager_name) FROM olr.rating WHERE review_cycle_id = 1 AND employee_id = ANY (:'many_list');

---- ours | view olr.rating, :many people, leader | | view_many
BEGIN;
SELECT perfmgmt.act_as(:many_id) \g /dev/null
SET LOCAL ROLE perfmgmt_leader;
\timing on
SELECT count(*), sum(ov_points), sum(lp_score), count(quota_tier), count(manager_name) FROM olr.rating WHERE review_cycle_id = 1;
\timing off
COMMIT;

---- check | no sequential scan, :few people
BEGIN;
SELECT perfmgmt.act_as(:few_id) \g /dev/null
SET LOCAL ROLE perfmgmt_leader;
SELECT bench.verdict('SELECT count(*) FROM perf.overall_value WHERE review_cycle_id = 1');
COMMIT;

---- check | no sequential scan, :many people
BEGIN;
SELECT perfmgmt.act_as(:many_id) \g /dev/null
SET LOCAL ROLE perfmgmt_leader;
SELECT bench.verdict('SELECT count(*) FROM perf.overall_value WHERE review_cycle_id = 1');
COMMIT;

---- check | no sequential scan, view olr.rating, :some people
BEGIN;
SELECT perfmgmt.act_as(:some_id) \g /dev/null
SET LOCAL ROLE perfmgmt_leader;
SELECT bench.verdict('SELECT count(*), count(manager_name) FROM olr.rating WHERE review_cycle_id = 1');
COMMIT;

---- finish
DROP TABLE bench.looked_up, bench.looked_up_part;
