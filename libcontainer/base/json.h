/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.h: a read-only JSON tree, made by yajl's event parser in one arena.
 *
 * Every node knows its parent, its key or index and the bytes of the text it
 * was made from, so that an error can name its path ("linux.namespaces[2].path")
 * and a part of the text can serve as a cache key. Bounded: JSON_TEXT_MAX bytes,
 * JSON_DEPTH_MAX levels; a key that occurs twice in one object is refused.
 */
#ifndef HUSK_BASE_JSON_H
#define HUSK_BASE_JSON_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_TEXT_MAX (8U << 20) /* bytes of one text */
#define JSON_DEPTH_MAX 64	 /* nested arrays and objects */

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
	enum json_type type;
	bool boolean;		   /* JSON_BOOL */
	const char *str;	   /* JSON_STRING, or the digits of a JSON_NUMBER; NUL-terminated */
	size_t len;		   /* bytes of str; elements of an array or object */
	const char *key;	   /* the name in an object, else NULL */
	unsigned int index;	   /* the place in its parent */
	uint32_t start, end;	   /* the value's bytes: text[start] .. text[end - 1] */
	const struct json *parent; /* NULL at the top */
	const struct json *child;  /* the first element */
	const struct json *next;   /* the next element of the parent */
};

struct json_doc {
	const struct json *root;
	const char *text; /* the bytes parsed, kept for start and end */
	struct json_arena *arena;
};

/* Parses text[0..len): the doc keeps a pointer to text, which must outlive it.
 * The message says line and column. Strings hold no NUL bytes ("\u0000" is
 * refused). */
int json_parse(const char *text, size_t len, struct json_doc *out, struct err *e);
void json_free(struct json_doc *doc);

/* The member of an object; NULL if obj is NULL, no object, or has none (a
 * member that is null counts as absent, as Go's writers of config.json mean it). */
const struct json *json_get(const struct json *obj, const char *key);
/* The text of that member; NULL when there is none, it is empty, or no string. */
const char *json_get_text(const struct json *obj, const char *key);
#define json_each(it, parent_) for (const struct json *it = (parent_) ? (parent_)->child : NULL; it; it = it->next)

/* "linux.namespaces[2].path" into out, cut to size. */
void json_path(const struct json *v, char *out, size_t size);

/* Typed reads: 0, or an error "<path>: expected a string, got a number".
 * v must not be NULL. */
int json_want(const struct json *v, enum json_type type, struct err *e);
int json_str(const struct json *v, const char **out, struct err *e);
int json_bool(const struct json *v, bool *out, struct err *e);
int json_i64(const struct json *v, int64_t min, int64_t max, int64_t *out, struct err *e);
int json_u64(const struct json *v, uint64_t max, uint64_t *out, struct err *e);
/* An array of strings as a NULL-terminated vector in the doc's arena. */
int json_strv(const struct json_doc *doc, const struct json *v, char ***out, size_t *out_n, struct err *e);
/* "<path>: <message>", returns -code. */
int json_err(struct err *e, int code, const struct json *v, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Zeroed memory that lives as long as the doc. */
void *json_alloc(const struct json_doc *doc, size_t n, size_t size);

#endif
