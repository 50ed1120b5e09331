/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest_links.c: see guest_links.h.
 *
 * The tap goes first: its name can be had only once, so whoever comes second touches nothing. What the guest's kernel
 * gets, one message after the other, is in an order in which it takes all: addresses, up, the routes to what is on the
 * link, the routes through gateways, neighbours.
 */
#include "guest_links.h"

#include "addr.h"
#include "ether.h"
#include "fd.h"
#include "neigh.h"
#include "network.h"
#include "redirect.h"
#include "route.h"
#include "rtnl.h"
#include "tap.h"

#include <linux/rtnetlink.h>
#include <string.h>

_Static_assert(RTNL_REQUEST_MAX <= NETWORK_RTNL_MAX, "each request fits");

struct sender {
	struct rtnl *nl;
	int tun_fd, socket_fd;
	size_t bytes;		       /* of all messages for the guest so far */
	int joined[NETWORK_LINKS_MAX]; /* the numbers of the interfaces whose frames go to a tap */
	unsigned int n_joined;
	struct strbuf *warnings;
};

static int send_packet(const struct sender *s, const void *packet, size_t len, const int *fds, int n, struct err *e)
{
	ssize_t sent = fd_send(s->socket_fd, packet, len, fds, n);

	return sent < 0 ? err_sys(e, (int)-sent, "send to husk-mon") : 0;
}

/* msg: NULL if it did not fit. */
static int send_message(struct sender *s, const struct nlmsghdr *msg, struct err *e)
{
	struct network_rtnl packet = { .type = NETWORK_RTNL };

	if (!msg)
		return err_set(e, EMSGSIZE, "an address, a route or a neighbour of more than %d bytes",
			       RTNL_REQUEST_MAX);
	if (msg->nlmsg_len > NETWORK_RTNL_ALL - s->bytes)
		return err_set(e, E2BIG, "a VM takes %u bytes of addresses, routes and neighbours, and there are more",
			       NETWORK_RTNL_ALL);
	s->bytes += msg->nlmsg_len;
	memcpy(packet.message, msg, msg->nlmsg_len);
	return send_packet(s, &packet, offsetof(struct network_rtnl, message) + msg->nlmsg_len, NULL, 0, e);
}

static int send_link(const struct sender *s, const struct ether *ether, const struct tap *tap, struct err *e)
{
	struct network_link link = { .type = NETWORK_LINK, .mtu = ether->mtu };

	(void)strcpy(link.name, ether->name);
	memcpy(link.mac, ether->mac, sizeof(link.mac));
	return send_packet(s, &link, sizeof(link), &tap->fd, 1, e);
}

static int send_address(struct sender *s, const struct nlmsghdr *addr, uint8_t family, bool is_up, struct err *e)
{
	const struct ifaddrmsg *head = mnl_nlmsg_get_payload(addr);

	if (head->ifa_family != family || addr_is_for_link_up(addr) != is_up)
		return 0;
	return send_message(s, addr_guest_message(s->nl, addr), e);
}

/* The kernel prefers the first of them, and puts a new one of IPv4 behind the others, but one of IPv6
 * before them. */
static int send_addresses(struct sender *s, const struct rtnl_list *list, bool is_up, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->n; i++)
		r = send_address(s, list->v[i], AF_INET, is_up, e);
	for (size_t i = list->n; r == 0 && i > 0; i--)
		r = send_address(s, list->v[i - 1], AF_INET6, is_up, e);
	return r;
}

static int send_up(struct sender *s, struct err *e)
{
	struct ifinfomsg *info;
	struct nlmsghdr *msg = rtnl_start(s->nl, RTM_NEWLINK, 0, sizeof(*info), &info);

	info->ifi_flags = IFF_UP;
	info->ifi_change = IFF_UP;
	return send_message(s, msg, e);
}

static void warn_route(const struct sender *s, const struct ether *ether, const struct nlmsghdr *route,
		       const char *what)
{
	char text[ROUTE_TEXT_MAX];

	route_text(route, text);
	strbuf_printf(s->warnings, "interface '%s': route %s: %s\n", ether->name, text, what);
}

