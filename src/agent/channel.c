/* SPDX-License-Identifier: Apache-2.0 */
/* channel.c: see channel.h. */
#include "channel.h"

#include "clock.h"
#include "fd.h"

#include <fcntl.h>
#include <stdint.h>

int channel_open(struct channel *c, int fd, struct err *e)
{
	int flags = fcntl(fd, F_GETFL);

	*c = (struct channel){ .fd = fd };
	frame_reader_init(&c->in);
	frame_writer_init(&c->out, CHANNEL_MAX);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return err_sys(e, errno, "the channel to the host, descriptor %d", fd);
	return 0;
}

void channel_close(struct channel *c)
{
	fd_close(&c->fd);
	frame_reader_free(&c->in);
	frame_writer_free(&c->out);
}

bool channel_is_full(const struct channel *c)
{
	size_t waiting;

	(void)frame_writer_pending(&c->out, &waiting);
	return waiting >= CHANNEL_FULL;
}

struct pollfd channel_poll(const struct channel *c)
{
	size_t waiting;

	(void)frame_writer_pending(&c->out, &waiting);
	return (struct pollfd){
		.fd = c->fd,
		.events = (short)((waiting < CHANNEL_FULL ? POLLIN : 0) | (waiting ? POLLOUT : 0)),
	};
}

static int fill(struct channel *c, struct err *e)
{
	size_t room;
	uint8_t *space = frame_reader_space(&c->in, &room);
	ssize_t n;

	if (room == 0) /* frames wait there for a host that reads */
		return 0;
	n = read(c->fd, space, room);
	if (n > 0)
		frame_reader_added(&c->in, (size_t)n);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0 && errno != ECONNRESET)
		return err_sys(e, errno, "read from the host");
	c->ended = n <= 0;
	if (c->ended && frame_reader_pending(&c->in))
		return err_set(e, EPROTO, "the host's last message was cut off");
	return 0;
}

int channel_move(struct channel *c, short revents, struct err *e)
{
	if (revents & POLLIN || (revents & (POLLHUP | POLLERR) && !channel_is_full(c)))
		return fill(c, e);
	if (revents & (POLLHUP | POLLERR)) /* and nobody takes what waits */
		c->ended = true;
	return 0;
}

int channel_flush(struct channel *c, struct err *e)
{
	const uint8_t *bytes;
	size_t len;
	ssize_t n;

	for (bytes = frame_writer_pending(&c->out, &len); len; bytes = frame_writer_pending(&c->out, &len)) {
		n = write(c->fd, bytes, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0 && (errno == EPIPE || errno == ECONNRESET)) {
			c->ended = true;
			return 0;
		}
		if (n < 0)
			return err_sys(e, errno, "write to the host");
		frame_writer_sent(&c->out, (size_t)n);
	}
	return 0;
}

void channel_drain(struct channel *c, int ms)
{
	int64_t end = clock_monotonic_ms() + ms, left;
	size_t len;

	while (channel_flush(c, NULL) == 0 && !c->ended) {
		struct pollfd p = { .fd = c->fd, .events = POLLOUT };

		(void)frame_writer_pending(&c->out, &len);
		left = end - clock_monotonic_ms();
		if (len == 0 || left <= 0 || poll(&p, 1, (int)left) <= 0)
			return;
	}
}
