/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr.h: the IP addresses of an interface that a move must keep.
 *
 * runtime-spec 1.3, config-linux.md, "Network devices": the permanent ones
 * (IFA_F_PERMANENT) of any family with global scope (RT_SCOPE_UNIVERSE).
 */
#ifndef HUSK_NET_ADDR_H
#define HUSK_NET_ADDR_H

#include "err.h"
#include "rtnl.h"

#include <stddef.h>

struct addr_list {
	struct nlmsghdr **v; /* the kernel's messages, as they came; owned */
	size_t n;
};

/* Reads them from the socket's namespace. addr_list_free() ends the list. */
int addr_list_get(struct rtnl *nl, int index, struct addr_list *out, struct err *e);
/* Gives them to an interface, in the order in which they were read. */
int addr_list_add(struct rtnl *nl, int index, const struct addr_list *list, struct err *e);
void addr_list_free(struct addr_list *list);

#endif
