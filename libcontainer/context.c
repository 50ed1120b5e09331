/* SPDX-License-Identifier: Apache-2.0 */
/* context.c: who is calling, and where state is kept for such a caller. */
#include "libcontainer.h"

#include "io.h"
#include "spec.h"
#include "str.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* uid_map of the initial user namespace: all ids, onto themselves (user_namespaces(7)) */
#define WHOLE_RANGE 4294967295U

/* The next number of a line of blanks and digits; *s moves behind it. */
static bool next_number(const char **s, uint64_t *out)
{
	size_t len;
	char digits[16];

	*s += strspn(*s, " ");
	len = strspn(*s, "0123456789");
	if (len == 0 || len >= sizeof(digits))
		return false;
	memcpy(digits, *s, len);
	digits[len] = '\0';
	*s += len;
	return str_u64(digits, UINT32_MAX, out) == 0;
}

bool husk_is_rootless(void)
{
	uint64_t inside, outside, count;
	const char *at;
	char map[128];

	if (geteuid() != 0)
		return true;
	if (io_read_small(AT_FDCWD, "/proc/self/uid_map", map, sizeof(map)) <= 0)
		return false; /* a kernel without user namespaces */
	at = map;
	return !next_number(&at, &inside) || !next_number(&at, &outside) || !next_number(&at, &count) || inside != 0 ||
	       outside != 0 || count != WHOLE_RANGE;
}

char *husk_default_root(void)
{
	const char *runtime_dir = getenv("XDG_RUNTIME_DIR");

	if (runtime_dir && *runtime_dir == '/' && husk_is_rootless())
		return x_printf("%s/husk", runtime_dir);
	if (geteuid() != 0)
		return x_printf("/tmp/husk-%u", geteuid());
	return x_strdup("/run/husk");
}

char *husk_spec_example(bool rootless)
{
	return spec_example(rootless, geteuid(), getegid());
}
