/*
 * identity.c
 *		Who is asking.
 *
 * The identity lives in the GUC perfmgmt.actor_id and nowhere else, because a
 * GUC is what PostgreSQL copies to parallel workers and takes back with a
 * savepoint; a static variable does neither and gave wrong rows in parallel
 * plans.  Its check hook refuses every writer but act_as() and the start of a
 * parallel worker.
 *
 * The value is "<employee_id>;,<appointment>,...;<session_id>,...;<manager_id>,...".
 * act_as() resolves appointments, calibration sessions and the line of managers
 * once, so that the functions in policies look nothing up; the show hook tells
 * the employee_id alone.  Without act_as() the session user's row in perf.login
 * gives the same, resolved once a transaction.
 *
 * Look-ups go past row-level security on purpose: they answer "who am I" and
 * nothing else.
 */
#include "perfmgmt.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/parallel.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rangetypes.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#define APP_ROLE "perfmgmt_app"
#define RECORDS_SCHEMA "perf"

/*
 * What the value of the GUC says, parsed.  One flat chunk, because guc.c frees
 * it with a single call.
 */
typedef struct Actor
{
	int32		employee_id;	/* 0: nobody */
	int			session_count;
	int			manager_count;
	int			appointments;	/* offset of ",hr,auditor,", behind ids[] */
	int32		ids[FLEXIBLE_ARRAY_MEMBER]; /* sessions, then managers */
} Actor;

#define ActorSessions(actor) ((actor)->ids)
#define ActorManagers(actor) ((actor)->ids + (actor)->session_count)
#define ActorAppointments(actor) ((const char *) (actor) + (actor)->appointments)

static char *actor_value = NULL;
static const Actor *acting = NULL;	/* parsed actor_value, or NULL */
static bool writing_actor = false;	/* act_as() is at work */

/* The first person of this transaction; a second one is refused. */
static int32 first_actor = 0;
static LocalTransactionId first_actor_lxid = InvalidLocalTransactionId;

/* What perf.login says of the session user, once a transaction. */
static Actor *login_actor = NULL;
static Oid	login_actor_user = InvalidOid;
static LocalTransactionId login_actor_lxid = InvalidLocalTransactionId;

PG_FUNCTION_INFO_V1(perfmgmt_act_as);
PG_FUNCTION_INFO_V1(perfmgmt_actor_id);
PG_FUNCTION_INFO_V1(perfmgmt_actor_sessions);
PG_FUNCTION_INFO_V1(perfmgmt_actor_managers);
PG_FUNCTION_INFO_V1(perfmgmt_has_appointment);
PG_FUNCTION_INFO_V1(perfmgmt_require_appointment);

/*
 * Reads "1,2,3," up to a semicolon or the end; each id is followed by a comma.
 * Without room for them, only counts.
 */
static int
ParseIds(const char *p, int32 *ids)
{
	const char *end;
	int			count = 0;

	for (; (end = strpbrk(p, ",;")) != NULL && *end == ','; p = end + 1)
	{
		if (ids)
			ids[count] = (int32) strtol(p, NULL, 10);
		count++;
	}
	return count;
}

/* The part behind the next semicolon, NULL when there is none */
static const char *
NextPart(const char *part)
{
	const char *semicolon = part ? strchr(part, ';') : NULL;

	return semicolon ? semicolon + 1 : NULL;
}

/*
 * NULL without memory, or for a value that act_as() did not write: a parallel
 * worker may be handed one that was planted before the library was loaded.
 */
static Actor *
ParseActor(const char *value, void *(*allocate) (Size))
{
	const char *appointments = NextPart(value);
	const char *sessions = NextPart(appointments);
	const char *managers = NextPart(sessions);
	int			session_count;
	int			manager_count;
	Size		length;
	Size		head;
	Actor	   *actor;

	if (managers == NULL)
		return NULL;
	session_count = ParseIds(sessions, NULL);
	manager_count = ParseIds(managers, NULL);
	length = sessions - appointments - 1;
	head = offsetof(Actor, ids) + sizeof(int32) * (session_count + manager_count);
	actor = allocate(head + length + 1);
	if (actor == NULL)
		return NULL;
	actor->employee_id = (int32) strtol(value, NULL, 10);
	actor->session_count = session_count;
	actor->manager_count = manager_count;
	actor->appointments = head;
	ParseIds(sessions, ActorSessions(actor));
	ParseIds(managers, ActorManagers(actor));
	memcpy((char *) actor + head, appointments, length);
	((char *) actor + head)[length] = '\0';
	return actor;
}

