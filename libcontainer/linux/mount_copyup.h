/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount_copyup.h: what a new tmpfs takes over of the directory that it will cover: part
 * of mount. The directory lies in the rootfs and may be changed by others meanwhile;
 * the tmpfs is not attached yet, so nobody else can reach it.
 */
#ifndef HUSK_LINUX_MOUNT_COPYUP_H
#define HUSK_LINUX_MOUNT_COPYUP_H

#include "err.h"

#include <stdbool.h>

/* Gives the tmpfs's root the mode of the directory, and with `owner` its owner, other than what
 * data (the tmpfs's options, or NULL) sets itself. Both descriptors may be O_PATH. */
int mount_copyup_root(int from, int to, const char *data, bool owner, struct err *e);

/* Copies all that is below the directory `from` into the empty directory `to`: directories, regular
 * files (holes stay holes, hard links become copies), symlinks, FIFOs and device nodes, with owner,
 * mode, mtime and what extended attributes tmpfs takes. Sockets are left out. Goes into mounts
 * below `from`. At most COPYUP_DEPTH_MAX levels; a full tmpfs is an error (ENOSPC). procfd: a
 * procfs with this process in it; -1: the one at /proc. */
#define COPYUP_DEPTH_MAX 256
int mount_copyup(int from, int to, int procfd, struct err *e);

#endif
