/*
 * audit_capture.c
 *		The triggers of the ledger: what a statement changed becomes entries.
 *
 * A statement trigger reads the transition tables.  It locks the heads of all
 * chains it will extend in one order, appends the entries, and updates each
 * head once, which stays locked to the end of the transaction: so a chain has
 * no gap, and whoever sees an entry sees all before it.
 *
 * Entries are written past the executor's permission and row security checks,
 * which refuse everybody: only these triggers insert.
 */
#include "perfmgmt.h"

#include "audit.h"
#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#define ERASURE_TABLE "erasure"
#define COMPANY 0				/* the chain of rows about no person */

/*
 * Entries go into the heap together.  Buffers and slots are made when the first
 * entry needs them: a statement about one row must not pay for all.
 */
#define BATCH_SIZE 64
#define BATCH_BYTES (256 * 1024)

/* Random bytes for salts are taken from the system together, ahead. */
#define RANDOM_BYTES 1024

typedef struct Entry
{
	StringInfoData content;
	StringInfoData authorship;
	char		prev_hash[VARHDRSZ + AUDIT_HASH_LENGTH];
	char		hash[VARHDRSZ + AUDIT_HASH_LENGTH];
	TupleTableSlot *slot;
} Entry;

typedef struct Capture
{
	TupleDesc	desc;			/* of the rows */
	const AuditShape *shape;
	text	   *operation_name;
	StringInfoData authorship;	/* how each authorship begins */
	StringInfoData header;

	AuditChain *chains;			/* by subject */
	int			chain_count;
	AuditChain *last_chain;

	Relation	entry_table;
	AuditHeads *heads;
	Relation	entry_index;	/* the primary key, when there is no other index */
	IndexInfo  *entry_index_info;
	ResultRelInfo *entry_target;	/* otherwise */
	EState	   *estate;
	BulkInsertState bulk;
	Entry	   *batch[BATCH_SIZE];
	int			pending;
	Size		pending_bytes;

	Sha256		sha;
	MemoryContext context;
	MemoryContext row_context;
} Capture;

static uint8 random_bytes[RANDOM_BYTES];
static int	random_left = 0;

static char *audit_reason = NULL;

PG_FUNCTION_INFO_V1(perfmgmt_audit_capture);
PG_FUNCTION_INFO_V1(perfmgmt_audit_refuse_truncate);
PG_FUNCTION_INFO_V1(perfmgmt_audit_baseline);
PG_FUNCTION_INFO_V1(perfmgmt_audit_leave);
PG_FUNCTION_INFO_V1(perfmgmt_set_reason);

/*
 * The indexes of the entries.  The one that install() makes is written directly:
 * to set up the executor for it takes as long as to write into it.
 */
static bool
OpenOnlyIndex(Capture *capture)
{
	Relation	rel = capture->entry_table;
	List	   *indexes = RelationGetIndexList(rel);
	bool		only = list_length(indexes) == 1 && linitial_oid(indexes) == rel->rd_pkindex;

	list_free(indexes);
	if (!only)
		return false;
	capture->entry_index = index_open(rel->rd_pkindex, RowExclusiveLock);
	if (capture->entry_index->rd_index->indimmediate)
		return true;
	index_close(capture->entry_index, NoLock);
	capture->entry_index = NULL;
	return false;
}

static void
OpenIndexes(Capture *capture)
{
	if (OpenOnlyIndex(capture))
	{
		capture->entry_index_info = BuildIndexInfo(capture->entry_index);
		return;
	}
	capture->estate = CreateExecutorState();
	capture->entry_target = makeNode(ResultRelInfo);
	InitResultRelInfo(capture->entry_target, capture->entry_table, 0, NULL, 0);
	ExecOpenIndices(capture->entry_target, false);
}

static void
PutIntoIndexes(Capture *capture, TupleTableSlot *slot)
{
	Datum		values[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];

	if (capture->entry_index == NULL)
	{
		list_free(InsertIndexTuples(capture->entry_target, slot, capture->estate));
		ResetPerTupleExprContext(capture->estate);
		return;
	}
	FormIndexDatum(capture->entry_index_info, slot, NULL, values, nulls);
	(void) index_insert(capture->entry_index, values, nulls, &slot->tts_tid, capture->entry_table,
						UNIQUE_CHECK_YES, false, capture->entry_index_info);
}

