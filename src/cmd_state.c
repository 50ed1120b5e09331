/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_state.c: husk state */
#include "cmd.h"
#include "vm_control.h"
#include "vm_report.h"

static int run(const struct husk_ctx *ctx, const void *options, char **words, int *out_status, struct err *e)
{
	AUTO_FREE char *json = NULL;
	AUTO_FREE char *report = NULL;
	AUTO_FREE char *told = NULL;
	int r = husk_state(ctx, words[0], &json, e);

	(void)options;
	(void)out_status;
	if (r < 0)
		return r;
	if (vm_control_is_vm(ctx, words[0]))
		report = vm_report_json(ctx, words[0]);
	/* one or two members more than the OCI state has; json is an object that is not empty */
	told = x_printf("{\"isolation\":\"%s\",%s%s%s%s", vm_control_is_vm(ctx, words[0]) ? "vm" : "container",
			report ? "\"vm\":" : "", report ? report : "", report ? "," : "", json + 1);
	return cmd_print_line(told, e);
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
