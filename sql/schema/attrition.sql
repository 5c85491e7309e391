-- attrition: who left and how, the rate, its target, the forecast. Figures of
-- teams and stages; nothing here maps a figure to names.

-- step 1

CREATE TABLE separation_kind (
    separation_kind text PRIMARY KEY,
    is_voluntary boolean NOT NULL,
    is_regretted boolean,
    description text NOT NULL
);
COMMENT ON TABLE separation_kind IS 'Ways to leave, with what they count as unless HR says otherwise.';
COMMENT ON COLUMN separation_kind.is_regretted IS 'NULL: neither regretted nor unregretted, such as a death.';
INSERT INTO separation_kind VALUES
    ('resignation', true, true, 'resigned outside of a case'),
    ('resignation_in_case', true, false, 'resigned from an open case of Focus or Pivot'),
    ('severance', false, false, 'left with an offer of Pivot'),
    ('termination', false, false, 'dismissed at the end of Pivot'),
    ('cause', false, false, 'dismissed for cause'),
    ('redundancy', false, NULL, 'the place went away'),
    ('entity_transfer', false, NULL, 'went to another company with the unit'),
    ('death', false, NULL, 'died'),
    ('other', false, NULL, 'not said yet');

CREATE TABLE stage_separation (
    last_stage text PRIMARY KEY,
    separation_kind text NOT NULL REFERENCES separation_kind
);
CREATE INDEX ON stage_separation (separation_kind);
COMMENT ON TABLE stage_separation IS 'The stages of Focus and Pivot that end an employment, and the way of leaving each stands for.';
INSERT INTO stage_separation VALUES
    ('separated_tier1', 'severance'), ('separated_tier2', 'severance'), ('terminated', 'termination'),
    ('closed_resigned', 'resignation_in_case'), ('closed_separated', 'other');

CREATE TABLE separation (
    employee_id int NOT NULL REFERENCES employee,
    left_on date NOT NULL,
    separation_kind text NOT NULL REFERENCES separation_kind,
    last_stage text REFERENCES stage_separation,
    is_voluntary boolean NOT NULL,
    is_regretted boolean,
    change_reason text CHECK (btrim(change_reason) <> ''),
    recorded_at timestamptz NOT NULL DEFAULT now(),
    manager_chain int[] NOT NULL,
    PRIMARY KEY (employee_id, left_on)
);
CREATE INDEX ON separation (left_on);
CREATE INDEX ON separation (separation_kind);
CREATE INDEX ON separation (last_stage);
CREATE INDEX ON separation USING gin (manager_chain chain_ops);
COMMENT ON TABLE separation IS 'How a person left. Somebody who left without a row counts as neither regretted nor unregretted.';
COMMENT ON COLUMN separation.left_on IS 'First day no longer employed.';
COMMENT ON COLUMN separation.last_stage IS 'Where the case of Focus or Pivot ended; NULL outside of one.';
COMMENT ON COLUMN separation.is_regretted IS 'NULL: neither.';
COMMENT ON COLUMN separation.change_reason IS 'Why it counts otherwise than its kind does; NULL while it does not.';

