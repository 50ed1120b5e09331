/* SPDX-License-Identifier: Apache-2.0 */
/* idmap.h: the id maps of a new user namespace (user_namespaces(7)). */
#ifndef HUSK_LINUX_IDMAP_H
#define HUSK_LINUX_IDMAP_H

#include "err.h"
#include "spec.h"

#include <sys/types.h>

/* Writes pid's uid_map and gid_map, from outside. A caller without the capabilities writes a map
 * of its own single id itself (setgroups is denied first, as the kernel wants it) and gives
 * all others to newuidmap(1) and newgidmap(1). */
int idmap_write(pid_t pid, const struct spec_linux *l, struct err *e);
/* A new user namespace with the maps of l (uid_maps and gid_maps are all that is read), as a
 * descriptor. No process is left in it. */
int idmap_userns(const struct spec_linux *l, int *out_fd, struct err *e);

#endif
