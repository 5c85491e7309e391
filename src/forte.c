/*
 * forte.c
 *		What of the answers about a person that person may see.
 *
 * The guarantee is about sets of authors. Everything that is shown of one
 * relation comes from one and the same set of at least k authors, and no author
 * is in two sets. So whatever shown figures and texts somebody adds, subtracts
 * or intersects, the authors behind the result are whole sets, never fewer than
 * k people.
 *
 * All arithmetic is on integers, and the order of the rows does not matter.
 */
#include "perfmgmt.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#define SCORE_MIN 1
#define SCORE_MAX 5

/* k is never less, whatever the policy says. */
#define K_FLOOR 3

/*
 * An item is something to answer: the scores come first, then the texts. They
 * are the bits of a word.
 */
#define SCORE_ITEMS 40
#define TEXT_ITEMS 24
#define SCORE_BITS ((UINT64CONST(1) << SCORE_ITEMS) - 1)

/* Four scores weigh as much as a text when a set of authors is chosen. */
#define TEXT_WEIGHT 4

/* The arguments of the transition function; 0 is the state. */
#define ARG_AUTHOR 1
#define ARG_RELATION 2
#define ARG_ANONYMOUS 3
#define ARG_FIRST 4
#define ARG_SCORES 5
#define ARG_TEXTS 6
#define ARG_K 7

/* What is shown instead of a mean that is a whole level; see ShownScore(). */
#define BAND_LOW (-1)
#define BAND_MIDDLE (-2)
#define BAND_HIGH (-3)

typedef struct Standing
{
	bool		is_anonymous;
	text	   *name;
} Standing;

typedef struct Author
{
	int32		author_id;
	int16		relation;		/* index in the state's relations */
	bool		is_shown;		/* used by the final function */
	uint64		answered;
	int8		scores[SCORE_ITEMS];
} Author;

typedef struct Answers
{
	int			k;
	int			last;			/* the author of the last row */
	int			author_count;
	int			author_room;
	Author	   *authors;
	int			relation_count;
	int			relation_room;
	Standing   *relations;
} Answers;

/* The best items so far, and how much they show. */
typedef struct ItemChoice
{
	int64		weight;
	uint64		items;
} ItemChoice;

/* The cells of a person as they are made. */
typedef struct CellList
{
	int			k;
	TupleDesc	descriptor;
	int			count;
	int			room;
	Datum	   *cells;
} CellList;

PG_FUNCTION_INFO_V1(perfmgmt_forte_cells_accum);
PG_FUNCTION_INFO_V1(perfmgmt_forte_cells_final);

/*
 * Checks
 */

static void
CheckPresent(FunctionCallInfo fcinfo, int arg, const char *what)
{
	if (unlikely(PG_ARGISNULL(arg)))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", what)));
}

static void
CheckK(int k)
{
	if (unlikely(k < K_FLOOR))
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_POLICY_INVALID),
				 errmsg("a group of %d authors is not anonymous", k),
				 errdetail("At least %d are.", K_FLOOR)));
}

static void
CheckSameK(int k, int before)
{
	if (unlikely(k != before))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("k must be the same for all answers about a person")));
}

static void
CheckPositions(int first, int count)
{
	if (unlikely(first < 1 || first > SCORE_ITEMS ||
				 count > SCORE_ITEMS - first + 1))
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%d scores from position %d on are out of range",
						count, first),
				 errdetail("A person is scored in positions 1 to %d.",
						   SCORE_ITEMS)));
}

static void
CheckScore(int score, int position)
{
	if (unlikely(score < SCORE_MIN || score > SCORE_MAX))
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_SCORE_OUT_OF_RANGE),
				 errmsg("score %d in position %d is out of range",
						score, position),
				 errdetail("The allowed range is %d to %d.",
						   SCORE_MIN, SCORE_MAX)));
}

static void
CheckOnce(uint64 answered, uint64 items)
{
	if (unlikely((answered & items) != 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an author answers a question twice"),
				 errdetail("Each author gives each score and each text once.")));
}

