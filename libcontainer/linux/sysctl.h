/* SPDX-License-Identifier: Apache-2.0 */
/* sysctl.h: linux.sysctl, written while the host's procfs is still in view. */
#ifndef HUSK_LINUX_SYSCTL_H
#define HUSK_LINUX_SYSCTL_H

#include "err.h"
#include "spec.h"

/* Writes each value to the namespaces that the caller is in. procfd: a checked procfs of the host
 * (base/proc.h), so that no file of the container's image is on the way. A key is written with dots,
 * or with slashes where a name holds a dot. */
int sysctl_apply(int procfd, const struct spec_kv *v, size_t n, struct err *e);

#endif
