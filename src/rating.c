/*
 * rating.c
 *		From raw ratings to points: principle points, performance band, Overall
 *		Value.
 *
 * All arithmetic is on integers, so that serial and parallel plans, every
 * machine and every server version give the same points to the bit.
 */
#include "perfmgmt.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "nodes/primnodes.h"
#include "utils/array.h"
#include "utils/builtins.h"

#define SCORE_MIN 1
#define SCORE_MAX 5
#define WEIGHT_MAX 10000
#define POINTS_PER_SCORE 10000

/* The arguments of the transition function; 0 is the state. */
#define ARG_SCORES 1
#define ARG_RELATION_WEIGHT 2
#define ARG_LEVEL 3
#define ARG_WEIGHTS 4

/*
 * The state of lp_score is int8[2], a type that every node of a cluster knows
 * and that needs no serialization: the sum of weight x relation weight x score,
 * and the sum of weight x relation weight.
 */
#define STATE_SCORE 0
#define STATE_WEIGHT 1

/*
 * A rater's scores, read where they lie: a row on disk has a one-byte header
 * and no alignment, and PG_GETARG_ARRAYTYPE_P would copy each one.
 */
typedef struct ScoreRow
{
	int			count;			/* positions, scored or not */
	const bits8 *scored;		/* null bitmap, or NULL when all are scored */
	const char *values;			/* int16, unaligned, without the nulls */
} ScoreRow;

/* The weight matrix, checked and laid out once, kept in fn_extra. */
typedef struct WeightCache
{
	bool		stable;			/* the argument cannot change in this query */
	Pointer		seen;			/* where it lay the last time */
	struct varlena *key;		/* its bytes, to know it again */
	int			levels;
	int			principles;
	int32		weights[FLEXIBLE_ARRAY_MEMBER];
} WeightCache;

PG_FUNCTION_INFO_V1(perfmgmt_lp_score_accum);
PG_FUNCTION_INFO_V1(perfmgmt_lp_score_combine);
PG_FUNCTION_INFO_V1(perfmgmt_lp_score_final);
PG_FUNCTION_INFO_V1(perfmgmt_performance_band);
PG_FUNCTION_INFO_V1(perfmgmt_ov_points);

/*
 * Checks
 */

static void
CheckAxis(const char *axis, int value, int min, int max)
{
	if (unlikely(value < min || value > max))
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_SCORE_OUT_OF_RANGE),
				 errmsg("%s out of range: %d", axis, value),
				 errdetail("The allowed range is %d to %d.", min, max),
				 errhint("Use NULL for an axis that was not rated.")));
}

static void
CheckScore(int score, int principle)
{
	if (unlikely(score < SCORE_MIN || score > SCORE_MAX))
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_SCORE_OUT_OF_RANGE),
				 errmsg("score %d of principle %d is out of range",
						score, principle),
				 errdetail("The allowed range is %d to %d.",
						   SCORE_MIN, SCORE_MAX),
				 errhint("Use NULL for a principle that was not scored.")));
}

static void
CheckWeight(int weight)
{
	if (unlikely(weight < 0 || weight > WEIGHT_MAX))
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_POLICY_INVALID),
				 errmsg("weight %d is out of range", weight),
				 errdetail("The allowed range is 0 to %d.", WEIGHT_MAX)));
}

static void
CheckRelationWeight(int weight)
{
	if (unlikely(weight < 0))
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_POLICY_INVALID),
				 errmsg("relation weight %d is negative", weight),
				 errhint("Use 0 for a relation whose ratings do not count.")));
}

static void
CheckLevel(int level, int levels)
{
	if (unlikely(level < 1 || level > levels))
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_POLICY_INVALID),
				 errmsg("level %d has no weights", level),
				 errdetail("The weight matrix has levels 1 to %d.", levels),
				 errhint("Add the weights of the level to the policy.")));
}

static void
CheckPrinciples(int scores, int principles)
{
	if (unlikely(scores > principles))
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%d scores for %d principles", scores, principles),
				 errdetail("The position of a score is the ordinal of its principle.")));
}

static void
CheckShape(bool valid, const char *what, const char *shape)
{
	if (unlikely(!valid))
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%s have the wrong dimensions", what),
				 errdetail("Expected is %s.", shape)));
}

static void
CheckNotNull(bool isnull, const char *what)
{
	if (unlikely(isnull))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", what),
				 errdetail("Scores without their weight cannot be counted."),
				 errhint("Complete the policy, or use weight 0 for what does not count.")));
}

