/* SPDX-License-Identifier: Apache-2.0 */
/* caps.h: capability names and sets (capabilities(7)), by libcap's names and
 * plain prctl/capset for the sets. A mask has bit 1 << CAP_*. */
#ifndef HUSK_LINUX_CAPS_H
#define HUSK_LINUX_CAPS_H

#include "err.h"

#include <stdbool.h>
#include <stdint.h>

struct caps_step;

/* "CAP_NET_RAW" (any case, as libcap takes it) -> its bit. -EINVAL for a name that libcap does
 * not know. */
int caps_bit(const char *name, uint64_t *out_bit);
/* "CAP_NET_RAW" for a number; NULL beyond the last one known. */
const char *caps_name(unsigned int cap);
/* The highest capability that this kernel has. */
unsigned int caps_last(void);

/* Before the uid changes: drops from the bounding set what is not in it. Needs CAP_SETPCAP for
 * any drop. */
int caps_apply_bounding(const struct caps_step *c, struct err *e);
/* After the uid changed (PR_SET_KEEPCAPS was on): sets permitted, effective, inheritable, then
 * ambient. Bits that the kernel does not have are left out. */
int caps_apply(const struct caps_step *c, struct err *e);
/* After caps_apply(), for an execve(2) of a file that may not be read: takes from the effective set what
 * would let the caller read it all the same, as the kernel then makes the process undumpable before it
 * can be seen as that file's. execve computes the effective set anew from the permitted one. */
int caps_lower_readers(const struct caps_step *c, struct err *e);

#endif
