/* SPDX-License-Identifier: Apache-2.0 */
/* inode.c: see inode.h. */
#include "inode.h"

#include "fd.h"
#include "fs.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS_FIRST 256
#define DEPTH_MAX 4096 /* directories above one */

void fs_inodes_init(struct fs_inodes *t, unsigned int fds_max)
{
	*t = (struct fs_inodes){
		.fds_max = fds_max,
		.held_max = FS_HELD_MAX,
		.hand = 1,
		.n_buckets = BUCKETS_FIRST,
		.bytes_max = FS_MEMORY,
	};
	(void)pthread_mutex_init(&t->lock, NULL);
	t->bucket = x_calloc(t->n_buckets, sizeof(struct fs_inode *));
}

struct fs_key fs_key_of(const struct statx *stx)
{
	return (struct fs_key){ stx->stx_ino, stx->stx_mnt_id, stx->stx_dev_major, stx->stx_dev_minor };
}

struct fs_born fs_born_of(const struct statx *stx)
{
	return (struct fs_born){ stx->stx_btime.tv_sec, stx->stx_btime.tv_nsec };
}

static bool same_key(const struct fs_key *a, const struct fs_key *b)
{
	return a->ino == b->ino && a->mount == b->mount && a->dev_major == b->dev_major && a->dev_minor == b->dev_minor;
}

/* Multiplicative; the guest cannot choose inode numbers freely, and only slows itself. */
static struct fs_inode **bucket_of(const struct fs_inodes *t, const struct fs_key *key)
{
	uint64_t h = (key->ino ^ key->mount << 40) * 0x9e3779b97f4a7c15ULL;

	return &t->bucket[(h >> 32) & (t->n_buckets - 1)];
}

static void grow(struct fs_inodes *t)
{
	struct fs_inode **old = t->bucket;
	uint32_t n = t->n_buckets;

	if (t->slots.used < n)
		return;
	t->n_buckets = n * 2;
	t->bucket = x_calloc(t->n_buckets, sizeof(struct fs_inode *));
	for (uint32_t i = 0; i < n; i++) {
		struct fs_inode *next;

		for (struct fs_inode *inode = old[i]; inode; inode = next) {
			struct fs_inode **b = bucket_of(t, &inode->key);

			next = inode->next;
			inode->next = *b;
			*b = inode;
		}
	}
	free(old);
}

/* Locked. */
static void take_out_of_bucket(struct fs_inodes *t, struct fs_inode *inode)
{
	struct fs_inode **at = bucket_of(t, &inode->key);

	if (inode->lost)
		return;
	while (*at != inode)
		at = &(*at)->next;
	*at = inode->next;
	inode->lost = true;
}

/* Locked. Out of the table: nobody finds it any more, and the table's reference ends. */
static struct fs_inode *take_out(struct fs_inodes *t, struct fs_inode *inode)
{
	take_out_of_bucket(t, inode);
	(void)slots_remove(&t->slots, inode->nodeid);
	return inode;
}

void fs_inode_hold(struct fs_inode *i)
{
	atomic_fetch_add(&i->refs, 1);
}

/* The last reference ends when the table's has ended: nobody else can come to the file. */
void fs_inode_put(struct fs_inodes *t, struct fs_inode *i)
{
	if (!i || atomic_fetch_sub(&i->refs, 1) > 1)
		return;
	(void)pthread_mutex_lock(&t->lock);
	if (i->fd >= 0)
		t->held--;
	(void)pthread_mutex_unlock(&t->lock);
	if (i->fd >= 0) {
		(void)close(i->fd);
		fs_inodes_give_fd(t);
	} else {
		atomic_fetch_sub(&t->away, 1);
	}
	fs_inodes_give_bytes(t, FS_INODE_BYTES + (i->place.name ? FS_NAME_BYTES(i->place.name) : 0));
	free(i->place.name);
	free(i);
}

static void clear_from(struct fs_inodes *t, uint32_t first)
{
	for (uint32_t i = first; i < t->slots.n; i++) {
		struct fs_inode *inode;

		(void)pthread_mutex_lock(&t->lock);
		inode = slots_at(&t->slots, i);
		if (inode)
			inode = take_out(t, inode);
		(void)pthread_mutex_unlock(&t->lock);
		fs_inode_put(t, inode);
	}
}

void fs_inodes_clear(struct fs_inodes *t)
{
	clear_from(t, 1);
}

void fs_inodes_clear_guest(struct fs_inodes *t)
{
	clear_from(t, 2);
}

void fs_inodes_free(struct fs_inodes *t)
{
	fs_inodes_clear(t);
	slots_free(&t->slots);
	free(t->bucket);
	(void)pthread_mutex_destroy(&t->lock);
}

