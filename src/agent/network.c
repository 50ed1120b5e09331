/* SPDX-License-Identifier: Apache-2.0 */
/* network.c: see network.h. rtnetlink(7), netdevice(7), setns(2). */
#include "network.h"

#include "clock.h"
#include "fd.h"
#include "log.h"

#include <fcntl.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#define CARD_WAIT_MS 10000
#define STEP_NS 2000000
#define ANSWER_MAX 8192

int network_add(struct network *n, const struct frame *f, struct err *e)
{
	if (f->type == MSG_LINK) {
		if (n->n == NETWORK_LINKS_MAX)
			return err_set(e, EPROTO, "LINK: more than %d", NETWORK_LINKS_MAX);
		return message_link_decode(f, &n->v[n->n++].link, e);
	}
	if (n->n == 0)
		return err_set(e, EPROTO, "RTNL before LINK");
	if (f->len > 2 * NETWORK_RTNL_ALL - n->v[n->n - 1].messages.len)
		return err_set(e, EPROTO, "RTNL: more than %u bytes", 2 * NETWORK_RTNL_ALL);
	strbuf_add(&n->v[n->n - 1].messages, (const char *)f->payload, f->len);
	return 0;
}

void network_free(struct network *n)
{
	for (size_t i = 0; i < n->n; i++)
		free(n->v[i].messages.s);
	*n = (struct network){ 0 };
}

/* ---- rtnetlink ---- */

static int open_rtnl(struct err *e)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	return fd < 0 ? err_sys(e, errno, "socket(AF_NETLINK)") : fd;
}

/* Returns what the kernel answers: 0 or -errno. */
static int ask(int sock, struct nlmsghdr *msg)
{
	union {
		struct nlmsghdr head;
		char bytes[ANSWER_MAX];
	} answer;
	const struct nlmsgerr *said = NLMSG_DATA(&answer.head);
	ssize_t n;

	msg->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	if (send(sock, msg, msg->nlmsg_len, 0) < 0)
		return -errno;
	n = recv(sock, &answer, sizeof(answer), 0);
	if (n < 0)
		return -errno;
	if ((size_t)n < NLMSG_LENGTH(sizeof(*said)) || answer.head.nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return said->error;
}

static void add_attribute(struct nlmsghdr *msg, uint16_t type, const void *data, size_t len)
{
	struct rtattr *a = (struct rtattr *)((char *)msg + NLMSG_ALIGN(msg->nlmsg_len));

	a->rta_type = type;
	a->rta_len = (uint16_t)RTA_LENGTH(len);
	memcpy(RTA_DATA(a), data, len);
	msg->nlmsg_len = (uint32_t)(NLMSG_ALIGN(msg->nlmsg_len) + RTA_SPACE(len));
}

/* ---- from the guest's first network namespace into the container's ---- */

static bool has_address(int sock, const char *name, const uint8_t mac[ETH_ALEN])
{
	struct ifreq req = { 0 };

	memcpy(req.ifr_name, name, strnlen(name, IF_NAMESIZE - 1));
	return ioctl(sock, SIOCGIFHWADDR, &req) == 0 && req.ifr_hwaddr.sa_family == ARPHRD_ETHER &&
	       memcmp(req.ifr_hwaddr.sa_data, mac, ETH_ALEN) == 0;
}

static unsigned int find_card(int sock, const uint8_t mac[ETH_ALEN])
{
	struct if_nameindex *all = if_nameindex();
	unsigned int found = 0;

	for (struct if_nameindex *i = all; i && i->if_index && !found; i++)
		if (has_address(sock, i->if_name, mac))
			found = i->if_index;
	if (all)
		if_freenameindex(all);
	return found;
}

static unsigned int await_card(int sock, const uint8_t mac[ETH_ALEN])
{
	const struct timespec step = { .tv_nsec = STEP_NS };
	int64_t end = clock_monotonic_ms() + CARD_WAIT_MS;
	unsigned int index;

	while (!(index = find_card(sock, mac)) && clock_monotonic_ms() < end)
		(void)nanosleep(&step, NULL);
	return index;
}

static int send_in(int sock, const struct network_card *card, int netns, struct err *e)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg info;
		char attributes[64];
	} msg = {
		.head = { .nlmsg_len = NLMSG_LENGTH(sizeof(msg.info)), .nlmsg_type = RTM_NEWLINK },
		.info = { .ifi_index = (int)await_card(sock, card->link.mac) },
	};
	const uint32_t fd = (uint32_t)netns;
	int r;

	if (!msg.info.ifi_index)
		return err_set(e, ENODEV, "interface '%s': its network card did not come up in %d seconds",
			       card->link.name, CARD_WAIT_MS / 1000);
	add_attribute(&msg.head, IFLA_NET_NS_FD, &fd, sizeof(fd));
	add_attribute(&msg.head, IFLA_IFNAME, card->link.name, strlen(card->link.name) + 1);
	r = ask(sock, &msg.head);
	return r < 0 ? err_sys(e, -r, "interface '%s': move it into the container", card->link.name) : 0;
}

