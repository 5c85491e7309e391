/*
 * calibration.c
 *		Quota arithmetic: seats from weights, tiers from ranks.
 *
 * Everything here is exact integer arithmetic, so that a quota is the same
 * number on every machine, in every plan.  Five jobs, top down:
 *
 *	apportion			seats of one pool, by one of four classic methods
 *	apportion_bounded	seats of one pool, under bounds on sets of tiers
 *	apportion_groups	seats of many pools whose totals must fit as well
 *	forced_tier			the tier of a ranked row, as a window function
 *	assign_tiers		the same tiers for a whole company at once
 */
#include "perfmgmt.h"

#include <limits.h>

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "lib/binaryheap.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"
#include "port/pg_bitutils.h"
#include "storage/buffile.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"
#include "windowapi.h"

/*
 * Weights are small numbers: percentages, or the seats of a pool.  With a sum
 * in int32, seats * weight stays below 2^62 and needs no check anywhere.
 */
#define MAX_WEIGHT_SUM PG_INT32_MAX

typedef enum ApportionMethod
{
	METHOD_HAMILTON,
	METHOD_WEBSTER,
	METHOD_HUNTINGTON_HILL,
	METHOD_DHONDT
} ApportionMethod;

/* What people of equal rank get: the order by position, or one tier for all */
typedef enum TiesMode
{
	TIES_STRICT,
	TIES_INCLUDE,
	TIES_EXCLUDE
} TiesMode;

/* A one-dimensional int4 array without NULLs; values point into the array */
typedef struct Vector
{
	int			length;
	const int32 *values;
} Vector;

PG_FUNCTION_INFO_V1(perfmgmt_apportion);
PG_FUNCTION_INFO_V1(perfmgmt_apportion_bounded);
PG_FUNCTION_INFO_V1(perfmgmt_bounds_conflict);
PG_FUNCTION_INFO_V1(perfmgmt_apportion_groups);
PG_FUNCTION_INFO_V1(perfmgmt_forced_tier);
PG_FUNCTION_INFO_V1(perfmgmt_forced_tier_support);
PG_FUNCTION_INFO_V1(perfmgmt_assign_tiers);

/* ---------------------------------------------------------------------
 * Arguments
 * ---------------------------------------------------------------------
 */

static void
CheckNoNulls(ArrayType *array, const char *name)
{
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not contain NULL", name),
				 errhint("Write 0 where there is none.")));
}

static void
CheckOneDimension(ArrayType *array, const char *name)
{
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%s must be a one-dimensional array", name),
				 errdetail("The array has %d dimensions.", ARR_NDIM(array))));
}

static Vector
CheckVector(ArrayType *array, const char *name)
{
	Vector		vector;

	CheckOneDimension(array, name);
	CheckNoNulls(array, name);

	vector.length = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	vector.values = (const int32 *) ARR_DATA_PTR(array);
	return vector;
}

static void
CheckNotNegative(int32 value, const char *name)
{
	if (value < 0)
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_QUOTA_INVALID),
				 errmsg("%s must not be negative", name),
				 errdetail("The value is %d.", value)));
}

static void
CheckWeightSum(int64 sum)
{
	if (sum == 0)
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_QUOTA_INVALID),
				 errmsg("at least one weight must be positive")));
	if (sum > MAX_WEIGHT_SUM)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the sum of the weights is out of range"),
				 errdetail("The sum is " INT64_FORMAT ", the limit is %d.",
						   sum, MAX_WEIGHT_SUM)));
}

/* The sum of valid weights */
static int64
CheckWeights(Vector weights)
{
	int64		sum = 0;

	for (int i = 0; i < weights.length; i++)
	{
		CheckNotNegative(weights.values[i], "weights");
		sum += weights.values[i];
	}
	CheckWeightSum(sum);
	return sum;
}

static bool
TextIs(const text *value, const char *word)
{
	size_t		length = strlen(word);

	return VARSIZE_ANY_EXHDR(value) == length &&
		memcmp(VARDATA_ANY(value), word, length) == 0;
}

static ApportionMethod
CheckMethod(const text *name)
{
	if (TextIs(name, "hamilton"))
		return METHOD_HAMILTON;
	if (TextIs(name, "webster"))
		return METHOD_WEBSTER;
	if (TextIs(name, "huntington_hill"))
		return METHOD_HUNTINGTON_HILL;
	if (TextIs(name, "dhondt"))
		return METHOD_DHONDT;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown apportionment method \"%s\"",
					text_to_cstring(name)),
			 errhint("Methods are hamilton, webster, huntington_hill and dhondt.")));
	return METHOD_HAMILTON;		/* keep compilers quiet */
}

static TiesMode
CheckTies(const text *name)
{
	if (TextIs(name, "strict"))
		return TIES_STRICT;
	if (TextIs(name, "include"))
		return TIES_INCLUDE;
	if (TextIs(name, "exclude"))
		return TIES_EXCLUDE;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown ties mode \"%s\"", text_to_cstring(name)),
			 errhint("Modes are strict, include and exclude.")));
	return TIES_STRICT;			/* keep compilers quiet */
}

/* An int4 array to be filled in, without a detour through Datums */
static ArrayType *
NewVector(int length)
{
	Size		size = ARR_OVERHEAD_NONULLS(1) + sizeof(int32) * (Size) length;
	ArrayType  *array = palloc0(size);

	SET_VARSIZE(array, size);
	array->ndim = 1;
	array->dataoffset = 0;
	array->elemtype = INT4OID;
	ARR_DIMS(array)[0] = length;
	ARR_LBOUND(array)[0] = 1;
	return array;
}

/* ---------------------------------------------------------------------
 * apportion
 * ---------------------------------------------------------------------
 */

typedef struct Remainder
{
	int64		value;
	int			element;
} Remainder;

/* Larger remainder first, then the earlier element */
static int
CompareRemainders(const void *a, const void *b)
{
	const Remainder *x = a;
	const Remainder *y = b;

	if (x->value != y->value)
		return x->value > y->value ? -1 : 1;
	return x->element < y->element ? -1 : 1;
}

/* Largest remainder: everybody the floor, the rest by remainder */
static void
ApportionHamilton(int32 seats, Vector weights, int64 sum, int32 *result)
{
	Remainder  *remainders = palloc_array(Remainder, weights.length);
	int64		left = seats;

	for (int i = 0; i < weights.length; i++)
	{
		int64		exact = (int64) seats * weights.values[i];

		result[i] = (int32) (exact / sum);
		remainders[i].value = exact % sum;
		remainders[i].element = i;
		left -= result[i];
	}
	/* the seats left are fewer than the elements with a remainder */
	if (left > 0)
		qsort(remainders, weights.length, sizeof(Remainder), CompareRemainders);
	for (int64 i = 0; i < left; i++)
		result[remainders[i].element]++;
	pfree(remainders);
}

/*
 * The divisor methods deal seats one by one to the element of the highest
 * priority: weight/(s+1) for D'Hondt, weight/(2s+1) for Webster, and
 * weight^2/(s(s+1)) for Huntington-Hill, with s the seats it holds.
 */
typedef struct SeatOrder
{
	ApportionMethod method;
	const int32 *weights;
	const int32 *held;
	bool		taking;			/* look for the last seat dealt, not the next */
} SeatOrder;

typedef struct Product
{
	uint64		high;
	uint64		low;
} Product;

/* 64 x 64 -> 128 bits in halves: exact also where compilers have no int128 */
static Product
Multiply(uint64 a, uint64 b)
{
	uint64		a0 = a & PG_UINT32_MAX;
	uint64		a1 = a >> 32;
	uint64		b0 = b & PG_UINT32_MAX;
	uint64		b1 = b >> 32;
	uint64		middle = a1 * b0 + ((a0 * b0) >> 32);
	uint64		cross = a0 * b1 + (middle & PG_UINT32_MAX);
	Product		product;

	product.high = a1 * b1 + (middle >> 32) + (cross >> 32);
	product.low = (cross << 32) | ((a0 * b0) & PG_UINT32_MAX);
	return product;
}

/* The sign of a*b - c*d */
static int
CompareProducts(uint64 a, uint64 b, uint64 c, uint64 d)
{
	Product		x = Multiply(a, b);
	Product		y = Multiply(c, d);

	if (x.high != y.high)
		return x.high > y.high ? 1 : -1;
	if (x.low != y.low)
		return x.low > y.low ? 1 : -1;
	return 0;
}

static uint64
PriorityNumerator(ApportionMethod method, uint64 weight)
{
	return method == METHOD_HUNTINGTON_HILL ? weight * weight : weight;
}

static uint64
PriorityDenominator(ApportionMethod method, uint64 held)
{
	switch (method)
	{
		case METHOD_WEBSTER:
			return 2 * held + 1;
		case METHOD_HUNTINGTON_HILL:
			return held * (held + 1);
		default:
			return held + 1;
	}
}

