/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_doctor.c: husk doctor */
#include "cmd.h"
#include "format.h"

#include <string.h>

struct doctor_options {
	const char *format;
};

static const char *const verdicts[] = {
	[HUSK_FINE] = "ok",
	[HUSK_NOTE] = "note",
	[HUSK_LACKS] = "lacks",
	[HUSK_BROKEN] = "broken",
};

static int print_json(const struct husk_finding *v, size_t n, struct err *e)
{
	yajl_gen gen = gen_new("    ");

	gen_array_open(gen, NULL);
	for (size_t i = 0; i < n; i++) {
		gen_object_open(gen, NULL);
		format_pair(gen, "area", v[i].area);
		format_pair(gen, "what", v[i].what);
		format_pair(gen, "verdict", verdicts[v[i].verdict]);
		format_pair(gen, "detail", v[i].detail);
		if (v[i].remedy)
			format_pair(gen, "remedy", v[i].remedy);
		gen_object_close(gen);
	}
	gen_array_close(gen);
	return format_print(gen, e);
}

static int print_text(const struct husk_finding *v, size_t n, struct err *e)
{
	struct strbuf out = { 0 };
	int r;

	for (size_t i = 0; i < n; i++) {
		strbuf_printf(&out, "%-8s%-12s%s: %s\n", verdicts[v[i].verdict], v[i].area, v[i].what, v[i].detail);
		if (v[i].remedy)
			strbuf_printf(&out, "%-20s-> %s\n", "", v[i].remedy);
	}
	r = cmd_print(out.s, out.len, e);
	free(out.s);
	return r;
}

static int run(const struct husk_ctx *ctx, const void *options, char **words, int *out_status, struct err *e)
{
	const struct doctor_options *o = options;
	struct husk_finding *v;
	bool json;
	size_t n;
	int r;

	(void)words;
	r = format_is_json(o->format, &json, e);
	if (r < 0)
		return r;
	husk_doctor(ctx, &v, &n);
	for (size_t i = 0; i < n; i++)
		if (v[i].verdict == HUSK_BROKEN)
			*out_status = CMD_FAILED;
	r = json ? print_json(v, n, e) : print_text(v, n, e);
	husk_doctor_free(v, n);
	return r;
}

static const struct option_def options_table[] = {
	{ "format", 'f', OPTION_STRING, offsetof(struct doctor_options, format), "FORMAT",
	  "table (the default) or json" },
	{ 0 },
};

const struct cmd cmd_doctor = {
	.name = "doctor",
	.operands = "",
	.summary = "Say what works on this host for this user, and what mends the rest.",
	.options = options_table,
	.options_size = sizeof(struct doctor_options),
	.failed_status = CMD_FAILED,
	.run = run,
};
