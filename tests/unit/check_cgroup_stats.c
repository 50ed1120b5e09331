/* SPDX-License-Identifier: Apache-2.0 */
/* check_cgroup_stats.c: the texts of cgroup v2's files as numbers, and the numbers as runc's JSON. */
#include "cgroup_stats.h"

#include "ck_run.h"
#include "events_json.h"
#include "json.h"
#include "str.h"

#include <check.h>
#include <math.h>
#include <string.h>

START_TEST(a_flat_file_is_names_and_numbers)
{
	struct cgroup_stat_list list = { 0 };

	cgroup_stats_parse_flat("anon 4096\nfile 18446744073709551615\n\nbad\nalso bad\n x 1\nneg -1\nlast 7", &list);
	ck_assert_uint_eq(list.n, 3);
	ck_assert_uint_eq(cgroup_stat_value(&list, "anon"), 4096);
	ck_assert_uint_eq(cgroup_stat_value(&list, "file"), UINT64_MAX);
	ck_assert_uint_eq(cgroup_stat_value(&list, "last"), 7);
	ck_assert_uint_eq(cgroup_stat_value(&list, "none"), 0);
	free(list.v);
}
END_TEST

START_TEST(lines_without_end_and_without_bound_are_cut)
{
	struct cgroup_stat_list list = { 0 };
	struct strbuf text = { 0 };

	for (int i = 0; i < 3000; i++)
		strbuf_printf(&text, "n%d %d\n", i, i);
	cgroup_stats_parse_flat(text.s, &list);
	ck_assert_uint_eq(list.n, 1024);
	free(list.v);
	free(text.s);
	list = (struct cgroup_stat_list){ 0 };
	cgroup_stats_parse_flat("a_name_that_is_longer_than_any_that_the_kernel_has_today 1\n"
				"overflow 18446744073709551616\nlong 99999999999999999999999999999\n",
				&list);
	ck_assert_uint_eq(list.n, 0);
}
END_TEST

START_TEST(pressure_has_two_lines)
{
	struct cgroup_psi psi = { 0 };

	cgroup_stats_parse_psi("some avg10=0.12 avg60=3.00 avg300=100.00 total=123456\n"
			       "full avg10=0.00 avg60=0.05 avg300=0.00 total=7\n",
			       &psi);
	ck_assert(psi.given);
	ck_assert(fabs(psi.some.avg10 - 0.12) < 1e-9);
	ck_assert(fabs(psi.some.avg60 - 3) < 1e-9);
	ck_assert(fabs(psi.some.avg300 - 100) < 1e-9);
	ck_assert_uint_eq(psi.some.total, 123456);
	ck_assert(fabs(psi.full.avg60 - 0.05) < 1e-9);
	ck_assert_uint_eq(psi.full.total, 7);
}
END_TEST

START_TEST(pressure_of_one_line_does_not_read_the_next)
{
	struct cgroup_psi psi = { 0 };

	cgroup_stats_parse_psi("some avg10=1\nfull avg60=2.00 total=9", &psi);
	ck_assert(psi.given);
	ck_assert(fabs(psi.some.avg10 - 1) < 1e-9);
	ck_assert(fabs(psi.some.avg60) < 1e-9);
	ck_assert_uint_eq(psi.some.total, 0);
	psi = (struct cgroup_psi){ 0 };
	cgroup_stats_parse_psi("", &psi);
	ck_assert(!psi.given);
}
END_TEST

START_TEST(io_has_a_line_a_device)
{
	struct cgroup_io *io = NULL;
	size_t n = 0;

	cgroup_stats_parse_io("8:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n"
			      "nonsense\n7:x rbytes=1\n254:0 rbytes=9 cost.usage=1\n259:1\n",
			      &io, &n);
	ck_assert_uint_eq(n, 3);
	ck_assert_uint_eq(io[0].major, 8);
	ck_assert_uint_eq(io[0].minor, 16);
	ck_assert_uint_eq(io[0].rbytes, 1);
	ck_assert_uint_eq(io[0].wbytes, 2);
	ck_assert_uint_eq(io[0].rios, 3);
	ck_assert_uint_eq(io[0].wios, 4);
	ck_assert_uint_eq(io[0].dbytes, 5);
	ck_assert_uint_eq(io[0].dios, 6);
	ck_assert_uint_eq(io[1].rbytes, 9);
	ck_assert_uint_eq(io[2].minor, 1);
	free(io);
}
END_TEST

/* The number at data.a.b.c. */
static uint64_t number_at(const struct json *v, const char *path)
{
	AUTO_FREE char *copy = x_strdup(path);
	struct err e = { 0 };
	char *save = NULL;
	uint64_t n = 0;

	for (char *key = strtok_r(copy, ".", &save); key; key = strtok_r(NULL, ".", &save))
		v = json_get(v, key);
	ck_assert_msg(v != NULL && json_u64(v, UINT64_MAX, &n, &e) == 0, "%s: %s", path, e.msg);
	return n;
}

START_TEST(units_of_the_json_are_those_of_runc)
{
	struct cgroup_stat cpu[] = {
		{ "usage_usec", 5 }, { "user_usec", 2 }, { "system_usec", 3 }, { "throttled_usec", 4 }
	};
	struct cgroup_stat memory[] = { { "file", 11 }, { "kernel", 12 } };
	struct cgroup_stats s = {
		.cpu = { cpu, 4 },
		.memory = { memory, 2 },
		.memory_usage = 100,
		.memory_limit = UINT64_MAX,
		.swap_usage = 10,
		.swap_limit = 0,
		.pids = 3,
	};
	AUTO_FREE char *text = events_json_stats("c1", &s);
	struct json_doc doc = { 0 };
	struct err e = { 0 };

	ck_assert_msg(json_parse(text, strlen(text), &doc, &e) == 0, "%s in %s", e.msg, text);
	ck_assert_uint_eq(number_at(doc.root, "data.cpu.usage.total"), 5000);
	ck_assert_uint_eq(number_at(doc.root, "data.cpu.usage.user"), 2000);
	ck_assert_uint_eq(number_at(doc.root, "data.cpu.usage.kernel"), 3000);
	ck_assert_uint_eq(number_at(doc.root, "data.cpu.throttling.throttledTime"), 4000);
	ck_assert_uint_eq(number_at(doc.root, "data.memory.usage.limit"), UINT64_MAX);
	ck_assert_uint_eq(number_at(doc.root, "data.memory.swap.usage"), 110);
	ck_assert_uint_eq(number_at(doc.root, "data.memory.swap.limit"), UINT64_MAX);
	ck_assert_uint_eq(number_at(doc.root, "data.memory.cache"), 11);
	ck_assert_uint_eq(number_at(doc.root, "data.memory.raw.kernel"), 12);
	ck_assert_uint_eq(number_at(doc.root, "data.pids.current"), 3);
	ck_assert_uint_eq(number_at(doc.root, "data.pids.limit"), 0);
	json_free(&doc);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cgroup_stats");
	TCase *t = tcase_create("cgroup_stats");

	tcase_add_test(t, a_flat_file_is_names_and_numbers);
	tcase_add_test(t, lines_without_end_and_without_bound_are_cut);
	tcase_add_test(t, pressure_has_two_lines);
	tcase_add_test(t, pressure_of_one_line_does_not_read_the_next);
	tcase_add_test(t, io_has_a_line_a_device);
	tcase_add_test(t, units_of_the_json_are_those_of_runc);
	suite_add_tcase(suite, t);
	return ck_run(suite);
}
