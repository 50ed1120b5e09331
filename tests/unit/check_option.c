/* SPDX-License-Identifier: Apache-2.0 */
/* check_option.c: src/option.c by tables; then every command's own table, and the global options. */
#include "ck_run.h"
#include "cmd.h"
#include "global.h"
#include "option.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX 32

struct values {
	bool all, detach;
	const char *root, *cwd;
	int count;
	struct option_list env;
};

#define AT(member) offsetof(struct values, member)

static const struct option_def table[] = {
	{ "all", 'a', OPTION_FLAG, AT(all), NULL, "a flag" },
	{ "detach", 'd', OPTION_FLAG, AT(detach), NULL, "another flag" },
	{ "root", 0, OPTION_STRING, AT(root), "DIR", "a string without a letter" },
	{ "cwd", 'w', OPTION_STRING, AT(cwd), "DIR", "a string" },
	{ "count", 'c', OPTION_COUNT, AT(count), "N", "a number" },
	{ "env", 'e', OPTION_LIST, AT(env), "KEY=VALUE", "a list whose description has a line of its own" },
	{ 0 },
};

/* A command line in one string: words are separated by one blank; "" is no word, "''" an empty one. */
struct line {
	char text[512];
	char *words[WORDS_MAX];
};

static void line_split(struct line *l, const char *text)
{
	char *rest = l->text, *word;
	size_t n = 0;

	ck_assert_uint_lt(strlen(text), sizeof(l->text));
	strcpy(l->text, text);
	while ((word = strsep(&rest, " "))) {
		ck_assert_uint_lt(n + 1, WORDS_MAX);
		if (*word)
			l->words[n++] = str_eq(word, "''") ? word + 2 : word;
	}
	l->words[n] = NULL;
}

static const char *line_join(const struct line *l, char *out, size_t size)
{
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; l->words[i]; i++)
		at += (size_t)snprintf(out + at, size - at, "%s%s", i ? " " : "", *l->words[i] ? l->words[i] : "''");
	return out;
}

/* What was set, in the table's order: "all cwd=/x env=A=1,B=2". */
static const char *values_show(const struct values *v, char *out, size_t size)
{
	struct strbuf b = { 0 };

	if (v->all)
		strbuf_puts(&b, " all");
	if (v->detach)
		strbuf_puts(&b, " detach");
	if (v->root)
		strbuf_printf(&b, " root=%s", v->root);
	if (v->cwd)
		strbuf_printf(&b, " cwd=%s", v->cwd);
	if (v->count)
		strbuf_printf(&b, " count=%d", v->count);
	for (size_t i = 0; i < v->env.n; i++)
		strbuf_printf(&b, "%s%s", i ? "," : " env=", v->env.v[i]);
	if (v->env.v)
		ck_assert_ptr_null(v->env.v[v->env.n]);
	(void)snprintf(out, size, "%s", b.s ? b.s + 1 : "");
	free(b.s);
	return out;
}

#define ANY OPTION_ANYWHERE
#define FIRST OPTION_BEFORE_WORDS

