/* SPDX-License-Identifier: Apache-2.0 */
/* stream.c: see stream.h. */
#include "stream.h"

#include "fd.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define PIECE 4096 /* poll(2) says there is room for PIPE_BUF bytes */

int stream_reopen(int fd, int flags)
{
	char path[FD_PATH_MAX];
	struct stat st;
	int again;

	if (fd < 0 || fstat(fd, &st) < 0 || (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode)))
		return fd;
	fd_path(fd, path);
	again = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (again < 0)
		return fd;
	(void)close(fd);
	return again;
}

void stream_open(struct stream *s, struct guest *guest, uint32_t process, const int fds[3], bool terminal)
{
	*s = (struct stream){ .guest = guest, .process = process };
	input_open(&s->in, stream_reopen(fds[0], O_RDONLY));
	s->out[MESSAGE_STREAM_STDIN].fd = -1;
	s->out[MESSAGE_STREAM_STDOUT].fd = stream_reopen(fds[1], O_WRONLY);
	s->out[MESSAGE_STREAM_STDERR].fd = stream_reopen(fds[2], O_WRONLY);
	if (terminal)
		stream_end(s, MESSAGE_STREAM_STDERR);
}

static void passed(struct stream *s, enum message_stream which, size_t len)
{
	if (!s->out[which].ended) /* or its number may be another's by now */
		guest_passed(s->guest, s->process, which, len);
}

static void out_close(struct stream_out *o)
{
	fd_close(&o->fd);
	free(o->buf);
	*o = (struct stream_out){ .fd = -1, .ended = o->ended };
}

void stream_close(struct stream *s)
{
	input_close(&s->in, s->in.looked_at);
	out_close(&s->out[MESSAGE_STREAM_STDOUT]);
	out_close(&s->out[MESSAGE_STREAM_STDERR]);
}

/* Nobody takes it: its writer is told, and what comes meanwhile is as if it was written. */
static void refuse(struct stream *s, enum message_stream which)
{
	struct stream_out *o = &s->out[which];
	size_t len = o->len;

	out_close(o);
	if (!o->ended)
		guest_close_output(s->guest, s->process, which);
	passed(s, which, len);
}

ssize_t stream_write(int fd, const char *data, size_t len)
{
	size_t piece = len < PIECE ? len : PIECE;
	ssize_t n = send(fd, data, piece, MSG_DONTWAIT | MSG_NOSIGNAL);

	return n < 0 && errno == ENOTSOCK ? write(fd, data, piece) : n;
}

static void out_write(struct stream *s, enum message_stream which)
{
	struct stream_out *o = &s->out[which];
	ssize_t n = stream_write(o->fd, o->buf + o->start, o->len);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		int code = errno;

		refuse(s, which);
		o->lost = code == EPIPE || code == ECONNRESET ? 0 : code;
		return;
	}
	if (n <= 0)
		return;
	o->start += (size_t)n;
	o->len -= (size_t)n;
	o->owed -= o->owed < (size_t)n ? o->owed : (size_t)n;
	passed(s, which, (size_t)n);
	if (o->len)
		return;
	if (o->ended)
		out_close(o);
	o->start = 0;
}

void stream_add(struct stream *s, enum message_stream which, const void *data, size_t len)
{
	struct stream_out *o = &s->out[which];

	if (o->fd < 0) {
		passed(s, which, len);
		return;
	}
	if (o->start) {
		memmove(o->buf, o->buf + o->start, o->len);
		o->start = 0;
	}
	if (o->len + len > o->cap) {
		o->cap = o->len + len;
		o->buf = x_realloc(o->buf, o->cap, 1);
	}
	memcpy(o->buf + o->len, data, len);
	o->len += len;
}

void stream_end(struct stream *s, enum message_stream which)
{
	struct stream_out *o = &s->out[which];

	o->ended = true;
	if (!o->len)
		out_close(o);
}

void stream_exited(struct stream *s, uint64_t unread)
{
	input_close(&s->in, unread);
	for (int i = MESSAGE_STREAM_STDOUT; i <= MESSAGE_STREAM_STDERR; i++)
		s->out[i].owed = s->out[i].len;
}

void stream_finish(struct stream *s)
{
	input_close(&s->in, s->in.looked_at);
	stream_end(s, MESSAGE_STREAM_STDOUT);
	stream_end(s, MESSAGE_STREAM_STDERR);
}

bool stream_is_settled(const struct stream *s)
{
	return !s->out[MESSAGE_STREAM_STDOUT].owed && !s->out[MESSAGE_STREAM_STDERR].owed;
}

size_t stream_held(const struct stream *s)
{
	return s->out[MESSAGE_STREAM_STDOUT].len + s->out[MESSAGE_STREAM_STDERR].len;
}

char *stream_loss(struct stream *s)
{
	for (int i = MESSAGE_STREAM_STDOUT; i <= MESSAGE_STREAM_STDERR; i++) {
		int code = s->out[i].lost;

		s->out[i].lost = 0;
		if (code)
			return x_printf("what it writes to its standard %s is lost from now on: %s",
					i == MESSAGE_STREAM_STDOUT ? "output" : "error", strerror(code));
	}
	return NULL;
}

bool stream_is_over(const struct stream *s)
{
	return !stream_held(s) && s->out[MESSAGE_STREAM_STDOUT].ended && s->out[MESSAGE_STREAM_STDERR].ended;
}

void stream_poll(const struct stream *s, struct pollfd p[STREAM_POLLS])
{
	p[0] = input_poll(&s->in, s->guest, s->process);
	for (int i = MESSAGE_STREAM_STDOUT; i <= MESSAGE_STREAM_STDERR; i++)
		p[i] = (struct pollfd){ .fd = s->out[i].len ? s->out[i].fd : -1, .events = POLLOUT };
}

void stream_move(struct stream *s, const struct pollfd p[STREAM_POLLS])
{
	input_move(&s->in, s->guest, s->process, p[0].fd >= 0 && p[0].revents);
	for (int i = MESSAGE_STREAM_STDOUT; i <= MESSAGE_STREAM_STDERR; i++)
		if (p[i].fd >= 0 && p[i].revents && s->out[i].len)
			out_write(s, (enum message_stream)i);
}
