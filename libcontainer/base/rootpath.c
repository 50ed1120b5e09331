/* SPDX-License-Identifier: Apache-2.0 */
/* rootpath.c: see rootpath.h. */
#include "rootpath.h"

#include "fd.h"
#include "kernel.h"
#include "str.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define LINKS_MAX 40 /* as the kernel's own limit */

/* A walk: `done` is the part of the path that exists, without symlinks or "..", and dir its
 * directory; `rest` is still to come. */
struct walk {
	int rootfd, dir;
	char done[PATH_MAX], rest[PATH_MAX];
	int links;
};

int rootpath_open(int rootfd, const char *path, int *out_fd, struct err *e)
{
	int fd = fd_open_in_root(rootfd, path, O_PATH, 0);

	if (fd < 0)
		return errno == ENOENT ? -ENOENT : err_sys(e, errno, "open '%s' in the rootfs", path);
	*out_fd = fd;
	return 0;
}

/* Takes the first component off w->rest into name. Returns its length, 0 at the end. */
static size_t walk_next(struct walk *w, char name[NAME_MAX + 1], struct err *e, int *out_r)
{
	const char *p = w->rest + strspn(w->rest, "/");
	size_t len = strcspn(p, "/");

	*out_r = 0;
	if (len > NAME_MAX) {
		*out_r = err_sys(e, ENAMETOOLONG, "'%.64s...'", p);
		return 0;
	}
	memcpy(name, p, len);
	name[len] = '\0';
	memmove(w->rest, p + len, strlen(p + len) + 1);
	return len;
}

/* Opens w->done afresh: after "..", or an absolute symlink. */
static int walk_reopen(struct walk *w, struct err *e)
{
	int fd = fd_open_in_root(w->rootfd, *w->done ? w->done : "/", O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS);

	if (fd < 0)
		return err_sys(e, errno, "open '/%s' in the rootfs", w->done);
	fd_close(&w->dir);
	w->dir = fd;
	return 0;
}

static int walk_up(struct walk *w, struct err *e)
{
	char *slash = strrchr(w->done, '/');

	if (slash)
		*slash = '\0';
	else
		w->done[0] = '\0';
	return walk_reopen(w, e);
}

static int walk_link(struct walk *w, const char *name, struct err *e)
{
	char target[PATH_MAX], joined[PATH_MAX * 2];
	ssize_t n = readlinkat(w->dir, name, target, sizeof(target) - 1);

	if (n < 0)
		return err_sys(e, errno, "read the symlink '%s' in the rootfs", name);
	target[n] = '\0';
	if (++w->links > LINKS_MAX)
		return err_sys(e, ELOOP, "'%s' in the rootfs", name);
	(void)snprintf(joined, sizeof(joined), "%s/%s", target, w->rest);
	if (strlen(joined) >= sizeof(w->rest))
		return err_sys(e, ENAMETOOLONG, "the symlink '%s' in the rootfs", name);
	memcpy(w->rest, joined, strlen(joined) + 1);
	if (target[0] != '/')
		return 0;
	w->done[0] = '\0';
	return walk_reopen(w, e);
}

/* Goes down into name, which is no symlink; makes it when missing. 1: it is a symlink after all. */
static int walk_down(struct walk *w, const char *name, mode_t mode, struct err *e)
{
	struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	size_t len = strlen(w->done);
	AUTO_FD fd = -1;
	struct stat st;

	fd = sys_openat2(w->dir, name, &how);
	if (fd < 0 && errno == ENOENT) {
		if (mkdirat(w->dir, name, mode) < 0 && errno != EEXIST)
			return err_sys(e, errno, "make the directory '%s/%s' in the rootfs", w->done, name);
		fd = sys_openat2(w->dir, name, &how);
	}
	if (fd < 0)
		return err_sys(e, errno, "open '%s/%s' in the rootfs", w->done, name);
	if (fstat(fd, &st) < 0)
		return err_sys(e, errno, "stat '%s/%s' in the rootfs", w->done, name);
	if (S_ISLNK(st.st_mode))
		return 1;
	if (!S_ISDIR(st.st_mode))
		return err_sys(e, ENOTDIR, "'%s/%s' in the rootfs", w->done, name);
	if (len + strlen(name) + 2 > sizeof(w->done))
		return err_sys(e, ENAMETOOLONG, "'%.64s...' in the rootfs", w->done);
	(void)snprintf(w->done + len, sizeof(w->done) - len, "%s%s", len ? "/" : "", name);
	fd_close(&w->dir);
	w->dir = fd_take(&fd);
	return 0;
}

static int walk_all(struct walk *w, mode_t mode, struct err *e)
{
	char name[NAME_MAX + 1];
	int r;

	r = walk_reopen(w, e);
	while (r >= 0 && walk_next(w, name, e, &r) > 0) {
		if (strcmp(name, ".") == 0)
			continue;
		if (strcmp(name, "..") == 0)
			r = walk_up(w, e);
		else
			r = walk_down(w, name, mode, e);
		if (r == 1)
			r = walk_link(w, name, e);
	}
	return r;
}

static int make_missing(int rootfd, const char *path, mode_t mode, int *out_fd, struct err *e)
{
	struct walk w;
	int r;

	if (strlen(path) >= sizeof(w.rest))
		return err_sys(e, ENAMETOOLONG, "'%.64s...'", path);
	w.rootfd = rootfd;
	w.dir = -1;
	w.links = 0;
	w.done[0] = '\0';
	memcpy(w.rest, path, strlen(path) + 1);
	r = walk_all(&w, mode, e);
	if (r < 0)
		fd_close(&w.dir);
	else
		*out_fd = w.dir;
	return r;
}

int rootpath_mkdirs(int rootfd, const char *path, mode_t mode, int *out_fd, struct err *e)
{
	int fd = fd_open_in_root(rootfd, path, O_PATH | O_DIRECTORY, 0);

	if (fd >= 0) {
		*out_fd = fd;
		return 0;
	}
	if (errno != ENOENT)
		return err_sys(e, errno, "open the directory '%s' in the rootfs", path);
	return make_missing(rootfd, path, mode, out_fd, e);
}

int rootpath_parent(int rootfd, const char *path, int *out_fd, const char **out_name, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];
	size_t len;

	if (!slash || !slash[1] || strcmp(slash, "/.") == 0 || strcmp(slash, "/..") == 0)
		return err_set(e, EINVAL, "'%s' does not name a file", path);
	len = (size_t)(slash - path);
	if (len >= sizeof(dir))
		return err_sys(e, ENAMETOOLONG, "'%.64s...'", path);
	memcpy(dir, path, len);
	memcpy(dir + len, len ? "" : "/", len ? 1 : 2);
	*out_name = slash + 1;
	return rootpath_mkdirs(rootfd, dir, 0755, out_fd, e);
}

int rootpath_mkfile(int rootfd, const char *path, int *out_fd, struct err *e)
{
	AUTO_FD dir = -1, fd = -1;
	const char *name;
	int r;

	r = rootpath_open(rootfd, path, out_fd, e);
	if (r != -ENOENT)
		return r;
	r = rootpath_parent(rootfd, path, &dir, &name, e);
	if (r < 0)
		return r;
	fd = openat(dir, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0755);
	if (fd < 0 && errno != EEXIST)
		return err_sys(e, errno, "make the file '%s' in the rootfs", path);
	fd_close(&fd);
	fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, errno, "open '%s' in the rootfs", path);
	*out_fd = fd_take(&fd);
	return 0;
}
