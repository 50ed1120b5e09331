/* SPDX-License-Identifier: Apache-2.0 */
/* server.h: what the operations share: the server and the request at hand. Not for users of fs.h. */
#ifndef HUSK_FS_SERVER_H
#define HUSK_FS_SERVER_H

#include "fs.h"
#include "fusemsg.h"
#include "handle.h"
#include "inode.h"
#include "worker.h"

#include <stdatomic.h>

#define FS_IOV_MAX 1024	 /* as readv(2) has */
#define FS_BUF_MAX 65536 /* the largest xattr, and what a directory's reply is built in */

struct fs_server {
	int root_fd; /* the caller's */
	int proc_fd; /* /proc/self/fd */
	struct fs_inodes inodes;
	struct fs_handles handles;
	atomic_bool is_up; /* INIT was answered; what it agreed on stands: */
	bool submounts;	   /* FUSE_SUBMOUNTS */
	bool setxattr_ext; /* FUSE_SETXATTR_EXT */
	pthread_mutex_t init_lock;
};

struct fs_request {
	struct fs_server *s;
	struct fs_worker *w;
	struct fuse_in_header head;
	struct fs_in in;
	struct fs_out out;
	struct fs_inode *node; /* the file of head.nodeid, for the operations that need it */
};

/* The root gets its number. */
int fs_server_add_root(struct fs_server *s, struct err *e);

#endif
