/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drive.c: the host's end of the agent's channel, for tests.
 *
 *   drive DIR [--connect SOCKET] COMMAND... [-- AGENT ARGUMENT...]
 *
 * starts AGENT with the channel as descriptor 3, or connects to a socket where one is, says HELLO
 * and does the commands in order, each a word with its arguments:
 *
 *   create FILE ID SIZE, exec N FILE SIZE     SIZE: - or COLUMNSxROWS of a terminal
 *   start, signal N SIGNAL, kill-all SIGNAL, resize N SIZE, update FILE, ps, stats
 *   execs N COUNT FILE                        COUNT of them from N on, at once
 *   exec-in N FILE CGROUP                     in a cgroup below the container's
 *   stdin N FILE, eof N                       (stdin: as fast as credit allows)
 *   text FILE, over N                         text without a request; more input than is granted
 *   wait N                                    until it has ended
 *   settle N                                  until its outputs have, too
 *   shut N STREAM                             nobody reads its output any more: 1 or 2
 *   hold, release                             grant no credit for output; grant it again
 *   monkey SEED COUNT FILE                    COUNT requests that are allowed, one after the other without waiting
 *                                             for answers, chosen by chance; FILE: what they exec
 *   flood COUNT, drain                        ask COUNT times for what fails, and read nothing; read all answers
 *   sleep MS                                  and take what comes
 *   output N TEXT                             until its standard output holds TEXT
 *   shell TEXT                                a command of this machine; $AGENT is the pid of what was started
 *   await TEXT                                the same, until it succeeds, and take what comes
 *   raw HEX                                   bytes as they are
 *   shutdown, close, end                      (end: wait for the end of the channel)
 *
 * What comes is printed, a line each: "ok", "err CODE MESSAGE", "exit N STATUS" (and "taken N BYTES" if it had
 * input), "text ...", "oom",
 * "log LEVEL LINE", "end" and the agent's status; the outputs of processes go to DIR/N.out and DIR/N.err,
 * and "eof N.out" tells of their end. A message that breaks the protocol ends the program with status 2.
 */
#include "clock.h"
#include "credit.h"
#include "fd.h"
#include "io.h"
#include "message.h"
#include "str.h"

#include <ctype.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#define NUMBERS 4096
#define WAIT_MS 300000 /* only what hangs meets it */
#define AGENT_FD 3

struct output {
	int fd; /* -1: nothing came yet */
	size_t len;
	struct credit_receiver credit;
};

struct number {
	bool known, ended, eof;
	bool terminal, over[2]; /* no more comes of an output */
	struct credit_sender in;
	uint64_t sent; /* bytes of input */
	struct output out[2];
};

static struct drive {
	const char *dir;
	int fd;
	pid_t agent;
	bool hello, hold, end, quiet;
	uint32_t requests, answered; /* sent and answered: in order of no importance */
	struct frame_reader in;
	struct frame_writer w;
	struct number numbers[NUMBERS];
} d;

static __attribute__((noreturn)) void die(const char *what, const char *why)
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

static struct number *number(uint32_t n)
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

