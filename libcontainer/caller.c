/* SPDX-License-Identifier: Apache-2.0 */
/* caller.c: see caller.h. */
#include "caller.h"

#include "fd.h"
#include "io.h"
#include "str.h"
#include "terminal.h"

#include <fcntl.h>
#include <string.h>

int caller_check_fds(int n, struct err *e)
{
	for (int fd = 3; fd < 3 + n; fd++) {
		int flags = fcntl(fd, F_GETFD);

		if (flags < 0 || flags & FD_CLOEXEC)
			return err_set(e, EBADF, "--preserve-fds %d: descriptor %d is not open", n, fd);
	}
	return 0;
}

int caller_write_pid(const char *path, pid_t pid, struct err *e)
{
	AUTO_FREE char *text = x_printf("%d", (int)pid);
	int r;

	if (!path)
		return 0;
	r = io_replace_file(AT_FDCWD, path, text, strlen(text), 0644, e);
	return r < 0 ? err_add(e, "--pid-file") : 0;
}

int caller_send_pidfd(const char *path, const char *asked_by, int pidfd, struct err *e)
{
	AUTO_FD sock = -1;
	ssize_t n;
	int r;

	if (!path)
		return 0;
	r = terminal_connect_socket(path, &sock, e);
	if (r < 0)
		return err_add(e, "%s", asked_by);
	n = fd_send(sock, "pidfd", strlen("pidfd"), &pidfd, 1);
	return n < 0 ? err_sys(e, (int)-n, "%s: send", asked_by) : 0;
}