CREATE TABLE attrition_period (
    period_end date PRIMARY KEY,
    closed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE attrition_period IS 'Periods that HR closed: how people count who left on or before period_end is fixed.';
COMMENT ON COLUMN attrition_period.period_end IS 'Last day of the period, which began after that of the row before.';

CREATE TABLE unregretted_attrition_target (
    team_id int PRIMARY KEY REFERENCES team,
    target_share numeric(5,4) NOT NULL CHECK (target_share BETWEEN 0 AND 1),
    reason text NOT NULL CHECK (btrim(reason) <> '')
);
COMMENT ON TABLE unregretted_attrition_target IS 'Targets of unregretted attrition a year that differ from 6 %, for a team and everything below without an own one. Shown beside the rate; nothing is computed from it.';
COMMENT ON COLUMN unregretted_attrition_target.target_share IS '0.0600 is 6 % a year.';

ALTER TABLE separation ENABLE ROW LEVEL SECURITY;
ALTER TABLE separation FORCE ROW LEVEL SECURITY;
CREATE POLICY engine ON separation TO perfmgmt_engine USING (true) WITH CHECK (true);
CREATE POLICY leader ON separation FOR SELECT TO perfmgmt_leader USING (manager_chain @> ARRAY[actor_id()]);
CREATE POLICY hr ON separation FOR SELECT TO perfmgmt_hr USING (has_appointment('hr'));
CREATE POLICY not_oneself ON separation AS RESTRICTIVE TO perfmgmt_leader, perfmgmt_hr USING (employee_id <> actor_id());

-- replace

GRANT SELECT, INSERT, UPDATE, DELETE ON separation TO perfmgmt_engine;
GRANT SELECT, INSERT ON attrition_period TO perfmgmt_engine;
GRANT SELECT, INSERT, UPDATE, DELETE ON unregretted_attrition_target TO perfmgmt_engine;
GRANT SELECT ON separation_kind, stage_separation TO perfmgmt_engine, perfmgmt_leader, perfmgmt_hr;
GRANT SELECT ON separation TO perfmgmt_leader, perfmgmt_hr;
GRANT SELECT ON attrition_period, unregretted_attrition_target TO perfmgmt_hr;

-- Leaving ------------------------------------------------------------------

CREATE OR REPLACE FUNCTION end_employment(left_id int, on_date date) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
BEGIN
    UPDATE employee e SET left_on = on_date
    WHERE e.employee_id = left_id AND (e.left_on IS NULL OR e.left_on >= on_date);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'employee % is not employed', left_id USING ERRCODE = 'PM004',
            DETAIL = 'The person is not known, or left before.',
            HINT = 'import_org() corrects a day in the past.';
    END IF;
    -- who gave notice may leave earlier, or in another way
    DELETE FROM separation s WHERE s.employee_id = left_id AND s.left_on > on_date AND s.left_on > CURRENT_DATE;
    DELETE FROM assignment a WHERE a.employee_id = left_id AND lower(a.valid_during) >= on_date;
    UPDATE assignment a SET valid_during = daterange(lower(a.valid_during), on_date)
    WHERE a.employee_id = left_id AND a.valid_during @> on_date;
END
$$;
COMMENT ON FUNCTION end_employment(int, date) IS 'Sets employee.left_on and ends the assignment on that day, as an import does; only what records a separation calls it. Error PM004: not employed.';

CREATE OR REPLACE FUNCTION write_separation(left_id int, on_date date, kind text, stage text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM end_employment(left_id, on_date);
    INSERT INTO separation (employee_id, left_on, separation_kind, last_stage, is_voluntary, is_regretted, manager_chain)
    SELECT left_id, on_date, k.separation_kind, stage, k.is_voluntary, k.is_regretted, e.manager_chain
    FROM separation_kind k CROSS JOIN employee e
    WHERE k.separation_kind = kind AND e.employee_id = left_id;
END
$$;
COMMENT ON FUNCTION write_separation(int, date, text, text) IS 'The row, with what its kind counts as; record_separation() and record_leaving() call it.';

CREATE OR REPLACE FUNCTION record_separation(left_id int, last_stage text, left_on date) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
    kind text := (SELECT s.separation_kind FROM stage_separation s WHERE s.last_stage = record_separation.last_stage);
    -- an import may know of it before the case does
    on_date date := least(left_on, (SELECT e.left_on FROM employee e WHERE e.employee_id = left_id));
BEGIN
    IF kind IS NULL THEN
        RAISE EXCEPTION 'stage "%" ends no employment', last_stage USING ERRCODE = '22023',
            HINT = (SELECT 'One of: ' || string_agg(s.last_stage, ', ' ORDER BY s.last_stage) FROM stage_separation s);
    END IF;
    PERFORM write_separation(left_id, on_date, kind, last_stage);
END
$$;
COMMENT ON FUNCTION record_separation(int, text, date) IS
'Writes that a case of Focus or Pivot ended an employment, on its first day no longer employed, or the day before it that an import gave; the events of the case call it. Errors: 22023 a stage that ends none; PM004 not known.';

CREATE OR REPLACE FUNCTION has_open_case(about_id int) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM pip_case c WHERE c.employee_id = about_id AND c.closed_on IS NULL);
END
$$;
COMMENT ON FUNCTION has_open_case(int) IS 'Whether a case of Focus or Pivot is open about a person; only privileged routines call it.';

CREATE OR REPLACE FUNCTION record_leaving(left_id int, kind text, left_on date DEFAULT CURRENT_DATE) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
DECLARE
    in_case boolean;
BEGIN
    PERFORM require_appointment('hr');
    PERFORM require_other_person(left_id), require_not_below(left_id);
    IF NOT EXISTS (SELECT FROM separation_kind k WHERE k.separation_kind = kind
                   AND k.separation_kind NOT IN ('resignation_in_case', 'severance', 'termination')) THEN
        RAISE EXCEPTION 'nobody leaves outside of a case by "%"', kind USING ERRCODE = '22023',
            HINT = (SELECT 'One of: ' || string_agg(k.separation_kind, ', ' ORDER BY k.separation_kind) FROM separation_kind k
                    WHERE k.separation_kind NOT IN ('resignation_in_case', 'severance', 'termination'));
    END IF;
    IF has_open_case(left_id) THEN
        RAISE EXCEPTION 'a case about employee % is open', left_id USING ERRCODE = 'PM004',
            HINT = 'Its event separate_other records the leaving; after its event resign this function does.';
    END IF;
    -- the last case ended with a resignation, of which this is the last day
    in_case := kind = 'resignation' AND EXISTS (
        SELECT FROM pip_case c
        WHERE c.employee_id = left_id AND c.stage = 'closed_resigned'
          AND NOT EXISTS (SELECT FROM pip_case n WHERE n.employee_id = left_id AND n.pip_case_id > c.pip_case_id)
          AND NOT EXISTS (SELECT FROM separation s WHERE s.employee_id = left_id AND s.left_on BETWEEN c.closed_on AND CURRENT_DATE));
    PERFORM write_separation(left_id, left_on, CASE WHEN in_case THEN 'resignation_in_case' ELSE kind END, CASE WHEN in_case THEN 'closed_resigned' END);
END
$$;
COMMENT ON FUNCTION record_leaving(int, text, date) IS
'Records that somebody leaves outside of a case, or resigned from one: kind of separation_kind, first day no longer employed. Ends the assignment. HR, about others. Errors: 22023 kind; PM004 a case is open, or not employed; PM005 about oneself or somebody above.';

CREATE OR REPLACE FUNCTION classify_separation(left_id int, left_on date, is_regretted boolean, is_voluntary boolean, reason text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM require_appointment('hr');
    PERFORM require_other_person(left_id), require_not_below(left_id);
    IF btrim(coalesce(reason, '')) = '' OR classify_separation.is_voluntary IS NULL THEN
        RAISE EXCEPTION 'a separation counts otherwise only with a reason' USING ERRCODE = '22004',
            DETAIL = 'Whether it was voluntary and the reason must be given.';
    END IF;
    IF EXISTS (SELECT FROM attrition_period p WHERE p.period_end >= classify_separation.left_on) THEN
        RAISE EXCEPTION 'the period is closed' USING ERRCODE = 'PM004',
            DETAIL = format('It ended on %s.', (SELECT min(p.period_end) FROM attrition_period p
                                                WHERE p.period_end >= classify_separation.left_on));
    END IF;
    UPDATE separation s
    SET is_regretted = classify_separation.is_regretted, is_voluntary = classify_separation.is_voluntary,
        change_reason = classify_separation.reason
    WHERE s.employee_id = left_id AND s.left_on = classify_separation.left_on;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'employee % has no separation of %', left_id, left_on USING ERRCODE = 'PM004';
    END IF;
END
$$;
COMMENT ON FUNCTION classify_separation(int, date, boolean, boolean, text) IS
'Lets a separation count as regretted (NULL: neither) and voluntary otherwise than its kind does, with a reason, until the period closes. HR, about others. Errors: 22004 no reason; PM004 closed or not there; PM005 about oneself or somebody above.';

CREATE OR REPLACE FUNCTION close_attrition_period(period_end date) RETURNS int
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
DECLARE
    last_end date := (SELECT max(p.period_end) FROM attrition_period p);
BEGIN
    PERFORM require_appointment('hr');
    IF close_attrition_period.period_end >= CURRENT_DATE OR close_attrition_period.period_end <= last_end THEN
        RAISE EXCEPTION 'the period cannot be closed' USING ERRCODE = 'PM004',
            DETAIL = 'A period is over when it closes, and ends after the one before.';
    END IF;
    INSERT INTO attrition_period VALUES (close_attrition_period.period_end);
    RETURN (SELECT count(*) FROM separation s
            WHERE s.left_on <= close_attrition_period.period_end AND (last_end IS NULL OR s.left_on > last_end));
END
$$;
COMMENT ON FUNCTION close_attrition_period(date) IS
'Fixes how everybody counts who left on or before a day of the past; returns how many since the period before. HR. Error PM004: not over, or not after the last one.';

GRANT EXECUTE ON FUNCTION record_leaving(int, text, date), classify_separation(int, date, boolean, boolean, text),
    close_attrition_period(date) TO perfmgmt_hr;

-- The target ---------------------------------------------------------------

CREATE OR REPLACE FUNCTION set_unregretted_target(of_team_id int, share numeric, reason text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM require_appointment('hr');
    IF of_team_id IS NULL OR btrim(coalesce(set_unregretted_target.reason, '')) = '' THEN
        RAISE EXCEPTION 'a target needs a team and a reason' USING ERRCODE = '22004';
    END IF;
    DELETE FROM unregretted_attrition_target t WHERE t.team_id = of_team_id;
    INSERT INTO unregretted_attrition_target
    SELECT of_team_id, share, set_unregretted_target.reason WHERE share IS NOT NULL;
END
$$;
COMMENT ON FUNCTION set_unregretted_target(int, numeric, text) IS
'Sets the target of unregretted attrition a year of a team and what is below, 0.06 being 6 %; NULL takes an own target away. HR. Errors: 22004 no team or reason; 23514 not 0..1.';
GRANT EXECUTE ON FUNCTION set_unregretted_target(int, numeric, text) TO perfmgmt_hr;

CREATE OR REPLACE FUNCTION unregretted_target(of_team_id int) RETURNS numeric
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
    WITH RECURSIVE above AS (
        SELECT t.team_id, t.parent_team_id, 0 AS distance FROM team t WHERE t.team_id = of_team_id
        UNION ALL
        SELECT t.team_id, t.parent_team_id, a.distance + 1 FROM above a JOIN team t ON t.team_id = a.parent_team_id
    )
    SELECT coalesce((SELECT g.target_share FROM above a JOIN unregretted_attrition_target g USING (team_id)
                     ORDER BY a.distance LIMIT 1), 0.0600)
$$;
COMMENT ON FUNCTION unregretted_target(int) IS 'The target that holds for a team: the own one, else that of the next team above, else 0.0600, 6 % a year. A figure to show beside the rate.';

-- The rate -----------------------------------------------------------------

CREATE OR REPLACE FUNCTION month_ends(from_date date, to_date date) RETURNS SETOF date
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 12
SET search_path FROM CURRENT
AS $$
    SELECT (m + interval '1 month' - interval '1 day')::date
    FROM generate_series(date_trunc('month', from_date::timestamp), to_date::timestamp, interval '1 month') m
    WHERE (m + interval '1 month' - interval '1 day')::date BETWEEN from_date AND to_date
$$;
COMMENT ON FUNCTION month_ends(date, date) IS 'The last days of months between two days, both included.';

CREATE OR REPLACE FUNCTION team_below(top_team_id int) RETURNS SETOF int
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
    WITH RECURSIVE below AS (
        SELECT t.team_id FROM team t WHERE t.team_id = top_team_id
        UNION ALL
        SELECT t.team_id FROM below b JOIN team t ON t.parent_team_id = b.team_id
    )
    SELECT b.team_id FROM below b
$$;
COMMENT ON FUNCTION team_below(int) IS 'A team and every team below.';

-- the team is that of the last assignment before the day
CREATE OR REPLACE FUNCTION leavers(from_date date, to_date date)
RETURNS TABLE (employee_id int, left_on date, team_id int, is_regretted boolean)
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
    SELECT l.employee_id, l.left_on, place.team_id, s.is_regretted
    FROM (SELECT s.employee_id, s.left_on FROM separation s WHERE s.left_on BETWEEN from_date AND to_date
          UNION
          SELECT e.employee_id, e.left_on FROM employee e WHERE e.left_on BETWEEN from_date AND to_date) AS l
    LEFT JOIN separation s ON s.employee_id = l.employee_id AND s.left_on = l.left_on
    CROSS JOIN LATERAL (SELECT a.team_id FROM assignment a
                        WHERE a.employee_id = l.employee_id AND lower(a.valid_during) < l.left_on
                        ORDER BY lower(a.valid_during) DESC LIMIT 1) AS place
$$;
COMMENT ON FUNCTION leavers(date, date) IS 'Who left between two days, both included, from which team, and how it counts; without a separation as neither. Only privileged routines call it.';

CREATE OR REPLACE FUNCTION attrition_rate(from_date date, to_date date, in_team_id int DEFAULT NULL,
    OUT months int, OUT headcount_sum int, OUT mean_headcount numeric,
    OUT unregretted int, OUT regretted int, OUT neither int,
    OUT unregretted_rate numeric, OUT regretted_rate numeric, OUT target_share numeric)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
DECLARE
    of_teams int[] := ARRAY(SELECT b FROM team_below(in_team_id) b);
BEGIN
    PERFORM require_appointment('hr', true);
    SELECT count(DISTINCT d.month_end), count(a.employee_id) INTO months, headcount_sum
    FROM month_ends(from_date, to_date) AS d(month_end)
    LEFT JOIN assignment a ON a.valid_during @> d.month_end AND (in_team_id IS NULL OR a.team_id = ANY (of_teams));
    mean_headcount := round(headcount_sum::numeric / nullif(months, 0), 2);
    SELECT count(*) FILTER (WHERE NOT l.is_regretted), count(*) FILTER (WHERE l.is_regretted),
           count(*) FILTER (WHERE l.is_regretted IS NULL)
    INTO unregretted, regretted, neither
    FROM leavers(from_date, to_date) l WHERE in_team_id IS NULL OR l.team_id = ANY (of_teams);
    unregretted_rate := annual_rate(unregretted, headcount_sum);
    regretted_rate := annual_rate(regretted, headcount_sum);
    target_share := unregretted_target(in_team_id);
END
$$;
COMMENT ON FUNCTION attrition_rate(date, date, int) IS
'Attrition between two days, both included, of the company or of a team with what is below: leavers / mean of the month-end headcounts, a year. n: the counts and headcounts themselves; NULL rates without a month end. HR or the owner of the records.';
GRANT EXECUTE ON FUNCTION attrition_rate(date, date, int) TO perfmgmt_hr;

CREATE OR REPLACE FUNCTION annual_rate(people int, headcount_sum int) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN round(12 * people::numeric / nullif(headcount_sum, 0), 4);
COMMENT ON FUNCTION annual_rate(int, int) IS
'People who left / mean of the month-end headcounts x 12 / months = 12 x people / sum of the headcounts, to four places, 0.0600 being 6 % a year; NULL without headcounts.';

-- The forecast ---------------------------------------------------------------
-- of what the reader may see: nobody learns of a case about oneself from a count

CREATE OR REPLACE FUNCTION attrition_forecast(as_of date DEFAULT CURRENT_DATE)
RETURNS TABLE (stage text, stage_order int, open_cases int, completed_cases int, completion_share numeric, expected_exits numeric)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH passed AS (
        -- a case counts once in each stage it came to
        SELECT v.to_stage AS stage, c.pip_case_id,
               bool_or(c.stage IN ('separated_tier1', 'separated_tier2', 'terminated')) AS is_exit
        FROM pip_event v JOIN pip_case c USING (employee_id, pip_case_id)
        WHERE c.closed_on <= as_of AND v.occurred_on > as_of - interval '3 years'
        GROUP BY v.to_stage, c.pip_case_id
    ), share AS (
        SELECT p.stage, count(*)::int AS n, count(*) FILTER (WHERE p.is_exit)::int AS exits FROM passed p GROUP BY p.stage
    ), present AS (
        SELECT c.stage, count(*)::int AS n FROM pip_case c WHERE c.closed_on IS NULL GROUP BY c.stage
    )
    SELECT s.stage, s.stage_order, coalesce(o.n, 0), coalesce(h.n, 0),
           CASE WHEN h.n >= 20 THEN round(h.exits::numeric / h.n, 4) END,
           CASE WHEN h.n >= 20 THEN round(coalesce(o.n, 0) * h.exits::numeric / h.n, 2) END
    FROM pip_stage s LEFT JOIN present o USING (stage) LEFT JOIN share h USING (stage)
    WHERE s.is_open
    ORDER BY s.stage_order;
END
$$;
COMMENT ON FUNCTION attrition_forecast(date) IS
'Open cases per stage x the share of the cases that came to that stage in three years and ended in a separation; NULL when fewer than 20 of them are closed. Counts what the reader may see, names nobody.';
GRANT EXECUTE ON FUNCTION attrition_forecast(date) TO perfmgmt_leader, perfmgmt_hr;

CREATE OR REPLACE FUNCTION count_hires()
RETURNS TABLE (review_cycle_id int, manager_id int, recent_hires int, recent_le int, others int, others_le int)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN QUERY EXECUTE format($query$
        SELECT o.review_cycle_id, p.manager_id,
               count(*) FILTER (WHERE is_recent)::int, count(*) FILTER (WHERE is_recent AND t.tier_order = 0)::int,
               count(*) FILTER (WHERE NOT is_recent)::int, count(*) FILTER (WHERE NOT is_recent AND t.tier_order = 0)::int
        FROM overall_value o
        JOIN participation p USING (employee_id, review_cycle_id)
        JOIN review_cycle c USING (review_cycle_id)
        JOIN employee h USING (employee_id)
        CROSS JOIN LATERAL (SELECT h.hired_on > c.period_end - interval '1 year' AS is_recent) AS r
        JOIN tier t ON t.policy_id = o.policy_id AND t.tier = coalesce(o.final_tier, o.calibrated_tier, o.quota_tier)
        WHERE p.manager_id IS NOT NULL AND %s
        GROUP BY o.review_cycle_id, p.manager_id$query$, format(sight_of_caller(), 'o'));
END
$$;
COMMENT ON FUNCTION count_hires() IS
'LE among people hired in the last 12 months of the period and among the others, per manager of record, over the people whom the caller may see: see olr.buffer_signals. Counts only, so no read is logged.';
GRANT EXECUTE ON FUNCTION count_hires() TO perfmgmt_leader, perfmgmt_hr;
