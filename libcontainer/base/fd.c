/* SPDX-License-Identifier: Apache-2.0 */
/* fd.c: see fd.h. */
#include "fd.h"

#include "kernel.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <time.h>

#define FD_PASS_MAX 16		       /* descriptors in one message */
#define RESOLVE_DEADLINE_NS 500000000L /* how long spurious EAGAINs are retried, */
#define RESOLVE_TRIES 64	       /* and how often at least, as we may not run for so long */
#define SEAL_TRIES 200		       /* of 10 ms, and of what the kernel itself waits */
#define SEAL_NAP_NS 10000000L

static long since_ns(const struct timespec *from)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - from->tv_sec) * 1000000000L + now.tv_nsec - from->tv_nsec;
}

int fd_open_in_root(int rootfd, const char *path, int flags, unsigned int resolve)
{
	struct open_how how = {
		.flags = (unsigned int)(flags | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve,
	};
	struct timespec start = { 0 };
	int fd;

	for (int tries = 0;; tries++) {
		fd = sys_openat2(rootfd, path, &how);
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			return fd;
		if (!start.tv_sec)
			(void)clock_gettime(CLOCK_MONOTONIC, &start);
		else if (tries >= RESOLVE_TRIES && since_ns(&start) > RESOLVE_DEADLINE_NS)
			return -1;
	}
}

ssize_t fd_send(int sock, const void *buf, size_t len, const int *fds, int n)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * FD_PASS_MAX)];
	} control;
	struct iovec iov = { .iov_base = (void *)(uintptr_t)buf, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t sent;

	if (n > FD_PASS_MAX)
		return -EINVAL;
	if (n > 0) {
		struct cmsghdr *c;

		memset(&control, 0, sizeof(control));
		msg.msg_control = control.space;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)n);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)n);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * (size_t)n);
	}
	do
		sent = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : sent;
}

/* Keeps the first max descriptors of one control message, closes the rest. */
static int take_rights(const struct cmsghdr *c, int *out_fds, int max, int have)
{
	int n = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));

	for (int i = 0; i < n; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(c) + sizeof(int) * (size_t)i, sizeof(fd));
		if (have < max)
			out_fds[have++] = fd;
		else
			(void)close(fd);
	}
	return have;
}

ssize_t fd_recv(int sock, void *buf, size_t len, int *out_fds, int max, int *out_n)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * FD_PASS_MAX)];
	} control;
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space),
	};
	ssize_t got;
	int n = 0;

	do
		got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			n = take_rights(c, out_fds, max, n);
	if (out_n)
		*out_n = n;
	return got;
}

int fd_connect(int sock, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	AUTO_FD file = -1;

	if (strlen(path) < sizeof(addr.sun_path)) {
		memcpy(addr.sun_path, path, strlen(path) + 1);
	} else { /* too long for an address: by way of its descriptor */
		file = open(path, O_PATH | O_CLOEXEC);
		if (file < 0)
			return -errno;
		fd_path(file, addr.sun_path);
	}
	return connect(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0 ? -errno : 0;
}

int fd_check_magic(int fd, long magic)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return -errno;
	return (long)fs.f_type == magic ? 0 : -EXDEV;
}

int fd_cloexec_from(unsigned int first)
{
	struct rlimit lim;

	if (sys_close_range(first, UINT_MAX, CLOSE_RANGE_CLOEXEC) == 0)
		return 0;
	if (errno != ENOSYS && errno != EINVAL)
		return -errno;
	if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
		return -errno;
	for (unsigned int fd = first; fd < lim.rlim_cur; fd++)
		if (fcntl((int)fd, F_SETFD, FD_CLOEXEC) < 0 && errno != EBADF)
			return -errno;
	return 0;
}

int fd_seal(int fd)
{
	const struct timespec nap = { .tv_nsec = SEAL_NAP_NS };

	for (int tries = 0; fcntl(fd, F_ADD_SEALS, FD_ALL_SEALS) < 0; tries++) {
		if (errno != EBUSY || tries == SEAL_TRIES)
			return -errno;
		(void)nanosleep(&nap, NULL);
	}
	return 0;
}

static int close_between(unsigned int first, unsigned int last)
{
	struct rlimit lim;

	if (sys_close_range(first, last, 0) == 0)
		return 0;
	if ((errno != ENOSYS && errno != EINVAL) || getrlimit(RLIMIT_NOFILE, &lim) < 0)
		return -errno;
	for (unsigned int fd = first; fd < lim.rlim_cur && fd <= last; fd++)
		(void)close((int)fd);
	return 0;
}

int fd_close_others(unsigned int first, const int *keep, size_t n)
{
	for (;;) {
		unsigned int next = UINT_MAX; /* the lowest of those to keep from here on */
		int r;

		for (size_t i = 0; i < n; i++)
			if (keep[i] >= 0 && (unsigned int)keep[i] >= first && (unsigned int)keep[i] < next)
				next = (unsigned int)keep[i];
		r = next > first ? close_between(first, next == UINT_MAX ? next : next - 1) : 0;
		if (r < 0 || next == UINT_MAX)
			return r;
		first = next + 1;
	}
}

void fd_path(int fd, char out[FD_PATH_MAX])
{
	(void)snprintf(out, FD_PATH_MAX, "/proc/self/fd/%d", fd);
}
