/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listener.h: the way to the agent of linux.seccomp.listenerPath, which answers the calls
 * that SCMP_ACT_NOTIFY is about. It is walked by the parent: the path is the host's, and
 * the container's process never holds the connection.
 *
 * Protocol: runtime-spec config-linux.md, "The Container Process State": one connection
 * a process, one JSON object, the listener's descriptor with its first byte.
 */
#ifndef HUSK_LISTENER_H
#define HUSK_LISTENER_H

#include "err.h"
#include "seccomp.h"
#include "spec.h"
#include "state.h"

/* Connects where the filter notifies anybody; *out_sock stays as it is where not. Waits a bounded time
 * for an agent that does not accept. */
int listener_connect(const struct seccomp_prog *filter, const struct spec_seccomp *s, int *out_sock, struct err *e);
/* Sends the state with the listener and closes *sock, also on failure. pid: of the process under the
 * filter; state: of the container. Waits a bounded time for an agent that does not read. */
int listener_send(int *sock, const struct spec_seccomp *s, const struct state *state, enum state_status status,
		  pid_t pid, int listener, struct err *e);

#endif
