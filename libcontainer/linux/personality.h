/* SPDX-License-Identifier: Apache-2.0 */
/* personality.h: linux.personality -> personality(2). */
#ifndef HUSK_LINUX_PERSONALITY_H
#define HUSK_LINUX_PERSONALITY_H

#include "err.h"

struct personality_step;

/* PER_* of "LINUX" or "LINUX32", or -EINVAL. */
int personality_number(const char *name);
/* Makes the caller, and what it executes, of that execution domain; does nothing when none is given. */
int personality_apply(const struct personality_step *step, struct err *e);

#endif
