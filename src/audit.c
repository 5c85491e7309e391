/*
 * audit.c
 *		The hashes of the ledger: entries, chains, Merkle trees.
 *
 * doc/audit.md describes them byte by byte.  audit_encode.c holds the encoding
 * of values, audit_capture.c the triggers, audit_verify.c the verification.
 */
#include "perfmgmt.h"

#include "audit.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "port/pg_bswap.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(perfmgmt_merkle_root);
PG_FUNCTION_INFO_V1(perfmgmt_merkle_add);
PG_FUNCTION_INFO_V1(perfmgmt_merkle_finish);
PG_FUNCTION_INFO_V1(perfmgmt_merkle_path);
PG_FUNCTION_INFO_V1(perfmgmt_merkle_climb);
PG_FUNCTION_INFO_V1(perfmgmt_audit_header);
PG_FUNCTION_INFO_V1(perfmgmt_part_digest);
PG_FUNCTION_INFO_V1(perfmgmt_chain_hash);
PG_FUNCTION_INFO_V1(perfmgmt_block_hash);

/*
 * SHA-256.
 *
 * The server's interface looks the algorithm up in OpenSSL 3 for each hash, and
 * that takes longer than to hash an entry; OpenSSL's own EVP interface, with
 * the algorithm fetched once, still takes half as long again.  So the functions
 * below EVP are called where they are there: no look-up, no allocation, nothing
 * to free on an error.  Otherwise it is the server's interface.
 */

/* in whole blocks, with the byte and the length that end the last one */
#define BLOCK_LENGTH 64
#define PADDED_LENGTH(length) \
	(((length) + 1 + sizeof(uint64) + BLOCK_LENGTH - 1) / BLOCK_LENGTH * BLOCK_LENGTH)

/* What is hashed mostly is shorter, and put together on the stack. */
#define MAX_SHORT 512

#ifdef AUDIT_OPENSSL

void
Sha256Open(Sha256 *sha)
{
}

static void
StartHash(Sha256 *sha)
{
	SHA256_Init(&sha->context);
}

static void
Sha256Add(Sha256 *sha, const void *data, Size length)
{
	SHA256_Update(&sha->context, data, length);
}

static void
Sha256Finish(Sha256 *sha, uint8 *hash)
{
	SHA256_Final(hash, &sha->context);
}

/*
 * A message in a buffer that has room for the padding of SHA-256 behind it: done
 * here, it leaves one call over whole blocks.
 */
static void
Sha256Message(Sha256 *sha, uint8 *message, Size length, uint8 *hash)
{
	Size		padded = PADDED_LENGTH(length);
	uint64		bits = pg_hton64((uint64) length * BITS_PER_BYTE);
	int			i;

	message[length] = 0x80;
	memset(message + length + 1, 0, padded - length - 1 - sizeof(bits));
	memcpy(message + padded - sizeof(bits), &bits, sizeof(bits));
	StartHash(sha);
	SHA256_Update(&sha->context, message, padded);
	for (i = 0; i < 8; i++)
	{
		uint32		word = pg_hton32(sha->context.h[i]);

		memcpy(hash + i * sizeof(word), &word, sizeof(word));
	}
}

void
Sha256Close(Sha256 *sha)
{
}

#else

static void
CheckHashed(Sha256 *sha, bool done)
{
	if (!done)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not compute SHA-256: %s", pg_cryptohash_error(sha->context))));
}

