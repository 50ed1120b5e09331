/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount_copyup.c: see mount_copyup.h. The option "tmpcopyup".
 *
 * No path is walked: each entry is opened by its one name below its directory's
 * descriptor, as O_PATH and without following a symlink, and what it is was asked
 * of that descriptor. Only then is it opened for reading, through the descriptor,
 * so that no device or FIFO put in its place is ever opened. What vanishes meanwhile
 * is left out. On the side of the tmpfs names are safe: nobody else reaches it.
 */
#include "mount_copyup.h"

#include "fd.h"
#include "str.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define BUF_SIZE (64U << 10)	/* also XATTR_SIZE_MAX and XATTR_LIST_MAX of the kernel */
#define SENDFILE_MAX (1L << 30) /* bytes a call */
#define MODE_BITS 07777

struct copy {
	char path[PATH_MAX]; /* of the entry in hand, for messages: cut when longer */
	size_t len;
	int depth;
	int procfd;	   /* -1: /proc */
	char *buf, *names; /* BUF_SIZE each */
};

/* One entry on both sides. in and out: regular files and directories, open. */
struct entry {
	const char *name;
	int to; /* its directory in the tmpfs */
	int in, out;
	struct stat st;
};

static void dir_cleanup(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

static int copy_error(const struct copy *c, int code, struct err *e)
{
	if (code == ENOSPC)
		return err_set(e, code,
			       "tmpcopyup: '%s' does not fit: raise the options 'size=' or 'nr_inodes=' of the tmpfs",
			       c->path);
	return err_sys(e, code, "tmpcopyup: copy '%s'", c->path);
}

/* The bytes from off to end where sendfile(2) cannot be had. */
static int copy_by_hand(struct copy *c, int in, int out, off_t off, off_t end)
{
	while (off < end) {
		size_t want = end - off < (off_t)BUF_SIZE ? (size_t)(end - off) : BUF_SIZE;
		ssize_t n = pread(in, c->buf, want, off), m = 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		for (ssize_t done = 0; done < n; done += m) {
			m = pwrite(out, c->buf + done, (size_t)(n - done), off + done);
			if (m < 0 && errno != EINTR)
				return -errno;
			if (m < 0)
				m = 0;
		}
		off += n;
	}
	return 0;
}

/* The file may have become shorter: then there is less to copy. */
static int copy_range(struct copy *c, int in, int out, off_t off, off_t end)
{
	if (lseek(out, off, SEEK_SET) < 0)
		return -errno;
	while (off < end) {
		off_t left = end - off;
		ssize_t n = sendfile(out, in, &off, (size_t)(left < SENDFILE_MAX ? left : SENDFILE_MAX));

		if (n < 0 && (errno == EINVAL || errno == ENOSYS))
			return copy_by_hand(c, in, out, off, end);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
	}
	return 0;
}

/* The same of the entry's side that others change. Of what vanishes after it was opened network file systems, and
 * the virtio-fs of a VM, know no more than that (ESTALE); it is left out. */
static int source_error(const struct copy *c, int code, struct err *e)
{
	return code == ESTALE ? 0 : copy_error(c, code, e);
}

/* `size` bytes: what a writer appends meanwhile is not followed. */
static int copy_data(struct copy *c, int in, int out, off_t size)
{
	off_t off = 0;
	int r = 0;

	while (r == 0 && off < size) {
		off_t start = lseek(in, off, SEEK_DATA), end;

		if (start < 0 && errno == ENXIO)
			break; /* nothing but a hole is left */
		if (start < off)
			start = off;
		end = lseek(in, start, SEEK_HOLE);
		if (end <= start || end > size)
			end = size;
		r = copy_range(c, in, out, start, end);
		off = end;
	}
	if (r == 0 && ftruncate(out, size) < 0)
		r = -errno;
	return r;
}

/* tmpfs takes few kinds, and a user namespace fewer: those it refuses are left out. */
static int copy_xattrs(struct copy *c, const struct entry *x)
{
	ssize_t len = flistxattr(x->in, c->names, BUF_SIZE - 1), n;

	if (len < 0)
		return errno == EOPNOTSUPP || errno == ERANGE ? 0 : -errno;
	c->names[len] = '\0';
	for (const char *name = c->names; *name; name += strlen(name) + 1) {
		n = fgetxattr(x->in, name, c->buf, BUF_SIZE);
		if (n >= 0 && fsetxattr(x->out, name, c->buf, (size_t)n, 0) < 0 && (errno == ENOSPC || errno == ENOMEM))
			return -ENOSPC;
	}
	return 0;
}

/* In this order: chown(2) takes set-user-ID bits and file capabilities away. */
static int copy_meta(struct copy *c, const struct entry *x, struct err *e)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, x->st.st_mtim };
	int r = 0;

	if (fchownat(x->to, x->name, x->st.st_uid, x->st.st_gid, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == EINVAL)
			return err_set(e, EINVAL,
				       "tmpcopyup: the owner of '%s' has no id in the container's user namespace",
				       c->path);
		return copy_error(c, errno, e);
	}
	if (!S_ISLNK(x->st.st_mode) && fchmodat(x->to, x->name, x->st.st_mode & MODE_BITS, 0) < 0)
		return copy_error(c, errno, e);
	if (x->in >= 0)
		r = copy_xattrs(c, x);
	if (r == 0 && utimensat(x->to, x->name, times, AT_SYMLINK_NOFOLLOW) < 0)
		r = -errno;
	return r < 0 ? copy_error(c, -r, e) : 0;
}

