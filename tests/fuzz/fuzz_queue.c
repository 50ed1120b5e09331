/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_queue.c: rings as a guest may write them.
 *
 * The input is the guest's memory: one byte that chooses the queue's size and features, then
 * descriptors, available ring and used ring (which the guest may write, too) and what they point to.
 */
#include "fuzz.h"
#include "queue.h"

#define MEMORY 16384U
#define GUEST 0x1000U
#define AVAIL 4096U
#define USED 8192U

static void check_chain(const struct vq *q, const struct vq_chain *c, const uint8_t *memory)
{
	size_t bytes = 0;

	require(c->n_in + c->n_out > 0 && c->n_in + c->n_out <= q->size && c->head < q->size);
	for (unsigned int i = 0; i < c->n_in + c->n_out; i++) {
		const uint8_t *p = c->iov[i].iov_base;

		require(p >= memory && c->iov[i].iov_len > 0 && p + c->iov[i].iov_len <= memory + MEMORY);
		bytes += c->iov[i].iov_len;
	}
	require(bytes == c->bytes && bytes <= q->bytes_max);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE uint8_t *memory = aligned_alloc(4096, MEMORY);
	static struct vq_chain chain;
	struct vq_memory table = { .region = { { GUEST, MEMORY, 0, memory } }, .n = 1 };
	struct err e = { 0 };
	struct vq q;
	int r;

	if (size == 0 || size - 1 > MEMORY)
		return 0;
	memset(memory, 0, MEMORY);
	memcpy(memory, data + 1, size - 1);
	q = (struct vq){
		.size = 1U << (data[0] & 7),
		.bytes_max = 4096,
		.event_idx = data[0] & 64,
		.indirect = data[0] & 128,
		.desc = (void *)memory,
		.avail = (void *)(memory + AVAIL),
		.used = (void *)(memory + USED),
	};
	require(vq_start(&q, &table, (uint16_t)(data[0] >> 3 & 7), &e) == 0);
	while ((r = vq_pop(&q, &chain, &e)) > 0) {
		check_chain(&q, &chain, memory);
		vq_push(&q, chain.head, 1);
		(void)vq_must_notify(&q);
	}
	if (r < 0) {
		require_message(r, &e);
		require(vq_pop(&q, &chain, &e) == -EPROTO);
	}
	return 0;
}
