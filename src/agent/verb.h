/* SPDX-License-Identifier: Apache-2.0 */
/* verb.h: what a session does: one call of libcontainer. */
#ifndef HUSK_AGENT_VERB_H
#define HUSK_AGENT_VERB_H

#include "libcontainer.h"
#include "message.h"
#include "network.h"

#include <stdbool.h>

struct verb {
	uint16_t type; /* MSG_CREATE MSG_START MSG_EXEC MSG_SIGNAL MSG_UPDATE MSG_MOUNTS_... MSG_PS MSG_STATS MSG_OOM */
	const struct husk_ctx *ctx;
	const char *run_dir; /* the agent's own files */
	const char *id;
	const char *text; /* CREATE: config.json, EXEC: process.json, UPDATE: linux.resources, MOUNTS_...: message.h */
	size_t text_len;
	uint32_t process;
	const char *cgroup;	 /* EXEC: below the container's; NULL: its own */
	const char *console;	 /* the socket that gets the terminal's master; NULL: no terminal */
	struct network *network; /* CREATE */
	struct message_size size;
	struct message_signal signal;
};

/* In the session: does it, says how it went, exits. OOM: stays until the container ends, and writes a byte
 * into report each time the kernel kills in it for lack of memory. */
void verb_run(const struct verb *v, int report) __attribute__((noreturn));

#endif
