/* SPDX-License-Identifier: Apache-2.0 */
/* rtnl.c: see rtnl.h. */
#include "rtnl.h"

#include "err.h"
#include "str.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

int rtnl_open(struct rtnl *nl, struct err *e)
{
	int on = 1;

	nl->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!nl->sock)
		return err_sys(e, errno, "open a netlink socket");
	if (mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0)
		return err_sys(e, errno, "bind a netlink socket");
	/* reasons in words: Linux 4.12; without them there is still the errno */
	(void)mnl_socket_setsockopt(nl->sock, NETLINK_EXT_ACK, &on, sizeof(on));
	return 0;
}

void rtnl_close(struct rtnl *nl)
{
	if (nl->sock)
		(void)mnl_socket_close(nl->sock);
	nl->sock = NULL;
}

struct nlmsghdr *rtnl_start(struct rtnl *nl, uint16_t type, uint16_t flags, size_t size, void *out_head)
{
	struct nlmsghdr *msg = mnl_nlmsg_put_header(nl->request);

	msg->nlmsg_type = type;
	msg->nlmsg_flags = NLM_F_REQUEST | flags;
	if ((flags & NLM_F_DUMP) != NLM_F_DUMP) /* two bits, which NLM_F_EXCL and others share */
		msg->nlmsg_flags |= NLM_F_ACK;
	msg->nlmsg_seq = ++nl->seq;
	*(void **)out_head = mnl_nlmsg_put_extra_header(msg, size);
	return msg;
}

struct listener {
	struct rtnl *nl;
	mnl_cb_t each;
	void *data;
};

static int on_answer(const struct nlmsghdr *msg, void *data)
{
	const struct listener *l = data;

	return l->each ? l->each(msg, l->data) : MNL_CB_OK;
}

static int on_error_attr(const struct nlattr *attr, void *data)
{
	struct rtnl *nl = data;

	if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
		(void)snprintf(nl->reason, sizeof(nl->reason), "%s", mnl_attr_get_str(attr));
	return MNL_CB_OK;
}

/* The acknowledgement, error 0, or a failure; its attributes follow a copy of the request. */
static int on_error(const struct nlmsghdr *msg, void *data)
{
	const struct listener *l = data;
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(msg);
	size_t skip = sizeof(*error);

	if (mnl_nlmsg_get_payload_len(msg) < sizeof(*error)) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	if (error->error == 0)
		return MNL_CB_STOP;
	if (!(msg->nlmsg_flags & NLM_F_CAPPED))
		skip += mnl_nlmsg_get_payload_len(&error->msg);
	if (msg->nlmsg_flags & NLM_F_ACK_TLVS && skip <= mnl_nlmsg_get_payload_len(msg))
		(void)mnl_attr_parse(msg, (unsigned int)skip, on_error_attr, l->nl);
	errno = -error->error;
	return MNL_CB_ERROR;
}

int rtnl_ask(struct rtnl *nl, struct nlmsghdr *msg, mnl_cb_t each, void *data)
{
	mnl_cb_t control[] = { [NLMSG_ERROR] = on_error };
	unsigned int port = mnl_socket_get_portid(nl->sock);
	struct listener listener = { nl, each, data };
	ssize_t n;
	int r;

	nl->reason[0] = '\0';
	if (mnl_socket_sendto(nl->sock, msg, msg->nlmsg_len) < 0)
		return -errno;
	do {
		n = mnl_socket_recvfrom(nl->sock, nl->answer, sizeof(nl->answer));
		if (n < 0)
			return -errno;
		r = mnl_cb_run2(nl->answer, (size_t)n, nl->seq, port, on_answer, &listener, control,
				ARRAY_LEN(control));
	} while (r > MNL_CB_STOP);
	return r < 0 ? -errno : 0;
}

int rtnl_failed(const struct rtnl *nl, int code, struct err *e, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (nl->reason[0])
		return err_set(e, code, "%s: %s (%s)", what, strerror(code), nl->reason);
	return err_sys(e, code, "%s", what);
}
