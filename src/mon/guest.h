/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest.h: what the host knows of its guest, and what it believes of what the guest says.
 *
 * Frames of the agent go in by guest_take(), frames for it come out of `out`; nothing
 * here reads or writes a descriptor. The guest is not trusted: a frame that no honest
 * agent would send at this moment gives -EPROTO, and then the machine is to be killed.
 *
 *   GUEST_BOOTING -> GUEST_READY     HELLO came
 *   GUEST_READY   -> GUEST_CREATED   OK of CREATE
 *   GUEST_CREATED -> GUEST_RUNNING   OK of START
 *   GUEST_RUNNING -> GUEST_ENDED     EXIT of process 0
 *
 * A process other than 0 has a number from guest_exec() to its EXIT and the ends of its outputs, or to the ERR of
 * EXEC.
 */
#ifndef HUSK_MON_GUEST_H
#define HUSK_MON_GUEST_H

#include "credit.h"
#include "frame.h"
#include "message.h"
#include "str.h"

#include <stdbool.h>
#include <stdint.h>

#define GUEST_PROCESSES (MESSAGE_NUMBERS_MAX + 1)
#define GUEST_ASKS_MAX 128
#define GUEST_ANSWER_MAX (1U << 20)		      /* bytes of text of one answer */
#define GUEST_OUT_MAX (MESSAGE_TEXT_MAX + (2U << 20)) /* bytes that wait for the guest */
#define GUEST_LOGS_MAX 1000			      /* lines of the agent's that are passed on */
#define GUEST_ASK_LOGS_MAX 16			      /* and beside them those about one question */

enum guest_state { GUEST_BOOTING, GUEST_READY, GUEST_CREATED, GUEST_RUNNING, GUEST_ENDED };

struct guest_process {
	bool used, started, exited, terminal;
	bool ended[MESSAGE_STREAMS]; /* no more will come, or of stdin: go */
	struct credit_sender in;
	uint64_t sent;				     /* bytes of stdin */
	struct credit_receiver out[MESSAGE_STREAMS]; /* STDOUT and STDERR */
};

/* A question that was not answered yet. */
struct guest_ask {
	uint32_t request; /* 0: the place is free */
	enum message_type type;
	uint32_t process;
	void *who;	     /* for the caller; NULL: nobody waits any more */
	int64_t deadline_ms; /* monotonic; 0: none */
	unsigned int logs;
	struct strbuf text;
};

struct guest_answer {
	enum message_type type; /* of the question */
	uint32_t process;
	void *who;
	const struct err *failure; /* NULL: OK */
	const char *text;
	size_t len;
};

struct guest_events {
	void (*answered)(void *arg, const struct guest_answer *a);
	/* All of it has to be taken; guest_passed() says when it is gone. */
	void (*output)(void *arg, uint32_t process, enum message_stream stream, const void *data, size_t len);
	void (*output_ended)(void *arg, uint32_t process, enum message_stream stream);
	/* unread: how many of the last bytes of its input nobody has read. Its outputs may go on. */
	void (*exited)(void *arg, uint32_t process, int status, uint64_t unread);
	void (*oom)(void *arg);
	/* who: whose question it is about; NULL: nobody's. */
	void (*said)(void *arg, void *who, const struct message_log *line);
};

struct guest {
	enum guest_state state;
	struct frame_writer out;
	struct guest_process processes[GUEST_PROCESSES];
	struct guest_ask asks[GUEST_ASKS_MAX];
	uint32_t last_request;
	unsigned int logs;
	const struct guest_events *events;
	void *arg;
};

void guest_init(struct guest *g, const struct guest_events *events, void *arg);
void guest_free(struct guest *g);

int guest_take(struct guest *g, const struct frame *f, struct err *e);

/* The host's HELLO. */
int guest_hello(struct guest *g, const struct message_host_hello *m, struct err *e);
/* An interface of the guest's, and what it is to have: len bytes of messages for rtnetlink(7). -EAGAIN. */
int guest_link(struct guest *g, const struct message_link *m, const char *messages, size_t len, struct err *e);
/* The questions. deadline_ms: for guest_expired(). -EAGAIN with a message when the guest leaves too much unread, or
 * too many questions open. who is handed back with the answer; one of NULL gets none. */
int guest_create(struct guest *g, const struct message_create *m, const char *config, void *who, struct err *e);
int guest_start(struct guest *g, void *who, struct err *e);
/* *out_process: its number. */
int guest_exec(struct guest *g, const struct message_exec *m, const char *process, size_t len, void *who,
	       int64_t deadline_ms, uint32_t *out_process, struct err *e);
int guest_signal(struct guest *g, uint32_t process, const struct message_signal *m, void *who, int64_t deadline_ms,
		 struct err *e);
/* PS, STATS; UPDATE and MOUNTS_... with a text. */
int guest_ask(struct guest *g, enum message_type type, const char *text, size_t len, void *who, int64_t deadline_ms,
	      struct err *e);
void guest_resize(struct guest *g, uint32_t process, const struct message_size *m);
void guest_shutdown(struct guest *g);

/* How many bytes of input the process takes now. */
size_t guest_input_room(const struct guest *g, uint32_t process);
/* How many of the bytes that went were perhaps not read; 0 once it has proved a reader (credit.h). */
size_t guest_input_waits(const struct guest *g, uint32_t process);
/* len: at most that. */
void guest_input(struct guest *g, uint32_t process, const void *data, size_t len);
void guest_input_ended(struct guest *g, uint32_t process);
/* Output was written, or thrown away. */
void guest_passed(struct guest *g, uint32_t process, enum message_stream stream, size_t len);
/* Nobody takes an output any more: its writer is told so. */
void guest_close_output(struct guest *g, uint32_t process, enum message_stream stream);

/* Nobody waits for these answers any more. */
void guest_forget(struct guest *g, const void *who);
/* Is of no process but 0 anything to come? */
bool guest_is_alone(const struct guest *g);
/* The first question whose time is over, answered with ETIMEDOUT; false: there is none. */
bool guest_expired(struct guest *g, int64_t now_ms);
/* When the next one is; 0: none has a deadline. */
int64_t guest_next_deadline(const struct guest *g);

#endif
