/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_procs.h: the processes of a cgroup: listed, frozen, signalled, killed. */
#ifndef HUSK_LINUX_CGROUP_PROCS_H
#define HUSK_LINUX_CGROUP_PROCS_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* fd is always the cgroup's directory (cgroup_create, cgroup_open). */

/* cgroup.freeze, then waits for cgroup.events to say so (bounded: 10 s; a freeze that takes longer
 * is taken back). Where threads of the kernel's are in the cgroup it never does: then until all others have stopped. */
int cgroup_freeze(int fd, bool freeze, struct err *e);
/* Whether this cgroup was told to freeze, not whether an ancestor was. 1, 0 or -errno. */
int cgroup_is_frozen(int fd);
/* 1 if any process lives in it or below, 0 if none, or -errno. */
int cgroup_is_populated(int fd);
/* SIGKILL: cgroup.kill (Linux 5.14), which does not wait for their end; else each process until none
 * is left, through freezing. Other signals: each process once, descendant cgroups included, by pidfd. */
int cgroup_kill(int fd, int sig, struct err *e);
/* All processes that the caller's pid namespace sees, descendant cgroups included (to a depth of 128),
 * in ascending order; malloc'ed, NULL when there are none. */
int cgroup_procs(int fd, pid_t **out, size_t *out_n, struct err *e);

/* The texts of the kernel alone (cgroup-v2.rst), NUL-terminated. The value of a line "<key> <0|1>" of
 * cgroup.events: 0, 1 or -ENODATA. */
int cgroup_event_value(const char *text, const char *key);
/* Adds the ids in cgroup.procs, one a line; those outside the caller's pid namespace read as 0 and are left
 * out. text is changed; the caller frees v. */
struct cgroup_pids {
	pid_t *v;
	size_t n, cap;
	bool hidden; /* some were left out */
};
void cgroup_pids_parse(char *text, struct cgroup_pids *out);

#endif
