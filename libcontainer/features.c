/* SPDX-License-Identifier: Apache-2.0 */
/*
 * features.c: what this build can do, as the runtime-spec's features.md has it.
 *
 * Lists come from the modules that read the names, so that they cannot differ
 * from what is accepted. An object says false where a thing is not there.
 */
#include "libcontainer.h"

#include "annotation.h"
#include "caps.h"
#include "config.h"
#include "mempolicy.h"
#include "plan_mount.h"
#include "seccomp.h"
#include "str.h"

#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <yajl/yajl_gen.h>

#define CAP_NUMBERS 64

static const char *const hook_names[] = {
	"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop", NULL
};

static const char *const namespace_names[] = {
	"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts", NULL
};

static void put_text(yajl_gen g, const char *s)
{
	(void)yajl_gen_string(g, (const unsigned char *)s, strlen(s));
}

static void put_pair(yajl_gen g, const char *key, const char *value)
{
	put_text(g, key);
	put_text(g, value);
}

static void put_bool(yajl_gen g, const char *key, bool value)
{
	put_text(g, key);
	(void)yajl_gen_bool(g, value);
}

static void open_object(yajl_gen g, const char *key)
{
	put_text(g, key);
	(void)yajl_gen_map_open(g);
}

static void open_array(yajl_gen g, const char *key)
{
	put_text(g, key);
	(void)yajl_gen_array_open(g);
}

static void put_names(yajl_gen g, const char *key, const char *const *names)
{
	open_array(g, key);
	for (; *names; names++)
		put_text(g, *names);
	(void)yajl_gen_array_close(g);
}

/* {"key": {"enabled": value}} */
static void put_enabled(yajl_gen g, const char *key, bool value)
{
	open_object(g, key);
	put_bool(g, "enabled", value);
	(void)yajl_gen_map_close(g);
}

static void put_capabilities(yajl_gen g)
{
	open_array(g, "capabilities");
	for (unsigned int cap = 0; cap < CAP_NUMBERS; cap++) {
		const char *name = caps_name(cap);

		if (name)
			put_text(g, name);
	}
	(void)yajl_gen_array_close(g);
}

static void put_cgroup(yajl_gen g)
{
	open_object(g, "cgroup");
	put_bool(g, "v1", false);
	put_bool(g, "v2", true);
#ifdef HAVE_SYSTEMD
	put_bool(g, "systemd", true);
	put_bool(g, "systemdUser", true);
#else
	put_bool(g, "systemd", false);
	put_bool(g, "systemdUser", false);
#endif
	put_bool(g, "rdma", true);
	(void)yajl_gen_map_close(g);
}

static void put_seccomp(yajl_gen g)
{
	open_object(g, "seccomp");
	put_bool(g, "enabled", true);
	put_names(g, "actions", seccomp_action_names());
	put_names(g, "operators", seccomp_operator_names());
	put_names(g, "archs", seccomp_arch_names());
	put_names(g, "knownFlags", seccomp_flag_names());
	open_array(g, "supportedFlags");
	for (const char *const *flag = seccomp_flag_names(); *flag; flag++)
		if (seccomp_flag_supported(*flag))
			put_text(g, *flag);
	(void)yajl_gen_array_close(g);
	(void)yajl_gen_map_close(g);
}

static void put_memory_policy(yajl_gen g)
{
	open_object(g, "memoryPolicy");
	put_names(g, "modes", mempolicy_mode_names());
	put_names(g, "flags", mempolicy_flag_names());
	(void)yajl_gen_map_close(g);
}

static void put_intel_rdt(yajl_gen g)
{
	open_object(g, "intelRdt");
	put_bool(g, "enabled", true);
	put_bool(g, "schemata", true);
	put_bool(g, "monitoring", true);
	(void)yajl_gen_map_close(g);
}

static void put_linux(yajl_gen g)
{
	open_object(g, "linux");
	put_names(g, "namespaces", namespace_names);
	put_capabilities(g);
	put_cgroup(g);
	put_seccomp(g);
	put_enabled(g, "apparmor", true);
	put_enabled(g, "selinux", true);
	put_memory_policy(g);
	put_intel_rdt(g);
	open_object(g, "mountExtensions");
	put_enabled(g, "idmap", true);
	(void)yajl_gen_map_close(g);
	put_enabled(g, "netDevices", true);
	(void)yajl_gen_map_close(g);
}

static void put_annotations(yajl_gen g)
{
	const struct scmp_version *v = seccomp_version();
	char text[48];

	open_object(g, "annotations");
	put_pair(g, "io.husk.version", PACKAGE_VERSION);
	if (v) {
		(void)snprintf(text, sizeof(text), "%u.%u.%u", v->major, v->minor, v->micro);
		put_pair(g, "io.github.seccomp.libseccomp.version", text);
	}
	(void)yajl_gen_map_close(g);
}

int husk_features(char **out_json, struct err *e)
{
	yajl_gen g = yajl_gen_alloc(NULL);
	const unsigned char *text;
	size_t len;
	int r = 0;

	if (!g)
		return err_set(e, ENOMEM, "features: out of memory");
	(void)yajl_gen_config(g, yajl_gen_beautify, 1);
	(void)yajl_gen_config(g, yajl_gen_indent_string, "    ");
	(void)yajl_gen_map_open(g);
	put_pair(g, "ociVersionMin", "1.0.0");
	put_pair(g, "ociVersionMax", "1.3.0");
	put_names(g, "hooks", hook_names);
	put_names(g, "mountOptions", plan_mount_option_names());
	put_linux(g);
	put_annotations(g);
	put_names(g, "potentiallyUnsafeConfigAnnotations", annotation_names());
	(void)yajl_gen_map_close(g);
	if (yajl_gen_get_buf(g, &text, &len) == yajl_gen_status_ok)
		*out_json = x_strdup((const char *)text);
	else
		r = err_set(e, EIO, "features: cannot write the JSON text");
	yajl_gen_free(g);
	return r;
}
