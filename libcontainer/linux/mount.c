/* SPDX-License-Identifier: Apache-2.0 */
/* mount.c: see mount.h. fsopen(2), fsmount(2), open_tree(2), move_mount(2),
 * mount_setattr(2): Linux 5.2 and 5.12. */
#include "mount.h"

#include "fd.h"
#include "kernel.h"
#include "mount_copyup.h"
#include "mount_label.h"
#include "mount_legacy.h"
#include "rootpath.h"
#include "str.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

int mount_clone(int dirfd, const char *path, bool recursive, int *out_fd, struct err *e)
{
	unsigned int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0);
	int fd = open_tree(dirfd, path, flags | (*path ? 0 : AT_EMPTY_PATH));

	if (fd < 0)
		return err_sys(e, errno, "open '%s'", path);
	*out_fd = fd;
	return 0;
}

int mount_attach(int tree_fd, int target_fd, struct err *e)
{
	if (sys_attach(tree_fd, target_fd) < 0)
		return err_sys(e, errno, "attach a mount");
	return 0;
}

int mount_set(int fd, uint64_t set, uint64_t clear, uint64_t propagation, bool recursive, struct err *e)
{
	struct mount_attr attr = { .attr_set = set, .attr_clr = clear, .propagation = propagation };

	if (!set && !clear && !propagation)
		return 0;
	if (mount_setattr(fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr, sizeof(attr)) < 0)
		return err_sys(e, errno, "set mount attributes");
	return 0;
}

/* The last line that the kernel left in the context's log, without its "e " mark. */
static int fs_error(int fsfd, int code, const char *what, struct err *e)
{
	char line[256], last[256] = "";
	ssize_t n;

	while ((n = read(fsfd, line, sizeof(line) - 1)) > 0) {
		line[n] = '\0';
		line[strcspn(line, "\n")] = '\0';
		memcpy(last, line, sizeof(last));
	}
	if (strlen(last) > 2)
		return err_set(e, code, "%s: %s (%s)", what, strerror(code), last + 2);
	return err_sys(e, code, "%s", what);
}

/* The next of the comma-separated options; "\," stays one comma of a value. */
static char *next_option(char **rest)
{
	char *start = *rest, *in, *out;

	if (!start)
		return NULL;
	for (in = out = start; *in && *in != ','; in++) {
		if (in[0] == '\\' && in[1] == ',')
			in++;
		*out++ = *in;
	}
	*rest = *in ? in + 1 : NULL;
	*out = '\0';
	return start;
}

static int fs_configure(int fsfd, const char *data, struct err *e)
{
	AUTO_FREE char *copy = data ? x_strdup(data) : NULL;
	char *rest = copy, *option;

	while ((option = next_option(&rest))) {
		char *value = strchr(option, '=');
		int r;

		if (!*option)
			continue;
		if (value)
			*value++ = '\0';
		r = value ? fsconfig(fsfd, FSCONFIG_SET_STRING, option, value, 0)
			  : fsconfig(fsfd, FSCONFIG_SET_FLAG, option, NULL, 0);
		if (r < 0) {
			char what[320];

			(void)snprintf(what, sizeof(what), "option '%s'", option);
			return fs_error(fsfd, errno, what, e);
		}
	}
	return 0;
}

int mount_new_fs(const char *fstype, const char *source, const char *data, uint64_t attr, int *out_fd, struct err *e)
{
	AUTO_FD fsfd = fsopen(fstype, FSOPEN_CLOEXEC);

	if (fsfd < 0)
		return err_sys(e, errno, "type '%s'", fstype);
	return mount_of_context(fsfd, fstype, source, data, attr, out_fd, e);
}

int mount_of_context(int fsfd, const char *fstype, const char *source, const char *data, uint64_t attr, int *out_fd,
		     struct err *e)
{
	int r;

