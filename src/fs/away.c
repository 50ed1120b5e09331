/* SPDX-License-Identifier: Apache-2.0 */
/*
 * away.c: inode.h's files beyond the descriptors that there may be: put away, and brought back.
 *
 * Which one goes: a hand goes round the table and takes the first that nobody works on and nobody
 * used since it came by last (as a page cache's clock does). It goes a bounded way each time, so
 * that a table of files that all stay costs each lookup no more than that.
 *
 * Legal moves of a file: held -> away (only the table refers to it, and it is found where its place
 * says), away -> held (whoever needs it), away -> lost (another file has its number).
 */
#include "inode.h"

#include "fd.h"
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 4096 /* of the hand at once, where it is not needed that one goes */

void fs_inodes_give_fd(struct fs_inodes *t)
{
	atomic_fetch_sub(&t->fds, 1);
}

/* A way from a directory that is held to the file. */
struct way {
	struct fs_inode *from; /* a reference */
	const char *path;
	char text[PATH_MAX];
};

/* Locked. False: its directory is not known any more, or the way is too long. A row of directories that
 * were renamed meanwhile may even be a loop: the length ends it. */
static bool find_way(const struct fs_inodes *t, const struct fs_inode *i, struct way *out)
{
	size_t at = PATH_MAX - 1;

	out->text[at] = '\0';
	for (;;) {
		size_t len = i->place.name ? strlen(i->place.name) : 0;
		struct fs_inode *dir = len ? slots_get(&t->slots, i->place.dir) : NULL;

		if (!dir || len + 1 > at)
			return false;
		at -= len;
		memcpy(out->text + at, i->place.name, len);
		if (dir->fd >= 0) {
			fs_inode_hold(dir);
			out->from = dir;
			out->path = out->text + at;
			return true;
		}
		out->text[--at] = '/';
		i = dir;
	}
}

/* ---- putting away ---- */

/* Locked. A file to put away, with a reference; NULL: none was met, in two rounds when one must go. */
static struct fs_inode *choose(struct fs_inodes *t, bool must)
{
	unsigned int max = must || t->slots.n < STEPS_MAX / 2 ? 2 * t->slots.n : STEPS_MAX;

	for (unsigned int step = 0; step < max; step++) {
		struct fs_inode *i;

		if (t->hand >= t->slots.n)
			t->hand = 1;
		i = slots_at(&t->slots, t->hand++);
		if (!i || i->fd < 0 || i->pinned || i->stays || atomic_load(&i->refs) > 1)
			continue;
		if (!i->used) {
			fs_inode_hold(i);
			return i;
		}
		i->used = false;
	}
	return NULL;
}

/* fd (O_PATH) or -errno. Nowhere on the way a link is followed or a root left, whatever is renamed meanwhile. */
static int open_way(const struct way *way, struct statx *stx)
{
	struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	AUTO_FD fd = sys_openat2(way->from->fd, way->path, &how);

	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, FS_STATX_MASK, stx) < 0)
		return -errno;
	return fd_take(&fd);
}

/* True when it is there now; *stx tells of it. */
static bool is_found(struct fs_inodes *t, struct fs_inode *i, struct way *way, struct statx *stx)
{
	AUTO_FD fd = -1;
	bool found;

	(void)pthread_mutex_lock(&t->lock);
	found = find_way(t, i, way);
	(void)pthread_mutex_unlock(&t->lock);
	if (!found)
		return false;
	fd = open_way(way, stx);
	found = fd >= 0 && fs_inode_is(i, stx, false);
	fs_inode_put(t, way->from);
	return found;
}