static int copy_file(struct copy *c, struct entry *x, int fd, struct err *e)
{
	AUTO_FD in = -1, out = -1;
	char path[FD_PATH_MAX];
	int r;

	fd_path(fd, path);
	in = openat(c->procfd, c->procfd < 0 ? path : path + strlen("/proc/"),
		    O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (in < 0)
		return source_error(c, errno, e);
	out = openat(x->to, x->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return copy_error(c, errno, e);
	r = copy_data(c, in, out, x->st.st_size);
	if (r < 0)
		return copy_error(c, -r, e);
	x->in = in;
	x->out = out;
	return copy_meta(c, x, e);
}

static int copy_link(struct copy *c, const struct entry *x, int fd, struct err *e)
{
	ssize_t n = readlinkat(fd, "", c->buf, BUF_SIZE - 1);

	if (n < 0)
		return source_error(c, errno, e);
	c->buf[n] = '\0';
	if (symlinkat(c->buf, x->to, x->name) < 0)
		return copy_error(c, errno, e);
	return copy_meta(c, x, e);
}

static int copy_node(struct copy *c, const struct entry *x, struct err *e)
{
	if (mknodat(x->to, x->name, (x->st.st_mode & S_IFMT) | 0600, x->st.st_rdev) < 0)
		return copy_error(c, errno, e);
	return copy_meta(c, x, e);
}

static int copy_below(struct copy *c, int from, int to, struct err *e);

/* Closes *fd before it goes down: a level holds three descriptors. */
static int copy_directory(struct copy *c, struct entry *x, int *fd, struct err *e)
{
	AUTO_FD in = openat(*fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), out = -1;
	int r;

	if (in < 0)
		return source_error(c, errno, e);
	fd_close(fd);
	if (mkdirat(x->to, x->name, 0700) < 0)
		return copy_error(c, errno, e);
	out = openat(x->to, x->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (out < 0)
		return copy_error(c, errno, e);
	if (c->depth >= COPYUP_DEPTH_MAX)
		return err_set(e, ELOOP, "tmpcopyup: '%s' is more than %d directories deep", c->path, COPYUP_DEPTH_MAX);
	c->depth++;
	r = copy_below(c, in, out, e);
	c->depth--;
	x->in = in;
	x->out = out;
	return r < 0 ? r : copy_meta(c, x, e);
}

static int copy_entry(struct copy *c, int from, int to, const char *name, struct err *e)
{
	AUTO_FD fd = openat(from, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct entry x = { .name = name, .to = to, .in = -1, .out = -1 };

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &x.st) < 0)
		return source_error(c, errno, e);
	switch (x.st.st_mode & S_IFMT) {
	case S_IFDIR:
		return copy_directory(c, &x, &fd, e);
	case S_IFREG:
		return copy_file(c, &x, fd, e);
	case S_IFLNK:
		return copy_link(c, &x, fd, e);
	case S_IFIFO:
	case S_IFCHR:
	case S_IFBLK:
		return copy_node(c, &x, e);
	default: /* a socket: its server is not bound to the copy */
		return 0;
	}
}

static int copy_below(struct copy *c, int from, int to, struct err *e)
{
	int dup = fcntl(from, F_DUPFD_CLOEXEC, 0);
	__attribute__((cleanup(dir_cleanup))) DIR *dir = dup < 0 ? NULL : fdopendir(dup);
	size_t len = c->len;
	struct dirent *d;
	int r = 0;

	if (!dir) {
		r = copy_error(c, errno, e);
		fd_close(&dup);
		return r;
	}
	while (r == 0) {
		errno = 0;
		d = readdir(dir);
		if (!d)
			return errno ? source_error(c, errno, e) : 0;
		if (str_eq(d->d_name, ".") || str_eq(d->d_name, ".."))
			continue;
		(void)snprintf(c->path + len, sizeof(c->path) - len, "%s%s", len ? "/" : "", d->d_name);
		c->len = strlen(c->path);
		r = copy_entry(c, from, to, d->d_name, e);
		c->len = len;
		c->path[len] = '\0';
	}
	return r;
}

int mount_copyup(int from, int to, int procfd, struct err *e)
{
	AUTO_FD in = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_FD out = openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_FREE char *buf = x_calloc(1, BUF_SIZE), *names = x_calloc(1, BUF_SIZE);
	struct copy c = { .procfd = procfd, .buf = buf, .names = names };

	if (in < 0 || out < 0)
		return err_sys(e, errno, "tmpcopyup: open the directory");
	return copy_below(&c, in, out, e);
}

/* Whether the comma-separated options hold one that starts like this. */
static bool data_has(const char *data, const char *prefix)
{
	for (; data; data = strchr(data, ',')) {
		data += *data == ',';
		if (str_starts(data, prefix))
			return true;
	}
	return false;
}

int mount_copyup_root(int from, int to, const char *data, bool owner, struct err *e)
{
	const uid_t keep = (uid_t)-1;
	struct stat st;
	uid_t uid;
	gid_t gid;

	if (fstat(from, &st) < 0)
		return err_sys(e, errno, "stat the target");
	uid = owner && !data_has(data, "uid=") ? st.st_uid : keep;
	gid = owner && !data_has(data, "gid=") ? st.st_gid : keep;
	if (owner && fchownat(to, "", uid, gid, AT_EMPTY_PATH) < 0)
		return err_sys(e, errno, "tmpcopyup: give the tmpfs the owner of the target");
	if (!data_has(data, "mode=") && fchmodat(to, ".", st.st_mode & MODE_BITS, 0) < 0)
		return err_sys(e, errno, "give the tmpfs the mode of the target");
	return 0;
}
