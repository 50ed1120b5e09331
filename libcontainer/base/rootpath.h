/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rootpath.h: finding and making paths below a root that may be hostile.
 *
 * A container's image chooses its symlinks, and another container may swap them
 * while we walk. So a path is never used twice: it is resolved to a descriptor,
 * by openat2(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS), and what is missing is
 * made one component at a time below descriptors that were just opened without
 * following symlinks.
 */
#ifndef HUSK_BASE_ROOTPATH_H
#define HUSK_BASE_ROOTPATH_H

#include "err.h"

#include <sys/types.h>

/* Opens path (absolute, as the container sees it) as O_PATH. -ENOENT without a message when it
 * is not there; other failures fill e. */
int rootpath_open(int rootfd, const char *path, int *out_fd, struct err *e);
/* Opens the directory `path` as O_PATH, making it and its parents (mode) where missing. Dangling
 * symlinks on the way are followed inside the root, as far as 40 of them. */
int rootpath_mkdirs(int rootfd, const char *path, mode_t mode, int *out_fd, struct err *e);
/* The same for a regular file: an empty one is made (0755 directories above). Anything that is
 * there already and is no directory is opened as it is. */
int rootpath_mkfile(int rootfd, const char *path, int *out_fd, struct err *e);
/* The directory above path (made where missing) and a pointer to the last component in path. */
int rootpath_parent(int rootfd, const char *path, int *out_fd, const char **out_name, struct err *e);

#endif
