/* SPDX-License-Identifier: Apache-2.0 */
/* route.c: see route.h. */
#include "route.h"

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

struct route_facts {
	uint32_t table, out_index, nexthop_id; /* 0: not told */
	int32_t expires;		       /* ticks of sysconf(_SC_CLK_TCK); 0: never, < 0: it has */
	const struct nlattr *destination, *gateway, *source, *multipath, *encap;
};

static uint32_t number(const struct nlattr *attr)
{
	return mnl_attr_validate(attr, MNL_TYPE_U32) == 0 ? mnl_attr_get_u32(attr) : 0;
}

static int on_attr(const struct nlattr *attr, void *data)
{
	struct route_facts *facts = data;
	struct rta_cacheinfo times;

	switch (mnl_attr_get_type(attr)) {
	case RTA_TABLE:
		facts->table = number(attr);
		break;
	case RTA_OIF:
		facts->out_index = number(attr);
		break;
	case RTA_NH_ID:
		facts->nexthop_id = number(attr);
		break;
	case RTA_CACHEINFO:
		if (mnl_attr_get_payload_len(attr) >= sizeof(times)) {
			memcpy(&times, mnl_attr_get_payload(attr), sizeof(times));
			facts->expires = times.rta_expires;
		}
		break;
	case RTA_DST:
		facts->destination = attr;
		break;
	case RTA_GATEWAY:
	case RTA_VIA: /* of the other family */
		facts->gateway = attr;
		break;
	case RTA_PREFSRC:
		facts->source = attr;
		break;
	case RTA_MULTIPATH:
		facts->multipath = attr;
		break;
	case RTA_ENCAP:
		facts->encap = attr;
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static struct route_facts facts_of(const struct nlmsghdr *msg)
{
	const struct rtmsg *head = mnl_nlmsg_get_payload(msg);
	struct route_facts facts = { .table = head->rtm_table };

	(void)mnl_attr_parse(msg, sizeof(*head), on_attr, &facts);
	return facts;
}

static bool goes_through(const struct route_facts *facts, int index)
{
	const struct rtnexthop *hop;
	int left;

	if (!facts->multipath) /* a group of next hops need not be told in full (sysctl net.ipv4.nexthop_compat_mode) */
		return facts->out_index ? (int)facts->out_index == index : facts->nexthop_id != 0;
	hop = mnl_attr_get_payload(facts->multipath);
	left = mnl_attr_get_payload_len(facts->multipath);
	while (RTNH_OK(hop, left)) {
		if (hop->rtnh_ifindex == index)
			return true;
		left -= (int)RTNH_ALIGN(hop->rtnh_len);
		hop = RTNH_NEXT(hop);
	}
	return false;
}

static bool is_for_guest(const struct nlmsghdr *msg, const void *index)
{
	const struct rtmsg *head = mnl_nlmsg_get_payload(msg);
	struct route_facts facts;

	if (head->rtm_family != AF_INET && head->rtm_family != AF_INET6)
		return false;
	if (head->rtm_type != RTN_UNICAST || head->rtm_protocol == RTPROT_KERNEL || head->rtm_flags & RTM_F_CLONED)
		return false;
	facts = facts_of(msg);
	return facts.table == RT_TABLE_MAIN && facts.expires >= 0 && goes_through(&facts, *(const int *)index);
}

int route_guest_get(struct rtnl *nl, int index, struct rtnl_list *out, struct err *e)
{
	const struct rtnl_query query = { .type = RTM_GETROUTE,
					  .answers = RTM_NEWROUTE,
					  .head = sizeof(struct rtmsg),
					  .wanted = is_for_guest,
					  .arg = &index };
	int r = rtnl_list_get(nl, &query, out);

	return r < 0 ? rtnl_failed(nl, -r, e, "read its routes") : 0;
}

const char *route_problem(const struct nlmsghdr *from)
{
	struct route_facts facts = facts_of(from);

	if (facts.nexthop_id)
		return "it has a next hop object";
	if (facts.multipath)
		return "it has more than one next hop";
	if (facts.encap)
		return "it has an encapsulation";
	return NULL;
}

bool route_has_gateway(const struct nlmsghdr *from)
{
	return facts_of(from).gateway != NULL;
}

const void *route_source(const struct nlmsghdr *from, uint8_t *out_family, size_t *out_len)
{
	const struct rtmsg *head = mnl_nlmsg_get_payload(from);
	struct route_facts facts = facts_of(from);

	if (!facts.source)
		return NULL;
	*out_family = head->rtm_family;
	*out_len = mnl_attr_get_payload_len(facts.source);
	return mnl_attr_get_payload(facts.source);
}

struct copying {
	struct nlmsghdr *msg;
	bool with_source;
};

static int copy_attr(const struct nlattr *attr, void *data)
{
	const struct copying *copying = data;

	switch (mnl_attr_get_type(attr)) {
	case RTA_PREFSRC:
		if (!copying->with_source)
			break;
		__attribute__((fallthrough));
	case RTA_DST:
	case RTA_SRC:
	case RTA_GATEWAY:
	case RTA_VIA:
	case RTA_PRIORITY:
	case RTA_METRICS:
	case RTA_FLOW:
	case RTA_PREF:
		if (!mnl_attr_put_check(copying->msg, RTNL_REQUEST_MAX, mnl_attr_get_type(attr),
					mnl_attr_get_payload_len(attr), mnl_attr_get_payload(attr)))
			return MNL_CB_ERROR;
		break;
	default: /* the kernel's own */
		break;
	}
	return MNL_CB_OK;
}

struct nlmsghdr *route_guest_message(struct rtnl *nl, const struct nlmsghdr *from, bool with_source)
{
	const struct rtmsg *old = mnl_nlmsg_get_payload(from);
	struct route_facts facts = facts_of(from);
	struct rtmsg *head;
	struct nlmsghdr *msg = rtnl_start(nl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*head), &head);
	struct copying copying = { msg, with_source };
	int32_t ticks = (int32_t)sysconf(_SC_CLK_TCK);

	head->rtm_family = old->rtm_family;
	head->rtm_dst_len = old->rtm_dst_len;
	head->rtm_src_len = old->rtm_src_len;
	head->rtm_tos = old->rtm_tos;
	head->rtm_table = RT_TABLE_MAIN;
	head->rtm_protocol = old->rtm_protocol;
	head->rtm_scope = old->rtm_scope;
	head->rtm_type = RTN_UNICAST;
	head->rtm_flags = old->rtm_flags & RTNH_F_ONLINK; /* the others are the kernel's own state */
	mnl_attr_put_u32(msg, RTA_OIF, 0);
	if (facts.expires > 0 && old->rtm_family == AF_INET6)
		mnl_attr_put_u32(msg, RTA_EXPIRES, (uint32_t)(facts.expires / ticks + 1));
	return mnl_attr_parse(from, sizeof(*old), copy_attr, &copying) < 0 ? NULL : msg;
}

void route_text(const struct nlmsghdr *from, char out[ROUTE_TEXT_MAX])
{
	const struct rtmsg *head = mnl_nlmsg_get_payload(from);
	const struct nlattr *to = facts_of(from).destination;
	size_t len = head->rtm_family == AF_INET6 ? 16 : 4;
	char text[INET6_ADDRSTRLEN] = "?";

	if (head->rtm_dst_len == 0) {
		(void)snprintf(out, ROUTE_TEXT_MAX, "default");
		return;
	}
	if (to && mnl_attr_get_payload_len(to) == len)
		(void)inet_ntop(head->rtm_family, mnl_attr_get_payload(to), text, sizeof(text));
	(void)snprintf(out, ROUTE_TEXT_MAX, "%s/%u", text, (unsigned int)head->rtm_dst_len);
}
