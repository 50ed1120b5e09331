/* SPDX-License-Identifier: Apache-2.0 */
/* check_rdt.c: groups of resctrl, in a directory that stands for it. An ordinary directory makes no files by
 * itself, so the ones that the kernel would show are there before. */
#include "ck_err.h"
#include "ck_run.h"
#include "fd.h"
#include "io.h"
#include "rdt.h"
#include "spec.h"
#include "str.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define TEMPLATE "/tmp/check_rdt.XXXXXX"

static char dir[] = TEMPLATE;
static int root = -1;

static void setup(void)
{
	memcpy(dir, TEMPLATE, sizeof(dir)); /* the last test's, when all run in one process */
	ck_assert_ptr_nonnull(mkdtemp(dir));
	root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(root, 0);
	ck_assert_int_eq(mkdirat(root, "info", 0755), 0);
}

static void teardown(void)
{
	AUTO_FREE char *command = x_printf("rm -rf '%s'", dir);

	ck_assert_int_eq(system(command), 0);
	fd_close(&root);
}

static void put(const char *path, const char *text)
{
	AUTO_FD fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	ck_assert_msg(fd >= 0 && io_write_all(fd, text, strlen(text)) >= 0, "%s", path);
}

static void put_group(const char *name, const char *schemata)
{
	AUTO_FREE char *s = x_printf("%s/schemata", name);
	AUTO_FREE char *t = x_printf("%s/tasks", name);
	AUTO_FREE char *m = x_printf("%s/mon_groups", name);

	ck_assert_int_eq(mkdirat(root, name, 0755), 0);
	ck_assert_int_eq(mkdirat(root, m, 0755), 0);
	put(s, schemata);
	put(t, "");
}

static const char *get(const char *path)
{
	static char text[512];
	ssize_t n = io_read_small(root, path, text, sizeof(text));

	ck_assert_msg(n >= 0, "%s", path);
	return text;
}

static bool exists(const char *path)
{
	struct stat st;

	return fstatat(root, path, &st, 0) == 0;
}

#define LINES(...)                                                                                  \
	{                                                                                           \
		(char *[]){ __VA_ARGS__, NULL }, sizeof((char *[]){ __VA_ARGS__ }) / sizeof(char *) \
	}

START_TEST(without_closid_the_group_has_the_containers_name)
{
	const struct spec_intel_rdt rdt = { 0 };

	ck_assert_ok(rdt_make(root, &rdt, "c1", e));
	ck_assert(exists("c1"));
	put("c1/tasks", "");
	ck_assert_ok(rdt_join(root, &rdt, "c1", 42, e));
	ck_assert_str_eq(get("c1/tasks"), "42\n");
	ck_assert_int_eq(unlinkat(root, "c1/tasks", 0), 0); /* files of resctrl go with their directory */
	ck_assert_ok(rdt_remove(root, &rdt, "c1", e));
	ck_assert(!exists("c1"));
	ck_assert_ok(rdt_remove(root, &rdt, "c1", e));
}
END_TEST

START_TEST(schemas_are_combined_and_schemata_come_last)
{
	const struct spec_intel_rdt both = { .l3_cache_schema = "L3:0=7f0;1=1f\nMB:0=1\nL2:0=f",
					     .mem_bw_schema = "MB:0=20" };
	const struct spec_intel_rdt l3 = { .l3_cache_schema = "L3:0=7f0\nMB:0=1" };
	const struct spec_intel_rdt lines = { .l3_cache_schema = "L3:0=1;1=1;2=1;3=1",
					      .schemata = LINES("L3:0=7", "L2:1=f") };

	put_group("c1", "");
	ck_assert_ok(rdt_make(root, &both, "c1", e));
	ck_assert_str_eq(get("c1/schemata"), "L3:0=7f0;1=1f\nL2:0=f\nMB:0=20\n");
	put("c1/schemata", "");
	ck_assert_ok(rdt_make(root, &l3, "c1", e));
	ck_assert_str_eq(get("c1/schemata"), "L3:0=7f0\nMB:0=1\n");
	put("c1/schemata", "");
	ck_assert_ok(rdt_make(root, &lines, "c1", e));
	/* two writes to the start of one file: of the first, the end shows */
	ck_assert_str_eq(get("c1/schemata"), "L3:0=7\nL2:1=f\n;3=1\n");
}
END_TEST

