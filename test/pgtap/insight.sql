-- Released figures: who may read them, what is suppressed, what may change.
SELECT * FROM no_plan() \g /dev/null
SET search_path = public, perf, perfmgmt;

-- Who reads --------------------------------------------------------------------

CREATE TABLE heard (label text, answer text);
GRANT INSERT ON heard TO PUBLIC;
BEGIN;
SET LOCAL ROLE perfmgmt_analyst;
INSERT INTO public.heard SELECT 'rows', count(*)::text FROM insight.attrition;
INSERT INTO public.heard SELECT 'steps', count(*)::text FROM insight.attrition_loop;
INSERT INTO public.heard SELECT 'funnel', count(*)::text FROM insight.pip_funnel;
COMMIT;
SELECT results_eq('SELECT * FROM heard ORDER BY 1', $$VALUES ('funnel', '10'), ('rows', '3'), ('steps', '12')$$, 'an analyst reads insight without being anybody');
SELECT throws_ok('BEGIN; SET LOCAL ROLE perfmgmt_analyst; SELECT perf.refresh_insight(); COMMIT', '0A000');
CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL ROLE perfmgmt_analyst;
    EXECUTE statement;
    RESET ROLE;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END
$$;
SELECT is(refused(s), '42501', 'an analyst is refused: ' || s) FROM unnest(ARRAY[
    'SELECT perf.refresh_insight()', 'SELECT * FROM perf.insight_part', 'SELECT * FROM perf.separation', 'SELECT * FROM perf.employee',
    'SELECT * FROM perf.insight_team_cells()', 'SELECT * FROM perf.leavers(''2020-01-01'', ''2030-01-01'')', 'SELECT * FROM olr.buffer_signals']) s;
SELECT is(refused('SELECT * FROM insight.attrition'), 'done', 'and not more than that');
SELECT is_empty($$SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
                  WHERE (c.relnamespace = 'insight'::regnamespace OR c.relname IN ('insight_part', 'insight_team', 'insight_step')) AND c.relkind IN ('r', 'v')
                    AND (a.attname ~ 'employee|person_|manager|full_name|external|email'
                         OR a.atttypid NOT IN ('int'::regtype, 'text'::regtype, 'numeric'::regtype, 'date'::regtype, 'timestamptz'::regtype, 'bool'::regtype))$$,
    'no column of insight could hold a person, and all are plain');

-- By hand: k = 3 ---------------------------------------------------------------

SELECT results_eq($$SELECT team_code, parent_team_code, k, mean_headcount, unregretted, regretted, neither, target_share FROM insight.attrition ORDER BY 1$$,
    $$VALUES ('alpha', 'company', 3, 13.00, NULL::int, NULL::int, NULL::int, 0.0600), ('beta', 'company', 3, 13.00, NULL, NULL, NULL, 0.0400),
             ('company', NULL, 3, 30.00, NULL, NULL, NULL, 0.0600)$$, 'the small company: headcounts, and nobody left in 2024');

-- a tree in cycle 1: top > (a > (a1, a2), b, c), with people who left
DELETE FROM insight_part;
CREATE FUNCTION hire(team text, parent text, stay int, leave int, regretted boolean) RETURNS void LANGUAGE sql AS $$
    INSERT INTO perf.team (team_code, parent_team_id) SELECT team, t.team_id FROM (SELECT 1) one LEFT JOIN perf.team t ON t.team_code = parent
    ON CONFLICT (team_code) DO NOTHING;
    WITH person AS (
        INSERT INTO perf.employee (external_id, full_name, hired_on, left_on)
        SELECT format('%s %s %s', team, g, gen_random_uuid()), 'x', '2020-01-01', CASE WHEN g > stay THEN date '2024-02-10' END
        FROM generate_series(1, stay + leave) g RETURNING employee_id, left_on
    ), placed AS (
        INSERT INTO perf.assignment (employee_id, manager_id, team_id, level_code, valid_during)
        SELECT p.employee_id, 1, t.team_id, 'SDE I', daterange('2020-01-01', p.left_on) FROM person p JOIN perf.team t ON t.team_code = team
    )
    INSERT INTO perf.separation (employee_id, left_on, separation_kind, is_voluntary, is_regretted, manager_chain)
    SELECT p.employee_id, p.left_on, 'other', false, regretted, '{1}' FROM person p WHERE p.left_on IS NOT NULL;
