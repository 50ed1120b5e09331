/* SPDX-License-Identifier: Apache-2.0 */
/* create.h: what create and run share: everything from config.json to READY. */
#ifndef HUSK_CREATE_H
#define HUSK_CREATE_H

#include "birth.h"
#include "cgroup_limits.h"
#include "cgroup_systemd.h"
#include "hooks.h"
#include "libcontainer.h"
#include "plan.h"
#include "process.h"
#include "seccomp.h"
#include "state.h"

enum creation_mode {
	CREATION_GATED,	   /* create: the process waits on the gate socket for start */
	CREATION_DETACHED, /* run --detach: it waits for a GO on sync */
	CREATION_ATTACHED, /* run: the same, and its terminal is ours to relay */
};

/* A container under construction, and for run, until its end. All fds are owned. */
struct creation {
	const struct husk_ctx *ctx;
	const struct husk_create_opts *opts;
	struct spec *spec;
	struct plan *plan;
	struct cgroup_steps limits;  /* linux.resources, before they are written */
	char *slice;		     /* under systemd: where the scope will be; owned */
	char *subgroup;		     /* the cgroup below it, "/a"; owned; NULL: none */
	struct strv unit_properties; /* of annotations; owned with all that is in it */
	struct cgroup_scope scope;   /* and what keeps it until the init is in it */
	struct seccomp_prog filter;
	struct state state;
	char *bundle;
	int cgroup; /* directory fd; -1: none */
	int sync;   /* our end */
	int pidfd;  /* of the init, once cloned */
	struct birth birth;
	int master; /* run with a terminal: the pty's master; else -1 */
	/* until the child has them: */
	int rootfs; /* the rootfs tree; -1 when the child opens it */
	int trampoline;
	struct hook_output hook_output; /* of createContainer */
	int label_procfd;		/* of lsm_prepare(); -1: no label is asked for */
	int label_inside;		/* the same of the pid namespace that is joined, with plan->pids_last */
	int console_socket;
	int agent;		      /* the seccomp agent, to be told of the listener; -1: none, or told */
	int gate;		      /* listening; -1 for run */
	struct husk_instead instead;  /* what the caller made of config.json */
	int given[PROCESS_GIVEN_MAX]; /* descriptors for the program */
	size_t n_given;
	bool privileged; /* root of its user namespace: may open mount sources and enter namespaces */
	bool owes_poststop, pid_written;
	bool told; /* by the child, why it failed: its end says less */
};

/* After success the container is created and its state is written. On failure all is undone. */
int creation_make(struct creation *c, const struct husk_ctx *ctx, const char *id, const struct husk_create_opts *o,
		  enum creation_mode mode, struct err *e);
/* Closes and frees; the container itself stays. */
void creation_free(struct creation *c);
/* Kills the init and removes cgroup and state. */
void creation_undo(struct creation *c);

#endif
