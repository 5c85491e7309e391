-- A review year of the example company, from CSV files to both perspectives.
-- Run by ./run demo in an empty database; the current folder is the project's.
\set ON_ERROR_STOP on
\pset pager off
\pset footer off
\pset null '-'
\set QUIET on
SET client_min_messages = warning;

\echo
\echo '== 1. Install: the extension brings code, install() makes the records ========'
\echo
\echo 'CREATE EXTENSION perfmgmt;  CALL perfmgmt.install();'
CREATE EXTENSION perfmgmt;
CALL perfmgmt.install();

\echo
\echo '== 2. The company comes in from CSV files ===================================='
\echo
\copy perf.import_employee (external_id, full_name, email, hired_on, left_on, manager_external_id, team, parent_team, level, location, valid_from) FROM 'examples/company/employees.csv' WITH (FORMAT csv, HEADER)
SELECT 'people' AS file, i.* FROM perf.import_org() i;

-- the first two HR people are appointed by the owner of the records
SELECT employee_id AS hr_id FROM perf.employee WHERE external_id = 'E00012' \gset
SELECT employee_id AS second_hr_id FROM perf.employee WHERE external_id = 'E00034' \gset
SELECT perf.appoint(:hr_id, 'hr', 'runs the review year') AS d1, perf.appoint(:second_hr_id, 'hr', 'second pair of eyes') AS d2 \gset

SELECT perf.create_cycle('2026', '2025-10-01', '2026-09-30', too_new_after => '2026-06-01') AS cycle_id \gset
SELECT perf.open_cycle(:cycle_id) AS participants \gset
\copy perf.import_principle_rating (employee_external_id, rater_external_id, relation, scores, comment) FROM 'examples/company/principle_ratings.csv' WITH (FORMAT csv, HEADER)
\copy perf.import_accomplishment (employee_external_id, claim, link, period_from, period_to, verified_by_external_id) FROM 'examples/company/accomplishments.csv' WITH (FORMAT csv, HEADER)
SELECT 'ratings' AS file, i.* FROM perf.import_ratings(:cycle_id) i;

\echo '== 3. Colleagues write feedback; each one is told who sees the name ==========='
\echo
\ir demo_feedback.sql

\echo '== 4. calibrate(): scores, role-model cap, matrix, quotas, in one call ========'
\echo
SELECT perf.advance_cycle(:cycle_id) AS status \gset
\copy perf.import_assessment (employee_external_id, job_performance, potential, assessed_by_external_id, summary) FROM 'examples/company/assessments.csv' WITH (FORMAT csv, HEADER)
SELECT 'assessments' AS file, a.* FROM perf.import_assessments(:cycle_id) a
UNION ALL
SELECT 'accomplishments', c.* FROM perf.import_accomplishments() c;
ANALYZE;
SELECT perf.advance_cycle(:cycle_id) AS status \gset
SELECT * FROM perf.calibrate(:cycle_id);

\echo 'What managers proposed, in the 28 cells of the matrix (people, tier):'
\echo
SELECT * FROM perf.matrix_picture(:cycle_id) AS "matrix";

\echo 'The company before and after the forced distribution; | marks the target:'
\echo
SELECT d.tier, p.proposed, d.n AS quota, d.target_seats AS target, d.tier_share AS share, d.bar, d.status
FROM olr.session_distribution d
JOIN (SELECT proposed_tier AS tier, count(*) AS proposed FROM perf.overall_value GROUP BY proposed_tier) p USING (tier)
WHERE d.scope = 'company' AND d.review_cycle_id = :cycle_id ORDER BY d.tier_order DESC;

\echo '== 5. The leader of Alice Kerrigan looks at her (OLR) ========================='
\echo
SELECT e.employee_id AS alice_id, e.manager_chain[2] AS leader_id FROM perf.employee e WHERE e.external_id = 'E02015' \gset
\echo 'BEGIN; SELECT perfmgmt.act_as(...); SET LOCAL ROLE perfmgmt_leader;'
BEGIN;
SELECT perfmgmt.act_as(:leader_id) AS acting \gset
SET LOCAL ROLE perfmgmt_leader;
\x on
SELECT full_name, job_level, manager_name, pool_name, job_performance_name, lp_score, lp_tier_name, potential_name,
       ov_score, proposed_tier, quota_tier, forte_label
