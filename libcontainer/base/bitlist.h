/* SPDX-License-Identifier: Apache-2.0 */
/* bitlist.h: lists of numbers and ranges ("0-3,7"), as cpuset(7) has them, as bits. */
#ifndef HUSK_BASE_BITLIST_H
#define HUSK_BASE_BITLIST_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define BITLIST_WORD (sizeof(unsigned long) * CHAR_BIT)
#define BITLIST_WORDS(bits) ((bits) / BITLIST_WORD) /* bits: a multiple of BITLIST_WORD */

/* Sets the bits that s names in out[0 .. BITLIST_WORDS(bits) - 1]; all others are cleared. Blanks may
 * stand around each number or range. 0; -EINVAL when s is no such list or is empty; -ERANGE for a number
 * that is not below `bits`. */
int bitlist_parse(const char *s, size_t bits, unsigned long *out);
bool bitlist_has(const unsigned long *v, size_t bit);

#endif
