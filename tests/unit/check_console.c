/* SPDX-License-Identifier: Apache-2.0 */
/* check_console.c: which of a machine's last lines are told. */
#include "ck_run.h"
#include "console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct console console;

static void say(const char *text)
{
	console_add(&console, text, strlen(text));
}

static void check_words(void (*which)(const struct console *c, size_t n, struct strbuf *out), size_t n,
			const char *want)
{
	struct strbuf out = { 0 };

	which(&console, n, &out);
	ck_assert_str_eq(out.s ? out.s : "", want);
	free(out.s);
}

static void begin(void)
{
	console = (struct console){ 0 };
}

START_TEST(the_last_lines_are_told)
{
	check_words(console_last_words, 2, "");
	say("one\r\n\r\ntwo\nthr\x1b"
	    "ee");
	check_words(console_tail, 2, "two\nthr?ee\n");
	check_words(console_last_words, 2, "two\nthr?ee\n");
	check_words(console_last_words, 9, "one\ntwo\nthr?ee\n");
}
END_TEST

/* What the kernel prints behind it is a page of addresses. */
START_TEST(why_the_kernel_panicked_is_told)
{
	say("early\nInitramfs unpacking failed: write error\n[1.0] Kernel panic - not syncing: no root\nCPU: 0\n");
	say("Call Trace:\n ret_from_fork\n---[ end Kernel panic - not syncing: no root ]---\n");
	check_words(console_last_words, 1, "[1.0] Kernel panic - not syncing: no root\n");
	check_words(console_last_words, 2,
		    "Initramfs unpacking failed: write error\n[1.0] Kernel panic - not syncing: no root\n");
	check_words(console_last_words, 9,
		    "early\nInitramfs unpacking failed: write error\n[1.0] Kernel panic - not syncing: no root\n");
	check_words(console_tail, 1, "---[ end Kernel panic - not syncing: no root ]---\n");
}
END_TEST

/* However much it printed since. */
START_TEST(what_is_kept_is_bounded)
{
	say("Kernel panic - not syncing: long ago\n");
	for (int i = 0; i < CONSOLE_BYTES / 10; i++)
		say("ten bytes\n");
	say("last");
	check_words(console_last_words, 2, "ten bytes\nlast\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("console");
	TCase *tc = tcase_create("console");

	tcase_add_checked_fixture(tc, begin, NULL);
	tcase_add_test(tc, the_last_lines_are_told);
	tcase_add_test(tc, why_the_kernel_panicked_is_told);
	tcase_add_test(tc, what_is_kept_is_bounded);
	suite_add_tcase(suite, tc);
	return ck_run(suite);
}
