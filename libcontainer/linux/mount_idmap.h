/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount_idmap.h: idmapped mounts. Only who has CAP_SYS_ADMIN over a file system may map its ids, so
 * this is the work of the parent, on the detached trees that mount_open_sources() made.
 */
#ifndef HUSK_LINUX_MOUNT_IDMAP_H
#define HUSK_LINUX_MOUNT_IDMAP_H

#include "err.h"
#include "plan.h"

/* Makes a user namespace with the maps of l, as a descriptor: idmap_userns(). */
typedef int mount_idmap_userns_fn(const struct spec_linux *l, int *out_fd, struct err *e);

/* mount_setattr(2) with MOUNT_ATTR_IDMAP on the source of each step that asks for it (Linux 5.12). The
 * plan's joins must be open. Steps with the same mappings one after the other share a user namespace. */
int mount_idmap_all(const struct plan *plan, mount_idmap_userns_fn *userns, struct err *e);
/* Fails if a step asks for it: for callers without the right. */
int mount_idmap_refuse(const struct plan *plan, struct err *e);

#endif
