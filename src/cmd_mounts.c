/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_mounts.c: husk mounts add, husk mounts remove */
#include "cmd.h"
#include "vm_control.h"
#include "vm_mounts.h"

static int run(const struct husk_ctx *ctx, const void *options, char **words, int *out_status, struct err *e)
{
	bool removal;

	(void)options;
	(void)out_status;
	removal = str_eq(words[0], "remove");
	if (!removal && !str_eq(words[0], "add")) {
		(void)err_set(e, EINVAL, "mounts: expected add or remove, got '%s'", words[0]);
		return cmd_hint(&cmd_mounts, e);
	}
	if (vm_control_is_vm(ctx, words[1]))
		return vm_mounts_change(ctx, words[1], words[2], removal, e);
	return removal ? husk_mounts_remove(ctx, words[1], words[2], e) : husk_mounts_add(ctx, words[1], words[2], e);
}

const struct cmd cmd_mounts = {
	.name = "mounts",
	.operands = "add|remove ID FILE",
	.summary = "Add mounts to a container that runs, or remove them.",
	.options = cmd_no_options,
	.min_words = 3,
	.max_words = 3,
	.wants_rootless = true,
	.failed_status = CMD_FAILED,
	.run = run,
};
