-- forte: what employees can see. Everything of it is in this file: the release
-- tables, which hold no author, no tier and no internal rating, their only
-- writer, and the views over them.

-- step 1

CREATE TABLE forte_label (
    employee_id int NOT NULL,
    review_cycle_id int NOT NULL,
    full_name text NOT NULL,
    level_code text NOT NULL REFERENCES job_level,
    forte_label text NOT NULL,
    PRIMARY KEY (employee_id, review_cycle_id),
    FOREIGN KEY (employee_id, review_cycle_id) REFERENCES participation
);
CREATE INDEX ON forte_label (level_code);
COMMENT ON TABLE forte_label IS 'Released to the employee: the label.';

CREATE TABLE forte_summary (
    employee_id int NOT NULL,
    review_cycle_id int NOT NULL,
    manager_name text,
    summary text NOT NULL,
    PRIMARY KEY (employee_id, review_cycle_id),
    FOREIGN KEY (employee_id, review_cycle_id) REFERENCES forte_label
);
COMMENT ON TABLE forte_summary IS 'Released to the employee: the manager''s text that goes with the label.';

CREATE TABLE forte_score (
    employee_id int NOT NULL,
    review_cycle_id int NOT NULL,
    relation text NOT NULL,
    ordinal int NOT NULL,
    mean_score numeric(2,1) NOT NULL,
    raters text NOT NULL,
    PRIMARY KEY (employee_id, review_cycle_id, relation, ordinal),
    FOREIGN KEY (employee_id, review_cycle_id) REFERENCES participation
);
COMMENT ON TABLE forte_score IS 'Released to the employee: mean of a principle to half a level, from at least k raters; relations with fewer are joined as colleagues, or left out.';
COMMENT ON COLUMN forte_score.raters IS 'How many, coarsely; never the number itself.';

-- histograms of other people's rows would leak through EXPLAIN
ALTER TABLE forte_label ALTER COLUMN employee_id SET STATISTICS 0, ALTER COLUMN review_cycle_id SET STATISTICS 0, ALTER COLUMN full_name SET STATISTICS 0, ALTER COLUMN level_code SET STATISTICS 0, ALTER COLUMN forte_label SET STATISTICS 0;
ALTER TABLE forte_summary ALTER COLUMN employee_id SET STATISTICS 0, ALTER COLUMN review_cycle_id SET STATISTICS 0, ALTER COLUMN manager_name SET STATISTICS 0, ALTER COLUMN summary SET STATISTICS 0;
ALTER TABLE forte_score ALTER COLUMN employee_id SET STATISTICS 0, ALTER COLUMN review_cycle_id SET STATISTICS 0, ALTER COLUMN relation SET STATISTICS 0, ALTER COLUMN ordinal SET STATISTICS 0, ALTER COLUMN mean_score SET STATISTICS 0, ALTER COLUMN raters SET STATISTICS 0;

ALTER TABLE forte_label ENABLE ROW LEVEL SECURITY;
ALTER TABLE forte_label FORCE ROW LEVEL SECURITY;
CREATE POLICY engine ON forte_label TO perfmgmt_engine USING (true) WITH CHECK (true);
CREATE POLICY employee ON forte_label FOR SELECT TO perfmgmt_employee USING (employee_id = actor_id());

ALTER TABLE forte_summary ENABLE ROW LEVEL SECURITY;
ALTER TABLE forte_summary FORCE ROW LEVEL SECURITY;
CREATE POLICY engine ON forte_summary TO perfmgmt_engine USING (true) WITH CHECK (true);
CREATE POLICY employee ON forte_summary FOR SELECT TO perfmgmt_employee USING (employee_id = actor_id());

ALTER TABLE forte_score ENABLE ROW LEVEL SECURITY;
ALTER TABLE forte_score FORCE ROW LEVEL SECURITY;
CREATE POLICY engine ON forte_score TO perfmgmt_engine USING (true) WITH CHECK (true);
CREATE POLICY employee ON forte_score FOR SELECT TO perfmgmt_employee USING (employee_id = actor_id());

