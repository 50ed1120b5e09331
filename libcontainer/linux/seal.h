/* SPDX-License-Identifier: Apache-2.0 */
/* seal.h: memory files that nobody can change: the trampoline, and a filter for it. */
#ifndef HUSK_LINUX_SEAL_H
#define HUSK_LINUX_SEAL_H

#include "err.h"

#include <stddef.h>

/* A sealed memfd with the trampoline program (trampoline/start.c), to be executed by
 * execveat(AT_EMPTY_PATH). O_CLOEXEC. */
int seal_trampoline(int *out_fd, struct err *e);
/* A sealed memfd with these bytes. O_CLOEXEC. */
int seal_bytes(const char *name, const void *data, size_t len, int *out_fd, struct err *e);

#endif
