/* SPDX-License-Identifier: Apache-2.0 */
/* check_cgroup.c: cgroup.c; paths by tables, directories on the kernel's own cgroup2. */
#include "cgroup_place.h"
#include "ck_run.h"
#include "io.h"

#include <sys/resource.h>
#include <time.h>

/* ---- paths ---- */

START_TEST(path_is_normalised_and_relative_goes_beside_own_cgroup)
{
	static const struct {
		const char *own, *wanted, *path;
	} cases[] = {
		{ "/a/b", "/x/y", "x/y" },  { "/a/b", "//x/./y//", "x/y" },
		{ "/a/b", "x/y", "a/x/y" }, { "/a/b", NULL, "a/id" },
		{ "/a/b", "", "a/id" },	    { "/", NULL, "id" },
		{ "/a", NULL, "id" },	    { "/", "system.slice:husk:1", "system.slice:husk:1" },
		{ "/a/b", "./x", "a/x" },   { "/a/b/c", "..x/y..", "a/b/..x/y.." },
		{ "/../../x", "/y", "y" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_FREE char *path = NULL;

		ck_assert_ok(cgroup_path_join(cases[i].own, cases[i].wanted, "id", &path, e));
		ck_assert_str_eq(path, cases[i].path);
	}
}
END_TEST

START_TEST(path_that_leaves_the_root_or_names_it_is_refused)
{
	static const struct {
		const char *own, *wanted, *text;
	} cases[] = {
		{ "/a/b", "/x/../y", "linux.cgroupsPath: '/x/../y' has a '..'" },
		{ "/a/b", "..", "linux.cgroupsPath: '..' has a '..'" },
		{ "/a/b", "../x", "'..'" },
		{ "/a/b", "/", "linux.cgroupsPath: '/' names no cgroup" },
		{ "/a/b", "/./", "names no cgroup" },
		{ "/a/b", ".", "names no cgroup" },
		{ "/../../x", "y", "outside its cgroup namespace" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *path = NULL;

		ck_assert_fails(cgroup_path_join(cases[i].own, cases[i].wanted, "id", &path, e), EINVAL, cases[i].text);
		ck_assert_ptr_null(path);
	}
}
END_TEST

START_TEST(path_without_cgroupspath_is_beside_the_caller)
{
	AUTO_FREE char *path = NULL, *absolute = NULL;
	int fd;

	PLACE_OR_RETURN();
	fd = create("caller/own");
	ck_assert_int_eq(io_write_value(fd, "cgroup.procs", "0"), 0);
	ck_assert_ok(cgroup_path_make(NULL, "c1", &path, e));
	ck_assert_str_eq(path, below("caller/c1"));
	ck_assert_ok(cgroup_path_make("/x", "c1", &absolute, e));
	ck_assert_str_eq(absolute, "x");
	/* out again, so that the place can be removed */
	(void)close(fd);
	fd = open(ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(io_write_value(fd, "cgroup.procs", "0"), 0);
	(void)close(fd);
}
END_TEST

/* The owner of a cgroup v1 directory may give one below it any name. */
START_TEST(own_path_is_that_of_the_v2_line_alone)
{
	static const struct {
		const char *text, *path;
	} cases[] = {
		{ "0::/a/b\n", "/a/b" },
		{ "0::/", "/" },
		{ "12:cpu:/x\n1:name=systemd:/y\n0::/user.slice\n", "/user.slice" },
		{ "12:cpu:/x/0::/other\n0::/own\n", "/own" },
		{ "10::/other\n0::/own\n", "/own" },
		{ "12:cpu:/x/0::/other\n", NULL },
		{ "", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_FREE char *text = x_strdup(cases[i].text);
		const char *path = cgroup_own_path(text);

		ck_assert_pstr_eq(path, cases[i].path);
	}
}
END_TEST

START_TEST(root_is_the_unified_mount_of_a_hybrid_host)
{
	struct stat want, got;
	int fd = -1;

	PLACE_OR_RETURN();
	ck_assert_int_eq(stat(ROOT, &want), 0);
	ck_assert_ok(cgroup_open_root(&fd, e));
	ck_assert_int_eq(fstat(fd, &got), 0);
	ck_assert_uint_eq(got.st_dev, want.st_dev);
	(void)close(fd);

	ck_assert_int_eq(mount("none", "/sys/fs/cgroup", "tmpfs", 0, NULL), 0);
	ck_assert_fails(cgroup_open_root(&fd, e), ENOENT, "no cgroup v2 hierarchy");
	ck_assert_int_eq(mkdir("/sys/fs/cgroup/unified", 0755), 0);
	ck_assert_int_eq(mount("none", "/sys/fs/cgroup/unified", "cgroup2", 0, NULL), 0);
	ck_assert_ok(cgroup_open_root(&fd, e));
	ck_assert_int_eq(fstat(fd, &got), 0);
	ck_assert_uint_eq(got.st_ino, want.st_ino);
	ck_assert_uint_eq(got.st_dev, want.st_dev);
	(void)close(fd);
	ck_assert_int_eq(umount2("/sys/fs/cgroup", MNT_DETACH), 0);
}
END_TEST

/* ---- making and removing ---- */

START_TEST(create_makes_parents_and_remove_leaves_them)
{
	int fd, again;

	PLACE_OR_RETURN();
	fd = create("a/b/leaf");
	ck_assert_int_eq(cgroup_is_populated(fd), 0);
	ck_assert_ok(cgroup_open(below("a/b/leaf"), &again, e));
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(again, F_GETFD), FD_CLOEXEC);
	ck_assert_ok(cgroup_remove(below("a/b/leaf"), e));
	ck_assert(!exists(below("a/b/leaf")));
	ck_assert(exists(below("a/b")));
	ck_assert_ok(cgroup_remove(below("a/b/leaf"), e));
	ck_assert_ok(cgroup_remove(below("no/such"), e));
	ck_assert_fails(cgroup_open(below("a/b/leaf"), &fd, e), ENOENT, "is gone");
	(void)close(fd);
	(void)close(again);
}
END_TEST

START_TEST(paths_are_resolved_below_the_root_only)
{
	AUTO_FREE char *other = NULL;
	int fd = -1;

	PLACE_OR_RETURN();
	ck_assert_fails(cgroup_open("..", &fd, e), EXDEV, "..");
	ck_assert_fails(cgroup_open("/", &fd, e), EXDEV, "/");
	ck_assert_fails(cgroup_create(below("x/../../.."), &fd, e), EINVAL, "no path of a cgroup");
	ck_assert_fails(cgroup_remove("/x", e), EINVAL, "no path of a cgroup");
	ck_assert_fails(cgroup_remove("", e), EINVAL, "no path of a cgroup");
	ck_assert_fails(cgroup_remove("../../../tmp", e), EXDEV, "tmp");
	/* another mount below the root is left alone */
	other = x_printf(ROOT "%s", below("mount"));
	(void)close(create("mount"));
	ck_assert_int_eq(mount("none", other, "tmpfs", 0, NULL), 0);
	ck_assert_fails(cgroup_open(below("mount"), &fd, e), EXDEV, "mount");
	ck_assert_int_eq(umount(other), 0);
}
END_TEST

START_TEST(create_takes_an_empty_cgroup_and_thaws_it)
{
	int fd;

	PLACE_OR_RETURN();
	fd = create("leaf");
	ck_assert_int_eq(io_write_value(fd, "cgroup.freeze", "1"), 0);
	(void)close(fd);
	fd = create("leaf");
	ck_assert_int_eq(cgroup_is_frozen(fd), 0);
	(void)close(fd);
}
END_TEST

START_TEST(create_refuses_a_cgroup_with_processes_or_cgroups)
{
	int fd, child, other = -1;

	PLACE_OR_RETURN();
	(void)close(create("full"));
	(void)close(create("parent/child"));
	ck_assert_ok(cgroup_open(below("full"), &fd, e));
	ck_assert_ok(cgroup_open(below("parent/child"), &child, e));
	(void)spawn_sleeper(fd);
	ck_assert_fails(cgroup_create(below("full"), &other, e), EEXIST,
			"full' already has processes in it: choose another linux.cgroupsPath");
	ck_assert_fails(cgroup_create(below("parent"), &other, e), EEXIST, "already has cgroups in it");
	(void)spawn_sleeper(child);
	ck_assert_fails(cgroup_create(below("parent"), &other, e), EEXIST, "already has processes in it");
	(void)close(fd);
	(void)close(child);
}
END_TEST

START_TEST(create_refuses_a_cgroup_that_another_is_about_to_use)
{
	int fd, other = -1;

	PLACE_OR_RETURN();
	fd = create("leaf");
	ck_assert_fails(cgroup_create(below("leaf"), &other, e), EEXIST, "is being used for another container");
	(void)close(fd);
	fd = create("leaf");
	(void)close(fd);
}
END_TEST

START_TEST(failed_create_removes_the_parents_it_made)
{
	int fd;

	PLACE_OR_RETURN();
	fd = create("old/leaf");
	/* cgroup names hold no newline */
	ck_assert_fails(cgroup_create(below("old/a/b/bad\nname"), &fd, e), EINVAL, "create cgroup");
	ck_assert(exists(below("old/leaf")));
	ck_assert(!exists(below("old/a")));
	(void)close(fd);
}
END_TEST

/* Makes and removes its own leaf, and takes the shared parents away, over and over. */
static void race(const char *leaf)
{
	AUTO_FREE char *a = x_printf(ROOT "%s/p", place), *b = x_printf(ROOT "%s/p/q", place);

	for (int i = 0; i < 300; i++) {
		struct err e;
		int fd = -1;

		if (cgroup_create(below(leaf), &fd, &e) < 0) {
			(void)fprintf(stderr, "%s\n", e.msg);
			_exit(1);
		}
		(void)close(fd);
		if (cgroup_remove(below(leaf), &e) < 0)
			_exit(2);
		(void)rmdir(b);
		(void)rmdir(a);
	}
	_exit(0);
}

START_TEST(concurrent_creates_survive_each_others_removes)
{
	PLACE_OR_RETURN();
	(void)close(create("keep"));
	for (int i = 0; i < 3; i++)
		if (fork() == 0)
			race((const char *[]){ "p/q/1", "p/q/2", "p/q/3" }[i]);
	for (int i = 0; i < 3; i++) {
		int status;

		ck_assert_int_gt(wait(&status), 0);
		ck_assert_int_eq(status, 0);
	}
}
END_TEST

START_TEST(remove_takes_deep_and_wide_trees_with_few_descriptors)
{
	struct rlimit few = { 24, 24 };
	char name[16];
	int dir;

	PLACE_OR_RETURN();
	dir = create("leaf");
	for (int i = 0; i < 200; i++) {
		int next;

		for (int j = 0; j < 3; j++) {
			(void)snprintf(name, sizeof(name), "w%d", j);
			ck_assert_int_eq(mkdirat(dir, name, 0755), 0);
		}
		ck_assert_int_eq(mkdirat(dir, "w1/x", 0755), 0);
		next = openat(dir, "w2", O_RDONLY | O_DIRECTORY);
		ck_assert_int_ge(next, 0);
		(void)close(dir);
		dir = next;
	}
	(void)close(dir);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	ck_assert_ok(cgroup_remove(below("leaf"), e));
	ck_assert(!exists(below("leaf")));
}
END_TEST

START_TEST(remove_waits_for_the_dying)
{
	struct timespec t0, t1;
	pid_t pid;
	int fd;

	PLACE_OR_RETURN();
	fd = create("leaf/inner");
	(void)clock_gettime(CLOCK_MONOTONIC, &t0);
	pid = place_fork(fd);
	if (pid == 0) {
		(void)usleep(200000);
		_exit(0);
	}
	(void)close(fd);
	ck_assert_ok(cgroup_remove(below("leaf"), e));
	(void)clock_gettime(CLOCK_MONOTONIC, &t1);
	ck_assert_int_ge((t1.tv_sec - t0.tv_sec) * 1000 + (t1.tv_nsec - t0.tv_nsec) / 1000000, 150);
	ck_assert(!exists(below("leaf")));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("cgroup");
	TCase *t = tcase_create("tables");

	tcase_add_test(t, path_is_normalised_and_relative_goes_beside_own_cgroup);
	tcase_add_test(t, path_that_leaves_the_root_or_names_it_is_refused);
	suite_add_tcase(s, t);
	t = tcase_create("kernel");
	tcase_set_timeout(t, 30);
	tcase_add_test(t, path_without_cgroupspath_is_beside_the_caller);
	tcase_add_test(t, own_path_is_that_of_the_v2_line_alone);
	tcase_add_test(t, root_is_the_unified_mount_of_a_hybrid_host);
	tcase_add_test(t, create_makes_parents_and_remove_leaves_them);
	tcase_add_test(t, paths_are_resolved_below_the_root_only);
	tcase_add_test(t, create_takes_an_empty_cgroup_and_thaws_it);
	tcase_add_test(t, create_refuses_a_cgroup_with_processes_or_cgroups);
	tcase_add_test(t, create_refuses_a_cgroup_that_another_is_about_to_use);
	tcase_add_test(t, failed_create_removes_the_parents_it_made);
	tcase_add_test(t, concurrent_creates_survive_each_others_removes);
	tcase_add_test(t, remove_takes_deep_and_wide_trees_with_few_descriptors);
	tcase_add_test(t, remove_waits_for_the_dying);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return ck_run(make_suite());
}
