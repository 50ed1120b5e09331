/* SPDX-License-Identifier: Apache-2.0 */
/* check_cgroup.c: cgroup.c and cgroup_procs.c, on the kernel's own cgroup2; cgroup_check.c, by tables. */
#include "cgroup_place.h"
#include "io.h"
#include "json.h"
#include "log.h"
#include "spec.h"
#include "str.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#define ROOT "/sys/fs/cgroup/"

/* "<place>/<rest>"; a few of them live at a time. */
static const char *below(const char *rest)
{
	static char paths[8][512];
	static unsigned int next;
	char *path = paths[next++ % ARRAY_LEN(paths)];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", place, rest);
	return path;
}

static bool exists(const char *path)
{
	AUTO_FREE char *full = x_printf(ROOT "%s", path);

	return access(full, F_OK) == 0;
}

static int create(const char *rest)
{
	int fd = -1;

	ck_assert_ok(cgroup_create(below(rest), &fd, e));
	return fd;
}

/* A process in the cgroup that counts in shared memory until it is killed. */
static pid_t spawn_counter(int fd, volatile unsigned int *counter)
{
	pid_t pid = place_fork(fd);

	while (pid == 0) {
		(*counter)++;
		(void)usleep(500);
	}
	return pid;
}

static pid_t spawn_sleeper(int fd)
{
	pid_t pid = place_fork(fd);

	while (pid == 0)
		(void)pause();
	return pid;
}

static volatile unsigned int *shared_counter(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	return p;
}

static bool counts(volatile unsigned int *counter)
{
	unsigned int before = *counter;

	for (int i = 0; i < 100; i++) {
		(void)usleep(1000);
		if (*counter != before)
			return true;
	}
	return false;
}

static void assert_killed_by(pid_t pid, int sig)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), sig);
}

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
	ck_assert_fails(cgroup_open(below("a/b/leaf"), &fd, e), ENOENT, "No such file");
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
	volatile unsigned int *counter = shared_counter();
	int fd;

	PLACE_OR_RETURN();
	fd = create("leaf");
	ck_assert_int_eq(io_write_value(fd, "cgroup.freeze", "1"), 0);
	(void)close(fd);
	fd = create("leaf");
	ck_assert_int_eq(cgroup_is_frozen(fd), 0);
	(void)spawn_counter(fd, counter);
	ck_assert(counts(counter));
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
	pid = place_fork(fd);
	if (pid == 0) {
		(void)usleep(200000);
		_exit(0);
	}
	(void)close(fd);
	(void)clock_gettime(CLOCK_MONOTONIC, &t0);
	ck_assert_ok(cgroup_remove(below("leaf"), e));
	(void)clock_gettime(CLOCK_MONOTONIC, &t1);
	ck_assert_int_ge((t1.tv_sec - t0.tv_sec) * 1000 + (t1.tv_nsec - t0.tv_nsec) / 1000000, 150);
	ck_assert(!exists(below("leaf")));
}
END_TEST

/* ---- processes ---- */

START_TEST(freeze_stops_every_process_and_thaw_lets_them_run)
{
	volatile unsigned int *counter = shared_counter();
	int fd, inner;

	PLACE_OR_RETURN();
	inner = create("leaf/inner");
	ck_assert_ok(cgroup_open(below("leaf"), &fd, e));
	ck_assert_int_eq(cgroup_is_populated(fd), 0);
	ck_assert_int_eq(cgroup_is_frozen(fd), 0);
	(void)spawn_counter(inner, counter);
	ck_assert_int_eq(cgroup_is_populated(fd), 1);
	ck_assert(counts(counter));
	ck_assert_ok(cgroup_freeze(fd, true, e));
	ck_assert_int_eq(cgroup_is_frozen(fd), 1);
	ck_assert(!counts(counter));
	ck_assert_ok(cgroup_freeze(fd, true, e));
	ck_assert_ok(cgroup_freeze(fd, false, e));
	ck_assert_int_eq(cgroup_is_frozen(fd), 0);
	ck_assert(counts(counter));
	(void)close(fd);
	(void)close(inner);
}
END_TEST

START_TEST(kill_ends_frozen_processes_too)
{
	pid_t outer_pid, inner_pid;
	int fd, inner;

	PLACE_OR_RETURN();
	inner = create("leaf/inner");
	ck_assert_ok(cgroup_open(below("leaf"), &fd, e));
	outer_pid = spawn_sleeper(fd);
	inner_pid = spawn_sleeper(inner);
	ck_assert_ok(cgroup_freeze(fd, true, e));
	ck_assert_ok(cgroup_kill(fd, SIGKILL, e));
	assert_killed_by(outer_pid, SIGKILL);
	assert_killed_by(inner_pid, SIGKILL);
	(void)close(inner);
	(void)close(fd);
	ck_assert_ok(cgroup_remove(below("leaf"), e));
}
END_TEST

