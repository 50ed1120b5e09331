/* SPDX-License-Identifier: Apache-2.0 */
/*
 * birth.h: a process that is set up outside of the pid namespace that it is meant for,
 * and born there as what the container may see.
 *
 * CAP_SYS_PTRACE over the host's user namespace opens any process, dumpable or not. A process
 * that joins a pid namespace in which somebody has it must therefore hold nothing of the host's
 * from its first moment on: no root, working directory or descriptor, no privilege that
 * config.json does not give, no environment. So a stage joins all other namespaces and goes through
 * process_become() where nobody can look, and makes the process last:
 *
 *   parent                   stage                          process
 *   birth_prepare()
 *   spawn_child(); SYNC_GO   (born; waits; joins, process_become())
 *                            birth_give(): SYNC_BIRTH ->
 *                              clone(CLONE_PARENT)          birth_give() returns
 *   birth_take()             (exits)                        SYNC_READY and so on
 *
 * The parent is the process's own. Its pid comes by memory that parent and stage share and that
 * the process does not have: who traces it can send on its sockets whatever he likes.
 */
#ifndef HUSK_BIRTH_H
#define HUSK_BIRTH_H

#include "err.h"

#include <stdbool.h>
#include <sys/types.h>

struct birth {
	pid_t *born; /* shared; NULL: there is no stage, the process was set up itself */
};

/* What the process takes along. */
struct birth_gift {
	int sync;	    /* tells the parent; kept */
	int master;	    /* a terminal's, for the parent; -1: none */
	int n_low;	    /* descriptors below this are meant for the process */
	int keep[4];	    /* and these; -1: none */
	bool have_terminal; /* descriptor 0 is its controlling terminal */
};

/* In the parent, before the stage is made. */
int birth_prepare(struct birth *b, struct err *e);
/* In the stage, which has joined the pid namespace (setns(2) is for children): returns in the process
 * only, a session leader and guarded; or -errno in the stage. */
int birth_give(struct birth *b, const struct birth_gift *g, struct err *e);
/* In the parent, after SYNC_BIRTH: waits for the stage's end. *pid and *pidfd, the stage's, become
 * those of the process; on failure *pidfd is -1 and there is none. */
int birth_take(struct birth *b, int sync, pid_t *pid, int *pidfd, struct err *e);
void birth_free(struct birth *b);

#endif
