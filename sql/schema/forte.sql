-- forte: what employees can see. Everything of it is in this file: the release
-- tables, which hold no author, no tier and no internal rating, their only
-- writer, and the views over them. What may be shown of the raters is decided
-- in src/forte.c.

-- step 1

CREATE TABLE forte_label (
    employee_id int NOT NULL,
    review_cycle_id int NOT NULL,
    full_name text NOT NULL,
    level_code text NOT NULL,
    forte_label text NOT NULL,
    release_number int NOT NULL DEFAULT 1,
    PRIMARY KEY (employee_id, review_cycle_id, release_number),
    FOREIGN KEY (employee_id, review_cycle_id) REFERENCES participation
);
COMMENT ON TABLE forte_label IS 'Released to the employee: the label; a correction after a dispute is a new row with the next release_number.';
COMMENT ON COLUMN forte_label.level_code IS 'Of job_level. No foreign key: an index on it would let EXPLAIN ANALYZE count the labels of a level.';

CREATE TABLE forte_summary (
    employee_id int NOT NULL,
    review_cycle_id int NOT NULL,
    manager_name text,
    summary text NOT NULL,
    PRIMARY KEY (employee_id, review_cycle_id),
    FOREIGN KEY (employee_id, review_cycle_id) REFERENCES participation
);
COMMENT ON TABLE forte_summary IS 'Released to the employee: the manager''s text that goes with the label.';

CREATE TABLE forte_score (
    employee_id int NOT NULL,
    review_cycle_id int NOT NULL,
    relation text NOT NULL,
    raters text NOT NULL,
    principle_scores smallint[] NOT NULL,
    questions text[] NOT NULL,
    question_scores smallint[] NOT NULL,
    PRIMARY KEY (employee_id, review_cycle_id, relation)
);
COMMENT ON TABLE forte_score IS 'Released to the employee: how one relation scored, all of it from the same set of at least k raters. The only writer is release_forte(), so there is no foreign key to check on millions of rows.';
COMMENT ON COLUMN forte_score.relation IS 'A relation, or colleagues: who is left over of all anonymous relations together.';
COMMENT ON COLUMN forte_score.raters IS 'How many, coarsely; never the number itself.';
COMMENT ON COLUMN forte_score.principle_scores IS 'By ordinal of the principle: the mean in half levels, 2 to 10; or its band: -1 low, -2 middle, -3 high; NULL: not shown.';
COMMENT ON COLUMN forte_score.questions IS 'The questions of the form at the release, in order.';
COMMENT ON COLUMN forte_score.question_scores IS 'By position in questions; coded as principle_scores.';

CREATE TABLE forte_text (
    employee_id int NOT NULL,
    review_cycle_id int NOT NULL,
    forte_text_id uuid NOT NULL,
    relation text NOT NULL,
    question text NOT NULL,
    item_text text NOT NULL,
    PRIMARY KEY (employee_id, review_cycle_id, forte_text_id)
);
COMMENT ON TABLE forte_text IS 'Released to the employee: the answers to one question in words, in the order of a random id, also on disk. No time, no author, no number.';
COMMENT ON COLUMN forte_text.forte_text_id IS 'Random; the order in which texts are shown.';

CREATE TABLE release_group (
    employee_id int NOT NULL,
    review_cycle_id int NOT NULL REFERENCES review_cycle,
    relation text NOT NULL,
    is_anonymous boolean NOT NULL,
    author_ids int[] NOT NULL,
    questions text[] NOT NULL,
    PRIMARY KEY (employee_id, review_cycle_id, relation)
);
CREATE INDEX ON release_group (review_cycle_id);
COMMENT ON TABLE release_group IS 'Who is behind a row of forte_score: for the comparison with a later release of the same time. Only the privileged routines read it. Delete it to destroy the link to the authors; the release stays.';
COMMENT ON COLUMN release_group.questions IS 'Whose texts are shown.';

CREATE TABLE forte_plan (
    employee_id int NOT NULL,
    pip_case_id int NOT NULL,
    stage text NOT NULL REFERENCES pip_stage,
    is_open boolean NOT NULL,
    is_paused boolean NOT NULL,
    due_on date,
    plan_version int,
    plan_text text,
    milestones text,
    acknowledged_at timestamptz,
    offer_kind text,
    offer_weeks int,
    offer_amount numeric(14,2),
    offer_currency text,
    offer_open_until date,
    offer_revocable_until date,
    PRIMARY KEY (employee_id, pip_case_id),
    FOREIGN KEY (employee_id, pip_case_id) REFERENCES pip_case
);
CREATE INDEX ON forte_plan (stage);
COMMENT ON TABLE forte_plan IS 'Released to the employee once Pivot was offered: where the case stands, until when, the plan in force and the offer that applies. Nothing of Focus.';

CREATE TABLE review_acknowledgement (
    employee_id int NOT NULL,
    review_cycle_id int NOT NULL,
    acknowledged_at timestamptz NOT NULL DEFAULT now(),
    comment text,
    manager_chain int[] NOT NULL,
    PRIMARY KEY (employee_id, review_cycle_id),
    FOREIGN KEY (employee_id, review_cycle_id) REFERENCES participation
);
CREATE INDEX ON review_acknowledgement USING gin (manager_chain chain_ops);
COMMENT ON TABLE review_acknowledgement IS 'That a person has read the own result, with a comment. Reading is not agreeing.';

CREATE TABLE rating_dispute (
    employee_id int NOT NULL,
    rating_dispute_id int GENERATED BY DEFAULT AS IDENTITY UNIQUE,
    review_cycle_id int NOT NULL,
    dispute_text text NOT NULL CHECK (btrim(dispute_text) <> ''),
    opened_at timestamptz NOT NULL DEFAULT now(),
    reviewer_id int REFERENCES employee,
    outcome text NOT NULL DEFAULT 'open' CHECK (outcome IN ('open', 'upheld', 'corrected')),
    resolution text,
    consequences text,
    closed_at timestamptz,
    manager_chain int[] NOT NULL,
    PRIMARY KEY (employee_id, rating_dispute_id),
    UNIQUE (employee_id, review_cycle_id),
    FOREIGN KEY (employee_id, review_cycle_id) REFERENCES participation,
    CHECK (reviewer_id <> employee_id AND reviewer_id <> ALL (manager_chain)),
    CHECK ((outcome = 'open') = (closed_at IS NULL))
);
CREATE INDEX ON rating_dispute (reviewer_id);
CREATE INDEX ON rating_dispute USING gin (manager_chain chain_ops);
COMMENT ON TABLE rating_dispute IS 'A person disputes the own released result, once and within 14 days; somebody outside the line of managers reviews it: upheld, or corrected by a new release.';

