/* SPDX-License-Identifier: Apache-2.0 */
/*
 * initrd.h: the guest's initramfs: /init (the agent), /modules/NN-name.ko in the order
 * of loading, the empty directories dev, proc, run and sys, and /dev/console.
 */
#ifndef HUSK_PREPARE_INITRD_H
#define HUSK_PREPARE_INITRD_H

#include "source.h"
#include "str.h"

#define INITRD_MAX (96U << 20) /* bytes; it takes as much of the guest's memory */

/* -EFBIG when it would be larger. */
int initrd_make(const struct sources *s, struct strbuf *out, struct err *e);

#endif
