/* SPDX-License-Identifier: Apache-2.0 */
/* check_ifname.c: names of network interfaces. */
#include "ck_run.h"
#include "ifname.h"
#include "str.h"

#include <check.h>

static const char *const names[] = { "e",	 "eth0", "lo",	 "a-b_c.d", "...",   "-x", "..x", "123456789012345",
				     "\xc3\xa9", "a@b",	 "a\\b", "a\x01",   "a\x7f", "0" };

START_TEST(test_a_name_of_1_to_15_bytes_is_valid)
{
	ck_assert_msg(ifname_valid(names[_i]), "'%s'", names[_i]);
	ck_assert_msg(!ifname_is_template(names[_i]), "'%s'", names[_i]);
}
END_TEST

static const char *const refused[] = { "",	".",
				       "..",	"1234567890123456",
				       "a/b",	"/",
				       "a:1",	":",
				       "a b",	" a",
				       "a\t",	"a\n",
				       "a\v",	"a\f",
				       "a\r",	"%",
				       "a%",	"a%s",
				       "%d",	"a%d0",
				       "a%d%d", "a%%d",
				       "a\xa0", "é/%d",
				       "a %d",	"12345678901234%d" };

START_TEST(test_what_the_kernel_refuses_is_no_name)
{
	ck_assert_msg(!ifname_valid(refused[_i]), "'%s'", refused[_i]);
	ck_assert_msg(!ifname_is_template(refused[_i]), "'%s'", refused[_i]);
}
END_TEST

static const char *const templates[] = { "a%d", ".%d", "1234567890123%d" };

START_TEST(test_a_template_ends_with_percent_d)
{
	ck_assert_msg(ifname_is_template(templates[_i]), "'%s'", templates[_i]);
	ck_assert_msg(!ifname_valid(templates[_i]), "'%s'", templates[_i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ifname");
	TCase *t = tcase_create("ifname");

	tcase_add_loop_test(t, test_a_name_of_1_to_15_bytes_is_valid, 0, (int)ARRAY_LEN(names));
	tcase_add_loop_test(t, test_what_the_kernel_refuses_is_no_name, 0, (int)ARRAY_LEN(refused));
	tcase_add_loop_test(t, test_a_template_ends_with_percent_d, 0, (int)ARRAY_LEN(templates));
	suite_add_tcase(suite, t);
	return ck_run(suite);
}
