/* SPDX-License-Identifier: Apache-2.0 */
/* option.c: see option.h. */
#include "option.h"

#include <string.h>

#define HELP_COLUMN 32 /* where the help text of an option starts */

/* Where the parser stands. */
struct cursor {
	const struct option_def *table;
	void *into;
	char **words;
	size_t at; /* words[at] is looked at */
	bool help;
};

static const struct option_def help_def = {
	.name = "help", .letter = 'h', .kind = OPTION_FLAG, .help = "show this text"
};

static const struct option_def *find_letter(const struct option_def *table, char letter)
{
	for (; table->name; table++)
		if (table->letter == letter && letter)
			return table;
	return letter == help_def.letter ? &help_def : NULL;
}

static const struct option_def *find_name(const struct option_def *table, const char *name, size_t len)
{
	if (len == 1)
		return find_letter(table, *name);
	for (; table->name; table++)
		if (strncmp(table->name, name, len) == 0 && !table->name[len])
			return table;
	return len == strlen(help_def.name) && strncmp(help_def.name, name, len) == 0 ? &help_def : NULL;
}

/* The spellings that Go's strconv.ParseBool takes. */
static int parse_bool(const char *s, bool *out)
{
	static const char *const yes[] = { "true", "1", "t", "T", "TRUE", "True" };
	static const char *const no[] = { "false", "0", "f", "F", "FALSE", "False" };

	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (str_eq(s, yes[i]) || str_eq(s, no[i])) {
			*out = str_eq(s, yes[i]);
			return 0;
		}
	}
	return -EINVAL;
}

static void list_add(struct option_list *list, const char *value)
{
	list->v = x_realloc(list->v, list->n + 2, sizeof(*list->v));
	list->v[list->n++] = value;
	list->v[list->n] = NULL;
}

/* value is NULL only for a flag without one. */
static int set_value(struct cursor *c, const struct option_def *def, const char *value, struct err *e)
{
	void *to = def == &help_def ? (void *)&c->help : (char *)c->into + def->offset;
	uint64_t n;

	if (def->kind != OPTION_FLAG && !*value)
		return err_set(e, EINVAL, "option '--%s' needs a value that is not empty", def->name);
	switch (def->kind) {
	case OPTION_FLAG:
		*(bool *)to = true;
		if (value && parse_bool(value, to) < 0)
			return err_set(e, EINVAL, "option '--%s': expected true or false, got '%s'", def->name, value);
		return 0;
	case OPTION_STRING:
		*(const char **)to = value;
		return 0;
	case OPTION_COUNT:
		if (str_u64(value, OPTION_COUNT_MAX, &n) < 0)
			return err_set(e, EINVAL, "option '--%s': expected a number from 0 to %d, got '%s'", def->name,
				       OPTION_COUNT_MAX, value);
		*(int *)to = (int)n;
		return 0;
	case OPTION_LIST:
		list_add(to, value);
		return 0;
	}
	return err_set(e, EINVAL, "option '--%s': unknown kind", def->name);
}

/* rest: what follows the option's name in its word: "", "=value" or, after a letter, "value". */
static int take(struct cursor *c, const struct option_def *def, const char *rest, struct err *e)
{
	const char *value = *rest ? rest + (*rest == '=') : NULL;

	if (!value && def->kind != OPTION_FLAG) {
		value = c->words[c->at + 1];
		if (!value)
			return err_set(e, EINVAL, "option '--%s' needs a value", def->name);
		c->at++;
	}
	return set_value(c, def, value, e);
}

/* "-abc" where "abc" is no long name: flags, and at the end perhaps a letter with a value. */
static int take_letters(struct cursor *c, const char *letters, struct err *e)
{
	for (const char *p = letters; *p; p++) {
		const struct option_def *def = find_letter(c->table, *p);
		int r;

		if (!def && p == letters)
			return err_set(e, EINVAL, "unknown option '-%s'", letters);
		if (!def)
			return err_set(e, EINVAL, "unknown option '-%c' in '-%s'", *p, letters);
		if (def->kind != OPTION_FLAG || p[1] == '=')
			return take(c, def, p + 1, e);
		r = set_value(c, def, NULL, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int take_word(struct cursor *c, struct err *e)
{
	const char *word = c->words[c->at];
	size_t dashes = word[1] == '-' ? 2 : 1;
	const char *name = word + dashes;
	size_t len = strcspn(name, "=");
	const struct option_def *def = len ? find_name(c->table, name, len) : NULL;

	if (def)
		return take(c, def, name + len, e);
	if (dashes == 1)
		return take_letters(c, name, e);
	return err_set(e, EINVAL, "unknown option '%.*s'", (int)(dashes + len), word);
}

int option_parse(const struct option_def *table, void *into, char **words, enum option_order order, bool *out_help,
		 struct err *e)
{
	struct cursor c = { .table = table, .into = into, .words = words };
	bool plain_only = false;
	int n = 0, r;

	for (; words[c.at] && !c.help; c.at++) {
		char *word = words[c.at];

		if (plain_only || word[0] != '-' || !word[1]) {
			words[n++] = word;
			plain_only |= order == OPTION_BEFORE_WORDS;
			continue;
		}
		if (str_eq(word, "--")) {
			plain_only = true;
			continue;
		}
		r = take_word(&c, e);
		if (r < 0)
			return r;
	}
	words[n] = NULL;
	*out_help = c.help;
	return n;
}

void option_free(const struct option_def *table, void *into)
{
	for (; table->name; table++) {
		if (table->kind == OPTION_LIST) {
			struct option_list *list = (struct option_list *)(void *)((char *)into + table->offset);

			free(list->v);
			*list = (struct option_list){ 0 };
		}
	}
}

static void help_line(const struct option_def *def, struct strbuf *out)
{
	size_t start = out->len;

	if (def->letter)
		strbuf_printf(out, "  -%c, --%s", def->letter, def->name);
	else
		strbuf_printf(out, "      --%s", def->name);
	if (def->value)
		strbuf_printf(out, " %s", def->value);
	if (out->len - start >= HELP_COLUMN) {
		strbuf_puts(out, "\n");
		start = out->len;
	}
	strbuf_printf(out, "%*s%s\n", (int)(HELP_COLUMN - (out->len - start)), "", def->help);
}

void option_help(const struct option_def *table, struct strbuf *out)
{
	for (; table->name; table++)
		help_line(table, out);
	help_line(&help_def, out);
}
