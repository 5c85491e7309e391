/*
 * audit.h
 *		What the files of the ledger share: hashing, the canonical encoding,
 *		the shape of an entry.  doc/audit.md describes the bytes.
 */
#ifndef AUDIT_H
#define AUDIT_H

#include "common/cryptohash.h"
#include "common/sha2.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "storage/itemptr.h"
#include "utils/relcache.h"
#include "utils/typcache.h"

#define AUDIT_VERSION 1
#define AUDIT_HASH_LENGTH PG_SHA256_DIGEST_LENGTH
#define AUDIT_SALT_LENGTH 16

/* The first byte of everything hashed, so that nothing stands for another. */
#define AUDIT_HASH_LEAF 0x00	/* of a Merkle tree, RFC 6962 */
#define AUDIT_HASH_NODE 0x01
#define AUDIT_HASH_CONTENT 0x02
#define AUDIT_HASH_AUTHORSHIP 0x03
#define AUDIT_HASH_ENTRY 0x04
#define AUDIT_HASH_BLOCK 0x05

#ifdef USE_OPENSSL
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/opensslv.h>
#include <openssl/sha.h>
#ifndef OPENSSL_NO_DEPRECATED_3_0
#define AUDIT_OPENSSL
#endif
#endif

/*
 * SHA-256.  One context serves many hashes, one after the other, but never
 * outlives the call that opened it.
 */
typedef struct Sha256
{
#ifdef AUDIT_OPENSSL
	SHA256_CTX	context;
#else
	pg_cryptohash_ctx *context;
#endif
} Sha256;

extern void Sha256Open(Sha256 *sha);
extern void Sha256Close(Sha256 *sha);

/*
 * A Merkle tree as leaves arrive: the roots of the complete trees so far, the
 * largest first, as the bits of the count say.
 */
typedef struct MerkleTree
{
	int64		count;
	int			allocated;
	uint8	  (*roots)[AUDIT_HASH_LENGTH];
} MerkleTree;

extern void MerkleAdd(MerkleTree *tree, Sha256 *sha, const void *leaf, Size length);
extern void MerkleRoot(const MerkleTree *tree, Sha256 *sha, uint8 *root);

/*
 * The canonical encoding, version 1.
 */
typedef struct AuditType
{
	uint8		tag;
	Oid			typid;			/* without domains */
	int16		typlen;
	bool		typbyval;
	char		typalign;
	struct AuditType *element;	/* of an array or range */
	TypeCacheEntry *range;
	FmgrInfo	send;			/* of other types */
	char	   *name;			/* of other types, in UTF-8 */
} AuditType;

typedef struct AuditColumn
{
	AttrNumber	number;
	uint8		name_length;
	char	   *name;			/* in UTF-8 */
	AuditType	type;
} AuditColumn;

extern void AuditTypeInit(AuditType *type, Oid typid);
extern bool AuditTypeIsSent(const AuditType *type);
extern void AuditColumnInit(AuditColumn *column, Form_pg_attribute attribute);
extern void AuditPutInt16(StringInfo out, int16 value);
extern void AuditPutInt32(StringInfo out, int32 value);
extern void AuditPutInt64(StringInfo out, int64 value);
extern void AuditPutText(StringInfo out, const char *text, int length);
extern void AuditPutValue(StringInfo out, AuditType *type, Datum value, bool isnull);
extern void AuditPutTextValue(StringInfo out, const char *text);
extern void AuditErasedRanges(const void *content, Size length,
							  void (*found) (int64 from, int64 to, void *arg), void *arg);

/*
 * An entry as its hash sees it.
 */
extern void AuditPutHeader(StringInfo out, int32 subject, int64 sequence,
						   const char *table_name, int table_length,
						   const char *operation, int operation_length);
extern void AuditPartDigest(Sha256 *sha, uint8 kind, const void *part, Size length,
							uint8 *digest);
extern void AuditHashEntry(Sha256 *sha, StringInfo scratch, int32 subject, int64 sequence,
						   text *table_name, text *operation,
						   const uint8 *content, const uint8 *authorship,
						   const uint8 *previous, uint8 *hash);

