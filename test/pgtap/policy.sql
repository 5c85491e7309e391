-- The rules as data: what check_policy() refuses, and that a policy in use stays.
SELECT * FROM no_plan() \g /dev/null
SET search_path = public, perf, perfmgmt;

SELECT lives_ok('SELECT perf.check_policy(1)', 'the shipped policy passes');
SELECT is_empty('SELECT * FROM perf.policy_offences(2)', 'so does the copy of the fixture');
SELECT is(target_percents(1, 50), '{20,15,25,35,5}', 'targets, best tier first');
SELECT is(array_dims(principle_weights(1)), '[1:5][1:16]', 'weights by level and principle');
SELECT is((principle_weights(1))[3:3], ARRAY[ARRAY[3,1,1,1,1,1,1,3,1,1,1,1,1,1,1,1]], 'from SDE III on, two principles weigh 3');
SELECT is((principle_weights(1))[2:2], ARRAY[array_fill(1, '{16}')], 'below all weigh 1');

-- The first offence that check_policy() names in a new version with one thing
-- broken; everything is undone.
CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    new_id int;
    refusal text := 'accepted';
    detail text;
BEGIN
    BEGIN
        new_id := perf.new_policy_version(1);
        EXECUTE replace(statement, '$1', new_id::text);
        BEGIN
            PERFORM perf.check_policy(new_id);
        EXCEPTION WHEN SQLSTATE 'PM001' THEN
            GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
            refusal := detail;
        END;
        RAISE EXCEPTION USING ERRCODE = 'ZZ001';
    EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
        RETURN refusal;
    END;
END
$$;

CREATE TEMP TABLE offence (place int GENERATED ALWAYS AS IDENTITY, statement text, detail text);
INSERT INTO offence (statement, detail) VALUES
('SELECT 1', 'accepted'),
($$DELETE FROM rating_level WHERE policy_id = $1 AND axis = 'potential' AND level = 3$$, 'level 3 of axis potential has no name.'),
($$UPDATE rating_level SET forte_wording = NULL WHERE policy_id = $1 AND axis = 'performance_band' AND level >= 5$$, 'performance band 5 has no Forte label.'),
('DELETE FROM principle_weight WHERE policy_id = $1 AND ordinal = 3; DELETE FROM principle WHERE policy_id = $1 AND ordinal = 3',
    'the ordinals of the principles are not 1, 2, 3 and so on without a gap.'),
('DELETE FROM principle_weight WHERE policy_id = $1; DELETE FROM principle WHERE policy_id = $1',
    'the ordinals of the principles are not 1, 2, 3 and so on without a gap.'),
($$DELETE FROM principle_weight WHERE policy_id = $1 AND ordinal = 7 AND level_code = 'SDE III'$$, 'principle 7 has no weight from 0 to 10000 at level SDE III.'),
($$UPDATE principle_weight SET weight = 10001 WHERE policy_id = $1 AND ordinal = 7 AND level_code = 'SDE III'$$, 'principle 7 has no weight from 0 to 10000 at level SDE III.'),
($$UPDATE principle_weight SET weight = -1 WHERE policy_id = $1 AND ordinal = 7 AND level_code = 'SDE III'$$, 'principle 7 has no weight from 0 to 10000 at level SDE III.'),
($$UPDATE principle_weight SET weight = 0 WHERE policy_id = $1 AND level_code = 'SDE I'$$, 'at level SDE I all principles weigh nothing.'),
($$INSERT INTO job_level VALUES ('Fellow', 6, true)$$, 'principle 1 has no weight from 0 to 10000 at level Fellow.'),
($$DELETE FROM relation_weight WHERE policy_id = $1 AND relation = 'peer'$$, 'relation peer has no weight from 0 to 10000.'),
($$UPDATE relation_weight SET weight = 10001 WHERE policy_id = $1 AND relation = 'peer'$$, 'relation peer has no weight from 0 to 10000.'),
($$UPDATE relation_weight SET weight = 1 WHERE policy_id = $1 AND relation = 'self'$$, 'relation self is never scored, its weight must be 0.'),
($$UPDATE matrix_cell SET tier = 'HV2' WHERE policy_id = $1 AND tier = 'HV3'; DELETE FROM tier WHERE policy_id = $1 AND tier = 'HV3'$$, 'no tier has tier_order 3.'),
('DELETE FROM matrix_cell WHERE policy_id = $1 AND performance_band = 4 AND potential >= 2', 'cell (band 4, potential 2) is missing.'),
($$UPDATE matrix_cell SET tier = 'HV1' WHERE policy_id = $1 AND performance_band = 4 AND potential = 4$$,
    'cell (band 4, potential 4) = HV1 is below its neighbour (band 4, potential 3) = HV2.'),