/* Positive when element a is served before element b */
static int
CompareSeats(const SeatOrder *order, int a, int b)
{
	uint64		denominator_a;
	uint64		denominator_b;
	int			sign;

	denominator_a = PriorityDenominator(order->method,
										order->held[a] - order->taking);
	denominator_b = PriorityDenominator(order->method,
										order->held[b] - order->taking);
	/* first seats of Huntington-Hill are all infinitely urgent: by weight */
	if (denominator_a == 0 && denominator_b == 0)
		denominator_a = denominator_b = 1;
	sign = CompareProducts(PriorityNumerator(order->method, order->weights[a]),
						   denominator_b,
						   PriorityNumerator(order->method, order->weights[b]),
						   denominator_a);
	if (sign != 0)
		return sign;
	return a < b ? 1 : -1;
}

/* The heap keeps on top who is next to get a seat, or the last to have got one */
static int
CompareHeapSeats(Datum a, Datum b, void *arg)
{
	const SeatOrder *order = arg;
	int			sign;

	sign = CompareSeats(order, DatumGetInt32(a), DatumGetInt32(b));
	return order->taking ? -sign : sign;
}

/*
 * Seats at the divisor sum/seats, which is never more than one seat an element
 * from the answer, however many seats there are.
 */
static int32
FirstGuess(ApportionMethod method, int32 seats, int32 weight, int64 sum)
{
	uint64		exact = (uint64) seats * weight;
	uint64		floor = exact / sum;

	if (weight == 0)
		return 0;
	switch (method)
	{
		case METHOD_WEBSTER:
			return (int32) ((2 * exact + sum) / (2 * (uint64) sum));
		case METHOD_HUNTINGTON_HILL:
			return (int32) floor +
				(CompareProducts(exact, exact,
								 floor * (floor + 1), sum * sum) >= 0);
		default:
			return (int32) floor;
	}
}

static void
ApportionByDivisor(ApportionMethod method, int32 seats, Vector weights,
				   int64 sum, int32 *result)
{
	SeatOrder	order;
	binaryheap *heap;
	int64		left = seats;

	for (int i = 0; i < weights.length; i++)
	{
		result[i] = FirstGuess(method, seats, weights.values[i], sum);
		left -= result[i];
	}
	if (left == 0)
		return;

	order.method = method;
	order.weights = weights.values;
	order.held = result;
	order.taking = left < 0;
	heap = binaryheap_allocate(weights.length, CompareHeapSeats, &order);
	for (int i = 0; i < weights.length; i++)
	{
		if (weights.values[i] > 0 && (left > 0 || result[i] > 0))
			binaryheap_add_unordered(heap, Int32GetDatum(i));
	}
	binaryheap_build(heap);

	while (left != 0)
	{
		Datum		top = binaryheap_first(heap);
		int			element = DatumGetInt32(top);

		CHECK_FOR_INTERRUPTS();
		result[element] += left > 0 ? 1 : -1;
		if (result[element] == 0)
			binaryheap_remove_first(heap);
		else
			binaryheap_replace_first(heap, top);
		left += left > 0 ? -1 : 1;
	}
	binaryheap_free(heap);
}

/* Seats from valid weights */
static void
Apportion(ApportionMethod method, int32 seats, Vector weights, int64 sum,
		  int32 *result)
{
	if (method == METHOD_HAMILTON)
		ApportionHamilton(seats, weights, sum, result);
	else
		ApportionByDivisor(method, seats, weights, sum, result);
}

/* apportion(seats int, weights int[], method text) -> int[] */
Datum
perfmgmt_apportion(PG_FUNCTION_ARGS)
{
	int32		seats = PG_GETARG_INT32(0);
	Vector		weights = CheckVector(PG_GETARG_ARRAYTYPE_P(1), "weights");
	ApportionMethod method = CheckMethod(PG_GETARG_TEXT_PP(2));
	int64		sum;
	ArrayType  *result;

	CheckNotNegative(seats, "seats");
	sum = CheckWeights(weights);

	result = NewVector(weights.length);
	Apportion(method, seats, weights, sum, (int32 *) ARR_DATA_PTR(result));
	PG_RETURN_ARRAYTYPE_P(result);
}

/* ---------------------------------------------------------------------
 * apportion_bounded
 *
 * The seats x of all tiers minimise the sum of (sum * x - seats * weight)^2.
 * The unit that brings a tier from x - 1 to x costs sum * x - seats * weight,
 * up to a factor and a constant common to all units, so units are taken in the
 * order of (cost, tier), and that is hamilton.
 *
 * Bounds are on sets of tiers that are disjoint or nested, a tree.  Seen from
 * above, a set offers the units of what is in it in that same order, save that
 * its least seats come before everything else, and that it ends at its most.
 * So the seats of a set, when all units up to some point of the order are taken,
 * are the seats of its parts, raised to the least, cut to the most.  There is
 * no need to list units: the point is found by halving, first for all tiers,
 * then within each set, whose own point differs when a bound binds.  A step
 * costs a division per tier, whatever the number of seats.
 *
 * Unit costs differ within a tier, and between tiers the better one comes first,
 * so each step of the order is one seat, and of equally good answers this finds
 * the one with most seats in the best tier, then in the next.
 * ---------------------------------------------------------------------
 */

#define MAX_BOUNDED_TIERS 31	/* bits of a positive int4 */

/* Sets that are disjoint or nested are fewer than twice the tiers */
#define MAX_TIER_SETS (2 * MAX_BOUNDED_TIERS)

#define NO_ELEMENT (-1)

typedef struct TierSet
{
	uint32		tiers;			/* bit 0: the best tier */
	int			element;		/* that names it; NO_ELEMENT: all tiers */
	int			parent;			/* the next larger set */
	int64		least;			/* seats, by its bounds and those in it */
	int64		most;
} TierSet;

typedef struct BoundedSeats
{
	int32		seats;
	int			ntiers;
	int			nsets;
	TierSet		sets[MAX_TIER_SETS];	/* parts before wholes, last all tiers */
	int			set_of_tier[MAX_BOUNDED_TIERS]; /* the smallest */
	Datum	   *names;			/* NULL: none */
	bool	   *nameless;

	/* of apportion_bounded only */
	const int32 *weights;
	int64		sum;
} BoundedSeats;

/* A point in the order of units: its last unit */
typedef struct UnitPoint
{
	int64		cost;
	int			tier;
} UnitPoint;

/* An int4 array with NULLs */
typedef struct NullableVector
{
	int			length;
	Datum	   *values;
	bool	   *nulls;
} NullableVector;

static void
CheckArgument(FunctionCallInfo fcinfo, int argno, const char *name)
{
	if (PG_ARGISNULL(argno))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be NULL", name)));
}

static void
CheckSameLength(int length, int nsets, const char *name)
{
	if (length != nsets)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%s must have one element per set", name),
				 errdetail("There are %d sets, but %d elements.",
						   nsets, length)));
}

static NullableVector
ReadNullable(FunctionCallInfo fcinfo, int argno, const char *name)
{
	NullableVector vector;
	ArrayType  *array;

	CheckArgument(fcinfo, argno, name);
	array = PG_GETARG_ARRAYTYPE_P(argno);
	CheckOneDimension(array, name);
	deconstruct_array(array, INT4OID, sizeof(int32), true, TYPALIGN_INT,
					  &vector.values, &vector.nulls, &vector.length);
	return vector;
}

static NullableVector
CheckBounds(FunctionCallInfo fcinfo, int argno, int nsets, const char *name)
{
	NullableVector bounds = ReadNullable(fcinfo, argno, name);

	CheckSameLength(bounds.length, nsets, name);
	for (int i = 0; i < nsets; i++)
	{
		if (!bounds.nulls[i])
			CheckNotNegative(DatumGetInt32(bounds.values[i]), name);
	}
	return bounds;
}

static void
CheckSetNames(FunctionCallInfo fcinfo, int argno, int nsets, BoundedSeats *bounded)
{
	ArrayType  *array;
	int			length;

	bounded->names = NULL;
	if (PG_ARGISNULL(argno))
		return;
	array = PG_GETARG_ARRAYTYPE_P(argno);
	CheckOneDimension(array, "set_names");
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT,
					  &bounded->names, &bounded->nameless, &length);
	CheckSameLength(length, nsets, "set_names");
}

static void
CheckTierCount(int ntiers)
{
	if (ntiers < 1 || ntiers > MAX_BOUNDED_TIERS)
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_QUOTA_INVALID),
				 errmsg("bounds need 1 to %d tiers", MAX_BOUNDED_TIERS),
				 errdetail("There are %d.", ntiers)));
}

/* The name that was given, or the positions of the tiers */
static char *
SetName(const BoundedSeats *bounded, uint32 tiers, int element)
{
	StringInfoData name;
	const char *separator = "";

	if (element == NO_ELEMENT)
		return pstrdup("all tiers");
	if (bounded->names != NULL && !bounded->nameless[element])
		return TextDatumGetCString(bounded->names[element]);

	initStringInfo(&name);
	appendStringInfoString(&name, pg_popcount32(tiers) > 1 ? "tiers " : "tier ");
	for (int tier = 0; tier < MAX_BOUNDED_TIERS; tier++)
	{
		if ((tiers >> tier & 1) == 0)
			continue;
		appendStringInfo(&name, "%s%d", separator, tier + 1);
		separator = ", ";
	}
	return name.data;
}