static void
CheckTexts(int32 texts)
{
	if (unlikely(texts < 0 || texts >= (1 << TEXT_ITEMS)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("texts must be a set of %d bits", TEXT_ITEMS)));
}

static void
CheckShape(ArrayType *scores)
{
	if (unlikely(ARR_NDIM(scores) > 1 ||
				 (ARR_NDIM(scores) == 1 && ARR_LBOUND(scores)[0] != 1)))
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("scores have the wrong dimensions"),
				 errdetail("Expected is one dimension that starts at 1.")));
}

static void
CheckAggregate(FunctionCallInfo fcinfo, MemoryContext *context)
{
	if (!AggCheckCallContext(fcinfo, context))
		elog(ERROR, "forte_cells called outside an aggregate");
}

/*
 * The answers as they come in
 */

static Answers *
NewAnswers(MemoryContext context, int k)
{
	Answers    *answers = MemoryContextAllocZero(context, sizeof(Answers));

	answers->k = k;
	answers->author_room = 8;
	answers->authors = MemoryContextAlloc(context, 8 * sizeof(Author));
	answers->relation_room = 4;
	answers->relations = MemoryContextAlloc(context, 4 * sizeof(Standing));
	return answers;
}

/* The index of a relation, new or known. */
static int
RelationIndex(Answers *answers, MemoryContext context,
			  text *name, bool is_anonymous)
{
	int			length = VARSIZE_ANY_EXHDR(name);
	Standing   *relation;

	for (int i = 0; i < answers->relation_count; i++)
	{
		relation = &answers->relations[i];
		if (relation->is_anonymous == is_anonymous &&
			VARSIZE_ANY_EXHDR(relation->name) == length &&
			memcmp(VARDATA_ANY(relation->name), VARDATA_ANY(name), length) == 0)
			return i;
	}

	if (answers->relation_count == answers->relation_room)
	{
		answers->relation_room *= 2;
		answers->relations = repalloc(answers->relations,
									  answers->relation_room * sizeof(Standing));
	}
	relation = &answers->relations[answers->relation_count];
	relation->is_anonymous = is_anonymous;
	relation->name = MemoryContextAlloc(context, VARHDRSZ + length);
	SET_VARSIZE(relation->name, VARHDRSZ + length);
	memcpy(VARDATA(relation->name), VARDATA_ANY(name), length);
	return answers->relation_count++;
}

/* What is shown with a name comes first, then by name. */
static int
CompareRelations(const Standing *a, const Standing *b)
{
	int			length_a = VARSIZE_ANY_EXHDR(a->name);
	int			length_b = VARSIZE_ANY_EXHDR(b->name);
	int			order;

	if (a->is_anonymous != b->is_anonymous)
		return a->is_anonymous ? 1 : -1;
	order = memcmp(VARDATA_ANY(a->name), VARDATA_ANY(b->name),
				   Min(length_a, length_b));
	return order != 0 ? order : length_a - length_b;
}

/*
 * The author, new or known: the answers of one author come in several rows. Who
 * comes in two relations is counted in one of them, the anonymous one.
 */
static Author *
FindAuthor(Answers *answers, int32 author_id, int relation)
{
	Author	   *author = NULL;

	if (answers->author_count > 0 &&
		answers->authors[answers->last].author_id == author_id)
		author = &answers->authors[answers->last];
	for (int i = 0; author == NULL && i < answers->author_count; i++)
		if (answers->authors[i].author_id == author_id)
			author = &answers->authors[i];

	if (author == NULL)
	{
		if (answers->author_count == answers->author_room)
		{
			answers->author_room *= 2;
			answers->authors = repalloc_huge(answers->authors,
											 answers->author_room * sizeof(Author));
		}
		author = &answers->authors[answers->author_count++];
		memset(author, 0, sizeof(Author));
		author->author_id = author_id;
		author->relation = relation;
	}
	else if (author->relation != relation &&
			 CompareRelations(&answers->relations[relation],
							  &answers->relations[author->relation]) > 0)
		author->relation = relation;
	answers->last = author - answers->authors;
	return author;
}