($$UPDATE matrix_cell SET tier = 'TT' WHERE policy_id = $1 AND performance_band = 3 AND potential = 4$$,
    'cell (band 4, potential 4) = HV3 is below its neighbour (band 3, potential 4) = TT.'),
('UPDATE policy SET weight_job_performance = 0, weight_leadership_principles = 0, weight_potential = 0 WHERE policy_id = $1',
    'the weights of the axes must be 0 to 10000 and not all 0.'),
('UPDATE policy SET weight_potential = -1 WHERE policy_id = $1', 'the weights of the axes must be 0 to 10000 and not all 0.'),
('UPDATE policy SET weight_job_performance = 10001 WHERE policy_id = $1', 'the weights of the axes must be 0 to 10000 and not all 0.'),
('UPDATE policy SET development_needed_below = 45001 WHERE policy_id = $1', 'the LP tiers need 10000 <= development_needed_below <= role_model_from <= 50001.'),
('UPDATE policy SET development_needed_below = 9999 WHERE policy_id = $1', 'the LP tiers need 10000 <= development_needed_below <= role_model_from <= 50001.'),
('UPDATE policy SET role_model_from = 50002 WHERE policy_id = $1', 'the LP tiers need 10000 <= development_needed_below <= role_model_from <= 50001.'),
('UPDATE policy SET role_model_percent = 101 WHERE policy_id = $1', 'role_model_percent must be 0 to 100 and minimum_pool_size 1 or more.'),
('UPDATE policy SET minimum_pool_size = 0 WHERE policy_id = $1', 'role_model_percent must be 0 to 100 and minimum_pool_size 1 or more.'),
($$INSERT INTO distribution_target (policy_id, tiers) VALUES ($1, '{XX}')$$, 'target {XX} names a tier that the policy does not have, or twice.'),
($$INSERT INTO distribution_target (policy_id, tiers) VALUES ($1, '{TT,TT}')$$, 'target {TT,TT} names a tier that the policy does not have, or twice.'),
($$UPDATE distribution_target SET minimum_percent = 11 WHERE policy_id = $1 AND tiers = '{LE}'$$, 'target {LE} is not minimum <= target <= maximum.'),
($$UPDATE distribution_target SET maximum_percent = 34 WHERE policy_id = $1 AND tiers = '{HV1}'$$, 'target {HV1} is not minimum <= target <= maximum.'),
($$DELETE FROM distribution_target WHERE policy_id = $1 AND tiers = '{HV2}'$$, 'tier HV2 has no target of its own for pools of 1.'),
($$INSERT INTO distribution_target (policy_id, tiers, target_percent, pool_size) VALUES ($1, '{HV2}', 25, '[100,)')$$, 'tier HV2 has no target of its own for pools of 100.'),
($$UPDATE distribution_target SET pool_size = '[10,)' WHERE policy_id = $1 AND tiers = '{TT}'$$, 'tier TT has no target of its own for pools of 1.'),
($$UPDATE distribution_target SET target_percent = 16 WHERE policy_id = $1 AND tiers = '{HV3}'$$, 'the targets for pools of 1 add up to 101, not 100.'),
($$INSERT INTO distribution_target (policy_id, tiers, maximum_percent) VALUES ($1, '{HV2,TT}', 50)$$, 'targets {HV3,HV2,HV1} and {HV2,TT} overlap and neither holds the other.'),
('UPDATE anonymity_rule SET minimum_raters = 2 WHERE policy_id = $1', 'minimum_raters must be 3 or more.'),
('DELETE FROM anonymity_rule WHERE policy_id = $1', 'minimum_raters must be 3 or more.'),
('DELETE FROM pip_rule WHERE policy_id = $1', 'there is no pip_rule.'),
('UPDATE pip_rule SET tier2_weeks = 12 WHERE policy_id = $1', 'severance does not strictly decrease from tier 1 over tier 2 to minimal.'),
('UPDATE pip_rule SET minimal_weeks = 4 WHERE policy_id = $1', 'severance does not strictly decrease from tier 1 over tier 2 to minimal.'),
('UPDATE pip_rule SET tier2_weeks_per_year = 2 WHERE policy_id = $1', 'severance does not strictly decrease from tier 1 over tier 2 to minimal.'),
('UPDATE pip_rule SET minimal_weeks = -1 WHERE policy_id = $1', 'severance does not strictly decrease from tier 1 over tier 2 to minimal.'),
('UPDATE pip_rule SET review_days = 0 WHERE policy_id = $1', 'review_days must be 1 to 366.'),
('UPDATE pip_rule SET choice_months = 0, choice_business_days = 4 WHERE policy_id = $1', 'the time to choose must be 5 business days to 2 months.'),
('UPDATE pip_rule SET choice_months = 2, choice_business_days = 1 WHERE policy_id = $1', 'the time to choose must be 5 business days to 2 months.'),
('UPDATE pip_rule SET final_choice_business_days = 0 WHERE policy_id = $1', 'final_choice_business_days must be 1 to 40.'),
('UPDATE pip_rule SET plan_days = 29 WHERE policy_id = $1', 'a plan takes 30 to 90 days.'),
('UPDATE pip_rule SET plan_days_most = 91 WHERE policy_id = $1', 'a plan takes 30 to 90 days.'),
('UPDATE pip_rule SET revocation_days = -1 WHERE policy_id = $1', 'revocation_days must be 0 to 90, panel_business_days 1 to 60, remind_days 0 to 30.'),
('DELETE FROM feedback_rule WHERE policy_id = $1', 'the policy has no feedback_rule.'),
-- the first of several
('UPDATE anonymity_rule SET minimum_raters = 2 WHERE policy_id = $1; DELETE FROM matrix_cell WHERE policy_id = $1', 'cell (band 1, potential 1) is missing.');
SELECT is(refused(statement), detail, detail || ' <- ' || left(statement, 60)) FROM offence ORDER BY place;
SELECT throws_ok('SELECT perf.check_policy(999)', 'PM001', 'policy 999 is refused', 'a policy that does not exist');
SELECT throws_ok('SELECT perf.new_policy_version(999)', 'PM001', NULL, 'has no next version');
SELECT is((SELECT count(*) FROM policy), 2::bigint, 'all of that was undone');

