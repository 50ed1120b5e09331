/* SPDX-License-Identifier: Apache-2.0 */
/* entry.h: one directory of the cache: kernel, vmlinux, initrd and the manifest. The caller holds the lock. */
#ifndef HUSK_PREPARE_ENTRY_H
#define HUSK_PREPARE_ENTRY_H

#include "source.h"

#define ENTRY_NEW ".new-" /* what the name of one that is being made begins with */

/* Is `name` below cache_fd whole: size and content of each file as the manifest has them? The manifest
 * takes over the times of the sources (NULL: they are not known). -ENOENT when there is none of the name, else a
 * reason. */
int entry_check(int cache_fd, const char *name, const struct sources *s, struct err *e);
/* Makes it; on failure nothing of it is left. SIGINT, SIGTERM and SIGHUP wait meanwhile. */
int entry_make(int cache_fd, const char *name, const struct sources *s, struct err *e);
/* As far as it goes. */
void entry_remove(int cache_fd, const char *name);

#endif
