/* SPDX-License-Identifier: Apache-2.0 */
/* mount_legacy.c: see mount_legacy.h. */
#include "mount_legacy.h"

#include "fd.h"
#include "mount.h"
#include "mount_label.h"
#include "str.h"

#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define FSCONFIG_VALUE_MAX 255 /* bytes; longer ones only pass through mount(2) */
#define MOUNT_DATA_MAX 4095U   /* bytes of all options together: mount(2) cuts what is longer */

static bool has_option(const char *data, const char *name)
{
	size_t len = strlen(name);

	for (; data && *data; data += *data == ',')
		if (strncmp(data, name, len) == 0 && (!data[len] || data[len] == ','))
			return true;
		else
			data += strcspn(data, ",");
	return false;
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

bool mount_legacy_needed(const char *data)
{
	return has_long_value(data) || has_option(data, "iversion") || has_option(data, "noiversion");
}

/* A SELinux label with commas: mount(2) wants it in quotes. False: the option is none. */
static bool quote_label(const char *option, size_t len, struct strbuf *out)
{
	const char *value;

	if (!mount_label_option(option, &value))
		return false;
	strbuf_add(out, option, (size_t)(value - option));
	strbuf_puts(out, "\"");
	for (; value < option + len; value++)
		if (*value != '\\')
			strbuf_add(out, value, 1);
	strbuf_puts(out, "\"");
	return true;
}

/* The flags of the superblock are no options to mount(2): takes them out of data. An option may
 * hold "\\,", which stays as it is: the file system reads it. */
static unsigned long translate_data(const char *data, struct strbuf *out)
{
	static const struct {
		const char *name;
		unsigned long set, clear;
	} flags[] = {
		{ "ro", MS_RDONLY, 0 },
		{ "rw", 0, MS_RDONLY },
		{ "sync", MS_SYNCHRONOUS, 0 },
		{ "async", 0, MS_SYNCHRONOUS },
		{ "dirsync", MS_DIRSYNC, 0 },
		{ "lazytime", MS_LAZYTIME, 0 },
		{ "nolazytime", 0, MS_LAZYTIME },
		{ "mand", MS_MANDLOCK, 0 },
		{ "nomand", 0, MS_MANDLOCK },
		{ "iversion", MS_I_VERSION, 0 },
		{ "noiversion", 0, MS_I_VERSION },
	};
	unsigned long mask = 0;
	size_t len, i;

	for (; *data; data += len + (data[len] == ',')) {
		for (len = 0; data[len] && data[len] != ','; len++)
			if (data[len] == '\\' && data[len + 1] == ',')
				len++;
		for (i = 0; i < ARRAY_LEN(flags); i++)
			if (strlen(flags[i].name) == len && strncmp(flags[i].name, data, len) == 0)
				break;
		if (i < ARRAY_LEN(flags)) {
			mask = (mask & ~flags[i].clear) | flags[i].set;
			continue;
		}
		if (out->len > 0)
			strbuf_puts(out, ",");
		if (!quote_label(data, len, out))
			strbuf_add(out, data, len);
	}
	return mask;
}

static int mount_in(const struct mount_step *step, int scratch, int *out_fd, struct err *e)
{
	AUTO_FREE char *path = x_printf("/proc/self/fd/%d/m", scratch);
	struct strbuf data = { 0 };
	AUTO_FREE char *text = NULL;
	unsigned long flags;
	int r;

	flags = translate_data(step->data, &data);
	text = data.s;
	if (data.len > MOUNT_DATA_MAX)
		return err_set(e, E2BIG, "options: %zu bytes, the kernel takes at most %u when one is longer than %d",
			       data.len, MOUNT_DATA_MAX, FSCONFIG_VALUE_MAX);
	if (mkdirat(scratch, "m", 0700) < 0)
		return err_sys(e, errno, "make a directory for a mount");
	if (mount(step->source, path, step->fstype, flags, data.s) < 0)
		return err_sys(e, errno, "type '%s'", step->fstype);
	r = mount_clone(scratch, "m", false, out_fd, e);
	(void)umount2(path, MNT_DETACH);
	return r;
}

int mount_legacy_new_fs(const struct mount_step *step, int target, int *out_fd, struct err *e)
{
	AUTO_FD scratch = -1, fd = -1;
	char path[FD_PATH_MAX];
	int r;

	r = mount_new_fs("tmpfs", "tmpfs", NULL, 0, &scratch, e);
	if (r == 0)
		r = mount_attach(scratch, target, e);
	if (r < 0)
		return r;
	r = mount_set(scratch, 0, 0, MS_PRIVATE, false, e);
	if (r == 0)
		r = mount_in(step, scratch, &fd, e);
	fd_path(scratch, path);
	if (umount2(path, MNT_DETACH) < 0 && r == 0)
		r = err_sys(e, errno, "unmount a scratch tmpfs");
	if (r == 0)
		r = mount_set(fd, step->attr_set, step->attr_clear, 0, false, e);
	if (r == 0)
		*out_fd = fd_take(&fd);
	return r;
}
