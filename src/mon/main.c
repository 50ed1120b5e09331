/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c: the program husk-mon, pid 1 of a VM's jail (mon.h), and `husk-mon exec tty|pipes [CGROUP]`, a proxy of an exec'd process
 * (proxy.h). husk starts both; nobody types them.
 */
#include "clock.h"
#include "control.h"
#include "fd.h"
#include "filter.h"
#include "io.h"
#include "log.h"
#include "loop.h"
#include "mon.h"
#include "proxy.h"
#include "qemu.h"
#include "sync_send.h"
#include "terminal_raw.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>

static int read_machine(struct mon *m, struct err *e)
{
	size_t len;
	int r;

	if (lseek(MACHINE_FD_CONFIG, 0, SEEK_SET) < 0)
		return err_sys(e, errno, "read the machine's description");
	r = io_read_fd(MACHINE_FD_CONFIG, MACHINE_BYTES_MAX, &m->machine_text, &len);
	if (r < 0)
		return err_sys(e, -r, "read the machine's description");
	(void)close(MACHINE_FD_CONFIG);
	return machine_decode(m->machine_text, len, &m->machine, e);
}

static int watch_signals(struct mon *m, struct err *e)
{
	sigset_t all;

	sigfillset(&all);
	if (sigprocmask(SIG_BLOCK, &all, NULL) < 0)
		return err_sys(e, errno, "block signals");
	m->sigfd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	return m->sigfd < 0 ? err_sys(e, errno, "signalfd") : 0;
}

/* The container's, by copies: messages of our own still go to 2, and wait for no reader. */
static void take_stdio(struct mon *m)
{
	int fds[3], own = stream_reopen(fcntl(2, F_DUPFD_CLOEXEC, 10), O_WRONLY);

	for (int i = 0; i < 3; i++)
		fds[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
	if (m->machine.terminal)
		terminal_raw(STDIN_FILENO);
	if (own >= 0)
		(void)dup2(own, 2);
	fd_close(&own);
	stream_open(&m->stdio, &m->guest, 0, fds, m->machine.terminal);
	if (!m->machine.terminal) { /* or the end of the copies would not be the end of them */
		AUTO_FD null = open("/dev/null", O_RDWR | O_CLOEXEC);

		(void)dup2(null, 0);
		(void)dup2(null, 1);
	}
}

static int run(struct mon *m, struct err *e)
{
	int r;

	(void)fcntl(m->gate, F_SETFD, FD_CLOEXEC);
	(void)fcntl(m->control, F_SETFD, FD_CLOEXEC);
	(void)fcntl(MACHINE_FD_LOG, F_SETFD, FD_CLOEXEC);
	(void)fcntl(MACHINE_FD_REPORT, F_SETFD, FD_CLOEXEC);
	(void)fcntl(m->control, F_SETFL, O_NONBLOCK);
	r = watch_signals(m, e);
	if (r == 0)
		r = read_machine(m, e);
	if (r < 0)
		return r;
	if (m->machine.log)
		log_adopt(stream_reopen(MACHINE_FD_LOG, O_WRONLY | O_APPEND), m->machine.log_json ? LOG_JSON : LOG_TEXT,
			  LOG_LVL_WARN);
	m->deadline_ms = clock_monotonic_ms() + m->machine.boot_ms;
	guest_init(&m->guest, &mon_events, m);
	take_stdio(m);
	r = qemu_start(m, e);
	if (r == 0)
		r = filter_install(e);
	if (r == 0)
		loop_run(m);
	return r;
}

int main(int argc, char **argv)
{
	static struct mon m = {
		.gate = MACHINE_FD_GATE,
		.control = MACHINE_FD_CONTROL,
		.sigfd = -1,
		.console_fd = -1,
		.status = MON_FAILED,
		.agent = { .fd = -1 },
	};
	struct err e = { 0 };

	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* the hypervisor may be of the same user */
	if (argc > 1 && !strcmp(argv[1], "exec"))
		return proxy_run(argc > 2 && !strcmp(argv[2], "tty"), argc > 3 ? argv[3] : NULL);
	if (fcntl(MACHINE_FD_GATE, F_GETFD) < 0) {
		(void)fputs("husk-mon: is started by husk, for a VM\n", stderr);
		return 2;
	}
	if (run(&m, &e) < 0)
		(void)sync_send_err(m.gate, &e);
	control_close_all(&m);
	return m.status;
}
