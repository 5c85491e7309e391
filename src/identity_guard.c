/*
 * identity_guard.c
 *		Nothing that a person reads stays in the connection.
 *
 * Behind a pooler the next transaction of a connection may be somebody else's.
 * The identity itself ends with the transaction.  Refused here is what would
 * carry rows past that end: cursors WITH HOLD, PREPARE TRANSACTION, temporary
 * tables that are kept, and writing to one that was there before.
 *
 * The library may be loaded by act_as() itself, in the middle of a transaction.
 * What was made before is looked for by act_as(); what comes later meets the
 * hooks.  Tables are checked when a statement has ended, because act_as() may
 * have been called by that very statement.
 *
 * Refused, too, is EXPLAIN ANALYZE: it counts the rows that row security hides,
 * and an index on what is hidden finds them one by one.
 */
#include "perfmgmt.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "commands/defrem.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parsetree.h"
#include "tcop/dest.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/timestamp.h"

/* When the statement began that loaded the library; 0: none did. */
static TimestampTz loading_statement = 0;

static ProcessUtility_hook_type previous_ProcessUtility = NULL;
static ExecutorFinish_hook_type previous_ExecutorFinish = NULL;

/*
 * A superuser's own connection has nothing to keep from itself, and test
 * frameworks count in temporary tables.
 */
static bool
IsGuarded(void)
{
	return !superuser_arg(GetSessionUserId());
}

static bool
IsOfThisTransaction(Oid relid)
{
	Relation	rel = RelationIdGetRelation(relid);
	bool		is_new = RelationIsValid(rel) && rel->rd_createSubid != InvalidSubTransactionId;

	if (RelationIsValid(rel))
		RelationClose(rel);
	return is_new;
}

/*
 * act_as() and what waits for it: a cursor WITH HOLD opened before would be
 * filled with this person's rows at commit, a temporary table made earlier in
 * this transaction could be filled, and need not go at commit.
 */
static void
CheckNoHoldableCursor(void)
{
	if (SPI_execute("SELECT FROM pg_catalog.pg_cursors WHERE is_holdable", true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read pg_cursors");
	if (SPI_processed > 0)
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_IDENTITY_REFUSED),
				 errmsg("act_as() is refused while a cursor WITH HOLD is open"),
				 errdetail("The cursor would outlive the identity."),
				 errhint("Close the cursor first.")));
}

static void
CheckNoNewTemporaryTable(void)
{
	uint64		i;

	if (!(MyXactFlags & XACT_FLAGS_ACCESSEDTEMPNAMESPACE) || !IsGuarded())
		return;
	/* not read-only: sees what the statement under way made */
	if (SPI_execute("SELECT oid FROM pg_catalog.pg_class WHERE relnamespace = pg_catalog.pg_my_temp_schema() AND relkind IN ('r', 'p')",
					false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read pg_class");
	for (i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		oid = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);

		if (IsOfThisTransaction(DatumGetObjectId(oid)))
			ereport(ERROR,
					(errcode(ERRCODE_PERFMGMT_IDENTITY_REFUSED),
					 errmsg("act_as() is refused in a transaction that made a temporary table before"),
					 errdetail("The table could take rows of this person past the end of the transaction."),
					 errhint("Call act_as() first, then make the table ON COMMIT DROP.")));
	}
}

void
CheckNothingWaits(void)
{
	SPI_connect();
	CheckNoHoldableCursor();
	CheckNoNewTemporaryTable();
	SPI_finish();
}

/*
 * Whoever may read records under row security, by whatever way.
 */
static bool
ReadsUnderRowSecurity(void)
{
	static const char *const roles[] = {"perfmgmt_employee", "perfmgmt_leader", "perfmgmt_hr",
	"perfmgmt_auditor", "perfmgmt_app"};

	if (!IsGuarded() || has_bypassrls_privilege(GetSessionUserId()))
		return false;
	for (int i = 0; i < lengthof(roles); i++)
	{
		Oid			role = get_role_oid(roles[i], true);

		if (OidIsValid(role) && is_member_of_role(GetSessionUserId(), role))
			return true;
	}
	return false;
}

static void
CheckNotCounted(void)
{
	if (ReadsUnderRowSecurity())
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_IDENTITY_REFUSED),
				 errmsg("EXPLAIN ANALYZE is refused under row security"),
				 errdetail("It counts rows that are hidden."),
				 errhint("Use EXPLAIN without ANALYZE, or the login of an administrator.")));
}

static bool
IsExplainAnalyze(Node *statement)
{
	bool		analyze = false;
	ListCell   *cell;

	if (!IsA(statement, ExplainStmt))
		return false;
	foreach(cell, ((ExplainStmt *) statement)->options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, "analyze") == 0)
			analyze = defGetBoolean(option);
	}
	return analyze;
}

/*
 * The statement that loaded the library began before the hooks were there.  If
 * it is an EXPLAIN ANALYZE it measures, and its rows go nowhere.  (Others may
 * be measured, too, by auto_explain; theirs go to somebody, or were kept for a
 * cursor WITH HOLD, which has no receiver any more.)
 */
static bool
IsLateExplainAnalyze(QueryDesc *queryDesc)
{
	CommandDest dest = queryDesc->dest ? queryDesc->dest->mydest : DestTuplestore;

	return queryDesc->instrument_options != 0 && !IsParallelWorker() &&
		loading_statement == GetCurrentStatementStartTimestamp() &&
		(dest == DestNone || dest == DestIntoRel
#if PG_VERSION_NUM >= 170000
		 || dest == DestExplainSerialize
#endif
		);
}

