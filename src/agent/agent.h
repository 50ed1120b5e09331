/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent.h: the agent's state and its one loop.
 *
 * It waits for the channel, for SIGCHLD, for sessions and for the streams of the
 * container's processes, and never blocks anywhere else. What the host asks for is in
 * host.h. All that the host can make it hold is bounded: the text of one request, 256 KiB of
 * standard input a process, CHANNEL_MAX bytes for the host; of output nothing beyond the
 * pipes, as it is read only when the channel takes it.
 */
#ifndef HUSK_AGENT_AGENT_H
#define HUSK_AGENT_AGENT_H

#include "channel.h"
#include "libcontainer.h"
#include "message.h"
#include "network.h"
#include "session.h"
#include "str.h"
#include "task.h"

#include <stdbool.h>
#include <sys/resource.h>

#define AGENT_TASKS (1 + MESSAGE_NUMBERS_MAX)
#define AGENT_SESSIONS \
	(1 + MESSAGE_PROCESSES_MAX + 32) /* one each for a process to be made, the rest for other verbs */
#define AGENT_LINE_MAX 4096		 /* bytes of a line of the log */

struct agent {
	struct channel channel;
	struct husk_ctx ctx;
	const char *run_dir;  /* files of its own */
	bool in_guest;	      /* the machine is its own */
	struct err files_err; /* the host's files could not be mounted, and why */
	struct rlimit nofile; /* for sessions and what they start */

	bool greeted; /* by the host */
	bool over;
	bool frames_wait;		/* some were read, and not taken for want of room for the answers */
	char *id;			/* the container's; NULL: there is none yet */
	struct network network;		/* the container's */
	struct strbuf text;		/* for the next request */
	struct task tasks[AGENT_TASKS]; /* the first one is the init's */
	struct session sessions[AGENT_SESSIONS];
	int signals;   /* signalfd(2) */
	int log_lines; /* what log.h writes, the sessions' too */
	char line[AGENT_LINE_MAX];
	size_t line_len;
};

/* channel_fd is taken over. -errno: the agent cannot run. */
int agent_init(struct agent *a, int channel_fd, struct err *e);
/* Until the host says SHUTDOWN or closes the channel: 0; or something failed. */
int agent_run(struct agent *a, struct err *e);
/* Where nothing ends with the agent of itself: kills what the container has and removes its cgroup. */
void agent_delete_container(struct agent *a);
void agent_free(struct agent *a);

/* The task of a number; NULL: there is none. */
struct task *agent_task(struct agent *a, uint32_t number);

#endif
