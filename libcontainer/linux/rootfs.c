/* SPDX-License-Identifier: Apache-2.0 */
/* rootfs.c: see rootfs.h. pivot_root(2), mount_namespaces(7). */
#include "rootfs.h"

#include "fd.h"
#include "kernel.h"

#include <sys/stat.h>

int rootfs_open(const struct plan *plan, int *out_fd, struct err *e)
{
	AUTO_FD fd = open_tree(AT_FDCWD, plan->root, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	struct stat st;

	if (fd < 0)
		return err_sys(e, errno, "root.path: open '%s'", plan->root);
	if (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))
		return err_set(e, ENOTDIR, "root.path: '%s' is not a directory", plan->root);
	*out_fd = fd_take(&fd);
	return 0;
}

static int set_attr(int fd, uint64_t set, uint64_t propagation, unsigned int flags)
{
	struct mount_attr attr = { .attr_set = set, .propagation = propagation };

	return mount_setattr(fd, "", AT_EMPTY_PATH | flags, &attr, sizeof(attr));
}

int rootfs_attach(int tree_fd, const struct plan *plan, struct err *e)
{
	AUTO_FD slash = -1;

	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return err_sys(e, errno, "cut mount propagation to the host");
	/* pivot_root(2) refuses a shared root; what is mounted in it may stay so */
	if (set_attr(tree_fd, 0, MS_SLAVE, plan->root_propagation == MS_SHARED ? 0 : AT_RECURSIVE) < 0)
		return err_sys(e, errno, "cut mount propagation of the rootfs");
	slash = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (slash < 0)
		return err_sys(e, errno, "open '/'");
	if (sys_attach(tree_fd, slash) < 0)
		return err_sys(e, errno, "attach the rootfs '%s'", plan->root);
	if (fchdir(tree_fd) < 0)
		return err_sys(e, errno, "enter the rootfs '%s'", plan->root);
	return 0;
}

int rootfs_enter(bool no_pivot, struct err *e)
{
	if (no_pivot) {
		if (chroot(".") < 0)
			return err_sys(e, errno, "chroot into the rootfs");
	} else {
		if (sys_pivot_root(".", ".") < 0)
			return err_sys(e, errno, "pivot_root (use --no-pivot where the root is an initramfs)");
		if (umount2(".", MNT_DETACH) < 0)
			return err_sys(e, errno, "detach the old root");
	}
	if (chdir("/") < 0)
		return err_sys(e, errno, "enter '/'");
	return 0;
}

static int seal_late(struct plan *plan, struct err *e)
{
	for (size_t i = 0; i < plan->n_mounts; i++) {
		struct mount_step *step = &plan->mounts[i];

		if (step->late_fd < 0)
			continue;
		if (set_attr(step->late_fd, MOUNT_ATTR_RDONLY, 0, 0) < 0)
			return err_sys(e, errno, "%s: make '%s' read-only", step->label, step->target);
		fd_close(&step->late_fd);
	}
	return 0;
}

int rootfs_seal(struct plan *plan, struct err *e)
{
	AUTO_FD root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	unsigned int rec = plan->root_propagation_rec ? AT_RECURSIVE : 0;

	if (root < 0)
		return err_sys(e, errno, "open '/'");
	if (plan->root_propagation && plan->root_propagation != MS_SLAVE &&
	    set_attr(root, 0, plan->root_propagation, rec) < 0)
		return err_sys(e, errno, "linux.rootfsPropagation");
	if (plan->root_readonly && set_attr(root, MOUNT_ATTR_RDONLY, 0, 0) < 0)
		return err_sys(e, errno, "root.readonly");
	return seal_late(plan, e);
}
