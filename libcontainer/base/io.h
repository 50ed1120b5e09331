/* SPDX-License-Identifier: Apache-2.0 */
/* io.h: whole reads and writes. All return >= 0 or -errno. */
#ifndef HUSK_BASE_IO_H
#define HUSK_BASE_IO_H

#include "err.h"

#include <stddef.h>
#include <sys/types.h>

/* Reads all of fd, at most max bytes (-EFBIG beyond). *out is malloc'ed, with
 * a NUL after its *out_len bytes; the caller frees it. */
int io_read_fd(int fd, size_t max, char **out, size_t *out_len);
/* The same of a file below dirfd (AT_FDCWD works); `flags` is added to
 * O_RDONLY | O_CLOEXEC. Fills e ("open '%s'", "read '%s'"). */
int io_read_file(int dirfd, const char *path, int flags, size_t max, char **out, size_t *out_len, struct err *e);
/* Up to size - 1 bytes of a small file into buf, NUL-terminated, one read(2):
 * for procfs and cgroupfs. Returns the length. */
ssize_t io_read_small(int dirfd, const char *path, char *buf, size_t size);
/* One write(2) to an existing file: for procfs and cgroupfs. */
int io_write_value(int dirfd, const char *path, const char *value);
/* All of buf, EINTR and short writes included. */
int io_write_all(int fd, const void *buf, size_t len);
/* A file in memory with this content, for whoever takes its path (fd_path()); close-on-exec. Its descriptor, or -errno.
 * memfd_create(2); name is for /proc alone. */
int io_memory_file(const char *name, const void *buf, size_t len);
/* Replaces path below dirfd by a new file with this content: written to a
 * temporary name beside it, then renamed. On failure the old one stays. */
int io_replace_file(int dirfd, const char *path, const void *buf, size_t len, mode_t mode, struct err *e);

#endif
