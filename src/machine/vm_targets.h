/* SPDX-License-Identifier: Apache-2.0 */
/* vm_targets.h: mount points in a rootfs that the guest may not write to. */
#ifndef HUSK_VM_TARGETS_H
#define HUSK_VM_TARGETS_H

#include "err.h"
#include "json.h"

/* With root.readonly the guest gets the rootfs read-only, so what mounts[] needs there and lacks is made before,
 * here: directories, or empty files for binds of what is none, as the library does in a container. What lies below
 * another mount is the guest's to make. Nothing without root.readonly. config: config.json's root; rootfs: a path. */
int vm_targets_make(const struct json *config, const char *bundle, const char *rootfs, struct err *e);

#endif
