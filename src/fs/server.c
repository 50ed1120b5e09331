/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server.c: see fs.h: the server's life, and which function serves which request.
 *
 * Before INIT nothing but INIT is served, and INIT once only, until DESTROY or fs_server_reset().
 */
#include "server.h"

#include "fd.h"
#include "lookup.h"
#include "op.h"
#include "statx_op.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

int fs_server_add_root(struct fs_server *s, struct err *e)
{
	AUTO_FD fd = openat(s->root_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statx stx;
	const struct fs_found found = { .stx = &stx, .pinned = true };
	struct fs_inode *root;
	int r;

	if (fd < 0)
		return err_sys(e, errno, "open the root of the share");
	r = lookup_statx(fd, &stx);
	if (r == 0)
		r = fs_inode_add(&s->inodes, &found, &fd, &root);
	if (r < 0)
		return err_sys(e, -r, "hold the root of the share");
	fs_inode_put(&s->inodes, root);
	return 0;
}

int fs_server_new(int rootfd, unsigned int fds_max, struct fs_server **out, struct err *e)
{
	AUTO_FD proc = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct fs_server *s;
	int r;

	if (proc < 0)
		return err_sys(e, errno, "open /proc/self/fd");
	s = x_calloc(1, sizeof(*s));
	s->root_fd = rootfd;
	s->proc_fd = fd_take(&proc);
	(void)pthread_mutex_init(&s->init_lock, NULL);
	fs_inodes_init(&s->inodes, fds_max);
	fs_handles_init(&s->handles, &s->inodes);
	r = fs_server_add_root(s, e);
	if (r < 0) {
		fs_server_free(s);
		return r;
	}
	*out = s;
	return 0;
}

void fs_server_set_memory(struct fs_server *s, size_t bytes)
{
	atomic_store(&s->inodes.bytes_max, bytes);
}

/* The numbers of the old root's and all others' files end; the first number given out afterwards is
 * not FUSE_ROOT_ID again unless the array starts anew. */
void fs_server_reset(struct fs_server *s)
{
	struct err e = { 0 };

	fs_handles_clear(&s->handles);
	fs_inodes_clear(&s->inodes);
	slots_free(&s->inodes.slots);
	atomic_store(&s->is_up, false);
	(void)fs_server_add_root(s, &e);
}

void fs_server_free(struct fs_server *s)
{
	if (!s)
		return;
	fs_handles_free(&s->handles);
	fs_inodes_free(&s->inodes);
	(void)pthread_mutex_destroy(&s->init_lock);
	(void)close(s->proc_fd);
	free(s);
}

struct op {
	int (*serve)(struct fs_request *rq);
	bool needs_node;
	bool no_reply;
};

/* What is not here is answered with ENOSYS, which the guest's kernel remembers: it does without.
 * FLUSH is among them on purpose: it would cost a request at each close, and has nothing to do
 * here: writes are written through, and locks are the guest's own. ACCESS: the guest's kernel
 * checks modes and ACLs itself (virtio-fs always does). */
static const struct op ops[] = {
	[FUSE_LOOKUP] = { op_lookup, true, false },
	[FUSE_FORGET] = { op_forget, false, true },
	[FUSE_GETATTR] = { op_getattr, true, false },
	[FUSE_SETATTR] = { op_setattr, true, false },
	[FUSE_READLINK] = { op_readlink, true, false },
	[FUSE_SYMLINK] = { op_symlink, true, false },
	[FUSE_MKNOD] = { op_mknod, true, false },
	[FUSE_MKDIR] = { op_mkdir, true, false },
	[FUSE_UNLINK] = { op_unlink, true, false },
	[FUSE_RMDIR] = { op_rmdir, true, false },
	[FUSE_RENAME] = { op_rename, true, false },
	[FUSE_LINK] = { op_link, true, false },
	[FUSE_OPEN] = { op_open, true, false },
	[FUSE_READ] = { op_read, false, false },
	[FUSE_WRITE] = { op_write, false, false },
	[FUSE_STATFS] = { op_statfs, true, false },
	[FUSE_RELEASE] = { op_release, false, false },
	[FUSE_FSYNC] = { op_fsync, false, false },
	[FUSE_SETXATTR] = { op_setxattr, true, false },
	[FUSE_GETXATTR] = { op_getxattr, true, false },
	[FUSE_LISTXATTR] = { op_listxattr, true, false },
	[FUSE_REMOVEXATTR] = { op_removexattr, true, false },
	[FUSE_INIT] = { op_init, false, false },
	[FUSE_OPENDIR] = { op_opendir, true, false },
	[FUSE_READDIR] = { op_readdir, true, false },
	[FUSE_RELEASEDIR] = { op_releasedir, false, false },
	[FUSE_FSYNCDIR] = { op_fsyncdir, false, false },
	[FUSE_CREATE] = { op_create, true, false },
	[FUSE_DESTROY] = { op_destroy, false, false },
	[FUSE_BATCH_FORGET] = { op_batch_forget, false, true },
	[FUSE_FALLOCATE] = { op_fallocate, false, false },
	[FUSE_READDIRPLUS] = { op_readdirplus, true, false },
	[FUSE_RENAME2] = { op_rename2, true, false },
	[FUSE_LSEEK] = { op_lseek, false, false },
	[FUSE_COPY_FILE_RANGE] = { op_copy_file_range, false, false },
	[FUSE_SYNCFS] = { op_syncfs, true, false },
	[FUSE_TMPFILE] = { op_tmpfile, true, false },
	[HUSK_FUSE_STATX] = { op_statx, true, false },
};

static int serve(struct fs_request *rq, const struct op *op)
{
	int r;

	if (!atomic_load(&rq->s->is_up) && rq->head.opcode != FUSE_INIT)
		return -EIO;
	if (!op || !op->serve)
		return -ENOSYS;
	if (op->needs_node) {
		r = fs_inode_get(&rq->s->inodes, rq->head.nodeid, &rq->node);
		if (r < 0)
			return r;
	}
	r = op->serve(rq);
	fs_worker_back(rq->w);
	fs_inode_put(&rq->s->inodes, rq->node);
	return r;
}

/* The head says how long the request is: less than what came is padding, more is a lie. */
static int read_head(struct fs_request *rq)
{
	if (fs_in_get(&rq->in, &rq->head, sizeof(rq->head)) < 0)
		return -EBADMSG;
	if (rq->head.len < sizeof(rq->head) || fs_in_limit(&rq->in, rq->head.len - sizeof(rq->head)) < 0)
		return -EINVAL;
	return 0;
}

size_t fs_serve(struct fs_worker *w, const struct iovec *in, unsigned int n_in, const struct iovec *out,
		unsigned int n_out)
{
	struct fs_request rq = { .s = w->server, .w = w };
	const struct op *op;
	bool mute;
	int r;

	fs_in_init(&rq.in, in, n_in);
	r = read_head(&rq);
	if (r == -EBADMSG)
		return 0;
	op = rq.head.opcode < ARRAY_LEN(ops) ? &ops[rq.head.opcode] : NULL;
	mute = fs_out_init(&rq.out, out, n_out) < 0;
	/* Without room for a reply's head only what has no reply is done. */
	if (r == 0 && (!mute || (op && op->no_reply)))
		r = serve(&rq, op);
	if (mute || (op && op->no_reply))
		return 0;
	return fs_out_finish(&rq.out, rq.head.unique, r < 0 ? r : 0);
}