CREATE TABLE development_goal (
    employee_id int NOT NULL REFERENCES employee,
    development_goal_id int GENERATED BY DEFAULT AS IDENTITY UNIQUE,
    from_cycle_id int NOT NULL REFERENCES review_cycle,
    growth_area text NOT NULL CHECK (btrim(growth_area) <> ''),
    action text NOT NULL CHECK (btrim(action) <> ''),
    review_on date NOT NULL,
    given_by int NOT NULL REFERENCES employee,
    outcome text CHECK (btrim(outcome) <> ''),
    closed_at timestamptz,
    manager_chain int[] NOT NULL,
    PRIMARY KEY (employee_id, development_goal_id),
    CHECK ((outcome IS NULL) = (closed_at IS NULL))
);
CREATE INDEX ON development_goal (from_cycle_id);
CREATE INDEX ON development_goal (given_by);
CREATE INDEX ON development_goal USING gin (manager_chain chain_ops);
COMMENT ON TABLE development_goal IS 'What a person works on after a release, agreed with the manager. Never scored: nothing that rates reads it.';
COMMENT ON COLUMN development_goal.from_cycle_id IS 'After whose release; the goal goes on when the next cycle opens, and with the person to a new manager.';
COMMENT ON COLUMN development_goal.review_on IS 'When both look at it again.';
COMMENT ON COLUMN development_goal.given_by IS 'The person or a manager above.';
COMMENT ON COLUMN development_goal.outcome IS 'What came of it, in words; NULL while it runs.';

INSERT INTO decision_kind VALUES
    ('rating_correction', 'a disputed rating is corrected by a new release', 'hr', true);

-- Histograms of other people's rows would leak through EXPLAIN. So would a text
-- that lies elsewhere: who asks for equality with a text of the same length sees
-- that it was fetched.
ALTER TABLE forte_summary ALTER COLUMN summary SET STORAGE MAIN;
ALTER TABLE forte_text ALTER COLUMN item_text SET STORAGE MAIN;
ALTER TABLE forte_plan ALTER COLUMN plan_text SET STORAGE MAIN, ALTER COLUMN milestones SET STORAGE MAIN;
DO $$
DECLARE
    released text;
    of_release record;
BEGIN
    FOREACH released IN ARRAY '{forte_label,forte_summary,forte_score,forte_text,forte_plan}'::text[] LOOP
        FOR of_release IN SELECT a.attname FROM pg_attribute a
                          WHERE a.attrelid = released::regclass AND a.attnum > 0 AND NOT a.attisdropped LOOP
            EXECUTE format('ALTER TABLE %I ALTER COLUMN %I SET STATISTICS 0', released, of_release.attname);
        END LOOP;
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', released);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', released);
        EXECUTE format('CREATE POLICY engine ON %I TO perfmgmt_engine USING (true) WITH CHECK (true)', released);
        EXECUTE format('CREATE POLICY employee ON %I FOR SELECT TO perfmgmt_employee USING (employee_id = actor_id())', released);
    END LOOP;
END
$$;

ALTER TABLE release_group ENABLE ROW LEVEL SECURITY;
ALTER TABLE release_group FORCE ROW LEVEL SECURITY;
CREATE POLICY engine ON release_group TO perfmgmt_engine USING (true) WITH CHECK (true);

ALTER TABLE review_acknowledgement ENABLE ROW LEVEL SECURITY;
ALTER TABLE review_acknowledgement FORCE ROW LEVEL SECURITY;
CREATE POLICY engine ON review_acknowledgement TO perfmgmt_engine USING (true) WITH CHECK (true);
CREATE POLICY leader ON review_acknowledgement FOR SELECT TO perfmgmt_leader USING (manager_chain @> ARRAY[actor_id()]);
CREATE POLICY hr ON review_acknowledgement FOR SELECT TO perfmgmt_hr USING (has_appointment('hr'));
CREATE POLICY not_oneself ON review_acknowledgement AS RESTRICTIVE TO perfmgmt_leader, perfmgmt_hr USING (employee_id <> actor_id());

ALTER TABLE development_goal ENABLE ROW LEVEL SECURITY;
ALTER TABLE development_goal FORCE ROW LEVEL SECURITY;
CREATE POLICY engine ON development_goal TO perfmgmt_engine USING (true) WITH CHECK (true);
CREATE POLICY leader ON development_goal FOR SELECT TO perfmgmt_leader USING (manager_chain @> ARRAY[actor_id()]);
CREATE POLICY hr ON development_goal FOR SELECT TO perfmgmt_hr USING (has_appointment('hr'));
CREATE POLICY not_oneself ON development_goal AS RESTRICTIVE TO perfmgmt_leader, perfmgmt_hr USING (employee_id <> actor_id());

ALTER TABLE rating_dispute ENABLE ROW LEVEL SECURITY;
ALTER TABLE rating_dispute FORCE ROW LEVEL SECURITY;
CREATE POLICY engine ON rating_dispute TO perfmgmt_engine USING (true) WITH CHECK (true);
CREATE POLICY leader ON rating_dispute FOR SELECT TO perfmgmt_leader USING (manager_chain @> ARRAY[actor_id()] OR reviewer_id = actor_id());
CREATE POLICY hr ON rating_dispute FOR SELECT TO perfmgmt_hr USING (has_appointment('hr'));
CREATE POLICY not_oneself ON rating_dispute AS RESTRICTIVE TO perfmgmt_leader, perfmgmt_hr USING (employee_id <> actor_id());

-- replace

GRANT SELECT, INSERT ON forte_label, forte_summary, forte_score, forte_text TO perfmgmt_engine;
GRANT SELECT, INSERT, DELETE ON release_group TO perfmgmt_engine;
GRANT SELECT, INSERT, UPDATE ON review_acknowledgement, rating_dispute TO perfmgmt_engine;
GRANT SELECT, INSERT, UPDATE ON development_goal TO perfmgmt_engine;
GRANT USAGE ON SEQUENCE rating_dispute_rating_dispute_id_seq, development_goal_development_goal_id_seq TO perfmgmt_engine;
GRANT SELECT ON review_acknowledgement, rating_dispute, development_goal TO perfmgmt_leader, perfmgmt_hr;
GRANT SELECT ON forte_label, forte_summary, forte_score, forte_text TO perfmgmt_employee;
GRANT SELECT, INSERT, UPDATE ON forte_plan TO perfmgmt_engine;
GRANT SELECT ON forte_plan TO perfmgmt_employee;

CREATE OR REPLACE FUNCTION question_positions()
RETURNS TABLE (question text, question_position int)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
    SELECT q.question, row_number() OVER (ORDER BY q.question_order)::int FROM feedback_question q
$$;
COMMENT ON FUNCTION question_positions() IS 'The questions of the form, numbered from 1 in their order.';

-- What is said about people, as forte_cells() takes it: the scores of the
-- principles come first, then those of the questions.
CREATE OR REPLACE VIEW release_answer WITH (security_invoker = true) AS
SELECT r.review_cycle_id, r.employee_id, r.rater_id AS author_id, r.relation, k.is_anonymous,
       1 AS first_position, r.scores, NULL::int AS texts
FROM principle_rating r JOIN relation k USING (relation)
UNION ALL
SELECT review_cycle_id, employee_id, f.author_id, f.relation, k.is_anonymous,
       n.principles + q.question_position, CASE WHEN i.score IS NOT NULL THEN ARRAY[i.score] END,
       CASE WHEN i.item_text IS NOT NULL THEN 1 << (q.question_position - 1) END
FROM feedback f
JOIN feedback_item i USING (employee_id, feedback_id, review_cycle_id)
JOIN question_positions() q USING (question)
JOIN relation k USING (relation)
JOIN (SELECT c.review_cycle_id, max(p.ordinal) AS principles
      FROM review_cycle c JOIN principle p USING (policy_id) GROUP BY c.review_cycle_id) n USING (review_cycle_id);
