/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start.c: the trampoline, the last program of husk that a container's process
 * is before it becomes its own.
 *
 * The kernel lets a program name /proc/self/exe as its own interpreter, and so
 * get hold of the file of whoever calls execve(2). husk therefore never calls
 * execve on a file of the container's: it executes this program first, from a
 * sealed memfd (linux/seal.c), and this one makes the last call. What a container
 * can reach is then a copy that nobody can write.
 *
 * It writes the label of a security module that the program is to have, as the
 * kernel uses that up at the next execve. That is before the filter comes, if it
 * comes here.
 *
 * It also installs the seccomp filter, where no_new_privs allows that this late and
 * nobody is to be notified of calls: the filter then needs to permit no call of ours
 * but execve. Freestanding: no C library, no heap, no relocations.
 */
#include "trampoline.h"

#include "sync_type.h"
#include "syscall4.h"

#include <linux/fcntl.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <linux/uio.h>
#include <stddef.h>
#include <sys/syscall.h>

#define STATUS_CANNOT_EXEC 126
#define STATUS_NOT_FOUND 127
#define ERRNO_NOENT 2
#define ERRNO_IO 5

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall trampoline_main\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n\tmov x0, sp\n\tbl trampoline_main\n");
#else
#error "the trampoline has no entry code for this architecture"
#endif

/* The next decimal number of *s, which moves on past it and one blank. */
static long next_number(const char **s)
{
	long sign = 1, v = 0;

	if (**s == '-') {
		sign = -1;
		(*s)++;
	}
	for (; **s >= '0' && **s <= '9'; (*s)++)
		v = v * 10 + (**s - '0');
	if (**s == ' ')
		(*s)++;
	return sign * v;
}

static size_t length(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

static void fail(long gate, int step, long error, const char *path)
{
	struct trampoline_failure f = { .type = SYNC_EXEC_ERR, .error = (int32_t)error, .step = step };
	struct iovec iov[2] = { { &f, sizeof(f) }, { (char *)path, length(path) } };

	if (gate >= 0)
		(void)syscall4(SYS_writev, gate, (long)iov, 2, 0);
	(void)syscall4(SYS_exit_group, error == ERRNO_NOENT ? STATUS_NOT_FOUND : STATUS_CANNOT_EXEC, 0, 0, 0);
	__builtin_unreachable();
}

static unsigned char filter[TRAMPOLINE_FILTER_MAX] __attribute__((aligned(8)));

static long install_filter(long fd, long size, long flags)
{
	struct sock_fprog prog = { .len = (unsigned short)(size / 8), .filter = (struct sock_filter *)filter };
	long r;

	if (size <= 0 || size > TRAMPOLINE_FILTER_MAX)
		return -ERRNO_IO;
	r = syscall4(SYS_pread64, fd, (long)filter, size, 0);
	if (r != size)
		return r < 0 ? r : -ERRNO_IO;
	(void)syscall4(SYS_close, fd, 0, 0, 0);
	return syscall4(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, (long)&prog, 0);
}

/* proc_pid_attr(5). The directory is of no use to the program, and leads to the host's procfs. */
static long write_label(long dir, const char *text)
{
	long fd = syscall4(SYS_openat, dir, (long)"exec", O_WRONLY | O_CLOEXEC, 0), r;

	(void)syscall4(SYS_close, dir, 0, 0, 0);
	if (fd < 0)
		return fd;
	r = syscall4(SYS_write, fd, (long)text, (long)length(text), 0);
	(void)syscall4(SYS_close, fd, 0, 0, 0);
	return r;
}

void trampoline_main(long *stack);
void trampoline_main(long *stack)
{
	long argc = stack[0];
	char **argv = (char **)(stack + 1);
	char **envp = argv + argc + 1;
	const char *numbers = argv[0];
	long gate = next_number(&numbers), filter_fd = next_number(&numbers);
	long size = next_number(&numbers), flags = next_number(&numbers);
	long attr_fd = next_number(&numbers), r;

	/* the container's other processes have no business with our descriptors */
	r = syscall4(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0);
	if (r == 0 && gate >= 0)
		r = syscall4(SYS_fcntl, gate, F_SETFD, FD_CLOEXEC, 0);
	if (r < 0) /* a filter that is installed already forbids it, say */
		fail(gate, TRAMPOLINE_EXEC, -r, argv[1]);
	if (attr_fd >= 0) {
		r = write_label(attr_fd, numbers);
		if (r < 0)
			fail(gate, TRAMPOLINE_LABEL, -r, numbers);
	}
	if (filter_fd >= 0) {
		r = install_filter(filter_fd, size, flags);
		if (r < 0)
			fail(gate, TRAMPOLINE_FILTER, -r, argv[1]);
	}
	r = syscall4(SYS_execve, (long)argv[1], (long)(argv + 2), (long)envp, 0);
	fail(gate, TRAMPOLINE_EXEC, -r, argv[1]);
}
