-- Bounds in people, quotas under hard bounds, what would be otherwise, and the
-- views over quotas and changes: against brute force and plain SQL.
SELECT * FROM no_plan() \g /dev/null
SET search_path = public, perf, perfmgmt, pg_temp;
SET client_min_messages = warning;

-- Bounds in people ---------------------------------------------------------

SELECT new_policy_version(1) AS inward \gset
UPDATE policy SET bounds_rounding = 'inward', minimum_pool_size = 10 WHERE policy_id = :inward;

-- the definition, in numeric
CREATE FUNCTION pg_temp.people(of_policy int, n int) RETURNS TABLE (tiers text[], is_hard boolean, low int, high int) LANGUAGE sql AS $$
    SELECT d.tiers, d.is_hard,
           CASE WHEN outwards THEN floor(n * d.minimum_percent / 100.0) ELSE ceil(n * d.minimum_percent / 100.0) END::int,
           CASE WHEN outwards THEN ceil(n * d.maximum_percent / 100.0) ELSE floor(n * d.maximum_percent / 100.0) END::int
    FROM distribution_target d JOIN policy p USING (policy_id)
    -- a two-sided equal bound stays floor .. ceiling
    CROSS JOIN LATERAL (SELECT p.bounds_rounding = 'outward' OR coalesce(d.minimum_percent = d.maximum_percent, false) AS outwards) o
    WHERE d.policy_id = of_policy AND d.pool_size @> n AND coalesce(d.minimum_percent, d.maximum_percent) IS NOT NULL
