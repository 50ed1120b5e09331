/* SPDX-License-Identifier: Apache-2.0 */
/* check_mon_input.c: the standard input that husk-mon passes on (src/mon/input.c) may be others', too, who take what
 * poll(2) has promised: it waits for nothing, and leaves the flags that they see as they are. */
#include "ck_run.h"
#include "input.h"

#include <check.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_SECONDS 60 /* what blocks, does so for good */

static struct guest guest;
static struct input in;
static int ends[2]; /* a pair: what goes into [1] comes out of [0], which is the input */

/* A process that reads. */
static void begin(bool sockets)
{
	guest_init(&guest, NULL, NULL);
	guest.processes[0].started = true;
	credit_sender_init(&guest.processes[0].in, CREDIT_INPUT);
	ck_assert_int_eq(sockets ? socketpair(AF_UNIX, SOCK_STREAM, 0, ends) : pipe(ends), 0);
	input_open(&in, dup(ends[0]));
}

static void end(void)
{
	input_close(&in, 0);
	guest_free(&guest);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

/* The bytes of the one STDIN that waits for the guest, or "". */
static const char *sent(void)
{
	static char text[64];
	struct frame f;
	size_t len;
	const uint8_t *bytes = frame_writer_pending(&guest.out, &len);

	text[0] = '\0';
	if (len == 0)
		return text;
	ck_assert_int_eq(frame_header_decode(bytes, &f, NULL), 0);
	ck_assert_uint_eq(f.type, MSG_STDIN);
	ck_assert_uint_lt(f.len, sizeof(text));
	memcpy(text, bytes + FRAME_HEADER, f.len);
	text[f.len] = '\0';
	frame_writer_sent(&guest.out, FRAME_HEADER + f.len);
	return text;
}

static int waiting(void)
{
	int n = 0;

	ck_assert_int_eq(ioctl(ends[0], FIONREAD, &n), 0);
	return n;
}

START_TEST(what_another_has_taken_is_not_waited_for)
{
	bool sockets = _i;

	begin(sockets);
	input_move(&in, &guest, 0, true);
	ck_assert_str_eq(sent(), "");
	ck_assert(!in.ended);
	ck_assert_int_eq(write(ends[1], "abc", 3), 3);
	input_move(&in, &guest, 0, true);
	ck_assert_str_eq(sent(), "abc");
	ck_assert_int_eq(waiting(), sockets ? 0 : 3);
	ck_assert(!(fcntl(ends[0], F_GETFL) & O_NONBLOCK));
	end();
}
END_TEST

/* Once the guest has read what was looked at, it is taken: if it is still there. */
START_TEST(what_another_took_after_the_look_is_not_waited_for)
{
	char buf[3];

	begin(false);
	ck_assert_int_eq(write(ends[1], "abc", 3), 3);
	input_move(&in, &guest, 0, true);
	ck_assert_int_eq(read(ends[0], buf, 3), 3);
	guest.processes[0].in.left = CREDIT_INPUT;
	input_move(&in, &guest, 0, false);
	ck_assert_uint_eq(in.looked_at, 0);
	ck_assert_int_eq(write(ends[1], "d", 1), 1);
	ck_assert_str_eq(sent(), "abc");
	input_move(&in, &guest, 0, true);
	ck_assert_str_eq(sent(), "d");
	guest.processes[0].in.left = CREDIT_INPUT;
	input_move(&in, &guest, 0, false);
	ck_assert_int_eq(waiting(), 0);
	end();
}
END_TEST

/* Who has proved to read gets it without a look. */
START_TEST(much_is_read_without_waiting_and_to_its_end)
{
	bool sockets = _i;

	begin(sockets);
	guest.processes[0].in.left = CREDIT_START;
	input_move(&in, &guest, 0, true);
	ck_assert(!in.ended);
	ck_assert_int_eq(write(ends[1], "abc", 3), 3);
	input_move(&in, &guest, 0, true);
	ck_assert_str_eq(sent(), "abc");
	ck_assert_int_eq(waiting(), 0);
	(void)close(ends[1]);
	ends[1] = -1;
	input_move(&in, &guest, 0, true);
	ck_assert(in.ended);
	end();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("mon_input");
	TCase *tc = tcase_create("others have it, too");

	tcase_set_timeout(tc, WAIT_SECONDS);
	tcase_add_loop_test(tc, what_another_has_taken_is_not_waited_for, 0, 2);
	tcase_add_test(tc, what_another_took_after_the_look_is_not_waited_for);
	tcase_add_loop_test(tc, much_is_read_without_waiting_and_to_its_end, 0, 2);
	suite_add_tcase(s, tc);
	return ck_run(s);
}