static const struct {
	const char *line;
	enum option_order order;
	const char *words, *values;
} good[] = {
	{ "", ANY, "", "" },
	{ "a b", ANY, "a b", "" },
	/* long names */
	{ "--all", ANY, "", "all" },
	{ "--root /x", ANY, "", "root=/x" },
	{ "--root=/x", ANY, "", "root=/x" },
	{ "--root=/x=y", ANY, "", "root=/x=y" },
	{ "--root =", ANY, "", "root==" },
	{ "--root --all", ANY, "", "root=--all" },
	{ "--root --", ANY, "", "root=--" },
	{ "--root -", ANY, "", "root=-" },
	/* the last one wins; a list collects */
	{ "--root a --root b", ANY, "", "root=b" },
	{ "-e A=1 --env B=2 --env=C=3", ANY, "", "env=A=1,B=2,C=3" },
	/* one dash */
	{ "-all", ANY, "", "all" },
	{ "-root /x", ANY, "", "root=/x" },
	{ "-root=/x", ANY, "", "root=/x" },
	{ "-env A=1", ANY, "", "env=A=1" },
	/* letters */
	{ "-a", ANY, "", "all" },
	{ "--a", ANY, "", "all" },
	{ "-ad", ANY, "", "all detach" },
	{ "-w /x", ANY, "", "cwd=/x" },
	{ "-w=/x", ANY, "", "cwd=/x" },
	{ "-w/x", ANY, "", "cwd=/x" },
	{ "--w=/x", ANY, "", "cwd=/x" },
	{ "-adw /x", ANY, "", "all detach cwd=/x" },
	{ "-aw/x", ANY, "", "all cwd=/x" },
	{ "-aw=/x", ANY, "", "all cwd=/x" },
	{ "-c7", ANY, "", "count=7" },
	/* the long name goes before the letters: no -c with the value "wd" */
	{ "-cwd /x", ANY, "", "cwd=/x" },
	/* flags with a value */
	{ "--all=true", ANY, "", "all" },
	{ "--all=1 --detach=T", ANY, "", "all detach" },
	{ "--all=false", ANY, "", "" },
	{ "--all --all=0", ANY, "", "" },
	{ "-a=false", ANY, "", "" },
	{ "-da=true", ANY, "", "all detach" },
	{ "-da=F", ANY, "", "detach" },
	/* a flag takes no word */
	{ "--all true", ANY, "true", "all" },
	/* numbers */
	{ "--count 0", ANY, "", "" },
	{ "--count 1048576", ANY, "", "count=1048576" },
	{ "--count 007", ANY, "", "count=7" },
	/* order */
	{ "a --all b -w /x c", ANY, "a b c", "all cwd=/x" },
	{ "--detach a --all b", FIRST, "a --all b", "detach" },
	{ "a -- b", FIRST, "a -- b", "" },
	{ "-d a --help", FIRST, "a --help", "detach" },
	/* the end of options */
	{ "-- --all -x", ANY, "--all -x", "" },
	{ "a -- --all", ANY, "a --all", "" },
	{ "--all -- -- a", ANY, "-- a", "all" },
	{ "-- --all", FIRST, "--all", "" },
	/* words that are no options */
	{ "- a", ANY, "- a", "" },
	{ "'' --all ''", ANY, "'' ''", "all" },
};

START_TEST(test_options_are_taken_in_every_spelling)
{
	struct values v = { 0 };
	struct err e = { 0 };
	struct line l;
	char buf[512];
	bool help = true;
	int n;

	line_split(&l, good[_i].line);
	n = option_parse(table, &v, l.words, good[_i].order, &help, &e);
	ck_assert_msg(n >= 0, "'%s': %s", good[_i].line, e.msg);
	ck_assert_str_eq(line_join(&l, buf, sizeof(buf)), good[_i].words);
	ck_assert_ptr_null(l.words[n]);
	ck_assert_str_eq(values_show(&v, buf, sizeof(buf)), good[_i].values);
	ck_assert(!help);
	option_free(table, &v);
	ck_assert_ptr_null(v.env.v);
}
END_TEST

static const struct {
	const char *line, *message;
} bad[] = {
	{ "--none", "unknown option '--none'" },
	{ "--none=x", "unknown option '--none'" },
	{ "a --none", "unknown option '--none'" },
	{ "--roo /x", "unknown option '--roo'" },
	{ "--rootx /x", "unknown option '--rootx'" },
	{ "--ALL", "unknown option '--ALL'" },
	{ "-x", "unknown option '-x'" },
	{ "-none", "unknown option '-none'" },
	{ "-ax", "unknown option '-x' in '-ax'" },
	{ "--ad", "unknown option '--ad'" },
	{ "---all", "unknown option '---all'" },
	{ "--=x", "unknown option '--'" },
	{ "-=x", "unknown option '-=x'" },
	{ "--root", "option '--root' needs a value" },
	{ "-w", "option '--cwd' needs a value" },
	{ "-aw", "option '--cwd' needs a value" },
	{ "--root=", "option '--root' needs a value that is not empty" },
	{ "--root ''", "option '--root' needs a value that is not empty" },
	{ "-e=", "option '--env' needs a value that is not empty" },
	{ "--all=", "option '--all': expected true or false, got ''" },
	{ "--all=maybe", "option '--all': expected true or false, got 'maybe'" },
	{ "-a=tRUE", "option '--all': expected true or false, got 'tRUE'" },
	{ "--count x", "option '--count': expected a number from 0 to 1048576, got 'x'" },
	{ "--count -1", "option '--count': expected a number from 0 to 1048576, got '-1'" },
	{ "--count 1048577", "option '--count': expected a number from 0 to 1048576, got '1048577'" },
	{ "--count 18446744073709551617",
	  "option '--count': expected a number from 0 to 1048576, got '18446744073709551617'" },
	{ "-c1x", "option '--count': expected a number from 0 to 1048576, got '1x'" },
};

