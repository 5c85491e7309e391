/*
 * audit_verify.c
 *		Recomputes the whole ledger from what is stored.
 *
 * The heap is read once, in the order it lies there; each entry is hashed on
 * the way and leaves only its links behind, which are sorted (audit_links.c).
 * The sorted links, heads and sealed heads then are merged: every chain must
 * count from 1, link by link, up to its head, and the entries and heads of each
 * block must give its roots.
 *
 * Since a block that is trusted, an anchor, only the entries after it are read,
 * by the index, and the one that it sealed last of each chain, where the chain
 * goes on.
 *
 * Memory: maintenance_work_mem for the links and 8 kB for each part of them that
 * did not fit, work_mem each for the heads and sealed heads, and for each block
 * 32 bytes times twice the logarithm of what it seals.
 */
#include "perfmgmt.h"

#include "audit.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/skey.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplesort.h"

#define PROGRESS_ENTRIES 65536

#define LINK_WRONG_HASH 1
#define LINK_REDACTED 2

/*
 * No entry, but a range of sequences whose parts an erasure says it erased: from
 * sequence + 1, so that it sorts before the first of them, to what stands where
 * entries have prev_hash.
 */
#define LINK_ERASED 4

typedef struct SealedBlock
{
	int64		number;
	int64		entries;
	int64		heads;
	uint8		previous_hash[AUDIT_HASH_LENGTH];
	uint8		entries_root[AUDIT_HASH_LENGTH];
	uint8		heads_root[AUDIT_HASH_LENGTH];
	uint8		hash[AUDIT_HASH_LENGTH];
	bool		is_right;		/* the hash is that of the block */
	MerkleTree	entry_tree;
	MerkleTree	head_tree;
} SealedBlock;

/* Rows of a table of the ledger, sorted; values of the one at hand. */
typedef struct Sorted
{
	Tuplesortstate *sort;
	TupleTableSlot *slot;
	bool		valid;
} Sorted;

typedef struct Verification
{
	Sha256		sha;
	Snapshot	snapshot;
	MemoryContext context;
	MemoryContext row_context;
	StringInfoData scratch;

	SealedBlock	   *blocks;
	int64		block_count;
	int64		since;			/* the block that is trusted; 0: none */

	LinkSort   *links;
	int32		reading;		/* the chain of the entry at hand, while reading */
	int64		reading_sequence;

	/* ranges of erased entries, as the merge meets them */
	int32		erased_subject;
	int64		erased_to;		/* of those that began */
	int64		next_from;		/* of the last one */
	int64		next_to;

	int64		entries;
	int64		unsealed;
	int64		redacted;

	/* the first break */
	const char *table;			/* NULL: none */
	int32		subject;
	int64		sequence;
	const char *what;
} Verification;

PG_FUNCTION_INFO_V1(perfmgmt_audit_verify);

static bool
Broken(Verification *v, const char *table, int32 subject, int64 sequence, const char *what)
{
	if (v->table == NULL)
	{
		v->table = table;
		v->subject = subject;
		v->sequence = sequence;
		v->what = what;
	}
	return false;
}

/*
 * As report_progress() of the records does, but to the end of the call.
 */
static void
ReportProgress(const char *step)
{
	pgstat_report_appname(psprintf("perfmgmt verify %s", step));
}

/*
 * Reading.
 */
typedef void (*RowFunction) (Verification *v, TupleTableSlot *row, void *arg);

/*
 * The columns are known by their place.  A superuser may have put something else
 * under the name of a table, and it is not read as if it were one.
 */
