/* SPDX-License-Identifier: Apache-2.0 */
/* mount_label.c: see mount_label.h. */
#include "mount_label.h"

#include "fd.h"
#include "kernel.h"
#include "str.h"

#include <string.h>
#include <sys/xattr.h>

#define SELINUX_XATTR "security.selinux"

bool mount_label_option(const char *option, const char **out_value)
{
	static const char *const names[] = { "context=", "fscontext=", "defcontext=", "rootcontext=" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!str_starts(option, names[i]))
			continue;
		*out_value = option + strlen(names[i]);
		return true;
	}
	return false;
}

int mount_label_root(int mount_fd, const char *label, struct err *e)
{
	AUTO_FD dir = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0 || fsetxattr(dir, SELINUX_XATTR, label, strlen(label) + 1, 0) < 0)
		return err_sys(e, errno, "linux.mountLabel: set the label '%s'", label);
	return 0;
}