int fs_inode_get(struct fs_inodes *t, uint64_t nodeid, struct fs_inode **out)
{
	bool is_away = false;
	struct fs_inode *i;
	int r = 0;

	(void)pthread_mutex_lock(&t->lock);
	i = slots_get(&t->slots, nodeid);
	if (i) {
		fs_inode_hold(i);
		i->used = true;
		is_away = i->fd < 0;
	}
	(void)pthread_mutex_unlock(&t->lock);
	if (!i)
		return -ENOENT;
	if (is_away)
		r = fs_inode_bring_back(t, i);
	if (r < 0) {
		fs_inode_put(t, i);
		return r;
	}
	*out = i;
	return 0;
}

bool fs_inode_is(const struct fs_inode *i, const struct statx *stx, bool is_away)
{
	struct fs_key key = fs_key_of(stx);
	struct fs_born born = fs_born_of(stx);

	return same_key(&i->key, &key) && i->type == (stx->stx_mode & S_IFMT) &&
	       (!is_away || (i->born.sec == born.sec && i->born.nsec == born.nsec));
}

static bool is_at(const struct fs_inode *i, uint64_t dir, const char *name)
{
	return i->place.dir == dir && str_eq(i->place.name, name);
}

/* The number of a file that is away may be another's by now: then it is lost. */
struct fs_inode *fs_inode_find(struct fs_inodes *t, const struct fs_found *found)
{
	struct fs_key key = fs_key_of(found->stx);
	struct fs_inode *i = *bucket_of(t, &key);

	while (i && !(same_key(&i->key, &key) && (!found->by_name || i->linked || is_at(i, found->dir, found->name))))
		i = i->next;
	if (!i || fs_inode_is(i, found->stx, i->fd < 0))
		return i;
	take_out_of_bucket(t, i);
	return NULL;
}

bool fs_inodes_take_bytes(struct fs_inodes *t, size_t n)
{
	size_t max = atomic_load(&t->bytes_max);

	if (n <= max && atomic_fetch_add(&t->bytes, n) <= max - n)
		return true;
	if (n <= max)
		fs_inodes_give_bytes(t, n);
	return false;
}

void fs_inodes_give_bytes(struct fs_inodes *t, size_t n)
{
	atomic_fetch_sub(&t->bytes, n);
}

/* Locked. Where there is no room for the new place, the former stays: is nothing there, the file is not put away. */
static void set_place(struct fs_inodes *t, struct fs_inode *i, uint64_t dir, const char *name)
{
	if (!name)
		return;
	i->stays = false;
	if (is_at(i, dir, name) || !fs_inodes_take_bytes(t, FS_NAME_BYTES(name)))
		return;
	if (i->place.name)
		fs_inodes_give_bytes(t, FS_NAME_BYTES(i->place.name));
	free(i->place.name);
	i->place = (struct fs_place){ dir, x_strdup(name) };
}

/* Locked. */
static struct fs_inode *find(struct fs_inodes *t, const struct fs_found *found)
{
	struct fs_inode *i = fs_inode_find(t, found);

	if (!i)
		return NULL;
	i->lookups++;
	i->used = true;
	i->pinned |= found->pinned;
	fs_inode_hold(i);
	set_place(t, i, found->dir, found->name);
	return i;
}

struct fs_inode *fs_inode_known(struct fs_inodes *t, const struct fs_found *found)
{
	struct fs_inode *i;

	(void)pthread_mutex_lock(&t->lock);
	i = find(t, found);
	(void)pthread_mutex_unlock(&t->lock);
	return i;
}

/* Locked. fd: taken; -1: it is away. NULL: there are too many. */
static struct fs_inode *make(struct fs_inodes *t, const struct fs_found *found, int *fd)
{
	struct fs_inode *i, **b;

	if (!fs_inodes_take_bytes(t, FS_INODE_BYTES + (found->name ? FS_NAME_BYTES(found->name) : 0)))
		return NULL;
	i = x_calloc(1, sizeof(*i));
	grow(t);
	i->key = fs_key_of(found->stx);
	b = bucket_of(t, &i->key);
	i->type = found->stx->stx_mode & S_IFMT;
	i->pinned = found->pinned;
	i->used = true;
	i->fd = fd_take(fd);
	i->born = fs_born_of(found->stx);
	i->lookups = 1;
	atomic_init(&i->refs, 2); /* the table's and the caller's */
	if (found->name)
		i->place = (struct fs_place){ found->dir, x_strdup(found->name) };
	i->next = *b;
	*b = i;
	i->nodeid = slots_add(&t->slots, i);
	if (i->fd >= 0)
		t->held++;
	else
		atomic_fetch_add(&t->away, 1);
	return i;
}

bool fs_inode_may_be_away(const struct fs_found *found)
{
	return !found->pinned && (found->stx->stx_mask & STATX_BTIME) && !S_ISDIR(found->stx->stx_mode);
}

struct fs_inode *fs_inode_note(struct fs_inodes *t, const struct fs_found *found)
{
	struct fs_inode *i;
	int none = -1;

