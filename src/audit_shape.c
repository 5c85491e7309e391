/*
 * audit_shape.c
 *		What of a table the ledger captures, and where the ledger is.
 *
 * Looking both up in the catalog takes as long as to write an entry, so they are
 * kept for the session, until an invalidation says that the table, a table it is
 * a partition of, or a schema may be another one.  A table with a column of a
 * type that only its send function can write is looked up each time: what such
 * a function keeps is its own affair.
 */
#include "perfmgmt.h"

#include "audit.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#define RECORDS_SCHEMA "perf"
#define SUBJECT_COLUMN "employee_id"

/*
 * Kept from the assignments, which are captured themselves: one manager who
 * moves rewrites it in tens of thousands of rows, and none of them is an event.
 */
#define DERIVED_COLUMN "manager_chain"

typedef struct KeptShape
{
	Oid			relid;
	bool		valid;
	AuditShape *shape;			/* NULL: none yet */
} KeptShape;

static HTAB *kept_shapes = NULL;

static AuditPlace place;
static bool place_valid = false;
static uint64 invalidations = 0;

/*
 * Invalidation.  Only marks: what is marked may be in use.
 */
static void
ForgetRelation(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS all;
	KeptShape  *kept;

	invalidations++;
	if (!OidIsValid(relid) || relid == place.entry_table || relid == place.head_table)
		place_valid = false;
	hash_seq_init(&all, kept_shapes);
	while ((kept = hash_seq_search(&all)) != NULL)
		if (!OidIsValid(relid) || kept->relid == relid ||
			(kept->shape && list_member_oid(kept->shape->ancestors, relid)))
			kept->valid = false;
}

static void
ForgetAll(Datum arg, int cache, uint32 hash)
{
	ForgetRelation(arg, InvalidOid);
}

static void
BeginKeeping(void)
{
	HASHCTL		control = {.keysize = sizeof(Oid), .entrysize = sizeof(KeptShape)};

	if (kept_shapes != NULL)
		return;
	kept_shapes = hash_create("audit shapes", 64, &control, HASH_ELEM | HASH_BLOBS);
	CacheRegisterRelcacheCallback(ForgetRelation, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, ForgetAll, (Datum) 0);
}

/*
 * Where the ledger is.
 */
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

const AuditPlace *
AuditPlaceOf(void)
{
	BeginKeeping();
	while (!place_valid)
	{
		uint64		seen = invalidations;

		place.entry_table = AuditRelationOid("audit_entry");
		place.head_table = AuditRelationOid("audit_head");
		place.schema = get_rel_namespace(place.entry_table);
		place_valid = seen == invalidations;
	}
	return &place;
}

/*
 * Shapes.
 */
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
ChooseColumns(AuditShape *shape, TupleDesc desc)
{
	int			i;

	shape->content = palloc(sizeof(AuditColumn) * Max(desc->natts, 1));
	shape->author = palloc(sizeof(AuditColumn) * Max(desc->natts, 1));
	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (attribute->attisdropped ||
			strcmp(NameStr(attribute->attname), DERIVED_COLUMN) == 0)
			continue;
		if (strcmp(NameStr(attribute->attname), SUBJECT_COLUMN) == 0 &&
			getBaseType(attribute->atttypid) == INT4OID)
			shape->subject_column = attribute->attnum;
		if (IsAmong(NameStr(attribute->attname), shape->authors, shape->authors_count))
			AuditColumnInit(&shape->author[shape->author_count++], attribute);
		else
			AuditColumnInit(&shape->content[shape->content_count++], attribute);
	}
}

/* As entries name the table: a partition goes by the name of the whole. */
static void
NameTable(AuditShape *shape, Relation rel)
{
	Oid			relid = RelationGetRelid(rel);

	if (rel->rd_rel->relispartition)
	{
		shape->ancestors = get_partition_ancestors(relid);
		relid = llast_oid(shape->ancestors);
	}
	shape->table_name = cstring_to_text(psprintf("%s.%s", get_namespace_name(get_rel_namespace(relid)),
												 get_rel_name(relid)));
}

static AuditShape *
MakeShape(Relation rel, char **authors, int authors_count)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "audit shape", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	AuditShape *shape = palloc0(sizeof(AuditShape));
	int			i;

	shape->context = context;
	shape->authors = palloc(sizeof(char *) * Max(authors_count, 1));
	for (i = 0; i < authors_count; i++)
		shape->authors[i] = pstrdup(authors[i]);
	shape->authors_count = authors_count;
	ChooseColumns(shape, RelationGetDescr(rel));
	NameTable(shape, rel);
	MemoryContextSwitchTo(old);
	return shape;
}

/* the triggers of a table need not name the same */
static bool
HasAuthors(const AuditShape *shape, char **authors, int count)
{
	int			i;

	if (shape->authors_count != count)
		return false;
	for (i = 0; i < count; i++)
		if (strcmp(shape->authors[i], authors[i]) != 0)
			return false;
	return true;
}

static bool
CanBeKept(const AuditShape *shape)
{
	int			i;

	for (i = 0; i < shape->content_count; i++)
		if (AuditTypeIsSent(&shape->content[i].type))
			return false;
	for (i = 0; i < shape->author_count; i++)
		if (AuditTypeIsSent(&shape->author[i].type))
			return false;
	return true;
}

/*
 * The shape of a table that the caller has locked, good until the end of the
 * statement.  "authors" names the columns that tell an author.
 */
const AuditShape *
AuditShapeOf(Relation rel, char **authors, int authors_count)
{
	Oid			relid = RelationGetRelid(rel);
	KeptShape  *kept;
	AuditShape *shape;
	bool		found;

	BeginKeeping();
	kept = hash_search(kept_shapes, &relid, HASH_ENTER, &found);
	if (!found)
		kept->shape = NULL;
	if (kept->shape && kept->valid && HasAuthors(kept->shape, authors, authors_count))
		return kept->shape;

	if (kept->shape)			/* somebody may still use it */
		MemoryContextSetParent(kept->shape->context, TopTransactionContext);
	kept->shape = NULL;
	kept->valid = true;			/* unless an invalidation comes meanwhile */
	shape = MakeShape(rel, authors, authors_count);
	kept = hash_search(kept_shapes, &relid, HASH_FIND, NULL);
	if (kept->valid && kept->shape == NULL && CanBeKept(shape))
	{
		MemoryContextSetParent(shape->context, CacheMemoryContext);
		kept->shape = shape;
	}
	return shape;
}
