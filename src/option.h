/* SPDX-License-Identifier: Apache-2.0 */
/*
 * option.h: command-line options by table.
 *
 * A table says what an option is called, what it takes, where in a struct its
 * value goes and what the help text says about it. Taken are `--name value`,
 * `--name=value`, the same with one dash (as Go's programs do), letters (`-b dir`,
 * `-b=dir`, `-bdir`, `-ab`), flags with `=true` or `=false`, and `--`, which ends
 * the options. `--help` and `-h` belong to every table. No state: the values are
 * pointers into argv.
 */
#ifndef HUSK_OPTION_H
#define HUSK_OPTION_H

#include "err.h"
#include "str.h"

#include <stdbool.h>
#include <stddef.h>

#define OPTION_COUNT_MAX (1 << 20) /* the largest OPTION_COUNT */

enum option_kind {
	OPTION_FLAG,   /* bool */
	OPTION_STRING, /* const char *; the last one given wins; never empty */
	OPTION_COUNT,  /* int, 0 .. OPTION_COUNT_MAX */
	OPTION_LIST,   /* struct option_list; each one given is added; none is empty */
};

struct option_def {
	const char *name; /* the long name; NULL ends a table */
	char letter;	  /* the short name, or 0 */
	enum option_kind kind;
	size_t offset;	   /* of the value in the struct that option_parse() fills */
	const char *value; /* what the help text calls the value; NULL for a flag */
	const char *help;
};

/* v is NULL until the first one is given, then it ends with a NULL. */
struct option_list {
	const char **v;
	size_t n;
};

enum option_order {
	OPTION_ANYWHERE,     /* options may stand after plain words */
	OPTION_BEFORE_WORDS, /* the first plain word ends the options */
};

/* Parses words, a NULL-terminated vector, into the zeroed or preset struct `into`. The plain words
 * are moved to the front of words, with a NULL after them. Returns how many there are, or -EINVAL.
 * When help is asked for, *out_help is set and the rest is not looked at. End with option_free(),
 * on failure too. */
int option_parse(const struct option_def *table, void *into, char **words, enum option_order order, bool *out_help,
		 struct err *e);
/* Frees the lists in `into`. */
void option_free(const struct option_def *table, void *into);

/* Adds one line an option, --help included. */
void option_help(const struct option_def *table, struct strbuf *out);

#endif
