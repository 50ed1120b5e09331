/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue.c: see queue.h.
 *
 * Everything in the rings is little endian and may change at any time. It is read through
 * volatile, once; a number that was read is checked before it is used. The device's own
 * indices are its own: what the guest writes over them is never read back.
 */
#include "queue.h"

#include <endian.h>
#include <stdatomic.h>

#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

size_t vq_desc_bytes(unsigned int size)
{
	return sizeof(struct vring_desc) * size;
}

size_t vq_avail_bytes(unsigned int size)
{
	return sizeof(struct vring_avail) + sizeof(uint16_t) * size + sizeof(uint16_t);
}

size_t vq_used_bytes(unsigned int size)
{
	return sizeof(struct vring_used) + sizeof(struct vring_used_elem) * size + sizeof(uint16_t);
}

int vq_start(struct vq *q, const struct vq_memory *memory, uint16_t base, struct err *e)
{
	if (q->size == 0 || q->size > VQ_SIZE_MAX || (q->size & (q->size - 1)))
		return err_set(e, EINVAL, "a queue of %u descriptors: expected a power of two up to %d", q->size,
			       VQ_SIZE_MAX);
	if ((uintptr_t)q->desc % 16 || (uintptr_t)q->avail % 2 || (uintptr_t)q->used % 4)
		return err_set(e, EINVAL, "a queue whose rings are not aligned (virtio 1.2, 2.7)");
	q->broken = false;
	q->next_avail = base;
	q->next_used = le16toh(READ_ONCE(q->used->idx));
	q->signalled = q->next_used;
	q->memory = memory;
	return 0;
}

uint16_t vq_stop(struct vq *q)
{
	q->memory = NULL;
	return q->next_avail;
}

static int broken(struct vq *q, struct err *e, const char *why, unsigned int number)
{
	q->broken = true;
	return err_set(e, EPROTO, "the guest broke its queue: %s (%u)", why, number);
}

static struct vring_desc read_desc(const struct vring_desc *from)
{
	return (struct vring_desc){
		.addr = le64toh(READ_ONCE(from->addr)),
		.len = le32toh(READ_ONCE(from->len)),
		.flags = le16toh(READ_ONCE(from->flags)),
		.next = le16toh(READ_ONCE(from->next)),
	};
}

/* One buffer goes to the end of the chain. */
static int add_buffer(struct vq *q, struct vq_chain *c, const struct vring_desc *d, struct err *e)
{
	unsigned int n = c->n_in + c->n_out;
	void *p;

	if (n >= q->size)
		return broken(q, e, "a chain longer than the queue", q->size);
	if (!(d->flags & VRING_DESC_F_WRITE) && c->n_out)
		return broken(q, e, "a buffer to read behind one to write", n);
	if (d->len > q->bytes_max - c->bytes)
		return broken(q, e, "a chain of more bytes than the limit", (unsigned int)q->bytes_max);
	p = vq_memory_guest(q->memory, d->addr, d->len);
	if (!p)
		return broken(q, e, "a buffer that is empty or not in guest memory, of bytes", d->len);
	c->iov[n] = (struct iovec){ p, d->len };
	c->bytes += d->len;
	if (d->flags & VRING_DESC_F_WRITE)
		c->n_out++;
	else
		c->n_in++;
	return 0;
}

/* Follows `next` in a table of n descriptors. *out_indirect: the table that the last one names. */
static int walk(struct vq *q, struct vq_chain *c, const struct vring_desc *table, unsigned int n, unsigned int at,
		struct vring_desc *out_indirect, struct err *e)
{
	for (unsigned int seen = 0; seen < n; seen++) {
		struct vring_desc d;
		int r;

		if (at >= n)
			return broken(q, e, "a descriptor that the table has not", at);
		d = read_desc(&table[at]);
		if (d.flags & VRING_DESC_F_INDIRECT) {
			if (!out_indirect || !q->indirect || (d.flags & (VRING_DESC_F_NEXT | VRING_DESC_F_WRITE)))
				return broken(q, e, "an indirect descriptor out of place", at);
			*out_indirect = d;
			return 0;
		}
		r = add_buffer(q, c, &d, e);
		if (r < 0 || !(d.flags & VRING_DESC_F_NEXT))
			return r;
		at = d.next;
	}
	return broken(q, e, "a chain that does not end", n);
}

