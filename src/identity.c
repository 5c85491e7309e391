/*
 * identity.c
 *		Who is asking.
 */
#include "perfmgmt.h"

void
IdentityInit(void)
{
}
