/* SPDX-License-Identifier: Apache-2.0 */
/* check_message.c: what frames between host and agent may say. */
#include "ck_err.h"
#include "ck_run.h"
#include "le.h"
#include "message.h"
#include "str.h"

#include <check.h>

/* The only frame that waits in w, whose bytes it points into; w is empty then. */
static struct frame take(struct frame_writer *w)
{
	struct frame f = { 0 };
	const uint8_t *bytes;
	size_t len;

	bytes = frame_writer_pending(w, &len);
	ck_assert_uint_ge(len, FRAME_HEADER);
	ck_assert_ok(frame_header_decode(bytes, &f, e));
	ck_assert_uint_eq(len, FRAME_HEADER + f.len);
	f.payload = f.len ? bytes + FRAME_HEADER : NULL;
	frame_writer_sent(w, len);
	return f;
}

static struct frame_writer new_writer(void)
{
	struct frame_writer w;

	frame_writer_init(&w, 2 * MESSAGE_TEXT_MAX);
	return w;
}

START_TEST(test_what_the_host_says_arrives)
{
	static const enum message_type mounts[] = { MSG_MOUNTS_ADD, MSG_MOUNTS_REMOVE, MSG_MOUNTS_GONE };
	struct message_host_hello hello = { .version = MESSAGE_VERSION,
					    .seconds = 1ULL << 40,
					    .nanoseconds = 999999999 };
	struct message_create create = { { true, { 80, 25 } }, "box", 3 };
	struct message_exec exec = { { false, { 1, 2 } }, "sub/one", 7 };
	struct message_signal sig = { 9, true };
	struct message_credit credit = { MESSAGE_STREAM_STDERR, 7 };
	struct message_close output = { MESSAGE_STREAM_STDOUT };
	struct message_size size = { 0 };
	struct message_link link = { { 2, 0, 0, 0, 0, 7 }, "fifteen-letters" };
	struct frame_writer w = new_writer();
	struct frame f;

	memset(hello.entropy, 0xa5, sizeof(hello.entropy));
	ck_assert_int_eq(message_put_host_hello(&w, &hello), 0);
	f = take(&w);
	memset(&hello, 0, sizeof(hello));
	ck_assert_ok(message_check(&f, MESSAGE_HOST, e));
	ck_assert_ok(message_host_hello_decode(&f, &hello, e));
	ck_assert_uint_eq(hello.seconds, 1ULL << 40);
	ck_assert_uint_eq(hello.nanoseconds, 999999999);
	ck_assert_uint_eq(hello.entropy[MESSAGE_ENTROPY - 1], 0xa5);

	ck_assert_int_eq(message_put_create(&w, 4, &create), 0);
	f = take(&w);
	ck_assert_ok(message_check(&f, MESSAGE_HOST, e));
	memset(&create, 0, sizeof(create));
	ck_assert_ok(message_create_decode(&f, &create, e));
	ck_assert(create.terminal.terminal && create.terminal.size.columns == 80 && create.terminal.size.rows == 25);
	ck_assert(create.id_len == 3 && memcmp(create.id, "box", 3) == 0);
	ck_assert_uint_eq(f.request, 4);

	ck_assert_int_eq(message_put_exec(&w, 3, 5, &exec), 0);
	f = take(&w);
	ck_assert_ok(message_check(&f, MESSAGE_HOST, e));
	exec = (struct message_exec){ .terminal.terminal = true };
	ck_assert_ok(message_exec_decode(&f, &exec, e));
	ck_assert(!exec.terminal.terminal && exec.terminal.size.columns == 1 && exec.terminal.size.rows == 2 &&
		  f.process == 3);
	ck_assert(exec.cgroup_len == 7 && memcmp(exec.cgroup, "sub/one", 7) == 0);

	ck_assert_int_eq(message_put_signal(&w, 0, 6, &sig), 0);
	f = take(&w);
	sig = (struct message_signal){ 0 };
	ck_assert_ok(message_check(&f, MESSAGE_HOST, e));
	ck_assert_ok(message_signal_decode(&f, &sig, e));
	ck_assert(sig.signal == 9 && sig.all);

	ck_assert_int_eq(message_put_resize(&w, 2, 7, &exec.terminal.size), 0);
	f = take(&w);
	ck_assert_ok(message_check(&f, MESSAGE_HOST, e));
	ck_assert_ok(message_resize_decode(&f, &size, e));
	ck_assert(size.columns == 1 && size.rows == 2);

	ck_assert_int_eq(message_put_credit(&w, 2, &credit), 0);
	f = take(&w);
	credit = (struct message_credit){ 0 };
	ck_assert_ok(message_check(&f, MESSAGE_HOST, e));
	ck_assert_ok(message_credit_decode(&f, MESSAGE_HOST, &credit, e));
	ck_assert(credit.stream == MESSAGE_STREAM_STDERR && credit.bytes == 7);

	ck_assert_int_eq(message_put_close(&w, 2, &output), 0);
	f = take(&w);
	output.stream = MESSAGE_STREAM_STDIN;
	ck_assert_ok(message_check(&f, MESSAGE_HOST, e));
	ck_assert_ok(message_close_decode(&f, &output, e));
	ck_assert(output.stream == MESSAGE_STREAM_STDOUT && f.process == 2);

	ck_assert_int_eq(message_put_link(&w, &link), 0);
	f = take(&w);
	link = (struct message_link){ 0 };
	ck_assert_ok(message_check(&f, MESSAGE_HOST, e));
	ck_assert_ok(message_link_decode(&f, &link, e));
	ck_assert_str_eq(link.name, "fifteen-letters");
	ck_assert(link.mac[0] == 2 && link.mac[5] == 7);
	ck_assert_int_eq(message_put_data(&w, MSG_RTNL, 0, "abc", 3), 0);
	f = take(&w);
	ck_assert_ok(message_check(&f, MESSAGE_HOST, e));
	ck_assert(f.type == MSG_RTNL && f.len == 3 && memcmp(f.payload, "abc", 3) == 0);

	for (size_t i = 0; i < ARRAY_LEN(mounts); i++) {
		ck_assert_int_eq(message_put(&w, mounts[i], 0, 8), 0);
		f = take(&w);
		ck_assert_ok(message_check(&f, MESSAGE_HOST, e));
		ck_assert(f.type == mounts[i] && f.request == 8 && f.len == 0);
	}
	frame_writer_free(&w);
}
END_TEST

