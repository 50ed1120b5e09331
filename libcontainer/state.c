/* SPDX-License-Identifier: Apache-2.0 */
/* state.c: see state.h. */
#include "state.h"

#include "cgroup.h"
#include "fd.h"
#include "io.h"
#include "kernel.h"
#include "proc.h"
#include "str.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define STATE_FILE "state.json"
#define STATE_FILE_MAX (1U << 20)
#define LOCK_STEP_MS 5
#define MAKE_LOCK_MS 2000

int state_check_id(const char *id, struct err *e)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-";
	size_t len = strlen(id);

	if (len == 0)
		return err_set(e, EINVAL, "container id: it is empty");
	if (len > NAME_MAX)
		return err_set(e, EINVAL, "container id: longer than %d bytes", NAME_MAX);
	for (size_t i = 0; i < len; i++)
		if (!strchr(plain, id[i]) && !(i > 0 && id[i] == '.'))
			return err_set(
				e, EINVAL,
				"container id '%s': only letters, digits, '_', '+', '-', and '.' after the first", id);
	return 0;
}

static int make_root(const char *root, struct err *e)
{
	char path[PATH_MAX];

	if (strlen(root) >= sizeof(path))
		return err_sys(e, ENAMETOOLONG, "--root '%.64s...'", root);
	memcpy(path, root, strlen(root) + 1);
	for (char *p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return err_sys(e, errno, "--root: make '%s'", path);
		*p = '/';
	}
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_sys(e, errno, "--root: make '%s'", path);
	return 0;
}

/* A directory that others can write to could hold forged states. */
static int check_root(int fd, const char *root, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, errno, "--root: stat '%s'", root);
	if (st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH))
		return err_set(e, EPERM, "--root: '%s' must belong to uid %u and be writable by it alone", root,
			       geteuid());
	return 0;
}

