/* SPDX-License-Identifier: Apache-2.0 */
/* input.c: see input.h; pipe(7), F_SETPIPE_SZ of fcntl(2). No descriptor is written to when it would block. */
#include "input.h"

#include "fd.h"
#include "str.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

#define WIDE_PIPE (64 << 10) /* bytes: what a pipe has that nobody made smaller */

void input_init(struct input *in)
{
	*in = (struct input){ .fd = -1, .unread = -1 };
	credit_receiver_init(&in->credit, CREDIT_INPUT);
}

int input_open(struct input *in, int *out_end, struct err *e)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, errno, "pipe");
	*out_end = ends[0];
	in->fd = ends[1];
	in->unread = fcntl(ends[0], F_DUPFD_CLOEXEC, 0);
	if (in->unread < 0 || fcntl(ends[1], F_SETFL, O_WRONLY | O_NONBLOCK) < 0 ||
	    fcntl(ends[1], F_SETPIPE_SZ, CREDIT_INPUT) < 0)
		return err_sys(e, errno, "set up a pipe");
	return 0;
}

void input_take_terminal(struct input *in, int master)
{
	in->fd = master;
}

uint64_t input_taken(const struct input *in)
{
	uint64_t given = in->came - in->dropped - in->held_len;
	int n = 0;

	if (in->unread >= 0 && ioctl(in->unread, FIONREAD, &n) < 0)
		n = 0;
	return (uint64_t)n < given ? given - (uint64_t)n : 0; /* the process may write into it, too */
}

void input_close(struct input *in)
{
	in->dropped = in->came - input_taken(in);
	in->held_len = 0;
	free(in->held);
	in->held = NULL;
	fd_close(&in->fd);
	fd_close(&in->unread);
}

/* As much as it takes; returns how much that was. */
static size_t feed(struct input *in, const uint8_t *data, size_t len)
{
	size_t done = 0;

	while (done < len && in->fd >= 0) {
		ssize_t n = write(in->fd, data + done, len - done);

		if (n > 0)
			done += (size_t)n;
		else if (n < 0 && errno == EAGAIN)
			break;
		else if (n < 0 && errno != EINTR) /* a terminal that hung up: what comes is for nobody */
			fd_close(&in->fd);
	}
	return done;
}

/* What the process did not take yet; the credit has bounded it. */
static void hold(struct input *in, const uint8_t *data, size_t len)
{
	if (!in->held)
		in->held = x_calloc(CREDIT_START, 1);
	if (in->held_start) {
		memmove(in->held, in->held + in->held_start, in->held_len);
		in->held_start = 0;
	}
	memcpy(in->held + in->held_len, data, len);
	in->held_len += len;
}

/* A terminal does not say what was read. */
static uint64_t passed(const struct input *in)
{
	return in->wide || in->unread < 0 ? in->came - in->dropped - in->held_len : input_taken(in);
}

/* From here on it is a pipe like others. */
static void widen(struct input *in)
{
	in->wide = true;
	credit_receiver_widen(&in->credit);
	if (in->unread >= 0 && fcntl(in->fd, F_GETPIPE_SZ) < WIDE_PIPE)
		(void)fcntl(in->fd, F_SETPIPE_SZ, WIDE_PIPE);
}

/* Credit for what was passed on since the last time. */
static int grant(struct input *in, uint32_t process, struct frame_writer *w, struct err *e)
{
	struct message_credit c = { .stream = MESSAGE_STREAM_STDIN };
	uint64_t now = passed(in);

	if (!in->wide && now >= INPUT_PROVED) {
		widen(in);
		now = passed(in);
	}
	if (now < in->told)
		return 0;
	c.bytes = credit_receiver_pass(&in->credit, now - in->told);
	in->told = now;
	if (c.bytes && message_put_credit(w, process, &c) < 0)
		return err_set(e, ENOBUFS, "the channel is full");
	return 0;
}

int input_add(struct input *in, uint32_t process, const uint8_t *data, size_t len, struct frame_writer *w,
	      struct err *e)
{
	size_t done = 0;
	int r;

	r = credit_receiver_take(&in->credit, len, e);
	if (r < 0)
		return r;
	in->came += len;
	if (in->held_len == 0)
		done = feed(in, data, len);
	if (in->fd < 0)
		in->dropped += len - done;
	else if (done < len)
		hold(in, data + done, len - done);
	return grant(in, process, w, e);
}

void input_end(struct input *in)
{
	in->eof = true;
	if (in->held_len == 0 && in->unread >= 0)
		fd_close(&in->fd);
}

struct pollfd input_poll(const struct input *in)
{
	bool waits = in->held_len || (!in->wide && in->came != in->told);

	return (struct pollfd){ .fd = waits ? in->fd : -1, .events = POLLOUT };
}

static void feed_held(struct input *in)
{
	size_t done = feed(in, in->held + in->held_start, in->held_len);

	in->held_start += done;
	in->held_len -= done;
	if (in->fd < 0) {
		in->dropped += in->held_len;
		in->held_len = 0;
	}
	if (in->held_len == 0) {
		in->held_start = 0;
		if (in->eof)
			input_end(in);
	}
}

int input_move(struct input *in, uint32_t process, struct frame_writer *w, struct err *e)
{
	if (in->held_len)
		feed_held(in);
	if (!in->wide && in->fd >= 0 && in->unread >= 0 && fcntl(in->fd, F_GETPIPE_SZ) > (int)CREDIT_INPUT)
		widen(in);
	return grant(in, process, w, e);
}