START_TEST(test_what_the_agent_says_arrives)
{
	struct message_log log = { 1, "careful", 7, 9 };
	struct message_hello hello = { MESSAGE_VERSION };
	struct err failure = { 0 }, got = { 0 };
	struct frame_writer w = new_writer();
	struct message_exit end = { .status = 255, .taken = 1ULL << 40 };
	struct frame f;

	ck_assert_int_eq(message_put_hello(&w, &hello), 0);
	f = take(&w);
	ck_assert_ok(message_check(&f, MESSAGE_AGENT, e));
	ck_assert_ok(message_hello_decode(&f, &hello, e));

	ck_assert_int_eq(message_put_exit(&w, 9, &end), 0);
	f = take(&w);
	ck_assert_ok(message_check(&f, MESSAGE_AGENT, e));
	end = (struct message_exit){ 0 };
	ck_assert_ok(message_exit_decode(&f, &end, e));
	ck_assert(end.status == 255 && end.taken == 1ULL << 40 && f.process == 9);

	err_set(&failure, ENOENT, "exec 'no\tsuch\x1b[2J'");
	ck_assert_int_eq(message_put_err(&w, 1, 2, &failure), 0);
	f = take(&w);
	ck_assert_ok(message_check(&f, MESSAGE_AGENT, e));
	ck_assert_ok(message_err_decode(&f, &got, e));
	ck_assert_int_eq(got.code, ENOENT);
	ck_assert_str_eq(got.msg, "exec 'no?such?[2J'");

	ck_assert_int_eq(message_put_log(&w, &log), 0);
	f = take(&w);
	ck_assert_ok(message_check(&f, MESSAGE_AGENT, e));
	ck_assert_ok(message_log_decode(&f, &log, e));
	ck_assert(log.level == 1 && log.request == 9 && log.len == 7 && memcmp(log.text, "careful", 7) == 0);
	frame_writer_free(&w);
}
END_TEST

