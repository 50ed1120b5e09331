/* SPDX-License-Identifier: Apache-2.0 */
/*
 * links.h: the network interfaces of the guest.
 *
 * Each Ethernet interface of the container's network namespace becomes one of the guest's, with its name, its hardware
 * address, its MTU, its addresses and its routes: husk-net joins it to a tap (proto/network.h), of which the hypervisor
 * makes a virtio-net card, and the agent gives that what the other has. The interface stays where it is, as engines look
 * for it there, but gets none of the frames any more.
 */
#ifndef HUSK_MON_LINKS_H
#define HUSK_MON_LINKS_H

#include "guest.h"
#include "network.h"

struct link {
	struct network_link about;
	int tap;		/* -1: closed */
	struct strbuf messages; /* for the guest's rtnetlink(7), one after the other */
};

struct links {
	struct link v[NETWORK_LINKS_MAX];
	size_t n;
};

/* Runs husk-net, where there is anything to connect: that takes CAP_NET_ADMIN. Afterwards no program
 * that is started has it, and MACHINE_FD_TUN is closed. */
int links_connect(struct links *l, struct err *e);
/* The hypervisor's argv with their cards, whose taps are its descriptors from MACHINE_FD_CHILD + 1 on. */
char **links_words(const struct links *l, char *const *argv);
/* argv: as given to links_words(). */
void links_free_words(const struct links *l, char *const *argv, char **words);
void links_close_taps(struct links *l);
/* Tells the guest of them, before it is told to create a container. */
int links_tell(struct links *l, struct guest *g, struct err *e);

#endif
