/* SPDX-License-Identifier: Apache-2.0 */
/* check_cgroup_procs.c: cgroup_procs.c, with processes in cgroups of the kernel's own cgroup2. */
#include "cgroup_place.h"
#include "ck_run.h"
#include "io.h"
#include "proc.h"

#include <sys/mman.h>

static volatile unsigned int *shared_counter(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	return p;
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

/* Within this time at least; a long one costs nothing where it does. */
static bool counts(volatile unsigned int *counter, int ms)
{
	unsigned int before = *counter;

	for (int i = 0; i < ms; i++) {
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
	ck_assert(counts(counter, 60000));
	ck_assert_ok(cgroup_freeze(fd, true, e));
	ck_assert_int_eq(cgroup_is_frozen(fd), 1);
	ck_assert(!counts(counter, 100));
	ck_assert_ok(cgroup_freeze(fd, true, e));
	ck_assert_ok(cgroup_freeze(fd, false, e));
	ck_assert_int_eq(cgroup_is_frozen(fd), 0);
	ck_assert(counts(counter, 60000));
	(void)close(fd);
	(void)close(inner);
}
END_TEST

/* Twenty that spin on few processors cannot all have stopped when the write returns. */
START_TEST(freeze_returns_when_the_last_process_has_stopped)
{
	char events[128];
	int fd;

	PLACE_OR_RETURN();
	fd = create("leaf");
	for (int i = 0; i < 20; i++)
		if (place_fork(fd) == 0)
			for (volatile unsigned int spin = 0;; spin++)
				;
	(void)usleep(20000);
	ck_assert_ok(cgroup_freeze(fd, true, e));
	ck_assert_int_gt(io_read_small(fd, "cgroup.events", events, sizeof(events)), 0);
	ck_assert_msg(strstr(events, "frozen 1") != NULL, "%s", events);
	(void)close(fd);
}
END_TEST

/* A thread of the kernel's that may be anywhere, and hardly does a thing; 0: none. */
static pid_t find_kernels_thread(void)
{
	static const char *const names[] = { "ksmd", "khugepaged", "oom_reaper", "kauditd" };
	char path[32], name[32];
	bool is_kernels;
	char state;

	for (pid_t pid = 2; pid < 1000; pid++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
		if (proc_thread(pid, &state, &is_kernels) < 0 || !is_kernels ||
		    io_read_small(AT_FDCWD, path, name, sizeof(name)) < 0)
			continue;
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			if (str_starts(name, names[i]) && name[strlen(names[i])] == '\n')
				return pid;
	}
	return 0;
}

static int move_to(const char *procs, pid_t pid)
{
	AUTO_FREE char *digits = x_printf("%d", (int)pid);

	return io_write_value(AT_FDCWD, procs, digits);
}

/* KVM's is in the cgroup of who made the machine (Linux 6.1), and the freezer does not stop it. */
START_TEST(freeze_does_not_wait_for_the_kernels_threads)
{
	volatile unsigned int *counter = shared_counter();
	AUTO_FREE char *procs = NULL;
	pid_t thread = find_kernels_thread();
	int fd, frozen = -1;
	unsigned int before = 0, after = 1;

	if (!thread) {
		(void)fprintf(stderr, "skip %s: no thread of the kernel's is seen here\n", __func__);
		ck_assert(!getenv("HUSK_MUST_RUN"));
		return;
	}
	PLACE_OR_RETURN();
	fd = create("leaf");
	procs = x_printf(ROOT "%s", below("leaf/cgroup.procs"));
	for (int i = 0; i < 20; i++)
		if (place_fork(fd) == 0)
			for (;;)
				(*counter)++;
	ck_assert(counts(counter, 60000));
	ck_assert_int_eq(move_to(procs, thread), 0);
	/* an assertion that fails leaves it there: so first that is undone */
	frozen = cgroup_freeze(fd, true, NULL);
	before = *counter;
	(void)usleep(50000);
	after = *counter;
	ck_assert_int_eq(move_to(ROOT "cgroup.procs", thread), 0);
	ck_assert_int_eq(frozen, 0);
	ck_assert_uint_eq(before, after);
	ck_assert_ok(cgroup_freeze(fd, false, e));
	ck_assert(counts(counter, 60000));
	(void)close(fd);
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

/* In a new pid namespace: whether the cgroup looks empty. */
static bool looks_empty_inside(int fd)
{
	pid_t *pids = NULL, pid;
	size_t n = 99;
	int status;

	if (unshare(CLONE_NEWPID) < 0)
		return false;
	pid = fork();
	if (pid == 0)
		_exit(cgroup_procs(fd, &pids, &n, NULL) == 0 && n == 0 ? 0 : 1);
	return waitpid(pid, &status, 0) == pid && status == 0;
}

START_TEST(procs_leaves_out_what_another_pid_namespace_hides)
{
	int fd, status;
	pid_t pid;

	PLACE_OR_RETURN();
	fd = create("leaf");
	(void)spawn_sleeper(fd);
	pid = fork();
	if (pid == 0)
		_exit(looks_empty_inside(fd) ? 0 : 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	(void)close(fd);
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
	for (int i = 0; i < 12000 && *hits < many; i++)
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

static Suite *make_suite(void)
{
	Suite *s = suite_create("cgroup_procs");
	TCase *t = tcase_create("kernel");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, freeze_stops_every_process_and_thaw_lets_them_run);
	tcase_add_test(t, freeze_returns_when_the_last_process_has_stopped);
	tcase_add_test(t, freeze_does_not_wait_for_the_kernels_threads);
	tcase_add_test(t, kill_ends_frozen_processes_too);
	tcase_add_test(t, kill_works_without_cgroup_kill);
	tcase_add_test(t, procs_lists_the_whole_tree_once_and_sorted);
	tcase_add_test(t, procs_leaves_out_what_another_pid_namespace_hides);
	tcase_add_test(t, procs_refuses_endless_depth);
	tcase_add_test(t, signal_reaches_each_process_once);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return ck_run(make_suite());
}
