/* SPDX-License-Identifier: Apache-2.0 */
/* handle.c: see handle.h. */
#include "handle.h"

#include "fd.h"
#include "str.h"

#include <errno.h>
#include <stdlib.h>

void fs_handles_init(struct fs_handles *t, struct fs_inodes *inodes)
{
	*t = (struct fs_handles){ .inodes = inodes };
	(void)pthread_mutex_init(&t->lock, NULL);
}

void fs_handle_put(struct fs_handles *t, struct fs_handle *h)
{
	if (!h || atomic_fetch_sub(&h->refs, 1) > 1)
		return;
	(void)close(h->fd);
	fs_inodes_give_fd(t->inodes);
	fs_inodes_give_bytes(t->inodes, FS_HANDLE_BYTES + (h->dirents ? FS_DIRENTS_MAX : 0));
	fs_inode_put(t->inodes, h->inode);
	(void)pthread_mutex_destroy(&h->lock);
	free(h->dirents);
	free(h);
}

void fs_handles_clear(struct fs_handles *t)
{
	for (uint32_t i = 1; i < t->slots.n; i++) {
		struct fs_handle *h;

		(void)pthread_mutex_lock(&t->lock);
		h = slots_at(&t->slots, i);
		if (h)
			(void)slots_remove(&t->slots, (uint64_t)t->slots.v[i].generation << 32 | i);
		(void)pthread_mutex_unlock(&t->lock);
		fs_handle_put(t, h);
	}
}

void fs_handles_free(struct fs_handles *t)
{
	fs_handles_clear(t);
	slots_free(&t->slots);
	(void)pthread_mutex_destroy(&t->lock);
}

int fs_handle_add(struct fs_handles *t, struct fs_inode *inode, int *fd, uint64_t *out_fh)
{
	struct fs_handle *h;
	int r = fs_inodes_take_bytes(t->inodes, FS_HANDLE_BYTES) ? 0 : -ENFILE;

	if (r == 0) {
		r = fs_inodes_take_fd(t->inodes);
		if (r < 0)
			fs_inodes_give_bytes(t->inodes, FS_HANDLE_BYTES);
	}
	if (r < 0) {
		fd_close(fd);
		return r;
	}
	h = x_calloc(1, sizeof(*h));
	h->fd = fd_take(fd);
	h->is_dir = S_ISDIR(inode->type);
	fs_inode_hold(inode);
	h->inode = inode;
	atomic_init(&h->refs, 1);
	(void)pthread_mutex_init(&h->lock, NULL);
	(void)pthread_mutex_lock(&t->lock);
	*out_fh = slots_add(&t->slots, h);
	(void)pthread_mutex_unlock(&t->lock);
	return 0;
}

struct fs_handle *fs_handle_get(struct fs_handles *t, uint64_t fh, bool is_dir)
{
	struct fs_handle *h;

	(void)pthread_mutex_lock(&t->lock);
	h = slots_get(&t->slots, fh);
	if (h && h->is_dir == is_dir)
		atomic_fetch_add(&h->refs, 1);
	else
		h = NULL;
	(void)pthread_mutex_unlock(&t->lock);
	return h;
}

int fs_handle_release(struct fs_handles *t, uint64_t fh, bool is_dir)
{
	struct fs_handle *h;

	(void)pthread_mutex_lock(&t->lock);
	h = slots_get(&t->slots, fh);
	if (h && h->is_dir == is_dir)
		(void)slots_remove(&t->slots, fh);
	else
		h = NULL;
	(void)pthread_mutex_unlock(&t->lock);
	fs_handle_put(t, h);
	return h ? 0 : -EBADF;
}
