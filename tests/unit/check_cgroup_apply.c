/* SPDX-License-Identifier: Apache-2.0 */
/* check_cgroup_apply.c: cgroup_apply.c and cgroup_controllers.c; on a directory of plain files, and what
 * this host's cgroup2 can do. */
#include "cgroup_apply.h"

#include "cgroup_controllers.h"
#include "cgroup_place.h"
#include "ck_run.h"
#include "io.h"
#include "json.h"

#include <ftw.h>

static char dir_path[64];
static int dir = -1;
static struct json_doc doc;

/* A "cgroup" of plain files. They are not cut before a write, so texts start out no longer than what is
 * written. */
static void dir_make(void)
{
	(void)snprintf(dir_path, sizeof(dir_path), "/tmp/husk-apply.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir_path));
	dir = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dir, 0);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void dir_remove(void)
{
	(void)close(dir);
	(void)nftw(dir_path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	json_free(&doc);
}

static void put(const char *file, const char *text)
{
	int fd = openat(dir, file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(io_write_all(fd, text, strlen(text)), 0);
	(void)close(fd);
}

static void assert_holds(const char *file, const char *want)
{
	char text[256];

	ck_assert_int_ge(io_read_small(dir, file, text, sizeof(text)), 0);
	ck_assert_str_eq(text, want);
}

static void plan(const char *text, struct cgroup_steps *out)
{
	json_free(&doc);
	ck_assert_ok(json_parse(text, strlen(text), &doc, e));
	ck_assert_ok(cgroup_limits_plan(doc.root, &cgroup_current_none, out, e));
}

START_TEST(steps_are_written_to_their_files)
{
	struct cgroup_steps steps = { 0 };

	put("pids.max", "");
	put("memory.max", "");
	put("io.weight", "");
	plan("{\"pids\":{\"limit\":7},\"memory\":{\"limit\":4096},\"blockIO\":{\"weight\":10}}", &steps);
	ck_assert_ok(cgroup_apply(dir, &steps, e));
	assert_holds("pids.max", "7");
	assert_holds("memory.max", "4096");
	assert_holds("io.weight", "1"); /* there is no io.bfq.weight */
	put("io.bfq.weight", "");
	ck_assert_ok(cgroup_apply(dir, &steps, e));
	assert_holds("io.bfq.weight", "10");
	cgroup_steps_free(&steps);
}
END_TEST

START_TEST(a_missing_file_is_an_error_unless_nothing_was_asked_of_it)
{
	struct cgroup_steps steps = { 0 };

	plan("{\"pids\":{\"limit\":-1},\"cpu\":{\"shares\":1024,\"quota\":-1},\"memory\":{\"limit\":-1}}", &steps);
	ck_assert_uint_eq(steps.n, 5);
	ck_assert_ok(cgroup_apply(dir, &steps, e));
	cgroup_steps_free(&steps);
	plan("{\"pids\":{\"limit\":7}}", &steps);
	ck_assert_fails(cgroup_apply(dir, &steps, e), ENOENT,
			"pids.limit: the kernel has no file 'pids.max' in a cgroup");
	cgroup_steps_free(&steps);
}
END_TEST

START_TEST(a_refused_write_is_named_by_key_value_and_file)
{
	struct cgroup_steps steps = { 0 };

	ck_assert_int_eq(symlinkat("/dev/full", dir, "cpu.max"), 0);
	plan("{\"cpu\":{\"quota\":1}}", &steps);
	ck_assert_fails(cgroup_apply(dir, &steps, e), ENOSPC, "cpu.quota: write '1 100000' to cpu.max: No space left");
	cgroup_steps_free(&steps);
}
END_TEST

START_TEST(a_refused_update_puts_everything_back)
{
	struct cgroup_undo *undo = NULL;
	struct cgroup_steps steps = { 0 };

	put("pids.max", "9\n");
	put("memory.max", "max\n");
	put("cpuset.cpus", "\n");
	ck_assert_int_eq(symlinkat("/dev/full", dir, "hugetlb.2MB.max"), 0);
	plan("{\"pids\":{\"limit\":5},\"memory\":{\"limit\":123},\"cpu\":{\"cpus\":\"1\"},"
	     "\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":4}],\"unified\":{\"pids.max\":\"6\"}}",
	     &steps);
	ck_assert_fails(cgroup_apply_undoable(dir, &steps, &undo, e), ENOSPC,
			"hugepageLimits[0].limit: write '4' to hugetlb.2MB.max: No space left on device; nothing is "
			"changed");
	ck_assert_ptr_null(undo);
	assert_holds("pids.max", "9\n");
	assert_holds("memory.max", "max\n");
	assert_holds("cpuset.cpus", "\n");
	cgroup_steps_free(&steps);
}
END_TEST

START_TEST(a_finished_update_can_be_taken_back)
{
	struct cgroup_undo *undo = NULL;
	struct cgroup_steps steps = { 0 };

	put("pids.max", "9\n");
	plan("{\"pids\":{\"limit\":5},\"unified\":{\"pids.max\":\"6\"}}", &steps);
	ck_assert_ok(cgroup_apply_undoable(dir, &steps, &undo, e));
	assert_holds("pids.max", "6\n");
	ck_assert_ok(cgroup_undo(dir, undo, e));
	assert_holds("pids.max", "9\n");
	cgroup_undo_free(undo);
	cgroup_steps_free(&steps);
}
END_TEST

START_TEST(what_takes_a_write_back_goes_by_the_form_of_the_file)
{
	static const struct {
		const char *file, *value, *held, *before;
	} cases[] = {
		{ "memory.max", "5", "max\n", "max" },
		{ "cpu.max", "1 2", "max 100000\n", "max 100000" },
		{ "cpuset.cpus", "0", "\n", "\n" },
		{ "cpuset.cpus", "0", "", "\n" },
		{ "io.max", "8:0 rbps=1", "8:0 rbps=7 wbps=max riops=max wiops=max\n8:16 rbps=1\n",
		  "8:0 rbps=7 wbps=max riops=max wiops=max" },
		{ "io.max", "8:0 rbps=1", "8:00 rbps=7\n", "8:0 rbps=max wbps=max riops=max wiops=max" },
		{ "io.max", "8:0 rbps=1", "", "8:0 rbps=max wbps=max riops=max wiops=max" },
		{ "io.weight", "300", "default 100\n8:0 200\n", "default 100" },
		{ "io.weight", "8:0 300", "default 100\n8:0 200\n", "8:0 200" },
		{ "io.bfq.weight", "8:16 300", "default 100\n8:0 200\n", "8:16 default" },
		{ "io.bfq.weight", "300", "100\n", "100" },
		{ "rdma.max", "mlx5_0 hca_handle=2", "mlx5_0 hca_handle=max hca_object=9\n",
		  "mlx5_0 hca_handle=max hca_object=9" },
		{ "rdma.max", "mlx5_1 hca_handle=2", "mlx5_0 hca_handle=max hca_object=9\n", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_FREE char *got = cgroup_value_before(cases[i].file, cases[i].value, cases[i].held);

		ck_assert_msg(got == cases[i].before || str_eq(got, cases[i].before), "%s '%s': '%s', not '%s'",
			      cases[i].file, cases[i].value, got ? got : "(none)",
			      cases[i].before ? cases[i].before : "(none)");
	}
}
END_TEST

START_TEST(what_holds_now_is_read)
{
	struct cgroup_current c;

	cgroup_current_read(dir, &c);
	ck_assert(c.memory == CGROUP_UNLIMITED && c.swap == CGROUP_UNLIMITED && c.quota == CGROUP_UNLIMITED);
	ck_assert_uint_eq(c.period, 100000);
	put("memory.max", "4096\n");
	put("memory.swap.max", "0\n");
	put("cpu.max", "5000 20000\n");
	put("cpu.max.burst", "17\n");
	put("memory.events", "low 0\nhigh 0\nmax 3\noom 2\noom_kill 12\noom_group_kill 0\n");
	cgroup_current_read(dir, &c);
	ck_assert_uint_eq(c.memory, 4096);
	ck_assert_uint_eq(c.swap, 0);
	ck_assert_uint_eq(c.quota, 5000);
	ck_assert_uint_eq(c.period, 20000);
	ck_assert_uint_eq(c.burst, 17);
	ck_assert_uint_eq(cgroup_oom_kills(dir), 12);
}
END_TEST

START_TEST(a_limit_below_what_is_in_use_is_refused_when_asked_to)
{
	static const struct {
		const char *resources, *text;
	} cases[] = {
		{ "{\"memory\":{\"limit\":1000}}", NULL },
		{ "{\"memory\":{\"limit\":1001,\"checkBeforeUpdate\":true}}", NULL },
		{ "{\"memory\":{\"limit\":-1,\"checkBeforeUpdate\":true}}", NULL },
		{ "{\"memory\":{\"limit\":1000,\"checkBeforeUpdate\":true}}",
		  "memory.limit: 1000 bytes are not above the 1000 that are in use" },
		{ "{\"memory\":{\"swap\":1500,\"checkBeforeUpdate\":true}}",
		  "memory.swap: 1500 bytes are not above the 1500 that are in use" },
	};

	put("memory.current", "1000\n");
	put("memory.swap.current", "500\n");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err why = { 0 };
		int r;

		json_free(&doc);
		ck_assert_ok(json_parse(cases[i].resources, strlen(cases[i].resources), &doc, e));
		r = cgroup_check_usage(dir, doc.root, &why);
		ck_assert_msg(cases[i].text ? r == -EBUSY && strstr(why.msg, cases[i].text) : r == 0, "%s: %d %s",
			      cases[i].resources, r, why.msg);
	}
}
END_TEST

/* ---- controllers ---- */

START_TEST(controllers_that_are_missing_are_asked_for_and_found)
{
	struct cgroup_steps steps = { 0 };
	AUTO_FREE char *some = cgroup_controllers_request("cpuset cpu io memory\n", "cpu memory\n");
	AUTO_FREE char *none = cgroup_controllers_request("cpu memory\n", "memory cpu\n");

	ck_assert_str_eq(some, "+cpuset +io");
	ck_assert_ptr_null(none);
	plan("{\"pids\":{\"limit\":-1},\"cpu\":{\"cpus\":\"0\"},\"unified\":{\"cgroup.max.depth\":\"3\"}}", &steps);
	ck_assert_ptr_null(cgroup_controllers_missing("cpuset\n", &steps));
	ck_assert_str_eq(cgroup_controllers_missing("cpu pids\n", &steps)->file, "cpuset.cpus");
	cgroup_steps_free(&steps);
	plan("{\"unified\":{\"nonsense.max\":\"3\"}}", &steps);
	ck_assert_str_eq(cgroup_controllers_missing("cpu pids\n", &steps)->file, "nonsense.max");
	cgroup_steps_free(&steps);
}
END_TEST

START_TEST(an_unknown_controller_is_named)
{
	struct cgroup_steps steps = { 0 };
	int fd;

	PLACE_OR_RETURN();
	fd = create("a/leaf");
	plan("{\"unified\":{\"nonsense.max\":\"3\"}}", &steps);
	ck_assert_fails(
		cgroup_controllers_enable(below("a/leaf"), fd, &steps, e), ENOENT,
		"unified[\"nonsense.max\"]: cgroup '/' has no controller 'nonsense': the kernel was built or booted "
		"without it");
	cgroup_steps_free(&steps);
	(void)close(fd);
}
END_TEST

/* hugetlb is the controller that hybrid hosts leave to cgroup v2. */
START_TEST(a_controller_is_enabled_from_the_root_down_and_its_limit_holds)
{
	struct cgroup_steps steps = { 0 };
	char names[512], held[64];
	int fd;

	PLACE_OR_RETURN();
	fd = create("a/b/leaf");
	ck_assert_int_ge(io_read_small(AT_FDCWD, ROOT "cgroup.controllers", names, sizeof(names)), 0);
	if (!strstr(names, "hugetlb") || access("/sys/kernel/mm/hugepages/hugepages-2048kB", F_OK) < 0) {
		(void)fprintf(stderr, "skip %s: no hugetlb controller with 2 MiB pages\n", __func__);
		ck_assert(!getenv("HUSK_MUST_RUN"));
		return;
	}
	plan("{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":4194304}]}", &steps);
	ck_assert_ok(cgroup_controllers_enable(below("a/b/leaf"), fd, &steps, e));
	ck_assert_ok(cgroup_apply(fd, &steps, e));
	ck_assert_int_gt(io_read_small(fd, "hugetlb.2MB.max", held, sizeof(held)), 0);
	ck_assert_str_eq(held, "4194304\n");
	ck_assert_int_gt(io_read_small(fd, "hugetlb.2MB.rsvd.max", held, sizeof(held)), 0);
	ck_assert_str_eq(held, "4194304\n");
	cgroup_steps_free(&steps);
	(void)close(fd);
}
END_TEST

