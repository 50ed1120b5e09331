/* SPDX-License-Identifier: Apache-2.0 */
/* bus.c: see bus.h. */
#include "bus.h"

#include "str.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static int open_private(const char *address, sd_bus **out)
{
	sd_bus *bus = NULL;
	int r = sd_bus_new(&bus);

	if (r >= 0)
		r = sd_bus_set_address(bus, address);
	if (r >= 0)
		r = sd_bus_start(bus);
	if (r < 0)
		bus = sd_bus_close_unref(bus);
	else
		*out = bus;
	return r;
}

static char *private_address(bool user)
{
	const char *runtime_dir = getenv("XDG_RUNTIME_DIR");
	AUTO_FREE char *escaped = NULL;

	if (!user)
		return x_strdup("unix:path=/run/systemd/private");
	if (!runtime_dir || *runtime_dir != '/')
		return NULL;
	/* in an address all but these stands as %xx (D-Bus specification, "Server Addresses") */
	escaped = x_calloc(3, strlen(runtime_dir) + 1);
	for (size_t n = 0; *runtime_dir; runtime_dir++) {
		if (strchr("-_/.\\*", *runtime_dir) || isalnum((unsigned char)*runtime_dir))
			escaped[n++] = *runtime_dir;
		else
			n += (size_t)sprintf(escaped + n, "%%%02x", (unsigned char)*runtime_dir);
	}
	return x_printf("unix:path=%s/systemd/private", escaped);
}

int bus_open(bool user, sd_bus **out, struct err *e)
{
	AUTO_FREE char *address = private_address(user);
	int r = address ? open_private(address, out) : -ENOENT;

	if (r >= 0)
		return 0;
	r = user ? sd_bus_open_user(out) : sd_bus_open_system(out);
	if (r >= 0)
		return 0;
	if (user)
		return err_sys(e, -r,
			       "connect to the user's systemd (it needs a login session, or loginctl "
			       "enable-linger, and XDG_RUNTIME_DIR)");
	return err_sys(e, -r, "connect to systemd (is it the init of this host?)");
}

int bus_error(struct err *e, int r, const sd_bus_error *why, const char *what)
{
	if (sd_bus_error_is_set(why) && why->message)
		return err_set(e, -r, "%s: %s", what, why->message);
	return err_sys(e, -r, "%s", what);
}