void
Sha256Open(Sha256 *sha)
{
	sha->context = pg_cryptohash_create(PG_SHA256);
	if (sha->context == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
}

static void
StartHash(Sha256 *sha)
{
	CheckHashed(sha, pg_cryptohash_init(sha->context) >= 0);
}

static void
Sha256Add(Sha256 *sha, const void *data, Size length)
{
	CheckHashed(sha, pg_cryptohash_update(sha->context, data, length) >= 0);
}

static void
Sha256Finish(Sha256 *sha, uint8 *hash)
{
	CheckHashed(sha, pg_cryptohash_final(sha->context, hash, AUDIT_HASH_LENGTH) >= 0);
}

static void
Sha256Message(Sha256 *sha, uint8 *message, Size length, uint8 *hash)
{
	StartHash(sha);
	Sha256Add(sha, message, length);
	Sha256Finish(sha, hash);
}

void
Sha256Close(Sha256 *sha)
{
	pg_cryptohash_free(sha->context);
	sha->context = NULL;
}

#endif							/* AUDIT_OPENSSL */

static void
Sha256Start(Sha256 *sha, uint8 kind)
{
	StartHash(sha);
	Sha256Add(sha, &kind, 1);
}

/* bytes that begin with their kind */
static void
Sha256Bytes(Sha256 *sha, const void *bytes, Size length, uint8 *hash)
{
	StartHash(sha);
	Sha256Add(sha, bytes, length);
	Sha256Finish(sha, hash);
}

/*
 * Merkle trees as in RFC 6962, section 2.1: a tree of n leaves splits at the
 * largest power of two below n.  So the complete trees so far have the sizes
 * of the bits of the count, and the last root joins them from the right.
 */
static void
JoinNodes(Sha256 *sha, const uint8 *left, const uint8 *right, uint8 *node)
{
	uint8		bytes[PADDED_LENGTH(1 + 2 * AUDIT_HASH_LENGTH)];

	bytes[0] = AUDIT_HASH_NODE;
	memcpy(bytes + 1, left, AUDIT_HASH_LENGTH);
	memcpy(bytes + 1 + AUDIT_HASH_LENGTH, right, AUDIT_HASH_LENGTH);
	Sha256Message(sha, bytes, 1 + 2 * AUDIT_HASH_LENGTH, node);
}

void
MerkleAdd(MerkleTree *tree, Sha256 *sha, const void *leaf, Size length)
{
	uint8		hash[AUDIT_HASH_LENGTH];
	int			top = pg_popcount64(tree->count);
	int64		bit;

	AuditPartDigest(sha, AUDIT_HASH_LEAF, leaf, length, hash);
	for (bit = 1; tree->count & bit; bit <<= 1)
		JoinNodes(sha, tree->roots[--top], hash, hash);
	if (top >= tree->allocated)
	{
		tree->allocated = tree->allocated == 0 ? 2 : tree->allocated * 2;
		tree->roots = tree->roots == NULL ?
			palloc(tree->allocated * sizeof(*tree->roots)) :
			repalloc(tree->roots, tree->allocated * sizeof(*tree->roots));
	}
	memcpy(tree->roots[top], hash, AUDIT_HASH_LENGTH);
	tree->count++;
}

void
MerkleRoot(const MerkleTree *tree, Sha256 *sha, uint8 *root)
{
	int			top = pg_popcount64(tree->count);

	if (top == 0)
	{
		/* of no leaf: the hash of nothing at all */
		Sha256Bytes(sha, "", 0, root);
		return;
	}
	memcpy(root, tree->roots[--top], AUDIT_HASH_LENGTH);
	while (top > 0)
		JoinNodes(sha, tree->roots[--top], root, root);
}

static bytea *
HashBytes(const uint8 *hash)
{
	bytea	   *result = palloc(VARHDRSZ + AUDIT_HASH_LENGTH);

	SET_VARSIZE(result, VARHDRSZ + AUDIT_HASH_LENGTH);
	memcpy(VARDATA(result), hash, AUDIT_HASH_LENGTH);
	return result;
}

Datum
perfmgmt_merkle_root(PG_FUNCTION_ARGS)
{
	ArrayType  *leaves = PG_GETARG_ARRAYTYPE_P(0);
	MerkleTree	tree = {0};
	uint8		root[AUDIT_HASH_LENGTH];
	Sha256		sha;
	Datum	   *values;
	bool	   *nulls;
	int			count;
	int			i;

	deconstruct_array(leaves, BYTEAOID, -1, false, TYPALIGN_INT, &values, &nulls, &count);
	Sha256Open(&sha);
	for (i = 0; i < count; i++)
	{
		bytea	   *leaf;

		CHECK_FOR_INTERRUPTS();
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("leaf %d of the Merkle tree is null", i + 1)));
		leaf = DatumGetByteaPP(values[i]);
		MerkleAdd(&tree, &sha, VARDATA_ANY(leaf), VARSIZE_ANY_EXHDR(leaf));
	}
	MerkleRoot(&tree, &sha, root);
	Sha256Close(&sha);
	PG_RETURN_BYTEA_P(HashBytes(root));
}

