/* SPDX-License-Identifier: Apache-2.0 */
/* peer.c: see peer.h. */
#include "peer.h"

#include "clock.h"
#include "fd.h"
#include "io.h"
#include "str.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define AGENT_FD 3

struct peer d;

void die(const char *what, const char *why)
{
	fflush(stdout);
	fprintf(stderr, "drive: %s: %s\n", what, why);
	exit(2);
}

static void check(int r, const struct err *e)
{
	if (r < 0)
		die("broken protocol", e->msg);
}

struct number *number(uint32_t n)
{
	struct number *x;

	if (n >= NUMBERS)
		die("process", "number too large");
	x = &d.numbers[n];
	if (!x->known) {
		*x = (struct number){ .known = true, .out = { { .fd = -1 }, { .fd = -1 } } };
		credit_sender_init(&x->in, CREDIT_INPUT);
		for (int i = 0; i < 2; i++)
			credit_receiver_init(&x->out[i].credit, CREDIT_START);
	}
	return x;
}

static void grant(uint32_t n, int i)
{
	struct output *o = &number(n)->out[i];
	struct message_credit c = { .stream = i ? MESSAGE_STREAM_STDERR : MESSAGE_STREAM_STDOUT };

	if (d.hold)
		return;
	c.bytes = credit_receiver_pass(&o->credit, o->credit.held);
	if (c.bytes)
		(void)message_put_credit(&d.w, n, &c);
}

static void take_output(const struct frame *f, int i)
{
	AUTO_FREE char *path = x_printf("%s/%u.%s", d.dir, f->process, i ? "err" : "out");
	struct output *o = &number(f->process)->out[i];
	struct err e = { 0 };

	if (number(f->process)->over[i])
		die("broken protocol", "output after its end");
	check(credit_receiver_take(&o->credit, f->len, &e), &e);
	if (o->fd < 0)
		o->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (io_write_all(o->fd, f->payload, f->len) < 0)
		die("write", path);
	o->len += f->len;
	grant(f->process, i);
}

static void take_output_end(const struct frame *f, int i)
{
	struct number *x = number(f->process);

	if (x->over[i])
		die("broken protocol", "an output ends twice");
	x->over[i] = true;
	printf("eof %u.%s\n", f->process, i ? "err" : "out");
}

static void take_exit(const struct frame *f)
{
	struct number *x = number(f->process);
	struct message_exit m;
	struct err e = { 0 };

	check(message_exit_decode(f, &m, &e), &e);
	if (x->ended)
		die("broken protocol", "EXIT twice");
	if (m.taken > x->sent)
		die("broken protocol", "more was taken than was sent");
	x->ended = true;
	printf("exit %u %d\n", f->process, m.status);
	if (x->sent)
		printf("taken %u %ju\n", f->process, (uintmax_t)m.taken);
}

static void take_answer(const struct frame *f)
{
	struct err e = { 0 }, why = { 0 };

	d.answered++;
	if (d.quiet)
		return;
	if (f->type == MSG_OK) {
		printf("ok\n");
		return;
	}
	check(message_err_decode(f, &why, &e), &e);
	printf("err %d %s\n", why.code, why.msg);
}

static void take_frame(const struct frame *f)
{
	struct message_credit c;
	struct message_hello h;
	struct message_log l;
	struct err e = { 0 };

	check(message_check(f, MESSAGE_AGENT, &e), &e);
	switch (f->type) {
	case MSG_HELLO:
		check(message_hello_decode(f, &h, &e), &e);
		d.hello = true;
		break;
	case MSG_OK:
	case MSG_ERR:
		take_answer(f);
		break;
	case MSG_STDOUT:
	case MSG_STDERR:
		take_output(f, f->type == MSG_STDERR);
		break;
	case MSG_STDOUT_EOF:
	case MSG_STDERR_EOF:
		take_output_end(f, f->type == MSG_STDERR_EOF);
		break;
	case MSG_EXIT:
		take_exit(f);
		break;
	case MSG_CREDIT:
		check(message_credit_decode(f, MESSAGE_AGENT, &c, &e), &e);
		check(credit_sender_grant(&number(f->process)->in, c.bytes, &e), &e);
		break;
	case MSG_TEXT:
		printf("text %.*s\n", (int)f->len, (const char *)f->payload);
		break;
	case MSG_OOM:
		printf("oom\n");
		break;
	case MSG_LOG:
		check(message_log_decode(f, &l, &e), &e);
		printf("log %u %.*s\n", l.level, (int)l.len, l.text);
		break;
	}
	fflush(stdout);
}

