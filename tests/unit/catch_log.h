/* SPDX-License-Identifier: Apache-2.0 */
/* catch_log.h: for a test that says what is warned of: the log goes to a file in memory. */
#ifndef HUSK_TESTS_CATCH_LOG_H
#define HUSK_TESTS_CATCH_LOG_H

#include "log.h"

#include <check.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static int catch_log_fd = -1;

/* A checked fixture: each test starts with an empty log. */
static inline void catch_log(void)
{
	char path[64];

	catch_log_fd = memfd_create("log", 0);
	ck_assert_int_ge(catch_log_fd, 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", catch_log_fd);
	ck_assert_int_eq(log_open(path, LOG_TEXT, LOG_LVL_WARN, NULL), 0);
}

/* All that was logged since then. */
static inline void assert_logged(const char *want)
{
	char text[4096];
	ssize_t n = pread(catch_log_fd, text, sizeof(text) - 1, 0);

	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	ck_assert_str_eq(text, want);
}

#endif