START_TEST(test_what_is_wrong_is_said_in_one_line)
{
	struct values v = { 0 };
	struct err e = { 0 };
	struct line l;
	bool help;

	line_split(&l, bad[_i].line);
	ck_assert_int_eq(option_parse(table, &v, l.words, OPTION_ANYWHERE, &help, &e), -EINVAL);
	ck_assert_str_eq(e.msg, bad[_i].message);
	ck_assert_int_eq(e.code, EINVAL);
	option_free(table, &v);
}
END_TEST

START_TEST(test_a_list_is_freed_after_a_failure)
{
	struct values v = { 0 };
	struct err e = { 0 };
	struct line l;
	bool help;

	line_split(&l, "-e A=1 -e B=2 --none");
	ck_assert_int_eq(option_parse(table, &v, l.words, OPTION_ANYWHERE, &help, &e), -EINVAL);
	ck_assert_uint_eq(v.env.n, 2);
	option_free(table, &v);
	ck_assert_ptr_null(v.env.v);
	ck_assert_uint_eq(v.env.n, 0);
}
END_TEST

static const char *const asks_help[] = {
	"--help", "-h", "-help", "a --help b", "--all -h --none", "-ah", "-h a b c", "--help=true",
};

START_TEST(test_help_ends_the_parsing)
{
	struct values v = { 0 };
	struct err e = { 0 };
	struct line l;
	bool help = false;

	line_split(&l, asks_help[_i]);
	ck_assert_int_ge(option_parse(table, &v, l.words, OPTION_ANYWHERE, &help, &e), 0);
	ck_assert(help);
	option_free(table, &v);
}
END_TEST

START_TEST(test_help_text_has_a_line_for_each_option)
{
	struct strbuf out = { 0 };

	option_help(table, &out);
	ck_assert_str_eq(out.s, "  -a, --all                     a flag\n"
				"  -d, --detach                  another flag\n"
				"      --root DIR                a string without a letter\n"
				"  -w, --cwd DIR                 a string\n"
				"  -c, --count N                 a number\n"
				"  -e, --env KEY=VALUE           a list whose description has a line of its own\n"
				"  -h, --help                    show this text\n");
	free(out.s);
}
END_TEST

/* ---- the commands ---- */

static int parse_command(const char *line, char *options, bool *help, struct err *e)
{
	struct line l;
	const struct cmd *cmd;
	int n;

	line_split(&l, line);
	cmd = cmd_find(l.words[0]);
	ck_assert_ptr_nonnull(cmd);
	ck_assert_uint_le(cmd->options_size, CMD_OPTIONS_MAX);
	n = cmd_parse(cmd, options, l.words + 1, help, e);
	option_free(cmd->options, options);
	return n;
}