static void
AddScores(Author *author, int first, ArrayType *scores)
{
	int			count = ArrayGetNItems(ARR_NDIM(scores), ARR_DIMS(scores));
	bits8	   *present = ARR_NULLBITMAP(scores);
	int16	   *value = (int16 *) ARR_DATA_PTR(scores);

	CheckPositions(first, count);
	for (int i = 0; i < count; i++)
	{
		int			item = first - 1 + i;

		if (present && !(present[i / 8] & (1 << (i % 8))))
			continue;
		CheckScore(*value, item + 1);
		CheckOnce(author->answered, UINT64CONST(1) << item);
		author->scores[item] = *value++;
		author->answered |= UINT64CONST(1) << item;
	}
}

Datum
perfmgmt_forte_cells_accum(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	Answers    *answers = PG_ARGISNULL(0) ? NULL : (Answers *) PG_GETARG_POINTER(0);
	Author	   *author;
	int			k;

	CheckAggregate(fcinfo, &context);
	CheckPresent(fcinfo, ARG_AUTHOR, "author");
	CheckPresent(fcinfo, ARG_RELATION, "relation");
	CheckPresent(fcinfo, ARG_ANONYMOUS, "whether a relation is anonymous");
	CheckPresent(fcinfo, ARG_FIRST, "first position");
	CheckPresent(fcinfo, ARG_K, "k");
	k = PG_GETARG_INT32(ARG_K);
	if (answers == NULL)
	{
		CheckK(k);
		answers = NewAnswers(context, k);
	}
	CheckSameK(k, answers->k);

	author = FindAuthor(answers, PG_GETARG_INT32(ARG_AUTHOR),
						RelationIndex(answers, context,
									  PG_GETARG_TEXT_PP(ARG_RELATION),
									  PG_GETARG_BOOL(ARG_ANONYMOUS)));
	if (!PG_ARGISNULL(ARG_SCORES))
	{
		ArrayType  *scores = PG_GETARG_ARRAYTYPE_P(ARG_SCORES);

		CheckShape(scores);
		AddScores(author, PG_GETARG_INT32(ARG_FIRST), scores);
	}
	if (!PG_ARGISNULL(ARG_TEXTS))
	{
		uint64		texts;

		CheckTexts(PG_GETARG_INT32(ARG_TEXTS));
		texts = (uint64) PG_GETARG_INT32(ARG_TEXTS) << SCORE_ITEMS;
		CheckOnce(author->answered, texts);
		author->answered |= texts;
	}
	PG_RETURN_POINTER(answers);
}

/*
 * Which authors and which items
 */

static int
ItemsWeight(uint64 items)
{
	return pg_popcount64(items & SCORE_BITS) +
		TEXT_WEIGHT * pg_popcount64(items & ~SCORE_BITS);
}

static inline bool
AnsweredAll(const Author *author, uint64 items)
{
	return (author->answered & items) == items;
}

/* How many answered all of these items, and what else they all answered. */
static int
CountAuthors(Author **group, int count, uint64 items, uint64 *common)
{
	int			authors = 0;

	CHECK_FOR_INTERRUPTS();
	*common = ~UINT64CONST(0);
	for (int i = 0; i < count; i++)
		if (AnsweredAll(group[i], items))
		{
			*common &= group[i]->answered;
			authors++;
		}
	return authors;
}

/* The items, those that most people answered first; returns how many. */
static int
OrderItems(Author **group, int count, int8 *order)
{
	int			answers[SCORE_ITEMS + TEXT_ITEMS] = {0};
	int			items = 0;

	for (int i = 0; i < count; i++)
		for (uint64 left = group[i]->answered; left != 0; left &= left - 1)
			answers[pg_rightmost_one_pos64(left)]++;

	for (int item = 0; item < SCORE_ITEMS + TEXT_ITEMS; item++)
	{
		int			at = items;

		if (answers[item] == 0)
			continue;
		while (at > 0 && answers[order[at - 1]] < answers[item])
		{
			order[at] = order[at - 1];
			at--;
		}
		order[at] = item;
		items++;
	}
	return items;
}

/*
 * From one item on, each further one, in order, that k authors still answered
 * makes the authors fewer or leaves them. Keeps where items x authors is largest
 * so far, and returns all items that were reached.
 */
