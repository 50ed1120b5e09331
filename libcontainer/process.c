/* SPDX-License-Identifier: Apache-2.0 */
/* process.c: see process.h. */
#include "process.h"

#include "annotation.h"
#include "caps.h"
#include "fd.h"
#include "kernel.h"
#include "lsm.h"
#include "mempolicy.h"
#include "passwd.h"
#include "personality.h"
#include "program.h"
#include "rlimit.h"
#include "sched.h"
#include "seal.h"
#include "seccomp_compile.h"
#include "seccomp_notify.h"
#include "state.h"
#include "str.h"
#include "sync.h"

#include <grp.h>
#include <linux/keyctl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define CACHE_DIR ".seccomp" /* below --root; no id starts with a dot */
#define DEFAULT_UMASK 0022

int process_prepare_filter(const struct husk_ctx *ctx, const struct spec *spec, struct seccomp_prog *out, struct err *e)
{
	AUTO_FD root = -1, cache = -1;
	int r;

	if (!spec->linux_->seccomp)
		return 0;
	if (annotation_is_on(spec, ANNOTATION_FAIL_UNKNOWN)) {
		r = seccomp_check_names(spec->linux_->seccomp, e);
		if (r < 0)
			return err_add(e, "annotations[\"" ANNOTATION_FAIL_UNKNOWN "\"]");
	}
	if (state_open_root(ctx, true, &root, NULL) == 0) {
		cache = openat(root, CACHE_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (cache < 0 && mkdirat(root, CACHE_DIR, 0700) == 0)
			cache = openat(root, CACHE_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	return seccomp_prepare(cache, spec->linux_->seccomp, out, e);
}

int process_guard(struct err *e)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_sys(e, errno, "prctl");
	return 0;
}

int process_outlive(struct err *e)
{
	return prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) < 0 ? err_sys(e, errno, "prctl") : 0;
}

void process_reset_signals(void)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	/* nobody passes ignored real-time signals on, and a system call each is not free */
	for (int sig = 1; sig < SIGSYS + 1; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			(void)sigaction(sig, &dfl, NULL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

int process_new_keyring(const char *name, struct err *e)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name, 0, 0, 0) >= 0)
		return 0;
	/* a kernel without keyrings, or an outer container whose filter forbids them */
	if (errno == ENOSYS || errno == EPERM)
		return 0;
	return err_sys(e, errno, "make a session keyring (sysctls kernel.keys.*; or --no-new-keyring)");
}

static const char *env_get(char *const *env, const char *name)
{
	size_t len = strlen(name);

	for (; env && *env; env++)
		if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
			return *env + len + 1;
	return NULL;
}

/* config.json's environment; HOME where it lacks, and what tells of passed sockets (sd_listen_fds(3)). */
static int make_env(struct process_exec *x, struct err *e)
{
	char *const *old = x->plan->env;
	AUTO_FD root = -1;
	char home[PATH_MAX];
	size_t n = 0;
	int r;

	x->env = x->plan->env;
	if (env_get(old, "HOME") && !x->listen_fds)
		return 0;
	while (old && old[n])
		n++;
	x->env = x_calloc(n + 4, sizeof(char *));
	if (n)
		memcpy(x->env, old, n * sizeof(char *));
	if (x->listen_fds) {
		x->env[n++] = x_printf("LISTEN_FDS=%d", x->listen_fds);
		x->env[n++] = x_strdup("LISTEN_PID=1");
	}
	if (env_get(old, "HOME"))
		return 0;
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_sys(e, errno, "open '/'");
	r = passwd_home(root, x->plan->uid, home, sizeof(home), e);
	if (r == 0)
		x->env[n] = x_printf("HOME=%s", home);
	return r;
}

/* A working directory outside of the root would be a way out of it: getcwd(2) marks such a
 * one by a path that does not begin with '/'. */
static int check_cwd(const struct process_plan *p, struct err *e)
{
	char cwd[PATH_MAX];

	if (syscall(SYS_getcwd, cwd, sizeof(cwd)) < 0)
		return err_sys(e, errno, "process.cwd: '%s' is not inside the container", p->cwd);
	if (cwd[0] != '/')
		return err_set(e, EXDEV, "process.cwd: '%s' is not inside the container", p->cwd);
	return 0;
}

/* 1: in place; 0: only the user may enter. */
static int try_cwd(const struct process_plan *p, bool last, struct err *e)
{
	if (chdir(p->cwd) == 0)
		return check_cwd(p, e) < 0 ? -EXDEV : 1;
	if (errno == EACCES && !last)
		return 0;
	return err_sys(e, errno, "process.cwd: enter '%s'", p->cwd);
}

static int set_groups(const struct process_plan *p, struct err *e)
{
	if (p->keep_groups)
		return 0;
	if (setgroups(p->n_additional_gids, p->additional_gids) == 0)
		return 0;
	/* a user namespace with a single id cannot set groups, and needs none */
	if (errno == EPERM && p->n_additional_gids == 0)
		return 0;
	return err_sys(e, errno, "process.user.additionalGids: setgroups");
}