$$;
SELECT hire('top', NULL, 5, 0, false), hire('a', 'top', 4, 0, false), hire('a1', 'a', 20, 5, false), hire('a2', 'a', 20, 2, false),
       hire('b', 'top', 20, 4, false), hire('c', 'top', 1, 1, false), hire('b', 'top', 0, 3, true) \g /dev/null
SELECT refresh_insight() \g /dev/null
-- top 12 = a (a1 5, a2 2) 7 + b 4 + c 1. Of a, a2 hides and a1 would give it away. Of
-- top, c hides, a alone would leave 5 for b and c, both would leave 1 for c.
CREATE VIEW hand AS SELECT team_code, unregretted, regretted FROM insight.attrition WHERE team_code IN ('top', 'a', 'a1', 'a2', 'b', 'c') ORDER BY team_code;
SELECT results_eq('SELECT * FROM hand', $$VALUES ('a', 7, NULL::int), ('a1', NULL, NULL), ('a2', NULL, NULL), ('b', NULL, NULL), ('c', NULL, NULL), ('top', 12, 3)$$,
    'a cell that would give away a small one is hidden with it; so is that of b, since showing it would say that nobody else left regretted');
-- one more in a2 makes 3: the part of a moved by 1, so nothing of it is published anew
SELECT hire('a2', 'a', 0, 1, false), hire('c', 'top', 0, 2, false) \g /dev/null
SELECT refresh_insight() \g /dev/null
SELECT results_eq('SELECT * FROM hand', $$VALUES ('a', 7, NULL::int), ('a1', NULL, NULL), ('a2', NULL, NULL), ('b', NULL, NULL), ('c', NULL, NULL), ('top', 12, 3)$$,
    'one person in a, two in c: a refresh shows neither');
SELECT hire('a2', 'a', 0, 2, false), hire('c', 'top', 0, 1, false) \g /dev/null
SELECT refresh_insight() \g /dev/null
-- a: 10 = a1 5 + a2 5, and its own 4 people with 0, who must not be told apart: a1 goes
-- first, then a2 would leave 0. The rest of top, b 4 + c 4: b would leave 4.
SELECT results_eq('SELECT * FROM hand', $$VALUES ('a', 10, NULL::int), ('a1', 5, NULL), ('a2', NULL, NULL), ('b', 4, NULL), ('c', NULL, NULL), ('top', 18, 3)$$,
    'three more, and they are counted; parts are divided when each is large enough');

-- Properties of random companies ---------------------------------------------------
-- Checked from what is published and from the records, by other ways than those
-- of refresh_insight(). below_or_at: every team with every team above it.

CREATE VIEW below_or_at AS
WITH RECURSIVE up AS (
    SELECT t.team_id, t.team_id AS above_id, 0 AS distance FROM perf.team t
    UNION ALL SELECT u.team_id, t.parent_team_id, u.distance + 1 FROM up u JOIN perf.team t ON t.team_id = u.above_id WHERE t.parent_team_id IS NOT NULL
)
SELECT t.team_code, a.team_code AS above, u.distance FROM up u JOIN perf.team t USING (team_id) JOIN perf.team a ON a.team_id = u.above_id;
CREATE VIEW truth AS
SELECT t.team_code, m.measure,
       CASE m.measure
       WHEN 'headcount' THEN (SELECT count(*) FROM generate_series(timestamp '2023-08-01', '2024-07-01', '1 month') d
                              JOIN perf.assignment a ON a.team_id = t.team_id AND a.valid_during @> (d::date - 1))
       ELSE (SELECT count(*) FROM perf.separation s JOIN perf.assignment a USING (employee_id)
             WHERE a.team_id = t.team_id AND s.left_on BETWEEN '2023-07-01' AND '2024-06-30'
               AND CASE m.measure WHEN 'unregretted' THEN NOT s.is_regretted ELSE s.is_regretted END) END::int AS own
