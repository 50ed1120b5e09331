/* SPDX-License-Identifier: Apache-2.0 */
/* op_session.c: what is about the whole share: INIT and its agreement, forgetting, the file system. */
#include "fd.h"
#include "lookup.h"
#include "op.h"
#include "statx_op.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statfs.h>

#define MINOR_MIN 31 /* Linux 5.4, the first with virtio-fs */

/* What is asked for when the guest has it.
 *   Caches: pages are dropped when a file's size or time changed (AUTO_INVAL_DATA); a symbolic
 *   link's target cannot change, so it is kept. No write-back: what the guest wrote, the host sees.
 *   Rights: umask and default ACLs are applied here, where the file system knows which of the two
 *   (DONT_MASK); set-user-id bits go as the guest says (HANDLE_KILLPRIV_V2).
 *   Not POSIX_LOCKS, FLOCK_LOCKS: locks are kept by the guest's kernel. virtio-fs cannot take a
 *   waiting request back, so a process that waits for a host's lock could not be killed. */
#define WANTED                                                                                                         \
	((uint64_t)(FUSE_ASYNC_READ | FUSE_ATOMIC_O_TRUNC | FUSE_BIG_WRITES | FUSE_DONT_MASK | FUSE_AUTO_INVAL_DATA |  \
		    FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO | FUSE_ASYNC_DIO | FUSE_PARALLEL_DIROPS |              \
		    FUSE_POSIX_ACL | FUSE_MAX_PAGES | FUSE_CACHE_SYMLINKS | FUSE_SUBMOUNTS | FUSE_HANDLE_KILLPRIV_V2 | \
		    FUSE_SETXATTR_EXT | FUSE_INIT_EXT))

/* Before 7.36 the request ends behind `flags`. */
static int read_init(struct fs_request *rq, struct fuse_init_in *in, uint64_t *out_flags)
{
	size_t base = offsetof(struct fuse_init_in, flags2);

	*in = (struct fuse_init_in){ 0 };
	if (fs_in_get(&rq->in, in, base) < 0)
		return -EINVAL;
	*out_flags = in->flags;
	if ((in->flags & FUSE_INIT_EXT) && fs_in_get(&rq->in, &in->flags2, sizeof(in->flags2)) == 0)
		*out_flags |= (uint64_t)in->flags2 << 32;
	return 0;
}

static int answer_init(struct fs_request *rq)
{
	struct fuse_init_out out = { .major = FUSE_KERNEL_VERSION, .minor = HUSK_FUSE_MINOR };
	struct fuse_init_in in;
	uint64_t flags;
	int r = read_init(rq, &in, &flags);

	if (r < 0)
		return r;
	if (in.major < FUSE_KERNEL_VERSION || (in.major == FUSE_KERNEL_VERSION && in.minor < MINOR_MIN))
		return -EPROTO;
	/* A newer major: the guest is told ours and asks again with it. */
	if (in.major > FUSE_KERNEL_VERSION)
		return fs_out_put(&rq->out, &out, sizeof(out));
	flags &= WANTED;
	out.flags = (uint32_t)flags;
	out.flags2 = (uint32_t)(flags >> 32);
	out.max_readahead = in.max_readahead;
	out.max_background = 64;
	out.congestion_threshold = 48;
	out.max_write = FS_DATA_MAX;
	out.max_pages = FS_DATA_MAX / 4096;
	out.time_gran = 1;
	r = fs_out_put(&rq->out, &out, sizeof(out));
	if (r < 0)
		return r;
	rq->s->submounts = flags & FUSE_SUBMOUNTS;
	rq->s->setxattr_ext = flags & FUSE_SETXATTR_EXT;
	atomic_store(&rq->s->is_up, true);
	return 0;
}

int op_init(struct fs_request *rq)
{
	int r = -EINVAL; /* a second one */

	(void)pthread_mutex_lock(&rq->s->init_lock);
	if (!atomic_load(&rq->s->is_up))
		r = answer_init(rq);
	(void)pthread_mutex_unlock(&rq->s->init_lock);
	return r;
}

/* Other requests may be under way: what they work on stays until they end. */
int op_destroy(struct fs_request *rq)
{
	struct fs_server *s = rq->s;

	(void)pthread_mutex_lock(&s->init_lock);
	atomic_store(&s->is_up, false);
	fs_handles_clear(&s->handles);
	fs_inodes_clear_guest(&s->inodes);
	(void)pthread_mutex_unlock(&s->init_lock);
	return 0;
}

int op_forget(struct fs_request *rq)
{
	struct fuse_forget_in in;

	if (fs_in_get(&rq->in, &in, sizeof(in)) == 0)
		fs_inode_forget(&rq->s->inodes, rq->head.nodeid, in.nlookup);
	return 0;
}

/* The count may be anything: what is really there ends it. */
int op_batch_forget(struct fs_request *rq)
{
	struct fuse_batch_forget_in in;
	struct fuse_forget_one one;

	if (fs_in_get(&rq->in, &in, sizeof(in)) < 0)
		return 0;
	for (uint32_t i = 0; i < in.count && fs_in_get(&rq->in, &one, sizeof(one)) == 0; i++)
		fs_inode_forget(&rq->s->inodes, one.nodeid, one.nlookup);
	return 0;
}

int op_statfs(struct fs_request *rq)
{
	struct fuse_statfs_out out = { 0 };
	struct statfs st;

	if (fstatfs(rq->node->fd, &st) < 0)
		return -errno;
	out.st = (struct fuse_kstatfs){
		.blocks = st.f_blocks,
		.bfree = st.f_bfree,
		.bavail = st.f_bavail,
		.files = st.f_files,
		.ffree = st.f_ffree,
		.bsize = (uint32_t)st.f_bsize,
		.namelen = (uint32_t)st.f_namelen,
		.frsize = (uint32_t)st.f_frsize,
	};
	return fs_out_put(&rq->out, &out, sizeof(out));
}

/* sync(2) in the guest, for the mount that the node is on. */
int op_syncfs(struct fs_request *rq)
{
	AUTO_FD fd = lookup_reopen(rq, rq->node, O_RDONLY);

	if (fd < 0)
		return fd;
	return syncfs(fd) < 0 ? -errno : 0;
}
