/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c: husk-systemd, the helper that husk starts under the systemd cgroup manager.
 *
 *   husk-systemd [--user] start UNIT PROPERTY=VALUE...
 *   husk-systemd [--user] set UNIT PROPERTY=VALUE...
 *   husk-systemd [--user] stop UNIT
 *
 * start makes a scope, prints its cgroup on a line and stays in it, so that it does
 * not end, until its standard input does: by then the container's first process is
 * born there. Status 0; or 1 and one line on standard error.
 */
#include "bus.h"
#include "io.h"
#include "scope.h"
#include "str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define USAGE "usage: husk-systemd [--user] start|set|stop UNIT [PROPERTY=VALUE]..."

/* Ends the connection before it waits: systemd sends every change of any unit to all who are connected. */
static int start(sd_bus **bus, const char *unit, char *const *properties, struct err *e)
{
	AUTO_FREE char *cgroup = NULL;
	AUTO_FREE char *line = NULL;
	char byte;
	int r = scope_start(*bus, unit, properties, &cgroup, e);

	*bus = sd_bus_flush_close_unref(*bus);
	if (r < 0)
		return r;
	line = x_printf("%s\n", cgroup);
	r = io_write_all(STDOUT_FILENO, line, strlen(line));
	if (r < 0)
		return err_sys(e, -r, "tell the cgroup of scope '%s'", unit);
	while (read(STDIN_FILENO, &byte, 1) < 0 && errno == EINTR)
		;
	return 0;
}

static int run(char **words, struct err *e)
{
	bool user = str_eq(*words, "--user");
	sd_bus *bus = NULL;
	const char *verb;
	int r;

	words += user;
	if (!words[0] || !words[1])
		return err_set(e, EINVAL, USAGE);
	verb = words[0];
	if (!str_eq(verb, "start") && !str_eq(verb, "set") && !str_eq(verb, "stop"))
		return err_set(e, EINVAL, USAGE);
	r = bus_open(user, &bus, e);
	if (r < 0)
		return r;
	if (str_eq(verb, "start"))
		r = start(&bus, words[1], words + 2, e);
	else if (str_eq(verb, "set"))
		r = scope_set(bus, words[1], words + 2, e);
	else
		r = scope_stop(bus, words[1], e);
	sd_bus_flush_close_unref(bus);
	return r;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };

	if (argc > 1 && run(argv + 1, &e) == 0)
		return 0;
	(void)fprintf(stderr, "husk-systemd: %s\n", argc > 1 ? e.msg : USAGE);
	return 1;
}
