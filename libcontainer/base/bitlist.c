/* SPDX-License-Identifier: Apache-2.0 */
/* bitlist.c: see bitlist.h. */
#include "bitlist.h"

#include <errno.h>
#include <string.h>

/* A number at *s, which then stands behind it. */
static int parse_number(const char **s, size_t bits, size_t *out)
{
	size_t v = 0;

	if (**s < '0' || **s > '9')
		return -EINVAL;
	for (; **s >= '0' && **s <= '9'; (*s)++) {
		v = v * 10 + (size_t)(**s - '0');
		if (v >= bits)
			return -ERANGE;
	}
	*out = v;
	return 0;
}

static void skip_blanks(const char **s)
{
	*s += strspn(*s, " \t");
}

int bitlist_parse(const char *s, size_t bits, unsigned long *out)
{
	memset(out, 0, BITLIST_WORDS(bits) * sizeof(*out));
	for (;; s++) {
		size_t first = 0, last;
		int r;

		skip_blanks(&s);
		r = parse_number(&s, bits, &first);
		last = first;
		if (r == 0 && *s == '-') {
			s++;
			r = parse_number(&s, bits, &last);
		}
		if (r < 0)
			return r;
		if (last < first)
			return -EINVAL;
		for (size_t bit = first; bit <= last; bit++)
			out[bit / BITLIST_WORD] |= 1UL << bit % BITLIST_WORD;
		skip_blanks(&s);
		if (!*s)
			return 0;
		if (*s != ',')
			return -EINVAL;
	}
}

bool bitlist_has(const unsigned long *v, size_t bit)
{
	return v[bit / BITLIST_WORD] >> bit % BITLIST_WORD & 1;
}
