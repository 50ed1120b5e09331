/* SPDX-License-Identifier: Apache-2.0 */
/* session.c: see session.h. */
#include "session.h"

#include "fd.h"
#include "io.h"
#include "log.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define SESSION_SAID_MAX (sizeof(struct session_report) + SESSION_TEXT_MAX)

/* Where they are: above what the child's standard descriptors will be. */
static int lift(int fd)
{
	return fd < 0 || fd > STDERR_FILENO ? fd : fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

static int take_stdio(const int stdio[3], struct err *e)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int from[3];

	for (int i = 0; i < 3; i++) {
		from[i] = lift(stdio[i] < 0 ? null : stdio[i]);
		if (from[i] < 0)
			return err_sys(e, errno, "standard descriptors: '/dev/null'");
	}
	for (int i = 0; i < 3; i++)
		if (dup2(from[i], i) < 0)
			return err_sys(e, errno, "dup2");
	return 0;
}

static int become_session(const int stdio[3], int report, const struct rlimit *nofile, struct err *e)
{
	int keep[] = { report, log_fd() };
	sigset_t none;
	int r;

	r = take_stdio(stdio, e);
	if (r == 0)
		r = fd_close_others(STDERR_FILENO + 1, keep, ARRAY_LEN(keep));
	if (r < 0)
		return e->code ? r : err_sys(e, -r, "close descriptors");
	(void)sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0 || setrlimit(RLIMIT_NOFILE, nofile) < 0)
		return err_sys(e, errno, "signals and limits of a session");
	return 0;
}

int session_start(struct session *s, const int stdio[3], const struct rlimit *nofile, int *out_report, struct err *e)
{
	struct err why = { 0 };
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, errno, "pipe");
	pid = fork();
	if (pid < 0) {
		(void)err_sys(e, errno, "fork");
		(void)close(ends[0]);
		(void)close(ends[1]);
		return -e->code;
	}
	if (pid == 0) {
		int report = lift(ends[1]);

		if (become_session(stdio, report, nofile, &why) < 0)
			session_report(report, 0, &why, NULL, 0);
		*out_report = report;
		return 0;
	}
	(void)close(ends[1]);
	(void)fcntl(ends[0], F_SETFL, O_RDONLY | O_NONBLOCK);
	s->pid = pid;
	s->from = ends[0];
	return 1;
}

size_t session_read(struct session *s)
{
	char buf[16384];
	ssize_t n = s->from < 0 ? 0 : read(s->from, buf, sizeof(buf));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) { /* its end will be told by SIGCHLD */
		fd_close(&s->from);
		return 0;
	}
	s->too_long = s->too_long || (size_t)n > SESSION_SAID_MAX - s->said.len;
	if (!s->too_long)
		strbuf_add(&s->said, buf, (size_t)n);
	return (size_t)n;
}

static int outcome(const struct session *s, int status, struct session_report *out, struct err *e)
{
	if (s->said.len < sizeof(*out) && WIFSIGNALED(status))
		return err_set(e, ECHILD, "the agent's process for %s died of signal %d", message_type_name(s->verb),
			       WTERMSIG(status));
	if (s->said.len < sizeof(*out))
		return err_set(e, ECHILD, "the agent's process for %s did not say how it went",
			       message_type_name(s->verb));
	if (s->too_long)
		return err_set(e, EFBIG, "the answer to %s is longer than %u bytes", message_type_name(s->verb),
			       SESSION_TEXT_MAX);
	memcpy(out, s->said.s, sizeof(*out));
	if (!out->err.code)
		return 0;
	out->err.msg[sizeof(out->err.msg) - 1] = '\0';
	return err_set(e, out->err.code, "%s", out->err.msg);
}

int session_end(struct session *s, int status, pid_t *out_pid, struct strbuf *out_text, struct err *e)
{
	struct session_report report = { 0 };
	int r;

	while (session_read(s))
		;
	r = outcome(s, status, &report, e);
	*out_pid = report.pid;
	*out_text = (struct strbuf){ 0 };
	if (s->said.len > sizeof(report))
		strbuf_add(out_text, s->said.s + sizeof(report), s->said.len - sizeof(report));
	free(s->said.s);
	fd_close(&s->from);
	*s = (struct session){ .from = -1 };
	return r;
}

void session_report(int report, pid_t pid, const struct err *failure, const char *text, size_t len)
{
	struct session_report r = { .pid = pid };

	if (failure)
		r.err = *failure;
	if (io_write_all(report, &r, sizeof(r)) == 0 && len)
		(void)io_write_all(report, text, len);
	_exit(0);
}
