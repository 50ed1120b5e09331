/* SPDX-License-Identifier: Apache-2.0 */
/* lookup.c: see lookup.h. */
#include "lookup.h"

#include "fd.h"
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

void lookup_fd_name(int fd, char out[FD_NAME_MAX])
{
	(void)snprintf(out, FD_NAME_MAX, "%d", fd);
}

int lookup_statx(int fd, struct statx *out)
{
	if (statx(fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, FS_STATX_MASK, out) < 0)
		return -errno;
	return 0;
}

/* As the kernel's new_encode_dev() has it. */
static uint32_t device_number(uint32_t dev_major, uint32_t dev_minor)
{
	return (dev_minor & 0xff) | dev_major << 8 | (dev_minor & ~0xffU) << 12;
}

void lookup_attr(struct fuse_attr *out, const struct statx *stx)
{
	*out = (struct fuse_attr){
		.ino = stx->stx_ino,
		.size = stx->stx_size,
		.blocks = stx->stx_blocks,
		.atime = (uint64_t)stx->stx_atime.tv_sec,
		.mtime = (uint64_t)stx->stx_mtime.tv_sec,
		.ctime = (uint64_t)stx->stx_ctime.tv_sec,
		.atimensec = stx->stx_atime.tv_nsec,
		.mtimensec = stx->stx_mtime.tv_nsec,
		.ctimensec = stx->stx_ctime.tv_nsec,
		.mode = stx->stx_mode,
		.nlink = stx->stx_nlink,
		.uid = stx->stx_uid,
		.gid = stx->stx_gid,
		.rdev = device_number(stx->stx_rdev_major, stx->stx_rdev_minor),
		.blksize = stx->stx_blksize,
	};
}

/* A directory on another mount than the one that has its name: it is the root of that mount (inode.h). */
static bool is_pinned(const struct fs_inode *dir, const struct statx *stx)
{
	return S_ISDIR(stx->stx_mode) && stx->stx_mnt_id != dir->key.mount;
}

/* See inode.h. A file that is mounted over a name has a key of its own. */
static bool is_by_name(const struct fs_inode *dir, const struct statx *stx)
{
	struct statfs st;

	return stx->stx_nlink > 1 && !S_ISDIR(stx->stx_mode) && stx->stx_mnt_id == dir->key.mount &&
	       fstatfs(dir->fd, &st) == 0 && st.f_type == OVERLAYFS_SUPER_MAGIC;
}

/* What was mounted can be unmounted, and on a file of mode 0 something may come to be mounted (vm_places.h): the guest
 * is to ask each time. */
static bool may_change(const struct fs_inode *dir, const struct statx *stx)
{
	return stx->stx_mnt_id != dir->key.mount || (stx->stx_mode & 07777) == 0;
}

static void fill(struct fs_request *rq, const struct fs_inode *dir, const struct fs_inode *i, const struct statx *stx,
		 struct fuse_entry_out *out)
{
	*out = (struct fuse_entry_out){
		.nodeid = i->nodeid,
		.entry_valid = may_change(dir, stx) ? 0 : FS_CACHE_SECONDS,
		.attr_valid = FS_CACHE_SECONDS,
	};
	lookup_attr(&out->attr, stx);
	if (rq->s->submounts && is_pinned(dir, stx))
		out->attr.flags |= FUSE_ATTR_SUBMOUNT;
}

/* fd: O_PATH; taken. name: NULL for a file without one. */
static int hold(struct fs_request *rq, const struct fs_inode *dir, const char *name, int *fd,
		struct fuse_entry_out *out)
{
	struct statx stx;
	struct fs_found found = { .stx = &stx, .dir = dir->nodeid, .name = name };
	struct fs_inode *i;
	int r = lookup_statx(*fd, &stx);

	if (r < 0)
		return r;
	found.pinned = is_pinned(dir, &stx);
	found.by_name = name && is_by_name(dir, &stx);
	r = fs_inode_add(&rq->s->inodes, &found, fd, &i);
	if (r < 0)
		return r;
	fill(rq, dir, i, &stx, out);
	fs_inode_put(&rq->s->inodes, i);
	return 0;
}

static int open_name(const struct fs_inode *dir, const char *name)
{
	struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd = sys_openat2(dir->fd, name, &how);

	return fd < 0 ? -errno : fd;
}

/* One call tells of the file. Only what must be held at once takes another two. */
int lookup_find(struct fs_request *rq, const struct fs_inode *dir, const char *name, struct fuse_entry_out *out)
{
	struct statx stx;
	struct fs_found found = { .stx = &stx, .dir = dir->nodeid, .name = name };
	struct fs_inode *i;
	AUTO_FD fd = -1;

	if (!S_ISDIR(dir->type))
		return -ENOTDIR;
	if (statx(dir->fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, FS_STATX_MASK, &stx) < 0)
		return -errno;
	found.pinned = is_pinned(dir, &stx);
	found.by_name = is_by_name(dir, &stx);
	if (fs_inode_may_be_away(&found)) {
		i = fs_inode_note(&rq->s->inodes, &found);
		if (!i)
			return -ENFILE;
	} else {
		i = fs_inode_known(&rq->s->inodes, &found);
	}
	if (!i) {
		fd = open_name(dir, name);
		return fd < 0 ? fd : hold(rq, dir, name, &fd, out);
	}
	fill(rq, dir, i, &stx, out);
	fs_inode_put(&rq->s->inodes, i);
	return 0;
}

int lookup_of_fd(struct fs_request *rq, const struct fs_inode *dir, const char *name, int fd,
		 struct fuse_entry_out *out)
{
	char fd_name[FD_NAME_MAX];
	AUTO_FD path = -1;

	lookup_fd_name(fd, fd_name);
	path = openat(rq->s->proc_fd, fd_name, O_PATH | O_CLOEXEC);
	return path < 0 ? -errno : hold(rq, dir, name, &path, out);
}

void lookup_rescue(struct fs_request *rq, const struct fs_inode *dir, const char *name)
{
	struct statx stx;
	struct fs_found found = { .stx = &stx, .dir = dir->nodeid, .name = name };

	if (atomic_load(&rq->s->inodes.away) == 0)
		return;
	if (statx(dir->fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, FS_STATX_MASK, &stx) < 0)
		return;
	found.by_name = is_by_name(dir, &stx);
	fs_inode_rescue(&rq->s->inodes, &found);
}

void lookup_moved(struct fs_request *rq, const struct fs_inode *from, const char *former, const struct fs_inode *dir,
		  const char *name)
{
	struct statx stx;
	struct fs_found found = { .stx = &stx, .dir = from->nodeid, .name = former };

	if (statx(dir->fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, FS_STATX_MASK, &stx) < 0)
		return;
	found.by_name = is_by_name(dir, &stx);
	fs_inode_moved(&rq->s->inodes, &found, dir->nodeid, name);
}

void lookup_undo(struct fs_request *rq, const struct fuse_entry_out *entry)
{
	if (entry->nodeid)
		fs_inode_forget(&rq->s->inodes, entry->nodeid, 1);
}

int lookup_reopen(const struct fs_request *rq, const struct fs_inode *i, int flags)
{
	char name[FD_NAME_MAX];
	int fd;

	if (S_ISDIR(i->type)) {
		fd = openat(i->fd, ".", flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	if (!S_ISREG(i->type))
		return S_ISLNK(i->type) ? -ELOOP : -EINVAL;
	lookup_fd_name(i->fd, name);
	fd = openat(rq->s->proc_fd, name, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}
