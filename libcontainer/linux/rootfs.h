/* SPDX-License-Identifier: Apache-2.0 */
/* rootfs.h: the container's root as a descriptor, and making it "/". */
#ifndef HUSK_LINUX_ROOTFS_H
#define HUSK_LINUX_ROOTFS_H

#include "err.h"
#include "plan.h"

#include <stdbool.h>

/* A detached tree of the rootfs, in the caller's mount namespace (CAP_SYS_ADMIN over it). */
int rootfs_open(const struct plan *plan, int *out_fd, struct err *e);
/* In the container's new mount namespace: cuts propagation to the host, attaches the tree above
 * the old root, where no path of the host is needed, and makes it the working directory. */
int rootfs_attach(int tree_fd, const struct plan *plan, struct err *e);
/* pivot_root(2) into the working directory and the old root away; or, where the root cannot be
 * pivoted (initramfs), chroot(2). */
int rootfs_enter(bool no_pivot, struct err *e);
/* After masks and devices: read-only root, final propagation, and the mounts that waited to be
 * read-only (/dev, tmpfs). */
int rootfs_seal(struct plan *plan, struct err *e);

#endif
