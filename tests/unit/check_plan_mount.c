/* SPDX-License-Identifier: Apache-2.0 */
/* check_plan_mount.c: plan_mount.c: each option, type and source to its step, by tables. */
#include "catch_log.h"
#include "ck_run.h"
#include "err.h"
#include "kernel.h"
#include "plan_mount.h"
#include "str.h"

#include <check.h>
#include <string.h>

#define BUNDLE "/var/lib/bundle"
#define RO MOUNT_ATTR_RDONLY
#define ATIME MOUNT_ATTR__ATIME
#define NOATIME MOUNT_ATTR_NOATIME
#define STRICT MOUNT_ATTR_STRICTATIME

/* options: separated by blanks. Returns plan_mount_make()'s result for mounts[2]. */
static int mount_make(const char *type, const char *source, const char *opts, struct mount_step *step, struct err *e)
{
	char words[256], *v[32], *save = NULL;
	struct spec_mount m = { .destination = "/m", .type = type, .source = source, .options = { .v = v } };

	ck_assert_uint_lt(strlen(opts), sizeof(words));
	strcpy(words, opts);
	for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save))
		v[m.options.n++] = w;
	v[m.options.n] = NULL;
	memset(step, 0, sizeof(*step));
	memset(e, 0, sizeof(*e));
	return plan_mount_make(&m, 2, BUNDLE, step, e);
}