static uint32
CheckSet(NullableVector sets, int element, int ntiers)
{
	uint32		all = ((uint32) 1 << ntiers) - 1;
	int32		set = DatumGetInt32(sets.values[element]);

	if (sets.nulls[element])
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("sets must not contain NULL")));
	if (set <= 0 || ((uint32) set & ~all) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_QUOTA_INVALID),
				 errmsg("set %d is not a set of tiers", set),
				 errdetail("With %d tiers a set is 1 to %u.", ntiers, all),
				 errhint("Add up 1 for the best tier, 2 for the next, 4, 8 and so on.")));
	return (uint32) set;
}

static void
CheckNested(const BoundedSeats *bounded, const TierSet *set, uint32 tiers,
			int element)
{
	uint32		common = set->tiers & tiers;

	if (common != 0 && common != set->tiers && common != tiers)
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_QUOTA_INVALID),
				 errmsg("sets \"%s\" and \"%s\" overlap",
						SetName(bounded, set->tiers, set->element),
						SetName(bounded, tiers, element)),
				 errhint("Sets must be disjoint or nested.")));
}

/* The set of these tiers; bounds given twice hold both */
static TierSet *
FindSet(BoundedSeats *bounded, uint32 tiers, int element)
{
	TierSet    *set;

	for (int i = 0; i < bounded->nsets; i++)
	{
		set = &bounded->sets[i];
		if (set->tiers == tiers)
			return set;
		CheckNested(bounded, set, tiers, element);
	}
	Assert(bounded->nsets < MAX_TIER_SETS - 1);
	set = &bounded->sets[bounded->nsets++];
	set->tiers = tiers;
	set->element = element;
	set->least = 0;
	set->most = PG_INT32_MAX;
	return set;
}

/* Parts before wholes, then by the best tier */
static int
CompareSets(const void *a, const void *b)
{
	uint32		x = ((const TierSet *) a)->tiers;
	uint32		y = ((const TierSet *) b)->tiers;

	if (pg_popcount32(x) != pg_popcount32(y))
		return pg_popcount32(x) < pg_popcount32(y) ? -1 : 1;
	return pg_rightmost_one_pos32(x) < pg_rightmost_one_pos32(y) ? -1 : 1;
}

/* The smallest set from a given one on that has all these tiers */
static int
SmallestSet(const BoundedSeats *bounded, int set, uint32 tiers)
{
	while ((tiers & ~bounded->sets[set].tiers) != 0)
		set++;
	return set;
}

/* Puts all tiers on top, who must take the seats, and links the sets */
static void
LinkSets(BoundedSeats *bounded)
{
	TierSet    *all;

	qsort(bounded->sets, bounded->nsets, sizeof(TierSet), CompareSets);
	all = &bounded->sets[bounded->nsets++];
	all->tiers = ((uint32) 1 << bounded->ntiers) - 1;
	all->element = NO_ELEMENT;
	all->parent = NO_ELEMENT;
	all->least = bounded->seats;
	all->most = bounded->seats;
	for (int i = 0; i < bounded->nsets - 1; i++)
		bounded->sets[i].parent = SmallestSet(bounded, i + 1,
											  bounded->sets[i].tiers);
	for (int tier = 0; tier < bounded->ntiers; tier++)
		bounded->set_of_tier[tier] = SmallestSet(bounded, 0,
												 (uint32) 1 << tier);
}

/* Reads sets, minimums, maximums and set_names, from an argument on */
static void
ReadBounds(FunctionCallInfo fcinfo, int argno, int32 seats, int ntiers,
		   BoundedSeats *bounded)
{
	NullableVector sets;
	NullableVector minimums;
	NullableVector maximums;

	CheckNotNegative(seats, "seats");
	CheckTierCount(ntiers);
	sets = ReadNullable(fcinfo, argno, "sets");
	minimums = CheckBounds(fcinfo, argno + 1, sets.length, "minimums");
	maximums = CheckBounds(fcinfo, argno + 2, sets.length, "maximums");
	CheckSetNames(fcinfo, argno + 3, sets.length, bounded);

	bounded->seats = seats;
	bounded->ntiers = ntiers;
	bounded->nsets = 0;
	for (int i = 0; i < sets.length; i++)
	{
		TierSet    *set = FindSet(bounded, CheckSet(sets, i, ntiers), i);

		CHECK_FOR_INTERRUPTS();
		if (!minimums.nulls[i])
			set->least = Max(set->least, DatumGetInt32(minimums.values[i]));
		if (!maximums.nulls[i])
			set->most = Min(set->most, DatumGetInt32(maximums.values[i]));
	}
	LinkSets(bounded);
}

/*
 * Works out from the parts up what each set can have, which becomes its bounds.
 * Returns the first set whose bounds and those within it exclude each other, or
 * NULL.
 */
static const TierSet *
FindConflict(BoundedSeats *bounded)
{
	int64		needed[MAX_TIER_SETS] = {0};	/* by the parts */
	int64		room[MAX_TIER_SETS] = {0};

	for (int tier = 0; tier < bounded->ntiers; tier++)
		room[bounded->set_of_tier[tier]] += bounded->seats;
	for (int i = 0; i < bounded->nsets; i++)
	{
		TierSet    *set = &bounded->sets[i];

		set->least = Max(set->least, needed[i]);
		set->most = Min(set->most, Min(room[i], bounded->seats));
		if (set->least > set->most)
			return set;
		if (set->parent != NO_ELEMENT)
		{
			needed[set->parent] += set->least;
			room[set->parent] += set->most;
		}
	}
	return NULL;
}

static void
CheckBoundsHold(BoundedSeats *bounded)
{
	const TierSet *set = FindConflict(bounded);

	if (set != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_QUOTA_INVALID),
				 errmsg("the bounds of \"%s\" cannot hold for %d seats",
						SetName(bounded, set->tiers, set->element),
						bounded->seats),
				 errdetail("With the bounds within it, it needs at least " INT64_FORMAT
						   " and can have at most " INT64_FORMAT ".",
						   set->least, set->most),
				 errhint("Widen a bound, or round minimums down and maximums up.")));
}

/* The units of a tier up to a point */
static int64
UnitsOfTier(const BoundedSeats *bounded, int tier, UnitPoint point)
{
	int64		paid = (int64) bounded->seats * bounded->weights[tier] + point.cost;

	if (tier > point.tier)
		paid--;					/* units of that cost come later */
	return paid < 0 ? 0 : Min(paid / bounded->sum, bounded->seats);
}

/* The seats of each set at a point, from its parts alone */
static void
SeatsOfSets(const BoundedSeats *bounded, UnitPoint point, int64 *seats)
{
	memset(seats, 0, sizeof(int64) * bounded->nsets);
	for (int tier = 0; tier < bounded->ntiers; tier++)
		seats[bounded->set_of_tier[tier]] += UnitsOfTier(bounded, tier, point);
	for (int i = 0; i < bounded->nsets - 1; i++)
	{
		const TierSet *set = &bounded->sets[i];

		seats[set->parent] += Min(Max(seats[i], set->least), set->most);
	}
}

/* The first point at which the parts of a set have this many seats */
static UnitPoint
FindPoint(const BoundedSeats *bounded, int set, int64 wanted, int64 *seats)
{
	/* costs are between -seats * sum and seats * sum, so below 2^62 */
	int64		high = bounded->seats * bounded->sum;
	int64		low = -high;
	UnitPoint	point;

	point.tier = bounded->ntiers - 1;
	while (low < high)
	{
		point.cost = low + (high - low) / 2;
		SeatsOfSets(bounded, point, seats);
		if (seats[set] >= wanted)
			high = point.cost;
		else
			low = point.cost + 1;
	}
	point.cost = low;
	point.tier = 0;
	SeatsOfSets(bounded, point, seats);
	while (seats[set] < wanted)
	{
		point.tier++;
		SeatsOfSets(bounded, point, seats);
	}
	Assert(seats[set] == wanted);
	return point;
}

/* Hands seats down from all tiers to the parts of each set */
static void
ApportionBounded(const BoundedSeats *bounded, int32 *result)
{
	int64		wanted[MAX_TIER_SETS];
	int64		seats[MAX_TIER_SETS];

	wanted[bounded->nsets - 1] = bounded->seats;
	for (int i = bounded->nsets - 1; i >= 0; i--)
	{
		UnitPoint	point;

		CHECK_FOR_INTERRUPTS();
		point = FindPoint(bounded, i, wanted[i], seats);
		for (int part = 0; part < i; part++)
		{
			const TierSet *set = &bounded->sets[part];

			if (set->parent == i)
				wanted[part] = Min(Max(seats[part], set->least), set->most);
		}
		for (int tier = 0; tier < bounded->ntiers; tier++)
		{
			if (bounded->set_of_tier[tier] == i)
				result[tier] = (int32) UnitsOfTier(bounded, tier, point);
		}
	}
}

