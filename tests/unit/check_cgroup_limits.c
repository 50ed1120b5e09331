/* SPDX-License-Identifier: Apache-2.0 */
/* check_cgroup_limits.c: cgroup_limits.c, by tables of linux.resources as JSON. */
#include "cgroup_limits.h"

#include "cgroup_check.h"
#include "ck_err.h"
#include "ck_run.h"
#include "spec.h"
#include "str.h"

#include <stdlib.h>
#include <string.h>

static struct json_doc doc;
static char *doc_text;

/* ' stands for " in texts. What cgroup_check.c refuses does not count as a case. */
static const struct json *parse(const char *resources)
{
	struct spec_linux l = { 0 };

	json_free(&doc);
	free(doc_text);
	doc_text = x_printf("{\"linux\":{\"resources\":%s}}", resources);
	for (char *c = doc_text; *c; c++)
		if (*c == '\'')
			*c = '"';
	ck_assert_ok(json_parse(doc_text, strlen(doc_text), &doc, e));
	l.resources = json_get(json_get(doc.root, "linux"), "resources");
	ck_assert_ok(cgroup_check_resources(&l, false, e));
	return l.resources;
}

/* "file=value" in order, joined by "; "; a '?' behind an optional one, "|file=value" for the other. */
static char *written(const struct cgroup_steps *s)
{
	struct strbuf b = { 0 };

	strbuf_puts(&b, "");
	for (size_t i = 0; i < s->n; i++) {
		strbuf_printf(&b, "%s%s=%s", i ? "; " : "", s->v[i].file, s->v[i].value);
		if (s->v[i].other_file)
			strbuf_printf(&b, "|%s=%s", s->v[i].other_file, s->v[i].other_value);
		strbuf_puts(&b, s->v[i].optional ? "?" : "");
	}
	return b.s ? b.s : x_strdup("");
}

static void assert_planned(const char *resources, const struct cgroup_current *current, const char *want)
{
	struct cgroup_steps steps = { 0 };
	AUTO_FREE char *got = NULL;

	ck_assert_ok(cgroup_limits_plan(parse(resources), current, &steps, e));
	got = written(&steps);
	ck_assert_msg(str_eq(got, want), "%s: got '%s', not '%s'", resources, got, want);
	cgroup_steps_free(&steps);
}

