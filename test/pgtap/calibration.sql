-- calibrate() against an independent computation in plain SQL, on a company of
-- 1,500 people made here: seeds are hashes, so that every run is the same.
BEGIN;
SELECT plan(34);
SET LOCAL search_path = public, perf, perfmgmt, pg_temp;
-- the people of the fixture take no part, its teams are empty ones below the new top
DELETE FROM perf.assignment;

INSERT INTO perf.team (team_id, team_code, parent_team_id) VALUES (9000, 'T', NULL);
UPDATE perf.team SET parent_team_id = 9000 WHERE team_code = 'company';
INSERT INTO perf.team (team_id, team_code, parent_team_id) SELECT 9000 + i, 'T-' || i, 9000 FROM generate_series(1, 6) i;
INSERT INTO perf.team (team_id, team_code, parent_team_id)
SELECT 9000 + 10 * i + j, format('T-%s-%s', i, j), 9000 + i FROM generate_series(1, 6) i, generate_series(1, 9) j;
INSERT INTO perf.employee (employee_id, external_id, full_name, hired_on)
SELECT 90000 + i, 'C' || i, 'Person ' || i, '2020-01-01' FROM generate_series(0, 1500) i;
-- person 0 leads everybody; teams of very different sizes
INSERT INTO perf.assignment (employee_id, manager_id, team_id, level_code, valid_during)
SELECT 90000 + i, CASE WHEN i = 0 THEN NULL ELSE 90000 END,
       CASE WHEN i < 15 THEN 9000 ELSE 9000 + 10 * (1 + i % 6) + 1 + (i / 6 * i / 1500) % 9 END,
       (ARRAY['SDE I', 'SDE II', 'SDE III', 'Principal'])[1 + i % 4], '[2020-01-01,)'
FROM generate_series(0, 1500) i;

CREATE TEMP TABLE chosen ON COMMIT DROP AS
SELECT create_cycle('calibration test', '2025-10-01', '2026-09-30', new_policy_version(1)) AS cycle_id;
SELECT open_cycle(cycle_id) FROM chosen \g /dev/null
-- the fixture's own people stay out of this cycle
DELETE FROM perf.participation p USING chosen WHERE p.review_cycle_id = cycle_id AND p.employee_id < 90000;
SELECT is((SELECT count(*) FROM perf.participation p, chosen WHERE p.review_cycle_id = cycle_id), 1501::bigint, 'everybody takes part');
SELECT advance_cycle(cycle_id) FROM chosen \g /dev/null

CREATE FUNCTION pg_temp.dice(seed text, faces int) RETURNS int LANGUAGE sql IMMUTABLE
RETURN (hashtextextended(seed, 42) & 2147483647) % faces;

-- scores that cluster, so that ties at every line are common
INSERT INTO perf.principle_rating (employee_id, review_cycle_id, rater_id, relation, scores, level_rank, manager_chain)
SELECT p.employee_id, p.review_cycle_id, 90000 + (p.employee_id - 90000 + r) % 1501,
       (ARRAY['manager', 'peer', 'peer', 'stakeholder', 'direct_report'])[r],
       (SELECT array_agg((CASE pg_temp.dice(format('%s-%s-%s', p.employee_id, r, k), 9) WHEN 0 THEN NULL
                          ELSE least(5, 2 + pg_temp.dice('able' || p.employee_id, 4) + pg_temp.dice(format('%s/%s/%s', p.employee_id, r, k), 2)) END)::smallint ORDER BY k)
        FROM generate_series(1, 16) k),
       p.level_rank, p.manager_chain
FROM perf.participation p, chosen, generate_series(1, 5) r
WHERE p.review_cycle_id = cycle_id AND p.employee_id % 97 <> 1;
INSERT INTO perf.assessment (employee_id, review_cycle_id, job_performance, potential, source, manager_chain)
SELECT p.employee_id, p.review_cycle_id, 1 + pg_temp.dice('job' || p.employee_id, 5),
       CASE WHEN p.employee_id % 101 <> 2 THEN 1 + pg_temp.dice('potential' || p.employee_id, 4) END, 'manager', p.manager_chain
FROM perf.participation p, chosen WHERE p.review_cycle_id = cycle_id;
-- one person is rated and takes no seat, one is not rated at all
UPDATE perf.participation SET eligibility = 'transferred' WHERE employee_id = 90100;
UPDATE perf.participation SET eligibility = 'on_leave' WHERE employee_id = 90200;

