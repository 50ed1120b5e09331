/* SPDX-License-Identifier: Apache-2.0 */
/* channel.h: the byte stream to the host, frame by frame. Its descriptor never blocks. */
#ifndef HUSK_AGENT_CHANNEL_H
#define HUSK_AGENT_CHANNEL_H

#include "err.h"
#include "frame.h"

#include <poll.h>
#include <stdbool.h>

/* Bytes that wait for the host: from the first on nothing more is read that would add to them, the second
 * is never reached by what was begun before. */
#define CHANNEL_FULL (1U << 20)
#define CHANNEL_MAX (8U << 20)

struct channel {
	int fd; /* owned */
	struct frame_reader in;
	struct frame_writer out;
	bool ended; /* the host has closed its end */
};

/* Takes fd over and makes it non-blocking. */
int channel_open(struct channel *c, int fd, struct err *e);
void channel_close(struct channel *c);
/* The host has been slow: no more work for it now. */
bool channel_is_full(const struct channel *c);
/* What to wait for, and to do when it came: whole frames are in c->in then. c->ended at the end of the stream;
 * -EPROTO when that cut a frame. */
struct pollfd channel_poll(const struct channel *c);
int channel_move(struct channel *c, short revents, struct err *e);
/* Writes what the other end takes. */
int channel_flush(struct channel *c, struct err *e);
/* Waits at most ms milliseconds until all is written. */
void channel_drain(struct channel *c, int ms);

#endif
