/* SPDX-License-Identifier: Apache-2.0 */
/*
 * helper.h: husk's own programs for what is rare or needs a heavy library.
 *
 * A helper is looked for beside the husk binary and then where `make install` puts
 * it; nothing else says where. It starts with no signal of ours, and with no descriptor
 * but those it is given. What it writes on standard error is kept for the message.
 */
#ifndef HUSK_BASE_HELPER_H
#define HUSK_BASE_HELPER_H

#include "err.h"

#include <sys/types.h>

#define HELPER_FD 3 /* the number of `fd` in the helper */

struct helper {
	const char *name; /* "husk-net" */
	const char *key;  /* what it works for, for messages: "linux.netDevices" */
	pid_t pid;
	int says;   /* a memory file: its standard error; owned */
	int status; /* after helper_wait(): its exit status; -1: killed */
};

/* Where a helper of this name is looked for: beside husk if it is there, else where it is installed.
 * Malloc'ed. */
char *helper_path(const char *name);

/* argv[0] is the helper's name. in, out: its standard input and output, -1: /dev/null. fd: one more
 * descriptor, as HELPER_FD; -1: none. env: NULL-terminated. */
int helper_start(struct helper *h, char *const *argv, int in, int out, int fd, char *const *env, struct err *e);
/* Its end. 0 when its status was 0, else -ECANCELED with the first line that it said. */
int helper_wait(struct helper *h, struct err *e);

#endif
