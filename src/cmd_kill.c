/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_kill.c: husk kill */
#include "cmd.h"
#include "match.h"
#include "signame.h"
#include "vm_control.h"

#include <signal.h>

struct kill_options {
	bool all, regex;
};

struct kill_request {
	const char *signal;
	bool all;
};

/* SIGKILL ends the machine itself, and before start there is none. Else it is for the guest's processes: 1. */
static int is_for_guest(const struct husk_ctx *ctx, const char *id, const char *signal, int *out_sig)
{
	return signame_parse(signal, out_sig) == 0 && *out_sig > 0 && *out_sig != SIGKILL &&
	       vm_control_is_vm(ctx, id) && !vm_control_is_created(ctx, id);
}

static int kill_one(const struct husk_ctx *ctx, const char *id, const void *arg, struct err *e)
{
	const struct kill_request *k = arg;
	struct message_signal s = { .all = k->all };
	int sig;

	if (is_for_guest(ctx, id, k->signal, &sig)) {
		s.signal = (uint32_t)sig;
		return vm_control_ask(ctx, id, MSG_SIGNAL, &s, NULL, NULL, e);
	}
	return husk_kill(ctx, id, k->signal, k->all, e);
}

static int run(const struct husk_ctx *ctx, const void *options, char **words, int *out_status, struct err *e)
{
	const struct kill_options *o = options;
	struct kill_request k = { .signal = words[1] ? words[1] : "TERM", .all = o->all };

	(void)out_status;
	return o->regex ? match_each(ctx, words[0], kill_one, &k, e) : kill_one(ctx, words[0], &k, e);
}

#define AT(member) offsetof(struct kill_options, member)

static const struct option_def options_table[] = {
	{ "all", 'a', OPTION_FLAG, AT(all), NULL, "every process of the container, not only its first" },
	{ "regex", 'r', OPTION_FLAG, AT(regex), NULL, "ID is an extended regular expression" },
	{ 0 },
};

const struct cmd cmd_kill = {
	.name = "kill",
	.operands = "ID [SIGNAL]",
	.summary = "Send a signal (default: TERM) to a container.",
	.options = options_table,
	.options_size = sizeof(struct kill_options),
	.min_words = 1,
	.max_words = 2,
	.wants_rootless = true,
	.failed_status = CMD_FAILED,
	.run = run,
};
