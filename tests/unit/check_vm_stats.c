/* SPDX-License-Identifier: Apache-2.0 */
/* check_vm_stats.c: of a guest's statistics all that libcontainer writes is shown as it is, and nothing else
 * (src/machine/vm_stats.c). */
#include "ck_err.h"
#include "ck_run.h"
#include "events_json.h"
#include "str.h"
#include "vm_stats.h"

#include <check.h>
#include <string.h>

START_TEST(what_the_library_writes_is_kept)
{
	struct cgroup_stat cpu[] = { { "usage_usec", 5 }, { "user_usec", 2 } };
	struct cgroup_stat memory[] = { { "file", 11 }, { "workingset_activate_anon", 12 } };
	struct cgroup_stat events[] = { { "oom_kill", 2 }, { "max", 3 } };
	struct cgroup_psi psi = { true, { 1.5, 0.25, 100, 7 }, { 0, 0, 0, UINT64_MAX } };
	struct cgroup_io io[] = { { 8, 0, 1, 2, 3, 4, 5, 6 }, { 253, 1, 0, 0, 0, 0, 0, 0 } };
	struct cgroup_hugetlb hugetlb[] = { { "2MB", 1, 2 }, { "1GB", 3, 4 } };
	struct cgroup_stats s = {
		.cpu = { cpu, 2 },
		.memory = { memory, 2 },
		.memory_events = { events, 2 },
		.memory_usage = 100,
		.memory_limit = UINT64_MAX,
		.memory_peak = 200,
		.swap_usage = 10,
		.pids = 3,
		.pids_limit = 4,
		.cpu_psi = psi,
		.memory_psi = psi,
		.io_psi = psi,
		.io = io,
		.n_io = 2,
		.hugetlb = hugetlb,
		.n_hugetlb = 2,
	};
	AUTO_FREE char *text = events_json_stats("c1", &s);
	AUTO_FREE char *shown = NULL;

	ck_assert_ok(vm_stats_json("c1", text, &shown, e));
	ck_assert_str_eq(shown, text);
}
END_TEST

#define SHOWN(data) "{\"type\":\"stats\",\"id\":\"c1\",\"data\":{" data "\"network_interfaces\":null}}"

static const struct {
	const char *text, *shown;
} left_out[] = {
	{ "{\"data\":{}}", SHOWN("") },
	{ "{\"type\":\"oom\",\"id\":\"\\u001b\",\"data\":{\"evil\":\"\\u001b\"},\"more\":[]}", SHOWN("") },
	{ "{\"data\":{\"cpuset\":{\"x\":1},\"network_interfaces\":[\"x\"]}}", SHOWN("\"cpuset\":{},") },
	{ "{\"data\":{\"pids\":{\"x\":\"y\",\"current\":1}}}", SHOWN("\"pids\":{\"current\":1},") },
};

START_TEST(what_is_not_known_is_left_out)
{
	AUTO_FREE char *shown = NULL;

	ck_assert_ok(vm_stats_json("c1", left_out[_i].text, &shown, e));
	ck_assert_str_eq(shown, left_out[_i].shown);
}
END_TEST

static const struct {
	const char *text, *message;
} refused[] = {
	{ "", "the VM's statistics: " },
	{ "{\"data\":{}", "the VM's statistics: " },
	{ "[]", "no 'data'" },
	{ "{\"data\":[]}", "data: expected an object" },
	{ "{\"data\":{\"cpu\":7}}", "data.cpu: expected an object" },
	{ "{\"data\":{\"pids\":{\"current\":\"\\u001b\"}}}", "data.pids.current: expected" },
	{ "{\"data\":{\"pids\":{\"current\":-1}}}", "data.pids.current: expected" },
	{ "{\"data\":{\"pids\":{\"current\":18446744073709551616}}}", "data.pids.current: expected" },
	{ "{\"data\":{\"memory\":{\"raw\":{\"a\\u001b\":1}}}}", "data.memory.raw: a name" },
	{ "{\"data\":{\"memory\":{\"raw\":{\"\":1}}}}", "data.memory.raw: a name" },
	{ "{\"data\":{\"memory\":{\"raw\":{\"a\":{}}}}}", "data.memory.raw.a: expected" },
	{ "{\"data\":{\"cpu\":{\"psi\":{\"some\":{\"avg10\":1e9}}}}}", "avg10: expected a percentage" },
	{ "{\"data\":{\"cpu\":{\"psi\":{\"some\":{\"avg10\":-1}}}}}", "avg10: expected a percentage" },
	{ "{\"data\":{\"blkio\":{\"ioServicedRecursive\":[{\"op\":\"x\"}]}}}", "op: expected Read, Write or Discard" },
	{ "{\"data\":{\"blkio\":{\"ioServicedRecursive\":{}}}}", "ioServicedRecursive: expected an array" },
};

START_TEST(what_is_none_is_refused)
{
	AUTO_FREE char *shown = NULL;

	ck_assert_fails(vm_stats_json("c1", refused[_i].text, &shown, e), e->code, refused[_i].message);
	ck_assert_ptr_null(shown);
}
END_TEST

START_TEST(too_much_is_refused)
{
	struct strbuf text = { 0 };
	AUTO_FREE char *shown = NULL;

	strbuf_puts(&text, "{\"data\":{\"blkio\":{\"ioServicedRecursive\":[{}");
	for (int i = 0; i < 4096; i++)
		strbuf_puts(&text, ",{}");
	strbuf_puts(&text, "]}}}");
	ck_assert_fails(vm_stats_json("c1", text.s, &shown, e), EPROTO, "4097 elements: expected at most 4096");
	free(text.s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vm_stats");
	TCase *tc = tcase_create("statistics");

	tcase_add_test(tc, what_the_library_writes_is_kept);
	tcase_add_loop_test(tc, what_is_not_known_is_left_out, 0, ARRAY_LEN(left_out));
	tcase_add_loop_test(tc, what_is_none_is_refused, 0, ARRAY_LEN(refused));
	tcase_add_test(tc, too_much_is_refused);
	suite_add_tcase(s, tc);
	return ck_run(s);
}
