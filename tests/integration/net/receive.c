/* SPDX-License-Identifier: Apache-2.0 */
/*
 * receive.c: the other end of `husk-net tap`, for tests: husk-mon, and the guest.
 *
 *   receive [--guest NETNS] [--hold] HUSK-NET TUN
 *
 * starts HUSK-NET with a descriptor (O_PATH) of TUN, and prints what it sends, a line each:
 *
 *   link NAME MAC MTU
 *   address ADDRESS/LENGTH [local ADDRESS] [broadcast ADDRESS] scope N flags 0xN [preferred N valid N]
 *   up
 *   route DESTINATION/LENGTH [via ADDRESS] [source ADDRESS] [metric N] scope N protocol N flags 0xN [expires N]
 *   neighbour ADDRESS at MAC state 0xN
 *   failure ERRNO MESSAGE
 *   end STATUS                               of husk-net's
 *
 * --guest: the network namespace at the path NETNS stands for the guest's kernel. Each link is a tap of its name, MAC
 * and MTU there, and the messages are sent to that kernel, one after the other; what it refuses is printed as
 * "refused ERRNO WORD...". With --hold the taps live until a signal ends the program, and all frames go between the two of
 * a link. What breaks the protocol ends the program with status 2.
 */
#include "fd.h"
#include "network.h"
#include "str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_arp.h>
#include <linux/if_tun.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define FRAME_MAX 70000

static struct receiver {
	int own_ns, guest_ns; /* guest_ns -1: there is none */
	struct mnl_socket *netlink;
	unsigned int seq;
	int host[NETWORK_LINKS_MAX], guest[NETWORK_LINKS_MAX]; /* both ends of the links: taps */
	int guest_index;				       /* of the last link */
	size_t n;
} d;

static void __attribute__((noreturn)) die(const char *what, const char *why)
{
	(void)fprintf(stderr, "receive: %s: %s\n", what, why);
	exit(2);
}

static int must(int r, const char *what)
{
	if (r < 0)
		die(what, strerror(errno));
	return r;
}

/* ---- the guest's kernel ---- */

static void enter(int ns)
{
	(void)must(setns(ns, CLONE_NEWNET), "setns");
}

static void open_guest(const char *path)
{
	d.own_ns = must(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), "own namespace");
	d.guest_ns = must(open(path, O_RDONLY | O_CLOEXEC), path);
	enter(d.guest_ns);
	d.netlink = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!d.netlink || mnl_socket_bind(d.netlink, 0, MNL_SOCKET_AUTOPID) < 0)
		die("netlink", strerror(errno));
	enter(d.own_ns);
}

static void make_guest_link(const struct network_link *link)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	AUTO_FD sock = -1;
	int fd;

	if (d.guest_ns < 0)
		return;
	enter(d.guest_ns);
	sock = must(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
	fd = must(open("/dev/net/tun", O_RDWR | O_CLOEXEC), "/dev/net/tun");
	(void)strcpy(request.ifr_name, link->name);
	(void)must(ioctl(fd, TUNSETIFF, &request), "TUNSETIFF");
	request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(request.ifr_hwaddr.sa_data, link->mac, ETH_ALEN);
	(void)must(ioctl(sock, SIOCSIFHWADDR, &request), "SIOCSIFHWADDR");
	request.ifr_mtu = (int)link->mtu;
	(void)must(ioctl(sock, SIOCSIFMTU, &request), "SIOCSIFMTU");
	(void)must(ioctl(sock, SIOCGIFINDEX, &request), "SIOCGIFINDEX");
	d.guest_index = request.ifr_ifindex;
	d.guest[d.n] = fd;
	enter(d.own_ns);
}

/* The place in the message where the number of the interface is to be. */
static int *index_of(struct nlmsghdr *msg)
{
	struct nlattr *attr;
	void *head = mnl_nlmsg_get_payload(msg);

	switch (msg->nlmsg_type) {
	case RTM_NEWADDR:
		return (int *)&((struct ifaddrmsg *)head)->ifa_index;
	case RTM_NEWLINK:
		return &((struct ifinfomsg *)head)->ifi_index;
	case RTM_NEWNEIGH:
		return &((struct ndmsg *)head)->ndm_ifindex;
	case RTM_NEWROUTE:
		mnl_attr_for_each(attr, msg, sizeof(struct rtmsg))
		{
			if (mnl_attr_get_type(attr) == RTA_OIF)
				return mnl_attr_get_payload(attr);
		}
		die("route", "without RTA_OIF");
	default:
		die("message", "of another type");
	}
}

