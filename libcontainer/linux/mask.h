/* SPDX-License-Identifier: Apache-2.0 */
/* mask.h: linux.maskedPaths and linux.readonlyPaths, once the container's root is "/". */
#ifndef HUSK_LINUX_MASK_H
#define HUSK_LINUX_MASK_H

#include "err.h"
#include "plan.h"

/* Covers each of linux.maskedPaths that exists: a directory by an empty read-only tmpfs, anything else by
 * null_fd, which mask_open_null() gave. */
int mask_paths(const struct plan *plan, int null_fd, struct err *e);
/* The container's /dev/null as O_PATH, its inode checked to be the null device (1:3). */
int mask_open_null(int rootfd, int *out_fd, struct err *e);
/* Makes each path that exists read-only, with what is mounted below it. */
int mask_readonly(const struct strv *paths, struct err *e);

#endif
