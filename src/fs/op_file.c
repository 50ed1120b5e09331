/* SPDX-License-Identifier: Apache-2.0 */
/* op_file.c: the content of open files. Data goes between the file and the guest's buffers directly. */
#include "op.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <unistd.h>

#define COPY_MAX (128U << 20) /* bytes of one copy_file_range; a short answer is a fair one */

int op_read(struct fs_request *rq)
{
	struct fs_handle *h;
	struct fuse_read_in in;
	ssize_t got;
	int n;

	if (fs_in_get(&rq->in, &in, sizeof(in)) < 0 || in.size > FS_DATA_MAX || in.offset > INT64_MAX)
		return -EINVAL;
	h = fs_handle_get(&rq->s->handles, in.fh, false);
	if (!h)
		return -EBADF;
	n = fs_out_buffers(&rq->out, in.size, rq->w->iov, FS_IOV_MAX);
	got = preadv(h->fd, rq->w->iov, n, (off_t)in.offset);
	if (got < 0)
		got = -errno;
	fs_handle_put(&rq->s->handles, h);
	if (got < 0)
		return (int)got;
	fs_out_wrote(&rq->out, (size_t)got);
	return 0;
}

/* What was open(2)'s flag in the guest is each write's here. */
static int write_flags(const struct fuse_write_in *in)
{
	int flags = 0;

	if ((in->flags & O_APPEND) && !(in->write_flags & FUSE_WRITE_CACHE))
		flags |= RWF_APPEND;
	if ((in->flags & O_SYNC) == O_SYNC)
		flags |= RWF_SYNC;
	else if (in->flags & O_DSYNC)
		flags |= RWF_DSYNC;
	return flags;
}

int op_write(struct fs_request *rq)
{
	struct fuse_write_out out = { 0 };
	struct fs_handle *h;
	struct fuse_write_in in;
	ssize_t put;
	int n;

	if (fs_in_get(&rq->in, &in, sizeof(in)) < 0 || in.size > FS_DATA_MAX || in.offset > INT64_MAX)
		return -EINVAL;
	n = fs_in_buffers(&rq->in, in.size, rq->w->iov, FS_IOV_MAX);
	if (n < 0)
		return n;
	h = fs_handle_get(&rq->s->handles, in.fh, false);
	if (!h)
		return -EBADF;
	fs_worker_fsetid(rq->w, !(in.write_flags & FUSE_WRITE_KILL_SUIDGID));
	put = pwritev2(h->fd, rq->w->iov, n, (off_t)in.offset, write_flags(&in));
	if (put < 0)
		put = -errno;
	fs_handle_put(&rq->s->handles, h);
	if (put < 0)
		return (int)put;
	out.size = (uint32_t)put;
	return fs_out_put(&rq->out, &out, sizeof(out));
}

static int sync_handle(struct fs_request *rq, bool is_dir)
{
	struct fs_handle *h;
	struct fuse_fsync_in in;
	int r;

	if (fs_in_get(&rq->in, &in, sizeof(in)) < 0)
		return -EINVAL;
	h = fs_handle_get(&rq->s->handles, in.fh, is_dir);
	if (!h)
		return -EBADF;
	r = in.fsync_flags & FUSE_FSYNC_FDATASYNC ? fdatasync(h->fd) : fsync(h->fd);
	if (r < 0)
		r = -errno;
	fs_handle_put(&rq->s->handles, h);
	return r;
}

int op_fsync(struct fs_request *rq)
{
	return sync_handle(rq, false);
}

int op_fsyncdir(struct fs_request *rq)
{
	return sync_handle(rq, true);
}

int op_fallocate(struct fs_request *rq)
{
	const uint32_t known = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE |
			       FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE | FALLOC_FL_UNSHARE_RANGE;
	struct fs_handle *h;
	struct fuse_fallocate_in in;
	int r;

	if (fs_in_get(&rq->in, &in, sizeof(in)) < 0 || in.offset > INT64_MAX || in.length > INT64_MAX)
		return -EINVAL;
	if (in.mode & ~known)
		return -EOPNOTSUPP;
	h = fs_handle_get(&rq->s->handles, in.fh, false);
	if (!h)
		return -EBADF;
	/* The request has no flag for it; a local file system would take the bits away, too. */
	fs_worker_fsetid(rq->w, false);
	r = fallocate(h->fd, (int)in.mode, (off_t)in.offset, (off_t)in.length) < 0 ? -errno : 0;
	fs_handle_put(&rq->s->handles, h);
	return r;
}

/* Only what needs the file system's knowledge; the guest's kernel does the rest. */
int op_lseek(struct fs_request *rq)
{
	struct fuse_lseek_out out;
	struct fs_handle *h;
	struct fuse_lseek_in in;
	off_t at;

	if (fs_in_get(&rq->in, &in, sizeof(in)) < 0 || in.offset > INT64_MAX ||
	    (in.whence != SEEK_DATA && in.whence != SEEK_HOLE))
		return -EINVAL;
	h = fs_handle_get(&rq->s->handles, in.fh, false);
	if (!h)
		return -EBADF;
	at = lseek(h->fd, (off_t)in.offset, (int)in.whence);
	if (at < 0)
		at = -errno;
	fs_handle_put(&rq->s->handles, h);
	if (at < 0)
		return (int)at;
	out.offset = (uint64_t)at;
	return fs_out_put(&rq->out, &out, sizeof(out));
}

static ssize_t copy(struct fs_request *rq, const struct fuse_copy_file_range_in *in, int from, int to)
{
	off_t off_in = (off_t)in->off_in, off_out = (off_t)in->off_out;
	size_t len = in->len < COPY_MAX ? (size_t)in->len : COPY_MAX;
	ssize_t n;

	fs_worker_fsetid(rq->w, false);
	n = copy_file_range(from, &off_in, to, &off_out, len, 0);
	return n < 0 ? -errno : n;
}

int op_copy_file_range(struct fs_request *rq)
{
	struct fs_handles *t = &rq->s->handles;
	struct fuse_copy_file_range_in in;
	struct fuse_write_out out = { 0 };
	struct fs_handle *from, *to;
	ssize_t n = -EBADF;

	if (fs_in_get(&rq->in, &in, sizeof(in)) < 0 || in.flags || in.off_in > INT64_MAX || in.off_out > INT64_MAX)
		return -EINVAL;
	from = fs_handle_get(t, in.fh_in, false);
	to = fs_handle_get(t, in.fh_out, false);
	if (from && to)
		n = copy(rq, &in, from->fd, to->fd);
	fs_handle_put(t, from);
	fs_handle_put(t, to);
	if (n < 0)
		return (int)n;
	out.size = (uint32_t)n;
	return fs_out_put(&rq->out, &out, sizeof(out));
}
