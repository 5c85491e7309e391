-- The transitions as functions: every event from every stage, the pictures, and
-- what they refuse.
SELECT * FROM perfmgmt.pip_stages();
SELECT * FROM perfmgmt.pip_transitions();

-- a path, folded
WITH RECURSIVE path AS (
    SELECT 0 AS n, 'none' AS stage
    UNION ALL
    SELECT n + 1, perfmgmt.pip_next(stage, ('{identify,enroll,extend,escalate,appeal_entry,replace_panel,deny,pause,resume,choose_plan,fail,accept_severance,revoke,appeal,deny}'::text[])[n + 1])
    FROM path WHERE n < 15
)
SELECT string_agg(stage, ' ' ORDER BY n) AS path FROM path;

SELECT perfmgmt.pip_next('none', 'enroll');
SELECT perfmgmt.pip_next('plan_active', 'accept_severance');
SELECT perfmgmt.pip_next('closed_passed', 'resign');
SELECT perfmgmt.pip_next('focus', '');
SELECT perfmgmt.pip_next('', 'identify');
SELECT perfmgmt.pip_next('Focus', 'escalate');
SELECT perfmgmt.pip_next(NULL, 'identify') IS NULL AS strict;
SELECT perfmgmt.pip_diagram('svg');
\pset format unaligned
\pset tuples_only on
SELECT perfmgmt.pip_diagram();
SELECT perfmgmt.pip_diagram('dot');
\pset format aligned
\pset tuples_only off

-- immutable, so that the planner folds a constant call
EXPLAIN (COSTS OFF, VERBOSE) SELECT perfmgmt.pip_next('focus', 'improve');

-- days: a zone, and a rehearsal
SET perfmgmt.today = '2026-02-29x';
SET perfmgmt.today = '2026-02-28';
SELECT to_char(perfmgmt.pip_today('Europe/Berlin'), 'YYYY-MM-DD') AS day;
RESET perfmgmt.today;
SELECT perfmgmt.pip_today('Nowhere/Here');

-- the triggers are triggers of their tables alone
SELECT perfmgmt.pip_event_write();
CREATE TABLE other (i int);
CREATE TRIGGER other BEFORE INSERT ON other FOR EACH ROW EXECUTE FUNCTION perfmgmt.pip_event_write();
INSERT INTO other VALUES (1);
CREATE OR REPLACE TRIGGER other BEFORE INSERT ON other FOR EACH ROW EXECUTE FUNCTION perfmgmt.pip_case_guard();
INSERT INTO other VALUES (1);
DROP TABLE other;