static Relation
OpenLedgerTable(const char *name)
{
	static const struct
	{
		const char *name;
		int			count;
		Oid			types[BLOCK_COLUMNS];
	}			known[] = {
		{"audit_entry", ENTRY_COLUMNS, {INT4OID, INT8OID, TEXTOID, TEXTOID, BYTEAOID, BYTEAOID, BYTEAOID, BYTEAOID, BYTEAOID, BYTEAOID}},
		{"audit_head", HEAD_COLUMNS, {INT4OID, INT8OID, BYTEAOID}},
		{"audit_block", BLOCK_COLUMNS, {INT8OID, BYTEAOID, INT8OID, INT8OID, BYTEAOID, BYTEAOID, TIMESTAMPTZOID, INT8OID, INT4OID, INT8OID, INT4OID, BYTEAOID}},
		{"audit_block_head", SEALED_COLUMNS, {INT8OID, INT4OID, INT8OID, BYTEAOID}},
	};
	Relation	rel = table_open(AuditRelationOid(name), AccessShareLock);
	bool		right = rel->rd_rel->relkind == RELKIND_RELATION;
	int			table = 0;
	int			i;

	while (strcmp(known[table].name, name) != 0)
		table++;
	right = right && RelationGetNumberOfAttributes(rel) >= known[table].count;
	for (i = 0; right && i < known[table].count; i++)
		right = TupleDescAttr(RelationGetDescr(rel), i)->atttypid == known[table].types[i];
	if (!right)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not the table of the ledger that install() made", name),
				 errhint("Somebody changed it. Compare the database with a backup.")));
	return rel;
}

static void
ReadRow(Verification *v, TupleTableSlot *row, RowFunction function, void *arg)
{
	MemoryContext old;

	slot_getallattrs(row);
	MemoryContextReset(v->row_context);
	old = MemoryContextSwitchTo(v->row_context);
	function(v, row, arg);
	MemoryContextSwitchTo(old);
}

static void
ForEachLedgerRow(Verification *v, const char *table, RowFunction function, void *arg)
{
	Relation	rel = OpenLedgerTable(table);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan = table_beginscan(rel, v->snapshot, 0, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		ReadRow(v, slot, function, arg);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, AccessShareLock);
}

static void
BeginSort(Sorted *sorted, TupleDesc desc, int key_count, AttrNumber *keys, Oid *operators)
{
	Oid			collations[2] = {InvalidOid, InvalidOid};
	bool		nulls_first[2] = {false, false};

	sorted->slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	sorted->sort = tuplesort_begin_heap(desc, key_count, keys, operators, collations,
										nulls_first, work_mem, NULL, TUPLESORT_NONE);
}

static void
NextSorted(Sorted *sorted)
{
	CHECK_FOR_INTERRUPTS();
	sorted->valid = tuplesort_gettupleslot(sorted->sort, true, false, sorted->slot, NULL);
	if (sorted->valid)
		slot_getallattrs(sorted->slot);
}

static void
EndSort(Sorted *sorted)
{
	ExecDropSingleTupleTableSlot(sorted->slot);
	tuplesort_end(sorted->sort);
}

static int32
Int32At(Sorted *sorted, int column)
{
	return DatumGetInt32(sorted->slot->tts_values[column]);
}

static int64
Int64At(Sorted *sorted, int column)
{
	return DatumGetInt64(sorted->slot->tts_values[column]);
}

static bool
HashIs(Datum value, bool isnull, const uint8 *hash)
{
	bytea	   *stored;

	if (isnull)
		return false;
	stored = DatumGetByteaPP(value);
	return VARSIZE_ANY_EXHDR(stored) == AUDIT_HASH_LENGTH &&
		memcmp(VARDATA_ANY(stored), hash, AUDIT_HASH_LENGTH) == 0;
}

static bool
HashAtIs(Sorted *sorted, int column, const uint8 *hash)
{
	return HashIs(sorted->slot->tts_values[column], sorted->slot->tts_isnull[column], hash);
}

/* 32 bytes, or zeros for what cannot be a hash: is it one? */
static bool
CopyHash(uint8 *hash, Datum value, bool isnull)
{
	bytea	   *stored = isnull ? NULL : DatumGetByteaPP(value);

	if (stored == NULL || VARSIZE_ANY_EXHDR(stored) != AUDIT_HASH_LENGTH)
	{
		memset(hash, 0, AUDIT_HASH_LENGTH);
		return false;
	}
	memcpy(hash, VARDATA_ANY(stored), AUDIT_HASH_LENGTH);
	return true;
}

/*
 * Entries.
 */

/* The digest of a part: of its bytes, or what was left when they were erased. */
static bool
PartDigest(Verification *v, TupleTableSlot *row, uint8 kind, int part, int digest,
		   uint8 *hash, int32 *flags)
{
	bytea	   *bytes;

	if (row->tts_isnull[part] == row->tts_isnull[digest])
		return false;
	if (row->tts_isnull[part])
	{
		*flags |= LINK_REDACTED;
		return CopyHash(hash, row->tts_values[digest], false);
	}
	bytes = DatumGetByteaPP(row->tts_values[part]);
	AuditPartDigest(&v->sha, kind, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), hash);
	return true;
}

