/* SPDX-License-Identifier: Apache-2.0 */
/* delete.h: what delete and the end of run share. */
#ifndef HUSK_DELETE_H
#define HUSK_DELETE_H

#include "spec.h"
#include "state.h"

/* spec: the container's config.json if the caller has it, else NULL: it is then read from the state.
 * The init has ended: ends what is left in the cgroup, removes it, runs the poststop hooks (their
 * failure is only logged) and removes the state. */
int delete_remains(const struct husk_ctx *ctx, const struct state *s, const struct spec *spec, struct err *e);

#endif
