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
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/proc.h"
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

#define RECORDS_SCHEMA "perf"
#define SUBJECT_COLUMN "employee_id"
#define ERASURE_TABLE "erasure"
#define COMPANY 0				/* the chain of rows about no person */

/*
 * Kept from the assignments, which are captured themselves: one manager who
 * moves rewrites it in tens of thousands of rows, and none of them is an event.
 */
#define DERIVED_COLUMN "manager_chain"

/*
 * Entries go into the heap together.  Buffers and slots are made when the first
 * entry needs them: a statement about one row must not pay for all.
 */
#define BATCH_SIZE 64
#define BATCH_BYTES (256 * 1024)

/* Random bytes for salts are taken from the system together, ahead. */
#define RANDOM_BYTES 1024

typedef struct Chain
{
	int32		subject;
	bool		is_new;
	int64		sequence;
	uint8		hash[AUDIT_HASH_LENGTH];
	ItemPointerData tid;		/* of the head */
} Chain;

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
	AttrNumber	subject_column; /* 0: none */
	const char *operation;
	AuditColumn *content;		/* columns about the subject */
	int			content_count;
	AuditColumn *author;		/* columns that name an author */
	int			author_count;

	text	   *table_name;
	text	   *operation_name;
	StringInfoData authorship;	/* how each authorship begins */
	StringInfoData header;

	Chain	   *chains;			/* by subject */
	int			chain_count;
	Chain	   *last_chain;

	Relation	entry_table;
	Relation	head_table;
	EState	   *estate;
	ResultRelInfo *entry_target;
	ResultRelInfo *head_target;
	BulkInsertState bulk;
	Entry	   *batch[BATCH_SIZE];
	int			pending;
	Size		pending_bytes;

	Sha256		sha;
	MemoryContext context;
	MemoryContext row_context;
} Capture;

/* The heads that this transaction wrote last, by subject; see FindWrittenHead(). */
typedef struct WrittenHead
{
	LocalTransactionId lxid;
	int32		subject;
	Oid			filenode;
	ItemPointerData tid;
} WrittenHead;

static WrittenHead written_heads[64];

static uint8 random_bytes[RANDOM_BYTES];
static int	random_left = 0;

static char *audit_reason = NULL;

PG_FUNCTION_INFO_V1(perfmgmt_audit_capture);
PG_FUNCTION_INFO_V1(perfmgmt_audit_refuse_truncate);
PG_FUNCTION_INFO_V1(perfmgmt_audit_baseline);
PG_FUNCTION_INFO_V1(perfmgmt_audit_leave);
PG_FUNCTION_INFO_V1(perfmgmt_set_reason);

/*
 * What is captured.
 */

/* As entries name the table: a partition goes by the name of the whole. */
static text *
NameOfTable(Relation rel)
{
	Oid			relid = RelationGetRelid(rel);
	char	   *name;

	if (rel->rd_rel->relispartition)
		relid = llast_oid(get_partition_ancestors(relid));
	name = psprintf("%s.%s", get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));
	return cstring_to_text(name);
}

static bool
IsAmong(const char *name, char **names, int count)
{
	int			i;

	for (i = 0; i < count; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static void
ChooseColumns(Capture *capture, char **authors, int author_count)
{
	int			i;

	capture->content = palloc(sizeof(AuditColumn) * Max(capture->desc->natts, 1));
	capture->author = palloc(sizeof(AuditColumn) * Max(capture->desc->natts, 1));
	for (i = 0; i < capture->desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(capture->desc, i);

		if (attribute->attisdropped ||
			strcmp(NameStr(attribute->attname), DERIVED_COLUMN) == 0)
			continue;
		if (strcmp(NameStr(attribute->attname), SUBJECT_COLUMN) == 0 &&
			getBaseType(attribute->atttypid) == INT4OID)
			capture->subject_column = attribute->attnum;
		if (IsAmong(NameStr(attribute->attname), authors, author_count))
			AuditColumnInit(&capture->author[capture->author_count++], attribute);
		else
			AuditColumnInit(&capture->content[capture->content_count++], attribute);
	}
}

Oid
AuditRelationOid(const char *name)
{
	Oid			schema = get_namespace_oid(RECORDS_SCHEMA, true);
	Oid			relid = OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("there is no ledger: table \"%s.%s\" does not exist", RECORDS_SCHEMA, name),
				 errhint("CALL perfmgmt.install().")));
	return relid;
}

