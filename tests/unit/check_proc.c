/* SPDX-License-Identifier: Apache-2.0 */
/* check_proc.c: the texts of /proc/PID that proc.c reads. */
#include "ck_run.h"
#include "proc.h"
#include "str.h"

#include <check.h>
#include <unistd.h>

#define REST " 1 4242 4242 0 -1 4194560 101 0 0 0 0 0 0 0 20 0 1 0 8675309 5500928 224\n"

START_TEST(test_a_start_time_is_found_behind_any_name)
{
	static const char *const names[] = { "cat", "a) R (b", ")", "", "((", "x\ny" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		AUTO_FREE char *text = x_printf("4242 (%s) S" REST, names[i]);
		uint64_t ticks = 0;
		char state = '\0';

		ck_assert_int_eq(proc_parse_stat(text, &ticks, &state), 0);
		ck_assert_uint_eq(ticks, 8675309);
		ck_assert_int_eq(state, 'S');
		ck_assert_int_eq(proc_parse_stat(text, &ticks, NULL), 0);
	}
}
END_TEST

START_TEST(test_a_stat_that_is_cut_or_odd_is_refused)
{
	static const char *const texts[] = { "",
					     "4242",
					     "4242 (cat)",
					     "4242 (cat) ",
					     "4242 (cat) S 1 2 3",
					     "4 (c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 x",
					     "4 (c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 -1" };
	uint64_t ticks = 7;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		ck_assert_msg(proc_parse_stat(texts[i], &ticks, NULL) < 0, "'%s'", texts[i]);
	ck_assert_uint_eq(ticks, 7);
}
END_TEST

START_TEST(test_a_thread_of_the_kernels_is_told_by_its_flags)
{
	char state = '\0';
	bool is_kernels = false;

	ck_assert_int_eq(proc_parse_thread("38 (khugepaged) S 2 0 0 0 -1 2097216 0 0 0", &state, &is_kernels), 0);
	ck_assert(is_kernels);
	ck_assert_int_eq(state, 'S');
	ck_assert_int_eq(proc_parse_thread("38 (k) S 2 0 0 0 -1 2097216) R" REST, &state, &is_kernels), 0);
	ck_assert(!is_kernels);
	ck_assert_int_eq(state, 'R');
	ck_assert_int_eq(proc_parse_thread("38 (k) S 2 0 0 0 -1", &state, &is_kernels), -EINVAL);
	ck_assert_int_eq(proc_parse_thread("38 (k) S 2 0 0 0 -1 x", &state, &is_kernels), -EINVAL);
	ck_assert_int_eq(proc_parse_thread("38 (k", &state, &is_kernels), -EINVAL);
	ck_assert_int_eq(proc_thread(getpid(), &state, &is_kernels), 0);
	ck_assert(!is_kernels);
	ck_assert_int_eq(state, 'R');
	ck_assert_int_eq(proc_thread(INT32_MAX, &state, &is_kernels), -ESRCH);
}
END_TEST

START_TEST(test_only_the_initial_map_is_whole)
{
	static const char *const others[] = { "",
					      "         0       1000          1\n",
					      "         0          0      65536\n",
					      "         0          1 4294967295\n",
					      "         1          0 4294967295\n",
					      "         0          0 4294967296\n",
					      "         0          0 42949672950000000000000\n",
					      "         0          0",
					      "         0          x 4294967295\n" };

	ck_assert(proc_uid_map_is_whole("         0          0 4294967295\n"));
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		ck_assert_msg(!proc_uid_map_is_whole(others[i]), "'%s'", others[i]);
}
END_TEST

START_TEST(test_the_ids_of_a_map_are_counted)
{
	ck_assert_uint_eq(proc_uid_map_count("         0       1000          1\n"), 1);
	ck_assert_uint_eq(proc_uid_map_count("         0          0 4294967295\n"), 4294967295U);
	ck_assert_uint_eq(proc_uid_map_count("  0  1000  1\n  1  100000  65536\n"), 65537);
	ck_assert_uint_eq(proc_uid_map_count("  0  1000  1\n  1  100"), 1);
	ck_assert_uint_eq(proc_uid_map_count("  0  1000  1"), 1);
	ck_assert_uint_eq(proc_uid_map_count(""), 0);
	ck_assert_uint_eq(proc_uid_map_count("x"), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("proc");
	TCase *t = tcase_create("proc");

	tcase_add_test(t, test_a_start_time_is_found_behind_any_name);
	tcase_add_test(t, test_a_stat_that_is_cut_or_odd_is_refused);
	tcase_add_test(t, test_a_thread_of_the_kernels_is_told_by_its_flags);
	tcase_add_test(t, test_only_the_initial_map_is_whole);
	tcase_add_test(t, test_the_ids_of_a_map_are_counted);
	suite_add_tcase(suite, t);
	return ck_run(suite);
}
