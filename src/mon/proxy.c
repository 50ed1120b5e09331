/* SPDX-License-Identifier: Apache-2.0 */
/* proxy.c: see proxy.h. */
#include "proxy.h"

#include "channel.h"
#include "fd.h"
#include "io.h"
#include "message.h"
#include "mon.h"
#include "report.h"
#include "str.h"
#include "sync_send.h"
#include "terminal_raw.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#define FD_CONNECTION 3
#define FD_PROCESS 4
#define FD_GATE 5
#define PROXY_FAILED 255 /* as exec's own errors have it */
#define NUMBER 1	 /* of the process, on this connection */
#define REQUEST 1

struct proxy {
	struct channel channel;
	struct frame_writer out;
	const char *cgroup; /* NULL: the container's */
	int sigfd;
	bool terminal, up, done;
	int status;
};

static struct message_size size_of_terminal(void)
{
	struct winsize w;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &w) < 0)
		return (struct message_size){ 0 };
	return (struct message_size){ .columns = w.ws_col, .rows = w.ws_row };
}

static void tell_stderr(const char *why)
{
	AUTO_FREE char *line = x_printf("husk-mon: exec: %s\n", why);

	report_write(STDERR_FILENO, line, strlen(line));
}

static void fail(struct proxy *p, const struct err *e)
{
	p->done = true;
	p->status = PROXY_FAILED;
	if (!p->up)
		(void)sync_send_err(FD_GATE, e);
	else
		tell_stderr(e->msg);
}

/* The descriptors go with the first byte. */
static int ask(struct proxy *p, struct err *e)
{
	const int stdio[3] = { 0, 1, 2 };
	struct message_exec x = {
		.terminal.terminal = p->terminal,
		.cgroup = p->cgroup,
		.cgroup_len = p->cgroup ? strlen(p->cgroup) : 0,
	};
	AUTO_FREE char *text = NULL;
	const uint8_t *bytes;
	size_t len;
	ssize_t n;
	int r;

	if (lseek(FD_PROCESS, 0, SEEK_SET) < 0)
		return err_sys(e, errno, "read the process");
	r = io_read_fd(FD_PROCESS, MESSAGE_TEXT_MAX, &text, &len);
	if (r < 0)
		return err_sys(e, -r, "read the process (at most %u bytes)", MESSAGE_TEXT_MAX);
	if (p->terminal)
		x.terminal.size = size_of_terminal();
	if (message_put_text(&p->out, REQUEST, text, len) < 0 || message_put_exec(&p->out, NUMBER, REQUEST, &x) < 0)
		return err_set(e, EFBIG, "the process is too large for the guest");
	bytes = frame_writer_pending(&p->out, &len);
	n = fd_send(FD_CONNECTION, bytes, 1, stdio, 3);
	if (n == -EPIPE || n == -ECONNRESET) /* it may have said why */
		return 0;
	if (n < 0)
		return err_sys(e, (int)-n, "ask husk-mon");
	frame_writer_sent(&p->out, (size_t)n);
	return 0;
}

/* The process has them now, and its end is to be the end of them. The terminal stays, for its size. */
static void let_go_of_stdio(const struct proxy *p)
{
	AUTO_FD null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return;
	for (int fd = p->terminal ? 1 : 0; fd < 2; fd++) /* messages still go to 2 */
		(void)dup2(null, fd);
}

static void take_answer(struct proxy *p, const struct frame *f)
{
	struct err why = { 0 }, e = { 0 };

	if (f->type == MSG_ERR) {
		(void)message_err_decode(f, &why, &e);
		fail(p, why.code ? &why : &e);
		return;
	}
	p->up = true;
	let_go_of_stdio(p);
	(void)sync_send(FD_GATE, SYNC_UP, 0, -1, NULL);
	(void)close(FD_GATE);
}

static void take(struct proxy *p, const struct frame *f)
{
	struct message_log line;
	struct message_exit m;
	struct err e = { 0 };

	if (message_check(f, MESSAGE_AGENT, &e) < 0) {
		fail(p, &e);
	} else if (f->type == MSG_LOG && message_log_decode(f, &line, &e) == 0) {
		AUTO_FREE char *text = x_printf("%.*s", (int)line.len, line.text);

		if (p->up)
			tell_stderr(text);
		else
			(void)sync_send_warning(FD_GATE, text);
	} else if ((f->type == MSG_OK || f->type == MSG_ERR) && !p->up) {
		take_answer(p, f);
	} else if (f->type == MSG_EXIT && p->up && message_exit_decode(f, &m, &e) == 0) {
		p->done = true;
		p->status = m.status;
	}
}

static void read_channel(struct proxy *p)
{
	struct err e = { 0 };
	struct frame f;
	int r = channel_read(&p->channel, &e);

	while (r >= 0 && !p->done && (r = frame_reader_next(&p->channel.in, &f, &e)) > 0)
		take(p, &f);
	if (r >= 0 || p->done)
		return;
	if (r == -EPIPE || r == -ECONNRESET)
		(void)err_set(&e, ESRCH, "container not running: the VM has ended");
	fail(p, &e);
	if (p->up)
		p->status = MON_FAILED;
}

static void take_signals(struct proxy *p)
{
	struct signalfd_siginfo info;

	while (read(p->sigfd, &info, sizeof(info)) == sizeof(info)) {
		struct message_signal s = { .signal = info.ssi_signo };
		struct message_size size = size_of_terminal();

		if (info.ssi_signo == SIGCHLD || info.ssi_signo == SIGPIPE || info.ssi_signo == SIGTTIN ||
		    info.ssi_signo == SIGTTOU)
			continue;
		if (info.ssi_signo == SIGWINCH && p->terminal)
			(void)message_put_resize(&p->out, NUMBER, 0, &size);
		else
			(void)message_put_signal(&p->out, NUMBER, 0, &s);
	}
}

static void loop(struct proxy *p)
{
	while (!p->done) {
		struct pollfd fds[2] = { { .fd = p->sigfd, .events = POLLIN },
					 channel_poll(&p->channel, &p->out, true) };

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[0].revents & POLLIN)
			take_signals(p);
		if (fds[1].revents & (POLLIN | POLLHUP | POLLERR))
			read_channel(p);
		(void)channel_write(&p->channel, &p->out);
	}
}

int proxy_run(bool terminal, const char *cgroup)
{
	struct proxy p = { .terminal = terminal, .cgroup = cgroup, .status = PROXY_FAILED };
	struct err e = { 0 };
	sigset_t all;

	sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	p.sigfd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	channel_init(&p.channel, FD_CONNECTION, false);
	frame_writer_init(&p.out, MESSAGE_TEXT_MAX + (1U << 20));
	if (terminal)
		terminal_raw(STDIN_FILENO);
	if (p.sigfd < 0 || ask(&p, &e) < 0) {
		if (!e.code)
			(void)err_sys(&e, errno, "signalfd");
		fail(&p, &e);
	}
	loop(&p);
	return p.status;
}
