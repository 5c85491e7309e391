-- insight: released figures for BI. refresh_insight() counts, suppresses and
-- writes them to tables of their own, which hold no person, and the views show
-- those: whoever reads insight has no way to a record, needs no identity, and
-- cannot ask twice in an hour to see who left in between. doc/insight.md has the
-- rules of suppression.

-- step 1

-- A figure counts the people of a cell. Cells form trees (teams; the path from
-- LE to an exit), and a cell includes those below it. What is published cuts a
-- tree into parts, each a shown cell without the shown ones below it; every sum
-- or difference of published figures is a sum of parts. So each part covers k
-- people or more, and changes by k or more or not at all. A part that falls
-- below k is merged with the next one, and the cell between them stays hidden.
CREATE TABLE insight_part (
    review_cycle_id int NOT NULL REFERENCES review_cycle,
    measure text NOT NULL,
    cell text NOT NULL,
    people int NOT NULL,
    is_shown boolean NOT NULL DEFAULT true,
    released_at timestamptz NOT NULL,
    PRIMARY KEY (review_cycle_id, measure, cell)
);
COMMENT ON TABLE insight_part IS 'The parts that refresh_insight() published: a shown cell without the shown cells below it. The figures are sums of these.';
COMMENT ON COLUMN insight_part.people IS 'As published; the true count may have moved by less than k since.';
COMMENT ON COLUMN insight_part.is_shown IS 'False once the part was merged with another one.';

CREATE TABLE insight_cell (
    review_cycle_id int NOT NULL REFERENCES review_cycle,
    measure text NOT NULL,
    cell text NOT NULL,
    parent_cell text,
    own_people int NOT NULL,
    own_base boolean NOT NULL,
    minimum int NOT NULL,
    PRIMARY KEY (review_cycle_id, measure, cell)
);
COMMENT ON TABLE insight_cell IS 'The true counts while refresh_insight() runs, which empties it; nobody else reads them.';
COMMENT ON COLUMN insight_cell.own_people IS 'People of the cell who are in none below it.';
COMMENT ON COLUMN insight_cell.own_base IS 'Whether there can be any.';
COMMENT ON COLUMN insight_cell.minimum IS 'k; of headcounts k for each month.';

CREATE TABLE insight_team (
    review_cycle_id int NOT NULL REFERENCES review_cycle,
    team_code text NOT NULL,
    parent_team_code text,
    cycle_name text NOT NULL,
    period_start date NOT NULL,
    period_end date NOT NULL,
    k int NOT NULL,
    months int NOT NULL,
    headcount_sum int,
    unregretted int,
    regretted int,
    neither int,
    le_leavers int,
    hires int,
    hires_above_le int,
    target_share numeric NOT NULL,
    released_at timestamptz NOT NULL,
    PRIMARY KEY (review_cycle_id, team_code)
);
COMMENT ON TABLE insight_team IS 'Released: a team with everything below in a cycle; NULL: suppressed. insight.attrition shows it.';

CREATE TABLE insight_step (
    review_cycle_id int NOT NULL REFERENCES review_cycle,
    step text NOT NULL,
    step_order int NOT NULL,
    cycle_name text NOT NULL,
    k int NOT NULL,
    step_name text NOT NULL,
    in_funnel boolean NOT NULL,
    in_loop boolean NOT NULL,
    tier text,
    tier_order int,
    of_step text,
    people int,
    of_people int,
    share numeric,
    median_days int,
    released_at timestamptz NOT NULL,
    PRIMARY KEY (review_cycle_id, step)
);
COMMENT ON TABLE insight_step IS 'Released: a step of the company in a cycle; NULL: suppressed. insight.attrition_loop and insight.pip_funnel show it.';

-- replace

GRANT SELECT, INSERT, UPDATE, DELETE ON insight_part, insight_cell, insight_team, insight_step TO perfmgmt_engine;
GRANT USAGE ON SCHEMA perf TO perfmgmt_analyst;
GRANT SELECT ON insight_team, insight_step TO perfmgmt_analyst, perfmgmt_hr;

-- Released cycles whose period is over. Of two that overlap only the first: the
-- difference of both would be a short period. Once what they were counted from
-- may be purged, the figures stay as they are.
CREATE OR REPLACE FUNCTION insight_cycles()
RETURNS TABLE (review_cycle_id int, cycle_name text, policy_id int, period_start date, period_end date, k int, months int)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
    SELECT c.review_cycle_id, c.cycle_name, c.policy_id, c.period_start, c.period_end, r.minimum_raters,
           (SELECT count(*)::int FROM month_ends(c.period_start, c.period_end))
    FROM review_cycle c JOIN anonymity_rule r USING (policy_id)
    WHERE c.released_at IS NOT NULL AND c.period_end < CURRENT_DATE
      AND c.period_start >= (SELECT coalesce(max(CURRENT_DATE - make_interval(months => x.months)), '-infinity')
                             FROM retention_rule x WHERE x.category IN ('ratings', 'separations'))
      AND NOT EXISTS (SELECT FROM review_cycle x
                      WHERE x.review_cycle_id < c.review_cycle_id AND x.released_at IS NOT NULL
                        AND daterange(x.period_start, x.period_end, '[]') && daterange(c.period_start, c.period_end, '[]'))
