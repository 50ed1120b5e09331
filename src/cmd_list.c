/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_list.c: husk list. Columns and JSON keys are runc's. */
#include "cmd.h"
#include "format.h"
#include "username.h"

#include <stdio.h>
#include <string.h>

#define COLUMN_MIN 12 /* characters, as runc's table has it */
#define COLUMN_GAP 3  /* blanks behind the widest cell */

enum column { COL_ID, COL_PID, COL_STATUS, COL_BUNDLE, COL_CREATED, COL_OWNER, COLUMNS };

struct row {
	const char *cell[COLUMNS];
	char pid[24];
	char owner[64];
};

struct list_options {
	bool quiet;
	const char *format;
};

/* "#<uid>" where there is no name. */
static void owner_name(const char *uid, char *out, size_t size)
{
	AUTO_FREE char *name = NULL;
	uint64_t n;

	if (str_u64(uid, UINT32_MAX, &n) == 0)
		name = username_find((uid_t)n);
	(void)snprintf(out, size, "%s%s", name ? "" : "#", name ? name : uid);
}

static void fill_row(struct row *row, const struct husk_container_info *c)
{
	(void)snprintf(row->pid, sizeof(row->pid), "%d", (int)c->pid);
	owner_name(c->owner, row->owner, sizeof(row->owner));
	row->cell[COL_ID] = c->id;
	row->cell[COL_PID] = row->pid;
	row->cell[COL_STATUS] = c->status;
	row->cell[COL_BUNDLE] = c->bundle;
	row->cell[COL_CREATED] = c->created;
	row->cell[COL_OWNER] = row->owner;
}

static void add_row(struct strbuf *out, const char *const cell[COLUMNS], const int width[COLUMNS])
{
	for (int i = 0; i < COLUMNS - 1; i++)
		strbuf_printf(out, "%-*s", width[i], cell[i]);
	strbuf_printf(out, "%s\n", cell[COLUMNS - 1]);
}

static int print_table(const struct husk_container_info *v, size_t n, struct err *e)
{
	static const char *const heads[COLUMNS] = { "ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER" };
	AUTO_FREE struct row *rows = x_calloc(n, sizeof(*rows));
	int width[COLUMNS], r;
	struct strbuf out = { 0 };

	for (int i = 0; i < COLUMNS; i++)
		width[i] = COLUMN_MIN;
	for (size_t k = 0; k < n; k++) {
		fill_row(&rows[k], &v[k]);
		for (int i = 0; i < COLUMNS; i++) {
			int need = (int)strlen(rows[k].cell[i]) + COLUMN_GAP;

			if (need > width[i])
				width[i] = need;
		}
	}
	add_row(&out, heads, width);
	for (size_t k = 0; k < n; k++)
		add_row(&out, rows[k].cell, width);
	r = cmd_print(out.s, out.len, e);
	free(out.s);
	return r;
}

static int print_json(const struct husk_container_info *v, size_t n, struct err *e)
{
	yajl_gen gen = gen_new(NULL);
	char owner[64];

	gen_array_open(gen, NULL);
	for (size_t k = 0; k < n; k++) {
		owner_name(v[k].owner, owner, sizeof(owner));
		gen_object_open(gen, NULL);
		format_pair(gen, "ociVersion", CMD_OCI_VERSION);
		format_pair(gen, "id", v[k].id);
		gen_u64(gen, "pid", (uint64_t)v[k].pid);
		format_pair(gen, "status", v[k].status);
		format_pair(gen, "bundle", v[k].bundle);
		format_pair(gen, "rootfs", v[k].rootfs);
		format_pair(gen, "created", v[k].created);
		format_pair(gen, "owner", owner);
		gen_object_close(gen);
	}
	gen_array_close(gen);
	return format_print(gen, e);
}

static int print_ids(const struct husk_container_info *v, size_t n, struct err *e)
{
	struct strbuf out = { 0 };
	int r = 0;

	for (size_t k = 0; k < n; k++)
		strbuf_printf(&out, "%s\n", v[k].id);
	if (out.len)
		r = cmd_print(out.s, out.len, e);
	free(out.s);
	return r;
}

static int run(const struct husk_ctx *ctx, const void *options, char **words, int *out_status, struct err *e)
{
	const struct list_options *o = options;
	struct husk_container_info *v = NULL;
	size_t n = 0;
	bool json;
	int r;

	(void)words;
	(void)out_status;
	r = format_is_json(o->format, &json, e);
	if (r < 0)
		return r;
	r = husk_list(ctx, &v, &n, e);
	if (r < 0)
		return r;
	if (o->quiet)
		r = print_ids(v, n, e);
	else
		r = json ? print_json(v, n, e) : print_table(v, n, e);
	husk_list_free(v, n);
	return r;
}

#define AT(member) offsetof(struct list_options, member)

static const struct option_def options_table[] = {
	{ "quiet", 'q', OPTION_FLAG, AT(quiet), NULL, "print the ids only" },
	{ "format", 'f', OPTION_STRING, AT(format), "FORMAT", "table (default) or json" },
	{ 0 },
};

const struct cmd cmd_list = {
	.name = "list",
	.operands = "",
	.summary = "List the containers below --root.",
	.options = options_table,
	.options_size = sizeof(struct list_options),
	.failed_status = CMD_FAILED,
	.run = run,
};
