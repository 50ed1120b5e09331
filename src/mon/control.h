/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control.h: the control socket: commands of husk, and the proxies of exec'd processes.
 *
 * A client speaks as a host does to an agent (message.h), without HELLO: TEXT*, then one of SIGNAL, PS, STATS,
 * UPDATE, EXEC, WATCH, of which one may be open at a time. WATCH is answered at once, and with an OOM each time from
 * then on. EXEC brings three descriptors, the process's 0, 1 and 2. After its
 * OK the client may send SIGNAL and RESIZE, which are for that process and, with request 0, are not answered. It
 * is told EXIT. When it leaves before, the process is killed; after it, what the process left behind goes on writing to
 * the descriptors.
 */
#ifndef HUSK_MON_CONTROL_H
#define HUSK_MON_CONTROL_H

#include "mon.h"

#define CONTROL_POLLS (1 + STREAM_POLLS) /* of one client */

/* One that is not let in, or is one too many, is told so by an ERR of question 0. */
void control_accept(struct mon *m);
void control_close_all(struct mon *m);
/* No process has more to say. */
void control_finish_all(struct mon *m);

void control_poll(const struct client *c, struct pollfd p[CONTROL_POLLS]);
/* May end the client: *slot is NULL then. */
void control_move(struct mon *m, struct client **slot, const struct pollfd p[CONTROL_POLLS]);

struct stream *control_stream(struct client *c);
void control_answered(struct mon *m, const struct guest_answer *a);
/* Memory has run out in the container: those who watch are told. */
void control_oom(struct mon *m);
/* What its question made the guest warn of, or what is lost of its process. */
void control_warn(struct client *c, const char *text);
void control_exited(struct mon *m, uint32_t process, int status, uint64_t unread);
/* The process may have nothing more to say, and its number is free then. */
void control_settle(struct mon *m, uint32_t process);
/* Has all that its process wrote reached it, and its status? */
bool control_is_idle(const struct client *c);

#endif
