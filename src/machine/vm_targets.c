/* SPDX-License-Identifier: Apache-2.0 */
/* vm_targets.c: see vm_targets.h. */
#include "vm_targets.h"

#include "fd.h"
#include "rootpath.h"
#include "str.h"
#include "vmplan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *destination(const struct json *mount)
{
	const struct json *text = json_get(mount, "destination");

	return text && text->type == JSON_STRING ? text->str : NULL;
}

static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	while (len > 0 && dir[len - 1] == '/')
		len--;
	return strncmp(path, dir, len) == 0 && path[len] == '/';
}

/* Is the place of this mount in one that is made before it? */
static bool is_covered(const struct json *mounts, const struct json *mount)
{
	json_each (earlier, mounts) {
		if (earlier == mount)
			break;
		if (destination(earlier) && is_below(destination(mount), destination(earlier)))
			return true;
	}
	return false;
}

static bool binds_a_file(const struct json *mount, const char *bundle)
{
	AUTO_FREE char *source = vmplan_is_bind(mount) ? vmplan_source(mount, bundle) : NULL;
	struct stat st;

	return source && fstatat(AT_FDCWD, source, &st, vmplan_source_is_link(mount) ? AT_SYMLINK_NOFOLLOW : 0) == 0 &&
	       !S_ISDIR(st.st_mode);
}

/* What copy-symlink makes of a symlink; the guest looks whether it is the same. 1: no link is to be made. */
static int make_link(int root, const char *path, const struct json *mount, const char *bundle, struct err *e)
{
	AUTO_FREE char *source = vmplan_source(mount, bundle);
	char to[PATH_MAX];
	AUTO_FD dir = -1;
	const char *name;
	ssize_t n = -1;
	int r;

	json_each (option, json_get(mount, "options"))
		if (source && str_eq(option->str, "copy-symlink"))
			n = readlink(source, to, sizeof(to) - 1);
	if (n < 0)
		return 1;
	to[n] = '\0';
	r = rootpath_parent(root, path, &dir, &name, e);
	if (r == 0 && symlinkat(to, dir, name) < 0 && errno != EEXIST)
		r = err_sys(e, errno, "make the symlink");
	return r;
}

int vm_targets_make(const struct json *config, const char *bundle, const char *rootfs, struct err *e)
{
	const struct json *readonly = json_get(json_get(config, "root"), "readonly");
	const struct json *mounts = json_get(config, "mounts");
	AUTO_FD root = -1;

	if (!readonly || readonly->type != JSON_BOOL || !readonly->boolean)
		return 0;
	root = open(rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_sys(e, errno, "root.path: open '%s'", rootfs);
	json_each (mount, mounts) {
		const char *path = destination(mount);
		AUTO_FD made = -1;
		int r;

		if (!path || path[0] != '/' || is_covered(mounts, mount))
			continue;
		r = make_link(root, path, mount, bundle, e);
		if (r > 0)
			r = binds_a_file(mount, bundle) ? rootpath_mkfile(root, path, &made, e)
							: rootpath_mkdirs(root, path, 0755, &made, e);
		if (r < 0)
			return err_add(e, "mounts[%u] ('%s')", mount->index, path);
	}
	return 0;
}
