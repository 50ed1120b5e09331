/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.h: one process a verb of libcontainer, so that a verb may wait, block or die
 * without the agent, and the container's processes come to the agent when it ends.
 *
 * What it has to say it writes into a pipe: a struct session_report, then text.
 */
#ifndef HUSK_AGENT_SESSION_H
#define HUSK_AGENT_SESSION_H

#include "err.h"
#include "message.h"
#include "str.h"

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#define SESSION_TEXT_MAX (1U << 20) /* bytes */

struct session_report {
	pid_t pid; /* of the process that was made; 0: none */
	struct err err;
};

struct session {
	pid_t pid; /* 0: this slot is free */
	int from;  /* what it says */
	uint16_t verb;
	uint32_t process, request;
	struct strbuf said;
	bool too_long; /* what it says: the rest is dropped */
};

/* Like fork(2): 1 in the parent; 0 in the child, which has these as standard descriptors (-1: /dev/null),
 * its end of the pipe in *out_report, the log, and no other descriptor; no signal is blocked, and nofile is
 * its limit. -errno in the parent only. */
int session_start(struct session *s, const int stdio[3], const struct rlimit *nofile, int *out_report, struct err *e);
/* Reads what it says; returns the bytes that came, 0: no more for now. */
size_t session_read(struct session *s);
/* It has ended, with this status of wait(2): 0, or what failed. *out_pid, *out_text: what it has made and said. The
 * slot is free then, but for its text. */
int session_end(struct session *s, int status, pid_t *out_pid, struct strbuf *out_text, struct err *e);

/* In the session: says it all and exits. */
void session_report(int report, pid_t pid, const struct err *failure, const char *text, size_t len)
	__attribute__((noreturn));

#endif
