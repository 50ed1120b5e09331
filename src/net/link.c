/* SPDX-License-Identifier: Apache-2.0 */
/* link.c: see link.h. */
#include "link.h"

#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#define TEMPLATE_TRIES 4096

static int on_link(const struct nlmsghdr *msg, void *data)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(msg);
	struct link *out = data;

	if (msg->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(msg) < sizeof(*info))
		return MNL_CB_OK;
	out->index = info->ifi_index;
	out->flags = info->ifi_flags;
	return MNL_CB_OK;
}

int link_find(struct rtnl *nl, const char *name, struct link *out, struct err *e)
{
	struct link found = { 0 };
	struct ifinfomsg *info;
	struct nlmsghdr *msg = rtnl_start(nl, RTM_GETLINK, 0, sizeof(*info), &info);
	int r;

	mnl_attr_put_strz(msg, IFLA_IFNAME, name);
	mnl_attr_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	r = rtnl_ask(nl, msg, on_link, &found);
	if (r == -ENODEV || (r == 0 && found.index == 0))
		return -ENODEV;
	if (r < 0)
		return rtnl_failed(nl, -r, e, "look for the interface '%s'", name);
	*out = found;
	return 0;
}

int link_send(struct rtnl *nl, int index, int netns_fd, const char *name, struct err *e)
{
	struct ifinfomsg *info;
	struct nlmsghdr *msg = rtnl_start(nl, RTM_NEWLINK, 0, sizeof(*info), &info);
	int r;

	info->ifi_index = index;
	mnl_attr_put_u32(msg, IFLA_NET_NS_FD, (uint32_t)netns_fd);
	mnl_attr_put_strz(msg, IFLA_IFNAME, name);
	r = rtnl_ask(nl, msg, NULL, NULL);
	return r < 0 ? rtnl_failed(nl, -r, e, "move it as '%s'", name) : 0;
}

int link_up(struct rtnl *nl, int index, struct err *e)
{
	struct ifinfomsg *info;
	struct nlmsghdr *msg = rtnl_start(nl, RTM_NEWLINK, 0, sizeof(*info), &info);
	int r;

	info->ifi_index = index;
	info->ifi_flags = IFF_UP;
	info->ifi_change = IFF_UP;
	r = rtnl_ask(nl, msg, NULL, NULL);
	return r < 0 ? rtnl_failed(nl, -r, e, "bring it up") : 0;
}

int link_free_name(struct rtnl *nl, const char *template, char out[IF_NAMESIZE], struct err *e)
{
	int stem = (int)strlen(template) - 2; /* without "%d" */

	for (int i = 0; i < TEMPLATE_TRIES; i++) {
		struct link link;
		int r;

		if (snprintf(out, IF_NAMESIZE, "%.*s%d", stem, template, i) >= IF_NAMESIZE)
			break;
		r = link_find(nl, out, &link, e);
		if (r == -ENODEV)
			return 0;
		if (r < 0)
			return r;
	}
	return err_set(e, EEXIST, "no name of '%s' is free in the container's network namespace", template);
}
