/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fusemsg.h: the bounded reader of a FUSE request and the writer of its reply.
 *
 * Both work on rows of buffers that may lie in a guest's memory, which may change at any time:
 * what is taken is copied out once and never looked at again. Neither goes beyond the buffers,
 * the reader not beyond the length that the request's head claims either.
 */
#ifndef HUSK_FS_FUSEMSG_H
#define HUSK_FS_FUSEMSG_H

#include <limits.h>
#include <linux/fuse.h>
#include <stddef.h>
#include <sys/uio.h>

struct fs_in {
	const struct iovec *iov;
	unsigned int n;
	size_t skip; /* bytes of iov[0] that are taken */
	size_t left; /* bytes that may still be taken */
};

void fs_in_init(struct fs_in *in, const struct iovec *iov, unsigned int n);
/* Nothing after this many further bytes can be taken; -EINVAL when there are fewer. */
int fs_in_limit(struct fs_in *in, size_t left);
/* All of len bytes, or -EINVAL and none. */
int fs_in_get(struct fs_in *in, void *out, size_t len);
/* A text and its NUL: -EINVAL without one in what is left, -ENAMETOOLONG when it needs more than
 * size bytes (nothing is taken then). Returns its length. */
int fs_in_text(struct fs_in *in, char *out, size_t size);
/* A name in a directory: not empty, ".", "..", with a '/' (-EINVAL), nor over 255 bytes. */
int fs_in_name(struct fs_in *in, char out[NAME_MAX + 1]);
/* The next len bytes as buffers, nothing copied: at most max of them. Returns how many, -EINVAL
 * when less is left or there are more. They count as taken. */
int fs_in_buffers(struct fs_in *in, size_t len, struct iovec *out, unsigned int max);

/* The reply's body: the head (struct fuse_out_header) is left free in front and written last. */
struct fs_out {
	const struct iovec *iov;
	unsigned int n;
	size_t size; /* bytes that fit behind the head */
	size_t len;  /* bytes that are there */
};

/* -ENOBUFS when not even the head fits. */
int fs_out_init(struct fs_out *out, const struct iovec *iov, unsigned int n);
/* All of it, or -EIO: the guest left less room than the reply needs. */
int fs_out_put(struct fs_out *out, const void *data, size_t len);
/* The room behind what is there as buffers, at most len bytes and max buffers. Returns how many. */
int fs_out_buffers(const struct fs_out *out, size_t len, struct iovec *iov, unsigned int max);
/* len bytes were written through the buffers. */
void fs_out_wrote(struct fs_out *out, size_t len);
/* Writes the head: error is 0 or -errno, with which the body is dropped. Returns the bytes of all. */
size_t fs_out_finish(struct fs_out *out, uint64_t unique, int error);

#endif
