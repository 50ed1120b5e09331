/* SPDX-License-Identifier: Apache-2.0 */
/* check_plan_sched.c: scheduler, ioPriority, execCPUAffinity, personality and memoryPolicy: the numbers
 * that the kernel takes, and which combinations are refused. */
#include "ck_run.h"
#include "plan.h"
#include "spec_text.h"

#include <linux/ioprio.h>
#include <sched.h>
#include <sys/personality.h>

static struct spec *spec;
static struct process_plan plan;
static struct err e;

static void teardown(void)
{
	plan_process_free(&plan);
	spec_free(spec);
	spec = NULL;
}

static int plan_text(enum part part, const char *text)
{
	int r;

	spec = parse_ok(part, text);
	if (part == LIN || part == LINUX)
		return plan_process_linux(spec->linux_, &plan, &e);
	r = plan_process(spec->process, &plan, &e);
	return r;
}

static void make(enum part part, const char *text)
{
	ck_assert_msg(plan_text(part, text) == 0, "%s: %s", text, e.msg);
}

START_TEST(nothing_given_changes_nothing)
{
	make(PROCESS, "'scheduler':null,'ioPriority':null,'execCPUAffinity':{'initial':'','final':''}");
	ck_assert_ptr_null(plan.sched.policy_name);
	ck_assert_ptr_null(plan.sched.io_class_name);
	ck_assert_ptr_null(plan.affinity.initial_text);
	ck_assert_ptr_null(plan.affinity.final_text);
	ck_assert_ptr_null(plan.personality.name);
	ck_assert_ptr_null(plan.mempolicy.mode_name);
}
END_TEST

static const struct {
	const char *text;
	struct sched_step want;
} schedulers[] = {
	{ "'policy':'SCHED_OTHER','nice':-20", { .policy = SCHED_OTHER, .nice = -20 } },
	{ "'policy':'SCHED_OTHER','nice':0,'priority':0,'runtime':0", { .policy = SCHED_OTHER } },
	{ "'policy':'SCHED_BATCH','nice':19", { .policy = SCHED_BATCH, .nice = 19 } },
	{ "'policy':'SCHED_IDLE'", { .policy = SCHED_IDLE } },
	{ "'policy':'SCHED_FIFO','priority':99", { .policy = SCHED_FIFO, .priority = 99 } },
	{ "'policy':'SCHED_RR','priority':1,'flags':['SCHED_FLAG_RESET_ON_FORK']",
	  { .policy = SCHED_RR, .priority = 1, .flags = 1 } },
	{ "'policy':'SCHED_RR','flags':['SCHED_FLAG_KEEP_PARAMS']", { .policy = SCHED_RR, .flags = 0x10 } },
	{ "'policy':'SCHED_DEADLINE','runtime':1,'deadline':18446744073709551615",
	  { .policy = 6, .runtime = 1, .deadline = UINT64_MAX } },
	{ "'policy':'SCHED_DEADLINE','runtime':10,'deadline':20,'period':30,"
	  "'flags':['SCHED_FLAG_RECLAIM','SCHED_FLAG_DL_OVERRUN']",
	  { .policy = 6, .runtime = 10, .deadline = 20, .period = 30, .flags = 6 } },
	{ "'policy':'SCHED_OTHER','flags':['SCHED_FLAG_KEEP_POLICY','SCHED_FLAG_UTIL_CLAMP_MIN',"
	  "'SCHED_FLAG_UTIL_CLAMP_MAX']",
	  { .policy = SCHED_OTHER, .flags = 0x68 } },
};

START_TEST(a_scheduler_becomes_the_kernels_numbers)
{
	const struct sched_step *want = &schedulers[_i].want, *got = &plan.sched;
	AUTO_FREE char *text = x_printf("'scheduler':{%s}", schedulers[_i].text);

	make(PROCESS, text);
	ck_assert_ptr_nonnull(got->policy_name);
	ck_assert_uint_eq(got->policy, want->policy);
	ck_assert_uint_eq(got->flags, want->flags);
	ck_assert_int_eq(got->nice, want->nice);
	ck_assert_uint_eq(got->priority, want->priority);
	ck_assert_uint_eq(got->runtime, want->runtime);
	ck_assert_uint_eq(got->deadline, want->deadline);
	ck_assert_uint_eq(got->period, want->period);
}
END_TEST

