/* SPDX-License-Identifier: Apache-2.0 */
/* check_mountinfo.c: the type of a file system in the text of mountinfo. */
#include "ck_run.h"
#include "mountinfo.h"
#include "str.h"

#include <check.h>
#include <sys/sysmacros.h>

static const char text[] = "21 26 0:20 / /proc rw shared:12 - proc proc rw\n"
			   "26 1 8:1 / / rw,relatime shared:1 master:2 - ext4 /dev/sda1 rw\n"
			   "27 26 8:11 / /x rw - xfs /dev/sdb1 rw\n"
			   "28 26 0:22 /0:23 /a\\040-\\040b rw\n"
			   "29 26 0:23 / /8:1 rw - tmpfs tmpfs rw";

static const struct {
	unsigned int major, minor;
	const char *type; /* NULL: not found */
} cases[] = {
	{ 0, 20, "proc" }, { 8, 1, "ext4" }, { 8, 11, "xfs" }, { 0, 22, NULL }, { 0, 23, "tmpfs" }, { 0, 2, NULL },
};

START_TEST(test_the_type_is_that_of_the_device)
{
	char out[16] = "unset";
	bool found = mountinfo_fstype(text, makedev(cases[_i].major, cases[_i].minor), out, sizeof(out));

	ck_assert_int_eq(found, cases[_i].type != NULL);
	ck_assert_str_eq(out, found ? cases[_i].type : "unset");
}
END_TEST

START_TEST(test_a_type_is_cut_to_the_room)
{
	char out[4];

	ck_assert(mountinfo_fstype(text, makedev(8, 1), out, sizeof(out)));
	ck_assert_str_eq(out, "ext");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mountinfo");
	TCase *t = tcase_create("mountinfo");

	tcase_add_loop_test(t, test_the_type_is_that_of_the_device, 0, (int)ARRAY_LEN(cases));
	tcase_add_test(t, test_a_type_is_cut_to_the_room);
	suite_add_tcase(suite, t);
	return ck_run(suite);
}
