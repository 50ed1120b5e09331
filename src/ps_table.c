/* SPDX-License-Identifier: Apache-2.0 */
/* ps_table.c: see ps_table.h. */
#include "ps_table.h"

#include <string.h>

/* The n-th blank-separated field of line, cut into out; false if there is none that fits. */
static bool field(const char *line, size_t n, char *out, size_t size)
{
	size_t len;

	for (;;) {
		line += strspn(line, " \t");
		len = strcspn(line, " \t");
		if (n-- == 0)
			break;
		line += len;
	}
	if (!len || len >= size)
		return false;
	memcpy(out, line, len);
	out[len] = '\0';
	return true;
}

static int pid_column(const char *head, size_t *out, struct err *e)
{
	char name[64];

	for (size_t i = 0; *head && i < strlen(head); i++) {
		if (field(head, i, name, sizeof(name)) && str_eq(name, "PID")) {
			*out = i;
			return 0;
		}
	}
	return err_set(e, EINVAL, "the output of 'ps' has no PID column");
}

static bool is_one_of(const char *line, size_t column, const pid_t *pids, size_t n)
{
	char digits[24];
	uint64_t pid;

	if (!field(line, column, digits, sizeof(digits)) || str_u64(digits, INT32_MAX, &pid) < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((uint64_t)pids[i] == pid)
			return true;
	return false;
}

int ps_table(char *text, const pid_t *pids, size_t n, struct strbuf *out, struct err *e)
{
	char *rest = text;
	char *line = strsep(&rest, "\n");
	size_t column = 0;
	int r = pid_column(line, &column, e);

	if (r < 0)
		return r;
	strbuf_printf(out, "%s\n", line);
	while ((line = strsep(&rest, "\n")))
		if (is_one_of(line, column, pids, n))
			strbuf_printf(out, "%s\n", line);
	return 0;
}
