/*
 * audit_links.c
 *		Sorts the links of the ledger for its verification.
 *
 * A link is what verification keeps of an entry: 80 bytes of fixed length.
 * They are sorted by chain and place within maintenance_work_mem; what does not
 * fit is written out in sorted runs, which are merged at the end.  Statements
 * that wrote many rows left them in order: a run that comes sorted is not sorted
 * again.
 */
#include "perfmgmt.h"

#include "audit.h"
#include "miscadmin.h"
#include "storage/buffile.h"
#include "utils/memutils.h"

#define LINKS_PER_PAGE (BLCKSZ / sizeof(AuditLink))
#define MAX_READ_PAGES 32

typedef struct LinkKey
{
	int32		subject;
	uint32		at;
	int64		sequence;
} LinkKey;

/* Sorted links in the file, and the part of them that is in memory. */
typedef struct Run
{
	long		page;			/* the next to read */
	int64		left;			/* links still in the file */
	AuditLink  *links;			/* one page after the other */
	int			at;
	int			count;
} Run;

struct LinkSort
{
	MemoryContext context;
	AuditLink  *links;
	int64		allocated;
	int64		capacity;		/* at most so many in memory */
	int64		count;
	bool		ordered;		/* so far */
	LinkKey    *keys;
	int64		returned;

	BufFile    *file;			/* NULL: all in memory */
	long		pages;
	Run		   *runs;
	int			run_count;
	int			read_pages;
	Run		  **heap;			/* by the link at hand, the least first */
	int			heap_count;
};

static inline int
CompareLinks(int32 subject, int64 sequence, int32 other_subject, int64 other_sequence)
{
	if (subject != other_subject)
		return subject < other_subject ? -1 : 1;
	return (sequence > other_sequence) - (sequence < other_sequence);
}

#define ST_SORT SortKeys
#define ST_ELEMENT_TYPE LinkKey
#define ST_COMPARE(a, b) CompareLinks((a)->subject, (a)->sequence, (b)->subject, (b)->sequence)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

LinkSort *
LinkSortBegin(void)
{
	LinkSort   *sort = palloc0(sizeof(LinkSort));

	sort->context = CurrentMemoryContext;
	sort->capacity = maintenance_work_mem * INT64CONST(1024) / (sizeof(AuditLink) + sizeof(LinkKey));
	sort->capacity = Min(sort->capacity, PG_INT32_MAX);
	sort->allocated = Min(sort->capacity, 1024);
	sort->links = palloc(sort->allocated * sizeof(AuditLink));
	sort->ordered = true;
	return sort;
}

/*
 * Leaves the order of what is in memory in keys.
 */
static void
SortMemory(LinkSort *sort)
{
	int64		i;

	if (sort->keys == NULL)
		sort->keys = MemoryContextAllocHuge(sort->context, Max(sort->count, 1) * sizeof(LinkKey));
	for (i = 0; i < sort->count; i++)
	{
		sort->keys[i].subject = sort->links[i].subject;
		sort->keys[i].at = i;
		sort->keys[i].sequence = sort->links[i].sequence;
	}
	if (!sort->ordered)
		SortKeys(sort->keys, sort->count);
}

static void
AddRun(LinkSort *sort)
{
	MemoryContext old = MemoryContextSwitchTo(sort->context);
	Run		   *run;

	if (sort->file == NULL)
		sort->file = BufFileCreateTemp(false);
	sort->runs = sort->runs == NULL ? palloc(sizeof(Run)) :
		repalloc(sort->runs, sizeof(Run) * (sort->run_count + 1));
	MemoryContextSwitchTo(old);
	run = &sort->runs[sort->run_count++];
	memset(run, 0, sizeof(*run));
	run->page = sort->pages;
	run->left = sort->count;
}

static void
WriteRun(LinkSort *sort)
{
	union
	{
		AuditLink	links[LINKS_PER_PAGE];
		char		bytes[BLCKSZ];
	}			page;
	int64		i;
	int			j;

	AddRun(sort);
	SortMemory(sort);
	memset(&page, 0, sizeof(page));
	for (i = 0; i < sort->count; i += LINKS_PER_PAGE)
	{
		CHECK_FOR_INTERRUPTS();
		for (j = 0; j < LINKS_PER_PAGE && i + j < sort->count; j++)
			page.links[j] = sort->links[sort->keys[i + j].at];
		BufFileWrite(sort->file, page.bytes, BLCKSZ);
		sort->pages++;
	}
	sort->count = 0;
	sort->ordered = true;
}

