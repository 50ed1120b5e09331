/* SPDX-License-Identifier: Apache-2.0 */
/* device.c: see device.h. */
#include "device.h"

#include "fd.h"
#include "kernel.h"
#include "rootpath.h"
#include "str.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static int open_source(struct device_step *d, struct err *e)
{
	struct stat st;

	d->source_fd = open_tree(AT_FDCWD, d->path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (d->source_fd < 0)
		return err_sys(e, errno, "open the host's '%s' (needed where no device can be made)", d->path);
	if (fstat(d->source_fd, &st) < 0 || (st.st_mode & S_IFMT) != (d->mode & S_IFMT) || st.st_rdev != d->dev)
		return err_set(e, EINVAL, "the host's '%s' is not the device %u:%u", d->path, major(d->dev),
			       minor(d->dev));
	return 0;
}

int device_open_sources(struct plan *plan, struct err *e)
{
	for (size_t i = 0; i < plan->n_devices; i++) {
		struct device_step *d = &plan->devices[i];

		if (S_ISFIFO(d->mode) || d->source_fd >= 0)
			continue;
		if (open_source(d, e) < 0)
			return err_add(e, "linux.devices");
	}
	return 0;
}

static int bind_node(int rootfd, struct device_step *d, struct err *e)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC };
	AUTO_FD source = fd_take(&d->source_fd);
	AUTO_FD target = -1;
	int r;

	r = rootpath_mkfile(rootfd, d->path, &target, e);
	if (r < 0)
		return r;
	if (mount_setattr(source, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return err_sys(e, errno, "mount the host's '%s' nosuid and noexec", d->path);
	if (sys_attach(source, target) < 0)
		return err_sys(e, errno, "attach the host's '%s'", d->path);
	return 0;
}

static int check_node(int dir, const char *name, const struct device_step *d, struct err *e)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) < 0)
		return err_sys(e, errno, "stat '%s'", d->path);
	if ((st.st_mode & S_IFMT) != (d->mode & S_IFMT) || (!S_ISFIFO(d->mode) && st.st_rdev != d->dev))
		return err_set(e, EEXIST, "'%s' is there, and is another kind of file", d->path);
	return 0;
}

static int make_node(int dir, const char *name, const struct device_step *d, struct err *e)
{
	AUTO_FD fd = -1;

	if (mknodat(dir, name, d->mode, d->dev) < 0)
		return errno == EEXIST ? check_node(dir, name, d, e) : err_sys(e, errno, "make '%s'", d->path);
	if (d->uid || d->gid) {
		int r;

		fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		r = fd < 0 ? err_sys(e, errno, "open '%s'", d->path) : check_node(fd, "", d, e);
		if (r < 0)
			return r;
		if (fchownat(fd, "", d->uid, d->gid, AT_EMPTY_PATH) < 0)
			return err_sys(e, errno, "change the owner of '%s'", d->path);
	}
	return 0;
}

/* Who runs in another's user namespace, or in a container, may not make devices: then theirs must do, which
 * is still within reach. */
static int make_or_bind(int rootfd, int dir, const char *name, struct device_step *d, struct err *e)
{
	int r = make_node(dir, name, d, e);

	if (r != -EPERM || S_ISFIFO(d->mode))
		return r;
	r = open_source(d, e);
	return r < 0 ? r : bind_node(rootfd, d, e);
}

int device_make_all(int rootfd, struct plan *plan, struct err *e)
{
	mode_t was = umask(0);
	AUTO_FD dev = -1, other = -1;
	int r;

	r = rootpath_mkdirs(rootfd, "/dev", 0755, &dev, e);
	for (size_t i = 0; r == 0 && i < plan->n_devices; i++) {
		struct device_step *d = &plan->devices[i];
		const char *name = d->path + strlen("/dev/");

		if (d->source_fd >= 0) {
			r = bind_node(rootfd, d, e);
		} else if (str_starts(d->path, "/dev/") && *name && !strchr(name, '/')) {
			r = make_or_bind(rootfd, dev, name, d, e);
		} else {
			r = rootpath_parent(rootfd, d->path, &other, &name, e);
			if (r == 0)
				r = make_or_bind(rootfd, other, name, d, e);
			fd_close(&other);
		}
	}
	(void)umask(was);
	return r < 0 ? err_add(e, "linux.devices") : 0;
}

int device_make_links(int rootfd, struct err *e)
{
	static const char *const links[][2] = {
		{ "/proc/self/fd", "fd" },	 { "/proc/self/fd/0", "stdin" }, { "/proc/self/fd/1", "stdout" },
		{ "/proc/self/fd/2", "stderr" }, { "pts/ptmx", "ptmx" },
	};
	AUTO_FD dev = -1;
	int r;

	r = rootpath_mkdirs(rootfd, "/dev", 0755, &dev, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		if (symlinkat(links[i][0], dev, links[i][1]) < 0 && errno != EEXIST && errno != EROFS)
			return err_sys(e, errno, "make the link '/dev/%s'", links[i][1]);
	return 0;
}
