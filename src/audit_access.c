/*
 * audit_access.c
 *		The log of reads: who read whose ratings and authors.
 *
 * log_read() stands in the policies of the tables that hold them, so it meets
 * every row that a leader or HR gets, whatever the client.  It only remembers
 * the person: a bit in a set, which is what a row may cost.  The sets become
 * rows of perf.access_log right before the commit.  A transaction that does not
 * commit leaves no row, so what it read goes to the server log: a ROLLBACK must
 * not hide a read.  Savepoints change nothing here, for the same reason.
 *
 * A policy does not know which view it is reached through; the plans of the
 * statements that run do.
 */
#include "perfmgmt.h"

#include "audit.h"
#include "access/heapam.h"
#include "access/parallel.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/supportnodes.h"
#include "port/pg_bitutils.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/multirangetypes.h"
#include "utils/rangetypes.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#define RECORDS_SCHEMA "perf"

/* Columns of perf.access_log; new ones only at the end. */
enum
{
	READ_ID, READ_RELATION, READ_SUBJECTS, READ_PEOPLE, READ_ACTOR,
	READ_ON_BEHALF_OF, READ_SESSION_USER, READ_TRANSACTION, READ_AT, READ_VIEWS,
	READ_COLUMNS
};

/* People with neighbouring ids share a page of bits. */
#define PAGE_WORDS 16
#define PAGE_PEOPLE (PAGE_WORDS * 64)

typedef struct ReadPage
{
	int32		number;			/* of the page: id / PAGE_PEOPLE, rounded down */
	uint64		bits[PAGE_WORDS];
} ReadPage;

/* Whom one actor read in one relation in this transaction. */
typedef struct ReadSet
{
	struct ReadSet *next;
	int32		actor;			/* 0: nobody */
	int32		on_behalf_of;	/* 0: nobody */
	bool		writable;		/* false: read where no row can be written */
	bool		reported;		/* in the server log */
	TimestampTz first_read;
	int64		people;
	HTAB	   *pages;
	ReadPage   *last_page;
	uint64		run;			/* whose views were noted last */
	List	   *views;			/* their names */
	int			name_length;
	char		name[FLEXIBLE_ARRAY_MEMBER];	/* of the relation */
} ReadSet;

/* The statements that run, the innermost first. */
typedef struct Running
{
	struct Running *outer;
	uint64		run;			/* counts */
	PlannedStmt *plan;
} Running;

static Running *running = NULL;
static uint64 runs_so_far = 0;
static ExecutorRun_hook_type previous_ExecutorRun = NULL;

static MemoryContext reads_context = NULL;
static ReadSet *reads = NULL;	/* the newest first */
static char *reads_user = NULL; /* session user: an abort cannot look it up */

/* What perf.access_rule says, once a transaction. */
static LocalTransactionId rule_lxid = InvalidLocalTransactionId;
static bool rule_is_server_log = false;

/* For whom the actor acts, as the application says, checked once a transaction. */
static int	on_behalf_of = 0;
static LocalTransactionId checked_lxid = InvalidLocalTransactionId;
static int32 checked_principal = 0;
static int32 checked_actor = 0;

PG_FUNCTION_INFO_V1(perfmgmt_log_read);
PG_FUNCTION_INFO_V1(perfmgmt_log_read_support);
PG_FUNCTION_INFO_V1(perfmgmt_caller_has_role);
PG_FUNCTION_INFO_V1(perfmgmt_caller_bypasses_row_security);

/*
 * perfmgmt.on_behalf_of must be somebody who delegated to the actor.
 */
int32
AuditOnBehalfOf(int32 actor)
{
	if (on_behalf_of == 0)
		return 0;
	if (checked_lxid == MyLocalTransactionId() && checked_principal == on_behalf_of && checked_actor == actor)
		return on_behalf_of;
	if (!HasDelegationOf(actor, on_behalf_of))
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_NOT_APPOINTED),
				 errmsg("employee %d did not delegate to the actor", on_behalf_of),
				 errdetail("Parameter \"perfmgmt.on_behalf_of\" names a person whom a delegation in force does not name."),
				 errhint("RESET perfmgmt.on_behalf_of, or let that person delegate first: perf.delegation.")));
	checked_lxid = MyLocalTransactionId();
	checked_principal = on_behalf_of;
	checked_actor = actor;
	return on_behalf_of;
}