/* The locks stay to the end of the transaction. */
static void
CloseIndexes(Capture *capture)
{
	if (capture->entry_index)
	{
		index_close(capture->entry_index, NoLock);
		return;
	}
	ExecCloseIndices(capture->entry_target);
	FreeExecutorState(capture->estate);
}

static Capture *
OpenCapture(Relation rel, const char *operation, int64 expected, char **authors, int author_count)
{
	Capture    *capture = palloc0(sizeof(Capture));
	const AuditPlace *place = AuditPlaceOf();

	capture->context = CurrentMemoryContext;
	capture->row_context = AllocSetContextCreate(CurrentMemoryContext, "audit row",
												 ALLOCSET_SMALL_SIZES);
	capture->desc = RelationGetDescr(rel);
	capture->shape = AuditShapeOf(rel, authors, author_count);
	capture->operation_name = cstring_to_text(operation);
	initStringInfo(&capture->authorship);
	initStringInfo(&capture->header);

	/* in this order everywhere */
	capture->entry_table = table_open(place->entry_table, RowExclusiveLock);
	capture->heads = AuditHeadsOpen(place->head_table);
	OpenIndexes(capture);
	if (expected > BATCH_SIZE)
		capture->bulk = GetBulkInsertState();
	Sha256Open(&capture->sha);
	return capture;
}

/*
 * The subjects of a transition table.
 */
static int32
SubjectOf(Capture *capture, TupleTableSlot *row)
{
	Datum		value;
	bool		isnull;

	if (capture->shape->subject_column == 0)
		return COMPANY;
	value = slot_getattr(row, capture->shape->subject_column, &isnull);
	return isnull ? COMPANY : DatumGetInt32(value);
}

static int
CompareSubjects(const void *a, const void *b)
{
	int32		left = *(const int32 *) a;
	int32		right = *(const int32 *) b;

	return (left > right) - (left < right);
}

static void
Rewind(Tuplestorestate *rows)
{
	tuplestore_select_read_pointer(rows, 0);
	tuplestore_rescan(rows);
}

static bool
SameValues(AuditColumn *columns, int count, TupleTableSlot *before, TupleTableSlot *after)
{
	TupleDesc	desc = before->tts_tupleDescriptor;
	int			i;

	for (i = 0; i < count; i++)
	{
		int			at = columns[i].number - 1;
		Form_pg_attribute attribute = TupleDescAttr(desc, at);

		if (before->tts_isnull[at] != after->tts_isnull[at])
			return false;
		if (!before->tts_isnull[at] &&
			!datum_image_eq(before->tts_values[at], after->tts_values[at],
							attribute->attbyval, attribute->attlen))
			return false;
	}
	return true;
}

/* in what is captured */
static bool
IsUnchanged(Capture *capture, TupleTableSlot *before, TupleTableSlot *after)
{
	slot_getallattrs(before);
	slot_getallattrs(after);
	return SameValues(capture->shape->content, capture->shape->content_count, before, after) &&
		SameValues(capture->shape->author, capture->shape->author_count, before, after);
}

/* rows of a person often come together */
static void
AddSubject(int32 *subjects, int64 *count, int32 subject)
{
	if (*count == 0 || subjects[*count - 1] != subject)
		subjects[(*count)++] = subject;
}

static void
CollectSubjects(Capture *capture, Tuplestorestate *rows, TupleTableSlot *slot,
				int32 *subjects, int64 *count)
{
	if (capture->shape->subject_column == 0)
	{
		AddSubject(subjects, count, COMPANY);
		return;
	}
	Rewind(rows);
	while (tuplestore_gettupleslot(rows, true, false, slot))
	{
		CHECK_FOR_INTERRUPTS();
		AddSubject(subjects, count, SubjectOf(capture, slot));
	}
	ExecClearTuple(slot);
}

/* of an update: who has no row that changed is not locked */
static void
CollectChanged(Capture *capture, Tuplestorestate *before, Tuplestorestate *after,
			   TupleTableSlot *old_row, TupleTableSlot *new_row,
			   int32 *subjects, int64 *count)
{
	Rewind(before);
	Rewind(after);
	while (tuplestore_gettupleslot(before, true, false, old_row) &&
		   tuplestore_gettupleslot(after, true, false, new_row))
	{
		CHECK_FOR_INTERRUPTS();
		if (IsUnchanged(capture, old_row, new_row))
			continue;
		AddSubject(subjects, count, SubjectOf(capture, old_row));
		AddSubject(subjects, count, SubjectOf(capture, new_row));
	}
	ExecClearTuple(old_row);
	ExecClearTuple(new_row);
}