CREATE TEMP TABLE result ON COMMIT DROP AS SELECT c.* FROM chosen, calibrate(cycle_id) c;
SELECT is(people, 1500, 'everybody but the one on leave has a row') FROM result;
SELECT cmp_ok(pools, '>', 5, 'several pools') FROM result;
SELECT is(exempt_pools, 1, 'the few at the top cannot roll up') FROM result;
SELECT is((SELECT exempt_reason FROM perf.calibration_pool, chosen WHERE review_cycle_id = cycle_id AND exempt_reason IS NOT NULL AND eligible_people > 0),
          format('%s eligible people, fewer than 50, and no group above',
                 (SELECT eligible_people FROM perf.calibration_pool, chosen WHERE review_cycle_id = cycle_id AND exempt_reason IS NOT NULL AND eligible_people > 0)),
          'and says why');

-- Pools, from the definition: a team is a pool when its own people and those of
-- the teams below that are no pools reach the minimum.
SELECT is_empty($$
    SELECT g.group_name FROM perf.calibration_group g, chosen
    WHERE g.review_cycle_id = cycle_id AND g.depth = 2
      AND (g.calibration_pool_id = (SELECT p.calibration_pool_id FROM perf.calibration_pool p WHERE p.calibration_group_id = g.calibration_group_id))
          IS DISTINCT FROM
          CASE WHEN (SELECT count(*) FROM perf.participation q WHERE q.review_cycle_id = cycle_id AND q.team_id = g.team_id AND q.eligibility = 'eligible') >= 50 THEN true END
$$, 'a team with 50 eligible people or more is a pool, a smaller one is not');
SELECT is_empty($$
    SELECT pool.pool_name FROM perf.calibration_pool pool, chosen
    WHERE pool.review_cycle_id = cycle_id
      AND pool.eligible_people <> (SELECT count(*) FROM perf.participation q JOIN perf.calibration_group g ON g.team_id = q.team_id AND g.review_cycle_id = q.review_cycle_id
                                   WHERE q.review_cycle_id = cycle_id AND g.calibration_pool_id = pool.calibration_pool_id AND q.eligibility = 'eligible')
$$, 'each pool counts the eligible people of its groups');

-- LP points in numeric, from the formula
CREATE TEMP TABLE expected ON COMMIT DROP AS
WITH lp AS (
    SELECT r.employee_id,
           round(10000 * sum(s.score * w.weight * v.weight)::numeric / sum(w.weight * v.weight))::int AS lp_points
    FROM perf.principle_rating r
    JOIN chosen ON r.review_cycle_id = cycle_id
    JOIN perf.review_cycle c USING (review_cycle_id)
    JOIN perf.participation p USING (employee_id, review_cycle_id)
    JOIN perf.relation_weight v ON v.policy_id = c.policy_id AND v.relation = r.relation
    CROSS JOIN LATERAL unnest(r.scores) WITH ORDINALITY AS s(score, ordinal)
    JOIN perf.principle_weight w ON w.policy_id = c.policy_id AND w.level_code = p.level_code AND w.ordinal = s.ordinal
    WHERE s.score IS NOT NULL
    GROUP BY r.employee_id
), based AS (
    SELECT o.employee_id, o.calibration_pool_id, p.eligibility, p.lot, lp.lp_points, a.job_performance, a.potential,
           CASE WHEN lp.lp_points < 25000 THEN -1 WHEN lp.lp_points < 45000 THEN 0 WHEN lp.lp_points >= 45000 THEN 1 END AS lp_tier_raw
    FROM perf.overall_value o JOIN chosen ON o.review_cycle_id = cycle_id
    JOIN perf.participation p USING (employee_id, review_cycle_id)
    LEFT JOIN lp ON lp.employee_id = o.employee_id
    LEFT JOIN perf.assessment a ON a.employee_id = o.employee_id AND a.review_cycle_id = cycle_id
), capped AS (
    SELECT b.*, CASE WHEN lp_tier_raw = 1 AND
                     (SELECT count(*) FROM based q WHERE q.calibration_pool_id = b.calibration_pool_id AND q.eligibility = 'eligible' AND q.lp_points >= b.lp_points)
                     > (SELECT floor(5 * count(q.lp_points) / 100.0) FROM based q WHERE q.calibration_pool_id = b.calibration_pool_id AND q.eligibility = 'eligible')
                     THEN 0 ELSE lp_tier_raw END AS lp_tier
    FROM based b
)
SELECT c.*, c.job_performance + c.lp_tier + 1 AS band,
       CASE WHEN c.job_performance + c.lp_tier + c.potential + c.lp_points IS NOT NULL THEN
            (ARRAY['HV3','TT','TT','TT','HV2','HV3','TT','TT','HV1','HV2','HV3','HV3','HV1','HV1','HV2','HV3',
                   'LE','LE','HV1','HV1','LE','LE','LE','LE','LE','LE','LE','LE'])[(7 - (c.job_performance + c.lp_tier + 1)) * 4 + c.potential] END AS tier
