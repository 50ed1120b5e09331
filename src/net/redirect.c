/* SPDX-License-Identifier: Apache-2.0 */
/* redirect.c: see redirect.h. A qdisc ingress, and in it a filter u32 that matches all and has one action mirred. */
#include "redirect.h"

#include "rtnl_list.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <stdbool.h>

#define PRIORITY 1U

static int add_ingress(struct rtnl *nl, int index, struct err *e)
{
	struct tcmsg *tc;
	struct nlmsghdr *msg = rtnl_start(nl, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, sizeof(*tc), &tc);
	int r;

	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = index;
	tc->tcm_handle = TC_H_MAKE(TC_H_INGRESS, 0);
	tc->tcm_parent = TC_H_INGRESS;
	mnl_attr_put_strz(msg, TCA_KIND, "ingress");
	r = rtnl_ask(nl, msg, NULL, NULL);
	if (r == 0 || r == -EEXIST)
		return 0;
	if (r == -ENOENT)
		return rtnl_failed(nl, -r, e, "add a qdisc 'ingress' (the kernel's module 'sch_ingress')");
	return rtnl_failed(nl, -r, e, "add a qdisc 'ingress'");
}

/* Where our filter is. The parent is the same number for ingress and clsact. */
static struct tcmsg filter_place(int index)
{
	return (struct tcmsg){
		.tcm_family = AF_UNSPEC,
		.tcm_ifindex = index,
		.tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
		.tcm_info = TC_H_MAKE(PRIORITY << 16, htons(ETH_P_ALL)),
	};
}

/* The message about it. */
static struct nlmsghdr *start(struct rtnl *nl, uint16_t type, uint16_t flags, int index)
{
	struct tcmsg *tc;
	struct nlmsghdr *msg = rtnl_start(nl, type, flags, sizeof(*tc), &tc);

	*tc = filter_place(index);
	return msg;
}

static void put_mirred(struct nlmsghdr *msg, int to)
{
	const struct tc_mirred mirred = { .action = TC_ACT_STOLEN,
					  .eaction = TCA_EGRESS_REDIR,
					  .ifindex = (uint32_t)to };
	struct nlattr *actions = mnl_attr_nest_start(msg, TCA_U32_ACT);
	struct nlattr *action = mnl_attr_nest_start(msg, 1); /* its place in the list */
	struct nlattr *options;

	mnl_attr_put_strz(msg, TCA_ACT_KIND, "mirred");
	options = mnl_attr_nest_start(msg, TCA_ACT_OPTIONS);
	mnl_attr_put(msg, TCA_MIRRED_PARMS, sizeof(mirred), &mirred);
	mnl_attr_nest_end(msg, options);
	mnl_attr_nest_end(msg, action);
	mnl_attr_nest_end(msg, actions);
}

static int add_filter(struct rtnl *nl, int from, int to, struct err *e)
{
	/* a struct tc_u32_sel and its one key, of mask 0 */
	union {
		struct tc_u32_sel sel;
		char bytes[sizeof(struct tc_u32_sel) + sizeof(struct tc_u32_key)];
	} match = { .sel = { .flags = TC_U32_TERMINAL, .nkeys = 1 } };
	struct nlmsghdr *msg = start(nl, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, from);
	struct nlattr *options;
	int r;

	mnl_attr_put_strz(msg, TCA_KIND, "u32");
	options = mnl_attr_nest_start(msg, TCA_OPTIONS);
	mnl_attr_put(msg, TCA_U32_SEL, sizeof(match), match.bytes);
	put_mirred(msg, to);
	mnl_attr_nest_end(msg, options);
	r = rtnl_ask(nl, msg, NULL, NULL);
	if (r == -ENOENT)
		return rtnl_failed(nl, -r, e, "redirect its frames (the kernel's modules 'cls_u32' and 'act_mirred')");
	return r < 0 ? rtnl_failed(nl, -r, e, "redirect its frames") : 0;
}

/* EINVAL: the filter is of another kind, or for one protocol, and so somebody else's. */
int redirect_remove(struct rtnl *nl, int from, struct err *e)
{
	struct nlmsghdr *msg = start(nl, RTM_DELTFILTER, 0, from);
	int r;

	mnl_attr_put_strz(msg, TCA_KIND, "u32");
	r = rtnl_ask(nl, msg, NULL, NULL);
	if (r == -EINVAL)
		return rtnl_failed(nl, -r, e, "its ingress has a filter of priority %u that is not husk's", PRIORITY);
	return r < 0 && r != -ENOENT ? rtnl_failed(nl, -r, e, "remove its filter of priority %u", PRIORITY) : 0;
}

/* The attribute of this type in a nest; NULL: there is none. */
static const struct nlattr *find(const struct nlattr *nest, uint16_t type)
{
	const struct nlattr *attr;

	if (!nest)
		return NULL;
	mnl_attr_for_each_nested(attr, nest)
	{
		if (mnl_attr_get_type(attr) == type)
			return attr;
	}
	return NULL;
}

/* Of a mirred whose other end is gone the kernel tells 0 (net/sched/act_mirred.c, tcf_mirred_dump()). */
static bool is_dead(const struct nlmsghdr *msg, const void *unused)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(msg);
	const struct nlattr *attr, *parms = NULL;
	const struct tc_mirred *mirred;

	(void)unused;
	if (TC_H_MAJ(tc->tcm_info) >> 16 != PRIORITY)
		return false;
	mnl_attr_for_each(attr, msg, sizeof(*tc))
	{
		if (mnl_attr_get_type(attr) == TCA_OPTIONS)
			parms = find(find(find(find(attr, TCA_U32_ACT), 1), TCA_ACT_OPTIONS), TCA_MIRRED_PARMS);
	}
	if (!parms || mnl_attr_get_payload_len(parms) < sizeof(*mirred))
		return false;
	mirred = mnl_attr_get_payload(parms);
	return mirred->eaction == TCA_EGRESS_REDIR && mirred->ifindex == 0;
}

/* EINVAL: there is no ingress. */
int redirect_is_dead(struct rtnl *nl, int from, struct err *e)
{
	const struct tcmsg place = filter_place(from);
	const struct rtnl_query query = { .type = RTM_GETTFILTER,
					  .answers = RTM_NEWTFILTER,
					  .head = sizeof(place),
					  .request = &place,
					  .wanted = is_dead };
	struct rtnl_list dead = { 0 };
	int r = rtnl_list_get(nl, &query, &dead);
	bool found = dead.n > 0;

	rtnl_list_free(&dead);
	if (r < 0 && r != -EINVAL && r != -ENOENT)
		return rtnl_failed(nl, -r, e, "read its filters");
	return found;
}

int redirect_add(struct rtnl *nl, int from, int to, struct err *e)
{
	int r = add_ingress(nl, from, e);

	if (r == 0)
		r = redirect_remove(nl, from, e);
	return r < 0 ? r : add_filter(nl, from, to, e);
}
