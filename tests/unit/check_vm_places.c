/* SPDX-License-Identifier: Apache-2.0 */
/* check_vm_places.c: places are taken and given back, in a list that outlives the command. */
#include "vm_places.h"

#include "ck_err.h"
#include "ck_run.h"
#include "fd.h"
#include "io.h"
#include "str.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[] = "/tmp/check_places.XXXXXX";
static struct husk_ctx ctx = { .root = root };
static struct vm_places p;

static void set_up(void)
{
	AUTO_FREE char *command = NULL;

	ck_assert_ptr_nonnull(mkdtemp(root));
	command = x_printf("mkdir -p '%s/.jail/added' '%s/box'", root, root);
	ck_assert_int_eq(system(command), 0);
	ck_assert_ok(vm_places_open(&ctx, "box", &p, e));
}

static void tear_down(void)
{
	AUTO_FREE char *command = x_printf("rm -rf '%s'", root);

	vm_places_close(&p);
	(void)!system(command);
}

static const char *take(const char *destination, bool directory)
{
	const char *name = NULL;

	ck_assert_ok(vm_places_take(&p, destination, directory, &name, e));
	return name;
}

static void again(void)
{
	ck_assert_ok(vm_places_save(&p, e));
	vm_places_close(&p);
	ck_assert_ok(vm_places_open(&ctx, "box", &p, e));
}

static struct stat stat_of(const char *name)
{
	AUTO_FREE char *path = x_printf("%s/.jail/added/%s", root, name);
	struct stat st;

	ck_assert_int_eq(lstat(path, &st), 0);
	return st;
}

START_TEST(a_place_is_there_and_nobodys)
{
	ck_assert_str_eq(take("/a", true), "d0");
	ck_assert_str_eq(take("/b", false), "f1");
	ck_assert_uint_eq(stat_of("d0").st_mode, S_IFDIR);
	ck_assert_uint_eq(stat_of("f1").st_mode, S_IFREG);
}
END_TEST

START_TEST(a_number_is_taken_once_and_given_back)
{
	ck_assert_str_eq(take("/a", true), "d0");
	ck_assert_str_eq(take("/b", true), "d1");
	ck_assert_str_eq(take("/c", true), "d2");
	vm_places_give(&p, "d1");
	ck_assert_str_eq(take("/d", false), "f1");
	again();
	vm_places_give(&p, "d0");
	ck_assert_str_eq(take("/e", true), "d0");
	ck_assert_str_eq(take("/f", true), "d3");
	ck_assert_str_eq(vm_places_find(&p, "/d"), "f1");
	ck_assert_ptr_null(vm_places_find(&p, "/b"));
}
END_TEST

START_TEST(what_was_not_saved_is_forgotten)
{
	ck_assert_str_eq(take("/a", true), "d0");
	again();
	ck_assert_str_eq(take("/b", true), "d1");
	vm_places_close(&p);
	ck_assert_ok(vm_places_open(&ctx, "box", &p, e));
	ck_assert_uint_eq(p.n, 1);
	ck_assert_ptr_null(vm_places_find(&p, "/b"));
}
END_TEST

/* One stands upon the other: the youngest goes first. */
START_TEST(of_one_destination_the_youngest_is_found_first)
{
	ck_assert_str_eq(take("/a", true), "d0");
	ck_assert_str_eq(take("/b \"\n", true), "d1");
	ck_assert_str_eq(take("//a/./", true), "d2");
	again();
	ck_assert_str_eq(vm_places_find(&p, "/a/"), "d2");
	ck_assert_str_eq(vm_places_find(&p, "a"), "d0");
	ck_assert_ptr_null(vm_places_find(&p, "/a"));
	ck_assert_str_eq(vm_places_find(&p, "/b \"\n"), "d1");
	ck_assert_ptr_null(vm_places_find(&p, "/"));
}
END_TEST

START_TEST(there_are_only_so_many)
{
	const char *name = NULL;

	for (int i = 0; i < VM_PLACES_MAX; i++)
		(void)take("/a", i % 2);
	ck_assert_fails(vm_places_take(&p, "/b", true, &name, e), ENOSPC, "64 mounts that were added");
	again();
	ck_assert_uint_eq(p.n, VM_PLACES_MAX);
	vm_places_give(&p, "f62");
	ck_assert_str_eq(take("/b", true), "d62");
}
END_TEST

