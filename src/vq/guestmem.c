/* SPDX-License-Identifier: Apache-2.0 */
/* guestmem.c: see guestmem.h. */
#include "guestmem.h"

/* Never a sum of numbers from outside: addr - start and size - offset cannot wrap. */
static uint8_t *within(const struct vq_region *r, uint64_t start, uint64_t addr, uint64_t len)
{
	uint64_t offset;

	if (addr < start)
		return NULL;
	offset = addr - start;
	if (offset >= r->size || len > r->size - offset)
		return NULL;
	return r->base + offset;
}

void *vq_memory_guest(const struct vq_memory *m, uint64_t addr, uint64_t len)
{
	void *p = NULL;

	for (unsigned int i = 0; len && !p && i < m->n; i++)
		p = within(&m->region[i], m->region[i].guest, addr, len);
	return p;
}

void *vq_memory_user(const struct vq_memory *m, uint64_t addr, uint64_t len)
{
	void *p = NULL;

	for (unsigned int i = 0; len && !p && i < m->n; i++)
		p = within(&m->region[i], m->region[i].user, addr, len);
	return p;
}
