/* SPDX-License-Identifier: Apache-2.0 */
/* attach.c: see attach.h. One poll(2) loop; no descriptor is written to when it would block. */
#include "attach.h"

#include "fd.h"
#include "kernel.h"
#include "str.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>

#define RELAY_BYTES 8192

/* Bytes on their way in one direction. */
struct relay {
	int from, to;
	size_t off, len;
	bool ended;   /* nothing more will come */
	bool refused; /* nor be taken */
	char buf[RELAY_BYTES];
};

struct attachment {
	int sigfd, pidfd, master;
	pid_t pid;
	bool exited;
	int status;		/* as waitpid(2) has it */
	struct relay *in, *out; /* NULL without a terminal */
	bool raw;
	struct termios before;
};

int attach_begin(bool subreaper, int *out_sigfd, struct err *e)
{
	sigset_t all;
	int fd;

	sigfillset(&all);
	if (sigprocmask(SIG_BLOCK, &all, NULL) < 0)
		return err_sys(e, errno, "block signals");
	fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_sys(e, errno, "signalfd");
	if (subreaper)
		(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	*out_sigfd = fd;
	return 0;
}

bool attach_interrupted(void)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	sigset_t pending;

	if (sigpending(&pending) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(ending); i++)
		if (sigismember(&pending, ending[i]) == 1)
			return true;
	return false;
}

void attach_copy_size(int master)
{
	struct winsize size;

	if (master >= 0 && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		(void)ioctl(master, TIOCSWINSZ, &size);
}

static void make_raw(struct attachment *a)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &a->before) < 0)
		return;
	raw = a->before;
	cfmakeraw(&raw);
	a->raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

/* An end that is missed here would be waited for in vain: one signal may tell of many, and comes once. */
static int reap(struct attachment *a, struct err *e)
{
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid == a->pid) {
			a->exited = true;
			a->status = status;
		} else if (pid == 0 || (pid < 0 && errno == ECHILD)) {
			return 0;
		} else if (pid < 0 && errno != EINTR) {
			return err_sys(e, errno, "wait for the container's process");
		}
	}
}

static int take_signals(struct attachment *a, struct err *e)
{
	struct signalfd_siginfo info;
	int r = 0;

	while (r == 0 && read(a->sigfd, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGCHLD:
			r = reap(a, e);
			break;
		case SIGWINCH:
			attach_copy_size(a->master);
			break;
		case SIGURG:
		case SIGPIPE:
		case SIGTTIN:
		case SIGTTOU:
			break;
		default:
			(void)sys_pidfd_send_signal(a->pidfd, (int)info.ssi_signo);
		}
	}
	return r;
}

static struct relay *relay_new(int from, int to)
{
	struct relay *r = x_calloc(1, sizeof(*r));

	r->from = from;
	r->to = to;
	return r;
}

static void relay_read(struct relay *r)
{
	ssize_t n = read(r->from, r->buf, sizeof(r->buf));

	r->off = 0;
	r->len = n > 0 ? (size_t)n : 0;
	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		r->ended = true;
}

static void relay_write(struct relay *r)
{
	ssize_t n = write(r->to, r->buf + r->off, r->len);

	if (n > 0) {
		r->off += (size_t)n;
		r->len -= (size_t)n;
	} else if (n < 0 && errno != EINTR && errno != EAGAIN) {
		r->ended = r->refused = true;
		r->len = 0;
	}
}

/* A direction waits either for input or for room. */
static struct pollfd relay_poll(const struct relay *r)
{
	if (r->len)
		return (struct pollfd){ .fd = r->to, .events = POLLOUT };
	return (struct pollfd){ .fd = r->ended ? -1 : r->from, .events = POLLIN };
}

static void relay_move(struct relay *r, short revents)
{
	if (!revents)
		return;
	if (r->len)
		relay_write(r);
	else
		relay_read(r);
}

/* Nobody reads what the terminal shows: it is gone, to the container as to us. The descriptor stays the
 * caller's to close. */
static void hang_up(struct attachment *a)
{
	AUTO_FD null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0)
		(void)dup3(null, a->master, O_CLOEXEC);
	a->master = -1;
}

/* Done when the process has ended and all that its terminal still held is out. */
static bool finished(const struct attachment *a)
{
	return a->exited && (a->master < 0 || (a->out->ended && !a->out->len));
}

static int loop(struct attachment *a, struct err *e)
{
	int r = reap(a, e);

	while (r == 0 && !finished(a)) {
		struct pollfd p[3] = { { .fd = a->sigfd, .events = POLLIN }, { .fd = -1 }, { .fd = -1 } };
		int n;

		if (a->master >= 0) {
			p[1] = a->exited ? p[1] : relay_poll(a->in);
			p[2] = relay_poll(a->out);
		}
		/* a process that was left behind may hold the terminal open: do not wait for it, but for
		 * a slow reader of what was written */
		n = poll(p, 3, a->exited && !(a->out && a->out->len) ? 0 : -1);
		if (n < 0 && errno != EINTR)
			return err_sys(e, errno, "poll");
		if (n == 0 && a->exited)
			break;
		if (n <= 0)
			continue;
		if (p[0].revents)
			r = take_signals(a, e);
		if (a->master >= 0) {
			relay_move(a->in, p[1].revents);
			relay_move(a->out, p[2].revents);
			if (a->out->refused)
				hang_up(a);
		}
	}
	return r;
}

int attach_wait(int sigfd, pid_t pid, int pidfd, int master, int *out_status, struct err *e)
{
	struct attachment a = {
		.sigfd = sigfd,
		.pidfd = pidfd,
		.master = master,
		.pid = pid,
	};
	int r;

	if (master >= 0) {
		a.in = relay_new(STDIN_FILENO, master);
		a.out = relay_new(master, STDOUT_FILENO);
		make_raw(&a);
	}
	r = loop(&a, e);
	if (a.raw)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &a.before);
	free(a.in);
	free(a.out);
	if (r == 0)
		*out_status = WIFSIGNALED(a.status) ? 128 + WTERMSIG(a.status) : WEXITSTATUS(a.status);
	return r;
}
