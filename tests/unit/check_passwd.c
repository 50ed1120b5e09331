/* SPDX-License-Identifier: Apache-2.0 */
/* check_passwd.c: linux/passwd.c: the parser by a table, the file in a folder that stands for a container's root. */
#include "ck_run.h"
#include "err.h"
#include "fd.h"
#include "io.h"
#include "passwd.h"
#include "str.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define ROOT_LINE "root:x:0:0:root:/root:/bin/sh\n"

/* NULL: there is none. */
static const struct {
	const char *text;
	uid_t uid;
	const char *home;
} find_cases[] = {
	{ ROOT_LINE, 0, "/root" },
	{ ROOT_LINE "a:x:1000:1000::/home/a:/bin/sh\n", 1000, "/home/a" },
	{ ROOT_LINE, 1000, NULL },
	{ "", 0, NULL },
	{ "\n\n" ROOT_LINE, 0, "/root" },
	/* no newline at the end, no shell */
	{ "a:x:7:7:a:/home/a", 7, "/home/a" },
	{ "a:x:7:7:a:/home/a:", 7, "/home/a" },
	/* the first one counts, if it says something usable */
	{ "a:x:7:7::/one:\nb:x:7:7::/two:\n", 7, "/one" },
	{ "a:x:7:7:::\nb:x:7:7::/two:\n", 7, "/two" },
	{ "a:x:7:7::home:\n", 7, NULL },
	/* lines that are no entries */
	{ "#a:x:7:7::/home/a:\n", 7, NULL },
	{ "a:x:7:7:a\n", 7, NULL },
	{ "a:x:7", 7, NULL },
	{ "a", 7, NULL },
	{ "+::::::\n-b::::::\n" ROOT_LINE, 0, "/root" },
	/* numbers that are none */
	{ "a:x::7::/home/a:\n", 0, NULL },
	{ "a:x:-1:7::/home/a:\n", (uid_t)-1, NULL },
	{ "a:x:+7:7::/home/a:\n", 7, NULL },
	{ "a:x: 7:7::/home/a:\n", 7, NULL },
	{ "a:x:7a:7::/home/a:\n", 7, NULL },
	{ "a:x:0x7:7::/home/a:\n", 7, NULL },
	{ "a:x:4294967296:7::/home/a:\n", 0, NULL },
	{ "a:x:18446744073709551616:7::/home/a:\n", 0, NULL },
	{ "a:x:4294967294:7::/home/a:\n", 4294967294, "/home/a" },
	{ "a:x:007:7::/home/a:\n", 7, "/home/a" },
};

static int find(const char *text, size_t len, uid_t uid, char *out, size_t size)
{
	/* A copy of its exact size, so that ASan sees one byte too far. */
	AUTO_FREE char *copy = x_calloc(len, 1);

	memcpy(copy, text, len);
	return passwd_find_home(copy, len, uid, out, size);
}

START_TEST(test_home_is_the_sixth_field_of_the_first_good_entry)
{
	for (size_t i = 0; i < ARRAY_LEN(find_cases); i++) {
		char home[64] = "untouched";
		int r = find(find_cases[i].text, strlen(find_cases[i].text), find_cases[i].uid, home, sizeof(home));

		ck_assert_msg(r == (find_cases[i].home ? 0 : -ENOENT), "'%s': %d", find_cases[i].text, r);
		ck_assert_str_eq(home, find_cases[i].home ? find_cases[i].home : "untouched");
	}
}
END_TEST

START_TEST(test_zero_bytes_make_an_entry_no_entry)
{
	static const char in_uid[] = "a:x:7\0:7::/home/a:\n", in_home[] = "a:x:7:7::/ho\0me:\n";
	static const char elsewhere[] = "a\0:x\0:7:7:\0:/home/a:\0\n";
	char home[64];

	ck_assert_int_eq(find(in_uid, sizeof(in_uid) - 1, 7, home, sizeof(home)), -ENOENT);
	ck_assert_int_eq(find(in_home, sizeof(in_home) - 1, 7, home, sizeof(home)), -ENOENT);
	ck_assert_int_eq(find(elsewhere, sizeof(elsewhere) - 1, 7, home, sizeof(home)), 0);
	ck_assert_str_eq(home, "/home/a");
}
END_TEST

START_TEST(test_a_home_must_fit_with_its_final_zero)
{
	char home[8];

	ck_assert_int_eq(find("a:x:7:7::/234567:\n", 18, 7, home, sizeof(home)), 0);
	ck_assert_str_eq(home, "/234567");
	ck_assert_int_eq(find("a:x:7:7::/2345678:\n", 19, 7, home, sizeof(home)), -ENAMETOOLONG);
	ck_assert_str_eq(home, "/234567");
}
END_TEST

START_TEST(test_a_line_that_is_too_long_is_skipped)
{
	struct strbuf text = { 0 };
	char home[64];

	strbuf_puts(&text, "a:x:7:7:");
	while (text.len < PASSWD_LINE_MAX)
		strbuf_puts(&text, "x");
	strbuf_puts(&text, ":/long:\nb:x:7:7::/short:\n");
	ck_assert_int_eq(find(text.s, text.len, 7, home, sizeof(home)), 0);
	ck_assert_str_eq(home, "/short");
	free(text.s);
}
END_TEST

/* ---- the file ---- */

static char root_path[] = "/tmp/check_passwd.XXXXXX";
static int root = -1;

