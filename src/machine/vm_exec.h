/* SPDX-License-Identifier: Apache-2.0 */
/* vm_exec.h: exec into a VM: a proxy in its jail stands for the process in the guest (mon/proxy.h). */
#ifndef HUSK_VM_EXEC_H
#define HUSK_VM_EXEC_H

#include "libcontainer.h"

/* husk_exec() of a container that is a VM. */
int vm_exec(const struct husk_ctx *ctx, const char *id, const struct husk_exec_opts *o, int *out_status, struct err *e);

#endif
