/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guestmem.h: where guest memory is in this process, and the one translator of guest addresses.
 *
 * It owns the table, not the mappings: who fills it maps and unmaps. An address of the guest's
 * becomes a pointer here and nowhere else; the whole range lies in one region, or there is none.
 */
#ifndef HUSK_VQ_GUESTMEM_H
#define HUSK_VQ_GUESTMEM_H

#include <stddef.h>
#include <stdint.h>

#define VQ_REGIONS_MAX 8 /* as vhost-user has without memory slots */

struct vq_region {
	uint64_t guest; /* first guest physical address */
	uint64_t size;	/* bytes; guest + size does not wrap */
	uint64_t user;	/* where the other process has it: vhost-user gives ring addresses so; else 0 */
	uint8_t *base;	/* where it is here */
};

struct vq_memory {
	struct vq_region region[VQ_REGIONS_MAX];
	unsigned int n;
};

/* len bytes at a guest physical address; NULL when len is 0 or they are not all in one region. */
void *vq_memory_guest(const struct vq_memory *m, uint64_t addr, uint64_t len);
/* The same for an address of the other process. */
void *vq_memory_user(const struct vq_memory *m, uint64_t addr, uint64_t len);

#endif
