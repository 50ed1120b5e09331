/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c: the program husk. It makes the process safe to work in, reads the global
 * options, finds the command and runs it, and reports its error: once, to the log,
 * and when the log is a file on standard error too, as the engines expect.
 */
#include "cmd.h"
#include "config.h"
#include "global.h"
#include "io.h"

#include <assert.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Docker takes name and version out of the line that says "version". */
#define VERSION_TEXT                         \
	"husk version " PACKAGE_VERSION "\n" \
	"spec: " CMD_OCI_VERSION "\n"        \
	"+SECCOMP +CAP +YAJL\n"

/* Descriptors 0 to 2 must be taken, or the next file opened becomes somebody's standard output. */
static int fill_stdio(struct err *e)
{
	struct pollfd std[3] = { { .fd = 0 }, { .fd = 1 }, { .fd = 2 } };

	if (poll(std, 3, 0) < 0)
		return err_sys(e, errno, "poll");
	for (int i = 0; i < 3; i++)
		if ((std[i].revents & POLLNVAL) && open("/dev/null", O_RDWR) != i)
			return err_set(e, EBADF, "descriptor %d is closed, and /dev/null cannot take its place", i);
	return 0;
}

/* Does the process hold capabilities? */
static bool has_caps(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capget, &head, data) < 0 || data[0].permitted || data[1].permitted;
}

/* husk trusts whoever calls it, so it must not have more rights than they. AT_SECURE alone may also
 * come from a change of SELinux domain, which gives none. */
static int refuse_privilege_change(struct err *e)
{
	bool set_id = getauxval(AT_UID) != getauxval(AT_EUID) || getauxval(AT_GID) != getauxval(AT_EGID);

	if (set_id || (getauxval(AT_SECURE) && getauxval(AT_UID) != 0 && has_caps()))
		return err_set(e, EPERM,
			       "refusing to run setuid, setgid or with file capabilities: "
			       "remove them (chmod ug-s, setcap -r)");
	return 0;
}

/* Is the log the same file as standard error? */
static bool log_is_stderr(void)
{
	struct stat log, err;

	return fstat(log_fd(), &log) == 0 && fstat(STDERR_FILENO, &err) == 0 && log.st_dev == err.st_dev &&
	       log.st_ino == err.st_ino;
}

static void report(const struct err *e)
{
	char line[ERR_MSG_MAX + 16];
	int len;

	log_error("%s", e->msg);
	if (log_fd() < 0 || log_is_stderr())
		return;
	len = snprintf(line, sizeof(line), "husk: %s", e->msg);
	for (int i = 0; i < len; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = ' ';
	line[len++] = '\n';
	(void)io_write_all(STDERR_FILENO, line, (size_t)len);
}

static int print_help(const struct cmd *cmd, struct err *e)
{
	struct strbuf text = { 0 };
	int r;

	cmd_help(cmd, &text);
	r = cmd_print(text.s, text.len, e);
	free(text.s);
	return r;
}

static int run_command(const struct global_options *global, const struct cmd *cmd, char **words, int *out_status,
		       struct err *e)
{
	alignas(max_align_t) char options[CMD_OPTIONS_MAX] = { 0 };
	AUTO_FREE char *default_root = NULL;
	struct husk_ctx ctx = { .root = global->root };
	bool help = false;
	int r;

	assert(cmd->options_size <= sizeof(options));
	r = cmd_parse(cmd, options, words, &help, e);
	if (r < 0 || help)
		goto out;
	r = global_ctx(global, cmd->wants_rootless, &ctx, e);
	if (r < 0)
		goto out;
	if (!ctx.root && !cmd->stateless)
		ctx.root = default_root = husk_default_root();
	r = cmd->run ? cmd->run(&ctx, options, words, out_status, e) : cmd->run_on_id(&ctx, words[0], e);
out:
	option_free(cmd->options, options);
	return help ? print_help(cmd, e) : r;
}

/* Everything but the report. *out_failed is the exit status if this fails. */
static int husk(char **words, int *out_status, int *out_failed, struct err *e)
{
	struct global_options global = { 0 };
	const struct cmd *cmd = NULL;
	bool help = false;
	int n, r;

	r = fill_stdio(e);
	if (r < 0)
		return r;
	r = refuse_privilege_change(e);
	if (r < 0)
		return r;
	n = option_parse(global_table, &global, words, OPTION_BEFORE_WORDS, &help, e);
	if (n > 0)
		cmd = cmd_find(words[0]);
	if (cmd)
		*out_failed = cmd->failed_status;
	/* the log first: what is wrong with the rest belongs into it; the first error is the one kept */
	r = global_log(&global, n < 0 ? NULL : e);
	if (n < 0)
		return cmd_hint(NULL, e);
	if (r < 0)
		return r;
	if (global.version)
		return cmd_print(VERSION_TEXT, sizeof(VERSION_TEXT) - 1, e);
	if (help || n == 0)
		return print_help(NULL, e);
	if (!cmd) {
		(void)err_set(e, EINVAL, "unknown command '%s'", words[0]);
		return cmd_hint(NULL, e);
	}
	return run_command(&global, cmd, words + 1, out_status, e);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	int status = 0, failed = CMD_FAILED;

	(void)signal(SIGCHLD, SIG_DFL); /* ignored, it would take our children's statuses away */
	if (husk(argc > 0 ? argv + 1 : argv, &status, &failed, &e) >= 0)
		return status;
	report(&e);
	return failed;
}
