/* SPDX-License-Identifier: Apache-2.0 */
/* ifname.c: see ifname.h. */
#include "ifname.h"

#include <net/if.h>
#include <string.h>

/* The kernel counts byte 0xa0, the blank of Latin-1, as white space. */
#define REFUSED "/:% \t\n\v\f\r\xa0"

static bool bytes_valid(const char *s, size_t len)
{
	return len > 0 && len < IF_NAMESIZE && strcspn(s, REFUSED) >= len;
}

bool ifname_valid(const char *s)
{
	return bytes_valid(s, strlen(s)) && strcmp(s, ".") != 0 && strcmp(s, "..") != 0;
}

bool ifname_is_template(const char *s)
{
	size_t len = strlen(s);

	return len > 2 && len < IF_NAMESIZE && strcmp(s + len - 2, "%d") == 0 && bytes_valid(s, len - 2);
}