static bool
IsEntryRight(Verification *v, TupleTableSlot *row, AuditLink *link)
{
	uint8		content[AUDIT_HASH_LENGTH];
	uint8		authorship[AUDIT_HASH_LENGTH];
	uint8		hash[AUDIT_HASH_LENGTH];
	text	   *operation;

	if (row->tts_isnull[ENTRY_TABLE] || row->tts_isnull[ENTRY_OPERATION] ||
		!PartDigest(v, row, AUDIT_HASH_CONTENT, ENTRY_CONTENT, ENTRY_CONTENT_DIGEST, content, &link->flags) ||
		!PartDigest(v, row, AUDIT_HASH_AUTHORSHIP, ENTRY_AUTHORSHIP, ENTRY_AUTHORSHIP_DIGEST, authorship, &link->flags))
		return false;
	operation = DatumGetTextPP(row->tts_values[ENTRY_OPERATION]);
	AuditHashEntry(&v->sha, &v->scratch, link->subject, link->sequence,
				   DatumGetTextPP(row->tts_values[ENTRY_TABLE]), operation,
				   content, authorship, link->prev_hash, hash);
	return memcmp(hash, link->hash, AUDIT_HASH_LENGTH) == 0;
}

/* An entry becomes a link. */
static void
ReadEntry(Verification *v, TupleTableSlot *row, AuditLink *link)
{
	bool		has_hashes;

	link->subject = DatumGetInt32(row->tts_values[ENTRY_SUBJECT]);
	link->sequence = DatumGetInt64(row->tts_values[ENTRY_SEQUENCE]);
	link->flags = 0;
	has_hashes = CopyHash(link->prev_hash, row->tts_values[ENTRY_PREV_HASH], row->tts_isnull[ENTRY_PREV_HASH]);
	has_hashes &= CopyHash(link->hash, row->tts_values[ENTRY_HASH], row->tts_isnull[ENTRY_HASH]);
	if (!IsEntryRight(v, row, link) || !has_hashes)
		link->flags |= LINK_WRONG_HASH;
	if (++v->entries % PROGRESS_ENTRIES == 0)
		ReportProgress(psprintf("1/2: " INT64_FORMAT " entries read", v->entries));
}

/* An erasure speaks of entries before it. */
static void
SortErased(int64 from, int64 to, void *arg)
{
	Verification *v = (Verification *) arg;
	AuditLink  *link;

	if (from < 1 || to < from || to >= v->reading_sequence)
		return;
	link = LinkSortNext(v->links);
	memset(link, 0, sizeof(*link));
	link->subject = v->reading;
	link->sequence = from - 1;
	link->flags = LINK_ERASED;
	memcpy(link->prev_hash, &to, sizeof(to));
	LinkSortPut(v->links);
}

static bool
IsErasure(TupleTableSlot *row)
{
	text	   *operation;

	if (row->tts_isnull[ENTRY_OPERATION] || row->tts_isnull[ENTRY_CONTENT])
		return false;
	operation = DatumGetTextPP(row->tts_values[ENTRY_OPERATION]);
	return VARSIZE_ANY_EXHDR(operation) == 5 && memcmp(VARDATA_ANY(operation), "erase", 5) == 0;
}

static void
SortEntry(Verification *v, TupleTableSlot *row, void *arg)
{
	AuditLink  *link = LinkSortNext(v->links);
	bytea	   *content;

	ReadEntry(v, row, link);
	v->reading = link->subject;
	v->reading_sequence = link->sequence;
	LinkSortPut(v->links);
	if (IsErasure(row))
	{
		content = DatumGetByteaPP(row->tts_values[ENTRY_CONTENT]);
		AuditErasedRanges(VARDATA_ANY(content), VARSIZE_ANY_EXHDR(content), SortErased, v);
	}
}

static void
SortRow(Verification *v, TupleTableSlot *row, void *arg)
{
	tuplesort_puttupleslot(((Sorted *) arg)->sort, row);
}

static void
SortLedgerTable(Verification *v, Sorted *sorted, const char *table, int key_count,
				AttrNumber *keys, Oid *operators)
{
	Relation	rel = OpenLedgerTable(table);

	BeginSort(sorted, CreateTupleDescCopy(RelationGetDescr(rel)), key_count, keys, operators);
	table_close(rel, NoLock);
	ForEachLedgerRow(v, table, SortRow, sorted);
	tuplesort_performsort(sorted->sort);
	NextSorted(sorted);
}

