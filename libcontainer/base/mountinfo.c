/* SPDX-License-Identifier: Apache-2.0 */
/* mountinfo.c: see mountinfo.h. Blanks and newlines in paths are written as octal escapes, so that fields can
 * be told apart. */
#include "mountinfo.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

/* The field behind the one at s, in the line that ends at `end`; NULL without. */
static const char *next_field(const char *s, const char *end)
{
	const char *blank = memchr(s, ' ', (size_t)(end - s));

	return blank ? blank + 1 : NULL;
}

/* A line is "ID PARENT MAJOR:MINOR ROOT ... - TYPE ...". */
bool mountinfo_fstype(const char *text, dev_t dev, char *out, size_t size)
{
	const char *line, *end;
	char number[32];
	int len = snprintf(number, sizeof(number), "%u:%u ", major(dev), minor(dev));

	for (line = text; *line; line = *end ? end + 1 : end) {
		const char *at, *type;

		end = line + strcspn(line, "\n");
		at = next_field(line, end);
		at = at ? next_field(at, end) : NULL;
		if (!at || strncmp(at, number, (size_t)len) != 0)
			continue;
		type = memmem(at, (size_t)(end - at), " - ", 3);
		if (!type)
			continue;
		type += 3;
		(void)snprintf(out, size, "%.*s", (int)strcspn(type, " \n"), type);
		return true;
	}
	return false;
}
