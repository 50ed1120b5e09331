/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue.h: a split virtqueue (virtio 1.2, section 2.7), the only reader of descriptors.
 *
 * It knows no transport: it has three ring parts in guest memory and a table to translate
 * addresses with. The guest is hostile: each descriptor is read once into a local copy, a chain
 * has at most as many descriptors as the queue (its indirect table too), its bytes are capped,
 * all lie in guest memory. The first thing that breaks a rule makes the queue broken: from then
 * on vq_pop() gives nothing but the error, until vq_start().
 *
 * Not thread-safe: the caller locks.
 */
#ifndef HUSK_VQ_QUEUE_H
#define HUSK_VQ_QUEUE_H

#include "err.h"
#include "guestmem.h"

#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <sys/uio.h>

#define VQ_SIZE_MAX 1024 /* descriptors; also the most that readv(2) takes (IOV_MAX) */

struct vq {
	const struct vq_memory *memory; /* NULL: not started */
	unsigned int size;		/* a power of two, at most VQ_SIZE_MAX */
	size_t bytes_max;		/* of a chain */
	bool event_idx;			/* VIRTIO_RING_F_EVENT_IDX was agreed */
	bool indirect;			/* VIRTIO_RING_F_INDIRECT_DESC was agreed */
	bool broken;
	uint16_t next_avail, next_used;
	uint16_t signalled; /* next_used when vq_must_notify() was last asked */
	const struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
};

/* A chain: iov[0, n_in) the device reads, iov[n_in, n_in + n_out) it writes. */
struct vq_chain {
	uint16_t head;
	unsigned int n_in, n_out;
	size_t bytes;
	struct iovec iov[VQ_SIZE_MAX];
};

/* Bytes of the three parts of a queue of this size, the event index included. */
size_t vq_desc_bytes(unsigned int size);
size_t vq_avail_bytes(unsigned int size);
size_t vq_used_bytes(unsigned int size);

/* size, bytes_max, event_idx, indirect, desc, avail, used are set (the parts by vq_*_bytes() and the
 * translator); the queue goes on at entry `base` of the available ring. -EINVAL: a size that is none. */
int vq_start(struct vq *q, const struct vq_memory *memory, uint16_t base, struct err *e);
/* From here on vq_pop() gives nothing. Returns the entry to go on with later. */
uint16_t vq_stop(struct vq *q);

/* 1 and the next chain; 0: there is none, and the guest will notify when there is; -EPROTO: the
 * guest broke a rule, e says which. */
int vq_pop(struct vq *q, struct vq_chain *out, struct err *e);
/* Gives the chain back, with len bytes written into it. */
void vq_push(struct vq *q, uint16_t head, uint32_t len);
/* True when the guest wants an interrupt for what was pushed since this was last asked. */
bool vq_must_notify(struct vq *q);

#endif
