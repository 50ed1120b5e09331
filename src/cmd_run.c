/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_run.c: husk run */
#include "cmd.h"
#include "vm_create.h"

static int run(const struct husk_ctx *ctx, const void *options, char **words, int *out_status, struct err *e)
{
	struct husk_run_opts o = *(const struct husk_run_opts *)options;
	struct vm_create vm = { .id = words[0], .opts = &o.create };
	int r = cmd_listen_fds(&o.create, e);

	o.create.rewrite = vm_create_rewrite;
	o.create.rewrite_arg = &vm;
	return r < 0 ? r : vm_create_explain(&vm, husk_run(ctx, words[0], &o, out_status, e), e);
}

#define AT(member) offsetof(struct husk_run_opts, member)

static const struct option_def options_table[] = {
	CMD_CREATE_OPTIONS(AT(create)),
	{ "detach", 'd', OPTION_FLAG, AT(detach), NULL, "return when the program has started" },
	{ "keep", 0, OPTION_FLAG, AT(keep), NULL, "do not delete the container when it ends" },
	{ "no-subreaper", 0, OPTION_FLAG, AT(no_subreaper), NULL, "do not reap orphans of the container" },
	{ 0 },
};

const struct cmd cmd_run = {
	.name = "run",
	.operands = "ID",
	.summary = "Create a container, start it, wait for it and delete it.",
	.options = options_table,
	.options_size = sizeof(struct husk_run_opts),
	.min_words = 1,
	.max_words = 1,
	.wants_rootless = true,
	.failed_status = CMD_FAILED,
	.run = run,
};
