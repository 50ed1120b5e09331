/* SPDX-License-Identifier: Apache-2.0 */
/* check_frame.c: frames as bytes, and the credit of streams. */
#include "ck_err.h"
#include "ck_run.h"
#include "credit.h"
#include "frame.h"
#include "le.h"
#include "str.h"

#include <check.h>
#include <stdbool.h>

static void feed(struct frame_reader *r, const uint8_t *bytes, size_t len)
{
	size_t room;
	uint8_t *space = frame_reader_space(r, &room);

	ck_assert_uint_le(len, room);
	memcpy(space, bytes, len);
	frame_reader_added(r, len);
}

START_TEST(test_header_is_little_endian)
{
	static const uint8_t want[FRAME_HEADER] = { 4, 3, 0, 0, 2, 1, 0, 0, 8, 7, 6, 5, 12, 11, 10, 9 };
	struct frame f = { .type = 0x0102, .process = 0x05060708, .request = 0x090a0b0c, .len = 0x0304 }, back;
	uint8_t got[FRAME_HEADER];

	frame_header_encode(&f, got);
	ck_assert_mem_eq(got, want, FRAME_HEADER);
	ck_assert_ok(frame_header_decode(got, &back, e));
	ck_assert_uint_eq(back.type, f.type);
	ck_assert_uint_eq(back.process, f.process);
	ck_assert_uint_eq(back.request, f.request);
	ck_assert_uint_eq(back.len, f.len);
	ck_assert_ptr_null(back.payload);
}
END_TEST

START_TEST(test_header_that_claims_too_much_is_refused)
{
	uint8_t h[FRAME_HEADER] = { 0 };
	struct frame f = { .type = 77 };

	le32_put(h, FRAME_PAYLOAD_MAX);
	ck_assert_ok(frame_header_decode(h, &f, e));
	f.type = 77;
	le32_put(h, FRAME_PAYLOAD_MAX + 1);
	ck_assert_fails(frame_header_decode(h, &f, e), EPROTO, "claims 65537 bytes");
	le32_put(h, UINT32_MAX);
	ck_assert_fails(frame_header_decode(h, &f, e), EPROTO, "claims 4294967295 bytes");
	le32_put(h, 0);
	le16_put(h + 6, 1);
	ck_assert_fails(frame_header_decode(h, &f, e), EPROTO, "flags 0x1");
	ck_assert_uint_eq(f.type, 77);
}
END_TEST

/* Three frames, one of them of the largest size, in pieces of every small length. */
START_TEST(test_reader_takes_any_pieces)
{
	static uint8_t big[FRAME_PAYLOAD_MAX];
	const struct frame sent[] = { { .type = 1, .process = 7 },
				      { .type = 2, .request = 9, .payload = big, .len = sizeof(big) },
				      { .type = 3, .payload = (const uint8_t *)"abc", .len = 3 } };
	size_t step = (size_t)_i, len, n = 0, room;
	struct frame_writer w;
	struct frame_reader r;
	const uint8_t *bytes;
	struct frame f;

	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * 7);
	frame_writer_init(&w, 2 * FRAME_MAX);
	frame_reader_init(&r);
	for (size_t i = 0; i < ARRAY_LEN(sent); i++)
		ck_assert_int_eq(frame_write(&w, &sent[i]), 0);
	for (bytes = frame_writer_pending(&w, &len); len; bytes = frame_writer_pending(&w, &len)) {
		(void)frame_reader_space(&r, &room);
		ck_assert_uint_gt(room, 0);
		len = len < step ? len : step;
		len = len < room ? len : room;
		feed(&r, bytes, len);
		frame_writer_sent(&w, len);
		while (frame_reader_next(&r, &f, NULL) == 1) {
			ck_assert_uint_lt(n, ARRAY_LEN(sent));
			ck_assert_uint_eq(f.type, sent[n].type);
			ck_assert_uint_eq(f.process, sent[n].process);
			ck_assert_uint_eq(f.request, sent[n].request);
			ck_assert_uint_eq(f.len, sent[n].len);
			if (f.len)
				ck_assert_mem_eq(f.payload, sent[n].payload, f.len);
			n++;
		}
	}
	ck_assert_uint_eq(n, ARRAY_LEN(sent));
	ck_assert_uint_eq(frame_reader_pending(&r), 0);
	frame_reader_free(&r);
	frame_writer_free(&w);
}
END_TEST

START_TEST(test_reader_knows_that_a_frame_was_cut)
{
	uint8_t h[FRAME_HEADER] = { 5 };
	struct frame_reader r;
	struct frame f;

	frame_reader_init(&r);
	feed(&r, h, sizeof(h));
	feed(&r, (const uint8_t *)"1234", 4);
	ck_assert_ok(frame_reader_next(&r, &f, e));
	ck_assert_uint_eq(frame_reader_pending(&r), FRAME_HEADER + 4);
	feed(&r, (const uint8_t *)"5", 1);
	ck_assert_int_eq(frame_reader_next(&r, &f, NULL), 1);
	ck_assert_uint_eq(frame_reader_pending(&r), 0);
	frame_reader_free(&r);
}
END_TEST

