-- Forte engine: forte_cells. Properties and rules are in test/pgtap/forte.sql;
-- here what it refuses, and the shape of what it gives.
\pset null '(null)'

-- a cell, with all positions
SELECT c.relation, c.is_anonymous, c.author_ids, c.scores, c.texts
FROM (SELECT perfmgmt.forte_cells(a, 'peer', true, 39, '{4,3}', 8388608, 3) AS cells FROM generate_series(1, 3) a) x, unnest(x.cells) c;

-- nobody, and nobody's answers
SELECT perfmgmt.forte_cells(a, 'peer', true, 1, '{}', NULL, 3) FROM generate_series(1, 0) a;
SELECT perfmgmt.forte_cells(a, 'peer', true, 1, NULL, NULL, 3) FROM generate_series(1, 9) a;
SELECT perfmgmt.forte_cells(a, 'manager', false, 1, '{NULL}', 0, 3) FROM generate_series(1, 9) a;

-- the same in groups, sorted and hashed, and as a window
CREATE TEMP TABLE answer AS
SELECT e, a, (ARRAY['peer', 'stakeholder'])[1 + (e + a) % 2] AS relation,
       ARRAY(SELECT CASE WHEN (e * 7 + a * 5 + i * 3) % 11 > 1 THEN 1 + (e + a * i) % 5 END FROM generate_series(1, 4) i)::smallint[] AS scores
FROM generate_series(1, 50) e, generate_series(1, 9) a;
SET enable_hashagg = off;
CREATE TEMP TABLE sorted AS SELECT e, perfmgmt.forte_cells(a, relation, true, 1, scores, NULL, 3)::text AS cells FROM answer GROUP BY e;
RESET enable_hashagg;
SET enable_sort = off;
CREATE TEMP TABLE hashed AS SELECT e, perfmgmt.forte_cells(a, relation, true, 1, scores, NULL, 3)::text AS cells FROM answer GROUP BY e;
RESET enable_sort;
CREATE TEMP TABLE windowed AS
SELECT DISTINCT ON (e) e, cells FROM (
    SELECT e, a, perfmgmt.forte_cells(a, relation, true, 1, scores, NULL, 3) OVER (PARTITION BY e ORDER BY a)::text AS cells FROM answer) w
ORDER BY e, a DESC;
SELECT count(*), sum(length(cells)) > 0 AS some FROM sorted JOIN hashed USING (e, cells) JOIN windowed USING (e, cells);

-- many authors
SELECT c.relation, cardinality(c.author_ids), c.scores[1:2] AS scores
FROM (SELECT perfmgmt.forte_cells(a, 'direct_report', true, 1, ARRAY[3, CASE WHEN a % 100 > 0 THEN 4 + a % 2 END]::smallint[], NULL, 3) AS cells
      FROM generate_series(1, 3000) a) x, unnest(x.cells) c;

-- refused
SELECT perfmgmt.forte_cells(1, 'peer', true, 1, '{3}', NULL, 2);
SELECT perfmgmt.forte_cells(1, 'peer', true, 1, '{3}', NULL, -1);
SELECT perfmgmt.forte_cells(a, 'peer', true, 1, '{3}', NULL, 2 + a) FROM generate_series(1, 2) a;
SELECT perfmgmt.forte_cells(1, 'peer', true, 1, '{3,6}', NULL, 3);
SELECT perfmgmt.forte_cells(1, 'peer', true, 1, '{0}', NULL, 3);
SELECT perfmgmt.forte_cells(1, 'peer', true, 0, '{3}', NULL, 3);
SELECT perfmgmt.forte_cells(1, 'peer', true, 40, '{3,3}', NULL, 3);
SELECT perfmgmt.forte_cells(1, 'peer', true, 2147483647, '{3}', NULL, 3);
SELECT perfmgmt.forte_cells(1, 'peer', true, 1, '{{3}}', NULL, 3);
SELECT perfmgmt.forte_cells(1, 'peer', true, 1, '[0:0]={3}', NULL, 3);
SELECT perfmgmt.forte_cells(1, 'peer', true, 1, NULL, 16777216, 3);
SELECT perfmgmt.forte_cells(1, 'peer', true, 1, NULL, -1, 3);
SELECT perfmgmt.forte_cells(1, 'peer', true, 1, '{3}', NULL, 3) FROM generate_series(1, 2);
SELECT perfmgmt.forte_cells(1, 'peer', true, 1, NULL, 1, 3) FROM generate_series(1, 2);
SELECT perfmgmt.forte_cells(NULL, 'peer', true, 1, '{3}', NULL, 3);
SELECT perfmgmt.forte_cells(1, NULL, true, 1, '{3}', NULL, 3);
SELECT perfmgmt.forte_cells(1, 'peer', NULL, 1, '{3}', NULL, 3);
SELECT perfmgmt.forte_cells(1, 'peer', true, NULL, '{3}', NULL, 3);
SELECT perfmgmt.forte_cells(1, 'peer', true, 1, '{3}', NULL, NULL);
