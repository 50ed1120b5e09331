/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr.c: see addr.h. An address is kept as the message that told of it: giving it
 * again is a new message with those of its attributes that a user can set.
 */
#include "addr.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <string.h>

/* What a user may ask for; the other flags are the kernel's own state. */
#define SETTABLE_FLAGS (IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN)

static int on_flags(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) == IFA_FLAGS && mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
		*(uint32_t *)data = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

/* IFA_FLAGS, or the eight bits of the header that it extends. */
static uint32_t flags_of(const struct nlmsghdr *msg)
{
	const struct ifaddrmsg *head = mnl_nlmsg_get_payload(msg);
	uint32_t flags = head->ifa_flags;

	(void)mnl_attr_parse(msg, sizeof(*head), on_flags, &flags);
	return flags;
}

/* The bytes of an attribute, or NULL if there is none of at least this length. */
static const void *attr_of(const struct nlmsghdr *msg, uint16_t type, size_t len)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, msg, sizeof(struct ifaddrmsg))
	{
		if (mnl_attr_get_type(attr) == type && mnl_attr_get_payload_len(attr) >= len)
			return mnl_attr_get_payload(attr);
	}
	return NULL;
}

static bool is_kept_by_move(const struct nlmsghdr *msg, const void *index)
{
	const struct ifaddrmsg *head = mnl_nlmsg_get_payload(msg);

	return (int)head->ifa_index == *(const int *)index && head->ifa_scope == RT_SCOPE_UNIVERSE &&
	       flags_of(msg) & IFA_F_PERMANENT;
}

static bool is_for_guest(const struct nlmsghdr *msg, const void *index)
{
	const struct ifaddrmsg *head = mnl_nlmsg_get_payload(msg);
	const struct ifa_cacheinfo *times = attr_of(msg, IFA_CACHEINFO, sizeof(*times));

	if ((int)head->ifa_index != *(const int *)index ||
	    (head->ifa_family != AF_INET && head->ifa_family != AF_INET6))
		return false;
	if (head->ifa_family == AF_INET6 && flags_of(msg) & (IFA_F_TEMPORARY | IFA_F_DADFAILED))
		return false;
	return !times || times->ifa_valid > 0;
}

static int get(struct rtnl *nl, int index, bool (*wanted)(const struct nlmsghdr *, const void *), struct rtnl_list *out,
	       struct err *e)
{
	const struct rtnl_query query = { .type = RTM_GETADDR,
					  .answers = RTM_NEWADDR,
					  .head = sizeof(struct ifaddrmsg),
					  .wanted = wanted,
					  .arg = &index };
	int r = rtnl_list_get(nl, &query, out);

	return r < 0 ? rtnl_failed(nl, -r, e, "read its addresses") : 0;
}

int addr_list_get(struct rtnl *nl, int index, struct rtnl_list *out, struct err *e)
{
	return get(nl, index, is_kept_by_move, out, e);
}

int addr_guest_get(struct rtnl *nl, int index, struct rtnl_list *out, struct err *e)
{
	return get(nl, index, is_for_guest, out, e);
}

static int copy_attr(const struct nlattr *attr, void *data)
{
	struct nlmsghdr *msg = data;

	switch (mnl_attr_get_type(attr)) {
	case IFA_ADDRESS:
	case IFA_LOCAL:
	case IFA_BROADCAST:
	case IFA_CACHEINFO: /* the preferred lifetime: 0 marks an address as deprecated */
	case IFA_RT_PRIORITY:
	case IFA_PROTO:
		if (!mnl_attr_put_check(msg, RTNL_REQUEST_MAX, mnl_attr_get_type(attr), mnl_attr_get_payload_len(attr),
					mnl_attr_get_payload(attr)))
			return MNL_CB_ERROR;
		break;
	default: /* a label holds the old interface name; the rest is the kernel's */
		break;
	}
	return MNL_CB_OK;
}