/*
 * Reading what came after the anchor.
 */

/* How far the anchor sealed a chain; 0: it did not know it. */
static int64
AnchorOf(Verification *v, Sorted *sealed, int32 subject)
{
	int64		sequence = 0;

	for (; sealed->valid && Int32At(sealed, SEALED_SUBJECT) <= subject; NextSorted(sealed))
		if (Int32At(sealed, SEALED_SUBJECT) == subject && Int64At(sealed, SEALED_BLOCK) <= v->since)
			sequence = Int64At(sealed, SEALED_SEQUENCE);
	return sequence;
}

/* The entries of a chain from its anchor on. */
static void
SortChainSince(Verification *v, IndexScanDesc scan, TupleTableSlot *slot,
			   int32 subject, int64 sequence)
{
	ScanKeyData keys[2];

	ScanKeyInit(&keys[0], ENTRY_SUBJECT + 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(subject));
	ScanKeyInit(&keys[1], ENTRY_SEQUENCE + 1, BTGreaterEqualStrategyNumber, F_INT8GE,
				Int64GetDatum(sequence == 0 ? PG_INT64_MIN : sequence));
	index_rescan(scan, keys, 2, NULL, 0);
	while (index_getnext_slot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		ReadRow(v, slot, SortEntry, NULL);
	}
	if (sequence > 0)
		v->entries--;			/* the anchor itself is no news */
}

static Relation
OpenEntryIndex(Relation rel)
{
	Oid			index = AuditPrimaryKey(rel);

	if (!OidIsValid(index))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the entries of the ledger have no primary key"),
				 errhint("Verify the whole ledger, without a digest to begin at.")));
	return index_open(index, AccessShareLock);
}

/* From chain to chain, those that nothing else knows of included. */
static void
SortLinksSince(Verification *v, Sorted *sealed)
{
	Relation	rel = OpenLedgerTable("audit_entry");
	Relation	index = OpenEntryIndex(rel);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	IndexScanDesc next = BeginIndexScan(rel, index, v->snapshot, 1);
	IndexScanDesc chain = BeginIndexScan(rel, index, v->snapshot, 2);
	int32		subject = PG_INT32_MIN;

	for (;;)
	{
		ScanKeyData key;
		bool		isnull;

		ScanKeyInit(&key, ENTRY_SUBJECT + 1, BTGreaterEqualStrategyNumber, F_INT4GE, Int32GetDatum(subject));
		index_rescan(next, &key, 1, NULL, 0);
		if (!index_getnext_slot(next, ForwardScanDirection, slot))
			break;
		subject = DatumGetInt32(slot_getattr(slot, ENTRY_SUBJECT + 1, &isnull));
		SortChainSince(v, chain, slot, subject, AnchorOf(v, sealed, subject));
		if (subject++ == PG_INT32_MAX)
			break;
	}
	index_endscan(chain);
	index_endscan(next);
	ExecDropSingleTupleTableSlot(slot);
	index_close(index, AccessShareLock);
	table_close(rel, AccessShareLock);
}

/*
 * Blocks.
 */
static bool
IsBlockRight(Verification *v, TupleTableSlot *row, const uint8 *hash)
{
	uint8		computed[AUDIT_HASH_LENGTH];
	StringInfoData bytes;

	initStringInfo(&bytes);
	AuditPutBlock(&bytes, row->tts_values);
	AuditPartDigest(&v->sha, AUDIT_HASH_BLOCK, bytes.data, bytes.len, computed);
	return memcmp(computed, hash, AUDIT_HASH_LENGTH) == 0;
}