COMMENT ON VIEW release_answer IS 'Ratings and submitted feedback of a cycle as forte_cells() takes them. It knows the authors: only the privileged routines read it.';
GRANT SELECT ON release_answer TO perfmgmt_engine;

-- Earlier releases of overlapping periods stay as they are. Authors who stand in
-- the same sets of those and of the new one are a class; a class of fewer than k
-- could be told from the rest by comparing the releases.
CREATE OR REPLACE FUNCTION release_cells(cycle_id int)
RETURNS TABLE (employee_id int, relation text, is_anonymous boolean, author_ids int[], scores smallint[], texts int, is_comparable boolean)
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
    WITH cell AS (
        SELECT a.employee_id, c.relation, c.is_anonymous, c.author_ids, c.scores, c.texts, a.minimum_raters
        FROM (SELECT x.employee_id, r.minimum_raters,
                     forte_cells(x.author_id, x.relation, x.is_anonymous, x.first_position, x.scores, x.texts, r.minimum_raters) AS cells
              FROM release_answer x
              CROSS JOIN (SELECT a.minimum_raters FROM review_cycle c JOIN anonymity_rule a USING (policy_id)
                          WHERE c.review_cycle_id = cycle_id) r
              WHERE x.review_cycle_id = cycle_id
              GROUP BY x.employee_id, r.minimum_raters) a
        CROSS JOIN LATERAL unnest(a.cells) c
    ), earlier AS (
        SELECT s.employee_id, s.review_cycle_id, s.relation, g.author_ids
        FROM review_cycle c
        JOIN review_cycle n ON n.review_cycle_id = cycle_id AND n.review_cycle_id <> c.review_cycle_id
            AND daterange(c.period_start, c.period_end, '[]') && daterange(n.period_start, n.period_end, '[]')
        JOIN forte_score s ON s.review_cycle_id = c.review_cycle_id
        LEFT JOIN relation k ON k.relation = s.relation
        LEFT JOIN release_group g ON g.employee_id = s.employee_id AND g.review_cycle_id = s.review_cycle_id AND g.relation = s.relation
        WHERE k.is_anonymous IS NOT FALSE
    ), standing AS (
        SELECT e.employee_id, u.author_id, format('%s %s', e.review_cycle_id, e.relation) AS stands_in
        FROM earlier e CROSS JOIN LATERAL unnest(e.author_ids) AS u(author_id)
        UNION ALL
        SELECT c.employee_id, u.author_id, c.relation
        FROM cell c CROSS JOIN LATERAL unnest(c.author_ids) AS u(author_id)
        WHERE c.is_anonymous AND c.employee_id IN (SELECT e.employee_id FROM earlier e)
    ), small_class AS (
        SELECT k.employee_id
        FROM (SELECT s.employee_id, s.author_id, array_agg(s.stands_in ORDER BY s.stands_in) AS stands_in
              FROM standing s GROUP BY s.employee_id, s.author_id) k
        GROUP BY k.employee_id, k.stands_in
        HAVING count(*) < (SELECT a.minimum_raters FROM review_cycle c JOIN anonymity_rule a USING (policy_id)
                           WHERE c.review_cycle_id = cycle_id)
    ), compared AS (
        SELECT e.employee_id,
               -- an earlier group whose authors were destroyed cannot be compared
               bool_or(e.author_ids IS NULL) AS is_unknown,
               e.employee_id IN (SELECT s.employee_id FROM small_class s) AS has_small_class
        FROM earlier e GROUP BY e.employee_id
    )
    SELECT c.employee_id, c.relation, c.is_anonymous, c.author_ids, c.scores, c.texts,
           NOT c.is_anonymous OR p.employee_id IS NULL
           OR NOT (p.is_unknown OR (p.has_small_class AND EXISTS (SELECT FROM earlier e WHERE e.employee_id = c.employee_id
                                                                  AND e.author_ids && c.author_ids)))
    FROM cell c LEFT JOIN compared p ON p.employee_id = c.employee_id
$$;
COMMENT ON FUNCTION release_cells(int) IS
'What a release of the cycle shows, as forte_cells() chooses it, with the authors behind it. is_comparable is false for what is left out because of an earlier release of an overlapping period: comparing both would isolate fewer than k authors.';

CREATE OR REPLACE FUNCTION release_forte(cycle_id int, reason text) RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path FROM CURRENT
SET enable_nestloop = off
SET jit = off
AS $$
DECLARE
    released_by int := require_appointment('hr');
    cycle review_cycle;
    labels int;
    open_sessions text;
BEGIN
    IF btrim(coalesce(release_forte.reason, '')) = '' THEN
        RAISE EXCEPTION 'a decision needs a reason' USING ERRCODE = '22004';
    END IF;
    SELECT c.* INTO cycle FROM review_cycle c WHERE c.review_cycle_id = cycle_id FOR UPDATE;
    IF cycle.released_at IS NOT NULL THEN
        RAISE EXCEPTION 'cycle "%" was released before', cycle.cycle_name USING ERRCODE = 'PM004',
            DETAIL = format('It was released on %s. Nothing was changed.', to_char(cycle.released_at, 'YYYY-MM-DD')),
            HINT = 'A release is frozen: what came later goes to the next cycle.';
    END IF;
    cycle := cycle_in_status(cycle_id, '{calibration}', 'the release');
    IF CURRENT_DATE BETWEEN cycle.forte_opens_on AND cycle.forte_closes_on - 1 THEN
        RAISE EXCEPTION 'people may still write feedback in cycle "%"', cycle.cycle_name USING ERRCODE = 'PM004',
            DETAIL = format('Forte is open until %s.', cycle.forte_closes_on);
    END IF;
    PERFORM FROM calibration_session s WHERE s.review_cycle_id = cycle_id ORDER BY s.calibration_session_id FOR UPDATE;
    open_sessions := (SELECT string_agg(format('Session "%s" is %s.', s.session_name, s.status), E'\n' ORDER BY s.session_name)
                      FROM calibration_session s WHERE s.review_cycle_id = cycle_id AND s.status NOT IN ('finalized', 'cancelled'));
    IF open_sessions IS NOT NULL THEN
        RAISE EXCEPTION 'the cycle has sessions that are not finalized' USING ERRCODE = 'PM004', DETAIL = open_sessions,
            HINT = 'perf.finalize_session() says what a session lacks.';
    END IF;
    PERFORM report_progress('release 1/4: are the results of today?');
    IF rate_people(cycle) > 0 THEN
        RAISE EXCEPTION 'ratings or assessments changed since calibrate()' USING ERRCODE = 'PM004',
            HINT = 'Call perf.calibrate(cycle) again, look at what changed, then release.';
    END IF;
    INSERT INTO decision (decision_kind, review_cycle_id, reason, proposed_by, decided_by, decided_at, outcome)
    VALUES ('release', cycle_id, release_forte.reason, released_by, released_by, now(), 'approved');

    -- who is rated no longer keeps the row, and gets no result
    UPDATE overall_value o SET final_tier = coalesce(o.calibrated_tier, o.quota_tier)
    FROM participation p JOIN eligibility e USING (eligibility)
    WHERE o.review_cycle_id = cycle_id AND o.ov_points IS NOT NULL
      AND p.employee_id = o.employee_id AND p.review_cycle_id = o.review_cycle_id AND e.is_rated;

    -- What lies on disk in the order of people would tell, by the places of the
    -- rows of two of them, how many rows are between: so the order is random.
    PERFORM report_progress('release 2/4: labels');
    -- a label without the manager's summary is not released
    INSERT INTO forte_label (employee_id, review_cycle_id, full_name, level_code, forte_label)
    SELECT o.employee_id, cycle_id, e.full_name, p.level_code, o.forte_label
    FROM overall_value o
    JOIN employee e USING (employee_id)
    JOIN participation p USING (employee_id, review_cycle_id)
    JOIN eligibility g USING (eligibility)
    JOIN current_assessment a USING (employee_id, review_cycle_id)
    WHERE o.review_cycle_id = cycle_id AND o.forte_label IS NOT NULL AND a.summary IS NOT NULL AND g.is_rated
    ORDER BY random();
    GET DIAGNOSTICS labels = ROW_COUNT;
    INSERT INTO forte_summary (employee_id, review_cycle_id, manager_name, summary)
    SELECT l.employee_id, cycle_id, m.full_name, a.summary
    FROM forte_label l
    JOIN current_assessment a USING (employee_id, review_cycle_id)
    LEFT JOIN employee m ON m.employee_id = a.assessed_by
    WHERE l.review_cycle_id = cycle_id ORDER BY random();

    PERFORM report_progress('release 3/4: scores');
    PERFORM write_release_scores(cycle_id);
    PERFORM report_progress('release 4/4: texts');
    PERFORM write_release_texts(cycle_id);

    UPDATE calibration_session s SET status = 'released' WHERE s.review_cycle_id = cycle_id AND s.status = 'finalized';
    UPDATE review_cycle c SET status = 'released', released_at = now(),
           lot_key = (SELECT s.lot_key FROM review_cycle_secret s WHERE s.review_cycle_id = cycle_id)
    WHERE c.review_cycle_id = cycle_id;
    DELETE FROM review_cycle_secret s WHERE s.review_cycle_id = cycle_id;
    RETURN labels;
