/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_argv.c: the option parser over words that end with a NUL byte each, as in
 * /proc/PID/cmdline: the global options, then the command's, by the real tables;
 * each word also as an id and as a signal. No command is run.
 */
#include "cmd.h"
#include "fuzz.h"
#include "global.h"
#include "signame.h"
#include "state.h"

#include <signal.h>
#include <stdalign.h>

#define WORDS_MAX 256 /* words of one input; the rest is left out */

/* What must hold after parsing: n words, each one of argv's, in their old order. */
static void check_words(char *const *words, int n, char *const *argv)
{
	for (int i = 0; i < n; i++) {
		while (*argv && *argv != words[i])
			argv++;
		if (!*argv++)
			abort();
	}
	if (words[n])
		abort();
}

static void check_values(const struct option_def *table, const char *into)
{
	for (; table->name; table++) {
		const void *at = into + table->offset;
		const struct option_list *list = at;

		switch (table->kind) {
		case OPTION_FLAG:
			if (*(const unsigned char *)at > 1)
				abort();
			break;
		case OPTION_STRING:
			if (*(const char *const *)at && !**(const char *const *)at)
				abort();
			break;
		case OPTION_COUNT:
			if (*(const int *)at < 0 || *(const int *)at > OPTION_COUNT_MAX)
				abort();
			break;
		case OPTION_LIST:
			if (list->n ? list->v[list->n] != NULL : list->v != NULL)
				abort();
			break;
		}
	}
}

static void check_message(const struct err *e)
{
	require_message(-e->code, e);
}

/* Words that are operands: ids and signals. */
static void check_operand(const char *word)
{
	struct err e = { 0 };
	int sig = 0;

	if (state_check_id(word, &e) < 0)
		check_message(&e);
	else
		require(word[0] && word[0] != '.' && !strchr(word, '/'));
	require(signame_parse(word, &sig) == 0 ? sig > 0 && sig < _NSIG : sig == 0);
}

static void parse_command(char **words)
{
	alignas(max_align_t) char options[CMD_OPTIONS_MAX] = { 0 };
	const struct cmd *cmd = cmd_find(words[0]);
	char *argv[WORDS_MAX + 1];
	struct err e = { 0 };
	bool help = false;
	int n;

	if (!cmd)
		return;
	for (n = 0; words[n]; n++)
		argv[n] = words[n];
	argv[n] = NULL;
	n = cmd_parse(cmd, options, words + 1, &help, &e);
	if (n < 0)
		check_message(&e);
	else if (!help && (n < cmd->min_words || n > cmd->max_words))
		abort();
	else
		check_words(words + 1, n, argv + 1);
	check_values(cmd->options, options);
	option_free(cmd->options, options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = x_calloc(size + 1, 1);
	char *words[WORDS_MAX + 1], *argv[WORDS_MAX + 1];
	struct global_options global = { 0 };
	struct husk_ctx ctx = { 0 };
	struct err e = { 0 };
	bool help = false;
	int n = 0;

	memcpy(text, data, size);
	for (size_t at = 0; at < size && n < WORDS_MAX; at += strlen(text + at) + 1)
		words[n++] = text + at;
	words[n] = NULL;
	for (int i = 0; i < n; i++)
		check_operand(words[i]);
	memcpy(argv, words, sizeof(*argv) * ((size_t)n + 1));
	n = option_parse(global_table, &global, words, OPTION_BEFORE_WORDS, &help, &e);
	if (n < 0) {
		check_message(&e);
		return 0;
	}
	check_words(words, n, argv);
	check_values(global_table, (const char *)&global);
	if (global_ctx(&global, false, &ctx, &e) < 0)
		check_message(&e);
	if (n > 0)
		parse_command(words);
	option_free(global_table, &global);
	return 0;
}