static void send_to_guest(struct nlmsghdr *msg)
{
	char answer[8192];
	ssize_t n;

	if (d.guest_ns < 0)
		return;
	*index_of(msg) = d.guest_index;
	msg->nlmsg_seq = ++d.seq;
	if (mnl_socket_sendto(d.netlink, msg, msg->nlmsg_len) < 0)
		die("netlink", strerror(errno));
	n = must((int)mnl_socket_recvfrom(d.netlink, answer, sizeof(answer)), "netlink");
	if (mnl_cb_run(answer, (size_t)n, d.seq, mnl_socket_get_portid(d.netlink), NULL, NULL) < 0)
		printf("refused %d %s\n", errno, strerror(errno));
}

/* ---- what is printed ---- */

static void print_mac(const uint8_t *mac)
{
	for (int i = 0; i < ETH_ALEN; i++)
		printf("%s%02x", i ? ":" : "", mac[i]);
}

/* " WORD ADDRESS" */
static void print_address(const char *word, const struct nlattr *attr)
{
	char text[INET6_ADDRSTRLEN] = "?";
	uint16_t len = attr ? mnl_attr_get_payload_len(attr) : 0;

	if (len == 4 || len == 16)
		(void)inet_ntop(len == 4 ? AF_INET : AF_INET6, mnl_attr_get_payload(attr), text, sizeof(text));
	if (attr)
		printf(" %s%s%s", word, *word ? " " : "", text);
}

static void print_number(const char *word, const struct nlattr *attr)
{
	if (attr)
		printf(" %s %u", word, mnl_attr_get_u32(attr));
}

#define ATTRS 40

