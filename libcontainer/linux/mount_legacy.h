/* SPDX-License-Identifier: Apache-2.0 */
/* mount_legacy.h: new file systems that only mount(2) makes. fsconfig(2) takes no value longer than 255 bytes, as
 * an overlay with many layers has one, and does not know iversion. */
#ifndef HUSK_LINUX_MOUNT_LEGACY_H
#define HUSK_LINUX_MOUNT_LEGACY_H

#include "err.h"
#include "plan.h"

#include <stdbool.h>

/* data: options as mount_new_fs() takes them, or NULL. */
bool mount_legacy_needed(const char *data);

/* As mount_new_fs(). mount(2) wants a path and gives no descriptor: so the mount is made in a private tmpfs that
 * stands on the directory `target` for that long, and is taken from there as a detached tree. */
int mount_legacy_new_fs(const struct mount_step *step, int target, int *out_fd, struct err *e);

#endif
