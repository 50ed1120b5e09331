/* SPDX-License-Identifier: Apache-2.0 */
/* create_cgroup.h: the cgroup of a container that is being made: by us, or by systemd. */
#ifndef HUSK_CREATE_CGROUP_H
#define HUSK_CREATE_CGROUP_H

#include "create.h"

/* Says what it will be called (c->state.cgroup, or under systemd c->slice and c->state.scope) and which limits it
 * will have (c->limits). Nothing is made. All stay NULL when there will be none. */
int creation_cgroup_name(struct creation *c, struct err *e);
/* Makes it, with its limits and device rules in force, and opens it as c->cgroup. */
int creation_cgroup_make(struct creation *c, struct err *e);
/* Once the init is born in it, and before its program can run: the limits that it alone can keep. */
int creation_cgroup_settle(struct creation *c, struct err *e);
/* Is it frozen, or one above it? Nothing in it runs then. */
bool creation_cgroup_is_frozen(const struct creation *c);
int creation_cgroup_frozen_err(const struct creation *c, struct err *e);

#endif