END
$$;
COMMENT ON FUNCTION release_forte(int, text) IS
'Makes the tiers of a calibrated cycle final and releases to employees their label, the manager''s summary, and the scores and texts of raters as release_cells() chooses them; shows the key of the lots; returns the number of labels. A named person with hr, recorded as a decision. Once a cycle: nothing changes after. Errors: PM004 not in calibration, released before, Forte is open, a session is not finalized, or inputs changed since calibrate(); PM006 no appointment.';
GRANT EXECUTE ON FUNCTION release_forte(int, text) TO perfmgmt_hr;

CREATE OR REPLACE FUNCTION write_release_scores(cycle_id int) RETURNS void
LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
    WITH form AS (
        SELECT (SELECT max(p.ordinal) FROM principle p WHERE p.policy_id = c.policy_id) AS principles, r.minimum_raters,
               (SELECT array_agg(q.question ORDER BY q.question_position) FROM question_positions() q) AS questions
        FROM review_cycle c JOIN anonymity_rule r USING (policy_id) WHERE c.review_cycle_id = cycle_id
    ), shown AS MATERIALIZED (
        SELECT c.* FROM release_cells(cycle_id) c WHERE c.is_comparable
    ), behind AS (
        INSERT INTO release_group (employee_id, review_cycle_id, relation, is_anonymous, author_ids, questions)
        SELECT s.employee_id, cycle_id, s.relation, s.is_anonymous, s.author_ids,
               CASE WHEN s.texts = 0 THEN '{}'
                    ELSE ARRAY(SELECT q FROM unnest(f.questions) WITH ORDINALITY AS u(q, n) WHERE s.texts & (1 << (n - 1)::int) <> 0) END
        FROM shown s CROSS JOIN form f
    )
    INSERT INTO forte_score (employee_id, review_cycle_id, relation, raters, principle_scores, questions, question_scores)
    SELECT s.employee_id, cycle_id, s.relation,
           CASE WHEN NOT s.is_anonymous THEN CASE cardinality(s.author_ids) WHEN 1 THEN 'one' ELSE cardinality(s.author_ids)::text END
                WHEN cardinality(s.author_ids) < 2 * f.minimum_raters
                    THEN format('%s to %s', f.minimum_raters, 2 * f.minimum_raters - 1)
                ELSE format('%s or more', 2 * f.minimum_raters) END,
           s.scores[:f.principles], f.questions, s.scores[f.principles + 1:f.principles + cardinality(f.questions)]
    FROM shown s CROSS JOIN form f
    ORDER BY random()
$$;
COMMENT ON FUNCTION write_release_scores(int) IS 'Writes release_cells() into forte_score, and into release_group who is behind it; only release_forte() calls it.';

CREATE OR REPLACE FUNCTION write_release_texts(cycle_id int) RETURNS void
LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
    INSERT INTO forte_text (employee_id, review_cycle_id, forte_text_id, relation, question, item_text)
    SELECT f.employee_id, cycle_id, gen_random_uuid() AS random_id, g.relation, i.question, i.item_text
    FROM release_group g
    JOIN feedback f ON f.employee_id = g.employee_id AND f.review_cycle_id = cycle_id AND f.author_id = ANY (g.author_ids) AND f.version > 0
    JOIN feedback_item i ON i.employee_id = f.employee_id AND i.feedback_id = f.feedback_id AND i.item_text IS NOT NULL
        AND i.question = ANY (g.questions)
    WHERE g.review_cycle_id = cycle_id
    ORDER BY random_id
$$;
COMMENT ON FUNCTION write_release_texts(int) IS 'Writes the texts of release_group into forte_text, in random order; only release_forte() calls it.';

