/*
 * audit_heads.c
 *		The heads of the chains: found, locked, and written once a statement.
 *		For a single row the update is the lock.
 *
 * They are read and written as tuples of the heap, past the executor.  Its
 * look-up would prune the page of a head nearly every time, since the fillfactor
 * that leaves room for new versions is also the limit below which a page is
 * pruned.  That took longer than all the rest of the look-up: here a page is
 * pruned when it is nearly full.
 */
#include "perfmgmt.h"

#include "audit.h"
#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/skey.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* A page with less room than that is pruned: about ten versions. */
#define MIN_FREE_SPACE (BLCKSZ / 8)

struct AuditHeads
{
	Relation	table;
	Relation	index;			/* NULL: not needed yet */
	IndexScanDesc scan;
	SnapshotData dirty;
	Buffer		buffer;			/* of the head at hand */

	/* for the indexes of new versions, when they need any */
	EState	   *estate;
	ResultRelInfo *target;
	TupleTableSlot *slot;
};

/* The heads that this transaction wrote last, by subject; see FindWritten(). */
typedef struct WrittenHead
{
	LocalTransactionId lxid;
	int32		subject;
	Oid			filenode;
	ItemPointerData tid;
} WrittenHead;

static WrittenHead written_heads[64];

AuditHeads *
AuditHeadsOpen(Oid table)
{
	AuditHeads *heads = palloc0(sizeof(AuditHeads));

	heads->table = table_open(table, RowExclusiveLock);
	if (heads->table->rd_rel->relam != HEAP_TABLE_AM_OID)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\" is not of access method heap", RelationGetRelationName(heads->table)),
				 errhint("ALTER TABLE ... SET ACCESS METHOD heap.")));
	heads->buffer = InvalidBuffer;
	InitDirtySnapshot(heads->dirty);
	return heads;
}

/* The locks stay to the end of the transaction. */
void
AuditHeadsClose(AuditHeads *heads)
{
	if (heads->scan)
	{
		index_endscan(heads->scan);
		index_close(heads->index, NoLock);
	}
	if (heads->target)
	{
		ExecCloseIndices(heads->target);
		ExecDropSingleTupleTableSlot(heads->slot);
		FreeExecutorState(heads->estate);
	}
	table_close(heads->table, NoLock);
}

Oid
AuditPrimaryKey(Relation rel)
{
	if (!rel->rd_indexvalid)
		list_free(RelationGetIndexList(rel));	/* looks it up */
	return rel->rd_pkindex;
}

/*
 * Finding.
 */
static WrittenHead *
WrittenHeadOf(int32 subject)
{
	return &written_heads[(uint32) subject % lengthof(written_heads)];
}

static void
NoteWritten(AuditHeads *heads, int32 subject, ItemPointer tid)
{
	WrittenHead *written = WrittenHeadOf(subject);

	written->lxid = MyLocalTransactionId();
	written->subject = subject;
	written->filenode = heads->table->rd_rel->relfilenode;
	written->tid = *tid;
}

static int32
SubjectOfHead(AuditHeads *heads, HeapTuple head)
{
	bool		isnull;

	return DatumGetInt32(heap_getattr(head, HEAD_SUBJECT + 1, RelationGetDescr(heads->table), &isnull));
}

/*
 * The head as this transaction left it, without the index, which would lead
 * past all its dead versions and make many small statements quadratic.  It is
 * checked, since a savepoint may have taken it back: our own row, of this
 * subject and not replaced, is the last one and needs no lock.
 */
static bool
FindWritten(AuditHeads *heads, int32 subject, HeapTuple head)
{
	WrittenHead *written = WrittenHeadOf(subject);
	Relation	rel = heads->table;

	if (written->lxid != MyLocalTransactionId() || written->subject != subject ||
		written->filenode != rel->rd_rel->relfilenode ||
		/* VACUUM may have cut off what a savepoint took back */
		ItemPointerGetBlockNumber(&written->tid) >= RelationGetNumberOfBlocks(rel))
		return false;
	head->t_self = written->tid;
	if (!heap_fetch(rel, SnapshotSelf, head, &heads->buffer, false))
		return false;
	if (SubjectOfHead(heads, head) == subject &&
		TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(head->t_data)))
		return true;
	ReleaseBuffer(heads->buffer);
	heads->buffer = InvalidBuffer;
	return false;
}

static void
OpenIndex(AuditHeads *heads)
{
	Oid			index = AuditPrimaryKey(heads->table);

	if (!OidIsValid(index))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("table \"%s\" has no primary key", RelationGetRelationName(heads->table)),
				 errhint("ALTER TABLE ... ADD PRIMARY KEY (subject).")));
	heads->index = index_open(index, RowExclusiveLock);
	heads->scan = BeginIndexScan(heads->table, heads->index, &heads->dirty, 1);
}

