/* SPDX-License-Identifier: Apache-2.0 */
/* check_rlimit.c: names, and limits as getrlimit(2) then tells them. */
#include "ck_run.h"
#include "plan.h"
#include "rlimit.h"
#include "str.h"

#include <check.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define ORDINARY 12345 /* a uid of no privilege */

static struct err e;

START_TEST(every_name_has_its_number)
{
	static const struct {
		const char *name;
		int number;
	} all[] = {
		{ "RLIMIT_AS", RLIMIT_AS },
		{ "RLIMIT_CORE", RLIMIT_CORE },
		{ "RLIMIT_CPU", RLIMIT_CPU },
		{ "RLIMIT_DATA", RLIMIT_DATA },
		{ "RLIMIT_FSIZE", RLIMIT_FSIZE },
		{ "RLIMIT_LOCKS", RLIMIT_LOCKS },
		{ "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },
		{ "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
		{ "RLIMIT_NICE", RLIMIT_NICE },
		{ "RLIMIT_NOFILE", RLIMIT_NOFILE },
		{ "RLIMIT_NPROC", RLIMIT_NPROC },
		{ "RLIMIT_RSS", RLIMIT_RSS },
		{ "RLIMIT_RTPRIO", RLIMIT_RTPRIO },
		{ "RLIMIT_RTTIME", RLIMIT_RTTIME },
		{ "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING },
		{ "RLIMIT_STACK", RLIMIT_STACK },
	};

	ck_assert_uint_eq(ARRAY_LEN(all), RLIM_NLIMITS);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		ck_assert_msg(rlimit_number(all[i].name) == all[i].number, "%s", all[i].name);
}
END_TEST

START_TEST(what_is_no_name_is_refused)
{
	static const char *const bad[] = { "", "NOFILE", "RLIMIT_", "RLIMIT_NOFILES", "rlimit_nofile", "RLIMIT_OFILE",
					   "7" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(rlimit_number(bad[i]) == -EINVAL, "'%s'", bad[i]);
	ck_assert_int_eq(rlimit_number(NULL), -EINVAL);
}
END_TEST

START_TEST(limits_become_what_was_asked)
{
	const struct rlimit_step v[] = { { RLIMIT_CORE, "RLIMIT_CORE", 0, 0 },
					 { RLIMIT_NOFILE, "RLIMIT_NOFILE", 100, 200 } };
	struct rlimit lim;

	ck_assert_msg(rlimit_apply(0, v, ARRAY_LEN(v), &e) == 0, "%s", e.msg);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &lim), 0);
	ck_assert_uint_eq(lim.rlim_cur, 100);
	ck_assert_uint_eq(lim.rlim_max, 200);
	ck_assert_int_eq(getrlimit(RLIMIT_CORE, &lim), 0);
	ck_assert_uint_eq(lim.rlim_max, 0);
	ck_assert_int_eq(rlimit_apply(0, NULL, 0, &e), 0);
}
END_TEST

START_TEST(limits_can_be_set_on_another_process)
{
	const struct rlimit_step v = { RLIMIT_NOFILE, "RLIMIT_NOFILE", 100, 200 };
	struct rlimit before, lim;
	int gate[2];
	pid_t pid;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_int_eq(pipe(gate), 0);
	pid = fork();
	if (pid == 0) {
		char c;

		(void)close(gate[1]);
		_exit(read(gate[0], &c, 1) == 0 ? 0 : 1);
	}
	ck_assert_msg(rlimit_apply(pid, &v, 1, &e) == 0, "%s", e.msg);
	ck_assert_int_eq(prlimit(pid, RLIMIT_NOFILE, NULL, &lim), 0);
	ck_assert_uint_eq(lim.rlim_max, 200);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &lim), 0);
	ck_assert_uint_eq(lim.rlim_max, before.rlim_max);
	(void)close(gate[1]);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

START_TEST(the_greatest_number_is_no_limit)
{
	const struct rlimit_step v = { RLIMIT_CPU, "RLIMIT_CPU", UINT64_MAX, UINT64_MAX };
	const struct rlimit_step one = { RLIMIT_CPU, "RLIMIT_CPU", 1000, UINT64_MAX };
	struct rlimit lim;

	ck_assert_int_eq(getrlimit(RLIMIT_CPU, &lim), 0);
	if (lim.rlim_max != RLIM_INFINITY)
		return;
	ck_assert_msg(rlimit_apply(0, &one, 1, &e) == 0, "%s", e.msg);
	ck_assert_msg(rlimit_apply(0, &v, 1, &e) == 0, "%s", e.msg);
	ck_assert_int_eq(getrlimit(RLIMIT_CPU, &lim), 0);
	ck_assert(lim.rlim_cur == RLIM_INFINITY && lim.rlim_max == RLIM_INFINITY);
}
END_TEST

START_TEST(a_failure_names_the_limit_both_values_and_what_lacks)
{
	struct rlimit_step v = { RLIMIT_NOFILE, "RLIMIT_NOFILE", 10, 20 };

	ck_assert_int_eq(rlimit_apply(0, &v, 1, &e), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(setresuid(ORDINARY, ORDINARY, ORDINARY), 0);
	v.hard = UINT64_MAX;
	ck_assert_int_eq(rlimit_apply(0, &v, 1, &e), -EPERM);
	ck_assert_msg(str_starts(e.msg, "setrlimit RLIMIT_NOFILE to soft 10, hard unlimited (") &&
			      strstr(e.msg, "CAP_SYS_RESOURCE") && strstr(e.msg, "fs.nr_open"),
		      "%s", e.msg);
	v = (struct rlimit_step){ RLIMIT_STACK, "RLIMIT_STACK", 30, 20 };
	ck_assert_int_eq(rlimit_apply(0, &v, 1, &e), -EINVAL);
	ck_assert_msg(strstr(e.msg, "RLIMIT_STACK to soft 30, hard 20 (soft is above hard)") != NULL, "%s", e.msg);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rlimit");
	TCase *t = tcase_create("rlimit");

	tcase_add_test(t, every_name_has_its_number);
	tcase_add_test(t, what_is_no_name_is_refused);
	tcase_add_test(t, limits_become_what_was_asked);
	tcase_add_test(t, limits_can_be_set_on_another_process);
	tcase_add_test(t, the_greatest_number_is_no_limit);
	tcase_add_test(t, a_failure_names_the_limit_both_values_and_what_lacks);
	suite_add_tcase(suite, t);
	return ck_run(suite);
}