/*
 * Where no row can be written.
 */
static bool
RuleIsServerLog(void)
{
	Relation	rel;
	TupleTableSlot *slot;
	TableScanDesc scan;

	if (rule_lxid == MyLocalTransactionId())
		return rule_is_server_log;
	rel = table_open(AuditRelationOid("access_rule"), AccessShareLock);
	slot = table_slot_create(rel, NULL);
	scan = table_beginscan(rel, GetActiveSnapshot(), 0, NULL);
	rule_is_server_log = false;
	if (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		isnull;
		Datum		rule = slot_getattr(slot, 1, &isnull);

		rule_is_server_log = !isnull && strcmp(TextDatumGetCString(rule), "server_log") == 0;
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, AccessShareLock);
	rule_lxid = MyLocalTransactionId();
	return rule_is_server_log;
}

static void
CheckMayRead(const char *name)
{
	if (RuleIsServerLog())
		return;
	ereport(ERROR,
			(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
			 RecoveryInProgress() ?
			 errmsg("rows of \"%s\" cannot be read on a standby", name) :
			 errmsg("rows of \"%s\" cannot be read in a read-only transaction", name),
			 errdetail("Who reads named ratings and authors is logged, which is not possible here."),
			 errhint("Use a READ WRITE transaction on the primary. HR can choose the server log instead: perf.propose_access_rule().")));
}

/*
 * The sets.
 */
static bool
IsSet(const ReadSet *set, int32 actor, int32 principal, bool writable, const char *name, int name_length)
{
	return set->actor == actor && set->on_behalf_of == principal && set->writable == writable &&
		set->name_length == name_length && memcmp(set->name, name, name_length) == 0;
}

/* Nobody fills the log with names of one's own. */
static void
CheckIsRecord(const char *name)
{
	Size		prefix = strlen(RECORDS_SCHEMA ".");
	Oid			schema = get_namespace_oid(RECORDS_SCHEMA, true);

	if (strncmp(name, RECORDS_SCHEMA ".", prefix) != 0 || !OidIsValid(schema) ||
		!OidIsValid(get_relname_relid(name + prefix, schema)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("\"%s\" is no table of the records", name)));
}

