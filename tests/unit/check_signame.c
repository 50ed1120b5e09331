/* SPDX-License-Identifier: Apache-2.0 */
/* check_signame.c: names and numbers of signals. */
#include "ck_run.h"
#include "signame.h"
#include "str.h"

#include <check.h>
#include <errno.h>
#include <signal.h>

START_TEST(test_every_spelling_is_the_same_signal)
{
	static const char *const names[] = { "15", "TERM", "SIGTERM", "term", "sigTerm" };
	int sig = 0;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		ck_assert_msg(signame_parse(names[i], &sig) == 0, "'%s'", names[i]);
		ck_assert_int_eq(sig, SIGTERM);
	}
}
END_TEST

START_TEST(test_realtime_signals_are_counted_from_either_end)
{
	int sig = 0, low = SIGRTMIN, high = SIGRTMAX;

	ck_assert_int_eq(signame_parse("RTMIN", &sig), 0);
	ck_assert_int_eq(sig, low);
	ck_assert_int_eq(signame_parse("SIGRTMIN+3", &sig), 0);
	ck_assert_int_eq(sig, low + 3);
	ck_assert_int_eq(signame_parse("rtmax-2", &sig), 0);
	ck_assert_int_eq(sig, high - 2);
}
END_TEST

START_TEST(test_what_is_no_signal_is_refused)
{
	static const char *const names[] = {
		"",	  "0",	      "65",	  "-1",	     "SIG",
		"SIG15",  "NOSUCH",   "TERM ",	  "RTMIN-1", "RTMAX+1",
		"RTMIN+", "RTMIN+31", "RTMAX-31", "RTMINx",  "RTMIN+99999999999999999999"
	};
	int sig = 7;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		ck_assert_msg(signame_parse(names[i], &sig) == -EINVAL, "'%s'", names[i]);
	ck_assert_int_eq(sig, 7);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("signame");
	TCase *t = tcase_create("signame");

	tcase_add_test(t, test_every_spelling_is_the_same_signal);
	tcase_add_test(t, test_realtime_signals_are_counted_from_either_end);
	tcase_add_test(t, test_what_is_no_signal_is_refused);
	suite_add_tcase(suite, t);
	return ck_run(suite);
}
