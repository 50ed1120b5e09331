/* SPDX-License-Identifier: Apache-2.0 */
/* ck_run.h: the end of each main() of the unit tests. */
#ifndef HUSK_TEST_CK_RUN_H
#define HUSK_TEST_CK_RUN_H

#include <check.h>

/* Runs and frees the suite, as verbosely as CK_VERBOSITY says. Returns main()'s status: 1 when a test failed. */
static inline int ck_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}

#endif
