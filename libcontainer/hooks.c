/* SPDX-License-Identifier: Apache-2.0 */
/* hooks.c: see hooks.h. A hook's standard error is a pipe, read while it runs, so that one
 * which writes much cannot block; not a file, which a shell's ">/dev/stderr" would truncate. The state
 * goes to it by a memory file, as it need not read it. */
#include "hooks.h"

#include "annotation.h"
#include "attach.h"
#include "clock.h"
#include "fd.h"
#include "io.h"
#include "kernel.h"
#include "log.h"
#include "process.h"
#include "str.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define TAIL_MAX 255	 /* bytes of standard error in a message */
#define LOOK_MS 10	 /* between looks at a process that cannot be polled */
#define INTERRUPT_MS 100 /* between looks for a signal that ends us */
#define REST_READS 1024	 /* of TAIL_MAX bytes, of what a pipe held when the hook ended */

/* The last that a hook wrote. */
struct tail {
	char text[TAIL_MAX];
	size_t len;
};

static const struct hook_output no_output = { -1, -1 };

static int open_output(const struct spec *spec, const char *name, int *out_fd, struct err *e)
{
	const char *path = NULL;
	int r = annotation_host_path(spec, name, &path, e);

	if (r < 0 || !path)
		return r;
	*out_fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_CLOEXEC, 0600);
	return *out_fd < 0 ? err_sys(e, errno, "annotations[\"%s\"]: open '%s'", name, path) : 0;
}

int hooks_open_output(const struct spec *spec, struct hook_output *out, struct err *e)
{
	struct hook_output o = no_output;
	int r = open_output(spec, ANNOTATION_HOOKS_STDOUT, &o.out, e);

	if (r == 0)
		r = open_output(spec, ANNOTATION_HOOKS_STDERR, &o.err, e);
	if (r < 0)
		hooks_close_output(&o);
	else
		*out = o;
	return r;
}

void hooks_close_output(struct hook_output *o)
{
	fd_close(&o->out);
	fd_close(&o->err);
}

/* What one hook is run with. */
struct hook_run {
	const char *state_json;
	const struct process_exec *container; /* NULL: a program of the host */
	const struct hook_output *output;
	bool interruptible;
};

