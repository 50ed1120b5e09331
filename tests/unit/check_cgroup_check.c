/* SPDX-License-Identifier: Apache-2.0 */
/* check_cgroup_check.c: cgroup_check.c, by tables of linux.resources as JSON. */
#include "cgroup_check.h"

#include "catch_log.h"
#include "ck_err.h"
#include "ck_run.h"
#include "json.h"
#include "log.h"
#include "spec.h"
#include "str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int check(const char *resources, bool warn_only, struct err *out_e)
{
	AUTO_FREE char *text = x_printf("{\"linux\":{\"resources\":%s}}", resources);
	struct spec_linux l = { 0 };
	struct json_doc doc;
	int r;

	ck_assert_ok(json_parse(text, strlen(text), &doc, e));
	l.resources = json_get(json_get(doc.root, "linux"), "resources");
	r = cgroup_check_resources(&l, warn_only, out_e);
	json_free(&doc);
	return r;
}

START_TEST(limits_that_ask_for_nothing_pass)
{
	static const char *const cases[] = {
		"{}",
		"null",
		"{\"devices\":[{\"allow\":true}]}",
		"{\"memory\":{},\"cpu\":{},\"pids\":{},\"blockIO\":{},\"network\":{},\"rdma\":{},\"unified\":{}}",
		"{\"memory\":{\"limit\":-1,\"reservation\":0,\"swap\":-1,\"kernel\":0,\"kernelTCP\":-1}}",
		"{\"memory\":{\"swappiness\":null,\"disableOOMKiller\":false,\"useHierarchy\":true,"
		"\"checkBeforeUpdate\":true}}",
		"{\"cpu\":{\"shares\":0,\"quota\":-1,\"period\":100000,\"burst\":0,\"realtimePeriod\":1000000,"
		"\"realtimeRuntime\":0,\"cpus\":\"\",\"mems\":\"\",\"idle\":0}}",
		"{\"cpu\":{\"shares\":1024}}",
		"{\"pids\":{\"limit\":0}}",
		"{\"pids\":{\"limit\":-1}}",
		"{\"blockIO\":{\"weight\":0,\"leafWeight\":0,\"weightDevice\":[],\"throttleReadBpsDevice\":null}}",
		"{\"hugepageLimits\":[],\"network\":{\"classID\":0,\"priorities\":[]}}",
		"{\"unknown\":{\"limit\":1}}",
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ck_assert_ok(check(cases[i], false, e));
}
END_TEST

static const struct {
	const char *resources, *path;
} asked[] = {
	{ "{\"memory\":{\"limit\":1048576}}", "linux.resources.memory.limit" },
	{ "{\"memory\":{\"limit\":-1,\"reservation\":1}}", "linux.resources.memory.reservation" },
	{ "{\"memory\":{\"swap\":1}}", "linux.resources.memory.swap" },
	{ "{\"memory\":{\"kernel\":1}}", "linux.resources.memory.kernel" },
	{ "{\"memory\":{\"kernelTCP\":1}}", "linux.resources.memory.kernelTCP" },
	{ "{\"memory\":{\"swappiness\":0}}", "linux.resources.memory.swappiness" },
	{ "{\"memory\":{\"disableOOMKiller\":true}}", "linux.resources.memory.disableOOMKiller" },
	{ "{\"cpu\":{\"shares\":512}}", "linux.resources.cpu.shares" },
	{ "{\"cpu\":{\"quota\":50000,\"period\":100000}}", "linux.resources.cpu.quota" },
	{ "{\"cpu\":{\"burst\":1}}", "linux.resources.cpu.burst" },
	{ "{\"cpu\":{\"realtimeRuntime\":1}}", "linux.resources.cpu.realtimeRuntime" },
	{ "{\"cpu\":{\"cpus\":\"0-1\"}}", "linux.resources.cpu.cpus" },
	{ "{\"cpu\":{\"mems\":\"0\"}}", "linux.resources.cpu.mems" },
	{ "{\"cpu\":{\"idle\":1}}", "linux.resources.cpu.idle" },
	{ "{\"pids\":{\"limit\":2048}}", "linux.resources.pids.limit" },
	{ "{\"blockIO\":{\"weight\":10}}", "linux.resources.blockIO.weight" },
	{ "{\"blockIO\":{\"leafWeight\":10}}", "linux.resources.blockIO.leafWeight" },
	{ "{\"blockIO\":{\"weightDevice\":[{\"major\":8,\"minor\":0,\"weight\":500}]}}",
	  "linux.resources.blockIO.weightDevice" },
	{ "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":600}]}}",
	  "linux.resources.blockIO.throttleReadBpsDevice" },
	{ "{\"blockIO\":{\"throttleWriteIOPSDevice\":[{\"major\":8,\"minor\":0,\"rate\":600}]}}",
	  "linux.resources.blockIO.throttleWriteIOPSDevice" },
	{ "{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":18446744073709551615}]}",
	  "linux.resources.hugepageLimits" },
	{ "{\"network\":{\"classID\":1048577}}", "linux.resources.network.classID" },
	{ "{\"network\":{\"priorities\":[{\"name\":\"eth0\",\"priority\":500}]}}",
	  "linux.resources.network.priorities" },
	{ "{\"rdma\":{\"mlx5_1\":{\"hcaHandles\":3}}}", "linux.resources.rdma" },
	{ "{\"unified\":{\"memory.high\":\"1\"}}", "linux.resources.unified[\"memory.high\"]" },
};

