/* SPDX-License-Identifier: Apache-2.0 */
/* slots.c: see slots.h. A number is generation << 32 | place. */
#include "slots.h"

#include "str.h"

#include <stdlib.h>

uint64_t slots_add(struct slots *s, void *p)
{
	uint32_t place = s->free;

	if (place) {
		s->free = s->v[place].next_free;
	} else {
		if (s->n == s->cap) {
			s->cap = s->cap ? s->cap * 2 : 64;
			s->v = x_realloc(s->v, s->cap, sizeof(*s->v));
		}
		if (s->n == 0)
			s->v[s->n++] = (struct slot){ 0 };
		place = s->n++;
		s->v[place] = (struct slot){ 0 };
	}
	s->v[place].p = p;
	s->used++;
	return (uint64_t)s->v[place].generation << 32 | place;
}

void *slots_get(const struct slots *s, uint64_t id)
{
	uint32_t place = (uint32_t)id;

	if (place == 0 || place >= s->n || s->v[place].generation != id >> 32)
		return NULL;
	return s->v[place].p;
}

void *slots_remove(struct slots *s, uint64_t id)
{
	void *p = slots_get(s, id);
	uint32_t place = (uint32_t)id;

	if (!p)
		return NULL;
	s->v[place].p = NULL;
	s->v[place].generation++;
	s->v[place].next_free = s->free;
	s->free = place;
	s->used--;
	return p;
}

void *slots_at(const struct slots *s, uint32_t i)
{
	return i < s->n ? s->v[i].p : NULL;
}

void slots_free(struct slots *s)
{
	free(s->v);
	*s = (struct slots){ 0 };
}
