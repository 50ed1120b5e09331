/* SPDX-License-Identifier: Apache-2.0 */
/*
 * modules.h: which modules a guest needs, and where they lie, by libkmod and the
 * tables that depmod(8) made. It never asks the kernel that runs here, nor
 * modprobe's configuration of this host.
 */
#ifndef HUSK_PREPARE_MODULES_H
#define HUSK_PREPARE_MODULES_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>

struct module {
	char *name; /* "virtio_rng", as the kernel calls it */
	char *path; /* of its file, packed or not */
};

/* From all zeroes; modules_free() ends it. */
struct modules {
	struct module *v; /* in the order of loading */
	size_t n;
	char **builtin; /* what the guest needs and this kernel has built in; ends with a NULL */
	char **absent;	/* what would be of use, but is not there; ends with a NULL */
};

/* dir: such as /lib/modules/6.1.0. NULL: there are no modules, all is taken to be built in. image: those for a disk
 * image as the guest's root, too. -ENOENT with the name when one that no guest can do without is neither there nor
 * built in. */
int modules_resolve(const char *dir, bool image, struct modules *out, struct err *e);
void modules_free(struct modules *m);

#endif
