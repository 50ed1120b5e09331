/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_xattr.c: extended attributes, POSIX ACLs among them, passed through.
 *
 * These calls take a path where the descriptor is O_PATH: the thread's current directory is
 * /proc/self/fd (worker.h). What a namespace of names needs is decided by the host's kernel:
 * trusted.* and security.* but security.capability need CAP_SYS_ADMIN, which the server has not.
 */
#include "lookup.h"
#include "op.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

/* linux/limits.h: the kernel's own limits of an attribute */
_Static_assert(FS_BUF_MAX >= 65536, "XATTR_SIZE_MAX and XATTR_LIST_MAX");

static int read_attr_name(struct fs_request *rq, char name[NAME_MAX + 1])
{
	int r = fs_in_text(&rq->in, name, NAME_MAX + 1);

	if (r == 0)
		return -EINVAL;
	return r == -ENAMETOOLONG ? -ERANGE : r;
}

int op_setxattr(struct fs_request *rq)
{
	struct fuse_setxattr_in in = { 0 };
	char name[NAME_MAX + 1], path[FD_NAME_MAX];
	size_t head = rq->s->setxattr_ext ? sizeof(in) : FUSE_COMPAT_SETXATTR_IN_SIZE;
	int r;

	if (fs_in_get(&rq->in, &in, head) < 0 || (in.flags & ~(uint32_t)(XATTR_CREATE | XATTR_REPLACE)))
		return -EINVAL;
	r = read_attr_name(rq, name);
	if (r < 0)
		return r;
	if (in.size > FS_BUF_MAX)
		return -E2BIG;
	if (fs_in_get(&rq->in, rq->w->buf, in.size) < 0)
		return -EINVAL;
	fs_worker_fsetid(rq->w, true);
	/* An ACL may take the set-group-id bit away, which depends on the caller's group. */
	if (in.setxattr_flags & FUSE_SETXATTR_ACL_KILL_SGID) {
		r = fs_worker_become(rq->w, rq->head.uid, rq->head.gid, 0);
		if (r < 0)
			return r;
		fs_worker_fsetid(rq->w, false);
	}
	lookup_fd_name(rq->node->fd, path);
	return setxattr(path, name, rq->w->buf, in.size, (int)in.flags) < 0 ? -errno : 0;
}

/* size 0 asks how large it is; an answer that does not fit is ERANGE, as for a local caller. */
static int put_value(struct fs_request *rq, uint32_t size, ssize_t len)
{
	struct fuse_getxattr_out out = { .size = (uint32_t)len };

	if (size == 0)
		return fs_out_put(&rq->out, &out, sizeof(out));
	return fs_out_put(&rq->out, rq->w->buf, (size_t)len);
}

static size_t room(uint32_t size)
{
	return size < FS_BUF_MAX ? size : FS_BUF_MAX;
}

int op_getxattr(struct fs_request *rq)
{
	struct fuse_getxattr_in in;
	char name[NAME_MAX + 1], path[FD_NAME_MAX];
	ssize_t len;
	int r;

	if (fs_in_get(&rq->in, &in, sizeof(in)) < 0)
		return -EINVAL;
	r = read_attr_name(rq, name);
	if (r < 0)
		return r;
	lookup_fd_name(rq->node->fd, path);
	len = getxattr(path, name, rq->w->buf, room(in.size));
	return len < 0 ? -errno : put_value(rq, in.size, len);
}

int op_listxattr(struct fs_request *rq)
{
	struct fuse_getxattr_in in;
	char path[FD_NAME_MAX];
	ssize_t len;

	if (fs_in_get(&rq->in, &in, sizeof(in)) < 0)
		return -EINVAL;
	lookup_fd_name(rq->node->fd, path);
	len = listxattr(path, rq->w->buf, room(in.size));
	return len < 0 ? -errno : put_value(rq, in.size, len);
}

int op_removexattr(struct fs_request *rq)
{
	char name[NAME_MAX + 1], path[FD_NAME_MAX];
	int r = read_attr_name(rq, name);

	if (r < 0)
		return r;
	lookup_fd_name(rq->node->fd, path);
	return removexattr(path, name) < 0 ? -errno : 0;
}