static ReadSet *
NewSet(int32 actor, int32 principal, bool writable, const char *name, int name_length)
{
	HASHCTL		control = {0};
	ReadSet    *set;

	if (reads_context == NULL)
		reads_context = AllocSetContextCreate(TopMemoryContext, "reads of this transaction",
											  ALLOCSET_DEFAULT_SIZES);
	if (reads_user == NULL)
		reads_user = MemoryContextStrdup(reads_context, GetUserNameFromId(GetSessionUserId(), false));
	set = MemoryContextAllocZero(reads_context, offsetof(ReadSet, name) + name_length + 1);
	memcpy(set->name, name, name_length);
	set->name_length = name_length;
	CheckIsRecord(set->name);
	if (!writable)
		CheckMayRead(set->name);
	set->actor = actor;
	set->on_behalf_of = principal;
	set->writable = writable;
	set->first_read = GetCurrentTimestamp();
	control.keysize = sizeof(int32);
	control.entrysize = sizeof(ReadPage);
	control.hcxt = reads_context;
	set->pages = hash_create("people read", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	set->next = reads;
	reads = set;
	return set;
}

static ReadSet *
SetOf(text *relation)
{
	int32		actor = CurrentActorId();
	int32		principal = AuditOnBehalfOf(actor);
	bool		writable = !XactReadOnly;
	const char *name = VARDATA_ANY(relation);
	int			length = VARSIZE_ANY_EXHDR(relation);
	ReadSet    *set;

	for (set = reads; set; set = set->next)
		if (IsSet(set, actor, principal, writable, name, length))
			return set;
	return NewSet(actor, principal, writable, name, length);
}

/*
 * The views that the statements name, from the inside out.
 */
static void
AddView(ReadSet *set, Oid view)
{
	char		kind = get_rel_relkind(view);
	ListCell   *cell;
	char	   *name;
	MemoryContext old;

	if (kind != RELKIND_VIEW && kind != RELKIND_MATVIEW)
		return;
	name = psprintf("%s.%s", get_namespace_name(get_rel_namespace(view)), get_rel_name(view));
	foreach(cell, set->views)
		if (strcmp((char *) lfirst(cell), name) == 0)
			return;
	old = MemoryContextSwitchTo(reads_context);
	set->views = lappend(set->views, pstrdup(name));
	MemoryContextSwitchTo(old);
}

static void
NoteViews(ReadSet *set)
{
	Running    *statement;
	ListCell   *cell;

	for (statement = running; statement; statement = statement->outer)
		foreach(cell, statement->plan->relationOids)
			AddView(set, lfirst_oid(cell));
	set->run = running->run;
}

static void
RunNoted(QueryDesc *query, ScanDirection direction, uint64 count EXECUTE_ONCE_PARAMETER)
{
	Running		statement = {.outer = running,.run = ++runs_so_far,.plan = query->plannedstmt};

	running = &statement;
	PG_TRY();
	{
		if (previous_ExecutorRun)
			previous_ExecutorRun(query, direction, count EXECUTE_ONCE_ARGUMENT);
		else
			standard_ExecutorRun(query, direction, count EXECUTE_ONCE_ARGUMENT);
	}
	PG_FINALLY();
	{
		running = statement.outer;
	}
	PG_END_TRY();
}

static void
AddPerson(ReadSet *set, int32 subject)
{
	int32		number = subject >= 0 ? subject / PAGE_PEOPLE : -1 - (-1 - subject) / PAGE_PEOPLE;
	int			place = (int) ((int64) subject - (int64) number * PAGE_PEOPLE);
	uint64		bit = UINT64CONST(1) << (place & 63);

	if (set->last_page == NULL || set->last_page->number != number)
	{
		bool		found;

		set->last_page = hash_search(set->pages, &number, HASH_ENTER, &found);
		if (!found)
			memset(set->last_page->bits, 0, sizeof(set->last_page->bits));
	}
	if (!(set->last_page->bits[place / 64] & bit))
	{
		set->last_page->bits[place / 64] |= bit;
		set->people++;
	}
}

/*
 * Always true.  Rows come in thousands from one relation: most find the set of
 * the one before at the head of the list.
 */
Datum
perfmgmt_log_read(PG_FUNCTION_ARGS)
{
	text	   *relation = PG_GETARG_TEXT_PP(0);
	ReadSet    *set;

	if (IsParallelWorker())
		elog(ERROR, "log_read() must not run in a parallel worker");
	set = SetOf(relation);
	if (running && set->run != running->run)
		NoteViews(set);
	AddPerson(set, PG_GETARG_INT32(1));
	PG_RETURN_BOOL(true);
}

/* It keeps every row, whatever the planner thinks of functions in general. */
Datum
perfmgmt_log_read_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);

	if (IsA(request, SupportRequestSelectivity))
	{
		((SupportRequestSelectivity *) request)->selectivity = 1.0;
		PG_RETURN_POINTER(request);
	}
	PG_RETURN_POINTER(NULL);
}

/*
 * From the set to ranges.
 */
typedef struct Run
{
	int32		first;
	int32		last;
} Run;

static int
ComparePages(const void *a, const void *b)
{
	int32		left = (*(ReadPage *const *) a)->number;
	int32		right = (*(ReadPage *const *) b)->number;

	return (left > right) - (left < right);
}

static void
AddRun(Run **runs, int64 *count, int64 *allocated, int32 person)
{
	if (*count > 0 && (int64) (*runs)[*count - 1].last + 1 == person)
	{
		(*runs)[*count - 1].last = person;
		return;
	}
	if (*count == *allocated)
	{
		*allocated *= 2;
		*runs = repalloc_huge(*runs, *allocated * sizeof(Run));
	}
	(*runs)[*count].first = (*runs)[*count].last = person;
	(*count)++;
}