$$;
COMMENT ON FUNCTION insight_cycles() IS 'The cycles that insight covers, with k, the minimum_raters of their policy.';

-- The last final tier of people before a day.
CREATE OR REPLACE FUNCTION last_tier_order(about_id int, before date) RETURNS int
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
    SELECT t.tier_order FROM overall_value o
    JOIN review_cycle c USING (review_cycle_id)
    JOIN tier t ON t.policy_id = o.policy_id AND t.tier = o.final_tier
    WHERE o.employee_id = about_id AND c.period_end < before AND c.released_at IS NOT NULL
    ORDER BY c.period_end DESC LIMIT 1
$$;
COMMENT ON FUNCTION last_tier_order(int, date) IS 'LE 0 to TT 4 of the last released cycle that ended before a day; only privileged routines call it.';

-- What is counted in each team: own_people of the team alone, minimum the k of
-- the count (of month-end headcounts: k a month), own_base whether anybody works
-- in the team itself.
CREATE OR REPLACE FUNCTION insight_team_cells()
RETURNS TABLE (review_cycle_id int, measure text, cell text, parent_cell text, own_people int, own_base boolean, minimum int)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
    WITH cycle AS (
        SELECT * FROM insight_cycles()
    ), counted AS (
        SELECT c.review_cycle_id, 'headcount' AS measure, a.team_id
        FROM cycle c CROSS JOIN LATERAL month_ends(c.period_start, c.period_end) AS d(month_end)
        JOIN assignment a ON a.valid_during @> d.month_end
        UNION ALL
        SELECT c.review_cycle_id,
               CASE WHEN l.is_regretted THEN 'regretted' WHEN NOT l.is_regretted THEN 'unregretted' ELSE 'neither' END, l.team_id
        FROM cycle c CROSS JOIN LATERAL leavers(c.period_start, c.period_end) l
        UNION ALL
        SELECT c.review_cycle_id, 'le_leavers', l.team_id
        FROM cycle c CROSS JOIN LATERAL leavers(c.period_start, c.period_end) l
        WHERE last_tier_order(l.employee_id, l.left_on) = 0
        UNION ALL
        SELECT c.review_cycle_id, 'hires', place.team_id
        FROM cycle c JOIN employee e ON e.hired_on BETWEEN c.period_start AND c.period_end
        CROSS JOIN LATERAL (SELECT a.team_id FROM assignment a WHERE a.employee_id = e.employee_id
                            ORDER BY lower(a.valid_during) LIMIT 1) AS place
    ), own AS (
        SELECT n.review_cycle_id, n.measure, n.team_id, count(*)::int AS people FROM counted n GROUP BY 1, 2, 3
    ), worked AS (
        SELECT DISTINCT c.review_cycle_id, a.team_id
        FROM cycle c JOIN assignment a ON a.valid_during && daterange(c.period_start, c.period_end, '[]')
    )
    SELECT c.review_cycle_id, m.measure, t.team_code, above.team_code, coalesce(own.people, 0),
           w.team_id IS NOT NULL,
           c.k * CASE m.measure WHEN 'headcount' THEN greatest(c.months, 1) ELSE 1 END
    FROM cycle c
    CROSS JOIN unnest('{headcount,unregretted,regretted,neither,le_leavers,hires}'::text[]) AS m(measure)
    CROSS JOIN team t
    LEFT JOIN team above ON above.team_id = t.parent_team_id
    LEFT JOIN own ON own.review_cycle_id = c.review_cycle_id AND own.measure = m.measure AND own.team_id = t.team_id
    LEFT JOIN worked w ON w.review_cycle_id = c.review_cycle_id AND w.team_id = t.team_id
$$;
COMMENT ON FUNCTION insight_team_cells() IS 'Head counts, leavers and hires of each team alone in each cycle of insight; only refresh_insight() calls it.';

-- Cases that followed an LE: opened after its release and before the next one.
CREATE OR REPLACE FUNCTION insight_cases()
RETURNS TABLE (review_cycle_id int, employee_id int, pip_case_id int, stage text, closed_on date)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT le.review_cycle_id, c.employee_id, c.pip_case_id, c.stage, c.closed_on
    FROM pip_case c
    CROSS JOIN LATERAL (SELECT o.review_cycle_id, t.tier_order
                        FROM overall_value o JOIN review_cycle r USING (review_cycle_id)
                        JOIN tier t ON t.policy_id = o.policy_id AND t.tier = o.final_tier
                        WHERE o.employee_id = c.employee_id AND r.released_at::date <= c.opened_on
                        ORDER BY r.released_at DESC LIMIT 1) AS le
    WHERE le.tier_order = 0;
END
$$;
COMMENT ON FUNCTION insight_cases() IS 'The cases that followed an LE, with its cycle; only refresh_insight() calls it.';

