/* SPDX-License-Identifier: Apache-2.0 */
/* regions.h: the guest's memory, mapped from the descriptors that QEMU gave. */
#ifndef HUSK_FSD_REGIONS_H
#define HUSK_FSD_REGIONS_H

#include "err.h"
#include "guestmem.h"
#include "vhost_msg.h"

struct regions { /* start from all zeroes */
	struct vq_memory memory;
	struct {
		void *p;
		size_t len;
	} map[VQ_REGIONS_MAX];
};

/* Replaces what is mapped by a message's table and descriptors (which stay the message's). On failure
 * nothing is mapped. A region that its file does not hold in full, or that wraps, is refused. */
int regions_map(struct regions *r, const struct vhost_msg *m, struct err *e);
void regions_unmap(struct regions *r);

#endif
