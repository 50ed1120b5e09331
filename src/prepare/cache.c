/* SPDX-License-Identifier: Apache-2.0 */
/* cache.c: see cache.h. */
#include "cache.h"

#include "clock.h"
#include "entry.h"
#include "fd.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#define LOCK_WAIT_MS 60000
#define LOCK_POLL_MS 20
#define KEY_LEN (DIGEST_TEXT_MAX - 1)

/* mkdir -p; only its last part may be there without being ours to look into. */
static int make_directories(const char *path, struct err *e)
{
	AUTO_FREE char *part = x_strdup(path);
	mode_t mode = geteuid() == 0 ? 0755 : 0700; /* a user's cache: XDG Base Directory Specification */

	for (char *slash = strchr(part + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = '\0';
		if (mkdir(part, mode) < 0 && errno != EEXIST)
			return err_sys(e, errno, "make the directory '%s'", part);
		if (!slash)
			return 0;
		*slash = '/';
	}
}

/* What others may write here would run as the kernel of a guest. */
static int check_owner(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, errno, "stat '%s'", path);
	if (st.st_uid != geteuid() || (st.st_mode & 022))
		return err_set(e, EPERM, "the cache '%s': expected a directory that only you (uid %u) can write", path,
			       geteuid());
	return 0;
}

static int lock(struct cache *c, struct err *e)
{
	const struct timespec poll = { .tv_nsec = LOCK_POLL_MS * 1000000L };
	int64_t end = clock_monotonic_ms() + LOCK_WAIT_MS;

	c->lock_fd = openat(c->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (c->lock_fd < 0)
		return err_sys(e, errno, "open '%s/lock'", c->path);
	while (flock(c->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_sys(e, errno, "lock '%s/lock'", c->path);
		if (clock_monotonic_ms() > end)
			return err_set(e, ETIMEDOUT, "another process holds '%s/lock' for more than %d s", c->path,
				       LOCK_WAIT_MS / 1000);
		(void)nanosleep(&poll, NULL);
	}
	return 0;
}

/* Calls fn for each name in the cache. */
static void for_each(struct cache *c, void (*fn)(struct cache *c, const char *name, const void *arg), const void *arg)
{
	int fd = openat(c->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (!dir) {
		fd_close(&fd);
		return;
	}
	while ((entry = readdir(dir)))
		fn(c, entry->d_name, arg);
	(void)closedir(dir);
}

static void remove_half_made(struct cache *c, const char *name, const void *arg)
{
	(void)arg;
	if (str_starts(name, ENTRY_NEW))
		entry_remove(c->fd, name);
}

int cache_open(const char *path, struct cache *out, struct err *e)
{
	struct cache c = { .path = path, .fd = -1, .lock_fd = -1 };
	int r = make_directories(path, e);

	if (r == 0) {
		c.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = c.fd < 0 ? err_sys(e, errno, "open the directory '%s'", path) : 0;
	}
	if (r == 0)
		r = check_owner(c.fd, path, e);
	if (r == 0)
		r = lock(&c, e);
	if (r < 0) {
		cache_close(&c);
		return r;
	}
	for_each(&c, remove_half_made, NULL);
	*out = c;
	return 0;
}

void cache_close(struct cache *c)
{
	fd_close(&c->lock_fd);
	fd_close(&c->fd);
}

int cache_take(struct cache *c, const char *key, const struct sources *s, enum cache_found *out_found,
	       struct err *out_why, struct err *e)
{
	int r = entry_check(c->fd, key, s, out_why);

	*out_found = r == 0 ? CACHE_WHOLE : r == -ENOENT ? CACHE_NOTHING : CACHE_DAMAGED;
	if (r == 0)
		return 0;
	if (*out_found == CACHE_DAMAGED)
		entry_remove(c->fd, key);
	r = entry_make(c->fd, key, s, e);
	return r < 0 ? err_add(e, "cache '%s'", c->path) : 0;
}

struct keep {
	const char *key;
	const struct sources *sources;
};

static bool outdated(int dir, const struct sources *s)
{
	struct vm_manifest m = { 0 };
	bool is = true;

	if (vm_manifest_read(dir, &m, NULL) == 0)
		is = vm_manifest_check_inputs(&m, NULL) < 0 ||
		     vm_manifest_is_for(&m, s->files[VM_MANIFEST_KERNEL].path, s->files[VM_MANIFEST_AGENT].path,
					s->modules_end < s->n ? s->files[s->modules_end].path : NULL, s->image);
	vm_manifest_free(&m);
	return is;
}

static bool is_other(const char *name, const char *key)
{
	return strlen(name) == KEY_LEN && strspn(name, "0123456789abcdef") == KEY_LEN && !str_eq(name, key);
}

static void remove_outdated(struct cache *c, const char *name, const void *arg)
{
	const struct keep *keep = arg;
	AUTO_FD dir = -1;

	if (!is_other(name, keep->key))
		return;
	dir = openat(c->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir >= 0 && outdated(dir, keep->sources))
		entry_remove(c->fd, name);
}

void cache_prune(struct cache *c, const char *key, const struct sources *s)
{
	const struct keep keep = { .key = key, .sources = s };

	for_each(c, remove_outdated, &keep);
}

struct other_check {
	const char *key;
	struct strbuf *said;
};

static void remove_damaged(struct cache *c, const char *name, const void *arg)
{
	const struct other_check *check = arg;
	struct err why = { 0 };
	int r;

	if (!is_other(name, check->key))
		return;
	r = entry_check(c->fd, name, NULL, &why);
	if (r == 0 || r == -ENOENT)
		return;
	entry_remove(c->fd, name);
	strbuf_printf(check->said, "%s: %s\n", name, why.msg);
}

void cache_check_others(struct cache *c, const char *key, struct strbuf *said)
{
	const struct other_check check = { .key = key, .said = said };

	for_each(c, remove_damaged, &check);
}
