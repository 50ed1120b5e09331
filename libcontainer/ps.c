/* SPDX-License-Identifier: Apache-2.0 */
/* ps.c: the processes of a container: those in its cgroup, or without one, those in the pid
 * namespace of its init. */
#include "libcontainer.h"

#include "cgroup.h"
#include "cgroup_procs.h"
#include "fd.h"
#include "state.h"
#include "str.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static int pid_namespace(pid_t pid, struct stat *out)
{
	char path[40];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)pid);
	return stat(path, out) < 0 ? -errno : 0;
}

static int by_namespace(pid_t init, pid_t **out, size_t *out_n, struct err *e)
{
	struct stat want, own, have;
	struct dirent *d;
	uint64_t pid;
	DIR *proc;
	int r;

	r = pid_namespace(init, &want);
	if (r < 0 || pid_namespace(getpid(), &own) < 0)
		return err_sys(e, r < 0 ? -r : errno, "find the pid namespace of the container");
	*out = x_calloc(1, sizeof(**out));
	*out_n = 0;
	if (want.st_ino == own.st_ino && want.st_dev == own.st_dev) { /* shares ours: only init is known to be its */
		(*out)[(*out_n)++] = init;
		return 0;
	}
	proc = opendir("/proc");
	if (!proc)
		return err_sys(e, errno, "open '/proc'");
	while ((d = readdir(proc))) {
		if (str_u64(d->d_name, INT32_MAX, &pid) < 0 || pid_namespace((pid_t)pid, &have) < 0 ||
		    have.st_ino != want.st_ino || have.st_dev != want.st_dev)
			continue;
		*out = x_realloc(*out, *out_n + 1, sizeof(**out));
		(*out)[(*out_n)++] = (pid_t)pid;
	}
	(void)closedir(proc);
	return 0;
}

int husk_ps(const struct husk_ctx *ctx, const char *id, pid_t **out, size_t *out_n, struct err *e)
{
	struct state s = { .dir = -1 };
	AUTO_FD cgroup = -1;
	AUTO_FD pidfd = -1;
	int r;

	r = state_open(ctx, id, false, &s, e);
	if (r == 0 && s.cgroup) {
		r = cgroup_open(s.cgroup, &cgroup, e);
		if (r == 0)
			r = cgroup_procs(cgroup, out, out_n, e);
	} else if (r == 0) {
		r = state_pidfd(&s, &pidfd);
		r = r < 0 ? err_set(e, ESRCH, "container not running") : by_namespace(s.pid, out, out_n, e);
	}
	state_free(&s);
	return r;
}
