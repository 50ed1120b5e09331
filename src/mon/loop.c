/* SPDX-License-Identifier: Apache-2.0 */
/* loop.c: see loop.h. */
#include "loop.h"

#include "clock.h"
#include "control.h"
#include "fd.h"
#include "report.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

enum { POLL_SIGNALS, POLL_CONTROL, POLL_CONSOLE, POLL_AGENT, POLL_STDIO, POLL_CLIENTS = POLL_STDIO + STREAM_POLLS };
#define POLLS (POLL_CLIENTS + MON_CLIENTS_MAX * CONTROL_POLLS)

static void read_console(struct mon *m)
{
	char buf[4096];
	ssize_t n = read(m->console_fd, buf, sizeof(buf));

	if (n > 0)
		console_add(&m->console, buf, (size_t)n);
	else if (n == 0)
		fd_close(&m->console_fd);
}

/* What the two still said before they ended. */
static void drain_console(struct mon *m)
{
	struct pollfd p = { .fd = m->console_fd, .events = POLLIN };

	for (int i = 0; i < 64 && m->console_fd >= 0 && poll(&p, 1, 0) > 0; i++) {
		read_console(m);
		p.fd = m->console_fd;
	}
}

static void describe(int status, char *out, size_t size)
{
	if (WIFSIGNALED(status))
		(void)snprintf(out, size, "was killed by signal %d", WTERMSIG(status));
	else
		(void)snprintf(out, size, "ended with status %d", WEXITSTATUS(status));
}

/* Of a machine whose agent never spoke, the kernel or its initramfs may be at fault: a start trusts their sizes and
 * times. */
static const char *boot_hint(const struct mon *m)
{
	return m->step == STEP_BOOT ? "; 'husk vm prepare' checks and mends the prepared kernels" : "";
}

static void tell_hypervisor_end(struct mon *m)
{
	int status = m->hypervisor_status;
	char how[64];

	drain_console(m);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		mon_fail(m, "the machine powered off or was reset %s the container ran%s",
			 m->step == STEP_UP ? "while" : "before", boot_hint(m));
		return;
	}
	describe(status, how, sizeof(how));
	mon_fail(m, "the hypervisor '%s' %s%s", m->machine.hypervisor[0], how, WIFEXITED(status) ? boot_hint(m) : "");
}

/* What the guest had said by then is read first: perhaps that the container has ended. */
static void hypervisor_ended(struct mon *m, int status)
{
	m->hypervisor = 0;
	m->hypervisor_died = true;
	m->hypervisor_status = status;
	if (m->step == STEP_END)
		return;
	if (m->agent_closed)
		tell_hypervisor_end(m);
	else
		m->deadline_ms = clock_monotonic_ms() + MON_LAST_WORDS_MS;
}

/* It also ends when the hypervisor has, whose status then says more. */
static void server_ended(struct mon *m, int status)
{
	m->server = 0;
	m->server_status = status;
	m->server_died = true;
	if (m->step != STEP_END)
		m->deadline_ms = clock_monotonic_ms() + MON_LAST_WORDS_MS;
}

static void tell_server_end(struct mon *m)
{
	char how[64];

	describe(m->server_status, how, sizeof(how));
	mon_fail(m, "the file server %s", how);
}

/* As pid 1 we also get whom others leave. */
static void reap(struct mon *m)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == m->hypervisor)
			hypervisor_ended(m, status);
		else if (pid == m->server)
			server_ended(m, status);
	}
}

static void take_signals(struct mon *m)
{
	struct signalfd_siginfo info;

	while (read(m->sigfd, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGCHLD:
			reap(m);
			break;
		case SIGWINCH:
			mon_resize(m);
			if (!m->machine.terminal)
				mon_signal(m, SIGWINCH);
			break;
		case SIGPIPE:
		case SIGTTIN:
		case SIGTTOU:
			break;
		default:
			mon_signal(m, (int)info.ssi_signo);
		}
	}
}

static void read_agent(struct mon *m)
{
	struct err e = { 0 };
	int r = channel_read(&m->agent, &e);

	if (r > 0)
		mon_agent_moved(m);
	if (r >= 0 || m->step == STEP_END) {
		if (r < 0)
			m->agent_closed = true;
		return;
	}
	m->agent_closed = true;
	if (m->hypervisor_died)
		tell_hypervisor_end(m);
	else /* it has most likely ended, and its status says more */
		m->deadline_ms = clock_monotonic_ms() + MON_LAST_WORDS_MS;
}

