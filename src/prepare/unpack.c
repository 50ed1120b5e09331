/* SPDX-License-Identifier: Apache-2.0 */
/* unpack.c: see unpack.h. */
#include "unpack.h"

#include "le.h"
#include "str.h"

#include <limits.h>
#include <lz4.h>
#include <lzma.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <zlib.h>
#include <zstd.h>

#define XZ_MEMORY_MAX (128ULL << 20) /* of the decoder; xz -9 takes 65 MiB */
#define ZSTD_WINDOW_LOG_MAX 27	     /* 128 MiB; the kernel's own limit (lib/decompress_unzstd.c) */
#define LZ4_BLOCK_MAX (8U << 20)     /* unpacked bytes of one block of the legacy frame */

static const struct {
	const char *name;
	uint8_t magic[6];
	uint8_t len;
} packings[] = {
	[PACKING_GZIP] = { "gzip", { 0x1f, 0x8b, 0x08 }, 3 },
	[PACKING_XZ] = { "xz", { 0xfd, '7', 'z', 'X', 'Z', 0 }, 6 },
	[PACKING_LZMA] = { "lzma", { 0x5d, 0, 0 }, 3 },
	[PACKING_ZSTD] = { "zstd", { 0x28, 0xb5, 0x2f, 0xfd }, 4 },
	[PACKING_LZ4] = { "lz4", { 0x02, 0x21, 0x4c, 0x18 }, 4 },
	[PACKING_BZIP2] = { "bzip2", { 'B', 'Z', 'h' }, 3 },
	[PACKING_LZO] = { "lzo", { 0x89, 'L', 'Z', 'O', 0 }, 5 },
};

enum packing packing_of(const uint8_t *data, size_t size)
{
	for (size_t i = PACKING_NONE + 1; i < ARRAY_LEN(packings); i++)
		if (size >= packings[i].len && memcmp(data, packings[i].magic, packings[i].len) == 0)
			return (enum packing)i;
	return PACKING_NONE;
}

const char *packing_name(enum packing packing)
{
	return packing == PACKING_NONE ? "none" : packings[packing].name;
}

void unpacked_free(struct unpacked *u)
{
	if (u->data)
		(void)munmap(u->data, u->mapped);
	*u = (struct unpacked){ 0 };
}

static int damaged(enum packing packing, struct err *e)
{
	return err_set(e, EBADMSG, "the %s data is damaged or cut", packing_name(packing));
}

static int too_large(size_t max, struct err *e)
{
	return err_set(e, EFBIG, "it unpacks to more than %zu bytes", max);
}

static int run_zlib(z_stream *z, const uint8_t *data, size_t size, struct unpacked *out, size_t max, struct err *e)
{
	int r;

	z->next_in = (uint8_t *)data; /* zlib's const is a macro's choice */
	z->avail_in = (unsigned int)size;
	z->next_out = out->data;
	z->avail_out = (unsigned int)max;
	r = inflate(z, Z_FINISH);
	out->len = z->total_out;
	if (r == Z_STREAM_END)
		return 0;
	return z->avail_out == 0 ? too_large(max, e) : damaged(PACKING_GZIP, e);
}

static int unpack_gzip(const uint8_t *data, size_t size, struct unpacked *out, size_t max, struct err *e)
{
	z_stream z = { 0 };
	int r;

	if (size > UINT_MAX || max > UINT_MAX)
		return too_large(UINT_MAX, e);
	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) /* 16: gzip's header */
		return err_set(e, ENOMEM, "zlib: out of memory");
	r = run_zlib(&z, data, size, out, max, e);
	(void)inflateEnd(&z);
	return r;
}

static int unpack_lzma(enum packing packing, const uint8_t *data, size_t size, struct unpacked *out, size_t max,
		       struct err *e)
{
	lzma_stream s = LZMA_STREAM_INIT;
	lzma_ret r = packing == PACKING_XZ ? lzma_stream_decoder(&s, XZ_MEMORY_MAX, 0)
					   : lzma_alone_decoder(&s, XZ_MEMORY_MAX);

	s.next_in = data;
	s.avail_in = size;
	s.next_out = out->data;
	s.avail_out = max;
	while (r == LZMA_OK && (s.avail_out || s.avail_in))
		r = lzma_code(&s, LZMA_FINISH);
	out->len = s.total_out;
	lzma_end(&s);
	if (r == LZMA_STREAM_END)
		return 0;
	if (r == LZMA_MEMLIMIT_ERROR)
		return err_set(e, EFBIG, "unpacking the %s data takes more than %llu bytes of memory",
			       packing_name(packing), XZ_MEMORY_MAX);
	return out->len == max ? too_large(max, e) : damaged(packing, e);
}