-- Versions -----------------------------------------------------------------

SELECT new_policy_version(2) AS draft \gset
SELECT results_eq(format('SELECT policy_name, policy_version, based_on_policy_id, minimum_pool_size FROM perf.policy WHERE policy_id = %s', :draft),
                  $$VALUES ('default', 3, 2, 5)$$, 'a new version is based on the old one and has its values');
CREATE FUNCTION contents(of_policy int) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT 'level ' || (to_jsonb(x) - 'policy_id')::text FROM perf.rating_level x WHERE policy_id = of_policy UNION ALL
    SELECT 'principle ' || (to_jsonb(x) - 'policy_id')::text FROM perf.principle x WHERE policy_id = of_policy UNION ALL
    SELECT 'weight ' || (to_jsonb(x) - 'policy_id')::text FROM perf.principle_weight x WHERE policy_id = of_policy UNION ALL
    SELECT 'relation ' || (to_jsonb(x) - 'policy_id')::text FROM perf.relation_weight x WHERE policy_id = of_policy UNION ALL
    SELECT 'tier ' || (to_jsonb(x) - 'policy_id')::text FROM perf.tier x WHERE policy_id = of_policy UNION ALL
    SELECT 'cell ' || (to_jsonb(x) - 'policy_id')::text FROM perf.matrix_cell x WHERE policy_id = of_policy UNION ALL
    SELECT 'target ' || (to_jsonb(x) - '{policy_id,distribution_target_id}'::text[])::text FROM perf.distribution_target x WHERE policy_id = of_policy UNION ALL
    SELECT 'anonymity ' || (to_jsonb(x) - 'policy_id')::text FROM perf.anonymity_rule x WHERE policy_id = of_policy UNION ALL
    SELECT 'pip ' || (to_jsonb(x) - 'policy_id')::text FROM perf.pip_rule x WHERE policy_id = of_policy UNION ALL
    SELECT 'feedback ' || (to_jsonb(x) - 'policy_id')::text FROM perf.feedback_rule x WHERE policy_id = of_policy
$$;
SELECT bag_eq(format('SELECT * FROM contents(%s)', :draft), 'SELECT * FROM contents(2)', 'and all of its rows');

-- Immutable once a cycle uses it -------------------------------------------

CREATE TEMP TABLE change (table_name text, statement text);
INSERT INTO change
SELECT t, format('UPDATE perf.%I SET policy_id = policy_id WHERE policy_id = {policy}', t)
FROM unnest('{policy,rating_level,principle,principle_weight,relation_weight,tier,matrix_cell,distribution_target,anonymity_rule,feedback_rule,pip_rule}'::text[]) t
UNION ALL
SELECT t, format('DELETE FROM perf.%I WHERE policy_id = {policy}', t)
FROM unnest('{rating_level,principle_weight,relation_weight,matrix_cell,distribution_target,anonymity_rule,feedback_rule,pip_rule}'::text[]) t;
INSERT INTO change VALUES
    ('rating_level', $$INSERT INTO perf.rating_level VALUES ({policy}, 'potential', 9, 'x')$$),
    ('principle', $$INSERT INTO perf.principle VALUES ({policy}, 17, 'x')$$),
    ('principle_weight', $$INSERT INTO perf.principle_weight VALUES ({policy}, 'SDE I', 1, 1) ON CONFLICT DO NOTHING$$),
    ('relation_weight', $$INSERT INTO perf.relation_weight VALUES ({policy}, 'peer', 1) ON CONFLICT DO NOTHING$$),
    ('tier', $$INSERT INTO perf.tier VALUES ({policy}, 'x', 4, 'x', 'x') ON CONFLICT DO NOTHING$$),
    ('matrix_cell', $$INSERT INTO perf.matrix_cell VALUES ({policy}, 1, 1, 'LE') ON CONFLICT DO NOTHING$$),
    ('distribution_target', $$INSERT INTO perf.distribution_target (policy_id, tiers) VALUES ({policy}, '{TT}')$$),
    ('anonymity_rule', $$INSERT INTO perf.anonymity_rule VALUES ({policy}, 3) ON CONFLICT DO NOTHING$$),
    ('pip_rule', $$INSERT INTO perf.pip_rule VALUES ({policy}) ON CONFLICT DO NOTHING$$),
    ('feedback_rule', $$INSERT INTO perf.feedback_rule VALUES ({policy}) ON CONFLICT DO NOTHING$$);