/*
 * apportion_bounded(seats int, weights int[], sets int[], minimums int[],
 * maximums int[], set_names text[]) -> int[]
 */
Datum
perfmgmt_apportion_bounded(PG_FUNCTION_ARGS)
{
	BoundedSeats bounded;
	Vector		weights;
	ArrayType  *result;

	CheckArgument(fcinfo, 0, "seats");
	CheckArgument(fcinfo, 1, "weights");
	weights = CheckVector(PG_GETARG_ARRAYTYPE_P(1), "weights");
	bounded.weights = weights.values;
	bounded.sum = CheckWeights(weights);
	ReadBounds(fcinfo, 2, PG_GETARG_INT32(0), weights.length, &bounded);
	CheckBoundsHold(&bounded);

	result = NewVector(weights.length);
	ApportionBounded(&bounded, (int32 *) ARR_DATA_PTR(result));
	PG_RETURN_ARRAYTYPE_P(result);
}

/*
 * bounds_conflict(seats int, tier_count int, sets int[], minimums int[],
 * maximums int[], set_names text[]) -> text
 */
Datum
perfmgmt_bounds_conflict(PG_FUNCTION_ARGS)
{
	BoundedSeats bounded;
	const TierSet *set;

	CheckArgument(fcinfo, 0, "seats");
	CheckArgument(fcinfo, 1, "tier_count");
	ReadBounds(fcinfo, 2, PG_GETARG_INT32(0), PG_GETARG_INT32(1), &bounded);
	set = FindConflict(&bounded);
	if (set == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(SetName(&bounded, set->tiers,
											 set->element)));
}

/* ---------------------------------------------------------------------
 * apportion_groups: controlled rounding
 *
 * A cell (group, tier) is worth size * weight / sum.  Its floor is taken at
 * once, so what remains is a residue in units of 1/sum, which must become 0 or
 * a whole.  Rows of residues add up to wholes; a slack group, added last, makes
 * the columns do so too.
 *
 * Fractional cells are the edges of a graph whose nodes are groups and tiers.
 * Around a cycle, residues can be raised and lowered in turn without touching
 * any sum, until a cell is a whole.  So groups are added in order and every
 * cycle is resolved as it closes; what is left is a forest.  In the end no cell
 * is left, because a leaf would be the only fraction in an integral sum.
 *
 * A group within the forest has two cells at least, so fewer groups than tiers
 * are open at any time and the work is O(groups * tiers^2).
 *
 * The forest is kept as parent links.  A tree of so few nodes needs no other
 * index: paths are found by walking up.
 * ---------------------------------------------------------------------
 */

#define NO_NODE (-1)

typedef struct RoundingNode
{
	int			parent;			/* NO_NODE: a root, or unused */
	int64		residue;		/* of the cell between this node and its parent */
	int			group;			/* of a group node */
	int			cells;			/* of a group node: its fractional cells */
} RoundingNode;

/* A cell in a cycle: the node whose parent link it is, or the new cell */
typedef struct CycleCell
{
	int			node;			/* NO_NODE: the new cell */
	int			group;
	int			tier;
	int64		residue;
} CycleCell;

typedef struct Rounding
{
	int			ntiers;
	int			ngroups;		/* without the slack group */
	int64		whole;			/* the sum of the weights */
	int32	   *quotas;			/* [group][tier] */
	RoundingNode *nodes;		/* tiers first, then as many group nodes */
	CycleCell  *cycle;
	int		   *chain;
} Rounding;

static void
InitRounding(Rounding *rounding, int ngroups, int ntiers, int64 whole)
{
	int			nnodes = 2 * ntiers;
	Size		ncells = (Size) ngroups * ntiers;

	rounding->ntiers = ntiers;
	rounding->ngroups = ngroups;
	rounding->whole = whole;
	rounding->quotas = MemoryContextAllocHuge(CurrentMemoryContext,
											  ncells * sizeof(int32));
	rounding->nodes = palloc_array(RoundingNode, nnodes);
	for (int i = 0; i < nnodes; i++)
	{
		rounding->nodes[i].parent = NO_NODE;
		rounding->nodes[i].cells = 0;
	}
	rounding->cycle = palloc_array(CycleCell, nnodes + 1);
	rounding->chain = palloc_array(int, nnodes);
}

/* The cell between a node and its parent */
static CycleCell
CellAbove(Rounding *rounding, int node)
{
	RoundingNode *nodes = rounding->nodes;
	int			parent = nodes[node].parent;
	CycleCell	cell;

	cell.node = node;
	cell.residue = nodes[node].residue;
	cell.group = nodes[Max(node, parent)].group;
	cell.tier = Min(node, parent);
	return cell;
}

static int
NodeDepth(Rounding *rounding, int node)
{
	int			depth = 0;

	while ((node = rounding->nodes[node].parent) != NO_NODE)
		depth++;
	return depth;
}

/*
 * Collects the cells on the way from one node to another behind the new cell,
 * in order around the cycle.  Returns the number of cells, or 0 when the two
 * are in different trees.
 */
static int
FindCycle(Rounding *rounding, int from, int to)
{
	RoundingNode *nodes = rounding->nodes;
	int			from_depth = NodeDepth(rounding, from);
	int			to_depth = NodeDepth(rounding, to);
	int			ncells = 1;
	int			nchain = 0;

	while (from != to)
	{
		if (from_depth >= to_depth)
		{
			if (from_depth == 0)
				return 0;
			rounding->cycle[ncells++] = CellAbove(rounding, from);
			from = nodes[from].parent;
			from_depth--;
		}
		else
		{
			rounding->chain[nchain++] = to;
			to = nodes[to].parent;
			to_depth--;
		}
	}
	while (nchain > 0)
		rounding->cycle[ncells++] = CellAbove(rounding,
											  rounding->chain[--nchain]);
	return ncells;
}

/*
 * Shifts the cells of a cycle, raising its smallest (group, tier), until at
 * least one of them is 0 or a whole.
 */
static void
ShiftCycle(Rounding *rounding, int ncells)
{
	CycleCell  *cycle = rounding->cycle;
	int			smallest = 0;
	int64		shift = rounding->whole;

	for (int i = 1; i < ncells; i++)
	{
		if (cycle[i].group < cycle[smallest].group ||
			(cycle[i].group == cycle[smallest].group &&
			 cycle[i].tier < cycle[smallest].tier))
			smallest = i;
	}
	for (int i = 0; i < ncells; i++)
	{
		bool		raised = i % 2 == smallest % 2;

		shift = Min(shift, raised ? rounding->whole - cycle[i].residue
					: cycle[i].residue);
	}
	for (int i = 0; i < ncells; i++)
		cycle[i].residue += i % 2 == smallest % 2 ? shift : -shift;
}

/* Takes a cell that has become 0 or a whole out of the forest */
static bool
SettleCell(Rounding *rounding, const CycleCell *cell)
{
	if (cell->residue != 0 && cell->residue != rounding->whole)
		return false;
	if (cell->residue != 0 && cell->group < rounding->ngroups)
		rounding->quotas[(Size) cell->group * rounding->ntiers + cell->tier]++;
	return true;
}

/* Writes the cells of a shifted cycle back; the new cell is not in the forest */
static void
SettleCycle(Rounding *rounding, int ncells)
{
	RoundingNode *nodes = rounding->nodes;

	for (int i = 1; i < ncells; i++)
	{
		CycleCell  *cell = &rounding->cycle[i];
		RoundingNode *node = &nodes[cell->node];

		node->residue = cell->residue;
		if (SettleCell(rounding, cell))
		{
			nodes[Max(cell->node, node->parent)].cells--;
			node->parent = NO_NODE;
		}
	}
}

/* Joins two trees by a cell, turning the links above the node around */
static void
LinkCell(Rounding *rounding, int node, int parent, int64 residue)
{
	RoundingNode *nodes = rounding->nodes;

	nodes[Max(node, parent)].cells++;
	while (node != NO_NODE)
	{
		RoundingNode old = nodes[node];

		nodes[node].parent = parent;
		nodes[node].residue = residue;
		parent = node;
		residue = old.residue;
		node = old.parent;
	}
}

static void
AddCell(Rounding *rounding, int group_node, int tier, int64 residue)
{
	CycleCell  *cell = &rounding->cycle[0];
	int			ncells;

	cell->node = NO_NODE;
	cell->group = rounding->nodes[group_node].group;
	cell->tier = tier;
	cell->residue = residue;

	ncells = FindCycle(rounding, group_node, tier);
	if (ncells > 0)
	{
		ShiftCycle(rounding, ncells);
		SettleCycle(rounding, ncells);
		if (SettleCell(rounding, cell))
			return;
	}
	LinkCell(rounding, group_node, tier, cell->residue);
}