static int run_zstd(ZSTD_DCtx *z, const uint8_t *data, size_t size, struct unpacked *out, size_t max, struct err *e)
{
	ZSTD_inBuffer from = { .src = data, .size = size };
	ZSTD_outBuffer to = { .dst = out->data, .size = max };
	size_t left = 1;

	while (left && (from.pos < from.size || to.pos < to.size)) {
		size_t in = from.pos, at = to.pos;

		left = ZSTD_decompressStream(z, &to, &from);
		if (ZSTD_isError(left))
			return damaged(PACKING_ZSTD, e);
		if (left && from.pos == in && to.pos == at)
			break;
	}
	out->len = to.pos;
	if (left == 0)
		return 0;
	return to.pos == to.size ? too_large(max, e) : damaged(PACKING_ZSTD, e);
}

static int unpack_zstd(const uint8_t *data, size_t size, struct unpacked *out, size_t max, struct err *e)
{
	ZSTD_DCtx *z = ZSTD_createDCtx();
	int r;

	if (!z || ZSTD_isError(ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX))) {
		(void)ZSTD_freeDCtx(z);
		return err_set(e, ENOMEM, "zstd: out of memory");
	}
	r = run_zstd(z, data, size, out, max, e);
	(void)ZSTD_freeDCtx(z);
	return r;
}

/* A block that did not unpack into the room that is left: is it because there is more in it? */
static bool lz4_fills(const uint8_t *block, uint32_t len, struct unpacked *out, size_t room)
{
	return room < LZ4_BLOCK_MAX && LZ4_decompress_safe_partial((const char *)block, (char *)out->data + out->len,
								   (int)len, (int)room, (int)room) == (int)room;
}

/* The magic, then blocks: a length of four bytes and as many packed ones. A kernel's payload ends with the
 * length of what it unpacks to (scripts/Makefile.lib, size_append), where a block's length would stand:
 * too few bytes follow it, which is an end like that of the file. */
static int unpack_lz4(const uint8_t *data, size_t size, struct unpacked *out, size_t max, struct err *e)
{
	size_t off = 4;

	while (size - off >= 4) {
		uint32_t len = le32_get(data + off);
		size_t room = max - out->len;
		int n;

		off += 4;
		if (len == le32_get(packings[PACKING_LZ4].magic)) /* another frame follows */
			continue;
		if (off == size && out->len)
			break;
		if (len > size - off || len > LZ4_COMPRESSBOUND(LZ4_BLOCK_MAX))
			return damaged(PACKING_LZ4, e);
		n = LZ4_decompress_safe((const char *)data + off, (char *)out->data + out->len, (int)len,
					room < LZ4_BLOCK_MAX ? (int)room : (int)LZ4_BLOCK_MAX);
		if (n < 0)
			return lz4_fills(data + off, len, out, room) ? too_large(max, e) : damaged(PACKING_LZ4, e);
		off += len;
		out->len += (size_t)n;
	}
	return out->len ? 0 : damaged(PACKING_LZ4, e);
}

static int unpack_into(enum packing packing, const uint8_t *data, size_t size, size_t max, struct unpacked *out,
		       struct err *e)
{
	switch (packing) {
	case PACKING_GZIP:
		return unpack_gzip(data, size, out, max, e);
	case PACKING_XZ:
	case PACKING_LZMA:
		return unpack_lzma(packing, data, size, out, max, e);
	case PACKING_ZSTD:
		return unpack_zstd(data, size, out, max, e);
	case PACKING_LZ4:
		return unpack_lz4(data, size, out, max, e);
	case PACKING_NONE:
	case PACKING_BZIP2:
	case PACKING_LZO:
		break;
	}
	return err_set(e, ENOTSUP, "%s data: expected gzip, xz, lzma, zstd or lz4", packing_name(packing));
}

int unpack(enum packing packing, const uint8_t *data, size_t size, size_t max, struct unpacked *out, struct err *e)
{
	struct unpacked u = { .mapped = max };
	int r;

	/* address space for the most there may be; what is not written costs nothing */
	u.data = mmap(NULL, max, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (u.data == MAP_FAILED)
		return err_sys(e, errno, "mmap %zu bytes", max);
	r = unpack_into(packing, data, size, max, &u, e);
	if (r < 0)
		unpacked_free(&u);
	else
		*out = u;
	return r;
}
