/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op.h: the operations of FUSE, a function each, in the files op_<noun>.c.
 *
 * Each takes what it needs from rq->in, puts its reply into rq->out and returns 0, or -errno,
 * which is then the reply. rq->node is there if the operation works on a file.
 */
#ifndef HUSK_FS_OP_H
#define HUSK_FS_OP_H

#include "server.h"

/* op_session.c */
int op_init(struct fs_request *rq);
int op_destroy(struct fs_request *rq);
int op_forget(struct fs_request *rq);
int op_batch_forget(struct fs_request *rq);
int op_statfs(struct fs_request *rq);
int op_syncfs(struct fs_request *rq);

/* op_attr.c */
int op_lookup(struct fs_request *rq);
int op_getattr(struct fs_request *rq);
int op_setattr(struct fs_request *rq);
int op_statx(struct fs_request *rq);
int op_readlink(struct fs_request *rq);

/* op_name.c */
int op_mknod(struct fs_request *rq);
int op_mkdir(struct fs_request *rq);
int op_symlink(struct fs_request *rq);
int op_link(struct fs_request *rq);
int op_unlink(struct fs_request *rq);
int op_rmdir(struct fs_request *rq);
int op_rename(struct fs_request *rq);
int op_rename2(struct fs_request *rq);

/* op_dir.c */
int op_opendir(struct fs_request *rq);
int op_readdir(struct fs_request *rq);
int op_readdirplus(struct fs_request *rq);
int op_releasedir(struct fs_request *rq);

/* op_open.c */
int op_open(struct fs_request *rq);
int op_create(struct fs_request *rq);
int op_tmpfile(struct fs_request *rq);
int op_release(struct fs_request *rq);

/* op_file.c */
int op_read(struct fs_request *rq);
int op_write(struct fs_request *rq);
int op_fsync(struct fs_request *rq);
int op_fsyncdir(struct fs_request *rq);
int op_fallocate(struct fs_request *rq);
int op_lseek(struct fs_request *rq);
int op_copy_file_range(struct fs_request *rq);

/* op_xattr.c */
int op_setxattr(struct fs_request *rq);
int op_getxattr(struct fs_request *rq);
int op_listxattr(struct fs_request *rq);
int op_removexattr(struct fs_request *rq);

#endif