-- replace

GRANT SELECT, INSERT ON forte_label, forte_summary, forte_score TO perfmgmt_engine;
GRANT SELECT ON forte_label, forte_summary, forte_score TO perfmgmt_employee;

-- Principle means that reach k raters. A relation below k joins the colleagues;
-- colleagues below k are left out. Nothing is shown twice, so that no figure can
-- be subtracted from another.
CREATE OR REPLACE FUNCTION released_scores(cycle_id int, minimum_raters int)
RETURNS TABLE (employee_id int, relation text, ordinal int, mean_score numeric, raters text)
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
    WITH score AS (
        SELECT r.employee_id, r.relation, k.is_anonymous, s.ordinal::int AS ordinal, s.score
        FROM principle_rating r
        JOIN relation k USING (relation)
        CROSS JOIN LATERAL unnest(r.scores) WITH ORDINALITY AS s(score, ordinal)
        WHERE r.review_cycle_id = cycle_id AND s.score IS NOT NULL
    ), counted AS (
        SELECT s.employee_id, s.relation, s.is_anonymous, s.ordinal, count(*) AS n, sum(s.score) AS total
        FROM score s GROUP BY s.employee_id, s.relation, s.is_anonymous, s.ordinal
    ), shown AS (
        SELECT c.employee_id, c.ordinal, c.is_anonymous, sum(c.n) AS n, sum(c.total) AS total,
               CASE WHEN c.is_anonymous AND c.n < minimum_raters THEN 'colleagues' ELSE c.relation END AS relation
        FROM counted c
        GROUP BY c.employee_id, c.ordinal, c.is_anonymous,
                 CASE WHEN c.is_anonymous AND c.n < minimum_raters THEN 'colleagues' ELSE c.relation END
    )
    SELECT s.employee_id, s.relation, s.ordinal, round(2 * s.total / s.n) / 2,
           CASE WHEN NOT s.is_anonymous THEN 'one'
                WHEN s.n < 2 * minimum_raters THEN format('%s to %s', minimum_raters, 2 * minimum_raters - 1)
                ELSE format('%s or more', 2 * minimum_raters) END
    FROM shown s
    WHERE NOT s.is_anonymous OR s.n >= minimum_raters
$$;
COMMENT ON FUNCTION released_scores(int, int) IS 'What release_forte() writes into forte_score: means to half a level from at least k raters, with a coarse count.';

CREATE OR REPLACE FUNCTION release_forte(cycle_id int, reason text) RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
DECLARE
    released_by int := require_appointment('hr');
    cycle review_cycle := cycle_in_status(cycle_id, '{calibration}', 'the release');
    labels int;
BEGIN
    INSERT INTO decision (decision_kind, review_cycle_id, reason, proposed_by, decided_by, decided_at, outcome)
    VALUES ('release', cycle_id, release_forte.reason, released_by, released_by, now(), 'approved');

    UPDATE overall_value o SET final_tier = coalesce(o.calibrated_tier, o.quota_tier)
    WHERE o.review_cycle_id = cycle_id AND o.ov_points IS NOT NULL;

    -- a label without the manager's summary is not released
    INSERT INTO forte_label (employee_id, review_cycle_id, full_name, level_code, forte_label)
    SELECT o.employee_id, cycle_id, e.full_name, p.level_code, o.forte_label
    FROM overall_value o
    JOIN employee e USING (employee_id)
    JOIN participation p USING (employee_id, review_cycle_id)
    JOIN current_assessment a USING (employee_id, review_cycle_id)
    WHERE o.review_cycle_id = cycle_id AND o.forte_label IS NOT NULL AND a.summary IS NOT NULL
    ORDER BY o.employee_id;
    GET DIAGNOSTICS labels = ROW_COUNT;
    INSERT INTO forte_summary (employee_id, review_cycle_id, manager_name, summary)
    SELECT l.employee_id, cycle_id, m.full_name, a.summary
    FROM forte_label l
    JOIN current_assessment a USING (employee_id, review_cycle_id)
    LEFT JOIN employee m ON m.employee_id = a.assessed_by
    WHERE l.review_cycle_id = cycle_id ORDER BY l.employee_id;
    INSERT INTO forte_score (employee_id, review_cycle_id, relation, ordinal, mean_score, raters)
    SELECT s.employee_id, cycle_id, s.relation, s.ordinal, s.mean_score, s.raters
    FROM anonymity_rule r CROSS JOIN LATERAL released_scores(cycle_id, r.minimum_raters) s
    WHERE r.policy_id = cycle.policy_id ORDER BY s.employee_id, s.relation, s.ordinal;

    UPDATE review_cycle c SET status = 'released', released_at = now(),
           lot_key = (SELECT s.lot_key FROM review_cycle_secret s WHERE s.review_cycle_id = cycle_id)
    WHERE c.review_cycle_id = cycle_id;
    DELETE FROM review_cycle_secret s WHERE s.review_cycle_id = cycle_id;
    RETURN labels;
