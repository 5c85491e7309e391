-- olr: what leaders and HR see, under the row security of the records.

-- replace

CREATE OR REPLACE VIEW olr.rating WITH (security_invoker = true) AS
SELECT o.review_cycle_id,
       c.cycle_name,
       c.status AS cycle_status,
       o.employee_id,
       e.external_id,
       e.full_name,
       p.level_code AS job_level,
       p.manager_id,
       m.full_name AS manager_name,
       p.eligibility,
       pool.pool_name,
       o.job_performance,
       nj.level_name AS job_performance_name,
       round(o.lp_points / 10000.0, 4) AS lp_score,
       o.lp_tier,
       nl.level_name AS lp_tier_name,
       o.lp_tier < o.lp_tier_before_cap AS role_model_capped,
       o.potential,
       np.level_name AS potential_name,
       o.performance_band,
       o.forte_label,
       o.ov_points,
       (o.ov_points / 10000.0)::numeric(5,4) AS ov_score,
       array_to_string(o.missing, ', ') AS missing,
       o.proposed_tier,
       t1.tier_order AS proposed_tier_order,
       o.quota_tier,
       t2.tier_order AS quota_tier_order,
       o.calibrated_tier,
       t3.tier_order AS calibrated_tier_order,
       o.final_tier,
       t4.tier_order AS final_tier_order
FROM overall_value o
JOIN review_cycle c USING (review_cycle_id)
JOIN participation p USING (employee_id, review_cycle_id)
JOIN employee e ON e.employee_id = o.employee_id
JOIN calibration_pool pool USING (calibration_pool_id)
LEFT JOIN employee m ON m.employee_id = p.manager_id
LEFT JOIN rating_level nj ON nj.policy_id = o.policy_id AND nj.axis = 'job_performance' AND nj.level = o.job_performance
LEFT JOIN rating_level nl ON nl.policy_id = o.policy_id AND nl.axis = 'lp_tier' AND nl.level = o.lp_tier
LEFT JOIN rating_level np ON np.policy_id = o.policy_id AND np.axis = 'potential' AND np.level = o.potential
LEFT JOIN tier t1 ON t1.policy_id = o.policy_id AND t1.tier = o.proposed_tier
LEFT JOIN tier t2 ON t2.policy_id = o.policy_id AND t2.tier = o.quota_tier
LEFT JOIN tier t3 ON t3.policy_id = o.policy_id AND t3.tier = o.calibrated_tier
LEFT JOIN tier t4 ON t4.policy_id = o.policy_id AND t4.tier = o.final_tier;
COMMENT ON VIEW olr.rating IS 'A row a person and cycle: the three axes, the Overall Value and the four tiers. Leaders see the people below them, HR everybody, nobody oneself.';
COMMENT ON COLUMN olr.rating.review_cycle_id IS 'The cycle.';
COMMENT ON COLUMN olr.rating.cycle_name IS 'Name of the cycle.';
COMMENT ON COLUMN olr.rating.cycle_status IS 'Status of the cycle.';
COMMENT ON COLUMN olr.rating.employee_id IS 'The person.';
COMMENT ON COLUMN olr.rating.external_id IS 'Key of the person in the HR system.';
COMMENT ON COLUMN olr.rating.full_name IS 'Name of the person.';
COMMENT ON COLUMN olr.rating.job_level IS 'Level when the cycle opened.';
COMMENT ON COLUMN olr.rating.manager_id IS 'Manager of record.';
COMMENT ON COLUMN olr.rating.manager_name IS 'Name of the manager of record.';
COMMENT ON COLUMN olr.rating.eligibility IS 'How the person takes part.';
COMMENT ON COLUMN olr.rating.pool_name IS 'Calibration pool.';
COMMENT ON COLUMN olr.rating.job_performance IS 'What was delivered, 1 to 5.';
COMMENT ON COLUMN olr.rating.job_performance_name IS 'Name of that level.';
COMMENT ON COLUMN olr.rating.lp_score IS 'Leadership principles, mean 1.0000 to 5.0000.';
COMMENT ON COLUMN olr.rating.lp_tier IS 'LP tier after the role-model cap: -1, 0, 1.';
COMMENT ON COLUMN olr.rating.lp_tier_name IS 'Name of that LP tier.';
COMMENT ON COLUMN olr.rating.role_model_capped IS 'Whether the person fell to the role-model cap.';
COMMENT ON COLUMN olr.rating.potential IS 'Readiness for more, 1 to 4.';
COMMENT ON COLUMN olr.rating.potential_name IS 'Name of that level.';
COMMENT ON COLUMN olr.rating.performance_band IS 'Job performance + LP tier + 1, 1 to 7.';
COMMENT ON COLUMN olr.rating.forte_label IS 'The label that the employee gets.';
COMMENT ON COLUMN olr.rating.ov_points IS '10,000 x tier_order + composite.';
COMMENT ON COLUMN olr.rating.ov_score IS 'OV points / 10,000.';
COMMENT ON COLUMN olr.rating.missing IS 'Axes without a value; empty when there is an Overall Value.';
COMMENT ON COLUMN olr.rating.proposed_tier IS 'Tier of the matrix.';
COMMENT ON COLUMN olr.rating.proposed_tier_order IS 'LE 0 to TT 4.';
COMMENT ON COLUMN olr.rating.quota_tier IS 'Tier after the forced distribution.';
COMMENT ON COLUMN olr.rating.quota_tier_order IS 'LE 0 to TT 4.';
COMMENT ON COLUMN olr.rating.calibrated_tier IS 'Tier of the session.';
COMMENT ON COLUMN olr.rating.calibrated_tier_order IS 'LE 0 to TT 4.';
COMMENT ON COLUMN olr.rating.final_tier IS 'Tier at release.';
COMMENT ON COLUMN olr.rating.final_tier_order IS 'LE 0 to TT 4.';

