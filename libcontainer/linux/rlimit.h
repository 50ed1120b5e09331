/* SPDX-License-Identifier: Apache-2.0 */
/* rlimit.h: "RLIMIT_NOFILE" -> setrlimit(2). */
#ifndef HUSK_LINUX_RLIMIT_H
#define HUSK_LINUX_RLIMIT_H

#include "err.h"

#include <stddef.h>
#include <sys/types.h>

struct rlimit_step;

/* RLIMIT_* number of a name, or -EINVAL. */
int rlimit_number(const char *name);
/* Sets them on pid (0: the caller; another one must have the caller's ids, or it needs
 * CAP_SYS_RESOURCE over it): the message names the limit, both values, and CAP_SYS_RESOURCE where
 * that is what lacks. */
int rlimit_apply(pid_t pid, const struct rlimit_step *v, size_t n, struct err *e);

#endif
