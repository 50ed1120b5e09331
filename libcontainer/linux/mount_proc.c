/* SPDX-License-Identifier: Apache-2.0 */
/* mount_proc.c: see mount_proc.h. */
#include "mount_proc.h"

#include "fd.h"
#include "mount.h"
#include "str.h"

#include <sched.h>

static int new_proc(int pidns, const char *source, const char *options, uint64_t attr, int *out_fd, struct err *e)
{
	AUTO_FREE char *data = NULL;
	char path[FD_PATH_MAX];

	fd_path(pidns, path);
	data = x_printf("pidns=%s%s%s", path, options ? "," : "", options ? options : "");
	return mount_new_fs("proc", source, data, attr, out_fd, e);
}

int mount_proc_outside(struct plan *plan, int *out_procfd, struct err *e)
{
	int pidns = -1, r = 0;

	for (size_t i = 0; i < plan->n_joins; i++)
		if (plan->joins[i].clone_flag == CLONE_NEWPID)
			pidns = plan->joins[i].fd;
	for (size_t i = 0; r == 0 && i < plan->n_mounts; i++) {
		struct mount_step *step = &plan->mounts[i];

		if (step->kind == MOUNT_FS && str_eq(step->fstype, "proc"))
			r = new_proc(pidns, step->source, step->data, step->attr_set, &step->source_fd, e);
	}
	/* what config.json masks must not be reached by it */
	if (r == 0 && out_procfd)
		r = new_proc(pidns, "proc", "subset=pid", 0, out_procfd, e);
	return r;
}
