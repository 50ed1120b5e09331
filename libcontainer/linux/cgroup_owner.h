/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_owner.h: the owner of a container's cgroup, for a container that makes cgroups of its own (systemd). */
#ifndef HUSK_LINUX_CGROUP_OWNER_H
#define HUSK_LINUX_CGROUP_OWNER_H

#include "err.h"
#include "spec.h"

#include <sys/types.h>

/* Whether the specification ("Cgroup ownership") wants the cgroup to belong to the user of the container's process:
 * it has a cgroup namespace of its own and a writable /sys/fs/cgroup. *out_uid is then that user as this process
 * sees him. Pure. */
bool cgroup_owner_wanted(const struct spec *spec, uid_t *out_uid);

/* Gives him the directory `cgroup` (a descriptor) and those files in it that the kernel says may be delegated; the
 * limits stay ours. */
int cgroup_owner_set(int cgroup, uid_t uid, struct err *e);

#endif