static const struct {
	const char *line;
	int words;
} good_commands[] = {
	/* as the containerd shim, conmon, Podman and CRI-O write them */
	{ "create --bundle /b --pid-file /p --console-socket /s --no-pivot --no-new-keyring --preserve-fds 3 id", 1 },
	{ "create --bundle /b --pid-file /p --pidfd-socket /s id", 1 },
	{ "run --bundle /b --config c --detach --keep --no-subreaper id", 1 },
	{ "run -no-subreaper -d -b /b -f c id", 1 },
	{ "run id --detach", 1 },
	{ "start id", 1 },
	{ "exec --process /f --detach --pid-file /p id", 1 },
	{ "exec --pid-file /p --process /f --detach --console-socket /s --tty id", 1 },
	{ "exec -e A=1 -e B=2 --cwd / -u 0:0 -c CAP_KILL -g 5 -t --no-new-privs --ignore-paused id ls --all -x", 4 },
	{ "exec --cgroup a --apparmor p --process-label l --preserve-fds 1 --no-subreaper --pidfd-socket /s id ls", 2 },
	{ "kill id", 1 },
	{ "kill --all id 9", 2 },
	{ "kill id TERM -a", 2 },
	{ "kill --regex .* KILL", 2 },
	{ "delete --force id", 1 },
	{ "delete id -f", 1 },
	{ "delete -r -f ^a", 1 },
	{ "state id", 1 },
	{ "list", 0 },
	{ "list -q", 0 },
	{ "list --format json", 0 },
	{ "ps --format json id", 1 },
	{ "ps -f table id -ef --forest", 3 },
	{ "pause id", 1 },
	{ "resume id", 1 },
	{ "spec --rootless --bundle /b", 0 },
	{ "features", 0 },
};

START_TEST(test_commands_take_what_callers_write)
{
	char options[CMD_OPTIONS_MAX] = { 0 };
	struct err e = { 0 };
	bool help;
	int n = parse_command(good_commands[_i].line, options, &help, &e);

	ck_assert_msg(n == good_commands[_i].words, "'%s': %d words, '%s'", good_commands[_i].line, n, e.msg);
}
END_TEST

static const struct {
	const char *line, *message;
} bad_commands[] = {
	{ "kill", "kill: an argument is missing: expected ID [SIGNAL]; see 'husk kill --help'" },
	{ "kill a b c", "kill: unexpected argument 'c'; see 'husk kill --help'" },
	{ "kill --force a", "kill: unknown option '--force'; see 'husk kill --help'" },
	{ "create", "create: an argument is missing: expected ID; see 'husk create --help'" },
	{ "create a b", "create: unexpected argument 'b'; see 'husk create --help'" },
	{ "create --detach a", "create: unknown option '--detach'; see 'husk create --help'" },
	{ "run --preserve-fds -1 a", "run: option '--preserve-fds': expected a number from 0 to 1048576, got '-1'; "
				     "see 'husk run --help'" },
	{ "list a", "list: unexpected argument 'a'; see 'husk list --help'" },
	{ "features a", "features: unexpected argument 'a'; see 'husk features --help'" },
	{ "exec", "exec: an argument is missing: expected ID COMMAND [ARGUMENT]...; see 'husk exec --help'" },
	{ "state --regex a", "state: unknown option '--regex'; see 'husk state --help'" },
};

START_TEST(test_commands_refuse_with_a_hint)
{
	char options[CMD_OPTIONS_MAX] = { 0 };
	struct err e = { 0 };
	bool help;

	ck_assert_int_eq(parse_command(bad_commands[_i].line, options, &help, &e), -EINVAL);
	ck_assert_str_eq(e.msg, bad_commands[_i].message);
}
END_TEST

START_TEST(test_every_command_and_option_is_described)
{
	for (const struct cmd *const *c = cmd_list_all; *c; c++) {
		struct strbuf text = { 0 };

		ck_assert_ptr_eq(cmd_find((*c)->name), *c);
		ck_assert_int_eq((*c)->failed_status, str_eq((*c)->name, "exec") ? 255 : 1);
		for (const struct option_def *o = (*c)->options; o->name; o++) {
			ck_assert_msg(o->help && *o->help, "%s --%s", (*c)->name, o->name);
			ck_assert_msg(!o->value == (o->kind == OPTION_FLAG), "%s --%s", (*c)->name, o->name);
			ck_assert_msg(o->offset < (*c)->options_size, "%s --%s", (*c)->name, o->name);
			for (const struct option_def *p = (*c)->options; p < o; p++) {
				ck_assert_str_ne(p->name, o->name);
				ck_assert_msg(!o->letter || p->letter != o->letter, "%s -%c", (*c)->name, o->letter);
				ck_assert_msg(p->offset != o->offset, "%s --%s", (*c)->name, o->name);
			}
		}
		cmd_help(*c, &text);
		ck_assert_ptr_nonnull(strstr(text.s, (*c)->summary));
		free(text.s);
	}
	ck_assert_ptr_null(cmd_find("none"));
	ck_assert_ptr_null(cmd_find(""));
}
END_TEST