-- Groups of people with an Overall Value, as far as the reader may see them. A
-- session shows the union of the sessions below it.
CREATE OR REPLACE VIEW olr.session_distribution WITH (security_invoker = true) AS
WITH RECURSIVE session_line AS (
    SELECT s.calibration_session_id AS seated_in, s.calibration_session_id, s.parent_session_id FROM calibration_session s
    UNION ALL
    SELECT l.seated_in, s.calibration_session_id, s.parent_session_id
    FROM session_line l JOIN calibration_session s ON s.calibration_session_id = l.parent_session_id
), counted AS (
    SELECT t.* FROM count_tiers() t
), member AS (
    SELECT 'company' AS scope, c.review_cycle_id AS scope_id, c.review_cycle_id, c.policy_id, c.tier, c.n FROM counted c
    UNION ALL
    SELECT 'group', c.calibration_pool_id, c.review_cycle_id, c.policy_id, c.tier, c.n FROM counted c WHERE c.takes_seat
    UNION ALL
    SELECT 'session', l.calibration_session_id, c.review_cycle_id, c.policy_id, c.tier, c.n
    FROM counted c JOIN session_line l ON l.seated_in = c.calibration_session_id
), tallied AS (
    SELECT m.scope, m.scope_id, m.review_cycle_id, m.policy_id, m.tier, sum(m.n)::int AS n
    FROM member m GROUP BY m.scope, m.scope_id, m.review_cycle_id, m.policy_id, m.tier
), total AS (
    SELECT t.scope, t.scope_id, t.review_cycle_id, t.policy_id, sum(t.n)::int AS total
    FROM tallied t GROUP BY t.scope, t.scope_id, t.review_cycle_id, t.policy_id
), line AS (
    SELECT s.*, t.tier, t.tier_order, coalesce(c.n, 0) AS n, b.minimum_seats, b.maximum_seats,
           target.seats[5 - t.tier_order] AS target_seats, target.percents[5 - t.tier_order] AS target_percent
    FROM total s
    CROSS JOIN LATERAL (SELECT w.percents, apportion(s.total, w.percents) AS seats
                        FROM (SELECT target_percents(s.policy_id, s.total) AS percents OFFSET 0) w) AS target
    JOIN tier t ON t.policy_id = s.policy_id
    LEFT JOIN tallied c ON (c.scope, c.scope_id, c.tier) = (s.scope, s.scope_id, t.tier)
    LEFT JOIN LATERAL (SELECT x.minimum_seats, x.maximum_seats FROM bounds_in_people(s.policy_id, s.total) x
                       WHERE x.tiers = ARRAY[t.tier]) b ON true
)
SELECT l.review_cycle_id, cycle.cycle_name, l.scope, l.scope_id,
       CASE l.scope WHEN 'group' THEN pool.pool_name WHEN 'session' THEN session.session_name ELSE 'company' END AS scope_name,
       l.tier, l.tier_order, l.n, l.total, round(l.n::numeric / l.total, 4) AS tier_share,
       l.minimum_seats, l.target_seats, l.maximum_seats,
       greatest(l.minimum_seats - l.n, 0) AS seats_to_add,
       greatest(l.n - l.maximum_seats, 0) AS seats_to_remove,
       CASE WHEN l.n < l.minimum_seats THEN 'below minimum' WHEN l.n > l.maximum_seats THEN 'above maximum' ELSE 'within bounds' END AS status,
       CASE l.scope WHEN 'session' THEN true WHEN 'group' THEN l.total = pool.ranked_people
            ELSE l.total = (SELECT sum(q.rated_people) FROM calibration_pool q WHERE q.review_cycle_id = l.review_cycle_id) END AS is_complete,
       overlay(rpad(repeat('#', (l.n * 50 + l.total - 1) / l.total), 50) PLACING '|' FROM greatest(l.target_percent / 2, 1)) AS bar
FROM line l
JOIN review_cycle cycle USING (review_cycle_id)
LEFT JOIN calibration_pool pool ON l.scope = 'group' AND pool.calibration_pool_id = l.scope_id
LEFT JOIN calibration_session session ON l.scope = 'session' AND session.calibration_session_id = l.scope_id;
COMMENT ON VIEW olr.session_distribution IS 'Tiers against their targets, for the company, for each group that forms a pool and for each session with those below it, counted over the people that the reader may see. The tier is the final one, else calibrated, else quota.';
COMMENT ON COLUMN olr.session_distribution.review_cycle_id IS 'The cycle.';
COMMENT ON COLUMN olr.session_distribution.cycle_name IS 'Name of the cycle.';
COMMENT ON COLUMN olr.session_distribution.scope IS 'company, group (one that forms a pool) or session.';
COMMENT ON COLUMN olr.session_distribution.scope_id IS 'calibration_pool_id of a group, calibration_session_id of a session, review_cycle_id of the company.';
COMMENT ON COLUMN olr.session_distribution.scope_name IS 'Name of the group or session.';
COMMENT ON COLUMN olr.session_distribution.tier IS 'Overall Value tier.';
COMMENT ON COLUMN olr.session_distribution.tier_order IS 'LE 0 to TT 4.';
COMMENT ON COLUMN olr.session_distribution.n IS 'People in the tier, among those the reader may see.';
COMMENT ON COLUMN olr.session_distribution.total IS 'People with an Overall Value, among those the reader may see.';
COMMENT ON COLUMN olr.session_distribution.tier_share IS 'n / total, 0 to 1.';
COMMENT ON COLUMN olr.session_distribution.minimum_seats IS 'Fewest people that the policy allows, rounded outward; NULL without a minimum.';
COMMENT ON COLUMN olr.session_distribution.target_seats IS 'People that the targets give for this total.';
COMMENT ON COLUMN olr.session_distribution.maximum_seats IS 'Most people that the policy allows, rounded outward; NULL without a maximum.';
COMMENT ON COLUMN olr.session_distribution.seats_to_add IS 'People to add to reach the minimum.';
COMMENT ON COLUMN olr.session_distribution.seats_to_remove IS 'People to remove to keep the maximum.';
COMMENT ON COLUMN olr.session_distribution.status IS 'within bounds, below minimum or above maximum.';
COMMENT ON COLUMN olr.session_distribution.is_complete IS 'Whether the reader sees everybody of the scope; if not, the figures are those of a part.';
COMMENT ON COLUMN olr.session_distribution.bar IS 'A text picture: # for each two percent, | at the target.';

CREATE OR REPLACE VIEW olr.label_discrepancy WITH (security_invoker = true) AS
SELECT o.review_cycle_id, c.cycle_name, o.employee_id, e.full_name, o.forte_label,
       t.tier, t.tier_order, t.forte_wording AS usual_label,
       format('told "%s" while rated %s, which usually reads "%s"', o.forte_label, t.tier, t.forte_wording) AS discrepancy
