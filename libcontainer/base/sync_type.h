/* SPDX-License-Identifier: Apache-2.0 */
/* sync_type.h: the kinds of message between parent, child, trampoline and a program that ends its own start. */
#ifndef HUSK_SYNC_TYPE_H
#define HUSK_SYNC_TYPE_H

enum sync_type {
	SYNC_GO = 1,   /* parent -> child: go on. value: the child's pid as the parent sees it */
	SYNC_HOOKS,    /* child -> parent: namespaces and mounts stand; run createRuntime, then GO */
	SYNC_LISTENER, /* child -> parent: carries the filter's listener, for the agent; then GO */
	SYNC_BIRTH,    /* stage -> parent: all is set up; makes the process (birth.h) and ends. May carry a pty */
	SYNC_READY,    /* child -> parent: all is set up; waits for GO on its gate. May carry a pty */
	SYNC_DEFERRED, /* child -> parent: next comes execve, and the program will say UP, or ERR, itself */
	SYNC_UP,       /* the program -> parent: it does what it was started for */
	SYNC_WARN,     /* the program -> parent, before UP: err has a warning, for the log */
	SYNC_ERR,      /* child or program -> parent: it failed, err says why; it exits */
	SYNC_EXEC_ERR, /* trampoline -> parent: execve failed */
};

#endif
