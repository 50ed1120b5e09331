/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema_key.h: the keys of config.json, one by one, as the runtime-spec 1.3 has them in
 * config.md, config-linux.md and the documents of the other platforms; and what husk
 * does with each. schema_keys.c has the tables, check_schema.c walks them.
 *
 * "[]" in a path stands for each element of an array, "{}" for each name in a map. A text
 * has ' for ", and %s where the key's value belongs.
 */
#ifndef HUSK_TESTS_SCHEMA_KEY_H
#define HUSK_TESTS_SCHEMA_KEY_H

#include "spec_text.h"

#include <stddef.h>

enum schema_type {
	STR,
	STRV, /* an array of strings */
	NUM,
	BOOL,
	CHR, /* a string whose first letter is kept */
	ARR,
	OBJ,
};

/* Read into struct spec: what `base` finds holds the value at `offset`. */
struct schema_key {
	const char *path;
	enum schema_type type;
	enum part part;
	const char *text, *good;
	const void *(*base)(const struct spec *spec);
	size_t offset, size;
};

/* Of linux.resources, which spec.c hands on as it is. One of: */
struct schema_limit {
	const char *path;
	enum schema_type type;
	const char *text, *good; /* text: the members of linux.resources */
	const char *file;	 /* the file of the cgroup that it is written to */
	const char *refused;	 /* the message */
	const char *nothing;	 /* why there is nothing to do on cgroup v2 */
};

struct schema_refused {
	const char *path;
	enum part part;
	const char *text, *message;
};

/* Where the effect of all keys below a path is tested. */
struct schema_proof {
	const char *path, *file;
};

extern const struct schema_key schema_keys[];
extern const struct schema_limit schema_limits[];
extern const struct schema_refused schema_refused[];
extern const struct schema_proof schema_proofs[];
extern const size_t n_schema_keys, n_schema_limits, n_schema_refused, n_schema_proofs;

#endif
