/* SPDX-License-Identifier: Apache-2.0 */
/* netdev.h: linux.netDevices: interfaces of the host go into the container's network namespace. */
#ifndef HUSK_LINUX_NETDEV_H
#define HUSK_LINUX_NETDEV_H

#include "err.h"
#include "plan.h"

#include <sys/types.h>

/* Moves all of them, or none, by the helper husk-net. pid: the container's process, in its network
 * namespace if that is a new one. Does nothing when the spec has none. What happens to them when
 * the namespace ends is the kernel's affair: hardware goes back to the initial namespace, virtual
 * interfaces vanish (network_namespaces(7)). */
int netdev_move_all(const struct plan *plan, pid_t pid, struct err *e);

#endif
