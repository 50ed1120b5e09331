/* SPDX-License-Identifier: Apache-2.0 */
/* check_initrd.c: the initramfs, read back by the rules of the newc format. */
#include "initrd.h"

#include "ck_err.h"
#include "ck_run.h"
#include "cpio.h"

#include <stdio.h>
#include <sys/stat.h>

#define HEADER 110

struct entry {
	const char *name;
	unsigned int mode, major, minor;
	const char *data;
	size_t len;
};

static unsigned int field(const char *header, int i)
{
	char digits[9] = "";

	memcpy(digits, header + 6 + 8 * i, 8);
	return (unsigned int)strtoul(digits, NULL, 16);
}

static size_t align(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/* The entry at *at, which moves behind it. */
static struct entry next(const struct strbuf *b, size_t *at)
{
	const char *h = b->s + *at;
	struct entry entry;
	size_t name = field(h, 11);

	ck_assert_uint_le(*at + HEADER, b->len);
	ck_assert_mem_eq(h, "070701", 6);
	entry = (struct entry){ .name = h + HEADER, .mode = field(h, 1), .major = field(h, 9), .minor = field(h, 10) };
	entry.len = field(h, 6);
	ck_assert_uint_eq(strlen(entry.name) + 1, name);
	*at = align(*at + HEADER + name);
	entry.data = b->s + *at;
	*at = align(*at + entry.len);
	ck_assert_uint_le(*at, b->len);
	return entry;
}

static struct source source(const char *name, const char *data, size_t len)
{
	return (struct source){ .file = { .name = (char *)name, .path = (char *)name },
				.data = (uint8_t *)data,
				.len = len };
}

START_TEST(test_the_agent_is_init_and_modules_are_in_order)
{
	struct source v[] = { source("kernel", "K", 1), source("agent", "AGENT", 5), source("b", "BB", 2),
			      source("a", "AAA", 3) };
	const struct sources s = { .v = v, .n = ARRAY_LEN(v), .modules_end = ARRAY_LEN(v) };
	static const char *const names[] = { "dev",
					     "modules",
					     "proc",
					     "run",
					     "sys",
					     "dev/console",
					     "init",
					     "modules/00-b.ko",
					     "modules/01-a.ko",
					     "TRAILER!!!" };
	struct strbuf out = { 0 };
	struct entry entry[ARRAY_LEN(names)];
	size_t at = 0;

	ck_assert_ok(initrd_make(&s, &out, e));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		entry[i] = next(&out, &at);
		ck_assert_str_eq(entry[i].name, names[i]);
	}
	ck_assert_uint_eq(at, out.len);
	ck_assert_uint_eq(entry[0].mode, S_IFDIR | 0755);
	ck_assert_uint_eq(entry[5].mode, S_IFCHR | 0600);
	ck_assert(entry[5].major == 5 && entry[5].minor == 1);
	ck_assert_uint_eq(entry[6].mode, S_IFREG | 0755);
	ck_assert(entry[6].len == 5 && memcmp(entry[6].data, "AGENT", 5) == 0);
	ck_assert(entry[8].len == 3 && memcmp(entry[8].data, "AAA", 3) == 0);
	free(out.s);
}
END_TEST

START_TEST(test_one_that_is_too_large_is_refused)
{
	struct source v[] = { source("kernel", "K", 1), source("agent", "A", INITRD_MAX - 10), source("m", "M", 11) };
	const struct sources s = { .v = v, .n = ARRAY_LEN(v), .modules_end = ARRAY_LEN(v) };
	struct strbuf out = { 0 };

	ck_assert_fails(initrd_make(&s, &out, e), EFBIG, "'agent' alone has 100663286");
	ck_assert_ptr_null(out.s);
}
END_TEST

/* The kernel begins each archive at a multiple of four bytes. */
START_TEST(test_an_archive_of_anothers_comes_first)
{
	struct source v[] = { source("kernel", "K", 1), source("agent", "AGENT", 5), source("initrd", "THEIRS", 6) };
	const struct sources s = { .v = v, .n = ARRAY_LEN(v), .modules_end = ARRAY_LEN(v) - 1 };
	struct strbuf out = { 0 };
	size_t at = 8;

	ck_assert_ok(initrd_make(&s, &out, e));
	ck_assert_mem_eq(out.s, "THEIRS\0\0", 8);
	ck_assert_str_eq(next(&out, &at).name, "dev");
	free(out.s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("initrd");
	TCase *t = tcase_create("initrd");

	tcase_add_test(t, test_an_archive_of_anothers_comes_first);
	tcase_add_test(t, test_the_agent_is_init_and_modules_are_in_order);
	tcase_add_test(t, test_one_that_is_too_large_is_refused);
	suite_add_tcase(suite, t);
	return ck_run(suite);
}
