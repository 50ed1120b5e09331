/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.h: who a thread of the file server acts as.
 *
 * A new file belongs to the caller in the guest because the thread takes its ids as file system
 * ids (setfsuid(2)) around the one call that makes it. So the kernel does what it does for a
 * local caller (group of a set-group-id directory, default ACLs, quotas), which a chown
 * afterwards would not, and the file never belongs to another for a moment. The capabilities
 * stay (SECBIT_NO_SETUID_FIXUP): the guest's kernel has checked the caller's access, with its
 * supplementary groups, which this side does not know.
 *
 * The umask and the current directory are the thread's own (unshare(CLONE_FS)). The current
 * directory is /proc/self/fd: the calls that take a path only (xattr) reach a held descriptor by
 * its number, and need no path in the jail.
 */
#ifndef HUSK_FS_WORKER_H
#define HUSK_FS_WORKER_H

#include "fs.h"

#include <stdbool.h>
#include <sys/types.h>

/* Takes the ids and the umask: all three until fs_worker_back(). -EINVAL: an id that means "leave",
 * -EPERM: not permitted. Without FSETID as with it. */
int fs_worker_become(struct fs_worker *w, uid_t uid, gid_t gid, mode_t umask_bits);
void fs_worker_back(struct fs_worker *w);

/* With or without CAP_FSETID from here on: without it a write, truncate or chown takes the
 * set-user-id and set-group-id bits away. */
void fs_worker_fsetid(struct fs_worker *w, bool on);

#endif
