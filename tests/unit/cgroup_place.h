/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_place.h: a cgroup of a test's own, for the tests of cgroup*.c.
 *
 * The test's process gets a mount namespace of its own in which /sys/fs/cgroup
 * is cgroup2, whatever the host has there; the host's mounts stay untouched. All
 * cgroups are made below "husk-test-<pid>", which goes when the process ends.
 */
#ifndef HUSK_TEST_CGROUP_PLACE_H
#define HUSK_TEST_CGROUP_PLACE_H

#include "cgroup.h"
#include "ck_err.h"
#include "fd.h"
#include "kernel.h"
#include "str.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define ROOT "/sys/fs/cgroup/"

static char place[64]; /* "husk-test-<pid>" */
static pid_t place_owner, place_guard;

static inline void place_clear(void)
{
	struct err e = { 0 };
	int fd;

	if (cgroup_open(place, &fd, &e) < 0)
		return;
	(void)cgroup_kill(fd, SIGKILL, &e);
	(void)close(fd);
	if (cgroup_remove(place, &e) < 0)
		(void)fprintf(stderr, "clear the test's cgroup: %s\n", e.msg);
}

/* A test that fails leaves by _exit: a process that outlives it clears up then. */
static inline void place_start_guard(void)
{
	int sig, ready[2];
	sigset_t set;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	place_guard = fork();
	ck_assert_int_ge(place_guard, 0);
	if (place_guard > 0) {
		(void)close(ready[1]);
		ck_assert_int_eq(read(ready[0], &sig, 1), 0); /* until it is out of the process group */
		(void)close(ready[0]);
		return;
	}
	(void)setsid(); /* Check kills the test's process group */
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)prctl(PR_SET_PDEATHSIG, SIGUSR1);
	(void)close(ready[0]);
	(void)close(ready[1]);
	if (getppid() == place_owner)
		(void)sigwait(&set, &sig);
	place_clear();
	_exit(0);
}

static inline void place_leave(void)
{
	if (getpid() != place_owner)
		return;
	(void)kill(place_guard, SIGKILL);
	place_clear();
}

/* False, with the reason printed, where the machine cannot run the test. */
static inline bool place_enter(const char *test)
{
	const char *why = NULL;

	if (geteuid() != 0)
		why = "it needs root";
	else if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		why = "it needs a mount namespace of its own";
	while (!why && umount2("/sys/fs/cgroup", MNT_DETACH) == 0)
		;
	if (!why && mount("none", "/sys/fs/cgroup", "cgroup2", 0, NULL) < 0)
		why = "cgroup2 cannot be mounted here";
	place_owner = getpid();
	(void)snprintf(place, sizeof(place), "husk-test-%d", (int)place_owner);
	if (!why && (chdir("/sys/fs/cgroup") < 0 || mkdir(place, 0755) < 0 || chdir("/") < 0))
		why = "no cgroup can be made here";
	if (!why) {
		place_start_guard();
		(void)atexit(place_leave);
		return true;
	}
	(void)fprintf(stderr, "skip %s: %s\n", test, why);
	ck_assert_msg(!getenv("HUSK_MUST_RUN"), "skipped, but HUSK_MUST_RUN is set: %s", why);
	return false;
}
#define PLACE_OR_RETURN()                   \
	do {                                \
		if (!place_enter(__func__)) \
			return;             \
	} while (0)

/* Born in the cgroup: returns as fork(2) does. */
static inline pid_t place_fork(int cgroup_fd)
{
	struct kernel_clone_args args = {
		.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)cgroup_fd,
	};
	pid_t pid = sys_clone3(&args);

	ck_assert_msg(pid >= 0, "clone3: %s", strerror(errno));
	return pid;
}

/* "<place>/<rest>"; a few of them live at a time. */
static inline const char *below(const char *rest)
{
	static char paths[8][512];
	static unsigned int next;
	char *path = paths[next++ % ARRAY_LEN(paths)];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", place, rest);
	return path;
}

static inline bool exists(const char *path)
{
	AUTO_FREE char *full = x_printf(ROOT "%s", path);

	return access(full, F_OK) == 0;
}

static inline int create(const char *rest)
{
	int fd = -1;

	ck_assert_ok(cgroup_create(below(rest), &fd, e));
	return fd;
}

static inline pid_t spawn_sleeper(int fd)
{
	pid_t pid = place_fork(fd);

	while (pid == 0)
		(void)pause();
	return pid;
}

#endif