static int send_route(struct sender *s, const struct ether *ether, const struct rtnl_list *addrs,
		      const struct nlmsghdr *route, struct err *e)
{
	const char *problem = route_problem(route);
	const void *source;
	uint8_t family;
	size_t len;

	if (problem) {
		AUTO_FREE char *what = x_printf("%s: leaving it out", problem);

		warn_route(s, ether, route, what);
		return 0;
	}
	source = route_source(route, &family, &len);
	if (source && !addr_list_has(addrs, family, source, len)) {
		warn_route(s, ether, route, "its source is no address of the interface: leaving the source out");
		source = NULL;
	}
	return send_message(s, route_guest_message(s->nl, route, source != NULL), e);
}

static int send_routes(struct sender *s, const struct ether *ether, const struct rtnl_list *addrs, struct err *e)
{
	struct rtnl_list routes = { 0 };
	int r = route_guest_get(s->nl, ether->index, &routes, e);

	for (int gateways = 0; gateways <= 1; gateways++)
		for (size_t i = 0; r == 0 && i < routes.n; i++)
			if (route_has_gateway(routes.v[i]) == (gateways == 1))
				r = send_route(s, ether, addrs, routes.v[i], e);
	rtnl_list_free(&routes);
	return r;
}

static int send_neighbours(struct sender *s, const struct ether *ether, struct err *e)
{
	struct rtnl_list list = { 0 };
	int r = neigh_guest_get(s->nl, ether->index, &list, e);

	for (size_t i = 0; r == 0 && i < list.n; i++)
		r = send_message(s, neigh_guest_message(s->nl, list.v[i]), e);
	rtnl_list_free(&list);
	return r;
}

/* An interface that is down has no routes, and takes none. */
static int send_rest(struct sender *s, const struct ether *ether, struct err *e)
{
	struct rtnl_list addrs = { 0 };
	bool is_up = ether->flags & IFF_UP;
	int r = addr_guest_get(s->nl, ether->index, &addrs, e);

	if (r == 0)
		r = send_addresses(s, &addrs, false, e);
	if (r == 0 && is_up)
		r = send_up(s, e);
	if (r == 0)
		r = send_addresses(s, &addrs, true, e);
	if (r == 0 && is_up)
		r = send_routes(s, ether, &addrs, e);
	if (r == 0)
		r = send_neighbours(s, ether, e);
	rtnl_list_free(&addrs);
	return r;
}

/* The tap's end first: the interface's frames are taken from the namespace when all else is there. */
static int join(struct sender *s, const struct ether *ether, const struct tap *tap, struct err *e)
{
	int r = redirect_add(s->nl, tap->index, ether->index, e);

	if (r < 0)
		return err_add(e, "the tap '%s'", tap->name);
	r = redirect_add(s->nl, ether->index, tap->index, e);
	if (r == 0)
		s->joined[s->n_joined++] = ether->index;
	return r;
}

static int give(struct sender *s, const struct ether *ether, struct err *e)
{
	struct tap tap = { .fd = -1 };
	int r = tap_make(s->nl, s->tun_fd, s->n_joined, ether->mtu, &tap, e);

	if (r == 0)
		r = join(s, ether, &tap, e);
	if (r == 0)
		r = send_link(s, ether, &tap, e);
	if (r == 0)
		r = send_rest(s, ether, e);
	fd_close(&tap.fd); /* what was sent keeps it */
	return r < 0 ? err_add(e, "interface '%s'", ether->name) : 0;
}

static int give_all(struct sender *s, struct err *e)
{
	AUTO_FREE struct ether *ethers = NULL;
	size_t n = 0;
	int r = ether_list(s->nl, &ethers, &n, e);

	if (r == 0 && n > NETWORK_LINKS_MAX)
		r = err_set(e, E2BIG, "interface '%s': a VM has %d interfaces at most, and this network namespace %zu",
			    ethers[NETWORK_LINKS_MAX].name, NETWORK_LINKS_MAX, n);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = give(s, &ethers[i], e);
	while (r < 0 && s->n_joined > 0)
		(void)redirect_remove(s->nl, s->joined[--s->n_joined], NULL);
	return r;
}

int guest_links_send(int tun_fd, int socket_fd, struct strbuf *warnings, struct err *e)
{
	AUTO_FREE struct rtnl *nl = x_calloc(1, sizeof(*nl));
	struct sender s = { .nl = nl, .tun_fd = tun_fd, .socket_fd = socket_fd, .warnings = warnings };
	int r = rtnl_open(nl, e);

	if (r == 0)
		r = give_all(&s, e);
	rtnl_close(nl);
	return r;
}