static void
ReadBlock(Verification *v, TupleTableSlot *row, void *arg)
{
	int64	   *allocated = (int64 *) arg;
	SealedBlock	   *block;

	if (v->block_count == *allocated)
	{
		MemoryContext old = MemoryContextSwitchTo(v->context);

		*allocated = Max(*allocated * 2, 64);
		v->blocks = v->blocks == NULL ? palloc(sizeof(SealedBlock) * *allocated) :
			repalloc_huge(v->blocks, sizeof(SealedBlock) * *allocated);
		MemoryContextSwitchTo(old);
	}
	block = &v->blocks[v->block_count++];
	memset(block, 0, sizeof(*block));
	block->number = DatumGetInt64(row->tts_values[BLOCK_NUMBER]);
	block->entries = DatumGetInt64(row->tts_values[BLOCK_ENTRIES]);
	block->heads = DatumGetInt64(row->tts_values[BLOCK_HEADS]);
	block->is_right = CopyHash(block->previous_hash, row->tts_values[BLOCK_PREVIOUS_HASH], row->tts_isnull[BLOCK_PREVIOUS_HASH]);
	block->is_right &= CopyHash(block->entries_root, row->tts_values[BLOCK_ENTRIES_ROOT], row->tts_isnull[BLOCK_ENTRIES_ROOT]);
	block->is_right &= CopyHash(block->heads_root, row->tts_values[BLOCK_HEADS_ROOT], row->tts_isnull[BLOCK_HEADS_ROOT]);
	block->is_right &= CopyHash(block->hash, row->tts_values[BLOCK_HASH], row->tts_isnull[BLOCK_HASH]);
	block->is_right = block->is_right && IsBlockRight(v, row, block->hash);
}

static int
CompareBlocks(const void *a, const void *b)
{
	int64		left = ((const SealedBlock *) a)->number;
	int64		right = ((const SealedBlock *) b)->number;

	return (left > right) - (left < right);
}

static SealedBlock *
BlockOf(Verification *v, int64 number)
{
	/* numbered from 1 without a gap, as CheckBlocks() says */
	return number >= 1 && number <= v->block_count ? &v->blocks[number - 1] : NULL;
}

static bool
CheckBlocks(Verification *v)
{
	static const uint8 zeros[AUDIT_HASH_LENGTH];
	int64		allocated = 0;
	int64		i;

	ForEachLedgerRow(v, "audit_block", ReadBlock, &allocated);
	if (v->block_count > 0)
		qsort(v->blocks, v->block_count, sizeof(SealedBlock), CompareBlocks);
	for (i = 0; i < v->block_count; i++)
	{
		SealedBlock	   *block = &v->blocks[i];

		if (block->number != i + 1)
			return Broken(v, "audit_block", 0, i + 1, "the block is missing");
		if (memcmp(block->previous_hash, i == 0 ? zeros : block[-1].hash, AUDIT_HASH_LENGTH) != 0)
			return Broken(v, "audit_block", 0, block->number, "the block does not follow the one before");
		if (!block->is_right)
			return Broken(v, "audit_block", 0, block->number, "the hash is not that of the block");
	}
	return true;
}

static bool
CheckRoots(Verification *v)
{
	int64		i;

	for (i = 0; i < v->block_count; i++)
	{
		SealedBlock	   *block = &v->blocks[i];
		uint8		root[AUDIT_HASH_LENGTH];

		CHECK_FOR_INTERRUPTS();
		if (block->head_tree.count != block->heads ||
			(block->number > v->since && block->entry_tree.count != block->entries))
			return Broken(v, "audit_block", 0, block->number, "entries that the block sealed are missing");
		MerkleRoot(&block->entry_tree, &v->sha, root);
		if (block->number > v->since && memcmp(root, block->entries_root, AUDIT_HASH_LENGTH) != 0)
			return Broken(v, "audit_block", 0, block->number, "the sealed entries do not give the root of the block");
		MerkleRoot(&block->head_tree, &v->sha, root);
		if (memcmp(root, block->heads_root, AUDIT_HASH_LENGTH) != 0)
			return Broken(v, "audit_block", 0, block->number, "the sealed heads do not give the root of the block");
	}
	return true;
}

/*
 * The merge.
 */

/*
 * The next link of an entry.  Ranges that were erased come in the order of their
 * begin, each before its first entry, and perhaps before the one in front of that:
 * so the last one waits until the next one, or an entry, is at its begin.
 */
static void
MeetErased(Verification *v, AuditLink *link)
{
	int64		to;

	if (link->subject != v->erased_subject)
	{
		v->erased_subject = link->subject;
		v->erased_to = v->next_from = v->next_to = 0;
	}
	memcpy(&to, link->prev_hash, sizeof(to));
	if (link->sequence + 1 > v->next_from)
	{
		v->erased_to = Max(v->erased_to, v->next_to);
		v->next_from = link->sequence + 1;
	}
	v->next_to = Max(v->next_to, to);
}