	(void)pthread_mutex_lock(&t->lock);
	i = find(t, found);
	if (!i)
		i = make(t, found, &none);
	(void)pthread_mutex_unlock(&t->lock);
	return i;
}

int fs_inode_add(struct fs_inodes *t, const struct fs_found *found, int *fd, struct fs_inode **out)
{
	struct fs_inode *i;
	bool made = false;
	int r = fs_inodes_take_fd(t);

	if (r < 0) {
		fd_close(fd);
		return r;
	}
	(void)pthread_mutex_lock(&t->lock);
	i = find(t, found);
	if (!i) {
		i = make(t, found, fd);
		made = i;
	}
	(void)pthread_mutex_unlock(&t->lock);
	fd_close(fd);
	if (!made)
		fs_inodes_give_fd(t);
	else
		fs_inodes_tidy(t);
	if (!i)
		return -ENFILE;
	*out = i;
	return 0;
}

void fs_inode_moved(struct fs_inodes *t, const struct fs_found *former, uint64_t dir, const char *name)
{
	struct fs_inode *i;

	(void)pthread_mutex_lock(&t->lock);
	i = fs_inode_find(t, former);
	if (i)
		set_place(t, i, dir, name);
	(void)pthread_mutex_unlock(&t->lock);
}

/* One that overlayfs copied up for it has another number by now: those that have the former one are others. */
void fs_inode_linked(struct fs_inodes *t, struct fs_inode *i, const struct statx *stx)
{
	struct fs_key key = fs_key_of(stx);

	(void)pthread_mutex_lock(&t->lock);
	i->linked = i->linked || same_key(&i->key, &key);
	(void)pthread_mutex_unlock(&t->lock);
}

/* Does the way up from this directory end at ours? From what was unmounted it ends below. When in doubt: yes. */
static bool is_below(const struct fs_inode *i, const struct fs_key *top)
{
	struct fs_key key = i->key;
	AUTO_FD fd = -1;

	for (unsigned int depth = 0; depth < DEPTH_MAX; depth++) {
		int above = openat(fd < 0 ? i->fd : fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		struct statx stx;
		struct fs_key up;

		fd_close(&fd);
		fd = above;
		if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, FS_STATX_MASK, &stx) < 0)
			return true;
		up = fs_key_of(&stx);
		if (same_key(&up, top))
			return true;
		if (same_key(&up, &key))
			return false;
		key = up;
	}
	return true;
}

/* A pinned one that the guest holds no more; the reference is taken over. Returns it if it was taken out. */
static struct fs_inode *take_out_unmounted(struct fs_inodes *t, struct fs_inode *i, const struct fs_key *top)
{
	struct fs_inode *gone = NULL;

	if (!same_key(&i->key, top) && !is_below(i, top)) {
		(void)pthread_mutex_lock(&t->lock);
		if (i->lookups == 0 && slots_get(&t->slots, i->nodeid) == i)
			gone = take_out(t, i);
		(void)pthread_mutex_unlock(&t->lock);
	}
	fs_inode_put(t, i);
	return gone;
}

/* With one of them go those below it, which the guest may have given back before. */
static void clear_unmounted(struct fs_inodes *t, const struct fs_key *top)
{
	uint32_t at = 1;
	bool more = true;

	while (more) {
		struct fs_inode *i = NULL;

		(void)pthread_mutex_lock(&t->lock);
		while (!i && ++at < t->slots.n) {
			i = slots_at(&t->slots, at);
			if (i && (!i->pinned || i->lookups))
				i = NULL;
		}
		more = i != NULL;
		if (i)
			fs_inode_hold(i);
		(void)pthread_mutex_unlock(&t->lock);
		if (i)
			fs_inode_put(t, take_out_unmounted(t, i, top));
	}
}

void fs_inode_forget(struct fs_inodes *t, uint64_t nodeid, uint64_t n)
{
	struct fs_inode *i, *root, *gone = NULL, *pinned = NULL;
	struct fs_key top = { 0 };

	(void)pthread_mutex_lock(&t->lock);
	i = slots_get(&t->slots, nodeid);
	if (i) {
		i->lookups = n < i->lookups ? i->lookups - n : 0;
		root = slots_at(&t->slots, 1);
		if (i->lookups == 0 && !i->pinned) {
			gone = take_out(t, i);
		} else if (i->lookups == 0) {
			fs_inode_hold(i);
			pinned = i;
			top = root ? root->key : i->key;
		}
	}
	(void)pthread_mutex_unlock(&t->lock);
	if (pinned)
		gone = take_out_unmounted(t, pinned, &top);
	if (pinned && gone)
		clear_unmounted(t, &top);
	fs_inode_put(t, gone);
}

struct fs_seen fs_inode_saw(struct fs_inodes *t, struct fs_inode *i, struct fs_seen seen)
{
	struct fs_seen before;

	(void)pthread_mutex_lock(&t->lock);
	before = i->seen;
	i->seen = seen;
	(void)pthread_mutex_unlock(&t->lock);
	return before;
}
