/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup.c: see cgroup.h.
 *
 * It owns directories, nothing else: no process is moved, no limit written. A
 * container may have made cgroups of its own below its directory, as deep as it
 * likes, so removal walks with one descriptor and "..", never by recursion.
 */
#include "cgroup.h"

#include "clock.h"
#include "fd.h"
#include "io.h"
#include "kernel.h"
#include "str.h"

#include <dirent.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define ROOT_UNIFIED "/sys/fs/cgroup"
#define ROOT_HYBRID "/sys/fs/cgroup/unified"

#define CREATE_TRIES 16		  /* how often a create may lose against a concurrent remove */
#define OPEN_TRIES 64		  /* spurious EAGAINs of openat2 */
#define REMOVE_NS 5000000000LL	  /* how long the dying are waited for */
#define REMOVE_NAP_NS 200000LL	  /* the first nap; each is twice the one before */
#define REMOVE_NAP_MAX 50000000LL /* but no longer than this */

int cgroup_open_below(int dirfd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned int)(flags | O_CLOEXEC | O_DIRECTORY),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};
	int fd = -1;

	for (int i = 0; i < OPEN_TRIES; i++) {
		fd = sys_openat2(dirfd, path, &how);
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return fd < 0 ? -errno : fd;
}

int cgroup_open_root(int *out_fd, struct err *e)
{
	static const char *const roots[] = { ROOT_UNIFIED, ROOT_HYBRID };

	for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
		AUTO_FD fd = open(roots[i], O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0 && fd_check_magic(fd, HUSK_CGROUP2_SUPER_MAGIC) == 0) {
			*out_fd = fd_take(&fd);
			return 0;
		}
	}
	return err_set(e, ENOENT,
		       "no cgroup v2 hierarchy at " ROOT_UNIFIED " or " ROOT_HYBRID
		       ": mount one, or use --cgroup-manager disabled");
}

/* ---- paths ---- */

/* Appends the components of path to b, "a/b" in the end; drops "." and empty ones. */
static int add_components(struct strbuf *b, const char *path)
{
	while (*path) {
		size_t len = strcspn(path, "/");

		if (len == 2 && path[0] == '.' && path[1] == '.')
			return -EINVAL;
		if (len > 0 && !(len == 1 && path[0] == '.')) {
			if (b->len > 0)
				strbuf_add(b, "/", 1);
			strbuf_add(b, path, len);
		}
		path += len + (path[len] == '/');
	}
	return 0;
}

int cgroup_path_join(const char *own, const char *cgroups_path, const char *id, char **out, struct err *e)
{
	const char *wanted = cgroups_path && *cgroups_path ? cgroups_path : id;
	AUTO_FREE char *parent = NULL;
	struct strbuf b = { 0 };
	size_t before;
	int r = 0;

	if (wanted == id || *wanted != '/') {
		const char *slash = strrchr(own, '/');

		parent = x_strdup(own);
		parent[slash ? slash - own : 0] = '\0';
		if (add_components(&b, parent) < 0)
			r = err_set(e, EINVAL,
				    "this process's own cgroup '%s' is outside its cgroup namespace: "
				    "set an absolute linux.cgroupsPath",
				    own);
	}
	before = b.len;
	if (r == 0 && add_components(&b, wanted) < 0)
		r = err_set(e, EINVAL, "linux.cgroupsPath: '%s' has a '..' component: name the cgroup itself", wanted);
	if (r == 0 && b.len == before)
		r = err_set(e, EINVAL, "linux.cgroupsPath: '%s' names no cgroup below the root", wanted);
	if (r < 0)
		free(b.s);
	else
		*out = b.s;
	return r;
}

char *cgroup_own_path(char *text)
{
	for (char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (str_starts(line, "0::")) {
			line += strlen("0::");
			line[strcspn(line, "\n")] = '\0';
			return line;
		}
	}
	return NULL;
}

int cgroup_path_make(const char *cgroups_path, const char *id, char **out, struct err *e)
{
	AUTO_FREE char *text = NULL;
	AUTO_FD fd = -1;
	const char *own;
	int r;

	if (cgroups_path && *cgroups_path == '/')
		return cgroup_path_join("/", cgroups_path, id, out, e);
	fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, errno, "open '/proc/self/cgroup'");
	r = fd_check_magic(fd, HUSK_PROC_SUPER_MAGIC);
	if (r == 0)
		r = io_read_fd(fd, CGROUP_TEXT_MAX, &text, NULL);
	if (r < 0)
		return err_sys(e, -r, "read '/proc/self/cgroup'");
	own = cgroup_own_path(text);
	if (!own)
		return err_set(
			e, ENOENT,
			"this process is in no cgroup v2 cgroup: mount cgroup2, or use --cgroup-manager disabled");
	return cgroup_path_join(own, cgroups_path, id, out, e);
}

/* ---- making ---- */

