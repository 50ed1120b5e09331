/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_dir.c: open directories.
 *
 * A position is what the host's file system calls one (d_off). A handle keeps what was read
 * ahead; a request that goes on where the last one ended takes from there.
 */
#include "fd.h"
#include "lookup.h"
#include "op.h"
#include "str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* getdents64(2) */
struct dirent_64 {
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

#define PLUS_HEAD FUSE_NAME_OFFSET_DIRENTPLUS
#define PLAIN_HEAD FUSE_NAME_OFFSET

int op_opendir(struct fs_request *rq)
{
	struct fuse_open_out out = { 0 };
	struct fuse_open_in in;
	AUTO_FD fd = -1;
	int r;

	if (fs_in_get(&rq->in, &in, sizeof(in)) < 0)
		return -EINVAL;
	if (!S_ISDIR(rq->node->type))
		return -ENOTDIR;
	fd = lookup_reopen(rq, rq->node, O_RDONLY | (int)(in.flags & O_NOATIME));
	if (fd < 0)
		return fd;
	r = fs_handle_add(&rq->s->handles, rq->node, &fd, &out.fh);
	if (r < 0)
		return r;
	r = fs_out_put(&rq->out, &out, sizeof(out));
	if (r < 0)
		(void)fs_handle_release(&rq->s->handles, out.fh, true);
	return r;
}

/* Locked. 1: there is an entry at h->at; 0: no more. */
static int read_ahead(struct fs_request *rq, struct fs_handle *h)
{
	long n;

	if (h->at < h->len)
		return 1;
	if (!h->dirents) {
		if (!fs_inodes_take_bytes(&rq->s->inodes, FS_DIRENTS_MAX))
			return -ENOMEM;
		h->dirents = x_calloc(FS_DIRENTS_MAX, 1);
	}
	n = syscall(SYS_getdents64, h->fd, h->dirents, FS_DIRENTS_MAX);
	h->at = 0;
	h->len = n > 0 ? (size_t)n : 0;
	return n < 0 ? -errno : n > 0;
}

/* Locked. */
static int seek_to(struct fs_handle *h, uint64_t offset)
{
	if ((uint64_t)h->pos == offset)
		return 0;
	if (offset > INT64_MAX || lseek(h->fd, (off_t)offset, SEEK_SET) < 0)
		return -EINVAL;
	h->at = h->len = 0;
	h->pos = (off_t)offset;
	return 0;
}

/* The length of an entry with such a head, 0 when there is no room for it. */
static size_t entry_size(size_t head, size_t name_len, size_t room)
{
	size_t size = FUSE_DIRENT_ALIGN(head + name_len);

	return size <= room ? size : 0;
}

static void put_dirent(char *to, const struct dirent_64 *d, size_t name_len)
{
	struct fuse_dirent head = {
		.ino = d->ino,
		.off = (uint64_t)d->off,
		.namelen = (uint32_t)name_len,
		.type = d->type,
	};

	memcpy(to, &head, PLAIN_HEAD);
	memcpy(to + PLAIN_HEAD, d->name, name_len);
}

/* "." and ".." are listed with no lookup: they lead nowhere, and the guest asks for neither. A file that
 * is gone, or too many to hold, is listed without one, too. */
static void find_plus(struct fs_request *rq, const struct dirent_64 *d, struct fuse_entry_out *out)
{
	*out = (struct fuse_entry_out){ 0 };
	if (strcmp(d->name, ".") != 0 && strcmp(d->name, "..") != 0 && lookup_find(rq, rq->node, d->name, out) < 0)
		*out = (struct fuse_entry_out){ 0 };
}

/* Locked. Fills buf with entries from the handle's position on; those with a lookup are given to the
 * guest with it. Returns the bytes. */
static int fill(struct fs_request *rq, struct fs_handle *h, bool plus, char *buf, size_t size)
{
	size_t len = 0;
	int r = 0;

	while ((r = read_ahead(rq, h)) > 0) {
		const struct dirent_64 *d = (const void *)(h->dirents + h->at);
		size_t name_len = strlen(d->name);
		size_t need = entry_size(plus ? PLUS_HEAD : PLAIN_HEAD, name_len, size - len);

		if (need == 0)
			break;
		memset(buf + len, 0, need);
		if (plus) {
			struct fuse_entry_out entry;

			find_plus(rq, d, &entry);
			memcpy(buf + len, &entry, sizeof(entry));
			put_dirent(buf + len + sizeof(entry), d, name_len);
		} else {
			put_dirent(buf + len, d, name_len);
		}
		len += need;
		h->at += d->reclen;
		h->pos = d->off;
	}
	return r < 0 && len == 0 ? r : (int)len;
}

static int read_dir(struct fs_request *rq, bool plus)
{
	struct fuse_read_in in;
	struct fs_handle *h;
	size_t size;
	int r;

	if (fs_in_get(&rq->in, &in, sizeof(in)) < 0)
		return -EINVAL;
	h = fs_handle_get(&rq->s->handles, in.fh, true);
	if (!h)
		return -EBADF;
	size = in.size < FS_BUF_MAX ? in.size : FS_BUF_MAX;
	if (size > rq->out.size)
		size = rq->out.size;
	(void)pthread_mutex_lock(&h->lock);
	r = seek_to(h, in.offset);
	if (r == 0)
		r = fill(rq, h, plus, rq->w->buf, size);
	(void)pthread_mutex_unlock(&h->lock);
	fs_handle_put(&rq->s->handles, h);
	return r < 0 ? r : fs_out_put(&rq->out, rq->w->buf, (size_t)r);
}

int op_readdir(struct fs_request *rq)
{
	return read_dir(rq, false);
}

int op_readdirplus(struct fs_request *rq)
{
	return read_dir(rq, true);
}

int op_releasedir(struct fs_request *rq)
{
	struct fuse_release_in in;

	if (fs_in_get(&rq->in, &in, sizeof(in)) < 0)
		return -EINVAL;
	return fs_handle_release(&rq->s->handles, in.fh, true);
}
