/* SPDX-License-Identifier: Apache-2.0 */
/* seal.h: memory files that nobody can change: the trampoline, a filter for it, husk itself. */
#ifndef HUSK_LINUX_SEAL_H
#define HUSK_LINUX_SEAL_H

#include "err.h"

#include <stddef.h>

/* A sealed memfd with the trampoline program (trampoline/start.c), to be executed by
 * execveat(AT_EMPTY_PATH). O_CLOEXEC. */
int seal_trampoline(int *out_fd, struct err *e);
/* A sealed memfd with these bytes. O_CLOEXEC. */
int seal_bytes(const char *name, const void *data, size_t len, int *out_fd, struct err *e);

/* Makes sure that this process runs from a sealed copy of its program: copies it, and executes the copy
 * with the same arguments and environment. For the case that processes of a container can look at ours
 * while it is being set up, whatever PR_SET_DUMPABLE says: they share its pid namespace and have
 * CAP_SYS_PTRACE over it. Returns 0 in the copy; to be called before anything was changed. */
int seal_self(struct err *e);

#endif
