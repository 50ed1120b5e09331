/* SPDX-License-Identifier: Apache-2.0 */
/* child.h: the container's first process, from its birth to the last execve. */
#ifndef HUSK_CHILD_H
#define HUSK_CHILD_H

#include "birth.h"
#include "hooks.h"
#include "plan.h"
#include "seccomp.h"
#include "state.h"

#include <stdbool.h>

/* All that the child is given; inherited as memory. */
struct child {
	struct plan *plan;
	const struct seccomp_prog *filter;
	const struct state *state; /* for hooks and names; its dir is closed in the child */
	struct birth *birth;	   /* with plan->pids_last */
	int sync;		   /* this end of the pair with the parent */
	int gate;		   /* a listening socket that start connects to; -1: sync is the gate */
	int root_tree;		   /* the rootfs as a detached tree; -1: the child opens it and the sources */
	int agent;		   /* the parent's connection to the seccomp agent, not to be held here; -1 */
	int console_socket;	   /* -1: the terminal's master goes with READY */
	int trampoline_fd;
	int label_procfd; /* of lsm_prepare(); -1: no label is asked for */
	int label_inside; /* instead of it once it is in a pid namespace that it joined last */
	int preserve_fds, listen_fds;
	const int *given; /* descriptors for the program, n_given of them */
	size_t n_given;
	bool deferred;			  /* it says itself that it is up */
	struct hook_output hook_output;	  /* of createContainer */
	bool wait_go;			  /* the parent has id maps to write or network devices to move first */
	bool rlimits_done, loopback_done; /* the parent's work */
	bool no_pivot, no_new_keyring;
};

/* Runs in the child of spawn_child(). A failure goes to the parent over sync. */
__attribute__((noreturn)) void child_run(struct child *c);

#endif
