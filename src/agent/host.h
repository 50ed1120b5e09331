/* SPDX-License-Identifier: Apache-2.0 */
/* host.h: what the host asks for, and the answers. message.h has the rules. */
#ifndef HUSK_AGENT_HOST_H
#define HUSK_AGENT_HOST_H

#include "agent.h"

/* Negative: the host breaks the protocol, or the channel is full. What merely fails is answered by ERR. */
int host_frame(struct agent *a, const struct frame *f, struct err *e);
/* A session has ended with this status of wait(2): its request is answered. */
int host_session_ended(struct agent *a, struct session *s, int status, struct err *e);
/* Tells what a process has come to, if that may be told now, and frees its slot when nothing of it is left. */
int host_settle_task(struct agent *a, struct task *t, struct err *e);

#endif