/* The server's own hint is about its log, which the application does not read. */
static void
HintToRetry(void *arg)
{
	if (geterrcode() == ERRCODE_T_R_DEADLOCK_DETECTED)
		errhint("Retry the transaction. Those that change several people in the same order, by employee_id, do not run into each other.");
}

static void
LockChains(Capture *capture, int32 *subjects, int64 count)
{
	ErrorContextCallback hint = {.callback = HintToRetry,.previous = error_context_stack};
	int64		i;

	if (count > 1)
		qsort(subjects, count, sizeof(int32), CompareSubjects);
	capture->chains = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(AuditChain) * count);
	error_context_stack = &hint;
	for (i = 0; i < count; i++)
	{
		if (i > 0 && subjects[i] == subjects[i - 1])
			continue;
		CHECK_FOR_INTERRUPTS();
		AuditHeadsLock(capture->heads, &capture->chains[capture->chain_count++], subjects[i]);
	}
	error_context_stack = hint.previous;
}

static AuditChain *
ChainOf(Capture *capture, int32 subject)
{
	if (capture->last_chain == NULL || capture->last_chain->subject != subject)
		capture->last_chain = bsearch(&subject, capture->chains, capture->chain_count,
									  sizeof(AuditChain), CompareSubjects);
	Assert(capture->last_chain != NULL);
	return capture->last_chain;
}

/*
 * Who, when and in which transaction: the same for all rows of a statement.  The
 * time is taken when the heads are locked, so that it does not run backwards in
 * a chain.
 */
static void
BeginAuthorship(Capture *capture)
{
	static AuditType xid8,
				timestamptz,
				integer;
	StringInfo	out = &capture->authorship;
	int32		actor = CurrentActorId();
	int32		principal = AuditOnBehalfOf(actor);

	if (!OidIsValid(integer.typid))
	{
		AuditTypeInit(&xid8, XID8OID);
		AuditTypeInit(&timestamptz, TIMESTAMPTZOID);
		AuditTypeInit(&integer, INT4OID);
	}
	appendStringInfoChar(out, AUDIT_VERSION);
	AuditPutValue(out, &xid8, Int64GetDatum((int64) U64FromFullTransactionId(GetTopFullTransactionId())), false);
	AuditPutValue(out, &timestamptz, TimestampTzGetDatum(GetCurrentTimestamp()), false);
	AuditPutTextValue(out, GetUserNameFromId(GetSessionUserId(), false));
	AuditPutValue(out, &integer, Int32GetDatum(actor), actor == 0);
	AuditPutValue(out, &integer, Int32GetDatum(principal), principal == 0);
}

/*
 * A row, preceded by its length; no bytes for no row.  With another row to
 * compare, only the columns that differ.
 */
static void
PutRow(StringInfo out, AuditColumn *columns, int column_count,
	   TupleTableSlot *row, TupleTableSlot *other)
{
	int			start = out->len;
	int			length;
	int			count = 0;
	int			i;

	AuditPutInt32(out, 0);
	if (row == NULL || column_count == 0)
		return;
	AuditPutInt16(out, 0);
	for (i = 0; i < column_count; i++)
	{
		AuditColumn *column = &columns[i];
		int			at = column->number - 1;

		if (other && row->tts_isnull[at] == other->tts_isnull[at] &&
			(row->tts_isnull[at] ||
			 datum_image_eq(row->tts_values[at], other->tts_values[at],
							column->type.typbyval, column->type.typlen)))
			continue;
		appendStringInfoChar(out, column->name_length);
		appendBinaryStringInfo(out, column->name, column->name_length);
		AuditPutValue(out, &column->type, row->tts_values[at], row->tts_isnull[at]);
		count++;
	}
	length = out->len - start - sizeof(int32);
	out->data[start] = (length >> 24) & 255;
	out->data[start + 1] = (length >> 16) & 255;
	out->data[start + 2] = (length >> 8) & 255;
	out->data[start + 3] = length & 255;
	out->data[start + 4] = (count >> 8) & 255;
	out->data[start + 5] = count & 255;
}

