/* SPDX-License-Identifier: Apache-2.0 */
/* image.h: a disk image as the guest's root (vm.image of config.json). It is never written: what the guest changes lies
 * over it (overlay), in memory. */
#ifndef HUSK_AGENT_IMAGE_H
#define HUSK_AGENT_IMAGE_H

#include "err.h"

#define IMAGE_SERIAL "husk.image" /* of the virtio disk that holds it */

/* Mounts it at the directory `at`, which is made. In the initramfs, with /proc mounted and the modules loaded. */
int image_mount(const char *at, struct err *e);

#endif
