/* SPDX-License-Identifier: Apache-2.0 */
/* confine.c: see confine.h. */
#include "confine.h"

#include "fd.h"
#include "io.h"
#include "str.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAP_BIT(cap) (1ULL << (cap))
/* Not DAC_READ_SEARCH, which allows nothing here that DAC_OVERRIDE does not, but open_by_handle_at(2): that opens files
 * outside of the jail. */
#define KEPT                                                                                          \
	(CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_FOWNER) | CAP_BIT(CAP_FSETID) | \
	 CAP_BIT(CAP_SETGID) | CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_MKNOD) | CAP_BIT(CAP_SETFCAP))

static int drop_bounding(struct err *e)
{
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		if (!(KEPT & CAP_BIT(cap)) && prctl(PR_CAPBSET_DROP, cap) < 0)
			return err_sys(e, errno, "drop capability %lu from the bounding set", cap);
	return 0;
}

static int drop_capabilities(struct err *e)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = { 0 };

	if (syscall(SYS_capget, &head, caps) < 0)
		return err_sys(e, errno, "read the capabilities");
	for (unsigned int i = 0; i < 2; i++) {
		caps[i].permitted &= (uint32_t)(KEPT >> (32 * i));
		caps[i].effective = caps[i].permitted;
		caps[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &head, caps) < 0)
		return err_sys(e, errno, "drop capabilities");
	return 0;
}

/* A user namespace that an ordinary user made has setgroups(2) denied, for good (user_namespaces(7)); the groups
 * are that user's then. Without such a reason they would be those of another. */
static int drop_groups(struct err *e)
{
	AUTO_FREE char *says = NULL;
	int r = setgroups(0, NULL) < 0 ? -errno : 0;
	size_t len;

	if (r == -EPERM && io_read_file(AT_FDCWD, "/proc/self/setgroups", 0, 16, &says, &len, e) == 0 &&
	    str_starts(says, "deny"))
		return 0;
	return r < 0 ? err_sys(e, -r, "give the supplementary groups away") : 0;
}

/* In a jail the bounding set may be small already, with no CAP_SETPCAP to change anything: then it is
 * the jail's, and so are the securebits. */
int confine_privileges(struct err *e)
{
	bool may_change = prctl(PR_CAPBSET_READ, CAP_SETPCAP) > 0;
	int r = 0;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, errno, "set no_new_privs");
	if (geteuid() != 0)
		return drop_capabilities(e);
	r = drop_groups(e);
	if (r < 0)
		return r;
	if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED) < 0 && may_change)
		return err_sys(e, errno, "set the securebits");
	if (may_change)
		r = drop_bounding(e);
	return r < 0 ? r : drop_capabilities(e);
}

static const int calls[] = {
	/* requests */
	SCMP_SYS(openat),
	SCMP_SYS(openat2),
	SCMP_SYS(close),
	SCMP_SYS(statx),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(fstatfs),
	SCMP_SYS(syncfs),
	SCMP_SYS(readlinkat),
	SCMP_SYS(fchmodat),
	SCMP_SYS(fchownat),
	SCMP_SYS(ftruncate),
	SCMP_SYS(utimensat),
	SCMP_SYS(mknodat),
	SCMP_SYS(mkdirat),
	SCMP_SYS(symlinkat),
	SCMP_SYS(linkat),
	SCMP_SYS(unlinkat),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(getdents64),
	SCMP_SYS(lseek),
	SCMP_SYS(preadv),
	SCMP_SYS(pwritev2),
	SCMP_SYS(pwritev),
	SCMP_SYS(fsync),
	SCMP_SYS(fdatasync),
	SCMP_SYS(fallocate),
	SCMP_SYS(copy_file_range),
	SCMP_SYS(setxattr),
	SCMP_SYS(getxattr),
	SCMP_SYS(listxattr),
	SCMP_SYS(removexattr),
	/* who a thread acts as */
	SCMP_SYS(setfsuid),
	SCMP_SYS(setfsgid),
	SCMP_SYS(umask),
	SCMP_SYS(capget),
	SCMP_SYS(capset),
	/* queues and messages */
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(recvmsg),
	SCMP_SYS(recvfrom),
	SCMP_SYS(sendmsg),
	SCMP_SYS(write),
	SCMP_SYS(futex),
	/* memory, time, the end */
	SCMP_SYS(mmap),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(brk),
	SCMP_SYS(madvise),
	SCMP_SYS(mprotect),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettid),
	SCMP_SYS(getpid),
	SCMP_SYS(tgkill),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(sched_yield),
	SCMP_SYS(rseq),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(writev),
	/* of a thread that ends, with the sanitizers */
	SCMP_SYS(sigaltstack),
};

/* No page becomes executable. */
static int forbid_exec(scmp_filter_ctx filter)
{
	const int nrs[] = { SCMP_SYS(mmap), SCMP_SYS(mprotect) };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(nrs); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, nrs[i], 1,
				     SCMP_A2(SCMP_CMP_MASKED_EQ, 4 /* PROT_EXEC */, 0));
	return r;
}

static int add_rules(scmp_filter_ctx filter)
{
	int r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(calls); i++)
		if (calls[i] != SCMP_SYS(mmap) && calls[i] != SCMP_SYS(mprotect))
			r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	return r == 0 ? forbid_exec(filter) : r;
}

int confine_calls(struct err *e)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r;

	if (!filter)
		return err_set(e, ENOMEM, "make a seccomp filter");
	r = add_rules(filter);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r < 0 ? err_sys(e, -r, "load the seccomp filter") : 0;
}
