/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_start.c: husk start */
#include "cmd.h"

const struct cmd cmd_start = {
	.name = "start",
	.operands = "ID",
	.summary = "Start the program of a created container.",
	.options = cmd_no_options,
	.min_words = 1,
	.max_words = 1,
	.wants_rootless = true,
	.failed_status = CMD_FAILED,
	.run_on_id = husk_start,
};