static int walk_indirect(struct vq *q, struct vq_chain *c, const struct vring_desc *d, struct err *e)
{
	unsigned int n = d->len / sizeof(struct vring_desc);
	const struct vring_desc *table;

	if (n == 0 || n > q->size || d->len % sizeof(struct vring_desc))
		return broken(q, e, "an indirect table of this many bytes", d->len);
	table = vq_memory_guest(q->memory, d->addr, d->len);
	if (!table || (uintptr_t)table % _Alignof(struct vring_desc))
		return broken(q, e, "an indirect table that is not in guest memory or not aligned, of bytes", d->len);
	return walk(q, c, table, n, 0, NULL, e);
}

static int read_chain(struct vq *q, uint16_t head, struct vq_chain *c, struct err *e)
{
	struct vring_desc indirect = { 0 };
	int r;

	c->head = head;
	c->n_in = c->n_out = 0;
	c->bytes = 0;
	r = walk(q, c, q->desc, q->size, head, &indirect, e);
	if (r == 0 && indirect.len)
		r = walk_indirect(q, c, &indirect, e);
	if (r == 0 && c->n_in + c->n_out == 0)
		r = broken(q, e, "a chain without a buffer", head);
	return r;
}

/* Where the guest puts the used index at which it wants an interrupt, and where we put the
 * available one at which we want a notification (virtio 1.2, 2.7.7 and 2.7.10). */
static uint16_t *used_event(struct vq *q)
{
	return &q->avail->ring[q->size];
}

static uint16_t *avail_event(struct vq *q)
{
	return (uint16_t *)(void *)((char *)q->used + vq_used_bytes(q->size) - sizeof(uint16_t));
}

/* How many entries the guest has put there that were not taken yet. */
static unsigned int waiting(struct vq *q)
{
	uint16_t idx = le16toh(READ_ONCE(q->avail->idx));

	atomic_thread_fence(memory_order_acquire);
	return (uint16_t)(idx - q->next_avail);
}

int vq_pop(struct vq *q, struct vq_chain *out, struct err *e)
{
	unsigned int n;
	uint16_t head;
	int r;

	if (!q->memory)
		return 0;
	if (q->broken)
		return err_set(e, EPROTO, "the guest broke its queue before");
	n = waiting(q);
	if (n == 0 && q->event_idx) {
		WRITE_ONCE(*avail_event(q), htole16(q->next_avail));
		atomic_thread_fence(memory_order_seq_cst);
		n = waiting(q);
	}
	if (n == 0)
		return 0;
	if (n > q->size)
		return broken(q, e, "more entries at once than the queue has", n);
	head = le16toh(READ_ONCE(q->avail->ring[q->next_avail & (q->size - 1)]));
	if (head >= q->size)
		return broken(q, e, "a descriptor that the table has not", head);
	q->next_avail++;
	/* A notification for what comes while this one is served, by another thread perhaps. */
	if (q->event_idx)
		WRITE_ONCE(*avail_event(q), htole16(q->next_avail));
	r = read_chain(q, head, out, e);
	return r < 0 ? r : 1;
}

void vq_push(struct vq *q, uint16_t head, uint32_t len)
{
	struct vring_used_elem *elem;

	if (!q->memory || q->broken)
		return;
	elem = &q->used->ring[q->next_used & (q->size - 1)];
	WRITE_ONCE(elem->id, htole32(head));
	WRITE_ONCE(elem->len, htole32(len));
	q->next_used++;
	atomic_thread_fence(memory_order_release);
	WRITE_ONCE(q->used->idx, htole16(q->next_used));
}

bool vq_must_notify(struct vq *q)
{
	uint16_t before = q->signalled;

	if (!q->memory || q->broken)
		return false;
	atomic_thread_fence(memory_order_seq_cst);
	q->signalled = q->next_used;
	if (q->event_idx)
		return vring_need_event(le16toh(READ_ONCE(*used_event(q))), q->next_used, before);
	return !(le16toh(READ_ONCE(q->avail->flags)) & VRING_AVAIL_F_NO_INTERRUPT);
}