/* ---- in the container's ---- */

static void put_index(struct nlmsghdr *msg, unsigned int index)
{
	struct rtmsg *route = NLMSG_DATA(msg);
	int len = (int)RTM_PAYLOAD(msg);

	if (msg->nlmsg_type == RTM_NEWADDR)
		((struct ifaddrmsg *)NLMSG_DATA(msg))->ifa_index = index;
	else if (msg->nlmsg_type == RTM_NEWLINK)
		((struct ifinfomsg *)NLMSG_DATA(msg))->ifi_index = (int)index;
	else if (msg->nlmsg_type == RTM_NEWNEIGH)
		((struct ndmsg *)NLMSG_DATA(msg))->ndm_ifindex = (int)index;
	else
		for (struct rtattr *a = RTM_RTA(route); RTA_OK(a, len); a = RTA_NEXT(a, len))
			if (a->rta_type == RTA_OIF && RTA_PAYLOAD(a) == sizeof(index))
				memcpy(RTA_DATA(a), &index, sizeof(index));
}

/* NULL: it is none of those. */
static const char *what_it_gives(const struct nlmsghdr *msg)
{
	static const struct {
		uint16_t type;
		size_t head;
		const char *what;
	} types[] = {
		{ RTM_NEWADDR, sizeof(struct ifaddrmsg), "an address" },
		{ RTM_NEWLINK, sizeof(struct ifinfomsg), "its state" },
		{ RTM_NEWROUTE, sizeof(struct rtmsg), "a route" },
		{ RTM_NEWNEIGH, sizeof(struct ndmsg), "a neighbour" },
	};

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].type == msg->nlmsg_type && msg->nlmsg_len >= NLMSG_LENGTH(types[i].head))
			return types[i].what;
	return NULL;
}

/* The one at *at, which goes on to the next; NULL: no more is there, or no whole one. */
static struct nlmsghdr *take_message(const struct strbuf *b, size_t *at)
{
	size_t left = *at < b->len ? b->len - *at : 0;
	struct nlmsghdr *m;

	if (left < sizeof(*m))
		return NULL;
	m = (void *)(b->s + *at);
	if (m->nlmsg_len < sizeof(*m) || m->nlmsg_len > left)
		return NULL;
	*at += NLMSG_ALIGN(m->nlmsg_len);
	return m;
}

static int set_up(int sock, struct network_card *card, struct err *e)
{
	unsigned int index = if_nametoindex(card->link.name);
	struct nlmsghdr *m;
	size_t at = 0;

	if (!index)
		return err_sys(e, errno, "interface '%s': it is not in the container", card->link.name);
	while ((m = take_message(&card->messages, &at))) {
		const char *what = what_it_gives(m);
		int r;

		if (!what)
			return err_set(e, EPROTO, "interface '%s': a message of type %u, %u bytes", card->link.name,
				       m->nlmsg_type, m->nlmsg_len);
		put_index(m, index);
		r = ask(sock, m);
		if (r < 0)
			log_warn("interface '%s': the guest's kernel refuses %s that it has on the host: %s",
				 card->link.name, what, strerrordesc_np(-r));
	}
	return 0;
}

static int set_up_all(struct network *n, struct err *e)
{
	AUTO_FD sock = open_rtnl(e);
	int r = sock < 0 ? sock : 0;

	for (size_t i = 0; r == 0 && i < n->n; i++)
		r = set_up(sock, &n->v[i], e);
	return r;
}

int network_give(void *arg, pid_t init, struct err *e)
{
	struct network *n = arg;
	AUTO_FREE char *path = x_printf("/proc/%d/ns/net", (int)init);
	AUTO_FD inside = open(path, O_RDONLY | O_CLOEXEC);
	AUTO_FD home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	AUTO_FD sock = -1;
	int r = 0;

	if (inside < 0 || home < 0)
		return err_sys(e, errno, "open '%s'", inside < 0 ? path : "/proc/self/ns/net");
	sock = open_rtnl(e);
	if (sock < 0)
		return sock;
	for (size_t i = 0; r == 0 && i < n->n; i++)
		r = send_in(sock, &n->v[i], inside, e);
	if (r == 0 && setns(inside, CLONE_NEWNET) < 0)
		r = err_sys(e, errno, "enter the container's network namespace");
	if (r < 0)
		return r;
	r = set_up_all(n, e);
	if (setns(home, CLONE_NEWNET) < 0)
		return err_sys(e, errno, "leave the container's network namespace");
	return r;
}
