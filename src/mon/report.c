/* SPDX-License-Identifier: Apache-2.0 */
/* report.c: see report.h. */
#include "report.h"

#include "clock.h"
#include "fd.h"
#include "io.h"
#include "log.h"
#include "sync_send.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#define TAIL_FOR_GATE 4	   /* lines of the console in an error */
#define TAIL_FOR_LOG 10	   /* in the log's one line */
#define TAIL_FOR_REPORT 20 /* for `husk state` */
#define TAIL_FOR_STDERR 60 /* and on standard error */
#define OOMS_MAX 1000	   /* that are written down: a guest could go on for ever */

static bool wait_writable(int fd, int64_t until_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int64_t left = until_ms - clock_monotonic_ms();

	return poll(&p, 1, left < 0 ? 0 : (int)left) > 0;
}

void report_write(int fd, const char *text, size_t len)
{
	int64_t until = clock_monotonic_ms() + REPORT_MS;

	while (len && wait_writable(fd, until)) {
		ssize_t n = stream_write(fd, text, len);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return;
		text += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
}

/* The last lines of the console in one, or NULL. */
static char *one_line(const struct mon *m, size_t lines)
{
	struct strbuf tail = { 0 };

	console_last_words(&m->console, lines, &tail);
	for (size_t i = 0; i < tail.len; i++)
		if (tail.s[i] == '\n')
			tail.s[i] = i + 1 < tail.len ? '|' : '\0';
	return tail.s;
}

static void tell_gate(struct mon *m, const char *why)
{
	AUTO_FREE char *tail = one_line(m, TAIL_FOR_GATE);
	struct err e = { 0 };

	(void)err_set(&e, EIO, "the VM did not start: %s%s%s", why, tail ? "; its console: " : "", tail ? tail : "");
	(void)sync_send_err(m->gate, &e);
	fd_close(&m->gate);
}

static void tell_stderr(const struct mon *m, const char *why)
{
	struct strbuf text = { 0 };

	strbuf_printf(&text, "husk-mon: the VM failed: %s\n", why);
	if (m->console.end) {
		strbuf_puts(&text, "husk-mon: the last lines of its console:\n");
		console_tail(&m->console, TAIL_FOR_STDERR, &text);
	}
	report_write(STDERR_FILENO, text.s, text.len);
	free(text.s);
}

static void tell_log(const struct mon *m, const char *why)
{
	AUTO_FREE char *tail = one_line(m, TAIL_FOR_LOG);

	if (!wait_writable(log_fd(), clock_monotonic_ms() + REPORT_MS))
		return;
	log_error("container '%s': the VM failed: %s%s%s", m->machine.id, why, tail ? "; its console: " : "",
		  tail ? tail : "");
}

static void write_down(const struct mon *m, const char *why)
{
	struct strbuf text = { 0 }, tail = { 0 };

	console_tail(&m->console, TAIL_FOR_REPORT, &tail);
	strbuf_printf(&text, MACHINE_REPORT_FAILURE "%s\n", why);
	for (char *save = NULL, *line = tail.s ? strtok_r(tail.s, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save))
		strbuf_printf(&text, MACHINE_REPORT_CONSOLE "%s\n", line);
	(void)io_write_all(MACHINE_FD_REPORT, text.s, text.len);
	free(text.s);
	free(tail.s);
}

void report_failure(struct mon *m, const char *why)
{
	write_down(m, why);
	if (m->gate >= 0) { /* husk start or run writes it to its log */
		tell_gate(m, why);
		return;
	}
	if (m->machine.log)
		tell_log(m, why);
	tell_stderr(m, why);
}

void report_loss(const struct mon *m, const char *why)
{
	AUTO_FREE char *line = x_printf("husk-mon: container '%s': %s\n", m->machine.id, why);

	if (!m->machine.log)
		report_write(STDERR_FILENO, line, strlen(line));
	else if (wait_writable(log_fd(), 0))
		log_warn("container '%s': %s", m->machine.id, why);
}

void report_oom(struct mon *m)
{
	if (m->ooms == OOMS_MAX)
		return;
	m->ooms++;
	(void)io_write_all(MACHINE_FD_REPORT, MACHINE_REPORT_OOM "\n", strlen(MACHINE_REPORT_OOM "\n"));
}

char *report_line(struct mon *m, const struct message_log *line, bool logged)
{
	char *text = x_printf("%.*s", (int)line->len, line->text);

	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || (unsigned char)*c > 0x7e)
			*c = '?';
	console_add(&m->console, "husk-agent: ", 12);
	console_add(&m->console, text, strlen(text));
	console_add(&m->console, "\n", 1);
	if (logged && m->machine.log && line->level <= LOG_LVL_WARN && wait_writable(log_fd(), 0))
		log_warn("container '%s': in the VM: %s", m->machine.id, text);
	return text;
}
