/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qemu.h: starts the file server and the hypervisor.
 *
 * The file server keeps the capabilities that husk-mon was started with. The hypervisor gets none, and another user:
 * who breaks out of the machine has no right to the exported files. Both print into the console.
 */
#ifndef HUSK_MON_QEMU_H
#define HUSK_MON_QEMU_H

#include "mon.h"

/* m->server, m->hypervisor, m->agent, m->console_fd. Afterwards husk-mon itself has no capability left. */
int qemu_start(struct mon *m, struct err *e);

#endif
