/* SPDX-License-Identifier: Apache-2.0 */
/* program.h: a program that husk-mon starts: what it is given, and who it is. */
#ifndef HUSK_MON_PROGRAM_H
#define HUSK_MON_PROGRAM_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct program {
	char *const *argv;
	const int *fds; /* its MACHINE_FD_CHILD and the ones after that; it has no others */
	size_t n_fds;
	int console; /* where it prints */
	bool drop;   /* another user, without capabilities */
};

int program_start(const struct program *p, pid_t *out, struct err *e);

/* Gives up all of our own capabilities. */
int program_drop_capabilities(struct err *e);

#endif
