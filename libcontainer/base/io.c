/* SPDX-License-Identifier: Apache-2.0 */
/* io.c: see io.h. */
#include "io.h"

#include "fd.h"
#include "str.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define READ_STEP 4096

int io_read_fd(int fd, size_t max, char **out, size_t *out_len)
{
	AUTO_FREE char *buf = NULL;
	size_t len = 0, cap = READ_STEP;
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 && (size_t)st.st_size <= max)
		cap = (size_t)st.st_size + 2;
	buf = x_calloc(1, cap);
	for (;;) {
		ssize_t n = read(fd, buf + len, cap - 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > max)
			return -EFBIG;
		if (cap - 1 - len == 0) {
			cap *= 2;
			buf = x_realloc(buf, cap, 1);
		}
	}
	buf[len] = '\0';
	*out = buf;
	buf = NULL;
	if (out_len)
		*out_len = len;
	return 0;
}

int io_read_file(int dirfd, const char *path, int flags, size_t max, char **out, size_t *out_len, struct err *e)
{
	AUTO_FD fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | flags);
	int r;

	if (fd < 0)
		return err_sys(e, errno, "open '%s'", path);
	r = io_read_fd(fd, max, out, out_len);
	if (r == -EFBIG)
		return err_set(e, EFBIG, "'%s' is larger than %zu bytes", path, max);
	if (r < 0)
		return err_sys(e, -r, "read '%s'", path);
	return 0;
}

ssize_t io_read_small(int dirfd, const char *path, char *buf, size_t size)
{
	AUTO_FD fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	do
		n = read(fd, buf, size - 1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return n;
}

int io_write_all(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int io_memory_file(const char *name, const void *buf, size_t len)
{
	AUTO_FD fd = memfd_create(name, MFD_CLOEXEC);
	int r = fd < 0 ? -errno : io_write_all(fd, buf, len);

	return r < 0 ? r : fd_take(&fd);
}

int io_write_value(int dirfd, const char *path, const char *value)
{
	AUTO_FD fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(value);
	ssize_t n;

	if (fd < 0)
		return -errno;
	do
		n = write(fd, value, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

int io_replace_file(int dirfd, const char *path, const void *buf, size_t len, mode_t mode, struct err *e)
{
	AUTO_FREE char *tmp = x_printf("%s.%d.tmp", path, (int)getpid());
	AUTO_FD fd = -1;
	int r;

	fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0 && errno == EEXIST && unlinkat(dirfd, tmp, 0) == 0)
		fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return err_sys(e, errno, "create '%s'", tmp);
	r = io_write_all(fd, buf, len);
	if (r == 0 && renameat(dirfd, tmp, dirfd, path) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(dirfd, tmp, 0);
		return err_sys(e, -r, "write '%s'", path);
	}
	return 0;
}
