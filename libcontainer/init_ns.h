/* SPDX-License-Identifier: Apache-2.0 */
/* init_ns.h: the namespaces of a container's init, as the joins of a plan: for what comes later. */
#ifndef HUSK_INIT_NS_H
#define HUSK_INIT_NS_H

#include "err.h"
#include "plan.h"
#include "spec.h"

#include <sys/types.h>

/* Adds a join to plan for each namespace of pid that the container's config.json made or joined, but for
 * those in `without` (CLONE_NEW*), and says so in plan->has_userns. The mount namespace comes last. Then
 * pidfd tells that it was that process all the time: -ESRCH if not. init_ns_close() ends them, on
 * failure too. Opening needs the rights of PTRACE_MODE_READ over pid (namespaces(7)). */
int init_ns_open(struct plan *plan, const struct spec *spec, pid_t pid, int pidfd, unsigned int without, struct err *e);
void init_ns_close(struct plan *plan);

#endif