/* Opens name below dirfd, made if need be. *out_made says whether this call made it. */
static int make_one(int dirfd, const char *name, int flags, bool *out_made)
{
	int fd = -ENOENT;

	*out_made = false;
	for (int i = 0; i < CREATE_TRIES && fd == -ENOENT; i++) {
		if (mkdirat(dirfd, name, 0755) == 0)
			*out_made = true;
		else if (errno != EEXIST)
			return -errno;
		fd = cgroup_open_below(dirfd, name, flags);
	}
	if (fd < 0 && *out_made)
		(void)unlinkat(dirfd, name, AT_REMOVEDIR);
	return fd;
}

/* Removes path and those above it that are longer than `kept` bytes, as far as they are empty. */
static void unmake_parents(int root, char *path, size_t kept)
{
	size_t len = strlen(path);

	while (len > kept) {
		path[len] = '\0';
		(void)unlinkat(root, path, AT_REMOVEDIR);
		while (len > 0 && path[len - 1] != '/')
			len--;
		len -= len > 0;
	}
}

/* Makes and opens all of parents. *out_kept: the bytes of it that were there before. */
static int make_parents(int root, const char *parents, size_t *out_kept)
{
	AUTO_FD dir = cgroup_open_below(root, *parents ? parents : ".", O_PATH);
	AUTO_FREE char *copy = NULL;
	size_t at = 0;

	*out_kept = strlen(parents);
	if (dir != -ENOENT)
		return dir < 0 ? dir : fd_take(&dir);
	*out_kept = 0;
	copy = x_strdup(parents);
	dir = cgroup_open_below(root, ".", O_PATH);
	while (dir >= 0 && at < strlen(parents)) {
		size_t len = strcspn(parents + at, "/");
		bool made;
		int next;

		copy[at + len] = '\0';
		next = make_one(dir, copy + at, O_PATH, &made);
		copy[at + len] = '/';
		(void)close(dir);
		dir = next;
		at += len;
		if (dir >= 0 && !made)
			*out_kept = at;
		at += parents[at] == '/';
	}
	return dir < 0 ? dir : fd_take(&dir);
}

static int refuse_leaf(const char *path, const char *why, struct err *e)
{
	return err_set(e, EEXIST, "cgroup '%s' already has %s in it: choose another linux.cgroupsPath", path, why);
}

/* Decides whether a cgroup that was there before may be used. */
static int adopt_leaf(int fd, const char *path, struct err *e)
{
	struct stat st;
	int r = cgroup_is_populated(fd);

	if (r < 0)
		return err_sys(e, -r, "read cgroup.events of cgroup '%s'", path);
	if (r > 0)
		return refuse_leaf(path, "processes", e);
	if (fstat(fd, &st) == 0 && st.st_nlink > 2) /* "." and "..", then one a child */
		return refuse_leaf(path, "cgroups", e);
	r = io_write_value(fd, "cgroup.freeze", "0");
	if (r < 0 && r != -EACCES && r != -EPERM)
		return err_sys(e, -r, "thaw cgroup '%s'", path);
	return 0;
}

/* Makes path's last component below parent and locks it. */
static int make_leaf(int parent, const char *name, const char *path, int *out_fd, struct err *e)
{
	bool made;
	AUTO_FD fd = make_one(parent, name, O_RDONLY, &made);
	int r;

	if (fd < 0)
		return err_sys(e, -fd, "create cgroup '%s'", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return err_set(e, EEXIST,
			       "cgroup '%s' is being used for another container: choose another linux.cgroupsPath",
			       path);
	r = made ? 0 : adopt_leaf(fd, path, e);
	if (r < 0)
		return r;
	*out_fd = fd_take(&fd);
	return !made;
}

/* Splits path at its last '/': *out_parents is "" when there is none. */
static int split(const char *path, char **out_parents, const char **out_name, struct err *e)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	if (*path == '/' || !*name || str_eq(name, ".") || str_eq(name, ".."))
		return err_set(e, EINVAL, "'%s' is no path of a cgroup below the root", path);
	*out_parents = x_strdup(path);
	(*out_parents)[slash ? slash - path : 0] = '\0';
	*out_name = name;
	return 0;
}

static int create_once(int root, const char *parents, const char *name, const char *path, int *out_fd, struct err *e)
{
	size_t kept;
	AUTO_FD parent = make_parents(root, parents, &kept);
	int r;

	if (parent < 0)
		r = err_sys(e, -parent, "create the parents of cgroup '%s'", path);
	else
		r = make_leaf(parent, name, path, out_fd, e);
	if (r < 0) {
		AUTO_FREE char *copy = x_strdup(parents);

		unmake_parents(root, copy, kept);
	}
	return r;
}

int cgroup_create(const char *path, int *out_fd, struct err *e)
{
	AUTO_FREE char *parents = NULL;
	AUTO_FD root = -1;
	const char *name;
	int r;

	r = split(path, &parents, &name, e);
	if (r == 0)
		r = cgroup_open_root(&root, e);
	if (r < 0)
		return r;
	/* A concurrent remove may take any part away: ENOENT before it is opened, ENODEV after. */
	for (int i = 0; i < CREATE_TRIES; i++) {
		r = create_once(root, parents, name, path, out_fd, e);
		if (r != -ENOENT && r != -ENODEV)
			break;
	}
	return r;
}

