/* SPDX-License-Identifier: Apache-2.0 */
/* inode.c: see inode.h. */
#include "inode.h"

#include "fd.h"
#include "str.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS_FIRST 256

int fs_fds_take(atomic_uint *fds, unsigned int max)
{
	if (atomic_fetch_add(fds, 1) < max)
		return 0;
	atomic_fetch_sub(fds, 1);
	return -ENFILE;
}

void fs_fds_give(atomic_uint *fds)
{
	atomic_fetch_sub(fds, 1);
}

void fs_inodes_init(struct fs_inodes *t, atomic_uint *fds, unsigned int fds_max)
{
	*t = (struct fs_inodes){ .fds = fds, .fds_max = fds_max, .n_buckets = BUCKETS_FIRST };
	(void)pthread_mutex_init(&t->lock, NULL);
	t->bucket = x_calloc(t->n_buckets, sizeof(struct fs_inode *));
}

struct fs_key fs_key_of(const struct statx *stx)
{
	return (struct fs_key){ stx->stx_ino, stx->stx_mnt_id, stx->stx_dev_major, stx->stx_dev_minor };
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

/* Locked. Out of the table: nobody finds it any more, and the table's reference ends. */
static struct fs_inode *take_out(struct fs_inodes *t, struct fs_inode *inode)
{
	struct fs_inode **at = bucket_of(t, &inode->key);

	while (*at != inode)
		at = &(*at)->next;
	*at = inode->next;
	(void)slots_remove(&t->slots, inode->nodeid);
	return inode;
}

void fs_inode_put(struct fs_inodes *t, struct fs_inode *i)
{
	if (!i || atomic_fetch_sub(&i->refs, 1) > 1)
		return;
	(void)close(i->fd);
	fs_fds_give(t->fds);
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

struct fs_inode *fs_inode_get(struct fs_inodes *t, uint64_t nodeid)
{
	struct fs_inode *i;

	(void)pthread_mutex_lock(&t->lock);
	i = slots_get(&t->slots, nodeid);
	if (i)
		atomic_fetch_add(&i->refs, 1);
	(void)pthread_mutex_unlock(&t->lock);
	return i;
}

/* Locked. */
static struct fs_inode *find(struct fs_inodes *t, const struct fs_key *key)
{
	struct fs_inode *i = *bucket_of(t, key);

	while (i && !same_key(&i->key, key))
		i = i->next;
	if (i) {
		i->lookups++;
		atomic_fetch_add(&i->refs, 1);
	}
	return i;
}

struct fs_inode *fs_inode_known(struct fs_inodes *t, const struct fs_key *key)
{
	struct fs_inode *i;

	(void)pthread_mutex_lock(&t->lock);
	i = find(t, key);
	(void)pthread_mutex_unlock(&t->lock);
	return i;
}

/* Locked. */
static struct fs_inode *make(struct fs_inodes *t, const struct fs_key *key, const struct statx *stx, int *fd)
{
	struct fs_inode *i = x_calloc(1, sizeof(*i));
	struct fs_inode **b;

	grow(t);
	b = bucket_of(t, key);
	i->key = *key;
	i->type = stx->stx_mode & S_IFMT;
	i->fd = fd_take(fd);
	i->lookups = 1;
	atomic_init(&i->refs, 2); /* the table's and the caller's */
	i->next = *b;
	*b = i;
	i->nodeid = slots_add(&t->slots, i);
	return i;
}

int fs_inode_add(struct fs_inodes *t, const struct statx *stx, int *fd, bool pinned, struct fs_inode **out)
{
	struct fs_key key = fs_key_of(stx);
	struct fs_inode *i;
	int r = 0;

	(void)pthread_mutex_lock(&t->lock);
	i = find(t, &key);
	if (!i)
		r = fs_fds_take(t->fds, t->fds_max);
	if (!i && r == 0)
		i = make(t, &key, stx, fd);
	if (i)
		i->pinned |= pinned;
	(void)pthread_mutex_unlock(&t->lock);
	fd_close(fd);
	if (r < 0)
		return r;
	*out = i;
	return 0;
}

void fs_inode_forget(struct fs_inodes *t, uint64_t nodeid, uint64_t n)
{
	struct fs_inode *i, *gone = NULL;

	(void)pthread_mutex_lock(&t->lock);
	i = slots_get(&t->slots, nodeid);
	if (i) {
		i->lookups = n < i->lookups ? i->lookups - n : 0;
		if (i->lookups == 0 && !i->pinned)
			gone = take_out(t, i);
	}
	(void)pthread_mutex_unlock(&t->lock);
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
