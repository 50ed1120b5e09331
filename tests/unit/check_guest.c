/* SPDX-License-Identifier: Apache-2.0 */
/* check_guest.c: what husk-mon believes of its guest (src/mon/guest.c): an honest agent's words are taken, in the
 * moment in which they are due; all else is told from them. */
#include "ck_err.h"
#include "ck_run.h"
#include "guest.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static struct guest guest;
static struct frame_writer agent; /* what the agent sends */
static struct {
	int answers, outputs, ends, exits, ooms, lines, status;
	uint64_t unread;
	uint32_t process;
	bool failed;
	void *who;
	char text[64];
} seen;

static void answered(void *arg, const struct guest_answer *a)
{
	(void)arg;
	seen.answers++;
	seen.failed = a->failure != NULL;
	seen.who = a->who;
	seen.process = a->process;
	(void)snprintf(seen.text, sizeof(seen.text), "%.*s", (int)a->len, a->text);
}

static void output(void *arg, uint32_t process, enum message_stream stream, const void *data, size_t len)
{
	(void)arg;
	(void)stream;
	seen.outputs++;
	seen.process = process;
	if (len < sizeof(seen.text))
		(void)snprintf(seen.text, sizeof(seen.text), "%.*s", (int)len, (const char *)data);
}

static void output_ended(void *arg, uint32_t process, enum message_stream stream)
{
	(void)arg;
	(void)process;
	(void)stream;
	seen.ends++;
}

static void exited(void *arg, uint32_t process, int status, uint64_t unread)
{
	(void)arg;
	seen.exits++;
	seen.process = process;
	seen.status = status;
	seen.unread = unread;
}

static void oom(void *arg)
{
	(void)arg;
	seen.ooms++;
}

static void said(void *arg, void *who, const struct message_log *line)
{
	(void)arg;
	seen.who = who;
	(void)line;
	seen.lines++;
}

static const struct guest_events events = { answered, output, output_ended, exited, oom, said };

static void begin(void)
{
	memset(&seen, 0, sizeof(seen));
	guest_init(&guest, &events, NULL);
	frame_writer_init(&agent, 4 << 20);
}

static void end(void)
{
	guest_free(&guest);
	frame_writer_free(&agent);
}

/* Gives the guest's state all that `agent` holds. */
static int deliver(struct err *out)
{
	const uint8_t *bytes;
	struct frame f;
	size_t len;
	int r = 0;

	while (r == 0 && (bytes = frame_writer_pending(&agent, &len), len)) {
		ck_assert_ok(frame_header_decode(bytes, &f, e));
		f.payload = f.len ? bytes + FRAME_HEADER : NULL;
		r = guest_take(&guest, &f, out);
		frame_writer_sent(&agent, FRAME_HEADER + f.len);
	}
	return r;
}

/* The request of the last frame of this type that waits for the guest; its bytes are then gone. */
static uint32_t asked(enum message_type type)
{
	uint32_t request = 0;
	const uint8_t *bytes;
	struct frame f;
	size_t len;

	while (bytes = frame_writer_pending(&guest.out, &len), len) {
		ck_assert_ok(frame_header_decode(bytes, &f, e));
		if (f.type == type)
			request = f.request;
		frame_writer_sent(&guest.out, FRAME_HEADER + f.len);
	}
	ck_assert_uint_ne(request, 0);
	return request;
}

static void exits(uint32_t process, int status, uint64_t taken)
{
	(void)message_put_exit(&agent, process, &(struct message_exit){ .status = status, .taken = taken });
}

static void hello(void)
{
	const struct message_hello h = { .version = MESSAGE_VERSION };

	ck_assert_int_eq(message_put_hello(&agent, &h), 0);
	ck_assert_ok(deliver(e));
	ck_assert_int_eq(guest.state, GUEST_READY);
}

/* A container that runs. */
static void run(bool terminal)
{
	const struct message_create c = { .terminal = { .terminal = terminal }, .id = "box", .id_len = 3 };

	hello();
	ck_assert_ok(guest_create(&guest, &c, "{}", &guest, e));
	(void)message_put(&agent, MSG_OK, 0, asked(MSG_CREATE));
	ck_assert_ok(deliver(e));
	ck_assert_int_eq(guest.state, GUEST_CREATED);
	ck_assert_ok(guest_start(&guest, &guest, e));
	(void)message_put(&agent, MSG_OK, 0, asked(MSG_START));
	ck_assert_ok(deliver(e));
	ck_assert_int_eq(guest.state, GUEST_RUNNING);
}

