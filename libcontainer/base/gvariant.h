/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gvariant.h: values in GVariant's text format (docs.gtk.org/glib/gvariant-text-format.html), as far as properties of
 * systemd's units have them: booleans, integers, strings, and arrays of strings.
 */
#ifndef HUSK_BASE_GVARIANT_H
#define HUSK_BASE_GVARIANT_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GVARIANT_TEXT_MAX 4096	/* bytes of a text */
#define GVARIANT_STRINGS_MAX 64 /* of an array */

struct gvariant {
	const char *type;   /* as D-Bus names it: b, y, n, q, i, u, x, t, s or as */
	uint64_t magnitude; /* of an integer; 1 for true */
	bool negative;
	char **strings; /* of s (one) or as; NULL-terminated, owned */
	size_t n_strings;
};

/* A whole text: "true", "uint64 7", "@t 0x7", "-1", "'a\n'", "['a', \"b\"]", "@as []". An integer without a type is an
 * int32. -EINVAL for what is none of these, -E2BIG above the limits. End with gvariant_free(), which bears what
 * failed. Pure. */
int gvariant_parse(const char *text, struct gvariant *out, struct err *e);
void gvariant_free(struct gvariant *v);

#endif
