/* SPDX-License-Identifier: Apache-2.0 */
/* route.h: the routes through an interface, as a guest's interface gets them. */
#ifndef HUSK_NET_ROUTE_H
#define HUSK_NET_ROUTE_H

#include "err.h"
#include "rtnl_list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROUTE_TEXT_MAX 64 /* bytes, with the NUL */

/* Reads those of the main table to single hosts and networks that somebody has added: what the kernel makes with an
 * address (RTPROT_KERNEL) comes with the address again. Also those that route_problem() tells of. rtnl_list_free()
 * ends the list. */
int route_guest_get(struct rtnl *nl, int index, struct rtnl_list *out, struct err *e);

/* Why a guest cannot have this one ("it has ..."), or NULL. */
const char *route_problem(const struct nlmsghdr *from);
/* The kernel takes it only when it knows a way to the gateway. */
bool route_has_gateway(const struct nlmsghdr *from);
/* The address that packets are to be sent from (RTA_PREFSRC), or NULL; the kernel takes it only if it has that. */
const void *route_source(const struct nlmsghdr *from, uint8_t *out_family, size_t *out_len);
/* The request that gives it to the guest, in nl->request, for the interface 0. NULL: it is above RTNL_REQUEST_MAX. */
struct nlmsghdr *route_guest_message(struct rtnl *nl, const struct nlmsghdr *from, bool with_source);
/* "10.0.0.0/8" or "default" */
void route_text(const struct nlmsghdr *from, char out[ROUTE_TEXT_MAX]);

#endif
