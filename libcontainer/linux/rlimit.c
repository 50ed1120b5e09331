/* SPDX-License-Identifier: Apache-2.0 */
/* rlimit.c: see rlimit.h. */
#include "rlimit.h"

#include "plan.h"
#include "str.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define PREFIX "RLIMIT_"

static const struct {
	const char *name; /* without the prefix */
	int number;
} limits[] = {
	{ "AS", RLIMIT_AS },	       { "CORE", RLIMIT_CORE },		{ "CPU", RLIMIT_CPU },
	{ "DATA", RLIMIT_DATA },       { "FSIZE", RLIMIT_FSIZE },	{ "LOCKS", RLIMIT_LOCKS },
	{ "MEMLOCK", RLIMIT_MEMLOCK }, { "MSGQUEUE", RLIMIT_MSGQUEUE }, { "NICE", RLIMIT_NICE },
	{ "NOFILE", RLIMIT_NOFILE },   { "NPROC", RLIMIT_NPROC },	{ "RSS", RLIMIT_RSS },
	{ "RTPRIO", RLIMIT_RTPRIO },   { "RTTIME", RLIMIT_RTTIME },	{ "SIGPENDING", RLIMIT_SIGPENDING },
	{ "STACK", RLIMIT_STACK },
};

int rlimit_number(const char *name)
{
	if (!name || !str_starts(name, PREFIX))
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		if (str_eq(limits[i].name, name + strlen(PREFIX)))
			return limits[i].number;
	return -EINVAL;
}

/* config.json writes "no limit" as the greatest 64-bit number (POSIX leaves the
 * value of RLIM_INFINITY open, and rlim_t may be narrower than 64 bits). */
static rlim_t limit_value(uint64_t v)
{
	return v >= (uint64_t)RLIM_INFINITY ? RLIM_INFINITY : (rlim_t)v;
}

static const char *limit_text(uint64_t v, char buf[24])
{
	if (limit_value(v) == RLIM_INFINITY)
		return "unlimited";
	(void)snprintf(buf, 24, "%ju", (uintmax_t)v);
	return buf;
}

static int limit_err(struct err *e, int code, const struct rlimit_step *l)
{
	const char *hint = "";
	char soft[24], hard[24];

	if (code == EPERM && l->resource == RLIMIT_NOFILE)
		hint = " (raising the hard limit needs CAP_SYS_RESOURCE, and fs.nr_open is its bound)";
	else if (code == EPERM)
		hint = " (raising the hard limit needs CAP_SYS_RESOURCE)";
	else if (code == EINVAL && l->soft > l->hard)
		hint = " (soft is above hard)";
	return err_sys(e, code, "setrlimit %s to soft %s, hard %s%s", l->name, limit_text(l->soft, soft),
		       limit_text(l->hard, hard), hint);
}

int rlimit_apply(pid_t pid, const struct rlimit_step *v, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		struct rlimit lim = { .rlim_cur = limit_value(v[i].soft), .rlim_max = limit_value(v[i].hard) };

		if (prlimit(pid, (__rlimit_resource_t)v[i].resource, &lim, NULL) < 0)
			return limit_err(e, errno, &v[i]);
	}
	return 0;
}
