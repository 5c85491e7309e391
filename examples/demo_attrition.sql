-- Included by demo.sql after the release: who left and how, and the figures that
-- are released of it. Uses :hr_id and :cycle_id.
\echo '== 10. Attrition: figures of teams, never names ==============================='
\echo
\echo 'HR says how those left whom the CSV files brought with a day alone:'
BEGIN;
SELECT perfmgmt.act_as(:hr_id) AS acting \gset
SET LOCAL ROLE perfmgmt_hr;
SELECT count(perf.record_leaving(e.employee_id,
             CASE e.employee_id % 8 WHEN 0 THEN 'cause' WHEN 1 THEN 'cause' WHEN 2 THEN 'entity_transfer' ELSE 'resignation' END, e.left_on)) AS recorded
FROM perf.employee e WHERE e.left_on < CURRENT_DATE AND e.employee_id <> :hr_id
  AND NOT EXISTS (SELECT FROM perf.separation s WHERE s.employee_id = e.employee_id) \gset
SELECT k.description AS "way to leave", count(*) AS people,
       CASE s.is_regretted WHEN true THEN 'regretted' WHEN false THEN 'unregretted' ELSE 'neither' END AS "counts as"
FROM perf.separation s JOIN perf.separation_kind k USING (separation_kind) GROUP BY k.description, s.is_regretted ORDER BY people DESC;
SELECT months, mean_headcount, unregretted, unregretted_rate, regretted, regretted_rate, target_share AS target
FROM perf.attrition_rate('2025-10-01', '2026-09-30');
SELECT perf.refresh_insight() AS parts \gset
COMMIT;
\echo 'What an analyst sees, who is nobody in the company; no cell covers less than k = 3'
\echo 'people, nor does any difference of two (u unregretted, r regretted, a mark a person):'
BEGIN;
SET LOCAL ROLE perfmgmt_analyst;
SELECT repeat('  ', (parent_team_code IS NOT NULL)::int) || team_code AS team, mean_headcount AS headcount,
       coalesce(unregretted::text, 'hidden') AS unregretted, coalesce(regretted::text, 'hidden') AS regretted,
       coalesce(repeat('u', unregretted), '?') || ' ' || coalesce(repeat('r', regretted), '?') AS picture
FROM insight.attrition WHERE parent_team_code IS NULL OR parent_team_code = 'ENG'
ORDER BY parent_team_code NULLS FIRST, mean_headcount DESC NULLS LAST;
SELECT step_name AS "the loop", coalesce(people::text, CASE step WHEN 'target' THEN '' ELSE 'hidden' END) AS people, share,
       repeat('#', round(share * 50)::int) AS picture
FROM insight.attrition_loop ORDER BY step_order;
COMMIT;
\echo 'Do managers hire people to be let go? LE among last year''s hires against the rest:'
BEGIN;
SELECT perfmgmt.act_as(:hr_id) AS acting \gset
SET LOCAL ROLE perfmgmt_hr;
SELECT manager_name, format('%s of %s', recent_le, recent_hires) AS "hires LE", format('%s of %s', others_le, others) AS "others LE",
       round(p_value::numeric, 4) AS p
FROM olr.buffer_signals WHERE review_cycle_id = :cycle_id AND recent_hires > 0 ORDER BY p_value, manager_id LIMIT 3;
SELECT count(*) AS managers, count(*) FILTER (WHERE p_value < 0.05) AS "p < 0.05 (chance alone gives up to one in 20)"
FROM olr.buffer_signals WHERE review_cycle_id = :cycle_id AND recent_hires > 0;
COMMIT;