/*
 * A temporary table that was there before this transaction stays after it.  One
 * of this transaction is dropped at commit: another kind cannot be made.
 */
static void
CheckNotKept(Oid relid)
{
	if (OidIsValid(relid) && IsGuarded() && get_rel_persistence(relid) == RELPERSISTENCE_TEMP &&
		!IsOfThisTransaction(relid))
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_IDENTITY_REFUSED),
				 errmsg("writing to temporary table \"%s\" is refused while an identity is set",
						get_rel_name(relid)),
				 errdetail("It was made before this transaction: it would outlive the identity and reach the next user of this connection."),
				 errhint("Make the table after act_as(), ON COMMIT DROP.")));
}

static void
FinishGuarded(QueryDesc *queryDesc)
{
	PlannedStmt *plan = queryDesc->plannedstmt;
	ListCell   *cell;

	if (plan->resultRelations != NIL && TransactionActed())
		foreach(cell, plan->resultRelations)
			CheckNotKept(rt_fetch(lfirst_int(cell), plan->rtable)->relid);
	if (IsLateExplainAnalyze(queryDesc))
		CheckNotCounted();
	if (previous_ExecutorFinish)
		previous_ExecutorFinish(queryDesc);
	else
		standard_ExecutorFinish(queryDesc);
}

/*
 * Would this statement make its table in the temporary schema?  By the keyword,
 * by the name of the schema, or by a search_path that begins with it.
 */
static bool
IsTemporary(const RangeVar *relation)
{
	return relation->relpersistence == RELPERSISTENCE_TEMP ||
		isTempNamespace(RangeVarGetCreationNamespace(relation));
}

/*
 * What would carry a person's rows past the end of the transaction.
 */
static const char *
OutlivesIdentity(Node *statement)
{
	const char *table = "a temporary table that is kept at commit";

	switch (nodeTag(statement))
	{
		case T_DeclareCursorStmt:
			return (((DeclareCursorStmt *) statement)->options & CURSOR_OPT_HOLD) ?
				"DECLARE CURSOR WITH HOLD" : NULL;
		case T_TransactionStmt:
			return ((TransactionStmt *) statement)->kind == TRANS_STMT_PREPARE ?
				"PREPARE TRANSACTION" : NULL;
		case T_CreateStmt:
			{
				CreateStmt *create = (CreateStmt *) statement;

				return create->oncommit != ONCOMMIT_DROP && IsTemporary(create->relation) ? table : NULL;
			}
		case T_CreateTableAsStmt:
			{
				IntoClause *into = ((CreateTableAsStmt *) statement)->into;

				return into->onCommit != ONCOMMIT_DROP && IsTemporary(into->rel) ? table : NULL;
			}
		case T_ExplainStmt:		/* with ANALYZE it makes the table */
			{
				Query	   *explained = castNode(Query, ((ExplainStmt *) statement)->query);

				return explained->commandType == CMD_UTILITY ?
					OutlivesIdentity(explained->utilityStmt) : NULL;
			}
		default:
			return NULL;
	}
}

static void
CheckNotOutlived(Node *statement)
{
	const char *what = OutlivesIdentity(statement);

	if (what != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_PERFMGMT_IDENTITY_REFUSED),
				 errmsg("%s is refused while an identity is set", what),
				 errdetail("It would outlive the identity and reach the next user of this connection."),
				 errhint("Use a plain cursor, or a temporary table ON COMMIT DROP.")));
}

/* Commands that write into a table past the executor */
static void
CheckTargetNotKept(Node *statement)
{
	RangeVar   *target = NULL;

	if (IsA(statement, CopyStmt) && ((CopyStmt *) statement)->is_from)
		target = ((CopyStmt *) statement)->relation;
	else if (IsA(statement, AlterTableStmt))
		target = ((AlterTableStmt *) statement)->relation;
	if (target != NULL)
		CheckNotKept(RangeVarGetRelid(target, NoLock, true));
}

static void
RefuseWhatOutlivesIdentity(PlannedStmt *pstmt, const char *queryString,
						   bool readOnlyTree, ProcessUtilityContext context,
						   ParamListInfo params, QueryEnvironment *queryEnv,
						   DestReceiver *dest, QueryCompletion *qc)
{
	if (IsExplainAnalyze(pstmt->utilityStmt))
		CheckNotCounted();
	if (TransactionActed())
	{
		CheckNotOutlived(pstmt->utilityStmt);
		CheckTargetNotKept(pstmt->utilityStmt);
	}
	if (previous_ProcessUtility)
		previous_ProcessUtility(pstmt, queryString, readOnlyTree, context,
								params, queryEnv, dest, qc);
	else
		standard_ProcessUtility(pstmt, queryString, readOnlyTree, context,
								params, queryEnv, dest, qc);
}

void
IdentityGuardInit(void)
{
	if (IsTransactionState())
		loading_statement = GetCurrentStatementStartTimestamp();
	previous_ProcessUtility = ProcessUtility_hook;
	ProcessUtility_hook = RefuseWhatOutlivesIdentity;
	previous_ExecutorFinish = ExecutorFinish_hook;
	ExecutorFinish_hook = FinishGuarded;
}
