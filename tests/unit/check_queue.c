/* SPDX-License-Identifier: Apache-2.0 */
/* check_queue.c: a virtqueue is read with bounds, whatever the guest puts there. */
#include "ck_err.h"
#include "ck_run.h"
#include "queue.h"
#include "str.h"

#include <check.h>

#define SIZE 8U
#define MEMORY 65536U
#define GUEST 0x100000U /* where the guest has it */
#define DATA (GUEST + 4096)

static uint8_t *memory;
static struct vq_memory table;
static struct vq q;
static struct vq_chain *chain;
static struct vring_desc *desc;

static void set_up(void)
{
	memory = aligned_alloc(4096, MEMORY);
	ck_assert_ptr_nonnull(memory);
	memset(memory, 0, MEMORY);
	chain = x_calloc(1, sizeof(*chain));
	table = (struct vq_memory){ .region = { { GUEST, MEMORY, 0, memory } }, .n = 1 };
	desc = (void *)memory;
	q = (struct vq){
		.size = SIZE,
		.bytes_max = 10000,
		.event_idx = true,
		.indirect = true,
		.desc = desc,
		.avail = (void *)(memory + 1024),
		.used = (void *)(memory + 2048),
	};
	ck_assert_ok(vq_start(&q, &table, 0, e));
}

static void tear_down(void)
{
	free(memory);
	free(chain);
}

static void offer(uint16_t head)
{
	q.avail->ring[q.avail->idx % SIZE] = head;
	q.avail->idx++;
}

static void put(struct vring_desc *at, uint64_t addr, uint32_t len, uint16_t flags, uint16_t next)
{
	*at = (struct vring_desc){ .addr = addr, .len = len, .flags = flags, .next = next };
}

/* Behind the used ring: where the device says from which entry on it wants a notification. */
static uint16_t avail_event(void)
{
	uint16_t event;

	memcpy(&event, memory + 2048 + vq_used_bytes(SIZE) - sizeof(event), sizeof(event));
	return event;
}

START_TEST(a_chain_is_its_buffers_in_order)
{
	put(&desc[3], DATA, 10, VRING_DESC_F_NEXT, 5);
	put(&desc[5], DATA + 100, 20, VRING_DESC_F_NEXT, 0);
	put(&desc[0], DATA + 200, 30, VRING_DESC_F_WRITE, 0);
	ck_assert_int_eq(vq_pop(&q, chain, NULL), 0);
	offer(3);
	ck_assert_int_eq(vq_pop(&q, chain, NULL), 1);
	ck_assert(chain->head == 3 && chain->n_in == 2 && chain->n_out == 1 && chain->bytes == 60);
	ck_assert_ptr_eq(chain->iov[1].iov_base, memory + 4096 + 100);
	ck_assert_uint_eq(chain->iov[2].iov_len, 30);
	ck_assert_int_eq(vq_pop(&q, chain, NULL), 0);
	vq_push(&q, chain->head, 25);
	ck_assert(q.used->idx == 1 && q.used->ring[0].id == 3 && q.used->ring[0].len == 25);
}
END_TEST

START_TEST(an_indirect_table_is_a_chain)
{
	struct vring_desc *indirect = (void *)(memory + 8192);

	put(&indirect[0], DATA, 10, VRING_DESC_F_NEXT, 1);
	put(&indirect[1], DATA, 10, VRING_DESC_F_WRITE, 0);
	put(&desc[1], GUEST + 8192, 2 * sizeof(*indirect), VRING_DESC_F_INDIRECT, 0);
	offer(1);
	ck_assert_int_eq(vq_pop(&q, chain, NULL), 1);
	ck_assert(chain->head == 1 && chain->n_in == 1 && chain->n_out == 1);
}
END_TEST

START_TEST(the_indices_go_round)
{
	put(&desc[0], DATA, 1, 0, 0);
	for (unsigned int i = 0; i < 70000; i++) {
		offer(0);
		ck_assert_int_eq(vq_pop(&q, chain, NULL), 1);
		vq_push(&q, chain->head, i);
		ck_assert_uint_eq(q.used->ring[i % SIZE].len, i);
	}
	ck_assert_uint_eq(q.used->idx, 70000 % 65536);
	ck_assert_uint_eq(vq_stop(&q), 70000 % 65536);
	offer(0);
	ck_assert_int_eq(vq_pop(&q, chain, NULL), 0);
}
END_TEST

