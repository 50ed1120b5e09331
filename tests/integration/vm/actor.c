/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actor.c: stands in the hypervisor's place, and speaks as an agent would, as its last arguments say:
 *
 *   actor HYPERVISOR'S ARGUMENTS... -- WORD...
 *
 *   up             says HELLO, and OK to CREATE and START; nothing is said before
 *   hold           processes of EXEC run until they get a signal
 *   hello, deaf    says HELLO alone; takes nothing more, and answers nothing
 *   updated        goes on when there was an UPDATE
 *   console TEXT   a line on the console
 *   out N          N bytes of the container's standard output, as credit allows
 *   oom, ooms N    says that memory ran out, N times
 *   log TEXT       has something to warn of
 *   warns N TEXT   before each answer from then on, N times
 *   stats TEXT     are its statistics; else there are as many processes as UPDATEs came
 *   exit STATUS    of the container
 *   mounts refuse  MOUNTS_ADD and MOUNTS_REMOVE are answered with ERR from now on; mounts keep: MOUNTS_REMOVE alone;
 *                  mounts ignore: MOUNTS_... with nothing
 *   sleep MS
 *   hangup         closes the channel, and lives on
 *   die STATUS     ends at once, with what it has said under way
 *
 * Then it answers what is asked: OK to all, EXEC's process ends at once with status 0, a signal ends the container
 * with 128 + n, STATS tell how many UPDATEs came, SHUTDOWN is its own end.
 */
#include "credit.h"
#include "io.h"
#include "message.h"
#include "str.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CHANNEL 3 /* MACHINE_FD_CHILD */

static struct actor {
	struct frame_reader in;
	struct frame_writer out;
	struct credit_sender credit;
	bool started, ended, holds, refuses, keeps, ignores;
	unsigned int updates;
	const char *warning, *stats;
	int warnings;
} a;

static void flush_out(void)
{
	const uint8_t *bytes;
	size_t len;

	bytes = frame_writer_pending(&a.out, &len);
	if (len && io_write_all(CHANNEL, bytes, len) < 0)
		exit(3);
	frame_writer_sent(&a.out, len);
}

static void end_process(uint32_t process, int status)
{
	const struct message_exit m = { .status = status };

	(void)message_put(&a.out, MSG_STDOUT_EOF, process, 0);
	(void)message_put(&a.out, MSG_STDERR_EOF, process, 0);
	(void)message_put_exit(&a.out, process, &m);
}

static void end_container(int status)
{
	const struct message_exit m = { .status = status };

	if (!a.ended)
		(void)message_put_exit(&a.out, 0, &m);
	a.ended = true;
}

static void say_stats(uint32_t request)
{
	AUTO_FREE char *text = x_printf("{\"type\":\"stats\",\"data\":{\"pids\":{\"current\":%u}}}", a.updates);

	const char *say = a.stats ? a.stats : text;

	(void)message_put_text(&a.out, request, say, strlen(say));
}

static void warn(const char *text, uint32_t request)
{
	const struct message_log line = { .level = 1, .text = text, .len = strlen(text), .request = request };

	(void)message_put_log(&a.out, &line);
}

/* Of MOUNTS_...: whether that was it. */
static bool no_mounts(const struct frame *f)
{
	struct err no = { 0 };

	if (f->type == MSG_MOUNTS_GONE)
		return a.ignores;
	if (!a.refuses && !a.ignores && !(a.keeps && f->type == MSG_MOUNTS_REMOVE))
		return false;
	if (!a.ignores) {
		(void)err_set(&no, EINVAL, "the actor says no");
		(void)message_put_err(&a.out, 0, f->request, &no);
	}
	return true;
}

static void answer(const struct frame *f)
{
	struct message_credit credit;
	struct message_signal sig;
	struct err e = { 0 };

	if (f->type == MSG_SHUTDOWN)
		exit(0);
	if (f->type == MSG_CREDIT && f->process == 0 && message_credit_decode(f, MESSAGE_HOST, &credit, &e) == 0)
		(void)credit_sender_grant(&a.credit, credit.bytes, &e);
	if (f->type < MSG_CREATE || f->request == 0)
		return;
	a.updates += f->type == MSG_UPDATE;
	if (f->type >= MSG_MOUNTS_ADD && f->type <= MSG_MOUNTS_GONE && no_mounts(f))
		return;
	if (f->type == MSG_STATS)
		say_stats(f->request);
	if (f->type == MSG_PS)
		(void)message_put_text(&a.out, f->request, "[1]", 3);
	for (int i = 0; i < a.warnings; i++)
		warn(a.warning, f->request);
	(void)message_put(&a.out, MSG_OK, f->process, f->request);
	a.started = a.started || f->type == MSG_START;
	if (f->type == MSG_EXEC && !a.holds)
		end_process(f->process, 0);
	if (f->type != MSG_SIGNAL || message_signal_decode(f, &sig, &e) < 0)
		return;
	if (f->process == 0)
		end_container(128 + (int)sig.signal);
	else if (a.holds) /* of which each gets one */
		end_process(f->process, 128 + (int)sig.signal);
}

