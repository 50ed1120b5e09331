/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_state.c: husk state */
#include "cmd.h"

static int run(const struct husk_ctx *ctx, const void *options, char **words, int *out_status, struct err *e)
{
	AUTO_FREE char *json = NULL;
	int r = husk_state(ctx, words[0], &json, e);

	(void)options;
	(void)out_status;
	return r < 0 ? r : cmd_print_line(json, e);
}

const struct cmd cmd_state = {
	.name = "state",
	.operands = "ID",
	.summary = "Print the state of a container as JSON.",
	.options = cmd_no_options,
	.min_words = 1,
	.max_words = 1,
	.failed_status = CMD_FAILED,
	.run = run,
};
