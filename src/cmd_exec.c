/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_exec.c: husk exec */
#include "cmd.h"
#include "vm_control.h"
#include "vm_exec.h"

#include <string.h>

#define GID_LARGEST 0xfffffffeU /* (gid_t)-1 means "unchanged" to the kernel */

struct exec_options {
	struct husk_exec_opts exec;
	struct option_list env, caps, gids;
};

static int check_env(const struct option_list *env, struct err *e)
{
	for (size_t i = 0; i < env->n; i++) {
		const char *eq = strchr(env->v[i], '=');

		if (!eq || eq == env->v[i])
			return err_set(e, EINVAL, "exec: option '--env': expected KEY=VALUE, got '%s'", env->v[i]);
	}
	return 0;
}

static int parse_gids(const struct option_list *list, gid_t **out, struct err *e)
{
	AUTO_FREE gid_t *gids = x_calloc(list->n, sizeof(*gids));

	for (size_t i = 0; i < list->n; i++) {
		uint64_t gid;

		if (str_u64(list->v[i], GID_LARGEST, &gid) < 0)
			return err_set(e, EINVAL, "exec: option '--additional-gids': expected a group id, got '%s'",
				       list->v[i]);
		gids[i] = (gid_t)gid;
	}
	*out = gids;
	gids = NULL;
	return 0;
}

static int check_command(const struct husk_exec_opts *x, char **words, struct err *e)
{
	if (!x->process && !words[1])
		(void)err_set(e, EINVAL, "exec: a command is missing: expected ID COMMAND, or --process FILE ID");
	else if (x->process && words[1])
		(void)err_set(e, EINVAL, "exec: --process and a command ('%s') exclude each other", words[1]);
	else
		return 0;
	return cmd_hint(&cmd_exec, e);
}

static int run(const struct husk_ctx *ctx, const void *options, char **words, int *out_status, struct err *e)
{
	const struct exec_options *o = options;
	struct husk_exec_opts x = o->exec;
	AUTO_FREE gid_t *gids = NULL;
	int r;

	r = check_command(&x, words, e);
	if (r < 0)
		return r;
	r = check_env(&o->env, e);
	if (r < 0)
		return r;
	if (o->gids.n) {
		r = parse_gids(&o->gids, &gids, e);
		if (r < 0)
			return r;
	}
	x.args = x.process ? NULL : words + 1;
	x.env = (char *const *)(uintptr_t)o->env.v;
	x.caps = o->caps.v;
	x.additional_gids = gids;
	x.n_additional_gids = o->gids.n;
	if (vm_control_is_vm(ctx, words[0]))
		return vm_exec(ctx, words[0], &x, out_status, e);
	return husk_exec(ctx, words[0], &x, out_status, e);
}

#define AT(member) offsetof(struct exec_options, member)

static const struct option_def options_table[] = {
	{ "env", 'e', OPTION_LIST, AT(env), "KEY=VALUE", "add a variable; may be repeated" },
	{ "cwd", 0, OPTION_STRING, AT(exec.cwd), "DIR", "working directory in the container" },
	{ "user", 'u', OPTION_STRING, AT(exec.user), "UID[:GID]", "numeric user and group" },
	{ "cap", 'c', OPTION_LIST, AT(caps), "NAME", "add a capability (CAP_...); may be repeated" },
	{ "additional-gids", 'g', OPTION_LIST, AT(gids), "GID", "add a group; may be repeated" },
	{ "tty", 't', OPTION_FLAG, AT(exec.tty), NULL, "give the process a terminal" },
	{ "process", 'p', OPTION_STRING, AT(exec.process), "FILE", "read the process from a JSON file" },
	{ "pid-file", 0, OPTION_STRING, AT(exec.pid_file), "FILE", "write the process id to FILE" },
	{ "console-socket", 0, OPTION_STRING, AT(exec.console_socket), "SOCKET",
	  "unix socket that receives the terminal's descriptor" },
	{ "pidfd-socket", 0, OPTION_STRING, AT(exec.pidfd_socket), "SOCKET",
	  "unix socket that receives the process's pidfd" },
	{ "detach", 'd', OPTION_FLAG, AT(exec.detach), NULL, "return when the program has started" },
	{ "no-new-privs", 0, OPTION_FLAG, AT(exec.no_new_privs), NULL, "set no_new_privs for the process" },
	{ "ignore-paused", 0, OPTION_FLAG, AT(exec.ignore_paused), NULL, "allow it in a paused container" },
	{ "cgroup", 0, OPTION_STRING, AT(exec.cgroup), "PATH", "a cgroup below the container's" },
	{ "apparmor", 0, OPTION_STRING, AT(exec.apparmor), "PROFILE", "AppArmor profile of the process" },
	{ "process-label", 0, OPTION_STRING, AT(exec.process_label), "LABEL", "SELinux label of the process" },
	{ "preserve-fds", 0, OPTION_COUNT, AT(exec.preserve_fds), "N", "pass N more descriptors on, from 3 up" },
	{ "no-subreaper", 0, OPTION_FLAG, AT(exec.no_subreaper), NULL, "do not reap orphans of the process" },
	{ 0 },
};

const struct cmd cmd_exec = {
	.name = "exec",
	.operands = "ID COMMAND [ARGUMENT]...",
	.summary = "Run one more program in a running container.",
	.options = options_table,
	.options_size = sizeof(struct exec_options),
	.min_words = 1,
	.max_words = CMD_ANY_WORDS,
	.order = OPTION_BEFORE_WORDS,
	.wants_rootless = true,
	.failed_status = CMD_EXEC_FAILED,
	.run = run,
};
