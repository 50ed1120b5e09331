/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp_cache.c: see seccomp_cache.h.
 *
 * Loading is on the way of every container: openat, fstat, one read, close.
 * Storing follows a compilation, which takes hundreds of times longer, so it may
 * look through the whole directory.
 */
#include "seccomp_cache.h"

#include "fd.h"
#include "io.h"
#include "kernel.h"
#include "str.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/bpf_common.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "huskscmp"
#define NAME_PREFIX "seccomp-"
#define NAME_SIZE 32
#define FNV_BASIS UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)
#define KNOWN_FLAGS                                                                             \
	(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW | \
	 SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC_ESRCH | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
#define EVICT_TRIES 4 /* files removed by one store, at most */

static const size_t header_size = sizeof(struct seccomp_cache_header);

uint64_t seccomp_cache_hash(uint64_t seed, const void *buf, size_t len)
{
	uint64_t h = FNV_BASIS ^ seed, word;
	const char *p = buf;

	for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		h = (h ^ word) * FNV_PRIME;
		h ^= h >> 32; /* a product's high bits never reach the low ones by themselves */
	}
	for (; len > 0; p++, len--)
		h = (h ^ (unsigned char)*p) * FNV_PRIME;
	return h ^ (h >> 29);
}

static uint32_t library_version(void)
{
	const struct scmp_version *v = seccomp_version();

	return v ? v->major << 16 | v->minor << 8 | v->micro : 0;
}

static void file_name(const char *text, size_t text_len, char out[NAME_SIZE])
{
	uint64_t seed = (uint64_t)SECCOMP_CACHE_FORMAT << 32 | library_version();

	(void)snprintf(out, NAME_SIZE, NAME_PREFIX "%016jx", (uintmax_t)seccomp_cache_hash(seed, text, text_len));
}

int seccomp_cache_parse(const char *buf, size_t len, const char *text, size_t text_len, struct seccomp_cache_view *out)
{
	struct seccomp_cache_header h;
	size_t insns_len;

	if (len < header_size)
		return -EINVAL;
	memcpy(&h, buf, header_size);
	if (memcmp(h.magic, MAGIC, sizeof(h.magic)) != 0 || h.format != SECCOMP_CACHE_FORMAT ||
	    h.library != library_version() || h.reserved != 0 || (h.flags & ~KNOWN_FLAGS))
		return -EINVAL;
	if (h.text_len != text_len || h.text_len > SECCOMP_CACHE_TEXT_MAX || h.n_insns < 1 || h.n_insns > BPF_MAXINSNS)
		return -EINVAL;
	insns_len = h.n_insns * sizeof(struct sock_filter);
	if (len != header_size + text_len + insns_len || memcmp(buf + header_size, text, text_len) != 0)
		return -EINVAL;
	if (h.sum != seccomp_cache_hash(h.n_insns, buf + header_size + text_len, insns_len))
		return -EINVAL;
	*out = (struct seccomp_cache_view){ .insns = buf + header_size + text_len,
					    .n = (unsigned short)h.n_insns,
					    .flags = h.flags };
	return 0;
}

/* Only what this user alone could have written. */
static bool is_own_file(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_uid == geteuid() && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

int seccomp_cache_load(int dirfd, const char *text, size_t text_len, struct seccomp_prog *out)
{
	const size_t max = header_size + text_len + BPF_MAXINSNS * sizeof(struct sock_filter);
	struct seccomp_cache_view view;
	AUTO_FREE char *buf = NULL;
	char name[NAME_SIZE];
	AUTO_FD fd = -1;
	struct stat st;
	size_t len;
	int r;

	if (text_len > SECCOMP_CACHE_TEXT_MAX)
		return -EFBIG;
	file_name(text, text_len, name);
	fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!is_own_file(&st) || st.st_size <= (off_t)header_size || (uint64_t)st.st_size > max)
		return -EINVAL;
	len = (size_t)st.st_size;
	buf = x_realloc(NULL, 1, len);
	if (read(fd, buf, len) != (ssize_t)len)
		return -EIO;
	r = seccomp_cache_parse(buf, len, text, text_len, &view);
	if (r < 0)
		return r;
	memmove(buf, view.insns, view.n * sizeof(struct sock_filter));
	*out = (struct seccomp_prog){ .insns = (struct sock_filter *)(void *)buf, .n = view.n, .flags = view.flags };
	buf = NULL;
	return 0;
}

/* Counts the directory's cache files, half-written ones included, and names the
 * oldest. */
static int scan(DIR *dir, char *oldest, size_t size)
{
	struct timespec when = { 0 };
	const struct dirent *d;
	struct stat st;
	int n = 0;

	rewinddir(dir);
	while ((d = readdir(dir)) != NULL) {
		const struct timespec *t = &st.st_mtim;

		if (!str_starts(d->d_name, NAME_PREFIX) || strlen(d->d_name) >= size ||
		    fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (n++ == 0 || t->tv_sec < when.tv_sec || (t->tv_sec == when.tv_sec && t->tv_nsec < when.tv_nsec)) {
			when = *t;
			memcpy(oldest, d->d_name, strlen(d->d_name) + 1);
		}
	}
	return n;
}

/* Makes room for one more. */
static void evict(int cache_dirfd)
{
	AUTO_FD fd = openat(cache_dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char oldest[NAME_MAX + 1];
	DIR *dir;

	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return;
	(void)fd_take(&fd);
	for (int i = 0; i < EVICT_TRIES && scan(dir, oldest, sizeof(oldest)) >= SECCOMP_CACHE_FILES; i++)
		(void)unlinkat(dirfd(dir), oldest, 0);
	(void)closedir(dir);
}

int seccomp_cache_store(int cache_dirfd, const char *text, size_t text_len, const struct seccomp_prog *prog)
{
	size_t insns_len = prog->n * sizeof(*prog->insns);
	struct seccomp_cache_header h = { .format = SECCOMP_CACHE_FORMAT,
					  .library = library_version(),
					  .flags = prog->flags,
					  .text_len = (uint32_t)text_len,
					  .n_insns = prog->n,
					  .sum = seccomp_cache_hash(prog->n, prog->insns, insns_len) };
	AUTO_FREE char *buf = NULL;
	char name[NAME_SIZE];

	if (text_len > SECCOMP_CACHE_TEXT_MAX)
		return -EFBIG;
	memcpy(h.magic, MAGIC, sizeof(h.magic));
	buf = x_realloc(NULL, 1, header_size + text_len + insns_len);
	memcpy(buf, &h, header_size);
	memcpy(buf + header_size, text, text_len);
	memcpy(buf + header_size + text_len, prog->insns, insns_len);
	file_name(text, text_len, name);
	evict(cache_dirfd);
	return io_replace_file(cache_dirfd, name, buf, header_size + text_len + insns_len, S_IRUSR | S_IWUSR, NULL);
}