START_TEST(an_io_priority_becomes_the_kernels_numbers)
{
	make(PROCESS, "'ioPriority':{'class':'IOPRIO_CLASS_RT','priority':7}");
	ck_assert_int_eq(plan.sched.io_class, IOPRIO_CLASS_RT);
	ck_assert_int_eq(plan.sched.io_priority, 7);
	teardown();
	make(PROCESS, "'ioPriority':{'class':'IOPRIO_CLASS_BE'}");
	ck_assert_int_eq(plan.sched.io_class, IOPRIO_CLASS_BE);
	ck_assert_int_eq(plan.sched.io_priority, 0);
	teardown();
	make(PROCESS, "'ioPriority':{'class':'IOPRIO_CLASS_IDLE','priority':0}");
	ck_assert_int_eq(plan.sched.io_class, IOPRIO_CLASS_IDLE);
}
END_TEST

START_TEST(an_affinity_becomes_two_sets_of_cpus)
{
	make(PROCESS, "'execCPUAffinity':{'initial':'0-3,7','final':'8191'}");
	ck_assert_uint_eq(plan.affinity.initial[0], 0x8f);
	ck_assert_uint_eq(plan.affinity.final[0], 0);
	ck_assert(bitlist_has(plan.affinity.final, 8191));
	ck_assert_str_eq(plan.affinity.final_text, "8191");
}
END_TEST

START_TEST(a_personality_becomes_its_number)
{
	make(LINUX, "'personality':{'domain':'LINUX32','flags':[]}");
	ck_assert_int_eq(plan.personality.persona, PER_LINUX32);
	teardown();
	make(LINUX, "'personality':{'domain':'LINUX'}");
	ck_assert_int_eq(plan.personality.persona, PER_LINUX);
	ck_assert_ptr_nonnull(plan.personality.name);
}
END_TEST

static const struct {
	const char *text;
	int mode;
	unsigned long nodes; /* the first word */
} policies[] = {
	{ "'mode':'MPOL_DEFAULT'", 0, 0 },
	{ "'mode':'MPOL_PREFERRED'", 1, 0 },
	{ "'mode':'MPOL_PREFERRED','nodes':'1'", 1, 2 },
	{ "'mode':'MPOL_BIND','nodes':'0,2-3','flags':['MPOL_F_STATIC_NODES']", 2 | 1 << 15, 0xd },
	{ "'mode':'MPOL_BIND','nodes':'0','flags':['MPOL_F_NUMA_BALANCING']", 2 | 1 << 13, 1 },
	{ "'mode':'MPOL_INTERLEAVE','nodes':'0','flags':['MPOL_F_RELATIVE_NODES']", 3 | 1 << 14, 1 },
	{ "'mode':'MPOL_LOCAL','nodes':''", 4, 0 },
	{ "'mode':'MPOL_PREFERRED_MANY','nodes':'0-1'", 5, 3 },
	{ "'mode':'MPOL_WEIGHTED_INTERLEAVE','nodes':'63,1023'", 6, 1UL << 63 },
};

START_TEST(a_memory_policy_becomes_the_kernels_numbers)
{
	AUTO_FREE char *text = x_printf("'memoryPolicy':{%s}", policies[_i].text);

	make(LINUX, text);
	ck_assert_int_eq(plan.mempolicy.mode, policies[_i].mode);
	ck_assert_uint_eq(plan.mempolicy.nodes[0], policies[_i].nodes);
	ck_assert((plan.mempolicy.nodes_text != NULL) == (policies[_i].nodes != 0));
}
END_TEST

#define POLICIES "SCHED_OTHER, SCHED_BATCH, SCHED_IDLE, SCHED_FIFO, SCHED_RR or SCHED_DEADLINE"