CREATE OR REPLACE FUNCTION forte_release_preview(cycle_id int)
RETURNS TABLE (employee_id int, full_name text, relation text, raters int, shown_as text, answers int, answers_shown int, why text)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
SET search_path FROM CURRENT
SET enable_nestloop = off
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    k int := (SELECT r.minimum_raters FROM review_cycle c JOIN anonymity_rule r USING (policy_id) WHERE c.review_cycle_id = $1);
BEGIN
    PERFORM require_appointment('hr');
    IF k IS NULL THEN
        RAISE EXCEPTION 'review cycle % does not exist', $1 USING ERRCODE = 'PM004';
    END IF;
    RETURN QUERY
    WITH rater AS (
        SELECT a.employee_id, a.author_id, a.relation,
               sum(coalesce(cardinality(array_remove(a.scores, NULL)), 0) + (a.texts IS NOT NULL)::int)::int AS answers
        FROM release_answer a
        WHERE a.review_cycle_id = $1 AND a.is_anonymous AND a.employee_id <> actor_id()
        GROUP BY a.employee_id, a.author_id, a.relation
    ), cell AS (
        SELECT c.employee_id, c.relation, c.author_ids, c.is_comparable,
               cardinality(array_remove(c.scores, NULL)) + length(replace(c.texts::bit(24)::text, '0', '')) AS answers
        FROM release_cells($1) c WHERE c.is_anonymous
    ), fate AS (
        SELECT r.employee_id, r.relation, c.relation AS shown_as, c.is_comparable, count(*)::int AS raters,
               sum(r.answers)::int AS answers, coalesce(sum(c.answers) FILTER (WHERE c.is_comparable), 0)::int AS answers_shown,
               sum(count(*)) OVER (PARTITION BY r.employee_id, r.relation) AS of_relation
        FROM rater r
        LEFT JOIN (SELECT c.*, u.author_id FROM cell c CROSS JOIN LATERAL unnest(c.author_ids) AS u(author_id)) c
            ON c.employee_id = r.employee_id AND c.author_id = r.author_id
        GROUP BY r.employee_id, r.relation, c.relation, c.is_comparable
    )
    SELECT f.employee_id, e.full_name, f.relation, f.raters, CASE WHEN f.is_comparable THEN f.shown_as END, f.answers, f.answers_shown,
           CASE WHEN NOT f.is_comparable THEN format('compared with an earlier release of the same time, fewer than %s would stand alone', k)
                WHEN f.shown_as IS NULL AND f.of_relation < k THEN format('fewer than %s, also as colleagues', k)
                WHEN f.shown_as IS NULL THEN format('fewer than %s left beside those who are shown', k)
                WHEN f.shown_as <> f.relation AND f.of_relation < k THEN format('fewer than %s: joined with other relations', k)
                WHEN f.shown_as <> f.relation THEN 'answered less than those who are shown by themselves'
                ELSE 'not answered by all who are shown' END
    FROM fate f JOIN employee e ON e.employee_id = f.employee_id
    WHERE f.shown_as IS DISTINCT FROM f.relation OR NOT f.is_comparable OR f.answers > f.answers_shown
    UNION ALL
    SELECT o.employee_id, e.full_name, NULL, NULL, NULL, NULL, NULL,
           CASE WHEN o.forte_label IS NULL THEN 'no label: ratings are missing' ELSE 'no label: the manager wrote no summary' END
    FROM overall_value o
    JOIN employee e USING (employee_id)
    JOIN participation p USING (employee_id, review_cycle_id)
    JOIN eligibility g USING (eligibility)
    LEFT JOIN current_assessment a USING (employee_id, review_cycle_id)
    WHERE o.review_cycle_id = $1 AND g.is_rated AND o.employee_id <> actor_id() AND (o.forte_label IS NULL OR a.summary IS NULL)
    ORDER BY 1, 3 NULLS FIRST, 5;
END
$$;
COMMENT ON FUNCTION forte_release_preview(int) IS
'What release_forte() would leave out or join, and why: a row a person, relation and fate of its raters, or without a relation when there is no label. Changes nothing. HR, not about oneself. Errors: PM004 no such cycle; PM006 no appointment.';
GRANT EXECUTE ON FUNCTION forte_release_preview(int) TO perfmgmt_hr;

-- The actor's own row of a released cycle.
CREATE OR REPLACE FUNCTION own_released_participation(cycle_id int) RETURNS participation
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
DECLARE
    part participation;
BEGIN
    SELECT p.* INTO part FROM participation p JOIN review_cycle c USING (review_cycle_id)
    WHERE p.employee_id = actor_id() AND p.review_cycle_id = cycle_id AND c.status = 'released'
      AND EXISTS (SELECT FROM forte_label l WHERE l.employee_id = p.employee_id AND l.review_cycle_id = cycle_id);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no released result of yours in cycle %', cycle_id USING ERRCODE = 'PM004';
    END IF;
    RETURN part;
END
$$;
COMMENT ON FUNCTION own_released_participation(int) IS 'The participation of the actor in a released cycle; error PM004 when nothing was released to the actor.';

