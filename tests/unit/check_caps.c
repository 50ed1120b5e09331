/* SPDX-License-Identifier: Apache-2.0 */
/* check_caps.c: names, and sets as the kernel then shows them in /proc/self/status. */
#include "caps.h"
#include "ck_run.h"
#include "io.h"
#include "plan.h"
#include "str.h"

#include <check.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define BIT(cap) (UINT64_C(1) << (cap))
#define ORDINARY 12345 /* a uid of no privilege */

static struct err e;

/* Check runs each test in a process of its own, so a test may change its own. */

/* The value of "CapEff" and so on. */
static uint64_t set_of(const char *name)
{
	char buf[4096];
	const char *p;
	ssize_t n = io_read_small(AT_FDCWD, "/proc/self/status", buf, sizeof(buf));

	ck_assert_int_gt(n, 0);
	p = strstr(buf, name);
	ck_assert_ptr_nonnull(p);
	return strtoull(p + strlen(name) + 1, NULL, 16);
}

static bool need(uint64_t caps, const char *test)
{
	if ((set_of("CapEff") & caps) == caps)
		return true;
	(void)fprintf(stderr, "SKIP %s: needs privilege\n", test);
	ck_assert_msg(!str_eq(getenv("HUSK_MUST_RUN"), "1"), "must run");
	return false;
}

START_TEST(a_name_is_its_bit)
{
	uint64_t bit = 0;

	ck_assert_int_eq(caps_bit("CAP_NET_RAW", &bit), 0);
	ck_assert_uint_eq(bit, BIT(CAP_NET_RAW));
	ck_assert_int_eq(caps_bit("cap_checkpoint_restore", &bit), 0);
	ck_assert_uint_eq(bit, BIT(CAP_CHECKPOINT_RESTORE));
	for (unsigned int cap = 0; cap <= CAP_LAST_CAP; cap++) {
		ck_assert_ptr_nonnull(caps_name(cap));
		ck_assert(str_starts(caps_name(cap), "CAP_"));
		ck_assert_int_eq(caps_bit(caps_name(cap), &bit), 0);
		ck_assert_uint_eq(bit, BIT(cap));
	}
	ck_assert_str_eq(caps_name(CAP_SYS_ADMIN), "CAP_SYS_ADMIN");
	ck_assert_str_eq(caps_name(CAP_CHOWN), "CAP_CHOWN");
	ck_assert_ptr_null(caps_name(63));
	ck_assert_ptr_null(caps_name(64));
	ck_assert_ptr_null(caps_name(1000));
}
END_TEST

START_TEST(what_is_no_name_is_refused)
{
	static const char *const bad[] = { "",
					   "NET_RAW",
					   "CAP_",
					   "CAP_NET",
					   "CAP_NET_RAWW",
					   "CAP_NET_RAW,",
					   "13",
					   "0",
					   "CAP_NET_RAW,CAP_CHOWN",
					   "CAP_NET_RAW ",
					   " CAP_NET_RAW",
					   "CAP_13",
					   "all" };
	uint64_t bit = 77;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(caps_bit(bad[i], &bit) == -EINVAL, "'%s'", bad[i]);
	ck_assert_int_eq(caps_bit(NULL, &bit), -EINVAL);
	ck_assert_uint_eq(bit, 77);
}
END_TEST

START_TEST(the_last_one_is_the_kernels)
{
	char buf[32];
	uint64_t last;

	if (io_read_small(AT_FDCWD, "/proc/sys/kernel/cap_last_cap", buf, sizeof(buf)) < 0)
		return;
	buf[strcspn(buf, "\n")] = '\0';
	ck_assert_int_eq(str_u64(buf, 63, &last), 0);
	ck_assert_uint_eq(caps_last(), last);
	ck_assert_int_ge(prctl(PR_CAPBSET_READ, caps_last(), 0, 0, 0), 0);
	ck_assert_int_lt(prctl(PR_CAPBSET_READ, caps_last() + 1, 0, 0, 0), 0);
}
END_TEST

