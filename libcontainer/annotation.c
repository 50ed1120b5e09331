/* SPDX-License-Identifier: Apache-2.0 */
/* annotation.c: see annotation.h; crun(1), "Extensions to OCI". */
#include "annotation.h"

#include "host_config.h"
#include "log.h"
#include "str.h"
#include "unitprop.h"

#include <ctype.h>
#include <string.h>

#define SUBGROUP_MAX 255 /* bytes */

enum rule {
	RULE_APPLIED,
	RULE_LEAVE,   /* applied if the administrator allows it: its value is a path of the host */
	RULE_REFUSED, /* not to be had: the container would be another than was asked for */
};

static const struct annotation {
	const char *name;
	enum rule rule;
	const char *why;
} table[] = {
	{ "io.husk.isolation", RULE_APPLIED, NULL },
	{ UNITPROP_PREFIX, RULE_APPLIED, NULL }, /* all that begin so, under systemd: annotation_unitprops() */
	{ "run.oci.delegate-cgroup", RULE_REFUSED, "a cgroup of the container's own making is its /sys/fs/cgroup" },
	{ "run.oci.handler", RULE_APPLIED, NULL },
	{ ANNOTATION_HOOKS_STDERR, RULE_LEAVE, NULL },
	{ ANNOTATION_HOOKS_STDOUT, RULE_LEAVE, NULL },
	{ ANNOTATION_KEEP_GROUPS, RULE_APPLIED, NULL },
	{ ANNOTATION_CONTEXT_TYPE, RULE_APPLIED, NULL },
	{ ANNOTATION_PIDFD_RECEIVER, RULE_LEAVE, NULL },
	{ "run.oci.seccomp.plugins", RULE_REFUSED, "husk loads no code of others: use linux.seccomp.listenerPath" },
	{ "run.oci.seccomp.receiver", RULE_REFUSED, "use linux.seccomp.listenerPath" },
	{ "run.oci.seccomp_bpf_data", RULE_REFUSED, "a filter is made from linux.seccomp alone" },
	{ ANNOTATION_FAIL_UNKNOWN, RULE_APPLIED, NULL },
	{ "run.oci.systemd.force_cgroup_v1", RULE_REFUSED, "there is no cgroup v1" },
	{ ANNOTATION_SUBGROUP, RULE_APPLIED, NULL }, /* under systemd */
	{ "run.oci.timens_offset", RULE_REFUSED, "use linux.timeOffsets" },
};

static const struct annotation *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (str_eq(table[i].name, name))
			return &table[i];
	return NULL;
}

bool annotation_needs_leave(const char *name)
{
	const struct annotation *a = find(name);

	return (a && a->rule == RULE_LEAVE) || str_starts(name, UNITPROP_PREFIX);
}

const char *const *annotation_names(void)
{
	static const char *names[ARRAY_LEN(table) + 1];
	size_t n = 0;

	if (names[0])
		return names;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].rule == RULE_APPLIED || table[i].rule == RULE_LEAVE)
			names[n++] = table[i].name;
	return names;
}

bool annotation_is_on(const struct spec *spec, const char *name)
{
	const char *v = spec_annotation(spec, name);

	return v && *v && !str_eq(v, "0") && !str_eq(v, "false");
}

static bool allows(const struct host_config *c, const char *name)
{
	for (size_t i = 0; i < c->allowed_annotations.n; i++)
		if (str_eq(c->allowed_annotations.v[i], name))
			return true;
	return false;
}

/* what: it does, for the message. */
static int ask_leave(const char *name, const char *what, struct err *e)
{
	struct host_config config;
	bool allowed;
	int r;

	r = host_config_load(&config, e);
	allowed = r == 0 && allows(&config, name);
	host_config_free(&config);
	if (r < 0)
		return err_add(e, "annotations[\"%s\"]", name);
	if (!allowed)
		return err_set(e, EPERM,
			       "annotations[\"%s\"]: %s, which 'allowedAnnotations' in "
			       "'" HOST_CONFIG_PATH "' does not allow",
			       name, what);
	return 0;
}

static int check_leave(const char *name, const char *value, struct err *e)
{
	if (*value != '/')
		return err_set(e, EINVAL, "annotations[\"%s\"]: expected an absolute path, got '%s'", name, value);
	return ask_leave(name, "names a path of the host", e);
}

int annotation_host_path(const struct spec *spec, const char *name, const char **out_path, struct err *e)
{
	const char *value = spec_annotation(spec, name);
	int r = value ? check_leave(name, value, e) : 0;

	if (r == 0)
		*out_path = value;
	return r;
}

static int check_one(const struct spec_kv *kv, struct err *e)
{
	const struct annotation *a = find(kv->key);

	if (!a) {
		log_warn("annotations[\"%s\"]: unknown: ignoring", kv->key);
		return 0;
	}
	switch (a->rule) {
	case RULE_APPLIED:
		break;
	case RULE_LEAVE:
		return check_leave(kv->key, kv->value, e);
	case RULE_REFUSED:
		return err_set(e, ENOTSUP, "annotations[\"%s\"]: not supported: %s", kv->key, a->why);
	}
	return 0;
}

int annotation_check(const struct spec *spec, struct err *e)
{
	for (size_t i = 0; i < spec->n_annotations; i++) {
		const struct spec_kv *kv = &spec->annotations[i];
		int r;

		if (!str_starts(kv->key, "run.oci.") && !str_starts(kv->key, "io.husk."))
			continue;
		r = check_one(kv, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- under systemd ---- */

static int check_unitprop(const struct spec_kv *kv, bool user, struct err *e)
{
	struct unitprop p;
	bool power = false;
	int r = unitprop_parse(kv->key + strlen(UNITPROP_PREFIX), kv->value, &p, e);

	if (r < 0)
		r = err_add(e, "annotations[\"%s\"]", kv->key);
	else
		power = unitprop_has_power(&p) && !user; /* a user's systemd does nothing that the user may not */
	unitprop_free(&p);
	return power ? ask_leave(kv->key, "acts on more of the host than the container's scope", e) : r;
}

int annotation_unitprops(const struct spec *spec, bool user, struct strv *out, struct err *e)
{
	for (size_t i = 0; i < spec->n_annotations; i++) {
		const struct spec_kv *kv = &spec->annotations[i];
		int r;

		if (!str_starts(kv->key, UNITPROP_PREFIX))
			continue;
		r = check_unitprop(kv, user, e);
		if (r < 0)
			return r;
		out->v = x_realloc(out->v, out->n + 2, sizeof(*out->v));
		out->v[out->n++] = x_printf("@%s=%s", kv->key + strlen(UNITPROP_PREFIX), kv->value);
		out->v[out->n] = NULL;
	}
	return 0;
}

int annotation_subgroup(const struct spec *spec, char **out, struct err *e)
{
	const char *value = spec_annotation(spec, ANNOTATION_SUBGROUP), *part = value;
	bool good = value && strlen(value) <= SUBGROUP_MAX;

	if (!value || !*value)
		return 0;
	while (good) {
		size_t len = strcspn(part, "/");

		good = len > 0 && !(len == 1 && *part == '.') && !(len == 2 && part[0] == '.' && part[1] == '.');
		for (size_t i = 0; good && i < len; i++)
			good = !iscntrl((unsigned char)part[i]);
		if (!part[len])
			break;
		part += len + 1;
	}
	if (!good)
		return err_set(e, EINVAL,
			       "annotations[\"" ANNOTATION_SUBGROUP "\"]: expected the name of a cgroup below the "
			       "scope's, got '%.80s'",
			       value);
	*out = x_printf("/%s", value);
	return 0;
}