/* The reference of the caller's and the table's are all: nobody uses the descriptor, and nobody can begin to. */
static int close_if_idle(struct fs_inodes *t, struct fs_inode *i, const struct statx *stx)
{
	int fd = -1;

	(void)pthread_mutex_lock(&t->lock);
	if (!stx || i->lost) {
		i->stays = true;
	} else if (atomic_load(&i->refs) == 2 && !i->lost && i->fd >= 0) {
		i->born = fs_born_of(stx);
		fd = fd_take(&i->fd);
		t->held--;
		atomic_fetch_add(&t->away, 1);
	}
	(void)pthread_mutex_unlock(&t->lock);
	return fd;
}

/* False: there was none to put away. */
static bool put_one_away(struct fs_inodes *t, bool must)
{
	struct fs_inode *i;
	struct statx stx;
	struct way way;
	int fd;

	(void)pthread_mutex_lock(&t->lock);
	i = choose(t, must);
	(void)pthread_mutex_unlock(&t->lock);
	if (!i)
		return false;
	fd = close_if_idle(t, i, is_found(t, i, &way, &stx) ? &stx : NULL);
	if (fd >= 0) {
		(void)close(fd);
		fs_inodes_give_fd(t);
	}
	fs_inode_put(t, i);
	return true;
}

int fs_inodes_take_fd(struct fs_inodes *t)
{
	while (atomic_fetch_add(&t->fds, 1) >= t->fds_max) {
		atomic_fetch_sub(&t->fds, 1);
		if (!put_one_away(t, true))
			return -ENFILE;
	}
	return 0;
}

/* Two for one that came: so they become fewer when they were too many. */
void fs_inodes_tidy(struct fs_inodes *t)
{
	for (int i = 0; i < 2; i++) {
		bool many;

		(void)pthread_mutex_lock(&t->lock);
		many = t->held > t->held_max;
		(void)pthread_mutex_unlock(&t->lock);
		if (!many || !put_one_away(t, false))
			return;
	}
}

/* ---- bringing back ---- */

/* fd or -errno; -ESTALE: nothing or another file is there. */
static int open_again(const struct fs_inode *i, const struct way *way)
{
	struct statx stx;
	AUTO_FD fd = open_way(way, &stx);

	if (fd < 0)
		return fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP || fd == -EXDEV ? -ESTALE : fd;
	return fs_inode_is(i, &stx, true) ? fd_take(&fd) : -ESTALE;
}

/* Two may do so at once: the second's descriptor is closed. */
static void set_fd(struct fs_inodes *t, struct fs_inode *i, int *fd)
{
	bool set;

	(void)pthread_mutex_lock(&t->lock);
	set = i->fd < 0;
	if (set) {
		i->fd = fd_take(fd);
		t->held++;
		atomic_fetch_sub(&t->away, 1);
	}
	(void)pthread_mutex_unlock(&t->lock);
	if (set)
		return;
	fd_close(fd);
	fs_inodes_give_fd(t);
}

int fs_inode_bring_back(struct fs_inodes *t, struct fs_inode *i)
{
	struct way way;
	bool found;
	int fd, r;

	(void)pthread_mutex_lock(&t->lock);
	found = !i->lost && find_way(t, i, &way);
	(void)pthread_mutex_unlock(&t->lock);
	if (!found)
		return -ESTALE;
	r = fs_inodes_take_fd(t);
	fd = r < 0 ? r : open_again(i, &way);
	fs_inode_put(t, way.from);
	if (fd < 0) {
		if (r == 0)
			fs_inodes_give_fd(t);
		return fd;
	}
	set_fd(t, i, &fd);
	fs_inodes_tidy(t);
	return 0;
}

void fs_inode_rescue(struct fs_inodes *t, const struct fs_found *found)
{
	struct fs_inode *i;
	bool is_away = false;

	(void)pthread_mutex_lock(&t->lock);
	i = fs_inode_find(t, found);
	if (i) {
		fs_inode_hold(i);
		is_away = i->fd < 0;
	}
	(void)pthread_mutex_unlock(&t->lock);
	if (is_away)
		(void)fs_inode_bring_back(t, i);
	fs_inode_put(t, i);
}
