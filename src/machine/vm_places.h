/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm_places.h: where mounts that are added to a running VM stand in its shared folder.
 *
 * A place is a directory ("d7") or a file ("f7") in <--root>/.jail/added, empty, of nobody's rights, and made when it
 * is needed first. Every jail has that directory read-only as /export/<id>/added, and the source of an added mount
 * is mounted on a place there, in that jail alone. Which places of a VM are taken, and for which destination,
 * is in its state directory; the guest has no part in it. husk alone reads and writes it, one at a time.
 */
#ifndef HUSK_VM_PLACES_H
#define HUSK_VM_PLACES_H

#include "libcontainer.h"

#include <stdbool.h>
#include <stddef.h>

#define VM_PLACES_MAX 64 /* of one VM at once */

struct vm_place {
	char name[8];
	char *destination; /* in the container, as it was written, without what says nothing; owned */
	bool found;
};

struct vm_places {
	char *root; /* --root; owned */
	int dir;    /* the VM's state directory */
	int lock;
	struct vm_place v[VM_PLACES_MAX]; /* the oldest first */
	size_t n;
};

/* Waits for the other commands about the places of this VM. On failure there is nothing to close. -ENOENT when it has
 * been deleted meanwhile. */
int vm_places_open(const struct husk_ctx *ctx, const char *id, struct vm_places *out, struct err *e);
/* What was not saved is forgotten. */
void vm_places_close(struct vm_places *p);
int vm_places_save(const struct vm_places *p, struct err *e);

/* A free one becomes this destination's, and is there. *out_name lives as long as p. -ENOSPC. */
int vm_places_take(struct vm_places *p, const char *destination, bool directory, const char **out_name, struct err *e);
/* The youngest of this destination that was not found before; NULL: there is none. */
const char *vm_places_find(struct vm_places *p, const char *destination);
/* It is free again. */
void vm_places_give(struct vm_places *p, const char *name);

#endif