-- The company's steps. A step's own people are those who did not come to the
-- step below it.
CREATE OR REPLACE FUNCTION insight_step_cells()
RETURNS TABLE (review_cycle_id int, measure text, cell text, parent_cell text, own_people int, own_base boolean, minimum int)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH cycle AS (
        SELECT * FROM insight_cycles()
    ), person AS (
        SELECT o.review_cycle_id, o.employee_id, t.tier_order = 0 AS is_le,
               -- focus 1, pivot offered 2, exit 3
               coalesce((SELECT max(CASE WHEN i.stage IN ('separated_tier1', 'separated_tier2', 'terminated') THEN 3
                                         WHEN EXISTS (SELECT FROM pip_event v WHERE v.employee_id = i.employee_id
                                                      AND v.pip_case_id = i.pip_case_id AND v.to_stage = 'pivot_offered') THEN 2
                                         WHEN EXISTS (SELECT FROM pip_event v WHERE v.employee_id = i.employee_id
                                                      AND v.pip_case_id = i.pip_case_id AND v.to_stage = 'focus') THEN 1
                                         ELSE 0 END)
                         FROM insight_cases() i
                         WHERE t.tier_order = 0 AND i.review_cycle_id = o.review_cycle_id AND i.employee_id = o.employee_id), 0) AS came_to
        FROM overall_value o JOIN cycle c USING (review_cycle_id)
        JOIN tier t ON t.policy_id = o.policy_id AND t.tier = o.final_tier
    ), outcome AS (
        SELECT i.review_cycle_id, m.measure, m.is_good
        FROM insight_cases() i
        CROSS JOIN LATERAL (
            SELECT 'plan' AS measure, v.event = 'pass' AS is_good FROM pip_event v
            WHERE v.employee_id = i.employee_id AND v.pip_case_id = i.pip_case_id AND v.event IN ('pass', 'fail')
            UNION ALL
            SELECT 'appeal', bool_or(a.outcome = 'upheld') FROM appeal a
            WHERE a.employee_id = i.employee_id AND a.pip_case_id = i.pip_case_id AND a.outcome IN ('upheld', 'denied')
            HAVING count(*) > 0
            UNION ALL
            SELECT 'milestone', bool_and(p.result = 'met') FROM pip_milestone p
            WHERE p.employee_id = i.employee_id AND p.pip_case_id = i.pip_case_id AND p.result <> 'open'
            HAVING count(*) > 0) AS m
    ), hire AS (
        SELECT c.review_cycle_id, c.policy_id, e.employee_id,
               (SELECT t.tier FROM overall_value o JOIN review_cycle r USING (review_cycle_id)
                JOIN tier t ON t.policy_id = o.policy_id AND t.tier = o.final_tier
                WHERE o.employee_id = e.employee_id AND r.released_at IS NOT NULL AND r.period_end >= e.hired_on
                ORDER BY r.period_end LIMIT 1) AS tier
        FROM cycle c JOIN employee e ON e.hired_on BETWEEN c.period_start AND c.period_end
    )
    -- tiers above LE are all there is above LE
    SELECT c.review_cycle_id, s.measure, s.cell, s.parent_cell, s.people::int, s.cell <> 'hired_above_le', c.k
    FROM cycle c
    CROSS JOIN LATERAL (
        SELECT 'path' AS measure, x.cell, x.parent_cell, count(p.employee_id) AS people
        FROM (VALUES ('rated', NULL, -1), ('le', 'rated', 0), ('focus', 'le', 1), ('pivot', 'focus', 2), ('exit', 'pivot', 3))
             AS x(cell, parent_cell, furthest)
        LEFT JOIN person p ON p.review_cycle_id = c.review_cycle_id
             AND x.furthest = CASE WHEN p.is_le THEN p.came_to ELSE -1 END
        GROUP BY x.cell, x.parent_cell
        UNION ALL
        SELECT m.measure, m.measure || m.suffix, CASE WHEN m.suffix <> '' THEN m.measure END,
               count(o.measure) FILTER (WHERE o.is_good = (m.suffix <> ''))
        FROM (SELECT b.measure, e.suffix FROM unnest('{plan,appeal,milestone}'::text[]) AS b(measure)
              CROSS JOIN (VALUES (''), ('_good')) AS e(suffix)) AS m
        LEFT JOIN outcome o ON o.review_cycle_id = c.review_cycle_id AND o.measure = m.measure
        GROUP BY m.measure, m.suffix
        UNION ALL
        SELECT 'hired', 'hired', NULL, (SELECT count(*) FROM hire h WHERE h.review_cycle_id = c.review_cycle_id AND h.tier IS NULL)
        UNION ALL
        SELECT 'hired', 'hired_above_le', 'hired', 0
        UNION ALL
        SELECT 'hired', 'hired_' || t.tier, CASE t.tier_order WHEN 0 THEN 'hired' ELSE 'hired_above_le' END,
               (SELECT count(*) FROM hire h WHERE h.review_cycle_id = c.review_cycle_id AND h.tier = t.tier)
        FROM tier t WHERE t.policy_id = c.policy_id) AS s;
END
$$;
COMMENT ON FUNCTION insight_step_cells() IS 'People at each step of the company in each cycle of insight, without those at the steps below; only refresh_insight() calls it.';

