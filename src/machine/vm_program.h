/* SPDX-License-Identifier: Apache-2.0 */
/* vm_program.h: is the program of a container in its image? */
#ifndef HUSK_VM_PROGRAM_H
#define HUSK_VM_PROGRAM_H

#include "err.h"
#include "json.h"

/* The error of a container's create, where process.args[0] surely cannot be run: it is not there, is no file, or no one
 * may execute it. Engines make statuses 127 and 126 of that, if create says so. The guest looks again when it starts,
 * and finds what is not said here: 0 where mounts or hooks could bring the program, and whatever its user may do.
 * config: config.json's root; rootfs: a path. */
int vm_program_check(const struct json *config, const char *rootfs, struct err *e);

#endif
