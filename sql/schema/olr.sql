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

-- Groups of people with an Overall Value, as far as the reader may see them.
CREATE OR REPLACE VIEW olr.session_distribution WITH (security_invoker = true) AS
WITH person AS (
    SELECT o.review_cycle_id, o.policy_id, o.calibration_pool_id, o.takes_seat,
           coalesce(o.final_tier, o.calibrated_tier, o.quota_tier) AS tier
    FROM overall_value o WHERE o.ov_points IS NOT NULL
), member AS (
    SELECT 'company' AS scope, p.review_cycle_id AS scope_id, p.review_cycle_id, p.policy_id, p.tier FROM person p
    UNION ALL
    SELECT 'pool', p.calibration_pool_id, p.review_cycle_id, p.policy_id, p.tier FROM person p WHERE p.takes_seat
), counted AS (
    SELECT m.scope, m.scope_id, m.review_cycle_id, m.policy_id, m.tier, count(*)::int AS n
    FROM member m GROUP BY m.scope, m.scope_id, m.review_cycle_id, m.policy_id, m.tier
), total AS (
    SELECT c.scope, c.scope_id, c.review_cycle_id, c.policy_id, sum(c.n)::int AS total
    FROM counted c GROUP BY c.scope, c.scope_id, c.review_cycle_id, c.policy_id
), line AS (
    SELECT s.*, t.tier, t.tier_order, coalesce(c.n, 0) AS n, b.minimum_percent, b.target_percent, b.maximum_percent,
           s.total * b.minimum_percent / 100 AS minimum_seats,
           (s.total * b.maximum_percent + 99) / 100 AS maximum_seats
    FROM total s
    JOIN tier t ON t.policy_id = s.policy_id
    LEFT JOIN counted c ON (c.scope, c.scope_id, c.tier) = (s.scope, s.scope_id, t.tier)
    LEFT JOIN distribution_target b ON b.policy_id = s.policy_id AND b.tiers = ARRAY[t.tier] AND b.pool_size @> s.total
)
SELECT l.review_cycle_id, cycle.cycle_name, l.scope, l.scope_id, coalesce(pool.pool_name, 'company') AS scope_name,
       l.tier, l.tier_order, l.n, l.total, round(l.n::numeric / l.total, 4) AS tier_share,
       l.minimum_seats,
       (apportion(l.total, target_percents(l.policy_id, l.total)))[5 - l.tier_order] AS target_seats,
       l.maximum_seats,
       greatest(l.minimum_seats - l.n, 0) AS seats_to_add,
       greatest(l.n - l.maximum_seats, 0) AS seats_to_remove,
       CASE WHEN l.n < l.minimum_seats THEN 'below minimum' WHEN l.n > l.maximum_seats THEN 'above maximum' ELSE 'within bounds' END AS status,
       l.total = CASE l.scope WHEN 'pool' THEN pool.ranked_people
                 ELSE (SELECT sum(q.ranked_people) FROM calibration_pool q WHERE q.review_cycle_id = l.review_cycle_id) END AS is_complete,
       overlay(rpad(repeat('#', (l.n * 50 + l.total - 1) / l.total), 50) PLACING '|' FROM greatest(l.target_percent / 2, 1)) AS bar
FROM line l
JOIN review_cycle cycle USING (review_cycle_id)
LEFT JOIN calibration_pool pool ON l.scope = 'pool' AND pool.calibration_pool_id = l.scope_id;
COMMENT ON VIEW olr.session_distribution IS 'Tiers against their targets, for the company and for each pool, counted over the people that the reader may see. The tier is the final one, else calibrated, else quota.';
COMMENT ON COLUMN olr.session_distribution.review_cycle_id IS 'The cycle.';
COMMENT ON COLUMN olr.session_distribution.cycle_name IS 'Name of the cycle.';
COMMENT ON COLUMN olr.session_distribution.scope IS 'company or pool.';
COMMENT ON COLUMN olr.session_distribution.scope_id IS 'calibration_pool_id for a pool, review_cycle_id for the company.';
COMMENT ON COLUMN olr.session_distribution.scope_name IS 'Name of the pool.';
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
GRANT SELECT ON olr.rating, olr.session_distribution, olr.label_discrepancy TO perfmgmt_leader, perfmgmt_hr;