static void address_text(const struct nlmsghdr *msg, char out[INET6_ADDRSTRLEN])
{
	const struct ifaddrmsg *head = mnl_nlmsg_get_payload(msg);
	size_t len = head->ifa_family == AF_INET6 ? 16 : 4;
	const struct nlattr *attr;

	(void)strcpy(out, "?");
	mnl_attr_for_each(attr, msg, sizeof(*head))
	{
		uint16_t type = mnl_attr_get_type(attr);

		if ((type == IFA_ADDRESS || type == IFA_LOCAL) && mnl_attr_get_payload_len(attr) == len)
			(void)inet_ntop(head->ifa_family, mnl_attr_get_payload(attr), out, INET6_ADDRSTRLEN);
		if (type == IFA_LOCAL) /* on a point-to-point link IFA_ADDRESS is the other end */
			break;
	}
}

/* In nl->request; NULL: it does not fit. */
static struct nlmsghdr *message(struct rtnl *nl, const struct nlmsghdr *from, uint16_t how, int index, uint32_t flags)
{
	const struct ifaddrmsg *old = mnl_nlmsg_get_payload(from);
	struct ifaddrmsg *head;
	struct nlmsghdr *msg = rtnl_start(nl, RTM_NEWADDR, how, sizeof(*head), &head);

	head->ifa_family = old->ifa_family;
	head->ifa_prefixlen = old->ifa_prefixlen;
	head->ifa_scope = old->ifa_scope;
	head->ifa_index = (unsigned int)index;
	mnl_attr_put_u32(msg, IFA_FLAGS, flags);
	return mnl_attr_parse(from, sizeof(*old), copy_attr, msg) < 0 ? NULL : msg;
}

static int add_one(struct rtnl *nl, int index, const struct nlmsghdr *from, struct err *e)
{
	const struct ifaddrmsg *old = mnl_nlmsg_get_payload(from);
	struct nlmsghdr *msg = message(nl, from, NLM_F_CREATE | NLM_F_EXCL, index, flags_of(from) & SETTABLE_FLAGS);
	char text[INET6_ADDRSTRLEN];
	int r = msg ? rtnl_ask(nl, msg, NULL, NULL) : -EMSGSIZE;

	if (r == 0)
		return 0;
	address_text(from, text);
	return rtnl_failed(nl, -r, e, "keep its address %s/%u", text, (unsigned int)old->ifa_prefixlen);
}

int addr_list_add(struct rtnl *nl, int index, const struct rtnl_list *list, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->n; i++)
		r = add_one(nl, index, list->v[i], e);
	return r;
}

/* Whether an IPv6 address is somebody else's was asked when the namespace got it. */
struct nlmsghdr *addr_guest_message(struct rtnl *nl, const struct nlmsghdr *from)
{
	const struct ifaddrmsg *old = mnl_nlmsg_get_payload(from);
	uint32_t flags = flags_of(from) & SETTABLE_FLAGS;

	if (old->ifa_family == AF_INET6)
		flags |= IFA_F_NODAD;
	return message(nl, from, NLM_F_CREATE | NLM_F_REPLACE, 0, flags);
}

bool addr_is_for_link_up(const struct nlmsghdr *from)
{
	const struct ifaddrmsg *head = mnl_nlmsg_get_payload(from);

	if (head->ifa_family != AF_INET6)
		return false;
	return !(flags_of(from) & IFA_F_PERMANENT) || attr_of(from, IFA_LOCAL, sizeof(struct in6_addr));
}

bool addr_list_has(const struct rtnl_list *list, uint8_t family, const void *address, size_t len)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct ifaddrmsg *head = mnl_nlmsg_get_payload(list->v[i]);
		const void *own = attr_of(list->v[i], IFA_LOCAL, len); /* IFA_ADDRESS may be the other end's */

		if (!own)
			own = attr_of(list->v[i], IFA_ADDRESS, len);
		if (head->ifa_family == family && own && memcmp(own, address, len) == 0)
			return true;
	}
	return false;
}
