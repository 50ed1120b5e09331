/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_systemd.h: the container's cgroup as a transient scope of systemd.
 *
 * systemd makes a scope around a process, so the helper husk-systemd asks for one
 * around itself and stays in it until the container's first process has been born
 * there. Nobody is moved but the helper. Limits are written to the scope's files as to any cgroup's
 * (cgroup_apply.h); systemd is told of those that it has properties for, so that it does
 * not undo them when it writes its own (daemon-reload).
 */
#ifndef HUSK_LINUX_CGROUP_SYSTEMD_H
#define HUSK_LINUX_CGROUP_SYSTEMD_H

#include "cgroup_limits.h"
#include "err.h"
#include "helper.h"

#include <stdbool.h>

/* linux.cgroupsPath in the form of this manager, "slice:prefix:name" (as runc and Podman have it) -> the
 * slice and the scope's name, "prefix-name.scope"; both malloc'ed. An absent path (NULL or empty)
 * is system.slice, or user.slice with `user`, and husk-<id>.scope. What a unit's name cannot hold stands in it as
 * \xNN. */
int cgroup_scope_names(const char *cgroups_path, const char *id, bool user, char **out_slice, char **out_unit,
		       struct err *e);

/* Properties ("MemoryMax=1048576") for those of the steps that systemd has a word for. NULL-terminated;
 * free with cgroup_scope_properties_free(). Pure. */
char **cgroup_scope_properties(const struct cgroup_steps *steps);
void cgroup_scope_properties_free(char **properties);

/* A scope with the helper in it. Starts from all zeroes. */
struct cgroup_scope {
	struct helper helper;
	int hold; /* the helper's standard input; valid while helper.pid > 0 */
};

/* What is asked for. */
struct cgroup_scope_wish {
	const char *slice, *unit;
	const char *below;		  /* a cgroup below the scope's that is meant instead: "/a", or "" */
	bool user;			  /* by the user's own systemd */
	const struct cgroup_steps *steps; /* limits that it is to know of */
	char *const *properties;	  /* further ones, as husk-systemd takes them; NULL: none */
};

/* Makes it. *out_cgroup: its path below the hierarchy's root, malloc'ed. -ENOTCONN: no such systemd answers. End with
 * cgroup_scope_release(): the scope then lasts as long as there is a process in it. */
int cgroup_scope_start(struct cgroup_scope *scope, const struct cgroup_scope_wish *wish, char **out_cgroup,
		       struct err *e);
/* The helper leaves, and is waited for. Does nothing to one that was not started. */
void cgroup_scope_release(struct cgroup_scope *scope);
/* Tells systemd of limits that were changed. */
int cgroup_scope_set(const char *unit, bool user, const struct cgroup_steps *steps, struct err *e);
/* Moves a process of this user's into the cgroup `path`, which is the unit's or below it, by the user's own systemd: it
 * may ask the host's, which may do what this user may not. */
int cgroup_scope_attach(const char *unit, const char *path, pid_t pid, struct err *e);
/* What path has below the unit's own cgroup: "" or "/a/b". Points into path. */
const char *cgroup_scope_below(const char *path, const char *unit);
/* After all in it have ended: waits until systemd has seen that and removed the cgroup, so that the unit ends, too:
 * were the cgroup removed behind its back, systemd would hold on to the unit. If it does not, it is told to stop it. */
int cgroup_scope_remove(const char *cgroup, const char *unit, bool user, struct err *e);

#endif
