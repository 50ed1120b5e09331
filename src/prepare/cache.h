/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache.h: the directory that holds prepared kernels, one directory each.
 *
 * Who changes anything holds the lock (flock(2) on the file "lock"), so that of two
 * who want the same, one does the work and the other finds it. A directory is made
 * under the name ".new-XXXXXX", written out to the disk, and renamed; so one with a
 * key for its name is whole, unless somebody changed it since, which its manifest
 * shows. Whoever gets the lock removes what others left half-made. Readers take no
 * lock: what is in use stays theirs by their mounts and descriptors.
 */
#ifndef HUSK_PREPARE_CACHE_H
#define HUSK_PREPARE_CACHE_H

#include "digest.h"
#include "source.h"
#include "str.h"

struct cache {
	const char *path;
	int fd, lock_fd; /* owned; -1 when not open */
};

/* Makes the directory when it is missing, and waits for the lock, a minute at most (-ETIMEDOUT). */
int cache_open(const char *path, struct cache *out, struct err *e);
void cache_close(struct cache *c);

enum cache_found { CACHE_WHOLE, CACHE_NOTHING, CACHE_DAMAGED };

/* The directory `key`, checked byte by byte, or made anew from the sources. *out_found is what was there,
 * and *out_why what was wrong with it. */
int cache_take(struct cache *c, const char *key, const struct sources *s, enum cache_found *out_found,
	       struct err *out_why, struct err *e);

/* Removes what `key` takes the place of: the directories of the same kernel and agent; and those of which
 * nothing can come any more, since a file that they were made from is another now. */
void cache_prune(struct cache *c, const char *key, const struct sources *s);

/* Removes what else is damaged, of whatever kernel, so that the next start makes it anew; a line "KEY: what was wrong"
 * each goes to *said. */
void cache_check_others(struct cache *c, const char *key, struct strbuf *said);

#endif