$$;
SELECT is_empty(format('SELECT n, b.* FROM generate_series(1, 400) n CROSS JOIN LATERAL perf.bounds_in_people(%1$s, n) b
        EXCEPT SELECT n, b.* FROM generate_series(1, 400) n CROSS JOIN LATERAL pg_temp.people(%1$s, n) b', p), 'bounds in people, ' || bounds_rounding)
FROM policy JOIN (VALUES (1), (:inward)) v(p) ON p = policy_id;
SELECT is((SELECT count(*) FROM generate_series(1, 400) n CROSS JOIN LATERAL bounds_in_people(1, n)), 1600::bigint, 'four bounds a size');

-- the best seats by trying all
CREATE FUNCTION pg_temp.best(of_policy int, n int, weights int[]) RETURNS int[] LANGUAGE sql AS $$
    WITH bound AS (SELECT p.* FROM pg_temp.people(of_policy, n) p WHERE p.is_hard),
    choice AS (
        SELECT ARRAY[a, b, c, d, n - a - b - c - d] AS x
        FROM generate_series(0, n) a, generate_series(0, n - a) b, generate_series(0, n - a - b) c, generate_series(0, n - a - b - c) d
    )
    SELECT x FROM choice
    WHERE NOT EXISTS (SELECT FROM bound CROSS JOIN LATERAL (
              SELECT sum(x[k]) AS held FROM generate_series(1, 5) k WHERE (ARRAY['TT', 'HV3', 'HV2', 'HV1', 'LE'])[k] = ANY (bound.tiers)) h
          WHERE h.held < bound.low OR h.held > bound.high)
    ORDER BY (SELECT sum((w * x[k] - n * weights[k])::numeric ^ 2) FROM generate_series(1, 5) k, (SELECT sum(u) AS w FROM unnest(weights) u) s), x DESC
    LIMIT 1
$$;
CREATE FUNCTION pg_temp.bounded(of_policy int, n int, weights int[]) RETURNS int[] LANGUAGE sql AS $$
    SELECT apportion_bounded(n, weights, h.sets, h.minimums, h.maximums, h.names) FROM hard_bounds(of_policy, n) h
$$;
SELECT is(pg_temp.bounded(:inward, 53, '{20,15,25,35,5}'), '{10,8,13,19,3}', 'inward, n = 53');
SELECT is(apportion(53, '{20,15,25,35,5}'), '{11,8,13,18,3}', 'hamilton, n = 53');
SELECT is(pg_temp.bounded(1, 53, '{20,15,25,35,5}'), '{11,8,13,18,3}', 'outward bounds leave hamilton alone');
SELECT is_empty(format('SELECT n, pg_temp.bounded(%1$s, n, w), pg_temp.best(%1$s, n, w) FROM generate_series(10, 24) n, (VALUES (ARRAY[20,15,25,35,5]), (ARRAY[0,0,0,0,1]), (ARRAY[50,0,0,25,25])) v(w)
    WHERE pg_temp.bounded(%1$s, n, w) IS DISTINCT FROM pg_temp.best(%1$s, n, w)', p), 'the least squares under hard bounds of policy ' || p) FROM (VALUES (1), (:inward)) v(p);
SELECT is_empty('SELECT n FROM generate_series(1, 400) n WHERE pg_temp.bounded(1, n, target_percents(1, n)) <> apportion(n, target_percents(1, n))', 'outward, hamilton never breaks a bound');

-- infeasible ones
SELECT results_eq(format('SELECT array_agg(n ORDER BY n), min(conflict), max(conflict) FROM perf.policy_bound_gaps(%s)', :inward), $$VALUES ('{1,2,3,4,5,6,7,8,9}'::int[], 'LE', 'LE')$$, 'inward, LE cannot hold for 1 to 9');
SELECT is_empty(format('SELECT * FROM perf.policy_offences(%s)', :inward), 'below the minimum size that is no offence');
SELECT lives_ok(format('SELECT perf.check_policy(%s)', :inward), 'check_policy() lets it pass, with a notice');
UPDATE policy SET minimum_pool_size = 9 WHERE policy_id = :inward;
SELECT throws_ok(format('SELECT perf.check_policy(%s)', :inward), 'PM001', NULL, 'at the minimum size it is refused');
SELECT is((SELECT offence FROM policy_offences(:inward)), 'in a pool of 9 people the hard bounds of LE cannot hold', 'and says where');
UPDATE policy SET minimum_pool_size = 10 WHERE policy_id = :inward;
BEGIN;
UPDATE distribution_target SET is_hard = true, minimum_percent = 80, maximum_percent = 90 WHERE policy_id = :inward AND cardinality(tiers) = 3;
UPDATE distribution_target SET maximum_percent = 10, target_percent = 10 WHERE policy_id = :inward AND tiers = '{TT}';
UPDATE distribution_target SET target_percent = 25 WHERE policy_id = :inward AND tiers = '{HV3}';
SELECT is_empty(format('SELECT n FROM generate_series(20, 24) n WHERE pg_temp.bounded(%1$s, n, ''{10,25,25,35,5}'') IS DISTINCT FROM pg_temp.best(%1$s, n, ''{10,25,25,35,5}'')', :inward), 'nested sets too');
ROLLBACK;

-- A cycle under inward bounds ----------------------------------------------

-- two pools: alpha with 13 of whom one has no potential, beta with 12
SELECT create_cycle('2026', '2025-07-01', '2026-06-30', :inward) AS cycle \gset
SELECT open_cycle(:cycle) \g /dev/null
SELECT advance_cycle(:cycle) \g /dev/null
INSERT INTO principle_rating (employee_id, review_cycle_id, rater_id, relation, scores, level_rank, manager_chain)
SELECT p.employee_id, p.review_cycle_id, 28, 'stakeholder', array_fill((1 + p.employee_id % 3)::smallint, ARRAY[16]), p.level_rank, p.manager_chain
FROM participation p WHERE p.review_cycle_id = :cycle AND p.employee_id <> 28;
INSERT INTO assessment (employee_id, review_cycle_id, job_performance, potential, summary, source, manager_chain)
SELECT p.employee_id, p.review_cycle_id, 1 + p.employee_id / 2 % 5, CASE WHEN p.employee_id <> 12 THEN 1 + p.employee_id / 3 % 4 END, 'x', 'manager', p.manager_chain
FROM participation p WHERE p.review_cycle_id = :cycle;
SELECT calibrate(:cycle) \g /dev/null
CREATE TEMP TABLE pool AS
SELECT p.calibration_pool_id, p.pool_number, p.ranked_people AS n,
       array_agg(q.seats ORDER BY t.tier_order DESC) AS seats, array_agg(q.rounded_seats ORDER BY t.tier_order DESC) AS rounded
FROM calibration_pool p JOIN pool_quota q USING (calibration_pool_id) JOIN tier t USING (policy_id, tier)
WHERE p.review_cycle_id = :cycle GROUP BY p.calibration_pool_id;
SELECT cmp_ok((SELECT count(*) FROM pool), '=', 2::bigint, 'two pools');
SELECT results_eq('SELECT rounded FROM pool ORDER BY pool_number',
    'SELECT quotas FROM perfmgmt.apportion_groups((SELECT array_agg(n ORDER BY pool_number) FROM pool), ''{20,15,25,35,5}'') ORDER BY group_no', 'rounded together');
SELECT is_empty(format($$SELECT * FROM pool WHERE seats <> CASE WHEN EXISTS (
    SELECT FROM pg_temp.people(%1$s, n) b CROSS JOIN LATERAL (SELECT sum(rounded[k]) AS held FROM generate_series(1, 5) k WHERE (ARRAY['TT','HV3','HV2','HV1','LE'])[k] = ANY (b.tiers)) h
    WHERE b.is_hard AND (h.held < b.low OR h.held > b.high)) THEN pg_temp.best(%1$s, n, '{20,15,25,35,5}') ELSE rounded END$$, :inward), 'where a hard bound breaks, the best seats under it; elsewhere as rounded');
SELECT cmp_ok((SELECT count(*) FROM pool WHERE seats <> rounded), '>', 0::bigint, 'a bound binds');
SELECT results_eq(format('SELECT tier, rounded_seats, seats, drift FROM olr.quota_drift WHERE review_cycle_id = %s ORDER BY tier_order DESC', :cycle),
    $$SELECT tier, sum(rounded[k])::int, sum(seats[k])::int, sum(seats[k] - rounded[k])::int
      FROM pool, unnest('{TT,HV3,HV2,HV1,LE}'::text[]) WITH ORDINALITY t(tier, k) GROUP BY tier, k ORDER BY k$$, 'the drift is reported');
SELECT is((SELECT sum(drift) FROM olr.quota_drift WHERE review_cycle_id = :cycle), 0::bigint, 'and adds up to nothing');
SELECT cmp_ok((SELECT max(abs(drift)) FROM olr.quota_drift WHERE review_cycle_id = :cycle), '>', 0, 'some');

-- What would be ------------------------------------------------------------

SELECT new_policy_version(:inward) AS other \gset
UPDATE policy SET bounds_rounding = 'outward' WHERE policy_id = :other;
UPDATE distribution_target SET target_percent = CASE tiers[1] WHEN 'TT' THEN 10 WHEN 'HV3' THEN 25 ELSE target_percent END
WHERE policy_id = :other AND cardinality(tiers) = 1;
-- and targets that depend on the size: fewer than 13 people, no one in LE
SELECT new_policy_version(:inward) AS sized \gset
UPDATE policy SET bounds_rounding = 'outward' WHERE policy_id = :sized;
UPDATE distribution_target SET pool_size = '[13,)' WHERE policy_id = :sized;
INSERT INTO distribution_target (policy_id, tiers, target_percent, maximum_percent, is_hard, pool_size)
SELECT :sized, ARRAY[t], w, CASE t WHEN 'TT' THEN 30 END, t = 'TT', '[1,13)' FROM (VALUES ('TT', 30), ('HV3', 20), ('HV2', 30), ('HV1', 20), ('LE', 0)) v(t, w);
SELECT is_empty(format('SELECT * FROM perf.policy_offences(%s)', p), 'policy ' || p || ' is fine') FROM (VALUES (:other), (:sized)) v(p);
SELECT is(target_percents(:sized, 12) || target_percents(:sized, 13), '{30,20,30,20,0,20,15,25,35,5}', 'targets by size');

CREATE TEMP TABLE question AS
SELECT row_number() OVER () AS question, t.targets, p.policy, m.method, s.ties
FROM (VALUES (NULL::int[]), ('{10,20,30,30,10}'), ('{0,0,0,0,1}')) t(targets), (VALUES (NULL::int), (:other), (:sized)) p(policy),
     unnest('{groups,hamilton,webster,huntington_hill,dhondt}'::text[]) m(method), unnest('{strict,include,exclude}'::text[]) s(ties)
WHERE NOT (m.method = 'huntington_hill' AND t.targets = '{0,0,0,0,1}');
CREATE TEMP TABLE expected AS
WITH sized AS (
    SELECT q.question, q.ties, q.method, p.calibration_pool_id, p.n, coalesce(q.policy, :inward) AS rules,
           coalesce(q.targets, target_percents(coalesce(q.policy, :inward), p.n)) AS weights
    FROM question q, pool p
), grouped AS (
    SELECT s.question, s.weights, array_agg(s.calibration_pool_id ORDER BY s.calibration_pool_id) AS ids, array_agg(s.n ORDER BY s.calibration_pool_id) AS sizes
    FROM sized s WHERE s.method = 'groups' GROUP BY s.question, s.weights
), rounded AS (
    SELECT s.*, apportion(s.n, s.weights, s.method) AS seats FROM sized s WHERE s.method <> 'groups'
    UNION ALL
    SELECT s.*, g.quotas FROM sized s JOIN grouped q ON q.question = s.question AND q.weights = s.weights
    CROSS JOIN LATERAL apportion_groups(q.sizes, q.weights) g
    WHERE q.ids[g.group_no] = s.calibration_pool_id
), seated AS (
    SELECT r.question, r.ties, r.calibration_pool_id,
           CASE WHEN EXISTS (SELECT FROM pg_temp.people(r.rules, r.n) b
                             CROSS JOIN LATERAL (SELECT sum(r.seats[k]) AS held FROM generate_series(1, 5) k WHERE (ARRAY['TT','HV3','HV2','HV1','LE'])[k] = ANY (b.tiers)) h
                             WHERE b.is_hard AND (h.held < b.low OR h.held > b.high))
                THEN pg_temp.best(r.rules, r.n, r.weights) ELSE r.seats END AS seats
    FROM rounded r
), ranked AS (
    SELECT o.employee_id, o.calibration_pool_id, o.quota_tier,
           row_number() OVER (w ORDER BY o.ov_points DESC, o.lp_points DESC, o.lot) AS strict,
           rank() OVER (w ORDER BY o.ov_points DESC, o.lp_points DESC) AS include,
           count(*) OVER (w ORDER BY o.ov_points DESC, o.lp_points DESC) AS exclude
    FROM overall_value o WHERE o.review_cycle_id = :cycle AND o.takes_seat AND o.ov_points IS NOT NULL
    WINDOW w AS (PARTITION BY o.calibration_pool_id)
)
SELECT s.question, r.employee_id, r.quota_tier,
       (SELECT min((ARRAY['TT','HV3','HV2','HV1','LE'])[k]) FROM generate_series(1, 5) k
        WHERE CASE s.ties WHEN 'strict' THEN r.strict WHEN 'include' THEN r.include ELSE r.exclude END
              BETWEEN 1 + coalesce((SELECT sum(s.seats[i]) FROM generate_series(1, k - 1) i), 0) AND (SELECT sum(s.seats[i]) FROM generate_series(1, k) i)) AS tier
FROM seated s JOIN ranked r USING (calibration_pool_id);

CREATE TEMP TABLE checksum AS SELECT md5(string_agg(o::text, '' ORDER BY o.employee_id, o.review_cycle_id)) AS before FROM overall_value o;
CREATE TEMP TABLE answered (question bigint, employee_id int, pool_name text, quota_tier text, what_if_tier text, tier_change int);
BEGIN;
SELECT act_as(26) \g /dev/null
INSERT INTO answered SELECT q.question, w.* FROM question q CROSS JOIN LATERAL what_if(:cycle, NULL, q.targets, q.policy, q.method, q.ties) w;
SELECT throws_ok(format('SELECT * FROM perf.what_if(%s, 99)', :cycle), 'PM004', 'calibration session 99 does not exist', 'an unknown session');
SELECT throws_ok(format('SELECT * FROM perf.what_if(%s, 2)', :cycle), 'PM004', 'calibration session 2 does not exist', 'one of another cycle');
SELECT throws_ok(format('SELECT * FROM perf.what_if(%s, NULL, ''{1,2}'')', :cycle), '2202E', NULL, 'too few targets');
SELECT throws_ok(format('SELECT * FROM perf.what_if(%s, NULL, NULL, NULL, ''random'')', :cycle), '22023', NULL, 'an unknown method');
SELECT throws_ok(format('SELECT * FROM perf.what_if(%s, NULL, NULL, NULL, ''groups'', ''random'')', :cycle), '22023', NULL, 'an unknown way with ties');
CREATE TEMP TABLE of_session ON COMMIT DROP AS SELECT * FROM what_if(2, 2, '{0,0,0,0,1}');
SELECT ok((SELECT count(*) > 0 AND bool_and(pool_name = 'beta') FROM of_session), 'for a session: its pools');
COMMIT;
SELECT cmp_ok((SELECT count(DISTINCT question) FROM answered), '>', 60::bigint, 'most questions have an answer');
SELECT is_empty($$SELECT question, employee_id, quota_tier, what_if_tier FROM answered EXCEPT SELECT question, employee_id, quota_tier, tier FROM expected$$, 'what_if() equals the computation in plain SQL');
SELECT is_empty($$SELECT question, employee_id, tier FROM expected WHERE tier <> quota_tier AND employee_id <> 26 EXCEPT SELECT question, employee_id, what_if_tier FROM answered$$, 'and leaves nobody out');
SELECT is_empty('SELECT * FROM answered WHERE question = 1', 'with everything as it is, nobody would change');
SELECT is_empty($$SELECT * FROM answered WHERE tier_change <> array_position('{LE,HV1,HV2,HV3,TT}', what_if_tier) - array_position('{LE,HV1,HV2,HV3,TT}', quota_tier)$$, 'with the size of the change');
SELECT is((SELECT md5(string_agg(o::text, '' ORDER BY o.employee_id, o.review_cycle_id)) FROM overall_value o), (SELECT before FROM checksum), 'nothing is written');

-- Views --------------------------------------------------------------------

CREATE TEMP TABLE seen (place int GENERATED ALWAYS AS IDENTITY, what text, line text);
GRANT INSERT ON seen TO PUBLIC;
BEGIN;
SELECT act_as(26) \g /dev/null
SET LOCAL ROLE perfmgmt_hr;
INSERT INTO seen (what, line) SELECT 'compare', format('%s %s %s %s %s %s', employee_id, earlier_tier, later_tier, tier_change, earlier_label, later_label) FROM perf.compare_cycles(1, 2);
INSERT INTO seen (what, line) SELECT 'order', tier_change::text FROM perf.compare_cycles(1, 2);
INSERT INTO seen (what, line) SELECT 'matrix', format('%s %s %s %s', performance_band, potential, tier, n) FROM olr.matrix WHERE review_cycle_id = 2;
INSERT INTO seen (what, line) SELECT 'picture', m FROM perf.matrix_picture(2) m;
INSERT INTO seen (what, line) SELECT 'effect', format('%s %s %s %s', employee_id, proposed_tier, tier, tiers_lost) FROM olr.quota_effect WHERE review_cycle_id = 2;
INSERT INTO seen (what, line) SELECT 'advocacy', format('%s %s %s %s %s %s %s', manager_id, n, changes_proposed, changes_accepted, net_moves, mean_against_pool, shrunken_against_pool) FROM olr.advocacy;
COMMIT;
CREATE FUNCTION pg_temp.place(tier text) RETURNS int LANGUAGE sql RETURN array_position('{LE,HV1,HV2,HV3,TT}', tier);
CREATE TEMP VIEW visible AS
SELECT o.*, coalesce(o.final_tier, o.calibrated_tier, o.quota_tier) AS tier FROM overall_value o WHERE o.employee_id <> 26;
SELECT bag_eq($$SELECT line FROM seen WHERE what = 'compare'$$,
    $$SELECT format('%s %s %s %s %s %s', a.employee_id, a.tier, b.tier, pg_temp.place(b.tier) - pg_temp.place(a.tier), a.forte_label, b.forte_label)
      FROM visible a JOIN visible b USING (employee_id) WHERE a.review_cycle_id = 1 AND b.review_cycle_id = 2 AND a.tier IS NOT NULL AND b.tier IS NOT NULL$$, 'compare_cycles() lists who has tiers in both');
SELECT results_eq($$SELECT line::int FROM seen WHERE what = 'order' ORDER BY place$$, $$SELECT line::int FROM seen WHERE what = 'order' ORDER BY line::int$$, 'the biggest falls first');
SELECT bag_eq($$SELECT line FROM seen WHERE what = 'matrix'$$,
    $$SELECT format('%s %s %s %s', m.performance_band, m.potential, m.tier,
        (SELECT count(*) FROM visible v WHERE v.review_cycle_id = 2 AND (v.performance_band, v.potential) = (m.performance_band, m.potential)))
      FROM perf.matrix_cell m WHERE m.policy_id = 2$$, 'the matrix counts whom the reader sees');
SELECT is((SELECT count(*) FROM seen WHERE what = 'picture'), 8::bigint, 'the picture has a line a band');
SELECT is((SELECT sum(n[1]::int) FROM seen CROSS JOIN LATERAL regexp_matches(line, '\s(\d+) (?:TT|HV\d|LE)', 'g') n WHERE what = 'picture'),
          (SELECT count(*) FROM visible WHERE review_cycle_id = 2 AND ov_points IS NOT NULL), 'and holds everybody');
SELECT bag_eq($$SELECT line FROM seen WHERE what = 'effect'$$,
    $$SELECT format('%s %s %s %s', employee_id, proposed_tier, tier, pg_temp.place(proposed_tier) - pg_temp.place(tier)) FROM visible
      WHERE review_cycle_id = 2 AND pg_temp.place(tier) < pg_temp.place(proposed_tier)$$, 'quota_effect lists who stands below the proposed tier');
-- 20 of manager 6 was moved up by one: the mean of pool beta is 1/12
SELECT bag_eq($$SELECT line FROM seen WHERE what = 'advocacy'$$,
    $$VALUES ('1 1 0 0 0 -0.0833 -0.0076'), ('3 2 0 0 0 -0.0833 -0.0139'), ('6 5 1 1 1 0.1167 0.0389'), ('7 4 0 0 0 -0.0833 -0.0238')$$, 'advocacy: the moves of a manager against the mean of the pool');

-- why a person stands below: a reason other than the quota takes the person out of quota_effect
INSERT INTO calibration_change (employee_id, review_cycle_id, calibration_session_id, calibration_pool_id, policy_id, old_tier, new_tier, change_reason, comment, changed_by, manager_chain)
SELECT employee_id, 2, 2, calibration_pool_id, policy_id, old_tier, new_tier, reason, 'x', 2, manager_chain
FROM (VALUES (7, 'TT', 'HV2', 'evidence'), (17, 'TT', 'HV1', 'quota_only'), (22, 'HV3', 'LE', 'quota_only'), (22, 'LE', 'HV1', 'evidence')) v(person, old_tier, new_tier, reason)
JOIN overall_value o ON o.employee_id = person AND o.review_cycle_id = 2;
UPDATE overall_value o SET calibrated_tier = CASE employee_id WHEN 7 THEN 'HV2' WHEN 17 THEN 'HV1' ELSE 'HV1' END WHERE review_cycle_id = 2 AND employee_id IN (7, 17, 22);
SELECT set_eq('SELECT employee_id, tiers_lost FROM olr.quota_effect WHERE review_cycle_id = 2 AND employee_id IN (7, 17, 22)', 'VALUES (17, 2), (22, 1)',
    'who was moved down for another reason is not in quota_effect; who was moved back up in part is');
INSERT INTO calibration_change (employee_id, review_cycle_id, calibration_session_id, calibration_pool_id, policy_id, old_tier, new_tier, change_reason, comment, changed_by, manager_chain, withdraws_change_id)
SELECT employee_id, 2, 2, calibration_pool_id, policy_id, new_tier, old_tier, 'withdrawn', 'x', 2, manager_chain, calibration_change_id FROM calibration_change WHERE employee_id = 7;
UPDATE overall_value SET calibrated_tier = 'HV3', proposed_tier = 'TT' WHERE (employee_id, review_cycle_id) = (7, 2);
SELECT set_eq('SELECT employee_id FROM olr.quota_effect WHERE review_cycle_id = 2 AND employee_id IN (7, 17, 22)', 'VALUES (7), (17), (22)', 'nor does a change that was taken back count');

-- the distribution of session, group and company
SELECT is_empty($$SELECT scope, scope_name, tier, n, seats_to_add, seats_to_remove, status FROM olr.session_distribution
    WHERE seats_to_add <> greatest(minimum_seats - n, 0) OR seats_to_remove <> greatest(n - maximum_seats, 0)
       OR (status = 'within bounds') <> (n BETWEEN coalesce(minimum_seats, 0) AND coalesce(maximum_seats, total))
       OR round(n::numeric / total, 4) <> tier_share OR length(bar) <> 50$$, 'each line of the distribution follows from its counts');
SELECT results_eq($$SELECT sum(n)::int, min(total) FROM olr.session_distribution WHERE scope = 'session' GROUP BY scope_id ORDER BY scope_id$$, 'VALUES (12, 12), (12, 12)', 'a session above shows the people below');

SELECT * FROM finish();
