/* SPDX-License-Identifier: Apache-2.0 */
/* check_unpack.c: what each packing gives back, and the bound on it. */
#include "unpack.h"

#include "ck_err.h"
#include "ck_run.h"
#include "str.h"

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#define TEXT_LEN 200000U
#define PACKED_MAX (2U * TEXT_LEN)
#define BLOCK (64U << 10)

static uint8_t text[TEXT_LEN];
static uint8_t packed[PACKED_MAX];
static struct unpacked u;

static void set_up(void)
{
	uint32_t random = 1;

	for (size_t i = 0; i < sizeof(text); i++) {
		random = random * 1103515245 + 12345;
		text[i] = i % 3 ? (uint8_t)i : (uint8_t)(random >> 24);
	}
}

static size_t pack_gzip(void)
{
	z_stream z = { .next_in = text, .avail_in = TEXT_LEN, .next_out = packed, .avail_out = PACKED_MAX };

	ck_assert_int_eq(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
	ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	(void)deflateEnd(&z);
	return z.total_out;
}

static size_t pack_xz(void)
{
	size_t len = 0;

	ck_assert_int_eq(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, text, TEXT_LEN, packed, &len, PACKED_MAX),
			 LZMA_OK);
	return len;
}

static size_t pack_lzma(void)
{
	lzma_stream s = LZMA_STREAM_INIT;
	lzma_options_lzma options;

	ck_assert(!lzma_lzma_preset(&options, 6));
	ck_assert_int_eq(lzma_alone_encoder(&s, &options), LZMA_OK);
	s.next_in = text;
	s.avail_in = TEXT_LEN;
	s.next_out = packed;
	s.avail_out = PACKED_MAX;
	ck_assert_int_eq(lzma_code(&s, LZMA_FINISH), LZMA_STREAM_END);
	lzma_end(&s);
	return s.total_out;
}

static size_t pack_zstd(void)
{
	size_t len = ZSTD_compress(packed, PACKED_MAX, text, TEXT_LEN, 3);

	ck_assert(!ZSTD_isError(len));
	return len;
}

/* Several blocks, then the length of the whole, as at the end of a kernel's payload. */
static size_t pack_lz4(void)
{
	const uint32_t whole = TEXT_LEN;
	size_t len = 4;

	memcpy(packed, "\x02\x21\x4c\x18", 4);
	for (size_t at = 0; at < TEXT_LEN; at += BLOCK) {
		size_t n = TEXT_LEN - at < BLOCK ? TEXT_LEN - at : BLOCK;
		uint32_t block = (uint32_t)LZ4_compress_default((const char *)text + at, (char *)packed + len + 4,
								(int)n, (int)(PACKED_MAX - len - 4));

		ck_assert_uint_gt(block, 0);
		memcpy(packed + len, &block, 4);
		len += 4 + block;
	}
	memcpy(packed + len, &whole, 4);
	return len + 4;
}

static const struct {
	enum packing packing;
	size_t (*pack)(void);
} packers[] = {
	{ PACKING_GZIP, pack_gzip }, { PACKING_XZ, pack_xz },	{ PACKING_LZMA, pack_lzma },
	{ PACKING_ZSTD, pack_zstd }, { PACKING_LZ4, pack_lz4 },
};

START_TEST(test_what_was_packed_comes_out)
{
	size_t len = packers[_i].pack();

	ck_assert_int_eq(packing_of(packed, len), packers[_i].packing);
	ck_assert_ok(unpack(packers[_i].packing, packed, len, 1 << 20, &u, e));
	ck_assert_uint_eq(u.len, TEXT_LEN);
	ck_assert_mem_eq(u.data, text, TEXT_LEN);
	unpacked_free(&u);
	ck_assert_ptr_null(u.data);
}
END_TEST

START_TEST(test_exactly_as_much_as_is_allowed_comes_out)
{
	size_t len = packers[_i].pack();

	ck_assert_ok(unpack(packers[_i].packing, packed, len, TEXT_LEN, &u, e));
	ck_assert_uint_eq(u.len, TEXT_LEN);
	unpacked_free(&u);
}
END_TEST

START_TEST(test_more_than_is_allowed_is_refused)
{
	size_t len = packers[_i].pack();

	ck_assert_fails(unpack(packers[_i].packing, packed, len, TEXT_LEN - 1, &u, e), EFBIG, "more than 199999 bytes");
	ck_assert_ptr_null(u.data);
}
END_TEST

/* Only between two blocks LZ4's frame may end without that being seen. */
START_TEST(test_cut_data_is_refused)
{
	size_t len = packers[_i].pack();

	for (size_t n = 1; n < 40; n++) {
		struct err e = { 0 };

		ck_assert_int_lt(unpack(packers[_i].packing, packed, n, 1 << 20, &u, &e), 0);
	}
	ck_assert_fails(unpack(packers[_i].packing, packed, len / 2, 1 << 20, &u, e), EBADMSG, "damaged or cut");
}
END_TEST

START_TEST(test_damaged_data_is_refused)
{
	size_t len = packers[_i].pack();

	memset(packed + 20, 0xff, len - 40);
	ck_assert_fails(unpack(packers[_i].packing, packed, len, 1 << 20, &u, e), EBADMSG, "damaged or cut");
}
END_TEST

START_TEST(test_what_cannot_be_unpacked_is_named)
{
	ck_assert_fails(unpack(PACKING_BZIP2, text, 100, 1 << 20, &u, e), ENOTSUP, "bzip2 data: expected gzip, xz");
	ck_assert_int_eq(packing_of((const uint8_t *)"BZh", 3), PACKING_BZIP2);
	ck_assert_int_eq(packing_of((const uint8_t *)"\x7f"
						     "ELF",
				    4),
			 PACKING_NONE);
	ck_assert_int_eq(packing_of(text, 0), PACKING_NONE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("unpack");
	TCase *t = tcase_create("unpack");
	const int n = (int)ARRAY_LEN(packers);

	tcase_add_checked_fixture(t, set_up, NULL);
	tcase_add_loop_test(t, test_what_was_packed_comes_out, 0, n);
	tcase_add_loop_test(t, test_exactly_as_much_as_is_allowed_comes_out, 0, n);
	tcase_add_loop_test(t, test_more_than_is_allowed_is_refused, 0, n);
	tcase_add_loop_test(t, test_cut_data_is_refused, 0, n);
	tcase_add_loop_test(t, test_damaged_data_is_refused, 0, n);
	tcase_add_test(t, test_what_cannot_be_unpacked_is_named);
	suite_add_tcase(suite, t);
	return ck_run(suite);
}
