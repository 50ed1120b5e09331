/* SPDX-License-Identifier: Apache-2.0 */
/* sched.c: see sched.h. */
#include "sched.h"

#include "kernel.h"
#include "plan.h"
#include "str.h"

#include <limits.h>
#include <linux/ioprio.h>
#include <string.h>

/* struct sched_attr of sched_setattr(2) as of Linux 5.3 (SCHED_ATTR_SIZE_VER1); <linux/sched/types.h>
 * cannot be included beside <sched.h> on every C library. */
struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};
_Static_assert(sizeof(struct attr) == 56, "SCHED_ATTR_SIZE_VER1");

struct name {
	const char *name;
	int number;
};

static const struct name policies[] = {
	{ "SCHED_OTHER", SCHED_OTHER }, { "SCHED_FIFO", SCHED_FIFO }, { "SCHED_RR", SCHED_RR },
	{ "SCHED_BATCH", SCHED_BATCH }, { "SCHED_IDLE", SCHED_IDLE }, { "SCHED_DEADLINE", SCHED_DEADLINE },
};

/* uapi/linux/sched.h of the kernel */
static const struct name flags[] = {
	{ "SCHED_FLAG_RESET_ON_FORK", 0x01 },
	{ "SCHED_FLAG_RECLAIM", 0x02 },
	{ "SCHED_FLAG_DL_OVERRUN", 0x04 },
	{ "SCHED_FLAG_KEEP_POLICY", SCHED_KEEP_POLICY },
	{ "SCHED_FLAG_KEEP_PARAMS", SCHED_KEEP_PARAMS },
	{ "SCHED_FLAG_UTIL_CLAMP_MIN", 0x20 },
	{ "SCHED_FLAG_UTIL_CLAMP_MAX", 0x40 },
};

static const struct name classes[] = {
	{ "IOPRIO_CLASS_RT", IOPRIO_CLASS_RT },
	{ "IOPRIO_CLASS_BE", IOPRIO_CLASS_BE },
	{ "IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE },
};

static int number_of(const struct name *v, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(v[i].name, name))
			return v[i].number;
	return -EINVAL;
}

int sched_policy_number(const char *name)
{
	if (str_eq(name, "SCHED_ISO"))
		return -ENOTSUP;
	return number_of(policies, ARRAY_LEN(policies), name);
}

int sched_flag_number(const char *name)
{
	return number_of(flags, ARRAY_LEN(flags), name);
}

int sched_ioprio_class_number(const char *name)
{
	return number_of(classes, ARRAY_LEN(classes), name);
}

static int policy_err(struct err *e, int code, const struct sched_step *s)
{
	const char *name = s->policy_name;

	if (code == EPERM && s->policy == SCHED_DEADLINE)
		return err_sys(e, code,
			       "process.scheduler: %s needs CAP_SYS_NICE, and the right to run on all CPUs (no smaller "
			       "affinity or cpuset)",
			       name);
	if (code == EPERM && (s->policy == SCHED_FIFO || s->policy == SCHED_RR))
		return err_sys(
			e, code,
			"process.scheduler: %s with priority %u needs CAP_SYS_NICE or RLIMIT_RTPRIO, and where the "
			"kernel has CONFIG_RT_GROUP_SCHED, cpu.rt_runtime_us in its cgroup",
			name, s->priority);
	if (code == EPERM)
		return err_sys(e, code, "process.scheduler: %s with nice %d needs CAP_SYS_NICE or RLIMIT_NICE", name,
			       s->nice);
	if (code == EBUSY)
		return err_sys(
			e, code,
			"process.scheduler: %s: no processor time is left for it (see kernel.sched_rt_runtime_us)",
			name);
	return err_sys(e, code, "process.scheduler: %s: sched_setattr", name);
}

static int set_policy(pid_t pid, const struct sched_step *s, struct err *e)
{
	struct attr attr = {
		.size = sizeof(attr),
		.policy = s->policy,
		.flags = s->flags,
		.nice = s->nice,
		.priority = s->priority,
		.runtime = s->runtime,
		.deadline = s->deadline,
		.period = s->period,
	};

	return syscall(SYS_sched_setattr, pid, &attr, 0) < 0 ? policy_err(e, errno, s) : 0;
}

static int set_ioprio(pid_t pid, const struct sched_step *s, struct err *e)
{
	int value = IOPRIO_PRIO_VALUE(s->io_class, s->io_priority);

	if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, pid, value) == 0)
		return 0;
	if (errno == EPERM)
		return err_sys(e, EPERM, "process.ioPriority: %s needs CAP_SYS_NICE or CAP_SYS_ADMIN",
			       s->io_class_name);
	return err_sys(e, errno, "process.ioPriority: %s, %d: ioprio_set", s->io_class_name, s->io_priority);
}

int sched_apply(pid_t pid, const struct sched_step *step, struct err *e)
{
	int r = step->policy_name ? set_policy(pid, step, e) : 0;

	return r < 0 || !step->io_class_name ? r : set_ioprio(pid, step, e);
}

int sched_affinity_set(const unsigned long *cpus, const char *what, const char *text, struct err *e)
{
	if (syscall(SYS_sched_setaffinity, 0, SCHED_CPUS / CHAR_BIT, cpus) == 0)
		return 0;
	if (errno == EINVAL)
		return err_set(e, EINVAL,
			       "%s: none of the CPUs '%s' may be used here (see /proc/self/status, Cpus_allowed_list)",
			       what, text);
	return err_sys(e, errno, "%s: '%s': sched_setaffinity", what, text);
}

int sched_affinity_get(unsigned long *out_cpus, struct err *e)
{
	memset(out_cpus, 0, SCHED_CPUS / CHAR_BIT);
	if (syscall(SYS_sched_getaffinity, 0, SCHED_CPUS / CHAR_BIT, out_cpus) < 0)
		return err_sys(e, errno, "sched_getaffinity");
	return 0;
}

void sched_affinity_restore(const unsigned long *cpus)
{
	(void)syscall(SYS_sched_setaffinity, 0, SCHED_CPUS / CHAR_BIT, cpus);
}
