/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_check.h: which limits config.json asks for. */
#ifndef HUSK_LINUX_CGROUP_CHECK_H
#define HUSK_LINUX_CGROUP_CHECK_H

#include "err.h"

#include <stdbool.h>

struct spec_linux;

/* Checks linux.resources before anything is done with it. Wrong types are refused always, with the JSON
 * path. A limit that only cgroup v1 had is refused (-ENOTSUP), or warned of where it was without effect
 * there too. warn_only, for a container without a cgroup: each limit that is asked for is warned of
 * once instead ("...: ignoring"). Values that ask for nothing (0, -1, empty) pass. Device rules are
 * not its matter. */
int cgroup_check_resources(const struct spec_linux *l, bool warn_only, struct err *e);

#endif
