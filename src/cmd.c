/* SPDX-License-Identifier: Apache-2.0 */
/* cmd.c: see cmd.h. */
#include "cmd.h"

#include "global.h"
#include "io.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

const struct cmd *const cmd_list_all[] = {
	&cmd_create, &cmd_start,    &cmd_run,	 &cmd_exec,   &cmd_kill,  &cmd_delete, &cmd_state,
	&cmd_list,   &cmd_ps,	    &cmd_events, &cmd_update, &cmd_pause, &cmd_resume, &cmd_mounts,
	&cmd_spec,   &cmd_features, &cmd_doctor, &cmd_vm,     NULL,
};

const struct option_def cmd_no_options[] = { { 0 } };

const struct cmd *cmd_find(const char *name)
{
	for (const struct cmd *const *c = cmd_list_all; *c; c++)
		if (str_eq((*c)->name, name))
			return *c;
	return NULL;
}

int cmd_hint(const struct cmd *cmd, struct err *e)
{
	size_t len = strlen(e->msg);

	(void)snprintf(e->msg + len, sizeof(e->msg) - len, "; see 'husk %s%s--help'", cmd ? cmd->name : "",
		       cmd ? " " : "");
	return -e->code;
}

int cmd_parse(const struct cmd *cmd, void *options, char **words, bool *out_help, struct err *e)
{
	int n = option_parse(cmd->options, options, words, cmd->order, out_help, e);

	if (n < 0) {
		(void)err_add(e, "%s", cmd->name);
		return cmd_hint(cmd, e);
	}
	if (*out_help || (n >= cmd->min_words && n <= cmd->max_words))
		return n;
	if (n < cmd->min_words)
		(void)err_set(e, EINVAL, "%s: an argument is missing: expected %s", cmd->name, cmd->operands);
	else
		(void)err_set(e, EINVAL, "%s: unexpected argument '%s'", cmd->name, words[cmd->max_words]);
	return cmd_hint(cmd, e);
}

void cmd_help(const struct cmd *cmd, struct strbuf *out)
{
	if (cmd) {
		strbuf_printf(out, "Usage: husk [GLOBAL OPTION]... %s [OPTION]...%s%s\n\n%s\n\nOptions:\n", cmd->name,
			      *cmd->operands ? " " : "", cmd->operands, cmd->summary);
		option_help(cmd->options, out);
		return;
	}
	strbuf_puts(out, "Usage: husk [OPTION]... COMMAND [ARGUMENT]...\n\n"
			 "Run containers as the OCI runtime specification describes them.\n\nCommands:\n");
	for (const struct cmd *const *c = cmd_list_all; *c; c++)
		strbuf_printf(out, "  %-10s%s\n", (*c)->name, (*c)->summary);
	strbuf_puts(out, "\nOptions:\n");
	option_help(global_table, out);
	strbuf_puts(out, "\nSee 'husk COMMAND --help' for the options of a command.\n");
}

int cmd_print(const char *text, size_t len, struct err *e)
{
	int r = io_write_all(STDOUT_FILENO, text, len);

	return r < 0 ? err_sys(e, -r, "write to standard output") : 0;
}

int cmd_print_line(char *text, struct err *e)
{
	size_t len = strlen(text);

	text[len] = '\n';
	return cmd_print(text, len + 1, e);
}

int cmd_listen_fds(struct husk_create_opts *o, struct err *e)
{
	const char *fds = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	uint64_t n;

	if (!fds || !pid)
		return 0;
	if (str_u64(pid, INT32_MAX, &n) < 0 || (pid_t)n != getpid())
		return 0;
	if (str_u64(fds, OPTION_COUNT_MAX, &n) < 0)
		return err_set(e, EINVAL, "$LISTEN_FDS: expected a number from 0 to %d, got '%s'", OPTION_COUNT_MAX,
			       fds);
	o->listen_fds = (int)n;
	o->preserve_fds += (int)n;
	return 0;
}
