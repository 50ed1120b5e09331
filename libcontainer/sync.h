/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync.h: messages between a verb (the parent) and the process that becomes the
 * container's (the child), over a SOCK_SEQPACKET unix socket: a socket pair
 * during set-up, then the gate. The legal order is
 *
 *   [GO ->]  [<- HOOKS]  [GO ->]  [<- LISTENER]  [GO ->]  <- READY  GO ->  (end of file: exec succeeded)
 *
 * where the first GO is sent only if the child must wait for the parent's part, such
 * as id maps, the second one to answer HOOKS or, in create, to say that state.json
 * names the child, unless LISTENER, sent by a helper of the child (seccomp_notify.h),
 * is answered so; the last GO may be sent before READY was read (it waits in the
 * socket), and ERR or EXEC_ERR
 * may come from the child at any time. The end of file without a READY
 * means that the child died. Where the start is deferred, DEFERRED comes after the last GO, and then the
 * program, which inherits the socket, sends any WARN and then UP or ERR: an end of file in between means that it died. Nothing here is trusted by size: a packet is
 * copied into a fixed struct.
 */
#ifndef HUSK_SYNC_H
#define HUSK_SYNC_H

#include "err.h"
#include "sync_send.h"

#include <stdbool.h>
#include <stdint.h>

/* A connected pair; both ends are O_CLOEXEC. */
int sync_pair(int out[2], struct err *e);
/* Waits for one message. Returns its enum sync_type, 0 at the end of file, or -errno: -ECONNRESET for an
 * end that left unread what it was sent, which no process does that comes to its execve. SYNC_ERR and
 * SYNC_EXEC_ERR are returned as their negative code with *e filled; the text of SYNC_WARN is in the log then. *out_fd (may be NULL) takes a
 * descriptor that came with it, else -1; *out_value (may be NULL) its value. */
int sync_recv(int sock, int *out_fd, int32_t *out_value, struct err *e);
/* sync_recv() that wants this type; anything else is an error. */
int sync_expect(int sock, enum sync_type type, int *out_fd, int32_t *out_value, struct err *e);
/* After the last GO: 0 when the program runs, or of a deferred start when it said that it is up. `interrupted`
 * (may be NULL) is asked now and then meanwhile: true ends the wait with -EINTR. */
int sync_wait_exec(int sock, bool (*interrupted)(void), struct err *e);

#endif
