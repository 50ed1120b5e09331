/* SPDX-License-Identifier: Apache-2.0 */
/* program.c: see program.h. fork(2), execve(2), capset(2). */
#include "program.h"

#include "fd.h"
#include "machine.h"
#include "network.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define PROGRAM_FDS_MAX (1 + NETWORK_LINKS_MAX)
#define NOBODY 65534 /* the hypervisor's user and group */

/* What the kernel passes on over execve(2), but for the descriptors. */
static void reset_signals(void)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void say(const char *what, const char *path)
{
	char line[512];
	int len = snprintf(line, sizeof(line), "husk-mon: %s '%s': %s\n", what, path, strerror(errno));

	(void)!write(STDERR_FILENO, line, len < (int)sizeof(line) ? (size_t)len : sizeof(line) - 1);
}

int program_drop_capabilities(struct err *e)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &head, none) < 0)
		return err_sys(e, errno, "give up the capabilities");
	return 0;
}

/* In a user namespace of a single id (an ordinary user's) there is no other user to become: then the hypervisor
 * has no capability, at least, and with no_new_privs gets none by execve(2). */
static int drop_user(void)
{
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		return -1;
	if (setresgid(NOBODY, NOBODY, NOBODY) < 0 && errno != EINVAL)
		return -1;
	if (setresuid(NOBODY, NOBODY, NOBODY) == 0)
		return 0;
	return errno == EINVAL ? program_drop_capabilities(NULL) : -1;
}

/* The descriptors go where the program has them, by copies above all of those. */
static int place(const struct program *p)
{
	const int first = MACHINE_FD_CHILD + (int)p->n_fds;
	int copies[PROGRAM_FDS_MAX];

	for (size_t i = 0; i < p->n_fds; i++) {
		copies[i] = fcntl(p->fds[i], F_DUPFD, first);
		if (copies[i] < 0)
			return -1;
	}
	for (size_t i = 0; i < p->n_fds; i++)
		if (dup2(copies[i], MACHINE_FD_CHILD + (int)i) < 0)
			return -1;
	return fd_close_others((unsigned int)first, NULL, 0);
}

static __attribute__((noreturn)) void become(const struct program *p)
{
	static char *const env[] = { (char *)(uintptr_t) "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	const int above = MACHINE_FD_CHILD + PROGRAM_FDS_MAX;
	int null = open("/dev/null", O_RDONLY);
	int in = fcntl(null, F_DUPFD, above), out = fcntl(p->console, F_DUPFD, above);

	if (in < 0 || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0 || place(p) < 0)
		_exit(126);
	reset_signals();
	(void)setsid();
	if (p->drop && drop_user() < 0) {
		say("give up the user of", p->argv[0]);
		_exit(126);
	}
	(void)execve(p->argv[0], p->argv, env);
	say("execute", p->argv[0]);
	_exit(127);
}

int program_start(const struct program *p, pid_t *out, struct err *e)
{
	pid_t pid;

	if (p->n_fds > PROGRAM_FDS_MAX)
		return err_set(e, EMFILE, "%zu descriptors for '%s'", p->n_fds, p->argv[0]);
	pid = fork();
	if (pid < 0)
		return err_sys(e, errno, "fork");
	if (pid == 0)
		become(p);
	*out = pid;
	return 0;
}