START_TEST(test_writer_holds_no_more_than_its_bound)
{
	struct frame f = { .type = 1, .payload = (const uint8_t *)"0123456789", .len = 10 };
	struct frame_writer w;
	size_t len;

	frame_writer_init(&w, 3 * (FRAME_HEADER + 10));
	ck_assert_uint_eq(frame_writer_room(&w), 2 * FRAME_HEADER + 30);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(frame_write(&w, &f), 0);
	ck_assert_int_eq(frame_write(&w, &f), -ENOBUFS);
	f.len = 0;
	ck_assert_int_eq(frame_write(&w, &f), -ENOBUFS);
	ck_assert_uint_eq(frame_writer_room(&w), 0);
	(void)frame_writer_pending(&w, &len);
	ck_assert_uint_eq(len, 3 * (FRAME_HEADER + 10));
	frame_writer_sent(&w, FRAME_HEADER + 10); /* room for one again, though not in one piece */
	f.len = 10;
	ck_assert_int_eq(frame_write(&w, &f), 0);
	ck_assert_int_eq(frame_write(&w, &f), -ENOBUFS);
	frame_writer_free(&w);
}
END_TEST

START_TEST(test_sender_gets_no_credit_that_it_did_not_use)
{
	struct credit_sender s;

	credit_sender_init(&s, CREDIT_START);
	ck_assert_fails(credit_sender_grant(&s, 1, e), EPROTO, "more than the 0 that were sent");
	credit_sender_use(&s, CREDIT_START);
	ck_assert_uint_eq(s.left, 0);
	ck_assert_fails(credit_sender_grant(&s, CREDIT_START + 1, e), EPROTO, "a credit of");
	ck_assert_fails(credit_sender_grant(&s, UINT32_MAX, e), EPROTO, "a credit of");
	ck_assert_uint_eq(s.left, 0);
	ck_assert_ok(credit_sender_grant(&s, 1000, e));
	ck_assert_uint_eq(s.left, 1000);
}
END_TEST

START_TEST(test_receiver_takes_what_it_granted_and_no_more)
{
	struct credit_receiver r;

	credit_receiver_init(&r, CREDIT_START);
	ck_assert_ok(credit_receiver_take(&r, CREDIT_START, e));
	ck_assert_fails(credit_receiver_take(&r, 1, e), EPROTO, "1 bytes came where 0 were granted");
	ck_assert_uint_eq(credit_receiver_pass(&r, 100), 0);
	ck_assert_fails(credit_receiver_take(&r, 1, e), EPROTO, "granted");
	ck_assert_uint_eq(credit_receiver_pass(&r, CREDIT_START / 2), CREDIT_START / 2 + 100);
	ck_assert_ok(credit_receiver_take(&r, CREDIT_START / 2 + 100, e));
	ck_assert_uint_eq(r.held, CREDIT_START);
}
END_TEST

/* A stream never stops for lack of credit while its receiver passes all on. */
START_TEST(test_credit_never_runs_dry)
{
	static const size_t steps[] = { 1, 4096, 65536, 13, CREDIT_START };
	struct credit_receiver r;
	struct credit_sender s;

	credit_sender_init(&s, CREDIT_START);
	credit_receiver_init(&r, CREDIT_START);
	for (int i = 0; i < 100000; i++) {
		size_t n = steps[i % (int)ARRAY_LEN(steps)];
		uint32_t grant;

		n = n < s.left ? n : s.left;
		ck_assert_uint_gt(n, 0);
		credit_sender_use(&s, n);
		ck_assert_ok(credit_receiver_take(&r, n, e));
		grant = credit_receiver_pass(&r, n);
		if (grant)
			ck_assert_ok(credit_sender_grant(&s, grant, e));
		ck_assert_uint_eq(s.left, r.open);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("frame");
	TCase *t = tcase_create("frame");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, test_header_is_little_endian);
	tcase_add_test(t, test_header_that_claims_too_much_is_refused);
	tcase_add_loop_test(t, test_reader_takes_any_pieces, 1, 20);
	tcase_add_loop_test(t, test_reader_takes_any_pieces, FRAME_MAX - 1, FRAME_MAX + 20);
	tcase_add_test(t, test_reader_knows_that_a_frame_was_cut);
	tcase_add_test(t, test_writer_holds_no_more_than_its_bound);
	tcase_add_test(t, test_sender_gets_no_credit_that_it_did_not_use);
	tcase_add_test(t, test_receiver_takes_what_it_granted_and_no_more);
	tcase_add_test(t, test_credit_never_runs_dry);
	suite_add_tcase(suite, t);
	return ck_run(suite);
}
