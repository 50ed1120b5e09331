/* SPDX-License-Identifier: Apache-2.0 */
/* program.h: what is said of a program that cannot be run, by whoever looks for it. */
#ifndef HUSK_BASE_PROGRAM_H
#define HUSK_BASE_PROGRAM_H

#include "err.h"

/* Where the environment has no PATH. */
#define PROGRAM_DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* An error of process.args[0]. code: an errno; EISDIR becomes EACCES. The words are those that engines look for to
 * tell 127 from 126; docker(1) minds their case. */
int program_error(const char *name, int code, struct err *e);

#endif
