/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_process.c: process.json and what exec's options change in it.
 *
 * The text ends at the first NUL byte. The words behind it, NUL bytes between
 * them, are options: the first letter says which (see add_option()).
 */
#include "exec_process.h"
#include "fuzz.h"
#include "plan.h"

#define OPTIONS_MAX 16 /* of a kind; the rest is left out */

struct options {
	struct husk_exec_opts exec;
	char *args[OPTIONS_MAX + 1], *env[OPTIONS_MAX + 1], *caps[OPTIONS_MAX + 1], *words[OPTIONS_MAX * 6];
	gid_t gids[OPTIONS_MAX];
	size_t n_args, n_env, n_caps, n_gids, n_words;
};

static void add(char **list, size_t *n, char *value)
{
	if (*n < OPTIONS_MAX)
		list[(*n)++] = value;
}

static void add_option(struct options *o, char *word)
{
	char *value = word + 1;
	uint64_t gid;

	switch (word[0]) {
	case 'a':
		add(o->args, &o->n_args, value);
		break;
	case 'e': /* as cmd_exec.c checks */
		if (strchr(value, '=') > value)
			add(o->env, &o->n_env, value);
		break;
	case 'c':
		add(o->caps, &o->n_caps, value);
		break;
	case 'g':
		if (str_u64(value, UINT32_MAX - 1, &gid) == 0 && o->n_gids < OPTIONS_MAX)
			o->gids[o->n_gids++] = (gid_t)gid;
		break;
	case 'u':
		o->exec.user = value;
		break;
	case 'd':
		o->exec.cwd = value;
		break;
	case 'p':
		o->exec.process = value;
		break;
	case 't':
		o->exec.tty = true;
		break;
	case 'n':
		o->exec.no_new_privs = true;
		break;
	}
}

static void read_options(const uint8_t *data, size_t size, struct options *o)
{
	char *word;

	while (o->n_words < ARRAY_LEN(o->words) && (word = next_text(&data, &size))) {
		o->words[o->n_words++] = word;
		add_option(o, word);
	}
	o->exec.args = o->n_args ? o->args : NULL;
	o->exec.env = o->n_env ? o->env : NULL;
	o->exec.caps = o->n_caps ? (const char *const *)o->caps : NULL;
	o->exec.additional_gids = o->gids;
	o->exec.n_additional_gids = o->n_gids;
}

static void check_merged(const struct spec_process *base, const struct options *o, const struct spec_process *p)
{
	require(p->args.n && p->args.v && !p->args.v[p->args.n] && p->cwd[0] == '/');
	require(p->env.n <= base->env.n + o->n_env && (!p->env.v || !p->env.v[p->env.n]));
	require(p->n_additional_gids == base->n_additional_gids + o->n_gids);
	require(p->no_new_privileges == (base->no_new_privileges || o->exec.no_new_privs));
	/* nothing becomes inheritable or ambient that was not (CVE-2022-29162) */
	require(p->caps[CAPS_INHERITABLE].n == base->caps[CAPS_INHERITABLE].n &&
		p->caps[CAPS_AMBIENT].n == base->caps[CAPS_AMBIENT].n);
}

static void merge(const struct spec_process *base, const struct options *o)
{
	struct exec_process merged = { 0 };
	struct process_plan plan = { 0 };
	struct err e = { 0 };
	int r = exec_process_merge(base, &o->exec, &merged, &e);

	if (r == 0)
		check_merged(base, o, &merged.process);
	if (r == 0)
		r = plan_process(&merged.process, &plan, &e);
	if (r < 0)
		require_message(r, &e);
	plan_process_free(&plan);
	exec_process_free(&merged);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = next_text(&data, &size);
	struct options o = { 0 };
	struct spec *spec = NULL;
	struct err e = { 0 };
	int r;

	log_nowhere();
	r = spec_parse_process(text ? text : "", text ? strlen(text) : 0, &spec, &e);
	if (r < 0) {
		require_message(r, &e);
		require(!spec);
		return 0;
	}
	read_options(data, size, &o);
	merge(spec->process, &o);
	for (size_t i = 0; i < o.n_words; i++)
		free(o.words[i]);
	spec_free(spec);
	return 0;
}
