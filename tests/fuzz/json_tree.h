/* SPDX-License-Identifier: Apache-2.0 */
/* json_tree.h: what holds for each tree that json_parse() makes. */
#ifndef HUSK_TESTS_FUZZ_JSON_TREE_H
#define HUSK_TESTS_FUZZ_JSON_TREE_H

#include "fuzz.h"
#include "json.h"

/* Each node lies within its parent and after the one before it; a path fits any buffer. */
static inline void require_tree(const struct json *v)
{
	uint32_t at = v->start;
	char path[32];

	require(v->start < v->end);
	json_path(v, path, sizeof(path));
	require(memchr(path, '\0', sizeof(path)) != NULL);
	json_each (child, v) {
		require(child->parent == v && child->start >= at && child->end <= v->end);
		at = child->end;
		require_tree(child);
	}
}

#endif