FROM overall_value o
JOIN review_cycle c USING (review_cycle_id)
JOIN employee e USING (employee_id)
JOIN tier t ON t.policy_id = o.policy_id AND t.tier = coalesce(o.final_tier, o.calibrated_tier, o.quota_tier)
WHERE o.forte_label <> t.forte_wording;
COMMENT ON VIEW olr.label_discrepancy IS 'People whose Forte label reads otherwise than their tier usually does, to be seen before a release; those told "Meets High Bar" while rated LE first of all.';
COMMENT ON COLUMN olr.label_discrepancy.review_cycle_id IS 'The cycle.';
COMMENT ON COLUMN olr.label_discrepancy.cycle_name IS 'Name of the cycle.';
COMMENT ON COLUMN olr.label_discrepancy.employee_id IS 'The person.';
COMMENT ON COLUMN olr.label_discrepancy.full_name IS 'Name of the person.';
COMMENT ON COLUMN olr.label_discrepancy.forte_label IS 'The label that the employee gets, from the performance band.';
COMMENT ON COLUMN olr.label_discrepancy.tier IS 'The tier: final, else calibrated, else quota.';
COMMENT ON COLUMN olr.label_discrepancy.tier_order IS 'LE 0 to TT 4.';
COMMENT ON COLUMN olr.label_discrepancy.usual_label IS 'The label that usually goes with that tier.';
COMMENT ON COLUMN olr.label_discrepancy.discrepancy IS 'Both in a sentence.';

CREATE OR REPLACE VIEW olr.calibration_history WITH (security_invoker = true) AS
SELECT h.calibration_change_id, h.review_cycle_id, c.cycle_name, h.calibration_session_id, s.session_name,
       h.employee_id, e.full_name, h.old_tier, t1.tier_order AS old_tier_order, h.new_tier, t2.tier_order AS new_tier_order,
       h.change_reason, h.comment, h.changed_by, who.full_name AS changed_by_name,
       h.on_behalf_of, principal.full_name AS on_behalf_of_name, h.changed_at, h.withdraws_change_id
FROM calibration_change h
JOIN review_cycle c USING (review_cycle_id)
JOIN employee e ON e.employee_id = h.employee_id
JOIN employee who ON who.employee_id = h.changed_by
LEFT JOIN employee principal ON principal.employee_id = h.on_behalf_of
JOIN tier t1 ON t1.policy_id = h.policy_id AND t1.tier = h.old_tier
JOIN tier t2 ON t2.policy_id = h.policy_id AND t2.tier = h.new_tier
LEFT JOIN calibration_session s USING (calibration_session_id);
COMMENT ON VIEW olr.calibration_history IS 'Every move of a person to another tier: from, to, reason, comment, who, on whose behalf, when.';
COMMENT ON COLUMN olr.calibration_history.calibration_change_id IS 'The change.';
COMMENT ON COLUMN olr.calibration_history.review_cycle_id IS 'The cycle.';
COMMENT ON COLUMN olr.calibration_history.cycle_name IS 'Name of the cycle.';
COMMENT ON COLUMN olr.calibration_history.calibration_session_id IS 'The session.';
COMMENT ON COLUMN olr.calibration_history.session_name IS 'Name of the session; NULL for a reader who takes no part in it.';
COMMENT ON COLUMN olr.calibration_history.employee_id IS 'The person who was moved.';
COMMENT ON COLUMN olr.calibration_history.full_name IS 'Name of that person.';
COMMENT ON COLUMN olr.calibration_history.old_tier IS 'Tier before.';
COMMENT ON COLUMN olr.calibration_history.old_tier_order IS 'LE 0 to TT 4.';
COMMENT ON COLUMN olr.calibration_history.new_tier IS 'Tier after.';
COMMENT ON COLUMN olr.calibration_history.new_tier_order IS 'LE 0 to TT 4.';
COMMENT ON COLUMN olr.calibration_history.change_reason IS 'Reason code.';
COMMENT ON COLUMN olr.calibration_history.comment IS 'Why, in words.';
COMMENT ON COLUMN olr.calibration_history.changed_by IS 'Who moved.';
COMMENT ON COLUMN olr.calibration_history.changed_by_name IS 'Name of who moved.';
COMMENT ON COLUMN olr.calibration_history.on_behalf_of IS 'For whom, if for somebody else.';
COMMENT ON COLUMN olr.calibration_history.on_behalf_of_name IS 'Name of that person.';
COMMENT ON COLUMN olr.calibration_history.changed_at IS 'When.';
COMMENT ON COLUMN olr.calibration_history.withdraws_change_id IS 'The change that this one takes back.';

CREATE OR REPLACE VIEW olr.quota_effect WITH (security_invoker = true) AS
SELECT o.review_cycle_id, c.cycle_name, o.employee_id, e.full_name, o.proposed_tier, tp.tier_order AS proposed_tier_order,
       coalesce(o.final_tier, o.calibrated_tier, o.quota_tier) AS tier, tn.tier_order, tp.tier_order - tn.tier_order AS tiers_lost
FROM overall_value o
JOIN review_cycle c USING (review_cycle_id)
JOIN employee e USING (employee_id)
JOIN tier tp ON tp.policy_id = o.policy_id AND tp.tier = o.proposed_tier
JOIN tier tn ON tn.policy_id = o.policy_id AND tn.tier = coalesce(o.final_tier, o.calibrated_tier, o.quota_tier)
WHERE tn.tier_order < tp.tier_order
  AND NOT EXISTS (SELECT FROM calibration_change h
                  WHERE h.employee_id = o.employee_id AND h.review_cycle_id = o.review_cycle_id
                    AND h.change_reason NOT IN ('quota_only', 'withdrawn')
                    AND (SELECT n.tier_order FROM tier n WHERE n.policy_id = h.policy_id AND n.tier = h.new_tier)
                        < (SELECT b.tier_order FROM tier b WHERE b.policy_id = h.policy_id AND b.tier = h.old_tier)
                    AND NOT EXISTS (SELECT FROM calibration_change w WHERE w.withdraws_change_id = h.calibration_change_id))
ORDER BY tn.tier_order, tiers_lost DESC, o.employee_id;
COMMENT ON VIEW olr.quota_effect IS 'Everybody whose tier is below the proposed one for the forced distribution alone, LE first: no downward change with another reason stands.';
COMMENT ON COLUMN olr.quota_effect.review_cycle_id IS 'The cycle.';
COMMENT ON COLUMN olr.quota_effect.cycle_name IS 'Name of the cycle.';
COMMENT ON COLUMN olr.quota_effect.employee_id IS 'The person.';
COMMENT ON COLUMN olr.quota_effect.full_name IS 'Name of the person.';
COMMENT ON COLUMN olr.quota_effect.proposed_tier IS 'What the ratings alone gave.';
COMMENT ON COLUMN olr.quota_effect.proposed_tier_order IS 'LE 0 to TT 4.';
COMMENT ON COLUMN olr.quota_effect.tier IS 'The tier: final, else calibrated, else quota.';
COMMENT ON COLUMN olr.quota_effect.tier_order IS 'LE 0 to TT 4.';
COMMENT ON COLUMN olr.quota_effect.tiers_lost IS 'How many tiers lower.';

