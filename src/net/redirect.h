/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redirect.h: all frames that come in at one interface go out at another (tc-mirred(8)).
 *
 * It is the first filter of the interface's ingress, of priority 1: nothing else in the namespace sees
 * the frames.
 */
#ifndef HUSK_NET_REDIRECT_H
#define HUSK_NET_REDIRECT_H

#include "err.h"
#include "rtnl.h"

/* Numbers of interfaces of the socket's namespace. What is at that place of `from` is replaced: a filter of before,
 * whose `to` is gone. A qdisc that has an ingress, as ingress or clsact, stays. */
int redirect_add(struct rtnl *nl, int from, int to, struct err *e);
/* 1: there is such a filter, and where its frames went is gone, so that they are lost. 0: there is none, or it works. */
int redirect_is_dead(struct rtnl *nl, int from, struct err *e);
/* Takes the filter away; none is fine. */
int redirect_remove(struct rtnl *nl, int from, struct err *e);

#endif
