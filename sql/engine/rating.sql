-- Points from ratings: leadership principles, performance band, Overall Value.

CREATE FUNCTION perfmgmt.lp_score_accum(
    state bigint[], scores smallint[], relation_weight int, level int, weights int[][])
RETURNS bigint[]
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_lp_score_accum';
COMMENT ON FUNCTION perfmgmt.lp_score_accum(bigint[], smallint[], int, int, int[][]) IS
'transition function of lp_score: adds one rater''s scores to the state (sum of weight x relation weight x score, sum of weight x relation weight)';

CREATE FUNCTION perfmgmt.lp_score_combine(state bigint[], other bigint[])
RETURNS bigint[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_lp_score_combine';
COMMENT ON FUNCTION perfmgmt.lp_score_combine(bigint[], bigint[]) IS
'combine function of lp_score: adds the state of another worker';

CREATE FUNCTION perfmgmt.lp_score_final(state bigint[])
RETURNS int
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_lp_score_final';
COMMENT ON FUNCTION perfmgmt.lp_score_final(bigint[]) IS
'final function of lp_score: (20000 x S + W) / (2 x W), NULL when W is 0';

CREATE AGGREGATE perfmgmt.lp_score(
    scores smallint[], relation_weight int, level int, weights int[][])
(
    SFUNC = perfmgmt.lp_score_accum,
    STYPE = bigint[],
    INITCOND = '{0,0}',
    FINALFUNC = perfmgmt.lp_score_final,
    COMBINEFUNC = perfmgmt.lp_score_combine,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE perfmgmt.lp_score(smallint[], int, int, int[][]) IS
'leadership principle points of a subject: the weighted mean score x 10,000, half up, 10000..50000.
A row is one rater: scores by principle ordinal (1..5, NULL: not scored), the weight of the rater''s relation (0 or more), the subject''s level (row of weights, from 1), weights as one matrix [level][principle] of 0..10,000.
Rows with NULL scores are skipped; NULL when nothing with a weight was scored. Serial and parallel plans give the same points.
Errors: PM008 score out of range; PM001 level without weights, weight or relation weight out of range; 2202E wrong dimensions, more scores than principles; 22004 NULL weight, relation weight or level; 22003 overflow.
Formula: scoring policy, LP points: (20000 x S + W) / (2 x W), S the sum of weight x relation weight x score, W the sum of weight x relation weight';

CREATE FUNCTION perfmgmt.performance_band(job_performance int, lp_tier int)
RETURNS int
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_performance_band';
COMMENT ON FUNCTION perfmgmt.performance_band(int, int) IS
'performance band 1..7: job performance (1..5) + leadership principle tier (-1 development needed, 0 solid strength, 1 role model) + 1; NULL when an axis is missing.
Errors: PM008 axis out of range.
Formula: scoring policy, performance band';

CREATE FUNCTION perfmgmt.ov_points(
    job_performance int, lp_points int, potential int, tier_order int,
    weights int[] DEFAULT '{50,30,20}')
RETURNS int
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_ov_points';
COMMENT ON FUNCTION perfmgmt.ov_points(int, int, int, int, int[]) IS
'Overall Value in points, 0..49999: 10000 x tier_order + composite, so that the tier decides and the composite (0..9999) orders the people inside it; NULL when an axis is missing.
job_performance 1..5, lp_points 10000..50000, potential 1..4, tier_order 0..4 ascending (LE 0, HV1 1, HV2 2, HV3 3, TT 4), weights of the three axes in this order, each 0..10,000, not all 0.
Errors: PM008 axis out of range; PM001 weight out of range or all zero; 2202E not three weights; 22004 NULL weight.
Formula: scoring policy, OV points: N = w1 x (job - 1) x 30000 + w2 x (lp - 10000) x 3 + w3 x (potential - 1) x 40000, composite = 9999 x N / (120000 x (w1 + w2 + w3)), rounded down';
