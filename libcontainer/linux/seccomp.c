/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp.c: see seccomp.h. Compiling is seccomp_compile.c, the cache seccomp_cache.c. */
#include "seccomp.h"

#include "kernel.h"
#include "log.h"
#include "seccomp_cache.h"
#include "seccomp_compile.h"

#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int seccomp_prepare(int cache_dirfd, const struct spec_seccomp *s, struct seccomp_prog *out, struct err *e)
{
	const bool cached = cache_dirfd >= 0 && s->text && s->text_len > 0;
	struct seccomp_prog prog;
	int r;

	if (cached && seccomp_cache_load(cache_dirfd, s->text, s->text_len, &prog) == 0) {
		if (!seccomp_notifies(&prog) || s->listener_path) {
			*out = prog;
			return 0;
		}
		seccomp_prog_free(&prog); /* it cannot be of this profile */
	}
	r = seccomp_compile(s, SECCOMP_LOOKUP_AUTO, &prog, e);
	if (r < 0)
		return r;
	if (cached) {
		r = seccomp_cache_store(cache_dirfd, s->text, s->text_len, &prog);
		if (r < 0)
			log_debug("keep the compiled seccomp filter: %s; skipping", strerror(-r));
	}
	*out = prog;
	return 0;
}

int seccomp_install(const struct seccomp_prog *prog, struct err *e)
{
	const struct sock_fprog fprog = { .len = prog->n, .filter = prog->insns };
	long r;

	if (prog->n == 0)
		return 0;
	r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, prog->flags, &fprog);
	if (r == 0)
		return 0;
	return seccomp_install_failed(prog, r < 0 ? -errno : r, e);
}

int seccomp_install_failed(const struct seccomp_prog *prog, long result, struct err *e)
{
	const char *hint = "";

	if (result > 0) /* a thread that TSYNC could not reach */
		return err_set(e, ESRCH, "linux.seccomp: thread %ld has another filter", result);
	if (result == -EACCES)
		hint = " (needs CAP_SYS_ADMIN or process.noNewPrivileges)";
	else if (result == -EBUSY && seccomp_notifies(prog))
		hint = " (husk runs under a filter with SCMP_ACT_NOTIFY itself; Linux takes no second one)";
	else if (result == -EINVAL && prog->flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
		hint = " (SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV needs Linux 5.19)";
	return err_sys(e, (int)-result, "linux.seccomp: install the filter of %u instructions with flags %#x%s",
		       prog->n, prog->flags, hint);
}

/* The kernel looks at the flags before it reads the program (seccomp(2)). */
bool seccomp_flag_supported(const char *name)
{
	unsigned int flag;

	if (seccomp_flag_value(name, &flag) < 0)
		return false;
	if (flag == SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) /* it is about a listener */
		flag |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flag, NULL) < 0 && errno == EFAULT;
}

void seccomp_prog_free(struct seccomp_prog *prog)
{
	if (!prog)
		return;
	free(prog->insns);
	*prog = (struct seccomp_prog){ 0 };
}
