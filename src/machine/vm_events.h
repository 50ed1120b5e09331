/* SPDX-License-Identifier: Apache-2.0 */
/* vm_events.h: what a VM uses, again and again, and when memory runs out in it. */
#ifndef HUSK_VM_EVENTS_H
#define HUSK_VM_EVENTS_H

#include "libcontainer.h"

/* As husk_events(); interval_ms 0: the statistics once. */
int vm_events(const struct husk_ctx *ctx, const char *id, int64_t interval_ms, husk_event_fn *fn, void *arg,
	      struct err *e);

#endif