/* The version of the head that a snapshot shows. */
static bool
FindByIndex(AuditHeads *heads, int32 subject, Snapshot snapshot, HeapTuple head)
{
	ScanKeyData key;
	ItemPointer tid;

	if (heads->index == NULL)
		OpenIndex(heads);
	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(subject));
	index_rescan(heads->scan, &key, 1, NULL, 0);
	while ((tid = index_getnext_tid(heads->scan, ForwardScanDirection)) != NULL)
	{
		ItemPointerData place = *tid;
		bool		all_dead;
		bool		found;

		heads->buffer = ReleaseAndReadBuffer(heads->buffer, heads->table, ItemPointerGetBlockNumber(&place));
		if (PageGetHeapFreeSpace(BufferGetPage(heads->buffer)) < MIN_FREE_SPACE)
			heap_page_prune_opt(heads->table, heads->buffer);
		LockBuffer(heads->buffer, BUFFER_LOCK_SHARE);
		found = heap_hot_search_buffer(&place, heads->table, heads->buffer, snapshot,
									   head, &all_dead, true);
		LockBuffer(heads->buffer, BUFFER_LOCK_UNLOCK);
		if (found)
			return true;
		heads->scan->kill_prior_tuple = all_dead;
	}
	return false;
}

/*
 * The version that is the last one, or may become it: others' changes under way
 * are seen, and noted in heads->dirty.
 *
 * It can be missed: between the look into the index and the one at the version
 * that was there, another one may have come, with an index entry of its own, and
 * been committed.  A snapshot that is taken then shows it.
 */
static bool
FindLast(AuditHeads *heads, int32 subject, HeapTuple head)
{
	Snapshot	latest;
	bool		found;

	if (FindByIndex(heads, subject, &heads->dirty, head))
		return true;
	heads->dirty.xmin = heads->dirty.xmax = InvalidTransactionId;
	latest = RegisterSnapshot(GetLatestSnapshot());
	found = FindByIndex(heads, subject, latest, head);
	UnregisterSnapshot(latest);
	return found;
}

/*
 * Locks what was found, after whoever holds it: false when that made it another
 * row.
 */
static bool
LockFound(AuditHeads *heads, HeapTuple head)
{
	TM_FailureData failure;
	Buffer		locked;
	TM_Result	result;

	/* somebody begins the chain */
	if (TransactionIdIsValid(heads->dirty.xmin))
	{
		XactLockTableWait(heads->dirty.xmin, heads->table, &head->t_self, XLTW_Lock);
		return false;
	}
	result = heap_lock_tuple(heads->table, head, GetCurrentCommandId(false), LockTupleNoKeyExclusive,
							 LockWaitBlock, false, &locked, &failure);
	ReleaseBuffer(heads->buffer);
	heads->buffer = locked;
	if (result != TM_Ok && result != TM_Updated && result != TM_Deleted)
		elog(ERROR, "unexpected result %d of locking the head of a chain", result);
	return result == TM_Ok;
}

static void
ReadHead(AuditHeads *heads, HeapTuple head, AuditChain *chain)
{
	TupleDesc	desc = RelationGetDescr(heads->table);
	bool		isnull;
	Datum		hash;

	chain->tid = head->t_self;
	chain->sequence = DatumGetInt64(heap_getattr(head, HEAD_SEQUENCE + 1, desc, &isnull));
	hash = heap_getattr(head, HEAD_HASH + 1, desc, &isnull);
	if (isnull || VARSIZE_ANY_EXHDR(DatumGetPointer(hash)) != AUDIT_HASH_LENGTH)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the head of chain %d holds no hash", chain->subject),
				 errhint("Run perf.verify_audit().")));
	memcpy(chain->hash, VARDATA_ANY(DatumGetPointer(hash)), AUDIT_HASH_LENGTH);
}

static void
ReleaseHead(AuditHeads *heads)
{
	if (BufferIsValid(heads->buffer))
		ReleaseBuffer(heads->buffer);
	heads->buffer = InvalidBuffer;
}

/*
 * Locks the head of a chain to the end of the transaction, and reads it past
 * every snapshot: what counts is the last committed entry.
 */
void
AuditHeadsLock(AuditHeads *heads, AuditChain *chain, int32 subject)
{
	HeapTupleData head;
	bool		found = FindWritten(heads, subject, &head);

	memset(chain, 0, sizeof(*chain));
	chain->subject = subject;
	while (!found && FindLast(heads, subject, &head))
	{
		CHECK_FOR_INTERRUPTS();
		found = LockFound(heads, &head);
	}
	if (found)
		ReadHead(heads, &head, chain);
	else
		chain->is_new = true;	/* sequence 0, 32 zero bytes */
	ReleaseHead(heads);
}

