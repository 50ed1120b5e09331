/* SPDX-License-Identifier: Apache-2.0 */
/* agent.c: see agent.h. */
#include "agent.h"

#include "fd.h"
#include "host.h"
#include "log.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define DRAIN_MS 1000
#define LOG_READS 17 /* 64 KiB, what the log's pipe has, and what was begun */

/* What is waited for, by place. */
enum { POLL_SIGNALS, POLL_CHANNEL, POLL_LOG, POLL_SESSIONS };
#define POLL_TASKS (POLL_SESSIONS + AGENT_SESSIONS)
#define POLL_ALL (POLL_TASKS + AGENT_TASKS * TASK_POLLS)

static int block_signals(struct agent *a, struct err *e)
{
	sigset_t all;

	(void)sigfillset(&all);
	if (sigprocmask(SIG_BLOCK, &all, NULL) < 0)
		return err_sys(e, errno, "block signals");
	a->signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	return a->signals < 0 ? err_sys(e, errno, "signalfd") : 0;
}

/* What is logged here and in sessions comes back as lines for the host; whoever fills the pipe loses some. */
static int open_log(struct agent *a, struct err *e)
{
	char path[FD_PATH_MAX];
	AUTO_FD to = -1;
	int ends[2], r;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_sys(e, errno, "pipe");
	a->log_lines = ends[0];
	to = ends[1];
	fd_path(to, path);
	r = log_open(path, LOG_TEXT, LOG_LVL_WARN, e);
	if (r == 0 && fcntl(log_fd(), F_SETFL, O_WRONLY | O_APPEND | O_NONBLOCK) < 0)
		r = err_sys(e, errno, "fcntl");
	return r;
}

/* It has four descriptors a process. */
static void raise_limit(struct agent *a)
{
	struct rlimit most;

	if (getrlimit(RLIMIT_NOFILE, &a->nofile) < 0)
		return;
	most = a->nofile;
	most.rlim_cur = most.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &most);
}

int agent_init(struct agent *a, int channel_fd, struct err *e)
{
	struct message_hello hello = { .version = MESSAGE_VERSION };
	int r;

	a->signals = a->log_lines = -1;
	for (size_t i = 0; i < AGENT_TASKS; i++)
		task_init(&a->tasks[i]);
	for (size_t i = 0; i < AGENT_SESSIONS; i++)
		a->sessions[i].from = -1;
	raise_limit(a);
	r = channel_open(&a->channel, channel_fd, e);
	if (r == 0)
		r = block_signals(a, e);
	if (r == 0)
		r = open_log(a, e);
	if (r == 0 && mkdir(a->run_dir, 0700) < 0 && errno != EEXIST)
		r = err_sys(e, errno, "make '%s'", a->run_dir);
	return r < 0 ? r : message_put_hello(&a->channel.out, &hello);
}

struct task *agent_task(struct agent *a, uint32_t number)
{
	for (size_t i = 0; i < AGENT_TASKS; i++)
		if (a->tasks[i].state != TASK_FREE && a->tasks[i].number == number)
			return &a->tasks[i];
	return NULL;
}

static int put_line(struct agent *a, struct err *e)
{
	static const char prefix[] = "husk: ", warning[] = "warning: ";
	struct message_log m = { .level = LOG_LVL_ERROR, .text = a->line };
	uint64_t request;

	a->line[a->line_len] = '\0';
	a->line_len = 0;
	if (str_take_u64(&m.text, UINT32_MAX, &request) && *m.text == ' ') { /* a session's, by log_tag() */
		m.text++;
		m.request = (uint32_t)request;
	}
	if (str_starts(m.text, prefix))
		m.text += strlen(prefix);
	if (str_starts(m.text, warning)) {
		m.text += strlen(warning);
		m.level = LOG_LVL_WARN;
	}
	m.len = strlen(m.text);
	return message_put_log(&a->channel.out, &m) < 0 ? err_set(e, ENOBUFS, "the channel to the host is full") : 0;
}

/* 1: perhaps there is more. */
static int read_log(struct agent *a, struct err *e)
{
	char buf[AGENT_LINE_MAX];
	ssize_t n = read(a->log_lines, buf, sizeof(buf));
	int r = 0;

	for (ssize_t i = 0; r == 0 && i < n; i++) {
		if (buf[i] != '\n' && a->line_len < sizeof(a->line) - 1)
			a->line[a->line_len++] = buf[i];
		else if (buf[i] == '\n')
			r = put_line(a, e);
	}
	return r < 0 ? r : n > 0;
}

/* What a session has warned of comes before its answer; others may go on meanwhile. */
static int read_whole_log(struct agent *a, struct err *e)
{
	int r = 1;

	for (int i = 0; r > 0 && i < LOG_READS; i++)
		r = read_log(a, e);
	return r < 0 ? r : 0;
}

/* The one that watches memory says a byte each time. */
static int read_session(struct agent *a, struct session *s, struct err *e)
{
	size_t n = session_read(s);

	for (; n && s->verb == MSG_OOM; n = session_read(s))
		for (s->said.len = 0; n; n--)
			if (message_put(&a->channel.out, MSG_OOM, 0, 0) < 0)
				return err_set(e, ENOBUFS, "the channel to the host is full");
	return 0;
}

/* Sessions first: a process becomes our child when its session ends, and who it is only that says. */
static int reap_sessions(struct agent *a, struct err *e)
{
	int r = 0, status;

	for (size_t i = 0; r == 0 && i < AGENT_SESSIONS; i++) {
		struct session *s = &a->sessions[i];

		if (!s->pid || waitpid(s->pid, &status, WNOHANG) != s->pid)
			continue;
		r = read_session(a, s, e);
		if (r == 0)
			r = read_whole_log(a, e);
		if (r == 0)
			r = host_session_ended(a, s, status, e);
	}
	return r;
}

