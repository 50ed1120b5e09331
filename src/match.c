/* SPDX-License-Identifier: Apache-2.0 */
/* match.c: see match.h. */
#include "match.h"

#include "log.h"

#include <regex.h>

int match_each(const struct husk_ctx *ctx, const char *pattern,
	       int (*act)(const struct husk_ctx *ctx, const char *id, const void *arg, struct err *e), const void *arg,
	       struct err *e)
{
	struct husk_container_info *all = NULL;
	char why[128];
	size_t n = 0;
	regex_t re;
	int failed = 0, r;

	r = regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB);
	if (r != 0) {
		(void)regerror(r, &re, why, sizeof(why));
		return err_set(e, EINVAL, "--regex: '%s': %s", pattern, why);
	}
	r = husk_list(ctx, &all, &n, e);
	if (r < 0)
		goto out;
	for (size_t i = 0; i < n; i++) {
		if (regexec(&re, all[i].id, 0, NULL, 0) != 0)
			continue;
		if (failed)
			log_warn("%s: skipping", e->msg);
		r = act(ctx, all[i].id, arg, e);
		if (r < 0)
			failed = r;
	}
	r = failed;
	husk_list_free(all, n);
out:
	regfree(&re);
	return r;
}
