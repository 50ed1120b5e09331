/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_delete.c: husk delete */
#include "cmd.h"
#include "match.h"

struct delete_options {
	bool force, regex;
};

static int delete_one(const struct husk_ctx *ctx, const char *id, const void *arg, struct err *e)
{
	const struct delete_options *o = arg;

	return husk_delete(ctx, id, o->force, e);
}

static int run(const struct husk_ctx *ctx, const void *options, char **words, int *out_status, struct err *e)
{
	const struct delete_options *o = options;

	(void)out_status;
	return o->regex ? match_each(ctx, words[0], delete_one, o, e) : delete_one(ctx, words[0], o, e);
}

#define AT(member) offsetof(struct delete_options, member)

static const struct option_def options_table[] = {
	{ "force", 'f', OPTION_FLAG, AT(force), NULL, "kill what still runs; one that does not exist is no error" },
	{ "regex", 'r', OPTION_FLAG, AT(regex), NULL, "ID is an extended regular expression" },
	{ 0 },
};

const struct cmd cmd_delete = {
	.name = "delete",
	.operands = "ID",
	.summary = "Remove what is left of a stopped container.",
	.options = options_table,
	.options_size = sizeof(struct delete_options),
	.min_words = 1,
	.max_words = 1,
	.wants_rootless = true,
	.failed_status = CMD_FAILED,
	.run = run,
};
