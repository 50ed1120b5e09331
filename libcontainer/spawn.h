/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawn.h: the one clone3(2) that makes a container's process, in the namespaces
 * that the plan creates or joins and born in its cgroup.
 *
 * Who joins what: a pid namespace takes effect for children only, so the parent
 * enters it before the clone and returns; so it does with every other namespace
 * when a new user namespace is made, since inside that it would have no right to.
 * A user namespace that exists is entered by a stage process between parent
 * and child, so that what the child creates belongs to it. The same stage takes the
 * parent's part where the parent could not come back (plan->staged): to return to a
 * namespace of the host takes CAP_SYS_ADMIN over it, which uid 0 of another user
 * namespace has not. All else the child joins itself.
 *
 * With plan->pids_last the pid namespace is left out, and birth.h enters it when all else is done.
 *
 * The kernel lets an ordinary user put a process into a cgroup only from below one of that user's
 * (cgroups(7), "Delegation containment"), which the cgroup of a login session is not. There the user's systemd
 * moves a stage, and the process is born where that is.
 *
 * A time namespace with offsets takes effect for children only, too (timens.h): the
 * parent makes it before the clone and returns, or the stage does.
 */
#ifndef HUSK_SPAWN_H
#define HUSK_SPAWN_H

#include "err.h"
#include "plan.h"

#include <sys/types.h>

/* Where the process is born. */
struct spawn_home {
	int cgroup;	   /* its directory; -1: the parent's cgroup */
	const char *path;  /* the same below the hierarchy's root, */
	const char *scope; /* and the unit of the user's own systemd around it; NULL: there is none to ask */
};

/* Like fork(2): returns 1 in the parent, with *out_pid (its own child, in its own pid namespace)
 * and *out_pidfd (O_CLOEXEC); 0 in the child; or -errno, in the parent only. joins must be open; those that
 * the stage has entered are marked as joined. */
int spawn_child(struct plan *plan, const struct spawn_home *home, pid_t *out_pid, int *out_pidfd, struct err *e);
/* Will there be two processes in the cgroup at a time? */
bool spawn_needs_stage(const struct plan *plan);

/* In the child: the joins that spawn_child() left to it, and becoming root of a user namespace
 * that was created or joined (after its maps are written). */
int spawn_enter(const struct plan *plan, struct err *e);

/* With plan->pids_last: gives the stage of birth.h the pid namespace for what it makes, while it has
 * the privilege. */
int spawn_join_pids(const struct plan *plan, struct err *e);

#endif
