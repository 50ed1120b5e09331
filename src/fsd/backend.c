/* SPDX-License-Identifier: Apache-2.0 */
/* backend.c: see backend.h: the threads' side. What QEMU says is taken in vhost.c. */
#include "backend.h"

#include "str.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

int backend_init(struct backend *d, struct fs_server *fs, int sock, struct err *e)
{
	pthread_rwlockattr_t attr;

	*d = (struct backend){ .fs = fs, .sock = sock };
	(void)pthread_rwlockattr_init(&attr);
	/* else a busy guest could keep QEMU's message waiting for ever */
	(void)pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	(void)pthread_rwlock_init(&d->lock, &attr);
	(void)pthread_rwlockattr_destroy(&attr);
	for (unsigned int i = 0; i < BACKEND_QUEUES_MAX; i++) {
		(void)pthread_mutex_init(&d->queue[i].lock, NULL);
		d->queue[i].kick = d->queue[i].call = d->queue[i].err = -1;
		d->queue[i].enabled = true;
	}
	d->epoll = epoll_create1(EPOLL_CLOEXEC);
	return d->epoll < 0 ? err_sys(e, errno, "make an epoll set") : 0;
}

/* The first thread that meets it speaks. */
static void end_broken(const struct backend_queue *dq, const struct err *e)
{
	static atomic_flag told = ATOMIC_FLAG_INIT;
	uint64_t one = 1;

	if (atomic_flag_test_and_set(&told))
		return;
	if (dq->err >= 0)
		(void)!write(dq->err, &one, sizeof(one));
	(void)fprintf(stderr, "husk-fsd: %s\n", e->msg);
	_exit(EXIT_FAILURE);
}

static void interrupt(const struct backend_queue *dq)
{
	uint64_t one = 1;

	if (dq->call >= 0)
		(void)!write(dq->call, &one, sizeof(one));
}

static bool take(struct backend_queue *dq, struct vq_chain *chain)
{
	struct err e = { 0 };
	int r;

	(void)pthread_mutex_lock(&dq->lock);
	r = dq->enabled ? vq_pop(&dq->q, chain, &e) : 0;
	(void)pthread_mutex_unlock(&dq->lock);
	if (r < 0)
		end_broken(dq, &e);
	return r > 0;
}

static void give_back(struct backend_queue *dq, const struct vq_chain *chain, size_t len)
{
	bool notify;

	(void)pthread_mutex_lock(&dq->lock);
	vq_push(&dq->q, chain->head, (uint32_t)len);
	notify = vq_must_notify(&dq->q);
	(void)pthread_mutex_unlock(&dq->lock);
	if (notify)
		interrupt(dq);
}

/* All requests that are there. The lock is given up after each, for QEMU's messages. */
static void drain(struct backend *d, struct backend_queue *dq, struct fs_worker *w, struct vq_chain *chain)
{
	bool more;

	do {
		(void)pthread_rwlock_rdlock(&d->lock);
		more = take(dq, chain);
		if (more)
			give_back(dq, chain,
				  fs_serve(w, chain->iov, chain->n_in, chain->iov + chain->n_in, chain->n_out));
		(void)pthread_rwlock_unlock(&d->lock);
	} while (more);
}

/* Edge-triggered, and nobody reads the kicks: each write to an eventfd is an edge, and wakes one thread. */
void backend_serve(struct backend *d, struct fs_worker *w)
{
	struct vq_chain *chain = x_calloc(1, sizeof(*chain));

	for (;;) {
		struct epoll_event event;
		int n = epoll_wait(d->epoll, &event, 1, -1);

		if (n == 1)
			drain(d, &d->queue[event.data.u32], w, chain);
	}
}
