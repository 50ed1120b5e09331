/* SPDX-License-Identifier: Apache-2.0 */
/* filter.c: see filter.h; seccomp(2). */
#include "filter.h"

#include "str.h"

#include <seccomp.h>
#include <stdint.h>

static const int calls[] = {
	/* bytes */
	SCMP_SYS(read),
	SCMP_SYS(preadv2),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(recvmsg),
	SCMP_SYS(recvfrom),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(tee),
	SCMP_SYS(splice),
	SCMP_SYS(lseek),
	SCMP_SYS(pipe2),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	/* clients, and the descriptors that they bring (stream.c opens pipes and terminals anew) */
	SCMP_SYS(accept4),
	SCMP_SYS(getsockopt),
	SCMP_SYS(openat),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(fcntl),
	SCMP_SYS(close),
	SCMP_SYS(ioctl),
	/* children, time, the guest's entropy */
	SCMP_SYS(wait4),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(getrandom),
	/* memory, the end */
	SCMP_SYS(brk),
	SCMP_SYS(mmap),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(futex),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(exit_group),
};

int filter_install(struct err *e)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(calls); i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r < 0 ? err_sys(e, -r, "install husk-mon's own filter") : 0;
}
