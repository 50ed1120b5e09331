/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inode.h: the files that the guest knows by a number (nodeid).
 *
 * Each is held by an O_PATH descriptor, so that neither a rename on the host nor a reused inode
 * number can put another file in its place, and is found again by mount, device and inode number.
 * Two counts keep it: `lookups`, which the guest gives back with FORGET, and `refs`, one of the
 * table while lookups are left and one of each request that works on it.
 *
 * Two kinds are never forgotten: the root, and the root of a mount below it. For a kernel before
 * 6.9 a submount shares the lookups of the directory that it covers, gives them back when that is
 * evicted and goes on to use the number. There are as many as the host has mounts there.
 *
 * Thread-safe.
 */
#ifndef HUSK_FS_INODE_H
#define HUSK_FS_INODE_H

#include "slots.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct fs_key {
	uint64_t ino, mount;
	uint32_t dev_major, dev_minor;
};

/* What a file was like when the guest opened it last; all zeroes: not known. */
struct fs_seen {
	int64_t sec;
	uint64_t size;
	uint32_t nsec;
};

struct fs_inode {
	struct fs_key key;
	uint64_t nodeid;
	uint64_t lookups; /* the table's lock */
	atomic_uint refs;
	mode_t type; /* S_IFMT of it: it never changes */
	bool pinned;
	int fd;		       /* O_PATH */
	struct fs_seen seen;   /* the table's lock */
	struct fs_inode *next; /* of the same bucket */
};

struct fs_inodes {
	pthread_mutex_t lock;
	struct slots slots;
	struct fs_inode **bucket;
	uint32_t n_buckets; /* a power of two */
	atomic_uint *fds;   /* the server's count of descriptors */
	unsigned int fds_max;
};

#define FS_STATX_MASK (STATX_BASIC_STATS | STATX_MNT_ID)

/* fds counts every descriptor that is kept here, and may not exceed fds_max. */
void fs_inodes_init(struct fs_inodes *t, atomic_uint *fds, unsigned int fds_max);
/* Forgets all (what requests still work on stays for them); _guest: all but the root, which is the
 * first that was added. */
void fs_inodes_clear(struct fs_inodes *t);
void fs_inodes_clear_guest(struct fs_inodes *t);
void fs_inodes_free(struct fs_inodes *t);

/* The key of a file that statx(2) told of with FS_STATX_MASK. */
struct fs_key fs_key_of(const struct statx *stx);

/* A reference to the file of this number, NULL when the guest does not hold it. */
struct fs_inode *fs_inode_get(struct fs_inodes *t, uint64_t nodeid);
/* Ends a reference; NULL is fine. */
void fs_inode_put(struct fs_inodes *t, struct fs_inode *i);
/* If the file is known: one more lookup, and a reference. Else NULL. */
struct fs_inode *fs_inode_known(struct fs_inodes *t, const struct fs_key *key);
/* The file that fd (O_PATH; taken, or closed when it is known by now) is, one more lookup, and a
 * reference. -ENFILE: too many. */
int fs_inode_add(struct fs_inodes *t, const struct statx *stx, int *fd, bool pinned, struct fs_inode **out);
/* The guest gives n lookups back. More than it has are as many as it has; an unknown number is nothing. */
void fs_inode_forget(struct fs_inodes *t, uint64_t nodeid, uint64_t n);
/* Replaces what was seen; returns what was. */
struct fs_seen fs_inode_saw(struct fs_inodes *t, struct fs_inode *i, struct fs_seen seen);

/* Counts one more descriptor: -ENFILE when that is too many. */
int fs_fds_take(atomic_uint *fds, unsigned int max);
void fs_fds_give(atomic_uint *fds);

#endif
