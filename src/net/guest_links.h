/* SPDX-License-Identifier: Apache-2.0 */
/* guest_links.h: a guest gets the interfaces of the namespace that its VM is in. */
#ifndef HUSK_NET_GUEST_LINKS_H
#define HUSK_NET_GUEST_LINKS_H

#include "err.h"
#include "str.h"

/* Gives each Ethernet interface of the current network namespace a tap, to which all of its frames go from now on, and
 * sends the taps over the socket, with what makes the guest's interfaces what these are: network.h. tun_fd: as
 * tap_make()'s; it is only looked at if there is an interface. Adds to *warnings a line, with its end, for each thing
 * that was left out. A failure is not sent, and leaves no interface without its frames. */
int guest_links_send(int tun_fd, int socket_fd, struct strbuf *warnings, struct err *e);

#endif
