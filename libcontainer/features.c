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
#include "gen.h"
#include "mempolicy.h"
#include "plan_mount.h"
#include "seccomp.h"
#include "spec.h"
#include "str.h"

#include <seccomp.h>
#include <stdio.h>
#include <string.h>

#define CAP_NUMBERS 64

static const char *const namespace_names[] = {
	"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts", NULL
};

/* {"key": {"enabled": value}} */
static void put_enabled(yajl_gen g, const char *key, bool value)
{
	gen_object_open(g, key);
	gen_bool(g, "enabled", value);
	gen_object_close(g);
}

static void put_capabilities(yajl_gen g)
{
	gen_array_open(g, "capabilities");
	for (unsigned int cap = 0; cap < CAP_NUMBERS; cap++) {
		const char *name = caps_name(cap);

		if (name)
			gen_string(g, name);
	}
	gen_array_close(g);
}

static void put_cgroup(yajl_gen g)
{
	gen_object_open(g, "cgroup");
	gen_bool(g, "v1", false);
	gen_bool(g, "v2", true);
#ifdef HAVE_SYSTEMD
	gen_bool(g, "systemd", true);
	gen_bool(g, "systemdUser", true);
#else
	gen_bool(g, "systemd", false);
	gen_bool(g, "systemdUser", false);
#endif
	gen_bool(g, "rdma", true);
	gen_object_close(g);
}

static void put_seccomp(yajl_gen g)
{
	gen_object_open(g, "seccomp");
	gen_bool(g, "enabled", true);
	gen_strings(g, "actions", seccomp_action_names());
	gen_strings(g, "operators", seccomp_operator_names());
	gen_strings(g, "archs", seccomp_arch_names());
	gen_strings(g, "knownFlags", seccomp_flag_names());
	gen_array_open(g, "supportedFlags");
	for (const char *const *flag = seccomp_flag_names(); *flag; flag++)
		if (seccomp_flag_supported(*flag))
			gen_string(g, *flag);
	gen_array_close(g);
	gen_object_close(g);
}

static void put_memory_policy(yajl_gen g)
{
	gen_object_open(g, "memoryPolicy");
	gen_strings(g, "modes", mempolicy_mode_names());
	gen_strings(g, "flags", mempolicy_flag_names());
	gen_object_close(g);
}

static void put_intel_rdt(yajl_gen g)
{
	gen_object_open(g, "intelRdt");
	gen_bool(g, "enabled", true);
	gen_bool(g, "schemata", true);
	gen_bool(g, "monitoring", true);
	gen_object_close(g);
}

static void put_linux(yajl_gen g)
{
	gen_object_open(g, "linux");
	gen_strings(g, "namespaces", namespace_names);
	put_capabilities(g);
	put_cgroup(g);
	put_seccomp(g);
	put_enabled(g, "apparmor", true);
	put_enabled(g, "selinux", true);
	put_memory_policy(g);
	put_intel_rdt(g);
	gen_object_open(g, "mountExtensions");
	put_enabled(g, "idmap", true);
	gen_object_close(g);
	put_enabled(g, "netDevices", true);
	gen_object_close(g);
}

static void put_annotations(yajl_gen g, const char *isolation)
{
	const struct scmp_version *v = seccomp_version();
	char text[48];

	gen_object_open(g, "annotations");
	gen_pair(g, "io.husk.version", PACKAGE_VERSION);
	gen_pair(g, "io.husk.isolation", isolation);
	if (v) {
		(void)snprintf(text, sizeof(text), "%u.%u.%u", v->major, v->minor, v->micro);
		gen_pair(g, "io.github.seccomp.libseccomp.version", text);
	}
	gen_object_close(g);
}

int husk_features(const char *isolation, char **out_json, struct err *e)
{
	yajl_gen g = gen_new("    ");

	(void)e;
	gen_object_open(g, NULL);
	gen_pair(g, "ociVersionMin", "1.0.0");
	gen_pair(g, "ociVersionMax", "1.3.0");
	gen_strings(g, "hooks", spec_hook_names);
	gen_strings(g, "mountOptions", plan_mount_option_names());
	put_linux(g);
	put_annotations(g, isolation);
	gen_strings(g, "potentiallyUnsafeConfigAnnotations", annotation_names());
	gen_object_close(g);
	*out_json = gen_end(g);
	return 0;
}