/*
 * Reads the head of a chain without a lock, for AuditHeadsReplace(): false when
 * there is none, or somebody is about to change it.
 */
bool
AuditHeadsRead(AuditHeads *heads, AuditChain *chain, int32 subject)
{
	HeapTupleData head;
	bool		found = FindWritten(heads, subject, &head);

	memset(chain, 0, sizeof(*chain));
	chain->subject = subject;
	if (!found && FindByIndex(heads, subject, &heads->dirty, &head))
		found = !TransactionIdIsValid(heads->dirty.xmin) && !TransactionIdIsValid(heads->dirty.xmax);
	if (found)
		ReadHead(heads, &head, chain);
	ReleaseHead(heads);
	return found;
}

/*
 * Writing.
 */
static TupleTableSlot *
SlotOf(AuditHeads *heads, HeapTuple head)
{
	if (heads->target == NULL)
	{
		heads->estate = CreateExecutorState();
		heads->target = makeNode(ResultRelInfo);
		InitResultRelInfo(heads->target, heads->table, 0, NULL, 0);
		ExecOpenIndices(heads->target, false);
		heads->slot = MakeSingleTupleTableSlot(RelationGetDescr(heads->table), &TTSOpsHeapTuple);
	}
	ResetPerTupleExprContext(heads->estate);
	ExecStoreHeapTuple(head, heads->slot, false);
	heads->slot->tts_tableOid = RelationGetRelid(heads->table);
	return heads->slot;
}

static HeapTuple
FormHead(AuditHeads *heads, const AuditChain *chain)
{
	TupleDesc	desc = RelationGetDescr(heads->table);
	char		hash[VARHDRSZ + AUDIT_HASH_LENGTH];
	Datum		values[MaxHeapAttributeNumber];
	bool		nulls[MaxHeapAttributeNumber];

	memset(nulls, true, desc->natts);
	memset(nulls, false, HEAD_COLUMNS);
	SET_VARSIZE(hash, sizeof(hash));
	memcpy(VARDATA(hash), chain->hash, AUDIT_HASH_LENGTH);
	values[HEAD_SUBJECT] = Int32GetDatum(chain->subject);
	values[HEAD_SEQUENCE] = Int64GetDatum(chain->sequence);
	values[HEAD_HASH] = PointerGetDatum(hash);
	return heap_form_tuple(desc, values, nulls);
}

static TM_Result
UpdateHead(AuditHeads *heads, ItemPointer tid, HeapTuple head)
{
	TM_FailureData failure;
	LockTupleMode mode;
	TU_UpdateIndexes indexes;
	TM_Result	result = HeapUpdate(heads->table, tid, head, GetCurrentCommandId(true),
									&failure, &mode, &indexes);

	if (result == TM_Ok && IndexesToUpdate(head, indexes) != TU_None)
	{
		TupleTableSlot *slot = SlotOf(heads, head);

		list_free(InsertUpdatedIndexTuples(heads->target, slot, heads->estate, indexes));
		ExecClearTuple(slot);
	}
	return result;
}

static void
InsertHead(AuditHeads *heads, HeapTuple head)
{
	TupleTableSlot *slot = SlotOf(heads, head);

	ExecSimpleRelationInsert(heads->target, heads->estate, slot);
	head->t_self = slot->tts_tid;
	ExecClearTuple(slot);
}

/* Writes a head that AuditHeadsLock() locked. */
void
AuditHeadsWrite(AuditHeads *heads, AuditChain *chain)
{
	HeapTuple	head = FormHead(heads, chain);

	Assert(chain->sequence > 0);
	if (chain->is_new)
		InsertHead(heads, head);
	else if (UpdateHead(heads, &chain->tid, head) != TM_Ok)
		elog(ERROR, "the locked head of chain %d was changed", chain->subject);
	NoteWritten(heads, chain->subject, &head->t_self);
	heap_freetuple(head);
}

/*
 * Writes a head that AuditHeadsRead() read, after whoever else is about to: false
 * when that made it another row.  Then nothing is written; else it is locked to
 * the end of the transaction, as every row that was updated.
 */
bool
AuditHeadsReplace(AuditHeads *heads, AuditChain *chain)
{
	HeapTuple	head = FormHead(heads, chain);
	TM_Result	result = UpdateHead(heads, &chain->tid, head);

	if (result == TM_Ok)
		NoteWritten(heads, chain->subject, &head->t_self);
	else if (result != TM_Updated && result != TM_Deleted)
		elog(ERROR, "unexpected result %d of updating the head of a chain", result);
	heap_freetuple(head);
	return result == TM_Ok;
}
