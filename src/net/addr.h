/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr.h: the IP addresses of an interface: those that a move must keep, and those that a
 * guest's interface gets.
 */
#ifndef HUSK_NET_ADDR_H
#define HUSK_NET_ADDR_H

#include "err.h"
#include "rtnl_list.h"

#include <stdbool.h>
#include <stddef.h>

/* Reads those that a move keeps, from the socket's namespace: runtime-spec 1.3, config-linux.md, "Network devices":
 * the permanent ones (IFA_F_PERMANENT) of any family with global scope (RT_SCOPE_UNIVERSE). rtnl_list_free() ends
 * the list. */
int addr_list_get(struct rtnl *nl, int index, struct rtnl_list *out, struct err *e);
/* Gives them to an interface, in the order in which they were read. */
int addr_list_add(struct rtnl *nl, int index, const struct rtnl_list *list, struct err *e);

/* Reads all that are in use: not the temporary ones of RFC 8981, which the guest makes itself, not a duplicate, and
 * none whose time is over. */
int addr_guest_get(struct rtnl *nl, int index, struct rtnl_list *out, struct err *e);
/* The request that gives the guest one of them, in nl->request, for the interface 0. NULL: it is above
 * RTNL_REQUEST_MAX. */
struct nlmsghdr *addr_guest_message(struct rtnl *nl, const struct nlmsghdr *from);
/* An IPv6 address with a lifetime, or with another end (IFA_LOCAL), gets its route only on an interface that is up: what
 * Linux does when one comes up makes those to the prefixes of permanent ones alone (6.18, fixup_permanent_addr()). */
bool addr_is_for_link_up(const struct nlmsghdr *from);
/* Is this, of `len` bytes, one of the list's? */
bool addr_list_has(const struct rtnl_list *list, uint8_t family, const void *address, size_t len);

#endif