static void *
AllocateForGuc(Size size)
{
	return guc_malloc(LOG, size);
}

static void *
AllocateForTransaction(Size size)
{
	return MemoryContextAlloc(TopTransactionContext, size);
}

/*
 * Nobody writes the identity but act_as(), and a parallel worker that gets its
 * leader's.  An empty value is always allowed: it sees nothing.
 */
static bool
CheckActorValue(char **newval, void **extra, GucSource source)
{
	if (*newval == NULL || **newval == '\0')
		return true;

	if (!writing_actor && !InitializingParallelWorker)
	{
		GUC_check_errcode(ERRCODE_PERFMGMT_IDENTITY_REFUSED);
		GUC_check_errmsg("parameter \"perfmgmt.actor_id\" cannot be set directly");
		GUC_check_errhint("Call perfmgmt.act_as(employee_id) inside a transaction block.");
		return false;
	}
	*extra = ParseActor(*newval, AllocateForGuc);
	return *extra != NULL;
}

static void
AssignActorValue(const char *newval, void *extra)
{
	acting = (const Actor *) extra;
}

/* SHOW tells the employee_id alone */
static const char *
ShowActorValue(void)
{
	static char shown[12];

	if (acting == NULL)
		return "";
	snprintf(shown, sizeof(shown), "%d", acting->employee_id);
	return shown;
}

/*
 * Rows of a table of ours whose column "key" equals an int4 or name value, past
 * row-level security, by an index on that column.
 */
typedef void (*RowCallback) (HeapTuple tuple, TupleDesc desc, void *arg);

static bool
IsIndexOn(Oid indexid, AttrNumber column)
{
	HeapTuple	index = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(indexid));
	HeapTuple	relation = SearchSysCache1(RELOID, ObjectIdGetDatum(indexid));
	Form_pg_index form;
	bool		fits;

	if (!HeapTupleIsValid(index) || !HeapTupleIsValid(relation))
		elog(ERROR, "cache lookup failed for index %u", indexid);
	form = (Form_pg_index) GETSTRUCT(index);
	fits = form->indisvalid && form->indkey.values[0] == column &&
		heap_attisnull(index, Anum_pg_index_indpred, NULL) &&
		((Form_pg_class) GETSTRUCT(relation))->relam == BTREE_AM_OID;
	ReleaseSysCache(index);
	ReleaseSysCache(relation);
	return fits;
}

static Oid
IndexOnColumn(Relation rel, AttrNumber column)
{
	List	   *indexes = RelationGetIndexList(rel);
	Oid			found = InvalidOid;
	ListCell   *cell;

	foreach(cell, indexes)
	{
		if (!OidIsValid(found) && IsIndexOn(lfirst_oid(cell), column))
			found = lfirst_oid(cell);
	}
	list_free(indexes);
	return found;
}

static void
ForEachRow(const char *table, const char *key, RegProcedure equals, Datum value,
		   RowCallback callback, void *arg)
{
	Oid			schema = get_namespace_oid(RECORDS_SCHEMA, true);
	Oid			relid = OidIsValid(schema) ? get_relname_relid(table, schema) : InvalidOid;
	AttrNumber	column;
	Relation	rel;
	Oid			index;
	ScanKeyData scankey;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (!OidIsValid(relid))
		return;					/* install() has not run: nobody is known */
	rel = table_open(relid, AccessShareLock);
	column = get_attnum(relid, key);
	index = IndexOnColumn(rel, column);
	ScanKeyInit(&scankey, column, BTEqualStrategyNumber, equals, value);
	scan = systable_beginscan(rel, index, OidIsValid(index), GetActiveSnapshot(),
							  1, &scankey);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		callback(tuple, RelationGetDescr(rel), arg);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

static Datum
ColumnOf(HeapTuple tuple, TupleDesc desc, const char *name, bool *isnull)
{
	int			i;

	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (!attribute->attisdropped && strcmp(NameStr(attribute->attname), name) == 0)
			return heap_getattr(tuple, i + 1, desc, isnull);
	}
	*isnull = true;
	return (Datum) 0;
}