static ResultRelInfo *
OpenTarget(Relation rel)
{
	ResultRelInfo *target = makeNode(ResultRelInfo);

	InitResultRelInfo(target, rel, 0, NULL, 0);
	ExecOpenIndices(target, false);
	return target;
}

static Capture *
OpenCapture(Relation rel, const char *operation, int64 expected, char **authors, int author_count)
{
	Capture    *capture = palloc0(sizeof(Capture));

	capture->context = CurrentMemoryContext;
	capture->row_context = AllocSetContextCreate(CurrentMemoryContext, "audit row",
												 ALLOCSET_SMALL_SIZES);
	capture->desc = RelationGetDescr(rel);
	capture->table_name = NameOfTable(rel);
	capture->operation = operation;
	capture->operation_name = cstring_to_text(operation);
	ChooseColumns(capture, authors, author_count);
	initStringInfo(&capture->authorship);
	initStringInfo(&capture->header);

	/* in this order everywhere */
	capture->entry_table = table_open(AuditRelationOid("audit_entry"), RowExclusiveLock);
	capture->head_table = table_open(AuditRelationOid("audit_head"), RowExclusiveLock);
	capture->estate = CreateExecutorState();
	capture->entry_target = OpenTarget(capture->entry_table);
	capture->head_target = OpenTarget(capture->head_table);
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

	if (capture->subject_column == 0)
		return COMPANY;
	value = slot_getattr(row, capture->subject_column, &isnull);
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
	return SameValues(capture->content, capture->content_count, before, after) &&
		SameValues(capture->author, capture->author_count, before, after);
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
	if (capture->subject_column == 0)
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

static WrittenHead *
WrittenHeadOf(int32 subject)
{
	return &written_heads[(uint32) subject % lengthof(written_heads)];
}

/*
 * The head as this transaction left it, without the index, which would lead
 * past all its dead versions and make many small statements quadratic.  It is
 * checked, since a savepoint may have taken it back: our own row, of this
 * subject and not replaced, is the last one and needs no lock.
 */
static bool
FindWrittenHead(Capture *capture, Chain *chain, TupleTableSlot *found)
{
	WrittenHead *written = WrittenHeadOf(chain->subject);
	Relation	rel = capture->head_table;
	bool		isnull;

	return written->lxid == MyLocalTransactionId() &&
		written->subject == chain->subject &&
		written->filenode == rel->rd_rel->relfilenode &&
		/* VACUUM may have cut off what a savepoint took back */
		ItemPointerGetBlockNumber(&written->tid) < RelationGetNumberOfBlocks(rel) &&
		table_tuple_fetch_row_version(rel, &written->tid, SnapshotSelf, found) &&
		DatumGetInt32(slot_getattr(found, HEAD_SUBJECT + 1, &isnull)) == chain->subject &&
		TransactionIdIsCurrentTransactionId(DatumGetTransactionId(slot_getsysattr(found, MinTransactionIdAttributeNumber, &isnull)));
}

static void
NoteWrittenHead(Capture *capture, int32 subject, ItemPointer tid)
{
	WrittenHead *written = WrittenHeadOf(subject);

	written->lxid = MyLocalTransactionId();
	written->subject = subject;
	written->filenode = capture->head_table->rd_rel->relfilenode;
	written->tid = *tid;
}

/*
 * Locks the head of a chain to the end of the transaction, and reads it past
 * every snapshot: what counts is the last committed entry.
 */
static bool
FindHead(Capture *capture, Chain *chain, Oid index, TupleTableSlot *key, TupleTableSlot *found)
{
	if (FindWrittenHead(capture, chain, found))
		return true;
	ExecClearTuple(key);
	memset(key->tts_isnull, true, key->tts_tupleDescriptor->natts);
	key->tts_values[HEAD_SUBJECT] = Int32GetDatum(chain->subject);
	key->tts_isnull[HEAD_SUBJECT] = false;
	ExecStoreVirtualTuple(key);
	return RelationFindReplTupleByIndex(capture->head_table, index, LockTupleNoKeyExclusive, key, found);
}

static void
LockHead(Capture *capture, Chain *chain, Oid index, TupleTableSlot *key, TupleTableSlot *found)
{
	bool		isnull;
	Datum		hash;

	if (!FindHead(capture, chain, index, key, found))
	{
		chain->is_new = true;	/* sequence 0, 32 zero bytes */
		return;
	}
	chain->sequence = DatumGetInt64(slot_getattr(found, HEAD_SEQUENCE + 1, &isnull));
	hash = slot_getattr(found, HEAD_HASH + 1, &isnull);
	if (isnull || VARSIZE_ANY_EXHDR(DatumGetPointer(hash)) != AUDIT_HASH_LENGTH)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the head of chain %d holds no hash", chain->subject),
				 errhint("Run perf.verify_audit().")));
	memcpy(chain->hash, VARDATA_ANY(DatumGetPointer(hash)), AUDIT_HASH_LENGTH);
	chain->tid = found->tts_tid;
	ExecClearTuple(found);
}