/*
 * Proof of inclusion, RFC 6962, section 2.1.1: the roots of the subtrees beside
 * the way from the leaf up.  Found from the top down; each step hashes the half
 * that the leaf is not in, so together each leaf is hashed once.
 */
static void
CheckLeafIndex(int64 index, int64 count)
{
	if (index < 0 || index >= count)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a Merkle tree of " INT64_FORMAT " leaves has no leaf " INT64_FORMAT, count, index),
				 errhint("Leaves count from 0.")));
}

static int64
LeftLeaves(int64 count)
{
	int64		left = 1;

	while (left * 2 < count)
		left *= 2;
	return left;
}

static Datum
RootOfSlice(Sha256 *sha, Datum *leaves, int64 count)
{
	MerkleTree	tree = {0};
	uint8		root[AUDIT_HASH_LENGTH];
	int64		i;

	for (i = 0; i < count; i++)
	{
		bytea	   *leaf = DatumGetByteaPP(leaves[i]);

		CHECK_FOR_INTERRUPTS();
		MerkleAdd(&tree, sha, VARDATA_ANY(leaf), VARSIZE_ANY_EXHDR(leaf));
	}
	MerkleRoot(&tree, sha, root);
	return PointerGetDatum(HashBytes(root));
}

Datum
perfmgmt_merkle_path(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	int64		index = PG_GETARG_INT64(1);
	Datum		path[64];
	int			at = lengthof(path);
	Datum	   *leaves;
	int			count;
	int64		rest;
	Sha256		sha;

	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a leaf of the Merkle tree is null")));
	deconstruct_array(array, BYTEAOID, -1, false, TYPALIGN_INT, &leaves, NULL, &count);
	CheckLeafIndex(index, count);
	Sha256Open(&sha);
	for (rest = count; rest > 1;)
	{
		int64		left = LeftLeaves(rest);

		if (index < left)
		{
			path[--at] = RootOfSlice(&sha, leaves + left, rest - left);
			rest = left;
		}
		else
		{
			path[--at] = RootOfSlice(&sha, leaves, left);
			leaves += left;
			index -= left;
			rest -= left;
		}
	}
	Sha256Close(&sha);
	PG_RETURN_ARRAYTYPE_P(construct_array(path + at, lengthof(path) - at, BYTEAOID, -1, false, TYPALIGN_INT));
}

/*
 * The root that a leaf and its path give: RFC 9162, section 2.1.3.2.
 */
Datum
perfmgmt_merkle_climb(PG_FUNCTION_ARGS)
{
	bytea	   *leaf = PG_GETARG_BYTEA_PP(0);
	int64		node = PG_GETARG_INT64(1);
	int64		last = PG_GETARG_INT64(2) - 1;
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(3);
	uint8		hash[AUDIT_HASH_LENGTH];
	Datum	   *path;
	bool	   *nulls;
	int			count;
	Sha256		sha;
	int			i;

	CheckLeafIndex(node, last + 1);
	deconstruct_array(array, BYTEAOID, -1, false, TYPALIGN_INT, &path, &nulls, &count);
	Sha256Open(&sha);
	AuditPartDigest(&sha, AUDIT_HASH_LEAF, VARDATA_ANY(leaf), VARSIZE_ANY_EXHDR(leaf), hash);
	for (i = 0; i < count && last > 0; i++)
	{
		bytea	   *beside = nulls[i] ? NULL : DatumGetByteaPP(path[i]);

		if (beside == NULL || VARSIZE_ANY_EXHDR(beside) != AUDIT_HASH_LENGTH)
			break;
		if ((node & 1) || node == last)
		{
			JoinNodes(&sha, (uint8 *) VARDATA_ANY(beside), hash, hash);
			/* a lonely node has no neighbour on these levels */
			while (!(node & 1) && node != 0)
			{
				node >>= 1;
				last >>= 1;
			}
		}
		else
			JoinNodes(&sha, hash, (uint8 *) VARDATA_ANY(beside), hash);
		node >>= 1;
		last >>= 1;
	}
	Sha256Close(&sha);
	if (i < count || last > 0)
		PG_RETURN_NULL();		/* no path of such a tree */
	PG_RETURN_BYTEA_P(HashBytes(hash));
}

