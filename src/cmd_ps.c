/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_ps.c: husk ps. The table is made by the program ps(1), as runc's is.
 */
#include "cmd.h"
#include "fd.h"
#include "format.h"
#include "io.h"
#include "json.h"
#include "ps_table.h"
#include "vm_control.h"

#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#define PS_OUTPUT_MAX (64U << 20) /* bytes of ps's output that are read */

struct ps_options {
	const char *format;
};

static int print_json(const pid_t *pids, size_t n, struct err *e)
{
	yajl_gen gen = gen_new(NULL);

	gen_array_open(gen, NULL);
	for (size_t i = 0; i < n; i++)
		(void)yajl_gen_integer(gen, pids[i]);
	gen_array_close(gen);
	return format_print(gen, e);
}

/* words[0] becomes the program's name: words are the container's id and ps's arguments. */
static int spawn_ps(char **words, int out_fd, pid_t *out_pid, struct err *e)
{
	static char name[] = "ps", every[] = "-ef";
	char *defaults[] = { name, every, NULL };
	posix_spawn_file_actions_t fa;
	int r;

	words[0] = name;
	(void)posix_spawn_file_actions_init(&fa);
	(void)posix_spawn_file_actions_adddup2(&fa, out_fd, STDOUT_FILENO);
	r = posix_spawnp(out_pid, name, &fa, NULL, words[1] ? words : defaults, environ);
	(void)posix_spawn_file_actions_destroy(&fa);
	if (r != 0)
		return err_sys(e, r, "run the program 'ps' (--format json needs none)");
	return 0;
}

static int ps_output(char **words, char **out, struct err *e)
{
	AUTO_FD rd = -1;
	AUTO_FD wr = -1;
	AUTO_FREE char *text = NULL;
	int fds[2], status, r;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(e, errno, "pipe");
	rd = fds[0];
	wr = fds[1];
	r = spawn_ps(words, wr, &pid, e);
	if (r < 0)
		return r;
	fd_close(&wr);
	r = io_read_fd(rd, PS_OUTPUT_MAX, &text, NULL);
	fd_close(&rd);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r < 0)
		return err_sys(e, -r, "read the output of 'ps'");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(e, EIO, "the program 'ps' failed");
	*out = text;
	text = NULL;
	return 0;
}

static int print_table(char *text, const pid_t *pids, size_t n, struct err *e)
{
	struct strbuf table = { 0 };
	int r = ps_table(text, pids, n, &table, e);

	if (r == 0)
		r = cmd_print(table.s, table.len, e);
	free(table.s);
	return r;
}

/* The ids are the guest's, and no ps(1) of the host's knows them. text: a JSON array. */
static int print_guest_pids(const char *text, bool json, struct err *e)
{
	struct json_doc doc = { 0 };
	AUTO_FREE pid_t *pids = NULL;
	size_t n = 0;
	int64_t pid;
	int r = json_parse(text, strlen(text), &doc, e);

	if (r == 0)
		r = json_want(doc.root, JSON_ARRAY, e);
	if (r == 0)
		pids = x_calloc(doc.root->len + 1, sizeof(*pids));
	for (const struct json *v = r == 0 ? doc.root->child : NULL; v && r == 0; v = v->next) {
		r = json_i64(v, 1, INT32_MAX, &pid, e);
		if (r == 0)
			pids[n++] = (pid_t)pid;
	}
	json_free(&doc);
	if (r < 0)
		return err_add(e, "the VM's list of processes");
	if (json)
		return print_json(pids, n, e);
	r = cmd_print("PID\n", 4, e);
	for (size_t i = 0; i < n && r == 0; i++) {
		AUTO_FREE char *line = x_printf("%d\n", (int)pids[i]);

		r = cmd_print(line, strlen(line), e);
	}
	return r;
}

static int ps_of_guest(const struct husk_ctx *ctx, const char *id, bool json, struct err *e)
{
	AUTO_FREE char *text = NULL;
	int r = vm_control_ask(ctx, id, MSG_PS, NULL, NULL, &text, e);

	return r < 0 ? r : print_guest_pids(text, json, e);
}

static int run(const struct husk_ctx *ctx, const void *options, char **words, int *out_status, struct err *e)
{
	const struct ps_options *o = options;
	AUTO_FREE pid_t *pids = NULL;
	AUTO_FREE char *text = NULL;
	size_t n = 0;
	bool json;
	int r;

	(void)out_status;
	r = format_is_json(o->format, &json, e);
	if (r < 0)
		return r;
	if (vm_control_is_vm(ctx, words[0]) && !vm_control_is_created(ctx, words[0]))
		return ps_of_guest(ctx, words[0], json, e);
	r = husk_ps(ctx, words[0], &pids, &n, e);
	if (r < 0)
		return r;
	if (json)
		return print_json(pids, n, e);
	r = ps_output(words, &text, e);
	return r < 0 ? r : print_table(text, pids, n, e);
}

#define AT(member) offsetof(struct ps_options, member)

static const struct option_def options_table[] = {
	{ "format", 'f', OPTION_STRING, AT(format), "FORMAT", "table (default) or json" },
	{ 0 },
};

const struct cmd cmd_ps = {
	.name = "ps",
	.operands = "ID [PS ARGUMENT]...",
	.summary = "List the processes of a container.",
	.options = options_table,
	.options_size = sizeof(struct ps_options),
	.min_words = 1,
	.max_words = CMD_ANY_WORDS,
	.order = OPTION_BEFORE_WORDS,
	.wants_rootless = true,
	.failed_status = CMD_FAILED,
	.run = run,
};
