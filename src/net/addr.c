/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr.c: see addr.h. An address is kept as the message that told of it: giving it
 * again is a new message with those of its attributes that a user can set.
 */
#include "addr.h"

#include "str.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DUMP_TRIES 20
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

struct wanted {
	int index;
	struct addr_list *list;
};

static int on_addr(const struct nlmsghdr *msg, void *data)
{
	const struct ifaddrmsg *head = mnl_nlmsg_get_payload(msg);
	const struct wanted *wanted = data;
	struct addr_list *list = wanted->list;
	struct nlmsghdr *copy;

	if (msg->nlmsg_type != RTM_NEWADDR || mnl_nlmsg_get_payload_len(msg) < sizeof(*head))
		return MNL_CB_OK;
	if ((int)head->ifa_index != wanted->index || head->ifa_scope != RT_SCOPE_UNIVERSE ||
	    !(flags_of(msg) & IFA_F_PERMANENT))
		return MNL_CB_OK;
	copy = x_calloc(1, msg->nlmsg_len);
	memcpy(copy, msg, msg->nlmsg_len);
	list->v = x_realloc(list->v, list->n + 1, sizeof(*list->v));
	list->v[list->n++] = copy;
	return MNL_CB_OK;
}

/* A dump that a change ran into (NLM_F_DUMP_INTR) is taken again. */
int addr_list_get(struct rtnl *nl, int index, struct addr_list *out, struct err *e)
{
	struct addr_list list = { 0 };
	struct wanted wanted = { index, &list };
	int r = -EINTR;

	for (int i = 0; r == -EINTR && i < DUMP_TRIES; i++) {
		struct ifaddrmsg *head;
		struct nlmsghdr *msg = rtnl_start(nl, RTM_GETADDR, NLM_F_DUMP, sizeof(*head), &head);

		addr_list_free(&list);
		head->ifa_family = AF_UNSPEC;
		r = rtnl_ask(nl, msg, on_addr, &wanted);
	}
	if (r < 0) {
		addr_list_free(&list);
		return rtnl_failed(nl, -r, e, "read its addresses");
	}
	*out = list;
	return 0;
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

static int add_one(struct rtnl *nl, int index, const struct nlmsghdr *from, struct err *e)
{
	const struct ifaddrmsg *old = mnl_nlmsg_get_payload(from);
	struct ifaddrmsg *head;
	struct nlmsghdr *msg = rtnl_start(nl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof(*head), &head);
	char text[INET6_ADDRSTRLEN];
	int r;

	head->ifa_family = old->ifa_family;
	head->ifa_prefixlen = old->ifa_prefixlen;
	head->ifa_scope = old->ifa_scope;
	head->ifa_index = (unsigned int)index;
	mnl_attr_put_u32(msg, IFA_FLAGS, flags_of(from) & SETTABLE_FLAGS);
	r = mnl_attr_parse(from, sizeof(*old), copy_attr, msg);
	r = r < 0 ? -EMSGSIZE : rtnl_ask(nl, msg, NULL, NULL);
	if (r == 0)
		return 0;
	address_text(from, text);
	return rtnl_failed(nl, -r, e, "keep its address %s/%u", text, (unsigned int)old->ifa_prefixlen);
}

int addr_list_add(struct rtnl *nl, int index, const struct addr_list *list, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->n; i++)
		r = add_one(nl, index, list->v[i], e);
	return r;
}

void addr_list_free(struct addr_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i]);
	free(list->v);
	*list = (struct addr_list){ 0 };
}
