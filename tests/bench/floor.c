/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor.c: the least that a container of five namespaces can cost.
 *
 *	floor ROOTFS
 *
 * It makes the system calls that such a container cannot do without, and no
 * others: no configuration is read, no capability or filter is set, nothing is
 * recorded. `make bench` runs it beside the runtimes; what they take beyond it
 * is theirs. It runs /bin/true of ROOTFS and exits with its status; 125 is its
 * own failure.
 *
 * ROOTFS must have the folders proc, dev and sys. It is not written to: device
 * nodes and links are made on a fresh tmpfs.
 */
#include "kernel.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#define FLOOR_FAILED 125
#define FLOOR_NAMESPACES (CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct fs {
	const char *type, *target;
	unsigned int attr;
	int make; /* the target is a folder to be made first */
} filesystems[] = {
	{ "proc", "proc", 0, 0 },     { "tmpfs", "dev", 0, 0 },		{ "devpts", "dev/pts", 0, 1 },
	{ "tmpfs", "dev/shm", 0, 1 }, { "mqueue", "dev/mqueue", 0, 1 }, { "sysfs", "sys", MOUNT_ATTR_RDONLY, 0 },
};

static const struct node {
	const char *path;
	unsigned int major, minor;
} nodes[] = {
	{ "dev/null", 1, 3 }, { "dev/zero", 1, 5 },   { "dev/full", 1, 7 },
	{ "dev/tty", 5, 0 },  { "dev/random", 1, 8 }, { "dev/urandom", 1, 9 },
};

static const struct link {
	const char *target, *path;
} links[] = {
	{ "/proc/self/fd", "dev/fd" },
	{ "pts/ptmx", "dev/ptmx" },
};

static const char *const masked[] = {
	"proc/kcore", "proc/keys", "proc/timer_list", "proc/sched_debug", "proc/latency_stats",
};

static const char *const readonly[] = {
	"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger",
};

static _Noreturn void __attribute__((format(printf, 1, 2))) die(const char *fmt, ...)
{
	int code = errno;
	va_list ap;

	(void)fputs("floor: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, ": %s\n", strerror(code));
	_exit(FLOOR_FAILED);
}

static void mount_attach(int fd, const char *target)
{
	if (move_mount(fd, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		die("attach a mount to '%s'", target);
	(void)close(fd);
}

static void filesystem_mount(const struct fs *fs)
{
	int context, fd;

	if (fs->make && mkdir(fs->target, 0755) < 0)
		die("mkdir '%s'", fs->target);
	context = fsopen(fs->type, FSOPEN_CLOEXEC);
	if (context < 0)
		die("fsopen '%s'", fs->type);
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		die("create a file system of type '%s'", fs->type);
	fd = fsmount(context, FSMOUNT_CLOEXEC, fs->attr);
	if (fd < 0)
		die("fsmount '%s'", fs->type);
	(void)close(context);
	mount_attach(fd, fs->target);
}

/* -1: there is no such path. */
static int tree_clone(const char *path, unsigned int flags)
{
	int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags);

	if (fd < 0 && errno != ENOENT)
		die("open_tree '%s'", path);
	return fd;
}

static void dev_fill(void)
{
	for (size_t i = 0; i < COUNT(nodes); i++)
		if (mknod(nodes[i].path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)) < 0)
			die("mknod '%s'", nodes[i].path);
	for (size_t i = 0; i < COUNT(links); i++)
		if (symlink(links[i].target, links[i].path) < 0)
			die("symlink '%s'", links[i].path);
}

static void paths_protect(void)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };

	for (size_t i = 0; i < COUNT(masked); i++) {
		int fd = tree_clone("dev/null", 0);

		if (fd < 0 || (move_mount(fd, "", AT_FDCWD, masked[i], MOVE_MOUNT_F_EMPTY_PATH) < 0 && errno != ENOENT))
			die("mask '%s'", masked[i]);
		(void)close(fd);
	}
	for (size_t i = 0; i < COUNT(readonly); i++) {
		int fd = tree_clone(readonly[i], AT_RECURSIVE);

		if (fd < 0)
			continue;
		if (mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0)
			die("make '%s' read-only", readonly[i]);
		mount_attach(fd, readonly[i]);
	}
}

static _Noreturn void container_run(const char *rootfs)
{
	char *const argv[] = { "true", NULL }, *const envp[] = { NULL };

	int root;

	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		die("make the mounts slaves");
	root = tree_clone(rootfs, AT_RECURSIVE);
	if (root < 0)
		die("open_tree '%s'", rootfs);
	mount_attach(root, rootfs);
	if (chdir(rootfs) < 0)
		die("chdir '%s'", rootfs);
	for (size_t i = 0; i < COUNT(filesystems); i++)
		filesystem_mount(&filesystems[i]);
	dev_fill();
	paths_protect();
	if (sys_pivot_root(".", ".") < 0)
		die("pivot_root");
	if (umount2(".", MNT_DETACH) < 0)
		die("umount the old root");
	if (chdir("/") < 0)
		die("chdir '/'");
	(void)execve("/bin/true", argv, envp);
	die("exec '/bin/true' in '%s'", rootfs);
}

int main(int argc, char **argv)
{
	struct kernel_clone_args args = { .flags = FLOOR_NAMESPACES, .exit_signal = SIGCHLD };
	int status;
	pid_t pid;

	if (argc != 2) {
		(void)fputs("usage: floor ROOTFS\n", stderr);
		return FLOOR_FAILED;
	}
	pid = sys_clone3(&args);
	if (pid < 0)
		die("clone3 with five new namespaces");
	if (pid == 0)
		container_run(argv[1]);
	if (waitpid(pid, &status, 0) < 0)
		die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
