/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timens.h: a new time namespace with clocks of its own (time_namespaces(7), Linux 5.6).
 *
 * Its offsets can be written only while no process is in it, so it is made by unshare(2), for the
 * children to come; the one that clone3(2) makes would be entered at once.
 */
#ifndef HUSK_LINUX_TIMENS_H
#define HUSK_LINUX_TIMENS_H

#include "err.h"
#include "spec.h"

/* For timens_make(). Its right to set them is that of the process that opens it, so it may be opened
 * before a user namespace is entered. */
int timens_open(int *out_fd, struct err *e);
/* The caller's next children are in a new time namespace; the caller itself is not. It comes back by
 * namespace_restore(). offsets: SPEC_CLOCKS of them. */
int timens_make(int offsets_fd, const struct spec_time_offset *offsets, struct err *e);

#endif