int state_open_root(const struct husk_ctx *ctx, bool make, int *out_fd, struct err *e)
{
	int fd = open(ctx->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (fd < 0 && errno == ENOENT && make) {
		r = make_root(ctx->root, e);
		if (r < 0)
			return r;
		fd = open(ctx->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0)
		return err_sys(e, errno, "--root: open '%s'", ctx->root);
	r = check_root(fd, ctx->root, e);
	if (r < 0) {
		(void)close(fd);
		return r;
	}
	*out_fd = fd;
	return 0;
}

int state_make(const struct husk_ctx *ctx, const char *id, struct state *out, struct err *e)
{
	AUTO_FD root = -1;
	int r;

	r = state_check_id(id, e);
	if (r == 0)
		r = state_open_root(ctx, true, &root, e);
	if (r < 0)
		return r;
	if (mkdirat(root, id, 0700) < 0)
		return errno == EEXIST ? err_set(e, EEXIST, "container '%s' already exists", id)
				       : err_sys(e, errno, "make the state directory of '%s'", id);
	out->dir = openat(root, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (out->dir < 0) {
		r = err_sys(e, errno, "open the state directory of '%s'", id);
		(void)unlinkat(root, id, AT_REMOVEDIR);
		return r;
	}
	out->id = x_strdup(id);
	r = state_lock(out, MAKE_LOCK_MS, e); /* a delete may have come in between, for a moment or for good */
	if (r < 0 && r != -ENOENT)
		(void)unlinkat(root, id, AT_REMOVEDIR);
	if (r < 0)
		fd_close(&out->dir);
	return r;
}

int state_write(const struct state *s, struct err *e)
{
	AUTO_FREE char *text = state_text(s);

	return io_replace_file(s->dir, STATE_FILE, text, strlen(text), 0600, e);
}

/* *out_broken: it is not there or no state, now and ever; unlike a failure to read it. */
static int read_state(struct state *s, bool *out_broken, struct err *e)
{
	AUTO_FREE char *text = NULL;
	size_t len;
	int r;

	r = io_read_file(s->dir, STATE_FILE, O_NOFOLLOW, STATE_FILE_MAX, &text, &len, e);
	*out_broken = r == 0 || r == -ENOENT || r == -ELOOP || r == -EISDIR || r == -EFBIG;
	return r == 0 ? state_parse(text, len, s, e) : r;
}

static int open_dir(const struct husk_ctx *ctx, const char *id, struct state *out, struct err *e)
{
	AUTO_FD root = -1;
	int r;

	r = state_check_id(id, e);
	if (r == 0)
		r = state_open_root(ctx, false, &root, e);
	if (r == -ENOENT)
		return err_set(e, ENOENT, "container '%s' does not exist", id);
	if (r < 0)
		return r;
	out->dir = openat(root, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (out->dir < 0)
		return errno == ENOENT ? err_set(e, ENOENT, "container '%s' does not exist", id)
				       : err_sys(e, errno, "container '%s'", id);
	out->id = x_strdup(id);
	return 0;
}

static int read_opened(struct state *s, bool broken_ok, struct err *e)
{
	bool broken;
	int r = read_state(s, &broken, e);

	if (r < 0 && broken && broken_ok)
		return 0;
	return r < 0 ? err_add(e, "container '%s': " STATE_FILE, s->id) : 0;
}

/* Asked by a description of its own: s->dir may have the lock. */
static bool is_locked(const struct state *s)
{
	AUTO_FD dir = openat(s->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return dir >= 0 && flock(dir, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

static void forget_what_was_read(struct state *s)
{
	free(s->bundle);
	free(s->rootfs);
	free(s->created);
	free(s->cgroup);
	free(s->scope);
	free(s->annotations);
	*s = (struct state){ .dir = s->dir, .id = s->id };
}

/* Where nobody makes it any more, it may have become ready since it was read. */
int state_open(const struct husk_ctx *ctx, const char *id, bool broken_ok, struct state *out, struct err *e)
{
	int r = open_dir(ctx, id, out, e);

	if (r == 0)
		r = read_opened(out, broken_ok, e);
	if (r < 0 || out->ready)
		return r;
	out->in_making = is_locked(out);
	if (out->in_making)
		return 0;
	forget_what_was_read(out);
	return read_opened(out, broken_ok, e);
}

int state_open_locked(const struct husk_ctx *ctx, const char *id, int ms, bool force, struct state *out, struct err *e)
{
	bool others = false;
	int r = open_dir(ctx, id, out, e);

	if (r == 0)
		r = state_lock(out, ms, e);
	if (r == -EBUSY && force) {
		others = true;
		r = 0;
	}
	if (r == 0)
		r = read_opened(out, force, e);
	out->in_making = r == 0 && others && !out->ready;
	return r;
}

int state_lock(const struct state *s, int ms, struct err *e)
{
	struct timespec step = { .tv_nsec = LOCK_STEP_MS * 1000000L };
	struct stat st;

	while (flock(s->dir, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_sys(e, errno, "lock container '%s'", s->id);
		if (ms <= 0)
			return err_set(e, EBUSY, "container '%s' is in use by another command", s->id);
		(void)nanosleep(&step, NULL);
		ms -= LOCK_STEP_MS;
	}
	if (fstat(s->dir, &st) == 0 && st.st_nlink == 0)
		return err_set(e, ENOENT, "container '%s' does not exist", s->id);
	return 0;
}

void state_unlock(const struct state *s)
{
	(void)flock(s->dir, LOCK_UN);
}

/* Whatever lies in the directory: temporary files of a writer that was killed. */
static void remove_strays(const struct state *s)
{
	int fd = openat(s->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *d;

	while (dir && (d = readdir(dir)))
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			(void)unlinkat(s->dir, d->d_name, 0);
	if (dir)
		(void)closedir(dir);
	else
		fd_close(&fd);
}

int state_remove(const struct husk_ctx *ctx, const struct state *s, struct err *e)
{
	AUTO_FD root = -1;
	int r;

	r = state_open_root(ctx, false, &root, e);
	if (r < 0)
		return r;
	(void)unlinkat(s->dir, STATE_GATE, 0);
	(void)unlinkat(s->dir, STATE_CONFIG, 0);
	(void)unlinkat(s->dir, STATE_FILE, 0);
	r = unlinkat(root, s->id, AT_REMOVEDIR);
	if (r < 0 && (errno == ENOTEMPTY || errno == EEXIST)) {
		remove_strays(s);
		r = unlinkat(root, s->id, AT_REMOVEDIR);
	}
	if (r < 0 && errno != ENOENT)
		return err_sys(e, errno, "remove the state directory of '%s'", s->id);
	return 0;
}

void state_free(struct state *s)
{
	forget_what_was_read(s);
	fd_close(&s->dir);
	free(s->id);
	*s = (struct state){ .dir = -1 };
}

int state_pidfd(const struct state *s, int *out_fd)
{
	AUTO_FD fd = -1;
	uint64_t ticks;
	char letter;
	int r;

	if (s->pid <= 0)
		return -ESRCH;
	fd = sys_pidfd_open(s->pid, 0);
	if (fd < 0)
		return errno == EINVAL || errno == ENOENT ? -ESRCH : -errno; /* a thread's id by now (ENOENT: 6.16) */
	r = proc_start_time(s->pid, &ticks, &letter);
	if (r == -ESRCH && geteuid() != 0 && sys_pidfd_send_signal(fd, 0) == 0)
		r = 0; /* it lives, but procfs (hidepid) hides it from an ordinary user */
	else if (r == 0 && (ticks != s->start_time || letter == 'Z' || letter == 'X'))
		r = -ESRCH;
	if (r == 0)
		*out_fd = fd_take(&fd);
	return r;
}

enum state_status state_status(const struct state *s)
{
	AUTO_FD pidfd = -1;
	AUTO_FD cgroup = -1;

	if (s->in_making && s->pid == 0)
		return STATE_CREATING;
	if (state_pidfd(s, &pidfd) == -ESRCH) /* another failure says nothing of the process */
		return STATE_STOPPED;
	if (s->in_making)
		return STATE_CREATING;
	if (s->cgroup && cgroup_open(s->cgroup, &cgroup, NULL) == 0 && cgroup_is_frozen(cgroup) == 1)
		return STATE_PAUSED;
	return faccessat(s->dir, STATE_GATE, F_OK, 0) == 0 ? STATE_CREATED : STATE_RUNNING;
}
