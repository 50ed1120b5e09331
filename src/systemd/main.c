/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c: husk-systemd, the helper that husk starts under the systemd cgroup manager.
 *
 *   husk-systemd [--user] start UNIT BELOW PROPERTY=VALUE...
 *   husk-systemd [--user] attach UNIT BELOW PID
 *   husk-systemd [--user] set UNIT PROPERTY=VALUE...
 *   husk-systemd [--user] stop UNIT
 *
 * start makes a scope, prints its cgroup on a line and stays in it, so that it does
 * not end, until its standard input does: by then the container's first process is
 * born there. BELOW names a cgroup below the scope's ("/a", or empty) that is
 * made and meant instead. attach moves a process to the scope or there. Status 0; or 1 and one line on standard error; 2 the same, when
 * there is no systemd to talk to.
 */
#include "bus.h"
#include "io.h"
#include "scope.h"
#include "str.h"
#include "subgroup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define USAGE "usage: husk-systemd [--user] start|attach|set|stop UNIT [BELOW] [PROPERTY=VALUE|PID]..."
#define STATUS_FAILED 1
#define STATUS_UNREACHED 2

/* Ends the connection before it waits: systemd sends every change of any unit to all who are connected. */
static int start(sd_bus **bus, const char *unit, char *const *words, struct err *e)
{
	AUTO_FREE char *cgroup = NULL;
	AUTO_FREE char *line = NULL;
	char byte;
	int r;

	if (!words[0])
		return err_set(e, EINVAL, USAGE);
	r = scope_start(*bus, unit, words + 1, &cgroup, e);
	*bus = sd_bus_flush_close_unref(*bus);
	if (r == 0 && *words[0])
		r = subgroup_enter(cgroup, words[0], e);
	if (r < 0)
		return r;
	line = x_printf("%s%s\n", cgroup, words[0]);
	r = io_write_all(STDOUT_FILENO, line, strlen(line));
	if (r < 0)
		return err_sys(e, -r, "tell the cgroup of scope '%s'", unit);
	while (read(STDIN_FILENO, &byte, 1) < 0 && errno == EINTR)
		;
	return 0;
}

static int attach(sd_bus *bus, const char *unit, char *const *words, struct err *e)
{
	uint64_t pid;

	if (!words[0] || !words[1] || str_u64(words[1], INT32_MAX, &pid) < 0 || pid == 0)
		return err_set(e, EINVAL, USAGE);
	return scope_attach(bus, unit, words[0], (uint32_t)pid, e);
}

static int run_verb(sd_bus **bus, char *const *words, struct err *e)
{
	const char *verb = words[0], *unit = words[1];

	if (str_eq(verb, "start"))
		return start(bus, unit, words + 2, e);
	if (str_eq(verb, "attach"))
		return attach(*bus, unit, words + 2, e);
	if (str_eq(verb, "set"))
		return scope_set(*bus, unit, words + 2, e);
	if (str_eq(verb, "stop"))
		return scope_stop(*bus, unit, e);
	return err_set(e, EINVAL, USAGE);
}

/* The exit status. */
static int run(char **words, struct err *e)
{
	bool user = str_eq(*words, "--user");
	sd_bus *bus = NULL;
	int r;

	words += user;
	if (!words[0] || !words[1]) {
		(void)err_set(e, EINVAL, USAGE);
		return STATUS_FAILED;
	}
	if (bus_open(user, &bus, e) < 0)
		return STATUS_UNREACHED;
	r = run_verb(&bus, words, e);
	sd_bus_flush_close_unref(bus);
	return r < 0 ? STATUS_FAILED : 0;
}

int main(int argc, char **argv)
{
	struct err e = { .msg = USAGE };
	int status = argc > 1 ? run(argv + 1, &e) : STATUS_FAILED;

	if (status != 0)
		(void)fprintf(stderr, "husk-systemd: %s\n", e.msg);
	return status;
}
