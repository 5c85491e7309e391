/*
 * perfmgmt.c
 *		Module start.
 */
#include "perfmgmt.h"

PERFMGMT_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	AuditInit();
	PipInit();
	AccessInit();
	IdentityInit();
	IdentityGuardInit();		/* last: reserves the prefix of our GUCs */
}