static const struct {
	enum part part;
	const char *text, *msg;
} refused[] = {
	{ PROCESS, "'scheduler':{'policy':'SCHED_NORMAL'}",
	  "process.scheduler.policy: expected " POLICIES ", got 'SCHED_NORMAL'" },
	{ PROCESS, "'scheduler':{'policy':'SCHED_ISO'}", "process.scheduler.policy: Linux has no 'SCHED_ISO'" },
	{ PROCESS, "'scheduler':{'policy':'SCHED_OTHER','flags':['SCHED_FLAG_RECLAIM','RECLAIM']}",
	  "process.scheduler.flags[1]: unknown flag 'RECLAIM'" },
	{ PROCESS, "'scheduler':{'policy':'SCHED_IDLE','nice':1}",
	  "process.scheduler.nice: only for SCHED_OTHER and SCHED_BATCH, not for SCHED_IDLE" },
	{ PROCESS, "'scheduler':{'policy':'SCHED_BATCH','priority':1}",
	  "process.scheduler.priority: only for SCHED_FIFO and SCHED_RR, not for SCHED_BATCH" },
	{ PROCESS, "'scheduler':{'policy':'SCHED_FIFO'}",
	  "process.scheduler.priority: SCHED_FIFO needs a number from 1 to 99" },
	{ PROCESS, "'scheduler':{'policy':'SCHED_FIFO','priority':1,'deadline':5}",
	  "process.scheduler.deadline: only for SCHED_DEADLINE, not for SCHED_FIFO" },
	{ PROCESS, "'scheduler':{'policy':'SCHED_DEADLINE','runtime':3,'deadline':2}",
	  "process.scheduler: SCHED_DEADLINE needs 0 < runtime <= deadline <= period (a period of 0 stands for the "
	  "deadline)" },
	{ PROCESS, "'scheduler':{'policy':'SCHED_DEADLINE','runtime':1,'deadline':3,'period':2}",
	  "process.scheduler: SCHED_DEADLINE needs 0 < runtime <= deadline <= period (a period of 0 stands for the "
	  "deadline)" },
	{ PROCESS, "'ioPriority':{'class':'IOPRIO_CLASS_NONE'}",
	  "process.ioPriority.class: expected IOPRIO_CLASS_RT, IOPRIO_CLASS_BE or IOPRIO_CLASS_IDLE, got "
	  "'IOPRIO_CLASS_NONE'" },
	{ PROCESS, "'execCPUAffinity':{'initial':'0-'}",
	  "process.execCPUAffinity.initial: expected a list such as '0-3,7', got '0-'" },
	{ PROCESS, "'execCPUAffinity':{'final':'8192'}",
	  "process.execCPUAffinity.final: '8192': expected numbers below 8192" },
	{ LINUX, "'personality':{'domain':'linux32'}",
	  "linux.personality.domain: expected LINUX or LINUX32, got 'linux32'" },
	{ LINUX, "'memoryPolicy':{'mode':'BIND'}", "linux.memoryPolicy.mode: unknown mode 'BIND'" },
	{ LINUX, "'memoryPolicy':{'mode':'MPOL_BIND'}", "linux.memoryPolicy.nodes: required for MPOL_BIND" },
	{ LINUX, "'memoryPolicy':{'mode':'MPOL_LOCAL','nodes':'0'}",
	  "linux.memoryPolicy.nodes: MPOL_LOCAL takes no nodes" },
	{ LINUX, "'memoryPolicy':{'mode':'MPOL_DEFAULT','nodes':'0'}",
	  "linux.memoryPolicy.nodes: MPOL_DEFAULT takes no nodes" },
	{ LINUX, "'memoryPolicy':{'mode':'MPOL_BIND','nodes':'1024'}",
	  "linux.memoryPolicy.nodes: '1024': expected numbers below 1024" },
	{ LINUX, "'memoryPolicy':{'mode':'MPOL_BIND','nodes':'all'}",
	  "linux.memoryPolicy.nodes: expected a list such as '0-3,7', got 'all'" },
	{ LINUX, "'memoryPolicy':{'mode':'MPOL_BIND','nodes':'0','flags':['MPOL_F_X']}",
	  "linux.memoryPolicy.flags[0]: unknown flag 'MPOL_F_X'" },
};

START_TEST(what_cannot_be_is_refused_by_name)
{
	ck_assert_msg(plan_text(refused[_i].part, refused[_i].text) < 0, "accepted: %s", refused[_i].text);
	ck_assert_str_eq(e.msg, refused[_i].msg);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan_sched");
	TCase *t = tcase_create("plan_sched");

	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_add_test(t, nothing_given_changes_nothing);
	tcase_add_loop_test(t, a_scheduler_becomes_the_kernels_numbers, 0, ARRAY_LEN(schedulers));
	tcase_add_test(t, an_io_priority_becomes_the_kernels_numbers);
	tcase_add_test(t, an_affinity_becomes_two_sets_of_cpus);
	tcase_add_test(t, a_personality_becomes_its_number);
	tcase_add_loop_test(t, a_memory_policy_becomes_the_kernels_numbers, 0, ARRAY_LEN(policies));
	tcase_add_loop_test(t, what_cannot_be_is_refused_by_name, 0, ARRAY_LEN(refused));
	suite_add_tcase(suite, t);
	return ck_run(suite);
}