static Run *
RunsOf(ReadSet *set, int64 *count)
{
	int64		page_count = hash_get_num_entries(set->pages);
	ReadPage  **pages = palloc(sizeof(ReadPage *) * Max(page_count, 1));
	int64		allocated = 64;
	Run		   *runs = palloc(sizeof(Run) * allocated);
	HASH_SEQ_STATUS scan;
	int64		i;

	hash_seq_init(&scan, set->pages);
	for (i = 0; i < page_count; i++)
		pages[i] = hash_seq_search(&scan);
	hash_seq_term(&scan);
	qsort(pages, page_count, sizeof(ReadPage *), ComparePages);
	*count = 0;
	for (i = 0; i < page_count; i++)
	{
		int			word;

		for (word = 0; word < PAGE_WORDS; word++)
		{
			uint64		bits = pages[i]->bits[word];

			for (; bits; bits &= bits - 1)
				AddRun(&runs, count, &allocated,
					   (int32) ((int64) pages[i]->number * PAGE_PEOPLE + word * 64 + pg_rightmost_one_pos64(bits)));
		}
	}
	pfree(pages);
	return runs;
}

static Datum
MultirangeOf(ReadSet *set)
{
	TypeCacheEntry *type = lookup_type_cache(INT4RANGEOID, TYPECACHE_RANGE_INFO);
	int64		count;
	Run		   *runs = RunsOf(set, &count);
	RangeType **ranges = palloc(sizeof(RangeType *) * Max(count, 1));
	int64		i;

	for (i = 0; i < count; i++)
	{
		RangeBound	lower = {.val = Int32GetDatum(runs[i].first), .inclusive = true, .lower = true};
		RangeBound	upper = {.val = Int32GetDatum(runs[i].last), .inclusive = true};

		ranges[i] = MakeRange(type, &lower, &upper);
	}
	return PointerGetDatum(make_multirange(INT4MULTIRANGEOID, type, count, ranges));
}

static Datum
ViewNames(ReadSet *set)
{
	int			count = 0;
	Datum	   *names = palloc(sizeof(Datum) * Max(list_length(set->views), 1));
	ListCell   *cell;

	foreach(cell, set->views)
		names[count++] = CStringGetTextDatum((char *) lfirst(cell));
	return PointerGetDatum(construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT));
}

/*
 * Rows of perf.access_log, past privileges and row security: nobody else
 * inserts.  Past triggers as well, which cannot run any more.
 */
static void
InsertRead(Relation rel, ResultRelInfo *target, EState *estate, ReadSet *set)
{
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	Datum	   *values = slot->tts_values;

	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts);
	memset(slot->tts_isnull, false, READ_COLUMNS);
	values[READ_ID] = Int64GetDatum(nextval_internal(AuditRelationOid("access_log_access_log_id_seq"), false));
	values[READ_RELATION] = CStringGetTextDatum(set->name);
	values[READ_SUBJECTS] = MultirangeOf(set);
	values[READ_PEOPLE] = Int32GetDatum((int32) set->people);
	values[READ_ACTOR] = Int32GetDatum(set->actor);
	slot->tts_isnull[READ_ACTOR] = set->actor == 0;
	values[READ_ON_BEHALF_OF] = Int32GetDatum(set->on_behalf_of);
	slot->tts_isnull[READ_ON_BEHALF_OF] = set->on_behalf_of == 0;
	values[READ_SESSION_USER] = CStringGetTextDatum(reads_user);
	values[READ_TRANSACTION] = Int64GetDatum((int64) U64FromFullTransactionId(GetTopFullTransactionId()));
	values[READ_AT] = TimestampTzGetDatum(set->first_read);
	values[READ_VIEWS] = ViewNames(set);
	ExecStoreVirtualTuple(slot);
	table_tuple_insert(rel, slot, GetCurrentCommandId(true), 0, NULL);
	list_free(InsertIndexTuples(target, slot, estate));
	ResetPerTupleExprContext(estate);
	ExecDropSingleTupleTableSlot(slot);
}

