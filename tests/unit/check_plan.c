/* SPDX-License-Identifier: Apache-2.0 */
/* check_plan.c: plan.c and plan_process.c, by tables over specs made by hand. */
#include "catch_log.h"
#include "ck_run.h"
#include "err.h"
#include "kernel.h"
#include "plan.h"
#include "str.h"

#include <check.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define BUNDLE "/var/lib/bundle"
#define CAP(name) (UINT64_C(1) << (name))
#define STRV(...)                                                                                 \
	{                                                                                         \
		.v = (char *[]){ __VA_ARGS__, NULL }, .n = ARRAY_LEN(((char *[]){ __VA_ARGS__ })) \
	}

/* The smallest spec that can be planned. */
static void spec_basic(struct spec *spec, struct spec_process *process, struct spec_linux *linux_part)
{
	static char *args[] = { "/bin/true", NULL };

	*process = (struct spec_process){ .args = { args, 1 }, .cwd = "/" };
	*linux_part = (struct spec_linux){ 0 };
	*spec = (struct spec){ .process = process, .root_path = "rootfs", .linux_ = linux_part };
}

struct world {
	struct spec spec;
	struct spec_process process;
	struct spec_linux linux_part;
	struct plan *plan;
	struct err e;
};

static struct world *world(void)
{
	static struct world w;

	memset(&w, 0, sizeof(w));
	spec_basic(&w.spec, &w.process, &w.linux_part);
	return &w;
}

static void plan_ok(struct world *w)
{
	ck_assert_msg(plan_make(&w->spec, BUNDLE, &w->plan, &w->e) == 0, "%s", w->e.msg);
	ck_assert_ptr_nonnull(w->plan);
}

static void plan_refused(struct world *w, const char *message)
{
	ck_assert_int_lt(plan_make(&w->spec, BUNDLE, &w->plan, &w->e), 0);
	ck_assert_str_eq(w->e.msg, message);
	ck_assert_int_gt(w->e.code, 0);
	ck_assert_ptr_null(w->plan);
}

/* ---- mounts ---- */

START_TEST(test_targets_are_absolute_and_only_dev_is_dev)
{
	static const struct {
		const char *destination, *target;
		bool is_dev;
	} cases[] = {
		{ "/proc", "/proc", false },	      { "/dev", "/dev", true },	     { "/dev/", "/dev", true },
		{ "//dev/.", "/dev", true },	      { "/x/../dev", "/dev", true }, { "/dev/shm", "/dev/shm", false },
		{ "/../../etc//x", "/etc/x", false }, { "/devx", "/devx", false },
	};
	struct spec_mount mounts[ARRAY_LEN(cases)] = { 0 };
	struct world *w = world();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		mounts[i] = (struct spec_mount){ .destination = cases[i].destination, .type = "tmpfs" };
	w->spec.mounts = mounts;
	w->spec.n_mounts = ARRAY_LEN(cases);
	plan_ok(w);
	ck_assert_uint_eq(w->plan->n_mounts, ARRAY_LEN(cases));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char label[24];

		(void)snprintf(label, sizeof(label), "mounts[%zu]", i);
		ck_assert_str_eq(w->plan->mounts[i].target, cases[i].target);
		ck_assert_int_eq(w->plan->mounts[i].is_dev, cases[i].is_dev);
		ck_assert_str_eq(w->plan->mounts[i].label, label);
	}
	assert_logged("");
	plan_free(w->plan);
}
END_TEST

START_TEST(test_a_relative_target_is_taken_from_the_root_with_a_warning)
{
	struct spec_mount m = { .destination = "data", .type = "tmpfs" };
	struct world *w = world();

	w->spec.mounts = &m;
	w->spec.n_mounts = 1;
	plan_ok(w);
	ck_assert_str_eq(w->plan->mounts[0].target, "/data");
	assert_logged("husk: warning: mounts[0].destination: 'data' is not absolute: taking it as '/data'\n");
	plan_free(w->plan);
}
END_TEST

