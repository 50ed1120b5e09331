/* SPDX-License-Identifier: Apache-2.0 */
/* signame.c: see signame.h. */
#include "signame.h"

#include "str.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <strings.h>

/* "RTMIN", or with this sign and a number behind it; the number into *out, 0 without. */
static bool is_realtime(const char *name, const char *base, char sign, int *out)
{
	uint64_t n = 0, span = (uint64_t)(SIGRTMAX - SIGRTMIN);

	if (strncasecmp(name, base, strlen(base)) != 0)
		return false;
	name += strlen(base);
	if (*name && (*name != sign || str_u64(name + 1, span, &n) < 0))
		return false;
	*out = (int)n;
	return true;
}

int signame_parse(const char *s, int *out)
{
	const char *name = strncasecmp(s, "SIG", 3) == 0 ? s + 3 : s;
	uint64_t n = 0;
	int rt;

	if (str_u64(s, _NSIG - 1, &n) == 0 && n > 0) {
		*out = (int)n;
		return 0;
	}
	for (int sig = 1; sig < SIGRTMIN; sig++) {
		const char *abbrev = sigabbrev_np(sig);

		if (abbrev && strcasecmp(abbrev, name) == 0) {
			*out = sig;
			return 0;
		}
	}
	if (is_realtime(name, "RTMIN", '+', &rt))
		*out = SIGRTMIN + rt;
	else if (is_realtime(name, "RTMAX", '-', &rt))
		*out = SIGRTMAX - rt;
	else
		return -EINVAL;
	return 0;
}