/* Of those, what only cgroup v1 had. */
static bool is_v1_only(const char *path)
{
	static const char *const paths[] = {
		"linux.resources.memory.swappiness",   "linux.resources.memory.disableOOMKiller",
		"linux.resources.cpu.realtimeRuntime", "linux.resources.blockIO.leafWeight",
		"linux.resources.network.classID",     "linux.resources.network.priorities",
	};

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (str_eq(path, paths[i]))
			return true;
	return false;
}

/* Without effect in cgroup v1, too. */
static bool is_obsolete(const char *path)
{
	return str_starts(path, "linux.resources.memory.kernel");
}

START_TEST(limits_that_only_cgroup_v1_had_are_refused_by_name)
{
	size_t refused = 0;

	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		AUTO_FREE char *text = x_printf("%s: cgroup v2 has no such limit: leave the key out", asked[i].path);

		if (is_v1_only(asked[i].path)) {
			ck_assert_fails(check(asked[i].resources, false, e), ENOTSUP, text);
			refused++;
		} else if (!is_obsolete(asked[i].path)) {
			ck_assert_ok(check(asked[i].resources, false, e));
		}
	}
	ck_assert_uint_eq(refused, 6);
}
END_TEST

START_TEST(kernel_memory_is_warned_of)
{
	catch_log();
	ck_assert_ok(check("{\"memory\":{\"kernel\":1,\"kernelTCP\":2}}", false, e));
	assert_logged("husk: warning: linux.resources.memory.kernel: cgroup v2 has no such limit: ignoring\n"
		      "husk: warning: linux.resources.memory.kernelTCP: cgroup v2 has no such limit: ignoring\n");
}
END_TEST

START_TEST(limits_are_warned_of_once_each_when_asked_to)
{
	int log = memfd_create("log", MFD_CLOEXEC);
	struct strbuf want = { 0 };
	char name[32], text[8192];
	ssize_t n;

	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", log);
	ck_assert_ok(log_open(name, LOG_TEXT, LOG_LVL_WARN, e));
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		ck_assert_ok(check(asked[i].resources, true, e));
		strbuf_printf(&want, "husk: warning: %s: %s: ignoring\n", asked[i].path,
			      is_v1_only(asked[i].path) || is_obsolete(asked[i].path)
				      ? "cgroup v2 has no such limit"
				      : "not enforced without a cgroup of its own");
	}
	n = pread(log, text, sizeof(text) - 1, 0);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	ck_assert(str_eq(text, want.s)); /* too long for Check to print */
	free(want.s);
	(void)close(log);
}
END_TEST

START_TEST(limits_of_a_wrong_type_are_refused_with_their_path)
{
	static const struct {
		const char *resources, *text;
	} cases[] = {
		{ "{\"memory\":[]}", "linux.resources.memory: expected an object" },
		{ "{\"memory\":{\"limit\":\"1g\"}}", "linux.resources.memory.limit: expected" },
		{ "{\"memory\":{\"checkBeforeUpdate\":1}}", "linux.resources.memory.checkBeforeUpdate: expected" },
		{ "{\"memory\":{\"limit\":1.5}}", "linux.resources.memory.limit: " },
		{ "{\"cpu\":{\"period\":-1}}", "linux.resources.cpu.period: " },
		{ "{\"cpu\":{\"cpus\":3}}", "linux.resources.cpu.cpus: expected a string" },
		{ "{\"pids\":7}", "linux.resources.pids: expected an object" },
		{ "{\"blockIO\":{\"weight\":65536}}", "linux.resources.blockIO.weight: " },
		{ "{\"blockIO\":{\"weightDevice\":{}}}", "linux.resources.blockIO.weightDevice: expected an array" },
		{ "{\"blockIO\":{\"weightDevice\":[null]}}", "linux.resources.blockIO.weightDevice[0]: expected" },
		{ "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"rate\":\"x\"}]}}",
		  "linux.resources.blockIO.throttleReadBpsDevice[0].rate: expected" },
		{ "{\"hugepageLimits\":[{\"limit\":1}]}", "linux.resources.hugepageLimits[0]: 'pageSize' is missing" },
		{ "{\"network\":{\"classID\":4294967296}}", "linux.resources.network.classID: " },
		{ "{\"rdma\":{\"mlx5_1\":3}}", "linux.resources.rdma.mlx5_1: expected an object" },
		{ "{\"unified\":{\"memory.max\":1}}", "linux.resources.unified[\"memory.max\"]: expected a string" },
		{ "{\"unified\":{\"../x\":\"1\"}}",
		  "linux.resources.unified[\"../x\"]: expected the name of a cgroup file" },
		{ "{\"unified\":{\"\":\"1\"}}", "linux.resources.unified[\"\"]: expected the name of a cgroup file" },
		{ "{\"unified\":{\"..\":\"1\"}}",
		  "linux.resources.unified[\"..\"]: expected the name of a cgroup file" },
		{ "[]", "linux.resources: expected an object" },
	};

	ck_assert_ok(log_open(NULL, LOG_TEXT, LOG_LVL_ERROR, e));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = { 0 };

		ck_assert_int_lt(check(cases[i].resources, true, &e), 0);
		ck_assert_msg(strstr(e.msg, cases[i].text) == e.msg, "%s: %s", cases[i].resources, e.msg);
	}
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("cgroup_check");
	TCase *t = tcase_create("tables");

	tcase_add_test(t, limits_that_ask_for_nothing_pass);
	tcase_add_test(t, limits_that_only_cgroup_v1_had_are_refused_by_name);
	tcase_add_test(t, kernel_memory_is_warned_of);
	tcase_add_test(t, limits_are_warned_of_once_each_when_asked_to);
	tcase_add_test(t, limits_of_a_wrong_type_are_refused_with_their_path);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return ck_run(make_suite());
}
