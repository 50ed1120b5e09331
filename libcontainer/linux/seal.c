/* SPDX-License-Identifier: Apache-2.0 */
/* seal.c: see seal.h. memfd_create(2), fcntl(2) F_ADD_SEALS. */
#include "seal.h"

#include "fd.h"
#include "io.h"
#include "kernel.h"
#include "str.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#define CMDLINE_MAX (4U << 20) /* bytes; the kernel's own limit on arguments is below */

/* linux/seal_image.S */
extern const char trampoline_image[], trampoline_image_end[];

static int new_memfd(const char *name, bool executable, int *out_fd, struct err *e)
{
	unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create(name, flags | (executable ? MFD_EXEC : 0));

	if (fd < 0 && errno == EINVAL) /* before Linux 6.3 all were executable */
		fd = memfd_create(name, flags);
	if (fd < 0 && errno == EACCES && executable)
		return err_sys(e, errno, "memfd_create (the sysctl vm.memfd_noexec must be 0 or 1)");
	if (fd < 0)
		return err_sys(e, errno, "memfd_create");
	*out_fd = fd;
	return 0;
}

static int seal_make(const char *name, bool executable, const void *data, size_t len, int *out_fd, struct err *e)
{
	AUTO_FD fd = -1;
	int r;

	r = new_memfd(name, executable, &fd, e);
	if (r < 0)
		return r;
	r = io_write_all(fd, data, len);
	if (r < 0)
		return err_sys(e, -r, "write a sealed copy of '%s'", name);
	/* who may not read a program cannot trace what runs it (execve(2)) */
	r = executable && fchmod(fd, 0111) < 0 ? -errno : fd_seal(fd);
	if (r < 0)
		return err_sys(e, -r, "seal a copy of '%s'", name);
	*out_fd = fd_take(&fd);
	return 0;
}

int seal_trampoline(int *out_fd, struct err *e)
{
	return seal_make("husk-start", true, trampoline_image, (size_t)(trampoline_image_end - trampoline_image),
			 out_fd, e);
}

int seal_bytes(const char *name, const void *data, size_t len, int *out_fd, struct err *e)
{
	return seal_make(name, false, data, len, out_fd, e);
}

/* The copy is called by the path of the program, by which helper_path() finds what lies beside that; by no path
 * where it is too long for a memory file's name. */
static int copy_program(int from, int *out_fd, struct err *e)
{
	char path[NAME_MAX - sizeof("memfd:") + 2];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path));
	AUTO_FD fd = -1;
	struct stat st;
	off_t left;
	int r;

	path[len > 0 && (size_t)len < sizeof(path) ? len : 0] = '\0';
	r = new_memfd(*path ? path : "husk", true, &fd, e);
	if (r < 0)
		return r;
	if (fstat(from, &st) < 0)
		return err_sys(e, errno, "stat '/proc/self/exe'");
	for (left = st.st_size; left > 0;) {
		ssize_t n = sendfile(fd, from, NULL, (size_t)left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_sys(e, n < 0 ? errno : EIO, "copy '/proc/self/exe'");
		left -= n;
	}
	r = fd_seal(fd);
	if (r < 0)
		return err_sys(e, -r, "seal a copy of '/proc/self/exe'");
	*out_fd = fd_take(&fd);
	return 0;
}

int seal_self(struct err *e)
{
	AUTO_FD exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	AUTO_FREE char *line = NULL;
	AUTO_FREE char **argv = NULL;
	AUTO_FD copy = -1;
	size_t len, argc = 0;
	int r;

	if (exe < 0)
		return err_sys(e, errno, "open '/proc/self/exe'");
	if (fcntl(exe, F_GET_SEALS) == FD_ALL_SEALS)
		return 0;
	r = copy_program(exe, &copy, e);
	if (r == 0)
		r = io_read_file(AT_FDCWD, "/proc/self/cmdline", 0, CMDLINE_MAX, &line, &len, e);
	if (r < 0)
		return r;
	argv = x_calloc(len + 1, sizeof(*argv)); /* no argument is shorter than its NUL */
	for (size_t at = 0; at < len; at += strlen(line + at) + 1)
		argv[argc++] = line + at;
	(void)syscall(SYS_execveat, copy, "", argv, environ, AT_EMPTY_PATH);
	return err_sys(e, errno, "execute a sealed copy of husk");
}