/*
 * The same as an aggregate.  Its state holds no context of a hash: rows of an
 * aggregate may come under different resource owners.
 */
Datum
perfmgmt_merkle_add(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	MemoryContext old;
	MerkleTree *tree;
	bytea	   *leaf;
	Sha256		sha;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "merkle_add called in a non-aggregate context");
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a leaf of the Merkle tree is null")));
	old = MemoryContextSwitchTo(context);
	tree = PG_ARGISNULL(0) ? palloc0(sizeof(MerkleTree)) : (MerkleTree *) PG_GETARG_POINTER(0);
	leaf = PG_GETARG_BYTEA_PP(1);
	Sha256Open(&sha);
	MerkleAdd(tree, &sha, VARDATA_ANY(leaf), VARSIZE_ANY_EXHDR(leaf));
	Sha256Close(&sha);
	MemoryContextSwitchTo(old);
	PG_RETURN_POINTER(tree);
}

Datum
perfmgmt_merkle_finish(PG_FUNCTION_ARGS)
{
	MerkleTree	empty = {0};
	MerkleTree *tree = PG_ARGISNULL(0) ? &empty : (MerkleTree *) PG_GETARG_POINTER(0);
	uint8		root[AUDIT_HASH_LENGTH];
	Sha256		sha;

	Sha256Open(&sha);
	MerkleRoot(tree, &sha, root);
	Sha256Close(&sha);
	PG_RETURN_BYTEA_P(HashBytes(root));
}

/*
 * An entry.
 */
void
AuditPutHeader(StringInfo out, int32 subject, int64 sequence,
			   const char *table_name, int table_length,
			   const char *operation, int operation_length)
{
	appendStringInfoChar(out, AUDIT_VERSION);
	AuditPutInt32(out, subject);
	AuditPutInt64(out, sequence);
	AuditPutText(out, table_name, table_length);
	AuditPutText(out, operation, operation_length);
}

void
AuditPartDigest(Sha256 *sha, uint8 kind, const void *part, Size length, uint8 *digest)
{
	uint8		bytes[PADDED_LENGTH(MAX_SHORT)];

	if (length < MAX_SHORT)
	{
		bytes[0] = kind;
		memcpy(bytes + 1, part, length);
		Sha256Message(sha, bytes, length + 1, digest);
		return;
	}
	Sha256Start(sha, kind);
	Sha256Add(sha, part, length);
	Sha256Finish(sha, digest);
}

static void
HashEntry(Sha256 *sha, StringInfo bytes, const uint8 *content, const uint8 *authorship,
		  const uint8 *previous, uint8 *hash)
{
	appendBinaryStringInfo(bytes, (const char *) content, AUDIT_HASH_LENGTH);
	appendBinaryStringInfo(bytes, (const char *) authorship, AUDIT_HASH_LENGTH);
	appendBinaryStringInfo(bytes, (const char *) previous, AUDIT_HASH_LENGTH);
	Sha256Bytes(sha, bytes->data, bytes->len, hash);
}

static uint8 *
PutInto(uint8 *at, const void *bytes, Size length)
{
	memcpy(at, bytes, length);
	return at + length;
}

