/* SPDX-License-Identifier: Apache-2.0 */
/* fd.h: file descriptors that close themselves, and opening below a root. */
#ifndef HUSK_BASE_FD_H
#define HUSK_BASE_FD_H

#include "err.h"

#include <sys/types.h>
#include <unistd.h>

/* AUTO_FD fd = open(...): closed when the scope ends, unless taken. */
#define AUTO_FD __attribute__((cleanup(fd_cleanup))) int

static inline void fd_cleanup(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* Hands the descriptor over: the variable no longer owns it. */
static inline int fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Closes *fd if it is open and marks it closed. */
static inline void fd_close(int *fd)
{
	fd_cleanup(fd);
}

/* openat2(2) below rootfd, which is treated as "/" for symlinks and "..":
 * RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS and `resolve` on top. O_CLOEXEC is
 * added. A spurious EAGAIN (a rename raced with the walk) is retried for a
 * bounded time. Returns the fd, or -1 with errno. */
int fd_open_in_root(int rootfd, const char *path, int flags, unsigned int resolve);

/* Sends or receives up to `max` descriptors beside a one-packet message over a
 * unix socket (unix(7), SCM_RIGHTS). Return the bytes moved, or -errno.
 * Received descriptors are O_CLOEXEC; *out_n says how many arrived. */
ssize_t fd_send(int sock, const void *buf, size_t len, const int *fds, int n);
ssize_t fd_recv(int sock, void *buf, size_t len, int *out_fds, int max, int *out_n);

/* Connects a unix socket to the one at path, of any length. 0 or -errno. */
int fd_connect(int sock, const char *path);

/* 0 if the file system behind fd has this statfs(2) magic, else -errno. */
int fd_check_magic(int fd, long magic);

/* Sets O_CLOEXEC on every descriptor >= first (close_range(2), Linux 5.11;
 * falls back to /proc/self/fd below procfd, or to a loop). 0 or -errno. */
int fd_cloexec_from(unsigned int first);

/* Seals a memory file against every change, and against further seals (fcntl(2), F_ADD_SEALS). The kernel
 * answers EBUSY while a page of it is held by whoever, of its own parts too (page migration), and gives up on
 * that after some 150 ms: tried again for a bounded time. 0 or -errno. */
#define FD_ALL_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)
int fd_seal(int fd);

/* Closes every descriptor >= first but the n of keep (-1: none). 0 or -errno. */
int fd_close_others(unsigned int first, const int *keep, size_t n);

/* Writes "/proc/self/fd/<fd>"; for the few calls that only take a path. */
#define FD_PATH_MAX 32
void fd_path(int fd, char out[FD_PATH_MAX]);

#endif
