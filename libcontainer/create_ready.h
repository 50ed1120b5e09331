/* SPDX-License-Identifier: Apache-2.0 */
/* create_ready.h: what is done for the child of a container that is being made, from its birth until it is READY. */
#ifndef HUSK_CREATE_READY_H
#define HUSK_CREATE_READY_H

#include "create.h"

/* Raising it takes a twentieth of a start and waits for nothing that the child does meanwhile; but who is
 * not root of the host has the right to only in the child, or could not come back. */
bool creation_raises_loopback(const struct creation *c);

/* With plan->pids_last: until the process is there. Hooks before that are told of the stage. */
int creation_wait_birth(struct creation *c, struct err *e);

/* While the child sets itself up: all that must be there before its program runs. The GO is then
 * waiting for the child when it has set itself up, unless it pauses before, which a GO ends: in
 * run it lets the program begin, in create it says that the child is written down, so that delete
 * finds it, and may outlive us. */
int creation_announce(struct creation *c, enum creation_mode mode, struct err *e);

/* Serves the child until it says that it is set up. With CREATION_GATED it then waits at the gate, else its
 * program begins. */
int creation_wait_ready(struct creation *c, enum creation_mode mode, struct err *e);

/* Our own step may have failed only because the child is gone: then what it said counts, or how it died. */
void creation_prefer_child_error(struct creation *c, struct err *e);

#endif