static AuditLink *
NextLink(Verification *v)
{
	AuditLink  *link;

	while ((link = LinkSortGet(v->links)) != NULL && (link->flags & LINK_ERASED))
	{
		CHECK_FOR_INTERRUPTS();
		MeetErased(v, link);
	}
	return link;
}

/* Does an erasure speak of this entry? */
static bool
IsExplained(Verification *v, int32 subject, int64 sequence)
{
	if (subject != v->erased_subject)
		return false;
	return sequence <= v->erased_to ||
		(v->next_from <= sequence && sequence <= v->next_to);
}

static void
AddLeaf(Verification *v, MerkleTree *tree, const void *leaf, Size length)
{
	MemoryContext old = MemoryContextSwitchTo(v->context);

	MerkleAdd(tree, &v->sha, leaf, length);
	MemoryContextSwitchTo(old);
}

static void
AddHeadLeaf(Verification *v, SealedBlock *block, int32 subject, int64 sequence, const uint8 *hash)
{
	StringInfoData leaf;

	initStringInfo(&leaf);
	AuditPutInt32(&leaf, subject);
	AuditPutInt64(&leaf, sequence);
	appendBinaryStringInfo(&leaf, (const char *) hash, AUDIT_HASH_LENGTH);
	AddLeaf(v, &block->head_tree, leaf.data, leaf.len);
}

/* An entry under its block, if it is sealed. */
static bool
CheckSealed(Verification *v, Sorted *sealed, int32 subject, int64 sequence, const uint8 *hash)
{
	SealedBlock	   *block;

	if (!sealed->valid || Int32At(sealed, SEALED_SUBJECT) != subject)
	{
		v->unsealed++;
		return true;
	}
	block = BlockOf(v, Int64At(sealed, SEALED_BLOCK));
	if (block == NULL)
		return Broken(v, "audit_block_head", subject, Int64At(sealed, SEALED_SEQUENCE), "the block is missing");
	AddLeaf(v, &block->entry_tree, hash, AUDIT_HASH_LENGTH);
	if (Int64At(sealed, SEALED_SEQUENCE) != sequence)
		return true;
	if (!HashAtIs(sealed, SEALED_HASH, hash))
		return Broken(v, "audit_entry", subject, sequence, "the entry is not the one that was sealed");
	AddHeadLeaf(v, block, subject, sequence, hash);
	NextSorted(sealed);
	if (sealed->valid && Int32At(sealed, SEALED_SUBJECT) == subject &&
		Int64At(sealed, SEALED_SEQUENCE) <= sequence)
		return Broken(v, "audit_block_head", subject, sequence, "the entry is sealed twice");
	return true;
}

static bool
CheckLink(Verification *v, AuditLink *link, int32 subject, int64 sequence, const uint8 *previous)
{
	if (link->sequence > sequence)
		return Broken(v, "audit_entry", subject, sequence, "the entry is missing");
	if (link->sequence < sequence)
		return Broken(v, "audit_entry", subject, link->sequence, "the entry is there twice, or its sequence is below 1");
	if (link->flags & LINK_WRONG_HASH)
		return Broken(v, "audit_entry", subject, sequence, "the hash is not that of the entry");
	if (memcmp(link->prev_hash, previous, AUDIT_HASH_LENGTH) != 0)
		return Broken(v, "audit_entry", subject, sequence, "the entry does not follow the one before");
	return true;
}

/* The chain at hand ends: what says where it should end? */
static bool
CheckEnd(Verification *v, Sorted *heads, Sorted *sealed, int32 subject, int64 sequence, const uint8 *hash)
{
	if (sealed->valid && Int32At(sealed, SEALED_SUBJECT) == subject)
		return Broken(v, "audit_entry", subject, sequence + 1, "the entry was sealed and is missing");
	if (!heads->valid || Int32At(heads, HEAD_SUBJECT) != subject)
		return Broken(v, "audit_head", subject, sequence, "the chain has no head");
	if (Int64At(heads, HEAD_SEQUENCE) > sequence)
		return Broken(v, "audit_entry", subject, sequence + 1, "the entry is missing");
	if (Int64At(heads, HEAD_SEQUENCE) < sequence)
		return Broken(v, "audit_entry", subject, Int64At(heads, HEAD_SEQUENCE) + 1, "the entry is beyond the head of the chain");
	if (!HashAtIs(heads, HEAD_HASH, hash))
		return Broken(v, "audit_head", subject, sequence, "the head is not the last entry");
	NextSorted(heads);
	return true;
}

