/* SPDX-License-Identifier: Apache-2.0 */
/* plan_sched.h: the part of a process's plan that says how it shares the machine (internal to plan*.c).
 * No system calls here. */
#ifndef HUSK_PLAN_SCHED_H
#define HUSK_PLAN_SCHED_H

#include "err.h"
#include "plan.h"
#include "spec.h"

/* process.scheduler, process.ioPriority, process.execCPUAffinity: names become numbers, lists become
 * bits; what the policy does not take is refused. */
int plan_sched(const struct spec_process *p, struct process_plan *out, struct err *e);

#endif