static void take_bytes(void)
{
	struct err e = { 0 };
	struct frame f;
	size_t room;
	uint8_t *space = frame_reader_space(&d.in, &room);
	ssize_t n = read(d.fd, space, room);
	int r;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		d.end = true;
		return;
	}
	frame_reader_added(&d.in, (size_t)n);
	while ((r = frame_reader_next(&d.in, &f, &e)) == 1)
		take_frame(&f);
	check(r, &e);
}

void turn(int ms)
{
	struct pollfd p = { .fd = d.fd, .events = POLLIN };
	const uint8_t *bytes;
	size_t len;
	ssize_t n;

	bytes = frame_writer_pending(&d.w, &len);
	if (len)
		p.events |= POLLOUT;
	if (poll(&p, 1, ms) <= 0)
		return;
	if (p.revents & POLLOUT) {
		n = write(d.fd, bytes, len);
		if (n > 0)
			frame_writer_sent(&d.w, (size_t)n);
		else if (errno != EAGAIN)
			d.end = true;
	}
	if (p.revents & (POLLIN | POLLHUP | POLLERR))
		take_bytes();
}

void until(bool (*done)(const void *arg), const void *arg, const char *what)
{
	int64_t end = clock_monotonic_ms() + WAIT_MS;

	while (!done(arg)) {
		if (d.end)
			die(what, "the channel has ended");
		if (clock_monotonic_ms() > end)
			die(what, "waited in vain");
		turn(100);
	}
}

static bool is_greeted(const void *arg)
{
	(void)arg;
	return d.hello;
}

bool is_answered(const void *arg)
{
	(void)arg;
	return d.answered == d.requests;
}

bool is_sent(const void *arg)
{
	size_t len;

	(void)arg;
	(void)frame_writer_pending(&d.w, &len);
	return len == 0;
}

bool has_exited(const void *arg)
{
	const struct number *n = arg;

	return n->ended;
}

bool has_settled(const void *arg)
{
	const struct number *n = arg;

	return n->ended && n->over[0] && (n->over[1] || n->terminal);
}

bool has_credit(const void *arg)
{
	const struct number *n = arg;

	return n->in.left > 0 || n->ended;
}

void put_file(const char *path)
{
	AUTO_FREE char *text = NULL;
	struct err e = { 0 };
	size_t len;

	if (!path || io_read_file(AT_FDCWD, path, 0, MESSAGE_TEXT_MAX, &text, &len, &e) < 0)
		die("file", path ? e.msg : "missing");
	(void)message_put_text(&d.w, d.requests, text, len);
}

void release(void)
{
	d.hold = false;
	for (uint32_t n = 0; n < NUMBERS; n++)
		for (int i = 0; d.numbers[n].known && i < 2; i++)
			grant(n, i);
}

void start_agent(char **argv)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		die("socketpair", strerror(errno));
	d.agent = fork();
	if (d.agent == 0) {
		(void)dup2(pair[1], AGENT_FD);
		(void)fcntl(AGENT_FD, F_SETFD, 0);
		(void)execvp(argv[0], argv);
		die(argv[0], strerror(errno));
	}
	(void)close(pair[1]);
	d.fd = pair[0];
}

void connect_agent(const char *path)
{
	int64_t end = clock_monotonic_ms() + WAIT_MS;

	d.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	while (fd_connect(d.fd, path) < 0) {
		if (clock_monotonic_ms() > end)
			die("connect", path);
		(void)poll(NULL, 0, 10);
	}
}

void greet(void)
{
	struct message_host_hello h = { .version = MESSAGE_VERSION };
	struct timespec now;

	until(is_greeted, NULL, "HELLO");
	(void)clock_gettime(CLOCK_REALTIME, &now);
	h.seconds = (uint64_t)now.tv_sec;
	h.nanoseconds = (uint32_t)now.tv_nsec;
	(void)message_put_host_hello(&d.w, &h);
}