static uint32_t parse_number(const char *s, uint32_t max)
{
	uint64_t v;

	if (!s || str_u64(s, max, &v) < 0)
		die("number", s ? s : "missing");
	return (uint32_t)v;
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

/* One round: what waits is sent, what comes is taken. */
static void turn(int ms)
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

/* Until *done, or the channel has ended. */
static void until(bool (*done)(const void *arg), const void *arg, const char *what)
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

static bool is_answered(const void *arg)
{
	(void)arg;
	return d.answered == d.requests;
}

static bool is_sent(const void *arg)
{
	size_t len;

	(void)arg;
	(void)frame_writer_pending(&d.w, &len);
	return len == 0;
}

static bool has_exited(const void *arg)
{
	const struct number *n = arg;

	return n->ended;
}

static bool has_settled(const void *arg)
{
	const struct number *n = arg;

	return n->ended && n->over[0] && (n->over[1] || n->terminal);
}

static bool has_credit(const void *arg)
{
	const struct number *n = arg;

	return n->in.left > 0 || n->ended;
}

static struct message_terminal parse_size(const char *s)
{
	struct message_terminal t = { 0 };

	if (!s)
		die("size", "missing");
	if (strcmp(s, "-") != 0)
		t.terminal = sscanf(s, "%hux%hu", &t.size.columns, &t.size.rows) == 2;
	return t;
}

static void put_file(const char *path)
{
	AUTO_FREE char *text = NULL;
	struct err e = { 0 };
	size_t len;

	if (!path || io_read_file(AT_FDCWD, path, 0, MESSAGE_TEXT_MAX, &text, &len, &e) < 0)
		die("file", path ? e.msg : "missing");
	(void)message_put_text(&d.w, d.requests, text, len);
}

static void do_stdin(uint32_t n, const char *path)
{
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	struct number *x = number(n);
	static char buf[FRAME_PAYLOAD_MAX];
	ssize_t len;

	if (fd < 0)
		die("stdin", path);
	for (;;) {
		until(has_credit, x, "credit");
		until(is_sent, NULL, "stdin");
		len = read(fd, buf, x->in.left < sizeof(buf) ? x->in.left : sizeof(buf));
		if (len <= 0 || x->ended)
			return;
		credit_sender_use(&x->in, (size_t)len);
		x->sent += (size_t)len;
		(void)message_put_data(&d.w, MSG_STDIN, n, buf, (size_t)len);
	}
}

static void do_over(uint32_t n)
{
	static const char buf[FRAME_PAYLOAD_MAX];

	for (size_t sent = 0; sent <= 2 * CREDIT_START; sent += sizeof(buf))
		(void)message_put_data(&d.w, MSG_STDIN, n, buf, sizeof(buf));
}

struct wanted {
	uint32_t number;
	const char *text;
};

static bool has_output(const void *arg)
{
	const struct wanted *w = arg;
	AUTO_FREE char *path = x_printf("%s/%u.out", d.dir, w->number);
	AUTO_FREE char *text = NULL;
	size_t len;

	return io_read_file(AT_FDCWD, path, 0, 1U << 30, &text, &len, NULL) == 0 &&
	       memmem(text, len, w->text, strlen(w->text));
}

static void do_raw(const char *hex)
{
	unsigned int byte;

	until(is_sent, NULL, "raw");
	for (; isxdigit((unsigned char)hex[0]) && sscanf(hex, "%2x", &byte) == 1; hex += 2) {
		struct pollfd p = { .fd = d.fd, .events = POLLOUT };
		uint8_t b = (uint8_t)byte;

		if (poll(&p, 1, WAIT_MS) < 0 || write(d.fd, &b, 1) != 1)
			return;
	}
}

static bool shell_succeeds(const void *text)
{
	AUTO_FREE char *pid = x_printf("%d", (int)d.agent);

	(void)setenv("AGENT", pid, 1);
	fflush(stdout);
	return system(text) == 0;
}

static void do_shell(const char *text)
{
	if (!shell_succeeds(text))
		die("shell", text);
}

static void do_release(void)
{
	d.hold = false;
	for (uint32_t n = 0; n < NUMBERS; n++)
		for (int i = 0; d.numbers[n].known && i < 2; i++)
			grant(n, i);
}

static void do_sleep(uint32_t ms)
{
	int64_t end = clock_monotonic_ms() + ms, left;

	while (!d.end && (left = end - clock_monotonic_ms()) > 0)
		turn((int)left);
}

/* A request without an argument. */
static const struct {
	const char *word;
	enum message_type type;
} plain[] = { { "start", MSG_START }, { "ps", MSG_PS }, { "stats", MSG_STATS } };

static char **ask(char **w)
{
	struct message_create create = { 0 };
	struct message_exec exec = { 0 };
	struct message_terminal terminal;
	struct message_signal sig = { 0 };
	uint32_t request = ++d.requests, n;

	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		if (str_eq(w[0], plain[i].word)) {
			(void)message_put(&d.w, plain[i].type, 0, request);
			return w + 1;
		}
	if (str_eq(w[0], "create")) {
		put_file(w[1]);
		create = (struct message_create){ parse_size(w[3]), w[2], strlen(w[2]) };
		(void)message_put_create(&d.w, request, &create);
		return w + 4;
	}
	if (str_eq(w[0], "update")) {
		put_file(w[1]);
		(void)message_put(&d.w, MSG_UPDATE, 0, request);
		return w + 2;
	}
	if (str_eq(w[0], "kill-all")) {
		sig = (struct message_signal){ .signal = parse_number(w[1], 64), .all = true };
		(void)message_put_signal(&d.w, 0, request, &sig);
		return w + 2;
	}
	n = parse_number(w[1], NUMBERS);
	if (str_eq(w[0], "exec")) {
		put_file(w[2]);
		exec.terminal = parse_size(w[3]);
		number(n)->terminal = exec.terminal.terminal;
		(void)message_put_exec(&d.w, n, request, &exec);
		return w + 4;
	}
	if (str_eq(w[0], "exec-in")) {
		put_file(w[2]);
		exec.cgroup = w[3];
		exec.cgroup_len = strlen(w[3]);
		(void)message_put_exec(&d.w, n, request, &exec);
		return w + 4;
	}
	if (str_eq(w[0], "signal")) {
		sig.signal = parse_number(w[2], 64);
		(void)message_put_signal(&d.w, n, request, &sig);
		return w + 3;
	}
	terminal = parse_size(w[2]);
	(void)message_put_resize(&d.w, n, request, &terminal.size);
	return w + 3;
}

/* Until the other end takes no more: it is expected to be full. */
static void do_flood(uint32_t count)
{
	const struct message_size size = { 1, 1 };
	struct pollfd p = { .fd = d.fd, .events = POLLOUT };
	const uint8_t *bytes;
	size_t len;
	ssize_t n;

	while (count--)
		(void)message_put_resize(&d.w, NUMBERS, ++d.requests, &size);
	while (poll(&p, 1, 1000) == 1) {
		bytes = frame_writer_pending(&d.w, &len);
		n = len ? write(d.fd, bytes, len) : 0;
		if (n <= 0)
			break;
		frame_writer_sent(&d.w, (size_t)n);
	}
	(void)frame_writer_pending(&d.w, &len);
	printf("%s\n", len ? "full" : "all was taken");
}

static void do_drain(void)
{
	d.quiet = true;
	until(is_answered, NULL, "answers");
	d.quiet = false;
	printf("answered %u\n", d.answered);
}

static uint32_t next_random(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1664525 + 1013904223; /* Numerical Recipes */
	return (*seed >> 8) % below;
}

static void monkey_stdin(uint32_t n, uint32_t *seed)
{
	static const char buf[FRAME_PAYLOAD_MAX];
	struct number *x = number(n);
	uint32_t len = next_random(seed, sizeof(buf)) + 1;

	if (len > x->in.left)
		len = x->in.left;
	if (x->eof || !len)
		return;
	credit_sender_use(&x->in, len);
	x->sent += len;
	(void)message_put_data(&d.w, MSG_STDIN, n, buf, len);
}

/* last: the highest number that was used; now and then one that was not, or has ended, is asked for. */
static void monkey_step(uint32_t *seed, uint32_t *last, const char *file)
{
	static const int signals[] = { 1, 2, 9, 10, 15, 17, 19, 18, 28 };
	uint32_t n = next_random(seed, *last + 2), request = d.requests + 1;
	struct message_close output = { .stream = 1 + next_random(seed, 2) };
	struct message_terminal terminal = { .terminal = next_random(seed, 4) == 0, .size = { 80, 25 } };
	struct message_exec exec = { .terminal = terminal };
	struct message_signal sig = { .signal = (uint32_t)signals[next_random(seed, ARRAY_LEN(signals))] };

	switch (next_random(seed, 14)) {
	case 0:
	case 1:
	case 2:
		put_file(file);
		(void)message_put_exec(&d.w, *last < NUMBERS - 2 ? ++*last : *last, request, &exec);
		break;
	case 3:
	case 4:
		if (n == 0)
			return;
		(void)message_put_signal(&d.w, n, request, &sig);
		break;
	case 5:
		(void)message_put_resize(&d.w, n, request, &terminal.size);
		break;
	case 6:
	case 7:
		monkey_stdin(n, seed);
		return;
	case 8:
		number(n)->eof = true;
		(void)message_put(&d.w, MSG_STDIN_EOF, n, 0);
		return;
	case 9:
		(void)message_put_close(&d.w, n, &output);
		return;
	case 10:
		(void)message_put(&d.w, MSG_PS, 0, request);
		break;
	case 11:
		(void)message_put(&d.w, next_random(seed, 2) ? MSG_START : MSG_STATS, 0, request);
		break;
	case 12:
		d.hold = !d.hold;
		if (!d.hold)
			do_release();
		return;
	default:
		turn((int)next_random(seed, 30));
		return;
	}
	d.requests++;
}

static char **do_monkey(char **w)
{
	uint32_t seed = parse_number(w[1], UINT32_MAX), count = parse_number(w[2], UINT32_MAX), last = 0;

	while (count-- && !d.end) {
		monkey_step(&seed, &last, w[3]);
		turn(0);
	}
	until(is_answered, NULL, "an answer");
	do_release();
	return w + 4;
}

static char **do_execs(char **w)
{
	uint32_t first = parse_number(w[1], NUMBERS), count = parse_number(w[2], NUMBERS);
	struct message_exec none = { 0 };

	for (uint32_t i = 0; i < count; i++) {
		d.requests++;
		put_file(w[3]);
		(void)message_put_exec(&d.w, first + i, d.requests, &none);
	}
	return w + 4;
}

/* Returns the words that are left. */
static char **command(char **w)
{
	struct message_close shut;
	struct wanted wanted;

	if (str_eq(w[0], "hold") || str_eq(w[0], "release")) {
		d.hold = true;
		if (str_eq(w[0], "release"))
			do_release();
		return w + 1;
	}
	if (str_eq(w[0], "drain")) {
		do_drain();
		return w + 1;
	}
	if (str_eq(w[0], "shutdown")) {
		(void)message_put(&d.w, MSG_SHUTDOWN, 0, 0);
		return w + 1;
	}
	if (str_eq(w[0], "close")) {
		until(is_sent, NULL, "close");
		(void)shutdown(d.fd, SHUT_RDWR);
		return w + 1;
	}
	if (str_eq(w[0], "end")) {
		while (!d.end)
			turn(-1);
		printf("end\n");
		return w + 1;
	}
	if (str_eq(w[0], "raw"))
		do_raw(w[1]);
	else if (str_eq(w[0], "flood"))
		do_flood(parse_number(w[1], UINT32_MAX));
	else if (str_eq(w[0], "text"))
		put_file(w[1]);
	else if (str_eq(w[0], "over"))
		do_over(parse_number(w[1], NUMBERS));
	else if (str_eq(w[0], "shell"))
		do_shell(w[1]);
	else if (str_eq(w[0], "await"))
		until(shell_succeeds, w[1], w[1]);
	else if (str_eq(w[0], "sleep"))
		do_sleep(parse_number(w[1], WAIT_MS));
	else if (str_eq(w[0], "wait"))
		until(has_exited, number(parse_number(w[1], NUMBERS)), "the end of a process");
	else if (str_eq(w[0], "settle"))
		until(has_settled, number(parse_number(w[1], NUMBERS)), "the end of a process and its outputs");
	else if (str_eq(w[0], "eof"))
		(void)message_put(&d.w, MSG_STDIN_EOF, parse_number(w[1], NUMBERS), 0);
	else
		goto more;
	return w + 2;
more:
	if (str_eq(w[0], "monkey"))
		return do_monkey(w);
	if (str_eq(w[0], "shut")) {
		shut.stream = (enum message_stream)parse_number(w[2], MESSAGE_STREAM_STDERR);
		(void)message_put_close(&d.w, parse_number(w[1], NUMBERS), &shut);
		return w + 3;
	}
	if (str_eq(w[0], "stdin")) {
		do_stdin(parse_number(w[1], NUMBERS), w[2]);
		return w + 3;
	}
	if (str_eq(w[0], "output")) {
		wanted = (struct wanted){ parse_number(w[1], NUMBERS), w[2] };
		until(has_output, &wanted, w[2]);
		return w + 3;
	}
	w = str_eq(w[0], "execs") ? do_execs(w) : ask(w);
	until(is_answered, NULL, "an answer");
	return w;
}

static void start_agent(char **argv)
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

static void connect_agent(const char *path)
{
	int64_t end = clock_monotonic_ms() + WAIT_MS;

	d.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	while (fd_connect(d.fd, path) < 0) {
		if (clock_monotonic_ms() > end)
			die("connect", path);
		(void)poll(NULL, 0, 10);
	}
}

static void greet(void)
{
	struct message_host_hello h = { .version = MESSAGE_VERSION };
	struct timespec now;

	until(is_greeted, NULL, "HELLO");
	(void)clock_gettime(CLOCK_REALTIME, &now);
	h.seconds = (uint64_t)now.tv_sec;
	h.nanoseconds = (uint32_t)now.tv_nsec;
	(void)message_put_host_hello(&d.w, &h);
}

int main(int argc, char **argv)
{
	char **w = argv + 2, **agent;
	int status = 0;

	if (argc < 3)
		die("usage", "drive DIR [--connect SOCKET] COMMAND... [-- AGENT ARGUMENT...]");
	(void)signal(SIGPIPE, SIG_IGN);
	d.dir = argv[1];
	frame_reader_init(&d.in);
	frame_writer_init(&d.w, 64 * MESSAGE_TEXT_MAX);
	for (agent = w; *agent && strcmp(*agent, "--") != 0; agent++)
		;
	if (str_eq(w[0], "--connect")) {
		connect_agent(w[1]);
		w += 2;
	} else if (*agent) {
		*agent = NULL;
		start_agent(agent + 1);
	}
	(void)fcntl(d.fd, F_SETFL, O_RDWR | O_NONBLOCK);
	if (!str_eq(w[0], "raw"))
		greet();
	while (*w)
		w = command(w);
	(void)close(d.fd);
	if (d.agent > 0 && waitpid(d.agent, &status, 0) == d.agent)
		printf("agent %d\n", WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
	return 0;
}