/* A threaded cgroup's cgroup.kill fails with EOPNOTSUPP: it stands in for a kernel without the file. */
START_TEST(kill_works_without_cgroup_kill)
{
	AUTO_FREE char *theirs = NULL, *ours = NULL;
	pid_t pids[3];
	int fd, inner, threaded;

	PLACE_OR_RETURN();
	threaded = create("dom/threaded");
	ck_assert_int_eq(io_write_value(threaded, "cgroup.type", "threaded"), 0);
	(void)close(threaded);
	inner = create("leaf/inner");
	theirs = x_printf(ROOT "%s", below("dom/threaded/cgroup.kill"));
	ours = x_printf(ROOT "%s", below("leaf/cgroup.kill"));
	ck_assert_int_eq(mount(theirs, ours, NULL, MS_BIND, NULL), 0);
	ck_assert_ok(cgroup_open(below("leaf"), &fd, e));
	ck_assert_int_eq(io_write_value(fd, "cgroup.kill", "1"), -EOPNOTSUPP);
	pids[0] = spawn_sleeper(fd);
	pids[1] = spawn_sleeper(inner);
	pids[2] = spawn_sleeper(inner);
	ck_assert_ok(cgroup_kill(fd, SIGKILL, e));
	ck_assert_int_eq(cgroup_is_populated(fd), 0);
	for (size_t i = 0; i < ARRAY_LEN(pids); i++)
		assert_killed_by(pids[i], SIGKILL);
	ck_assert_int_eq(umount(ours), 0);
	(void)close(fd);
	(void)close(inner);
}
END_TEST

START_TEST(procs_lists_the_whole_tree_once_and_sorted)
{
	AUTO_FREE pid_t *got = NULL, *none = NULL;
	pid_t want[3];
	size_t n = 99;
	int fd, inner;

	PLACE_OR_RETURN();
	inner = create("leaf/a/b");
	ck_assert_ok(cgroup_open(below("leaf"), &fd, e));
	ck_assert_ok(cgroup_procs(fd, &none, &n, e));
	ck_assert_uint_eq(n, 0);
	for (int i = 0; i < 3; i++)
		want[i] = spawn_sleeper(i == 1 ? fd : inner);
	ck_assert_ok(cgroup_procs(fd, &got, &n, e));
	ck_assert_uint_eq(n, 3);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(got[i], want[i]);
	(void)close(fd);
	(void)close(inner);
}
END_TEST

START_TEST(procs_refuses_endless_depth)
{
	pid_t *pids = NULL;
	size_t n;
	int fd, dir;

	PLACE_OR_RETURN();
	fd = create("leaf");
	dir = dup(fd);
	for (int i = 0; i < 130; i++) {
		int next;

		ck_assert_int_eq(mkdirat(dir, "d", 0755), 0);
		next = openat(dir, "d", O_RDONLY | O_DIRECTORY);
		(void)close(dir);
		dir = next;
	}
	ck_assert_fails(cgroup_procs(fd, &pids, &n, e), ELOOP, "more than 128 levels");
	(void)close(dir);
	(void)close(fd);
}
END_TEST

static volatile unsigned int *hits;

static void count_hit(int sig)
{
	(void)sig;
	__atomic_add_fetch(hits, 1, __ATOMIC_SEQ_CST);
}

START_TEST(signal_reaches_each_process_once)
{
	const unsigned int many = 70; /* more than one batch */
	unsigned int alive = 0;
	struct sigaction act = { .sa_handler = count_hit };
	int fd, inner;

	PLACE_OR_RETURN();
	hits = shared_counter();
	ck_assert_int_eq(sigaction(SIGUSR1, &act, NULL), 0);
	inner = create("leaf/inner");
	ck_assert_ok(cgroup_open(below("leaf"), &fd, e));
	for (unsigned int i = 0; i < many; i++)
		(void)spawn_sleeper(i % 2 ? fd : inner);
	ck_assert_ok(cgroup_kill(fd, SIGUSR1, e));
	for (int i = 0; i < 200 && *hits < many; i++)
		(void)usleep(5000);
	(void)usleep(20000);
	ck_assert_uint_eq(*hits, many);
	ck_assert_ok(cgroup_kill(fd, SIGKILL, e));
	while (alive < many && wait(NULL) > 0)
		alive++;
	ck_assert_uint_eq(alive, many);
	(void)close(fd);
	(void)close(inner);
}
END_TEST

/* ---- limits ---- */

static int check(const char *resources, bool warn_only, struct err *out_e)
{
	AUTO_FREE char *text = x_printf("{\"linux\":{\"resources\":%s}}", resources);
	struct spec_linux l = { 0 };
	struct json_doc doc;
	int r;

	ck_assert_ok(json_parse(text, strlen(text), &doc, e));
	l.resources = json_get(json_get(doc.root, "linux"), "resources");
	r = cgroup_check_resources(&l, warn_only, out_e);
	json_free(&doc);
	return r;
}