static void root_make(void)
{
	ck_assert_ptr_nonnull(mkdtemp(root_path));
	root = open(root_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(root, 0);
	ck_assert_int_eq(mkdirat(root, "etc", 0755), 0);
}

static void root_remove(void)
{
	(void)unlinkat(root, "etc/passwd", 0);
	(void)unlinkat(root, "etc/passwd", AT_REMOVEDIR);
	(void)unlinkat(root, "users", 0);
	(void)unlinkat(root, "etc", AT_REMOVEDIR);
	(void)unlinkat(root, "etc", 0);
	(void)rmdir(root_path);
	(void)close(root);
}

static void file_write(const char *path, const char *text, size_t len)
{
	ck_assert_int_eq(io_replace_file(root, path, text, len, 0644, NULL), 0);
}

static void assert_home(uid_t uid, const char *want)
{
	struct err e = { 0 };
	char home[32];

	ck_assert_msg(passwd_home(root, uid, home, sizeof(home), &e) == 0, "%s", e.msg);
	ck_assert_str_eq(home, want);
}

static void assert_refused(uid_t uid, int code, const char *message)
{
	char home[32] = "untouched";
	struct err e = { 0 };

	ck_assert_int_eq(passwd_home(root, uid, home, sizeof(home), &e), -code);
	ck_assert_str_eq(e.msg, message);
	ck_assert_str_eq(home, "untouched");
}

START_TEST(test_home_is_read_from_the_container)
{
	file_write("etc/passwd", ROOT_LINE, strlen(ROOT_LINE));
	assert_home(0, "/root");
	assert_home(5, "/");
}
END_TEST

START_TEST(test_without_a_regular_file_the_home_is_the_root)
{
	assert_home(0, "/");
	ck_assert_int_eq(mkdirat(root, "etc/passwd", 0755), 0);
	assert_home(0, "/");
	ck_assert_int_eq(unlinkat(root, "etc/passwd", AT_REMOVEDIR), 0);
	ck_assert_int_eq(mkfifoat(root, "etc/passwd", 0644), 0);
	assert_home(0, "/");
	ck_assert_int_eq(unlinkat(root, "etc/passwd", 0), 0);
	ck_assert_int_eq(symlinkat("passwd", root, "etc/passwd"), 0);
	assert_home(0, "/");
	ck_assert_int_eq(unlinkat(root, "etc/passwd", 0), 0);
	ck_assert_int_eq(unlinkat(root, "etc", AT_REMOVEDIR), 0);
	file_write("etc", "", 0);
	assert_home(0, "/");
}
END_TEST

START_TEST(test_a_file_that_may_not_be_read_counts_as_none)
{
	bool is_root = geteuid() == 0;

	file_write("etc/passwd", ROOT_LINE, strlen(ROOT_LINE));
	ck_assert_int_eq(fchmodat(root, "etc/passwd", 0, 0), 0);
	if (is_root)
		ck_assert_int_eq(seteuid(65534), 0);
	assert_home(0, "/");
	if (is_root)
		ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

START_TEST(test_symlinks_stay_below_the_root)
{
	ck_assert_int_eq(symlinkat("/users", root, "etc/passwd"), 0);
	assert_home(0, "/");
	file_write("users", "a:x:0:0::/in/container:\n", 24);
	assert_home(0, "/in/container");
	ck_assert_int_eq(unlinkat(root, "etc/passwd", 0), 0);
	ck_assert_int_eq(symlinkat("../../../../../../etc/passwd", root, "etc/passwd"), 0);
	assert_home(0, "/");
}
END_TEST

START_TEST(test_a_file_that_is_too_large_is_refused)
{
	AUTO_FREE char *text = x_calloc(PASSWD_FILE_MAX + 1, 1);

	memset(text, '\n', PASSWD_FILE_MAX + 1);
	file_write("etc/passwd", text, PASSWD_FILE_MAX);
	assert_home(0, "/");
	file_write("etc/passwd", text, PASSWD_FILE_MAX + 1);
	assert_refused(0, EFBIG, "the container's '/etc/passwd' is larger than 1048576 bytes");
}
END_TEST

START_TEST(test_a_home_that_does_not_fit_is_refused)
{
	static const char text[] = "a:x:7:7::/home/of/thirty-two/characters/1:\n";

	file_write("etc/passwd", text, strlen(text));
	assert_refused(7, ENAMETOOLONG, "the container's '/etc/passwd': the home of uid 7 is too long");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("passwd");
	TCase *parser = tcase_create("parser"), *file = tcase_create("file");

	tcase_add_test(parser, test_home_is_the_sixth_field_of_the_first_good_entry);
	tcase_add_test(parser, test_zero_bytes_make_an_entry_no_entry);
	tcase_add_test(parser, test_a_home_must_fit_with_its_final_zero);
	tcase_add_test(parser, test_a_line_that_is_too_long_is_skipped);
	tcase_add_checked_fixture(file, root_make, root_remove);
	tcase_add_test(file, test_home_is_read_from_the_container);
	tcase_add_test(file, test_without_a_regular_file_the_home_is_the_root);
	tcase_add_test(file, test_a_file_that_may_not_be_read_counts_as_none);
	tcase_add_test(file, test_symlinks_stay_below_the_root);
	tcase_add_test(file, test_a_file_that_is_too_large_is_refused);
	tcase_add_test(file, test_a_home_that_does_not_fit_is_refused);
	suite_add_tcase(suite, parser);
	suite_add_tcase(suite, file);
	return ck_run(suite);
}
