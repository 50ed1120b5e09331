/* SPDX-License-Identifier: Apache-2.0 */
/* ether.c: see ether.h. */
#include "ether.h"

#include "rtnl_list.h"
#include "str.h"
#include "tap.h"

#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <string.h>

struct link_facts {
	const char *name, *kind; /* NULL: it has none */
	uint32_t mtu;
	const void *mac; /* of ETH_ALEN bytes, or NULL */
};

static const char *kind_of(const struct nlattr *linkinfo)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, linkinfo)
	{
		if (mnl_attr_get_type(attr) == IFLA_INFO_KIND && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
			return mnl_attr_get_str(attr);
	}
	return NULL;
}

static int on_attr(const struct nlattr *attr, void *data)
{
	struct link_facts *facts = data;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0 && mnl_attr_get_payload_len(attr) <= IF_NAMESIZE)
			facts->name = mnl_attr_get_str(attr);
		break;
	case IFLA_MTU:
		if (mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			facts->mtu = mnl_attr_get_u32(attr);
		break;
	case IFLA_ADDRESS:
		if (mnl_attr_get_payload_len(attr) == ETH_ALEN)
			facts->mac = mnl_attr_get_payload(attr);
		break;
	case IFLA_LINKINFO:
		facts->kind = kind_of(attr);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static struct link_facts facts_of(const struct nlmsghdr *msg)
{
	struct link_facts facts = { 0 };

	(void)mnl_attr_parse(msg, sizeof(struct ifinfomsg), on_attr, &facts);
	return facts;
}

static bool is_ether(const struct nlmsghdr *msg, const void *unused)
{
	const struct ifinfomsg *head = mnl_nlmsg_get_payload(msg);
	struct link_facts facts = facts_of(msg);
	static const uint8_t none[ETH_ALEN];

	(void)unused;
	if (head->ifi_type != ARPHRD_ETHER || !facts.name || !facts.mac || memcmp(facts.mac, none, ETH_ALEN) == 0)
		return false;
	return !(str_eq(facts.kind, "tun") && tap_is_name(facts.name));
}

static int by_index(const void *a, const void *b)
{
	const struct ether *x = a, *y = b;

	return (x->index > y->index) - (x->index < y->index);
}

int ether_list(struct rtnl *nl, struct ether **out, size_t *out_n, struct err *e)
{
	const struct rtnl_query query = {
		.type = RTM_GETLINK, .answers = RTM_NEWLINK, .head = sizeof(struct ifinfomsg), .wanted = is_ether
	};
	struct rtnl_list list = { 0 };
	struct ether *found;
	int r = rtnl_list_get(nl, &query, &list);

	if (r < 0)
		return rtnl_failed(nl, -r, e, "read the interfaces");
	found = x_calloc(list.n + 1, sizeof(*found));
	for (size_t i = 0; i < list.n; i++) {
		const struct ifinfomsg *head = mnl_nlmsg_get_payload(list.v[i]);
		struct link_facts facts = facts_of(list.v[i]);

		found[i].index = head->ifi_index;
		found[i].flags = head->ifi_flags;
		found[i].mtu = facts.mtu;
		(void)strcpy(found[i].name, facts.name);
		memcpy(found[i].mac, facts.mac, ETH_ALEN);
	}
	qsort(found, list.n, sizeof(*found), by_index);
	*out = found;
	*out_n = list.n;
	rtnl_list_free(&list);
	return 0;
}