static const struct attr_case {
	const char *options;
	uint64_t set, clear, rec_set, rec_clear;
} attr_cases[] = {
	{ "", 0, 0, 0, 0 },
	{ "defaults", 0, 0, 0, 0 },
	{ "ro", RO, 0, 0, 0 },
	{ "rw", 0, RO, 0, 0 },
	{ "nosuid", MOUNT_ATTR_NOSUID, 0, 0, 0 },
	{ "suid", 0, MOUNT_ATTR_NOSUID, 0, 0 },
	{ "nodev", MOUNT_ATTR_NODEV, 0, 0, 0 },
	{ "dev", 0, MOUNT_ATTR_NODEV, 0, 0 },
	{ "noexec", MOUNT_ATTR_NOEXEC, 0, 0, 0 },
	{ "exec", 0, MOUNT_ATTR_NOEXEC, 0, 0 },
	{ "nodiratime", MOUNT_ATTR_NODIRATIME, 0, 0, 0 },
	{ "diratime", 0, MOUNT_ATTR_NODIRATIME, 0, 0 },
	{ "nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0, 0, 0 },
	{ "symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW, 0, 0 },
	{ "noatime", NOATIME, ATIME, 0, 0 },
	{ "strictatime", STRICT, ATIME, 0, 0 },
	{ "relatime", 0, ATIME, 0, 0 },
	{ "atime", 0, ATIME, 0, 0 },
	{ "nostrictatime", 0, ATIME, 0, 0 },
	{ "norelatime", 0, 0, 0, 0 },
	{ "silent", 0, 0, 0, 0 },
	{ "loud", 0, 0, 0, 0 },
	{ "rro", 0, 0, RO, 0 },
	{ "rrw", 0, 0, 0, RO },
	{ "rnosuid", 0, 0, MOUNT_ATTR_NOSUID, 0 },
	{ "rsuid", 0, 0, 0, MOUNT_ATTR_NOSUID },
	{ "rnodev", 0, 0, MOUNT_ATTR_NODEV, 0 },
	{ "rdev", 0, 0, 0, MOUNT_ATTR_NODEV },
	{ "rnoexec", 0, 0, MOUNT_ATTR_NOEXEC, 0 },
	{ "rexec", 0, 0, 0, MOUNT_ATTR_NOEXEC },
	{ "rnodiratime", 0, 0, MOUNT_ATTR_NODIRATIME, 0 },
	{ "rdiratime", 0, 0, 0, MOUNT_ATTR_NODIRATIME },
	{ "rnosymfollow", 0, 0, MOUNT_ATTR_NOSYMFOLLOW, 0 },
	{ "rsymfollow", 0, 0, 0, MOUNT_ATTR_NOSYMFOLLOW },
	{ "rnoatime", 0, 0, NOATIME, ATIME },
	{ "rstrictatime", 0, 0, STRICT, ATIME },
	{ "rrelatime", 0, 0, 0, ATIME },
	{ "ratime", 0, 0, 0, ATIME },
	{ "rnostrictatime", 0, 0, 0, ATIME },
	{ "rnorelatime", 0, 0, 0, 0 },
	/* the later one counts */
	{ "ro rw", 0, RO, 0, 0 },
	{ "rw ro", RO, 0, 0, 0 },
	{ "noatime strictatime", STRICT, ATIME, 0, 0 },
	{ "strictatime noatime", NOATIME, ATIME, 0, 0 },
	{ "noatime relatime", 0, ATIME, 0, 0 },
	{ "noatime atime", 0, ATIME, 0, 0 },
	{ "noatime nostrictatime", NOATIME, ATIME, 0, 0 },
	{ "strictatime atime", STRICT, ATIME, 0, 0 },
	{ "strictatime nostrictatime", 0, ATIME, 0, 0 },
	{ "noatime nodiratime", NOATIME | MOUNT_ATTR_NODIRATIME, ATIME, 0, 0 },
	{ "nosuid noexec nodev ro", RO | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, 0, 0, 0 },
	/* one mount and the whole tree are told apart */
	{ "rw rro", 0, RO, RO, 0 },
	{ "noatime rstrictatime", NOATIME, ATIME, STRICT, ATIME },
};

static void attr_check(const char *type, const char *source, const struct attr_case *c)
{
	struct mount_step s;
	struct err e;

	ck_assert_msg(mount_make(type, source, c->options, &s, &e) == 0, "'%s': %s", c->options, e.msg);
	ck_assert_msg(s.attr_set == c->set, "'%s': attr_set %#lx", c->options, (unsigned long)s.attr_set);
	ck_assert_msg(s.attr_clear == c->clear, "'%s': attr_clear %#lx", c->options, (unsigned long)s.attr_clear);
	ck_assert_msg(s.rec_set == c->rec_set, "'%s': rec_set %#lx", c->options, (unsigned long)s.rec_set);
	ck_assert_msg(s.rec_clear == c->rec_clear, "'%s': rec_clear %#lx", c->options, (unsigned long)s.rec_clear);
	ck_assert_msg(!s.data, "'%s': data '%s'", c->options, s.data);
	ck_assert_uint_eq(s.propagation, 0);
	plan_mount_free(&s);
}

START_TEST(test_each_option_has_its_attributes)
{
	for (size_t i = 0; i < ARRAY_LEN(attr_cases); i++) {
		attr_check("tmpfs", "tmpfs", &attr_cases[i]);
		attr_check("bind", "/src", &attr_cases[i]);
	}
	assert_logged("");
}
END_TEST

START_TEST(test_propagation_options)
{
	static const struct {
		const char *options;
		uint64_t flag;
		bool rec;
	} cases[] = {
		{ "private", MS_PRIVATE, false },	{ "rprivate", MS_PRIVATE, true },
		{ "shared", MS_SHARED, false },		{ "rshared", MS_SHARED, true },
		{ "slave", MS_SLAVE, false },		{ "rslave", MS_SLAVE, true },
		{ "unbindable", MS_UNBINDABLE, false }, { "runbindable", MS_UNBINDABLE, true },
		{ "rprivate slave", MS_SLAVE, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct mount_step s;
		struct err e;

		ck_assert_int_eq(mount_make("tmpfs", "tmpfs", cases[i].options, &s, &e), 0);
		ck_assert_uint_eq(s.propagation, cases[i].flag);
		ck_assert_int_eq(s.propagation_rec, cases[i].rec);
		ck_assert(!s.recursive);
		ck_assert_ptr_null(s.data);
		plan_mount_free(&s);
	}
}
END_TEST

START_TEST(test_other_options_go_to_the_file_system_in_order)
{
	static const struct {
		const char *type, *source, *options, *data;
	} cases[] = {
		{ "tmpfs", "tmpfs", "nosuid strictatime mode=755 size=65536k", "mode=755,size=65536k" },
		{ "devpts", "devpts", "newinstance noexec ptmxmode=0666 mode=0620 gid=5",
		  "newinstance,ptmxmode=0666,mode=0620,gid=5" },
		{ "overlay", "overlay", "lowerdir=/a:/b upperdir=/u workdir=/w",
		  "lowerdir=/a:/b,upperdir=/u,workdir=/w" },
		{ "tmpfs", "tmpfs", "sync size=1m dirsync lazytime mand", "sync,size=1m,dirsync,lazytime,mand" },
		{ "tmpfs", "tmpfs", "sync async nolazytime nomand", "sync,async,nolazytime,nomand" },
		{ "tmpfs", "tmpfs", "iversion noiversion", "iversion,noiversion" },
		{ "tmpfs", "tmpfs", "x-gvfs-hide X-mount.mkdir _netdev comment=a size=1m", "size=1m" },
		/* a device that is read-only needs a superblock that is, too */
		{ "ext4", "/dev/loop0", "ro noload", "noload,ro" },
		{ "ext4", "/dev/loop0", "ro rw", NULL },
		{ "sysfs", "sysfs", "ro", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct mount_step s;
		struct err e;

		ck_assert_msg(mount_make(cases[i].type, cases[i].source, cases[i].options, &s, &e) == 0, "%s", e.msg);
		ck_assert_int_eq(s.kind, MOUNT_FS);
		if (cases[i].data)
			ck_assert_str_eq(s.data, cases[i].data);
		else
			ck_assert_ptr_null(s.data);
		plan_mount_free(&s);
	}
	assert_logged("");
}
END_TEST

START_TEST(test_options_without_effect_are_warned_of)
{
	struct mount_step s;
	struct err e;

	ck_assert_int_eq(
		mount_make("bind", "/src", "remount sync lazytime async nomand noiversion ro iversion", &s, &e), 0);
	ck_assert_uint_eq(s.attr_set, RO);
	ck_assert_ptr_null(s.data);
	plan_mount_free(&s);
	assert_logged("husk: warning: mounts[2].options: 'remount' has no effect here: ignoring\n"
		      "husk: warning: mounts[2].options: 'sync' has no effect here: ignoring\n"
		      "husk: warning: mounts[2].options: 'lazytime' has no effect here: ignoring\n"
		      "husk: warning: mounts[2].options: 'iversion' has no effect here: ignoring\n");
}
END_TEST

START_TEST(test_mounts_that_cannot_be_are_refused_by_name)
{
	static const struct {
		const char *type, *source, *options, *message;
	} cases[] = {
		{ "tmpfs", "tmpfs", "ro idmap", "mounts[2].options: 'idmap' is for bind mounts only" },
		{ "cgroup2", "cgroup", "ridmap", "mounts[2].options: 'ridmap' is for bind mounts only" },
		{ "tmpfs", "tmpfs", "idmap=uids=0-1-2", "mounts[2].options: 'idmap' is for bind mounts only" },
		{ "bind", "/src", "ro tmpcopyup", "mounts[2].options: 'tmpcopyup' is for tmpfs only" },
		{ "tmpfs", "/src", "tmpcopyup bind", "mounts[2].options: 'tmpcopyup' is for tmpfs only" },
		{ "ramfs", "ramfs", "tmpcopyup", "mounts[2].options: 'tmpcopyup' is for tmpfs only" },
		{ "cgroup2", "cgroup2", "tmpcopyup", "mounts[2].options: 'tmpcopyup' is for tmpfs only" },
		{ "tmpfs", "tmpfs", "copy-symlink", "mounts[2].options: 'copy-symlink' is for bind mounts only" },
		{ "proc", "proc", "src-nofollow", "mounts[2].options: 'src-nofollow' is for bind mounts only" },
		{ "tmpfs", "tmpfs", "remount",
		  "mounts[2].options: 'remount' is not supported: every entry is a new mount" },
		{ "bind", "/src", "size=1m",
		  "mounts[2].options: 'size=1m' is unknown, and a bind mount takes no options of a file system" },
		{ "bind", NULL, "", "mounts[2].source: a bind mount needs the path of what to mount" },
		{ "none", "", "rbind", "mounts[2].source: a bind mount needs the path of what to mount" },
		{ "none", "/src", "ro", "mounts[2].type: 'none' needs the option 'bind' or 'rbind'" },
		{ NULL, "/src", "ro", "mounts[2].type: expected a file system, or the option 'bind' or 'rbind'" },
		{ "", "/src", "ro", "mounts[2].type: expected a file system, or the option 'bind' or 'rbind'" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct mount_step s;
		struct err e;

		ck_assert_int_lt(mount_make(cases[i].type, cases[i].source, cases[i].options, &s, &e), 0);
		ck_assert_str_eq(e.msg, cases[i].message);
		plan_mount_free(&s);
	}
}
END_TEST

START_TEST(test_tmpcopyup_marks_the_step_and_does_not_reach_the_file_system)
{
	struct mount_step s;
	struct err e;

	ck_assert_int_eq(mount_make("tmpfs", "tmpfs", "rw rprivate tmpcopyup nosuid size=1m", &s, &e), 0);
	ck_assert(s.copy_up);
	ck_assert_str_eq(s.data, "size=1m");
	ck_assert_uint_eq(s.attr_set, MOUNT_ATTR_NOSUID);
	plan_mount_free(&s);
	ck_assert_int_eq(mount_make("tmpfs", "tmpfs", "rw", &s, &e), 0);
	ck_assert(!s.copy_up);
	plan_mount_free(&s);
	assert_logged("");
}
END_TEST

START_TEST(test_symlink_options_mark_the_step)
{
	struct mount_step s;
	struct err e;

	ck_assert_int_eq(mount_make("bind", "/src", "rbind ro", &s, &e), 0);
	ck_assert(!s.copy_symlink && !s.src_nofollow && !s.dest_nofollow && !s.idmap.option && !s.link);
	plan_mount_free(&s);
	ck_assert_int_eq(mount_make("bind", "/src", "rbind copy-symlink", &s, &e), 0);
	ck_assert(s.copy_symlink && !s.src_nofollow && !s.dest_nofollow);
	plan_mount_free(&s);
	ck_assert_int_eq(mount_make("bind", "/src", "src-nofollow", &s, &e), 0);
	ck_assert(!s.copy_symlink && s.src_nofollow && !s.dest_nofollow);
	plan_mount_free(&s);
	ck_assert_int_eq(mount_make("tmpfs", "tmpfs", "dest-nofollow", &s, &e), 0);
	ck_assert(!s.copy_symlink && !s.src_nofollow && s.dest_nofollow);
	ck_assert_ptr_null(s.data);
	plan_mount_free(&s);
	assert_logged("");
}
END_TEST

START_TEST(test_option_names_are_sorted_and_leave_out_what_is_refused)
{
	const char *const *names = plan_mount_option_names();
	bool rro = false, tmpcopyup = false;
	size_t n = 0;

	for (; names[n]; n++) {
		struct mount_step s;
		struct err e;

		if (n > 0)
			ck_assert_int_lt(strcmp(names[n - 1], names[n]), 0);
		rro |= str_eq(names[n], "rro");
		tmpcopyup |= str_eq(names[n], "tmpcopyup");
		if (str_eq(names[n], "tmpcopyup"))
			ck_assert_int_eq(mount_make("tmpfs", "tmpfs", names[n], &s, &e), 0);
		else
			ck_assert_int_eq(mount_make("bind", "/src", names[n], &s, &e), 0);
		plan_mount_free(&s);
	}
	ck_assert_uint_gt(n, 50);
	ck_assert(rro);
	ck_assert(tmpcopyup);
	ck_assert_ptr_eq(names, plan_mount_option_names());
}
END_TEST

START_TEST(test_kind_of_a_mount_comes_from_type_and_options)
{
	static const struct {
		const char *type, *source, *options;
		enum mount_kind kind;
		const char *want_source, *want_fstype;
		bool recursive;
	} cases[] = {
		{ "bind", "/src", "", MOUNT_BIND, "/src", "bind", false },
		{ "none", "/src", "bind", MOUNT_BIND, "/src", "bind", false },
		{ NULL, "/src", "rbind", MOUNT_BIND, "/src", "bind", true },
		{ "bind", "/src", "rbind bind", MOUNT_BIND, "/src", "bind", true },
		{ "tmpfs", "/src", "bind", MOUNT_BIND, "/src", "bind", false },
		{ "bind", "data/./x//y/../z/", "", MOUNT_BIND, BUNDLE "/data/x/z", "bind", false },
		{ "bind", "/a/../b", "", MOUNT_BIND, "/a/../b", "bind", false },
		{ "cgroup", "cgroup", "ro", MOUNT_CGROUP, "cgroup", "cgroup", false },
		{ "cgroup2", NULL, "", MOUNT_CGROUP, "cgroup2", "cgroup2", false },
		{ "tmpfs", "shm", "", MOUNT_FS, "shm", "tmpfs", false },
		{ "proc", NULL, "", MOUNT_FS, "proc", "proc", false },
		{ "mqueue", "", "", MOUNT_FS, "mqueue", "mqueue", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct mount_step s;
		struct err e;

		ck_assert_msg(mount_make(cases[i].type, cases[i].source, cases[i].options, &s, &e) == 0, "%s", e.msg);
		ck_assert_int_eq(s.kind, cases[i].kind);
		ck_assert_str_eq(s.source, cases[i].want_source);
		ck_assert_str_eq(s.fstype, cases[i].want_fstype);
		ck_assert_int_eq(s.recursive, cases[i].recursive);
		ck_assert_int_eq(s.source_fd, -1);
		ck_assert_str_eq(s.label, "mounts[2]");
		plan_mount_free(&s);
	}
}
END_TEST

START_TEST(test_paths_are_resolved_by_text)
{
	static const struct {
		const char *base, *path, *want;
	} cases[] = {
		{ "/", "/", "/" },
		{ "/", "", "/" },
		{ "/", "a", "/a" },
		{ "/", "//a///b//", "/a/b" },
		{ "/", "/a/./b/.", "/a/b" },
		{ "/", "/a/../b", "/b" },
		{ "/", "/../../a", "/a" },
		{ "/", "../..", "/" },
		{ "/x/y", "a", "/x/y/a" },
		{ "/x/y", "../a", "/x/a" },
		{ "/x/y", "/a", "/a" },
		{ "/x//y/", "./..", "/x" },
		{ "/", "/..a/...", "/..a/..." },
		{ "/", "/a/b/../..", "/" },
		{ "/x", "../../../b", "/b" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_FREE char *got = plan_path_resolve(cases[i].base, cases[i].path);

		ck_assert_str_eq(got, cases[i].want);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan_mount");
	TCase *tc = tcase_create("plan_mount");

	tcase_add_checked_fixture(tc, catch_log, NULL);
	tcase_add_test(tc, test_each_option_has_its_attributes);
	tcase_add_test(tc, test_propagation_options);
	tcase_add_test(tc, test_other_options_go_to_the_file_system_in_order);
	tcase_add_test(tc, test_options_without_effect_are_warned_of);
	tcase_add_test(tc, test_mounts_that_cannot_be_are_refused_by_name);
	tcase_add_test(tc, test_tmpcopyup_marks_the_step_and_does_not_reach_the_file_system);
	tcase_add_test(tc, test_symlink_options_mark_the_step);
	tcase_add_test(tc, test_option_names_are_sorted_and_leave_out_what_is_refused);
	tcase_add_test(tc, test_kind_of_a_mount_comes_from_type_and_options);
	tcase_add_test(tc, test_paths_are_resolved_by_text);
	suite_add_tcase(suite, tc);
	return ck_run(suite);
}