FROM capped c;
ALTER TABLE expected ADD points int;
UPDATE expected SET points = 10000 * array_position('{LE,HV1,HV2,HV3,TT}', tier) - 10000
    + floor(9999 * (50::numeric * (job_performance - 1) * 30000 + 30 * (lp_points - 10000) * 3 + 20 * (potential - 1) * 40000) / (120000 * 100));

SELECT is_empty('SELECT o.employee_id, o.lp_points, e.lp_points FROM perf.overall_value o JOIN chosen ON review_cycle_id = cycle_id JOIN expected e USING (employee_id) WHERE o.lp_points IS DISTINCT FROM e.lp_points', 'LP points equal the formula in numeric');
SELECT is_empty('SELECT 1 FROM perf.overall_value o JOIN chosen ON review_cycle_id = cycle_id JOIN expected e USING (employee_id) WHERE (o.lp_tier_before_cap, o.lp_tier) IS DISTINCT FROM (e.lp_tier_raw, e.lp_tier)', 'LP tiers before and after the role-model cap');
SELECT cmp_ok((SELECT count(*) FROM expected WHERE lp_tier < lp_tier_raw), '>', 10::bigint, 'the cap bites in this company');
SELECT is_empty('SELECT 1 FROM perf.overall_value o JOIN chosen ON review_cycle_id = cycle_id JOIN expected e USING (employee_id) WHERE (o.performance_band, o.proposed_tier, o.ov_points) IS DISTINCT FROM (e.band, e.tier, e.points)', 'band, matrix tier and OV points');
SELECT is_empty($$SELECT 1 FROM perf.overall_value o JOIN chosen ON review_cycle_id = cycle_id
    WHERE (ov_points IS NULL) <> (lp_points IS NULL OR potential IS NULL OR job_performance IS NULL)$$, 'an Overall Value is NULL exactly when an axis is missing');
SELECT is((SELECT missing FROM perf.overall_value, chosen WHERE review_cycle_id = cycle_id AND lp_points IS NULL AND potential IS NOT NULL LIMIT 1),
          '{leadership_principles}', 'and the missing axis is named');
SELECT is((SELECT count(*) FROM perf.overall_value, chosen WHERE review_cycle_id = cycle_id AND ov_points IS NULL AND (proposed_tier IS NOT NULL OR quota_tier IS NOT NULL)),
          0::bigint, 'nobody without an Overall Value has a tier');

-- quotas: sums, floors and ceilings, company totals
SELECT is_empty($$
    SELECT pool.pool_name FROM perf.calibration_pool pool JOIN chosen ON review_cycle_id = cycle_id
    WHERE pool.exempt_reason IS NULL
      AND pool.ranked_people <> (SELECT sum(seats) FROM perf.pool_quota q WHERE q.calibration_pool_id = pool.calibration_pool_id)
$$, 'the seats of a pool add up to its ranked people');
SELECT is_empty($$
    SELECT pool.pool_name, q.tier FROM perf.calibration_pool pool JOIN chosen ON review_cycle_id = cycle_id JOIN perf.pool_quota q USING (calibration_pool_id)
    JOIN perf.distribution_target d ON d.policy_id = q.policy_id AND d.tiers = ARRAY[q.tier]
    WHERE q.seats NOT IN (floor(pool.ranked_people * d.target_percent / 100.0), ceil(pool.ranked_people * d.target_percent / 100.0))
$$, 'each cell is the floor or the ceiling of its exact value');
SELECT is_empty($$
    SELECT q.tier FROM perf.calibration_pool pool JOIN chosen ON review_cycle_id = cycle_id JOIN perf.pool_quota q USING (calibration_pool_id)
    JOIN perf.distribution_target d ON d.policy_id = q.policy_id AND d.tiers = ARRAY[q.tier]
    GROUP BY q.tier, d.target_percent
    HAVING sum(q.seats) NOT IN (floor(sum(pool.ranked_people) * d.target_percent / 100.0), ceil(sum(pool.ranked_people) * d.target_percent / 100.0))
$$, 'so is each tier of the whole company');

-- the bulk path equals the window function, given the same seats
CREATE TEMP TABLE dealt ON COMMIT DROP AS
SELECT o.employee_id, o.quota_tier, forced_tier(s.seats) OVER (
           PARTITION BY o.calibration_pool_id ORDER BY o.ov_points DESC NULLS LAST, o.lp_points DESC NULLS LAST, o.lot) AS tier_position
FROM perf.overall_value o JOIN chosen ON o.review_cycle_id = cycle_id
JOIN (SELECT q.calibration_pool_id, array_agg(q.seats ORDER BY t.tier_order DESC) AS seats
      FROM perf.pool_quota q JOIN perf.tier t USING (policy_id, tier) GROUP BY q.calibration_pool_id) s USING (calibration_pool_id)
