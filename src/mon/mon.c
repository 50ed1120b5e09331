/* SPDX-License-Identifier: Apache-2.0 */
/* mon.c: see mon.h: the steps from boot to power-off, and what the guest's events mean. */
#include "mon.h"

#include "clock.h"
#include "control.h"
#include "fd.h"
#include "log.h"
#include "report.h"
#include "sync_send.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <termios.h>
#include <time.h>

/* The container is no more, in whatever way. */
static void end(struct mon *m)
{
	m->step = STEP_END;
	m->deadline_ms = clock_monotonic_ms() + MON_POWEROFF_MS;
	stream_finish(&m->stdio);
}

void mon_fail(struct mon *m, const char *fmt, ...)
{
	char why[ERR_MSG_MAX];
	va_list ap;

	if (m->failed || m->done)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	m->failed = m->agent_closed = true; /* whatever it still says */
	m->status = MON_FAILED;
	report_failure(m, why);
	control_finish_all(m);
	end(m);
}

static struct message_size terminal_size(void)
{
	struct winsize w;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &w) < 0)
		return (struct message_size){ 0 };
	return (struct message_size){ .columns = w.ws_col, .rows = w.ws_row };
}

void mon_resize(struct mon *m)
{
	struct message_size now;

	if (!m->machine.terminal || m->step != STEP_UP)
		return;
	now = terminal_size();
	if (now.columns == m->size.columns && now.rows == m->size.rows)
		return;
	m->size = now;
	guest_resize(&m->guest, 0, &now);
}

void mon_signal(struct mon *m, int sig)
{
	struct message_signal s = { .signal = (uint32_t)sig };
	struct err e = { 0 };

	if (m->step < STEP_UP)
		m->early_signals |= 1ULL << (sig - 1);
	else if (m->step == STEP_UP)
		(void)guest_signal(&m->guest, 0, &s, NULL, 0, &e);
}

/* The time, and what an attacker cannot have seen: all guests boot from the same state. */
static int say_hello(struct mon *m, struct err *e)
{
	struct message_host_hello hello = { .version = MESSAGE_VERSION };
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) < 0 ||
	    getrandom(hello.entropy, sizeof(hello.entropy), 0) != sizeof(hello.entropy))
		return err_sys(e, errno, "find the time and entropy for the guest");
	hello.seconds = (uint64_t)now.tv_sec;
	hello.nanoseconds = (uint32_t)now.tv_nsec;
	return guest_hello(&m->guest, &hello, e);
}

static int create(struct mon *m, struct err *e)
{
	struct message_create c = { .id = m->machine.id, .id_len = strlen(m->machine.id) };
	int r = say_hello(m, e);

	if (m->machine.terminal)
		m->size = terminal_size();
	c.terminal = (struct message_terminal){ .terminal = m->machine.terminal, .size = m->size };
	if (r == 0)
		r = links_tell(&m->links, &m->guest, e);
	return r < 0 ? r : guest_create(&m->guest, &c, m->machine.config, m, e);
}

static void go_up(struct mon *m)
{
	m->step = STEP_UP;
	if (!m->server_died && !m->hypervisor_died) /* their deadline stays */
		m->deadline_ms = 0;
	(void)sync_send(m->gate, SYNC_UP, 0, -1, NULL); /* who waited may have left */
	fd_close(&m->gate);
	for (int sig = 1; sig <= 64; sig++)
		if (m->early_signals & 1ULL << (sig - 1))
			mon_signal(m, sig);
	mon_resize(m);
}

static void failed_in_guest(struct mon *m, const struct err *why)
{
	/* the words are the container's own: no machine has failed */
	(void)sync_send_err(m->gate, why);
	fd_close(&m->gate);
	m->done = true;
	m->status = 1;
}

static void step_answered(struct mon *m, const struct guest_answer *a)
{
	struct err e = { 0 };

	if (a->failure) {
		failed_in_guest(m, a->failure);
	} else if (a->type == MSG_CREATE) {
		m->step = STEP_START;
		if (guest_start(&m->guest, m, &e) < 0)
			mon_fail(m, "%s", e.msg);
	} else if (a->type == MSG_START) {
		go_up(m);
	}
}

static void answered(void *arg, const struct guest_answer *a)
{
	struct mon *m = arg;

	if (a->who == m)
		step_answered(m, a);
	else
		control_answered(m, a);
}

/* NULL: nobody takes it. */
static struct stream *stream_of(struct mon *m, uint32_t process)
{
	return process == 0 ? &m->stdio : m->owners[process] ? control_stream(m->owners[process]) : NULL;
}

static void output(void *arg, uint32_t process, enum message_stream which, const void *data, size_t len)
{
	struct mon *m = arg;
	struct stream *s = stream_of(m, process);

	if (s)
		stream_add(s, which, data, len);
	else
		guest_passed(&m->guest, process, which, len);
}

static void output_ended(void *arg, uint32_t process, enum message_stream which)
{
	struct stream *s = stream_of(arg, process);

	if (s)
		stream_end(s, which);
	control_settle(arg, process);
}

static void exited(void *arg, uint32_t process, int status, uint64_t unread)
{
	struct mon *m = arg;

	if (process) {
		control_exited(m, process, status, unread);
		control_settle(m, process);
		return;
	}
	m->status = status;
	stream_exited(&m->stdio, unread);
	end(m);
}

static void oom(void *arg)
{
	struct mon *m = arg;
	static const char line[] = "husk-agent: the kernel killed for lack of memory\n";

	console_add(&m->console, line, sizeof(line) - 1);
	report_oom(m);
	control_oom(m);
}

/* Who asked is told, and the others read the log. */
static void said(void *arg, void *who, const struct message_log *line)
{
	struct mon *m = arg;
	AUTO_FREE char *text = report_line(m, line, !who);
	AUTO_FREE char *told = x_printf("in the VM: %s", text);

	if (!who || line->level > LOG_LVL_WARN)
		return;
	if (who != m)
		control_warn(who, told);
	else if (m->gate >= 0)
		(void)sync_send_warning(m->gate, told);
}

const struct guest_events mon_events = {
	.answered = answered,
	.output = output,
	.output_ended = output_ended,
	.exited = exited,
	.oom = oom,
	.said = said,
};

void mon_agent_moved(struct mon *m)
{
	struct frame f;
	struct err e = { 0 };
	int r;

	while (!m->failed && !m->done && (r = frame_reader_next(&m->agent.in, &f, &e)) > 0) {
		r = guest_take(&m->guest, &f, &e);
		if (r == 0 && m->step == STEP_BOOT && m->guest.state == GUEST_READY) {
			m->step = STEP_CREATE;
			r = create(m, &e);
		}
		if (r < 0)
			break;
	}
	if (e.code)
		mon_fail(m, "%s", e.msg);
}
