/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_resume.c: husk resume */
#include "cmd.h"

const struct cmd cmd_resume = {
	.name = "resume",
	.operands = "ID",
	.summary = "Let the processes of a paused container go on.",
	.options = cmd_no_options,
	.min_words = 1,
	.max_words = 1,
	.wants_rootless = true,
	.failed_status = CMD_FAILED,
	.run_on_id = husk_resume,
};
