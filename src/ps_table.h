/* SPDX-License-Identifier: Apache-2.0 */
/* ps_table.h: of what ps(1) prints, the lines about some processes. */
#ifndef HUSK_PS_TABLE_H
#define HUSK_PS_TABLE_H

#include "err.h"
#include "str.h"

#include <sys/types.h>

/* Adds the head line of text and the lines whose PID column holds one of pids[0..n) to out. text is changed:
 * its newlines become NULs. -EINVAL when the head has no PID column. */
int ps_table(char *text, const pid_t *pids, size_t n, struct strbuf *out, struct err *e);

#endif
