/* SPDX-License-Identifier: Apache-2.0 */
/* device.h: device nodes and the customary links below /dev. */
#ifndef HUSK_LINUX_DEVICE_H
#define HUSK_LINUX_DEVICE_H

#include "err.h"
#include "plan.h"

/* In a user namespace mknod(2) is refused: the host's node is bound in place. Opens those sources
 * (CAP_SYS_ADMIN over the caller's mount namespace). FIFOs need none. */
int device_open_sources(struct plan *plan, struct err *e);
/* Makes the nodes below rootfd, owner and mode as the plan has them, whatever the umask. */
int device_make_all(int rootfd, struct plan *plan, struct err *e);
/* fd stdin stdout stderr core ptmx, where they are missing (runtime-spec, "Default Devices" and
 * "/dev symbolic links"). */
int device_make_links(int rootfd, struct err *e);

#endif
