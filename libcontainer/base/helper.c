/* SPDX-License-Identifier: Apache-2.0 */
/* helper.c: see helper.h. */
#include "helper.h"

#include "fd.h"
#include "str.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define SAYS_MAX 512
#define MEMORY_FILE "/memfd:" /* before the name of one: seal_self() calls a copy of husk by husk's path */

char *helper_path(const char *name)
{
	char link[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", link, sizeof(link) - 1);
	const char *self = link, *slash;
	char *beside;

	link[n > 0 ? n : 0] = '\0';
	if (str_starts(self, MEMORY_FILE))
		self += strlen(MEMORY_FILE);
	slash = strrchr(self, '/');
	if (slash) {
		beside = x_printf("%.*s/%s", (int)(slash - self), self, name);
		if (access(beside, X_OK) == 0)
			return beside;
		free(beside);
	}
	return x_printf("%s/%s", HUSK_LIBEXECDIR, name);
}

static int give(posix_spawn_file_actions_t *files, int fd, int as)
{
	if (fd < 0)
		return posix_spawn_file_actions_addopen(files, as, "/dev/null", as ? O_WRONLY : O_RDONLY, 0);
	return posix_spawn_file_actions_adddup2(files, fd, as);
}

/* 0 or a positive errno, as the functions of <spawn.h> have it. */
static int set_up(posix_spawn_file_actions_t *files, posix_spawnattr_t *attr, int in, int out, int says, int fd)
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
		code = give(files, says, STDERR_FILENO);
	if (!code)
		code = give(files, in, STDIN_FILENO);
	if (!code)
		code = give(files, out, STDOUT_FILENO);
	if (!code && fd >= 0) /* last: the others may have this number here */
		code = give(files, fd, HELPER_FD);
	if (!code)
		code = posix_spawn_file_actions_addclosefrom_np(files, fd >= 0 ? HELPER_FD + 1 : HELPER_FD);
	return code;
}

static int spawn(const char *path, char *const *argv, int in, int out, int says, int fd, char *const *env,
		 pid_t *out_pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int code = posix_spawnattr_init(&attr);

	if (code)
		return code;
	code = posix_spawn_file_actions_init(&files);
	if (!code) {
		code = set_up(&files, &attr, in, out, says, fd);
		if (!code)
			code = posix_spawn(out_pid, path, &files, &attr, argv, env);
		(void)posix_spawn_file_actions_destroy(&files);
	}
	(void)posix_spawnattr_destroy(&attr);
	return code;
}

int helper_start(struct helper *h, char *const *argv, int in, int out, int fd, char *const *env, struct err *e)
{
	AUTO_FREE char *path = NULL;
	int code;

	h->says = memfd_create(h->name, MFD_CLOEXEC);
	if (h->says < 0)
		return err_sys(e, errno, "%s: memfd_create", h->key);
	path = helper_path(h->name);
	code = spawn(path, argv, in, out, h->says, fd, env, &h->pid);
	if (!code)
		return 0;
	fd_close(&h->says);
	if (code == ENOENT)
		return err_set(e, code, "%s: the helper program '%s' is missing: install all of husk", h->key, path);
	return err_sys(e, code, "%s: start '%s'", h->key, path);
}

/* Its first line, without what would not be one line. */
static void read_words(int says, char out[SAYS_MAX])
{
	ssize_t n = pread(says, out, SAYS_MAX - 1, 0);

	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	for (char *s = out; *s; s++)
		if (iscntrl((unsigned char)*s))
			*s = '?';
}

int helper_wait(struct helper *h, struct err *e)
{
	AUTO_FD says = fd_take(&h->says);
	char words[SAYS_MAX];
	int status;

	while (waitpid(h->pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, errno, "%s: wait for %s", h->key, h->name);
	h->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	if (h->status == 0)
		return 0;
	read_words(says, words);
	if (WIFSIGNALED(status))
		return err_set(e, ECANCELED, "%s: %s was killed by signal %d: %s", h->key, h->name, WTERMSIG(status),
			       words);
	if (!*words)
		return err_set(e, ECANCELED, "%s: %s failed and did not say why", h->key, h->name);
	return err_set(e, ECANCELED, "%s: %s", h->key, words);
}