static void
CheckOverflow(bool overflow)
{
	if (unlikely(overflow))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("sum of weighted scores is out of range"),
				 errhint("Divide the relation weights by a common factor.")));
}

static void
CheckState(bool valid)
{
	if (unlikely(!valid))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("state of lp_score is not two non-negative sums"),
				 errhint("Call the aggregate, not its parts.")));
}

/*
 * Weight matrix
 */

/*
 * Is the argument one value for the whole query? get_fn_expr_arg_stable() never
 * says so inside an aggregate, because the executor shows the transition
 * function placeholders instead of the arguments: ask the aggregate itself.
 */
static bool
ArgIsStable(FunctionCallInfo fcinfo, int arg)
{
	Aggref	   *aggref = AggGetAggref(fcinfo);
	Expr	   *expr;

	if (aggref == NULL || list_length(aggref->args) < arg)
		return get_fn_expr_arg_stable(fcinfo->flinfo, arg);

	expr = ((TargetEntry *) list_nth(aggref->args, arg - 1))->expr;
	if (IsA(expr, Param))
		return ((Param *) expr)->paramkind == PARAM_EXTERN;
	return IsA(expr, Const);
}

static bool
SameBytes(const struct varlena *a, const struct varlena *b)
{
	return VARSIZE_ANY(a) == VARSIZE_ANY(b) &&
		memcmp(a, b, VARSIZE_ANY(a)) == 0;
}

static ArrayType *
OpenMatrix(struct varlena *bytes)
{
	ArrayType  *matrix = DatumGetArrayTypeP(PointerGetDatum(bytes));

	CheckShape(ARR_NDIM(matrix) == 2 &&
			   ARR_LBOUND(matrix)[0] == 1 && ARR_LBOUND(matrix)[1] == 1,
			   "weights", "a matrix, a row a level and a column a principle");
	CheckNotNull(array_contains_nulls(matrix), "weight");
	return matrix;
}

/*
 * Everything that can fail comes before the cache is replaced, so that an error
 * that a caller catches leaves no half-made matrix behind.
 */
static WeightCache *
BuildWeights(FunctionCallInfo fcinfo, struct varlena *bytes)
{
	MemoryContext context = fcinfo->flinfo->fn_mcxt;
	WeightCache *old = fcinfo->flinfo->fn_extra;
	WeightCache *cache;
	ArrayType  *matrix = OpenMatrix(bytes);
	int32	   *weights = (int32 *) ARR_DATA_PTR(matrix);
	int			count = ArrayGetNItems(2, ARR_DIMS(matrix));

	for (int i = 0; i < count; i++)
		CheckWeight(weights[i]);

	cache = MemoryContextAlloc(context, offsetof(WeightCache, weights) +
							   count * sizeof(int32));
	cache->key = MemoryContextAlloc(context, VARSIZE_ANY(bytes));
	memcpy(cache->key, bytes, VARSIZE_ANY(bytes));
	cache->stable = old ? old->stable : ArgIsStable(fcinfo, ARG_WEIGHTS);
	cache->levels = ARR_DIMS(matrix)[0];
	cache->principles = ARR_DIMS(matrix)[1];
	memcpy(cache->weights, weights, count * sizeof(int32));

	fcinfo->flinfo->fn_extra = cache;
	if (old)
	{
		pfree(old->key);
		pfree(old);
	}
	return cache;
}

/*
 * The same pointer means the same matrix only if the argument is stable: the
 * place of a value that comes with the rows is used again for the next row.
 * Otherwise, and when a stable value was moved (by a sort, say), the bytes
 * decide. Bytes that lie elsewhere (toast, expanded) have to be brought first.
 */
static const WeightCache *
FetchWeights(FunctionCallInfo fcinfo)
{
	WeightCache *cache = fcinfo->flinfo->fn_extra;
	Pointer		seen = PG_GETARG_POINTER(ARG_WEIGHTS);
	struct varlena *bytes = (struct varlena *) seen;

	if (cache && cache->stable && cache->seen == seen)
		return cache;

	if (VARATT_IS_EXTERNAL(bytes))
		bytes = PG_DETOAST_DATUM(PointerGetDatum(bytes));
	if (cache == NULL || !SameBytes(cache->key, bytes))
		cache = BuildWeights(fcinfo, bytes);
	cache->seen = seen;
	return cache;
}

/*
 * Scores
 */