START_TEST(a_list_of_anything_else_is_refused)
{
	static const char *const bad[] = { "[1]",
					   "[[]]",
					   "[[\"d0\"]]",
					   "[[\"../x\",\"/a\"]]",
					   "[[\"d64\",\"/a\"]]",
					   "[[\"x1\",\"/a\"]]",
					   "[[\"d\",\"/a\"]]",
					   "[[\"d1\",7]]" };
	AUTO_FREE char *list = x_printf("%s/box/places", root);

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		vm_places_close(&p);
		ck_assert_ok(io_replace_file(AT_FDCWD, list, bad[i], strlen(bad[i]), 0600, e));
		ck_assert_fails(vm_places_open(&ctx, "box", &p, e), EINVAL, "expected a place and a destination");
	}
}
END_TEST

/* Two commands at once: one waits for the other. */
START_TEST(the_list_is_one_commands_at_a_time)
{
	struct vm_places other;
	int pair[2], status;
	char c = 0;
	pid_t pid;

	ck_assert_int_eq(pipe(pair), 0);
	pid = fork();
	if (pid == 0) {
		struct err e = { 0 };

		fd_close(&p.lock); /* the description stays open in the parent */
		(void)vm_places_open(&ctx, "box", &other, &e);
		(void)!write(pair[1], &c, 1);
		_exit(other.n == 1 ? 0 : 1);
	}
	ck_assert_int_ge(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
	(void)take("/a", true);
	(void)usleep(100000);
	ck_assert_int_eq(read(pair[0], &c, 1), -1);
	ck_assert_ok(vm_places_save(&p, e));
	vm_places_close(&p);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

static void make_anew(void)
{
	AUTO_FREE char *command = x_printf("rm -r '%s/box' && mkdir '%s/box'", root, root);

	ck_assert_int_eq(system(command), 0);
}

/* What the former one's command says is not the list of another with its name. */
START_TEST(a_list_is_of_one_container)
{
	struct vm_places other;

	(void)take("/a", true);
	make_anew();
	ck_assert_fails(vm_places_save(&p, e), ENOENT, "places");
	ck_assert_ok(vm_places_open(&ctx, "box", &other, e));
	ck_assert_uint_eq(other.n, 0);
	vm_places_close(&other);
}
END_TEST

/* Waits until the process has this file open, by number: ours was closed there. */
static void wait_until_open(pid_t pid)
{
	AUTO_FREE char *command =
		x_printf("until readlink /proc/%d/fd/* | grep -q 'box/places.lock'; do sleep 0.02; done", (int)pid);

	ck_assert_int_eq(system(command), 0);
}

START_TEST(who_waits_for_a_container_that_goes_is_told)
{
	struct vm_places other;
	int pair[2], status;
	char c = 0;
	pid_t pid;

	ck_assert_int_eq(pipe(pair), 0);
	pid = fork();
	if (pid == 0) {
		struct err e = { 0 };

		fd_close(&p.lock);
		(void)!write(pair[1], &c, 1);
		_exit(vm_places_open(&ctx, "box", &other, &e) == -ENOENT ? 0 : 1);
	}
	ck_assert_int_eq(read(pair[0], &c, 1), 1);
	wait_until_open(pid);
	make_anew();
	vm_places_close(&p);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vm_places");
	TCase *tc = tcase_create("vm_places");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, a_place_is_there_and_nobodys);
	tcase_add_test(tc, a_number_is_taken_once_and_given_back);
	tcase_add_test(tc, what_was_not_saved_is_forgotten);
	tcase_add_test(tc, of_one_destination_the_youngest_is_found_first);
	tcase_add_test(tc, there_are_only_so_many);
	tcase_add_test(tc, a_list_of_anything_else_is_refused);
	tcase_add_test(tc, the_list_is_one_commands_at_a_time);
	tcase_add_test(tc, a_list_is_of_one_container);
	tcase_add_test(tc, who_waits_for_a_container_that_goes_is_told);
	suite_add_tcase(suite, tc);
	return ck_run(suite);
}
