/* SPDX-License-Identifier: Apache-2.0 */
/* plan_sched.c: see plan_sched.h; and plan_process_linux() of plan.h. */
#include "plan_sched.h"

#include "bitlist.h"
#include "kernel.h"
#include "mempolicy.h"
#include "personality.h"
#include "sched.h"
#include "str.h"

static int policy_plan(const struct spec_scheduler *s, struct sched_step *out, struct err *e)
{
	int policy = sched_policy_number(s->policy);

	if (policy == -ENOTSUP)
		return err_set(e, ENOTSUP, "process.scheduler.policy: Linux has no '%s'", s->policy);
	if (policy < 0)
		return err_set(e, EINVAL,
			       "process.scheduler.policy: expected SCHED_OTHER, SCHED_BATCH, SCHED_IDLE, SCHED_FIFO, "
			       "SCHED_RR or SCHED_DEADLINE, got '%s'",
			       s->policy);
	out->policy_name = s->policy;
	out->policy = (uint32_t)policy;
	for (size_t i = 0; i < s->flags.n; i++) {
		int flag = sched_flag_number(s->flags.v[i]);

		if (flag < 0)
			return err_set(e, EINVAL, "process.scheduler.flags[%zu]: unknown flag '%s'", i, s->flags.v[i]);
		out->flags |= (uint64_t)flag;
	}
	return 0;
}

/* sched_setattr(2) ignores what a policy does not take, or fails without a word: say which it is. */
static int params_check(const struct sched_step *s, struct err *e)
{
	bool real_time = s->policy == SCHED_FIFO || s->policy == SCHED_RR;
	bool kept = s->flags & (SCHED_KEEP_POLICY | SCHED_KEEP_PARAMS);

	if (s->nice && s->policy != SCHED_OTHER && s->policy != SCHED_BATCH)
		return err_set(e, EINVAL, "process.scheduler.nice: only for SCHED_OTHER and SCHED_BATCH, not for %s",
			       s->policy_name);
	if (s->priority && !real_time)
		return err_set(e, EINVAL, "process.scheduler.priority: only for SCHED_FIFO and SCHED_RR, not for %s",
			       s->policy_name);
	if (!s->priority && real_time && !kept)
		return err_set(e, EINVAL, "process.scheduler.priority: %s needs a number from 1 to 99", s->policy_name);
	if (s->policy != SCHED_DEADLINE) {
		if (s->runtime || s->deadline || s->period)
			return err_set(e, EINVAL, "process.scheduler.%s: only for SCHED_DEADLINE, not for %s",
				       s->runtime    ? "runtime"
				       : s->deadline ? "deadline"
						     : "period",
				       s->policy_name);
		return 0;
	}
	if (!kept && (!s->runtime || s->runtime > s->deadline || (s->period && s->deadline > s->period)))
		return err_set(e, EINVAL,
			       "process.scheduler: SCHED_DEADLINE needs 0 < runtime <= deadline <= period "
			       "(a period of 0 stands for the deadline)");
	return 0;
}

static int scheduler_plan(const struct spec_scheduler *s, struct sched_step *out, struct err *e)
{
	int r = policy_plan(s, out, e);

	if (r < 0)
		return r;
	out->nice = s->nice;
	out->priority = s->priority;
	out->runtime = s->runtime;
	out->deadline = s->deadline;
	out->period = s->period;
	return params_check(out, e);
}

static int io_priority_plan(const struct spec_io_priority *p, struct sched_step *out, struct err *e)
{
	int number = sched_ioprio_class_number(p->io_class);

	if (number < 0)
		return err_set(
			e, EINVAL,
			"process.ioPriority.class: expected IOPRIO_CLASS_RT, IOPRIO_CLASS_BE or IOPRIO_CLASS_IDLE, "
			"got '%s'",
			p->io_class);
	out->io_class_name = p->io_class;
	out->io_class = number;
	out->io_priority = p->priority;
	return 0;
}

/* A list of numbers below `bits`; an absent one is none. */
static int list_plan(const char *key, const char *text, size_t bits, unsigned long *out, struct err *e)
{
	int r = text ? bitlist_parse(text, bits, out) : 0;

	if (r == -ERANGE)
		return err_set(e, ERANGE, "%s: '%s': expected numbers below %zu", key, text, bits);
	if (r < 0)
		return err_set(e, EINVAL, "%s: expected a list such as '0-3,7', got '%s'", key, text);
	return 0;
}

static int affinity_plan(const struct spec_cpu_affinity *a, struct affinity_step *out, struct err *e)
{
	int r = list_plan("process.execCPUAffinity.initial", a->initial, SCHED_CPUS, out->initial, e);

	if (r == 0)
		r = list_plan("process.execCPUAffinity.final", a->final, SCHED_CPUS, out->final, e);
	out->initial_text = a->initial;
	out->final_text = a->final;
	return r;
}

int plan_sched(const struct spec_process *p, struct process_plan *out, struct err *e)
{
	int r = p->scheduler ? scheduler_plan(p->scheduler, &out->sched, e) : 0;

	if (r == 0 && p->io_priority)
		r = io_priority_plan(p->io_priority, &out->sched, e);
	if (r == 0 && p->exec_cpu_affinity)
		r = affinity_plan(p->exec_cpu_affinity, &out->affinity, e);
	return r;
}

static int personality_plan(const struct spec_personality *p, struct personality_step *out, struct err *e)
{
	int number = personality_number(p->domain);

	if (number < 0)
		return err_set(e, EINVAL, "linux.personality.domain: expected LINUX or LINUX32, got '%s'", p->domain);
	*out = (struct personality_step){ .name = p->domain, .persona = number };
	return 0;
}

/* Modes by set_mempolicy(2): two take no nodes, one may do without, the others need some. */
static int mempolicy_check_nodes(const struct spec_memory_policy *p, struct err *e)
{
	bool none = str_eq(p->mode, "MPOL_DEFAULT") || str_eq(p->mode, "MPOL_LOCAL");

	if (none && p->nodes)
		return err_set(e, EINVAL, "linux.memoryPolicy.nodes: %s takes no nodes", p->mode);
	if (!none && !p->nodes && !str_eq(p->mode, "MPOL_PREFERRED"))
		return err_set(e, EINVAL, "linux.memoryPolicy.nodes: required for %s", p->mode);
	return 0;
}

static int mempolicy_plan(const struct spec_memory_policy *p, struct mempolicy_step *out, struct err *e)
{
	int number = mempolicy_mode_number(p->mode), r;

	if (number < 0)
		return err_set(e, EINVAL, "linux.memoryPolicy.mode: unknown mode '%s'", p->mode);
	r = mempolicy_check_nodes(p, e);
	if (r < 0)
		return r;
	*out = (struct mempolicy_step){ .mode_name = p->mode, .mode = number, .nodes_text = p->nodes };
	for (size_t i = 0; i < p->flags.n; i++) {
		int flag = mempolicy_flag_number(p->flags.v[i]);

		if (flag < 0)
			return err_set(e, EINVAL, "linux.memoryPolicy.flags[%zu]: unknown flag '%s'", i, p->flags.v[i]);
		out->mode |= flag;
	}
	return list_plan("linux.memoryPolicy.nodes", p->nodes, MEMPOLICY_NODES, out->nodes, e);
}

int plan_process_linux(const struct spec_linux *l, struct process_plan *out, struct err *e)
{
	int r = l->personality ? personality_plan(l->personality, &out->personality, e) : 0;

	return r < 0 || !l->memory_policy ? r : mempolicy_plan(l->memory_policy, &out->mempolicy, e);
}
