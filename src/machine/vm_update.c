/* SPDX-License-Identifier: Apache-2.0 */
/* vm_update.c: see vm_update.h. */
#include "vm_update.h"

#include "json.h"
#include "vm_control.h"
#include "vmplan_config.h"

#include <string.h>

/* Of the machine, in bytes; 0: not known. */
static int read_memory(const struct husk_ctx *ctx, const char *id, uint64_t *out, struct err *e)
{
	AUTO_FREE char *config = NULL;
	struct json_doc doc = { 0 };
	const struct json *v;
	size_t len;
	int r = vm_control_config(ctx, id, &config, &len, e);

	*out = 0;
	if (r == 0)
		r = json_parse(config, len, &doc, e);
	if (r < 0)
		return r;
	v = json_get(json_get(doc.root, "annotations"), VM_MEMORY_NOTE);
	if (v && v->str)
		(void)str_u64(v->str, UINT64_MAX, out);
	json_free(&doc);
	return 0;
}

/* What is no number is for the guest to refuse, in the words of the library. */
static int check_memory(const struct husk_ctx *ctx, const char *id, const struct json *resources, struct err *e)
{
	const struct json *limit = json_get(json_get(resources, "memory"), "limit");
	uint64_t have;
	int64_t bytes;
	int r;

	if (!limit || json_i64(limit, INT64_MIN, INT64_MAX, &bytes, NULL) < 0 || bytes <= 0)
		return 0;
	r = read_memory(ctx, id, &have, e);
	if (r < 0 || !have || (uint64_t)bytes <= have)
		return r;
	return json_err(e, ERANGE, limit,
			"%jd bytes: the machine of container '%s' has %ju, and gets no more while it runs",
			(intmax_t)bytes, id, (uintmax_t)have);
}

static char *host_text(const struct json_doc *doc)
{
	yajl_gen g = gen_new(NULL);

	gen_object_open(g, NULL);
	vmplan_jail_shares(g, doc, doc->root);
	gen_object_close(g);
	return gen_end(g);
}

static char *guest_text(const struct json_doc *doc)
{
	yajl_gen g = gen_new(NULL);

	vmplan_guest_limits(g, doc, doc->root, NULL);
	return gen_end(g);
}

struct guest {
	const struct husk_ctx *ctx;
	const char *id;
	const struct json_doc *limits;
};

static int update_guest(void *arg, struct err *e)
{
	const struct guest *g = arg;
	AUTO_FREE char *text = guest_text(g->limits);

	return vm_control_ask(g->ctx, g->id, MSG_UPDATE, NULL, text, NULL, e);
}

/* First: what fails where there is no resctrl changes nothing. */
static int update_resctrl(const struct husk_ctx *ctx, const char *id, const struct husk_update_opts *o, struct err *e)
{
	const struct husk_update_opts schemas = { .l3_cache_schema = o->l3_cache_schema,
						  .mem_bw_schema = o->mem_bw_schema };

	return o->l3_cache_schema || o->mem_bw_schema ? husk_update(ctx, id, &schemas, e) : 0;
}

/* What the host refuses the guest does not hear of, and what the guest refuses is taken back on the host. */
static int update_limits(const struct husk_ctx *ctx, const char *id, const struct json_doc *doc, struct err *e)
{
	AUTO_FREE char *text = host_text(doc);
	struct guest guest = { .ctx = ctx, .id = id, .limits = doc };
	const struct husk_update_opts host = {
		.resources = str_eq(text, "{}") ? NULL : text,
		.len = strlen(text),
		.limits_optional = true,
		.then = update_guest,
		.then_arg = &guest,
	};

	return husk_update(ctx, id, &host, e);
}

int vm_update(const struct husk_ctx *ctx, const char *id, const struct husk_update_opts *o, struct err *e)
{
	const struct husk_update_opts nothing = { .limits_optional = true }; /* only whether it runs */
	struct json_doc doc = { 0 };
	int r;

	if (!o->resources) {
		r = update_resctrl(ctx, id, o, e);
		return r == 0 && !o->l3_cache_schema && !o->mem_bw_schema ? husk_update(ctx, id, &nothing, e) : r;
	}
	r = vm_control_check_runs(ctx, id, e);
	if (r == 0)
		r = json_parse(o->resources, o->len, &doc, e);
	if (r == 0)
		r = check_memory(ctx, id, doc.root, e);
	if (r == 0)
		r = update_resctrl(ctx, id, o, e);
	if (r == 0)
		r = update_limits(ctx, id, &doc, e);
	json_free(&doc);
	return r;
}