/*
 * What the anchor sealed of a chain: its heads in blocks up to the anchor's are
 * taken from audit_block_head, the last one must be there as an entry.
 */
static bool
SkipSealed(Verification *v, AuditLink **link, Sorted *sealed,
		   int32 subject, int64 *sequence, uint8 *hash)
{
	for (; sealed->valid && Int32At(sealed, SEALED_SUBJECT) == subject &&
		 Int64At(sealed, SEALED_BLOCK) <= v->since; NextSorted(sealed))
	{
		SealedBlock *block = BlockOf(v, Int64At(sealed, SEALED_BLOCK));

		*sequence = Int64At(sealed, SEALED_SEQUENCE);
		if (block == NULL)
			return Broken(v, "audit_block_head", subject, *sequence, "the block is missing");
		CopyHash(hash, sealed->slot->tts_values[SEALED_HASH], sealed->slot->tts_isnull[SEALED_HASH]);
		AddHeadLeaf(v, block, subject, *sequence, hash);
	}
	if (*sequence == 0)
		return true;
	if ((*link)->sequence != *sequence)
		return Broken(v, "audit_entry", subject, *sequence, "the entry was sealed and is missing");
	if ((*link)->flags & LINK_WRONG_HASH)
		return Broken(v, "audit_entry", subject, *sequence, "the hash is not that of the entry");
	if (memcmp((*link)->hash, hash, AUDIT_HASH_LENGTH) != 0)
		return Broken(v, "audit_entry", subject, *sequence, "the entry is not the one that was sealed");
	*link = NextLink(v);
	return true;
}

/* Takes the links of one chain; *link is the one at hand. */
static bool
CheckChain(Verification *v, AuditLink **link, Sorted *heads, Sorted *sealed)
{
	int32		subject = (*link)->subject;
	int64		sequence = 0;
	int64		unexplained = 0;	/* first redaction that no erasure speaks of */
	uint8		hash[AUDIT_HASH_LENGTH] = {0};

	if (heads->valid && Int32At(heads, HEAD_SUBJECT) < subject)
		return Broken(v, "audit_entry", Int32At(heads, HEAD_SUBJECT), 1, "the chain is missing");
	if (sealed->valid && Int32At(sealed, SEALED_SUBJECT) < subject)
		return Broken(v, "audit_entry", Int32At(sealed, SEALED_SUBJECT), 1, "the chain was sealed and is missing");
	if (v->since > 0 && !SkipSealed(v, link, sealed, subject, &sequence, hash))
		return false;
	for (; *link && (*link)->subject == subject; *link = NextLink(v))
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(v->row_context);
		if (!CheckLink(v, *link, subject, ++sequence, hash))
			return false;
		memcpy(hash, (*link)->hash, AUDIT_HASH_LENGTH);
		if (!CheckSealed(v, sealed, subject, sequence, hash))
			return false;
		if ((*link)->flags & LINK_REDACTED)
		{
			v->redacted++;
			if (unexplained == 0 && !IsExplained(v, subject, sequence))
				unexplained = sequence;
		}
	}
	if (unexplained)
		return Broken(v, "audit_entry", subject, unexplained, "a part was erased and no entry says who decided");
	return CheckEnd(v, heads, sealed, subject, sequence, hash);
}

static bool
MergeChains(Verification *v, Sorted *heads, Sorted *sealed)
{
	AuditLink  *link = NextLink(v);
	bool		right = true;

	while (right && link)
		right = CheckChain(v, &link, heads, sealed);
	if (right && heads->valid)
		right = Broken(v, "audit_entry", Int32At(heads, HEAD_SUBJECT), 1, "the chain is missing");
	if (right && sealed->valid)
		right = Broken(v, "audit_entry", Int32At(sealed, SEALED_SUBJECT), 1, "the chain was sealed and is missing");
	return right;
}

static void
SortSealed(Verification *v, Sorted *sealed)
{
	AttrNumber	keys[] = {SEALED_SUBJECT + 1, SEALED_SEQUENCE + 1};
	Oid			operators[] = {Int4LessOperator, Int8LessOperator};

	SortLedgerTable(v, sealed, "audit_block_head", 2, keys, operators);
}

