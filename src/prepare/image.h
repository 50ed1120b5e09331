/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.h: kernels for x86-64: a bzImage (Documentation/arch/x86/boot.rst of Linux)
 * or an ELF vmlinux. Pure functions over bytes; nothing in a file is trusted.
 */
#ifndef HUSK_PREPARE_IMAGE_H
#define HUSK_PREPARE_IMAGE_H

#include "err.h"
#include "unpack.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGE_VERSION_MAX 65 /* __NEW_UTS_LEN and a NUL: what uname(2) could say */

struct image {
	bool elf;	      /* a vmlinux: nothing to unpack */
	enum packing packing; /* of the payload of a bzImage */
	size_t payload, payload_len;
	char version[IMAGE_VERSION_MAX]; /* "6.1.0-56-cloud-amd64": no '/', not empty */
};

/* -ENOEXEC with what was expected when it is no kernel that can be used. */
int image_parse(const uint8_t *data, size_t size, struct image *out, struct err *e);

/* Is it an ELF program for x86-64 whose segments lie inside the file? What follows it is left alone. */
int image_check_elf(const uint8_t *data, size_t size, struct err *e);
/* Has the ELF a PVH entry (Xen's note 18), which QEMU and other monitors boot it by? */
bool image_has_pvh(const uint8_t *data, size_t size);
/* Does the ELF program ask for an interpreter, ld.so? */
bool image_has_interpreter(const uint8_t *data, size_t size);
/* Is it an ELF object for x86-64, as modules are? Loading it is the guest's affair. */
bool image_is_module(const uint8_t *data, size_t size);

#endif
