/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h: the time of day as text. */
#ifndef HUSK_BASE_CLOCK_H
#define HUSK_BASE_CLOCK_H

#define CLOCK_TEXT_MAX 64

/* Now, as RFC 3339 in UTC with nanoseconds. gmtime(3) would read /etc/localtime first. */
void clock_now(char out[CLOCK_TEXT_MAX]);

#endif
