/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine.h: what husk-fsd gives away. The caller's jail is the other half: husk-fsd opens its
 * root once and has no use for another path, but changes no root itself.
 */
#ifndef HUSK_FSD_CONFINE_H
#define HUSK_FSD_CONFINE_H

#include "err.h"

/* Before the threads start: no new privileges; of the capabilities only those that a file server
 * needs to act for all users of the guest, in the bounding set too; supplementary groups; the
 * securebit that the server's threads need (src/fs/worker.h). */
int confine_privileges(struct err *e);
/* After they started, for all of them: system calls that are not listed in confine.c end the process. */
int confine_calls(struct err *e);

#endif
