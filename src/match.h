/* SPDX-License-Identifier: Apache-2.0 */
/* match.h: a command on every container whose id matches a regular expression. */
#ifndef HUSK_MATCH_H
#define HUSK_MATCH_H

#include "libcontainer.h"

/* Calls act for each container whose id contains a match of pattern (POSIX extended, regex(7)).
 * None is no error. All are tried; the messages of failures but the last are logged as warnings,
 * the last one is left in *e and its code returned. */
int match_each(const struct husk_ctx *ctx, const char *pattern,
	       int (*act)(const struct husk_ctx *ctx, const char *id, const void *arg, struct err *e), const void *arg,
	       struct err *e);

#endif