-- The part of each cell as published: the next shown cell at or above it.
CREATE OR REPLACE FUNCTION insight_placed()
RETURNS TABLE (review_cycle_id int, measure text, cell text, parent_cell text, own_people int, own_base boolean, minimum int,
               head text, above_head text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
    WITH RECURSIVE placed AS (
        SELECT c.*, p.cell AS head, NULL::text AS above_head
        FROM insight_cell c LEFT JOIN insight_part p
             ON p.review_cycle_id = c.review_cycle_id AND p.measure = c.measure AND p.cell = c.cell AND p.is_shown
        WHERE c.parent_cell IS NULL
        UNION ALL
        SELECT c.*, coalesce(p.cell, h.head), CASE WHEN p.cell IS NOT NULL THEN h.head ELSE h.above_head END
        FROM placed h
        JOIN insight_cell c ON c.review_cycle_id = h.review_cycle_id AND c.measure = h.measure AND c.parent_cell = h.cell
        LEFT JOIN insight_part p
             ON p.review_cycle_id = c.review_cycle_id AND p.measure = c.measure AND p.cell = c.cell AND p.is_shown
    )
    SELECT * FROM placed
$$;
COMMENT ON FUNCTION insight_placed() IS 'Each cell with the part that it lies in, and the part above that; only refresh_insight() calls it.';

-- Merging publishes less than before, so it gives nothing away. Each turn hides
-- a cell for good.
CREATE OR REPLACE FUNCTION merge_insight_parts() RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
    hidden record;
BEGIN
    LOOP
        WITH placed AS MATERIALIZED (
            SELECT * FROM insight_placed()
        ), small AS (
            SELECT p.review_cycle_id, p.measure, p.head, max(p.above_head) AS above_head
            FROM placed p
            JOIN insight_part o ON o.review_cycle_id = p.review_cycle_id AND o.measure = p.measure AND o.cell = p.head
            GROUP BY p.review_cycle_id, p.measure, p.head, o.people
            HAVING sum(p.own_people) < max(p.minimum) AND sum(p.own_people) <> o.people
        )
        -- with the smallest part below, else with the one above
        SELECT s.review_cycle_id, s.measure, coalesce(b.cell, s.head) AS cell,
               CASE WHEN b.cell IS NULL THEN s.above_head ELSE s.head END AS into_cell
        INTO hidden
        FROM small s
        LEFT JOIN LATERAL (SELECT o.cell FROM placed c JOIN insight_part o USING (review_cycle_id, measure, cell)
                           WHERE c.review_cycle_id = s.review_cycle_id AND c.measure = s.measure
                             AND c.head = c.cell AND c.above_head = s.head
                           ORDER BY o.people, o.cell LIMIT 1) AS b ON true
        WHERE b.cell IS NOT NULL OR s.above_head IS NOT NULL
        ORDER BY 1, 2, 3 LIMIT 1;
        EXIT WHEN NOT FOUND;
        UPDATE insight_part o SET people = o.people + h.people
        FROM insight_part h
        WHERE (o.review_cycle_id, o.measure, o.cell) = (hidden.review_cycle_id, hidden.measure, hidden.into_cell)
          AND (h.review_cycle_id, h.measure, h.cell) = (hidden.review_cycle_id, hidden.measure, hidden.cell);
        UPDATE insight_part o SET is_shown = false
        WHERE (o.review_cycle_id, o.measure, o.cell) = (hidden.review_cycle_id, hidden.measure, hidden.cell);
    END LOOP;
END
$$;
COMMENT ON FUNCTION merge_insight_parts() IS 'Merges parts that fell below k with their neighbour. Only refresh_insight() calls it.';

-- Which parts can be published now, from those published before.
CREATE OR REPLACE FUNCTION insight_parts()
RETURNS TABLE (review_cycle_id int, measure text, cell text, people int)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
    WITH RECURSIVE placed AS MATERIALIZED (
        SELECT * FROM insight_placed()
    ), movable AS (
        -- parts that moved by k, or not at all: they may be divided and published anew
        SELECT p.review_cycle_id, p.measure, p.head
        FROM placed p
        LEFT JOIN insight_part o ON o.review_cycle_id = p.review_cycle_id AND o.measure = p.measure AND o.cell = p.head
        GROUP BY p.review_cycle_id, p.measure, p.head, o.people
        HAVING p.head IS NULL OR sum(p.own_people) = o.people
            OR (abs(sum(p.own_people) - o.people) >= max(p.minimum) AND sum(p.own_people) >= max(p.minimum))
    ), open AS MATERIALIZED (
        SELECT p.* FROM placed p JOIN movable m
          ON m.review_cycle_id = p.review_cycle_id AND m.measure = p.measure AND m.head IS NOT DISTINCT FROM p.head
    ), includes AS (
        -- a cell and the cells below in the same part
        SELECT o.review_cycle_id, o.measure, o.cell AS above, o.parent_cell, o.own_people, o.head FROM open o
        UNION ALL
        SELECT i.review_cycle_id, i.measure, o.cell, o.parent_cell, i.own_people, i.head
        FROM includes i JOIN open o ON o.review_cycle_id = i.review_cycle_id AND o.measure = i.measure AND o.cell = i.parent_cell
          AND o.head IS NOT DISTINCT FROM i.head
    ), total AS (
        SELECT i.review_cycle_id, i.measure, i.above AS cell, sum(i.own_people) AS people
        FROM includes i GROUP BY i.review_cycle_id, i.measure, i.above
    ), sibling AS (
        -- the largest first, as long as k people remain in what is above them
        SELECT o.review_cycle_id, o.measure, o.cell, o.parent_cell, o.minimum, t.people,
               a.people AS above_people, b.own_base AS above_has_own,
               sum(t.people) OVER largest AS together, count(*) OVER everybody AS siblings,
               min(t.people) OVER everybody AS smallest
        FROM open o
        JOIN total t USING (review_cycle_id, measure, cell)
        LEFT JOIN open b ON b.review_cycle_id = o.review_cycle_id AND b.measure = o.measure AND b.cell = o.parent_cell
        LEFT JOIN total a ON a.review_cycle_id = o.review_cycle_id AND a.measure = o.measure AND a.cell = o.parent_cell
        WHERE o.cell IS DISTINCT FROM o.head
        WINDOW largest AS (PARTITION BY o.review_cycle_id, o.measure, o.parent_cell ORDER BY t.people DESC, o.cell),
               everybody AS (PARTITION BY o.review_cycle_id, o.measure, o.parent_cell)
    ), fit AS (
        SELECT s.review_cycle_id, s.measure, s.cell FROM sibling s
        WHERE s.people >= s.minimum
          -- what was merged once stays so
          AND NOT EXISTS (SELECT FROM insight_part h WHERE h.review_cycle_id = s.review_cycle_id AND h.measure = s.measure
                          AND h.cell = s.cell AND NOT h.is_shown)
          AND (s.parent_cell IS NULL
               OR s.above_people - s.together >= s.minimum
               -- nobody can be in what remains
               OR (NOT s.above_has_own AND s.smallest >= s.minimum))
    ), shown AS (
        SELECT o.review_cycle_id, o.measure, o.cell, o.own_people,
               CASE WHEN o.cell = o.head OR f.cell IS NOT NULL THEN o.cell END AS part
        FROM open o LEFT JOIN fit f USING (review_cycle_id, measure, cell)
        WHERE o.parent_cell IS NULL OR o.cell = o.head
        UNION ALL
        SELECT o.review_cycle_id, o.measure, o.cell, o.own_people,
               CASE WHEN f.cell IS NOT NULL AND s.part = s.cell THEN o.cell ELSE s.part END
        FROM shown s
        JOIN open o ON o.review_cycle_id = s.review_cycle_id AND o.measure = s.measure AND o.parent_cell = s.cell
          AND o.cell IS DISTINCT FROM o.head
        LEFT JOIN fit f ON f.review_cycle_id = o.review_cycle_id AND f.measure = o.measure AND f.cell = o.cell
    )
    SELECT s.review_cycle_id, s.measure, s.part, sum(s.own_people)::int
    FROM shown s WHERE s.part IS NOT NULL
    GROUP BY s.review_cycle_id, s.measure, s.part
$$;
COMMENT ON FUNCTION insight_parts() IS
'The parts that may be published now: each covers k people or more, and what was published before is divided or changed only where it moved by k or more, or not at all. Only refresh_insight() calls it.';

-- The published figure of a cell: the parts at and below it. NULL: suppressed.
CREATE OR REPLACE FUNCTION insight_figures()
RETURNS TABLE (review_cycle_id int, measure text, cell text, people int)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
    WITH RECURSIVE includes AS (
        SELECT c.review_cycle_id, c.measure, c.cell, c.parent_cell, p.people
        FROM insight_cell c JOIN insight_part p USING (review_cycle_id, measure, cell) WHERE p.is_shown
        UNION ALL
        SELECT c.review_cycle_id, c.measure, c.cell, c.parent_cell, i.people
        FROM includes i JOIN insight_cell c ON c.review_cycle_id = i.review_cycle_id AND c.measure = i.measure AND c.cell = i.parent_cell
    )
    SELECT i.review_cycle_id, i.measure, i.cell, sum(i.people)::int
    FROM includes i JOIN insight_part p USING (review_cycle_id, measure, cell)
    WHERE p.is_shown
    GROUP BY i.review_cycle_id, i.measure, i.cell
$$;
COMMENT ON FUNCTION insight_figures() IS 'The figure of each shown cell, the sum of the published parts at and below it; only refresh_insight() calls it.';

-- Days from coming to a step until it was left for the next or the end; a stay
-- that goes on is censored.
CREATE OR REPLACE FUNCTION insight_durations()
RETURNS TABLE (review_cycle_id int, step text, median_days int)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT d.review_cycle_id, d.step, kaplan_meier_median(d.days, d.is_over)::int
    FROM (SELECT i.review_cycle_id, s.step,
                 greatest(coalesce(CASE s.step WHEN 'focus' THEN p.occurred_on END, i.closed_on, CURRENT_DATE) - f.occurred_on, 0) AS days,
                 coalesce(CASE s.step WHEN 'focus' THEN p.occurred_on END, i.closed_on) IS NOT NULL AS is_over
          FROM insight_cases() i
          CROSS JOIN (VALUES ('focus', 'focus'), ('pivot', 'pivot_offered')) AS s(step, stage)
          CROSS JOIN LATERAL (SELECT min(v.occurred_on) AS occurred_on FROM pip_event v WHERE v.employee_id = i.employee_id
                              AND v.pip_case_id = i.pip_case_id AND v.to_stage = s.stage) AS f
          CROSS JOIN LATERAL (SELECT min(v.occurred_on) AS occurred_on FROM pip_event v WHERE v.employee_id = i.employee_id
                              AND v.pip_case_id = i.pip_case_id AND v.to_stage = 'pivot_offered') AS p
          WHERE f.occurred_on IS NOT NULL) AS d
    GROUP BY d.review_cycle_id, d.step;
END
$$;
COMMENT ON FUNCTION insight_durations() IS 'Median days in Focus and from the offer of Pivot to the end, by Kaplan-Meier; only refresh_insight() calls it.';

CREATE OR REPLACE FUNCTION refresh_insight_team(now_at timestamptz) RETURNS void
LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
    DELETE FROM insight_team t WHERE t.review_cycle_id IN (SELECT c.review_cycle_id FROM insight_cycles() c);
    WITH figure AS (
        SELECT * FROM insight_figures()
    )
    INSERT INTO insight_team
    SELECT c.review_cycle_id, t.team_code, above.team_code, c.cycle_name, c.period_start, c.period_end, c.k, c.months,
           max(f.people) FILTER (WHERE f.measure = 'headcount'), max(f.people) FILTER (WHERE f.measure = 'unregretted'),
           max(f.people) FILTER (WHERE f.measure = 'regretted'), max(f.people) FILTER (WHERE f.measure = 'neither'),
           max(f.people) FILTER (WHERE f.measure = 'le_leavers'), max(f.people) FILTER (WHERE f.measure = 'hires'),
           CASE WHEN above.team_id IS NULL AND (SELECT count(*) FROM team x WHERE x.parent_team_id IS NULL) = 1
                THEN (SELECT h.people FROM figure h WHERE h.review_cycle_id = c.review_cycle_id AND h.cell = 'hired_above_le' AND h.measure = 'hired') END,
           unregretted_target(t.team_id), now_at
    FROM insight_cycles() c CROSS JOIN team t
    LEFT JOIN team above ON above.team_id = t.parent_team_id
    LEFT JOIN figure f ON f.review_cycle_id = c.review_cycle_id AND f.cell = t.team_code
          AND f.measure IN ('headcount', 'unregretted', 'regretted', 'neither', 'le_leavers', 'hires')
    GROUP BY c.review_cycle_id, c.cycle_name, c.period_start, c.period_end, c.k, c.months, t.team_id, t.team_code, above.team_id, above.team_code
$$;
COMMENT ON FUNCTION refresh_insight_team(timestamptz) IS 'Writes insight_team from the published parts; only refresh_insight() calls it.';

CREATE OR REPLACE FUNCTION refresh_insight_step(now_at timestamptz) RETURNS void
LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
    WITH figure AS (
        SELECT * FROM insight_figures()
    ), step AS (
        SELECT c.review_cycle_id, c.cycle_name, c.k, s.*, NULL::text AS tier, NULL::int AS tier_order
        FROM insight_cycles() c
        CROSS JOIN (VALUES
            ('target', 1, 'target of unregretted attrition a year', false, true, NULL, NULL),
            ('rated', 2, 'rated', false, true, 'path', NULL),
            ('le', 3, 'rated LE', true, true, 'path', 'rated'),
            ('focus', 4, 'came to Focus', true, true, 'path', 'le'),
            ('pivot', 5, 'were offered Pivot', true, true, 'path', 'focus'),
            ('exit', 6, 'left by Pivot', true, true, 'path', 'pivot'),
            ('plan', 7, 'had a plan that ended', true, false, 'plan', NULL),
            ('plan_good', 8, 'passed the plan', true, false, 'plan', 'plan'),
            ('milestone', 9, 'had milestones decided', true, false, 'milestone', NULL),
            ('milestone_good', 10, 'met all of them', true, false, 'milestone', 'milestone'),
            ('appeal', 11, 'appealed, and a panel decided', true, false, 'appeal', NULL),
            ('appeal_good', 12, 'were upheld', true, false, 'appeal', 'appeal'),
            ('hired', 13, 'hired in the period', false, true, 'hired', NULL)
        ) AS s(step, step_order, step_name, in_funnel, in_loop, measure, of_step)
        UNION ALL
        SELECT c.review_cycle_id, c.cycle_name, c.k, 'hired_' || t.tier, 14 + t.tier_order, 'hired, and rated ' || t.tier || ' next',
               false, true, 'hired', 'hired', t.tier, t.tier_order
        FROM insight_cycles() c JOIN tier t USING (policy_id)
    ), fresh AS (
        SELECT s.review_cycle_id, s.step, s.step_order, s.cycle_name, s.k, s.step_name, s.in_funnel, s.in_loop, s.tier, s.tier_order,
               s.of_step, f.people, o.people AS of_people,
               CASE s.step WHEN 'target' THEN (SELECT CASE WHEN count(*) = 1 THEN unregretted_target(min(t.team_id)) END
                                               FROM team t WHERE t.parent_team_id IS NULL)
                           ELSE round(f.people::numeric / nullif(o.people, 0), 4) END AS share,
               CASE WHEN f.people IS NOT NULL THEN d.median_days END AS median_days
        FROM step s
        LEFT JOIN figure f ON f.review_cycle_id = s.review_cycle_id AND f.measure = s.measure AND f.cell = s.step
        LEFT JOIN figure o ON o.review_cycle_id = s.review_cycle_id AND o.measure = s.measure AND o.cell = s.of_step
        LEFT JOIN insight_durations() d ON d.review_cycle_id = s.review_cycle_id AND d.step = s.step
    )
    INSERT INTO insight_step AS old
    SELECT f.review_cycle_id, f.step, f.step_order, f.cycle_name, f.k, f.step_name, f.in_funnel, f.in_loop, f.tier, f.tier_order,
           f.of_step, f.people, f.of_people, f.share, f.median_days, now_at
    FROM fresh f
    ON CONFLICT (review_cycle_id, step) DO UPDATE
    SET people = excluded.people, of_people = excluded.of_people, share = excluded.share, released_at = excluded.released_at,
        -- as still as the people it is of
        median_days = CASE WHEN old.people = excluded.people THEN old.median_days ELSE excluded.median_days END
$$;
COMMENT ON FUNCTION refresh_insight_step(timestamptz) IS 'Writes insight_step from the published parts; only refresh_insight() calls it.';

CREATE OR REPLACE FUNCTION refresh_insight() RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path FROM CURRENT
SET jit = off
AS $$
DECLARE
    changed int;
BEGIN
    PERFORM require_appointment('hr', true);
    LOCK TABLE insight_part IN SHARE ROW EXCLUSIVE MODE;
    DELETE FROM insight_cell;
    INSERT INTO insight_cell SELECT * FROM insight_team_cells() UNION ALL SELECT * FROM insight_step_cells();
    PERFORM merge_insight_parts();
    INSERT INTO insight_part AS old (review_cycle_id, measure, cell, people, released_at)
    SELECT p.review_cycle_id, p.measure, p.cell, p.people, now() FROM insight_parts() p
    ON CONFLICT (review_cycle_id, measure, cell) DO UPDATE SET people = excluded.people, released_at = excluded.released_at
    WHERE old.people <> excluded.people;
    GET DIAGNOSTICS changed = ROW_COUNT;
    PERFORM refresh_insight_team(now()), refresh_insight_step(now());
    DELETE FROM insight_cell;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION refresh_insight() IS
'Counts the figures of insight anew and releases what may be released; returns how many parts are new or changed. For a daily or monthly job. HR or the owner of the records.';
GRANT EXECUTE ON FUNCTION refresh_insight() TO perfmgmt_hr;

-- Views --------------------------------------------------------------------

CREATE OR REPLACE VIEW insight.attrition WITH (security_invoker = true) AS
SELECT t.review_cycle_id, t.cycle_name, t.period_start, t.period_end, t.team_code, t.parent_team_code, t.k,
       round(t.headcount_sum::numeric / nullif(t.months, 0), 2) AS mean_headcount,
       t.unregretted, annual_rate(t.unregretted, t.headcount_sum) AS unregretted_rate, t.target_share,
       t.regretted, annual_rate(t.regretted, t.headcount_sum) AS regretted_rate,
       t.neither, t.le_leavers, t.hires, t.hires_above_le,
       t.released_at::date AS released_on, t.released_at
FROM insight_team t;
COMMENT ON VIEW insight.attrition IS 'Attrition of a team with everything below, in a cycle: unregretted beside regretted, and who came. NULL: suppressed, or there is none.';
COMMENT ON COLUMN insight.attrition.review_cycle_id IS 'The cycle.';
COMMENT ON COLUMN insight.attrition.cycle_name IS 'Name of the cycle.';
COMMENT ON COLUMN insight.attrition.period_start IS 'First day of the period.';
COMMENT ON COLUMN insight.attrition.period_end IS 'Last day of the period.';
COMMENT ON COLUMN insight.attrition.team_code IS 'The team, with everything below.';
COMMENT ON COLUMN insight.attrition.parent_team_code IS 'The team above; its figures include these.';
COMMENT ON COLUMN insight.attrition.k IS 'No figure covers fewer people.';
COMMENT ON COLUMN insight.attrition.mean_headcount IS 'Mean of the month-end headcounts.';
COMMENT ON COLUMN insight.attrition.unregretted IS 'People who left unregretted.';
COMMENT ON COLUMN insight.attrition.unregretted_rate IS 'Unregretted / mean headcount, a year, 0..1.';
COMMENT ON COLUMN insight.attrition.target_share IS 'Target of unregretted attrition a year, 0..1.';
COMMENT ON COLUMN insight.attrition.regretted IS 'People who left regretted.';
COMMENT ON COLUMN insight.attrition.regretted_rate IS 'Regretted / mean headcount, a year, 0..1.';
COMMENT ON COLUMN insight.attrition.neither IS 'People who left in a way that counts as neither, or that nobody recorded.';
COMMENT ON COLUMN insight.attrition.le_leavers IS 'Of all leavers, those whose last final tier was LE.';
COMMENT ON COLUMN insight.attrition.hires IS 'People hired in the period.';
COMMENT ON COLUMN insight.attrition.hires_above_le IS 'Of them, those whose first final tier was above LE; for the whole company alone.';
COMMENT ON COLUMN insight.attrition.released_on IS 'Day of the last refresh.';
COMMENT ON COLUMN insight.attrition.released_at IS 'Time of the last refresh.';

CREATE OR REPLACE VIEW insight.attrition_loop WITH (security_invoker = true) AS
SELECT s.review_cycle_id, s.cycle_name, s.step_order, s.step, s.step_name, s.tier, s.tier_order, s.k,
       s.people, s.of_step, s.of_people, s.share, s.released_at::date AS released_on, s.released_at
FROM insight_step s WHERE s.in_loop;
COMMENT ON VIEW insight.attrition_loop IS 'The company in a cycle, step by step: target, LE, Focus, Pivot, exits, hires, and the next tier of the hires. NULL: suppressed.';
COMMENT ON COLUMN insight.attrition_loop.review_cycle_id IS 'The cycle.';
COMMENT ON COLUMN insight.attrition_loop.cycle_name IS 'Name of the cycle.';
COMMENT ON COLUMN insight.attrition_loop.step_order IS 'Order of the steps.';
COMMENT ON COLUMN insight.attrition_loop.step IS 'Code of the step.';
COMMENT ON COLUMN insight.attrition_loop.step_name IS 'The step in words.';
COMMENT ON COLUMN insight.attrition_loop.tier IS 'Tier, of the steps that have one.';
COMMENT ON COLUMN insight.attrition_loop.tier_order IS 'LE 0 to TT 4.';
COMMENT ON COLUMN insight.attrition_loop.k IS 'No figure covers fewer people.';
COMMENT ON COLUMN insight.attrition_loop.people IS 'People at the step.';
COMMENT ON COLUMN insight.attrition_loop.of_step IS 'The step that the share is of.';
COMMENT ON COLUMN insight.attrition_loop.of_people IS 'People at that step.';
COMMENT ON COLUMN insight.attrition_loop.share IS 'people / of_people, 0..1; of the step target, the target.';
COMMENT ON COLUMN insight.attrition_loop.released_on IS 'Day of the last refresh.';
COMMENT ON COLUMN insight.attrition_loop.released_at IS 'Time of the last refresh.';

CREATE OR REPLACE VIEW insight.pip_funnel WITH (security_invoker = true) AS
SELECT s.review_cycle_id, s.cycle_name, s.step_order, s.step, s.step_name, s.k,
       s.people, s.of_step, s.of_people, s.share, s.median_days, s.released_at::date AS released_on, s.released_at
FROM insight_step s WHERE s.in_funnel;
COMMENT ON VIEW insight.pip_funnel IS 'What followed an LE of a cycle in the company: shares, durations, plans passed, milestones met, appeals upheld. NULL: suppressed.';
COMMENT ON COLUMN insight.pip_funnel.review_cycle_id IS 'The cycle of the LE.';
COMMENT ON COLUMN insight.pip_funnel.cycle_name IS 'Name of the cycle.';
COMMENT ON COLUMN insight.pip_funnel.step_order IS 'Order of the steps.';
COMMENT ON COLUMN insight.pip_funnel.step IS 'Code of the step.';
COMMENT ON COLUMN insight.pip_funnel.step_name IS 'The step in words.';
COMMENT ON COLUMN insight.pip_funnel.k IS 'No figure covers fewer people.';
COMMENT ON COLUMN insight.pip_funnel.people IS 'People who came to the step.';
COMMENT ON COLUMN insight.pip_funnel.of_step IS 'The step that the share is of.';
COMMENT ON COLUMN insight.pip_funnel.of_people IS 'People who came to that step.';
COMMENT ON COLUMN insight.pip_funnel.share IS 'people / of_people, 0..1.';
COMMENT ON COLUMN insight.pip_funnel.median_days IS 'Median days at the step, in Focus until Pivot or the end, in Pivot until the end; who is still there is censored (Kaplan-Meier). NULL also while more than half may still stay longer.';
COMMENT ON COLUMN insight.pip_funnel.released_on IS 'Day of the last refresh.';
COMMENT ON COLUMN insight.pip_funnel.released_at IS 'Time of the last refresh.';

GRANT EXECUTE ON FUNCTION annual_rate(int, int) TO perfmgmt_analyst, perfmgmt_hr;
GRANT SELECT ON insight.attrition, insight.attrition_loop, insight.pip_funnel TO perfmgmt_analyst, perfmgmt_hr;
