/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c: see clock.h. */
#include "clock.h"

#include <stdio.h>
#include <time.h>

#define DAY_SECONDS 86400
#define DAYS_PER_ERA 146097 /* 400 years of the Gregorian calendar */
#define EPOCH_SHIFT 719468  /* days from 0000-03-01 to 1970-01-01 */

/* Years are counted from March, so that the leap day is the last of a year. */
static void civil(long days, long *year, long *month, long *day)
{
	long era = (days + EPOCH_SHIFT) / DAYS_PER_ERA;
	long of_era = (days + EPOCH_SHIFT) % DAYS_PER_ERA;
	long year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	long of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	long from_march = (5 * of_year + 2) / 153;

	*day = of_year - (153 * from_march + 2) / 5 + 1;
	*month = from_march < 10 ? from_march + 3 : from_march - 9;
	*year = year_of_era + era * 400 + (*month <= 2);
}

void clock_now(char out[CLOCK_TEXT_MAX])
{
	struct timespec ts = { 0 };
	long year, month, day, second;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	civil(ts.tv_sec / DAY_SECONDS, &year, &month, &day);
	second = ts.tv_sec % DAY_SECONDS;
	(void)snprintf(out, CLOCK_TEXT_MAX, "%04ld-%02ld-%02ldT%02ld:%02ld:%02ld.%09ldZ", year % 10000, month, day,
		       second / 3600, second / 60 % 60, second % 60, ts.tv_nsec);
}

int64_t clock_monotonic_ns(void)
{
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * (int64_t)1000000000 + t.tv_nsec;
}

int64_t clock_monotonic_ms(void)
{
	return clock_monotonic_ns() / 1000000;
}
