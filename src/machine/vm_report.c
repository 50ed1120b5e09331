/* SPDX-License-Identifier: Apache-2.0 */
/* vm_report.c: see vm_report.h. */
#include "vm_report.h"

#include "gen.h"
#include "io.h"
#include "machine.h"
#include "vm_control.h"

#include <fcntl.h>
#include <string.h>

#define REPORT_MAX (256U << 10) /* bytes */

/* The console's lines stand behind the failure's, which is the last but for them. */
static void add_failure(yajl_gen g, char *text)
{
	bool console = false;

	for (char *save = NULL, *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (str_starts(line, MACHINE_REPORT_FAILURE))
			gen_pair(g, "failure", line + strlen(MACHINE_REPORT_FAILURE));
		if (!str_starts(line, MACHINE_REPORT_CONSOLE))
			continue;
		if (!console)
			gen_array_open(g, "console");
		console = true;
		gen_string(g, line + strlen(MACHINE_REPORT_CONSOLE));
	}
	if (console)
		gen_array_close(g);
}

static uint64_t count_ooms(const char *text)
{
	uint64_t n = 0;

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		n += str_starts(line, MACHINE_REPORT_OOM "\n");
	}
	return n;
}

char *vm_report_json(const struct husk_ctx *ctx, const char *id)
{
	AUTO_FREE char *path = x_printf("%s/%s/" HUSK_STATE_REPORT, ctx->root, id);
	AUTO_FREE char *text = NULL;
	struct err e = { 0 };
	uint64_t ooms;
	yajl_gen g;
	size_t len;

	if (io_read_file(AT_FDCWD, path, O_NOFOLLOW, REPORT_MAX, &text, &len, &e) < 0 || len == 0)
		return NULL;
	g = gen_new(NULL);
	gen_object_open(g, NULL);
	ooms = count_ooms(text);
	if (ooms)
		gen_u64(g, "oomKills", ooms);
	add_failure(g, text);
	gen_object_close(g);
	return gen_end(g);
}
