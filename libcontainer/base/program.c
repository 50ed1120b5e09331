/* SPDX-License-Identifier: Apache-2.0 */
/* program.c: see program.h. */
#include "program.h"

#include <errno.h>
#include <string.h>

int program_error(const char *name, int code, struct err *e)
{
	switch (code) {
	case EACCES:
		return err_set(e, code, "exec: '%s': permission denied", name);
	case EISDIR:
		return err_set(e, EACCES, "exec: '%s' is a directory: permission denied", name);
	case ENOENT:
		if (strchr(name, '/'))
			return err_set(e, code, "exec: '%s': no such file or directory", name);
		return err_set(e, code, "exec: '%s': executable file not found in $PATH", name);
	default:
		return err_sys(e, code, "exec: '%s'", name);
	}
}
