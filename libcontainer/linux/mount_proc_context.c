/* SPDX-License-Identifier: Apache-2.0 */
/* mount_proc_context.c: see mount_proc_context.h. fsopen(2), pidfd_getfd(2), pivot_root(2), user_namespaces(7). */
#include "mount_proc_context.h"

#include "clock.h"
#include "fd.h"
#include "kernel.h"
#include "mount.h"
#include "proc.h"

#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#define LIMIT_S 10
#define LOOK_NS 200000 /* between two looks for a context */

/* What the stage leaves to the parent; the process that it makes does not have it. */
struct report {
	pid_t pid; /* 0: not made */
	struct err err;
};

static int empty_root(struct err *e)
{
	AUTO_FD tree = -1;
	AUTO_FD slash = -1;
	int r;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(e, errno, "make a mount namespace");
	r = mount_new_fs("tmpfs", "none", "mode=0555", MOUNT_ATTR_RDONLY, &tree, e);
	if (r < 0)
		return r;
	slash = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (slash < 0 || sys_attach(tree, slash) < 0 || fchdir(tree) < 0 || sys_pivot_root(".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0)
		return err_sys(e, errno, "make an empty root");
	return 0;
}

/* For the process, and for what its maker does from here on. */
static int allow_only_its_work(struct err *e)
{
	static const int calls[] = { SCMP_SYS(clone), SCMP_SYS(fsopen), SCMP_SYS(ppoll), SCMP_SYS(exit_group) };
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < sizeof(calls) / sizeof(calls[0]); i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r < 0 ? err_sys(e, -r, "make a seccomp filter") : 0;
}

static int prepare_stage(int pidns, struct err *e)
{
	int r;

	if (setns(pidns, CLONE_NEWPID) < 0)
		return err_sys(e, errno, "join the pid namespace");
	proc_forget_environment();
	r = fd_close_others(0, NULL, 0);
	if (r < 0)
		return err_sys(e, -r, "close all descriptors");
	r = empty_root(e);
	return r < 0 ? r : allow_only_its_work(e);
}

/* In the stage: makes the process as its own parent's. Returns in the process only. */
static void stage(int pidns, struct report *report)
{
	const unsigned long flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD;
	long pid;

	(void)alarm(LIMIT_S);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* inherited: without CAP_SYS_PTRACE nobody looks */
	if (prepare_stage(pidns, &report->err) < 0)
		_exit(0);
	pid = syscall(SYS_clone, flags, NULL, &report->pid, NULL, NULL);
	if (pid == 0)
		return;
	if (pid < 0)
		(void)err_sys(&report->err, errno, "clone into the pid namespace");
	_exit(0);
}

static __attribute__((noreturn)) void process(size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)syscall(SYS_fsopen, "proc", FSOPEN_CLOEXEC);
	for (;;)
		(void)syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
}

/* It has no other descriptors, so its contexts are the first ones. */
static int take_contexts(int pidfd, int *out, size_t n, struct err *e)
{
	const struct timespec pause = { .tv_nsec = LOOK_NS };
	int64_t deadline = clock_monotonic_ms() + LIMIT_S * 1000;

	for (size_t i = 0; i < n;) {
		out[i] = sys_pidfd_getfd(pidfd, (int)i, 0);
		if (out[i] >= 0) {
			i++;
			continue;
		}
		if (errno == EPERM || errno == ENOSYS)
			return err_set(e, ENOTSUP, "pidfd_getfd: %s", strerror(errno));
		if (errno != EBADF || clock_monotonic_ms() > deadline)
			return err_set(e, EPROTO, "the process that opens a procfs in the pid namespace %s",
				       errno == EBADF ? "is held up by somebody in there" : "died");
		(void)nanosleep(&pause, NULL);
	}
	return 0;
}

/* Whoever traces it is told of its end before we are, and may keep it for himself. */
static void end_process(pid_t pid, int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	(void)sys_pidfd_send_signal(pidfd, SIGKILL);
	(void)poll(&p, 1, LIMIT_S * 1000);
	(void)waitpid(pid, NULL, WNOHANG);
}

static int take(const struct report *report, int *out, size_t n, struct err *e)
{
	AUTO_FD pidfd = -1;
	int r;

	if (report->pid <= 0)
		return err_set(e, ENOTSUP, "%s", report->err.code ? report->err.msg : "the stage died");
	pidfd = sys_pidfd_open(report->pid, 0);
	if (pidfd < 0)
		return err_sys(e, errno, "pidfd_open");
	r = take_contexts(pidfd, out, n, e);
	end_process(report->pid, pidfd);
	return r;
}

int mount_proc_contexts(int pidns, int *out, size_t n, struct err *e)
{
	struct report *report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;
	int r;

	for (size_t i = 0; i < n; i++)
		out[i] = -1;
	if (report == MAP_FAILED)
		return err_sys(e, errno, "mmap");
	pid = fork();
	if (pid == 0) {
		if (madvise(report, sizeof(*report), MADV_DONTFORK) < 0)
			_exit(0);
		stage(pidns, report);
		process(n);
	}
	if (pid < 0)
		r = err_sys(e, errno, "fork");
	else
		r = waitpid(pid, NULL, 0) == pid ? take(report, out, n, e) : err_sys(e, errno, "waitpid");
	(void)munmap(report, sizeof(*report));
	for (size_t i = 0; r < 0 && i < n; i++)
		fd_close(&out[i]);
	return r;
}