static int on_attr(const struct nlattr *attr, void *data)
{
	const struct nlattr **attrs = data;

	if (mnl_attr_get_type(attr) < ATTRS)
		attrs[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static void print_addr(const struct ifaddrmsg *head, const struct nlattr **a)
{
	const struct ifa_cacheinfo *times = a[IFA_CACHEINFO] ? mnl_attr_get_payload(a[IFA_CACHEINFO]) : NULL;

	printf("address");
	print_address("", a[IFA_ADDRESS]);
	printf("/%u", head->ifa_prefixlen);
	print_address("local", a[IFA_LOCAL]);
	print_address("broadcast", a[IFA_BROADCAST]);
	printf(" scope %u flags 0x%x", head->ifa_scope, a[IFA_FLAGS] ? mnl_attr_get_u32(a[IFA_FLAGS]) : 0);
	if (times && times->ifa_valid != UINT32_MAX)
		printf(" preferred %u valid %u", times->ifa_prefered, times->ifa_valid);
	printf("\n");
}

static void print_route(const struct rtmsg *head, const struct nlattr **a)
{
	printf("route");
	if (a[RTA_DST])
		print_address("", a[RTA_DST]);
	else
		printf(" %s", head->rtm_family == AF_INET ? "0.0.0.0" : "::");
	printf("/%u", head->rtm_dst_len);
	print_address("via", a[RTA_GATEWAY]);
	print_address("source", a[RTA_PREFSRC]);
	print_number("metric", a[RTA_PRIORITY]);
	printf(" scope %u protocol %u flags 0x%x", head->rtm_scope, head->rtm_protocol, head->rtm_flags);
	print_number("expires", a[RTA_EXPIRES]);
	printf("\n");
}

static void print_neigh(const struct ndmsg *head, const struct nlattr **a)
{
	printf("neighbour");
	print_address("", a[NDA_DST]);
	if (a[NDA_LLADDR] && mnl_attr_get_payload_len(a[NDA_LLADDR]) == ETH_ALEN) {
		printf(" at ");
		print_mac(mnl_attr_get_payload(a[NDA_LLADDR]));
	}
	printf(" state 0x%x\n", head->ndm_state);
}

static void print_message(const struct nlmsghdr *msg)
{
	static const size_t heads[] = { [RTM_NEWLINK] = sizeof(struct ifinfomsg),
					[RTM_NEWADDR] = sizeof(struct ifaddrmsg),
					[RTM_NEWROUTE] = sizeof(struct rtmsg),
					[RTM_NEWNEIGH] = sizeof(struct ndmsg) };
	const struct nlattr *attrs[ATTRS] = { 0 };
	const void *head = mnl_nlmsg_get_payload(msg);
	const struct ifinfomsg *link = head;

	(void)mnl_attr_parse(msg, (unsigned int)heads[msg->nlmsg_type], on_attr, attrs);
	if (msg->nlmsg_type == RTM_NEWADDR)
		print_addr(head, attrs);
	else if (msg->nlmsg_type == RTM_NEWROUTE)
		print_route(head, attrs);
	else if (msg->nlmsg_type == RTM_NEWNEIGH)
		print_neigh(head, attrs);
	else if (link->ifi_flags == IFF_UP && link->ifi_change == IFF_UP)
		printf("up\n");
	else
		die("RTM_NEWLINK", "about something else than up");
}

/* ---- what comes ---- */

static union packet {
	uint32_t type;
	struct network_link link;
	struct network_rtnl rtnl;
	struct network_failure failure;
} packet;

static void take_link(size_t len, int fd)
{
	if (len != sizeof(packet.link) || fd < 0 || d.n == NETWORK_LINKS_MAX)
		die("link", "of another size, without a descriptor, or one too many");
	if (!memchr(packet.link.name, '\0', sizeof(packet.link.name)))
		die("link", "a name without an end");
	printf("link %s ", packet.link.name);
	print_mac(packet.link.mac);
	printf(" %u\n", packet.link.mtu);
	d.host[d.n] = fd;
	make_guest_link(&packet.link);
	d.n++;
}

static void take_rtnl(size_t len)
{
	struct nlmsghdr *msg = (struct nlmsghdr *)packet.rtnl.message;

	len -= offsetof(struct network_rtnl, message);
	if (d.n == 0 || len < sizeof(*msg) || msg->nlmsg_len != len)
		die("message", "before a link, or its length is not its packet's");
	if ((msg->nlmsg_flags & (NLM_F_REQUEST | NLM_F_ACK)) != (NLM_F_REQUEST | NLM_F_ACK))
		die("message", "no request, or without an answer");
	if (*index_of(msg) != 0)
		die("message", "for another interface than 0");
	print_message(msg);
	send_to_guest(msg);
}

/* False at the end. */
static bool take(int sock)
{
	int fd = -1, n = 0;
	ssize_t len = fd_recv(sock, &packet, sizeof(packet), &fd, 1, &n);

	if (len <= 0)
		return false;
	if (packet.type == NETWORK_LINK)
		take_link((size_t)len, n == 1 ? fd : -1);
	else if (packet.type == NETWORK_RTNL && n == 0)
		take_rtnl((size_t)len);
	else if (packet.type == NETWORK_FAILURE && len == sizeof(packet.failure))
		printf("failure %d %s\n", packet.failure.code, packet.failure.message);
	else
		die("packet", "of another type");
	return true;
}

static void pump(int from, int to)
{
	static char frame[FRAME_MAX];
	ssize_t n = read(from, frame, sizeof(frame));

	if (n > 0 && write(to, frame, (size_t)n) < 0 && errno != EIO) /* EIO: the other is down */
		die("write a frame", strerror(errno));
}

static void hold(void)
{
	struct pollfd p[2 * NETWORK_LINKS_MAX];

	for (;;) {
		for (size_t i = 0; i < d.n; i++) {
			p[2 * i] = (struct pollfd){ .fd = d.guest_ns < 0 ? -1 : d.host[i], .events = POLLIN };
			p[2 * i + 1] = (struct pollfd){ .fd = d.guest_ns < 0 ? -1 : d.guest[i], .events = POLLIN };
		}
		(void)poll(p, 2 * d.n, -1);
		for (size_t i = 0; i < d.n; i++) {
			if (p[2 * i].revents & POLLIN)
				pump(d.host[i], d.guest[i]);
			if (p[2 * i + 1].revents & POLLIN)
				pump(d.guest[i], d.host[i]);
		}
	}
}

static pid_t start(const char *helper, const char *tun, int *out_sock)
{
	AUTO_FREE char *tun_text = NULL, *sock_text = NULL;
	int socks[2], tun_fd = must(open(tun, O_PATH), tun);
	pid_t pid;

	(void)must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, socks), "socketpair");
	tun_text = x_printf("%d", tun_fd);
	sock_text = x_printf("%d", socks[1]);
	pid = must(fork(), "fork");
	if (pid == 0) {
		(void)close(socks[0]);
		(void)execl(helper, helper, "tap", "--tun-fd", tun_text, "--socket-fd", sock_text, (char *)NULL);
		die(helper, strerror(errno));
	}
	(void)close(tun_fd);
	(void)close(socks[1]);
	*out_sock = socks[0];
	return pid;
}

int main(int argc, char **argv)
{
	bool holds = false;
	int sock, status;
	pid_t pid;

	d.guest_ns = -1;
	argv++;
	argc--;
	if (argc >= 2 && str_eq(argv[0], "--guest")) {
		open_guest(argv[1]);
		argv += 2;
		argc -= 2;
	}
	if (argc >= 1 && str_eq(argv[0], "--hold")) {
		holds = true;
		argv++;
		argc--;
	}
	if (argc != 2)
		die("usage", "receive [--guest NETNS] [--hold] HUSK-NET TUN");
	pid = start(argv[0], argv[1], &sock);
	while (take(sock))
		;
	(void)must(waitpid(pid, &status, 0), "waitpid");
	printf("end %d\n", WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
	(void)fflush(stdout);
	if (holds)
		hold();
	return 0;
}
