/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message.h: what the frames between a host and the agent say. The same messages
 * pass between husk and husk-mon, where husk-mon answers in the agent's place.
 *
 * The host asks, the agent answers OK or ERR with the number of the request. Order:
 *
 *   <- HELLO, HELLO ->, then any of these
 *   (LINK RTNL*)* TEXT* CREATE -> OK   the text is a config.json; at most one container, which has these interfaces
 *   START -> OK                process 0 runs from here on
 *   TEXT* EXEC -> OK           the text is a process.json; the frame's process is a new number
 *   SIGNAL, RESIZE, PS, STATS, TEXT* UPDATE (linux.resources) -> OK, before it TEXT* where there is something to say
 *   TEXT* MOUNTS_ADD, MOUNTS_REMOVE (mounts of a config.json), MOUNTS_GONE (paths) -> OK
 *   SHUTDOWN                   is answered by the end of the channel
 *
 * From the OK of START or EXEC on: STDIN and STDIN_EOF to the process until its EXIT, STDOUT and
 * STDERR from it until their EOF, each stream under the rules of credit.h. All that the process itself wrote
 * before its end comes before its EXIT. What it left behind may still hold its outputs, which then go on; its number
 * is free again once EXIT and both EOFs were sent. CLOSE ends an output as the end of a pipe's reader does (a
 * terminal hangs up); what of it is under way then needs no credit, and its EOF is the answer. What the host sends to
 * a process that has just ended is ignored, but for SIGNAL and RESIZE, which are answered with ESRCH. With a
 * terminal all output is STDOUT, of which the EOF comes before the EXIT, and STDIN_EOF means nothing.
 *
 * Encoding writes one frame into a frame_writer: 0, or -ENOBUFS when that is full. Decoding
 * takes a frame that message_check() has let pass; the structs' texts point into its payload
 * and are not NUL-terminated.
 */
#ifndef HUSK_PROTO_MESSAGE_H
#define HUSK_PROTO_MESSAGE_H

#include "err.h"
#include "frame.h"
#include "network.h"
#include "str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MESSAGE_VERSION 1
#define MESSAGE_TEXT_MAX (4U << 20) /* bytes of all TEXT that belong together */
#define MESSAGE_REASON_MAX 4095	    /* bytes of an ERR's message or a LOG's line */
#define MESSAGE_ID_MAX 1024	    /* bytes of a container's id */
#define MESSAGE_CGROUP_MAX 4095	    /* bytes of the path of an exec'd process's cgroup */
#define MESSAGE_ENTROPY 64	    /* bytes */
#define MESSAGE_PROCESSES_MAX 64    /* exec'd processes at once, beside the init */
#define MESSAGE_NUMBERS_MAX 128	    /* the same with those that have ended and left others with their outputs */

enum message_type {
	MSG_HELLO = 1,	/* both ways; from the agent: struct message_hello, from the host: struct message_host_hello */
	MSG_TEXT,	/* both ways: a chunk of text */
	MSG_CREDIT,	/* both ways: struct message_credit */
	MSG_CREATE,	/* from here on, from the host: struct message_create */
	MSG_START,	/* empty */
	MSG_EXEC,	/* struct message_exec */
	MSG_SIGNAL,	/* struct message_signal */
	MSG_RESIZE,	/* struct message_size */
	MSG_STDIN,	/* bytes, at least one */
	MSG_STDIN_EOF,	/* empty */
	MSG_UPDATE,	/* empty */
	MSG_PS,		/* empty; the text is a JSON array of process ids, as the guest sees them */
	MSG_STATS,	/* empty; the text is an event of husk_events() */
	MSG_SHUTDOWN,	/* empty */
	MSG_OK,		/* from here on, from the agent: empty */
	MSG_ERR,	/* struct err */
	MSG_STDOUT,	/* bytes, at least one */
	MSG_STDERR,	/* the same */
	MSG_STDOUT_EOF, /* empty */
	MSG_STDERR_EOF, /* empty */
	MSG_EXIT,	/* struct message_exit */
	MSG_OOM,	/* empty: the kernel has killed in the container for lack of memory */
	MSG_LOG,	/* struct message_log */
	MSG_CLOSE,	/* from the host: struct message_close: nobody reads this output any more */
	MSG_WATCH,	/* from husk to husk-mon: empty; OOM is passed on from then on */
	/* from the host, empty; their text is what the file of `husk mounts` is, with the guest's sources: */
	MSG_MOUNTS_ADD,
	MSG_MOUNTS_REMOVE,
	/* from the host: empty; the text has a path of the guest's a line, where the host has unmounted something */
	MSG_MOUNTS_GONE,
	MSG_LINK, /* from the host: struct message_link */
	MSG_RTNL, /* from the host: a chunk of the messages for the interface of the LINK before, as network.h has them */
	MSG_TYPE_END,
};

enum message_side { MESSAGE_HOST, MESSAGE_AGENT };

enum message_stream { MESSAGE_STREAM_STDIN, MESSAGE_STREAM_STDOUT, MESSAGE_STREAM_STDERR, MESSAGE_STREAMS };

