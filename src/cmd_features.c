/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_features.c: husk features */
#include "cmd.h"
#include "isolation.h"
#include "json.h"

#include <errno.h>
#include <string.h>

/* The wall of a config.json that asks for none. */
static int isolation_of_nothing(enum isolation *out, struct err *e)
{
	AUTO_FREE char *text = NULL;
	struct json_doc doc = { 0 };
	int r = isolation_asked(NULL, program_invocation_short_name, out, e);

	if (r != 0)
		return r < 0 ? r : 0;
	r = husk_host_config(&text, e);
	if (r == 0 && text)
		r = json_parse(text, strlen(text), &doc, e);
	if (r == 0)
		r = isolation_default(doc.root, out, e);
	json_free(&doc);
	return r;
}

static int run(const struct husk_ctx *ctx, const void *options, char **words, int *out_status, struct err *e)
{
	AUTO_FREE char *json = NULL;
	enum isolation wall = ISOLATION_CONTAINER;
	int r = isolation_of_nothing(&wall, e);

	if (r == 0)
		r = husk_features(wall == ISOLATION_VM ? "vm" : "container", &json, e);

	(void)ctx;
	(void)options;
	(void)words;
	(void)out_status;
	return r < 0 ? r : cmd_print_line(json, e);
}

const struct cmd cmd_features = {
	.name = "features",
	.operands = "",
	.summary = "Print what this build can do as JSON.",
	.options = cmd_no_options,
	.stateless = true,
	.failed_status = CMD_FAILED,
	.run = run,
};