static uint8 *
PutTextInto(uint8 *at, const char *bytes, int length)
{
	uint32		swapped = pg_hton32((uint32) length);

	return PutInto(PutInto(at, &swapped, sizeof(swapped)), bytes, length);
}

/* The same as AuditPutHeader() and HashEntry(), of names that need no conversion. */
static void
HashShortEntry(Sha256 *sha, int32 subject, int64 sequence,
			   text *table_name, text *operation, const uint8 *content,
			   const uint8 *authorship, const uint8 *previous, uint8 *hash)
{
	uint8		bytes[PADDED_LENGTH(MAX_SHORT)];
	uint8	   *at = bytes;
	uint32		swapped_subject = pg_hton32((uint32) subject);
	uint64		swapped_sequence = pg_hton64((uint64) sequence);

	*at++ = AUDIT_HASH_ENTRY;
	*at++ = AUDIT_VERSION;
	at = PutInto(at, &swapped_subject, sizeof(swapped_subject));
	at = PutInto(at, &swapped_sequence, sizeof(swapped_sequence));
	at = PutTextInto(at, VARDATA_ANY(table_name), VARSIZE_ANY_EXHDR(table_name));
	at = PutTextInto(at, VARDATA_ANY(operation), VARSIZE_ANY_EXHDR(operation));
	at = PutInto(at, content, AUDIT_HASH_LENGTH);
	at = PutInto(at, authorship, AUDIT_HASH_LENGTH);
	at = PutInto(at, previous, AUDIT_HASH_LENGTH);
	Sha256Message(sha, bytes, at - bytes, hash);
}

void
AuditHashEntry(Sha256 *sha, StringInfo scratch, int32 subject, int64 sequence,
			   text *table_name, text *operation, const uint8 *content,
			   const uint8 *authorship, const uint8 *previous, uint8 *hash)
{
	/* besides the names it is 118 bytes */
	if (VARSIZE_ANY_EXHDR(table_name) < MAX_SHORT / 4 && VARSIZE_ANY_EXHDR(operation) < MAX_SHORT / 4 &&
		(GetDatabaseEncoding() == PG_UTF8 || GetDatabaseEncoding() == PG_SQL_ASCII))
	{
		HashShortEntry(sha, subject, sequence, table_name, operation, content, authorship, previous, hash);
		return;
	}
	resetStringInfo(scratch);
	appendStringInfoChar(scratch, AUDIT_HASH_ENTRY);
	AuditPutHeader(scratch, subject, sequence,
				   VARDATA_ANY(table_name), VARSIZE_ANY_EXHDR(table_name),
				   VARDATA_ANY(operation), VARSIZE_ANY_EXHDR(operation));
	HashEntry(sha, scratch, content, authorship, previous, hash);
}

static const uint8 *
HashArgument(bytea *value, const char *name)
{
	if (VARSIZE_ANY_EXHDR(value) != AUDIT_HASH_LENGTH)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must have %d bytes", name, AUDIT_HASH_LENGTH)));
	return (const uint8 *) VARDATA_ANY(value);
}

Datum
perfmgmt_audit_header(PG_FUNCTION_ARGS)
{
	text	   *table_name = PG_GETARG_TEXT_PP(2);
	text	   *operation = PG_GETARG_TEXT_PP(3);
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoSpaces(&out, VARHDRSZ);
	AuditPutHeader(&out, PG_GETARG_INT32(0), PG_GETARG_INT64(1),
				   VARDATA_ANY(table_name), VARSIZE_ANY_EXHDR(table_name),
				   VARDATA_ANY(operation), VARSIZE_ANY_EXHDR(operation));
	SET_VARSIZE(out.data, out.len);
	PG_RETURN_BYTEA_P((bytea *) out.data);
}