/* Adds a group, given its residues */
static void
AddGroup(Rounding *rounding, int group, const int64 *residues)
{
	int			node = rounding->ntiers;

	while (rounding->nodes[node].cells > 0)
		node++;
	Assert(node < 2 * rounding->ntiers);
	rounding->nodes[node].group = group;
	for (int tier = 0; tier < rounding->ntiers; tier++)
	{
		if (residues[tier] > 0)
			AddCell(rounding, node, tier, residues[tier]);
	}
}

static void
RoundGroups(Rounding *rounding, Vector sizes, Vector weights)
{
	int			ntiers = rounding->ntiers;
	int64	   *residues = palloc_array(int64, ntiers);
	int64	   *slack = palloc0_array(int64, ntiers);

	for (int group = 0; group < sizes.length; group++)
	{
		CHECK_FOR_INTERRUPTS();
		for (int tier = 0; tier < ntiers; tier++)
		{
			int64		exact = (int64) sizes.values[group] * weights.values[tier];

			rounding->quotas[(Size) group * ntiers + tier] =
				(int32) (exact / rounding->whole);
			residues[tier] = exact % rounding->whole;
			slack[tier] = (slack[tier] + rounding->whole - residues[tier]) %
				rounding->whole;
		}
		AddGroup(rounding, group, residues);
	}
	AddGroup(rounding, sizes.length, slack);
}

/* apportion_groups(sizes int[], weights int[]) -> setof (int, int[]) */
Datum
perfmgmt_apportion_groups(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Vector		sizes = CheckVector(PG_GETARG_ARRAYTYPE_P(0), "sizes");
	Vector		weights = CheckVector(PG_GETARG_ARRAYTYPE_P(1), "weights");
	Rounding	rounding;
	ArrayType  *quotas;

	for (int i = 0; i < sizes.length; i++)
		CheckNotNegative(sizes.values[i], "sizes");
	InitRounding(&rounding, sizes.length, weights.length,
				 CheckWeights(weights));
	InitMaterializedSRF(fcinfo, 0);
	RoundGroups(&rounding, sizes, weights);

	quotas = NewVector(weights.length);
	for (int group = 0; group < sizes.length; group++)
	{
		Datum		values[2];
		bool		nulls[2] = {false, false};

		memcpy(ARR_DATA_PTR(quotas),
			   rounding.quotas + (Size) group * weights.length,
			   sizeof(int32) * weights.length);
		values[0] = Int32GetDatum(group + 1);
		values[1] = PointerGetDatum(quotas);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* ---------------------------------------------------------------------
 * forced_tier
 * ---------------------------------------------------------------------
 */

#define FORCED_TIER_NARGS 3

/*
 * State of one partition.  Rows come in order, so the tier is a cursor that
 * moves over the ends of the tiers; a row costs one comparison.
 */
typedef struct TierCursor
{
	bool		ready;
	bool		constant;		/* no argument can change */
	TiesMode	ties;
	int			tier;			/* 0 = best */
	int			shown;			/* the tier of the previous row */
	int64		rows;
	int64		peers_end;		/* position of the last peer, for exclude */
	int64	   *ends;			/* position after the last row of each tier */
	struct varlena *arguments[FORCED_TIER_NARGS];
} TierCursor;

static const char *const forced_tier_arguments[FORCED_TIER_NARGS] = {
	"weights", "method", "ties"
};

static struct varlena *
WindowArgument(WindowObject winobj, int argno)
{
	bool		isnull;
	Datum		value = WinGetFuncArgCurrent(winobj, argno, &isnull);

	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be NULL", forced_tier_arguments[argno])));
	return PG_DETOAST_DATUM_PACKED(value);
}

static void
CheckSameArgument(struct varlena *first, struct varlena *current, int argno)
{
	if (VARSIZE_ANY_EXHDR(first) != VARSIZE_ANY_EXHDR(current) ||
		memcmp(VARDATA_ANY(first), VARDATA_ANY(current),
			   VARSIZE_ANY_EXHDR(first)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_QUOTA_INVALID),
				 errmsg("%s must not change within a partition",
						forced_tier_arguments[argno]),
				 errhint("Partition by the pool that the weights belong to.")));
}

static void
CheckSameArguments(WindowObject winobj, TierCursor *cursor)
{
	for (int i = 0; i < FORCED_TIER_NARGS; i++)
		CheckSameArgument(cursor->arguments[i], WindowArgument(winobj, i), i);
}

static int32
CheckPartitionRows(int64 rows)
{
	if (rows > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the partition has too many rows"),
				 errdetail("It has " INT64_FORMAT " rows, the limit is %d.",
						   rows, PG_INT32_MAX)));
	return (int32) rows;
}

/* A copy of the argument that lives as long as the partition */
static struct varlena *
KeepArgument(TierCursor *cursor, struct varlena *argument)
{
	MemoryContext partition = GetMemoryChunkContext(cursor);
	struct varlena *copy;

	copy = MemoryContextAlloc(partition, VARSIZE_ANY(argument));
	memcpy(copy, argument, VARSIZE_ANY(argument));
	return copy;
}

static void
DivideRows(TierCursor *cursor, ApportionMethod method, Vector weights)
{
	int32	   *seats = palloc_array(int32, weights.length);
	int64		end = 0;

	Apportion(method, CheckPartitionRows(cursor->rows), weights,
			  CheckWeights(weights), seats);
	cursor->ends = MemoryContextAlloc(GetMemoryChunkContext(cursor),
									  sizeof(int64) * weights.length);
	for (int i = 0; i < weights.length; i++)
	{
		end += seats[i];
		cursor->ends[i] = end;
	}
	pfree(seats);
}

static void
StartPartition(FunctionCallInfo fcinfo, WindowObject winobj, TierCursor *cursor)
{
	ApportionMethod method;
	ArrayType  *weights;

	cursor->constant = true;
	for (int i = 0; i < FORCED_TIER_NARGS; i++)
	{
		cursor->constant &= get_fn_expr_arg_stable(fcinfo->flinfo, i);
		cursor->arguments[i] = KeepArgument(cursor, WindowArgument(winobj, i));
	}
	weights = DatumGetArrayTypeP(PointerGetDatum(cursor->arguments[0]));
	method = CheckMethod((text *) cursor->arguments[1]);
	cursor->ties = CheckTies((text *) cursor->arguments[2]);
	cursor->rows = WinGetPartitionRowCount(winobj);
	cursor->peers_end = -1;
	DivideRows(cursor, method, CheckVector(weights, "weights"));
	cursor->ready = true;
}

/* The position of the last row of equal rank; each row is looked at once */
static int64
LastPeer(WindowObject winobj, TierCursor *cursor, int64 position)
{
	if (position > cursor->peers_end)
	{
		cursor->peers_end = position;
		while (cursor->peers_end + 1 < cursor->rows &&
			   WinRowsArePeers(winobj, cursor->peers_end,
							   cursor->peers_end + 1))
		{
			CHECK_FOR_INTERRUPTS();
			cursor->peers_end++;
		}
	}
	return cursor->peers_end;
}

/* forced_tier(weights int[], method text, ties text) -> int */
Datum
perfmgmt_forced_tier(PG_FUNCTION_ARGS)
{
	WindowObject winobj = PG_WINDOW_OBJECT();
	TierCursor *cursor = WinGetPartitionLocalMemory(winobj, sizeof(TierCursor));
	int64		position = WinGetCurrentPosition(winobj);
	int64		ranked = position;

	if (!cursor->ready)
		StartPartition(fcinfo, winobj, cursor);
	else if (!cursor->constant)
		CheckSameArguments(winobj, cursor);

	if (cursor->ties == TIES_EXCLUDE)
		ranked = LastPeer(winobj, cursor, position);
	while (ranked >= cursor->ends[cursor->tier])
		cursor->tier++;

	/* only a row behind the end of a tier can belong to peers before it */
	if (cursor->ties != TIES_INCLUDE || cursor->tier == cursor->shown ||
		position == 0 || !WinRowsArePeers(winobj, position - 1, position))
		cursor->shown = cursor->tier;

	/*
	 * The whole partition is in the tuplestore already, so giving up its rows
	 * one by one saves no peak memory; only a walk among peers needs the mark.
	 */
	if (cursor->ties != TIES_STRICT)
		WinSetMarkPosition(winobj, position);
	PG_RETURN_INT32(cursor->shown + 1);
}

/* The same for every row: nothing of the row, nothing that varies by call */
static bool
ArgumentsAreConstant(WindowFunc *call)
{
	return !contain_var_clause((Node *) call->args) &&
		!contain_volatile_functions((Node *) call->args);
}

