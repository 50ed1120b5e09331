/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp.c: see seccomp.h. Compiling is seccomp_compile.c, the cache seccomp_cache.c. */
#include "seccomp.h"

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

	if (cached && seccomp_cache_load(cache_dirfd, s->text, s->text_len, out) == 0)
		return 0;
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
	if (r > 0) /* a thread that TSYNC could not reach */
		return err_set(e, ESRCH, "linux.seccomp: thread %ld has another filter", r);
	if (errno == EACCES)
		return err_sys(e, errno,
			       "linux.seccomp: install the filter (needs CAP_SYS_ADMIN or process.noNewPrivileges)");
	return err_sys(e, errno, "linux.seccomp: install the filter (%u instructions, flags %#x)", prog->n,
		       prog->flags);
}

/* The kernel looks at the flags before it reads the program (seccomp(2)). */
bool seccomp_flag_supported(const char *name)
{
	unsigned int flag;

	if (seccomp_flag_value(name, &flag) < 0 || flag == 0)
		return false;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flag, NULL) < 0 && errno == EFAULT;
}

void seccomp_prog_free(struct seccomp_prog *prog)
{
	if (!prog)
		return;
	free(prog->insns);
	*prog = (struct seccomp_prog){ 0 };
}
