/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.h: what the targets share. */
#ifndef HUSK_TESTS_FUZZ_H
#define HUSK_TESTS_FUZZ_H

#include "err.h"
#include "log.h"
#include "str.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void require(bool condition)
{
	if (!condition)
		abort();
}

/* A failure's code is what was returned, and its message says something. */
static inline void require_message(int r, const struct err *e)
{
	require(r < 0 && e->code == -r && e->msg[0] && memchr(e->msg, '\0', sizeof(e->msg)));
}

/* Warnings go through all of log.c, and nowhere. */
static inline void log_nowhere(void)
{
	static bool done;

	if (!done)
		require(log_open("/dev/null", LOG_JSON, LOG_LVL_DEBUG, NULL) == 0);
	done = true;
}

/* Exactly as long as the text and its NUL, so that a sanitizer sees a read beyond. */
static inline char *text_copy(const void *data, size_t size)
{
	char *s = x_calloc(size + 1, 1);

	if (size)
		memcpy(s, data, size);
	return s;
}

/* The next of the texts that NUL bytes part; NULL at the end. A copy. */
static inline char *next_text(const uint8_t **data, size_t *size)
{
	const uint8_t *start = *data, *end;
	size_t len;

	if (*size == 0)
		return NULL;
	end = memchr(start, '\0', *size);
	len = end ? (size_t)(end - start) : *size;
	*data += len + (end != NULL);
	*size -= len + (end != NULL);
	return text_copy(start, len);
}

#endif