static uint64
ExtendItems(Author **group, int count, int k, const int8 *order,
			int item_count, int start, ItemChoice *choice)
{
	uint64		items = 0;

	for (int i = 0; i < item_count; i++)
	{
		/* the start comes first, then the others */
		uint64		item = UINT64CONST(1) << (i == 0 ? order[start] :
											  i <= start ? order[i - 1] : order[i]);
		uint64		common;
		int64		weight;
		int			authors;

		if (items & item)
			continue;
		authors = CountAuthors(group, count, items | item, &common);
		if (authors < k)
		{
			if (i == 0)
				return item;
			continue;
		}
		items = common;
		weight = (int64) authors * ItemsWeight(items);
		if (weight > choice->weight)
		{
			choice->weight = weight;
			choice->items = items;
		}
	}
	return items;
}

/*
 * The items to show of a group of authors; 0 when there are none. They are
 * shown of those, k or more, who answered all of them. Which are best is tried
 * from each item that was not reached before: from one when all answered the
 * same.
 */
static uint64
ChooseItems(Author **group, int count, int k)
{
	int8		order[SCORE_ITEMS + TEXT_ITEMS];
	int			item_count;
	uint64		reached = 0;
	ItemChoice	choice = {0, 0};

	if (count < k)
		return 0;
	item_count = OrderItems(group, count, order);
	for (int start = 0; start < item_count; start++)
		if (!(reached & (UINT64CONST(1) << order[start])))
			reached |= ExtendItems(group, count, k, order, item_count,
								   start, &choice);
	return choice.items;
}

/*
 * Cells
 */

/*
 * A mean in half levels, half up. Of an anonymous group a whole level is shown
 * as a band: 1.0 and 2.0 are low, 3.0 is the middle, 4.0 and 5.0 are high. So a
 * unanimous group shows a band only, and since the mean alone decides, a band
 * does not tell that a group is unanimous.
 */
static int16
ShownScore(int64 total, int n, bool is_anonymous)
{
	int			half_levels = (int) ((4 * total + n) / (2 * n));

	if (!is_anonymous || half_levels % 2 == 1)
		return half_levels;
	if (half_levels <= 4)
		return BAND_LOW;
	return half_levels >= 8 ? BAND_HIGH : BAND_MIDDLE;
}

/*
 * All positions, shown or not: a length that depended on the answers would tell
 * of answers that are not shown.
 */
static ArrayType *
ScoresOf(Author **group, int count, uint64 items, bool is_anonymous)
{
	Datum		values[SCORE_ITEMS];
	bool		nulls[SCORE_ITEMS];
	int			dims[1] = {SCORE_ITEMS};
	int			lbs[1] = {1};

	for (int item = 0; item < SCORE_ITEMS; item++)
	{
		int64		total = 0;
		int			n = 0;

		nulls[item] = !(items & (UINT64CONST(1) << item));
		values[item] = (Datum) 0;
		if (nulls[item])
			continue;
		for (int i = 0; i < count; i++)
			if (group[i]->answered & (UINT64CONST(1) << item))
			{
				total += group[i]->scores[item];
				n++;
			}
		values[item] = Int16GetDatum(ShownScore(total, n, is_anonymous));
	}
	return construct_md_array(values, nulls, 1, dims, lbs,
							  INT2OID, 2, true, TYPALIGN_SHORT);
}

static ArrayType *
AuthorsOf(Author **group, int count)
{
	Datum	   *values = palloc(count * sizeof(Datum));

	for (int i = 0; i < count; i++)
		values[i] = Int32GetDatum(group[i]->author_id);
	return construct_array(values, count, INT4OID, 4, true, TYPALIGN_INT);
}

