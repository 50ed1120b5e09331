/* SPDX-License-Identifier: Apache-2.0 */
/* mount_idmap.c: see mount_idmap.h. */
#include "mount_idmap.h"

#include "fd.h"
#include "io.h"
#include "kernel.h"
#include "mountinfo.h"
#include "str.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MOUNTINFO_MAX (16U << 20)
#define FSTYPE_MAX 64

/* The name of the file system that fd is on: by its device number, as a detached mount is not in mountinfo
 * itself. */
static void fs_name(int fd, char out[FSTYPE_MAX])
{
	AUTO_FREE char *text = NULL;
	struct stat st;
	size_t len;

	if (fstat(fd, &st) < 0 ||
	    io_read_file(AT_FDCWD, "/proc/self/mountinfo", 0, MOUNTINFO_MAX, &text, &len, NULL) < 0 ||
	    !mountinfo_fstype(text, st.st_dev, out, FSTYPE_MAX))
		(void)snprintf(out, FSTYPE_MAX, "?");
}

static int refused(const struct mount_step *step, int code, struct err *e)
{
	char name[FSTYPE_MAX];

	fs_name(step->source_fd, name);
	if (code == EINVAL)
		return err_set(e, code,
			       "%s ('%s'): its file system '%s'%s cannot be idmapped by this kernel, or is "
			       "idmapped already",
			       step->idmap.option, step->source, name,
			       step->idmap.recursive ? ", or one mounted below it," : "");
	if (code == EPERM)
		return err_set(e, code,
			       "%s ('%s'): idmapping the file system '%s' needs CAP_SYS_ADMIN in the user namespace "
			       "that it was mounted in, and mappings that are not the host's own",
			       step->idmap.option, step->source, name);
	return err_sys(e, code, "%s ('%s', file system '%s')", step->idmap.option, step->source, name);
}

static bool same_maps(const struct mount_idmap_step *a, const struct mount_idmap_step *b)
{
	return a->n_uid_maps == b->n_uid_maps && a->n_gid_maps == b->n_gid_maps &&
	       memcmp(a->uid_maps, b->uid_maps, a->n_uid_maps * sizeof(a->uid_maps[0])) == 0 &&
	       memcmp(a->gid_maps, b->gid_maps, a->n_gid_maps * sizeof(a->gid_maps[0])) == 0;
}

/* Of the user namespace that the container joins; -1: none. */
static int joined_userns(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_joins; i++)
		if (plan->joins[i].clone_flag == CLONE_NEWUSER)
			return plan->joins[i].fd;
	return -1;
}

static int make_userns(const struct mount_idmap_step *map, mount_idmap_userns_fn *userns, int *out_fd, struct err *e)
{
	struct spec_linux maps = {
		.uid_maps = (struct spec_id_map *)(uintptr_t)map->uid_maps,
		.gid_maps = (struct spec_id_map *)(uintptr_t)map->gid_maps,
		.n_uid_maps = map->n_uid_maps,
		.n_gid_maps = map->n_gid_maps,
	};

	return userns(&maps, out_fd, e);
}

static int apply(const struct mount_step *step, int userns, struct err *e)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns };
	unsigned int flags = AT_EMPTY_PATH | (step->idmap.recursive ? AT_RECURSIVE : 0);

	if (userns < 0)
		return err_set(e, EINVAL, "%s: there is no mapping for it", step->idmap.option);
	if (mount_setattr(step->source_fd, "", flags, &attr, sizeof(attr)) < 0)
		return refused(step, errno, e);
	return 0;
}

int mount_idmap_all(const struct plan *plan, mount_idmap_userns_fn *userns, struct err *e)
{
	const struct mount_idmap_step *made_of = NULL;
	AUTO_FD made = -1;

	for (size_t i = 0; i < plan->n_mounts; i++) {
		const struct mount_step *step = &plan->mounts[i];
		const struct mount_idmap_step *map = &step->idmap;
		int r = 0;

		if (!map->option || step->source_fd < 0)
			continue;
		if (map->n_uid_maps && !(made_of && same_maps(made_of, map))) {
			fd_close(&made);
			r = make_userns(map, userns, &made, e);
			made_of = r == 0 ? map : NULL;
		}
		if (r == 0)
			r = apply(step, map->n_uid_maps ? made : joined_userns(plan), e);
		if (r < 0)
			return err_add(e, "%s", step->label);
	}
	return 0;
}

int mount_idmap_refuse(const struct plan *plan, struct err *e)
{
	for (size_t i = 0; i < plan->n_mounts; i++)
		if (plan->mounts[i].idmap.option)
			return err_set(e, EPERM,
				       "%s: %s: an ordinary user cannot map the ids of the host's file systems",
				       plan->mounts[i].label, plan->mounts[i].idmap.option);
	return 0;
}
