/* SPDX-License-Identifier: Apache-2.0 */
/* format.h: what list and ps share: --format, and JSON to standard output by yajl. */
#ifndef HUSK_FORMAT_H
#define HUSK_FORMAT_H

#include "err.h"
#include "gen.h"

#include <stdbool.h>

/* --format's value (NULL: table) -> is it json? */
int format_is_json(const char *format, bool *out_json, struct err *e);

/* "key": "value". An absent value is an empty string. */
void format_pair(yajl_gen gen, const char *key, const char *value);
/* Prints what gen holds and a newline, and frees gen. */
int format_print(yajl_gen gen, struct err *e);

#endif
