/* SPDX-License-Identifier: Apache-2.0 */
/* subgroup.c: see subgroup.h. */
#include "subgroup.h"

#include "fd.h"
#include "io.h"
#include "str.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* systemd's own cgroups are nobody else's to change, so a path will do; "0" is whoever writes it. */
int subgroup_enter(const char *cgroup, const char *below, struct err *e)
{
	AUTO_FREE char *path = x_printf("/sys/fs/cgroup%s%s", cgroup, below);
	size_t at = strlen(path) - strlen(below);
	AUTO_FD dir = -1;
	int r;

	while (path[at]) {
		size_t end = at + 1 + strcspn(path + at + 1, "/");
		char kept = path[end];

		path[end] = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return err_sys(e, errno, "create cgroup '%s'", path);
		path[end] = kept;
		at = end;
	}
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(e, errno, "open cgroup '%s'", path);
	r = io_write_value(dir, "cgroup.procs", "0");
	return r < 0 ? err_sys(e, -r, "enter cgroup '%s'", path) : 0;
}
