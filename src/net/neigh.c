/* SPDX-License-Identifier: Apache-2.0 */
/* neigh.c: see neigh.h. */
#include "neigh.h"

#include <arpa/inet.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <string.h>

/* Is the address (NDA_DST) one of many hosts? True as well where it is none. */
static bool is_multicast(const struct nlmsghdr *msg)
{
	const struct ndmsg *head = mnl_nlmsg_get_payload(msg);
	const struct nlattr *attr;

	mnl_attr_for_each(attr, msg, sizeof(*head))
	{
		const uint8_t *bytes = mnl_attr_get_payload(attr);

		if (mnl_attr_get_type(attr) != NDA_DST || mnl_attr_get_payload_len(attr) < 4)
			continue;
		return head->ndm_family == AF_INET6 ? bytes[0] == 0xff : IN_MULTICAST((uint32_t)bytes[0] << 24);
	}
	return true;
}

static bool is_for_guest(const struct nlmsghdr *msg, const void *index)
{
	const struct ndmsg *head = mnl_nlmsg_get_payload(msg);

	if (head->ndm_ifindex != *(const int *)index || !(head->ndm_state & NUD_PERMANENT) ||
	    head->ndm_flags & NTF_PROXY)
		return false;
	return (head->ndm_family == AF_INET || head->ndm_family == AF_INET6) && !is_multicast(msg);
}

int neigh_guest_get(struct rtnl *nl, int index, struct rtnl_list *out, struct err *e)
{
	const struct rtnl_query query = { .type = RTM_GETNEIGH,
					  .answers = RTM_NEWNEIGH,
					  .head = sizeof(struct ndmsg),
					  .wanted = is_for_guest,
					  .arg = &index };
	int r = rtnl_list_get(nl, &query, out);

	return r < 0 ? rtnl_failed(nl, -r, e, "read its neighbours") : 0;
}

static int copy_attr(const struct nlattr *attr, void *data)
{
	uint16_t type = mnl_attr_get_type(attr);

	if ((type == NDA_DST || type == NDA_LLADDR || type == NDA_PROTOCOL) &&
	    !mnl_attr_put_check(data, RTNL_REQUEST_MAX, type, mnl_attr_get_payload_len(attr),
				mnl_attr_get_payload(attr)))
		return MNL_CB_ERROR;
	return MNL_CB_OK;
}

struct nlmsghdr *neigh_guest_message(struct rtnl *nl, const struct nlmsghdr *from)
{
	const struct ndmsg *old = mnl_nlmsg_get_payload(from);
	struct ndmsg *head;
	struct nlmsghdr *msg = rtnl_start(nl, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*head), &head);

	head->ndm_family = old->ndm_family;
	head->ndm_state = NUD_PERMANENT;
	head->ndm_flags = old->ndm_flags & NTF_ROUTER;
	return mnl_attr_parse(from, sizeof(*old), copy_attr, msg) < 0 ? NULL : msg;
}
