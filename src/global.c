/* SPDX-License-Identifier: Apache-2.0 */
/* global.c: see global.h. */
#include "global.h"

#define AT(member) offsetof(struct global_options, member)

const struct option_def global_table[] = {
	{ "root", 0, OPTION_STRING, AT(root), "DIR", "where the state of containers is kept" },
	{ "log", 0, OPTION_STRING, AT(log), "FILE", "append messages to FILE (default: standard error)" },
	{ "log-format", 0, OPTION_STRING, AT(log_format), "FORMAT", "text (default) or json" },
	{ "log-level", 0, OPTION_STRING, AT(log_level), "LEVEL", "error, warn (default), info or debug" },
	{ "debug", 0, OPTION_FLAG, AT(debug), NULL, "the same as --log-level debug" },
	{ "systemd-cgroup", 0, OPTION_FLAG, AT(systemd_cgroup), NULL, "the same as --cgroup-manager systemd" },
	{ "cgroup-manager", 0, OPTION_STRING, AT(cgroup_manager), "NAME", "cgroupfs (default), systemd or disabled" },
	{ "rootless", 0, OPTION_STRING, AT(rootless), "VALUE", "true, false or auto (default)" },
	{ "version", 'v', OPTION_FLAG, AT(version), NULL, "print the version" },
	{ 0 },
};

struct word_value {
	const char *word;
	int value;
};

/* The value of a word; 0 .. or -EINVAL with a message that lists the choices. NULL: the first one's. */
static int choose(const char *option, const char *word, const struct word_value *v, size_t n, const char *choices,
		  struct err *e)
{
	if (!word)
		return v[0].value;
	for (size_t i = 0; i < n; i++)
		if (str_eq(word, v[i].word))
			return v[i].value;
	return err_set(e, EINVAL, "option '--%s': expected %s, got '%s'", option, choices, word);
}

int global_log(const struct global_options *o, struct err *e)
{
	static const struct word_value formats[] = { { "text", LOG_TEXT }, { "json", LOG_JSON } };
	static const struct word_value levels[] = {
		{ "warn", LOG_LVL_WARN }, { "warning", LOG_LVL_WARN }, { "error", LOG_LVL_ERROR },
		{ "info", LOG_LVL_INFO }, { "debug", LOG_LVL_DEBUG },
	};
	int format, level, r;

	format = choose("log-format", o->log_format, formats, ARRAY_LEN(formats), "text or json", e);
	level = choose("log-level", o->log_level, levels, ARRAY_LEN(levels), "error, warn, info or debug", e);
	if (o->debug)
		level = LOG_LVL_DEBUG;
	r = log_open(o->log, format < 0 ? LOG_TEXT : (enum log_format)format,
		     level < 0 ? LOG_LVL_WARN : (enum log_level)level, e);
	if (format < 0 || level < 0)
		return -EINVAL;
	return r;
}

int global_ctx(const struct global_options *o, bool want_rootless, struct husk_ctx *ctx, struct err *e)
{
	static const struct word_value managers[] = {
		{ "cgroupfs", HUSK_CGROUPFS },
		{ "systemd", HUSK_CGROUP_SYSTEMD },
		{ "disabled", HUSK_CGROUP_DISABLED },
	};
	enum { AUTO, TRUE, FALSE };
	static const struct word_value answers[] = {
		{ "auto", AUTO }, { "true", TRUE }, { "false", FALSE }, { "1", TRUE }, { "0", FALSE },
	};
	const char *manager = !o->cgroup_manager && o->systemd_cgroup ? "systemd" : o->cgroup_manager;
	int r;

	r = choose("cgroup-manager", manager, managers, ARRAY_LEN(managers), "cgroupfs, systemd or disabled", e);
	if (r < 0)
		return r;
	ctx->cgroup_manager = (enum husk_cgroup_manager)r;

	r = choose("rootless", o->rootless, answers, ARRAY_LEN(answers), "true, false or auto", e);
	if (r < 0)
		return r;
	ctx->host_root = want_rootless && !husk_is_rootless();
	ctx->rootless = r == TRUE || (r == AUTO && want_rootless && !ctx->host_root);
	return 0;
}
