/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_passwd.c: the parser of a container's /etc/passwd. What it finds must stand in the text. */
#include "fuzz.h"
#include "passwd.h"

#include <errno.h>

#define CANARY 0x5a

static void check(const uint8_t *data, size_t size, uid_t uid, size_t room)
{
	char home[64];
	int r;

	memset(home, CANARY, sizeof(home));
	r = passwd_find_home((const char *)data, size, uid, home, room);
	if (r == 0) {
		size_t len = strnlen(home, room);

		if (len >= room || home[0] != '/' || !memmem(data, size, home, len))
			abort();
	} else if ((r != -ENOENT && r != -ENAMETOOLONG) || home[0] != CANARY) {
		abort();
	}
	for (size_t i = room; i < sizeof(home); i++)
		if (home[i] != CANARY)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uid_t uids[] = { 0, 7, 1000, 4294967294U, (uid_t)-1 };

	for (size_t i = 0; i < sizeof(uids) / sizeof(uids[0]); i++) {
		check(data, size, uids[i], 8);
		check(data, size, uids[i], 63);
	}
	return 0;
}