/* Tells the planner what it may do with forced_tier */
Datum
perfmgmt_forced_tier_support(PG_FUNCTION_ARGS)
{
	Node	   *rawreq = (Node *) PG_GETARG_POINTER(0);

	if (IsA(rawreq, SupportRequestWFuncMonotonic))
	{
		SupportRequestWFuncMonotonic *req = (SupportRequestWFuncMonotonic *) rawreq;

		/* with other weights the function must see every row, to refuse */
		req->monotonic = ArgumentsAreConstant(req->window_func) ?
			MONOTONICFUNC_INCREASING : MONOTONICFUNC_NONE;
		PG_RETURN_POINTER(req);
	}
#if PG_VERSION_NUM >= 160000
	if (IsA(rawreq, SupportRequestOptimizeWindowClause))
	{
		SupportRequestOptimizeWindowClause *req = (SupportRequestOptimizeWindowClause *) rawreq;

		/* the tier does not depend on the frame; this one costs no peer checks */
		req->frameOptions = (FRAMEOPTION_NONDEFAULT |
							 FRAMEOPTION_ROWS |
							 FRAMEOPTION_START_UNBOUNDED_PRECEDING |
							 FRAMEOPTION_END_CURRENT_ROW);
		PG_RETURN_POINTER(req);
	}
#endif
	PG_RETURN_POINTER(NULL);
}

/* ---------------------------------------------------------------------
 * assign_tiers
 *
 * The seats tell how many people each pool ranks, so a person goes straight
 * from the query to the place of the pool: that sorts by pool for free.  Each
 * pool is then sorted by a packed key and its tiers are dealt out.
 *
 * When the people would not fit into work_mem, they go to temporary files by
 * ranges of pools, which are sorted one after the other.  A range that is still
 * too large is divided again, a pool that is too large by the leading bits of
 * the key.
 * ---------------------------------------------------------------------
 */

/*
 * The key, ascending: 16 bits of points, 16 bits of LP points, the upper half
 * of the lot.  Points count downwards, the best first; NULL LP points come last.
 * That packs a person into 16 bytes, and points are below 50001.
 */
#define POINTS_MAX 65534
#define POINTS_NULL 65535
#define POINTS_BITS 16
#define LP_SHIFT 32
#define OV_SHIFT (LP_SHIFT + POINTS_BITS)
#define LOT_SHIFT 32
#define KEY_BITS 64

/* Makes signed lots compare as unsigned */
#define LOT_SIGN (UINT64CONST(1) << 63)

/* A field of the key is sorted in two passes over this many bits */
#define DIGIT_BITS (POINTS_BITS / 2)
#define DIGITS (1 << DIGIT_BITS)

/* Below this many people comparing beats counting */
#define COUNTING_MIN 64

/* Files that a pool too large for memory is divided into at a time */
#define SLICE_BITS 4
#define SLICES (1 << SLICE_BITS)

/* Each file has a buffer of a block, so their number follows the memory */
#define FANOUT_MIN 4
#define FANOUT_MAX 128

typedef struct RankedPerson
{
	uint64		key;
	uint32		lot;			/* lower half */
	int32		id;
} RankedPerson;

typedef struct FiledPerson
{
	RankedPerson person;
	int32		pool;			/* 0 = the first */
} FiledPerson;

/*
 * People are put to their places in batches: places are all over the memory,
 * and a row at a time the executor would wait for each of them.
 */
#define BATCH 256

/* To sort people from a file, both forms are in memory */
#define SORT_SIZE ((int64) (sizeof(RankedPerson) + sizeof(FiledPerson)))

/* The places of a pool among all people, in order of pools */
typedef struct PoolPlaces
{
	int64		next;			/* place of the next person */
	int64		end;			/* place after the last */
} PoolPlaces;

/* People of a range of pools, or of a slice of one pool, in a file */
typedef struct Segment
{
	BufFile    *file;			/* NULL: nobody yet */
	int64		count;
	int			first_pool;
	int			last_pool;
	int			bits_left;		/* of the key that slices may still use */
} Segment;

/* Where the people of a divided segment go */
typedef struct Fanout
{
	int			nsegments;
	Segment    *segments;
	int			first_pool;
	int		   *segment_of_pool;	/* NULL: by the leading bits of the key */
	int			bits_left;
} Fanout;

typedef struct Assignment
{
	DestReceiver receiver;		/* must be first */
	bool		started;
	MemoryContext context;

	/* the quotas */
	int			npools;
	int			ntiers;
	const int32 *seats;			/* [pool][tier] */
	PoolPlaces *places;			/* [pool] */

	/* the people: in memory, or in files */
	int64		memory;			/* bytes */
	RankedPerson *people;		/* NULL: in files */
	RankedPerson *scratch;
	Fanout		fanout;
	int			nbatch;
	FiledPerson batch[BATCH];	/* read, not yet put anywhere */

	/* the result */
	Tuplestorestate *store;
	TupleDesc	desc;
	TupleTableSlot *slot;
	int32	   *columns;		/* of the tuple in the slot: id, tier */
	int			pool;			/* whose tiers are being dealt */
	int			tier;
	int64		left;			/* seats left in the tier */
} Assignment;

static inline int
ComparePeople(const RankedPerson *a, const RankedPerson *b)
{
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	if (a->lot != b->lot)
		return a->lot < b->lot ? -1 : 1;
	return 0;
}

#define ST_SORT SortByComparing
#define ST_ELEMENT_TYPE RankedPerson
#define ST_COMPARE(a, b) ComparePeople(a, b)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

/* Stable counting sort by one digit */
static void
SortByDigit(const RankedPerson *from, RankedPerson *to, int64 n, int shift)
{
	int64		places[DIGITS] = {0};
	int64		place = 0;

	for (int64 i = 0; i < n; i++)
		places[(from[i].key >> shift) & (DIGITS - 1)]++;
	for (int digit = 0; digit < DIGITS; digit++)
	{
		int64		count = places[digit];

		places[digit] = place;
		place += count;
	}
	for (int64 i = 0; i < n; i++)
		to[places[(from[i].key >> shift) & (DIGITS - 1)]++] = from[i];
}

/*
 * Sorts people whose key differs in the field at shift and below.  People of
 * equal points are usually few; their runs are sorted by the next field.
 */
static void
SortPeople(RankedPerson *people, RankedPerson *scratch, int64 n, int shift)
{
	int64		first = 0;

	if (n < COUNTING_MIN || shift < LP_SHIFT)
	{
		SortByComparing(people, n);
		return;
	}

	CHECK_FOR_INTERRUPTS();
	SortByDigit(people, scratch, n, shift);
	SortByDigit(scratch, people, n, shift + DIGIT_BITS);
	for (int64 i = 1; i <= n; i++)
	{
		if (i < n && people[i].key >> shift == people[first].key >> shift)
			continue;
		if (i - first > 1)
			SortPeople(people + first, scratch, i - first, shift - POINTS_BITS);
		first = i;
	}
}

static int64
PoolStart(Assignment *assignment, int pool)
{
	return pool == 0 ? 0 : assignment->places[pool - 1].end;
}

static int64
PoolSize(Assignment *assignment, int pool)
{
	return assignment->places[pool].end - PoolStart(assignment, pool);
}

/* Quotas */

static void
CheckSeatsShape(ArrayType *seats)
{
	if (ARR_NDIM(seats) != 2 && ARR_NDIM(seats) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("seats must be a two-dimensional array"),
				 errdetail("The array has %d dimension(s).", ARR_NDIM(seats)),
				 errhint("Give a row a pool, with the seats of its tiers, best first.")));
}

static void
ReadSeats(Assignment *assignment, ArrayType *seats)
{
	CheckSeatsShape(seats);
	CheckNoNulls(seats, "seats");

	assignment->npools = ARR_NDIM(seats) == 0 ? 0 : ARR_DIMS(seats)[0];
	assignment->ntiers = ARR_NDIM(seats) == 0 ? 0 : ARR_DIMS(seats)[1];
	assignment->seats = (const int32 *) ARR_DATA_PTR(seats);
	assignment->places = palloc_array(PoolPlaces, Max(assignment->npools, 1));

	for (int pool = 0; pool < assignment->npools; pool++)
	{
		const int32 *row = assignment->seats + (Size) pool * assignment->ntiers;
		int64		end = PoolStart(assignment, pool);

		assignment->places[pool].next = end;
		for (int tier = 0; tier < assignment->ntiers; tier++)
		{
			CheckNotNegative(row[tier], "seats");
			end += row[tier];
		}
		assignment->places[pool].end = end;
	}
}

static void
CheckSeatsTaken(Assignment *assignment)
{
	for (int pool = 0; pool < assignment->npools; pool++)
	{
		int64		ranked = assignment->places[pool].next - PoolStart(assignment, pool);

		if (ranked != PoolSize(assignment, pool))
			ereport(ERROR,
					(errcode(ERRCODE_PERFMGMT_QUOTA_INVALID),
					 errmsg("the seats of pool %d do not match its people",
							pool + 1),
					 errdetail("Its seats sum to " INT64_FORMAT
							   ", but " INT64_FORMAT " people have ov_points.",
							   PoolSize(assignment, pool), ranked),
					 errhint("Apportion the seats to the people who have ov_points.")));
	}
}

/* Result */

/* A result that has to go to disk need not fill work_mem first, in kB */
#define SPILLING_STORE 1024

