/* SPDX-License-Identifier: Apache-2.0 */
/* mount.c: see mount.h. fsopen(2), fsmount(2), open_tree(2), move_mount(2),
 * mount_setattr(2): Linux 5.2 and 5.12. */
#include "mount.h"

#include "fd.h"
#include "kernel.h"
#include "rootpath.h"
#include "str.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FSCONFIG_VALUE_MAX 255 /* bytes; longer ones only pass through mount(2) */

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
	if (move_mount(tree_fd, "", target_fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
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
	int r;

	if (fsfd < 0)
		return err_sys(e, errno, "type '%s'", fstype);
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

int mount_open_sources(struct plan *plan, struct err *e)
{
	for (size_t i = 0; i < plan->n_mounts; i++) {
		struct mount_step *step = &plan->mounts[i];
		int r;

		if (step->kind != MOUNT_BIND || step->source_fd >= 0)
			continue;
		r = mount_clone(AT_FDCWD, step->source, step->recursive, &step->source_fd, e);
		if (r == 0)
			r = source_stat(step, e);
		if (r < 0)
			return err_add(e, "%s.source", step->label);
	}
	return 0;
}

/* A file system of the container's must stand where config.json says, not where a
 * symlink of the image leads: never inside procfs or sysfs by a detour. */
static int check_target(const struct mount_step *step, int target, struct err *e)
{
	if (str_starts(step->target, "/proc/") || strcmp(step->target, "/proc") == 0)
		return 0;
	if (fd_check_magic(target, HUSK_PROC_SUPER_MAGIC) == 0)
		return err_set(e, EXDEV, "'%s' leads into procfs by a symlink", step->target);
	return 0;
}

static int open_target(int rootfd, const struct mount_step *step, int *out_fd, struct err *e)
{
	bool is_file = step->kind == MOUNT_BIND && !step->source_is_dir;
	struct stat st;
	AUTO_FD fd = -1;
	int r;

	if (step->kind == MOUNT_FS && (str_eq(step->fstype, "proc") || str_eq(step->fstype, "sysfs"))) {
		fd = fd_open_in_root(rootfd, step->target, O_PATH, RESOLVE_NO_SYMLINKS);
		if (fd < 0 && errno == ELOOP)
			return err_set(e, ELOOP, "'%s' must be a directory, it is a symlink", step->target);
		fd_close(&fd);
	}
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

static unsigned long legacy_flags(uint64_t attr)
{
	static const struct {
		uint64_t attr;
		unsigned long flag;
	} map[] = {
		{ MOUNT_ATTR_RDONLY, MS_RDONLY },	{ MOUNT_ATTR_NOSUID, MS_NOSUID },
		{ MOUNT_ATTR_NODEV, MS_NODEV },		{ MOUNT_ATTR_NOEXEC, MS_NOEXEC },
		{ MOUNT_ATTR_NOATIME, MS_NOATIME },	{ MOUNT_ATTR_STRICTATIME, MS_STRICTATIME },
		{ MOUNT_ATTR_NODIRATIME, MS_NODIRATIME },	{ MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW },
	};
	unsigned long flags = 0;

	for (size_t i = 0; i < ARRAY_LEN(map); i++)
		if (attr & map[i].attr)
			flags |= map[i].flag;
	return flags;
}

static bool has_long_value(const char *data)
{
	size_t len = 0;

	for (char last = '\0'; data && *data; last = *data++) {
		len = *data == ',' && last != '\\' ? 0 : len + 1;
		if (len > FSCONFIG_VALUE_MAX)
			return true;
	}
	return false;
}

/* overlay with many layers: fsconfig(2) takes no value this long, mount(2) does. The
 * target is still a descriptor, named through procfs of the host. */
static int mount_legacy(const struct mount_step *step, int target, struct err *e)
{
	char path[FD_PATH_MAX];

	fd_path(target, path);
	if (mount(step->source ? step->source : step->fstype, path, step->fstype, legacy_flags(step->attr_set),
		  step->data) < 0)
		return err_sys(e, errno, "mount type '%s'", step->fstype);
	return 0;
}

/* Mounts below it and device nodes in it are still to come. */
static bool late_readonly(const struct mount_step *step)
{
	return step->attr_set & MOUNT_ATTR_RDONLY &&
	       (step->is_dev || (step->kind == MOUNT_FS && str_eq(step->fstype, "tmpfs")));
}

static uint64_t first_attr(const struct mount_step *step)
{
	return late_readonly(step) ? step->attr_set & ~(uint64_t)MOUNT_ATTR_RDONLY : step->attr_set;
}

/* cgroup2 as the container sees it. Without a cgroup namespace of its own, or
 * where the kernel refuses a new mount, the host's mount is bound. */
static int cgroup_tree(const struct mount_step *step, const struct plan *plan, int *out_fd, struct err *e)
{
	int r = -EPERM;

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

static int bind_tree(struct mount_step *step, const struct plan *plan, int *out_fd, struct err *e)
{
	uint64_t inherit = plan->root_propagation == MS_SHARED	  ? 0
			   : plan->root_propagation == MS_PRIVATE ? MS_PRIVATE
								  : MS_SLAVE;
	AUTO_FD fd = fd_take(&step->source_fd);
	int r;

	if (fd < 0)
		return err_set(e, EBADF, "the source '%s' was not opened", step->source);
	r = step->propagation ? 0 : mount_set(fd, 0, 0, inherit, true, e);
	if (r == 0)
		r = mount_set(fd, step->rec_set, step->rec_clear, 0, true, e);
	if (r == 0)
		r = mount_set(fd, first_attr(step), step->attr_clear, 0, false, e);
	if (r == 0)
		*out_fd = fd_take(&fd);
	return r;
}

static int fs_tree(const struct mount_step *step, int *out_fd, struct err *e)
{
	AUTO_FD fd = -1;
	int r;

	r = mount_new_fs(step->fstype, step->source, step->data, first_attr(step), &fd, e);
	if (r == 0)
		r = mount_set(fd, step->rec_set, step->rec_clear, 0, false, e);
	if (r == 0)
		*out_fd = fd_take(&fd);
	return r;
}

static int make_tree(struct mount_step *step, const struct plan *plan, int *out_fd, struct err *e)
{
	switch (step->kind) {
	case MOUNT_BIND:
		return bind_tree(step, plan, out_fd, e);
	case MOUNT_CGROUP:
		return cgroup_tree(step, plan, out_fd, e);
	default:
		return fs_tree(step, out_fd, e);
	}
}

int mount_apply(int rootfd, struct mount_step *step, const struct plan *plan, struct err *e)
{
	AUTO_FD tree = -1, target = -1;
	int r;

	r = open_target(rootfd, step, &target, e);
	if (r == 0 && step->kind == MOUNT_FS && has_long_value(step->data)) {
		r = mount_legacy(step, target, e);
		return r < 0 ? err_add(e, "%s", step->label) : 0;
	}
	if (r == 0)
		r = make_tree(step, plan, &tree, e);
	if (r == 0)
		r = mount_set(tree, 0, 0, step->propagation, step->propagation_rec, e);
	if (r == 0)
		r = mount_attach(tree, target, e);
	if (r == 0 && late_readonly(step))
		step->late_fd = fd_take(&tree);
	return r < 0 ? err_add(e, "%s ('%s')", step->label, step->target) : 0;
}