SELECT set_eq('SELECT table_name FROM change',
    $$SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
      WHERE c.relnamespace = 'perf'::regnamespace AND c.relkind = 'r' AND a.attname = 'policy_id'
        AND c.relname NOT IN ('review_cycle', 'overall_value', 'pool_quota', 'preliminary_rating', 'calibration_change', 'pip_case', 'pip_event')$$, 'every policy table is tried');
SELECT throws_ok(replace(statement, '{policy}', '2'), 'PM002', 'policy 2 is in use and cannot change', statement) FROM change;
SELECT throws_ok(format('UPDATE perf.anonymity_rule SET policy_id = 2 WHERE policy_id = %s', :draft), 'PM002', NULL, 'a row cannot be moved into a policy in use');
SELECT lives_ok(format('UPDATE perf.policy SET minimum_pool_size = 6 WHERE policy_id = %s', :draft), 'a version that nobody uses may change');
SELECT create_cycle('draft of the policy test', '2025-07-01', '2026-06-30', :draft) AS cycle \gset
SELECT lives_ok(format('UPDATE perf.policy SET minimum_pool_size = 7 WHERE policy_id = %s', :draft), 'also while a draft cycle has it');
BEGIN;
UPDATE matrix_cell SET tier = 'TT' WHERE policy_id = :draft AND performance_band = 1 AND potential = 1;
SELECT throws_ok(format('SELECT perf.open_cycle(%s)', :cycle), 'PM001', NULL, 'a cycle does not open with a policy that is refused');
ROLLBACK;
SELECT open_cycle(:cycle) \g /dev/null
SELECT throws_ok(replace(statement, '{policy}', :'draft'), 'PM002', NULL, 'once the cycle is open: ' || statement) FROM change WHERE table_name = 'policy';

-- Who may write ------------------------------------------------------------

SELECT new_policy_version(1) AS draft \gset
CREATE TABLE written (who text, rows_changed int);
GRANT INSERT ON written TO PUBLIC;
SELECT format('BEGIN; SELECT perfmgmt.act_as(%s); SET LOCAL ROLE perfmgmt_hr;
    WITH u AS (UPDATE perf.policy SET minimum_pool_size = 9 WHERE policy_id = %s RETURNING 1) INSERT INTO public.written SELECT %L, count(*) FROM u; COMMIT',
    actor, :draft, who) FROM (VALUES (26, 'appointed'), (4, 'not appointed')) w(actor, who) \gexec
SELECT results_eq('SELECT who, rows_changed FROM written ORDER BY 1', $$VALUES ('appointed', 1), ('not appointed', 0)$$,
                  'HR writes policies with the appointment, nobody else');

-- Inversions and mismatches ------------------------------------------------

SELECT results_eq('SELECT better_band, better_potential, better_label_tier, worse_band, worse_potential, worse_label_tier FROM perf.ov_inversions(1)',
    $$VALUES (6, 1, 'HV2', 4, 4, 'HV3'), (6, 1, 'HV2', 5, 3, 'HV3'), (6, 1, 'HV2', 5, 4, 'HV3')$$, 'three inversions in the default');
SELECT results_eq('SELECT performance_band, potential, tier, forte_label, usual_label FROM perf.label_mismatches(1)',
    $$VALUES (6, 1, 'HV2', 'Exceeds High Bar', 'Meets High Bar'),
             (5, 3, 'HV3', 'Meets High Bar', 'Exceeds High Bar'), (5, 4, 'HV3', 'Meets High Bar', 'Exceeds High Bar'),
             (4, 4, 'HV3', 'Meets High Bar', 'Exceeds High Bar'),
             (3, 3, 'HV1', 'Needs Improvement', 'Meets High Bar'), (3, 4, 'HV1', 'Needs Improvement', 'Meets High Bar')$$,
    'six cells whose label and tier differ');

SELECT * FROM finish();
