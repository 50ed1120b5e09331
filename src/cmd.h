/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd.h: the commands. One cmd_<name>.c each, which turns options and words into
 * one call of libcontainer; cmd.c has the list, the look-up and the help text.
 */
#ifndef HUSK_CMD_H
#define HUSK_CMD_H

#include "libcontainer.h"
#include "option.h"

#include <stdbool.h>
#include <stddef.h>

#define CMD_OCI_VERSION "1.3.0"	 /* of the runtime-spec that husk follows */
#define CMD_OPTIONS_MAX 512	 /* bytes of the largest struct of options */
#define CMD_ANY_WORDS 0x7fffffff /* no upper limit of plain words */
#define CMD_FAILED 1		 /* exit status of husk's own errors */
#define CMD_EXEC_FAILED 255	 /* the same of exec, as runc has it */

struct cmd {
	const char *name;
	const char *operands; /* "ID [SIGNAL]", for the help text */
	const char *summary;
	const struct option_def *options;
	size_t options_size; /* of the struct that options fill; at most CMD_OPTIONS_MAX */
	int min_words, max_words;
	enum option_order order;
	bool stateless;	     /* has no use for ctx->root */
	bool wants_rootless; /* reads ctx->rootless */
	int failed_status;
	/* words ends with a NULL and has min_words to max_words of them. *out_status, 0 so far, is
	 * husk's exit status on success. */
	int (*run)(const struct husk_ctx *ctx, const void *options, char **words, int *out_status, struct err *e);
	/* In place of run, where the id is all there is to say. */
	int (*run_on_id)(const struct husk_ctx *ctx, const char *id, struct err *e);
};

/* The table of a command without options. */
extern const struct option_def cmd_no_options[];

extern const struct cmd cmd_create, cmd_delete, cmd_doctor, cmd_events, cmd_exec, cmd_features, cmd_kill, cmd_list,
	cmd_mounts, cmd_pause, cmd_ps, cmd_resume, cmd_run, cmd_spec, cmd_start, cmd_state, cmd_update, cmd_vm;

/* Every command, in the order of the help text; ends with a NULL. */
extern const struct cmd *const cmd_list_all[];

/* NULL when there is none of this name. */
const struct cmd *cmd_find(const char *name);

/* Parses words into the zeroed struct `options` and checks how many plain words are left. Returns
 * that, or -EINVAL with a message that ends with a hint. *out_help: the help text is asked for. */
int cmd_parse(const struct cmd *cmd, void *options, char **words, bool *out_help, struct err *e);

/* The help text of one command, or of husk itself when cmd is NULL. */
void cmd_help(const struct cmd *cmd, struct strbuf *out);
/* Puts "; see 'husk NAME --help'" behind the message; NULL: 'husk --help'. Returns -e->code. */
int cmd_hint(const struct cmd *cmd, struct err *e);

/* All of text to standard output. */
int cmd_print(const char *text, size_t len, struct err *e);
/* text and a newline, in one write. The text's final NUL is overwritten. */
int cmd_print_line(char *text, struct err *e);

/* The options of create, which run has too. `at`: where a struct husk_create_opts starts. */
#define CMD_CREATE_AT(at, member) ((at) + offsetof(struct husk_create_opts, member))
#define CMD_CREATE_OPTIONS(at)                                                               \
	{                                                                                    \
		"bundle",      'b',                                                          \
		OPTION_STRING, CMD_CREATE_AT(at, bundle),                                    \
		"DIR",	       "the bundle (default: the current directory)"                 \
	},                                                                                   \
		{ "config",	 'f',                                                        \
		  OPTION_STRING, CMD_CREATE_AT(at, config),                                  \
		  "FILE",	 "read FILE, not the bundle's config.json" },                \
		{ "console-socket", 0,                                                       \
		  OPTION_STRING,    CMD_CREATE_AT(at, console_socket),                       \
		  "SOCKET",	    "unix socket that receives the terminal's descriptor" }, \
		{ "pidfd-socket", 0,                                                         \
		  OPTION_STRING,  CMD_CREATE_AT(at, pidfd_socket),                           \
		  "SOCKET",	  "unix socket that receives the container's pidfd" },       \
		{ "pid-file",	 0,                                                          \
		  OPTION_STRING, CMD_CREATE_AT(at, pid_file),                                \
		  "FILE",	 "write the container's process id to FILE" },               \
		{ "preserve-fds",                                                            \
		  0,                                                                         \
		  OPTION_COUNT,                                                              \
		  CMD_CREATE_AT(at, preserve_fds),                                           \
		  "N",                                                                       \
		  "pass N more descriptors on, from 3 (and $LISTEN_FDS) up" },               \
		{ "no-pivot",  0,                                                            \
		  OPTION_FLAG, CMD_CREATE_AT(at, no_pivot),                                  \
		  NULL,	       "no pivot_root: for a root on an initramfs" },                \
	{                                                                                    \
		"no-new-keyring", 0, OPTION_FLAG, CMD_CREATE_AT(at, no_new_keyring), NULL,   \
			"keep the caller's session keyring"                                  \
	}

/* Adds the descriptors of socket activation (sd_listen_fds(3)) to those that are passed on, when
 * $LISTEN_PID names this process. -EINVAL when $LISTEN_FDS is no number. */
int cmd_listen_fds(struct husk_create_opts *o, struct err *e);

#endif
