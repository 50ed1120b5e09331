/* SPDX-License-Identifier: Apache-2.0 */
/* release.h: a network namespace whose VM has ended gets its frames back. */
#ifndef HUSK_NET_RELEASE_H
#define HUSK_NET_RELEASE_H

#include "err.h"

/* Removes the filters of redirect.h whose tap is gone from the namespace with this path (/run/netns/NAME); one that is
 * not there any more is fine. The caller is in that namespace afterwards. */
int release_all(const char *netns, struct err *e);

#endif