/*
 * The seats tell the size of the result.  When it is larger than work_mem, the
 * store would fill fresh memory only to copy all of it to a file; a small store
 * gets there at once, and faster.
 */
static void
InitStore(Assignment *assignment, ReturnSetInfo *rsinfo, Size row_size)
{
	int64		total = PoolStart(assignment, assignment->npools);
	MemoryContext old;

	if (work_mem > SPILLING_STORE &&
		total > work_mem * INT64CONST(1024) / (int64) row_size)
	{
		old = MemoryContextSwitchTo(rsinfo->econtext->ecxt_per_query_memory);
		tuplestore_end(rsinfo->setResult);
		rsinfo->setResult =
			tuplestore_begin_heap(rsinfo->allowedModes & SFRM_Materialize_Random,
								  false, SPILLING_STORE);
		MemoryContextSwitchTo(old);
	}
	assignment->store = rsinfo->setResult;
}

/*
 * Rows differ in two integers only, so one tuple is made, once, and the slot
 * that holds it is stored again and again.
 */
static void
InitResult(Assignment *assignment, ReturnSetInfo *rsinfo)
{
	TupleTableSlot *zeros;
	MinimalTuple tuple;

	assignment->desc = rsinfo->setDesc;
	zeros = MakeSingleTupleTableSlot(assignment->desc, &TTSOpsVirtual);
	ExecClearTuple(zeros);
	memset(zeros->tts_values, 0, 2 * sizeof(Datum));
	memset(zeros->tts_isnull, false, 2 * sizeof(bool));
	ExecStoreVirtualTuple(zeros);
	tuple = ExecCopySlotMinimalTuple(zeros);
	ExecDropSingleTupleTableSlot(zeros);

	InitStore(assignment, rsinfo,
			  sizeof(void *) + GetMemoryChunkSpace(tuple));
	assignment->columns = (int32 *) ((char *) tuple - MINIMAL_TUPLE_OFFSET +
									 tuple->t_hoff);
	assignment->slot = MakeSingleTupleTableSlot(assignment->desc,
												&TTSOpsMinimalTuple);
	ExecStoreMinimalTuple(tuple, assignment->slot, false);
	assignment->pool = -1;
}

static void
EmitUnranked(Assignment *assignment, int32 id)
{
	Datum		values[2] = {Int32GetDatum(id), 0};
	bool		nulls[2] = {false, true};

	tuplestore_putvalues(assignment->store, assignment->desc, values, nulls);
}

/* Deals tiers to people in order; a pool may come in several slices */
static void
DealTiers(Assignment *assignment, int pool, const RankedPerson *people, int64 n)
{
	const int32 *seats = assignment->seats + (Size) pool * assignment->ntiers;

	if (assignment->pool != pool)
	{
		assignment->pool = pool;
		assignment->tier = 0;
		assignment->left = seats[0];
	}
	for (int64 i = 0; i < n; i++)
	{
		while (assignment->left == 0)
			assignment->left = seats[++assignment->tier];
		assignment->left--;
		assignment->columns[0] = people[i].id;
		assignment->columns[1] = assignment->tier + 1;
		tuplestore_puttupleslot(assignment->store, assignment->slot);
	}
}

static void
SortAndDeal(Assignment *assignment, int pool, RankedPerson *people,
			RankedPerson *scratch, int64 n)
{
	CHECK_FOR_INTERRUPTS();
	if (n == 0)
		return;
	SortPeople(people, scratch, n, OV_SHIFT);
	DealTiers(assignment, pool, people, n);
}

/* Files */

/*
 * Opens a range of pools: consecutive pools share a file until sorting them
 * takes the memory, or until they fill their part of the fan-out.
 */
static void
DivideByPool(Assignment *assignment, Fanout *fanout, int first_pool, int last_pool)
{
	int64		total;
	int64		target;
	int64		filled = 0;
	int			ways;
	int			n = 0;

	total = assignment->places[last_pool].end - PoolStart(assignment, first_pool);
	ways = Min(Max(assignment->memory / (8 * BLCKSZ), FANOUT_MIN), FANOUT_MAX);
	target = Max(assignment->memory / SORT_SIZE, total / ways + 1);

	fanout->first_pool = first_pool;
	fanout->segments = palloc0_array(Segment, 2 * ways + 2);
	fanout->segment_of_pool = MemoryContextAllocHuge(assignment->context,
													 sizeof(int) * ((Size) last_pool - first_pool + 1));
	for (int pool = first_pool; pool <= last_pool; pool++)
	{
		int64		size = PoolSize(assignment, pool);

		if (pool > first_pool && filled > 0 && filled + size > target)
		{
			fanout->segments[++n].first_pool = pool;
			filled = 0;
		}
		else if (pool == first_pool)
			fanout->segments[n].first_pool = pool;
		fanout->segments[n].last_pool = pool;
		fanout->segments[n].bits_left = KEY_BITS;
		fanout->segment_of_pool[pool - first_pool] = n;
		filled += size;
	}
	fanout->nsegments = n + 1;
}

/* Opens slices of one pool, by the next bits of the key */
static void
DivideByKey(Fanout *fanout, int pool, int bits_left)
{
	fanout->segment_of_pool = NULL;
	fanout->nsegments = SLICES;
	fanout->segments = palloc0_array(Segment, SLICES);
	fanout->bits_left = bits_left - SLICE_BITS;
	for (int i = 0; i < SLICES; i++)
	{
		fanout->segments[i].first_pool = pool;
		fanout->segments[i].last_pool = pool;
		fanout->segments[i].bits_left = fanout->bits_left;
	}
}

static void
Divide(Assignment *assignment, Fanout *fanout, int first_pool, int last_pool,
	   int bits_left)
{
	if (first_pool < last_pool)
		DivideByPool(assignment, fanout, first_pool, last_pool);
	else
		DivideByKey(fanout, first_pool, bits_left);
}

static void
WritePerson(Assignment *assignment, Fanout *fanout, FiledPerson *filed)
{
	Segment    *segment;

	if (fanout->segment_of_pool != NULL)
		segment = &fanout->segments[fanout->segment_of_pool[filed->pool - fanout->first_pool]];
	else
		segment = &fanout->segments[(filed->person.key >> fanout->bits_left) & (SLICES - 1)];

	if (segment->file == NULL)
	{
		/* the executor of the query calls us: outlive its contexts */
		MemoryContext old = MemoryContextSwitchTo(assignment->context);

		segment->file = BufFileCreateTemp(false);
		MemoryContextSwitchTo(old);
	}
	BufFileWrite(segment->file, filed, sizeof(FiledPerson));
	segment->count++;
}

static void
ReadPeople(BufFile *file, FiledPerson *filed, int64 n)
{
	Size		size = sizeof(FiledPerson) * (Size) n;

	if (BufFileRead(file, filed, size) != size)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read people from a temporary file")));
}

