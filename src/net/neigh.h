/* SPDX-License-Identifier: Apache-2.0 */
/* neigh.h: an interface's neighbours that somebody has added for good, as a guest's interface gets them. */
#ifndef HUSK_NET_NEIGH_H
#define HUSK_NET_NEIGH_H

#include "err.h"
#include "rtnl_list.h"

/* Reads the permanent ones (NUD_PERMANENT) of IPv4 and IPv6 that are single hosts. rtnl_list_free() ends the list. */
int neigh_guest_get(struct rtnl *nl, int index, struct rtnl_list *out, struct err *e);
/* The request that gives it to the guest, in nl->request, for the interface 0. NULL: it is above RTNL_REQUEST_MAX. */
struct nlmsghdr *neigh_guest_message(struct rtnl *nl, const struct nlmsghdr *from);

#endif