END
$$;
COMMENT ON FUNCTION release_forte(int, text) IS
'Makes the tiers of a calibrated cycle final and releases to employees their label, the manager''s summary and the principle means that reach k raters; shows the key of the lots; returns the number of labels. A named person with hr, recorded as a decision. Errors: PM004 not in calibration; PM006 no appointment.';
GRANT EXECUTE ON FUNCTION release_forte(int, text) TO perfmgmt_hr;

CREATE OR REPLACE VIEW forte.my_review WITH (security_invoker = true) AS
SELECT c.review_cycle_id, c.cycle_name, c.period_start, c.period_end,
       l.full_name, l.level_code AS job_level, l.forte_label, s.manager_name, s.summary AS manager_summary
FROM forte_label l
JOIN forte_summary s USING (employee_id, review_cycle_id)
JOIN review_cycle c USING (review_cycle_id);
COMMENT ON VIEW forte.my_review IS 'My result of each released cycle: the label with the manager''s summary.';
COMMENT ON COLUMN forte.my_review.review_cycle_id IS 'The cycle.';
COMMENT ON COLUMN forte.my_review.cycle_name IS 'Name of the cycle.';
COMMENT ON COLUMN forte.my_review.period_start IS 'First day of the period that was rated.';
COMMENT ON COLUMN forte.my_review.period_end IS 'Last day of the period that was rated.';
COMMENT ON COLUMN forte.my_review.full_name IS 'My name.';
COMMENT ON COLUMN forte.my_review.job_level IS 'My level in that cycle.';
COMMENT ON COLUMN forte.my_review.forte_label IS 'Needs Improvement, Meets High Bar or Exceeds High Bar.';
COMMENT ON COLUMN forte.my_review.manager_name IS 'Who wrote the summary.';
COMMENT ON COLUMN forte.my_review.manager_summary IS 'The manager''s text.';

CREATE OR REPLACE VIEW forte.my_principles WITH (security_invoker = true) AS
SELECT c.review_cycle_id, c.cycle_name, s.ordinal AS principle_ordinal, p.principle_name,
       s.relation, s.mean_score, n.level_name AS mean_score_name, s.raters
FROM forte_score s
JOIN review_cycle c USING (review_cycle_id)
JOIN principle p ON p.policy_id = c.policy_id AND p.ordinal = s.ordinal
LEFT JOIN rating_level n ON n.policy_id = c.policy_id AND n.axis = 'leadership_principle' AND n.level = floor(s.mean_score)::int;
COMMENT ON VIEW forte.my_principles IS 'How my leadership principles were seen, by relation, where enough people answered.';
COMMENT ON COLUMN forte.my_principles.review_cycle_id IS 'The cycle.';
COMMENT ON COLUMN forte.my_principles.cycle_name IS 'Name of the cycle.';
COMMENT ON COLUMN forte.my_principles.principle_ordinal IS 'Position of the principle in the policy.';
COMMENT ON COLUMN forte.my_principles.principle_name IS 'Name of the principle.';
COMMENT ON COLUMN forte.my_principles.relation IS 'self, manager, peer, stakeholder, direct_report, or colleagues: relations with too few raters, joined.';
COMMENT ON COLUMN forte.my_principles.mean_score IS 'Mean score 1.0 to 5.0, to half a level.';
COMMENT ON COLUMN forte.my_principles.mean_score_name IS 'Name of the level, rounded down.';
COMMENT ON COLUMN forte.my_principles.raters IS 'How many people, coarsely.';

