/* SPDX-License-Identifier: Apache-2.0 */
/* init_ns.c: see init_ns.h. */
#include "init_ns.h"

#include "fd.h"
#include "kernel.h"
#include "str.h"

#include <stdio.h>

/* Last the one that changes what paths mean. */
static const struct {
	unsigned int clone_flag;
	const char *file;
} kinds[] = {
	{ CLONE_NEWUSER, "user" }, { CLONE_NEWPID, "pid" },	  { CLONE_NEWNET, "net" },   { CLONE_NEWIPC, "ipc" },
	{ CLONE_NEWUTS, "uts" },   { CLONE_NEWCGROUP, "cgroup" }, { CLONE_NEWTIME, "time" }, { CLONE_NEWNS, "mnt" },
};

int init_ns_open(struct plan *plan, const struct spec *spec, pid_t pid, int pidfd, unsigned int without, struct err *e)
{
	char path[40];

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct join_step *join = &plan->joins[plan->n_joins];

		if (kinds[i].clone_flag & without || !spec_namespace(spec, kinds[i].clone_flag))
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, kinds[i].file);
		*join = (struct join_step){ .clone_flag = kinds[i].clone_flag, .path = kinds[i].file };
		join->fd = open(path, O_RDONLY | O_CLOEXEC);
		if (join->fd < 0)
			return err_sys(e, errno, "open '%s'", path);
		plan->n_joins++;
		plan->has_userns |= kinds[i].clone_flag == CLONE_NEWUSER;
	}
	/* still the same process, so these were its namespaces */
	if (sys_pidfd_send_signal(pidfd, 0) < 0 && errno == ESRCH)
		return err_set(e, ESRCH, "container not running");
	return 0;
}

void init_ns_close(struct plan *plan)
{
	for (size_t i = 0; i < plan->n_joins; i++)
		fd_close(&plan->joins[i].fd);
}
