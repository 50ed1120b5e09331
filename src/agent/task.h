/* SPDX-License-Identifier: Apache-2.0 */
/*
 * task.h: a process of the container that the host knows by its number: its standard
 * streams between the channel and pipes or a terminal, and its end.
 *
 * FREE -> STARTING -> RUNNING -> LEFT -> FREE; the init is CREATED before it is STARTING again.
 * What fails goes back to FREE. The end of the process may be seen in any state but FREE; it is told
 * in RUNNING, after all that the process itself wrote, and then the task is LEFT: what the process left
 * behind may still write to its outputs. It is FREE when these have ended.
 */
#ifndef HUSK_AGENT_TASK_H
#define HUSK_AGENT_TASK_H

#include "credit.h"
#include "err.h"
#include "input.h"
#include "message.h"

#include <poll.h>
#include <stdbool.h>
#include <sys/types.h>

#define TASK_OUTPUTS 2 /* standard output, standard error */
#define TASK_POLLS 3

enum task_state { TASK_FREE, TASK_STARTING, TASK_CREATED, TASK_RUNNING, TASK_LEFT };

struct task_output {
	int fd; /* -1: ended */
	struct credit_sender credit;
	bool told;   /* of its end */
	size_t owed; /* once the process has ended: bytes to pass on before that is told */
};

struct task {
	enum task_state state;
	uint32_t number;
	pid_t pid;   /* 0: not known yet */
	bool exited; /* with this status */
	int status;  /* 0 to 255, 128 + n */
	bool terminal;
	int console; /* listens for the terminal's master; -1: none */
	struct input in;
	struct task_output out[TASK_OUTPUTS];
};

void task_init(struct task *t);
/* Makes pipes, whose other ends are out_stdio's, or a socket at console_path. */
int task_open(struct task *t, uint32_t number, const char *console_path, int out_stdio[3], struct err *e);
/* Closes all; the slot is free. */
void task_close(struct task *t);
/* The terminal's master came to the socket: takes it. */
int task_take_terminal(struct task *t, struct err *e);
int task_resize(struct task *t, const struct message_size *size, struct err *e);

/* From the host. -EPROTO when it sent more than it may. w: for credit. */
int task_stdin(struct task *t, const uint8_t *data, size_t len, struct frame_writer *w, struct err *e);
/* Nobody reads what comes from this output. */
int task_close_output(struct task *t, enum message_stream stream, struct frame_writer *w, struct err *e);
int task_credit(struct task *t, const struct message_credit *c, struct err *e);

/* wait(2)'s status of the process. */
void task_ended(struct task *t, int wait_status);
/* What to wait for; with full, for nothing that makes frames. False: do not wait, but look. */
bool task_poll(const struct task *t, bool full, struct pollfd out[TASK_POLLS]);
int task_move(struct task *t, const struct pollfd p[TASK_POLLS], struct frame_writer *w, struct err *e);
/* RUNNING -> LEFT, by EXIT, if it has ended and all that it wrote is in the channel. */
int task_tell_exit(struct task *t, struct frame_writer *w, struct err *e);
/* LEFT, and nobody holds its outputs any more. */
bool task_is_over(const struct task *t);

#endif
