/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backend.h: the vhost-user device: queues in the guest's memory, served by threads.
 *
 * One thread (the caller of backend_run()) takes QEMU's messages, the others serve requests. A
 * thread waits for a kick of any queue in one epoll set, takes requests from that queue until
 * there is none, and serves each with no lock of the queue held: so several work on one queue at
 * once, and a request that blocks (fsync) holds up, while threads are left, those only that came with the
 * same kick. Nobody polls: it was tried for 100 microseconds beside QEMU's TCG on two cores, and took from the
 * guest more than it gave.
 *
 * `lock` keeps the two sides apart: a thread holds it for reading while it has a request; a
 * message that changes memory or a queue waits for all of them (writing).
 *
 * A queue is processed while it has memory, rings and a kick descriptor, and is enabled. It begins
 * enabled: QEMU 7.2 never says so for this device.
 */
#ifndef HUSK_FSD_BACKEND_H
#define HUSK_FSD_BACKEND_H

#include "err.h"
#include "fs.h"
#include "queue.h"
#include "regions.h"

#include <pthread.h>
#include <stdbool.h>

#define BACKEND_QUEUES_MAX 9 /* one for urgent requests (FORGET), eight for others */

struct backend_queue {
	pthread_mutex_t lock;
	struct vq q;
	unsigned int size;
	uint64_t desc, avail, used; /* addresses of QEMU's */
	uint16_t base;
	int kick, call, err;
	bool enabled;
};

struct backend {
	struct fs_server *fs;
	int sock, epoll;
	uint64_t features, protocol_features;
	pthread_rwlock_t lock;
	struct regions regions;
	struct backend_queue queue[BACKEND_QUEUES_MAX];
};

/* Both are borrowed. */
int backend_init(struct backend *d, struct fs_server *fs, int sock, struct err *e);

/* A thread's loop. It ends the process when the guest breaks a queue, with a message: its QEMU's
 * jail is told by that, and a guest that does so is broken or hostile. */
void backend_serve(struct backend *d, struct fs_worker *w) __attribute__((noreturn));
/* QEMU's messages, until it closes the connection (0) or breaks the protocol (-errno). */
int backend_run(struct backend *d, struct err *e);

#endif
