/* SPDX-License-Identifier: Apache-2.0 */
/*
 * initrd.h: the guest's initramfs: /init (the agent), /modules/NN-name.ko in the order
 * of loading, the empty directories dev, proc, run and sys, and /dev/console.
 *
 * An archive of another's comes before it in the same file: the kernel unpacks one after
 * the other (buffer-format.rst), and of two files of one name the later is left.
 */
#ifndef HUSK_PREPARE_INITRD_H
#define HUSK_PREPARE_INITRD_H

#include "source.h"
#include "str.h"

/* -EFBIG when it would be larger. */
int initrd_make(const struct sources *s, struct strbuf *out, struct err *e);

#endif