CREATE OR REPLACE VIEW olr.advocacy WITH (security_invoker = true) AS
WITH move AS MATERIALIZED (
    SELECT c.* FROM count_moves() c
), pool AS (
    SELECT m.calibration_pool_id, sum(m.n * m.net_move)::numeric / sum(m.n) AS mean_move FROM move m GROUP BY m.calibration_pool_id
)
SELECT m.review_cycle_id, m.manager_id, e.full_name AS manager_name, sum(m.n)::int AS n,
       sum(m.changes_proposed)::int AS changes_proposed, sum(m.changes_accepted)::int AS changes_accepted,
       sum(m.n * m.net_move)::int AS net_moves,
       round(sum(m.n * (m.net_move - pool.mean_move)) / sum(m.n), 4) AS mean_against_pool,
       round(sum(m.n * (m.net_move - pool.mean_move)) / (sum(m.n) + 10), 4) AS shrunken_against_pool
FROM move m
JOIN pool USING (calibration_pool_id)
JOIN employee e ON e.employee_id = m.manager_id
GROUP BY m.review_cycle_id, m.manager_id, e.full_name;
COMMENT ON VIEW olr.advocacy IS 'Per manager of record: changes proposed and accepted for the own people in sessions, and their net moves against the mean of the pool, raw and shrunken. A small n says little.';
COMMENT ON COLUMN olr.advocacy.review_cycle_id IS 'The cycle.';
COMMENT ON COLUMN olr.advocacy.manager_id IS 'The manager of record.';
COMMENT ON COLUMN olr.advocacy.manager_name IS 'Name of the manager.';
COMMENT ON COLUMN olr.advocacy.n IS 'People of the manager in sessions, among those the reader may see.';
COMMENT ON COLUMN olr.advocacy.changes_proposed IS 'Changes made to them, withdrawn ones included.';
COMMENT ON COLUMN olr.advocacy.changes_accepted IS 'Changes that stand.';
COMMENT ON COLUMN olr.advocacy.net_moves IS 'Sum of tiers won and lost against the quota tiers.';
COMMENT ON COLUMN olr.advocacy.mean_against_pool IS 'Mean net move minus the mean of the pool.';
COMMENT ON COLUMN olr.advocacy.shrunken_against_pool IS 'The same sum over n + 10: the fewer people, the closer to 0.';

CREATE OR REPLACE VIEW olr.matrix WITH (security_invoker = true) AS
SELECT c.review_cycle_id, c.cycle_name, m.performance_band, m.potential, m.tier, t.tier_order, coalesce(o.n, 0) AS n
FROM review_cycle c
JOIN matrix_cell m USING (policy_id)
JOIN tier t ON t.policy_id = m.policy_id AND t.tier = m.tier
LEFT JOIN count_cells() o ON o.review_cycle_id = c.review_cycle_id
      AND o.performance_band = m.performance_band AND o.potential = m.potential;
COMMENT ON VIEW olr.matrix IS 'The 28 cells of the matrix with the people whom the reader may see; perf.matrix_picture(cycle) draws it.';
COMMENT ON COLUMN olr.matrix.review_cycle_id IS 'The cycle.';
COMMENT ON COLUMN olr.matrix.cycle_name IS 'Name of the cycle.';
COMMENT ON COLUMN olr.matrix.performance_band IS '1 to 7.';
COMMENT ON COLUMN olr.matrix.potential IS '1 to 4.';
COMMENT ON COLUMN olr.matrix.tier IS 'Tier of the cell.';
COMMENT ON COLUMN olr.matrix.tier_order IS 'LE 0 to TT 4.';
COMMENT ON COLUMN olr.matrix.n IS 'People in the cell.';

CREATE OR REPLACE VIEW olr.quota_drift WITH (security_invoker = true) AS
SELECT p.review_cycle_id, q.tier, t.tier_order, sum(q.rounded_seats)::int AS rounded_seats, sum(q.seats)::int AS seats,
       (sum(q.seats) - sum(q.rounded_seats))::int AS drift
FROM pool_quota q
JOIN calibration_pool p USING (calibration_pool_id)
JOIN tier t ON t.policy_id = q.policy_id AND t.tier = q.tier
GROUP BY p.review_cycle_id, q.tier, t.tier_order;
COMMENT ON VIEW olr.quota_drift IS 'Seats of each tier over all pools, before and after the repair of pools that broke a hard bound: hard bounds come first, the difference is the drift of the company.';
COMMENT ON COLUMN olr.quota_drift.review_cycle_id IS 'The cycle.';
COMMENT ON COLUMN olr.quota_drift.tier IS 'Overall Value tier.';
COMMENT ON COLUMN olr.quota_drift.tier_order IS 'LE 0 to TT 4.';
COMMENT ON COLUMN olr.quota_drift.rounded_seats IS 'Seats rounded together: the exact totals of the company.';
COMMENT ON COLUMN olr.quota_drift.seats IS 'Seats after the repair.';
COMMENT ON COLUMN olr.quota_drift.drift IS 'seats minus rounded_seats; adds up to 0.';

CREATE OR REPLACE VIEW olr.preliminary_rating WITH (security_invoker = true) AS
SELECT r.review_cycle_id, r.calibration_session_id, r.employee_id, e.full_name, r.calibrator_id, who.full_name AS calibrator_name,
       r.tier, t.tier_order, r.comment, r.given_at, r.is_open