	if (source && fsconfig(fsfd, FSCONFIG_SET_STRING, "source", source, 0) < 0)
		return fs_error(fsfd, errno, "source", e);
	r = fs_configure(fsfd, data, e);
	if (r < 0)
		return r;
	if (fsconfig(fsfd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fs_error(fsfd, errno, fstype, e);
	r = fsmount(fsfd, FSMOUNT_CLOEXEC, (unsigned int)attr);
	if (r < 0)
		return fs_error(fsfd, errno, fstype, e);
	*out_fd = r;
	return 0;
}

static int source_stat(struct mount_step *step, struct err *e)
{
	struct stat st;

	if (fstat(step->source_fd, &st) < 0)
		return err_sys(e, errno, "stat '%s'", step->source);
	step->source_is_dir = S_ISDIR(st.st_mode);
	return 0;
}

/* What a symlink holds, for copy-symlink; no symlink: step->link stays NULL. */
static int source_link(struct mount_step *step, struct err *e)
{
	char text[PATH_MAX];
	ssize_t n = readlink(step->source, text, sizeof(text) - 1);

	if (n < 0)
		return errno == EINVAL ? 0 : err_sys(e, errno, "read '%s'", step->source);
	text[n] = '\0';
	step->link = x_strdup(text);
	return 0;
}

static int source_open(struct mount_step *step, struct err *e)
{
	unsigned int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (step->recursive ? AT_RECURSIVE : 0);
	int r = step->copy_symlink ? source_link(step, e) : 0;

	if (r < 0 || step->link)
		return r;
	step->source_fd = open_tree(AT_FDCWD, step->source, flags | (step->src_nofollow ? AT_SYMLINK_NOFOLLOW : 0));
	if (step->source_fd < 0)
		return err_sys(e, errno, "open '%s'", step->source);
	return source_stat(step, e);
}

int mount_open_sources(struct plan *plan, struct err *e)
{
	for (size_t i = 0; i < plan->n_mounts; i++) {
		struct mount_step *step = &plan->mounts[i];
		int r;

		if (step->kind != MOUNT_BIND || step->source_fd >= 0)
			continue;
		r = source_open(step, e);
		if (r < 0)
			return err_add(e, "%s.source", step->label);
	}
	return 0;
}

/* A file system of the container's must stand where config.json says, not where a
 * symlink of the image leads: never inside procfs or sysfs by a detour. */
static int check_target(const struct mount_step *step, int target, struct err *e)
{
	struct statfs fs;

	if (str_starts(step->target, "/proc/") || strcmp(step->target, "/proc") == 0)
		return 0;
	if (fstatfs(target, &fs) < 0)
		return err_sys(e, errno, "statfs '%s' in the rootfs", step->target);
	if (fs.f_type == HUSK_PROC_SUPER_MAGIC)
		return err_set(e, EXDEV, "'%s' leads into procfs by a symlink", step->target);
	if (!str_starts(step->target, "/sys/") && !str_eq(step->target, "/sys") && fs.f_type == HUSK_SYSFS_MAGIC)
		return err_set(e, EXDEV, "'%s' leads into sysfs by a symlink", step->target);
	return 0;
}

static bool is_tmpfs(const struct mount_step *step)
{
	return step->kind == MOUNT_FS && str_eq(step->fstype, "tmpfs");
}

/* dest-nofollow: like rootpath_mkfile() and rootpath_mkdirs(), but a last component that is a symlink
 * is what is opened. */
static int open_nofollow(int rootfd, const struct mount_step *step, bool is_file, int *out_fd, struct err *e)
{
	AUTO_FD dir = -1;
	const char *name;
	struct stat st;
	int fd, r;

	r = rootpath_parent(rootfd, step->target, &dir, &name, e);
	if (r < 0)
		return r;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT) {
		r = is_file ? mknodat(dir, name, S_IFREG | 0755, 0) : mkdirat(dir, name, 0755);
		if (r < 0 && errno != EEXIST)
			return err_sys(e, errno, "make '%s' in the rootfs", step->target);
	}
	fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, errno, "open '%s' in the rootfs", step->target);
	*out_fd = fd;
	if (!is_file && fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
		return err_set(e, ENOTDIR, "'%s' must be a directory, as what is mounted there is one", step->target);
	return 0;
}

/* Opens the target, made where missing. *out_made: it may be new (asked for a tmpfs only). */
static int open_target(int rootfd, const struct mount_step *step, int *out_fd, bool *out_made, struct err *e)
{
	bool is_file = step->kind == MOUNT_BIND && !step->source_is_dir;
	struct stat st;
	AUTO_FD fd = -1;
	int r;

	if (step->kind == MOUNT_FS && (str_eq(step->fstype, "proc") || str_eq(step->fstype, "sysfs"))) {
		fd = fd_open_in_root(rootfd, step->target, O_PATH, RESOLVE_NO_SYMLINKS);
		if (fd < 0 && errno == ELOOP)
			return err_set(e, ELOOP, "'%s' must be a directory, it is a symlink", step->target);
		if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
			return err_sys(e, errno, "open '%s' in the rootfs", step->target);
		fd_close(&fd);
	}
	if (is_tmpfs(step)) {
		fd = fd_open_in_root(rootfd, step->target, O_PATH | O_DIRECTORY, 0);
		*out_made = fd < 0;
		fd_close(&fd);
	}
	if (step->dest_nofollow)
		r = open_nofollow(rootfd, step, is_file, &fd, e);
	else
		r = is_file ? rootpath_mkfile(rootfd, step->target, &fd, e)
			    : rootpath_mkdirs(rootfd, step->target, 0755, &fd, e);
	if (r < 0)
		return r;
	if (is_file && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		return err_set(e, EISDIR, "'%s' is a directory, the source '%s' is not", step->target, step->source);
	r = check_target(step, fd, e);
	if (r == 0)
		*out_fd = fd_take(&fd);
	return r;
}

/* Mounts below it and device nodes in it are still to come. */
static bool late_readonly(const struct mount_step *step)
{
	return step->attr_set & MOUNT_ATTR_RDONLY && (step->is_dev || is_tmpfs(step));
}

static uint64_t first_attr(const struct mount_step *step)
{
	return late_readonly(step) ? step->attr_set & ~(uint64_t)MOUNT_ATTR_RDONLY : step->attr_set;
}

/* cgroup2 as the container sees it. Without a cgroup namespace of its own, or
 * where the kernel refuses a new mount, the host's mount is bound. */
static int cgroup_tree(struct mount_step *step, const struct plan *plan, int *out_fd, struct err *e)
{
	int r = -EPERM;

	if (step->source_fd >= 0) {
		*out_fd = fd_take(&step->source_fd);
		return 0;
	}
	if (plan->has_cgroupns)
		r = mount_new_fs("cgroup2", "cgroup", step->data, step->attr_set, out_fd, e);
	if (r != -EPERM && r != -EBUSY)
		return r;
	r = mount_clone(AT_FDCWD, "/sys/fs/cgroup", true, out_fd, e);
	if (r < 0)
		return r;
	r = mount_set(*out_fd, step->attr_set, step->attr_clear, MS_SLAVE, true, e);
	if (r < 0)
		fd_close(out_fd);
	return r;
}

/* Whatever the step's own propagation will be, the tree's ties to the host are cut first, as
 * linux.rootfsPropagation wants it: "rshared" alone lets nothing out. */
static int bind_tree(struct mount_step *step, const struct plan *plan, int *out_fd, struct err *e)
{
	uint64_t inherit = plan->root_propagation == MS_SHARED	  ? 0
			   : plan->root_propagation == MS_PRIVATE ? MS_PRIVATE
								  : MS_SLAVE;
	AUTO_FD fd = fd_take(&step->source_fd);
	int r;

	if (fd < 0)
		return err_set(e, EBADF, "the source '%s' was not opened", step->source);
	r = mount_set(fd, 0, 0, inherit, true, e);
	if (r == 0)
		r = mount_set(fd, step->rec_set, step->rec_clear, 0, true, e);
	if (r == 0)
		r = mount_set(fd, first_attr(step), step->attr_clear, 0, false, e);
	if (r == 0)
		*out_fd = fd_take(&fd);
	return r;
}

/* What stands in for a new file system of a namespace that belongs to another user namespace, as with
 * crun: the caller's own. NULL: nothing does. */
static const char *stand_in(const struct mount_step *step, const struct plan *plan)
{
	if (str_eq(step->fstype, "sysfs"))
		return "/sys";
	if (str_eq(step->fstype, "mqueue"))
		return "/dev/mqueue";
	return str_eq(step->fstype, "proc") && !plan->has_pidns ? "/proc" : NULL;
}

static int stand_in_tree(const struct mount_step *step, const char *path, int *out_fd, struct err *e)
{
	AUTO_FD fd = -1;
	int r = mount_clone(AT_FDCWD, path, true, &fd, e);

	/* what was given up may be locked: only taken away is more, all over the tree */
	if (r == 0)
		r = mount_set(fd, first_attr(step) & ~(uint64_t)MOUNT_ATTR__ATIME, 0, MS_SLAVE, true, e);
	if (r == 0)
		*out_fd = fd_take(&fd);
	return r;
}

static int new_fs(const struct mount_step *step, const struct plan *plan, int *out_fd, struct err *e)
{
	int r = mount_new_fs(step->fstype, step->source, step->data, first_attr(step), out_fd, e);
	const char *path = r == -EPERM ? stand_in(step, plan) : NULL;

	if (path)
		return stand_in_tree(step, path, out_fd, e);
	if (r == -EPERM && str_eq(step->fstype, "proc"))
		return err_add(e, "the kernel allows no new procfs where the one around is partly covered, as in a "
				  "container with linux.maskedPaths (it needs one without, Podman's unmask=ALL), or "
				  "where the pid namespace is another user namespace's");
	return r;
}

/* scratch_at: where a file system that only mount(2) makes may stand for a moment. */
static int fs_new(const struct mount_step *step, const struct plan *plan, int scratch_at, int *out_fd, struct err *e)
{
	if (mount_legacy_needed(step->data))
		return mount_legacy_new_fs(step, scratch_at, out_fd, e);
	return new_fs(step, plan, out_fd, e);
}

/* made: the target was not there before, so a tmpfs has nothing to take over. */
static int fs_tree(struct mount_step *step, const struct plan *plan, int target, int procfd, bool made, int *out_fd,
		   struct err *e)
{
	AUTO_FD fd = fd_take(&step->source_fd);
	int r = fd < 0 ? fs_new(step, plan, target, &fd, e) : 0;

	if (r == 0 && is_tmpfs(step) && !made)
		r = mount_copyup_root(target, fd, step->data, step->copy_up, e);
	if (r == 0 && step->copy_up && !made)
		r = mount_copyup(target, fd, procfd, e);
	if (r == 0)
		r = mount_set(fd, step->rec_set, step->rec_clear, 0, false, e);
	if (r == 0 && step->root_label)
		r = mount_label_root(fd, step->root_label, e);
	if (r == 0)
		*out_fd = fd_take(&fd);
	return r;
}

int mount_make_trees(struct plan *plan, struct err *e)
{
	AUTO_FD slash = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = slash < 0 ? err_sys(e, errno, "open '/'") : 0;

	for (size_t i = 0; r == 0 && i < plan->n_mounts; i++) {
		struct mount_step *step = &plan->mounts[i];

		if (step->kind == MOUNT_FS)
			r = fs_new(step, plan, slash, &step->source_fd, e);
		else if (step->kind == MOUNT_CGROUP)
			r = cgroup_tree(step, plan, &step->source_fd, e);
		if (r < 0)
			return err_add(e, "%s ('%s')", step->label, step->target);
	}
	return r;
}

/* copy-symlink. One that is there already and says the same is as good. */
static int make_link(int rootfd, const struct mount_step *step, struct err *e)
{
	char text[PATH_MAX];
	AUTO_FD dir = -1;
	const char *name;
	ssize_t n;
	int r;

	r = rootpath_parent(rootfd, step->target, &dir, &name, e);
	if (r < 0)
		return r;
	if (symlinkat(step->link, dir, name) == 0)
		return 0;
	if (errno != EEXIST)
		return err_sys(e, errno, "make the symlink");
	n = readlinkat(dir, name, text, sizeof(text) - 1);
	if (n >= 0)
		text[n] = '\0';
	if (n < 0 || strcmp(text, step->link) != 0)
		return err_set(e, EEXIST, "something else is there than a symlink to '%s'", step->link);
	return 0;
}

int mount_place(int rootfd, int procfd, struct mount_step *step, const struct plan *plan, int *out_fd, struct err *e)
{
	AUTO_FD tree = -1, target = -1;
	bool made = false;
	int r;

	if (step->link) {
		r = make_link(rootfd, step, e);
		return r < 0 ? err_add(e, "%s ('%s')", step->label, step->target) : 0;
	}
	r = open_target(rootfd, step, &target, &made, e);
	if (r == 0 && step->kind == MOUNT_BIND)
		r = bind_tree(step, plan, &tree, e);
	else if (r == 0 && step->kind == MOUNT_CGROUP)
		r = cgroup_tree(step, plan, &tree, e);
	else if (r == 0)
		r = fs_tree(step, plan, target, procfd, made, &tree, e);
	if (r == 0)
		r = mount_set(tree, 0, 0, step->propagation, step->propagation_rec, e);
	if (r == 0)
		r = mount_attach(tree, target, e);
	if (r < 0)
		return err_add(e, "%s ('%s')", step->label, step->target);
	*out_fd = fd_take(&tree);
	return 0;
}

int mount_apply(int rootfd, struct mount_step *step, const struct plan *plan, struct err *e)
{
	AUTO_FD tree = -1;
	int r = mount_place(rootfd, -1, step, plan, &tree, e);

	if (r == 0 && late_readonly(step))
		step->late_fd = fd_take(&tree);
	return r;
}

int mount_detach(int procfd, int fd, struct err *e)
{
	char path[FD_PATH_MAX];

	if (fchdir(procfd) < 0)
		return err_sys(e, errno, "enter '/proc'");
	(void)snprintf(path, sizeof(path), "self/fd/%d", fd);
	if (umount2(path, MNT_DETACH) < 0)
		return err_sys(e, errno, "unmount");
	return 0;
}
