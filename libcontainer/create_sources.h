/* SPDX-License-Identifier: Apache-2.0 */
/* create_sources.h: what a container that is being made needs of the caller: opened with the caller's rights, before
 * there is a child. */
#ifndef HUSK_CREATE_SOURCES_H
#define HUSK_CREATE_SOURCES_H

#include "create.h"

/* Namespaces to join, the console socket and, where the caller may, the rootfs and the sources of mounts and devices.
 * Says what is left to the child: c->privileged, c->plan->staged and pids_last. */
int creation_open_sources(struct creation *c, struct err *e);

/* In a pid namespace that others live in already, their CAP_SYS_PTRACE would reach us. */
bool creation_shares_pids(const struct plan *plan);

#endif
