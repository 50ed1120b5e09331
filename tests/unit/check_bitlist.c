/* SPDX-License-Identifier: Apache-2.0 */
/* check_bitlist.c: lists of numbers as cpuset(7) has them. */
#include "bitlist.h"
#include "ck_run.h"
#include "str.h"

#include <check.h>
#include <errno.h>

#define BITS 128

static unsigned long bits[BITLIST_WORDS(BITS)];

START_TEST(a_list_names_its_bits)
{
	static const struct {
		const char *text;
		int n, some, other;
	} good[] = {
		{ "0", 1, 0, 0 },	 { "0-3,7", 5, 3, 7 },	 { "127", 1, 127, 127 },    { "63-64", 2, 63, 64 },
		{ "0-127", 128, 0, 64 }, { "5,5,4-6", 3, 4, 6 }, { " 1 , 3-4\t", 3, 1, 4 },
	};

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		int n = 0;

		ck_assert_msg(bitlist_parse(good[i].text, BITS, bits) == 0, "%s", good[i].text);
		for (size_t bit = 0; bit < BITS; bit++)
			n += bitlist_has(bits, bit);
		ck_assert_msg(n == good[i].n, "%s: %d bits", good[i].text, n);
		ck_assert_msg(bitlist_has(bits, (size_t)good[i].some) && bitlist_has(bits, (size_t)good[i].other), "%s",
			      good[i].text);
	}
}
END_TEST

START_TEST(what_is_no_list_is_refused)
{
	static const char *const bad[] = { "",	  " ",	  ",",	   "1,", ",1",	"1,,2", "a",   "1a",	"1-",  "-1",
					   "3-2", "1--2", "1-2-3", "+1", "1 2", "0x1",	"1;2", "0-3:1", "1- 2" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(bitlist_parse(bad[i], BITS, bits) == -EINVAL, "'%s'", bad[i]);
}
END_TEST

START_TEST(numbers_beyond_the_last_bit_are_refused)
{
	static const char *const far[] = { "128", "0-128", "200-300", "99999999999999999999999999", "0,128" };

	for (size_t i = 0; i < ARRAY_LEN(far); i++)
		ck_assert_msg(bitlist_parse(far[i], BITS, bits) == -ERANGE, "'%s'", far[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bitlist");
	TCase *t = tcase_create("bitlist");

	tcase_add_test(t, a_list_names_its_bits);
	tcase_add_test(t, what_is_no_list_is_refused);
	tcase_add_test(t, numbers_beyond_the_last_bit_are_refused);
	suite_add_tcase(suite, t);
	return ck_run(suite);
}
