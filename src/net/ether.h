/* SPDX-License-Identifier: Apache-2.0 */
/* ether.h: the Ethernet interfaces of a network namespace. */
#ifndef HUSK_NET_ETHER_H
#define HUSK_NET_ETHER_H

#include "err.h"
#include "rtnl.h"

#include <linux/if_ether.h>
#include <net/if.h>
#include <stddef.h>
#include <stdint.h>

struct ether {
	int index;
	unsigned int flags; /* IFF_* */
	uint32_t mtu;
	char name[IF_NAMESIZE];
	uint8_t mac[ETH_ALEN];
};

/* All of the socket's namespace, by their numbers, but for taps of tap.h and those without a hardware address (all zeros):
 * the kernel puts "gretap0" and "erspan0" into each namespace where the module ip_gre is. The caller frees *out. */
int ether_list(struct rtnl *nl, struct ether **out, size_t *out_n, struct err *e);

#endif
