/* SPDX-License-Identifier: Apache-2.0 */
/* gen.h: JSON written by yajl. json.h is the other direction. */
#ifndef HUSK_BASE_GEN_H
#define HUSK_BASE_GEN_H

#include <stdbool.h>
#include <stdint.h>
#include <yajl/yajl_gen.h>

/* indent: of one level; NULL: all is one line. Aborts when memory runs out. gen_end() ends it. */
yajl_gen gen_new(const char *indent);
/* The text, for free(). */
char *gen_end(yajl_gen g);

/* A key, or an element of an array. */
void gen_string(yajl_gen g, const char *s);

/* Members of an object. */
void gen_pair(yajl_gen g, const char *key, const char *value); /* a NULL value: nothing is written */
void gen_bool(yajl_gen g, const char *key, bool value);
void gen_u64(yajl_gen g, const char *key, uint64_t value);
/* text is JSON already: a number, or what was parsed before. */
void gen_raw(yajl_gen g, const char *key, const char *text);
/* An array; a NULL ends strings. */
void gen_strings(yajl_gen g, const char *key, const char *const *strings);

/* key NULL: the outermost one, or an element of an array. */
void gen_object_open(yajl_gen g, const char *key);
void gen_object_close(yajl_gen g);
void gen_array_open(yajl_gen g, const char *key);
void gen_array_close(yajl_gen g);

#endif
