/* SPDX-License-Identifier: Apache-2.0 */
/* attach.h: staying with a process of the container until it ends: signals forwarded, the
 * terminal relayed, its status as husk's own. */
#ifndef HUSK_ATTACH_H
#define HUSK_ATTACH_H

#include "err.h"

#include <stdbool.h>
#include <sys/types.h>

/* Before the process is made: blocks all signals and takes them by signalfd(2), so that none is
 * lost; becomes the subreaper of what the process leaves behind. */
int attach_begin(bool subreaper, int *out_sigfd, struct err *e);
/* One of the signals that mean to end us (INT, TERM, HUP, QUIT) came since attach_begin() and waits. False
 * without attach_begin(): it would have ended us. To be asked only before there is a process to forward
 * it to. */
bool attach_interrupted(void);
/* Gives a terminal the size of the caller's own; nothing without one. Before its program runs, which may
 * look at once. */
void attach_copy_size(int master);
/* Until pid, a child of the caller, has ended. master: its terminal, or -1. The caller's own terminal is
 * in raw mode meanwhile. *out_status: the exit status, or 128 + the signal. */
int attach_wait(int sigfd, pid_t pid, int pidfd, int master, int *out_status, struct err *e);

#endif
