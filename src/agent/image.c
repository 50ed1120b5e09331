/* SPDX-License-Identifier: Apache-2.0 */
/* image.c: see image.h. sysfs: Documentation/ABI/stable/sysfs-block of Linux; overlay: filesystems/overlayfs.rst. */
#include "image.h"

#include "clock.h"
#include "fd.h"
#include "io.h"
#include "str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

/* In the initramfs, out of sight once the root is another. */
#define DISK "/dev/husk-image"
#define LOWER "/image"
#define LAYERS "/layers"

#define DISK_WAIT_MS 10000
#define STEP_NS 2000000
#define TYPES_MAX 4096 /* bytes of /proc/filesystems */

static int make_dir(const char *path, struct err *e)
{
	return mkdir(path, 0755) < 0 && errno != EEXIST ? err_sys(e, errno, "make '%s'", path) : 0;
}

/* Of the disk with our serial number. */
static bool find_disk(dev_t *out)
{
	DIR *dir = opendir("/sys/block");
	bool found = false;
	struct dirent *d;
	char text[64];

	while (dir && !found && (d = readdir(dir))) {
		AUTO_FREE char *serial = x_printf("/sys/block/%s/serial", d->d_name);
		AUTO_FREE char *numbers = x_printf("/sys/block/%s/dev", d->d_name);
		unsigned int major, minor;

		if (d->d_name[0] == '.' || io_read_small(AT_FDCWD, serial, text, sizeof(text)) <= 0)
			continue;
		text[strcspn(text, "\n")] = '\0';
		if (!str_eq(text, IMAGE_SERIAL) || io_read_small(AT_FDCWD, numbers, text, sizeof(text)) <= 0)
			continue;
		found = sscanf(text, "%u:%u", &major, &minor) == 2;
		if (found)
			*out = makedev(major, minor);
	}
	if (dir)
		(void)closedir(dir);
	return found;
}

static int wait_for_disk(dev_t *out, struct err *e)
{
	const struct timespec step = { .tv_nsec = STEP_NS };
	int64_t end = clock_monotonic_ms() + DISK_WAIT_MS;

	while (!find_disk(out)) {
		if (clock_monotonic_ms() > end)
			return err_set(e, ENODEV, "vm.image: no disk '%s' came up in %d seconds", IMAGE_SERIAL,
				       DISK_WAIT_MS / 1000);
		(void)nanosleep(&step, NULL);
	}
	return 0;
}

static int make_disk(struct err *e)
{
	dev_t dev = 0;
	int r = make_dir("/sys", e);

	if (r == 0 && mount("sysfs", "/sys", "sysfs", MS_RDONLY, NULL) < 0)
		r = err_sys(e, errno, "mount sysfs");
	if (r < 0)
		return r;
	r = wait_for_disk(&dev, e);
	(void)umount2("/sys", MNT_DETACH);
	if (r == 0 && mknod(DISK, S_IFBLK | 0400, dev) < 0)
		r = err_sys(e, errno, "make '" DISK "'");
	return r;
}

/* As the kernel mounts a root: whatever of its file systems takes the disk. */
static int mount_disk(struct err *e)
{
	struct strbuf tried = { 0 };
	char types[TYPES_MAX], *save = NULL;
	int r = make_dir(LOWER, e), code = EINVAL;

	if (r < 0)
		return r;
	r = io_read_small(AT_FDCWD, "/proc/filesystems", types, sizeof(types));
	if (r < 0)
		return err_sys(e, -r, "read '/proc/filesystems'");
	for (char *line = strtok_r(types, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (*line != '\t') /* "nodev" */
			continue;
		if (mount(DISK, LOWER, line + 1, MS_RDONLY, NULL) == 0) {
			free(tried.s);
			return 0;
		}
		if (errno != EINVAL)
			code = errno;
		strbuf_printf(&tried, "%s%s", tried.len ? ", " : "", line + 1);
	}
	r = err_set(e, code, "vm.image: mount it as one of %s: %s", tried.len ? tried.s : "no file system",
		    strerror(code));
	free(tried.s);
	return r;
}

int image_mount(const char *at, struct err *e)
{
	static const char layers[] = "lowerdir=" LOWER ",upperdir=" LAYERS "/upper,workdir=" LAYERS "/work";
	int r = make_disk(e);

	if (r == 0)
		r = mount_disk(e);
	if (r == 0)
		r = make_dir(LAYERS, e);
	if (r == 0 && mount("tmpfs", LAYERS, "tmpfs", 0, "mode=755") < 0)
		r = err_sys(e, errno, "mount a tmpfs");
	if (r == 0)
		r = make_dir(LAYERS "/upper", e);
	if (r == 0)
		r = make_dir(LAYERS "/work", e);
	if (r == 0)
		r = make_dir(at, e);
	if (r == 0 && mount("overlay", at, "overlay", 0, layers) < 0)
		r = err_sys(e, errno, "mount an overlay over the image");
	return r;
}