static void
RewindSegment(Segment *segment)
{
	if (BufFileSeek(segment->file, 0, 0, SEEK_SET) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not rewind a temporary file of people")));
}

/* Puts people from a file to the places of their pools */
static void
PlacePeople(Assignment *assignment, Segment *segment, RankedPerson *people,
			const FiledPerson *filed)
{
	PoolPlaces *places = assignment->places;
	int64		base = PoolStart(assignment, segment->first_pool);

	/* the counts have been checked, so places can be given anew */
	for (int pool = segment->first_pool; pool <= segment->last_pool; pool++)
		places[pool].next = PoolStart(assignment, pool) - base;
	for (int64 i = 0; i < segment->count; i++)
		people[places[filed[i].pool].next++] = filed[i].person;
}

/* Sorts a segment that fits into memory */
static void
DealSegment(Assignment *assignment, Segment *segment)
{
	RankedPerson *people;
	FiledPerson *filed;
	int			first = segment->first_pool;

	people = MemoryContextAllocHuge(assignment->context,
									sizeof(RankedPerson) * (Size) segment->count);
	filed = MemoryContextAllocHuge(assignment->context,
								   sizeof(FiledPerson) * (Size) segment->count);
	ReadPeople(segment->file, filed, segment->count);
	PlacePeople(assignment, segment, people, filed);

	/* what was read is placed, so its memory can serve the sort */
	if (first == segment->last_pool)
		SortAndDeal(assignment, first, people, (RankedPerson *) filed,
					segment->count);
	else
	{
		for (int pool = first; pool <= segment->last_pool; pool++)
			SortAndDeal(assignment, pool,
						people + (PoolStart(assignment, pool) -
								  PoolStart(assignment, first)),
						(RankedPerson *) filed, PoolSize(assignment, pool));
	}
	pfree(people);
	pfree(filed);
}

static void DealFanout(Assignment *assignment, Fanout *fanout);

/* Divides a segment that does not fit into memory, and deals its parts */
static void
DealParts(Assignment *assignment, Segment *segment)
{
	Fanout		fanout;

	Divide(assignment, &fanout, segment->first_pool, segment->last_pool,
		   segment->bits_left);
	for (int64 i = 0; i < segment->count; i++)
	{
		FiledPerson filed;

		CHECK_FOR_INTERRUPTS();
		ReadPeople(segment->file, &filed, 1);
		WritePerson(assignment, &fanout, &filed);
	}
	BufFileClose(segment->file);
	segment->file = NULL;
	DealFanout(assignment, &fanout);
}

/* Segments are in rank order, so dealing them in turn deals the pools */
static void
DealFanout(Assignment *assignment, Fanout *fanout)
{
	check_stack_depth();
	for (int i = 0; i < fanout->nsegments; i++)
	{
		Segment    *segment = &fanout->segments[i];
		int64		needed = SORT_SIZE * segment->count;

		if (segment->file == NULL)
			continue;
		RewindSegment(segment);
		/* people equal in the whole key cannot be divided */
		if (needed > assignment->memory &&
			(segment->first_pool < segment->last_pool || segment->bits_left > 0))
			DealParts(assignment, segment);
		else
			DealSegment(assignment, segment);
		if (segment->file != NULL)
			BufFileClose(segment->file);
	}
	pfree(fanout->segments);
	if (fanout->segment_of_pool != NULL)
		pfree(fanout->segment_of_pool);
}

/* The query */

enum
{
	COLUMN_ID,
	COLUMN_POOL,
	COLUMN_OV_POINTS,
	COLUMN_LP_POINTS,
	COLUMN_LOT,
	COLUMNS
};

static const struct
{
	const char *name;
	Oid			type;
}			query_columns[COLUMNS] = {
	{"id", INT4OID},
	{"pool", INT4OID},
	{"ov_points", INT4OID},
	{"lp_points", INT4OID},
	{"lot", INT8OID}
};

static void
CheckQueryColumns(TupleDesc desc)
{
	if (desc->natts != COLUMNS)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the query must return %d columns", COLUMNS),
				 errdetail("It returns %d.", desc->natts),
				 errhint("Return id int, pool int, ov_points int, lp_points int, lot bigint.")));
	for (int i = 0; i < COLUMNS; i++)
	{
		Oid			type = TupleDescAttr(desc, i)->atttypid;

		if (type != query_columns[i].type)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column %d of the query, %s, must be of type %s",
							i + 1, query_columns[i].name,
							format_type_be(query_columns[i].type)),
					 errdetail("It is of type %s.", format_type_be(type)),
					 errhint("Return id int, pool int, ov_points int, lp_points int, lot bigint.")));
	}
}

static void
CheckQueryValue(TupleTableSlot *slot, int column)
{
	if (slot->tts_isnull[column])
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be NULL", query_columns[column].name),
				 column == COLUMN_ID ? 0 :
				 errdetail("Person %d has none.",
						   DatumGetInt32(slot->tts_values[COLUMN_ID]))));
}

static uint64
CheckPoints(int32 points, TupleTableSlot *slot, int column)
{
	if (points < 0 || points > POINTS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s must be between 0 and %d",
						query_columns[column].name, POINTS_MAX),
				 errdetail("Person %d has %d.",
						   DatumGetInt32(slot->tts_values[COLUMN_ID]), points)));
	return (uint64) (POINTS_MAX - points);
}

static int
CheckPool(Assignment *assignment, TupleTableSlot *slot)
{
	int32		pool = DatumGetInt32(slot->tts_values[COLUMN_POOL]);

	if (pool < 1 || pool > assignment->npools)
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_QUOTA_INVALID),
				 errmsg("there are no seats for pool %d", pool),
				 errdetail("Person %d is in it; seats has %d rows.",
						   DatumGetInt32(slot->tts_values[COLUMN_ID]),
						   assignment->npools)));
	return pool - 1;
}

static uint64
PackKey(TupleTableSlot *slot, uint64 lot)
{
	uint64		ov = CheckPoints(DatumGetInt32(slot->tts_values[COLUMN_OV_POINTS]),
								 slot, COLUMN_OV_POINTS);
	uint64		lp = POINTS_NULL;

	if (!slot->tts_isnull[COLUMN_LP_POINTS])
		lp = CheckPoints(DatumGetInt32(slot->tts_values[COLUMN_LP_POINTS]),
						 slot, COLUMN_LP_POINTS);
	return ov << OV_SHIFT | lp << LP_SHIFT | lot >> LOT_SHIFT;
}

/* Puts the batch to the places of its pools */
static void
PlaceBatch(Assignment *assignment)
{
	for (int i = 0; i < assignment->nbatch; i++)
	{
		FiledPerson *filed = &assignment->batch[i];
		PoolPlaces *places = &assignment->places[filed->pool];
		int64		place = places->next++;

		/* too many people are counted, for the error, but have no place */
		if (place >= places->end)
			continue;
		if (assignment->people != NULL)
			assignment->people[place] = filed->person;
		else
			WritePerson(assignment, &assignment->fanout, filed);
	}
	assignment->nbatch = 0;
}

static bool
ReceivePerson(TupleTableSlot *slot, DestReceiver *self)
{
	Assignment *assignment = (Assignment *) self;
	FiledPerson *filed = &assignment->batch[assignment->nbatch];
	uint64		lot;

	slot_getsomeattrs(slot, COLUMNS);
	CheckQueryValue(slot, COLUMN_ID);
	filed->person.id = DatumGetInt32(slot->tts_values[COLUMN_ID]);
	if (slot->tts_isnull[COLUMN_OV_POINTS])
	{
		EmitUnranked(assignment, filed->person.id);
		return true;
	}
	CheckQueryValue(slot, COLUMN_POOL);
	CheckQueryValue(slot, COLUMN_LOT);
	filed->pool = CheckPool(assignment, slot);
	lot = (uint64) DatumGetInt64(slot->tts_values[COLUMN_LOT]) ^ LOT_SIGN;
	filed->person.key = PackKey(slot, lot);
	filed->person.lot = (uint32) lot;
	if (++assignment->nbatch == BATCH)
		PlaceBatch(assignment);
	return true;
}

static void
ReceiverStartup(DestReceiver *self, int operation, TupleDesc desc)
{
	Assignment *assignment = (Assignment *) self;

	if (assignment->started)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("the query must be a single statement")));
	assignment->started = true;
	CheckQueryColumns(desc);
}

static void
ReceiverNothing(DestReceiver *self)
{
}

static void
InitReceiver(DestReceiver *receiver)
{
	receiver->receiveSlot = ReceivePerson;
	receiver->rStartup = ReceiverStartup;
	receiver->rShutdown = ReceiverNothing;
	receiver->rDestroy = ReceiverNothing;
	receiver->mydest = DestTuplestore;
}

static void
RunQuery(Assignment *assignment, const char *query)
{
	SPIExecuteOptions options = {0};
	int			result;

	options.read_only = true;
	options.must_return_tuples = true;
	options.dest = &assignment->receiver;
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	result = SPI_execute_extended(query, &options);
	if (result < 0)
		elog(ERROR, "SPI_execute_extended failed: %s",
			 SPI_result_code_string(result));
	SPI_finish();
}

/* Makes places in memory, or files; the seats tell how many */
static void
InitPlaces(Assignment *assignment)
{
	int64		total = PoolStart(assignment, assignment->npools);
	int64		largest = 0;

	for (int pool = 0; pool < assignment->npools; pool++)
		largest = Max(largest, PoolSize(assignment, pool));

	assignment->memory = work_mem * INT64CONST(1024);
	if ((total + largest) <= assignment->memory / (int64) sizeof(RankedPerson))
	{
		assignment->people = MemoryContextAllocHuge(assignment->context,
													sizeof(RankedPerson) * (Size) Max(total, 1));
		assignment->scratch = MemoryContextAllocHuge(assignment->context,
													 sizeof(RankedPerson) * (Size) Max(largest, 1));
	}
	else
		Divide(assignment, &assignment->fanout, 0, assignment->npools - 1,
			   KEY_BITS);
}

/* assign_tiers(query text, seats int[]) -> setof (id int, tier int) */
Datum
perfmgmt_assign_tiers(PG_FUNCTION_ARGS)
{
	char	   *query = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Assignment *assignment = palloc0(sizeof(Assignment));

	InitMaterializedSRF(fcinfo, 0);
	assignment->context = CurrentMemoryContext;
	InitReceiver(&assignment->receiver);
	ReadSeats(assignment, PG_GETARG_ARRAYTYPE_P(1));
	InitResult(assignment, (ReturnSetInfo *) fcinfo->resultinfo);
	InitPlaces(assignment);

	RunQuery(assignment, query);
	PlaceBatch(assignment);
	CheckSeatsTaken(assignment);
	if (assignment->people == NULL)
		DealFanout(assignment, &assignment->fanout);
	else
	{
		for (int pool = 0; pool < assignment->npools; pool++)
			SortAndDeal(assignment, pool,
						assignment->people + PoolStart(assignment, pool),
						assignment->scratch, PoolSize(assignment, pool));
		pfree(assignment->people);
		pfree(assignment->scratch);
	}
	ExecDropSingleTupleTableSlot(assignment->slot);
	return (Datum) 0;
}
