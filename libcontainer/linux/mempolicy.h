/* SPDX-License-Identifier: Apache-2.0 */
/* mempolicy.h: linux.memoryPolicy -> set_mempolicy(2). */
#ifndef HUSK_LINUX_MEMPOLICY_H
#define HUSK_LINUX_MEMPOLICY_H

#include "err.h"

struct mempolicy_step;

/* Names as in runtime-spec's config-linux.md, each list ended by NULL. */
const char *const *mempolicy_mode_names(void);
const char *const *mempolicy_flag_names(void);
/* MPOL_* or MPOL_F_* of a name, or -EINVAL. */
int mempolicy_mode_number(const char *name);
int mempolicy_flag_number(const char *name);
/* The caller's policy, kept by what it executes; does nothing when none is given. */
int mempolicy_apply(const struct mempolicy_step *step, struct err *e);

#endif
