/* SPDX-License-Identifier: Apache-2.0 */
/* vm_qemu.h: the QEMU of this host. */
#ifndef HUSK_VM_QEMU_H
#define HUSK_VM_QEMU_H

#include "err.h"

#define VM_QEMU_VERSION_MAX 64

/* The first of the places where distributions have it; $PATH is not asked, as who calls husk need not have
 * one. A constant. -ENOENT with a message. */
int vm_qemu_find(const char **out, struct err *e);
/* "7.2.22", as the program says itself: it is run, for 5 s at most. */
int vm_qemu_version(const char *path, char out[VM_QEMU_VERSION_MAX], struct err *e);

#endif
