/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slots.h: numbers that a guest may hold, and what they stand for.
 *
 * A number is a place in an array and that place's generation: one that was given back, made up
 * or used too late finds nothing. 0 is never given out; the first number given is 1.
 * Not thread-safe: the caller locks.
 */
#ifndef HUSK_FS_SLOTS_H
#define HUSK_FS_SLOTS_H

#include <stdint.h>

struct slot {
	void *p;	     /* NULL: free */
	uint32_t generation; /* of the number that stands for p, or will for the next */
	uint32_t next_free;
};

struct slots { /* start from all zeroes */
	struct slot *v;
	uint32_t n, cap; /* v[0] is never used */
	uint32_t free;	 /* the first free place, 0: none */
	uint32_t used;
};

uint64_t slots_add(struct slots *s, void *p); /* p is not NULL */
void *slots_get(const struct slots *s, uint64_t id);
/* Returns what it stood for, NULL when nothing. */
void *slots_remove(struct slots *s, uint64_t id);
/* The i-th place's (1 <= i < n), NULL when free: to go over all. */
void *slots_at(const struct slots *s, uint32_t i);
/* Frees the array, not what the numbers stand for. */
void slots_free(struct slots *s);

#endif