CREATE OR REPLACE FUNCTION acknowledge_review(cycle_id int, comment text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    part participation := own_released_participation(cycle_id);
BEGIN
    INSERT INTO review_acknowledgement (employee_id, review_cycle_id, comment, manager_chain)
    VALUES (part.employee_id, acknowledge_review.cycle_id, acknowledge_review.comment, part.manager_chain)
    ON CONFLICT (employee_id, review_cycle_id) DO UPDATE SET comment = coalesce(excluded.comment, review_acknowledgement.comment);
END
$$;
COMMENT ON FUNCTION acknowledge_review(int, text) IS 'Notes that the actor has read the own result, with a comment; a later call may change the comment. Reading is not agreeing. Error PM004 before a release.';

CREATE OR REPLACE FUNCTION dispute_rating(cycle_id int, dispute_text text) RETURNS int
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
DECLARE
    part participation := own_released_participation(cycle_id);
    new_id int;
BEGIN
    IF (SELECT c.released_at + interval '14 days' < now() FROM review_cycle c WHERE c.review_cycle_id = cycle_id) THEN
        RAISE EXCEPTION 'the 14 days to dispute this result are over' USING ERRCODE = 'PM004';
    END IF;
    IF EXISTS (SELECT FROM rating_dispute d WHERE d.employee_id = part.employee_id AND d.review_cycle_id = cycle_id) THEN
        RAISE EXCEPTION 'you disputed this result before' USING ERRCODE = 'PM004';
    END IF;
    INSERT INTO rating_dispute (employee_id, review_cycle_id, dispute_text, manager_chain)
    VALUES (part.employee_id, cycle_id, dispute_rating.dispute_text, part.manager_chain)
    RETURNING rating_dispute_id INTO new_id;
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION dispute_rating(int, text) IS 'The actor disputes the own released result, once and within 14 days; returns the rating_dispute_id. Error PM004 otherwise.';

-- The table of disputes is the leaders'; an employee reads the own ones here.
CREATE OR REPLACE FUNCTION own_disputes()
RETURNS TABLE (review_cycle_id int, dispute_text text, opened_at timestamptz, outcome text, resolution text, closed_at timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 1
SET search_path FROM CURRENT
AS $$
    SELECT d.review_cycle_id, d.dispute_text, d.opened_at, d.outcome, d.resolution, d.closed_at
    FROM rating_dispute d WHERE d.employee_id = actor_id() ORDER BY d.rating_dispute_id
$$;
COMMENT ON FUNCTION own_disputes() IS 'The actor''s own disputes with their answers.';

CREATE OR REPLACE FUNCTION dispute_conflict(dispute rating_dispute, person_id int) RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
    SELECT person_id = dispute.employee_id OR dispute.manager_chain @> ARRAY[person_id] OR EXISTS (
        SELECT FROM employee e
        WHERE (e.employee_id = person_id AND e.manager_chain @> ARRAY[dispute.employee_id])
           OR (e.employee_id = dispute.employee_id AND e.manager_chain @> ARRAY[person_id]))
$$;
COMMENT ON FUNCTION dispute_conflict(rating_dispute, int) IS 'Whether somebody is the person who disputes, or stands above (in the cycle or today) or below.';

CREATE OR REPLACE FUNCTION assign_dispute_reviewer(dispute_id int, new_reviewer_id int) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
DECLARE
    dispute rating_dispute;
BEGIN
    PERFORM require_appointment('hr');
    SELECT d.* INTO dispute FROM rating_dispute d
    WHERE d.rating_dispute_id = dispute_id AND d.outcome = 'open' AND d.employee_id <> actor_id() FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no open dispute %', dispute_id USING ERRCODE = 'PM004';
    END IF;
    IF dispute_conflict(dispute, new_reviewer_id) THEN
        RAISE EXCEPTION 'this person cannot review the dispute' USING ERRCODE = 'PM005',
            DETAIL = 'A reviewer is neither the person, nor above, nor below.';
    END IF;
    UPDATE rating_dispute d SET reviewer_id = new_reviewer_id WHERE d.rating_dispute_id = dispute_id;
END
$$;
COMMENT ON FUNCTION assign_dispute_reviewer(int, int) IS 'Names who reviews a dispute: neither the person, nor above, nor below. HR. Errors: PM004 no open dispute; PM005 conflict.';

CREATE OR REPLACE FUNCTION resolve_dispute(dispute_id int, new_outcome text, new_resolution text,
    new_tier text DEFAULT NULL, new_label text DEFAULT NULL) RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
DECLARE
    dispute rating_dispute;
    rules_id int;
BEGIN
    SELECT d.* INTO dispute FROM rating_dispute d
    WHERE d.rating_dispute_id = dispute_id AND d.outcome = 'open' AND d.reviewer_id = actor_id() FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no open dispute % for you to review', dispute_id USING ERRCODE = 'PM004';
    END IF;
    IF dispute_conflict(dispute, actor_id()) THEN
        RAISE EXCEPTION 'you can no longer review this dispute' USING ERRCODE = 'PM005',
            DETAIL = 'A reviewer is neither the person, nor above, nor below.', HINT = 'HR names another reviewer.';
    END IF;
    IF btrim(coalesce(new_resolution, '')) = '' THEN
        RAISE EXCEPTION 'an answer needs its reasons' USING ERRCODE = '22004';
    END IF;
    IF new_outcome = 'upheld' THEN
        UPDATE rating_dispute d SET outcome = 'upheld', resolution = new_resolution, closed_at = now()
        WHERE d.rating_dispute_id = dispute_id;
        RETURN NULL;
    END IF;
    rules_id := (SELECT c.policy_id FROM review_cycle c WHERE c.review_cycle_id = dispute.review_cycle_id);
    IF new_outcome IS DISTINCT FROM 'corrected'
       OR NOT EXISTS (SELECT FROM tier t WHERE t.policy_id = rules_id AND t.tier = new_tier)
       OR NOT EXISTS (SELECT FROM rating_level l WHERE l.policy_id = rules_id AND l.axis = 'performance_band' AND l.forte_wording = new_label) THEN
        RAISE EXCEPTION 'a dispute is upheld, or corrected with a tier and a label of the policy' USING ERRCODE = '22023';
    END IF;
    RETURN propose_decision('rating_correction', dispute.employee_id, dispute.review_cycle_id,
        jsonb_build_object('rating_dispute_id', dispute_id, 'tier', new_tier, 'forte_label', new_label), new_resolution);
END
$$;
COMMENT ON FUNCTION resolve_dispute(int, text, text, text, text) IS
'The reviewer''s answer: upheld closes the dispute (returns NULL); corrected, with the right tier and label, is a proposal that a second person with hr approves (returns the decision_id). Errors: PM004 not the reviewer''s; PM005 the reviewer moved into the line; 22004 no reasons; 22023.';

CREATE OR REPLACE FUNCTION apply_rating_correction(approved decision) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
    tier_before text;
BEGIN
    PERFORM FROM rating_dispute d
    WHERE d.rating_dispute_id = (approved.target ->> 'rating_dispute_id')::int AND d.outcome = 'open' FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the dispute was answered before' USING ERRCODE = 'PM004';
    END IF;
    SELECT o.final_tier INTO tier_before FROM overall_value o
    WHERE o.employee_id = approved.employee_id AND o.review_cycle_id = approved.review_cycle_id FOR UPDATE;
    UPDATE overall_value o SET final_tier = approved.target ->> 'tier', forte_label = approved.target ->> 'forte_label'
    WHERE o.employee_id = approved.employee_id AND o.review_cycle_id = approved.review_cycle_id;
    INSERT INTO forte_label (employee_id, review_cycle_id, full_name, level_code, forte_label, release_number)
    SELECT l.employee_id, l.review_cycle_id, l.full_name, l.level_code, approved.target ->> 'forte_label', l.release_number + 1
    FROM forte_label l
    WHERE l.employee_id = approved.employee_id AND l.review_cycle_id = approved.review_cycle_id
    ORDER BY l.release_number DESC LIMIT 1;
    UPDATE rating_dispute d SET outcome = 'corrected', resolution = approved.reason, closed_at = now(),
           consequences = format('final tier %s -> %s: look again at pay and at promotion packets that used it',
                                 tier_before, approved.target ->> 'tier')
    WHERE d.rating_dispute_id = (approved.target ->> 'rating_dispute_id')::int;
END
$$;
COMMENT ON FUNCTION apply_rating_correction(decision) IS 'Releases the corrected label and tier and closes the dispute; only apply_decision() calls it.';

CREATE OR REPLACE FUNCTION add_development_goal(about_id int, cycle_id int, growth_area text, action text, review_on date) RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
DECLARE
    chain int[];
    new_id int;
BEGIN
    -- for the person or a manager above; anybody else gets the same answer as when there is nothing
    chain := (SELECT e.manager_chain FROM employee e
              WHERE e.employee_id = about_id AND (about_id = actor_id() OR e.manager_chain @> ARRAY[actor_id()])
                AND EXISTS (SELECT FROM forte_label l WHERE l.employee_id = about_id AND l.review_cycle_id = cycle_id));
    IF chain IS NULL THEN
        RAISE EXCEPTION 'there is no released result in cycle % for you to follow up', cycle_id USING ERRCODE = 'PM004',
            HINT = 'A development goal is written after the release, by the person or a manager above.';
    END IF;
    INSERT INTO development_goal (employee_id, from_cycle_id, growth_area, action, review_on, given_by, manager_chain)
    VALUES (about_id, cycle_id, add_development_goal.growth_area, add_development_goal.action, add_development_goal.review_on, actor_id(), chain)
    RETURNING development_goal_id INTO new_id;
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION add_development_goal(int, int, text, text, date) IS
'Writes a development goal of the actor or of somebody below: growth area, action, and the day to look at it again. Never scored. Returns the development_goal_id. Error PM004 before the release, or for anybody else.';

CREATE OR REPLACE FUNCTION close_development_goal(goal_id int, outcome text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
    IF btrim(coalesce(close_development_goal.outcome, '')) = '' THEN
        RAISE EXCEPTION 'a goal is closed with its outcome' USING ERRCODE = '22004';
    END IF;
    UPDATE development_goal g SET outcome = close_development_goal.outcome, closed_at = now()
    WHERE g.development_goal_id = goal_id AND g.closed_at IS NULL
      AND (g.employee_id = actor_id() OR g.manager_chain @> ARRAY[actor_id()]);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no open development goal % for you to close', goal_id USING ERRCODE = 'PM004';
    END IF;
END
$$;
COMMENT ON FUNCTION close_development_goal(int, text) IS 'Closes a development goal of the actor or of somebody below, with what came of it. Errors: PM004 no such open goal; 22004 no outcome.';

CREATE OR REPLACE FUNCTION own_development_goals()
RETURNS TABLE (development_goal_id int, from_cycle_id int, growth_area text, action text, review_on date, given_by_name text, outcome text, closed_at timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 3
SET search_path FROM CURRENT
AS $$
    SELECT g.development_goal_id, g.from_cycle_id, g.growth_area, g.action, g.review_on, e.full_name, g.outcome, g.closed_at
    FROM development_goal g LEFT JOIN employee e ON e.employee_id = g.given_by
    WHERE g.employee_id = actor_id() ORDER BY g.review_on, g.development_goal_id
$$;
COMMENT ON FUNCTION own_development_goals() IS 'The actor''s own development goals.';

GRANT EXECUTE ON FUNCTION add_development_goal(int, int, text, text, date), close_development_goal(int, text) TO perfmgmt_employee, perfmgmt_leader;
GRANT EXECUTE ON FUNCTION own_development_goals() TO perfmgmt_employee;
GRANT EXECUTE ON FUNCTION acknowledge_review(int, text), dispute_rating(int, text), own_disputes() TO perfmgmt_employee;
GRANT EXECUTE ON FUNCTION assign_dispute_reviewer(int, int) TO perfmgmt_hr;
GRANT EXECUTE ON FUNCTION resolve_dispute(int, text, text, text, text) TO perfmgmt_leader, perfmgmt_hr;

CREATE OR REPLACE VIEW forte.my_review WITH (security_invoker = true) AS
SELECT c.review_cycle_id, c.cycle_name, c.period_start, c.period_end,
       l.full_name, l.level_code AS job_level, l.forte_label, s.manager_name, s.summary AS manager_summary
FROM forte_label l
JOIN forte_summary s USING (employee_id, review_cycle_id)
JOIN review_cycle c USING (review_cycle_id)
WHERE l.release_number = (SELECT max(n.release_number) FROM forte_label n
                          WHERE n.employee_id = l.employee_id AND n.review_cycle_id = l.review_cycle_id);
COMMENT ON VIEW forte.my_review IS 'My result of each released cycle: the label, as last corrected, with the manager''s summary.';
COMMENT ON COLUMN forte.my_review.review_cycle_id IS 'The cycle.';
COMMENT ON COLUMN forte.my_review.cycle_name IS 'Name of the cycle.';
COMMENT ON COLUMN forte.my_review.period_start IS 'First day of the period that was rated.';
COMMENT ON COLUMN forte.my_review.period_end IS 'Last day of the period that was rated.';
COMMENT ON COLUMN forte.my_review.full_name IS 'My name.';
COMMENT ON COLUMN forte.my_review.job_level IS 'My level in that cycle.';
COMMENT ON COLUMN forte.my_review.forte_label IS 'Needs Improvement, Meets High Bar or Exceeds High Bar.';
COMMENT ON COLUMN forte.my_review.manager_name IS 'Who wrote the summary.';
COMMENT ON COLUMN forte.my_review.manager_summary IS 'The manager''s text.';

CREATE OR REPLACE FUNCTION score_mean(score int) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN score > 0 THEN round(score / 2.0, 1) END;
COMMENT ON FUNCTION score_mean(int) IS 'The mean of a score of forte_score, 1.0 to 5.0; NULL for a band.';

CREATE OR REPLACE FUNCTION score_band(score int) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN score IN (-1, 2, 3, 4) THEN 'low' WHEN score IN (-2, 5, 6, 7) THEN 'middle' ELSE 'high' END;
COMMENT ON FUNCTION score_band(int) IS 'The band of a score of forte_score: low to 2.0, middle to 3.5, high from 4.0.';
GRANT EXECUTE ON FUNCTION score_mean(int), score_band(int) TO perfmgmt_employee;

CREATE OR REPLACE VIEW forte.my_principles WITH (security_invoker = true) AS
SELECT c.review_cycle_id, c.cycle_name, p.ordinal AS principle_ordinal, p.principle_name,
       s.relation, score_mean(u.score) AS mean_score, n.level_name AS mean_score_name, s.raters, score_band(u.score) AS score_band
FROM forte_score s
JOIN review_cycle c USING (review_cycle_id)
CROSS JOIN LATERAL unnest(s.principle_scores) WITH ORDINALITY AS u(score, ordinal)
JOIN principle p ON p.policy_id = c.policy_id AND p.ordinal = u.ordinal
LEFT JOIN rating_level n ON n.policy_id = c.policy_id AND n.axis = 'leadership_principle' AND n.level = u.score / 2
WHERE u.score IS NOT NULL;
COMMENT ON VIEW forte.my_principles IS 'How my leadership principles were seen, by relation, where enough people answered.';
COMMENT ON COLUMN forte.my_principles.review_cycle_id IS 'The cycle.';
COMMENT ON COLUMN forte.my_principles.cycle_name IS 'Name of the cycle.';
COMMENT ON COLUMN forte.my_principles.principle_ordinal IS 'Position of the principle in the policy.';
COMMENT ON COLUMN forte.my_principles.principle_name IS 'Name of the principle.';
COMMENT ON COLUMN forte.my_principles.relation IS 'self, manager, peer, stakeholder, direct_report, or colleagues: who is left over of several relations, joined.';
COMMENT ON COLUMN forte.my_principles.mean_score IS 'Mean score 1.0 to 5.0, to half a level. Of an anonymous group a whole level is not shown: see the band.';
COMMENT ON COLUMN forte.my_principles.mean_score_name IS 'Name of the level, rounded down; NULL where the band alone is shown.';
COMMENT ON COLUMN forte.my_principles.raters IS 'How many people, coarsely.';
COMMENT ON COLUMN forte.my_principles.score_band IS 'low to 2.0, middle to 3.5, high from 4.0.';

CREATE OR REPLACE VIEW forte.my_behaviours WITH (security_invoker = true) AS
SELECT c.review_cycle_id, c.cycle_name, q.question_order, q.question_name,
       s.relation, score_mean(u.score) AS mean_score, score_band(u.score) AS score_band, s.raters
FROM forte_score s
JOIN review_cycle c USING (review_cycle_id)
CROSS JOIN LATERAL unnest(s.questions, s.question_scores) AS u(question, score)
JOIN feedback_question q ON q.question = u.question
WHERE u.score IS NOT NULL;
COMMENT ON VIEW forte.my_behaviours IS 'How the questions of the form were scored about me, by relation, where enough people answered. These scores enter no rating.';
COMMENT ON COLUMN forte.my_behaviours.review_cycle_id IS 'The cycle.';
COMMENT ON COLUMN forte.my_behaviours.cycle_name IS 'Name of the cycle.';
COMMENT ON COLUMN forte.my_behaviours.question_order IS 'Order of the questions in the form.';
COMMENT ON COLUMN forte.my_behaviours.question_name IS 'Name of the question.';
COMMENT ON COLUMN forte.my_behaviours.relation IS 'self, manager, peer, stakeholder, direct_report, or colleagues: who is left over of several relations, joined.';
COMMENT ON COLUMN forte.my_behaviours.mean_score IS 'Mean score 1.0 to 5.0, to half a level. Of an anonymous group a whole level is not shown: see the band.';
COMMENT ON COLUMN forte.my_behaviours.score_band IS 'low to 2.0, middle to 3.5, high from 4.0.';
COMMENT ON COLUMN forte.my_behaviours.raters IS 'How many people, coarsely.';

CREATE OR REPLACE VIEW forte.my_feedback WITH (security_invoker = true) AS
SELECT c.review_cycle_id, c.cycle_name, q.question_order, q.question_name, t.relation, t.item_text AS feedback
FROM forte_text t
JOIN review_cycle c USING (review_cycle_id)
JOIN feedback_question q ON q.question = t.question
ORDER BY t.review_cycle_id, q.question_order, t.forte_text_id;
COMMENT ON VIEW forte.my_feedback IS 'What was written about me, question by question, where enough people answered; in random order.';
COMMENT ON COLUMN forte.my_feedback.review_cycle_id IS 'The cycle.';
COMMENT ON COLUMN forte.my_feedback.cycle_name IS 'Name of the cycle.';
COMMENT ON COLUMN forte.my_feedback.question_order IS 'Order of the questions in the form.';
COMMENT ON COLUMN forte.my_feedback.question_name IS 'Name of the question.';
COMMENT ON COLUMN forte.my_feedback.relation IS 'self, manager, peer, stakeholder, direct_report, or colleagues: who is left over of several relations, joined.';
COMMENT ON COLUMN forte.my_feedback.feedback IS 'The text.';

CREATE OR REPLACE VIEW forte.my_history WITH (security_invoker = true) AS
SELECT c.review_cycle_id, c.cycle_name, c.period_start, c.period_end, l.level_code AS job_level, l.forte_label, l.release_number,
       l.release_number = max(l.release_number) OVER (PARTITION BY l.review_cycle_id) AS is_current
FROM forte_label l
JOIN review_cycle c USING (review_cycle_id)
ORDER BY c.period_end, c.review_cycle_id, l.release_number;
COMMENT ON VIEW forte.my_history IS 'My labels over the cycles, those that a dispute corrected too.';
COMMENT ON COLUMN forte.my_history.review_cycle_id IS 'The cycle.';
COMMENT ON COLUMN forte.my_history.cycle_name IS 'Name of the cycle.';
COMMENT ON COLUMN forte.my_history.period_start IS 'First day of the period that was rated.';
COMMENT ON COLUMN forte.my_history.period_end IS 'Last day of the period that was rated.';
COMMENT ON COLUMN forte.my_history.job_level IS 'My level in that cycle.';
COMMENT ON COLUMN forte.my_history.forte_label IS 'Needs Improvement, Meets High Bar or Exceeds High Bar.';
COMMENT ON COLUMN forte.my_history.release_number IS '1: as first released; each correction counts up.';
COMMENT ON COLUMN forte.my_history.is_current IS 'Whether it counts; false for a label that was corrected.';

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
    SELECT 5, 'Highest among what you can see of others: ' || string_agg(DISTINCT v.principle_name, ', ')
           || format(' (%s).', coalesce(max(v.mean_score)::text, max(v.score_band)))
    FROM (SELECT m.principle_name, m.mean_score, m.score_band,
                 rank() OVER (ORDER BY coalesce(m.mean_score, CASE m.score_band WHEN 'low' THEN 2 WHEN 'middle' THEN 3 ELSE 4 END) DESC) AS place
          FROM forte.my_principles m
          WHERE m.review_cycle_id = l.review_cycle_id AND m.relation <> 'self') v
    WHERE v.place = 1
    HAVING count(*) > 0
    UNION ALL
    SELECT 6, 'Lowest among what you can see of others: ' || string_agg(DISTINCT v.principle_name, ', ')
           || format(' (%s).', coalesce(max(v.mean_score)::text, max(v.score_band)))
    FROM (SELECT m.principle_name, m.mean_score, m.score_band,
                 rank() OVER (ORDER BY coalesce(m.mean_score, CASE m.score_band WHEN 'low' THEN 2 WHEN 'middle' THEN 3 ELSE 4 END)) AS place
          FROM forte.my_principles m
          WHERE m.review_cycle_id = l.review_cycle_id AND m.relation <> 'self') v
    WHERE v.place = 1
    HAVING count(*) > 0
    UNION ALL
    SELECT 7, format('Very high principle ratings count as a role model''s for at most %s %% of a group.', p.role_model_percent)
    FROM policy p WHERE p.policy_id = c.policy_id
    UNION ALL
    SELECT 8, 'Counts of activity, such as commits or lines of code, are no input.'
) AS line
WHERE l.release_number = (SELECT max(n.release_number) FROM forte_label n
                          WHERE n.employee_id = l.employee_id AND n.review_cycle_id = l.review_cycle_id);
COMMENT ON VIEW forte.my_explanation IS 'In words, which visible inputs gave my label.';
COMMENT ON COLUMN forte.my_explanation.review_cycle_id IS 'The cycle.';
COMMENT ON COLUMN forte.my_explanation.cycle_name IS 'Name of the cycle.';
COMMENT ON COLUMN forte.my_explanation.step IS 'Order of the sentences.';
COMMENT ON COLUMN forte.my_explanation.explanation IS 'A sentence.';
GRANT SELECT ON forte.my_review, forte.my_principles, forte.my_behaviours, forte.my_feedback, forte.my_history,
    forte.my_explanation TO perfmgmt_employee;

CREATE OR REPLACE VIEW forte.my_plan WITH (security_invoker = true) AS
SELECT f.pip_case_id, f.stage, s.description AS stage_name, f.is_open, f.is_paused, f.due_on,
       f.plan_version, f.plan_text, f.milestones, f.acknowledged_at IS NOT NULL AS plan_acknowledged,
       f.offer_kind, f.offer_weeks, f.offer_amount, f.offer_currency, f.offer_open_until, f.offer_revocable_until
FROM forte_plan f JOIN pip_stage s USING (stage);
COMMENT ON VIEW forte.my_plan IS 'Where my case stands once Pivot was offered: until when I can choose, the plan, and the offer that applies.';
COMMENT ON COLUMN forte.my_plan.pip_case_id IS 'The case.';
COMMENT ON COLUMN forte.my_plan.stage IS 'Code of the stage.';
COMMENT ON COLUMN forte.my_plan.stage_name IS 'The stage in words.';
COMMENT ON COLUMN forte.my_plan.is_open IS 'Whether the case is open.';
COMMENT ON COLUMN forte.my_plan.is_paused IS 'Whether it stands still; the dates will move by the pause.';
COMMENT ON COLUMN forte.my_plan.due_on IS 'The next date: to choose, the end of the plan, the answer of the panel, or until when an accepted offer can be revoked.';
COMMENT ON COLUMN forte.my_plan.plan_version IS 'Version of the plan.';
COMMENT ON COLUMN forte.my_plan.plan_text IS 'The plan.';
COMMENT ON COLUMN forte.my_plan.milestones IS 'What the plan asks for, by when, and the result; a line each.';
COMMENT ON COLUMN forte.my_plan.plan_acknowledged IS 'Whether I acknowledged this version.';
COMMENT ON COLUMN forte.my_plan.offer_kind IS 'tier1, tier2 or minimal; NULL when none applies.';
COMMENT ON COLUMN forte.my_plan.offer_weeks IS 'Weeks of pay.';
COMMENT ON COLUMN forte.my_plan.offer_amount IS 'The amount, when my pay is known here.';
COMMENT ON COLUMN forte.my_plan.offer_currency IS 'Currency of the amount.';
COMMENT ON COLUMN forte.my_plan.offer_open_until IS 'Last day to accept.';
COMMENT ON COLUMN forte.my_plan.offer_revocable_until IS 'Before this day I can take an acceptance back.';
GRANT SELECT ON forte.my_plan TO perfmgmt_employee;