/* One cell: these items of these authors. */
static void
AddCell(CellList *list, text *name, bool is_anonymous,
		Author **group, int count, uint64 items)
{
	Datum		values[5];
	bool		nulls[5] = {false};

	values[0] = PointerGetDatum(name);
	values[1] = BoolGetDatum(is_anonymous);
	values[2] = PointerGetDatum(AuthorsOf(group, count));
	values[3] = PointerGetDatum(ScoresOf(group, count, items, is_anonymous));
	values[4] = Int32GetDatum((int32) (items >> SCORE_ITEMS));
	if (list->count == list->room)
	{
		list->room *= 2;
		list->cells = repalloc(list->cells, list->room * sizeof(Datum));
	}
	list->cells[list->count++] =
		HeapTupleGetDatum(heap_form_tuple(list->descriptor, values, nulls));
}

/* The self and the manager are shown as such: all they answered. */
static void
AddNamed(CellList *list, text *name, Author **group, int count)
{
	uint64		items = 0;

	for (int i = 0; i < count; i++)
		items |= group[i]->answered;
	if (items != 0)
		AddCell(list, name, false, group, count, items);
}

/* Some of an anonymous group, or nothing; who is shown is marked. */
static void
AddAnonymous(CellList *list, text *name, Author **group, int count)
{
	uint64		items = ChooseItems(group, count, list->k);
	Author	  **shown;
	int			shown_count = 0;

	if (items == 0)
		return;
	shown = palloc(count * sizeof(Author *));
	for (int i = 0; i < count; i++)
		if (AnsweredAll(group[i], items))
		{
			group[i]->is_shown = true;
			shown[shown_count++] = group[i];
		}
	AddCell(list, name, true, shown, shown_count, items);
}

static int
CompareAuthors(const void *a, const void *b, void *arg)
{
	const Answers *answers = arg;
	const Author *author_a = *(Author *const *) a;
	const Author *author_b = *(Author *const *) b;

	if (author_a->relation != author_b->relation)
		return CompareRelations(&answers->relations[author_a->relation],
								&answers->relations[author_b->relation]);
	return author_a->author_id < author_b->author_id ? -1 :
		author_a->author_id > author_b->author_id;
}

/* The authors, relation by relation. */
static Author **
SortAuthors(Answers *answers)
{
	Author	  **sorted = palloc(answers->author_count * sizeof(Author *));

	for (int i = 0; i < answers->author_count; i++)
	{
		sorted[i] = &answers->authors[i];
		sorted[i]->is_shown = false;
	}
	qsort_arg(sorted, answers->author_count, sizeof(Author *),
			  CompareAuthors, answers);
	return sorted;
}

/* Each relation by itself, then who is left over as colleagues. */
static void
AddCells(CellList *list, Answers *answers)
{
	Author	  **sorted = SortAuthors(answers);
	int			left = 0;
	int			end;

	for (int start = 0; start < answers->author_count; start = end)
	{
		Standing   *relation = &answers->relations[sorted[start]->relation];

		for (end = start + 1; end < answers->author_count &&
			 sorted[end]->relation == sorted[start]->relation; end++)
			continue;
		if (relation->is_anonymous)
			AddAnonymous(list, relation->name, sorted + start, end - start);
		else
			AddNamed(list, relation->name, sorted + start, end - start);
	}
	for (int i = 0; i < answers->author_count; i++)
		if (answers->relations[sorted[i]->relation].is_anonymous &&
			!sorted[i]->is_shown)
			sorted[left++] = sorted[i];
	AddAnonymous(list, cstring_to_text("colleagues"), sorted, left);
}

Datum
perfmgmt_forte_cells_final(PG_FUNCTION_ARGS)
{
	Oid			cell_type = get_element_type(get_func_rettype(fcinfo->flinfo->fn_oid));
	CellList	list;
	ArrayType  *cells;

	CheckAggregate(fcinfo, NULL);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	list.k = ((Answers *) PG_GETARG_POINTER(0))->k;
	list.descriptor = lookup_rowtype_tupdesc(cell_type, -1);
	list.count = 0;
	list.room = 4;
	list.cells = palloc(list.room * sizeof(Datum));
	AddCells(&list, (Answers *) PG_GETARG_POINTER(0));
	cells = construct_array(list.cells, list.count, cell_type,
							-1, false, TYPALIGN_DOUBLE);
	ReleaseTupleDesc(list.descriptor);
	PG_RETURN_ARRAYTYPE_P(cells);
}
