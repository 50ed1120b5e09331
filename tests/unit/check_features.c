/* SPDX-License-Identifier: Apache-2.0 */
/* check_features.c: the shape of `husk features`, and that config.json's reader agrees with it. */
#include "ck_run.h"
#include "json.h"
#include "kernel.h"
#include "libcontainer.h"
#include "spec.h"
#include "str.h"

#include <check.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>

static struct err e;
static char *text;
static struct json_doc doc;

static void setup(void)
{
	ck_assert_msg(husk_features("container", &text, &e) >= 0, "%s", e.msg);
	ck_assert_msg(json_parse(text, strlen(text), &doc, &e) == 0, "%s", e.msg);
}

static void teardown(void)
{
	json_free(&doc);
	free(text);
}

/* The node of "linux.cgroup.v2". */
static const struct json *at(const char *path)
{
	AUTO_FREE char *copy = x_strdup(path);
	const struct json *v = doc.root;
	char *save = NULL;

	for (char *key = strtok_r(copy, ".", &save); key; key = strtok_r(NULL, ".", &save))
		v = json_get(v, key);
	ck_assert_msg(v != NULL, "%s is missing", path);
	return v;
}

static bool truth(const char *path)
{
	bool v = false;

	ck_assert_int_eq(json_bool(at(path), &v, &e), 0);
	return v;
}

static bool has(const char *path, const char *name)
{
	json_each (it, at(path))
		if (str_eq(it->str, name))
			return true;
	return false;
}

START_TEST(every_part_of_features_md_is_there)
{
	static const char *const yes[] = { "linux.cgroup.v2",		"linux.cgroup.rdma",
					   "linux.seccomp.enabled",	"linux.netDevices.enabled",
					   "linux.apparmor.enabled",	"linux.selinux.enabled",
					   "linux.intelRdt.enabled",	"linux.intelRdt.schemata",
					   "linux.intelRdt.monitoring", "linux.mountExtensions.idmap.enabled" };
	static const char *const no[] = { "linux.cgroup.v1" };
	static const char *const lists[] = { "hooks",
					     "mountOptions",
					     "linux.namespaces",
					     "linux.capabilities",
					     "linux.seccomp.actions",
					     "linux.seccomp.operators",
					     "linux.seccomp.archs",
					     "linux.seccomp.knownFlags",
					     "linux.seccomp.supportedFlags",
					     "linux.memoryPolicy.modes",
					     "linux.memoryPolicy.flags" };

	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		ck_assert_msg(truth(yes[i]), "%s", yes[i]);
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		ck_assert_msg(!truth(no[i]), "%s", no[i]);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		ck_assert_int_eq(json_want(at(lists[i]), JSON_ARRAY, &e), 0);
		ck_assert_msg(at(lists[i])->len > 0, "%s", lists[i]);
	}
	ck_assert_str_eq(at("ociVersionMin")->str, "1.0.0");
	ck_assert_str_eq(at("ociVersionMax")->str, "1.3.0");
	ck_assert_int_eq(json_want(at("potentiallyUnsafeConfigAnnotations"), JSON_ARRAY, &e), 0);
	ck_assert(has("potentiallyUnsafeConfigAnnotations", "run.oci.hooks.stdout"));
	ck_assert(has("potentiallyUnsafeConfigAnnotations", "io.husk.isolation"));
	ck_assert(!has("potentiallyUnsafeConfigAnnotations", "run.oci.seccomp.plugins"));
}
END_TEST

/* The kernel looks at the flags before it reads the program. */
static bool takes_flag(unsigned long flags)
{
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, NULL) < 0 && errno == EFAULT;
}

START_TEST(names_are_the_specs)
{
	ck_assert(has("mountOptions", "rbind") && has("mountOptions", "ro"));
	ck_assert(has("linux.capabilities", "CAP_CHOWN") && has("linux.capabilities", "CAP_CHECKPOINT_RESTORE"));
	ck_assert(has("linux.seccomp.actions", "SCMP_ACT_KILL_PROCESS"));
	ck_assert(has("linux.seccomp.actions", "SCMP_ACT_NOTIFY"));
	ck_assert(has("linux.seccomp.archs", "SCMP_ARCH_AARCH64"));
	ck_assert(has("linux.memoryPolicy.modes", "MPOL_WEIGHTED_INTERLEAVE"));
	ck_assert(has("linux.memoryPolicy.flags", "MPOL_F_STATIC_NODES"));
	ck_assert(has("linux.seccomp.supportedFlags", "SECCOMP_FILTER_FLAG_LOG"));
	ck_assert(has("linux.seccomp.knownFlags", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"));
	ck_assert_int_eq(has("linux.seccomp.supportedFlags", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"),
			 takes_flag(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV | SECCOMP_FILTER_FLAG_NEW_LISTENER));
}
END_TEST

#define CONFIG                                                      \
	"{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"}," \
	"\"process\":{\"args\":[\"true\"],\"cwd\":\"/\",\"user\":{\"uid\":0,\"gid\":0}},"

static int parse(const char *config)
{
	struct spec *spec = NULL;
	int r = spec_parse(config, strlen(config), &spec, &e);

	if (r == 0)
		spec_free(spec);
	return r;
}

/* One of type `user` brings demands of its own (mappings): only that the name is known counts. */
START_TEST(the_reader_knows_every_namespace_listed)
{
	static const char *const all[] = { "cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts" };

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		AUTO_FREE char *config =
			x_printf(CONFIG "\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"%s\"}]}}", all[i]);
		bool known = parse(config) == 0 || !strstr(e.msg, "namespaces[1].type");

		ck_assert_msg(known == has("linux.namespaces", all[i]), "%s: %s", all[i], e.msg);
	}
}
END_TEST

/* A hook without its path is refused, so a list of one shows which keys are read. */
START_TEST(the_reader_knows_every_hook_listed)
{
	static const char *const all[] = { "prestart",	     "createRuntime", "createContainer",
					   "startContainer", "poststart",     "poststop" };

	ck_assert_uint_eq(at("hooks")->len, HOOK_KINDS);
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		AUTO_FREE char *config = x_printf(
			CONFIG "\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]},\"hooks\":{\"%s\":[{}]}}", all[i]);

		ck_assert_msg(has("hooks", all[i]), "%s", all[i]);
		ck_assert_msg(parse(config) < 0 && strstr(e.msg, all[i]), "%s: %s", all[i], e.msg);
	}
}
END_TEST

START_TEST(the_newest_version_shown_is_read)
{
	ck_assert_msg(parse("{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"rootfs\"},"
			    "\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]}}") == 0,
		      "%s", e.msg);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("features");
	TCase *t = tcase_create("features");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, every_part_of_features_md_is_there);
	tcase_add_test(t, names_are_the_specs);
	tcase_add_test(t, the_reader_knows_every_namespace_listed);
	tcase_add_test(t, the_reader_knows_every_hook_listed);
	tcase_add_test(t, the_newest_version_shown_is_read);
	suite_add_tcase(suite, t);
	return ck_run(suite);
}
