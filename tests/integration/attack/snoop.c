/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snoop.c: a container's process that looks into each new process of its pid namespace.
 *
 *     snoop DEV INO MARKER
 *
 * Until SIGTERM it tries to open /proc/PID/exe, root, cwd and fd/N of every new process. A line is
 * printed for each way to the host that was found: an exe that is the file DEV:INO (the runtime's
 * program), a directory from which MARKER, a file of the host, can be opened; in a process that can be
 * looked into, the caller's environment (by SNOOP_SECRET in it), capabilities that we lack, no filter
 * where we have one; a program in a memory file, which only the runtime has. At the end it tries to write to such programs, and prints how many processes it
 * met and could look into.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define AHEAD 8 /* pids that are tried beyond the newest known one */
#define BACK 24 /* pids that are looked at again, as they may change */
#define FDS 24
#define UP "../../../../../../../../../../../../"

static volatile sig_atomic_t ended;
static unsigned long long dev, ino;
static const char *marker;
static int host_exe = -1, seen, looked;

static void end(int sig)
{
	(void)sig;
	ended = 1;
}

/* From this directory of another process, is there a way to the host's file? */
static void try_dir(int pid, const char *name)
{
	char path[64], up[4096];
	int dir, fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return;
	(void)snprintf(up, sizeof(up), UP "%s", marker);
	fd = openat(dir, up, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fd = openat(dir, marker + 1, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		printf("host by %s\n", name);
		(void)close(fd);
	}
	(void)close(dir);
}

static size_t slurp(int pid, const char *name, char *buf, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd >= 0 ? read(fd, buf, size - 1) : 0;
	if (fd >= 0)
		(void)close(fd);
	n = n < 0 ? 0 : n;
	buf[n] = '\0';
	return (size_t)n;
}

static unsigned long long status_field(const char *status, const char *name, int base)
{
	const char *at = strstr(status, name);

	return at ? strtoull(at + strlen(name), NULL, base) : 0;
}

/* Capabilities in a user namespace below ours are none over what is here. One that cannot be seen is taken
 * for ours. */
static int in_our_userns(int pid)
{
	char path[64], its[64] = "", own[64] = "";

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	if (readlink(path, its, sizeof(its) - 1) < 0)
		return errno != ENOENT && errno != ESRCH; /* it has ended */
	return readlink("/proc/self/ns/user", own, sizeof(own) - 1) < 0 || strcmp(its, own) == 0;
}

/* Somebody who can be traced lends all his power. */
static void try_power(int pid)
{
	char own[4096], its[4096], env[16384];
	size_t n = slurp(pid, "environ", env, sizeof(env));

	if (memmem(env, n, "SNOOP_SECRET", 12))
		printf("host by environ\n");
	if (!slurp(getpid(), "status", own, sizeof(own)) || !slurp(pid, "status", its, sizeof(its)))
		return;
	if (in_our_userns(pid) && status_field(its, "CapPrm:", 16) & ~status_field(own, "CapPrm:", 16))
		printf("host by capabilities\n");
	if (status_field(own, "Seccomp:", 10) && !status_field(its, "Seccomp:", 10))
		printf("host by no filter\n");
}

static void try_exe(int pid)
{
	char path[64], target[64];
	struct stat st;
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return;
	looked++;
	try_power(pid);
	n = readlink(path, target, sizeof(target));
	if (n > 5 && memcmp(target, "/memfd", 6) == 0)
		printf("runtime's process open\n");
	if (host_exe < 0 && fstat(fd, &st) == 0 && st.st_dev == dev && st.st_ino == ino) {
		printf("host by exe\n");
		host_exe = fd;
		return;
	}
	(void)close(fd);
}

/* False: there is no such process. */
static int look(int pid)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d", pid);
	if (access(path, F_OK) < 0)
		return 0;
	try_exe(pid);
	try_dir(pid, "root");
	try_dir(pid, "cwd");
	for (int i = 0; i < FDS; i++) {
		(void)snprintf(path, sizeof(path), "fd/%d", i);
		try_dir(pid, path);
	}
	return 1;
}

/* As CVE-2019-5736 did it: the file can be written once nobody runs it. */
static void overwrite(void)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", host_exe);
	for (int i = 0; i < 1000; i++) {
		int fd = open(path, O_WRONLY | O_APPEND);

		if (fd >= 0 && write(fd, "overwritten\n", 12) == 12)
			printf("host's program overwritten\n");
		if (fd >= 0 || errno != ETXTBSY)
			return;
		(void)usleep(1000);
	}
}

/* The last pid that was given out in our namespace: while we did not run, many may have been. */
static int last_pid(void)
{
	char text[128];
	ssize_t n = 0;
	int fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
	const char *last;

	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		(void)close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	last = strrchr(text, ' ');
	return last ? atoi(last) : 0;
}

int main(int argc, char **argv)
{
	int newest = getpid();

	if (argc != 4)
		return 2;
	dev = strtoull(argv[1], NULL, 10);
	ino = strtoull(argv[2], NULL, 10);
	marker = argv[3];
	(void)signal(SIGTERM, end);
	(void)signal(SIGCHLD, SIG_IGN); /* as pid 1: no zombies */
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("ready\n");
	while (!ended) {
		int last = last_pid(), from;

		if (last > newest + AHEAD)
			newest = last - AHEAD;
		from = newest - BACK > 1 ? newest - BACK : 2;

		for (int pid = from; pid <= newest + AHEAD; pid++) {
			if (pid == getpid() || !look(pid) || pid <= newest)
				continue;
			newest = pid;
			seen++;
		}
	}
	if (host_exe >= 0)
		overwrite();
	printf("seen %d, looked into %d\n", seen, looked);
	return 0;
}
