/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_features.c: husk features */
#include "cmd.h"

static int run(const struct husk_ctx *ctx, const void *options, char **words, int *out_status, struct err *e)
{
	AUTO_FREE char *json = NULL;
	int r = husk_features(&json, e);

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
