/* SPDX-License-Identifier: Apache-2.0 */
/* check_agent_input.c: the standard input of a process of the guest (src/agent/input.c): what poll(2) is asked for comes
 * to an end, whatever the process does to its pipe. */
#include "ck_err.h"
#include "ck_run.h"
#include "input.h"

#include <check.h>
#include <fcntl.h>
#include <unistd.h>

static const uint8_t block[CREDIT_INPUT];

/* Is there something to do at once? */
static bool is_ready(const struct input *in)
{
	struct pollfd p = input_poll(in);

	return poll(&p, 1, 0) > 0;
}

static void begin(struct input *in, struct frame_writer *w, int *out_end)
{
	frame_writer_init(w, 1 << 20);
	input_init(in);
	ck_assert_ok(input_open(in, out_end, e));
}

static void end(struct input *in, struct frame_writer *w, int reader)
{
	input_close(in);
	frame_writer_free(w);
	(void)close(reader);
}

START_TEST(a_small_pipe_says_when_it_was_read_empty)
{
	struct frame_writer w;
	struct input in;
	uint8_t buf[100];
	int reader;

	begin(&in, &w, &reader);
	ck_assert_ok(input_add(&in, 1, block, sizeof(buf), &w, e));
	ck_assert(!is_ready(&in));
	ck_assert_int_eq(read(reader, buf, sizeof(buf)), sizeof(buf));
	ck_assert(is_ready(&in));
	ck_assert_ok(input_move(&in, 1, &w, e));
	ck_assert(!is_ready(&in));
	ck_assert_uint_eq(input_taken(&in), sizeof(buf));
	end(&in, &w, reader);
}
END_TEST

START_TEST(a_pipe_that_its_reader_made_larger_is_not_asked_without_end)
{
	static const int sizes[] = { 8192, 1 << 17 };
	struct frame_writer w;
	struct input in;
	int reader;

	begin(&in, &w, &reader);
	ck_assert_ok(input_add(&in, 1, block, 100, &w, e));
	ck_assert_int_ge(fcntl(reader, F_SETPIPE_SZ, sizes[_i]), sizes[_i]);
	ck_assert(is_ready(&in));
	ck_assert_ok(input_move(&in, 1, &w, e));
	ck_assert(!is_ready(&in));
	ck_assert_int_ge(fcntl(reader, F_GETPIPE_SZ), sizes[_i]);
	ck_assert_uint_eq(input_taken(&in), 0);
	/* who reads much gets much */
	for (int i = 0; i < 16; i++)
		ck_assert_ok(input_add(&in, 1, block, sizeof(block), &w, e));
	end(&in, &w, reader);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("agent_input");
	TCase *tc = tcase_create("pipes");

	tcase_add_test(tc, a_small_pipe_says_when_it_was_read_empty);
	tcase_add_loop_test(tc, a_pipe_that_its_reader_made_larger_is_not_asked_without_end, 0, 2);
	suite_add_tcase(s, tc);
	return ck_run(s);
}
