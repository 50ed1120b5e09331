/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_controllers.h: which controllers a cgroup has; enabled from the root down. */
#ifndef HUSK_LINUX_CGROUP_CONTROLLERS_H
#define HUSK_LINUX_CGROUP_CONTROLLERS_H

#include "cgroup_limits.h"
#include "err.h"

/* Sees to it that the cgroup `path` (fd: its directory) has the controllers of all steps that are not
 * optional, and as many others as can be had, as its processes may expect (crun and runc do the same):
 * the cgroups above it get them in cgroup.subtree_control. One file is read when all is well, which is
 * when the usual ones are there. A controller that is needed and cannot be had is an error that names
 * it, the key that needs it, and the cgroup that stands in the way. */
int cgroup_controllers_enable(const char *path, int fd, const struct cgroup_steps *steps, struct err *e);

/* Whether the text of a cgroup.controllers has this name, of len bytes. Pure. */
bool cgroup_controllers_has(const char *names, const char *name, size_t len);
/* The first step that needs a controller which is not in `have` (the text of a cgroup.controllers); NULL
 * when there is none. Pure. */
const struct cgroup_step *cgroup_controllers_missing(const char *have, const struct cgroup_steps *steps);
/* "+io +pids": what `available` has and `enabled` lacks; malloc'ed, NULL for nothing. Pure. */
char *cgroup_controllers_request(const char *available, const char *enabled);

#endif
