/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup.h: a name in a directory -> a file that the guest knows, and what the guest is told of it.
 *
 * The only place where a name of the guest's becomes a file. A name is one component, and is
 * opened by openat2(2) below the directory's descriptor, as O_PATH: a symbolic link is held, not
 * followed, and nothing else is opened by it.
 */
#ifndef HUSK_FS_LOOKUP_H
#define HUSK_FS_LOOKUP_H

#include "server.h"

/* Holds the file `name` in `dir` for the guest: one more lookup of it. */
int lookup_find(struct fs_request *rq, const struct fs_inode *dir, const char *name, struct fuse_entry_out *out);
/* The same of a file that is open, as fd; its name (NULL: it has none) was made in `dir`. */
int lookup_of_fd(struct fs_request *rq, const struct fs_inode *dir, const char *name, int fd,
		 struct fuse_entry_out *out);
/* The name is about to lead elsewhere: its file, if it is away, is brought back (away.c). */
void lookup_rescue(struct fs_request *rq, const struct fs_inode *dir, const char *name);
/* The name leads to the file that `former` in `from` led to: if it is known, it is there from now on. */
void lookup_moved(struct fs_request *rq, const struct fs_inode *from, const char *former, const struct fs_inode *dir,
		  const char *name);
/* What was looked up but not told: the guest will not give it back. */
void lookup_undo(struct fs_request *rq, const struct fuse_entry_out *entry);

/* statx(2) of an O_PATH or other descriptor. 0 or -errno. */
int lookup_statx(int fd, struct statx *out);
void lookup_attr(struct fuse_attr *out, const struct statx *stx);

/* Opens a held file again, a regular one or a directory only (-EINVAL), with these flags. fd or -errno. */
int lookup_reopen(const struct fs_request *rq, const struct fs_inode *i, int flags);

/* "<fd>": what the thread's current directory, /proc/self/fd, has for a descriptor. */
#define FD_NAME_MAX 16
void lookup_fd_name(int fd, char out[FD_NAME_MAX]);

#endif
