/* SPDX-License-Identifier: Apache-2.0 */
/* delete.h: what delete and the end of run share. */
#ifndef HUSK_DELETE_H
#define HUSK_DELETE_H

#include "state.h"

/* The init has ended: ends what is left in the cgroup, removes it, runs the poststop hooks (their
 * failure is only logged) and removes the state. */
int delete_remains(const struct husk_ctx *ctx, const struct state *s, struct err *e);

#endif