static uint32_t exec(void)
{
	const struct message_exec t = { 0 };
	uint32_t process = 0;

	ck_assert_ok(guest_exec(&guest, &t, "{}", 2, &guest, 0, &process, e));
	(void)message_put(&agent, MSG_OK, process, asked(MSG_EXEC));
	ck_assert_ok(deliver(e));
	return process;
}

START_TEST(a_whole_life)
{
	uint32_t process;

	run(false);
	ck_assert_int_eq(seen.answers, 2);
	ck_assert_ptr_eq(seen.who, &guest);
	(void)message_put_data(&agent, MSG_STDOUT, 0, "hello", 5);
	(void)message_put(&agent, MSG_STDERR_EOF, 0, 0);
	process = exec();
	ck_assert_uint_eq(process, 1);
	ck_assert_str_eq(seen.text, "");
	(void)message_put_data(&agent, MSG_STDERR, process, "x", 1);
	exits(process, 9, 0);
	ck_assert_ok(deliver(e));
	ck_assert_int_eq(seen.outputs, 2);
	ck_assert_int_eq(seen.status, 9);
	ck_assert_uint_eq(exec(), 2);
	/* what it left in the background */
	(void)message_put_data(&agent, MSG_STDOUT, process, "late", 4);
	(void)message_put(&agent, MSG_STDOUT_EOF, process, 0);
	ck_assert_ok(deliver(e));
	ck_assert_str_eq(seen.text, "late");
	ck_assert_uint_eq(exec(), 3);
	ck_assert(!guest_is_alone(&guest));
	(void)message_put(&agent, MSG_STDERR_EOF, process, 0);
	ck_assert_ok(deliver(e));
	ck_assert_uint_eq(exec(), 1); /* the number is free again */
	exits(0, 137, 0);
	ck_assert_ok(deliver(e));
	ck_assert_int_eq(guest.state, GUEST_ENDED);
	ck_assert_int_eq(seen.status, 137);
}
END_TEST

START_TEST(nothing_comes_before_hello)
{
	(void)message_put(&agent, MSG_OK, 0, 1);
	ck_assert_fails(deliver(e), EPROTO, "HELLO comes first");
	hello();
	(void)message_put_hello(&agent, &(struct message_hello){ .version = MESSAGE_VERSION });
	ck_assert_fails(deliver(e), EPROTO, "said before");
}
END_TEST

START_TEST(an_answer_needs_a_question)
{
	uint32_t request;

	run(false);
	(void)message_put(&agent, MSG_OK, 0, 0);
	ck_assert_fails(deliver(e), EPROTO, "question 0, which is not open");
	(void)message_put(&agent, MSG_OK, 0, 99);
	ck_assert_fails(deliver(e), EPROTO, "question 99, which is not open");
	ck_assert_ok(guest_ask(&guest, MSG_PS, NULL, 0, &guest, 0, e));
	request = asked(MSG_PS);
	(void)message_put_text(&agent, request, "[1]", 3);
	(void)message_put(&agent, MSG_OK, 0, request);
	ck_assert_ok(deliver(e));
	ck_assert_str_eq(seen.text, "[1]");
	(void)message_put(&agent, MSG_OK, 0, request);
	ck_assert_fails(deliver(e), EPROTO, "not open");
}
END_TEST

START_TEST(text_is_for_those_who_asked_for_it)
{
	struct message_signal s = { .signal = 1 };
	uint32_t request;
	char *much = calloc(1, GUEST_ANSWER_MAX + 1);

	run(false);
	ck_assert_ok(guest_signal(&guest, 0, &s, &guest, 0, e));
	(void)message_put_text(&agent, asked(MSG_SIGNAL), "x", 1);
	ck_assert_fails(deliver(e), EPROTO, "TEXT of question");
	ck_assert_ok(guest_ask(&guest, MSG_MOUNTS_ADD, "[]", 2, &guest, 0, e));
	(void)message_put_text(&agent, asked(MSG_MOUNTS_ADD), "x", 1);
	ck_assert_fails(deliver(e), EPROTO, "TEXT of question");
	ck_assert_ok(guest_ask(&guest, MSG_STATS, NULL, 0, &guest, 0, e));
	request = asked(MSG_STATS);
	memset(much, 'x', GUEST_ANSWER_MAX + 1);
	(void)message_put_text(&agent, request, much, GUEST_ANSWER_MAX + 1);
	ck_assert_fails(deliver(e), EPROTO, "TEXT of more than");
	free(much);
}
END_TEST

