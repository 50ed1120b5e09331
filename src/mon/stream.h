/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.h: the standard input, output and error of one process of the guest, on the host's
 * side: descriptors of somebody else's, which must never be waited for.
 *
 * A pipe or terminal is opened anew without blocking, where that is allowed; what else cannot
 * be is asked by poll(2) before each call and written to in pieces that fit. What the guest
 * sends is held until it is written; credit.h bounds it. Who does not take it any more loses it.
 * The input is input.h's.
 */
#ifndef HUSK_MON_STREAM_H
#define HUSK_MON_STREAM_H

#include "err.h"
#include "guest.h"
#include "input.h"

#include <poll.h>
#include <stdbool.h>
#include <sys/types.h>

#define STREAM_POLLS 3

struct stream_out {
	int fd; /* -1: closed */
	char *buf;
	size_t start, len, cap;
	size_t owed; /* of what is held: what came before the process's end */
	int lost; /* errno of the write that failed, until stream_loss() has told it; a reader that left is no failure */
	bool ended; /* nothing more comes; closed once all is written */
};

struct stream {
	struct guest *guest;
	uint32_t process;
	struct input in;
	struct stream_out out[MESSAGE_STREAMS]; /* STDOUT and STDERR */
};

/* Another description of the same pipe or terminal, so that O_NONBLOCK is nobody's but ours; fd is closed then. Where
 * that is not allowed, and of other files, fd itself. */
int stream_reopen(int fd, int flags);
/* As write(2), of as much as does not block where poll(2) has said that there is room. */
ssize_t stream_write(int fd, const char *data, size_t len);

/* fds: of 0, 1, 2; taken over. terminal: 0 is one, in raw mode, and takes the output. */
void stream_open(struct stream *s, struct guest *guest, uint32_t process, const int fds[3], bool terminal);
/* What is still held is lost. */
void stream_close(struct stream *s);

/* From the guest. */
void stream_add(struct stream *s, enum message_stream which, const void *data, size_t len);
void stream_end(struct stream *s, enum message_stream which);
/* The process has ended; what it left behind may still write. unread: as guest_events.exited() has it. */
void stream_exited(struct stream *s, uint64_t unread);
/* Input is closed, and output once it is written. */
void stream_finish(struct stream *s);
/* What came before the process's end is written. */
bool stream_is_settled(const struct stream *s);
/* Bytes that nobody has taken yet. */
size_t stream_held(const struct stream *s);
/* Why what the process writes is lost from now on, such as to a full disk, in words (malloc'ed): once for each output.
 * NULL: it is not, or who read it has left. */
char *stream_loss(struct stream *s);
/* Nothing is held any more, and nothing more will come. */
bool stream_is_over(const struct stream *s);

/* What to poll for, and what came of it. */
void stream_poll(const struct stream *s, struct pollfd p[STREAM_POLLS]);
void stream_move(struct stream *s, const struct pollfd p[STREAM_POLLS]);

#endif
