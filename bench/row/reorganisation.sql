---- prepare
-- A leader of about 5,000 people moves to a peer of the own manager's manager.
SELECT l.employee_id AS moved_id, l.reports AS moved, e.manager_chain AS moved_chain
FROM bench.leader l JOIN perf.employee e USING (employee_id)
WHERE cardinality(e.manager_chain) > 0
ORDER BY abs(l.reports - 5000), l.employee_id LIMIT 1 \gset
SELECT e.employee_id AS target_id
FROM bench.leader l JOIN perf.employee e USING (employee_id)
WHERE NOT e.manager_chain @> ARRAY[:moved_id] AND e.employee_id <> :moved_id AND e.employee_id <> ALL (:'moved_chain'::int[])
ORDER BY abs(l.reports - 5000), l.employee_id LIMIT 1 \gset

---- ours | move_employee(), :moved people below, one open cycle | 1000 ms
-- what the last round took back would be in the way otherwise
VACUUM (INDEX_CLEANUP ON) perf.employee, perf.assignment, perf.participation, perf.assessment, perf.overall_value, perf.principle_rating;
BEGIN;
\timing on
SELECT FROM perf.move_employee(:moved_id, :target_id);
\timing off
ROLLBACK;

---- check | everybody below follows, in the directory and in the open cycle
BEGIN;
SELECT FROM perf.move_employee(:moved_id, :target_id) \g /dev/null
SELECT CASE WHEN (SELECT count(*) FROM perf.employee e WHERE e.manager_chain @> ARRAY[:moved_id, :target_id]) = :moved
             AND NOT EXISTS (SELECT FROM perf.overall_value o JOIN perf.employee e USING (employee_id)
                             WHERE e.manager_chain @> ARRAY[:moved_id] AND o.manager_chain <> e.manager_chain)
             AND NOT EXISTS (SELECT FROM perf.principle_rating r JOIN perf.employee e USING (employee_id)
                             WHERE e.manager_chain @> ARRAY[:moved_id] AND r.manager_chain <> e.manager_chain)
       THEN 'ok' ELSE 'chains differ' END;
ROLLBACK;
