/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network.h: the container's network interfaces: the guest's network cards, which go into its network namespace and get
 * what the host says that they have.
 */
#ifndef HUSK_AGENT_NETWORK_H
#define HUSK_AGENT_NETWORK_H

#include "message.h"

#include <sys/types.h>

struct network {
	struct network_card {
		struct message_link link;
		struct strbuf messages; /* for rtnetlink(7), one after the other */
	} v[NETWORK_LINKS_MAX];
	size_t n;
};

/* LINK or RTNL. -EPROTO. */
int network_add(struct network *n, const struct frame *f, struct err *e);
void network_free(struct network *n);

/* A husk_network_fn, arg is a struct network that has cards. What the kernel refuses of addresses, routes and neighbours is warned of. */
int network_give(void *arg, pid_t init, struct err *e);

#endif