/* For update: into a group of the container's own, or one that closID names, but never a new one. */
START_TEST(schemas_are_rewritten_in_a_group_that_is_there)
{
	const struct spec_intel_rdt own = { .l3_cache_schema = "L3:0=f" };
	const struct spec_intel_rdt named = { .clos_id = "gold", .mem_bw_schema = "MB:0=30" };

	put_group("c1", "");
	put_group("gold", "");
	ck_assert_ok(rdt_rewrite(root, &own, "c1", e));
	ck_assert_str_eq(get("c1/schemata"), "L3:0=f\n");
	ck_assert_ok(rdt_rewrite(root, &named, "c1", e));
	ck_assert_str_eq(get("gold/schemata"), "MB:0=30\n");
	ck_assert_fails(rdt_rewrite(root, &own, "c2", e), ENOENT, "open the group 'c2' in resctrl");
	ck_assert(!exists("c2"));
}
END_TEST

START_TEST(a_group_that_exists_must_have_the_same_schema)
{
	static const struct {
		const char *l3, *mb;
		bool same;
	} cases[] = {
		{ "L3:0=7f0;1=1f", NULL, true },  { "L3:1=01f", "MB:0=20", true }, { "L3:0=7F0", NULL, true },
		{ NULL, "MB:0= 20;1=70", true },  { "L3:0=7f1", NULL, false },	   { "L3:2=1f", NULL, false },
		{ "L3:0=7f0", "MB:0=21", false }, { "L2:0=f", NULL, false },	   { "nonsense", NULL, false },
		{ "L3:0=7f", NULL, false },	  { NULL, "MB:1=7", false },
	};
	static const char have[] = "    MB:0=  20;1=  70\n    L3:0=007f0;1=0001f\n";

	put_group("shared", have);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct spec_intel_rdt rdt = { .clos_id = "shared",
						    .l3_cache_schema = cases[i].l3,
						    .mem_bw_schema = cases[i].mb };
		struct err e = { 0 };
		int r = rdt_make(root, &rdt, "c1", &e);

		ck_assert_msg(r == (cases[i].same ? 0 : -EEXIST), "%zu: %d %s", i, r, e.msg);
		ck_assert_str_eq(get("shared/schemata"), have);
	}
	ck_assert(!exists("c1"));
}
END_TEST

START_TEST(closid_alone_names_a_group_that_must_exist)
{
	const struct spec_intel_rdt rdt = { .clos_id = "ready" };
	const struct spec_intel_rdt top = { .clos_id = "/" };

	ck_assert_fails(rdt_make(root, &rdt, "c1", e), ENOENT,
			"linux.intelRdt.closID: there is no group 'ready' in resctrl, and no schema to make it with");
	ck_assert(!exists("ready") && !exists("c1"));
	put_group("ready", "L3:0=f\n");
	ck_assert_ok(rdt_make(root, &rdt, "c1", e));
	ck_assert_ok(rdt_join(root, &rdt, "c1", 7, e));
	ck_assert_str_eq(get("ready/tasks"), "7\n");
	ck_assert_str_eq(get("ready/schemata"), "L3:0=f\n");
	ck_assert_ok(rdt_remove(root, &rdt, "c1", e)); /* it is not the container's */
	ck_assert(exists("ready"));
	put("tasks", "");
	ck_assert_ok(rdt_make(root, &top, "c1", e));
	ck_assert_ok(rdt_join(root, &top, "c1", 8, e));
	ck_assert_str_eq(get("tasks"), "8\n");
}
END_TEST