FROM preliminary_rating r
JOIN employee e ON e.employee_id = r.employee_id
JOIN employee who ON who.employee_id = r.calibrator_id
JOIN tier t ON t.policy_id = r.policy_id AND t.tier = r.tier;
COMMENT ON VIEW olr.preliminary_rating IS 'What calibrators would give before the discussion: the own ones always, those of others once the session is active.';
COMMENT ON COLUMN olr.preliminary_rating.review_cycle_id IS 'The cycle.';
COMMENT ON COLUMN olr.preliminary_rating.calibration_session_id IS 'The session.';
COMMENT ON COLUMN olr.preliminary_rating.employee_id IS 'The subject.';
COMMENT ON COLUMN olr.preliminary_rating.full_name IS 'Name of the subject.';
COMMENT ON COLUMN olr.preliminary_rating.calibrator_id IS 'Who rated.';
COMMENT ON COLUMN olr.preliminary_rating.calibrator_name IS 'Name of who rated.';
COMMENT ON COLUMN olr.preliminary_rating.tier IS 'The tier given.';
COMMENT ON COLUMN olr.preliminary_rating.tier_order IS 'LE 0 to TT 4.';
COMMENT ON COLUMN olr.preliminary_rating.comment IS 'Why.';
COMMENT ON COLUMN olr.preliminary_rating.given_at IS 'When.';
COMMENT ON COLUMN olr.preliminary_rating.is_open IS 'Whether the others of the session see it.';

CREATE OR REPLACE VIEW olr.dispute WITH (security_invoker = true) AS
SELECT d.rating_dispute_id, d.review_cycle_id, c.cycle_name, d.employee_id, e.full_name, d.dispute_text, d.opened_at,
       d.reviewer_id, r.full_name AS reviewer_name, d.outcome, d.resolution, d.closed_at, d.consequences
FROM rating_dispute d
JOIN review_cycle c USING (review_cycle_id)
JOIN employee e ON e.employee_id = d.employee_id
LEFT JOIN employee r ON r.employee_id = d.reviewer_id;
COMMENT ON VIEW olr.dispute IS 'Disputes of released ratings: for the leaders above, the reviewer and HR.';
COMMENT ON COLUMN olr.dispute.rating_dispute_id IS 'The dispute.';
COMMENT ON COLUMN olr.dispute.review_cycle_id IS 'The cycle.';
COMMENT ON COLUMN olr.dispute.cycle_name IS 'Name of the cycle.';
COMMENT ON COLUMN olr.dispute.employee_id IS 'Who disputes.';
COMMENT ON COLUMN olr.dispute.full_name IS 'Name of that person.';
COMMENT ON COLUMN olr.dispute.dispute_text IS 'What is disputed.';
COMMENT ON COLUMN olr.dispute.opened_at IS 'When.';
COMMENT ON COLUMN olr.dispute.reviewer_id IS 'Who reviews: nobody of the line of managers.';
COMMENT ON COLUMN olr.dispute.reviewer_name IS 'Name of the reviewer.';
COMMENT ON COLUMN olr.dispute.outcome IS 'open, upheld or corrected.';
COMMENT ON COLUMN olr.dispute.resolution IS 'The reviewers answer.';
COMMENT ON COLUMN olr.dispute.closed_at IS 'When it was closed.';
COMMENT ON COLUMN olr.dispute.consequences IS 'What a correction means for pay and promotion.';

-- Authors for the managers above and HR, see feedback_about();
-- the subjects of the reader's sessions without, unless the policy says so.
CREATE OR REPLACE VIEW olr.feedback WITH (security_invoker = true) AS
SELECT t.review_cycle_id, c.cycle_name, t.employee_id, e.full_name, t.author_id, a.full_name AS author_name,
       t.relation, t.project, t.version, t.submitted_at, q.question_order, t.question, q.question_name, t.item_text, t.score
FROM (SELECT p.review_cycle_id, p.employee_id, f.author_id, f.relation, f.project, f.version, f.submitted_at,
             f.question, f.item_text, f.score
      FROM participation p CROSS JOIN LATERAL feedback_about(p.employee_id, p.review_cycle_id) f
      UNION ALL
      SELECT s.review_cycle_id, s.employee_id, s.author_id, s.relation, NULL, NULL, NULL, s.question, s.item_text, s.score
      FROM session_feedback() s WHERE NOT pg_has_role(current_user, 'perfmgmt_hr', 'USAGE')) t
JOIN review_cycle c USING (review_cycle_id)
JOIN employee e ON e.employee_id = t.employee_id
JOIN feedback_question q USING (question)
LEFT JOIN employee a ON a.employee_id = t.author_id;
COMMENT ON VIEW olr.feedback IS 'What people wrote about each other, an answer a row: with the author for the managers above and HR; about subjects of one''s sessions without, unless the policy says so.';
COMMENT ON COLUMN olr.feedback.review_cycle_id IS 'The cycle.';
COMMENT ON COLUMN olr.feedback.cycle_name IS 'Name of the cycle.';
COMMENT ON COLUMN olr.feedback.employee_id IS 'About whom.';
COMMENT ON COLUMN olr.feedback.full_name IS 'Name of that person.';
COMMENT ON COLUMN olr.feedback.author_id IS 'Who wrote; NULL for a reader who is not above the person.';
COMMENT ON COLUMN olr.feedback.author_name IS 'Name of the author.';
COMMENT ON COLUMN olr.feedback.relation IS 'How the author stands to the person.';
COMMENT ON COLUMN olr.feedback.project IS 'What both worked on.';
COMMENT ON COLUMN olr.feedback.version IS 'Submissions so far; this is the newest.';
COMMENT ON COLUMN olr.feedback.submitted_at IS 'When the newest version was submitted.';
COMMENT ON COLUMN olr.feedback.question_order IS 'Place of the question in the form.';
COMMENT ON COLUMN olr.feedback.question IS 'Code of the question.';
COMMENT ON COLUMN olr.feedback.question_name IS 'Name of the question.';
COMMENT ON COLUMN olr.feedback.item_text IS 'The text.';
COMMENT ON COLUMN olr.feedback.score IS '1 to 5, if the author gave one.';

CREATE OR REPLACE VIEW olr.nomination WITH (security_invoker = true) AS
SELECT t.review_cycle_id, c.cycle_name, t.employee_id, e.full_name, t.author_id, a.full_name AS author_name, t.relation, t.project,
       t.nominated_by, by.full_name AS nominated_by_name, t.nomination_status, s.is_open, t.approved_by, t.answered_at
FROM (SELECT p.review_cycle_id, p.employee_id, n.*
      FROM participation p CROSS JOIN LATERAL nominations_about(p.employee_id, p.review_cycle_id) n) t
