/*
 * audit_verify.c
 *		Recomputes the whole ledger from what is stored.
 *
 * The heap is read once, in the order it lies there; each entry is hashed on
 * the way and leaves only its links behind, which are sorted within work_mem.
 * The sorted links, heads and sealed heads then are merged: every chain must
 * count from 1, link by link, up to its head, and the entries and heads of each
 * block must give its roots.
 */
#include "perfmgmt.h"

#include "audit.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplesort.h"

#define LINK_WRONG_HASH 1
#define LINK_REDACTED 2
#define LINK_ERASURE 4

enum
{
	LINK_SUBJECT, LINK_SEQUENCE, LINK_PREV_HASH, LINK_HASH, LINK_FLAGS, LINK_COLUMNS
};

typedef struct SealedBlock
{
	int64		number;
	int64		entries;
	int64		heads;
	uint8		previous_hash[AUDIT_HASH_LENGTH];
	uint8		entries_root[AUDIT_HASH_LENGTH];
	uint8		heads_root[AUDIT_HASH_LENGTH];
	uint8		hash[AUDIT_HASH_LENGTH];
	uint8		computed_hash[AUDIT_HASH_LENGTH];
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

	SealedBlock	   *blocks;
	int64		block_count;

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
 * Reading.
 */
typedef void (*RowFunction) (Verification *v, TupleTableSlot *row, void *arg);

static void
ForEachLedgerRow(Verification *v, const char *table, RowFunction function, void *arg)
{
	Relation	rel = table_open(AuditRelationOid(table), AccessShareLock);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan = table_beginscan(rel, v->snapshot, 0, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		MemoryContext old;

		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(slot);
		MemoryContextReset(v->row_context);
		old = MemoryContextSwitchTo(v->row_context);
		function(v, slot, arg);
		MemoryContextSwitchTo(old);
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

/* 32 bytes, or zeros for what cannot be a hash */
static void
CopyHash(uint8 *hash, Datum value, bool isnull)
{
	bytea	   *stored = isnull ? NULL : DatumGetByteaPP(value);

	if (stored && VARSIZE_ANY_EXHDR(stored) == AUDIT_HASH_LENGTH)
		memcpy(hash, VARDATA_ANY(stored), AUDIT_HASH_LENGTH);
	else
		memset(hash, 0, AUDIT_HASH_LENGTH);
}

/*
 * Entries.
 */

/* The digest of a part: of its bytes, or what was left when they were erased. */
static bool
PartDigest(Verification *v, TupleTableSlot *row, uint8 kind, int part, int digest,
		   uint8 *hash, int *flags)
{
	bytea	   *bytes;

	if (row->tts_isnull[part] == row->tts_isnull[digest])
		return false;
	if (row->tts_isnull[part])
	{
		*flags |= LINK_REDACTED;
		CopyHash(hash, row->tts_values[digest], false);
		return true;
	}
	bytes = DatumGetByteaPP(row->tts_values[part]);
	AuditPartDigest(&v->sha, kind, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), hash);
	return true;
}

static bool
IsEntryRight(Verification *v, TupleTableSlot *row, int *flags)
{
	uint8		content[AUDIT_HASH_LENGTH];
	uint8		authorship[AUDIT_HASH_LENGTH];
	uint8		previous[AUDIT_HASH_LENGTH];
	uint8		hash[AUDIT_HASH_LENGTH];
	text	   *table;
	text	   *operation;
	StringInfoData header;

	if (row->tts_isnull[ENTRY_TABLE] || row->tts_isnull[ENTRY_OPERATION] ||
		!PartDigest(v, row, AUDIT_HASH_CONTENT, ENTRY_CONTENT, ENTRY_CONTENT_DIGEST, content, flags) ||
		!PartDigest(v, row, AUDIT_HASH_AUTHORSHIP, ENTRY_AUTHORSHIP, ENTRY_AUTHORSHIP_DIGEST, authorship, flags))
		return false;
	table = DatumGetTextPP(row->tts_values[ENTRY_TABLE]);
	operation = DatumGetTextPP(row->tts_values[ENTRY_OPERATION]);
	if (VARSIZE_ANY_EXHDR(operation) == 5 && memcmp(VARDATA_ANY(operation), "erase", 5) == 0)
		*flags |= LINK_ERASURE;
	initStringInfo(&header);
	AuditPutHeader(&header, DatumGetInt32(row->tts_values[ENTRY_SUBJECT]),
				   DatumGetInt64(row->tts_values[ENTRY_SEQUENCE]),
				   VARDATA_ANY(table), VARSIZE_ANY_EXHDR(table),
				   VARDATA_ANY(operation), VARSIZE_ANY_EXHDR(operation));
	CopyHash(previous, row->tts_values[ENTRY_PREV_HASH], row->tts_isnull[ENTRY_PREV_HASH]);
	AuditChainHash(&v->sha, previous, header.data, header.len, content, authorship, hash);
	return HashIs(row->tts_values[ENTRY_HASH], row->tts_isnull[ENTRY_HASH], hash);
}

static void
SortEntry(Verification *v, TupleTableSlot *row, void *arg)
{
	Sorted	   *links = (Sorted *) arg;
	TupleTableSlot *link = links->slot;
	int			flags = 0;

	if (!IsEntryRight(v, row, &flags))
		flags |= LINK_WRONG_HASH;
	ExecClearTuple(link);
	link->tts_values[LINK_SUBJECT] = row->tts_values[ENTRY_SUBJECT];
	link->tts_values[LINK_SEQUENCE] = row->tts_values[ENTRY_SEQUENCE];
	link->tts_values[LINK_PREV_HASH] = row->tts_values[ENTRY_PREV_HASH];
	link->tts_values[LINK_HASH] = row->tts_values[ENTRY_HASH];
	link->tts_values[LINK_FLAGS] = Int32GetDatum(flags);
	memset(link->tts_isnull, false, LINK_COLUMNS);
	link->tts_isnull[LINK_PREV_HASH] = row->tts_isnull[ENTRY_PREV_HASH];
	link->tts_isnull[LINK_HASH] = row->tts_isnull[ENTRY_HASH];
	ExecStoreVirtualTuple(link);
	tuplesort_puttupleslot(links->sort, link);
	v->entries++;
}

static void
SortLinks(Verification *v, Sorted *links)
{
	TupleDesc	desc = CreateTemplateTupleDesc(LINK_COLUMNS);
	AttrNumber	keys[] = {LINK_SUBJECT + 1, LINK_SEQUENCE + 1};
	Oid			operators[] = {Int4LessOperator, Int8LessOperator};
	TupleTableSlot *read;

	TupleDescInitEntry(desc, LINK_SUBJECT + 1, "subject", INT4OID, -1, 0);
	TupleDescInitEntry(desc, LINK_SEQUENCE + 1, "sequence", INT8OID, -1, 0);
	TupleDescInitEntry(desc, LINK_PREV_HASH + 1, "prev_hash", BYTEAOID, -1, 0);
	TupleDescInitEntry(desc, LINK_HASH + 1, "hash", BYTEAOID, -1, 0);
	TupleDescInitEntry(desc, LINK_FLAGS + 1, "flags", INT4OID, -1, 0);
	BeginSort(links, desc, 2, keys, operators);
	read = links->slot;
	links->slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	ForEachLedgerRow(v, "audit_entry", SortEntry, links);
	ExecDropSingleTupleTableSlot(links->slot);
	links->slot = read;
	tuplesort_performsort(links->sort);
	NextSorted(links);
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
	Relation	rel = table_open(AuditRelationOid(table), AccessShareLock);

	BeginSort(sorted, CreateTupleDescCopy(RelationGetDescr(rel)), key_count, keys, operators);
	table_close(rel, NoLock);
	ForEachLedgerRow(v, table, SortRow, sorted);
	tuplesort_performsort(sorted->sort);
	NextSorted(sorted);
}

/*
 * Blocks.
 */
static void
ReadBlock(Verification *v, TupleTableSlot *row, void *arg)
{
	int64	   *allocated = (int64 *) arg;
	SealedBlock	   *block;
	StringInfoData bytes;

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
	CopyHash(block->previous_hash, row->tts_values[BLOCK_PREVIOUS_HASH], false);
	CopyHash(block->entries_root, row->tts_values[BLOCK_ENTRIES_ROOT], false);
	CopyHash(block->heads_root, row->tts_values[BLOCK_HEADS_ROOT], false);
	CopyHash(block->hash, row->tts_values[BLOCK_HASH], false);
	initStringInfo(&bytes);
	AuditPutBlock(&bytes, row->tts_values);
	AuditPartDigest(&v->sha, AUDIT_HASH_BLOCK, bytes.data, bytes.len, block->computed_hash);
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
		if (memcmp(block->hash, block->computed_hash, AUDIT_HASH_LENGTH) != 0)
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
		if (block->head_tree.count != block->heads || block->entry_tree.count != block->entries)
			return Broken(v, "audit_block", 0, block->number, "entries that the block sealed are missing");
		MerkleRoot(&block->entry_tree, &v->sha, root);
		if (memcmp(root, block->entries_root, AUDIT_HASH_LENGTH) != 0)
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
CheckLink(Verification *v, Sorted *links, int32 subject, int64 sequence, const uint8 *previous)
{
	int64		found = Int64At(links, LINK_SEQUENCE);
	int			flags = Int32At(links, LINK_FLAGS);

	if (found > sequence)
		return Broken(v, "audit_entry", subject, sequence, "the entry is missing");
	if (found < sequence)
		return Broken(v, "audit_entry", subject, found, "the entry is there twice, or its sequence is below 1");
	if (flags & LINK_WRONG_HASH)
		return Broken(v, "audit_entry", subject, sequence, "the hash is not that of the entry");
	if (!HashAtIs(links, LINK_PREV_HASH, previous))
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

static bool
CheckChain(Verification *v, Sorted *links, Sorted *heads, Sorted *sealed)
{
	int32		subject = Int32At(links, LINK_SUBJECT);
	int64		sequence = 0;
	int64		unexplained = 0;	/* first redaction that no decision explains yet */
	uint8		hash[AUDIT_HASH_LENGTH] = {0};

	if (heads->valid && Int32At(heads, HEAD_SUBJECT) < subject)
		return Broken(v, "audit_entry", Int32At(heads, HEAD_SUBJECT), 1, "the chain is missing");
	if (sealed->valid && Int32At(sealed, SEALED_SUBJECT) < subject)
		return Broken(v, "audit_entry", Int32At(sealed, SEALED_SUBJECT), 1, "the chain was sealed and is missing");
	for (; links->valid && Int32At(links, LINK_SUBJECT) == subject; NextSorted(links))
	{
		int			flags = Int32At(links, LINK_FLAGS);

		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(v->row_context);
		if (!CheckLink(v, links, subject, ++sequence, hash))
			return false;
		CopyHash(hash, links->slot->tts_values[LINK_HASH], false);
		if (!CheckSealed(v, sealed, subject, sequence, hash))
			return false;
		if (flags & LINK_ERASURE)
			unexplained = 0;
		if (flags & LINK_REDACTED)
		{
			v->redacted++;
			unexplained = unexplained ? unexplained : sequence;
		}
	}
	if (unexplained)
		return Broken(v, "audit_entry", subject, unexplained, "a part was erased and no entry says who decided");
	return CheckEnd(v, heads, sealed, subject, sequence, hash);
}

static bool
CheckChains(Verification *v)
{
	AttrNumber	head_keys[] = {HEAD_SUBJECT + 1};
	AttrNumber	sealed_keys[] = {SEALED_SUBJECT + 1, SEALED_SEQUENCE + 1};
	Oid			operators[] = {Int4LessOperator, Int8LessOperator};
	Sorted		links;
	Sorted		heads;
	Sorted		sealed;
	bool		right = true;

	SortLinks(v, &links);
	SortLedgerTable(v, &heads, "audit_head", 1, head_keys, operators);
	SortLedgerTable(v, &sealed, "audit_block_head", 2, sealed_keys, operators);
	MemoryContextReset(v->row_context);
	MemoryContextSwitchTo(v->row_context);
	while (right && links.valid)
		right = CheckChain(v, &links, &heads, &sealed);
	MemoryContextSwitchTo(v->context);
	if (right && heads.valid)
		right = Broken(v, "audit_entry", Int32At(&heads, HEAD_SUBJECT), 1, "the chain is missing");
	if (right && sealed.valid)
		right = Broken(v, "audit_entry", Int32At(&sealed, SEALED_SUBJECT), 1, "the chain was sealed and is missing");
	EndSort(&links);
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
	Sha256Open(&v.sha);

	if (CheckBlocks(&v) && CheckChains(&v) && CheckRoots(&v) && !PG_ARGISNULL(0))
		(void) CheckDigest(&v, PG_GETARG_INT64(0), PG_GETARG_BYTEA_PP(1));

	Sha256Close(&v.sha);
	UnregisterSnapshot(v.snapshot);
	MemoryContextSwitchTo(old);
	return VerificationRow(&v, BlessTupleDesc(desc));
}
