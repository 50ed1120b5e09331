/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_create.c: husk create */
#include "cmd.h"
#include "vm_create.h"

static int run(const struct husk_ctx *ctx, const void *options, char **words, int *out_status, struct err *e)
{
	struct husk_create_opts o = *(const struct husk_create_opts *)options;
	struct vm_create vm = { .id = words[0], .opts = &o };
	int r = cmd_listen_fds(&o, e);

	(void)out_status;
	o.rewrite = vm_create_rewrite;
	o.rewrite_arg = &vm;
	return r < 0 ? r : vm_create_explain(&vm, husk_create(ctx, words[0], &o, e), e);
}

static const struct option_def options_table[] = {
	CMD_CREATE_OPTIONS(0),
	{ 0 },
};

const struct cmd cmd_create = {
	.name = "create",
	.operands = "ID",
	.summary = "Create a container; its program waits for 'husk start'.",
	.options = options_table,
	.options_size = sizeof(struct husk_create_opts),
	.min_words = 1,
	.max_words = 1,
	.wants_rootless = true,
	.failed_status = CMD_FAILED,
	.run = run,
};
