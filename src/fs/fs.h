/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fs.h: the virtio-fs file server: a FUSE request in, a FUSE reply out, over buffers.
 *
 * It serves one directory and what is mounted below it, and knows no transport. The guest is
 * hostile: whatever it sends, it reaches nothing outside of that tree, and opens nothing but
 * regular files and directories.
 *
 * One server, any number of threads: each thread has a worker of its own and calls fs_serve().
 * A process that has other threads beside the server's gives the first worker's thread its own
 * descriptor table (unshare(CLONE_FILES)) and starts the others from there: they share the files.
 *
 * What the host changes is seen in the guest after FS_CACHE_SECONDS at the latest; a file's
 * content at each open.
 */
#ifndef HUSK_FS_FS_H
#define HUSK_FS_FS_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#define FS_CACHE_SECONDS 1			    /* how long the guest may believe a name and attributes */
#define FS_DATA_MAX (1U << 20)			    /* bytes of a read or write */
#define FS_MEMORY (48UL << 20)			    /* bytes for what the guest remembers and has open */
#define FS_REQUEST_MAX (FS_DATA_MAX + (128U << 10)) /* bytes of a request with its reply's buffers */

struct fs_server;

/* rootfd: a directory, by O_PATH or opened; kept open by the caller until the server is freed.
 * fds_max: descriptors that files of the guest may take at once (beyond: ENFILE in the guest).
 * Needs /proc, once: /proc/self/fd is held open. */
int fs_server_new(int rootfd, unsigned int fds_max, struct fs_server **out, struct err *e);
/* Another bound than FS_MEMORY. Beyond it a guest can neither look up nor open more (ENFILE). */
void fs_server_set_memory(struct fs_server *s, size_t bytes);
/* All that the guest had is forgotten: it must begin with INIT again. No fs_serve() runs. */
void fs_server_reset(struct fs_server *s);
void fs_server_free(struct fs_server *s);

struct fs_worker {
	struct fs_server *server;
	bool is_root;	   /* may act as others */
	bool acts;	   /* as another than itself just now */
	bool has_fsetid;   /* may have CAP_FSETID at all */
	bool fsetid;	   /* has it just now */
	mode_t umask_bits; /* of the thread */
	struct iovec *iov; /* for reads and writes; FS_IOV_MAX of them */
	char *buf;	   /* FS_BUF_MAX bytes */
};

/* Makes the calling thread fit to serve: own umask and current directory (see worker.h). */
int fs_worker_start(struct fs_worker *w, struct fs_server *s, struct err *e);
/* Frees what the worker holds; the thread stays as it is. */
void fs_worker_end(struct fs_worker *w);

/* One request: `in` is read, the reply is written to `out`. Returns the bytes of the reply, 0 when
 * there is none. Never fails: what is wrong is said in the reply. */
size_t fs_serve(struct fs_worker *w, const struct iovec *in, unsigned int n_in, const struct iovec *out,
		unsigned int n_out);

#endif
