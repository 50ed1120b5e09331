/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.h: how a process of husk, already inside the container, becomes the
 * one that config.json describes. Used by the container's first process (child.c)
 * and by the ones that exec adds (exec.c); the order of the steps is the same.
 */
#ifndef HUSK_PROCESS_H
#define HUSK_PROCESS_H

#include "err.h"
#include "libcontainer.h"
#include "plan.h"
#include "seccomp.h"

#include <limits.h>
#include <stdbool.h>

#define PROCESS_GIVEN_MAX (HUSK_GIVEN_MAX + 1)

struct process_exec {
	const struct process_plan *plan;
	const struct seccomp_prog *filter;
	int trampoline_fd;
	int sync; /* where the listener of SCMP_ACT_NOTIFY goes (SYNC_LISTENER) */
	int preserve_fds;
	int given[PROCESS_GIVEN_MAX]; /* what the program gets from 3 + preserve_fds up */
	size_t n_given;
	bool deferred;	     /* and then the gate: it ends its start itself (sync.h) */
	int listen_fds;	     /* of those, how many are passed sockets; 0: none */
	bool rlimits_done;   /* the parent has set them */
	bool carried;	     /* process_prepare_listener() was called */
	bool sched_done;     /* the parent sets what sched.h has: a process with a deadline cannot fork, say */
	int label_procfd;    /* of lsm_prepare(), for plan->lsm; -1: no label is asked for */
	int filter_fd;	     /* out: the filter for the trampoline; -1: none, or installed already */
	char path[PATH_MAX]; /* out: the program that was found */
	char **env;	     /* out: plan->env and what was added */
};

/* The filter of linux.seccomp (none: prog stays empty), compiled or from the cache below --root. */
int process_prepare_filter(const struct husk_ctx *ctx, const struct spec *spec, struct seccomp_prog *out,
			   struct err *e);
/* Nobody may look into this process, and it dies with its parent. A change of user undoes both, so
 * it is said again after each. */
int process_guard(struct err *e);
/* From now on it outlives its parent. */
int process_outlive(struct err *e);
/* Signals at their defaults, nothing blocked. */
void process_reset_signals(void);
/* A new session keyring, named after the container. A kernel that has none, or refuses, is no error. */
int process_new_keyring(const char *name, struct err *e);

/* Before process_become() and before a pid namespace is joined whose processes must not see what delivers
 * the listener of the filter, if it has one. x must then stay where it is, and e as well. */
int process_prepare_listener(struct process_exec *x, struct err *e);
/* The container's root is "/". umask, limits, scheduler, execution domain, memory policy, working directory, then from root to the user:
 * bounding set, filter (unless no_new_privs lets it come last), groups, ids, capabilities; and the
 * program is looked up, as that user. A filter with SCMP_ACT_NOTIFY comes here in any case, last if it
 * may: its agent has the listener when this returns. Nothing is undone on failure: the caller exits. */
int process_become(struct process_exec *x, struct err *e);

/* Goes by the trampoline to the program. gate: where the trampoline tells of a failure; it is closed
 * when the program runs, unless the start is deferred. Returns only on failure. */
int process_execute(struct process_exec *x, int gate, struct err *e);
/* The same way, under the same filter, for a program of the container that is run on the side
 * (startContainer hooks), the descriptors above 2 closed. Returns -errno, on failure only. */
int process_execute_hook(const struct process_exec *x, const char *path, char *const *argv, char *const *env);

#endif
