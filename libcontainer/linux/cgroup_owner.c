/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_owner.c: see cgroup_owner.h. */
#include "cgroup_owner.h"

#include "io.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#define DELEGATE_FILE "/sys/kernel/cgroup/delegate" /* since Linux 4.15 (cgroups(7)) */
#define DELEGATE_MAX 4096			    /* bytes of it */

static bool has_option(const struct spec_mount *m, const char *name)
{
	for (size_t i = 0; i < m->options.n; i++)
		if (str_eq(m->options.v[i], name))
			return true;
	return false;
}

static bool is_writable_cgroup_mount(const struct spec_mount *m)
{
	return str_eq(m->destination, "/sys/fs/cgroup") && (str_eq(m->type, "cgroup") || str_eq(m->type, "cgroup2")) &&
	       !has_option(m, "ro");
}

/* The container's id as its parent sees it; the same without a map. */
static bool outer_id(const struct spec_linux *l, uid_t id, uid_t *out)
{
	for (size_t i = 0; i < l->n_uid_maps; i++) {
		const struct spec_id_map *m = &l->uid_maps[i];

		if (id < m->container_id || id - m->container_id >= m->size)
			continue;
		*out = m->host_id + (id - m->container_id);
		return true;
	}
	*out = id;
	return l->n_uid_maps == 0;
}

bool cgroup_owner_wanted(const struct spec *spec, uid_t *out_uid)
{
	const struct spec_namespace *cgroup = spec_namespace(spec, CLONE_NEWCGROUP);
	const struct spec_namespace *user = spec_namespace(spec, CLONE_NEWUSER);

	if (!spec->process || !cgroup || cgroup->path || (user && user->path))
		return false; /* the maps of a namespace that is joined are not in config.json */
	for (size_t i = 0; i < spec->n_mounts; i++)
		if (is_writable_cgroup_mount(&spec->mounts[i]))
			return outer_id(spec->linux_, spec->process->uid, out_uid);
	return false;
}

int cgroup_owner_set(int cgroup, uid_t uid, struct err *e)
{
	char names[DELEGATE_MAX], *rest = names;
	const char *name;

	if (io_read_small(AT_FDCWD, DELEGATE_FILE, names, sizeof(names)) < 0)
		(void)strcpy(names, "cgroup.procs\ncgroup.threads\ncgroup.subtree_control\n");
	if (fchown(cgroup, uid, (gid_t)-1) < 0)
		return err_sys(e, errno, "give the cgroup to user %u", uid);
	while ((name = strsep(&rest, "\n")))
		if (*name && fchownat(cgroup, name, uid, (gid_t)-1, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
			return err_sys(e, errno, "give the cgroup's '%s' to user %u", name, uid);
	return 0;
}