START_TEST(test_create_values_arrive_through_run)
{
	struct husk_run_opts o = { 0 };
	struct err e = { 0 };
	struct line l;
	bool help;

	line_split(&l, "-b /b -f c --console-socket s --pidfd-socket q --pid-file p --preserve-fds 4 --no-pivot "
		       "--no-new-keyring --detach --keep --no-subreaper id");
	ck_assert_int_eq(cmd_parse(&cmd_run, &o, l.words, &help, &e), 1);
	ck_assert_str_eq(o.create.bundle, "/b");
	ck_assert_str_eq(o.create.config, "c");
	ck_assert_str_eq(o.create.console_socket, "s");
	ck_assert_str_eq(o.create.pidfd_socket, "q");
	ck_assert_str_eq(o.create.pid_file, "p");
	ck_assert_int_eq(o.create.preserve_fds, 4);
	ck_assert(o.create.no_pivot && o.create.no_new_keyring && o.detach && o.keep && o.no_subreaper);
}
END_TEST

/* ---- socket activation ---- */

static void listen_env(const char *fds, const char *pid)
{
	ck_assert_int_eq(fds ? setenv("LISTEN_FDS", fds, 1) : unsetenv("LISTEN_FDS"), 0);
	ck_assert_int_eq(pid ? setenv("LISTEN_PID", pid, 1) : unsetenv("LISTEN_PID"), 0);
}

START_TEST(test_listen_fds_count_only_for_this_process)
{
	struct husk_create_opts o = { .preserve_fds = 1 };
	struct err e = { 0 };
	char pid[24];

	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	listen_env("2", NULL);
	ck_assert_int_eq(cmd_listen_fds(&o, &e), 0);
	listen_env("2", "1");
	ck_assert_int_eq(cmd_listen_fds(&o, &e), 0);
	listen_env("2", "x");
	ck_assert_int_eq(cmd_listen_fds(&o, &e), 0);
	listen_env(NULL, pid);
	ck_assert_int_eq(cmd_listen_fds(&o, &e), 0);
	ck_assert_int_eq(o.preserve_fds, 1);
	ck_assert_int_eq(o.listen_fds, 0);
	listen_env("2", pid);
	ck_assert_int_eq(cmd_listen_fds(&o, &e), 0);
	ck_assert_int_eq(o.preserve_fds, 3);
	ck_assert_int_eq(o.listen_fds, 2);
	listen_env("-2", pid);
	ck_assert_int_eq(cmd_listen_fds(&o, &e), -EINVAL);
	ck_assert_str_eq(e.msg, "$LISTEN_FDS: expected a number from 0 to 1048576, got '-2'");
}
END_TEST

/* ---- the global options ---- */

static const struct {
	const char *line;
	enum husk_cgroup_manager manager;
	int rootless; /* -1: not asked */
	const char *message;
} globals[] = {
	{ "", HUSK_CGROUPFS, -1, NULL },
	{ "--cgroup-manager cgroupfs", HUSK_CGROUPFS, -1, NULL },
	{ "--cgroup-manager=disabled", HUSK_CGROUP_DISABLED, -1, NULL },
	{ "--systemd-cgroup=false", HUSK_CGROUPFS, -1, NULL },
	{ "--systemd-cgroup --cgroup-manager disabled", HUSK_CGROUP_DISABLED, -1, NULL },
	{ "--rootless true", HUSK_CGROUPFS, 1, NULL },
	{ "--rootless=false", HUSK_CGROUPFS, 0, NULL },
	{ "--rootless=auto", HUSK_CGROUPFS, -1, NULL },
	{ "--systemd-cgroup", HUSK_CGROUP_SYSTEMD, -1, NULL },
	{ "--cgroup-manager systemd", HUSK_CGROUP_SYSTEMD, -1, NULL },
	{ "--cgroup-manager x", 0, 0, "option '--cgroup-manager': expected cgroupfs, systemd or disabled, got 'x'" },
	{ "--rootless x", 0, 0, "option '--rootless': expected true, false or auto, got 'x'" },
};