JOIN review_cycle c USING (review_cycle_id)
JOIN nomination_status s USING (nomination_status)
JOIN employee e ON e.employee_id = t.employee_id
JOIN employee a ON a.employee_id = t.author_id
JOIN employee by ON by.employee_id = t.nominated_by;
COMMENT ON VIEW olr.nomination IS 'Who was named to write about whom and what came of it, with the proposals that wait for the manager of record or HR.';
COMMENT ON COLUMN olr.nomination.review_cycle_id IS 'The cycle.';
COMMENT ON COLUMN olr.nomination.cycle_name IS 'Name of the cycle.';
COMMENT ON COLUMN olr.nomination.employee_id IS 'About whom.';
COMMENT ON COLUMN olr.nomination.full_name IS 'Name of that person.';
COMMENT ON COLUMN olr.nomination.author_id IS 'Who is to write.';
COMMENT ON COLUMN olr.nomination.author_name IS 'Name of the author.';
COMMENT ON COLUMN olr.nomination.relation IS 'How the author stands to the person.';
COMMENT ON COLUMN olr.nomination.project IS 'What both worked on.';
COMMENT ON COLUMN olr.nomination.nominated_by IS 'Who named the author.';
COMMENT ON COLUMN olr.nomination.nominated_by_name IS 'Name of who named the author.';
COMMENT ON COLUMN olr.nomination.nomination_status IS 'proposed, rejected, requested, submitted or declined.';
COMMENT ON COLUMN olr.nomination.is_open IS 'Whether something still has to happen.';
COMMENT ON COLUMN olr.nomination.approved_by IS 'Who answered the proposal.';
COMMENT ON COLUMN olr.nomination.answered_at IS 'When the status changed last.';

CREATE OR REPLACE VIEW olr.principle_rating WITH (security_invoker = true) AS
SELECT p.review_cycle_id, c.cycle_name, p.employee_id, e.full_name, r.rater_id, a.full_name AS rater_name, r.relation,
       q.ordinal AS principle_ordinal, q.principle_name, s.score::int AS score, l.level_name AS score_name, r.comment
FROM participation p
CROSS JOIN LATERAL ratings_about(p.employee_id, p.review_cycle_id) r
CROSS JOIN LATERAL unnest(r.scores) WITH ORDINALITY AS s(score, ordinal)
JOIN review_cycle c ON c.review_cycle_id = p.review_cycle_id
JOIN principle q ON q.policy_id = c.policy_id AND q.ordinal = s.ordinal
JOIN employee e ON e.employee_id = p.employee_id
JOIN employee a ON a.employee_id = r.rater_id
LEFT JOIN rating_level l ON l.policy_id = c.policy_id AND l.axis = 'leadership_principle' AND l.level = s.score
WHERE s.score IS NOT NULL;
COMMENT ON VIEW olr.principle_rating IS 'The leadership principles of a person, a row a rater and principle: for the managers above and HR, never about the reader.';
COMMENT ON COLUMN olr.principle_rating.review_cycle_id IS 'The cycle.';
COMMENT ON COLUMN olr.principle_rating.cycle_name IS 'Name of the cycle.';
COMMENT ON COLUMN olr.principle_rating.employee_id IS 'About whom.';
COMMENT ON COLUMN olr.principle_rating.full_name IS 'Name of that person.';
COMMENT ON COLUMN olr.principle_rating.rater_id IS 'Who rated.';
COMMENT ON COLUMN olr.principle_rating.rater_name IS 'Name of the rater.';
COMMENT ON COLUMN olr.principle_rating.relation IS 'How the rater stands to the person.';
COMMENT ON COLUMN olr.principle_rating.principle_ordinal IS 'Position of the principle in the policy.';
COMMENT ON COLUMN olr.principle_rating.principle_name IS 'Name of the principle.';
COMMENT ON COLUMN olr.principle_rating.score IS '1 to 5.';
COMMENT ON COLUMN olr.principle_rating.score_name IS 'Name of the score.';
COMMENT ON COLUMN olr.principle_rating.comment IS 'What the rater added.';

CREATE OR REPLACE VIEW olr.feedback_coverage WITH (security_invoker = true) AS
SELECT f.review_cycle_id, c.cycle_name, f.employee_id, e.full_name, f.asked, f.answered, f.declined, f.waiting,
       round(f.answered::numeric / nullif(f.asked, 0), 4) AS response_share,
       f.from_manager, f.from_peers, f.from_stakeholders, f.from_direct_reports,
       f.projects_named, f.projects_answered, round(f.projects_answered::numeric / nullif(f.projects_named, 0), 4) AS project_share
FROM feedback_coverage() f
JOIN review_cycle c USING (review_cycle_id)
JOIN employee e USING (employee_id);
COMMENT ON VIEW olr.feedback_coverage IS 'A row a person who is rated: how much of the feedback that was asked for came, from which relations, about which projects. Never about the reader.';
COMMENT ON COLUMN olr.feedback_coverage.review_cycle_id IS 'The cycle.';
COMMENT ON COLUMN olr.feedback_coverage.cycle_name IS 'Name of the cycle.';
COMMENT ON COLUMN olr.feedback_coverage.employee_id IS 'The person.';
COMMENT ON COLUMN olr.feedback_coverage.full_name IS 'Name of the person.';
COMMENT ON COLUMN olr.feedback_coverage.asked IS 'Authors who were asked.';
COMMENT ON COLUMN olr.feedback_coverage.answered IS 'Of these, who submitted.';
COMMENT ON COLUMN olr.feedback_coverage.declined IS 'Of these, who declined.';
COMMENT ON COLUMN olr.feedback_coverage.waiting IS 'Of these, who did neither.';
COMMENT ON COLUMN olr.feedback_coverage.response_share IS 'answered / asked, 0 to 1; NULL when nobody was asked.';
COMMENT ON COLUMN olr.feedback_coverage.from_manager IS 'Submissions by managers, asked or not.';
COMMENT ON COLUMN olr.feedback_coverage.from_peers IS 'Submissions by peers, asked or not.';
COMMENT ON COLUMN olr.feedback_coverage.from_stakeholders IS 'Submissions by stakeholders, asked or not.';
COMMENT ON COLUMN olr.feedback_coverage.from_direct_reports IS 'Submissions by direct reports, asked or not.';
COMMENT ON COLUMN olr.feedback_coverage.projects_named IS 'Projects that a nomination or submission names.';
COMMENT ON COLUMN olr.feedback_coverage.projects_answered IS 'Of these, projects that a submission is about.';
COMMENT ON COLUMN olr.feedback_coverage.project_share IS 'projects_answered / projects_named, 0 to 1; NULL without projects.';

CREATE OR REPLACE VIEW olr.feedback_candour WITH (security_invoker = true) AS
SELECT f.review_cycle_id, c.cycle_name, f.team_id, t.team_code, f.relation, f.n,
       round(f.without_growth::numeric / f.n, 4) AS without_growth_share, f.scores,
       round(f.top_scores::numeric / nullif(f.scores, 0), 4) AS top_score_share, f.spread