static void
PutSalt(StringInfo out)
{
	if (random_left < AUDIT_SALT_LENGTH)
	{
		if (!pg_strong_random(random_bytes, RANDOM_BYTES))
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR),
					 errmsg("could not generate random bytes for the ledger")));
		random_left = RANDOM_BYTES;
	}
	random_left -= AUDIT_SALT_LENGTH;
	appendBinaryStringInfo(out, (char *) random_bytes + random_left, AUDIT_SALT_LENGTH);
}

/*
 * Writes what is pending: the heap together, the index row by row.
 */
static void
FlushEntries(Capture *capture)
{
	TupleTableSlot *slots[BATCH_SIZE];
	CommandId	command = GetCurrentCommandId(true);
	MemoryContext old;
	int			i;

	if (capture->pending == 0)
		return;
	for (i = 0; i < capture->pending; i++)
		slots[i] = capture->batch[i]->slot;
	MemoryContextReset(capture->row_context);
	old = MemoryContextSwitchTo(capture->row_context);
	if (capture->pending == 1)
		table_tuple_insert(capture->entry_table, slots[0], command, 0, capture->bulk);
	else
		table_multi_insert(capture->entry_table, slots, capture->pending, command, 0, capture->bulk);
	for (i = 0; i < capture->pending; i++)
	{
		PutIntoIndexes(capture, slots[i]);
		ExecClearTuple(slots[i]);
	}
	MemoryContextSwitchTo(old);
	capture->pending = 0;
	capture->pending_bytes = 0;
}

static Entry *
NextEntry(Capture *capture)
{
	Entry	   *entry;

	if (capture->pending == BATCH_SIZE || capture->pending_bytes > BATCH_BYTES)
		FlushEntries(capture);
	entry = capture->batch[capture->pending];
	if (entry == NULL)
	{
		entry = capture->batch[capture->pending] = palloc(sizeof(Entry));
		initStringInfo(&entry->content);
		initStringInfo(&entry->authorship);
		SET_VARSIZE(entry->prev_hash, sizeof(entry->prev_hash));
		SET_VARSIZE(entry->hash, sizeof(entry->hash));
		entry->slot = table_slot_create(capture->entry_table, NULL);
	}
	resetStringInfo(&entry->content);
	resetStringInfo(&entry->authorship);
	capture->pending++;
	return entry;
}

/* Both parts: salt, version, what it says.  Room for the length in front. */
static void
PutParts(Capture *capture, Entry *entry, TupleTableSlot *before, TupleTableSlot *after)
{
	StringInfo	content = &entry->content;
	StringInfo	authorship = &entry->authorship;

	appendStringInfoSpaces(content, VARHDRSZ);
	PutSalt(content);
	appendStringInfoChar(content, AUDIT_VERSION);
	AuditPutTextValue(content, audit_reason && *audit_reason ? audit_reason : NULL);
	PutRow(content, capture->shape->content, capture->shape->content_count, before, after);
	PutRow(content, capture->shape->content, capture->shape->content_count, after, NULL);
	SET_VARSIZE(content->data, content->len);

	appendStringInfoSpaces(authorship, VARHDRSZ);
	PutSalt(authorship);
	appendBinaryStringInfo(authorship, capture->authorship.data, capture->authorship.len);
	PutRow(authorship, capture->shape->author, capture->shape->author_count, before, after);
	PutRow(authorship, capture->shape->author, capture->shape->author_count, after, NULL);
	SET_VARSIZE(authorship->data, authorship->len);
	capture->pending_bytes += content->len + authorship->len;
}

static void
HashEntry(Capture *capture, AuditChain *chain, Entry *entry, text *operation)
{
	uint8		content[AUDIT_HASH_LENGTH];
	uint8		authorship[AUDIT_HASH_LENGTH];

	AuditPartDigest(&capture->sha, AUDIT_HASH_CONTENT, entry->content.data + VARHDRSZ,
					entry->content.len - VARHDRSZ, content);
	AuditPartDigest(&capture->sha, AUDIT_HASH_AUTHORSHIP, entry->authorship.data + VARHDRSZ,
					entry->authorship.len - VARHDRSZ, authorship);
	memcpy(VARDATA(entry->prev_hash), chain->hash, AUDIT_HASH_LENGTH);
	AuditHashEntry(&capture->sha, &capture->header, chain->subject, chain->sequence,
				   capture->shape->table_name, operation, content, authorship, chain->hash, chain->hash);
	memcpy(VARDATA(entry->hash), chain->hash, AUDIT_HASH_LENGTH);
}

