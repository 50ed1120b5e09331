/* SPDX-License-Identifier: Apache-2.0 */
/* annotation.c: see annotation.h; crun(1), "Extensions to OCI". */
#include "annotation.h"

#include "host_config.h"
#include "log.h"
#include "str.h"

enum rule {
	RULE_APPLIED,
	RULE_LEAVE,   /* applied if the administrator allows it: its value is a path of the host */
	RULE_REFUSED, /* not to be had: the container would be another than was asked for */
	RULE_IGNORED, /* without meaning here */
};

static const struct annotation {
	const char *name;
	enum rule rule;
	const char *why;
} table[] = {
	{ "io.husk.isolation", RULE_APPLIED, NULL },
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
	{ "run.oci.systemd.subgroup", RULE_IGNORED, "the processes are in the scope itself, as with runc" },
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

	return a && a->rule == RULE_LEAVE;
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

static int check_leave(const char *name, const char *value, struct err *e)
{
	struct host_config config;
	bool allowed;
	int r;

	if (*value != '/')
		return err_set(e, EINVAL, "annotations[\"%s\"]: expected an absolute path, got '%s'", name, value);
	r = host_config_load(&config, e);
	allowed = r == 0 && allows(&config, name);
	host_config_free(&config);
	if (r < 0)
		return err_add(e, "annotations[\"%s\"]", name);
	if (!allowed)
		return err_set(e, EPERM,
			       "annotations[\"%s\"]: names a path of the host, which 'allowedAnnotations' in "
			       "'" HOST_CONFIG_PATH "' does not allow",
			       name);
	return 0;
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
	case RULE_IGNORED:
		log_info("annotations[\"%s\"]: %s: ignoring", kv->key, a->why);
		return 0;
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
