/* SPDX-License-Identifier: Apache-2.0 */
/* channel.h: a stream socket on which frames go both ways, without waiting. */
#ifndef HUSK_MON_CHANNEL_H
#define HUSK_MON_CHANNEL_H

#include "err.h"
#include "frame.h"

#include <poll.h>
#include <stdbool.h>

#define CHANNEL_FDS_MAX 3 /* that may come along */

struct channel {
	int fd; /* owned; -1: closed */
	struct frame_reader in;
	int fds[CHANNEL_FDS_MAX]; /* came beside bytes; owned */
	int n_fds;
	bool takes_fds;
};

void channel_init(struct channel *c, int fd, bool takes_fds);
void channel_close(struct channel *c);
/* want_in: false where nothing more can be taken in now. */
struct pollfd channel_poll(const struct channel *c, const struct frame_writer *out, bool want_in);
/* Reads once. 1: bytes came, frames are to be taken by frame_reader_next(); 0: not now; -EPIPE: the other end
 * is closed; -EPROTO: it is cut off within a frame; another -errno. */
int channel_read(struct channel *c, struct err *e);
/* Writes what it takes now. 0 or -errno. */
int channel_write(struct channel *c, struct frame_writer *out);

#endif
