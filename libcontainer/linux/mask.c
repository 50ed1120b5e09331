/* SPDX-License-Identifier: Apache-2.0 */
/* mask.c: see mask.h. The paths are opened once, below "/" of the container, and the
 * cover is attached to that descriptor: what a symlink says later does not matter. */
#include "mask.h"

#include "fd.h"
#include "kernel.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#define NULL_MAJOR 1
#define NULL_MINOR 3

int mask_open_null(int rootfd, int *out_fd, struct err *e)
{
	AUTO_FD fd = fd_open_in_root(rootfd, "/dev/null", O_PATH, RESOLVE_NO_SYMLINKS);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, errno, "linux.maskedPaths: open '/dev/null' of the container");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(NULL_MAJOR, NULL_MINOR))
		return err_set(e, EINVAL, "linux.maskedPaths: '/dev/null' of the container is not the null device");
	*out_fd = fd_take(&fd);
	return 0;
}

static int clone_of(int fd, unsigned int flags)
{
	return open_tree(fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags);
}

static int empty_dir(const struct plan *plan, int *out_fd)
{
	AUTO_FD fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	int fd;

	if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "nr_inodes", "1", 0) < 0 ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0555", 0) < 0 ||
	    (plan->mount_label &&
	     fsconfig(fs, FSCONFIG_SET_STRING, plan->mount_label_type, plan->mount_label, 0) < 0) ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	fd = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (fd < 0)
		return -errno;
	*out_fd = fd;
	return 0;
}

/* *shared is the first cover that was attached: the later ones are clones of it. */
static int cover_dir(int target, const struct plan *plan, int *shared)
{
	AUTO_FD tree = -1;
	int r;

	if (*shared >= 0) {
		tree = clone_of(*shared, 0);
		if (tree < 0)
			return -errno;
		return sys_attach(tree, target) < 0 ? -errno : 0;
	}
	r = empty_dir(plan, &tree);
	if (r < 0)
		return r;
	if (sys_attach(tree, target) < 0)
		return -errno;
	*shared = fd_take(&tree);
	return 0;
}

static int cover_file(int target, int null_fd)
{
	AUTO_FD tree = clone_of(null_fd, 0);

	if (tree < 0)
		return -errno;
	return sys_attach(tree, target) < 0 ? -errno : 0;
}

int mask_paths(const struct plan *plan, int null_fd, struct err *e)
{
	const struct strv *paths = &plan->spec->linux_->masked_paths;
	AUTO_FD root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_FD shared = -1;

	if (root < 0)
		return err_sys(e, errno, "open '/'");
	for (size_t i = 0; i < paths->n; i++) {
		AUTO_FD target = fd_open_in_root(root, paths->v[i], O_PATH, 0);
		struct stat st;
		int r;

		if (target < 0 && (errno == ENOENT || errno == ENOTDIR))
			continue;
		if (target < 0 || fstat(target, &st) < 0)
			return err_sys(e, errno, "linux.maskedPaths[%zu]: open '%s'", i, paths->v[i]);
		r = S_ISDIR(st.st_mode) ? cover_dir(target, plan, &shared) : cover_file(target, null_fd);
		if (r < 0)
			return err_sys(e, -r, "linux.maskedPaths[%zu]: cover '%s'", i, paths->v[i]);
	}
	return 0;
}

int mask_readonly(const struct strv *paths, struct err *e)
{
	struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY };
	AUTO_FD root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return err_sys(e, errno, "open '/'");
	for (size_t i = 0; i < paths->n; i++) {
		AUTO_FD target = fd_open_in_root(root, paths->v[i], O_PATH, 0);
		AUTO_FD tree = -1;

		if (target < 0 && (errno == ENOENT || errno == ENOTDIR))
			continue;
		if (target >= 0)
			tree = clone_of(target, AT_RECURSIVE);
		if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &ro, sizeof(ro)) < 0 ||
		    sys_attach(tree, target) < 0)
			return err_sys(e, errno, "linux.readonlyPaths[%zu]: make '%s' read-only", i, paths->v[i]);
	}
	return 0;
}
