/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_open.c: opening, creating and releasing files.
 *
 * Only what a regular file needs of the guest's flags reaches the host. O_APPEND, O_SYNC and
 * O_DSYNC come with each write, so that they hold for what fcntl(2) changes later; O_DIRECT is
 * between the guest's programs and its page cache, and the host's cache stays.
 */
#include "fd.h"
#include "kernel.h"
#include "lookup.h"
#include "op.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#define PASSED (O_ACCMODE | O_TRUNC | O_NOATIME)
#define OLD_SECONDS 2 /* no file system's clock ticks slower */

/* The guest may keep the pages of a file that is as it was when it was opened last. The change time
 * tells, unless it is so new that another change could bear the same. */
static uint32_t cache_flag(struct fs_request *rq, struct fs_inode *i, int fd)
{
	struct fs_seen seen, before;
	struct timespec now;
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_CTIME | STATX_SIZE, &stx) < 0 ||
	    clock_gettime(CLOCK_REALTIME_COARSE, &now) < 0)
		return 0;
	seen = (struct fs_seen){ stx.stx_ctime.tv_sec, stx.stx_size, stx.stx_ctime.tv_nsec };
	if (now.tv_sec - seen.sec < OLD_SECONDS)
		seen = (struct fs_seen){ 0 };
	before = fs_inode_saw(&rq->s->inodes, i, seen);
	if (seen.sec == 0 || seen.sec != before.sec || seen.nsec != before.nsec || seen.size != before.size)
		return 0;
	return FOPEN_KEEP_CACHE;
}

static int put_open(struct fs_request *rq, struct fs_inode *i, int *fd, uint32_t open_flags)
{
	struct fuse_open_out out = { .open_flags = open_flags };
	int r = fs_handle_add(&rq->s->handles, i, fd, &out.fh);

	if (r < 0)
		return r;
	r = fs_out_put(&rq->out, &out, sizeof(out));
	if (r < 0)
		(void)fs_handle_release(&rq->s->handles, out.fh, false);
	return r;
}

static int open_node(struct fs_request *rq, const struct fs_inode *i, uint32_t flags, uint32_t open_flags)
{
	if (!S_ISREG(i->type))
		return S_ISLNK(i->type) ? -ELOOP : -EINVAL;
	if (flags & O_TRUNC)
		fs_worker_fsetid(rq->w, !(open_flags & FUSE_OPEN_KILL_SUIDGID));
	return lookup_reopen(rq, i, (int)(flags & PASSED));
}

int op_open(struct fs_request *rq)
{
	struct fuse_open_in in;
	AUTO_FD fd = -1;

	if (fs_in_get(&rq->in, &in, sizeof(in)) < 0)
		return -EINVAL;
	fd = open_node(rq, rq->node, in.flags, in.open_flags);
	return fd < 0 ? fd : put_open(rq, rq->node, &fd, cache_flag(rq, rq->node, fd));
}

/* Makes the file as the caller; it did not exist before. */
static int create_new(struct fs_request *rq, const char *name, const struct fuse_create_in *in)
{
	struct open_how how = {
		.flags = O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | (in->flags & PASSED),
		.mode = in->mode & 07777,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int r, fd;

	fs_worker_fsetid(rq->w, true);
	r = fs_worker_become(rq->w, rq->head.uid, rq->head.gid, in->umask);
	if (r < 0)
		return r;
	fd = sys_openat2(rq->node->fd, name, &how);
	r = fd < 0 ? -errno : fd;
	fs_worker_back(rq->w);
	return r;
}

/* The name appeared since the guest looked: opened like any known file, and only if it is a regular one. */
static int open_existing(struct fs_request *rq, const char *name, const struct fuse_create_in *in,
			 struct fuse_entry_out *entry)
{
	struct fs_inode *i;
	int r = lookup_find(rq, rq->node, name, entry);

	if (r < 0)
		return r;
	r = fs_inode_get(&rq->s->inodes, entry->nodeid, &i);
	if (r == 0) {
		r = open_node(rq, i, in->flags, in->open_flags);
		fs_inode_put(&rq->s->inodes, i);
	}
	if (r < 0)
		lookup_undo(rq, entry);
	return r;
}

static int put_created(struct fs_request *rq, int *fd, const struct fuse_entry_out *entry)
{
	struct fs_inode *i = NULL;
	int r = fs_out_put(&rq->out, entry, sizeof(*entry));

	if (r == 0)
		r = fs_inode_get(&rq->s->inodes, entry->nodeid, &i);
	if (r == 0)
		r = put_open(rq, i, fd, 0);
	fs_inode_put(&rq->s->inodes, i);
	if (r < 0)
		lookup_undo(rq, entry);
	return r;
}

int op_create(struct fs_request *rq)
{
	struct fuse_entry_out entry = { 0 };
	char name[NAME_MAX + 1];
	struct fuse_create_in in;
	AUTO_FD fd = -1;
	int r;

	if (fs_in_get(&rq->in, &in, sizeof(in)) < 0)
		return -EINVAL;
	r = fs_in_name(&rq->in, name);
	if (r < 0)
		return r;
	fd = create_new(rq, name, &in);
	if (fd == -EEXIST && !(in.flags & O_EXCL)) {
		fd = open_existing(rq, name, &in, &entry);
	} else if (fd >= 0) {
		r = lookup_of_fd(rq, rq->node, name, fd, &entry);
		if (r < 0)
			return r;
	}
	return fd < 0 ? fd : put_created(rq, &fd, &entry);
}

/* A file without a name (FUSE 7.37); what the request has for a name is nothing but a hint. */
int op_tmpfile(struct fs_request *rq)
{
	struct fuse_entry_out entry = { 0 };
	struct fuse_create_in in;
	AUTO_FD fd = -1;
	int r;

	if (fs_in_get(&rq->in, &in, sizeof(in)) < 0)
		return -EINVAL;
	if (!S_ISDIR(rq->node->type))
		return -ENOTDIR;
	fs_worker_fsetid(rq->w, true);
	r = fs_worker_become(rq->w, rq->head.uid, rq->head.gid, in.umask);
	if (r < 0)
		return r;
	fd = openat(rq->node->fd, ".", O_TMPFILE | O_CLOEXEC | (int)(in.flags & (PASSED | O_EXCL) & ~O_TRUNC),
		    in.mode & 07777);
	r = fd < 0 ? -errno : 0;
	fs_worker_back(rq->w);
	if (r == 0)
		r = lookup_of_fd(rq, rq->node, NULL, fd, &entry);
	return r < 0 ? r : put_created(rq, &fd, &entry);
}

int op_release(struct fs_request *rq)
{
	struct fuse_release_in in;

	if (fs_in_get(&rq->in, &in, sizeof(in)) < 0)
		return -EINVAL;
	return fs_handle_release(&rq->s->handles, in.fh, false);
}