START_TEST(limits_that_ask_for_nothing_pass)
{
	static const char *const cases[] = {
		"{}",
		"null",
		"{\"devices\":[{\"allow\":true}]}",
		"{\"memory\":{},\"cpu\":{},\"pids\":{},\"blockIO\":{},\"network\":{},\"rdma\":{},\"unified\":{}}",
		"{\"memory\":{\"limit\":-1,\"reservation\":0,\"swap\":-1,\"kernel\":0,\"kernelTCP\":-1}}",
		"{\"memory\":{\"swappiness\":null,\"disableOOMKiller\":false,\"useHierarchy\":true,"
		"\"checkBeforeUpdate\":true}}",
		"{\"cpu\":{\"shares\":0,\"quota\":-1,\"period\":100000,\"burst\":0,\"realtimePeriod\":1000000,"
		"\"realtimeRuntime\":0,\"cpus\":\"\",\"mems\":\"\",\"idle\":0}}",
		"{\"cpu\":{\"shares\":1024}}",
		"{\"pids\":{\"limit\":0}}",
		"{\"pids\":{\"limit\":-1}}",
		"{\"blockIO\":{\"weight\":0,\"leafWeight\":0,\"weightDevice\":[],\"throttleReadBpsDevice\":null}}",
		"{\"hugepageLimits\":[],\"network\":{\"classID\":0,\"priorities\":[]}}",
		"{\"unknown\":{\"limit\":1}}",
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ck_assert_ok(check(cases[i], false, e));
}
END_TEST

static const struct {
	const char *resources, *path;
} asked[] = {
	{ "{\"memory\":{\"limit\":1048576}}", "linux.resources.memory.limit" },
	{ "{\"memory\":{\"limit\":-1,\"reservation\":1}}", "linux.resources.memory.reservation" },
	{ "{\"memory\":{\"swap\":1}}", "linux.resources.memory.swap" },
	{ "{\"memory\":{\"kernel\":1}}", "linux.resources.memory.kernel" },
	{ "{\"memory\":{\"kernelTCP\":1}}", "linux.resources.memory.kernelTCP" },
	{ "{\"memory\":{\"swappiness\":0}}", "linux.resources.memory.swappiness" },
	{ "{\"memory\":{\"disableOOMKiller\":true}}", "linux.resources.memory.disableOOMKiller" },
	{ "{\"cpu\":{\"shares\":512}}", "linux.resources.cpu.shares" },
	{ "{\"cpu\":{\"quota\":50000,\"period\":100000}}", "linux.resources.cpu.quota" },
	{ "{\"cpu\":{\"burst\":1}}", "linux.resources.cpu.burst" },
	{ "{\"cpu\":{\"realtimeRuntime\":1}}", "linux.resources.cpu.realtimeRuntime" },
	{ "{\"cpu\":{\"cpus\":\"0-1\"}}", "linux.resources.cpu.cpus" },
	{ "{\"cpu\":{\"mems\":\"0\"}}", "linux.resources.cpu.mems" },
	{ "{\"cpu\":{\"idle\":1}}", "linux.resources.cpu.idle" },
	{ "{\"pids\":{\"limit\":2048}}", "linux.resources.pids.limit" },
	{ "{\"blockIO\":{\"weight\":10}}", "linux.resources.blockIO.weight" },
	{ "{\"blockIO\":{\"leafWeight\":10}}", "linux.resources.blockIO.leafWeight" },
	{ "{\"blockIO\":{\"weightDevice\":[{\"major\":8,\"minor\":0,\"weight\":500}]}}",
	  "linux.resources.blockIO.weightDevice" },
	{ "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":600}]}}",
	  "linux.resources.blockIO.throttleReadBpsDevice" },
	{ "{\"blockIO\":{\"throttleWriteIOPSDevice\":[{\"major\":8,\"minor\":0,\"rate\":600}]}}",
	  "linux.resources.blockIO.throttleWriteIOPSDevice" },
	{ "{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":18446744073709551615}]}",
	  "linux.resources.hugepageLimits" },
	{ "{\"network\":{\"classID\":1048577}}", "linux.resources.network.classID" },
	{ "{\"network\":{\"priorities\":[{\"name\":\"eth0\",\"priority\":500}]}}",
	  "linux.resources.network.priorities" },
	{ "{\"rdma\":{\"mlx5_1\":{\"hcaHandles\":3}}}", "linux.resources.rdma" },
	{ "{\"unified\":{\"memory.high\":\"1\"}}", "linux.resources.unified[\"memory.high\"]" },
};