static void
InsertReads(void)
{
	bool		read_only = XactReadOnly;
	Relation	rel = table_open(AuditRelationOid("access_log"), RowExclusiveLock);
	ResultRelInfo *target = makeNode(ResultRelInfo);
	EState	   *estate = CreateExecutorState();
	ReadSet    *set;

	/* a transaction that turned read-only after it read is logged all the same */
	XactReadOnly = false;
	PushActiveSnapshot(GetTransactionSnapshot());
	InitResultRelInfo(target, rel, 0, NULL, 0);
	ExecOpenIndices(target, false);
	for (set = reads; set; set = set->next)
		if (set->writable)
			InsertRead(rel, target, estate, set);
	ExecCloseIndices(target);
	FreeExecutorState(estate);
	PopActiveSnapshot();
	XactReadOnly = read_only;
	table_close(rel, NoLock);
}

/*
 * The server log.  Runs in aborted transactions too: nothing is looked up.
 */
static void
ReportRead(ReadSet *set, const char *why)
{
	StringInfoData people;
	StringInfoData views;
	ListCell   *cell;
	int64		count;
	Run		   *runs = RunsOf(set, &count);
	int64		i;

	initStringInfo(&people);
	for (i = 0; i < count; i++)
	{
		if (i > 0)
			appendStringInfoChar(&people, ',');
		appendStringInfo(&people, runs[i].first == runs[i].last ? "%d" : "%d-%d", runs[i].first, runs[i].last);
	}
	initStringInfo(&views);
	foreach(cell, set->views)
		appendStringInfo(&views, "%s%s", views.len ? ", " : " through ", (char *) lfirst(cell));
	ereport(LOG_SERVER_ONLY,
			(errmsg("perfmgmt access log: actor %d, on behalf of %d, session user \"%s\" read %s of " INT64_FORMAT " people: %s%s (%s)",
					set->actor, set->on_behalf_of, reads_user, set->name, set->people, people.data, views.data, why),
			 errhidestmt(true), errhidecontext(true)));
	set->reported = true;
	pfree(people.data);
	pfree(runs);
}

static void
ForgetReads(void)
{
	if (reads_context)
		MemoryContextDelete(reads_context);
	reads_context = NULL;
	reads = NULL;
	reads_user = NULL;
}

static void
WriteReads(void)
{
	bool		any_writable = false;
	ReadSet    *set;

	for (set = reads; set; set = set->next)
		any_writable |= set->writable && set->people > 0;
	if (any_writable)
		InsertReads();
	/* last: an error would report them again */
	for (set = reads; set; set = set->next)
		if (!set->writable)
			ReportRead(set, "read only");
}

static void
OnTransactionEnd(XactEvent event, void *arg)
{
	ReadSet    *set;

	if (reads_context == NULL)
		return;
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			WriteReads();
			break;
		case XACT_EVENT_PRE_PREPARE:
			/* a ROLLBACK PREPARED would take the rows back, in whatever session */
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot PREPARE a transaction that has read named ratings or authors")));
			break;
		case XACT_EVENT_ABORT:
			for (set = reads; set; set = set->next)
				if (!set->reported)
					ReportRead(set, "rolled back");
			ForgetReads();
			break;
		case XACT_EVENT_COMMIT:
			ForgetReads();
			break;
		default:
			break;
	}
}

/*
 * Privileged routines apply the row security of their caller themselves.  Inside
 * them the current user is their owner; who called is the role that SET ROLE
 * left, or the session user.
 */
Datum
perfmgmt_caller_has_role(PG_FUNCTION_ARGS)
{
	Name		name = PG_GETARG_NAME(0);
	Oid			role = get_role_oid(NameStr(*name), true);

	PG_RETURN_BOOL(OidIsValid(role) && has_privs_of_role(GetOuterUserId(), role));
}

Datum
perfmgmt_caller_bypasses_row_security(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(has_bypassrls_privilege(GetOuterUserId()));
}

void
AccessInit(void)
{
	DefineCustomIntVariable("perfmgmt.on_behalf_of",
							"The employee for whom the actor acts; 0 for nobody.",
							"Goes into the ledger with each change; must be somebody who delegated to the actor.",
							&on_behalf_of, 0, 0, INT_MAX, PGC_USERSET, GUC_NOT_IN_SAMPLE,
							NULL, NULL, NULL);
	RegisterXactCallback(OnTransactionEnd, NULL);
	previous_ExecutorRun = ExecutorRun_hook;
	ExecutorRun_hook = RunNoted;
}
