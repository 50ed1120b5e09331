/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_name.c: names come and go: new files of all kinds but open ones, links, removal, renaming.
 *
 * New files belong to the caller (worker.h). The umask is applied by the kernel, which knows
 * whether a default ACL takes its place.
 */
#include "lookup.h"
#include "op.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Tells of the file that was just made. */
static int put_entry(struct fs_request *rq, const char *name)
{
	struct fuse_entry_out entry = { 0 };
	int r = lookup_find(rq, rq->node, name, &entry);

	if (r < 0)
		return r;
	r = fs_out_put(&rq->out, &entry, sizeof(entry));
	if (r < 0)
		lookup_undo(rq, &entry);
	return r;
}

static int become_caller(struct fs_request *rq, mode_t umask_bits)
{
	fs_worker_fsetid(rq->w, true);
	return fs_worker_become(rq->w, rq->head.uid, rq->head.gid, umask_bits);
}

/* As the kernel's new_decode_dev() has it. */
static dev_t device_of(uint32_t rdev)
{
	return makedev((rdev & 0xfff00) >> 8, (rdev & 0xff) | (rdev >> 12 & 0xfff00));
}

static bool may_be_made(mode_t mode)
{
	return S_ISREG(mode) || S_ISFIFO(mode) || S_ISSOCK(mode) || S_ISCHR(mode) || S_ISBLK(mode);
}

int op_mknod(struct fs_request *rq)
{
	char name[NAME_MAX + 1];
	struct fuse_mknod_in in;
	int r;

	if (fs_in_get(&rq->in, &in, sizeof(in)) < 0 || !may_be_made(in.mode))
		return -EINVAL;
	r = fs_in_name(&rq->in, name);
	if (r >= 0)
		r = become_caller(rq, in.umask);
	if (r < 0)
		return r;
	if (mknodat(rq->node->fd, name, in.mode & (S_IFMT | 07777), device_of(in.rdev)) < 0)
		return -errno;
	fs_worker_back(rq->w);
	return put_entry(rq, name);
}

int op_mkdir(struct fs_request *rq)
{
	char name[NAME_MAX + 1];
	struct fuse_mkdir_in in;
	int r;

	if (fs_in_get(&rq->in, &in, sizeof(in)) < 0)
		return -EINVAL;
	r = fs_in_name(&rq->in, name);
	if (r >= 0)
		r = become_caller(rq, in.umask);
	if (r < 0)
		return r;
	if (mkdirat(rq->node->fd, name, in.mode & 07777) < 0)
		return -errno;
	fs_worker_back(rq->w);
	return put_entry(rq, name);
}

/* The target is a text that only the guest will follow. */
int op_symlink(struct fs_request *rq)
{
	char name[NAME_MAX + 1], target[PATH_MAX];
	int r = fs_in_name(&rq->in, name);

	if (r < 0)
		return r;
	r = fs_in_text(&rq->in, target, sizeof(target));
	if (r == 0)
		r = -ENOENT;
	if (r > 0)
		r = become_caller(rq, 0);
	if (r < 0)
		return r;
	if (symlinkat(target, rq->node->fd, name) < 0)
		return -errno;
	fs_worker_back(rq->w);
	return put_entry(rq, name);
}

/* By /proc/self/fd (open(2), O_TMPFILE): the way by the descriptor alone asks for CAP_DAC_READ_SEARCH, and until Linux
 * 6.10 for the host's, which an ordinary user's server has not. */
static int link_to(const struct fs_request *rq, const struct fs_inode *old, const char *name)
{
	char fd_name[FD_NAME_MAX];

	lookup_fd_name(old->fd, fd_name);
	return linkat(rq->s->proc_fd, fd_name, rq->node->fd, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

int op_link(struct fs_request *rq)
{
	struct fs_inodes *t = &rq->s->inodes;
	char name[NAME_MAX + 1];
	struct fuse_link_in in;
	struct fs_inode *old;
	struct statx stx;
	int r;

	if (fs_in_get(&rq->in, &in, sizeof(in)) < 0)
		return -EINVAL;
	r = fs_in_name(&rq->in, name);
	if (r < 0)
		return r;
	r = fs_inode_get(t, in.oldnodeid, &old);
	if (r < 0)
		return r;
	r = link_to(rq, old, name);
	if (r == 0 && lookup_statx(old->fd, &stx) == 0)
		fs_inode_linked(t, old, &stx);
	fs_inode_put(t, old);
	return r < 0 ? r : put_entry(rq, name);
}

static int remove_name(struct fs_request *rq, int flags)
{
	char name[NAME_MAX + 1];
	int r = fs_in_name(&rq->in, name);

	if (r < 0)
		return r;
	lookup_rescue(rq, rq->node, name);
	return unlinkat(rq->node->fd, name, flags) < 0 ? -errno : 0;
}

int op_unlink(struct fs_request *rq)
{
	return remove_name(rq, 0);
}

int op_rmdir(struct fs_request *rq)
{
	return remove_name(rq, AT_REMOVEDIR);
}

static int rename_to(struct fs_request *rq, uint64_t newdir, unsigned int flags)
{
	char from[NAME_MAX + 1], to[NAME_MAX + 1];
	struct fs_inodes *t = &rq->s->inodes;
	struct fs_inode *dir;
	int r = fs_in_name(&rq->in, from);

	if (r >= 0)
		r = fs_in_name(&rq->in, to);
	if (r < 0)
		return r;
	r = fs_inode_get(t, newdir, &dir);
	if (r < 0)
		return r;
	lookup_rescue(rq, rq->node, from); /* overlayfs may copy it up: it is born again then */
	if (!(flags & RENAME_NOREPLACE))
		lookup_rescue(rq, dir, to);
	r = renameat2(rq->node->fd, from, dir->fd, to, flags) < 0 ? -errno : 0;
	if (r == 0)
		lookup_moved(rq, rq->node, from, dir, to);
	if (r == 0 && (flags & RENAME_EXCHANGE))
		lookup_moved(rq, dir, to, rq->node, from);
	fs_inode_put(t, dir);
	return r;
}

int op_rename(struct fs_request *rq)
{
	struct fuse_rename_in in;

	return fs_in_get(&rq->in, &in, sizeof(in)) < 0 ? -EINVAL : rename_to(rq, in.newdir, 0);
}

int op_rename2(struct fs_request *rq)
{
	struct fuse_rename2_in in;

	if (fs_in_get(&rq->in, &in, sizeof(in)) < 0 ||
	    (in.flags & ~(unsigned int)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)))
		return -EINVAL;
	return rename_to(rq, in.newdir, in.flags);
}
