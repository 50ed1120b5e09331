/* SPDX-License-Identifier: Apache-2.0 */
/* oom.c: see oom.h. */
#include "oom.h"

#include "io.h"

#include <fcntl.h>
#include <stdio.h>

int oom_set_score(pid_t pid, int score, struct err *e)
{
	char path[48], value[16];
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)pid);
	(void)snprintf(value, sizeof(value), "%d", score);
	r = io_write_value(AT_FDCWD, path, value);
	if (r < 0)
		return err_sys(e, -r, "process.oomScoreAdj: set %d%s", score,
			       r == -EACCES ? " (lowering it needs CAP_SYS_RESOURCE)" : "");
	return 0;
}
