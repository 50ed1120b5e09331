/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_mounts.c: husk mounts add, husk mounts remove */
#include "cmd.h"
#include "vm_control.h"

static int run(const struct husk_ctx *ctx, const void *options, char **words, int *out_status, struct err *e)
{
	(void)options;
	(void)out_status;
	if (vm_control_is_vm(ctx, words[1]))
		return err_set(e, ENOTSUP, "mounts: container '%s' is a VM, whose mounts stay as they are", words[1]);
	if (str_eq(words[0], "add"))
		return husk_mounts_add(ctx, words[1], words[2], e);
	if (str_eq(words[0], "remove"))
		return husk_mounts_remove(ctx, words[1], words[2], e);
	(void)err_set(e, EINVAL, "mounts: expected add or remove, got '%s'", words[0]);
	return cmd_hint(&cmd_mounts, e);
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