START_TEST(test_a_long_text_goes_in_parts)
{
	size_t len = 2 * FRAME_PAYLOAD_MAX + 5, n = 0;
	AUTO_FREE char *text = x_calloc(len, 1);
	struct frame_writer w = new_writer();
	struct strbuf back = { 0 };
	const uint8_t *bytes;
	struct frame f;

	memset(text, 'x', len);
	text[len - 1] = 'y';
	ck_assert_int_eq(message_put_text(&w, 3, text, len), 0);
	for (bytes = frame_writer_pending(&w, &len); len; bytes = frame_writer_pending(&w, &len)) {
		ck_assert_ok(frame_header_decode(bytes, &f, e));
		f.payload = bytes + FRAME_HEADER;
		ck_assert_ok(message_check(&f, MESSAGE_AGENT, e));
		ck_assert_ok(message_text_add(&back, &f, e));
		frame_writer_sent(&w, FRAME_HEADER + f.len);
		n++;
	}
	ck_assert_uint_eq(n, 3);
	ck_assert_uint_eq(back.len, 2 * FRAME_PAYLOAD_MAX + 5);
	ck_assert_str_eq(back.s + back.len - 2, "xy");
	free(back.s);
	frame_writer_free(&w);
	frame_writer_init(&w, FRAME_MAX);
	ck_assert_int_eq(message_put_text(&w, 3, text, 2 * FRAME_PAYLOAD_MAX), -ENOBUFS);
	(void)frame_writer_pending(&w, &len);
	ck_assert_uint_eq(len, 0);
	frame_writer_free(&w);
}
END_TEST

START_TEST(test_texts_are_bounded_in_all)
{
	static uint8_t chunk[FRAME_PAYLOAD_MAX];
	struct frame f = { .type = MSG_TEXT, .payload = chunk, .len = sizeof(chunk) };
	struct strbuf text = { 0 };

	for (size_t i = 0; i < MESSAGE_TEXT_MAX / FRAME_PAYLOAD_MAX; i++)
		ck_assert_ok(message_text_add(&text, &f, e));
	f.len = 1;
	ck_assert_fails(message_text_add(&text, &f, e), EPROTO, "a text of more than 4194304 bytes");
	free(text.s);
}
END_TEST