static struct task *task_of_pid(struct agent *a, pid_t pid)
{
	for (size_t i = 0; i < AGENT_TASKS; i++)
		if (a->tasks[i].state != TASK_FREE && a->tasks[i].pid == pid)
			return &a->tasks[i];
	return NULL;
}

static bool is_session(const struct agent *a, pid_t pid)
{
	for (size_t i = 0; i < AGENT_SESSIONS; i++)
		if (a->sessions[i].pid == pid)
			return true;
	return false;
}

/* A child is looked at before it is waited for: if nobody knows it, a session has ended meanwhile, or it is an
 * orphan of the container's. */
static int reap(struct agent *a, struct err *e)
{
	siginfo_t info;
	int r = 0, status;

	for (;;) {
		info.si_pid = 0;
		r = reap_sessions(a, e);
		if (r < 0 || waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
			return r;
		if (is_session(a, info.si_pid))
			continue;
		if (!task_of_pid(a, info.si_pid)) {
			r = reap_sessions(a, e);
			if (r < 0)
				return r;
		}
		if (waitpid(info.si_pid, &status, WNOHANG) == info.si_pid) {
			struct task *t = task_of_pid(a, info.si_pid);

			if (t)
				task_ended(t, status);
		}
	}
}

static int take_signals(struct agent *a, struct err *e)
{
	struct signalfd_siginfo info;
	bool child = false;

	while (read(a->signals, &info, sizeof(info)) == sizeof(info))
		child = child || info.ssi_signo == SIGCHLD;
	return child ? reap(a, e) : 0;
}

/* All whole frames, as long as the host takes the answers. */
static int take_frames(struct agent *a, struct err *e)
{
	struct frame f;
	int r = 0;

	a->frames_wait = false;
	while (!a->over) {
		a->frames_wait = channel_is_full(&a->channel);
		if (a->frames_wait)
			return 0;
		r = frame_reader_next(&a->channel.in, &f, e);
		if (r <= 0)
			return r;
		r = host_frame(a, &f, e);
		if (r < 0)
			return r;
	}
	return r;
}

/* Returns for how long to wait. */
static int fill_polls(const struct agent *a, struct pollfd p[POLL_ALL])
{
	bool full = channel_is_full(&a->channel), wait = full || !a->frames_wait;

	p[POLL_SIGNALS] = (struct pollfd){ .fd = a->signals, .events = POLLIN };
	p[POLL_CHANNEL] = channel_poll(&a->channel);
	p[POLL_LOG] = (struct pollfd){ .fd = full ? -1 : a->log_lines, .events = POLLIN };
	for (size_t i = 0; i < AGENT_SESSIONS; i++)
		p[POLL_SESSIONS + i] = (struct pollfd){ .fd = a->sessions[i].from, .events = POLLIN };
	for (size_t i = 0; i < AGENT_TASKS; i++)
		wait = task_poll(&a->tasks[i], full, &p[POLL_TASKS + i * TASK_POLLS]) && wait;
	return wait ? -1 : 0;
}

static int move_tasks(struct agent *a, const struct pollfd *p, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < AGENT_TASKS; i++) {
		r = task_move(&a->tasks[i], &p[i * TASK_POLLS], &a->channel.out, e);
		if (r == 0)
			r = host_settle_task(a, &a->tasks[i], e);
	}
	return r;
}

static int turn(struct agent *a, struct err *e)
{
	static struct pollfd p[POLL_ALL];
	int r;

	if (poll(p, POLL_ALL, fill_polls(a, p)) < 0 && errno != EINTR)
		return err_sys(e, errno, "poll");
	r = p[POLL_LOG].revents ? read_log(a, e) : 0;
	for (size_t i = 0; r >= 0 && i < AGENT_SESSIONS; i++)
		if (p[POLL_SESSIONS + i].revents)
			r = read_session(a, &a->sessions[i], e);
	if (r >= 0 && p[POLL_SIGNALS].revents)
		r = take_signals(a, e);
	if (r >= 0)
		r = move_tasks(a, p + POLL_TASKS, e);
	if (r == 0)
		r = channel_move(&a->channel, p[POLL_CHANNEL].revents, e);
	if (r == 0)
		r = take_frames(a, e);
	return r < 0 ? r : channel_flush(&a->channel, e);
}

int agent_run(struct agent *a, struct err *e)
{
	int r = channel_flush(&a->channel, e);

	while (r == 0 && !a->over && !a->channel.ended)
		r = turn(a, e);
	if (a->over)
		channel_drain(&a->channel, DRAIN_MS);
	return r;
}

/* The init of a pid namespace does not end before others have waited for its last process. */
void agent_delete_container(struct agent *a)
{
	struct err e = { 0 };

	for (size_t i = 1; i < AGENT_TASKS; i++)
		if (a->tasks[i].pid && !a->tasks[i].exited && kill(a->tasks[i].pid, SIGKILL) == 0)
			(void)waitpid(a->tasks[i].pid, NULL, 0);
	if (a->id && husk_delete(&a->ctx, a->id, true, &e) < 0)
		log_warn("%s: leaving the container's remains", e.msg);
}

void agent_free(struct agent *a)
{
	for (size_t i = 0; i < AGENT_TASKS; i++)
		task_close(&a->tasks[i]);
	fd_close(&a->signals);
	fd_close(&a->log_lines);
	channel_close(&a->channel);
	network_free(&a->network);
	free(a->text.s);
	free(a->id);
}
