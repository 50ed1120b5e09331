/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_pause.c: husk pause */
#include "cmd.h"

const struct cmd cmd_pause = {
	.name = "pause",
	.operands = "ID",
	.summary = "Freeze every process of a container.",
	.options = cmd_no_options,
	.min_words = 1,
	.max_words = 1,
	.wants_rootless = true,
	.failed_status = CMD_FAILED,
	.run_on_id = husk_pause,
};