START_TEST(test_each_type_has_its_side_and_its_length)
{
	static const uint8_t zeros[FRAME_PAYLOAD_MAX];
	static const struct {
		struct frame f;
		enum message_side from;
		const char *why;
	} bad[] = {
		{ { .type = 0 }, MESSAGE_HOST, "unknown type 0" },
		{ { .type = MSG_TYPE_END }, MESSAGE_AGENT, "unknown type" },
		{ { .type = 0xffff }, MESSAGE_AGENT, "unknown type 65535" },
		{ { .type = MSG_OK }, MESSAGE_HOST, "the host sent OK, which only the other end may send" },
		{ { .type = MSG_START }, MESSAGE_AGENT, "the agent sent START, which" },
		{ { .type = MSG_START, .len = 1 }, MESSAGE_HOST, "START of 1 bytes: it has 0 to 0" },
		{ { .type = MSG_HELLO, .len = 4 }, MESSAGE_HOST, "HELLO of 4 bytes: it has 80 to 80" },
		{ { .type = MSG_HELLO, .len = 80 }, MESSAGE_AGENT, "HELLO of 80 bytes: it has 4 to 4" },
		{ { .type = MSG_STDOUT }, MESSAGE_AGENT, "STDOUT of 0 bytes" },
		{ { .type = MSG_TEXT }, MESSAGE_HOST, "TEXT of 0 bytes" },
		{ { .type = MSG_EXIT, .len = 11 }, MESSAGE_AGENT, "EXIT of 11 bytes" },
		{ { .type = MSG_EXIT, .len = 13 }, MESSAGE_AGENT, "EXIT of 13 bytes" },
		{ { .type = MSG_ERR, .len = 4 }, MESSAGE_AGENT, "ERR of 4 bytes" },
		{ { .type = MSG_ERR, .len = 4 + MESSAGE_REASON_MAX + 1 }, MESSAGE_AGENT, "ERR of 4100 bytes" },
		{ { .type = MSG_CREATE, .len = 8 }, MESSAGE_HOST, "CREATE of 8 bytes" },
		{ { .type = MSG_CREATE, .len = 8 + MESSAGE_ID_MAX + 1 }, MESSAGE_HOST, "CREATE of 1033 bytes" },
		{ { .type = MSG_CREATE, .len = 9, .process = 1 }, MESSAGE_HOST, "CREATE for process 1" },
		{ { .type = MSG_MOUNTS_ADD }, MESSAGE_AGENT, "the agent sent MOUNTS_ADD, which only the other end" },
		{ { .type = MSG_MOUNTS_REMOVE }, MESSAGE_AGENT, "the agent sent MOUNTS_REMOVE, which" },
		{ { .type = MSG_MOUNTS_GONE }, MESSAGE_AGENT, "the agent sent MOUNTS_GONE, which" },
		{ { .type = MSG_MOUNTS_ADD, .len = 1 }, MESSAGE_HOST, "MOUNTS_ADD of 1 bytes: it has 0 to 0" },
		{ { .type = MSG_MOUNTS_REMOVE, .len = 1 }, MESSAGE_HOST, "MOUNTS_REMOVE of 1 bytes: it has 0" },
		{ { .type = MSG_MOUNTS_GONE, .process = 1 }, MESSAGE_HOST, "MOUNTS_GONE for process 1" },
		{ { .type = MSG_LINK, .len = 7 }, MESSAGE_AGENT, "the agent sent LINK, which" },
		{ { .type = MSG_LINK, .len = 6 }, MESSAGE_HOST, "LINK of 6 bytes: it has 7 to 21" },
		{ { .type = MSG_LINK, .len = 22 }, MESSAGE_HOST, "LINK of 22 bytes" },
		{ { .type = MSG_RTNL }, MESSAGE_HOST, "RTNL of 0 bytes" },
		{ { .type = MSG_RTNL, .len = 1 }, MESSAGE_AGENT, "the agent sent RTNL, which" },
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct frame f = bad[i].f;

		f.payload = f.len ? zeros : NULL;
		ck_assert_fails(message_check(&f, bad[i].from, e), EPROTO, bad[i].why);
	}
}
END_TEST

static struct frame of(enum message_type type, uint32_t process, const uint8_t *payload, size_t len)
{
	return (struct frame){ .type = (uint16_t)type, .process = process, .payload = payload, .len = len };
}