FROM feedback_candour() f
JOIN review_cycle c USING (review_cycle_id)
JOIN team t USING (team_id);
COMMENT ON VIEW olr.feedback_candour IS 'How frankly people wrote about the members of a team, by relation, over the people that the reader may see; only from k authors on, never per author.';
COMMENT ON COLUMN olr.feedback_candour.review_cycle_id IS 'The cycle.';
COMMENT ON COLUMN olr.feedback_candour.cycle_name IS 'Name of the cycle.';
COMMENT ON COLUMN olr.feedback_candour.team_id IS 'Team of the subjects in the cycle.';
COMMENT ON COLUMN olr.feedback_candour.team_code IS 'Code of that team.';
COMMENT ON COLUMN olr.feedback_candour.relation IS 'Relation of the authors.';
COMMENT ON COLUMN olr.feedback_candour.n IS 'Submissions.';
COMMENT ON COLUMN olr.feedback_candour.without_growth_share IS 'Share of submissions that say nothing under growth, 0 to 1.';
COMMENT ON COLUMN olr.feedback_candour.scores IS 'Scores in them, of questions and principles.';
COMMENT ON COLUMN olr.feedback_candour.top_score_share IS 'Share of these that are 5, 0 to 1; NULL without scores.';
COMMENT ON COLUMN olr.feedback_candour.spread IS 'Standard deviation of the scores; near 0: everybody gave the same.';

CREATE OR REPLACE VIEW olr.feedback_timing WITH (security_invoker = true) AS
SELECT f.review_cycle_id, c.cycle_name, f.manager_id, m.full_name AS manager_name, f.assessed, f.with_feedback, f.before_feedback,
       round(f.before_feedback::numeric / nullif(f.with_feedback, 0), 4) AS before_feedback_share
FROM feedback_timing() f
JOIN review_cycle c USING (review_cycle_id)
JOIN employee m ON m.employee_id = f.manager_id;
COMMENT ON VIEW olr.feedback_timing IS 'Per manager of record: assessments written before any feedback of peers, stakeholders or direct reports came, and never changed. A small n says little.';
COMMENT ON COLUMN olr.feedback_timing.review_cycle_id IS 'The cycle.';
COMMENT ON COLUMN olr.feedback_timing.cycle_name IS 'Name of the cycle.';
COMMENT ON COLUMN olr.feedback_timing.manager_id IS 'The manager of record.';
COMMENT ON COLUMN olr.feedback_timing.manager_name IS 'Name of the manager.';
COMMENT ON COLUMN olr.feedback_timing.assessed IS 'People with an assessment, among those the reader may see.';
COMMENT ON COLUMN olr.feedback_timing.with_feedback IS 'Of these, people about whom somebody wrote.';
COMMENT ON COLUMN olr.feedback_timing.before_feedback IS 'Of these, assessed before the first of it came, and not again.';
COMMENT ON COLUMN olr.feedback_timing.before_feedback_share IS 'before_feedback / with_feedback, 0 to 1; NULL without feedback.';

GRANT SELECT ON olr.feedback, olr.nomination, olr.principle_rating, olr.feedback_coverage, olr.feedback_candour, olr.feedback_timing TO perfmgmt_leader, perfmgmt_hr;

CREATE OR REPLACE VIEW olr.buffer_signals WITH (security_invoker = true) AS
SELECT n.review_cycle_id, c.cycle_name, n.manager_id, e.full_name AS manager_name,
       n.recent_hires, n.recent_le, n.others, n.others_le,
       round(n.recent_le::numeric / nullif(n.recent_hires, 0), 4) AS recent_le_share,
       round(n.others_le::numeric / nullif(n.others, 0), 4) AS others_le_share,
       perfmgmt.fisher_exact(n.recent_le, n.recent_hires - n.recent_le, n.others_le, n.others - n.others_le) AS p_value
FROM count_hires() n
JOIN review_cycle c USING (review_cycle_id)
JOIN employee e ON e.employee_id = n.manager_id;
COMMENT ON VIEW olr.buffer_signals IS 'Per manager of record: whether LE falls on people hired in the last 12 months of the period more than on the others, who may have been hired to be let go. A question to ask the manager, no finding; a small n says little, and of many managers some stand out by chance.';
COMMENT ON COLUMN olr.buffer_signals.review_cycle_id IS 'The cycle.';
COMMENT ON COLUMN olr.buffer_signals.cycle_name IS 'Name of the cycle.';
COMMENT ON COLUMN olr.buffer_signals.manager_id IS 'The manager of record.';
COMMENT ON COLUMN olr.buffer_signals.manager_name IS 'Name of the manager.';
COMMENT ON COLUMN olr.buffer_signals.recent_hires IS 'n: people with a tier, hired in the last 12 months of the period, among those the reader may see.';
COMMENT ON COLUMN olr.buffer_signals.recent_le IS 'Of them LE.';
COMMENT ON COLUMN olr.buffer_signals.others IS 'n: the other people with a tier.';
COMMENT ON COLUMN olr.buffer_signals.others_le IS 'Of them LE.';
COMMENT ON COLUMN olr.buffer_signals.recent_le_share IS 'recent_le / recent_hires, 0..1.';
COMMENT ON COLUMN olr.buffer_signals.others_le_share IS 'others_le / others, 0..1.';
COMMENT ON COLUMN olr.buffer_signals.p_value IS 'Fisher''s exact test, two-sided: how likely shares as uneven as these are by chance alone.';

GRANT SELECT ON olr.buffer_signals TO perfmgmt_leader, perfmgmt_hr;
GRANT SELECT ON olr.rating, olr.session_distribution, olr.label_discrepancy, olr.calibration_history, olr.quota_effect, olr.advocacy,
    olr.matrix, olr.quota_drift, olr.preliminary_rating, olr.dispute TO perfmgmt_leader, perfmgmt_hr;

CREATE OR REPLACE VIEW olr.pip WITH (security_invoker = true) AS
SELECT c.pip_case_id, c.employee_id, e.external_id, e.full_name, e.manager_chain[1] AS manager_id, c.stage, s.stage_order, s.description AS stage_name,
       s.is_open, c.is_paused, c.opened_on, c.due_on, c.employee_informed_on, c.closed_on, c.events,
       v.event AS last_event, v.occurred_on AS last_event_on, v.proposed_by AS last_proposed_by, p.full_name AS last_proposed_by_name,
       v.decided_by AS last_decided_by, d.full_name AS last_decided_by_name, v.reason AS last_reason