START_TEST(processes_above_stand_in_the_way_of_a_controller)
{
	struct cgroup_steps steps = { 0 };
	char names[512];
	int above, fd;

	PLACE_OR_RETURN();
	above = create("full");
	(void)close(above);
	ck_assert_ok(cgroup_open(below("full"), &above, e));
	(void)spawn_sleeper(above);
	fd = create("full/leaf");
	ck_assert_int_ge(io_read_small(AT_FDCWD, ROOT "cgroup.controllers", names, sizeof(names)), 0);
	if (!strstr(names, "hugetlb")) {
		(void)fprintf(stderr, "skip %s: no hugetlb controller\n", __func__);
		ck_assert(!getenv("HUSK_MUST_RUN"));
		return;
	}
	plan("{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":4194304}]}", &steps);
	ck_assert_fails(
		cgroup_controllers_enable(below("full/leaf"), fd, &steps, e), EBUSY,
		"hugepageLimits[0].limit: the controller 'hugetlb' cannot be enabled below cgroup '/husk-test-");
	cgroup_steps_free(&steps);
	(void)close(fd);
	(void)close(above);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("cgroup_apply");
	TCase *t = tcase_create("files");

	tcase_add_checked_fixture(t, dir_make, dir_remove);
	tcase_add_test(t, steps_are_written_to_their_files);
	tcase_add_test(t, a_missing_file_is_an_error_unless_nothing_was_asked_of_it);
	tcase_add_test(t, a_refused_write_is_named_by_key_value_and_file);
	tcase_add_test(t, a_refused_update_puts_everything_back);
	tcase_add_test(t, a_finished_update_can_be_taken_back);
	tcase_add_test(t, what_takes_a_write_back_goes_by_the_form_of_the_file);
	tcase_add_test(t, what_holds_now_is_read);
	tcase_add_test(t, a_limit_below_what_is_in_use_is_refused_when_asked_to);
	tcase_add_test(t, controllers_that_are_missing_are_asked_for_and_found);
	suite_add_tcase(s, t);
	t = tcase_create("kernel");
	tcase_set_timeout(t, 30);
	tcase_add_test(t, an_unknown_controller_is_named);
	tcase_add_test(t, a_controller_is_enabled_from_the_root_down_and_its_limit_holds);
	tcase_add_test(t, processes_above_stand_in_the_way_of_a_controller);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return ck_run(make_suite());
}