FROM olr.rating WHERE employee_id = :alice_id;
\x off
\echo 'Why this tier?'
SELECT name, value FROM perf.explain_rank(:cycle_id, :alice_id);
SELECT name, input, value FROM perf.explain_ov(:cycle_id, :alice_id)
WHERE name IN ('LP points', 'LP tier', 'performance band', 'proposed tier', 'OV points', 'quota tier', 'nearest change up', 'nearest change down');
COMMIT;

\echo '== 6. The leaders calibrate; the quotas hold ==================================='
\echo
-- a session about one group: chaired by its head, with the heads beside as calibrators
SELECT g.calibration_group_id AS group_id, g.parent_group_id FROM perf.calibration_group g
WHERE g.review_cycle_id = :cycle_id AND g.group_name = 'CORE-STORAGE-1' \gset
SELECT a.employee_id AS chair_id FROM perf.employee e CROSS JOIN unnest(e.manager_chain) WITH ORDINALITY AS m(employee_id, place)
JOIN perf.participation a ON a.employee_id = m.employee_id AND a.review_cycle_id = :cycle_id
JOIN perf.calibration_group g ON g.team_id = a.team_id AND g.review_cycle_id = :cycle_id AND g.calibration_group_id = :parent_group_id
WHERE e.employee_id = :alice_id \gset
SELECT p.employee_id AS calibrator_id FROM perf.participation p JOIN perf.calibration_group g ON g.team_id = p.team_id AND g.review_cycle_id = p.review_cycle_id
WHERE p.review_cycle_id = :cycle_id AND g.calibration_group_id = :parent_group_id AND p.employee_id <> :chair_id
  AND p.eligibility = 'eligible' AND EXISTS (SELECT FROM perf.employee e WHERE e.manager_chain[1] = p.employee_id)
ORDER BY p.employee_id LIMIT 1 \gset
SELECT o.employee_id AS lowest_id FROM perf.overall_value o WHERE o.review_cycle_id = :cycle_id AND o.quota_tier = 'LE'
  AND o.calibration_pool_id = (SELECT x.calibration_pool_id FROM perf.overall_value x WHERE x.employee_id = :alice_id AND x.review_cycle_id = :cycle_id)
ORDER BY o.ov_points DESC LIMIT 1 \gset
BEGIN;
SELECT perfmgmt.act_as(:hr_id) AS acting \gset
SET LOCAL ROLE perfmgmt_hr;
SELECT perf.create_session(:cycle_id, 'Core storage 1', :group_id) AS session_id \gset
SELECT perf.add_participant(:session_id, :chair_id, 'chair') AS c1, perf.add_participant(:session_id, :calibrator_id, 'calibrator') AS c2 \gset
COMMIT;
BEGIN;
SELECT perfmgmt.act_as(:calibrator_id) AS acting \gset
SET LOCAL ROLE perfmgmt_leader;
SELECT perf.give_preliminary_rating(:session_id, :alice_id, 'HV3', 'ran the migration across three teams') AS given \gset
COMMIT;
BEGIN;
SELECT perfmgmt.act_as(:chair_id) AS acting \gset
SET LOCAL ROLE perfmgmt_leader;
SELECT perf.activate_session(:session_id) AS activated \gset
SELECT calibrator_name, full_name, tier AS would_give, comment FROM olr.preliminary_rating;
COMMIT;
\set ON_ERROR_STOP off
\set SHOW_CONTEXT never
\echo '-- The chair spares somebody the lowest tier, and nobody takes the seat:'
BEGIN;
SELECT perfmgmt.act_as(:chair_id) AS acting \gset
SET LOCAL ROLE perfmgmt_leader;
SELECT perf.propose_change(:session_id, :lowest_id, 'HV1', 'context', 'three months of parental leave') AS change_id;
COMMIT;
\set ON_ERROR_STOP on
\echo
\echo '-- Alice moves up for evidence, with a reason that stays; the chair finalizes:'
BEGIN;
SELECT perfmgmt.act_as(:chair_id) AS acting \gset
SET LOCAL ROLE perfmgmt_leader;
SELECT perf.propose_change(:session_id, :alice_id, 'HV3', 'evidence', 'the migration was verified by two teams') AS change_id \gset
SELECT full_name, old_tier, new_tier, change_reason, comment, changed_by_name FROM olr.calibration_history;
SELECT tier, n, minimum_seats AS min, target_seats AS target, maximum_seats AS max, bar, status
FROM olr.session_distribution WHERE scope = 'session' ORDER BY tier_order DESC;
SELECT perf.finalize_session(:session_id) AS finalized \gset
COMMIT;