START_TEST(test_values_that_are_none_are_refused)
{
	uint8_t p[80] = { 0 };
	struct message_host_hello host_hello;

	struct message_credit credit;
	struct message_create create;
	struct message_close output;
	struct message_signal sig;
	struct message_hello hello;
	struct message_log log;
	struct message_exit end = { .status = -1 };
	struct message_link link;
	struct message_exec exec;
	struct err failure;
	struct frame f;

	le32_put(p, MESSAGE_VERSION + 1);
	f = of(MSG_HELLO, 0, p, 4);
	ck_assert_fails(message_hello_decode(&f, &hello, e), EPROTO, "the agent speaks version 2");
	f.len = 80;
	ck_assert_fails(message_host_hello_decode(&f, &host_hello, e), EPROTO, "the host speaks version 2");
	le32_put(p, MESSAGE_VERSION);
	le32_put(p + 12, 1000000000);
	ck_assert_fails(message_host_hello_decode(&f, &host_hello, e), EPROTO, "1000000000 nanoseconds");

	le32_put(p, 2);
	f = of(MSG_EXEC, 1, p, 8);
	ck_assert_fails(message_exec_decode(&f, &exec, e), EPROTO, "unknown flags 0x2");
	le32_put(p, 0);
	f.process = 0;
	ck_assert_fails(message_exec_decode(&f, &exec, e), EPROTO, "process 0");
	f = of(MSG_EXEC, 1, p, 9);
	ck_assert_fails(message_exec_decode(&f, &exec, e), EPROTO, "the cgroup has a NUL");
	f = of(MSG_CREATE, 0, p, 9);
	ck_assert_fails(message_create_decode(&f, &create, e), EPROTO, "NUL");

	f = of(MSG_SIGNAL, 0, p, 8);
	ck_assert_fails(message_signal_decode(&f, &sig, e), EPROTO, "0 is no signal");
	le32_put(p, 65);
	ck_assert_fails(message_signal_decode(&f, &sig, e), EPROTO, "65 is no signal");
	le32_put(p, 64);
	le32_put(p + 4, 1);
	ck_assert_ok(message_signal_decode(&f, &sig, e));
	f.process = 1;
	ck_assert_fails(message_signal_decode(&f, &sig, e), EPROTO, "for process 1");

	f = of(MSG_CREDIT, 0, p, 8);
	le32_put(p, MESSAGE_STREAM_STDOUT);
	ck_assert_fails(message_credit_decode(&f, MESSAGE_AGENT, &credit, e), EPROTO, "stream 1");
	le32_put(p, MESSAGE_STREAM_STDIN);
	ck_assert_fails(message_credit_decode(&f, MESSAGE_HOST, &credit, e), EPROTO, "stream 0");
	le32_put(p, MESSAGE_STREAMS);
	ck_assert_fails(message_credit_decode(&f, MESSAGE_HOST, &credit, e), EPROTO, "stream 3");

	f = of(MSG_CLOSE, 0, p, 4);
	le32_put(p, MESSAGE_STREAM_STDIN);
	ck_assert_fails(message_close_decode(&f, &output, e), EPROTO, "stream 0 is no output");
	le32_put(p, MESSAGE_STREAMS);
	ck_assert_fails(message_close_decode(&f, &output, e), EPROTO, "stream 3 is no output");
	f = of(MSG_LINK, 0, (const uint8_t *)"\2\0\0\0\0\7a/b", 9);
	ck_assert_fails(message_link_decode(&f, &link, e), EPROTO, "no name of an interface");
	f = of(MSG_LINK, 0, (const uint8_t *)"\2\0\0\0\0\7a\0b", 9);
	ck_assert_fails(message_link_decode(&f, &link, e), EPROTO, "no name of an interface");
	f = of(MSG_EXIT, 0, p, 12);
	le32_put(p, 256);
	ck_assert_fails(message_exit_decode(&f, &end, e), EPROTO, "status 256");
	ck_assert_int_eq(end.status, -1);
	f = of(MSG_LOG, 0, p, 5);
	le32_put(p, 4);
	ck_assert_fails(message_log_decode(&f, &log, e), EPROTO, "level 4");
	f = of(MSG_ERR, 0, p, 5);
	le32_put(p, 0);
	ck_assert_fails(message_err_decode(&f, &failure, e), EPROTO, "code 0");
	le32_put(p, 4096);
	ck_assert_fails(message_err_decode(&f, &failure, e), EPROTO, "code 4096");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("message");
	TCase *t = tcase_create("message");

	tcase_add_test(t, test_what_the_host_says_arrives);
	tcase_add_test(t, test_what_the_agent_says_arrives);
	tcase_add_test(t, test_a_long_text_goes_in_parts);
	tcase_add_test(t, test_texts_are_bounded_in_all);
	tcase_add_test(t, test_each_type_has_its_side_and_its_length);
	tcase_add_test(t, test_values_that_are_none_are_refused);
	suite_add_tcase(suite, t);
	return ck_run(suite);
}
