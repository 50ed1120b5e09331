/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_ps.c: what ps(1) prints, with the names that processes of a container gave themselves. */
#include "fuzz.h"
#include "ps_table.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const pid_t pids[] = { 1, 22, 1000, INT32_MAX };
	AUTO_FREE char *text = next_text(&data, &size);
	AUTO_FREE char *copy = NULL;
	struct strbuf out = { 0 };
	struct err e = { 0 };
	size_t len;
	int r;

	if (!text)
		return 0;
	copy = x_strdup(text);
	len = strlen(text);
	r = ps_table(copy, pids, ARRAY_LEN(pids), &out, &e);
	if (r < 0) {
		require_message(r, &e);
		require(r == -EINVAL && !out.s);
	} else {
		require(out.len <= len + 1 && strncmp(out.s, text, strcspn(text, "\n")) == 0);
	}
	free(out.s);
	return 0;
}