CREATE OR REPLACE VIEW forte.my_explanation WITH (security_invoker = true) AS
SELECT l.review_cycle_id, c.cycle_name, line.step, line.explanation
FROM forte_label l
JOIN review_cycle c USING (review_cycle_id)
CROSS JOIN LATERAL (
    SELECT 1 AS step, format('Your label for %s is "%s".', c.cycle_name, l.forte_label) AS explanation
    UNION ALL
    SELECT 2, 'It comes from two inputs: your job performance, as your manager assessed it, and the leadership principles, as your raters scored them.'
    UNION ALL
    SELECT 3, 'Raters count by relation: '
           || (SELECT string_agg(format('%s %s', replace(w.relation, '_', ' '), w.weight), ', ' ORDER BY w.weight DESC, w.relation)
               FROM relation_weight w WHERE w.policy_id = c.policy_id AND w.weight > 0)
           || '. Your own ratings are kept and never counted.'
    UNION ALL
    SELECT 4, 'At your level these principles count more: '
           || string_agg(format('%s (%s)', p.principle_name, w.weight), ', ' ORDER BY p.ordinal) || '.'
    FROM principle_weight w JOIN principle p USING (policy_id, ordinal)
    WHERE w.policy_id = c.policy_id AND w.level_code = l.level_code AND w.weight > 1
    HAVING count(*) > 0
    UNION ALL
    SELECT 5, 'Highest among the means you can see: ' || string_agg(DISTINCT p.principle_name, ', ') || format(' (%s).', max(s.mean_score))
    FROM forte_score s JOIN principle p ON p.policy_id = c.policy_id AND p.ordinal = s.ordinal
    WHERE s.employee_id = l.employee_id AND s.review_cycle_id = l.review_cycle_id AND s.relation <> 'self'
      AND s.mean_score = (SELECT max(m.mean_score) FROM forte_score m
                          WHERE m.employee_id = l.employee_id AND m.review_cycle_id = l.review_cycle_id AND m.relation <> 'self')
    HAVING count(*) > 0
    UNION ALL
    SELECT 6, 'Lowest among the means you can see: ' || string_agg(DISTINCT p.principle_name, ', ') || format(' (%s).', min(s.mean_score))
    FROM forte_score s JOIN principle p ON p.policy_id = c.policy_id AND p.ordinal = s.ordinal
    WHERE s.employee_id = l.employee_id AND s.review_cycle_id = l.review_cycle_id AND s.relation <> 'self'
      AND s.mean_score = (SELECT min(m.mean_score) FROM forte_score m
                          WHERE m.employee_id = l.employee_id AND m.review_cycle_id = l.review_cycle_id AND m.relation <> 'self')
    HAVING count(*) > 0
    UNION ALL
    SELECT 7, 'Counts of activity, such as commits or lines of code, are no input.'
) AS line;
COMMENT ON VIEW forte.my_explanation IS 'In words, which visible inputs gave my label.';
COMMENT ON COLUMN forte.my_explanation.review_cycle_id IS 'The cycle.';
COMMENT ON COLUMN forte.my_explanation.cycle_name IS 'Name of the cycle.';
COMMENT ON COLUMN forte.my_explanation.step IS 'Order of the sentences.';
COMMENT ON COLUMN forte.my_explanation.explanation IS 'A sentence.';
GRANT SELECT ON forte.my_review, forte.my_principles, forte.my_explanation TO perfmgmt_employee;
