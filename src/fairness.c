/*
 * fairness.c
 *		Statistics over counts and durations: Fisher's exact test, the median of
 *		durations of which some still go on.
 *
 * These describe people, they never rate them, so they may be floating point.
 * The answers are still the same to the bit everywhere: only multiplications,
 * divisions and additions are used, which IEEE 754 defines, no library function,
 * and no sum takes a product that a compiler could fuse into it.
 */
#include "perfmgmt.h"

#include <float.h>
#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

/* Tables as probable as the observed one, but for rounding, belong to it. */
#define TIE_TOLERANCE 1e-7

/* What is left of a tail whose terms are this much smaller changes no digit. */
#define NEGLIGIBLE 1e-22

/*
 * The weight of the most probable table: large, so that no other one that can
 * matter is too small for a double.
 */
#define MODE_WEIGHT 1e200

/* Half of the people, but for rounding. */
#define HALF (0.5 + 1e-9)

typedef enum Alternative
{
	TWO_SIDED,
	LESS,
	GREATER
} Alternative;

/* All tables with the same sums, told by the count in their first cell. */
typedef struct Hypergeometric
{
	int64		row;			/* sum of the first row */
	int64		column;			/* sum of the first column */
	int64		rest;			/* last cell when the first is 0; may be negative */
	int64		lowest;
	int64		highest;
	int64		mode;			/* the most probable first cell, or the next to it */
	int64		observed;
} Hypergeometric;

/* The sums of a walk over the tables. */
typedef struct Tally
{
	Alternative alternative;
	int64		observed;
	double		limit;			/* two-sided: tables up to this weight count */
	double		floor;			/* a walk ends below this weight */
	double		total;
	double		counted;
} Tally;

PG_FUNCTION_INFO_V1(perfmgmt_fisher_exact);
PG_FUNCTION_INFO_V1(perfmgmt_kaplan_meier_accum);
PG_FUNCTION_INFO_V1(perfmgmt_kaplan_meier_median_final);

/*
 * Checks
 */

static int64
CheckCount(int32 count)
{
	if (count < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a count must not be negative: %d", count)));
	return count;
}

static Alternative
CheckAlternative(const text *value)
{
	char	   *name = text_to_cstring(value);

	if (strcmp(name, "two-sided") == 0)
		return TWO_SIDED;
	if (strcmp(name, "less") == 0)
		return LESS;
	if (strcmp(name, "greater") == 0)
		return GREATER;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown alternative \"%s\"", name),
			 errhint("One of: two-sided, less, greater.")));
}