static bool
CheckChains(Verification *v)
{
	AttrNumber	head_keys[] = {HEAD_SUBJECT + 1};
	Oid			operators[] = {Int4LessOperator};
	Sorted		heads;
	Sorted		sealed;
	bool		right;

	v->links = LinkSortBegin();
	if (v->since > 0)
	{
		SortSealed(v, &sealed);
		SortLinksSince(v, &sealed);
		EndSort(&sealed);
	}
	else
		ForEachLedgerRow(v, "audit_entry", SortEntry, NULL);
	ReportProgress(psprintf("2/2: chains of " INT64_FORMAT " entries", v->entries));
	LinkSortPerform(v->links);
	SortLedgerTable(v, &heads, "audit_head", 1, head_keys, operators);
	SortSealed(v, &sealed);
	MemoryContextReset(v->row_context);
	MemoryContextSwitchTo(v->row_context);
	right = MergeChains(v, &heads, &sealed);
	MemoryContextSwitchTo(v->context);
	LinkSortEnd(v->links);
	EndSort(&heads);
	EndSort(&sealed);
	return right;
}

/* What somebody kept outside. */
static bool
CheckDigest(Verification *v, int64 number, bytea *hash)
{
	SealedBlock	   *block = BlockOf(v, number);

	if (block == NULL)
		return Broken(v, "audit_block", 0, number, "the block of the digest is missing");
	if (!HashIs(PointerGetDatum(hash), false, block->hash))
		return Broken(v, "audit_block", 0, number, "the block is not the one of the digest");
	return true;
}

/* What is trusted: its block is the one of the digest, and the blocks fit. */
static bool
CheckAnchor(Verification *v, int64 number, bytea *hash)
{
	v->since = number;
	return CheckDigest(v, number, hash);
}

static Datum
VerificationRow(Verification *v, TupleDesc desc)
{
	Datum		values[8] = {0};
	bool		nulls[8] = {false};

	values[0] = Int64GetDatum(v->entries);
	values[1] = Int64GetDatum(v->unsealed);
	values[2] = Int64GetDatum(v->redacted);
	values[3] = Int64GetDatum(v->block_count);
	nulls[4] = nulls[5] = nulls[6] = nulls[7] = v->table == NULL;
	if (v->table)
	{
		values[4] = CStringGetTextDatum(v->table);
		values[5] = Int32GetDatum(v->subject);
		values[6] = Int64GetDatum(v->sequence);
		values[7] = CStringGetTextDatum(v->what);
	}
	return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
}

Datum
perfmgmt_audit_verify(PG_FUNCTION_ARGS)
{
	Verification v = {0};
	MemoryContext old;
	TupleDesc	desc;

	(void) RequireAppointment("auditor", true);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	v.context = AllocSetContextCreate(CurrentMemoryContext, "audit verification", ALLOCSET_DEFAULT_SIZES);
	v.row_context = AllocSetContextCreate(v.context, "audit row", ALLOCSET_DEFAULT_SIZES);

	/*
	 * One snapshot for all tables: what it shows of each chain has no gap.  The
	 * one of a whole transaction would, between what others added since and
	 * entries of our own.
	 */
	v.snapshot = RegisterSnapshot(IsolationUsesXactSnapshot() && !IsInParallelMode() ?
								  GetLatestSnapshot() : GetActiveSnapshot());
	old = MemoryContextSwitchTo(v.context);
	initStringInfo(&v.scratch);
	Sha256Open(&v.sha);

	PG_TRY();
	{
		if (CheckBlocks(&v) &&
			(PG_ARGISNULL(2) || CheckAnchor(&v, PG_GETARG_INT64(2), PG_GETARG_BYTEA_PP(3))) &&
			CheckChains(&v) && CheckRoots(&v) && !PG_ARGISNULL(0))
			(void) CheckDigest(&v, PG_GETARG_INT64(0), PG_GETARG_BYTEA_PP(1));
	}
	PG_FINALLY();
	{
		pgstat_report_appname(application_name);
	}
	PG_END_TRY();

	Sha256Close(&v.sha);
	UnregisterSnapshot(v.snapshot);
	MemoryContextSwitchTo(old);
	return VerificationRow(&v, BlessTupleDesc(desc));
}
