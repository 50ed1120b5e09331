/* SPDX-License-Identifier: Apache-2.0 */
/* check_cgroup_systemd.c: names of scopes, and limits as properties of units. */
#include "cgroup_systemd.h"

#include "ck_run.h"
#include "str.h"

#include <check.h>
#include <string.h>

static struct err e;

static void names(const char *path, const char *id, bool user, const char *slice, const char *unit)
{
	char *got_slice = NULL, *got_unit = NULL;

	ck_assert_msg(cgroup_scope_names(path, id, user, &got_slice, &got_unit, &e) == 0, "%s", e.msg);
	ck_assert_str_eq(got_slice, slice);
	ck_assert_str_eq(got_unit, unit);
	free(got_slice);
	free(got_unit);
}

static void refused(const char *path, const char *want)
{
	char *slice = NULL, *unit = NULL;

	ck_assert_int_eq(cgroup_scope_names(path, "c1", false, &slice, &unit, &e), -e.code);
	ck_assert_msg(strstr(e.msg, want) != NULL, "'%s' lacks '%s'", e.msg, want);
	ck_assert_ptr_null(slice);
	ck_assert_ptr_null(unit);
}

START_TEST(a_path_is_slice_prefix_and_name)
{
	names("machine.slice:libpod:abc", "c1", false, "machine.slice", "libpod-abc.scope");
	names("kubepods-besteffort.slice:cri-containerd:x", "c1", false, "kubepods-besteffort.slice",
	      "cri-containerd-x.scope");
	names("system.slice::abc", "c1", false, "system.slice", "abc.scope");
	names(":docker:abc", "c1", false, "system.slice", "docker-abc.scope");
	names(":docker:abc", "c1", true, "user.slice", "docker-abc.scope");
}
END_TEST

START_TEST(without_a_path_the_id_names_the_scope)
{
	names(NULL, "c1", false, "system.slice", "husk-c1.scope");
	names("", "c1", true, "user.slice", "husk-c1.scope");
}
END_TEST

START_TEST(what_no_unit_can_be_called_is_escaped)
{
	names(NULL, "a+b", false, "system.slice", "husk-a\\x2bb.scope");
	names("system.slice:p:a b/..", "c1", false, "system.slice", "p-a\\x20b\\x2f...scope");
}
END_TEST

START_TEST(other_forms_are_refused)
{
	AUTO_FREE char *longest = x_printf("system.slice:p:%0300d", 1);

	refused("/a/b", "expected 'slice:prefix:name'");
	refused("system.slice:p", "expected 'slice:prefix:name'");
	refused("system.slice:p:n:x", "expected 'slice:prefix:name'");
	refused("system.slice:p:", "expected 'slice:prefix:name'");
	refused("system:p:n", "'system' is no name of a slice");
	refused(".slice:p:n", "'.slice' is no name of a slice");
	refused("../x.slice:p:n", "is no name of a slice");
	refused(longest, "longer than 255 bytes");
}
END_TEST

START_TEST(limits_have_properties)
{
	static const struct {
		const char *file, *value, *want; /* want: joined by blanks */
	} table[] = {
		{ "memory.max", "1048576", "MemoryMax=1048576" },
		{ "memory.max", "max", "MemoryMax=infinity" },
		{ "memory.swap.max", "0", "MemorySwapMax=0" },
		{ "pids.max", "7", "TasksMax=7" },
		{ "cpu.weight", "79", "CPUWeight=79" },
		{ "cpu.max", "50000 100000", "CPUQuotaPerSecUSec=500000 CPUQuotaPeriodUSec=100000" },
		{ "cpu.max", "max 20000", "CPUQuotaPerSecUSec=infinity CPUQuotaPeriodUSec=20000" },
		{ "cpuset.cpus", "0-3,7", "AllowedCPUs=0-3,7" },
		{ "cpuset.cpus", "\n", "AllowedCPUs=" }, /* as cgroup_apply.h writes an empty one back */
		{ "io.weight", "default 100", "IOWeight=100" },
		{ "io.weight", "8:0 100", "" }, /* of one device: systemd takes paths there */
		{ "hugetlb.2MB.max", "4096", "" },
		{ "cpu.max", "nonsense", "" },
		{ "memory.high", "nonsense", "" },
		{ "cpuset.cpus", "nonsense", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct cgroup_step step = { .file = (char *)(uintptr_t)table[i].file,
					    .value = (char *)(uintptr_t)table[i].value };
		struct cgroup_steps steps = { .v = &step, .n = 1 };
		char **got = cgroup_scope_properties(&steps);
		struct strbuf joined = { 0 };

		strbuf_puts(&joined, "");
		for (char **p = got; *p; p++)
			strbuf_printf(&joined, "%s%s", p == got ? "" : " ", *p);
		ck_assert_str_eq(joined.s, table[i].want);
		free(joined.s);
		cgroup_scope_properties_free(got);
	}
}
END_TEST

START_TEST(what_is_below_the_scope_is_found)
{
	static const char *const table[][3] = {
		{ "system.slice/a.scope", "a.scope", "" }, { "system.slice/a.scope/b/c", "a.scope", "/b/c" },
		{ "a.scope/b", "a.scope", "/b" },	   { "x-a.scope/a.scope.d/a.scope/b", "a.scope", "/b" },
		{ "elsewhere/x-a.scope", "a.scope", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		ck_assert_str_eq(cgroup_scope_below(table[i][0], table[i][1]), table[i][2]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cgroup_systemd");
	TCase *t = tcase_create("all");

	tcase_add_test(t, a_path_is_slice_prefix_and_name);
	tcase_add_test(t, without_a_path_the_id_names_the_scope);
	tcase_add_test(t, what_no_unit_can_be_called_is_escaped);
	tcase_add_test(t, other_forms_are_refused);
	tcase_add_test(t, limits_have_properties);
	tcase_add_test(t, what_is_below_the_scope_is_found);
	suite_add_tcase(s, t);
	return ck_run(s);
}
