/* SPDX-License-Identifier: Apache-2.0 */
/* caller.h: what passes between an engine and a verb beside argv: the descriptors it hands in, the
 * pid file and the pidfd it gets. */
#ifndef HUSK_CALLER_H
#define HUSK_CALLER_H

#include "err.h"

#include <sys/types.h>

/* --preserve-fds n: descriptors 3 .. 2 + n must be open, and the caller's own (husk's have
 * O_CLOEXEC, which inherited ones cannot). */
int caller_check_fds(int n, struct err *e);
/* --pid-file: replaced atomically. path may be NULL. */
int caller_write_pid(const char *path, pid_t pid, struct err *e);
/* One message with the descriptor. asked_by: the option or key, for messages. path may be NULL. */
int caller_send_pidfd(const char *path, const char *asked_by, int pidfd, struct err *e);

#endif
