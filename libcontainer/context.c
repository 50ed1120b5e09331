/* SPDX-License-Identifier: Apache-2.0 */
/* context.c: who is calling, and where state is kept for such a caller. */
#include "libcontainer.h"

#include "io.h"
#include "proc.h"
#include "seal.h"
#include "spec.h"
#include "str.h"

#include <fcntl.h>
#include <unistd.h>

bool husk_is_rootless(void)
{
	char map[128];

	if (geteuid() != 0)
		return true;
	if (io_read_small(AT_FDCWD, "/proc/self/uid_map", map, sizeof(map)) <= 0)
		return false; /* a kernel without user namespaces */
	return !proc_uid_map_is_whole(map);
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

int husk_seal(struct err *e)
{
	return seal_self(e);
}

char *husk_spec_example(bool rootless)
{
	return spec_example(rootless, geteuid(), getegid());
}
