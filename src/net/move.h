/* SPDX-License-Identifier: Apache-2.0 */
/* move.h: network interfaces go into a container's network namespace: all, or none. */
#ifndef HUSK_NET_MOVE_H
#define HUSK_NET_MOVE_H

#include "err.h"

#include <stddef.h>

struct move {
	const char *from; /* the name in the caller's network namespace */
	const char *to;	  /* the name in the container's, or a template (ifname.h) */
};

/* Moves them in this order into the network namespace behind netns_fd, each with its permanent
 * global addresses, and brings them up. When one fails, those that went before it come back as
 * they were, without routes. The process is in that namespace afterwards. */
int move_all(const struct move *moves, size_t n, int netns_fd, struct err *e);

#endif
