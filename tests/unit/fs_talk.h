/* SPDX-License-Identifier: Apache-2.0 */
/* fs_talk.h: a file server over a new directory, and requests to it as a guest's kernel sends them. */
#ifndef HUSK_TEST_FS_TALK_H
#define HUSK_TEST_FS_TALK_H

#include "fs.h"
#include "str.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TALK_OUT_MAX (FS_DATA_MAX + 4096)

struct talk {
	char dir[64]; /* what is outside is here, what is served is here/share */
	int dir_fd;   /* of the share */
	struct fs_server *server;
	struct fs_worker worker;
	uint32_t uid, gid; /* whom the next request is from */
	char *in, *out;	   /* buffers: `out` holds the last reply */
	size_t in_len, out_len;
	size_t out_max; /* the room that the next request leaves for its reply */
};

/* Serves what is at the share's path now, at most fds_max descriptors of it. */
static inline void talk_serve(struct talk *t, unsigned int fds_max)
{
	char share[80];
	struct err e = { 0 };

	(void)snprintf(share, sizeof(share), "%s/share", t->dir);
	t->dir_fd = open(share, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fs_server_new(t->dir_fd, fds_max, &t->server, &e) < 0 || fs_worker_start(&t->worker, t->server, &e) < 0) {
		(void)fprintf(stderr, "%s\n", e.msg);
		abort();
	}
}

static inline void talk_end_server(struct talk *t)
{
	fs_worker_end(&t->worker);
	fs_server_free(t->server);
	(void)close(t->dir_fd);
}

static inline struct talk *talk_new(unsigned int fds_max)
{
	struct talk *t = x_calloc(1, sizeof(*t));
	char share[80];

	(void)snprintf(t->dir, sizeof(t->dir), "/tmp/check_fs.XXXXXX");
	if (!mkdtemp(t->dir))
		abort();
	(void)snprintf(share, sizeof(share), "%s/share", t->dir);
	if (mkdir(share, 0755) < 0)
		abort();
	talk_serve(t, fds_max);
	t->in = x_calloc(TALK_OUT_MAX, 1);
	t->out = x_calloc(TALK_OUT_MAX, 1);
	t->out_max = TALK_OUT_MAX;
	t->uid = geteuid();
	t->gid = getegid();
	return t;
}

static inline void talk_free(struct talk *t)
{
	AUTO_FREE char *command = x_printf("rm -rf '%s'", t->dir);

	talk_end_server(t);
	free(t->in);
	free(t->out);
	(void)!system(command);
	free(t);
}

/* The request's body, piece by piece. */
static inline void talk_begin(struct talk *t)
{
	t->in_len = sizeof(struct fuse_in_header);
}

static inline void talk_add(struct talk *t, const void *data, size_t len)
{
	memcpy(t->in + t->in_len, data, len);
	t->in_len += len;
}

static inline void talk_add_text(struct talk *t, const char *text)
{
	talk_add(t, text, strlen(text) + 1);
}

/* Exactly these bytes in buffers of their own, so that a sanitizer sees what is read or written beyond. */
static inline size_t talk_raw(struct talk *t, const void *in, size_t in_len, size_t out_len)
{
	AUTO_FREE char *in_copy = malloc(in_len ? in_len : 1), *out_copy = malloc(out_len ? out_len : 1);
	struct iovec in_iov, out_iov;

	memcpy(in_copy, in, in_len);
	memset(out_copy, 0, out_len);
	in_iov = (struct iovec){ in_copy, in_len };
	out_iov = (struct iovec){ out_copy, out_len };
	t->out_len = fs_serve(&t->worker, &in_iov, in_len > 0, &out_iov, out_len > 0);
	if (t->out_len > out_len)
		abort();
	memcpy(t->out, out_copy, out_len);
	return t->out_len;
}

static inline const void *talk_body(const struct talk *t)
{
	return t->out + sizeof(struct fuse_out_header);
}

static inline size_t talk_body_len(const struct talk *t)
{
	return t->out_len - sizeof(struct fuse_out_header);
}

/* Sends what was added. The reply's error (0 or -errno); 1: there was no reply. */
static inline int talk_end(struct talk *t, uint32_t opcode, uint64_t nodeid)
{
	struct fuse_in_header head = {
		.len = (uint32_t)t->in_len,
		.opcode = opcode,
		.unique = 7,
		.nodeid = nodeid,
		.uid = t->uid,
		.gid = t->gid,
	};
	struct fuse_out_header reply;

	memcpy(t->in, &head, sizeof(head));
	if (talk_raw(t, t->in, t->in_len, t->out_max) == 0)
		return 1;
	memcpy(&reply, t->out, sizeof(reply));
	if (reply.len != t->out_len || reply.unique != 7 || (reply.error && t->out_len != sizeof(reply)))
		abort();
	return reply.error;
}

/* A request of one struct and up to two names. */
static inline int talk_send(struct talk *t, uint32_t opcode, uint64_t nodeid, const void *arg, size_t len,
			    const char *name, const char *name2)
{
	talk_begin(t);
	if (arg)
		talk_add(t, arg, len);
	if (name)
		talk_add_text(t, name);
	if (name2)
		talk_add_text(t, name2);
	return talk_end(t, opcode, nodeid);
}

#define ALL_INIT_FLAGS 0x7fffffffU

static inline int talk_init(struct talk *t)
{
	struct fuse_init_in in = { .major = 7, .minor = 38, .max_readahead = 131072, .flags = ALL_INIT_FLAGS };

	return talk_send(t, FUSE_INIT, 0, &in, sizeof(in), NULL, NULL);
}

/* The number of a name, 0 when there is none. */
static inline uint64_t talk_lookup(struct talk *t, uint64_t dir, const char *name)
{
	struct fuse_entry_out entry;

	if (talk_send(t, FUSE_LOOKUP, dir, NULL, 0, name, NULL) != 0)
		return 0;
	memcpy(&entry, talk_body(t), sizeof(entry));
	return entry.nodeid;
}

/* The handle of an open file; 0: it was refused. */
static inline uint64_t talk_open(struct talk *t, uint64_t node, uint32_t flags)
{
	struct fuse_open_in in = { .flags = flags };
	struct fuse_open_out out;

	if (talk_send(t, FUSE_OPEN, node, &in, sizeof(in), NULL, NULL) != 0)
		return 0;
	memcpy(&out, talk_body(t), sizeof(out));
	return out.fh;
}

/* How many descriptors are open, to see that as many are after something that failed. */
static inline int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}

#endif
