/* SPDX-License-Identifier: Apache-2.0 */
/* oom.h: process.oomScoreAdj (proc_pid_oom_score_adj(5)). */
#ifndef HUSK_LINUX_OOM_H
#define HUSK_LINUX_OOM_H

#include "err.h"

#include <sys/types.h>

/* From outside, by the caller's own procfs. Lowering it needs CAP_SYS_RESOURCE. */
int oom_set_score(pid_t pid, int score, struct err *e);

#endif