START_TEST(a_monitoring_group_is_the_containers_own)
{
	const struct spec_intel_rdt rdt = { .clos_id = "ready", .monitoring = true };

	put_group("ready", "");
	ck_assert_ok(rdt_make(root, &rdt, "c1", e));
	ck_assert(exists("ready/mon_groups/c1"));
	put("ready/mon_groups/c1/tasks", "");
	ck_assert_ok(rdt_join(root, &rdt, "c1", 9, e));
	ck_assert_str_eq(get("ready/tasks"), "9\n");
	ck_assert_str_eq(get("ready/mon_groups/c1/tasks"), "9\n");
	ck_assert_int_eq(unlinkat(root, "ready/mon_groups/c1/tasks", 0), 0);
	ck_assert_ok(rdt_remove(root, &rdt, "c1", e));
	ck_assert(!exists("ready/mon_groups/c1") && exists("ready"));
}
END_TEST

START_TEST(a_failure_says_what_resctrl_says_and_leaves_no_group)
{
	const struct spec_intel_rdt rdt = { .clos_id = "new", .l3_cache_schema = "L3:0=0" };
	const struct spec_intel_rdt watch = { .monitoring = true };

	put("info/last_cmd_status", "mask f0f has non-consecutive 1-bits\n");
	/* the directory has no file schemata to write to */
	ck_assert_fails(rdt_make(root, &rdt, "c1", e), ENOENT,
			"linux.intelRdt: write the schemata of the group 'new': resctrl says 'mask f0f has "
			"non-consecutive 1-bits'");
	ck_assert(!exists("new"));
	ck_assert_fails(rdt_make(root, &watch, "c1", e), ENOENT, "linux.intelRdt.enableMonitoring: open 'mon_groups'");
	ck_assert(!exists("c1"));
}
END_TEST

START_TEST(a_link_is_no_group)
{
	const struct spec_intel_rdt rdt = { .clos_id = "link" };

	ck_assert_int_eq(symlinkat("info", root, "link"), 0);
	ck_assert_fails(rdt_make(root, &rdt, "c1", e), ENOTDIR, "linux.intelRdt: open the group 'link'");
}
END_TEST

START_TEST(without_resctrl_the_mount_is_named)
{
	const struct spec_intel_rdt rdt = { 0 };
	int fd = -1;

	if (rdt_open_root(&fd, NULL) == 0) {
		(void)close(fd);
		return; /* a machine that has it */
	}
	ck_assert_fails(rdt_create(&rdt, "c1", 1, e), ENOENT,
			"linux.intelRdt: no resctrl file system is mounted on /sys/fs/resctrl");
	ck_assert_fails(rdt_enter(&rdt, "c1", 1, e), ENOENT, "/sys/fs/resctrl");
	ck_assert_ok(rdt_leave(&rdt, "c1", e));
	ck_assert_ok(rdt_create(NULL, "c1", 1, e));
	ck_assert_ok(rdt_enter(NULL, "c1", 1, e));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rdt");
	TCase *t = tcase_create("rdt");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, without_closid_the_group_has_the_containers_name);
	tcase_add_test(t, schemas_are_combined_and_schemata_come_last);
	tcase_add_test(t, schemas_are_rewritten_in_a_group_that_is_there);
	tcase_add_test(t, a_group_that_exists_must_have_the_same_schema);
	tcase_add_test(t, closid_alone_names_a_group_that_must_exist);
	tcase_add_test(t, a_monitoring_group_is_the_containers_own);
	tcase_add_test(t, a_failure_says_what_resctrl_says_and_leaves_no_group);
	tcase_add_test(t, a_link_is_no_group);
	tcase_add_test(t, without_resctrl_the_mount_is_named);
	suite_add_tcase(suite, t);
	return ck_run(suite);
}
