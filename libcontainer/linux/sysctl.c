/* SPDX-License-Identifier: Apache-2.0 */
/* sysctl.c: see sysctl.h. */
#include "sysctl.h"

#include "fd.h"
#include "io.h"
#include "kernel.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* sysctl(8): the first separator in a key says which of '.' and '/' separates. */
static int key_to_path(const char *key, char *out, size_t size)
{
	size_t first = strcspn(key, "./");
	int n = snprintf(out, size, "sys/%s", key);

	if (n < 0 || (size_t)n >= size)
		return -ENAMETOOLONG;
	if (key[first] == '/')
		return 0;
	for (char *p = out + strlen("sys/"); *p; p++) {
		if (*p == '.')
			*p = '/';
		else if (*p == '/')
			*p = '.';
	}
	return 0;
}

int sysctl_apply(int procfd, const struct spec_kv *v, size_t n, struct err *e)
{
	struct open_how how = {
		.flags = O_WRONLY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS,
	};
	char path[PATH_MAX];

	for (size_t i = 0; i < n; i++) {
		AUTO_FD fd = -1;
		int r = key_to_path(v[i].key, path, sizeof(path));

		if (r == 0) {
			fd = sys_openat2(procfd, path, &how);
			r = fd < 0 ? -errno : io_write_all(fd, v[i].value, strlen(v[i].value));
		}
		if (r < 0)
			return err_sys(e, -r, "linux.sysctl: set '%s' to '%s'", v[i].key, v[i].value);
	}
	return 0;
}