struct message_size {
	uint16_t columns, rows; /* 0, 0: not known */
};

struct message_hello {
	uint32_t version;
};

struct message_host_hello {
	uint32_t version;
	uint64_t seconds; /* CLOCK_REALTIME */
	uint32_t nanoseconds;
	uint8_t entropy[MESSAGE_ENTROPY];
};

struct message_terminal {
	bool terminal;
	struct message_size size;
};

struct message_create {
	struct message_terminal terminal;
	const char *id;
	size_t id_len; /* 1 to MESSAGE_ID_MAX */
};

struct message_exec {
	struct message_terminal terminal;
	const char *cgroup; /* below the container's */
	size_t cgroup_len;  /* 0: the container's own; at most MESSAGE_CGROUP_MAX */
};

struct message_exit {
	int status;	/* 0 to 255, 128 + n for signal n */
	uint64_t taken; /* bytes of STDIN that were read in the guest; the others are nobody's yet */
};

struct message_signal {
	uint32_t signal; /* 1 to 64 */
	bool all;	 /* every process of the container; the frame's process is 0 then */
};

struct message_credit {
	enum message_stream stream; /* STDIN from the agent, the others from the host */
	uint32_t bytes;
};

struct message_close {
	enum message_stream stream; /* STDOUT or STDERR */
};

struct message_link {
	uint8_t mac[ETH_ALEN];	/* by which the guest's interface is found */
	char name[IF_NAMESIZE]; /* ifname_valid(): what it is called in the container */
};

struct message_log {
	uint32_t level; /* enum log_level */
	const char *text;
	size_t len;
	uint32_t request; /* which it is about, and then it comes before that one's answer; 0: none */
};

/* "EXEC", for messages; "?" for a type that is none. */
const char *message_type_name(uint16_t type);
/* Is this a message that this side may send, of a length that its type allows? -EPROTO. All that decoders leave
 * unsaid about lengths is said here. */
int message_check(const struct frame *f, enum message_side from, struct err *e);

/* -EPROTO for a value that is not allowed. */
int message_hello_decode(const struct frame *f, struct message_hello *out, struct err *e);
int message_host_hello_decode(const struct frame *f, struct message_host_hello *out, struct err *e);
int message_create_decode(const struct frame *f, struct message_create *out, struct err *e);
int message_exec_decode(const struct frame *f, struct message_exec *out, struct err *e);
int message_signal_decode(const struct frame *f, struct message_signal *out, struct err *e);
int message_resize_decode(const struct frame *f, struct message_size *out, struct err *e);
int message_credit_decode(const struct frame *f, enum message_side from, struct message_credit *out, struct err *e);
int message_close_decode(const struct frame *f, struct message_close *out, struct err *e);
int message_link_decode(const struct frame *f, struct message_link *out, struct err *e);
int message_exit_decode(const struct frame *f, struct message_exit *out, struct err *e);
int message_log_decode(const struct frame *f, struct message_log *out, struct err *e);
/* What failed at the other end: a code of 1 to 4095, a message cut to ERR_MSG_MAX in which bytes that are not
 * printable became '?'. */
int message_err_decode(const struct frame *f, struct err *out, struct err *e);

/* Adds a TEXT to those before it. -EPROTO above MESSAGE_TEXT_MAX in all; free(text->s) ends it. */
int message_text_add(struct strbuf *text, const struct frame *f, struct err *e);

/* type: one that is empty, with or without a request (0). */
int message_put(struct frame_writer *w, enum message_type type, uint32_t process, uint32_t request);
/* type: STDIN STDOUT STDERR RTNL. len: 1 to FRAME_PAYLOAD_MAX. */
int message_put_data(struct frame_writer *w, enum message_type type, uint32_t process, const void *data, size_t len);
/* As many TEXTs as it takes: all of them, or -ENOBUFS and none. len <= MESSAGE_TEXT_MAX. */
int message_put_text(struct frame_writer *w, uint32_t request, const char *text, size_t len);
int message_put_hello(struct frame_writer *w, const struct message_hello *m);
int message_put_host_hello(struct frame_writer *w, const struct message_host_hello *m);
int message_put_create(struct frame_writer *w, uint32_t request, const struct message_create *m);
int message_put_exec(struct frame_writer *w, uint32_t process, uint32_t request, const struct message_exec *m);
int message_put_signal(struct frame_writer *w, uint32_t process, uint32_t request, const struct message_signal *m);
int message_put_resize(struct frame_writer *w, uint32_t process, uint32_t request, const struct message_size *m);
int message_put_credit(struct frame_writer *w, uint32_t process, const struct message_credit *m);
int message_put_close(struct frame_writer *w, uint32_t process, const struct message_close *m);
int message_put_link(struct frame_writer *w, const struct message_link *m);
int message_put_exit(struct frame_writer *w, uint32_t process, const struct message_exit *m);
int message_put_err(struct frame_writer *w, uint32_t process, uint32_t request, const struct err *m);
/* A line that is too long is cut. */
int message_put_log(struct frame_writer *w, const struct message_log *m);

#endif
