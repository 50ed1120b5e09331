/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm_mounts.h: mounts added to and removed from a VM that runs.
 *
 * What comes from the host (vmplan_is_shared()) is added to the jail first, on a place of the folder that it shares
 * with the guest (vm_places.h); then the guest's own libcontainer mounts it from there, and all else from nothing.
 * Removing is the other way round. The places are the host's to choose: nothing that the guest says or
 * does is looked at but whether it went well.
 */
#ifndef HUSK_VM_MOUNTS_H
#define HUSK_VM_MOUNTS_H

#include "libcontainer.h"

#include <stdbool.h>

/* husk_mounts_add() and husk_mounts_remove() of a container that is a VM, which must run. What cannot enter a VM is
 * refused (vm_cross.h). When the guest refuses, nothing stays on the host either; when the host cannot
 * unmount what the guest has given up, that is warned of. */
int vm_mounts_change(const struct husk_ctx *ctx, const char *id, const char *file, bool removal, struct err *e);

#endif
