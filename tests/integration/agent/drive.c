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
 *   mounts-add FILE, mounts-remove FILE, mounts-gone FILE
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
#include "peer.h"

#include "clock.h"
#include "fd.h"
#include "io.h"
#include "str.h"

#include <ctype.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

static uint32_t parse_number(const char *s, uint32_t max)
{
	uint64_t v;

	if (!s || str_u64(s, max, &v) < 0)
		die("number", s ? s : "missing");
	return (uint32_t)v;
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

static void do_sleep(uint32_t ms)
{
	int64_t end = clock_monotonic_ms() + ms, left;

	while (!d.end && (left = end - clock_monotonic_ms()) > 0)
		turn((int)left);
}

/* A request without an argument, or with a text alone. */
static const struct request {
	const char *word;
	enum message_type type;
} plain[] = { { "start", MSG_START }, { "ps", MSG_PS }, { "stats", MSG_STATS } },
  with_text[] = { { "update", MSG_UPDATE },
		  { "mounts-add", MSG_MOUNTS_ADD },
		  { "mounts-remove", MSG_MOUNTS_REMOVE },
		  { "mounts-gone", MSG_MOUNTS_GONE } };

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
	for (size_t i = 0; i < ARRAY_LEN(with_text); i++)
		if (str_eq(w[0], with_text[i].word)) {
			put_file(w[1]);
			(void)message_put(&d.w, with_text[i].type, 0, request);
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

static char **do_monkey(char **w)
{
	monkey(parse_number(w[1], UINT32_MAX), parse_number(w[2], UINT32_MAX), w[3]);
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
			release();
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