/* What the host says meanwhile is answered. */
static void serve(int ms)
{
	struct pollfd p = { .fd = CHANNEL, .events = POLLIN };
	struct err e = { 0 };
	struct frame f;
	size_t room;
	uint8_t *space;
	ssize_t n;

	flush_out();
	if (poll(&p, 1, ms) <= 0)
		return;
	space = frame_reader_space(&a.in, &room);
	n = read(CHANNEL, space, room);
	if (n <= 0)
		exit(0);
	frame_reader_added(&a.in, (size_t)n);
	while (frame_reader_next(&a.in, &f, &e) > 0)
		answer(&f);
	flush_out();
}

static void rest(long ms)
{
	struct timespec now;
	long end;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	end = now.tv_sec * 1000 + now.tv_nsec / 1000000 + ms;
	while (now.tv_sec * 1000 + now.tv_nsec / 1000000 < end) {
		serve(50);
		(void)clock_gettime(CLOCK_MONOTONIC, &now);
	}
}

static void say(size_t len)
{
	static char block[FRAME_PAYLOAD_MAX];

	memset(block, 'o', sizeof(block));
	while (len) {
		size_t n = len < sizeof(block) ? len : sizeof(block);

		while (!a.credit.left)
			serve(-1);
		n = n < a.credit.left ? n : a.credit.left;
		(void)message_put_data(&a.out, MSG_STDOUT, 0, block, n);
		credit_sender_use(&a.credit, n);
		len -= n;
		flush_out();
	}
}

static void say_ooms(size_t n)
{
	while (n--) {
		if (message_put(&a.out, MSG_OOM, 0, 0) == 0)
			continue;
		flush_out();
		n++;
	}
}

static void say_hello(void)
{
	const struct message_hello hello = { .version = MESSAGE_VERSION };

	(void)message_put_hello(&a.out, &hello);
	flush_out();
}

static void up(void)
{
	say_hello();
	while (!a.started)
		serve(-1);
}

static void until_updated(void)
{
	while (!a.updates)
		serve(-1);
}

static void act(const char *word, const char *argument)
{
	if (str_eq(word, "console"))
		(void)dprintf(STDOUT_FILENO, "%s\n", argument);
	else if (str_eq(word, "out"))
		say(strtoul(argument, NULL, 10));
	else if (str_eq(word, "log"))
		warn(argument, 0);
	else if (str_eq(word, "stats"))
		a.stats = argument;
	else if (str_eq(word, "ooms"))
		say_ooms(strtoul(argument, NULL, 10));
	else if (str_eq(word, "exit"))
		end_container(atoi(argument));
	else if (str_eq(word, "mounts"))
		*(str_eq(argument, "refuse") ? &a.refuses : str_eq(argument, "keep") ? &a.keeps : &a.ignores) = true;
	else if (str_eq(word, "sleep"))
		rest(atol(argument));
	else if (str_eq(word, "die"))
		_exit(atoi(argument));
	else
		exit(99);
	flush_out();
}

static void hang_up(void)
{
	flush_out();
	(void)close(CHANNEL);
	(void)pause();
}

int main(int argc, char **argv)
{
	int i = 1;

	(void)signal(SIGPIPE, SIG_IGN);
	frame_reader_init(&a.in);
	frame_writer_init(&a.out, 4 << 20);
	credit_sender_init(&a.credit, CREDIT_START);
	while (i < argc && !str_eq(argv[i], "--"))
		i++;
	for (i++; i < argc; i++) {
		if (str_eq(argv[i], "up"))
			up();
		else if (str_eq(argv[i], "hello"))
			say_hello();
		else if (str_eq(argv[i], "hold"))
			a.holds = true;
		else if (str_eq(argv[i], "deaf"))
			(void)pause();
		else if (str_eq(argv[i], "hangup"))
			hang_up();
		else if (str_eq(argv[i], "updated"))
			until_updated();
		else if (str_eq(argv[i], "oom"))
			(void)message_put(&a.out, MSG_OOM, 0, 0);
		else if (str_eq(argv[i], "warns") && i + 2 < argc)
			a.warnings = atoi(argv[i + 1]), a.warning = argv[i + 2], i += 2;
		else if (i + 1 < argc)
			act(argv[i], argv[i + 1]), i++;
		flush_out();
	}
	for (;;)
		serve(-1);
}
