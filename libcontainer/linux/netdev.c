/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netdev.c: see netdev.h. Netlink is the helper's work, a program of its own: few
 * containers need it, and each start would pay for it. It is looked for beside the
 * husk binary and then where `make install` puts it; nothing else says where.
 */
#include "netdev.h"

#include "fd.h"
#include "io.h"
#include "kernel.h"
#include "str.h"

#include <ctype.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define HELPER "husk-net"
#define HELPER_INSTALLED HUSK_LIBEXECDIR "/" HELPER
#define HELPER_NETNS_FD 3 /* its number in the helper */
#define HELPER_SAYS_MAX 512

/* Malloc'ed. */
static char *find_helper(void)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *slash;
	char *beside;

	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return x_strdup(HELPER_INSTALLED);
	beside = x_printf("%.*s/" HELPER, (int)(slash - self), self);
	if (access(beside, X_OK) == 0)
		return beside;
	free(beside);
	return x_strdup(HELPER_INSTALLED);
}

static int open_netns(const struct plan *plan, pid_t pid, int *out_fd, struct err *e)
{
	AUTO_FREE char *path = NULL;

	for (size_t i = 0; i < plan->n_joins; i++) {
		if (plan->joins[i].clone_flag != CLONE_NEWNET)
			continue;
		*out_fd = fcntl(plan->joins[i].fd, F_DUPFD_CLOEXEC, 0);
		return *out_fd < 0 ? err_sys(e, errno, "linux.netDevices: dup") : 0;
	}
	path = x_printf("/proc/%d/ns/net", (int)pid);
	*out_fd = open(path, O_RDONLY | O_CLOEXEC);
	return *out_fd < 0 ? err_sys(e, errno, "linux.netDevices: open '%s'", path) : 0;
}

/* Freed as one block; the names stay the spec's. */
static char **helper_args(const struct spec_linux *l)
{
	static char fd_text[] = { '0' + HELPER_NETNS_FD, '\0' };
	char **argv = x_calloc(5 + 2 * l->n_netdevs, sizeof(*argv)), **next = argv;

	*next++ = (char *)(uintptr_t)HELPER;
	*next++ = (char *)(uintptr_t) "move";
	*next++ = (char *)(uintptr_t) "--netns-fd";
	*next++ = fd_text;
	for (size_t i = 0; i < l->n_netdevs; i++) {
		*next++ = (char *)(uintptr_t)l->netdevs[i].host_name;
		*next++ = (char *)(uintptr_t)l->netdevs[i].name;
	}
	return argv;
}

/* What the helper is given: no signal of ours, and no descriptor but these. 0 or a positive errno. */
static int set_up_helper(posix_spawn_file_actions_t *files, posix_spawnattr_t *attr, int netns, int says)
{
	sigset_t none, all;
	int code;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	code = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (!code)
		code = posix_spawnattr_setsigmask(attr, &none);
	if (!code)
		code = posix_spawnattr_setsigdefault(attr, &all);
	if (!code)
		code = posix_spawn_file_actions_adddup2(files, says, STDERR_FILENO);
	if (!code)
		code = posix_spawn_file_actions_adddup2(files, netns, HELPER_NETNS_FD);
	if (!code)
		code = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!code)
		code = posix_spawn_file_actions_addopen(files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (!code)
		code = posix_spawn_file_actions_addclosefrom_np(files, HELPER_NETNS_FD + 1);
	return code;
}

static int spawn_helper(const char *path, char **argv, int netns, int says, pid_t *out_pid)
{
	static char *no_env[] = { NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int code = posix_spawnattr_init(&attr);

	if (code)
		return code;
	code = posix_spawn_file_actions_init(&files);
	if (!code) {
		code = set_up_helper(&files, &attr, netns, says);
		if (!code)
			code = posix_spawn(out_pid, path, &files, &attr, argv, no_env);
		(void)posix_spawn_file_actions_destroy(&files);
	}
	(void)posix_spawnattr_destroy(&attr);
	return code;
}

/* Its first line, without what would not be one line. */
static void read_words(int says, char out[HELPER_SAYS_MAX])
{
	ssize_t n = pread(says, out, HELPER_SAYS_MAX - 1, 0);

	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	for (char *s = out; *s; s++)
		if (iscntrl((unsigned char)*s))
			*s = '?';
}

static int wait_helper(pid_t pid, int says, struct err *e)
{
	char words[HELPER_SAYS_MAX];
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, errno, "linux.netDevices: wait for " HELPER);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	read_words(says, words);
	if (WIFSIGNALED(status))
		return err_set(e, ECANCELED, "linux.netDevices: " HELPER " was killed by signal %d: %s",
			       WTERMSIG(status), words);
	return err_set(e, ECANCELED, "linux.netDevices: %s", *words ? words : HELPER " failed and did not say why");
}

int netdev_move_all(const struct plan *plan, pid_t pid, struct err *e)
{
	AUTO_FREE char *helper = NULL;
	AUTO_FREE char **argv = NULL;
	AUTO_FD netns = -1;
	AUTO_FD says = -1;
	pid_t helper_pid;
	int code, r;

	if (plan->spec->linux_->n_netdevs == 0)
		return 0;
	r = open_netns(plan, pid, &netns, e);
	if (r < 0)
		return r;
	says = memfd_create(HELPER, MFD_CLOEXEC);
	if (says < 0)
		return err_sys(e, errno, "linux.netDevices: memfd_create");
	helper = find_helper();
	argv = helper_args(plan->spec->linux_);
	code = spawn_helper(helper, argv, netns, says, &helper_pid);
	if (code == ENOENT)
		return err_set(e, code, "linux.netDevices: the helper program '%s' is missing: install all of husk",
			       helper);
	if (code)
		return err_sys(e, code, "linux.netDevices: start '%s'", helper);
	return wait_helper(helper_pid, says, e);
}
