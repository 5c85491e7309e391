-- Properties that hold in every company: twelve companies of random shape (the
-- seed is the cycle's name), 600 people in a tree of 41 teams.
SELECT * FROM no_plan() \g /dev/null
SET search_path = public, perf, perfmgmt, pg_temp;
CREATE FUNCTION pg_temp.dice(seed text, faces int) RETURNS int LANGUAGE sql IMMUTABLE
RETURN (hashtextextended(seed, 7) & 2147483647) % faces;

INSERT INTO perf.team (team_id, team_code, parent_team_id)
SELECT 8000 + i, 'R' || i, CASE WHEN i > 0 THEN 8000 + pg_temp.dice('tree' || i, i) END FROM generate_series(0, 40) i;
INSERT INTO perf.employee (employee_id, external_id, full_name, hired_on)
SELECT 80000 + i, 'R' || i, 'Person ' || i, '2020-01-01' FROM generate_series(0, 600) i;
INSERT INTO perf.assignment (employee_id, manager_id, team_id, level_code, valid_during)
SELECT 80000 + i, CASE WHEN i > 0 THEN 80000 END, 8000, 'SDE II', '[2020-01-01,)' FROM generate_series(0, 600) i;
SELECT create_cycle('random ' || s, '2025-10-01', '2026-09-30', new_policy_version(1)) FROM generate_series(1, 12) s \g /dev/null
UPDATE perf.policy p SET minimum_pool_size = 8 + pg_temp.dice(c.cycle_name || 'minimum', 60)
FROM perf.review_cycle c WHERE c.policy_id = p.policy_id AND c.cycle_name LIKE 'random %';
SELECT open_cycle(review_cycle_id), advance_cycle(review_cycle_id) FROM perf.review_cycle WHERE cycle_name LIKE 'random %' ORDER BY 1 \g /dev/null
DELETE FROM perf.participation p USING perf.review_cycle c
WHERE c.review_cycle_id = p.review_cycle_id AND c.cycle_name LIKE 'random %' AND p.employee_id < 80000;
-- teams of very different sizes; some people count in no pool or are not rated
UPDATE perf.participation p
SET team_id = 8000 + greatest(pg_temp.dice(c.cycle_name || 'top', 2), pg_temp.dice(c.cycle_name || p.employee_id, 1 + pg_temp.dice(c.cycle_name || 'spread' || p.employee_id, 41))),
    eligibility = (ARRAY['transferred', 'on_leave', 'eligible'])[least(3, 1 + pg_temp.dice(c.cycle_name || 'code' || p.employee_id, 40))]
FROM perf.review_cycle c WHERE c.review_cycle_id = p.review_cycle_id AND c.cycle_name LIKE 'random %';
INSERT INTO perf.principle_rating (employee_id, review_cycle_id, rater_id, relation, scores, level_rank, manager_chain)
SELECT p.employee_id, p.review_cycle_id, 80000 + (p.employee_id - 79999) % 601, 'peer',
       array_fill((1 + pg_temp.dice(c.cycle_name || 'score' || p.employee_id, 5))::smallint, ARRAY[16]), p.level_rank, p.manager_chain
FROM perf.participation p JOIN perf.review_cycle c USING (review_cycle_id) WHERE c.cycle_name LIKE 'random %';
INSERT INTO perf.assessment (employee_id, review_cycle_id, job_performance, potential, source, manager_chain)
SELECT p.employee_id, p.review_cycle_id, 1 + pg_temp.dice(c.cycle_name || 'job' || p.employee_id, 5),
       CASE WHEN pg_temp.dice(c.cycle_name || 'missing' || p.employee_id, 50) > 0 THEN 1 + pg_temp.dice(c.cycle_name || 'potential' || p.employee_id, 4) END,
       'manager', p.manager_chain
FROM perf.participation p JOIN perf.review_cycle c USING (review_cycle_id) WHERE c.cycle_name LIKE 'random %';
SELECT calibrate(review_cycle_id) FROM perf.review_cycle WHERE cycle_name LIKE 'random %' ORDER BY review_cycle_id \g /dev/null

CREATE TEMP VIEW company AS SELECT c.*, p.minimum_pool_size FROM perf.review_cycle c JOIN perf.policy p USING (policy_id) WHERE c.cycle_name LIKE 'random %';
CREATE TEMP VIEW pool AS
SELECT q.*, c.minimum_pool_size FROM perf.calibration_pool q JOIN company c USING (review_cycle_id)
WHERE EXISTS (SELECT FROM perf.calibration_group g WHERE g.calibration_pool_id = q.calibration_pool_id);
SELECT cmp_ok((SELECT count(*) FROM pool WHERE exempt_reason IS NULL), '>', 12::bigint, 'there are pools to look at');
SELECT cmp_ok((SELECT count(*) FROM pool WHERE exempt_reason IS NOT NULL AND eligible_people > 0), '>', 0::bigint, 'and exempt ones');

SELECT is_empty($$SELECT * FROM pool WHERE (eligible_people < minimum_pool_size) <> (exempt_reason IS NOT NULL)$$, 'a pool reaches the minimum, or is exempt and says why');
SELECT is_empty($$SELECT * FROM pool q WHERE q.eligible_people <> (
    SELECT count(*) FROM perf.participation p JOIN perf.calibration_group g USING (review_cycle_id, team_id)
    WHERE g.calibration_pool_id = q.calibration_pool_id AND p.eligibility = 'eligible')$$, 'it counts the eligible people of its groups');
SELECT is_empty($$WITH RECURSIVE above AS (
        SELECT g.calibration_group_id AS start, g.calibration_group_id, g.parent_group_id, g.calibration_pool_id AS pool_of_start
        FROM perf.calibration_group g JOIN company USING (review_cycle_id)
        UNION ALL
        SELECT a.start, g.calibration_group_id, g.parent_group_id, a.pool_of_start
        FROM above a JOIN perf.calibration_group g ON g.calibration_group_id = a.parent_group_id)
    SELECT a.start FROM above a LEFT JOIN perf.calibration_pool q ON q.calibration_pool_id = a.pool_of_start AND q.calibration_group_id = a.calibration_group_id
    GROUP BY a.start HAVING count(q.calibration_pool_id) <> 1$$, 'each group belongs to the pool of itself or of one group above');
SELECT is_empty($$SELECT q.pool_name FROM pool q WHERE q.exempt_reason IS NULL
    AND q.ranked_people <> (SELECT coalesce(sum(s.seats), 0) FROM perf.pool_quota s WHERE s.calibration_pool_id = q.calibration_pool_id)$$, 'seats add up to the people with a seat');
SELECT is_empty($$SELECT q.pool_name, s.tier FROM pool q JOIN perf.pool_quota s USING (calibration_pool_id)
    JOIN perf.distribution_target d ON d.policy_id = s.policy_id AND d.tiers = ARRAY[s.tier]
    WHERE s.seats NOT IN (floor(q.ranked_people * d.target_percent / 100.0), ceil(q.ranked_people * d.target_percent / 100.0))$$, 'each cell is a floor or a ceiling');
SELECT is_empty($$SELECT q.review_cycle_id, s.tier FROM pool q JOIN perf.pool_quota s USING (calibration_pool_id)
    JOIN perf.distribution_target d ON d.policy_id = s.policy_id AND d.tiers = ARRAY[s.tier]
    GROUP BY q.review_cycle_id, s.tier, d.target_percent
    HAVING sum(s.seats) NOT IN (floor(sum(q.ranked_people) * d.target_percent / 100.0), ceil(sum(q.ranked_people) * d.target_percent / 100.0))$$, 'so is each tier of a company');
SELECT is_empty($$SELECT q.pool_name, b.tiers FROM pool q JOIN company c USING (review_cycle_id) CROSS JOIN LATERAL bounds_in_people(c.policy_id, q.ranked_people) b
    WHERE b.is_hard AND q.exempt_reason IS NULL AND (SELECT sum(s.seats) FROM perf.pool_quota s WHERE s.calibration_pool_id = q.calibration_pool_id AND s.tier = ANY (b.tiers))
          NOT BETWEEN coalesce(b.minimum_seats, 0) AND coalesce(b.maximum_seats, q.ranked_people)$$, 'hard bounds hold');
SELECT is_empty($$SELECT o.employee_id FROM (
        SELECT o.*, forced_tier(s.seats) OVER (PARTITION BY o.calibration_pool_id ORDER BY o.ov_points DESC NULLS LAST, o.lp_points DESC NULLS LAST, o.lot) AS place
        FROM perf.overall_value o JOIN company USING (review_cycle_id)
        JOIN (SELECT q.calibration_pool_id, array_agg(q.seats ORDER BY t.tier_order DESC) AS seats
              FROM perf.pool_quota q JOIN perf.tier t USING (policy_id, tier) GROUP BY q.calibration_pool_id) s USING (calibration_pool_id)
        WHERE o.takes_seat AND o.ov_points IS NOT NULL) o
    WHERE o.quota_tier <> (ARRAY['TT', 'HV3', 'HV2', 'HV1', 'LE'])[o.place]$$, 'tiers equal forced_tier() given the seats, ties and all');
SELECT is_empty($$SELECT o.employee_id FROM perf.overall_value o JOIN company USING (review_cycle_id) JOIN perf.participation p USING (employee_id, review_cycle_id)
    JOIN perf.calibration_pool q ON q.calibration_pool_id = o.calibration_pool_id
    WHERE (p.eligibility = 'transferred' OR q.exempt_reason IS NOT NULL) AND (o.takes_seat OR o.quota_tier IS DISTINCT FROM o.proposed_tier)$$,
    'who takes no seat keeps the proposed tier');
SELECT is_empty($$SELECT q.pool_name FROM pool q JOIN perf.overall_value o USING (calibration_pool_id)
    JOIN perf.participation p ON p.employee_id = o.employee_id AND p.review_cycle_id = o.review_cycle_id AND p.eligibility = 'eligible'
    GROUP BY q.calibration_pool_id, q.pool_name, q.lp_people, q.role_model_seats
    HAVING count(o.lp_points) <> q.lp_people OR q.role_model_seats <> 5 * q.lp_people / 100
        OR count(*) FILTER (WHERE o.lp_tier = 1) > q.role_model_seats$$, 'no pool has more role models than its cap');
SELECT is((SELECT sum(c.rows_changed) FROM company k, calibrate(k.review_cycle_id) c), 0::bigint, 'run again, nothing changes');

SELECT * FROM finish();
