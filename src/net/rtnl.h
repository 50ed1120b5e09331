/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtnl.h: one rtnetlink(7) socket, and asking over it.
 *
 * The socket stays in the network namespace that it was opened in, whichever one
 * the process enters later. libmnl does the framing.
 */
#ifndef HUSK_NET_RTNL_H
#define HUSK_NET_RTNL_H

#include "err.h"

#include <libmnl/libmnl.h>
#include <stddef.h>
#include <stdint.h>

#define RTNL_REQUEST_MAX 4096 /* bytes of a message to the kernel */
#define RTNL_ANSWER_MAX 32768 /* bytes of one read: what the kernel uses for dumps at most */

struct rtnl {
	struct mnl_socket *sock; /* NULL when closed */
	unsigned int seq;
	char reason[256]; /* the kernel's own words for the last failure, or "" */
	char request[RTNL_REQUEST_MAX];
	char answer[RTNL_ANSWER_MAX];
};

/* In the caller's current network namespace. rtnl_close() ends it. */
int rtnl_open(struct rtnl *nl, struct err *e);
void rtnl_close(struct rtnl *nl);

/* Begins a message with its family header of `size` bytes, zeroed, in *out_head. */
struct nlmsghdr *rtnl_start(struct rtnl *nl, uint16_t type, uint16_t flags, size_t size, void *out_head);
/* Sends it and hands each answer to `each` (may be NULL), until the kernel has acknowledged.
 * Returns 0 or -errno, with nl->reason set. */
int rtnl_ask(struct rtnl *nl, struct nlmsghdr *msg, mnl_cb_t each, void *data);
/* err_sys() for a failure of rtnl_ask(), with the kernel's words where it gave some. */
int rtnl_failed(const struct rtnl *nl, int code, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
