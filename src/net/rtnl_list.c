/* SPDX-License-Identifier: Apache-2.0 */
/* rtnl_list.c: see rtnl_list.h. */
#include "rtnl_list.h"

#include "str.h"

#include <string.h>

#define DUMP_TRIES 20

struct gathering {
	const struct rtnl_query *query;
	struct rtnl_list list;
};

static int on_message(const struct nlmsghdr *msg, void *data)
{
	struct gathering *g = data;
	const struct rtnl_query *query = g->query;
	struct rtnl_list *list = &g->list;

	if (msg->nlmsg_type != query->answers || mnl_nlmsg_get_payload_len(msg) < query->head)
		return MNL_CB_OK;
	if (query->wanted && !query->wanted(msg, query->arg))
		return MNL_CB_OK;
	if (msg->nlmsg_len > RTNL_LIST_MAX - list->bytes) {
		errno = E2BIG;
		return MNL_CB_ERROR;
	}
	list->v = x_realloc(list->v, list->n + 1, sizeof(*list->v));
	list->v[list->n] = x_calloc(1, msg->nlmsg_len);
	memcpy(list->v[list->n++], msg, msg->nlmsg_len);
	list->bytes += msg->nlmsg_len;
	return MNL_CB_OK;
}

int rtnl_list_get(struct rtnl *nl, const struct rtnl_query *query, struct rtnl_list *out)
{
	struct gathering g = { .query = query };
	int r = -EINTR;

	for (int i = 0; r == -EINTR && i < DUMP_TRIES; i++) {
		void *head;
		struct nlmsghdr *msg = rtnl_start(nl, query->type, NLM_F_DUMP, query->head, &head);

		rtnl_list_free(&g.list);
		if (query->request)
			memcpy(head, query->request, query->head);
		r = rtnl_ask(nl, msg, on_message, &g);
	}
	if (r < 0) {
		rtnl_list_free(&g.list);
		return r;
	}
	*out = g.list;
	return 0;
}

void rtnl_list_free(struct rtnl_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i]);
	free(list->v);
	*list = (struct rtnl_list){ 0 };
}
