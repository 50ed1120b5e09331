/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_start.c: husk start */
#include "cmd.h"

static int run(const struct husk_ctx *ctx, const void *options, char **words, int *out_status, struct err *e)
{
	(void)options;
	(void)out_status;
	return husk_start(ctx, words[0], e);
}

static const struct option_def options_table[] = { { 0 } };

const struct cmd cmd_start = {
	.name = "start",
	.operands = "ID",
	.summary = "Start the program of a created container.",
	.options = options_table,
	.min_words = 1,
	.max_words = 1,
	.wants_rootless = true,
	.failed_status = CMD_FAILED,
	.run = run,
};