START_TEST(limits_that_cannot_be_given_are_refused_by_name)
{
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		AUTO_FREE char *text =
			x_printf("%s: limits are not applied by this version: use --cgroup-manager disabled "
				 "to run without",
				 asked[i].path);

		ck_assert_fails(check(asked[i].resources, false, e), ENOTSUP, text);
	}
}
END_TEST

START_TEST(limits_are_warned_of_once_each_when_asked_to)
{
	int log = memfd_create("log", MFD_CLOEXEC);
	struct strbuf want = { 0 };
	char name[32], text[8192];
	ssize_t n;

	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", log);
	ck_assert_ok(log_open(name, LOG_TEXT, LOG_LVL_WARN, e));
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		ck_assert_ok(check(asked[i].resources, true, e));
		strbuf_printf(&want, "husk: warning: %s: limits are not applied by this version: ignoring\n",
			      asked[i].path);
	}
	n = pread(log, text, sizeof(text) - 1, 0);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	ck_assert(str_eq(text, want.s)); /* too long for Check to print */
	free(want.s);
	(void)close(log);
}
END_TEST

START_TEST(limits_of_a_wrong_type_are_refused_with_their_path)
{
	static const struct {
		const char *resources, *text;
	} cases[] = {
		{ "{\"memory\":[]}", "linux.resources.memory: expected an object" },
		{ "{\"memory\":{\"limit\":\"1g\"}}", "linux.resources.memory.limit: expected" },
		{ "{\"memory\":{\"checkBeforeUpdate\":1}}", "linux.resources.memory.checkBeforeUpdate: expected" },
		{ "{\"memory\":{\"limit\":1.5}}", "linux.resources.memory.limit: " },
		{ "{\"cpu\":{\"period\":-1}}", "linux.resources.cpu.period: " },
		{ "{\"cpu\":{\"cpus\":3}}", "linux.resources.cpu.cpus: expected a string" },
		{ "{\"pids\":7}", "linux.resources.pids: expected an object" },
		{ "{\"blockIO\":{\"weight\":65536}}", "linux.resources.blockIO.weight: " },
		{ "{\"blockIO\":{\"weightDevice\":{}}}", "linux.resources.blockIO.weightDevice: expected an array" },
		{ "{\"blockIO\":{\"weightDevice\":[null]}}", "linux.resources.blockIO.weightDevice[0]: expected" },
		{ "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"rate\":\"x\"}]}}",
		  "linux.resources.blockIO.throttleReadBpsDevice[0].rate: expected" },
		{ "{\"hugepageLimits\":[{\"limit\":1}]}", "linux.resources.hugepageLimits[0]: 'pageSize' is missing" },
		{ "{\"network\":{\"classID\":4294967296}}", "linux.resources.network.classID: " },
		{ "{\"rdma\":{\"mlx5_1\":3}}", "linux.resources.rdma.mlx5_1: expected an object" },
		{ "{\"unified\":{\"memory.max\":1}}", "linux.resources.unified[\"memory.max\"]: expected a string" },
		{ "{\"unified\":{\"../x\":\"1\"}}",
		  "linux.resources.unified[\"../x\"]: expected the name of a cgroup file" },
		{ "[]", "linux.resources: expected an object" },
	};

	ck_assert_ok(log_open(NULL, LOG_TEXT, LOG_LVL_ERROR, e));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = { 0 };

		ck_assert_int_lt(check(cases[i].resources, true, &e), 0);
		ck_assert_msg(strstr(e.msg, cases[i].text) == e.msg, "%s: %s", cases[i].resources, e.msg);
	}
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("cgroup");
	TCase *t = tcase_create("tables");

	tcase_add_test(t, path_is_normalised_and_relative_goes_beside_own_cgroup);
	tcase_add_test(t, path_that_leaves_the_root_or_names_it_is_refused);
	tcase_add_test(t, limits_that_ask_for_nothing_pass);
	tcase_add_test(t, limits_that_cannot_be_given_are_refused_by_name);
	tcase_add_test(t, limits_are_warned_of_once_each_when_asked_to);
	tcase_add_test(t, limits_of_a_wrong_type_are_refused_with_their_path);
	suite_add_tcase(s, t);
	t = tcase_create("kernel");
	tcase_set_timeout(t, 30);
	tcase_add_test(t, path_without_cgroupspath_is_beside_the_caller);
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
	tcase_add_test(t, freeze_stops_every_process_and_thaw_lets_them_run);
	tcase_add_test(t, kill_ends_frozen_processes_too);
	tcase_add_test(t, kill_works_without_cgroup_kill);
	tcase_add_test(t, procs_lists_the_whole_tree_once_and_sorted);
	tcase_add_test(t, procs_refuses_endless_depth);
	tcase_add_test(t, signal_reaches_each_process_once);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	SRunner *runner = srunner_create(make_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
