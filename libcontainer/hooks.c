/* SPDX-License-Identifier: Apache-2.0 */
/* hooks.c: see hooks.h. A hook's standard error goes to a memory file, so that one which
 * writes much cannot block, and the state to it by one too. */
#include "hooks.h"

#include "fd.h"
#include "io.h"
#include "kernel.h"
#include "process.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#define TAIL_MAX 256	     /* bytes of standard error in a message */
#define OUTPUT_MAX (1 << 20) /* bytes of standard error that are taken; more is an error to the hook */

static const char *const names[HOOK_KINDS] = {
	[HOOK_PRESTART] = "prestart",
	[HOOK_CREATE_RUNTIME] = "createRuntime",
	[HOOK_CREATE_CONTAINER] = "createContainer",
	[HOOK_START_CONTAINER] = "startContainer",
	[HOOK_POSTSTART] = "poststart",
	[HOOK_POSTSTOP] = "poststop",
};

const char *hooks_name(enum spec_hook_kind kind)
{
	return names[kind];
}

static __attribute__((noreturn)) void hook_child(const struct spec_hook *hook, int in, int err,
						 const struct process_exec *container)
{
	char *argv[] = { (char *)(uintptr_t)hook->path, NULL };
	char *none[] = { NULL };
	char *const *args = hook->args.n ? hook->args.v : argv;
	int null;

	process_reset_signals();
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (dup2(in, 0) < 0 || dup2(null >= 0 ? null : err, 1) < 0 || dup2(err, 2) < 0)
		_exit(1);
	if (container) {
		/* the trampoline has no text for a failure */
		if (faccessat(AT_FDCWD, hook->path, X_OK, AT_EACCESS) == 0)
			errno = -process_execute_hook(container, hook->path, args, hook->env.v ? hook->env.v : none);
	} else {
		(void)fd_cloexec_from(3);
		(void)execve(hook->path, args, hook->env.v ? hook->env.v : environ);
	}
	dprintf(2, "%s\n", strerror(errno));
	_exit(127);
}

/* The last line of what a hook wrote, trimmed. */
static void tail_of(int fd, char out[TAIL_MAX])
{
	off_t end = lseek(fd, 0, SEEK_CUR); /* shared with the hook: where it stopped writing */
	off_t from = end > TAIL_MAX - 1 ? end - (TAIL_MAX - 1) : 0;
	ssize_t n = pread(fd, out, (size_t)(end - from), from); /* zeroes come after it */
	char *line;

	out[n > 0 ? n : 0] = '\0';
	while (n > 0 && (out[n - 1] == '\n' || out[n - 1] == ' '))
		out[--n] = '\0';
	line = strrchr(out, '\n');
	if (line)
		memmove(out, line + 1, strlen(line + 1) + 1);
}

/* What a message says of a hook that failed: the last line that it wrote. */
static const char *reason(const char *tail, int status)
{
	if (*tail)
		return tail;
	return status == 126 || status == 127 ? "it could not be executed" : "it wrote nothing to standard error";
}

/* Waits for pid at most timeout seconds (0: for ever). *out_status as of waitpid(2). */
static int wait_hook(pid_t pid, int timeout, int *out_status)
{
	AUTO_FD pidfd = timeout > 0 ? sys_pidfd_open(pid, 0) : -1;
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int late = 0;

	if (pidfd >= 0) {
		int r;

		do
			r = poll(&p, 1, timeout * 1000);
		while (r < 0 && errno == EINTR);
		late = r == 0;
		if (late)
			(void)sys_pidfd_send_signal(pidfd, SIGKILL);
	}
	while (waitpid(pid, out_status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return late ? -ETIMEDOUT : 0;
}

static int run_one(const struct spec_hook *hook, const char *state_json, const struct process_exec *container,
		   struct err *e)
{
	AUTO_FD in = memfd_create("husk-state", MFD_CLOEXEC);
	AUTO_FD err = memfd_create("husk-hook", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char tail[TAIL_MAX];
	int status = 0, r;
	pid_t pid;

	if (err < 0 || ftruncate(err, OUTPUT_MAX) < 0 || fcntl(err, F_ADD_SEALS, F_SEAL_GROW) < 0)
		return err_sys(e, errno, "prepare the hook '%s'", hook->path);
	if (in < 0 || io_write_all(in, state_json, strlen(state_json)) < 0 || lseek(in, 0, SEEK_SET) < 0)
		return err_sys(e, errno, "prepare the hook '%s'", hook->path);
	pid = fork();
	if (pid < 0)
		return err_sys(e, errno, "fork for the hook '%s'", hook->path);
	if (pid == 0)
		hook_child(hook, in, err, container);
	r = wait_hook(pid, hook->timeout, &status);
	tail_of(err, tail);
	if (r == -ETIMEDOUT)
		return err_set(e, ETIMEDOUT, "'%s' did not end within its timeout of %d s", hook->path, hook->timeout);
	if (r < 0)
		return err_sys(e, -r, "wait for '%s'", hook->path);
	if (WIFSIGNALED(status))
		return err_set(e, ECANCELED, "'%s' was killed by signal %d: %s", hook->path, WTERMSIG(status),
			       reason(tail, 0));
	if (WEXITSTATUS(status) != 0)
		return err_set(e, ECANCELED, "'%s' ended with status %d: %s", hook->path, WEXITSTATUS(status),
			       reason(tail, WEXITSTATUS(status)));
	return 0;
}

int hooks_run(const struct spec *spec, enum spec_hook_kind kind, const char *state_json,
	      const struct process_exec *container, struct err *e)
{
	for (size_t i = 0; i < spec->hooks[kind].n; i++) {
		int r = run_one(&spec->hooks[kind].v[i], state_json, container, e);

		if (r < 0)
			return err_add(e, "hooks.%s[%zu]", names[kind], i);
	}
	return 0;
}