/* As the child of a container does it: bounding, uid, the rest. */
static void become(const struct caps_step *c, uid_t uid)
{
	ck_assert_int_eq(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), 0);
	ck_assert_msg(caps_apply_bounding(c, &e) == 0, "%s", e.msg);
	ck_assert_int_eq(setresgid(uid, uid, uid), 0);
	ck_assert_int_eq(setresuid(uid, uid, uid), 0);
	ck_assert_msg(caps_apply(c, &e) == 0, "%s", e.msg);
}

START_TEST(each_set_becomes_what_was_asked)
{
	const struct caps_step c = { .given = true,
				     .sets = { [CAPS_BOUNDING] = BIT(CAP_KILL) | BIT(CAP_NET_RAW) | BIT(CAP_SETUID),
					       [CAPS_PERMITTED] = BIT(CAP_KILL) | BIT(CAP_NET_RAW),
					       [CAPS_EFFECTIVE] = BIT(CAP_KILL),
					       [CAPS_INHERITABLE] = BIT(CAP_NET_RAW),
					       [CAPS_AMBIENT] = BIT(CAP_NET_RAW) } };

	if (!need(BIT(CAP_SETPCAP) | BIT(CAP_SETUID) | BIT(CAP_SETGID) | c.sets[CAPS_BOUNDING], __func__))
		return;
	become(&c, _i == 0 ? 0 : ORDINARY);
	ck_assert_uint_eq(set_of("CapBnd"), c.sets[CAPS_BOUNDING]);
	ck_assert_uint_eq(set_of("CapPrm"), c.sets[CAPS_PERMITTED]);
	ck_assert_uint_eq(set_of("CapEff"), c.sets[CAPS_EFFECTIVE]);
	ck_assert_uint_eq(set_of("CapInh"), c.sets[CAPS_INHERITABLE]);
	ck_assert_uint_eq(set_of("CapAmb"), c.sets[CAPS_AMBIENT]);
}
END_TEST

START_TEST(no_sets_take_everything)
{
	const struct caps_step c = { 0 };

	if (!need(BIT(CAP_SETPCAP) | BIT(CAP_SETUID) | BIT(CAP_SETGID), __func__))
		return;
	become(&c, 0);
	ck_assert_uint_eq(set_of("CapBnd"), 0);
	ck_assert_uint_eq(set_of("CapPrm"), 0);
	ck_assert_uint_eq(set_of("CapEff"), 0);
	ck_assert_uint_eq(set_of("CapInh"), 0);
}
END_TEST

START_TEST(bits_that_the_kernel_lacks_are_left_out)
{
	uint64_t beyond = ~((BIT(caps_last()) << 1) - 1);
	const struct caps_step c = { .given = true,
				     .sets = { [CAPS_BOUNDING] = beyond | BIT(CAP_KILL),
					       [CAPS_PERMITTED] = beyond | BIT(CAP_KILL),
					       [CAPS_EFFECTIVE] = beyond | BIT(CAP_KILL),
					       [CAPS_INHERITABLE] = beyond,
					       [CAPS_AMBIENT] = beyond } };

	if (!need(BIT(CAP_SETPCAP) | BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_KILL), __func__))
		return;
	become(&c, ORDINARY);
	ck_assert_uint_eq(set_of("CapBnd"), BIT(CAP_KILL));
	ck_assert_uint_eq(set_of("CapPrm"), BIT(CAP_KILL));
	ck_assert_uint_eq(set_of("CapAmb"), 0);
}
END_TEST

START_TEST(an_old_ambient_set_does_not_stay)
{
	const struct caps_step first = { .given = true,
					 .sets = { [CAPS_BOUNDING] = UINT64_MAX,
						   [CAPS_PERMITTED] = set_of("CapPrm"),
						   [CAPS_EFFECTIVE] = set_of("CapPrm"),
						   [CAPS_INHERITABLE] = BIT(CAP_KILL) | BIT(CAP_NET_RAW),
						   [CAPS_AMBIENT] = BIT(CAP_KILL) | BIT(CAP_NET_RAW) } };
	struct caps_step second = first;

	if (!need(BIT(CAP_SETPCAP) | BIT(CAP_KILL) | BIT(CAP_NET_RAW), __func__))
		return;
	ck_assert_msg(caps_apply(&first, &e) == 0, "%s", e.msg);
	ck_assert_uint_eq(set_of("CapAmb"), first.sets[CAPS_AMBIENT]);
	second.sets[CAPS_AMBIENT] = BIT(CAP_KILL);
	ck_assert_msg(caps_apply(&second, &e) == 0, "%s", e.msg);
	ck_assert_uint_eq(set_of("CapAmb"), BIT(CAP_KILL));
	ck_assert_uint_eq(set_of("CapInh"), BIT(CAP_KILL) | BIT(CAP_NET_RAW));
}
END_TEST