FROM pip_case c
JOIN pip_stage s USING (stage)
JOIN employee e USING (employee_id)
LEFT JOIN pip_event v ON v.employee_id = c.employee_id AND v.pip_case_id = c.pip_case_id AND v.event_number = c.events
LEFT JOIN employee p ON p.employee_id = v.proposed_by
LEFT JOIN employee d ON d.employee_id = v.decided_by;
COMMENT ON VIEW olr.pip IS 'Cases of Focus and Pivot with their last step, open and closed: for the leaders above and HR; closed ones for those who were above at the end.';
COMMENT ON COLUMN olr.pip.pip_case_id IS 'The case.';
COMMENT ON COLUMN olr.pip.employee_id IS 'The person.';
COMMENT ON COLUMN olr.pip.external_id IS 'Key of the person in the HR system.';
COMMENT ON COLUMN olr.pip.full_name IS 'Name of the person.';
COMMENT ON COLUMN olr.pip.manager_id IS 'Manager of today.';
COMMENT ON COLUMN olr.pip.stage IS 'Code of the stage.';
COMMENT ON COLUMN olr.pip.stage_order IS 'Place of the stage on the path.';
COMMENT ON COLUMN olr.pip.stage_name IS 'The stage in words.';
COMMENT ON COLUMN olr.pip.is_open IS 'Whether the case is open.';
COMMENT ON COLUMN olr.pip.is_paused IS 'Whether it stands still.';
COMMENT ON COLUMN olr.pip.opened_on IS 'Day of the first event.';
COMMENT ON COLUMN olr.pip.due_on IS 'When something must happen.';
COMMENT ON COLUMN olr.pip.employee_informed_on IS 'Since when the person knows of the case; NULL: not yet.';
COMMENT ON COLUMN olr.pip.closed_on IS 'Day of the last event of a closed case.';
COMMENT ON COLUMN olr.pip.events IS 'Number of events.';
COMMENT ON COLUMN olr.pip.last_event IS 'The last event.';
COMMENT ON COLUMN olr.pip.last_event_on IS 'Its day.';
COMMENT ON COLUMN olr.pip.last_proposed_by IS 'Who proposed it, where two decide.';
COMMENT ON COLUMN olr.pip.last_proposed_by_name IS 'Name of who proposed it.';
COMMENT ON COLUMN olr.pip.last_decided_by IS 'Who took or approved it.';
COMMENT ON COLUMN olr.pip.last_decided_by_name IS 'Name of who took or approved it.';
COMMENT ON COLUMN olr.pip.last_reason IS 'Why.';

CREATE OR REPLACE VIEW olr.pip_due WITH (security_invoker = true) AS
SELECT c.pip_case_id, c.employee_id, e.full_name, c.stage, s.stage_order, s.description AS stage_name, c.due_on,
       c.due_on - d.today AS days_left, c.due_on < d.today AS is_overdue, n.next_events
FROM pip_case c
JOIN pip_stage s USING (stage)
JOIN employee e USING (employee_id)
JOIN pip_rule r USING (policy_id)
CROSS JOIN LATERAL (SELECT perfmgmt.pip_today(r.time_zone) AS today) d
CROSS JOIN LATERAL (SELECT string_agg(t.event || ' (' || t.actor || ')', ', ') AS next_events
                    FROM perfmgmt.pip_transitions() t WHERE t.from_stage = c.stage AND t.to_stage <> t.from_stage
                      AND t.event NOT IN ('withdraw', 'resign', 'separate_other')) n
WHERE c.closed_on IS NULL AND NOT c.is_paused AND c.due_on <= d.today + r.remind_days;
COMMENT ON VIEW olr.pip_due IS 'Open cases with a date that comes within remind_days of the policy, or has passed. Nothing happens by itself: somebody takes the next step.';
COMMENT ON COLUMN olr.pip_due.pip_case_id IS 'The case.';
COMMENT ON COLUMN olr.pip_due.employee_id IS 'The person.';
COMMENT ON COLUMN olr.pip_due.full_name IS 'Name of the person.';
COMMENT ON COLUMN olr.pip_due.stage IS 'Code of the stage.';
COMMENT ON COLUMN olr.pip_due.stage_order IS 'Place of the stage on the path.';
COMMENT ON COLUMN olr.pip_due.stage_name IS 'The stage in words.';
COMMENT ON COLUMN olr.pip_due.due_on IS 'The date.';
COMMENT ON COLUMN olr.pip_due.days_left IS 'Days until then; negative: days since.';
COMMENT ON COLUMN olr.pip_due.is_overdue IS 'Whether the date has passed.';
COMMENT ON COLUMN olr.pip_due.next_events IS 'What can happen next, and who does it.';

CREATE OR REPLACE VIEW olr.transfer_request WITH (security_invoker = true) AS
SELECT q.transfer_request_id, q.employee_id, e.full_name, t.team_code AS wanted_team, q.note, q.requested_at, q.status,
       CASE WHEN q.status = 'pending HR' THEN 'open case in stage ' || c.stage END AS blocked_by
FROM perf.transfer_request q
JOIN employee e USING (employee_id)
JOIN team t ON t.team_id = q.wanted_team_id
LEFT JOIN pip_case c ON c.employee_id = q.employee_id AND c.closed_on IS NULL;
COMMENT ON VIEW olr.transfer_request IS 'Wishes for another team, for HR alone, with what blocks them.';
COMMENT ON COLUMN olr.transfer_request.transfer_request_id IS 'The request.';
COMMENT ON COLUMN olr.transfer_request.employee_id IS 'The person.';
COMMENT ON COLUMN olr.transfer_request.full_name IS 'Name of the person.';
COMMENT ON COLUMN olr.transfer_request.wanted_team IS 'The team wished for.';
COMMENT ON COLUMN olr.transfer_request.note IS 'What the person wrote.';
COMMENT ON COLUMN olr.transfer_request.requested_at IS 'When.';
COMMENT ON COLUMN olr.transfer_request.status IS 'pending HR, approved, declined or withdrawn.';
COMMENT ON COLUMN olr.transfer_request.blocked_by IS 'Why it cannot be decided now; the person never reads this.';
GRANT SELECT ON olr.pip, olr.pip_due TO perfmgmt_leader, perfmgmt_hr;
GRANT SELECT ON olr.transfer_request TO perfmgmt_hr;