static void
OpenScores(Datum datum, ScoreRow *row)
{
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(datum);
	const char *array = VARDATA_ANY(bytes) - VARHDRSZ;
	int32		dim;
	int32		lbound;
	ArrayType	head;

	memcpy((char *) &head + VARHDRSZ, array + VARHDRSZ,
		   sizeof(ArrayType) - VARHDRSZ);
	memset(row, 0, sizeof(ScoreRow));
	if (head.ndim == 0)
		return;

	memcpy(&dim, array + sizeof(ArrayType), sizeof(dim));
	memcpy(&lbound, array + sizeof(ArrayType) + head.ndim * sizeof(int32),
		   sizeof(lbound));
	CheckShape(head.ndim == 1 && lbound == 1,
			   "scores", "one dimension that starts at 1");

	row->count = dim;
	if (head.dataoffset)
		row->scored = (const bits8 *) array + sizeof(ArrayType) +
			2 * sizeof(int32);
	row->values = array + (head.dataoffset ? head.dataoffset
						   : ARR_OVERHEAD_NONULLS(1));
}

static inline int
NextScore(const char **values)
{
	int16		score;

	memcpy(&score, *values, sizeof(score));
	*values += sizeof(score);
	return score;
}

/*
 * One rater's sums before the relation weight. They cannot overflow: an array
 * has fewer than 2^28 elements, a weight is at most 10,000 and a score 5.
 */
static void
SumScores(const ScoreRow *row, const int32 *weights, int64 sums[2])
{
	const char *values = row->values;
	int64		score_sum = 0;
	int64		weight_sum = 0;

	for (int i = 0; i < row->count; i++)
	{
		int			score;

		if (row->scored && !(row->scored[i / 8] & (1 << (i % 8))))
			continue;
		score = NextScore(&values);
		CheckScore(score, i + 1);
		score_sum += (int64) weights[i] * score;
		weight_sum += weights[i];
	}
	sums[STATE_SCORE] = score_sum;
	sums[STATE_WEIGHT] = weight_sum;
}

/*
 * lp_score
 */

/*
 * The state belongs to the aggregate and is changed in place; whoever calls the
 * function directly gets a copy.
 */
static int64 *
OpenState(FunctionCallInfo fcinfo, ArrayType **state)
{
	int64	   *sums;

	*state = AggCheckCallContext(fcinfo, NULL) ?
		PG_GETARG_ARRAYTYPE_P(0) : PG_GETARG_ARRAYTYPE_P_COPY(0);
	CheckState(ARR_NDIM(*state) == 1 && !ARR_HASNULL(*state) &&
			   ARR_SIZE(*state) == ARR_OVERHEAD_NONULLS(1) + 2 * sizeof(int64));
	sums = (int64 *) ARR_DATA_PTR(*state);
	CheckState(sums[STATE_SCORE] >= 0 && sums[STATE_WEIGHT] >= 0);
	return sums;
}

static void
AddSums(int64 *state, const int64 *sums, int64 factor)
{
	for (int i = 0; i < 2; i++)
	{
		int64		product;

		CheckOverflow(pg_mul_s64_overflow(sums[i], factor, &product));
		CheckOverflow(pg_add_s64_overflow(state[i], product, &state[i]));
	}
}

/*
 * A row without scores adds nothing, as an outer join makes it for a subject
 * whom nobody rated. Scores without their weights are an error: leaving them
 * out would change the points and nobody would see it.
 */
Datum
perfmgmt_lp_score_accum(PG_FUNCTION_ARGS)
{
	const WeightCache *cache;
	ScoreRow	row;
	ArrayType  *state;
	int64	   *state_sums;
	int64		sums[2];
	int			level;

	CheckState(!PG_ARGISNULL(0));
	state_sums = OpenState(fcinfo, &state);
	if (PG_ARGISNULL(ARG_SCORES))
		PG_RETURN_ARRAYTYPE_P(state);
	CheckNotNull(PG_ARGISNULL(ARG_RELATION_WEIGHT), "relation weight");
	CheckNotNull(PG_ARGISNULL(ARG_LEVEL), "level");
	CheckNotNull(PG_ARGISNULL(ARG_WEIGHTS), "weights");

	cache = FetchWeights(fcinfo);
	level = PG_GETARG_INT32(ARG_LEVEL);
	CheckLevel(level, cache->levels);
	CheckRelationWeight(PG_GETARG_INT32(ARG_RELATION_WEIGHT));
	OpenScores(PG_GETARG_DATUM(ARG_SCORES), &row);
	CheckPrinciples(row.count, cache->principles);

	SumScores(&row, cache->weights + (level - 1) * cache->principles, sums);
	AddSums(state_sums, sums, PG_GETARG_INT32(ARG_RELATION_WEIGHT));
	PG_RETURN_ARRAYTYPE_P(state);
}