START_TEST(an_ambient_one_that_is_not_inheritable_is_skipped)
{
	const struct caps_step c = { .given = true,
				     .sets = { [CAPS_BOUNDING] = UINT64_MAX,
					       [CAPS_PERMITTED] = BIT(CAP_KILL) | BIT(CAP_CHOWN),
					       [CAPS_INHERITABLE] = BIT(CAP_CHOWN),
					       [CAPS_AMBIENT] = BIT(CAP_KILL) | BIT(CAP_CHOWN) } };

	if (!need(BIT(CAP_KILL) | BIT(CAP_CHOWN), __func__))
		return;
	ck_assert_int_eq(caps_apply(&c, &e), 0);
	ck_assert_uint_eq(set_of("CapAmb"), BIT(CAP_CHOWN));
}
END_TEST

START_TEST(a_capability_that_cannot_be_had_is_named)
{
	struct caps_step c = { .given = true, .sets = { [CAPS_PERMITTED] = BIT(CAP_KILL) } };

	ck_assert_msg(caps_apply(&c, &e) == 0 || e.code == EPERM, "%s", e.msg);
	c.sets[CAPS_PERMITTED] = BIT(CAP_KILL) | BIT(CAP_SYS_BOOT) | BIT(CAP_BPF);
	ck_assert_int_eq(caps_apply(&c, &e), -EPERM);
	ck_assert_msg(str_starts(e.msg, "capset: process.capabilities.permitted asks for ") &&
			      strstr(e.msg, "CAP_SYS_BOOT CAP_BPF, which husk itself lacks") != NULL,
		      "%s", e.msg);
	c.sets[CAPS_PERMITTED] = 0;
	c.sets[CAPS_EFFECTIVE] = BIT(CAP_SYS_TIME);
	ck_assert_int_eq(caps_apply(&c, &e), -EPERM);
	ck_assert_msg(strstr(e.msg, "effective asks for CAP_SYS_TIME, not in permitted") != NULL, "%s", e.msg);
}
END_TEST

START_TEST(a_drop_without_privilege_names_the_capability)
{
	const struct caps_step none = { 0 };
	const struct caps_step keep_present = { .given = true, .sets = { [CAPS_BOUNDING] = set_of("CapBnd") } };

	ck_assert_msg(caps_apply(&none, &e) == 0, "%s", e.msg);
	/* nothing to drop: no privilege needed, even where the set is not the full one */
	ck_assert_msg(caps_apply_bounding(&keep_present, &e) == 0, "%s", e.msg);
	if (set_of("CapBnd") & BIT(CAP_CHOWN)) {
		ck_assert_int_eq(caps_apply_bounding(&none, &e), -EPERM);
		ck_assert_msg(strstr(e.msg, "bounding: drop CAP_CHOWN (needs CAP_SETPCAP)") != NULL, "%s", e.msg);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("caps");
	TCase *t = tcase_create("caps");

	tcase_add_test(t, a_name_is_its_bit);
	tcase_add_test(t, what_is_no_name_is_refused);
	tcase_add_test(t, the_last_one_is_the_kernels);
	tcase_add_loop_test(t, each_set_becomes_what_was_asked, 0, 2); /* as root, as another */
	tcase_add_test(t, no_sets_take_everything);
	tcase_add_test(t, bits_that_the_kernel_lacks_are_left_out);
	tcase_add_test(t, an_old_ambient_set_does_not_stay);
	tcase_add_test(t, an_ambient_one_that_is_not_inheritable_is_skipped);
	tcase_add_test(t, a_capability_that_cannot_be_had_is_named);
	tcase_add_test(t, a_drop_without_privilege_names_the_capability);
	suite_add_tcase(suite, t);
	return ck_run(suite);
}
