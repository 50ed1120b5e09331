/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup.h: the container's cgroup v2 directory: named, made, opened, removed.
 *
 * Works on the unified hierarchy: /sys/fs/cgroup when that is cgroup2, else
 * /sys/fs/cgroup/unified (a hybrid host, where only what needs no controller
 * works). Every path is resolved below the root by openat2 with RESOLVE_BENEATH
 * and RESOLVE_NO_SYMLINKS. Processes are never moved: children are born in
 * their cgroup (CLONE_INTO_CGROUP). What is done to the processes in it is in
 * cgroup_procs.h; its limits are in cgroup_check.h, cgroup_limits.h,
 * cgroup_controllers.h and cgroup_apply.h.
 */
#ifndef HUSK_LINUX_CGROUP_H
#define HUSK_LINUX_CGROUP_H

#include "cgroup_check.h"
#include "cgroup_procs.h"
#include "err.h"

/* The directory of the unified hierarchy, O_PATH. -ENOENT with a message when the host has none. */
int cgroup_open_root(int *out_fd, struct err *e);

/* Opens a directory of the same hierarchy below dirfd, without links or other mounts on the way. The
 * descriptor or -errno. */
int cgroup_open_below(int dirfd, const char *path, int flags);

/* linux.cgroupsPath (may be NULL) and the id -> a path below the root without a leading '/',
 * normalised; ".." refused. Relative and absent ones go beside the caller's own cgroup, as runc
 * does (its parent's child). malloc'ed. */
int cgroup_path_make(const char *cgroups_path, const char *id, char **out, struct err *e);
/* The same with the caller's own cgroup given ("/a/b", as in /proc/self/cgroup). Pure. */
int cgroup_path_join(const char *own, const char *cgroups_path, const char *id, char **out, struct err *e);
#define CGROUP_TEXT_MAX 65536 /* bytes of /proc/PID/cgroup */

/* The path of cgroup v2 in the text of /proc/PID/cgroup (cgroups(7)): of its line "0::<path>", and cut out of
 * text; NULL when there is none. */
char *cgroup_own_path(char *text);

/* Makes path (parents too) and opens it (O_RDONLY | O_DIRECTORY). A last component that is there
 * already is taken, and thawed, if it is empty; -EEXIST with a clear message when there are processes
 * or cgroups in it, or when another process is about to use it. The descriptor holds a lock
 * (flock(2)) that keeps others from taking the same cgroup until its last copy is closed. On failure
 * the parents that this call made are removed again. 1 when it was there before, 0 when it is new. */
int cgroup_create(const char *path, int *out_fd, struct err *e);
/* Opens one that is there (O_RDONLY | O_DIRECTORY). */
int cgroup_open(const char *path, int *out_fd, struct err *e);

/* Removes path and the cgroups below it, but not its parents; waits (bounded: 5 s) for the dying. One
 * that does not exist is no error. */
int cgroup_remove(const char *path, struct err *e);
/* Waits at most ms milliseconds until somebody else has removed it; -EBUSY then. */
int cgroup_wait_removed(const char *path, int ms);

#endif