static __attribute__((noreturn)) void hook_child(const struct spec_hook *hook, int in, int err,
						 const struct hook_run *run)
{
	const struct process_exec *container = run->container;
	int out = run->output->out;
	char *argv[] = { (char *)(uintptr_t)hook->path, NULL };
	char *none[] = { NULL };
	char *const *args = hook->args.n ? hook->args.v : argv;

	process_reset_signals();
	if (run->output->err >= 0)
		err = run->output->err;
	if (out < 0)
		out = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (dup2(in, 0) < 0 || dup2(out >= 0 ? out : err, 1) < 0 || dup2(err, 2) < 0)
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

/* Takes what is there of a hook's standard error, of which the end is kept. False: nothing now. */
static bool tail_take(int fd, struct tail *t)
{
	char buf[TAIL_MAX];
	ssize_t n = read(fd, buf, sizeof(buf));
	size_t len = n > 0 ? (size_t)n : 0, over;

	over = t->len + len > sizeof(t->text) ? t->len + len - sizeof(t->text) : 0;
	memmove(t->text, t->text + over, t->len - over);
	memcpy(t->text + t->len - over, buf, len);
	t->len += len - over;
	return n > 0;
}

/* The last line of it, trimmed. */
static void tail_line(const struct tail *t, char out[TAIL_MAX + 1])
{
	size_t n = t->len;
	char *line;

	memcpy(out, t->text, n);
	while (n > 0 && (out[n - 1] == '\n' || out[n - 1] == ' '))
		n--;
	out[n] = '\0';
	line = strrchr(out, '\n');
	if (line)
		memmove(out, line + 1, strlen(line + 1) + 1);
}

/* What a message says of a hook that failed: the last line that it wrote. */
static const char *reason(const char *tail, int status, bool in_file)
{
	if (*tail)
		return tail;
	if (in_file)
		return "see the file of " ANNOTATION_HOOKS_STDERR;
	return status == 126 || status == 127 ? "it could not be executed" : "it wrote nothing to standard error";
}

/* Waits for pid at most timeout seconds (0: for ever) and reads its standard error meanwhile; a process
 * that it leaves behind may hold that open. *out_status as of waitpid(2). */
static int wait_hook(pid_t pid, int timeout, bool interruptible, int err, struct tail *t, int *out_status)
{
	AUTO_FD pidfd = sys_pidfd_open(pid, 0);
	int64_t end = clock_monotonic_ms() + timeout * (int64_t)1000;
	struct pollfd p[2] = { { .fd = pidfd, .events = POLLIN }, { .fd = err, .events = POLLIN } };
	int late = 0;

	for (;;) {
		int64_t left = timeout > 0 ? end - clock_monotonic_ms() : INT_MAX;
		pid_t w;

		if (!late && (left <= 0 || (interruptible && attach_interrupted()))) {
			if (waitpid(pid, out_status, WNOHANG) == pid) /* it was we who were late */
				break;
			late = left <= 0 ? -ETIMEDOUT : -EINTR;
			(void)kill(pid, SIGKILL);
		}
		if (pidfd < 0 || late) /* a seccomp filter, say: look now and then */
			left = LOOK_MS;
		else if (interruptible && left > INTERRUPT_MS)
			left = INTERRUPT_MS;
		(void)poll(p, 2, left > INT_MAX ? INT_MAX : (int)left);
		if (p[1].revents && !tail_take(err, t))
			p[1].fd = -1;
		w = waitpid(pid, out_status, WNOHANG);
		if (w < 0 && errno != EINTR)
			return -errno;
		if (w == pid)
			break;
	}
	for (int i = 0; i < REST_READS && tail_take(err, t); i++)
		;
	return late;
}

static int run_one(const struct spec_hook *hook, const struct hook_run *run, struct err *e)
{
	AUTO_FD in = memfd_create("husk-state", MFD_CLOEXEC);
	AUTO_FD err = -1;
	struct tail tail = { .len = 0 };
	char line[TAIL_MAX + 1];
	int pair[2], status = 0, r;
	pid_t pid;

	if (in < 0 || io_write_all(in, run->state_json, strlen(run->state_json)) < 0 || lseek(in, 0, SEEK_SET) < 0)
		return err_sys(e, errno, "prepare the hook '%s'", hook->path);
	if (pipe2(pair, O_CLOEXEC) < 0)
		return err_sys(e, errno, "prepare the hook '%s'", hook->path);
	err = pair[0];
	pid = fork();
	if (pid == 0)
		hook_child(hook, in, pair[1], run);
	(void)close(pair[1]);
	if (pid < 0)
		return err_sys(e, errno, "fork for the hook '%s'", hook->path);
	r = fcntl(err, F_SETFL, O_NONBLOCK) < 0
		    ? -errno
		    : wait_hook(pid, hook->timeout, run->interruptible, err, &tail, &status);
	tail_line(&tail, line);
	if (r == -ETIMEDOUT)
		return err_set(e, ETIMEDOUT, "'%s' did not end within its timeout of %d s", hook->path, hook->timeout);
	if (r == -EINTR)
		return err_set(e, EINTR, "'%s' was ended: husk got a signal to end", hook->path);
	if (r < 0)
		return err_sys(e, -r, "wait for '%s'", hook->path);
	if (WIFSIGNALED(status))
		return err_set(e, ECANCELED, "'%s' was killed by signal %d: %s", hook->path, WTERMSIG(status),
			       reason(line, 0, run->output->err >= 0));
	if (WEXITSTATUS(status) != 0)
		return err_set(e, ECANCELED, "'%s' ended with status %d: %s", hook->path, WEXITSTATUS(status),
			       reason(line, WEXITSTATUS(status), run->output->err >= 0));
	return 0;
}

static int run_all(const struct spec *spec, enum spec_hook_kind kind, const struct hook_run *run, struct err *e)
{
	for (size_t i = 0; i < spec->hooks[kind].n; i++) {
		int r = run_one(&spec->hooks[kind].v[i], run, e);

		if (r < 0)
			return err_add(e, "hooks.%s[%zu]", spec_hook_names[kind], i);
	}
	return 0;
}

int hooks_run_with(const struct spec *spec, enum spec_hook_kind kind, const char *state_json,
		   const struct hook_output *output, struct err *e)
{
	struct hook_run run = { .state_json = state_json, .output = output };

	return run_all(spec, kind, &run, e);
}

/* Programs of the host, their output where config.json says. */
static int run_on_host(const struct spec *spec, enum spec_hook_kind kind, const char *state_json, bool interruptible,
		       struct err *e)
{
	struct hook_output output = no_output;
	struct hook_run run = { .state_json = state_json, .output = &output, .interruptible = interruptible };
	int r = 0;

	if (spec->hooks[kind].n)
		r = hooks_open_output(spec, &output, e);
	if (r == 0)
		r = run_all(spec, kind, &run, e);
	hooks_close_output(&output);
	return r;
}

/* A program of the container gets no file of the host: with it came the way to it (/proc/self/fd). */
int hooks_run(const struct spec *spec, enum spec_hook_kind kind, const char *state_json,
	      const struct process_exec *container, struct err *e)
{
	struct hook_run run = { .state_json = state_json, .container = container, .output = &no_output };

	return container ? run_all(spec, kind, &run, e) : run_on_host(spec, kind, state_json, false, e);
}

int hooks_run_interruptible(const struct spec *spec, enum spec_hook_kind kind, const char *state_json, struct err *e)
{
	return run_on_host(spec, kind, state_json, true, e);
}

void hooks_run_after(const struct spec *spec, enum spec_hook_kind kind, const struct state *s)
{
	AUTO_FREE char *text = NULL;
	struct err e = { 0 };

	if (!spec->hooks[kind].n)
		return;
	text = state_json(s, kind == HOOK_POSTSTOP ? STATE_STOPPED : STATE_RUNNING, s->pid);
	if (hooks_run(spec, kind, text, NULL, &e) < 0)
		log_warn("%s: ignoring", e.msg);
}