START_TEST(test_a_mount_on_the_root_is_refused)
{
	struct spec_mount m[] = { { .destination = "/a", .type = "tmpfs" },
				  { .destination = "/a/..", .type = "tmpfs" } };
	struct world *w = world();

	w->spec.mounts = m;
	w->spec.n_mounts = 2;
	plan_refused(w, "mounts[1].destination: '/a/..' is the container's root itself: set root.path instead");
	m[1].destination = NULL;
	plan_refused(w, "mounts[1].destination: expected an absolute path");
}
END_TEST

START_TEST(test_dev_is_ours_unless_a_bind_mount_stands_there)
{
	static const struct {
		const char *destination, *type;
		bool setup;
	} cases[] = {
		{ "/dev", "tmpfs", true },  { "/dev", "bind", false },	{ "/dev/", "bind", false },
		{ "/dev/x", "bind", true }, { "/proc", "tmpfs", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct spec_mount m = { .destination = cases[i].destination, .type = cases[i].type, .source = "/s" };
		struct world *w = world();

		w->spec.mounts = &m;
		w->spec.n_mounts = 1;
		plan_ok(w);
		ck_assert_int_eq(w->plan->dev_setup, cases[i].setup);
		plan_free(w->plan);
	}
}
END_TEST

/* ---- namespaces and root ---- */

START_TEST(test_namespaces_are_made_or_joined)
{
	struct spec_namespace ns[] = {
		{ CLONE_NEWPID, "pid", NULL },
		{ CLONE_NEWNET, "network", "/run/netns/x" },
		{ CLONE_NEWNS, "mount", NULL },
		{ CLONE_NEWUSER, "user", "/proc/7/ns/user" },
	};
	struct world *w = world();

	w->linux_part.namespaces = ns;
	w->linux_part.n_namespaces = ARRAY_LEN(ns);
	plan_ok(w);
	ck_assert_uint_eq(w->plan->clone_flags, CLONE_NEWPID | CLONE_NEWNS);
	ck_assert_uint_eq(w->plan->n_joins, 2);
	ck_assert_uint_eq(w->plan->joins[0].clone_flag, CLONE_NEWNET);
	ck_assert_str_eq(w->plan->joins[0].path, "/run/netns/x");
	ck_assert_int_eq(w->plan->joins[0].fd, -1);
	ck_assert_uint_eq(w->plan->joins[1].clone_flag, CLONE_NEWUSER);
	ck_assert(w->plan->has_pidns && w->plan->has_netns && w->plan->has_userns);
	ck_assert(!w->plan->has_cgroupns && !w->plan->has_utsns);
	plan_free(w->plan);
}
END_TEST

START_TEST(test_more_namespaces_than_there_are_cannot_be_joined)
{
	struct spec_namespace ns[PLAN_JOIN_MAX + 1];
	struct world *w = world();

	for (size_t i = 0; i < ARRAY_LEN(ns); i++)
		ns[i] = (struct spec_namespace){ CLONE_NEWPID, "pid", "/proc/7/ns/pid" };
	w->linux_part.namespaces = ns;
	w->linux_part.n_namespaces = ARRAY_LEN(ns);
	plan_refused(w, "linux.namespaces[8]: more than 8 to join");
	w->linux_part.n_namespaces--;
	plan_ok(w);
	plan_free(w->plan);
}
END_TEST

START_TEST(test_root_is_absolute_or_in_the_bundle)
{
	static const char *const cases[][2] = {
		{ "rootfs", BUNDLE "/rootfs" },
		{ "./rootfs/", BUNDLE "/rootfs" },
		{ "../other", "/var/lib/other" },
		{ "/srv/root", "/srv/root" },
		{ "/", "/" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world *w = world();

		w->spec.root_path = cases[i][0];
		w->spec.root_readonly = i % 2;
		plan_ok(w);
		ck_assert_str_eq(w->plan->root, cases[i][1]);
		ck_assert_int_eq(w->plan->root_readonly, i % 2);
		ck_assert_uint_eq(w->plan->root_propagation, 0);
		ck_assert_ptr_eq(w->plan->spec, &w->spec);
		plan_free(w->plan);
	}
}
END_TEST

START_TEST(test_root_propagation)
{
	struct world *w = world();

	w->linux_part.rootfs_propagation = "rshared";
	plan_ok(w);
	ck_assert_uint_eq(w->plan->root_propagation, MS_SHARED);
	ck_assert(w->plan->root_propagation_rec);
	plan_free(w->plan);
	w = world();
	w->linux_part.rootfs_propagation = "unbindable";
	plan_ok(w);
	ck_assert_uint_eq(w->plan->root_propagation, MS_UNBINDABLE);
	ck_assert(!w->plan->root_propagation_rec);
	plan_free(w->plan);
	w = world();
	w->linux_part.rootfs_propagation = "ro";
	plan_refused(w, "linux.rootfsPropagation: expected shared, slave, private or unbindable, with an r before it "
			"for the whole tree, got 'ro'");
	w->linux_part.rootfs_propagation = NULL;
	w->spec.root_path = NULL;
	plan_refused(w, "root.path: expected the path of the container's root");
}
END_TEST

/* ---- devices ---- */

START_TEST(test_the_default_devices_come_first)
{
	static const struct {
		const char *path;
		unsigned int major, minor;
	} want[] = {
		{ "/dev/null", 1, 3 },	 { "/dev/zero", 1, 5 },	   { "/dev/full", 1, 7 },
		{ "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 },
	};
	struct world *w = world();

	plan_ok(w);
	ck_assert_uint_eq(w->plan->n_devices, ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		const struct device_step *d = &w->plan->devices[i];

		ck_assert_str_eq(d->path, want[i].path);
		ck_assert_uint_eq(d->dev, makedev(want[i].major, want[i].minor));
		ck_assert_uint_eq(d->mode, S_IFCHR | 0666);
		ck_assert_uint_eq(d->uid, 0);
		ck_assert_uint_eq(d->gid, 0);
		ck_assert_int_eq(d->source_fd, -1);
	}
	plan_free(w->plan);
}
END_TEST

START_TEST(test_devices_of_the_spec_follow_or_override)
{
	struct spec_device devices[] = {
		{ "/dev/fuse", 'c', 10, 229, false, 0, 1, 2 },
		{ "/dev/../dev//null", 'u', 9, 9, true, 0100600, 3, 4 },
		{ "/dev/pipe", 'p', 77777, -3, true, 04755, 0, 0 },
		{ "/dev/sda", 'b', 8, 0xfffff, true, 0, 0, 6 },
		{ "/dev/ptmx", 'c', 5, 2, false, 0, 0, 0 },
		{ "/dev/fuse", 'c', 10, 230, false, 0, 0, 0 },
	};
	struct world *w = world();
	const struct device_step *d;

	w->linux_part.devices = devices;
	w->linux_part.n_devices = ARRAY_LEN(devices);
	plan_ok(w);
	d = w->plan->devices;
	ck_assert_uint_eq(w->plan->n_devices, 9);
	ck_assert_str_eq(d[0].path, "/dev/null");
	ck_assert_uint_eq(d[0].dev, makedev(9, 9));
	ck_assert_uint_eq(d[0].mode, S_IFCHR | 0600);
	ck_assert_uint_eq(d[0].uid, 3);
	ck_assert_uint_eq(d[0].gid, 4);
	ck_assert_str_eq(d[6].path, "/dev/fuse");
	ck_assert_uint_eq(d[6].dev, makedev(10, 230));
	ck_assert_uint_eq(d[6].mode, S_IFCHR | 0666);
	ck_assert_uint_eq(d[7].mode, S_IFIFO | 04755);
	ck_assert_uint_eq(d[7].dev, 0);
	ck_assert_uint_eq(d[8].mode, S_IFBLK);
	ck_assert_uint_eq(d[8].dev, makedev(8, 0xfffff));
	plan_free(w->plan);
}
END_TEST

START_TEST(test_devices_that_cannot_be_are_refused)
{
	static const struct {
		struct spec_device device;
		const char *message;
	} cases[] = {
		{ { .path = "dev/x", .type = 'c' }, "linux.devices[0].path: expected an absolute path, got 'dev/x'" },
		{ { .path = "/dev/x", .type = 'a' }, "linux.devices[0].type: expected c, b, u or p, got 'a'" },
		{ { .path = "/dev/x", .type = 'c', .major = 4096 },
		  "linux.devices[0].major: expected 0 to 4095, got 4096" },
		{ { .path = "/dev/x", .type = 'b', .minor = -1 },
		  "linux.devices[0].minor: expected 0 to 1048575, got -1" },
		{ { .path = "/dev/x", .type = 'b', .minor = 1 << 20 },
		  "linux.devices[0].minor: expected 0 to 1048575, got 1048576" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct spec_device d = cases[i].device;
		struct world *w = world();

		w->linux_part.devices = &d;
		w->linux_part.n_devices = 1;
		plan_refused(w, cases[i].message);
	}
}
END_TEST

/* ---- process ---- */

START_TEST(test_process_is_what_the_spec_says)
{
	gid_t gids[] = { 5, 6 };
	struct spec_process p = {
		.terminal = true,
		.console_width = 80,
		.console_height = 25,
		.uid = 1,
		.gid = 2,
		.have_umask = true,
		.umask = 027,
		.additional_gids = gids,
		.n_additional_gids = 2,
		.args = STRV("sh", "-c"),
		.env = STRV("A=b"),
		.cwd = "/work",
		.no_new_privileges = true,
		.have_oom_score_adj = true,
		.oom_score_adj = -5,
	};
	struct process_plan out;
	struct err e = { 0 };

	ck_assert_int_eq(plan_process(&p, &out, &e), 0);
	ck_assert_str_eq(out.program, "sh");
	ck_assert_ptr_eq(out.args, p.args.v);
	ck_assert_ptr_eq(out.env, p.env.v);
	ck_assert_ptr_eq(out.cwd, p.cwd);
	ck_assert(out.terminal && out.have_umask && out.no_new_privileges && out.have_oom_score_adj);
	ck_assert_uint_eq(out.console_width, 80);
	ck_assert_uint_eq(out.console_height, 25);
	ck_assert_uint_eq(out.uid, 1);
	ck_assert_uint_eq(out.gid, 2);
	ck_assert_ptr_eq(out.additional_gids, gids);
	ck_assert_uint_eq(out.n_additional_gids, 2);
	ck_assert_uint_eq(out.umask, 027);
	ck_assert_int_eq(out.oom_score_adj, -5);
	plan_process_free(&out);
}
END_TEST

START_TEST(test_a_label_is_for_the_program_and_unconfined_is_none)
{
	struct spec_process p = { .args = STRV("sh"), .cwd = "/" };
	struct process_plan out;
	struct err e = { 0 };

	ck_assert_int_eq(plan_process(&p, &out, &e), 0);
	ck_assert(!out.lsm.apparmor_profile && !out.lsm.selinux_label);
	plan_process_free(&out);
	p.apparmor_profile = "a-profile";
	p.selinux_label = "u:r:t:s0:c1,c2";
	ck_assert_int_eq(plan_process(&p, &out, &e), 0);
	ck_assert_str_eq(out.lsm.apparmor_profile, "a-profile");
	ck_assert_str_eq(out.lsm.selinux_label, "u:r:t:s0:c1,c2");
	plan_process_free(&out);
	p.apparmor_profile = p.selinux_label = "unconfined";
	ck_assert_int_eq(plan_process(&p, &out, &e), 0);
	ck_assert(!out.lsm.apparmor_profile && !out.lsm.selinux_label);
	plan_process_free(&out);
}
END_TEST

START_TEST(test_a_label_is_one_line_that_a_page_holds)
{
	struct spec_process p = { .args = STRV("sh"), .cwd = "/", .apparmor_profile = "a\nb" };
	struct process_plan out;
	struct err e = { 0 };
	char text[4002];

	ck_assert_int_eq(plan_process(&p, &out, &e), -EINVAL);
	ck_assert_str_eq(e.msg, "process.apparmorProfile: expected one line, got 'a\nb'");
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	p.apparmor_profile = NULL;
	p.selinux_label = text;
	ck_assert_int_eq(plan_process(&p, &out, &e), -EINVAL);
	ck_assert_str_eq(e.msg, "process.selinuxLabel: 4001 bytes, expected at most 4000");
	p.selinux_label = text + 1;
	ck_assert_int_eq(plan_process(&p, &out, &e), 0);
	plan_process_free(&out);
}
END_TEST

/* Of the file systems that are made, those that take such an option: see plan_mount_label(). */
START_TEST(test_the_mount_label_is_an_option_of_new_file_systems)
{
	static char *own[] = { "fscontext=\"a:b:c:s0:c1,c2\"", NULL };
	struct spec_mount mounts[] = {
		{ .destination = "/dev", .type = "tmpfs", .options = STRV("mode=755") },
		{ .destination = "/proc", .type = "proc" },
		{ .destination = "/sys", .type = "sysfs" },
		{ .destination = "/sys/fs/cgroup", .type = "cgroup2" },
		{ .destination = "/m", .type = "bind", .source = "/m" },
		{ .destination = "/q", .type = "mqueue" },
		{ .destination = "/t", .type = "tmpfs", .options = { own, 1 } },
	};
	static const char *const data[] = {
		"mode=755,context=u:r:t:s0:c3\\,c4", NULL, NULL, NULL, NULL, NULL, "fscontext=a:b:c:s0:c1\\,c2",
	};
	struct world *w = world();

	w->spec.mounts = mounts;
	w->spec.n_mounts = ARRAY_LEN(mounts);
	w->linux_part.mount_label = "u:r:t:s0:c3,c4";
	plan_ok(w);
	for (size_t i = 0; i < ARRAY_LEN(mounts); i++) {
		const struct mount_step *s = &w->plan->mounts[i];

		ck_assert_msg(!s->data == !data[i] && (!data[i] || strcmp(s->data, data[i]) == 0), "%zu: %s", i,
			      s->data ? s->data : "none");
		ck_assert(!s->root_label == (i != 5));
	}
	plan_free(w->plan);
}
END_TEST

START_TEST(test_an_annotation_says_which_option_the_mount_label_is)
{
	struct spec_mount mount = { .destination = "/t", .type = "tmpfs" };
	struct spec_kv note = { "run.oci.mount_context_type", "rootcontext" };
	struct world *w = world();

	w->spec.mounts = &mount;
	w->spec.n_mounts = 1;
	w->spec.annotations = &note;
	w->spec.n_annotations = 1;
	w->linux_part.mount_label = "u:r:t";
	plan_ok(w);
	ck_assert_str_eq(w->plan->mounts[0].data, "rootcontext=u:r:t");
	plan_free(w->plan);
	w->plan = NULL;
	note.value = "other";
	plan_refused(w, "annotations[\"run.oci.mount_context_type\"]: expected context, fscontext, defcontext or "
			"rootcontext, got 'other'");
}
END_TEST

START_TEST(test_no_capabilities_object_means_none_and_no_env_an_empty_one)
{
	struct world *w = world();

	plan_ok(w);
	ck_assert(w->plan->process.caps.given);
	for (size_t i = 0; i < CAPS_SETS; i++)
		ck_assert_uint_eq(w->plan->process.caps.sets[i], 0);
	ck_assert_ptr_nonnull(w->plan->process.env);
	ck_assert_ptr_null(w->plan->process.env[0]);
	plan_free(w->plan);
}
END_TEST

START_TEST(test_capabilities_become_masks_and_unknown_ones_a_warning)
{
	struct world *w = world();
	const uint64_t *sets;

	w->process.have_caps = true;
	w->process.caps[CAPS_BOUNDING] = (struct strv)STRV("CAP_NET_RAW", "CAP_NEW_THING", "CAP_KILL");
	w->process.caps[CAPS_PERMITTED] = (struct strv)STRV("CAP_NET_RAW", "CAP_KILL");
	w->process.caps[CAPS_EFFECTIVE] = (struct strv)STRV("CAP_KILL");
	w->process.caps[CAPS_INHERITABLE] = (struct strv)STRV("CAP_KILL", "CAP_CHOWN");
	w->process.caps[CAPS_AMBIENT] = (struct strv)STRV("CAP_KILL", "CAP_CHOWN", "CAP_NET_RAW");
	plan_ok(w);
	sets = w->plan->process.caps.sets;
	ck_assert(w->plan->process.caps.given);
	ck_assert_uint_eq(sets[CAPS_BOUNDING], CAP(CAP_NET_RAW) | CAP(CAP_KILL));
	ck_assert_uint_eq(sets[CAPS_PERMITTED], CAP(CAP_NET_RAW) | CAP(CAP_KILL));
	ck_assert_uint_eq(sets[CAPS_EFFECTIVE], CAP(CAP_KILL));
	ck_assert_uint_eq(sets[CAPS_INHERITABLE], CAP(CAP_KILL) | CAP(CAP_CHOWN));
	ck_assert_uint_eq(sets[CAPS_AMBIENT], CAP(CAP_KILL));
	assert_logged(
		"husk: warning: process.capabilities.bounding: unknown capability 'CAP_NEW_THING': ignoring\n"
		"husk: warning: process.capabilities.ambient: 'CAP_CHOWN' is not both permitted and inheritable: "
		"ignoring\n"
		"husk: warning: process.capabilities.ambient: 'CAP_NET_RAW' is not both permitted and inheritable: "
		"ignoring\n");
	plan_free(w->plan);
}
END_TEST

/* As Buildah and Podman ask for each step of a build. */
START_TEST(test_ambient_ones_are_left_out_in_silence_where_none_is_inheritable)
{
	struct world *w = world();

	w->process.have_caps = true;
	w->process.caps[CAPS_PERMITTED] = (struct strv)STRV("CAP_NET_RAW", "CAP_KILL");
	w->process.caps[CAPS_AMBIENT] = (struct strv)STRV("CAP_KILL", "CAP_NET_RAW");
	plan_ok(w);
	ck_assert_uint_eq(w->plan->process.caps.sets[CAPS_AMBIENT], 0);
	assert_logged("");
	plan_free(w->plan);
}
END_TEST

START_TEST(test_an_effective_capability_must_be_permitted)
{
	struct world *w = world();

	w->process.have_caps = true;
	w->process.caps[CAPS_PERMITTED] = (struct strv)STRV("CAP_KILL");
	w->process.caps[CAPS_EFFECTIVE] = (struct strv)STRV("CAP_NET_RAW", "CAP_KILL", "CAP_SYS_ADMIN");
	plan_refused(w, "process.capabilities.effective: 'CAP_NET_RAW' is not in process.capabilities.permitted");
}
END_TEST

START_TEST(test_rlimits_become_numbers)
{
	struct spec_rlimit limits[] = { { "RLIMIT_NOFILE", 10, 20 }, { "RLIMIT_CORE", 0, UINT64_MAX } };
	struct world *w = world();
	const struct rlimit_step *r;

	w->process.rlimits = limits;
	w->process.n_rlimits = 2;
	plan_ok(w);
	r = w->plan->process.rlimits;
	ck_assert_uint_eq(w->plan->process.n_rlimits, 2);
	ck_assert_int_eq(r[0].resource, RLIMIT_NOFILE);
	ck_assert_str_eq(r[0].name, "RLIMIT_NOFILE");
	ck_assert_uint_eq(r[0].soft, 10);
	ck_assert_uint_eq(r[0].hard, 20);
	ck_assert_int_eq(r[1].resource, RLIMIT_CORE);
	ck_assert_uint_eq(r[1].hard, UINT64_MAX);
	plan_free(w->plan);
}
END_TEST

START_TEST(test_processes_that_cannot_be_are_refused)
{
	struct spec_rlimit limits[] = { { "RLIMIT_NOFILE", 10, 20 }, { "RLIMIT_X", 1, 1 } };
	struct world *w = world();

	w->process.rlimits = limits;
	w->process.n_rlimits = 2;
	plan_refused(w, "process.rlimits[1].type: unknown limit 'RLIMIT_X'");
	w->process.n_rlimits = 0;
	w->process.cwd = "work";
	plan_refused(w, "process.cwd: expected an absolute path, got 'work'");
	w->process.cwd = NULL;
	plan_refused(w, "process.cwd: expected an absolute path, got ''");
	w->process.args = (struct strv){ 0 };
	plan_refused(w, "process.args: expected at least the name of a program");
	w->process.args = (struct strv)STRV("");
	plan_refused(w, "process.args: expected at least the name of a program");
	w->spec.process = NULL;
	plan_refused(w, "process: missing; a container needs it to be created");
}
END_TEST

START_TEST(test_nothing_is_freed_by_freeing_nothing)
{
	struct process_plan process = { 0 };

	plan_free(NULL);
	plan_process_free(&process);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan");
	TCase *tc = tcase_create("plan");

	tcase_add_checked_fixture(tc, catch_log, NULL);
	tcase_add_test(tc, test_targets_are_absolute_and_only_dev_is_dev);
	tcase_add_test(tc, test_a_relative_target_is_taken_from_the_root_with_a_warning);
	tcase_add_test(tc, test_a_mount_on_the_root_is_refused);
	tcase_add_test(tc, test_dev_is_ours_unless_a_bind_mount_stands_there);
	tcase_add_test(tc, test_namespaces_are_made_or_joined);
	tcase_add_test(tc, test_more_namespaces_than_there_are_cannot_be_joined);
	tcase_add_test(tc, test_root_is_absolute_or_in_the_bundle);
	tcase_add_test(tc, test_root_propagation);
	tcase_add_test(tc, test_the_default_devices_come_first);
	tcase_add_test(tc, test_devices_of_the_spec_follow_or_override);
	tcase_add_test(tc, test_devices_that_cannot_be_are_refused);
	tcase_add_test(tc, test_process_is_what_the_spec_says);
	tcase_add_test(tc, test_a_label_is_for_the_program_and_unconfined_is_none);
	tcase_add_test(tc, test_a_label_is_one_line_that_a_page_holds);
	tcase_add_test(tc, test_the_mount_label_is_an_option_of_new_file_systems);
	tcase_add_test(tc, test_an_annotation_says_which_option_the_mount_label_is);
	tcase_add_test(tc, test_no_capabilities_object_means_none_and_no_env_an_empty_one);
	tcase_add_test(tc, test_capabilities_become_masks_and_unknown_ones_a_warning);
	tcase_add_test(tc, test_ambient_ones_are_left_out_in_silence_where_none_is_inheritable);
	tcase_add_test(tc, test_an_effective_capability_must_be_permitted);
	tcase_add_test(tc, test_rlimits_become_numbers);
	tcase_add_test(tc, test_processes_that_cannot_be_are_refused);
	tcase_add_test(tc, test_nothing_is_freed_by_freeing_nothing);
	suite_add_tcase(suite, tc);
	return ck_run(suite);
}