static int set_user(const struct process_plan *p, struct err *e)
{
	int r;

	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return err_sys(e, errno, "keep capabilities over the change of user");
	r = set_groups(p, e);
	if (r < 0)
		return r;
	if (setresgid(p->gid, p->gid, p->gid) < 0)
		return err_sys(e, errno, "process.user.gid: become group %u", p->gid);
	if (setresuid(p->uid, p->uid, p->uid) < 0)
		return err_sys(e, errno, "process.user.uid: become user %u", p->uid);
	(void)prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
	return process_guard(e);
}

/* 0: path is a program; else the errno that says why not. */
static int check_program(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	if (!S_ISREG(st.st_mode) || faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
		return EACCES;
	return 0;
}

static int find_in_path(const char *name, const char *dirs, char out[PATH_MAX])
{
	int found = ENOENT;

	for (;;) {
		size_t len = strcspn(dirs, ":");
		int n = snprintf(out, PATH_MAX, "%.*s/%s", len ? (int)len : 1, len ? dirs : ".", name);
		int code = n < PATH_MAX ? check_program(out) : ENAMETOOLONG;

		if (code == 0)
			return 0;
		if (code == EACCES)
			found = EACCES;
		if (!dirs[len])
			return found;
		dirs += len + 1;
	}
}

static int find_program(struct process_exec *x, struct err *e)
{
	const char *name = x->plan->program, *dirs;
	int code;

	if (strchr(name, '/')) {
		if (strlen(name) >= sizeof(x->path))
			return err_sys(e, ENAMETOOLONG, "exec: '%.64s...'", name);
		memcpy(x->path, name, strlen(name) + 1);
		code = check_program(name);
		return code ? program_error(name, code, e) : 0;
	}
	dirs = env_get(x->plan->env, "PATH");
	code = find_in_path(name, dirs ? dirs : PROGRAM_DEFAULT_PATH, x->path);
	return code ? program_error(name, code, e) : 0;
}

/* With no_new_privs the trampoline installs the filter: it reads it from a memory file. Not one that
 * notifies: somebody must then deliver the listener. */
static int prepare_late_filter(struct process_exec *x, struct err *e)
{
	x->filter_fd = -1;
	if (!x->plan->no_new_privileges || !x->filter->n || seccomp_notifies(x->filter))
		return 0;
	return seal_bytes("husk-filter", x->filter->insns, x->filter->n * sizeof(*x->filter->insns), &x->filter_fd, e);
}

/* In the carrier of seccomp_notify_prepare(): the parent has the way to the agent, and says when it is
 * gone. */
static int send_listener(int listener, void *arg, struct err *e)
{
	const struct process_exec *x = arg;
	int r = sync_send(x->sync, SYNC_LISTENER, 0, listener, e);

	return r < 0 ? r : sync_expect(x->sync, SYNC_GO, NULL, NULL, e);
}

int process_prepare_listener(struct process_exec *x, struct err *e)
{
	if (x->carried || !seccomp_notifies(x->filter))
		return 0;
	x->carried = true;
	return seccomp_notify_prepare(send_listener, x, e);
}

static int install_filter(struct process_exec *x, struct err *e)
{
	int r = process_prepare_listener(x, e);

	if (r < 0 || !seccomp_notifies(x->filter))
		return r < 0 ? r : seccomp_install(x->filter, e);
	return seccomp_notify_install(x->filter, e);
}

/* A program may open its standard descriptors again, by /dev/stderr say, and a pipe lets only its owner do
 * that. runc and crun give away files, too; those of the host keep their owner here. */
static void give_pipes(const struct process_plan *p)
{
	for (int fd = 0; p->uid && fd <= STDERR_FILENO; fd++)
		if (fd_check_magic(fd, PIPEFS_MAGIC) == 0)
			(void)!fchown(fd, p->uid, (gid_t)-1);
}

int process_become(struct process_exec *x, struct err *e)
{
	const struct process_plan *p = x->plan;
	int cwd, r;

	(void)umask(p->have_umask ? p->umask : DEFAULT_UMASK);
	r = prepare_late_filter(x, e); /* before limits on files hold for it */
	if (r == 0 && !x->rlimits_done)
		r = rlimit_apply(0, p->rlimits, p->n_rlimits, e);
	if (r == 0 && !x->sched_done)
		r = sched_apply(0, &p->sched, e);
	if (r == 0)
		r = personality_apply(&p->personality, e);
	if (r == 0)
		r = mempolicy_apply(&p->mempolicy, e);
	if (r == 0)
		r = make_env(x, e);
	if (r < 0)
		return r;
	give_pipes(p); /* before the filter, which may forbid it */
	cwd = try_cwd(p, false, e);
	r = cwd < 0 ? cwd : caps_apply_bounding(&p->caps, e);
	if (r == 0 && !p->no_new_privileges && x->filter->n)
		r = install_filter(x, e);
	if (r == 0)
		r = set_user(p, e);
	if (r == 0)
		r = caps_apply(&p->caps, e);
	if (r == 0 && cwd == 0)
		r = try_cwd(p, true, e);
	if (r < 0)
		return r;
	if (p->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, errno, "process.noNewPrivileges");
	r = find_program(x, e);
	return r == 0 && p->no_new_privileges && seccomp_notifies(x->filter) ? install_filter(x, e) : r;
}

static int keep_open(int fd)
{
	return fcntl(fd, F_SETFD, 0) < 0 ? -errno : 0;
}

/* Executes the trampoline, which installs what is left to install and executes path. */
static int by_trampoline(const struct process_exec *x, int gate, int keep, const char *path, char *const *args,
			 char *const *env, struct err *e)
{
	bool late_filter = x->filter_fd >= 0;
	size_t bytes = late_filter ? x->filter->n * sizeof(*x->filter->insns) : 0;
	AUTO_FREE char *numbers = NULL;
	AUTO_FREE char *label = x->label_procfd >= 0 ? lsm_exec_text(&x->plan->lsm) : NULL;
	AUTO_FREE char **argv = NULL;
	AUTO_FD attr = -1;
	size_t argc = 0;
	int r;

	while (args[argc])
		argc++;
	argv = x_calloc(argc + 3, sizeof(*argv));
	r = label ? lsm_open(x->label_procfd, &x->plan->lsm, &attr, e) : 0;
	if (r < 0)
		return r;
	numbers = x_printf("%d %d %zu %u %d %s", gate, x->filter_fd, bytes, late_filter ? x->filter->flags : 0, attr,
			   label ? label : "");
	argv[0] = numbers;
	argv[1] = (char *)(uintptr_t)path;
	memcpy(argv + 2, args, argc * sizeof(*argv));
	r = fd_cloexec_from(3U + (unsigned int)keep);
	if (r == 0 && gate >= 0)
		r = keep_open(gate);
	if (r == 0 && late_filter)
		r = keep_open(x->filter_fd);
	if (r == 0 && label)
		r = keep_open(attr);
	if (r < 0)
		return err_sys(e, -r, "prepare descriptors for exec");
	r = caps_lower_readers(&x->plan->caps, e);
	if (r < 0)
		return r;
	(void)syscall(SYS_execveat, x->trampoline_fd, "", argv, env, AT_EMPTY_PATH);
	if (!late_filter && x->filter->n)
		return err_sys(e, errno,
			       "exec: execveat (linux.seccomp must allow execveat unless process.noNewPrivileges is "
			       "set and nothing is SCMP_ACT_NOTIFY)");
	return err_sys(e, errno, "exec: execveat");
}

static int move_above(int *fd, int last, struct err *e)
{
	int moved;

	if (*fd < 0 || *fd > last)
		return 0;
	moved = fcntl(*fd, F_DUPFD_CLOEXEC, last + 1);
	if (moved < 0)
		return err_sys(e, errno, "move a descriptor above %d", last);
	*fd = moved;
	return 0;
}

/* Puts what the program is given in its places, from which ours move away first. A copy of the gate goes last:
 * the trampoline has the one that execve closes. */
static int place_given(struct process_exec *x, int *gate, struct err *e)
{
	int first = 3 + x->preserve_fds, n = (int)x->n_given, last = first + n + (x->deferred ? 1 : 0) - 1;
	int *const ours[] = { gate, &x->trampoline_fd, &x->filter_fd, &x->label_procfd };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(ours); i++)
		r = move_above(ours[i], last, e);
	for (int i = 0; r == 0 && i < n; i++)
		r = move_above(&x->given[i], last, e);
	for (int i = 0; r == 0 && i < n; i++)
		r = dup2(x->given[i], first + i) < 0 ? err_sys(e, errno, "dup2") : 0;
	if (r == 0 && x->deferred)
		r = dup2(*gate, last) < 0 ? err_sys(e, errno, "dup2") : 0;
	return r;
}

int process_execute(struct process_exec *x, int gate, struct err *e)
{
	int r = 0;

	if (x->n_given || x->deferred)
		r = place_given(x, &gate, e);
	if (r == 0 && x->deferred)
		r = sync_send(gate, SYNC_DEFERRED, 0, -1, e);
	if (r < 0)
		return r;
	return by_trampoline(x, gate, x->preserve_fds + (int)x->n_given + (x->deferred ? 1 : 0), x->path, x->plan->args,
			     x->env, e);
}

int process_execute_hook(const struct process_exec *x, const char *path, char *const *argv, char *const *env)
{
	return by_trampoline(x, -1, 0, path, argv, env, NULL);
}
