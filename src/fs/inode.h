/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inode.h: the files that the guest knows by a number (nodeid).
 *
 * Each is held by an O_PATH descriptor, so that neither a rename on the host nor a reused inode
 * number can put another file in its place, and is found again by mount, device and inode number.
 * Names of one file lead to one number, but for hard links on an overlayfs: of a lower layer's, which
 * have one inode number, each becomes a file of its own when it is written to, and nothing tells them
 * from true ones. There each name has a number, unless the guest itself made the link.
 * Two counts keep it: `lookups`, which the guest gives back with FORGET, and `refs`, one of the
 * table while lookups are left, one of each request that works on it and one of each open handle.
 *
 * A guest remembers more files than there may be descriptors, and virtio-fs cannot ask it to forget
 * some. So a file that nobody works on may be away (away.c): it has no descriptor, and is opened when
 * it is needed, where its directory and name say. What is there then must be the same file, by key,
 * type and time of birth; else it is ESTALE, upon which the guest looks the name up again. File handles
 * (open_by_handle_at(2)) would survive a rename on the host, but overlayfs, on which most containers
 * lie, gives none. What is not found by its name is not put away. All but directories begin away: most
 * of what a guest looks up it only wants to be told of.
 *
 * Two kinds are never forgotten: the root, and the root of a mount below it. For a kernel before
 * 6.9 a submount shares the lookups of the directory that it covers, gives them back when that is
 * evicted and goes on to use the number. There are as many as the host has mounts there. What the host
 * has unmounted since is forgotten like any other file: that file system is not to be kept busy.
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

/* When a file was made: all zeroes on a file system that does not say. */
struct fs_born {
	int64_t sec;
	uint32_t nsec;
};

/* Where a file was seen last: a directory's number and a name in it. NULL: nowhere. */
struct fs_place {
	uint64_t dir;
	char *name;
};

struct fs_inode { /* all but refs and what never changes: the table's lock */
	struct fs_key key;
	uint64_t nodeid;
	uint64_t lookups;
	atomic_uint refs; /* grows under the lock only, or while the caller has one */
	mode_t type;	  /* S_IFMT of it: it never changes */
	bool pinned;
	bool used;   /* since away.c came by last */
	bool stays;  /* was not found where `place` says */
	bool lost;   /* away, and another file has its key: in no bucket any more */
	bool linked; /* the guest made a link of it: so each name that has its key is it */
	int fd;	     /* O_PATH; -1: away, which who has a reference by fs_inode_get() does not meet */
	struct fs_place place;
	struct fs_born born; /* of one that is away */
	struct fs_seen seen;
	struct fs_inode *next; /* of the same bucket */
};

struct fs_inodes {
	pthread_mutex_t lock;
	struct slots slots;
	struct fs_inode **bucket;
	uint32_t n_buckets; /* a power of two */
	unsigned int held;  /* files with a descriptor */
	atomic_uint away;   /* files without */
	uint32_t hand;	    /* the slot at which away.c goes on */
	atomic_uint fds;    /* descriptors of files and of handles */
	unsigned int fds_max, held_max;
	atomic_size_t bytes, bytes_max; /* of memory, of files and handles */
};

#define FS_STATX_MASK (STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID)
#define FS_HELD_MAX 16384 /* files held by a descriptor, if as many are allowed: each keeps kernel memory */
/* What a file that the guest knows takes beside its name: with its slot and its bucket, while these grow. */
#define FS_INODE_BYTES (sizeof(struct fs_inode) + 80)
#define FS_NAME_BYTES(name) (strlen(name) + 17) /* with malloc's head */

/* fds_max: descriptors that may be kept at once. */
void fs_inodes_init(struct fs_inodes *t, unsigned int fds_max);
/* Forgets all (what requests still work on stays for them); _guest: all but the root, which is the
 * first that was added. */
void fs_inodes_clear(struct fs_inodes *t);
void fs_inodes_clear_guest(struct fs_inodes *t);
void fs_inodes_free(struct fs_inodes *t);

/* The key and the birth of a file that statx(2) told of with FS_STATX_MASK. */
struct fs_key fs_key_of(const struct statx *stx);
struct fs_born fs_born_of(const struct statx *stx);

/* A reference to the file of this number, with its descriptor. -ENOENT: the guest does not hold it; -ESTALE: it
 * is not where it was; -ENFILE. */
int fs_inode_get(struct fs_inodes *t, uint64_t nodeid, struct fs_inode **out);
/* One more reference of a caller that has one. */
void fs_inode_hold(struct fs_inode *i);
/* Ends a reference; NULL is fine. */
void fs_inode_put(struct fs_inodes *t, struct fs_inode *i);

/* A file that was found, by statx(2) with FS_STATX_MASK. name: NULL for one without. by_name: its key may be
 * another file's, too: it is known only where it was seen last, or when the guest made a link of it. */
struct fs_found {
	const struct statx *stx;
	uint64_t dir;
	const char *name;
	bool pinned, by_name;
};
/* If the file is known: one more lookup, and a reference (it may be away). Else NULL. */
struct fs_inode *fs_inode_known(struct fs_inodes *t, const struct fs_found *found);
/* True when birth tells the file from others, and so it may begin away. */
bool fs_inode_may_be_away(const struct fs_found *found);
/* The file, away if it was not known; one more lookup, and a reference. NULL: too many. */
struct fs_inode *fs_inode_note(struct fs_inodes *t, const struct fs_found *found);
/* The file that fd (O_PATH; taken, or closed when it is known by now) is, one more lookup, and a
 * reference. -ENFILE: too many. */
int fs_inode_add(struct fs_inodes *t, const struct fs_found *found, int *fd, struct fs_inode **out);
/* The file that would be found at its former name, if it is known, is at this one from now on. */
void fs_inode_moved(struct fs_inodes *t, const struct fs_found *former, uint64_t dir, const char *name);
/* The guest made a link of the file, which stx tells of since. */
void fs_inode_linked(struct fs_inodes *t, struct fs_inode *i, const struct statx *stx);
/* The guest gives n lookups back. More than it has are as many as it has; an unknown number is nothing. */
void fs_inode_forget(struct fs_inodes *t, uint64_t nodeid, uint64_t n);
/* Replaces what was seen; returns what was. */
struct fs_seen fs_inode_saw(struct fs_inodes *t, struct fs_inode *i, struct fs_seen seen);

/* Counts n bytes of memory. False: there would be more than bytes_max. */
bool fs_inodes_take_bytes(struct fs_inodes *t, size_t n);
void fs_inodes_give_bytes(struct fs_inodes *t, size_t n);

/* ---- away.c ---- */

/* Counts one more descriptor, for which a file may be put away. -ENFILE: none can be. */
int fs_inodes_take_fd(struct fs_inodes *t);
void fs_inodes_give_fd(struct fs_inodes *t);
/* While more than held_max are held: puts some away. */
void fs_inodes_tidy(struct fs_inodes *t);
/* The file was put away: opens it again. The caller has a reference. 0, -ESTALE, -ENFILE or -errno. */
int fs_inode_bring_back(struct fs_inodes *t, struct fs_inode *i);
/* The file that `found` is, if it is away, is brought back: its name is about to go. */
void fs_inode_rescue(struct fs_inodes *t, const struct fs_found *found);

/* ---- for away.c; locked ---- */

/* The file, away or not; NULL. */
struct fs_inode *fs_inode_find(struct fs_inodes *t, const struct fs_found *found);
/* is_away: nothing but its key, type and birth holds its place. */
bool fs_inode_is(const struct fs_inode *i, const struct statx *stx, bool is_away);

#endif
