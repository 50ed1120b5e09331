/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h: the time of day as text, and the time that only goes forward. */
#ifndef HUSK_BASE_CLOCK_H
#define HUSK_BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_TEXT_MAX 64

/* Now, as RFC 3339 in UTC with nanoseconds. gmtime(3) would read /etc/localtime first. */
void clock_now(char out[CLOCK_TEXT_MAX]);

/* CLOCK_MONOTONIC (clock_gettime(2)), for deadlines. */
int64_t clock_monotonic_ns(void);
int64_t clock_monotonic_ms(void);

#endif
