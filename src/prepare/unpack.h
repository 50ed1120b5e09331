/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpack.h: what a kernel or a module is packed with, and unpacking it, with a bound.
 *
 * The libraries do the work. The bound is on what comes out: a small file may unpack
 * to any size. Only LZ4 is framed here, because the kernel's frame is not the
 * library's (its "legacy" one: usr/gen_init_cpio and lz4 -l write it).
 */
#ifndef HUSK_PREPARE_UNPACK_H
#define HUSK_PREPARE_UNPACK_H

#include "err.h"

#include <stddef.h>
#include <stdint.h>

enum packing {
	PACKING_NONE,
	PACKING_GZIP,
	PACKING_XZ,
	PACKING_LZMA,
	PACKING_ZSTD,
	PACKING_LZ4,
	PACKING_BZIP2, /* recognised, not unpacked, as the next */
	PACKING_LZO,
};

/* By its first bytes; PACKING_NONE when they say nothing. */
enum packing packing_of(const uint8_t *data, size_t size);
/* "zstd" */
const char *packing_name(enum packing packing);

/* Bytes of their own; unpacked_free() ends them. */
struct unpacked {
	uint8_t *data;
	size_t len, mapped;
};

/* All of what `data` holds, at most max bytes (> 0). Bytes that follow the packed stream are left alone.
 * -ENOTSUP for what cannot be unpacked, -EFBIG beyond max, -EBADMSG for what is damaged or cut. */
int unpack(enum packing packing, const uint8_t *data, size_t size, size_t max, struct unpacked *out, struct err *e);
void unpacked_free(struct unpacked *u);

#endif