int cgroup_open(const char *path, int *out_fd, struct err *e)
{
	AUTO_FD root = -1;
	int r = cgroup_open_root(&root, e);

	if (r < 0)
		return r;
	r = cgroup_open_below(root, path, O_RDONLY);
	if (r == -ENOENT || r == -ENODEV)
		return err_set(e, -r, "cgroup '%s' is gone: somebody else has removed it", path);
	if (r < 0)
		return err_sys(e, -r, "open cgroup '%s'", path);
	*out_fd = r;
	return 0;
}

/* ---- removing ---- */

struct patience {
	int64_t deadline; /* CLOCK_MONOTONIC, ns */
	long long nap;
};

static bool patience_over(const struct patience *p)
{
	return clock_monotonic_ns() > p->deadline;
}

static void patience_nap(struct patience *p)
{
	struct timespec t = { .tv_nsec = p->nap };

	(void)nanosleep(&t, NULL);
	p->nap = p->nap * 2 < REMOVE_NAP_MAX ? p->nap * 2 : REMOVE_NAP_MAX;
}

/* Removes the children of dir that have none of their own. Returns a descriptor of the first one that
 * has, or -ENOENT when nothing is left, or -EBUSY when only populated ones are. */
static int sweep(int dir)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	int found = d ? -ENOENT : -errno;

	if (!d && copy >= 0)
		(void)close(copy);
	for (struct dirent *entry = d ? readdir(d) : NULL; entry && found < 0; entry = readdir(d)) {
		struct stat st;
		int child;

		if (entry->d_type != DT_DIR || str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
			continue;
		if (unlinkat(dir, entry->d_name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			continue;
		found = -errno;
		child = cgroup_open_below(dir, entry->d_name, O_RDONLY);
		if (child >= 0 && fstat(child, &st) == 0 && st.st_nlink > 2)
			found = child;
		else if (child >= 0)
			(void)close(child);
	}
	if (d)
		(void)closedir(d);
	return found;
}

/* Removes all that is below top, deepest first. Only one level is open at a time: the way back is "..",
 * which is safe because cgroups cannot be renamed. */
static int remove_below(int top, struct patience *p)
{
	AUTO_FD dir = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t depth = 0;

	while (dir >= 0) {
		int r = sweep(dir);

		if (r == -ENOENT && depth == 0)
			return 0;
		if (r < 0 && r != -ENOENT && r != -EBUSY && r != -ENODEV)
			return r;
		if (patience_over(p)) {
			if (r >= 0)
				(void)close(r);
			return -EBUSY;
		}
		if (r == -EBUSY) {
			patience_nap(p);
			continue;
		}
		if (r >= 0) {
			depth++;
		} else {
			r = openat(dir, depth > 0 ? ".." : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			depth -= depth > 0;
		}
		(void)close(dir);
		dir = r;
	}
	return -errno;
}

static int remove_leaf(int parent, const char *name, struct patience *p)
{
	for (;;) {
		AUTO_FD fd = -1;
		struct stat st;
		int r;

		if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		if (errno != EBUSY)
			return -errno;
		if (patience_over(p))
			return -EBUSY;
		fd = cgroup_open_below(parent, name, O_RDONLY);
		if (fd < 0 || fstat(fd, &st) < 0 || st.st_nlink <= 2) {
			patience_nap(p);
			continue;
		}
		r = remove_below(fd, p);
		if (r < 0)
			return r;
	}
}

int cgroup_remove(const char *path, struct err *e)
{
	struct patience p = { .deadline = clock_monotonic_ns() + REMOVE_NS, .nap = REMOVE_NAP_NS };
	AUTO_FD root = -1, parent = -1;
	AUTO_FREE char *parents = NULL;
	const char *name;
	int r;

	r = split(path, &parents, &name, e);
	if (r == 0)
		r = cgroup_open_root(&root, e);
	if (r < 0)
		return r;
	parent = cgroup_open_below(root, *parents ? parents : ".", O_PATH);
	if (parent == -ENOENT)
		return 0;
	r = parent < 0 ? parent : remove_leaf(parent, name, &p);
	if (r == -EBUSY)
		return err_set(e, EBUSY, "remove cgroup '%s': it still has processes in it after 5 s", path);
	return r < 0 ? err_sys(e, -r, "remove cgroup '%s'", path) : 0;
}

int cgroup_wait_removed(const char *path, int ms)
{
	struct patience p = { .deadline = clock_monotonic_ns() + ms * 1000000LL, .nap = REMOVE_NAP_NS };
	AUTO_FD root = -1;
	int r = cgroup_open_root(&root, NULL);

	while (r == 0) {
		AUTO_FD fd = cgroup_open_below(root, path, O_PATH);

		if (fd == -ENOENT || fd == -ENODEV)
			return 0;
		if (patience_over(&p))
			return -EBUSY;
		patience_nap(&p);
	}
	return r;
}
