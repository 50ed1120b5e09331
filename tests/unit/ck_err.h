/* SPDX-License-Identifier: Apache-2.0 */
/* ck_err.h: Check's assertions for functions that fill a struct err. The call names it `e`:
 * ck_assert_ok(cgroup_open(path, &fd, e)). */
#ifndef HUSK_TEST_CK_ERR_H
#define HUSK_TEST_CK_ERR_H

#include "err.h"

#include <check.h>
#include <string.h>

#define ck_assert_ok(call)                                              \
	do {                                                            \
		struct err e_ = { 0 }, *e = &e_;                        \
		int r_ = (call);                                        \
		ck_assert_msg(r_ >= 0, "%s: %d %s", #call, r_, e->msg); \
	} while (0)
#define ck_assert_fails(call, errno_, text)                                             \
	do {                                                                            \
		struct err e_ = { 0 }, *e = &e_;                                        \
		int r_ = (call);                                                        \
		ck_assert_msg(r_ == -(errno_), "%s: %d %s", #call, r_, e->msg);         \
		ck_assert_int_eq(e->code, errno_);                                      \
		ck_assert_msg(strstr(e->msg, text) != NULL, "%s: '%s'", #call, e->msg); \
	} while (0)

#endif