static DateADT
Today(void)
{
	return DatumGetDateADT(DirectFunctionCall1(timestamptz_date,
											   TimestampTzGetDatum(GetCurrentTransactionStartTimestamp())));
}

static bool
InForceToday(Datum range)
{
	TypeCacheEntry *type = lookup_type_cache(DATERANGEOID, TYPECACHE_RANGE_INFO);

	return range_contains_elem_internal(type, DatumGetRangeTypeP(range),
										DateADTGetDatum(Today()));
}

static void
AppendAppointment(HeapTuple tuple, TupleDesc desc, void *arg)
{
	StringInfo	value = (StringInfo) arg;
	bool		no_kind;
	bool		no_range;
	Datum		kind = ColumnOf(tuple, desc, "appointment_kind", &no_kind);
	Datum		range = ColumnOf(tuple, desc, "valid_during", &no_range);

	if (!no_kind && !no_range && InForceToday(range))
		appendStringInfo(value, "%s,", TextDatumGetCString(kind));
}

/*
 * The sessions a person sits in, those of who delegated to the person, and all
 * below: the participants of a session see the union of its tree.  Appends to a
 * list, which then is walked while it grows.
 */
static void
CollectSession(HeapTuple tuple, TupleDesc desc, void *arg)
{
	List	  **sessions = (List **) arg;
	bool		isnull;
	Datum		session = ColumnOf(tuple, desc, "calibration_session_id", &isnull);

	if (!isnull)
		*sessions = list_append_unique_int(*sessions, DatumGetInt32(session));
}

static void
CollectPrincipal(HeapTuple tuple, TupleDesc desc, void *arg)
{
	bool		no_principal;
	bool		no_scope;
	bool		no_range;
	Datum		principal = ColumnOf(tuple, desc, "principal_id", &no_principal);
	Datum		scope = ColumnOf(tuple, desc, "scope", &no_scope);
	Datum		range = ColumnOf(tuple, desc, "valid_during", &no_range);

	if (!no_principal && !no_scope && !no_range && InForceToday(range) &&
		strcmp(TextDatumGetCString(scope), "calibration") == 0)
		*(List **) arg = lappend_int(*(List **) arg, DatumGetInt32(principal));
}

/* Whether somebody may act for this principal today, in whatever scope. */
typedef struct WantedDelegation
{
	int32		principal;
	bool		found;
} WantedDelegation;

static void
NoteDelegation(HeapTuple tuple, TupleDesc desc, void *arg)
{
	WantedDelegation *wanted = (WantedDelegation *) arg;
	bool		no_principal;
	bool		no_range;
	Datum		principal = ColumnOf(tuple, desc, "principal_id", &no_principal);
	Datum		range = ColumnOf(tuple, desc, "valid_during", &no_range);

	if (!no_principal && !no_range && DatumGetInt32(principal) == wanted->principal && InForceToday(range))
		wanted->found = true;
}

bool
HasDelegationOf(int32 delegate, int32 principal)
{
	WantedDelegation wanted = {principal, false};

	if (delegate != 0)
		ForEachRow("delegation", "delegate_id", F_INT4EQ, Int32GetDatum(delegate),
				   NoteDelegation, &wanted);
	return wanted.found;
}

static void
AppendSessions(StringInfo value, int32 employee_id)
{
	List	   *people = list_make1_int(employee_id);
	List	   *sessions = NIL;
	ListCell   *cell;
	int			i;

	ForEachRow("delegation", "delegate_id", F_INT4EQ, Int32GetDatum(employee_id),
			   CollectPrincipal, &people);
	foreach(cell, people)
		ForEachRow("session_participant", "employee_id", F_INT4EQ, Int32GetDatum(lfirst_int(cell)),
				   CollectSession, &sessions);
	for (i = 0; i < list_length(sessions); i++)
	{
		int32		session = list_nth_int(sessions, i);

		appendStringInfo(value, "%d,", session);
		ForEachRow("calibration_session", "parent_session_id", F_INT4EQ, Int32GetDatum(session),
				   CollectSession, &sessions);
	}
}

static void
AppendManagers(HeapTuple tuple, TupleDesc desc, void *arg)
{
	bool		isnull;
	Datum		chain = ColumnOf(tuple, desc, "manager_chain", &isnull);
	Datum	   *managers;
	int			count;
	int			i;

	if (isnull)
		return;
	deconstruct_array(DatumGetArrayTypeP(chain), INT4OID, sizeof(int32), true,
					  TYPALIGN_INT, &managers, NULL, &count);
	for (i = 0; i < count; i++)
		appendStringInfo((StringInfo) arg, "%d,", DatumGetInt32(managers[i]));
}