/* One thing wrong with each; process 1 was exec'd and process 0 runs. */
static const struct wrong {
	enum message_type type;
	uint32_t process;
	const char *message;
} wrong[] = {
	{ MSG_STDOUT, 2, "it does not run" },	   { MSG_STDOUT, 65, "it does not run" },
	{ MSG_STDOUT, UINT32_MAX, "not run" },	   { MSG_STDOUT_EOF, 2, "it does not run" },
	{ MSG_EXIT, 2, "it does not run" },	   { MSG_EXIT, 4000000000U, "it does not run" },
	{ MSG_SIGNAL, 0, "only the other end" },   { MSG_CREATE, 0, "only the other end" },
	{ MSG_SHUTDOWN, 0, "only the other end" },
};

START_TEST(what_is_not_due_is_refused)
{
	const struct wrong *w = &wrong[_i];
	const struct message_signal s = { .signal = 1 };
	const struct message_create c = { .id = "x", .id_len = 1 };

	run(false);
	(void)exec();
	switch (w->type) {
	case MSG_STDOUT:
		(void)message_put_data(&agent, w->type, w->process, "x", 1);
		break;
	case MSG_EXIT:
		exits(w->process, 0, 0);
		break;
	case MSG_SIGNAL:
		(void)message_put_signal(&agent, w->process, 0, &s);
		break;
	case MSG_CREATE:
		(void)message_put_create(&agent, 1, &c);
		break;
	default:
		(void)message_put(&agent, w->type, w->process, 0);
	}
	ck_assert_fails(deliver(e), EPROTO, w->message);
}
END_TEST

START_TEST(nothing_comes_after_an_end)
{
	run(false);
	(void)message_put(&agent, MSG_STDOUT_EOF, 0, 0);
	ck_assert_ok(deliver(e));
	(void)message_put_data(&agent, MSG_STDOUT, 0, "x", 1);
	ck_assert_fails(deliver(e), EPROTO, "the stream has ended");
	(void)message_put(&agent, MSG_STDOUT_EOF, 0, 0);
	ck_assert_fails(deliver(e), EPROTO, "the stream has ended");
	exits(0, 0, 0);
	ck_assert_ok(deliver(e));
	exits(0, 0, 0);
	ck_assert_fails(deliver(e), EPROTO, "it has ended");
	(void)message_put_credit(&agent, 0, &(struct message_credit){ .bytes = 1 });
	ck_assert_fails(deliver(e), EPROTO, "it has ended");
	(void)message_put(&agent, MSG_STDERR_EOF, 0, 0);
	ck_assert_ok(deliver(e));
	(void)message_put_data(&agent, MSG_STDERR, 0, "x", 1);
	ck_assert_fails(deliver(e), EPROTO, "it does not run");
}
END_TEST

START_TEST(a_terminal_has_one_output)
{
	run(true);
	(void)message_put_data(&agent, MSG_STDERR, 0, "x", 1);
	ck_assert_fails(deliver(e), EPROTO, "the stream has ended");
}
END_TEST

START_TEST(no_more_comes_than_was_granted)
{
	static char block[FRAME_PAYLOAD_MAX];
	int n = CREDIT_START / FRAME_PAYLOAD_MAX;

	run(false);
	for (int i = 0; i < n; i++)
		(void)message_put_data(&agent, MSG_STDOUT, 0, block, sizeof(block));
	ck_assert_ok(deliver(e));
	(void)message_put_data(&agent, MSG_STDOUT, 0, block, 1);
	ck_assert_int_eq(deliver(&(struct err){ 0 }), -EPROTO);
	/* and no more goes than the agent granted */
	ck_assert_uint_eq(guest_input_room(&guest, 0), CREDIT_INPUT);
	guest_input(&guest, 0, block, CREDIT_INPUT);
	ck_assert_uint_eq(guest_input_room(&guest, 0), 0);
	ck_assert_uint_eq(guest_input_waits(&guest, 0), CREDIT_INPUT);
	(void)message_put_credit(&agent, 0, &(struct message_credit){ .bytes = 10 });
	ck_assert_ok(deliver(e));
	ck_assert_uint_eq(guest_input_room(&guest, 0), 10);
	(void)message_put_credit(&agent, 0, &(struct message_credit){ .bytes = CREDIT_START });
	ck_assert_int_eq(deliver(&(struct err){ 0 }), -EPROTO);
}
END_TEST

START_TEST(who_does_not_answer_is_waited_for_in_bounds)
{
	struct message_signal s = { .signal = 1 };
	struct err why = { 0 };
	int n = 0;

	run(false);
	ck_assert_int_eq(guest_signal(&guest, 0, &s, &seen, 500, &why), 0);
	ck_assert_int_eq(guest_next_deadline(&guest), 500);
	ck_assert(!guest_expired(&guest, 499));
	ck_assert(guest_expired(&guest, 500));
	ck_assert(seen.failed);
	ck_assert_ptr_eq(seen.who, &seen);
	ck_assert(!guest_expired(&guest, 9999));
	(void)message_put(&agent, MSG_OK, 0, asked(MSG_SIGNAL)); /* late, and nobody's */
	ck_assert_ok(deliver(e));
	while (guest_signal(&guest, 0, &s, &guest, 0, &why) == 0 && n <= GUEST_ASKS_MAX)
		n++;
	ck_assert_int_eq(n, GUEST_ASKS_MAX);
	ck_assert_int_eq(why.code, EAGAIN);
}
END_TEST

