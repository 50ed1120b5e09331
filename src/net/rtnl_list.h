/* SPDX-License-Identifier: Apache-2.0 */
/* rtnl_list.h: what a dump of rtnetlink(7) tells, as the messages that the kernel sent. */
#ifndef HUSK_NET_RTNL_LIST_H
#define HUSK_NET_RTNL_LIST_H

#include "rtnl.h"

#include <stdbool.h>
#include <stddef.h>

#define RTNL_LIST_MAX (16U << 20) /* bytes of the messages of one list */

struct rtnl_list {
	struct nlmsghdr **v; /* in the order in which they came; owned */
	size_t n, bytes;
};

/* What to dump, and what to keep of it. */
struct rtnl_query {
	uint16_t type;	     /* RTM_GET... */
	uint16_t answers;    /* RTM_NEW...: other messages are left out, and those shorter than their head */
	size_t head;	     /* bytes of the family header, in both directions */
	const void *request; /* that of the request; NULL: zeroes, which are for all */
	/* Also left out, unless NULL. The message has its whole head. */
	bool (*wanted)(const struct nlmsghdr *msg, const void *arg);
	const void *arg;
};

/* A dump that a change ran into (NLM_F_DUMP_INTR) is taken again, a bounded number of times. 0 or -errno as
 * rtnl_ask(), for rtnl_failed(); -E2BIG: above RTNL_LIST_MAX, and the socket is of no more use. rtnl_list_free() ends
 * the list. */
int rtnl_list_get(struct rtnl *nl, const struct rtnl_query *query, struct rtnl_list *out);
void rtnl_list_free(struct rtnl_list *list);

#endif
