/* SPDX-License-Identifier: Apache-2.0 */
/* op_attr.c: what a file is: looking it up, its attributes, a symbolic link's target. */
#include "fd.h"
#include "lookup.h"
#include "op.h"
#include "statx_op.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* A name that is not there is told like one that is: the guest may believe that as long. */
int op_lookup(struct fs_request *rq)
{
	struct fuse_entry_out entry = { .entry_valid = FS_CACHE_SECONDS };
	char name[NAME_MAX + 1];
	int r = fs_in_name(&rq->in, name);

	if (r < 0)
		return r;
	r = lookup_find(rq, rq->node, name, &entry);
	if (r < 0 && r != -ENOENT)
		return r;
	r = fs_out_put(&rq->out, &entry, sizeof(entry));
	if (r < 0)
		lookup_undo(rq, &entry);
	return r;
}

static int put_attr(struct fs_request *rq, int fd)
{
	struct fuse_attr_out out = { .attr_valid = FS_CACHE_SECONDS };
	struct statx stx;
	int r = lookup_statx(fd, &stx);

	if (r < 0)
		return r;
	lookup_attr(&out.attr, &stx);
	return fs_out_put(&rq->out, &out, sizeof(out));
}

/* With a file handle or without: the node is the same file. */
int op_getattr(struct fs_request *rq)
{
	struct fuse_getattr_in in;

	if (fs_in_get(&rq->in, &in, sizeof(in)) < 0)
		return -EINVAL;
	return put_attr(rq, rq->node->fd);
}

int op_statx(struct fs_request *rq)
{
	struct husk_fuse_statx_out out = { .attr_valid = FS_CACHE_SECONDS };
	struct husk_fuse_statx_in in;
	int sync;

	if (fs_in_get(&rq->in, &in, sizeof(in)) < 0)
		return -EINVAL;
	sync = (int)(in.sx_flags & AT_STATX_SYNC_TYPE);
	if (statx(rq->node->fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | sync,
		  STATX_BASIC_STATS | STATX_BTIME, &out.stat) < 0)
		return -errno;
	return fs_out_put(&rq->out, &out, sizeof(out));
}

static int set_mode(const struct fs_request *rq, mode_t mode)
{
	char name[FD_NAME_MAX];

	if (S_ISLNK(rq->node->type))
		return -EOPNOTSUPP;
	lookup_fd_name(rq->node->fd, name);
	return fchmodat(rq->s->proc_fd, name, mode & 07777, 0) < 0 ? -errno : 0;
}

/* -1 is not an id but "leave it", which the guest says by the valid bits. */
static int set_owner(const struct fs_request *rq, const struct fuse_setattr_in *in)
{
	uid_t uid = in->valid & FATTR_UID ? in->uid : (uid_t)-1;
	gid_t gid = in->valid & FATTR_GID ? in->gid : (gid_t)-1;

	if (((in->valid & FATTR_UID) && uid == (uid_t)-1) || ((in->valid & FATTR_GID) && gid == (gid_t)-1))
		return -EINVAL;
	return fchownat(rq->node->fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

/* An open file is truncated through its handle: it may be open for writing though its mode no longer is. */
static int set_size(struct fs_request *rq, const struct fuse_setattr_in *in)
{
	AUTO_FD fd = -1;
	int r;

	if (in->size > INT64_MAX)
		return -EFBIG;
	if (in->valid & FATTR_KILL_SUIDGID)
		fs_worker_fsetid(rq->w, false);
	if (in->valid & FATTR_FH) {
		struct fs_handle *h = fs_handle_get(&rq->s->handles, in->fh, false);

		if (!h)
			return -EBADF;
		r = ftruncate(h->fd, (off_t)in->size) < 0 ? -errno : 0;
		fs_handle_put(&rq->s->handles, h);
		return r;
	}
	if (!S_ISREG(rq->node->type))
		return -EINVAL;
	fd = lookup_reopen(rq, rq->node, O_WRONLY);
	if (fd < 0)
		return fd;
	return ftruncate(fd, (off_t)in->size) < 0 ? -errno : 0;
}

static struct timespec time_of(uint32_t valid, uint32_t bit, uint32_t now_bit, uint64_t sec, uint32_t nsec)
{
	if (valid & now_bit)
		return (struct timespec){ .tv_nsec = UTIME_NOW };
	if (valid & bit)
		return (struct timespec){ .tv_sec = (time_t)sec, .tv_nsec = nsec };
	return (struct timespec){ .tv_nsec = UTIME_OMIT };
}

static int set_times(const struct fs_request *rq, const struct fuse_setattr_in *in)
{
	const struct timespec times[2] = {
		time_of(in->valid, FATTR_ATIME, FATTR_ATIME_NOW, in->atime, in->atimensec),
		time_of(in->valid, FATTR_MTIME, FATTR_MTIME_NOW, in->mtime, in->mtimensec),
	};

	return utimensat(rq->node->fd, "", times, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

/* The owner before the mode: a change of owner takes set-user-id bits away. */
static int set_all(struct fs_request *rq, const struct fuse_setattr_in *in)
{
	int r = 0;

	if (in->valid & (FATTR_UID | FATTR_GID))
		r = set_owner(rq, in);
	if (r == 0 && (in->valid & FATTR_MODE))
		r = set_mode(rq, in->mode);
	if (r == 0 && (in->valid & FATTR_SIZE))
		r = set_size(rq, in);
	if (r == 0 && (in->valid & (FATTR_ATIME | FATTR_MTIME | FATTR_ATIME_NOW | FATTR_MTIME_NOW)))
		r = set_times(rq, in);
	return r;
}

int op_setattr(struct fs_request *rq)
{
	struct fuse_setattr_in in;
	int r;

	if (fs_in_get(&rq->in, &in, sizeof(in)) < 0)
		return -EINVAL;
	fs_worker_fsetid(rq->w, true);
	r = set_all(rq, &in);
	return r < 0 ? r : put_attr(rq, rq->node->fd);
}

int op_readlink(struct fs_request *rq)
{
	ssize_t len;

	if (!S_ISLNK(rq->node->type))
		return -EINVAL;
	len = readlinkat(rq->node->fd, "", rq->w->buf, PATH_MAX);
	return len < 0 ? -errno : fs_out_put(&rq->out, rq->w->buf, (size_t)len);
}