static double
CheckDuration(double duration)
{
	if (isnan(duration) || isinf(duration) || duration < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a duration must be a number from 0: %g", duration)));
	return duration;
}

/*
 * Fisher's exact test
 */

static Hypergeometric
TablesLike(int64 a, int64 b, int64 c, int64 d)
{
	Hypergeometric h;

	h.row = a + b;
	h.column = a + c;
	h.rest = d - a;
	h.lowest = Max(0, -h.rest);
	h.highest = Min(h.row, h.column);
	h.mode = (int64) ((double) (h.row + 1) * (double) (h.column + 1) / (double) (a + b + c + d + 2));
	h.mode = Max(h.lowest, Min(h.highest, h.mode));
	h.observed = a;
	return h;
}

/*
 * From the weight of a table to that of the next one, with one more or one less
 * in the first cell. The product comes before the division: a fused
 * multiply-and-add finds nothing to fuse.
 */
static double
WeightAbove(const Hypergeometric *h, int64 k, double weight)
{
	return weight * ((double) (h->row - k) * (double) (h->column - k)) /
		((double) (k + 1) * (double) (h->rest + k + 1));
}

static double
WeightBelow(const Hypergeometric *h, int64 k, double weight)
{
	return weight * ((double) k * (double) (h->rest + k)) /
		((double) (h->row - k + 1) * (double) (h->column - k + 1));
}

/*
 * Weights fall on both sides of the mode. What is below the smallest normal
 * double counts as 0: such numbers get stuck, as a smaller one rounds to them.
 */
static double
ObservedWeight(const Hypergeometric *h)
{
	double		weight = MODE_WEIGHT;
	int64		k;

	for (k = h->mode; k < h->observed && weight >= DBL_MIN; k++)
		weight = WeightAbove(h, k, weight);
	for (k = h->mode; k > h->observed && weight >= DBL_MIN; k--)
		weight = WeightBelow(h, k, weight);
	return weight >= DBL_MIN ? weight : 0;
}

static void
AddTable(Tally *tally, int64 k, double weight)
{
	bool		counts = tally->alternative == TWO_SIDED ? weight <= tally->limit :
		tally->alternative == LESS ? k <= tally->observed : k >= tally->observed;

	tally->total += weight;
	if (counts)
		tally->counted += weight;
}

/*
 * About a million steps each way at most: a weight falls below the smallest
 * double within 49 standard deviations, and one of them is 23,170 steps in the
 * largest table of ints.
 */
static double
ExactTest(const Hypergeometric *h, Alternative alternative)
{
	double		observed = ObservedWeight(h);
	double		weight;
	int64		k;
	Tally		tally = {
		.alternative = alternative,
		.observed = h->observed,
		.limit = observed * (1 + TIE_TOLERANCE),
		.floor = Max(observed * NEGLIGIBLE, DBL_MIN),
	};

	AddTable(&tally, h->mode, MODE_WEIGHT);
	for (k = h->mode, weight = MODE_WEIGHT; k < h->highest; k++)
	{
		CHECK_FOR_INTERRUPTS();
		weight = WeightAbove(h, k, weight);
		if (weight <= tally.floor)
			break;
		AddTable(&tally, k + 1, weight);
	}
	for (k = h->mode, weight = MODE_WEIGHT; k > h->lowest; k--)
	{
		CHECK_FOR_INTERRUPTS();
		weight = WeightBelow(h, k, weight);
		if (weight <= tally.floor)
			break;
		AddTable(&tally, k - 1, weight);
	}
	return tally.counted / tally.total;
}

Datum
perfmgmt_fisher_exact(PG_FUNCTION_ARGS)
{
	Hypergeometric h = TablesLike(CheckCount(PG_GETARG_INT32(0)), CheckCount(PG_GETARG_INT32(1)),
								  CheckCount(PG_GETARG_INT32(2)), CheckCount(PG_GETARG_INT32(3)));

	PG_RETURN_FLOAT8(ExactTest(&h, CheckAlternative(PG_GETARG_TEXT_PP(4))));
}

/*
 * Kaplan-Meier
 *
 * The state is float8[], a type that every node of a cluster knows: a duration
 * that ended as it is, one that still went on with its sign set, also that of 0.
 */

Datum
perfmgmt_kaplan_meier_accum(PG_FUNCTION_ARGS)
{
	LOCAL_FCINFO(append, 2);
	double		duration;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "kaplan_meier_accum called outside of an aggregate");
	if (PG_ARGISNULL(0))
		elog(ERROR, "kaplan_meier_accum called without a state");
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	duration = CheckDuration(PG_GETARG_FLOAT8(1));
	/* array_append() keeps the state expanded, so that a row costs the same always */
	InitFunctionCallInfoData(*append, fcinfo->flinfo, 2, PG_GET_COLLATION(), fcinfo->context, NULL);
	append->args[0].value = PG_GETARG_DATUM(0);
	append->args[0].isnull = false;
	append->args[1].value = Float8GetDatum(PG_GETARG_BOOL(2) ? duration : copysign(duration, -1.0));
	append->args[1].isnull = false;
	return array_append(append);
}

/* By duration; at a tie those that ended come first, as they were at risk with the others. */
static int
CompareDurations(const void *left, const void *right)
{
	double		a = *(const double *) left;
	double		b = *(const double *) right;

	if (fabs(a) != fabs(b))
		return fabs(a) < fabs(b) ? -1 : 1;
	return (signbit(a) != 0) - (signbit(b) != 0);
}

Datum
perfmgmt_kaplan_meier_median_final(PG_FUNCTION_ARGS)
{
	ArrayType  *state = PG_GETARG_ARRAYTYPE_P_COPY(0);
	double	   *durations = (double *) ARR_DATA_PTR(state);
	int			n = ArrayGetNItems(ARR_NDIM(state), ARR_DIMS(state));
	double		outlast = 1.0;
	int			i;

	if (ARR_ELEMTYPE(state) != FLOAT8OID || ARR_HASNULL(state))
		elog(ERROR, "kaplan_meier_median: bad state");
	qsort(durations, n, sizeof(double), CompareDurations);
	for (i = 0; i < n && !(outlast <= HALF);)
	{
		double		now = durations[i];
		int			at_risk = n - i;
		int			ended = 0;

		for (; i < n && durations[i] == now && !signbit(durations[i]); i++)
			ended++;
		if (ended == 0)
			i++;				/* censored */
		else
			outlast = outlast * (at_risk - ended) / at_risk;
		if (outlast <= HALF)
			PG_RETURN_FLOAT8(now);
	}
	PG_RETURN_NULL();
}
