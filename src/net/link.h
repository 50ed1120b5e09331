/* SPDX-License-Identifier: Apache-2.0 */
/* link.h: network interfaces: finding one, sending it to another namespace, bringing it up. */
#ifndef HUSK_NET_LINK_H
#define HUSK_NET_LINK_H

#include "err.h"
#include "rtnl.h"

#include <net/if.h>
#include <stdbool.h>

struct link {
	int index;
	unsigned int flags; /* IFF_* */
};

/* 0, or -ENODEV (without a message) when the socket's namespace has none of that name. */
int link_find(struct rtnl *nl, const char *name, struct link *out, struct err *e);
/* Moves the interface into the network namespace behind netns_fd and names it there, in one
 * request. The kernel takes it down and drops its addresses; the rest stays. */
int link_send(struct rtnl *nl, int index, int netns_fd, const char *name, struct err *e);
int link_up(struct rtnl *nl, int index, struct err *e);
/* The first name of a template ("eth%d") that is free. */
int link_free_name(struct rtnl *nl, const char *template, char out[IF_NAMESIZE], struct err *e);

#endif