START_TEST(each_key_becomes_its_files)
{
	static const struct {
		const char *resources, *steps;
	} cases[] = {
		{ "null", "" },
		{ "{}", "" },
		{ "{'devices':[{'allow':false}],'unknown':{'limit':1}}", "" },
		{ "{'pids':{'limit':2048}}", "pids.max=2048" },
		{ "{'pids':{'limit':-1}}", "pids.max=max?" },
		{ "{'pids':{'limit':0}}", "" },
		{ "{'memory':{'limit':0,'reservation':0,'swap':0}}", "" },
		{ "{'memory':{'limit':536870912}}", "memory.max=536870912" },
		{ "{'memory':{'reservation':1048576}}", "memory.low=1048576" },
		{ "{'memory':{'reservation':-1}}", "memory.low=max?" },
		{ "{'memory':{'checkBeforeUpdate':true,'useHierarchy':true}}", "" },
		{ "{'memory':{'kernel':1048576,'kernelTCP':4096}}", "" },
		{ "{'blockIO':{'weight':0}}", "" },
		{ "{'blockIO':{'weight':10}}", "io.bfq.weight=10|io.weight=1" },
		{ "{'blockIO':{'weight':1000}}", "io.bfq.weight=1000|io.weight=10000" },
		{ "{'blockIO':{'weightDevice':[{'major':8,'minor':16,'weight':500}]}}",
		  "io.bfq.weight=8:16 500|io.weight=8:16 4950" },
		{ "{'blockIO':{'weightDevice':[{'major':8,'minor':16,'weight':0}]}}", "" },
		{ "{'blockIO':{'throttleReadBpsDevice':[{'major':8,'minor':0,'rate':1},{'major':8,'minor':1,'rate':2}],"
		  "'throttleWriteBpsDevice':[{'major':8,'minor':0,'rate':3}],"
		  "'throttleReadIOPSDevice':[{'major':8,'minor':0,'rate':4}],"
		  "'throttleWriteIOPSDevice':[{'major':8,'minor':0,'rate':5}]}}",
		  "io.max=8:0 rbps=1; io.max=8:1 rbps=2; io.max=8:0 wbps=3; io.max=8:0 riops=4; io.max=8:0 wiops=5" },
		{ "{'blockIO':{'throttleReadBpsDevice':[{'major':8,'minor':0,'rate':0}]}}", "io.max=8:0 rbps=max" },
		{ "{'cpu':{'shares':0,'quota':0,'period':0,'cpus':'','mems':''}}", "" },
		{ "{'cpu':{'shares':512}}", "cpu.weight=59" },
		{ "{'cpu':{'shares':1024}}", "cpu.weight=100?" },
		{ "{'cpu':{'quota':50000}}", "cpu.max=50000 100000" },
		{ "{'cpu':{'quota':50000,'period':200000}}", "cpu.max=50000 200000" },
		{ "{'cpu':{'period':200000}}", "cpu.max=max 200000?" },
		{ "{'cpu':{'quota':-1,'period':100000}}", "cpu.max=max 100000?" },
		{ "{'cpu':{'quota':50000,'burst':10000}}", "cpu.max=50000 100000; cpu.max.burst=10000" },
		{ "{'cpu':{'burst':0}}", "cpu.max.burst=0?" },
		{ "{'cpu':{'idle':1,'shares':2}}", "cpu.weight=1; cpu.idle=1" },
		{ "{'cpu':{'idle':0,'shares':2}}", "cpu.idle=0?; cpu.weight=1" },
		{ "{'cpu':{'cpus':'0-1,3','mems':'0'}}", "cpuset.cpus=0-1,3; cpuset.mems=0" },
		{ "{'cpu':{'realtimePeriod':1000000,'realtimeRuntime':0}}", "" },
		{ "{'hugepageLimits':[{'pageSize':'2MB','limit':0},{'pageSize':'1GB','limit':1073741824}]}",
		  "hugetlb.2MB.max=0; hugetlb.2MB.rsvd.max=0?; hugetlb.1GB.max=1073741824; "
		  "hugetlb.1GB.rsvd.max=1073741824?" },
		{ "{'hugepageLimits':[{'pageSize':'64KB','limit':18446744073709551615}]}",
		  "hugetlb.64KB.max=max; hugetlb.64KB.rsvd.max=max?" },
		{ "{'rdma':{'mlx5_1':{'hcaHandles':3,'hcaObjects':10000},'mlx4_0':{'hcaObjects':1},'rxe3':{}}}",
		  "rdma.max=mlx5_1 hca_handle=3 hca_object=10000; rdma.max=mlx4_0 hca_object=1" },
		{ "{'unified':{'memory.high':'1073741824','cgroup.max.depth':'5'},'pids':{'limit':3}}",
		  "pids.max=3; memory.high=1073741824; cgroup.max.depth=5" },
		{ "{'unified':{'io.max':'8:0 rbps=1\\n8:1 rbps=2\\n','cpuset.cpus':''}}",
		  "io.max=8:0 rbps=1; io.max=8:1 rbps=2; cpuset.cpus=" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_planned(cases[i].resources, &cgroup_current_none, cases[i].steps);
}
END_TEST

START_TEST(sections_are_written_in_one_order_and_unified_last)
{
	assert_planned("{'unified':{'pids.max':'7'},'hugepageLimits':[{'pageSize':'2MB','limit':1}],"
		       "'rdma':{'a':{'hcaHandles':1}},'cpu':{'cpus':'0','quota':1000},'memory':{'limit':1},"
		       "'blockIO':{'weight':10},'pids':{'limit':5}}",
		       &cgroup_current_none,
		       "pids.max=5; memory.max=1; io.bfq.weight=10|io.weight=1; cpu.max=1000 100000; cpuset.cpus=0; "
		       "hugetlb.2MB.max=1; hugetlb.2MB.rsvd.max=1?; rdma.max=a hca_handle=1; pids.max=7");
}
END_TEST

START_TEST(swap_is_what_is_left_beside_memory)
{
	static const struct cgroup_current limited = {
		.memory = 1000, .swap = 500, .quota = CGROUP_UNLIMITED, .period = 100000
	};
	static const struct cgroup_current open = {
		.memory = CGROUP_UNLIMITED, .swap = CGROUP_UNLIMITED, .quota = CGROUP_UNLIMITED, .period = 100000
	};
	static const struct {
		const char *resources;
		const struct cgroup_current *current;
		const char *steps;
	} cases[] = {
		{ "{'memory':{'limit':1000,'swap':3000}}", &cgroup_current_none,
		  "memory.max=1000; memory.swap.max=2000" },
		{ "{'memory':{'limit':1000,'swap':1000}}", &cgroup_current_none,
		  "memory.max=1000; memory.swap.max=0?" },
		{ "{'memory':{'limit':1000,'swap':-1}}", &cgroup_current_none,
		  "memory.swap.max=max?; memory.max=1000" },
		{ "{'memory':{'limit':-1}}", &cgroup_current_none, "memory.swap.max=max?; memory.max=max?" },
		{ "{'memory':{'limit':-1,'swap':-1}}", &cgroup_current_none, "memory.swap.max=max?; memory.max=max?" },
		{ "{'memory':{'limit':-1,'swap':5}}", &cgroup_current_none, "memory.max=max?; memory.swap.max=5" },
		/* with what holds before an update: that of memory counts, and swap that grows comes first */
		{ "{'memory':{'swap':1400}}", &limited, "memory.swap.max=400" },
		{ "{'memory':{'swap':1400}}", &open, "memory.swap.max=1400" },
		{ "{'memory':{'limit':2000}}", &limited, "memory.max=2000" },
		{ "{'memory':{'limit':200,'swap':1200}}", &limited, "memory.swap.max=1000; memory.max=200" },
		{ "{'memory':{'limit':200,'swap':300}}", &limited, "memory.max=200; memory.swap.max=100" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_planned(cases[i].resources, cases[i].current, cases[i].steps);
}
END_TEST

START_TEST(quota_period_and_burst_complete_each_other_in_an_update)
{
	static const struct cgroup_current now = {
		.memory = CGROUP_UNLIMITED, .swap = CGROUP_UNLIMITED, .quota = 40000, .period = 50000, .burst = 9000
	};
	static const struct {
		const char *resources, *steps;
	} cases[] = {
		{ "{'cpu':{'quota':20000}}", "cpu.max=20000 50000" },
		{ "{'cpu':{'period':80000}}", "cpu.max=40000 80000" },
		{ "{'cpu':{'quota':-1}}", "cpu.max=max 50000?" },
		{ "{'cpu':{'quota':5000,'burst':4000}}", "cpu.max.burst=4000; cpu.max=5000 50000" },
		{ "{'cpu':{'quota':90000,'burst':80000}}", "cpu.max=90000 50000; cpu.max.burst=80000" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_planned(cases[i].resources, &now, cases[i].steps);
}
END_TEST

/* Of the formula that both use; its three fixed points, what is beyond them, and that it never falls. */
START_TEST(shares_become_weights_as_in_runc)
{
	static const struct {
		uint64_t shares, weight;
	} cases[] = {
		{ 1, 1 },      { 2, 1 },       { 3, 2 },	  { 10, 4 },	     { 100, 17 },
		{ 512, 59 },   { 1000, 99 },   { 1024, 100 },	  { 1025, 101 },     { 2000, 170 },
		{ 2048, 174 }, { 10240, 639 }, { 262143, 10000 }, { 262144, 10000 }, { UINT64_MAX, 10000 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ck_assert_msg(cgroup_shares_to_weight(cases[i].shares) == cases[i].weight, "%ju: %ju, not %ju",
			      (uintmax_t)cases[i].shares, (uintmax_t)cgroup_shares_to_weight(cases[i].shares),
			      (uintmax_t)cases[i].weight);
	for (uint64_t s = 1; s < 300000; s++)
		ck_assert_uint_le(cgroup_shares_to_weight(s), cgroup_shares_to_weight(s + 1));
}
END_TEST

START_TEST(what_cgroup_v2_cannot_have_is_refused_by_path)
{
	static const struct {
		const char *resources, *text;
	} cases[] = {
		{ "{'memory':{'swap':1000}}",
		  "linux.resources.memory.swap: a limit of memory and swap together needs memory.limit beside it" },
		{ "{'memory':{'limit':1000,'swap':999}}",
		  "linux.resources.memory.swap: expected at least memory.limit (1000), as it counts memory and swap "
		  "together, got 999" },
		{ "{'blockIO':{'weight':9}}",
		  "linux.resources.blockIO.weight: expected a number from 10 to 1000, got 9" },
		{ "{'blockIO':{'weight':1001}}", "linux.resources.blockIO.weight: expected a number from 10 to 1000" },
		{ "{'blockIO':{'weightDevice':[{'major':8,'minor':0,'weight':5}]}}",
		  "linux.resources.blockIO.weightDevice[0].weight: expected a number from 10 to 1000, got 5" },
		{ "{'blockIO':{'weightDevice':[{'major':8,'minor':0,'leafWeight':5}]}}",
		  "linux.resources.blockIO.weightDevice[0].leafWeight: cgroup v2 has no such limit" },
		{ "{'hugepageLimits':[{'pageSize':'2M','limit':1}]}",
		  "linux.resources.hugepageLimits[0].pageSize: expected a size such as 2MB or 1GB, got '2M'" },
		{ "{'hugepageLimits':[{'pageSize':'../2MB','limit':1}]}",
		  "linux.resources.hugepageLimits[0].pageSize" },
		{ "{'hugepageLimits':[{'pageSize':'','limit':1}]}", "linux.resources.hugepageLimits[0].pageSize" },
		{ "{'hugepageLimits':[{'pageSize':'0MB','limit':1}]}", "linux.resources.hugepageLimits[0].pageSize" },
		{ "{'hugepageLimits':[{'pageSize':'12345678901234MB','limit':1}]}",
		  "linux.resources.hugepageLimits[0].pageSize" },
		{ "{'rdma':{'a b':{'hcaHandles':1}}}",
		  "linux.resources.rdma[\"a b\"]: expected the name of an RDMA device" },
		{ "{'rdma':{'':{'hcaHandles':1}}}", "expected the name of an RDMA device" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cgroup_steps steps = { 0 };
		struct err e = { 0 };
		int r = cgroup_limits_plan(parse(cases[i].resources), &cgroup_current_none, &steps, &e);

		ck_assert_msg(r < 0 && strstr(e.msg, cases[i].text), "%s: %d '%s'", cases[i].resources, r, e.msg);
		cgroup_steps_free(&steps);
	}
}
END_TEST

START_TEST(unified_is_bounded)
{
	AUTO_FREE char *long_line = x_calloc(1, 5000), *lines = x_calloc(1, 8192);
	AUTO_FREE char *one = NULL, *many = NULL;
	struct cgroup_steps steps = { 0 };

	memset(long_line, '1', 4096);
	one = x_printf("{'unified':{'memory.max':'%s'}}", long_line);
	ck_assert_fails(cgroup_limits_plan(parse(one), &cgroup_current_none, &steps, e), E2BIG,
			"linux.resources.unified[\"memory.max\"]: a line is longer than 4095 bytes");
	for (int i = 0; i < 1025; i++)
		memcpy(lines + 3 * i, "1\\n", 3);
	many = x_printf("{'unified':{'memory.max':'%s'}}", lines);
	ck_assert_fails(cgroup_limits_plan(parse(many), &cgroup_current_none, &steps, e), E2BIG,
			"more than 1024 lines for cgroup files");
	cgroup_steps_free(&steps);
}
END_TEST

START_TEST(files_name_their_controller)
{
	ck_assert_uint_eq(cgroup_file_controller("memory.swap.max"), 6);
	ck_assert_uint_eq(cgroup_file_controller("hugetlb.2MB.max"), 7);
	ck_assert_uint_eq(cgroup_file_controller("cgroup.max.depth"), 0);
	ck_assert_uint_eq(cgroup_file_controller("nodot"), 0);
	ck_assert_uint_eq(cgroup_file_controller(""), 0);
}
END_TEST

static void forget(void)
{
	json_free(&doc);
	free(doc_text);
	doc_text = NULL;
}

static Suite *make_suite(void)
{
	Suite *s = suite_create("cgroup_limits");
	TCase *t = tcase_create("tables");

	tcase_add_checked_fixture(t, NULL, forget);
	tcase_add_test(t, each_key_becomes_its_files);
	tcase_add_test(t, sections_are_written_in_one_order_and_unified_last);
	tcase_add_test(t, swap_is_what_is_left_beside_memory);
	tcase_add_test(t, quota_period_and_burst_complete_each_other_in_an_update);
	tcase_add_test(t, shares_become_weights_as_in_runc);
	tcase_add_test(t, what_cgroup_v2_cannot_have_is_refused_by_path);
	tcase_add_test(t, unified_is_bounded);
	tcase_add_test(t, files_name_their_controller);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return ck_run(make_suite());
}