Datum
perfmgmt_lp_score_combine(PG_FUNCTION_ARGS)
{
	ArrayType  *state;
	ArrayType  *other = PG_GETARG_ARRAYTYPE_P(1);
	int64	   *sums = OpenState(fcinfo, &state);

	CheckState(ARR_NDIM(other) == 1 && !ARR_HASNULL(other) &&
			   ARR_SIZE(other) == ARR_SIZE(state));
	AddSums(sums, (int64 *) ARR_DATA_PTR(other), 1);
	PG_RETURN_ARRAYTYPE_P(state);
}

/*
 * points = 10,000 x S / W, half up: (20,000 x S + W) / (2 x W).
 */
Datum
perfmgmt_lp_score_final(PG_FUNCTION_ARGS)
{
	ArrayType  *state;
	int64	   *sums = OpenState(fcinfo, &state);
	int64		weight = sums[STATE_WEIGHT];
	int64		dividend;
	int64		divisor;
	int64		points;

	if (weight == 0)
		PG_RETURN_NULL();
	CheckOverflow(pg_mul_s64_overflow(sums[STATE_SCORE], 2 * POINTS_PER_SCORE,
									  &dividend));
	CheckOverflow(pg_add_s64_overflow(dividend, weight, &dividend));
	CheckOverflow(pg_mul_s64_overflow(weight, 2, &divisor));
	points = dividend / divisor;
	CheckState(points >= SCORE_MIN * POINTS_PER_SCORE &&
			   points <= SCORE_MAX * POINTS_PER_SCORE);
	PG_RETURN_INT32((int32) points);
}

/*
 * Overall Value
 */

Datum
perfmgmt_performance_band(PG_FUNCTION_ARGS)
{
	int			job_performance = PG_GETARG_INT32(0);
	int			lp_tier = PG_GETARG_INT32(1);

	CheckAxis("job performance", job_performance, 1, 5);
	CheckAxis("leadership principle tier", lp_tier, -1, 1);
	PG_RETURN_INT32(job_performance + lp_tier + 1);
}

static void
CheckWeightSum(int64 sum)
{
	if (unlikely(sum == 0))
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_POLICY_INVALID),
				 errmsg("weights are all zero"),
				 errhint("Give at least one axis a weight.")));
}

static int32 *
OpenAxisWeights(ArrayType *array)
{
	int32	   *weights = (int32 *) ARR_DATA_PTR(array);

	CheckShape(ARR_NDIM(array) == 1 && ARR_DIMS(array)[0] == 3,
			   "weights", "three: job performance, leadership principles, potential");
	CheckNotNull(array_contains_nulls(array), "weight");
	for (int i = 0; i < 3; i++)
		CheckWeight(weights[i]);
	CheckWeightSum((int64) weights[0] + weights[1] + weights[2]);
	return weights;
}

/*
 * The tier decides, the composite orders the people inside the tier. Each axis
 * is stretched to 0..120,000 before it is weighted, so that no axis weighs more
 * because it has more steps. The checks bound the dividend by 9999 x 120,000 x
 * 30,000, far inside int64.
 */
Datum
perfmgmt_ov_points(PG_FUNCTION_ARGS)
{
	int			job_performance = PG_GETARG_INT32(0);
	int			lp_points = PG_GETARG_INT32(1);
	int			potential = PG_GETARG_INT32(2);
	int			tier_order = PG_GETARG_INT32(3);
	int32	   *weights = OpenAxisWeights(PG_GETARG_ARRAYTYPE_P(4));
	int64		sum = (int64) weights[0] + weights[1] + weights[2];
	int64		composite;

	CheckAxis("job performance", job_performance, 1, 5);
	CheckAxis("leadership principle points", lp_points, 10000, 50000);
	CheckAxis("potential", potential, 1, 4);
	CheckAxis("tier order", tier_order, 0, 4);

	composite = (int64) weights[0] * (job_performance - 1) * 30000 +
		(int64) weights[1] * (lp_points - 10000) * 3 +
		(int64) weights[2] * (potential - 1) * 40000;
	composite = 9999 * composite / (120000 * sum);
	PG_RETURN_INT32(10000 * tier_order + (int32) composite);
}