START_TEST(the_guest_is_interrupted_when_it_asked_for_that)
{
	put(&desc[0], DATA, 1, 0, 0);
	q.avail->ring[SIZE] = 1; /* used_event: at the second one */
	for (int i = 0; i < 3; i++) {
		offer(0);
		ck_assert_int_eq(vq_pop(&q, chain, NULL), 1);
		vq_push(&q, 0, 0);
		ck_assert_int_eq(vq_must_notify(&q), i == 1);
	}
	q.event_idx = false;
	ck_assert(vq_must_notify(&q));
	q.avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	ck_assert(!vq_must_notify(&q));
}
END_TEST

START_TEST(the_guest_is_told_when_to_notify)
{
	put(&desc[0], DATA, 1, 0, 0);
	ck_assert_int_eq(vq_pop(&q, chain, NULL), 0);
	offer(0);
	offer(0);
	ck_assert_int_eq(vq_pop(&q, chain, NULL), 1);
	ck_assert_uint_eq(avail_event(), 1);
	ck_assert_int_eq(vq_pop(&q, chain, NULL), 1);
	ck_assert_int_eq(vq_pop(&q, chain, NULL), 0);
	ck_assert_uint_eq(avail_event(), 2);
}
END_TEST

/* What is refused: the descriptors from 0 on, then the message's words. */
static const struct {
	struct vring_desc d[3];
	const char *why;
} bad[] = {
	{ { { DATA, 1, VRING_DESC_F_NEXT, 0 } }, "does not end" }, /* itself */
	{ { { DATA, 1, VRING_DESC_F_NEXT, 1 }, { DATA, 1, VRING_DESC_F_NEXT, 0 } }, "does not end" },
	{ { { DATA, 1, VRING_DESC_F_NEXT, SIZE } }, "table has not" },
	{ { { DATA, 1, VRING_DESC_F_NEXT, 0xffff } }, "table has not" },
	{ { { DATA, 0, 0, 0 } }, "empty or not in guest memory" },
	{ { { GUEST - 1, 2, 0, 0 } }, "not in guest memory" },
	{ { { GUEST + MEMORY - 1, 2, 0, 0 } }, "not in guest memory" },
	{ { { GUEST + MEMORY, 1, 0, 0 } }, "not in guest memory" },
	{ { { UINT64_MAX, 2, 0, 0 } }, "not in guest memory" },
	{ { { 0, 1, 0, 0 } }, "not in guest memory" },
	{ { { DATA, 10001, 0, 0 } }, "more bytes" },
	{ { { DATA, 10000, VRING_DESC_F_NEXT, 1 }, { DATA, 1, 0, 0 } }, "more bytes" },
	{ { { DATA, UINT32_MAX, VRING_DESC_F_NEXT, 1 }, { DATA, UINT32_MAX, 0, 0 } }, "more bytes" },
	{ { { DATA, 1, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 1 }, { DATA, 1, 0, 0 } }, "behind one to write" },
	{ { { DATA, 16, VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT, 1 } }, "out of place" },
	{ { { DATA, 16, VRING_DESC_F_INDIRECT | VRING_DESC_F_WRITE, 0 } }, "out of place" },
	{ { { DATA, 0, VRING_DESC_F_INDIRECT, 0 } }, "without a buffer" },
	{ { { DATA, 17, VRING_DESC_F_INDIRECT, 0 } }, "this many bytes" },
	{ { { DATA, 16 * (SIZE + 1), VRING_DESC_F_INDIRECT, 0 } }, "this many bytes" },
	{ { { DATA, 0xfffffff0, VRING_DESC_F_INDIRECT, 0 } }, "this many bytes" },
	{ { { GUEST + MEMORY - 16, 32, VRING_DESC_F_INDIRECT, 0 } }, "not in guest memory" },
	{ { { DATA + 1, 16, VRING_DESC_F_INDIRECT, 0 } }, "not aligned" },
	/* a table whose entry names a table */
	{ { { GUEST + 16, 16, VRING_DESC_F_INDIRECT, 0 }, { DATA, 16, VRING_DESC_F_INDIRECT, 0 } }, "out of place" },
};