/* The next link to fill; LinkSortPut() takes it. */
AuditLink *
LinkSortNext(LinkSort *sort)
{
	if (sort->count == sort->capacity)
		WriteRun(sort);
	if (sort->count == sort->allocated)
	{
		sort->allocated = Min(sort->allocated * 2, sort->capacity);
		sort->links = repalloc_huge(sort->links, sort->allocated * sizeof(AuditLink));
	}
	return &sort->links[sort->count];
}

void
LinkSortPut(LinkSort *sort)
{
	AuditLink  *link = &sort->links[sort->count];

	if (sort->count > 0 && sort->ordered &&
		CompareLinks(link[-1].subject, link[-1].sequence, link->subject, link->sequence) > 0)
		sort->ordered = false;
	sort->count++;
}

/*
 * The merge.
 */
static AuditLink *
LinkOfRun(Run *run)
{
	return (AuditLink *) ((char *) run->links + run->at / LINKS_PER_PAGE * BLCKSZ) + run->at % LINKS_PER_PAGE;
}

/* Is there one? */
static bool
AdvanceRun(LinkSort *sort, Run *run)
{
	int			pages;

	if (++run->at < run->count)
		return true;
	if (run->left == 0)
		return false;
	CHECK_FOR_INTERRUPTS();
	run->at = 0;
	run->count = Min(run->left, sort->read_pages * LINKS_PER_PAGE);
	run->left -= run->count;
	pages = (run->count + LINKS_PER_PAGE - 1) / LINKS_PER_PAGE;
	if (BufFileSeekBlock(sort->file, run->page) != 0 ||
		BufFileRead(sort->file, (void *) run->links, (size_t) pages * BLCKSZ) != (size_t) pages * BLCKSZ)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read a temporary file of the verification: %m")));
	run->page += pages;
	return true;
}

static bool
RunIsBefore(Run *a, Run *b)
{
	AuditLink  *left = LinkOfRun(a);
	AuditLink  *right = LinkOfRun(b);

	return CompareLinks(left->subject, left->sequence, right->subject, right->sequence) < 0;
}

static void
SiftDown(LinkSort *sort, int at)
{
	Run		   *run = sort->heap[at];

	for (;;)
	{
		int			child = 2 * at + 1;

		if (child + 1 < sort->heap_count && RunIsBefore(sort->heap[child + 1], sort->heap[child]))
			child++;
		if (child >= sort->heap_count || !RunIsBefore(sort->heap[child], run))
			break;
		sort->heap[at] = sort->heap[child];
		at = child;
	}
	sort->heap[at] = run;
}

static void
BeginMerge(LinkSort *sort)
{
	int			i;

	WriteRun(sort);
	pfree(sort->links);
	pfree(sort->keys);
	sort->links = NULL;
	sort->keys = NULL;
	sort->read_pages = maintenance_work_mem * INT64CONST(1024) / BLCKSZ / sort->run_count;
	sort->read_pages = Max(Min(sort->read_pages, MAX_READ_PAGES), 1);
	sort->heap = palloc(sizeof(Run *) * sort->run_count);
	for (i = 0; i < sort->run_count; i++)
	{
		Run		   *run = &sort->runs[i];

		run->links = palloc((Size) sort->read_pages * BLCKSZ);
		if (AdvanceRun(sort, run))
			sort->heap[sort->heap_count++] = run;
	}
	for (i = sort->heap_count / 2 - 1; i >= 0; i--)
		SiftDown(sort, i);
}

/* Done putting: the first LinkSortGet() gives the least link. */
void
LinkSortPerform(LinkSort *sort)
{
	if (sort->file == NULL)
		SortMemory(sort);
	else
		BeginMerge(sort);
}

/* The next link, good until the next call; NULL: no more. */
AuditLink *
LinkSortGet(LinkSort *sort)
{
	if (sort->file == NULL)
		return sort->returned == sort->count ? NULL : &sort->links[sort->keys[sort->returned++].at];
	if (sort->returned++ > 0)
	{
		if (!AdvanceRun(sort, sort->heap[0]))
			sort->heap[0] = sort->heap[--sort->heap_count];
		if (sort->heap_count > 1)
			SiftDown(sort, 0);
	}
	return sort->heap_count == 0 ? NULL : LinkOfRun(sort->heap[0]);
}

/* Memory goes with its context. */
void
LinkSortEnd(LinkSort *sort)
{
	if (sort->file)
		BufFileClose(sort->file);
}
