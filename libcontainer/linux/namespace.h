/* SPDX-License-Identifier: Apache-2.0 */
/* namespace.h: entering namespaces by descriptor, and making new ones usable. */
#ifndef HUSK_LINUX_NAMESPACE_H
#define HUSK_LINUX_NAMESPACE_H

#include "err.h"
#include "plan.h"

/* Opens each join's path and checks that it is a namespace of its type (ioctl_ns(2)). */
int namespace_open_joins(struct join_step *joins, size_t n, struct err *e);
/* setns(2) for one of them. */
int namespace_join(const struct join_step *join, struct err *e);
/* The caller's own namespace of this type, to come back to by namespace_restore(). */
int namespace_save(unsigned int clone_flag, int *out_fd, struct err *e);
int namespace_restore(int fd, unsigned int clone_flag, struct err *e);
/* Brings the loopback device up (netdevice(7)): of the current network namespace, or with a pidfd of
 * that process's (CAP_SYS_ADMIN over it; the caller is back in its own afterwards). */
int namespace_loopback_up(int pidfd, struct err *e);
/* sethostname(2), setdomainname(2); NULL: leave it. */
int namespace_set_names(const char *hostname, const char *domainname, struct err *e);

#endif