static void warns(uint32_t request, int times)
{
	const struct message_log line = { .level = 1, .text = "careful", .len = 7, .request = request };

	while (times--)
		(void)message_put_log(&agent, &line);
	seen.lines = 0;
	ck_assert_ok(deliver(e));
}

START_TEST(a_warning_is_for_who_asked)
{
	uint32_t request;

	run(false);
	ck_assert_ok(guest_ask(&guest, MSG_PS, NULL, 0, &guest, 0, e));
	request = asked(MSG_PS);
	warns(request, GUEST_ASK_LOGS_MAX);
	ck_assert_int_eq(seen.lines, GUEST_ASK_LOGS_MAX);
	ck_assert_ptr_eq(seen.who, &guest);
	warns(request, 1); /* too many for one question */
	ck_assert_ptr_null(seen.who);
	(void)message_put(&agent, MSG_OK, 0, request);
	warns(request, GUEST_LOGS_MAX + 10); /* of one that was answered */
	ck_assert_int_eq(seen.lines, GUEST_LOGS_MAX - 1);
	ck_assert_ptr_null(seen.who);
	ck_assert_ok(guest_ask(&guest, MSG_PS, NULL, 0, &guest, 0, e));
	warns(asked(MSG_PS), 1); /* another is told all the same */
	ck_assert_int_eq(seen.lines, 1);
	ck_assert_ptr_eq(seen.who, &guest);
}
END_TEST

START_TEST(processes_are_counted)
{
	const struct message_exec t = { 0 };
	uint32_t process;
	int n = 0;

	run(false);
	while (n < MESSAGE_PROCESSES_MAX && exec() == (uint32_t)n + 1)
		n++;
	ck_assert_int_eq(n, MESSAGE_PROCESSES_MAX);
	ck_assert_fails(guest_exec(&guest, &t, "{}", 2, &guest, 0, &process, e), EAGAIN, "64 processes at once");
	exits(7, 0, 0);
	(void)message_put(&agent, MSG_STDOUT_EOF, 7, 0);
	(void)message_put(&agent, MSG_STDERR_EOF, 7, 0);
	ck_assert_ok(deliver(e));
	ck_assert_uint_eq(exec(), 7);
	for (uint32_t i = 1; i <= MESSAGE_NUMBERS_MAX - MESSAGE_PROCESSES_MAX; i++) {
		exits(i, 0, 0);
		ck_assert_ok(deliver(e));
		ck_assert_uint_eq(exec(), MESSAGE_PROCESSES_MAX + i);
	}
	exits(MESSAGE_NUMBERS_MAX, 0, 0);
	ck_assert_ok(deliver(e));
	ck_assert_fails(guest_exec(&guest, &t, "{}", 2, &guest, 0, &process, e), EAGAIN,
			"65 processes that have ended");
}
END_TEST

/* What the process has not read is given back by who knows how. */
START_TEST(input_that_was_not_read_is_counted)
{
	run(false);
	guest_input(&guest, 0, "12345", 5);
	exits(0, 0, 6);
	ck_assert_fails(deliver(e), EPROTO, "it has read more than it got");
	exits(0, 0, 2);
	ck_assert_ok(deliver(e));
	ck_assert_uint_eq(seen.unread, 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("guest");
	TCase *tc = tcase_create("guest");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, a_whole_life);
	tcase_add_test(tc, nothing_comes_before_hello);
	tcase_add_test(tc, an_answer_needs_a_question);
	tcase_add_test(tc, text_is_for_those_who_asked_for_it);
	tcase_add_loop_test(tc, what_is_not_due_is_refused, 0, (int)ARRAY_LEN(wrong));
	tcase_add_test(tc, nothing_comes_after_an_end);
	tcase_add_test(tc, a_terminal_has_one_output);
	tcase_add_test(tc, no_more_comes_than_was_granted);
	tcase_add_test(tc, who_does_not_answer_is_waited_for_in_bounds);
	tcase_add_test(tc, a_warning_is_for_who_asked);
	tcase_add_test(tc, processes_are_counted);
	tcase_add_test(tc, input_that_was_not_read_is_counted);
	suite_add_tcase(suite, tc);
	return ck_run(suite);
}
