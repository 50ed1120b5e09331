/* SPDX-License-Identifier: Apache-2.0 */
/* vm_update.h: other limits for a VM: in the guest, and, where they protect the host, in the jail's cgroup. */
#ifndef HUSK_VM_UPDATE_H
#define HUSK_VM_UPDATE_H

#include "libcontainer.h"

/* husk_update() of a container that is a VM. The machine's memory stays as it is: a limit above it is refused. The
 * guest is asked first: what it refuses changes nothing on the host. */
int vm_update(const struct husk_ctx *ctx, const char *id, const struct husk_update_opts *o, struct err *e);

#endif
