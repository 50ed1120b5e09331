/* SPDX-License-Identifier: Apache-2.0 */
/* channel.c: see channel.h. */
#include "channel.h"

#include "fd.h"

#include <string.h>
#include <sys/socket.h>

void channel_init(struct channel *c, int fd, bool takes_fds)
{
	*c = (struct channel){ .fd = fd, .fds = { -1, -1, -1 }, .takes_fds = takes_fds };
	frame_reader_init(&c->in);
}

void channel_close(struct channel *c)
{
	fd_close(&c->fd);
	for (int i = 0; i < CHANNEL_FDS_MAX; i++)
		fd_close(&c->fds[i]);
	frame_reader_free(&c->in);
}

struct pollfd channel_poll(const struct channel *c, const struct frame_writer *out, bool want_in)
{
	struct pollfd p = { .fd = c->fd, .events = want_in ? POLLIN : 0 };
	size_t len;

	(void)frame_writer_pending(out, &len);
	if (len)
		p.events |= POLLOUT;
	if (!p.events)
		p.fd = -1;
	return p;
}

/* Keeps the first descriptors that come; more are closed. */
static void keep_fds(struct channel *c, struct msghdr *msg)
{
	for (struct cmsghdr *h = CMSG_FIRSTHDR(msg); h; h = CMSG_NXTHDR(msg, h)) {
		size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(int));
			if (c->takes_fds && c->n_fds < CHANNEL_FDS_MAX)
				c->fds[c->n_fds++] = fd;
			else
				(void)close(fd);
		}
	}
}

int channel_read(struct channel *c, struct err *e)
{
	union {
		char buf[CMSG_SPACE(CHANNEL_FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	size_t room;
	struct iovec iov = { .iov_base = frame_reader_space(&c->in, &room) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	iov.iov_len = room;
	if (c->takes_fds) {
		msg.msg_control = control.buf;
		msg.msg_controllen = sizeof(control.buf);
	}
	n = recvmsg(c->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return err_sys(e, errno, "read from the channel");
	if (c->takes_fds)
		keep_fds(c, &msg);
	if (n == 0 && frame_reader_pending(&c->in))
		return err_set(e, EPROTO, "the channel is cut off within a message");
	if (n == 0)
		return err_set(e, EPIPE, "the channel is closed");
	frame_reader_added(&c->in, (size_t)n);
	return 1;
}

int channel_write(struct channel *c, struct frame_writer *out)
{
	size_t len;
	const uint8_t *bytes = frame_writer_pending(out, &len);
	ssize_t n;

	if (!len)
		return 0;
	n = send(c->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	frame_writer_sent(out, (size_t)n);
	return 0;
}
