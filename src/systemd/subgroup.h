/* SPDX-License-Identifier: Apache-2.0 */
/* subgroup.h: a cgroup below that of a scope (crun's annotation run.oci.systemd.subgroup). */
#ifndef HUSK_SYSTEMD_SUBGROUP_H
#define HUSK_SYSTEMD_SUBGROUP_H

#include "err.h"

/* Makes `below` ("/a/b") below the cgroup ("/x.scope") and moves this process there: the scope's own then has no process,
 * and may give its children controllers. */
int subgroup_enter(const char *cgroup, const char *below, struct err *e);

#endif