START_TEST(test_global_options_choose_by_name)
{
	struct global_options o = { 0 };
	struct husk_ctx ctx = { 0 };
	struct err e = { 0 };
	struct line l;
	bool help;
	int r;

	line_split(&l, globals[_i].line);
	ck_assert_int_eq(option_parse(global_table, &o, l.words, OPTION_BEFORE_WORDS, &help, &e), 0);
	r = global_ctx(&o, true, &ctx, &e);
	if (globals[_i].message) {
		ck_assert_int_lt(r, 0);
		ck_assert_str_eq(e.msg, globals[_i].message);
		return;
	}
	ck_assert_int_eq(r, 0);
	ck_assert_int_eq(ctx.cgroup_manager, globals[_i].manager);
	ck_assert_int_eq(ctx.rootless, globals[_i].rootless < 0 ? husk_is_rootless() : globals[_i].rootless);
}
END_TEST

static const struct {
	const char *line, *message;
} logs[] = {
	{ "", NULL },
	{ "--log-format text --log-level error", NULL },
	{ "--log-format=json --log-level=warning", NULL },
	{ "--log-level warn", NULL },
	{ "--log-level info", NULL },
	{ "--log-level debug", NULL },
	{ "--debug", NULL },
	{ "--log /dev/null", NULL },
	{ "--log-format xml", "option '--log-format': expected text or json, got 'xml'" },
	{ "--log-level loud", "option '--log-level': expected error, warn, info or debug, got 'loud'" },
	{ "--log /no/such/folder/log", "--log: open '/no/such/folder/log': No such file or directory" },
};

START_TEST(test_log_options_are_checked)
{
	struct global_options o = { 0 };
	struct err e = { 0 };
	struct line l;
	bool help;
	int r;

	line_split(&l, logs[_i].line);
	ck_assert_int_eq(option_parse(global_table, &o, l.words, OPTION_BEFORE_WORDS, &help, &e), 0);
	r = global_log(&o, &e);
	if (!logs[_i].message) {
		ck_assert_int_eq(r, 0);
		return;
	}
	ck_assert_int_lt(r, 0);
	ck_assert_str_eq(e.msg, logs[_i].message);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("option");
	TCase *parser = tcase_create("parser"), *commands = tcase_create("commands"), *global = tcase_create("global");

	tcase_add_loop_test(parser, test_options_are_taken_in_every_spelling, 0, ARRAY_LEN(good));
	tcase_add_loop_test(parser, test_what_is_wrong_is_said_in_one_line, 0, ARRAY_LEN(bad));
	tcase_add_test(parser, test_a_list_is_freed_after_a_failure);
	tcase_add_loop_test(parser, test_help_ends_the_parsing, 0, ARRAY_LEN(asks_help));
	tcase_add_test(parser, test_help_text_has_a_line_for_each_option);
	tcase_add_loop_test(commands, test_commands_take_what_callers_write, 0, ARRAY_LEN(good_commands));
	tcase_add_loop_test(commands, test_commands_refuse_with_a_hint, 0, ARRAY_LEN(bad_commands));
	tcase_add_test(commands, test_every_command_and_option_is_described);
	tcase_add_test(commands, test_create_values_arrive_through_run);
	tcase_add_test(commands, test_listen_fds_count_only_for_this_process);
	tcase_add_loop_test(global, test_global_options_choose_by_name, 0, ARRAY_LEN(globals));
	tcase_add_loop_test(global, test_log_options_are_checked, 0, ARRAY_LEN(logs));
	suite_add_tcase(suite, parser);
	suite_add_tcase(suite, commands);
	suite_add_tcase(suite, global);
	return ck_run(suite);
}
