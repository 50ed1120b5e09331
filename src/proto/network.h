/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network.h: what husk-net tells husk-mon of the interfaces that the guest gets, over a
 * socket of type SOCK_SEQPACKET.
 *
 * One packet a message, each begins with its type (u32, as the host writes it): a struct network_link with the tap's
 * descriptor (SCM_RIGHTS) for each interface, followed by its struct network_rtnl; a struct network_failure ends all.
 * Then husk-net exits.
 */
#ifndef HUSK_PROTO_NETWORK_H
#define HUSK_PROTO_NETWORK_H

#include <linux/if_ether.h>
#include <net/if.h>
#include <stdint.h>

#define NETWORK_LINKS_MAX 8
#define NETWORK_RTNL_MAX 4096	    /* bytes of one message of rtnetlink(7) */
#define NETWORK_RTNL_ALL (1U << 20) /* bytes of all of them */
#define NETWORK_FAILURE_MAX 1024    /* bytes, with the NUL */

enum network_type { NETWORK_LINK = 1, NETWORK_RTNL, NETWORK_FAILURE };

/* An interface of the namespace, all of whose frames now come and go by the tap. */
struct network_link {
	uint32_t type;
	uint32_t mtu;
	char name[IF_NAMESIZE]; /* in the namespace, and in the guest */
	uint8_t mac[ETH_ALEN];
	uint8_t unused[2];
};

/* A whole message (struct nlmsghdr and on) that gives the guest's interface what the namespace's has: RTM_NEWADDR,
 * RTM_NEWLINK (up), RTM_NEWROUTE, RTM_NEWNEIGH, in the order in which they are to be sent. Where it says which
 * interface it is about (ifa_index, ifi_index, RTA_OIF, ndm_ifindex), there is a 0 for the guest's number of it. */
struct network_rtnl {
	uint32_t type;
	uint8_t message[NETWORK_RTNL_MAX]; /* as long as the packet is */
};

struct network_failure {
	uint32_t type;
	int32_t code; /* errno */
	char message[NETWORK_FAILURE_MAX];
};

#endif