FROM perf.team t CROSS JOIN unnest('{headcount,unregretted,regretted}'::text[]) AS m(measure);
CREATE VIEW published AS
SELECT t.team_code, m.measure, m.people, t.k * CASE m.measure WHEN 'headcount' THEN t.months ELSE 1 END AS minimum
FROM perf.insight_team t CROSS JOIN LATERAL (VALUES ('headcount', t.headcount_sum), ('unregretted', t.unregretted), ('regretted', t.regretted)) AS m(measure, people)
WHERE t.review_cycle_id = 1;
-- each team belongs to the next shown team at or above it; what is known of that
-- part is its figure without those of the shown teams next below it
CREATE VIEW belongs AS
SELECT DISTINCT ON (b.team_code, p.measure) b.team_code, p.measure, p.team_code AS part, p.minimum
FROM below_or_at b JOIN published p ON p.team_code = b.above AND p.people IS NOT NULL
ORDER BY b.team_code, p.measure, b.distance;
CREATE VIEW part AS
SELECT p.measure, p.team_code AS part, p.minimum,
       p.people - coalesce((SELECT sum(c.people) FROM published c JOIN perf.team t ON t.team_code = c.team_code JOIN perf.team above ON above.team_id = t.parent_team_id
                            JOIN belongs b ON b.team_code = above.team_code AND b.measure = p.measure AND b.part = p.team_code
                            WHERE c.measure = p.measure AND c.people IS NOT NULL), 0) AS people,
       (SELECT sum(t.own) FROM truth t JOIN belongs b USING (team_code, measure) WHERE t.measure = p.measure AND b.part = p.team_code) AS true_people,
       (SELECT count(*) FROM perf.assignment a JOIN perf.team t USING (team_id) JOIN belongs b ON b.team_code = t.team_code
        WHERE b.measure = p.measure AND b.part = p.team_code AND a.valid_during && '[2023-07-01,2024-07-01)') AS could_be
FROM published p WHERE p.people IS NOT NULL;
CREATE TABLE before (round int, measure text, part text, people int, minimum int, could_be int);
CREATE TABLE placed_before (round int, measure text, team_code text, part text);
-- Parts are divided and merged. What both publications tell of the same people:
-- old and new parts that share teams, as far as that leads.
SET client_min_messages = warning;
CREATE FUNCTION moved_little(of_round int) RETURNS TABLE (measure text, old_people int, new_people int) LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMP TABLE IF NOT EXISTS label (measure text, team_code text, old_part text, new_part text, block text);
    DELETE FROM label;
    INSERT INTO label
    SELECT o.measure, o.team_code, o.part, n.part, o.part FROM public.placed_before o
    JOIN public.belongs n ON n.measure = o.measure AND n.team_code = o.team_code
    WHERE o.round = of_round - 1;
    LOOP
        UPDATE label l SET block = m.block
        FROM (SELECT x.measure, x.new_part, min(x.block) AS block FROM label x GROUP BY 1, 2) m
        WHERE m.measure = l.measure AND m.new_part = l.new_part AND m.block < l.block;
        EXIT WHEN NOT FOUND;
        UPDATE label l SET block = m.block
        FROM (SELECT x.measure, x.old_part, min(x.block) AS block FROM label x GROUP BY 1, 2) m
        WHERE m.measure = l.measure AND m.old_part = l.old_part AND m.block < l.block;
    END LOOP;
    RETURN QUERY
    SELECT b.measure, o.people::int, n.people::int
    FROM (SELECT DISTINCT l.measure, l.block FROM label l) b
    CROSS JOIN LATERAL (SELECT sum(p.people) AS people, max(p.minimum) AS minimum FROM public.before p
                        WHERE p.round = of_round - 1 AND p.measure = b.measure
                          AND p.part IN (SELECT l.old_part FROM label l WHERE l.measure = b.measure AND l.block = b.block)) o
    CROSS JOIN LATERAL (SELECT sum(p.people) AS people FROM public.part p
                        WHERE p.measure = b.measure
                          AND p.part IN (SELECT l.new_part FROM label l WHERE l.measure = b.measure AND l.block = b.block)) n
    WHERE o.people <> n.people AND abs(o.people - n.people) < o.minimum;
END
$$;
CREATE TABLE found (round int, parts int, small int, moved_little int, stale int, wrong int);

