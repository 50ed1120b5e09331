/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tap.h: the network devices that a hypervisor's network cards are: tun(4), "husk0" and on.
 *
 * A tap lives as long as its descriptor is open, in whatever process.
 */
#ifndef HUSK_NET_TAP_H
#define HUSK_NET_TAP_H

#include "err.h"
#include "rtnl.h"

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

struct tap {
	int fd; /* O_CLOEXEC; the frames have virtio-net's header in front */
	int index;
	char name[IF_NAMESIZE];
};

/* Makes "husk<number>" in the current network namespace, which is the socket's: up, with this MTU, and saying nothing
 * by itself. tun_fd: a descriptor of /dev/net/tun, O_PATH will do; another is opened of it by /proc. The name must not
 * be taken: it is when another VM is in the namespace. The caller closes out->fd. */
int tap_make(struct rtnl *nl, int tun_fd, unsigned int number, uint32_t mtu, struct tap *out, struct err *e);
/* Is this the name of such a device? */
bool tap_is_name(const char *name);

#endif