static char *
ActorValueOf(int32 employee_id)
{
	StringInfoData value;

	initStringInfo(&value);
	appendStringInfo(&value, "%d;,", employee_id);
	ForEachRow("appointment", "employee_id", F_INT4EQ, Int32GetDatum(employee_id),
			   AppendAppointment, &value);
	appendStringInfoChar(&value, ';');
	AppendSessions(&value, employee_id);
	appendStringInfoChar(&value, ';');
	ForEachRow("employee", "employee_id", F_INT4EQ, Int32GetDatum(employee_id),
			   AppendManagers, &value);
	return value.data;
}

/*
 * A person who left acts no more; one who never was, neither.
 */
static void
NoteEmployed(HeapTuple tuple, TupleDesc desc, void *arg)
{
	bool		isnull;
	Datum		left_on = ColumnOf(tuple, desc, "left_on", &isnull);

	*(bool *) arg = isnull || DatumGetDateADT(left_on) > Today();
}

static bool
IsEmployed(int32 employee_id)
{
	bool		employed = false;

	ForEachRow("employee", "employee_id", F_INT4EQ, Int32GetDatum(employee_id),
			   NoteEmployed, &employed);
	return employed;
}

static void
NoteLogin(HeapTuple tuple, TupleDesc desc, void *arg)
{
	bool		isnull;
	Datum		employee_id = ColumnOf(tuple, desc, "employee_id", &isnull);

	if (!isnull)
		*(int32 *) arg = DatumGetInt32(employee_id);
}

/*
 * The employee mapped to the session user.  Resolved once a transaction; the
 * memory goes with the transaction, so only the key is reset.
 */
static const Actor *
LoginActor(void)
{
	Oid			user = GetSessionUserId();
	int32		employee_id = 0;
	NameData	name;

	if (login_actor_lxid == MyLocalTransactionId() && login_actor_user == user)
		return login_actor;

	namestrcpy(&name, GetUserNameFromId(user, false));
	ForEachRow("login", "role_name", F_NAMEEQ, NameGetDatum(&name),
			   NoteLogin, &employee_id);
	login_actor = NULL;
	if (employee_id != 0 && IsEmployed(employee_id))
		login_actor = ParseActor(ActorValueOf(employee_id), AllocateForTransaction);
	login_actor_user = user;
	login_actor_lxid = MyLocalTransactionId();
	return login_actor;
}

static const Actor *
CurrentActor(void)
{
	return acting ? acting : LoginActor();
}

int32
CurrentActorId(void)
{
	const Actor *actor = CurrentActor();

	return actor ? actor->employee_id : 0;
}

/*
 * act_as: who may, where, and whom.
 */
static void
CheckMayActAs(int32 employee_id)
{
	if (!is_member_of_role(GetSessionUserId(), get_role_oid(APP_ROLE, false)))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to act as an employee"),
				 errdetail("Only a session user that is a member of role \"%s\" may act as somebody.", APP_ROLE),
				 errhint("Grant \"%s\" to the application's login role, or map your own login in perf.login.", APP_ROLE)));
	if (!IsTransactionBlock())
		ereport(ERROR,
				(errcode(ERRCODE_NO_ACTIVE_SQL_TRANSACTION),
				 errmsg("act_as() needs a transaction block"),
				 errdetail("The identity ends with the transaction, so that it would end with this statement."),
				 errhint("BEGIN first, then act_as(), SET LOCAL ROLE and the statements of this person, then COMMIT.")));
	if (first_actor_lxid == MyLocalTransactionId() && first_actor != employee_id)
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_IDENTITY_REFUSED),
				 errmsg("this transaction already acts as somebody else"),
				 errhint("End the transaction and begin another one for the other person.")));
	if (!IsEmployed(employee_id))
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_IDENTITY_REFUSED),
				 errmsg("nobody can act as employee %d", employee_id),
				 errdetail("There is no such employee, or the employee left.")));
}

