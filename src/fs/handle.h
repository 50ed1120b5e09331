/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handle.h: the files and directories that the guest has open, by a number (fh).
 *
 * A handle stays while the guest has not released it, and while a request works on it: a
 * descriptor is never closed under a read. Its file stays as long. Thread-safe.
 */
#ifndef HUSK_FS_HANDLE_H
#define HUSK_FS_HANDLE_H

#include "inode.h"
#include "slots.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#define FS_DIRENTS_MAX 8192  /* bytes of entries read ahead for a directory */
#define FS_HANDLE_BYTES 2048 /* about what one takes, with what the kernel keeps for an open file */

struct fs_handle {
	atomic_uint refs;
	int fd;
	bool is_dir;
	struct fs_inode *inode; /* a reference */
	/* of a directory: entries read ahead, from `at` on; the next one has the position `pos` */
	pthread_mutex_t lock;
	char *dirents;
	size_t at, len;
	off_t pos;
};

struct fs_handles {
	pthread_mutex_t lock;
	struct slots slots;
	struct fs_inodes *inodes;
};

/* inodes: both share one limit of descriptors. */
void fs_handles_init(struct fs_handles *t, struct fs_inodes *inodes);
void fs_handles_clear(struct fs_handles *t);
void fs_handles_free(struct fs_handles *t);

/* Takes the descriptor of this file (closes it on failure). 0 and the number, or -ENFILE. */
int fs_handle_add(struct fs_handles *t, struct fs_inode *inode, int *fd, uint64_t *out_fh);
/* A reference to the open file (is_dir: directory) of this number, or NULL. */
struct fs_handle *fs_handle_get(struct fs_handles *t, uint64_t fh, bool is_dir);
/* NULL is fine. */
void fs_handle_put(struct fs_handles *t, struct fs_handle *h);
/* The guest has released it. -EBADF: there is no such. */
int fs_handle_release(struct fs_handles *t, uint64_t fh, bool is_dir);

#endif
