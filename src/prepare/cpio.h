/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpio.h: an archive in cpio's "newc" format, as the kernel reads an initramfs
 * (Documentation/driver-api/early-userspace/buffer-format.rst of Linux).
 * Owner root, no times: the same content gives the same bytes.
 */
#ifndef HUSK_PREPARE_CPIO_H
#define HUSK_PREPARE_CPIO_H

#include "str.h"

#include <stdint.h>
#include <sys/types.h>

/* From all zeroes; free(c.out.s) ends it. */
struct cpio {
	struct strbuf out;
	uint32_t inodes;
};

/* Names have no '/' in front. A directory stands before what is in it. len < 4 GiB. */
void cpio_directory(struct cpio *c, const char *name);
void cpio_file(struct cpio *c, const char *name, mode_t mode, const void *data, size_t len);
void cpio_char_device(struct cpio *c, const char *name, mode_t mode, unsigned int major, unsigned int minor);
/* A whole archive of another's, packed or not, before all else. */
void cpio_archive(struct cpio *c, const void *data, size_t len);
/* The last entry. */
void cpio_end(struct cpio *c);

#endif