static void at_deadline(struct mon *m)
{
	m->deadline_ms = 0;
	drain_console(m);
	if (m->step == STEP_END)
		m->late = true; /* our end is the machine's */
	else if (m->hypervisor_died)
		tell_hypervisor_end(m);
	else if (m->server_died)
		tell_server_end(m);
	else if (m->agent_closed)
		mon_fail(m, "the agent's channel was closed");
	else if (m->step == STEP_BOOT)
		mon_fail(m, "the agent said nothing within %u ms (husk.json: vm.bootSeconds)%s", m->machine.boot_ms,
			 boot_hint(m));
	else
		mon_fail(m, "the agent did not start the container within %u ms (husk.json: vm.bootSeconds)",
			 m->machine.boot_ms);
}

static int time_left(const struct mon *m)
{
	int64_t next = guest_next_deadline(&m->guest), left;

	if (m->deadline_ms && (!next || m->deadline_ms < next))
		next = m->deadline_ms;
	if (!next)
		return -1;
	left = next - clock_monotonic_ms();
	return left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

static void fill(const struct mon *m, struct pollfd *p)
{
	p[POLL_SIGNALS] = (struct pollfd){ .fd = m->sigfd, .events = POLLIN };
	p[POLL_CONTROL] = (struct pollfd){ .fd = m->control, .events = POLLIN };
	p[POLL_CONSOLE] = (struct pollfd){ .fd = m->console_fd, .events = POLLIN };
	p[POLL_AGENT] = channel_poll(&m->agent, &m->guest.out, true);
	if (m->agent_closed)
		p[POLL_AGENT].fd = -1;
	stream_poll(&m->stdio, &p[POLL_STDIO]);
	for (size_t i = 0; i < MON_CLIENTS_MAX; i++) {
		struct pollfd *c = &p[POLL_CLIENTS + i * CONTROL_POLLS];

		if (m->clients[i])
			control_poll(m->clients[i], c);
		else
			memset(c, 0xff, CONTROL_POLLS * sizeof(*c)); /* descriptors of -1 */
	}
}

static void tell_losses(struct mon *m)
{
	for (char *why; (why = stream_loss(&m->stdio)); free(why))
		report_loss(m, why);
}

static void move(struct mon *m, const struct pollfd *p)
{
	if (p[POLL_CONSOLE].revents && m->console_fd >= 0)
		read_console(m);
	if (p[POLL_AGENT].fd >= 0 && p[POLL_AGENT].revents & (POLLIN | POLLHUP | POLLERR))
		read_agent(m);
	if (p[POLL_SIGNALS].revents)
		take_signals(m);
	stream_move(&m->stdio, &p[POLL_STDIO]);
	tell_losses(m);
	for (size_t i = 0; i < MON_CLIENTS_MAX; i++)
		if (m->clients[i])
			control_move(m, &m->clients[i], &p[POLL_CLIENTS + i * CONTROL_POLLS]);
	if (p[POLL_CONTROL].revents)
		control_accept(m);
	if (!m->agent_closed)
		(void)channel_write(&m->agent, &m->guest.out);
}

/* The container has ended, all that it wrote is out, and the machine is off, or was bidden long ago. Or the machine
 * has failed, and nobody takes what is left. */
static bool is_over(const struct mon *m)
{
	if (m->step != STEP_END || (stream_held(&m->stdio) && !(m->failed && m->late)))
		return false;
	if (m->late)
		return true;
	if (m->hypervisor && !m->failed)
		return false;
	for (size_t i = 0; i < MON_CLIENTS_MAX; i++)
		if (m->clients[i] && !control_is_idle(m->clients[i]))
			return false;
	return true;
}

/* After a failure who takes nothing is waited for until the deadline, and who takes something beyond it. */
static void watch_reader(struct mon *m)
{
	size_t held = stream_held(&m->stdio);

	if (m->failed && held < m->held)
		m->deadline_ms = clock_monotonic_ms() + MON_POWEROFF_MS;
	m->held = held;
}

/* The ends of exec'd processes come first, and what they wrote. */
static void power_off(struct mon *m)
{
	if (m->step != STEP_END || m->told_off || m->failed || (!m->late && !guest_is_alone(&m->guest)))
		return;
	m->told_off = true;
	guest_shutdown(&m->guest);
	(void)channel_write(&m->agent, &m->guest.out);
}

void loop_run(struct mon *m)
{
	static struct pollfd p[POLLS];

	while (!m->done) {
		fill(m, p);
		if (poll(p, POLLS, time_left(m)) < 0) {
			if (errno != EINTR)
				mon_fail(m, "poll: %s", strerror(errno));
			continue;
		}
		move(m, p);
		while (guest_expired(&m->guest, clock_monotonic_ms()))
			;
		watch_reader(m);
		if (m->deadline_ms && clock_monotonic_ms() >= m->deadline_ms)
			at_deadline(m);
		power_off(m);
		if (is_over(m))
			m->done = true;
	}
}