static void
AddEntry(Capture *capture, int32 subject, text *operation,
		 TupleTableSlot *before, TupleTableSlot *after)
{
	AuditChain *chain = ChainOf(capture, subject);
	Entry	   *entry = NextEntry(capture);
	TupleTableSlot *slot = entry->slot;
	Datum	   *values = slot->tts_values;
	MemoryContext old = MemoryContextSwitchTo(capture->row_context);

	chain->sequence++;
	PutParts(capture, entry, before, after);
	HashEntry(capture, chain, entry, operation);
	ExecClearTuple(slot);
	memset(slot->tts_isnull, false, ENTRY_COLUMNS);
	values[ENTRY_SUBJECT] = Int32GetDatum(subject);
	values[ENTRY_SEQUENCE] = Int64GetDatum(chain->sequence);
	values[ENTRY_TABLE] = PointerGetDatum(capture->shape->table_name);
	values[ENTRY_OPERATION] = PointerGetDatum(operation);
	values[ENTRY_CONTENT] = PointerGetDatum(entry->content.data);
	values[ENTRY_AUTHORSHIP] = PointerGetDatum(entry->authorship.data);
	slot->tts_isnull[ENTRY_CONTENT_DIGEST] = true;
	slot->tts_isnull[ENTRY_AUTHORSHIP_DIGEST] = true;
	values[ENTRY_PREV_HASH] = PointerGetDatum(entry->prev_hash);
	values[ENTRY_HASH] = PointerGetDatum(entry->hash);
	if (slot->tts_tupleDescriptor->natts > ENTRY_COLUMNS)
		memset(slot->tts_isnull + ENTRY_COLUMNS, true, slot->tts_tupleDescriptor->natts - ENTRY_COLUMNS);
	ExecStoreVirtualTuple(slot);
	slot->tts_tableOid = RelationGetRelid(capture->entry_table);
	MemoryContextSwitchTo(old);
}

/*
 * One changed row.  A row that goes to another person leaves one chain and
 * enters the other; an update that changes nothing is no event.
 */
static void
CaptureRow(Capture *capture, TupleTableSlot *before, TupleTableSlot *after)
{
	if (before)
		slot_getallattrs(before);
	if (after)
		slot_getallattrs(after);
	if (before && after)
	{
		int32		from = SubjectOf(capture, before);
		int32		to = SubjectOf(capture, after);

		if (IsUnchanged(capture, before, after))
			return;
		if (from != to)
		{
			AddEntry(capture, from, cstring_to_text("leave"), before, NULL);
			AddEntry(capture, to, cstring_to_text("enter"), NULL, after);
			return;
		}
	}
	AddEntry(capture, SubjectOf(capture, after ? after : before), capture->operation_name, before, after);
}

static void
CaptureEach(Capture *capture, Tuplestorestate *before, Tuplestorestate *after,
			TupleTableSlot *old_row, TupleTableSlot *new_row)
{
	BeginAuthorship(capture);
	if (before)
		Rewind(before);
	if (after)
		Rewind(after);
	for (;;)
	{
		bool		has_old = before && tuplestore_gettupleslot(before, true, false, old_row);
		bool		has_new = after && tuplestore_gettupleslot(after, true, false, new_row);

		if (!has_old && !has_new)
			break;
		CHECK_FOR_INTERRUPTS();
		CaptureRow(capture, has_old ? old_row : NULL, has_new ? new_row : NULL);
		MemoryContextReset(capture->row_context);
	}
}

/*
 * One row, in one chain.  Its head is not locked and then updated, but updated at
 * once, before the entry is written: that waits as the lock would.  When somebody
 * else was first, nothing was written, and it goes the way of all others.
 */
static bool
CaptureSingle(Capture *capture, Tuplestorestate *before, Tuplestorestate *after,
			  TupleTableSlot *old_row, TupleTableSlot *new_row, int32 subject)
{
	ErrorContextCallback hint = {.callback = HintToRetry,.previous = error_context_stack};
	AuditChain	chain;
	bool		done;

	if (!AuditHeadsRead(capture->heads, &chain, subject))
		return false;
	capture->chains = &chain;
	capture->chain_count = 1;
	CaptureEach(capture, before, after, old_row, new_row);
	error_context_stack = &hint;
	done = AuditHeadsReplace(capture->heads, &chain);
	error_context_stack = hint.previous;
	if (done)
		FlushEntries(capture);
	capture->pending = 0;
	capture->pending_bytes = 0;
	capture->chains = NULL;
	capture->chain_count = 0;	/* no head is left to write */
	capture->last_chain = NULL;
	resetStringInfo(&capture->authorship);
	return done;
}