Datum
perfmgmt_part_digest(PG_FUNCTION_ARGS)
{
	char	   *kind = text_to_cstring(PG_GETARG_TEXT_PP(0));
	bytea	   *part = PG_GETARG_BYTEA_PP(1);
	uint8		digest[AUDIT_HASH_LENGTH];
	Sha256		sha;

	if (strcmp(kind, "content") != 0 && strcmp(kind, "authorship") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an entry has no part \"%s\"", kind),
				 errhint("The parts are \"content\" and \"authorship\".")));
	Sha256Open(&sha);
	AuditPartDigest(&sha, kind[0] == 'c' ? AUDIT_HASH_CONTENT : AUDIT_HASH_AUTHORSHIP,
					VARDATA_ANY(part), VARSIZE_ANY_EXHDR(part), digest);
	Sha256Close(&sha);
	PG_RETURN_BYTEA_P(HashBytes(digest));
}

Datum
perfmgmt_chain_hash(PG_FUNCTION_ARGS)
{
	bytea	   *header = PG_GETARG_BYTEA_PP(1);
	const uint8 *previous = HashArgument(PG_GETARG_BYTEA_PP(0), "previous hash");
	const uint8 *content = HashArgument(PG_GETARG_BYTEA_PP(2), "content digest");
	const uint8 *authorship = HashArgument(PG_GETARG_BYTEA_PP(3), "authorship digest");
	uint8		hash[AUDIT_HASH_LENGTH];
	StringInfoData bytes;
	Sha256		sha;

	initStringInfo(&bytes);
	appendStringInfoChar(&bytes, AUDIT_HASH_ENTRY);
	appendBinaryStringInfo(&bytes, VARDATA_ANY(header), VARSIZE_ANY_EXHDR(header));
	Sha256Open(&sha);
	HashEntry(&sha, &bytes, content, authorship, previous, hash);
	Sha256Close(&sha);
	PG_RETURN_BYTEA_P(HashBytes(hash));
}

/*
 * A block: everything it says but its hash, in the order of the columns.
 */
void
AuditPutBlock(StringInfo out, const Datum *values)
{
	appendStringInfoChar(out, AUDIT_VERSION);
	AuditPutInt64(out, DatumGetInt64(values[BLOCK_NUMBER]));
	appendBinaryStringInfo(out, (const char *) HashArgument(DatumGetByteaPP(values[BLOCK_PREVIOUS_HASH]), "previous hash"), AUDIT_HASH_LENGTH);
	AuditPutInt64(out, DatumGetInt64(values[BLOCK_ENTRIES]));
	AuditPutInt64(out, DatumGetInt64(values[BLOCK_HEADS]));
	appendBinaryStringInfo(out, (const char *) HashArgument(DatumGetByteaPP(values[BLOCK_ENTRIES_ROOT]), "root of the entries"), AUDIT_HASH_LENGTH);
	appendBinaryStringInfo(out, (const char *) HashArgument(DatumGetByteaPP(values[BLOCK_HEADS_ROOT]), "root of the heads"), AUDIT_HASH_LENGTH);
	AuditPutInt64(out, DatumGetInt64(values[BLOCK_SEALED_AT]));
	AuditPutInt64(out, DatumGetInt64(values[BLOCK_SYSTEM]));
	AuditPutInt32(out, DatumGetInt32(values[BLOCK_TIMELINE]));
	AuditPutInt64(out, DatumGetInt64(values[BLOCK_DATABASE]));
	AuditPutInt32(out, DatumGetInt32(values[BLOCK_INCARNATION]));
}

Datum
perfmgmt_block_hash(PG_FUNCTION_ARGS)
{
	Datum		values[BLOCK_HASH];
	StringInfoData out;
	uint8		hash[AUDIT_HASH_LENGTH];
	Sha256		sha;
	int			i;

	for (i = 0; i < BLOCK_HASH; i++)
		values[i] = PG_GETARG_DATUM(i);
	initStringInfo(&out);
	AuditPutBlock(&out, values);
	Sha256Open(&sha);
	AuditPartDigest(&sha, AUDIT_HASH_BLOCK, out.data, out.len, hash);
	Sha256Close(&sha);
	PG_RETURN_BYTEA_P(HashBytes(hash));
}