CREATE PROCEDURE play(of_round int) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM setseed(of_round / 100.0);
    PERFORM public.hire(t.team_code, NULL, CASE WHEN random() < 0.5 THEN 0 ELSE (random() * 12)::int END,
                        CASE WHEN random() < 0.6 THEN 0 ELSE (random() * 4)::int END, random() < 0.4)
    FROM perf.team t WHERE t.team_code LIKE 'r%';
    PERFORM perf.refresh_insight();
    INSERT INTO found
    SELECT of_round, count(*), -- people may come into an empty part later; its 0 stays
           count(*) FILTER (WHERE p.people < p.minimum AND p.could_be > 0
                            AND NOT EXISTS (SELECT FROM before b WHERE b.measure = p.measure AND b.part = p.part AND b.could_be = 0 AND p.people = 0)),
           (SELECT count(*) FROM moved_little(of_round)),
           count(*) FILTER (WHERE abs(p.true_people - p.people) >= p.minimum AND p.true_people >= p.minimum),
           count(*) FILTER (WHERE of_round = 1 AND p.true_people <> p.people)
    FROM part p;
    INSERT INTO placed_before SELECT of_round, b.measure, b.team_code, b.part FROM belongs b;
    INSERT INTO before SELECT of_round, p.measure, p.part, p.people, p.minimum, p.could_be FROM part p;
END
$$;
DELETE FROM insight_part;
SELECT setseed(0.5) \g /dev/null
INSERT INTO team (team_code) VALUES ('r1');
INSERT INTO team (team_code, parent_team_id)
SELECT 'r' || n, (SELECT t.team_id FROM team t WHERE t.team_code = 'r1') FROM generate_series(2, 12) n;
DO $$ BEGIN FOR n IN 13..40 LOOP
    INSERT INTO perf.team (team_code, parent_team_id)
    SELECT 'r' || n, t.team_id FROM perf.team t WHERE t.team_code = (SELECT 'r' || greatest(1, (random() * (n - 1))::int));
END LOOP; END $$;
SELECT format('CALL play(%s)', n) FROM generate_series(1, 12) n \gexec
SELECT is_empty('SELECT * FROM found WHERE small > 0', 'no part covers less than k, however figures are added and subtracted');
SELECT is_empty('SELECT * FROM found WHERE moved_little > 0', 'from one refresh to the next no part moves by less than k');
SELECT is_empty('SELECT * FROM found WHERE stale > 0', 'and none stays k behind');
SELECT is_empty('SELECT * FROM found WHERE wrong > 0', 'what is published first is the truth');
SELECT cmp_ok((SELECT max(parts) FROM found), '>', 30, 'many parts were looked at');
SELECT cmp_ok((SELECT count(*) FROM before b JOIN before l ON l.round = b.round - 1 AND l.measure = b.measure AND l.part = b.part AND l.people <> b.people), '>', 10::bigint,
    'and many of them moved');
-- the checks can fail
UPDATE insight_team SET unregretted = unregretted + 1 WHERE team_code = 'r1' AND review_cycle_id = 1;
SELECT isnt_empty('SELECT * FROM moved_little(13)',
    'a figure that moved by one is found');

-- Rates -----------------------------------------------------------------------------