Oid
AuditPrimaryKey(Relation rel)
{
	list_free(RelationGetIndexList(rel));	/* looks it up */
	return rel->rd_pkindex;
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
	TupleTableSlot *key = table_slot_create(capture->head_table, NULL);
	TupleTableSlot *found = table_slot_create(capture->head_table, NULL);
	Oid			index = AuditPrimaryKey(capture->head_table);
	ErrorContextCallback hint = {.callback = HintToRetry,.previous = error_context_stack};
	int64		i;

	if (count > 1)
		qsort(subjects, count, sizeof(int32), CompareSubjects);
	capture->chains = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Chain) * count);
	error_context_stack = &hint;
	for (i = 0; i < count; i++)
	{
		Chain	   *chain;

		if (i > 0 && subjects[i] == subjects[i - 1])
			continue;
		CHECK_FOR_INTERRUPTS();
		chain = &capture->chains[capture->chain_count++];
		memset(chain, 0, sizeof(*chain));
		chain->subject = subjects[i];
		LockHead(capture, chain, index, key, found);
	}
	error_context_stack = hint.previous;
	ExecDropSingleTupleTableSlot(key);
	ExecDropSingleTupleTableSlot(found);
}

static Chain *
ChainOf(Capture *capture, int32 subject)
{
	if (capture->last_chain == NULL || capture->last_chain->subject != subject)
		capture->last_chain = bsearch(&subject, capture->chains, capture->chain_count,
									  sizeof(Chain), CompareSubjects);
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
	StringInfo	out = &capture->authorship;
	AuditType	type;
	int32		actor = CurrentActorId();
	int32		principal = AuditOnBehalfOf(actor);

	appendStringInfoChar(out, AUDIT_VERSION);
	AuditTypeInit(&type, XID8OID);
	AuditPutValue(out, &type, Int64GetDatum((int64) U64FromFullTransactionId(GetTopFullTransactionId())), false);
	AuditTypeInit(&type, TIMESTAMPTZOID);
	AuditPutValue(out, &type, TimestampTzGetDatum(GetCurrentTimestamp()), false);
	AuditPutTextValue(out, GetUserNameFromId(GetSessionUserId(), false));
	AuditTypeInit(&type, INT4OID);
	AuditPutValue(out, &type, Int32GetDatum(actor), actor == 0);
	AuditPutValue(out, &type, Int32GetDatum(principal), principal == 0);
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
	table_multi_insert(capture->entry_table, slots, capture->pending, command, 0, capture->bulk);
	MemoryContextSwitchTo(old);
	for (i = 0; i < capture->pending; i++)
	{
		list_free(InsertIndexTuples(capture->entry_target, slots[i], capture->estate));
		ResetPerTupleExprContext(capture->estate);
		ExecClearTuple(slots[i]);
	}
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
	PutRow(content, capture->content, capture->content_count, before, after);
	PutRow(content, capture->content, capture->content_count, after, NULL);
	SET_VARSIZE(content->data, content->len);

	appendStringInfoSpaces(authorship, VARHDRSZ);
	PutSalt(authorship);
	appendBinaryStringInfo(authorship, capture->authorship.data, capture->authorship.len);
	PutRow(authorship, capture->author, capture->author_count, before, after);
	PutRow(authorship, capture->author, capture->author_count, after, NULL);
	SET_VARSIZE(authorship->data, authorship->len);
	capture->pending_bytes += content->len + authorship->len;
}