Datum
perfmgmt_act_as(PG_FUNCTION_ARGS)
{
	int32		employee_id = PG_GETARG_INT32(0);
	char	   *value;

	CheckMayActAs(employee_id);
	CheckNothingWaits();
	value = ActorValueOf(employee_id);

	writing_actor = true;
	PG_TRY();
	{
		(void) set_config_option("perfmgmt.actor_id", value,
								 PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_LOCAL, true, ERROR, false);
	}
	PG_FINALLY();
	{
		writing_actor = false;
	}
	PG_END_TRY();

	first_actor = employee_id;
	first_actor_lxid = MyLocalTransactionId();
	PG_RETURN_VOID();
}

Datum
perfmgmt_actor_id(PG_FUNCTION_ARGS)
{
	const Actor *actor = CurrentActor();

	if (actor == NULL)
		PG_RETURN_NULL();
	PG_RETURN_INT32(actor->employee_id);
}

static Datum
IdArray(const int32 *ids, int count)
{
	Datum	   *values = palloc(sizeof(Datum) * Max(count, 1));
	int			i;

	for (i = 0; i < count; i++)
		values[i] = Int32GetDatum(ids[i]);
	return PointerGetDatum(construct_array(values, count, INT4OID, sizeof(int32),
										   true, TYPALIGN_INT));
}

Datum
perfmgmt_actor_sessions(PG_FUNCTION_ARGS)
{
	const Actor *actor = CurrentActor();

	if (actor == NULL)
		PG_RETURN_NULL();
	return IdArray(ActorSessions(actor), actor->session_count);
}

Datum
perfmgmt_actor_managers(PG_FUNCTION_ARGS)
{
	const Actor *actor = CurrentActor();

	if (actor == NULL)
		PG_RETURN_NULL();
	return IdArray(ActorManagers(actor), actor->manager_count);
}

static bool
ActorHasAppointment(const Actor *actor, const char *kind)
{
	Size		length = strlen(kind);
	const char *found;

	if (actor == NULL || length == 0 || strchr(kind, ',') != NULL)
		return false;
	/* whole words only: each stands between two commas */
	for (found = ActorAppointments(actor); (found = strstr(found, kind)) != NULL; found++)
		if (found[-1] == ',' && found[length] == ',')
			return true;
	return false;
}

bool
CurrentActorHolds(const char *kind)
{
	return ActorHasAppointment(CurrentActor(), kind);
}

Datum
perfmgmt_has_appointment(PG_FUNCTION_ARGS)
{
	char	   *kind = text_to_cstring(PG_GETARG_TEXT_PP(0));

	PG_RETURN_BOOL(ActorHasAppointment(CurrentActor(), kind));
}

/*
 * Whether the session user owns the records: who ran install(), or a member of
 * that role, or a superuser.
 */
static bool
SessionOwnsRecords(void)
{
	Oid			schema = get_namespace_oid(RECORDS_SCHEMA, true);

	return OidIsValid(schema) && NamespaceOwnerCheck(schema, GetSessionUserId());
}

/*
 * The gate of the privileged functions: the actor's id when the appointment is
 * in force; 0 for the owner of the records, where the function allows that.
 */
int32
RequireAppointment(const char *kind, bool owner_may)
{
	const Actor *actor = CurrentActor();

	if (ActorHasAppointment(actor, kind))
		return actor->employee_id;
	if (!owner_may || actor != NULL || !SessionOwnsRecords())
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_NOT_APPOINTED),
				 errmsg("this needs a named person with the appointment \"%s\" in force", kind),
				 errhint("Call perfmgmt.act_as() for such a person first; perf.appoint() makes appointments.")));
	return 0;
}

Datum
perfmgmt_require_appointment(PG_FUNCTION_ARGS)
{
	char	   *kind = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int32		actor = RequireAppointment(kind, PG_GETARG_BOOL(1));

	if (actor == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(actor);
}

/*
 * Has this transaction acted?  An identity put aside with RESET, or by a
 * function, may come back.
 */
bool
TransactionActed(void)
{
	return acting || first_actor_lxid == MyLocalTransactionId();
}

void
IdentityInit(void)
{
	DefineCustomStringVariable("perfmgmt.actor_id",
							   "The employee on whose behalf this transaction runs.",
							   "Written by perfmgmt.act_as() only; empty sees nothing.",
							   &actor_value,
							   "",
							   PGC_USERSET,
							   GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE,
							   CheckActorValue, AssignActorValue, ShowActorValue);
	/* no placeholder in our name can be planted afterwards */
	MarkGUCPrefixReserved("perfmgmt");
}