static void
CaptureRows(Capture *capture, Tuplestorestate *before, Tuplestorestate *after)
{
	TupleTableSlot *old_row = MakeSingleTupleTableSlot(capture->desc, &TTSOpsMinimalTuple);
	TupleTableSlot *new_row = MakeSingleTupleTableSlot(capture->desc, &TTSOpsMinimalTuple);
	int64		rows = (before ? tuplestore_tuple_count(before) : 0) +
		(after ? tuplestore_tuple_count(after) : 0);
	int32	   *subjects = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(int32) * rows);
	int64		count = 0;

	if (before && after)
		CollectChanged(capture, before, after, old_row, new_row, subjects, &count);
	else
		CollectSubjects(capture, before ? before : after, new_row, subjects, &count);
	/* of no subject there is no head to lock and no entry to write */
	if (count > 0 &&
		!(count == 1 && tuplestore_tuple_count(after ? after : before) == 1 &&
		  CaptureSingle(capture, before, after, old_row, new_row, subjects[0])))
	{
		LockChains(capture, subjects, count);
		CaptureEach(capture, before, after, old_row, new_row);
		FlushEntries(capture);
	}
	pfree(subjects);
	ExecDropSingleTupleTableSlot(old_row);
	ExecDropSingleTupleTableSlot(new_row);
}

/*
 * Each head once a statement: a row updated for every entry would make large
 * statements quadratic.
 */
static void
WriteHeads(Capture *capture)
{
	int			i;

	for (i = 0; i < capture->chain_count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		AuditHeadsWrite(capture->heads, &capture->chains[i]);
	}
}

static void
CloseCapture(Capture *capture)
{
	int			i;

	Sha256Close(&capture->sha);
	for (i = 0; i < BATCH_SIZE && capture->batch[i]; i++)
		ExecDropSingleTupleTableSlot(capture->batch[i]->slot);
	if (capture->bulk)
		FreeBulkInsertState(capture->bulk);
	table_finish_bulk_insert(capture->entry_table, 0);
	CloseIndexes(capture);
	table_close(capture->entry_table, NoLock);
	AuditHeadsClose(capture->heads);
	/* the next trigger of this command extends what we wrote */
	CommandCounterIncrement();
}

static void
CaptureStatement(Relation rel, const char *operation, Tuplestorestate *before,
				 Tuplestorestate *after, char **authors, int author_count)
{
	Capture    *capture;
	int64		rows = tuplestore_tuple_count(after ? after : before);

	/* The executor fills both tables of an update row by row, but for one case. */
	if (before && after && tuplestore_tuple_count(before) != rows)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("an update of \"%s\" lost rows", RelationGetRelationName(rel)),
				 errdetail("A trigger dropped rows that were to move to another partition."),
				 errhint("Let the trigger raise an error instead, or use DELETE.")));
	/* ON CONFLICT and MERGE fire for what they did not do */
	if (rows == 0)
		return;
	capture = OpenCapture(rel, operation, rows, authors, author_count);
	CaptureRows(capture, before, after);
	WriteHeads(capture);
	CloseCapture(capture);
}

/*
 * The triggers.
 */
static void
CheckTrigger(TriggerData *trigger)
{
	if (!TRIGGER_FIRED_AFTER(trigger->tg_event) || !TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("audit_capture() must be fired after a statement")));
	if ((TRIGGER_FIRED_BY_INSERT(trigger->tg_event) || TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		&& trigger->tg_newtable == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("audit_capture() needs the transition table of the new rows")));
	if ((TRIGGER_FIRED_BY_DELETE(trigger->tg_event) || TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		&& trigger->tg_oldtable == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("audit_capture() needs the transition table of the old rows")));
	/* entries about a table of one's own would be forged ones */
	if (RelationGetNamespace(trigger->tg_relation) != AuditPlaceOf()->schema)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("the ledger is about tables of schema \"%s\" only",
						get_namespace_name(AuditPlaceOf()->schema))));
}

