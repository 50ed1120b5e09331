/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sched.h: how a process shares the processors: sched_setattr(2), ioprio_set(2),
 * sched_setaffinity(2). Names are those of runtime-spec's config.md.
 */
#ifndef HUSK_LINUX_SCHED_H
#define HUSK_LINUX_SCHED_H

#include "err.h"

#include <stdint.h>
#include <sys/types.h>

struct sched_step;

/* Of the numbers that sched_flag_number() gives. */
enum { SCHED_KEEP_POLICY = 0x08, SCHED_KEEP_PARAMS = 0x10 };

/* The number of "SCHED_FIFO", of "SCHED_FLAG_RECLAIM", of "IOPRIO_CLASS_RT"; or -EINVAL. -ENOTSUP for
 * SCHED_ISO, which no released kernel has. */
int sched_policy_number(const char *name);
int sched_flag_number(const char *name);
int sched_ioprio_class_number(const char *name);

/* What the step gives of the scheduler and the I/O priority, for pid (0: the caller). The caller needs
 * CAP_SYS_NICE in the first user namespace for real-time policies and negative nice values: a process
 * that has entered another one must be served from outside. */
int sched_apply(pid_t pid, const struct sched_step *step, struct err *e);

/* The CPUs that the calling thread may run on. cpus: bits[SCHED_CPUS]; what: names them in the message,
 * text: the list as written. */
int sched_affinity_set(const unsigned long *cpus, const char *what, const char *text, struct err *e);
int sched_affinity_get(unsigned long *out_cpus, struct err *e);
/* Back to what sched_affinity_get() gave; there is nothing to be done about a failure. */
void sched_affinity_restore(const unsigned long *cpus);

#endif