\echo 'Before a release HR sees who would be told one thing and rated another:'
BEGIN;
SELECT perfmgmt.act_as(:hr_id) AS acting \gset
SET LOCAL ROLE perfmgmt_hr;
SELECT forte_label, tier, count(*) AS people FROM olr.label_discrepancy
GROUP BY forte_label, tier, tier_order ORDER BY tier_order, forte_label;

\echo '== 7. A named person releases; Alice looks at herself (Forte) ================='
\echo
SELECT perf.release_forte(:cycle_id, 'results of 2026 as calibrated') AS labels_released;
COMMIT;
BEGIN;
SELECT perfmgmt.act_as(:alice_id) AS acting \gset
SET LOCAL ROLE perfmgmt_employee;
\x on
SELECT full_name, forte_label, manager_name, manager_summary FROM forte.my_review;
\x off
SELECT explanation FROM forte.my_explanation ORDER BY step;
SELECT principle_name, string_agg(format('%s %s (%s)', relation, coalesce(mean_score::text, score_band), raters), ', ' ORDER BY relation) AS seen_by
FROM forte.my_principles WHERE relation <> 'self' GROUP BY principle_ordinal, principle_name ORDER BY principle_ordinal LIMIT 6;
\echo 'What colleagues wrote to her. The manager saw who; here is no author to be found:'
SELECT question_name, relation, feedback FROM forte.my_feedback WHERE relation <> 'self';
COMMIT;

\echo '== 8. What the database refuses, whatever the client =========================='
\set ON_ERROR_STOP off
\set SHOW_CONTEXT never
\echo
\echo '-- Alice asks for the ratings of the leaders:'
BEGIN;
SELECT perfmgmt.act_as(:alice_id) AS acting \gset
SET LOCAL ROLE perfmgmt_employee;
SELECT * FROM olr.rating;
ROLLBACK;
\echo
\echo '-- Somebody sets the identity by hand:'
SET perfmgmt.actor_id = '1';
\echo
\echo '-- The HR person who proposed an appointment approves it as well:'
BEGIN;
SELECT perfmgmt.act_as(:hr_id) AS acting \gset
SET LOCAL ROLE perfmgmt_hr;
SELECT perf.appoint(:leader_id, 'hr', 'help over the winter') AS decision_id \gset
COMMIT;
BEGIN;
SELECT perfmgmt.act_as(:hr_id) AS acting \gset
SET LOCAL ROLE perfmgmt_hr;
SELECT perf.approve(:decision_id);
ROLLBACK;
\echo
\echo '-- The owner bends the policy after the fact:'
UPDATE perf.distribution_target SET target_percent = 40 WHERE policy_id = 1;
\echo
\echo '-- Somebody drops the extension, and the reviews with it:'
\set VERBOSITY terse
DROP EXTENSION perfmgmt;
\set VERBOSITY default
\set ON_ERROR_STOP on
\echo
\ir demo_pip.sql
\ir demo_attrition.sql

\echo '== 11. The ledger proves itself, against one line kept outside ================'
\echo
SELECT perf.seal_audit() AS block \gset
SELECT perf.audit_digest() AS digest \gset
\echo The digest to keep: :digest
\echo
SELECT status, entries, blocks, problem FROM perf.verify_audit(:'digest');
\echo 'A superuser flips one bit in the history of Alice Kerrigan:'
\echo
BEGIN;
UPDATE perf.audit_entry SET content = set_byte(content, 60, get_byte(content, 60) # 1) WHERE subject = :alice_id AND sequence = 3;
SELECT status, broken_table, broken_subject AS person, broken_sequence AS entry, problem FROM perf.verify_audit(:'digest');
ROLLBACK;
\echo 'Who read ratings of Alice Kerrigan, or who wrote about her; each read left a row by itself:'
\echo
SELECT DISTINCT e.full_name AS reader, l.relation_name AS what FROM perf.access_log l JOIN perf.employee e ON e.employee_id = l.actor_id
WHERE l.subjects @> :alice_id ORDER BY 1, 2;
