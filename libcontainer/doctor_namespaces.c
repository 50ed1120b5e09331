/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_namespaces.c: which namespaces there are, and whether this user may make user namespaces. */
#include "doctor.h"

#include "str.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void check_kinds(struct doctor *d)
{
	static const char *const kinds[] = { "cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts" };
	struct strbuf absent = { 0 };
	char path[32];

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		(void)snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
		if (access(path, F_OK) < 0)
			strbuf_printf(&absent, "%s%s", absent.len ? ", " : "", kinds[i]);
	}
	if (absent.len) {
		doctor_add(d, HUSK_BROKEN, "namespaces", "kinds", "this kernel lacks %s", absent.s);
		doctor_remedy(d, "a kernel with CONFIG_*_NS, or a /proc that is mounted");
	} else {
		doctor_add(d, HUSK_FINE, "namespaces", "kinds", "all %zu", ARRAY_LEN(kinds));
	}
	free(absent.s);
}

/* What the child of a try says by its exit status: 0, or the errno. */
static int try_userns(void)
{
	pid_t pid = fork();
	int status = 0;

	if (pid < 0)
		return errno;
	if (pid == 0) {
		/* a module may let the namespace be made, and leave no privilege in it */
		if (unshare(CLONE_NEWUSER) < 0 || unshare(CLONE_NEWUTS) < 0 || sethostname("d", 1) < 0)
			_exit(errno & 0xff);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EFAULT;
}

static void check_user(struct doctor *d)
{
	int code = try_userns();

	if (code == 0) {
		doctor_add(d, HUSK_FINE, "namespaces", "user", "can be made");
		return;
	}
	doctor_add(d, d->rootless ? HUSK_BROKEN : HUSK_LACKS, "namespaces", "user", "cannot be made: %s",
		   strerror(code));
	if (doctor_read_number("/proc/sys/user/max_user_namespaces") == 0)
		doctor_remedy(d, "sysctl user.max_user_namespaces=15000");
	else if (doctor_read_number("/proc/sys/kernel/unprivileged_userns_clone") == 0)
		doctor_remedy(d, "sysctl kernel.unprivileged_userns_clone=1");
	else if (doctor_read_number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1)
		doctor_remedy(d, "sysctl kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile for "
				 "husk with the rule 'userns,'");
	else if (code == ENOSPC || code == EUSERS)
		doctor_remedy(d, "raise the sysctl user.max_user_namespaces; namespaces nest at most 32 deep");
	else
		doctor_remedy(d, "CONFIG_USER_NS in the kernel; in a container, an outer profile that allows "
				 "clone and unshare with CLONE_NEWUSER");
}

void doctor_namespaces(struct doctor *d)
{
	check_kinds(d);
	check_user(d);
}
