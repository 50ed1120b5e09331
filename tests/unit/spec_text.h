/* SPDX-License-Identifier: Apache-2.0 */
/* spec_text.h: config.json texts for the tests of spec*.c, made around the members that a case is about. */
#ifndef HUSK_TESTS_SPEC_TEXT_H
#define HUSK_TESTS_SPEC_TEXT_H

#include "err.h"
#include "spec.h"
#include "str.h"

#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where a case's text stands in a config.json that is good without it. */
enum part {
	RAW,	 /* the whole text */
	TOP,	 /* further members of the top */
	PROCESS, /* further members of process, which has args and cwd */
	PROC,	 /* all members of process */
	LINUX,	 /* further members of linux, which has a mount namespace only */
	LIN,	 /* all members of linux */
	SPACES,	 /* further members of linux, which has every namespace but a user namespace */
};

static const char *const part_formats[] = {
	[RAW] = "%s",
	[TOP] = "{'ociVersion':'1.0.2','root':{'path':'r'},'linux':{'namespaces':[{'type':'mount'}]},%s}",
	[PROCESS] = "{'ociVersion':'1.0.2','root':{'path':'r'},'process':{'args':['a'],'cwd':'/',%s},"
		    "'linux':{'namespaces':[{'type':'mount'}]}}",
	[PROC] = "{'ociVersion':'1.0.2','root':{'path':'r'},'process':{%s},"
		 "'linux':{'namespaces':[{'type':'mount'}]}}",
	[LINUX] = "{'ociVersion':'1.0.2','root':{'path':'r'},'linux':{'namespaces':[{'type':'mount'}],%s}}",
	[LIN] = "{'ociVersion':'1.0.2','root':{'path':'r'},'process':{'args':['a'],'cwd':'/'},'linux':{%s}}",
	[SPACES] = "{'ociVersion':'1.0.2','root':{'path':'r'},'linux':{'namespaces':[{'type':'mount'},{'type':'pid'},"
		   "{'type':'network'},{'type':'ipc'},{'type':'uts'},{'type':'cgroup'}],%s}}",
};

/* ' stands for " in texts. */
static inline char *config_text(enum part part, const char *text)
{
	struct strbuf b = { 0 };
	const char *format = part_formats[part], *hole = strstr(format, "%s");
	char *s;

	strbuf_add(&b, format, (size_t)(hole - format));
	strbuf_puts(&b, text);
	strbuf_puts(&b, hole + 2);
	for (s = b.s; *s; s++)
		if (*s == '\'')
			*s = '"';
	return b.s;
}

static inline struct spec *parse_ok(enum part part, const char *text)
{
	AUTO_FREE char *whole = config_text(part, text);
	struct spec *spec = NULL;
	struct err e = { 0 };

	ck_assert_msg(spec_parse(whole, strlen(whole), &spec, &e) == 0, "%s: %s", whole, e.msg);
	return spec;
}

static inline const char *source_file(const char *name, char *out, size_t size)
{
	const char *top = getenv("HUSK_TOP_SRCDIR");

	(void)snprintf(out, size, "%s/tests/%s", top ? top : ".", name);
	return out;
}

/* A config.json of tests/. */
static inline struct spec *load_ok(const char *name)
{
	char path[PATH_MAX];
	struct spec *spec = NULL;
	struct err e = { 0 };

	ck_assert_msg(spec_load(AT_FDCWD, source_file(name, path, sizeof(path)), &spec, &e) == 0, "%s", e.msg);
	return spec;
}

#define MAP_ROOT "[{'containerID':0,'hostID':1000,'size':1}]"

#endif