/*
 * What verification keeps of an entry, to sort; audit_links.c.
 */
typedef struct AuditLink
{
	int32		subject;
	int32		flags;
	int64		sequence;
	uint8		prev_hash[AUDIT_HASH_LENGTH];
	uint8		hash[AUDIT_HASH_LENGTH];
} AuditLink;

typedef struct LinkSort LinkSort;

extern LinkSort *LinkSortBegin(void);
extern AuditLink *LinkSortNext(LinkSort *sort);
extern void LinkSortPut(LinkSort *sort);
extern void LinkSortPerform(LinkSort *sort);
extern AuditLink *LinkSortGet(LinkSort *sort);
extern void LinkSortEnd(LinkSort *sort);

/*
 * Columns of the tables of the ledger; new ones only at the end.
 */
enum
{
	ENTRY_SUBJECT, ENTRY_SEQUENCE, ENTRY_TABLE, ENTRY_OPERATION,
	ENTRY_CONTENT, ENTRY_AUTHORSHIP, ENTRY_CONTENT_DIGEST,
	ENTRY_AUTHORSHIP_DIGEST, ENTRY_PREV_HASH, ENTRY_HASH, ENTRY_COLUMNS
};
enum
{
	HEAD_SUBJECT, HEAD_SEQUENCE, HEAD_HASH, HEAD_COLUMNS
};
enum
{
	BLOCK_NUMBER, BLOCK_PREVIOUS_HASH, BLOCK_ENTRIES, BLOCK_HEADS,
	BLOCK_ENTRIES_ROOT, BLOCK_HEADS_ROOT, BLOCK_SEALED_AT, BLOCK_SYSTEM,
	BLOCK_TIMELINE, BLOCK_DATABASE, BLOCK_INCARNATION, BLOCK_HASH, BLOCK_COLUMNS
};
enum
{
	SEALED_BLOCK, SEALED_SUBJECT, SEALED_SEQUENCE, SEALED_HASH, SEALED_COLUMNS
};

/*
 * What of a table is captured, and where the ledger is; audit_shape.c.
 */
typedef struct AuditShape
{
	AttrNumber	subject_column; /* 0: none */
	AuditColumn *content;		/* columns about the subject */
	int			content_count;
	AuditColumn *author;		/* columns that name an author */
	int			author_count;
	text	   *table_name;

	MemoryContext context;
	List	   *ancestors;		/* of a partition */
	char	  **authors;		/* as the caller named them */
	int			authors_count;
} AuditShape;

typedef struct AuditPlace
{
	Oid			schema;			/* of the records */
	Oid			entry_table;
	Oid			head_table;
} AuditPlace;

extern Oid	AuditRelationOid(const char *name);
extern const AuditPlace *AuditPlaceOf(void);
extern const AuditShape *AuditShapeOf(Relation rel, char **authors, int authors_count);

/*
 * The heads of the chains; audit_heads.c.
 */
typedef struct AuditChain
{
	int32		subject;
	bool		is_new;
	int64		sequence;
	uint8		hash[AUDIT_HASH_LENGTH];
	ItemPointerData tid;		/* of the head */
} AuditChain;

typedef struct AuditHeads AuditHeads;

extern Oid	AuditPrimaryKey(Relation rel);
extern AuditHeads *AuditHeadsOpen(Oid table);
extern void AuditHeadsLock(AuditHeads *heads, AuditChain *chain, int32 subject);
extern void AuditHeadsWrite(AuditHeads *heads, AuditChain *chain);
extern bool AuditHeadsRead(AuditHeads *heads, AuditChain *chain, int32 subject);
extern bool AuditHeadsReplace(AuditHeads *heads, AuditChain *chain);
extern void AuditHeadsClose(AuditHeads *heads);

/* audit_access.c */
extern int32 AuditOnBehalfOf(int32 actor);	/* 0: nobody */

/* audit.c */
extern void AuditPutBlock(StringInfo out, const Datum *values);

#endif							/* AUDIT_H */
