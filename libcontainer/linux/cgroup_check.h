/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_check.h: which limits config.json asks for. */
#ifndef HUSK_LINUX_CGROUP_CHECK_H
#define HUSK_LINUX_CGROUP_CHECK_H

#include "err.h"

#include <stdbool.h>

struct spec_linux;

/* What of linux.resources is asked for and cannot be given. Wrong types are refused always, with the
 * JSON path. warn_only (manager disabled, or rootless): each limit is warned of once ("...:
 * ignoring"); else the first is an error that names its key (-ENOTSUP). Values that ask for nothing
 * (0, -1, empty) pass. Device rules are not its matter. */
int cgroup_check_resources(const struct spec_linux *l, bool warn_only, struct err *e);

#endif
