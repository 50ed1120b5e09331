/* SPDX-License-Identifier: Apache-2.0 */
/* mount_proc.h: procfs of a pid namespace that the caller is not in. */
#ifndef HUSK_LINUX_MOUNT_PROC_H
#define HUSK_LINUX_MOUNT_PROC_H

#include "err.h"
#include "plan.h"

/* For plan->pids_last, whose stage would make a procfs of the host's processes: makes those of the plan
 * for the pid namespace that is joined into their source_fd; and one more, of processes alone, in
 * *out_procfd (owned by the caller; NULL: not wanted). By procfs's option pidns= (Linux 6.17), or what
 * mount_proc_context.h does. 1 when they are made. 0 where this cannot be done: some may be made then, which
 * are as good as what mount_apply() makes in the namespace. -EPROTO when somebody in there is in the way. */
int mount_proc_outside(struct plan *plan, int *out_procfd, struct err *e);

#endif
