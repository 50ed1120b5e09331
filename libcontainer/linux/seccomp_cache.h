/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp_cache.h: compiled filters, kept in a directory.
 *
 * One file a profile: a header, the profile's text, the instructions. Its name
 * is a cheap hash of the text, so the text is compared before the program is
 * used. A file counts only when it is a regular file of the effective user, which
 * nobody else can write, of exactly the size that its header tells; any other is
 * as good as none. The kernel checks the instructions themselves when they are
 * installed.
 */
#ifndef HUSK_LINUX_SECCOMP_CACHE_H
#define HUSK_LINUX_SECCOMP_CACHE_H

#include "seccomp.h"

#include <stddef.h>
#include <stdint.h>

#define SECCOMP_CACHE_FORMAT 2		    /* count up when the same text compiles to another program */
#define SECCOMP_CACHE_FILES 64		    /* kept in the directory; the oldest goes first */
#define SECCOMP_CACHE_TEXT_MAX (256U << 10) /* longer profiles are compiled each time */

struct seccomp_cache_header {
	char magic[8];
	uint32_t format;
	uint32_t library; /* libseccomp's version: major << 16 | minor << 8 | micro */
	uint32_t flags;	  /* as in struct seccomp_prog */
	uint32_t text_len;
	uint32_t n_insns;
	uint32_t reserved; /* 0 */
	uint64_t sum;	   /* seccomp_cache_hash() of the instructions */
};

/* 64 bits of FNV-1a, taken over words of eight bytes instead of bytes: eight
 * times faster, good enough where a collision only costs time. */
uint64_t seccomp_cache_hash(uint64_t seed, const void *buf, size_t len);

/* Checks the bytes of a cache file against the profile's text. *out points into
 * buf, unaligned; 0 or -EINVAL. */
struct seccomp_cache_view {
	const char *insns;
	unsigned short n;
	unsigned int flags;
};
int seccomp_cache_parse(const char *buf, size_t len, const char *text, size_t text_len, struct seccomp_cache_view *out);

/* 0, or -errno when there is nothing usable. */
int seccomp_cache_load(int dirfd, const char *text, size_t text_len, struct seccomp_prog *out);
int seccomp_cache_store(int dirfd, const char *text, size_t text_len, const struct seccomp_prog *prog);

#endif