WHERE o.takes_seat AND o.ov_points IS NOT NULL;
SELECT cmp_ok((SELECT count(*) FROM dealt), '>', 1400::bigint, 'the comparison has people');
SELECT is_empty($$SELECT * FROM dealt WHERE quota_tier <> (ARRAY['TT','HV3','HV2','HV1','LE'])[tier_position]$$, 'quota tiers equal forced_tier() given the same seats');
SELECT is_empty($$
    SELECT 1 FROM dealt a JOIN perf.overall_value x ON x.employee_id = a.employee_id JOIN chosen ON x.review_cycle_id = cycle_id
    JOIN perf.overall_value y ON y.review_cycle_id = cycle_id AND y.calibration_pool_id = x.calibration_pool_id JOIN dealt b ON b.employee_id = y.employee_id
    WHERE x.ov_points > y.ov_points AND a.tier_position > b.tier_position
$$, 'nobody with fewer points stands in a better tier of the same pool');
SELECT is((SELECT quota_tier FROM perf.overall_value, chosen WHERE review_cycle_id = cycle_id AND employee_id = 90100),
          (SELECT proposed_tier FROM perf.overall_value, chosen WHERE review_cycle_id = cycle_id AND employee_id = 90100), 'a transferred person keeps the proposed tier');
SELECT is_empty($$SELECT 1 FROM perf.overall_value o JOIN chosen ON o.review_cycle_id = cycle_id JOIN perf.calibration_pool p USING (calibration_pool_id)
    WHERE p.exempt_reason IS NOT NULL AND o.quota_tier IS DISTINCT FROM o.proposed_tier$$, 'so does everybody in the exempt pool');

-- again: nothing changes; with one new assessment: little changes
SELECT is(c.rows_changed, 0, 'run again, it writes nothing') FROM chosen, calibrate(cycle_id) c;
INSERT INTO perf.assessment (employee_id, review_cycle_id, job_performance, potential, source, manager_chain)
SELECT employee_id, review_cycle_id, CASE job_performance WHEN 5 THEN 1 ELSE 5 END, 4, 'manager', manager_chain
FROM perf.current_assessment, chosen WHERE review_cycle_id = cycle_id AND employee_id = 90777;
SELECT ok(c.rows_changed BETWEEN 1 AND 6, 'a new assessment changes the person and the people at the lines, nobody else') FROM chosen, calibrate(cycle_id) c;
SELECT is((SELECT potential FROM perf.overall_value, chosen WHERE review_cycle_id = cycle_id AND employee_id = 90777), 4, 'the newest assessment counts');
SELECT throws_ok('UPDATE perf.assessment SET job_performance = 5 WHERE employee_id = 90777', 'PM004', NULL, 'an assessment is never changed');
SELECT throws_ok('DELETE FROM perf.assessment WHERE employee_id = 90777', 'PM004', NULL, 'nor deleted');

-- explanations, through the eyes of the top of this company
SELECT act_as(90000) \g /dev/null
SELECT is((SELECT value FROM chosen, explain_ov(cycle_id, 90500) WHERE name = 'LP points'), (SELECT lp_points::text FROM expected WHERE employee_id = 90500), 'explain_ov replays the LP points');
SELECT is((SELECT value FROM chosen, explain_ov(cycle_id, 90500) WHERE name = 'OV points'), (SELECT points::text FROM expected WHERE employee_id = 90500), 'explain_ov replays the OV points');
SELECT is((SELECT md5(string_agg(x::text, '')) FROM chosen, explain_ov(cycle_id, 90500) x), (SELECT md5(string_agg(x::text, '')) FROM chosen, explain_ov(cycle_id, 90500) x), 'and gives the same bytes each time');
SELECT is_empty($$
    SELECT d.employee_id FROM (SELECT employee_id, row_number() OVER (PARTITION BY calibration_pool_id ORDER BY ov_points DESC, lp_points DESC, lot) AS place,
                                      count(*) OVER (PARTITION BY calibration_pool_id) AS n
                               FROM perf.overall_value JOIN chosen ON review_cycle_id = cycle_id WHERE takes_seat AND ov_points IS NOT NULL) d, chosen
    WHERE d.employee_id % 10 = 3
      AND (SELECT value FROM explain_rank(cycle_id, d.employee_id) WHERE name = 'position') <> format('%s of %s', d.place, d.n)
$$, 'explain_rank gives the position of the window function');
SELECT throws_ok('SELECT * FROM chosen, explain_rank(cycle_id, 90000)', 'PM004', NULL, 'nobody asks for the own rank');
SELECT throws_ok('SELECT * FROM chosen, explain_rank(cycle_id, 1)', 'PM004', NULL, 'nor for the rank of somebody unknown');
SELECT throws_ok('SELECT calibrate(cycle_id) FROM chosen', 'PM006', NULL, 'a leader without the office of hr does not calibrate');

SELECT * FROM finish();
ROLLBACK;
