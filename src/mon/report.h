/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h: what husk-mon leaves to be read of its machine when it is gone: in the state directory, for `husk state`
 * (MACHINE_FD_REPORT; machine.h has the lines), and in the log of `husk create`, whose descriptor it inherits: a
 * detached container has nobody else who would write there.
 */
#ifndef HUSK_MON_REPORT_H
#define HUSK_MON_REPORT_H

#include "mon.h"

/* Writes a text to standard error or the like, in time: within REPORT_MS, or the rest is lost. */
#define REPORT_MS 5000
void report_write(int fd, const char *text, size_t len);

/* The machine failed; to the gate, too, or else to standard error, with the last lines of the console. */
void report_failure(struct mon *m, const char *why);
/* What the container, or a process that was left behind in it, writes is lost (stream_loss()): to the log or, without
 * one, to standard error. */
void report_loss(const struct mon *m, const char *why);
/* The kernel has killed in the container for lack of memory. */
void report_oom(struct mon *m);
/* What the agent warns of; the guest may say anything: it is printable then, and never more than a warning. Returned
 * as it is then, malloc'ed. logged: in the log, too. */
char *report_line(struct mon *m, const struct message_log *line, bool logged);

#endif