static void
HashEntry(Capture *capture, Chain *chain, Entry *entry, text *operation)
{
	uint8		content[AUDIT_HASH_LENGTH];
	uint8		authorship[AUDIT_HASH_LENGTH];

	AuditPartDigest(&capture->sha, AUDIT_HASH_CONTENT, entry->content.data + VARHDRSZ,
					entry->content.len - VARHDRSZ, content);
	AuditPartDigest(&capture->sha, AUDIT_HASH_AUTHORSHIP, entry->authorship.data + VARHDRSZ,
					entry->authorship.len - VARHDRSZ, authorship);
	memcpy(VARDATA(entry->prev_hash), chain->hash, AUDIT_HASH_LENGTH);
	AuditHashEntry(&capture->sha, &capture->header, chain->subject, chain->sequence,
				   capture->table_name, operation, content, authorship, chain->hash, chain->hash);
	memcpy(VARDATA(entry->hash), chain->hash, AUDIT_HASH_LENGTH);
}

static void
AddEntry(Capture *capture, int32 subject, text *operation,
		 TupleTableSlot *before, TupleTableSlot *after)
{
	Chain	   *chain = ChainOf(capture, subject);
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
	values[ENTRY_TABLE] = PointerGetDatum(capture->table_name);
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
	if (count == 0)				/* no head to lock, no entry to write */
	{
		pfree(subjects);
		ExecDropSingleTupleTableSlot(old_row);
		ExecDropSingleTupleTableSlot(new_row);
		return;
	}
	LockChains(capture, subjects, count);
	pfree(subjects);
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
	FlushEntries(capture);
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
	TupleTableSlot *slot = table_slot_create(capture->head_table, NULL);
	TupleTableSlot *place = table_slot_create(capture->head_table, NULL);
	EPQState	recheck = {0};
	char		hash[VARHDRSZ + AUDIT_HASH_LENGTH];
	int			i;

	SET_VARSIZE(hash, sizeof(hash));
	for (i = 0; i < capture->chain_count; i++)
	{
		Chain	   *chain = &capture->chains[i];

		CHECK_FOR_INTERRUPTS();
		memcpy(VARDATA(hash), chain->hash, AUDIT_HASH_LENGTH);
		ExecClearTuple(slot);
		memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts);
		memset(slot->tts_isnull, false, HEAD_COLUMNS);
		slot->tts_values[HEAD_SUBJECT] = Int32GetDatum(chain->subject);
		slot->tts_values[HEAD_SEQUENCE] = Int64GetDatum(chain->sequence);
		slot->tts_values[HEAD_HASH] = PointerGetDatum(hash);
		ExecStoreVirtualTuple(slot);
		if (chain->is_new)
		{
			/* nothing but updates without a change: no chain begins */
			if (chain->sequence == 0)
				continue;
			ExecSimpleRelationInsert(capture->head_target, capture->estate, slot);
		}
		else
		{
			place->tts_tid = chain->tid;
			ExecSimpleRelationUpdate(capture->head_target, capture->estate, &recheck, place, slot);
		}
		NoteWrittenHead(capture, chain->subject, &slot->tts_tid);
		ResetPerTupleExprContext(capture->estate);
	}
	ExecDropSingleTupleTableSlot(slot);
	ExecDropSingleTupleTableSlot(place);
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
	ExecCloseIndices(capture->entry_target);
	ExecCloseIndices(capture->head_target);
	/* the locks stay to the end of the transaction */
	table_close(capture->entry_table, NoLock);
	table_close(capture->head_table, NoLock);
	FreeExecutorState(capture->estate);
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
	if (RelationGetNamespace(trigger->tg_relation) != get_namespace_oid(RECORDS_SCHEMA, true))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("the ledger is about tables of schema \"%s\" only", RECORDS_SCHEMA)));
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
	if (RelationGetNamespace(rel) != get_namespace_oid(RECORDS_SCHEMA, true) ||
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