START_TEST(a_chain_that_breaks_a_rule_breaks_the_queue)
{
	memcpy(desc, bad[_i].d, sizeof(bad[_i].d));
	offer(0);
	ck_assert_fails(vq_pop(&q, chain, e), EPROTO, bad[_i].why);
	put(&desc[0], DATA, 1, 0, 0);
	offer(0);
	ck_assert_fails(vq_pop(&q, chain, e), EPROTO, "before");
	vq_push(&q, 0, 0);
	ck_assert_uint_eq(q.used->idx, 0);
	ck_assert(!vq_must_notify(&q));
}
END_TEST

START_TEST(a_chain_has_no_more_buffers_than_the_queue)
{
	struct vring_desc *indirect = (void *)(memory + 8192);

	for (uint16_t i = 0; i < SIZE - 1; i++)
		put(&desc[i], DATA, 1, VRING_DESC_F_NEXT, i + 1);
	put(&desc[SIZE - 1], GUEST + 8192, 2 * sizeof(*indirect), VRING_DESC_F_INDIRECT, 0);
	put(&indirect[0], DATA, 1, VRING_DESC_F_NEXT, 1);
	put(&indirect[1], DATA, 1, 0, 0);
	offer(0);
	ck_assert_fails(vq_pop(&q, chain, e), EPROTO, "longer than the queue");
}
END_TEST

START_TEST(entries_that_cannot_be_are_refused)
{
	offer(SIZE);
	ck_assert_fails(vq_pop(&q, chain, e), EPROTO, "table has not");
	ck_assert_ok(vq_start(&q, &table, 0, e));
	q.avail->idx = SIZE + 1;
	ck_assert_fails(vq_pop(&q, chain, e), EPROTO, "more entries");
}
END_TEST

START_TEST(indirect_tables_only_when_agreed)
{
	q.indirect = false;
	put(&desc[0], DATA, 16, VRING_DESC_F_INDIRECT, 0);
	offer(0);
	ck_assert_fails(vq_pop(&q, chain, e), EPROTO, "out of place");
}
END_TEST

START_TEST(sizes_and_places_that_are_none_are_refused)
{
	static const unsigned int sizes[] = { 0, 3, 1023, 2048, 1U << 31 };

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		q.size = sizes[i];
		ck_assert_fails(vq_start(&q, &table, 0, e), EINVAL, "power of two");
	}
	q.size = SIZE;
	q.used = (void *)(memory + 2);
	ck_assert_fails(vq_start(&q, &table, 0, e), EINVAL, "not aligned");
}
END_TEST

START_TEST(a_range_is_in_one_region_or_nowhere)
{
	struct vq_memory two = { .region = { { 4096, 4096, 1 << 20, memory }, { 8192, 4096, 2 << 20, memory + 8192 } },
				 .n = 2 };

	ck_assert_ptr_eq(vq_memory_guest(&two, 8191, 1), memory + 4095);
	ck_assert_ptr_null(vq_memory_guest(&two, 8191, 2)); /* adjacent for the guest, not here */
	ck_assert_ptr_eq(vq_memory_guest(&two, 8192, 4096), memory + 8192);
	ck_assert_ptr_null(vq_memory_guest(&two, 8192, 4097));
	ck_assert_ptr_null(vq_memory_guest(&two, 8193, UINT64_MAX));
	ck_assert_ptr_null(vq_memory_guest(&two, 8192, 0));
	ck_assert_ptr_eq(vq_memory_user(&two, (2 << 20) + 7, 1), memory + 8199);
	ck_assert_ptr_null(vq_memory_user(&two, 8192, 1));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue");
	TCase *c = tcase_create("queue");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, a_chain_is_its_buffers_in_order);
	tcase_add_test(c, an_indirect_table_is_a_chain);
	tcase_add_test(c, the_indices_go_round);
	tcase_add_test(c, the_guest_is_interrupted_when_it_asked_for_that);
	tcase_add_test(c, the_guest_is_told_when_to_notify);
	tcase_add_loop_test(c, a_chain_that_breaks_a_rule_breaks_the_queue, 0, (int)ARRAY_LEN(bad));
	tcase_add_test(c, a_chain_has_no_more_buffers_than_the_queue);
	tcase_add_test(c, entries_that_cannot_be_are_refused);
	tcase_add_test(c, indirect_tables_only_when_agreed);
	tcase_add_test(c, sizes_and_places_that_are_none_are_refused);
	tcase_add_test(c, a_range_is_in_one_region_or_nowhere);
	suite_add_tcase(suite, c);
	return ck_run(suite);
}
