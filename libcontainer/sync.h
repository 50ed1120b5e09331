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
 * means that the child died. Nothing here is trusted by size: a packet is
 * copied into a fixed struct.
 */
#ifndef HUSK_SYNC_H
#define HUSK_SYNC_H

#include "err.h"
#include "sync_type.h"

#include <stdint.h>

struct sync_msg {
	uint32_t type;
	int32_t value;
	struct err err; /* SYNC_ERR only */
};

/* A connected pair; both ends are O_CLOEXEC. */
int sync_pair(int out[2], struct err *e);
/* fd: a descriptor to pass along, or -1. */
int sync_send(int sock, enum sync_type type, int32_t value, int fd, struct err *e);
int sync_send_err(int sock, const struct err *failure);
/* Waits for one message. Returns its enum sync_type, 0 at the end of file, or -errno: -ECONNRESET for an
 * end that left unread what it was sent, which no process does that comes to its execve. SYNC_ERR and
 * SYNC_EXEC_ERR are returned as their negative code with *e filled. *out_fd (may be NULL) takes a
 * descriptor that came with it, else -1; *out_value (may be NULL) its value. */
int sync_recv(int sock, int *out_fd, int32_t *out_value, struct err *e);
/* sync_recv() that wants this type; anything else is an error. */
int sync_expect(int sock, enum sync_type type, int *out_fd, int32_t *out_value, struct err *e);

#endif