SELECT is_empty('SELECT team_code FROM insight.attrition WHERE (unregretted_rate IS NULL) <> (unregretted IS NULL OR mean_headcount IS NULL)', 'a rate where both are shown');
SELECT is_empty('SELECT team_code FROM insight.attrition a JOIN perf.insight_team t USING (review_cycle_id, team_code)
                 WHERE a.unregretted_rate <> round(12 * t.unregretted::numeric / t.headcount_sum, 4)', 'people x 12 / sum of the month-end headcounts');

-- The path ----------------------------------------------------------------------------
-- 30 were rated, 12 LE, 8 came to Focus, 6 to Pivot, 3 left. The events are put in
-- place without their rules, which test/pgtap/pip.sql has.

SET session_replication_role = replica;
UPDATE review_cycle SET released_at = '2024-07-10' WHERE review_cycle_id = 1;
ALTER TABLE pip_event DISABLE TRIGGER ALL;
ALTER TABLE pip_case DISABLE TRIGGER ALL;
DELETE FROM pip_event;
DELETE FROM pip_case;
UPDATE overall_value SET final_tier = CASE WHEN employee_id IN (4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16) THEN 'LE' ELSE 'HV2' END
WHERE review_cycle_id = 1 AND final_tier IS NOT NULL;
CREATE FUNCTION walk(about_id int, stages text[], days int[]) RETURNS void LANGUAGE sql AS $$
    WITH start AS (
        SELECT r.released_at::date AS day FROM perf.review_cycle r WHERE r.review_cycle_id = 1
    ), new_case AS (
        INSERT INTO perf.pip_case (employee_id, policy_id, stage, events, opened_on, closed_on, manager_chain)
        SELECT about_id, 1, stages[cardinality(stages)], cardinality(stages), s.day,
               CASE WHEN stages[cardinality(stages)] ~ '^(closed|separated|terminated)' THEN s.day + days[cardinality(days)] END, '{1}'
        FROM start s RETURNING *
    )
    INSERT INTO perf.pip_event (employee_id, pip_case_id, event_number, event, from_stage, to_stage, policy_id, decided_by, occurred_on, recorded_at, is_paused, manager_chain)
    SELECT about_id, c.pip_case_id, n, CASE stages[n] WHEN 'closed_passed' THEN 'pass' WHEN 'plan_failed' THEN 'fail' ELSE 'x' END,
           coalesce(stages[n - 1], 'none'), stages[n], 1, 26, c.opened_on + days[n], now(), false, '{1}'
    FROM new_case c CROSS JOIN generate_subscripts(stages, 1) n
$$;
SELECT walk(e, '{identified,focus,pivot_offered,plan_active,plan_failed,terminated}', ARRAY[0, 10, 10 + d, 50, 90, 100]) FROM (VALUES (4, 10), (5, 20), (6, 30)) AS p(e, d) \g /dev/null
SELECT walk(e, '{identified,focus,pivot_offered,plan_active,closed_passed}', ARRAY[0, 10, 10 + d, 50, 90]) FROM (VALUES (7, 10), (8, 20), (9, 30)) AS p(e, d) \g /dev/null
SELECT walk(e, '{identified,focus,closed_improved}', '{0,10,60}') FROM unnest('{10,11}'::int[]) e \g /dev/null
SET session_replication_role = origin;
SELECT refresh_insight() \g /dev/null
CREATE VIEW path AS SELECT step, people, of_people, share, median_days FROM insight.pip_funnel WHERE review_cycle_id = 1 AND step IN ('le', 'focus', 'pivot', 'exit', 'plan', 'plan_good') ORDER BY step_order;
SELECT results_eq('SELECT * FROM path', $$VALUES ('le', 12, 30, 0.4000, NULL::int), ('focus', 8, 12, 0.6667, 20), ('pivot', NULL, 8, NULL, NULL), ('exit', NULL, NULL, NULL, NULL),
    ('plan', 6, NULL, NULL, NULL), ('plan_good', 3, 6, 0.5000, NULL)$$,
    'who came to Pivot would give away two who did not; half of the plans passed; Focus took 10, 10, 20, 20, 30, 30, 50, 50 days');
SELECT is((SELECT median_days FROM path WHERE step = 'focus'), 20, 'median of 10, 10, 20, 20, 30, 30, 50, 50: half were over at 20');
SET session_replication_role = replica;
SELECT walk(13, '{identified,focus,closed_improved}', '{0,10,60}') \g /dev/null
SET session_replication_role = origin;
SELECT refresh_insight() \g /dev/null
SELECT results_eq($$SELECT step, people FROM path WHERE step IN ('le', 'focus', 'pivot', 'exit')$$, $$VALUES ('le', 12), ('focus', 8), ('pivot', NULL), ('exit', NULL)$$, 'one more in Focus is not published');
SET session_replication_role = replica;
SELECT walk(e, '{identified,focus}', '{0,10}') FROM unnest('{14,15}'::int[]) e \g /dev/null
SET session_replication_role = origin;
SELECT refresh_insight() \g /dev/null
SELECT results_eq($$SELECT step, people FROM path WHERE step IN ('le', 'focus', 'pivot', 'exit')$$, $$VALUES ('le', 12), ('focus', NULL::int), ('pivot', NULL), ('exit', NULL)$$,
    'with three more, one LE alone is without Focus: Focus is hidden again, and what is below');
SELECT results_eq($$SELECT step, people FROM insight.attrition_loop WHERE review_cycle_id = 1 AND step IN ('rated', 'le', 'focus', 'pivot', 'exit') ORDER BY step_order$$,
    $$SELECT p.step, p.people FROM (SELECT 'rated' AS step, (SELECT people FROM insight.attrition_loop WHERE review_cycle_id = 1 AND step = 'rated') AS people, 0 AS o
      UNION ALL SELECT step, people, step_order FROM insight.pip_funnel WHERE review_cycle_id = 1 AND step IN ('le', 'focus', 'pivot', 'exit')) p ORDER BY o$$, 'the loop says the same');

-- The forecast: 20 closed cases that came to Pivot, of which 12 ended in an exit
SET session_replication_role = replica;
SELECT walk(100 + e, CASE WHEN e <= 9 THEN '{identified,focus,pivot_offered,separated_tier1}'::text[] ELSE '{identified,focus,pivot_offered,closed_withdrawn}' END, '{0,10,20,30}')
FROM generate_series(1, 13) e \g /dev/null
SELECT walk(200 + e, '{identified,focus,pivot_offered}', '{0,10,20}') FROM generate_series(1, 5) e \g /dev/null
SET session_replication_role = origin;
SELECT results_eq($$SELECT stage, open_cases, completed_cases, completion_share, expected_exits FROM perf.attrition_forecast(CURRENT_DATE + 200) WHERE stage IN ('focus', 'pivot_offered')$$,
    $$VALUES ('focus', 2, 22, 0.5455, 1.09), ('pivot_offered', 5, 19, NULL::numeric, NULL::numeric)$$, 'a stage with 20 closed cases has a share, one with 19 has none');

-- Hires: 7 in the period, of whom 3 became LE and 4 HV2
SET session_replication_role = replica;
UPDATE employee SET hired_on = '2023-08-01' WHERE employee_id IN (4, 5, 6, 17, 18, 19, 20);
SET session_replication_role = origin;
SELECT refresh_insight() \g /dev/null
SELECT results_eq($$SELECT step, people, share FROM insight.attrition_loop WHERE review_cycle_id = 1 AND step IN ('hired', 'hired_LE', 'hired_HV2') ORDER BY step_order$$,
    $$VALUES ('hired', 7, NULL::numeric), ('hired_LE', NULL, NULL), ('hired_HV2', NULL, NULL)$$, 'who became LE would say so of the others');
SELECT results_eq($$SELECT people FROM insight_part WHERE measure = 'hired' ORDER BY cell$$, 'VALUES (3), (4)', 'the parts are those above LE and the rest');
SELECT is((SELECT sum(a.hires) FROM insight.attrition a WHERE a.team_code = 'company' AND a.review_cycle_id = 1), 7::bigint, 'by team they are as many');

-- Which cycles ------------------------------------------------------------------------

SELECT results_eq('SELECT review_cycle_id, k, months FROM insight_cycles()', 'VALUES (1, 3, 12)', 'a released cycle whose period is over');
SET session_replication_role = replica;
INSERT INTO review_cycle (cycle_name, policy_id, status, period_start, period_end, too_new_after, forte_opens_on, forte_closes_on, released_at)
VALUES ('half of it', 2, 'released', '2024-01-01', '2024-06-30', '2024-03-01', '2024-07-01', '2024-08-01', '2024-09-01'),
       ('after it', 2, 'released', '2024-07-01', '2024-12-31', '2024-09-01', '2025-01-01', '2025-02-01', '2025-03-01'),
       ('not over', 2, 'released', CURRENT_DATE - 1, CURRENT_DATE, CURRENT_DATE, CURRENT_DATE, CURRENT_DATE, now());
SELECT results_eq('SELECT cycle_name FROM insight_cycles() ORDER BY review_cycle_id', $$VALUES ('2024'), ('after it')$$, 'none that overlaps an earlier one, or is not over');
UPDATE retention_rule SET months = 1 WHERE category = 'separations';
SELECT is_empty('SELECT * FROM insight_cycles()', 'none whose records may be gone');
CREATE TEMP TABLE kept AS SELECT * FROM insight.attrition;
DELETE FROM separation;
SELECT refresh_insight() \g /dev/null
SELECT results_eq('SELECT * FROM insight.attrition ORDER BY 1, 5', 'SELECT * FROM kept ORDER BY 1, 5', 'whose figures stay when they go');

SELECT * FROM finish();
