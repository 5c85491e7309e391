/*
 * perfmgmt.h
 *		What every domain shares: SQLSTATEs, module start, version differences.
 */
#ifndef PERFMGMT_H
#define PERFMGMT_H

#include "postgres.h"

#include "fmgr.h"

#if PG_VERSION_NUM < 150000
#error "perfmgmt needs PostgreSQL 15 or later"
#endif

/*
 * Version differences, all of them.
 *
 * varatt.h holds the VARDATA family since 16 (commit d952373a987); before, they
 * are in postgres.h.
 */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/*
 * guc.c frees a check hook's extra with guc_free() since 16 (commit 407b50f2d42),
 * with free() before.
 */
#if PG_VERSION_NUM < 160000
#define guc_malloc(elevel, size) malloc(size)
#endif

/*
 * PGPROC's local transaction id moved into vxid in 17 (commit ab355e3a88d).
 */
#if PG_VERSION_NUM >= 170000
#define MyLocalTransactionId() (MyProc->vxid.lxid)
#else
#define MyLocalTransactionId() (MyProc->lxid)
#endif

/*
 * One function checks the owner of any object since 16 (commit afbfc02983f).
 * The users of the macro include utils/acl.h and catalog/pg_namespace.h.
 */
#if PG_VERSION_NUM >= 160000
#define NamespaceOwnerCheck(schema, role) \
	object_ownercheck(NamespaceRelationId, (schema), (role))
#else
#define NamespaceOwnerCheck(schema, role) \
	pg_namespace_ownercheck((schema), (role))
#endif

#if PG_VERSION_NUM >= 160000
#define TableOwnerCheck(relation, role) \
	object_ownercheck(RelationRelationId, (relation), (role))
#else
#define TableOwnerCheck(relation, role) \
	pg_class_ownercheck((relation), (role))
#endif

/*
 * ExecInsertIndexTuples() can leave all but summarizing indexes alone since 16
 * (commit 19d8e2308bc).
 */
#if PG_VERSION_NUM >= 160000
#define InsertIndexTuples(target, slot, estate) \
	ExecInsertIndexTuples((target), (slot), (estate), false, false, NULL, NIL, false)
#else
#define InsertIndexTuples(target, slot, estate) \
	ExecInsertIndexTuples((target), (slot), (estate), false, false, NULL, NIL)
#endif

/*
 * Since that commit an update of the heap says which indexes need the new version;
 * before, it is all of them or, when it was in place (HOT), none.  The users
 * include access/heapam.h, access/htup_details.h and executor/executor.h.
 */
#if PG_VERSION_NUM >= 160000
#define HeapUpdate(rel, tid, tuple, command, failure, mode, indexes) \
	heap_update((rel), (tid), (tuple), (command), InvalidSnapshot, true, (failure), (mode), (indexes))
#define IndexesToUpdate(tuple, indexes) (indexes)
#define InsertUpdatedIndexTuples(target, slot, estate, indexes) \
	ExecInsertIndexTuples((target), (slot), (estate), true, false, NULL, NIL, (indexes) == TU_Summarizing)
#else
typedef enum TU_UpdateIndexes
{
	TU_None,
	TU_All
} TU_UpdateIndexes;
#define HeapUpdate(rel, tid, tuple, command, failure, mode, indexes) \
	((void) (indexes), \
	 heap_update((rel), (tid), (tuple), (command), InvalidSnapshot, true, (failure), (mode)))
#define IndexesToUpdate(tuple, indexes) (HeapTupleIsHeapOnly(tuple) ? TU_None : TU_All)
#define InsertUpdatedIndexTuples(target, slot, estate, indexes) \
	ExecInsertIndexTuples((target), (slot), (estate), true, false, NULL, NIL)
#endif

/*
 * make_range() can report softly since 16 (commit d9f7f5d32f2).
 */
#if PG_VERSION_NUM >= 160000
#define MakeRange(type, lower, upper) make_range((type), (lower), (upper), false, NULL)
#else
#define MakeRange(type, lower, upper) make_range((type), (lower), (upper), false)
#endif

/*
 * index_beginscan() takes instrumentation since 18 (commit 0fbceae841c).
 */
#if PG_VERSION_NUM >= 180000
#define BeginIndexScan(table, index, snapshot, keys) \
	index_beginscan((table), (index), (snapshot), NULL, (keys), 0)
#else
#define BeginIndexScan(table, index, snapshot, keys) \
	index_beginscan((table), (index), (snapshot), (keys), 0)
#endif

/*
 * ExecutorRun() and its hook know no execute_once since 18 (commit 3eea7a0c97e).
 */
#if PG_VERSION_NUM >= 180000
#define EXECUTE_ONCE_PARAMETER
#define EXECUTE_ONCE_ARGUMENT
#else
#define EXECUTE_ONCE_PARAMETER , bool execute_once
#define EXECUTE_ONCE_ARGUMENT , execute_once
#endif

/*
 * PG_MODULE_MAGIC_EXT, with name and version shown by pg_get_loaded_modules(),
 * is new in 18 (commit 9324c8c5806).
 */
#if PG_VERSION_NUM >= 180000
#define PERFMGMT_MODULE_MAGIC \
	PG_MODULE_MAGIC_EXT(.name = "perfmgmt", .version = PERFMGMT_VERSION)
#else
#define PERFMGMT_MODULE_MAGIC PG_MODULE_MAGIC
#endif

/*
 * SQLSTATEs of our own, class PM. Everything that PostgreSQL has a code for
 * keeps PostgreSQL's code. doc/errors.md lists them for clients.
 */
#define ERRCODE_PERFMGMT_POLICY_INVALID		MAKE_SQLSTATE('P', 'M', '0', '0', '1')
#define ERRCODE_PERFMGMT_POLICY_IN_USE		MAKE_SQLSTATE('P', 'M', '0', '0', '2')
#define ERRCODE_PERFMGMT_IDENTITY_REFUSED	MAKE_SQLSTATE('P', 'M', '0', '0', '3')
#define ERRCODE_PERFMGMT_WRONG_STATE		MAKE_SQLSTATE('P', 'M', '0', '0', '4')
#define ERRCODE_PERFMGMT_CONFLICT			MAKE_SQLSTATE('P', 'M', '0', '0', '5')
#define ERRCODE_PERFMGMT_NOT_APPOINTED		MAKE_SQLSTATE('P', 'M', '0', '0', '6')
#define ERRCODE_PERFMGMT_INSTALL_REFUSED	MAKE_SQLSTATE('P', 'M', '0', '0', '7')
#define ERRCODE_PERFMGMT_SCORE_OUT_OF_RANGE	MAKE_SQLSTATE('P', 'M', '0', '0', '8')
#define ERRCODE_PERFMGMT_QUOTA_INVALID		MAKE_SQLSTATE('P', 'M', '0', '0', '9')

/* identity.c */
extern void IdentityInit(void);
extern int32 CurrentActorId(void);	/* 0: nobody */
extern bool CurrentActorHolds(const char *kind);
extern int32 RequireAppointment(const char *kind, bool owner_may); /* 0: the owner */
extern bool HasDelegationOf(int32 delegate, int32 principal);
extern bool TransactionActed(void);

/* identity_guard.c */
extern void IdentityGuardInit(void);
extern void CheckNothingWaits(void);

/* audit_capture.c */
extern void AuditInit(void);

/* pip.c */
extern void PipInit(void);

/* audit_access.c */
extern void AccessInit(void);

#endif							/* PERFMGMT_H */
