/* SPDX-License-Identifier: Apache-2.0 */
/* seal.c: see seal.h. memfd_create(2), fcntl(2) F_ADD_SEALS. */
#include "seal.h"

#include "fd.h"
#include "io.h"
#include "kernel.h"

#include <stdbool.h>
#include <sys/mman.h>

/* linux/seal_image.S */
extern const char trampoline_image[], trampoline_image_end[];

static int seal_make(const char *name, bool executable, const void *data, size_t len, int *out_fd, struct err *e)
{
	unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	AUTO_FD fd = -1;
	int r;

	fd = memfd_create(name, flags | (executable ? MFD_EXEC : 0));
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, flags);
	if (fd < 0 && errno == EACCES && executable)
		return err_sys(e, errno, "memfd_create (the sysctl vm.memfd_noexec must be 0 or 1)");
	if (fd < 0)
		return err_sys(e, errno, "memfd_create");
	r = io_write_all(fd, data, len);
	if (r < 0)
		return err_sys(e, -r, "write a sealed copy of '%s'", name);
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return err_sys(e, errno, "seal a copy of '%s'", name);
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
