/* SPDX-License-Identifier: Apache-2.0 */
/* str.h: heap strings that free themselves, and the bounded number parsers.
 * Memory: these abort when it runs out (see conventions: commands may). */
#ifndef HUSK_BASE_STR_H
#define HUSK_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* AUTO_FREE char *s = ...: freed when the scope ends. */
#define AUTO_FREE __attribute__((cleanup(str_cleanup)))

static inline void str_cleanup(void *p)
{
	free(*(void **)p);
}

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* calloc, realloc, strdup, asprintf that never return NULL. */
void *x_calloc(size_t n, size_t size);
void *x_realloc(void *p, size_t n, size_t size);
char *x_strdup(const char *s);
char *x_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

bool str_eq(const char *a, const char *b); /* false when one of them is NULL */
bool str_starts(const char *s, const char *prefix);
/* Is this path dir, or below it? Of the texts, neither with a slash at its end. */
bool str_is_in(const char *path, const char *dir);

/* The whole of s is a decimal number in [0, max] ([min, max]): no sign (but
 * '-' for i64), no blanks, no leading '+'. 0 or -EINVAL, -ERANGE; *out is
 * untouched on failure. */
int str_u64(const char *s, uint64_t max, uint64_t *out);
int str_i64(const char *s, int64_t min, int64_t max, int64_t *out);
/* The digits that *s begins with; *s moves behind them. False, and *out untouched: there are none, or the
 * number is above max. */
bool str_take_u64(const char **s, uint64_t max, uint64_t *out);

/* A growing text. Start from all zeroes; free(buf.s) ends it. */
struct strbuf {
	char *s; /* NUL-terminated once something was added; NULL before */
	size_t len, cap;
};
void strbuf_add(struct strbuf *b, const char *s, size_t len);
void strbuf_puts(struct strbuf *b, const char *s);
void strbuf_printf(struct strbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