Datum
perfmgmt_audit_capture(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	const char *operation;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("audit_capture() is not called as a trigger")));
	CheckTrigger(trigger);
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event) &&
		strcmp(RelationGetRelationName(trigger->tg_relation), ERASURE_TABLE) == 0)
		operation = "erase";	/* explains the parts that are gone */
	else
		operation = TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ? "insert" :
			TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? "update" : "delete";
	CaptureStatement(trigger->tg_relation, operation,
					 TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ? NULL : trigger->tg_oldtable,
					 TRIGGER_FIRED_BY_DELETE(trigger->tg_event) ? NULL : trigger->tg_newtable,
					 trigger->tg_trigger->tgargs, trigger->tg_trigger->tgnargs);
	return PointerGetDatum(NULL);
}

Datum
perfmgmt_audit_refuse_truncate(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("audit_refuse_truncate() is not called as a TRUNCATE trigger")));
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("TRUNCATE of \"%s\" is refused", RelationGetRelationName(trigger->tg_relation)),
			 errdetail("It would remove rows without an entry in the ledger."),
			 errhint("Use DELETE.")));
	return PointerGetDatum(NULL);
}

/*
 * All rows of a table at once: those it held before its triggers were there, or
 * before it goes by another name.
 */
static void
CheckWhole(Relation rel)
{
	if (RelationGetNamespace(rel) != AuditPlaceOf()->schema ||
		!TableOwnerCheck(RelationGetRelid(rel), GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, RelationGetRelationName(rel));
	if (!RELKIND_HAS_TABLE_AM(rel->rd_rel->relkind))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" holds no rows itself", RelationGetRelationName(rel))));
}

static Tuplestorestate *
AllRows(Relation rel)
{
	Tuplestorestate *rows = tuplestore_begin_heap(false, false, work_mem);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan = table_beginscan(rel, GetActiveSnapshot(), 0, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		tuplestore_puttupleslot(rows, slot);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	return rows;
}

static int64
CaptureWhole(Oid relid, ArrayType *author_names, bool comes)
{
	Relation	rel = table_open(relid, ShareRowExclusiveLock);
	Tuplestorestate *rows;
	Datum	   *names;
	char	  **authors;
	int			author_count;
	int64		count;
	int			i;

	CheckWhole(rel);
	deconstruct_array(author_names, TEXTOID, -1, false, TYPALIGN_INT, &names, NULL, &author_count);
	authors = palloc(sizeof(char *) * Max(author_count, 1));
	for (i = 0; i < author_count; i++)
		authors[i] = TextDatumGetCString(names[i]);
	rows = AllRows(rel);
	count = tuplestore_tuple_count(rows);
	CaptureStatement(rel, comes ? "baseline" : "leave", comes ? NULL : rows, comes ? rows : NULL,
					 authors, author_count);
	tuplestore_end(rows);
	table_close(rel, NoLock);
	return count;
}

Datum
perfmgmt_audit_baseline(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(CaptureWhole(PG_GETARG_OID(0), PG_GETARG_ARRAYTYPE_P(1), true));
}

Datum
perfmgmt_audit_leave(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(CaptureWhole(PG_GETARG_OID(0), PG_GETARG_ARRAYTYPE_P(1), false));
}

/*
 * Why: written into each entry of the transaction, and taken back with a
 * savepoint, as every GUC is.
 */
Datum
perfmgmt_set_reason(PG_FUNCTION_ARGS)
{
	char	   *reason = text_to_cstring(PG_GETARG_TEXT_PP(0));

	if (!IsTransactionBlock())
		ereport(ERROR,
				(errcode(ERRCODE_NO_ACTIVE_SQL_TRANSACTION),
				 errmsg("set_reason() needs a transaction block"),
				 errdetail("The reason ends with the transaction, so that it would end with this statement."),
				 errhint("BEGIN first, then set_reason() and the statements it is about, then COMMIT.")));
	(void) set_config_option("perfmgmt.reason", reason, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, ERROR, false);
	PG_RETURN_VOID();
}

void
AuditInit(void)
{
	DefineCustomStringVariable("perfmgmt.reason",
							   "Why this transaction changes something.",
							   "Goes into the ledger with each change; perf.set_reason() sets it for a transaction.",
							   &audit_reason, "", PGC_USERSET, GUC_NOT_IN_SAMPLE,
							   NULL, NULL, NULL);
}
