/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child.c: what the container's first process does, in the order in which it is
 * written here. The kernel's side of each step is in linux/.
 */
#include "child.h"

#include "device.h"
#include "fd.h"
#include "hooks.h"
#include "kernel.h"
#include "lsm.h"
#include "mask.h"
#include "mount.h"
#include "namespace.h"
#include "proc.h"
#include "process.h"
#include "rootfs.h"
#include "rootpath.h"
#include "seccomp_notify.h"
#include "spawn.h"
#include "str.h"
#include "sync.h"
#include "sysctl.h"
#include "terminal.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* Ours alone, from the first moment on: the parent was not dumpable already, unless it is an ordinary
 * user who has our id maps to write: then until that is done. */
static int isolate(struct child *c, struct err *e)
{
	int r;

	process_reset_signals();
	(void)umask(0);				    /* the caller's is not the container's */
	fd_close((int *)(uintptr_t)&c->state->dir); /* or its lock would live as long as we do */
	fd_close(&c->agent);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_sys(e, errno, "prctl");
	if (setsid() < 0)
		return err_sys(e, errno, "setsid");
	r = c->wait_go ? sync_expect(c->sync, SYNC_GO, NULL, NULL, e) : 0;
	return r < 0 ? r : process_guard(e);
}

static int set_up_namespaces(struct child *c, struct err *e)
{
	const struct spec *spec = c->plan->spec;
	AUTO_FD procfd = -1;
	int r;

	if (spec->linux_->n_sysctls) {
		r = proc_open(&procfd, e);
		if (r < 0)
			return r;
	}
	r = spawn_enter(c->plan, e);
	if (r == 0)
		r = process_guard(e);
	if (r == 0 && c->plan->clone_flags & CLONE_NEWNET && !c->loopback_done)
		r = namespace_loopback_up(-1, e);
	if (r == 0)
		r = namespace_set_names(spec->hostname, spec->domainname, e);
	if (r == 0)
		r = sysctl_apply(procfd, spec->linux_->sysctls, spec->linux_->n_sysctls, e);
	if (r == 0 && !c->no_new_keyring)
		r = process_new_keyring(c->state->id, e);
	return r;
}

/* An ordinary user may clone mounts only now, in a mount namespace of its own. */
static int open_sources(struct child *c, struct err *e)
{
	int r;

	if (c->root_tree >= 0)
		return 0;
	r = rootfs_open(c->plan, &c->root_tree, e);
	if (r == 0)
		r = mount_open_sources(c->plan, e);
	if (r == 0 && c->plan->has_userns)
		r = device_open_sources(c->plan, e);
	return r;
}

static int fill_root(struct child *c, struct terminal *tty, struct err *e)
{
	const struct process_plan *p = &c->plan->process;
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->plan->n_mounts; i++)
		r = mount_apply(c->root_tree, &c->plan->mounts[i], c->plan, e);
	if (r == 0 && c->plan->dev_setup)
		r = device_make_all(c->root_tree, c->plan, e);
	if (r == 0 && c->plan->dev_setup)
		r = device_make_links(c->root_tree, e);
	if (r == 0 && p->terminal) {
		r = terminal_open(c->root_tree, p->uid, p->console_width, p->console_height, tty, e);
		if (r == 0 && c->plan->dev_setup)
			r = terminal_bind_console(c->root_tree, tty->slave, e);
	}
	return r;
}

static bool has_early_hooks(const struct spec *spec)
{
	return spec->hooks[HOOK_PRESTART].n || spec->hooks[HOOK_CREATE_RUNTIME].n ||
	       spec->hooks[HOOK_CREATE_CONTAINER].n;
}

/* The one pause before the pivot: the parent runs the hooks of the runtime's namespaces. */
static int hook_pause(struct child *c, pid_t *out_pid, struct err *e)
{
	const struct spec *spec = c->plan->spec;
	AUTO_FREE char *state = NULL;
	int r;

	if (!has_early_hooks(spec))
		return 0;
	r = sync_send(c->sync, SYNC_HOOKS, 0, -1, e);
	if (r == 0)
		r = sync_expect(c->sync, SYNC_GO, NULL, out_pid, e);
	if (r < 0 || !spec->hooks[HOOK_CREATE_CONTAINER].n)
		return r;
	state = state_json(c->state, STATE_CREATING, *out_pid);
	return hooks_run_with(spec, HOOK_CREATE_CONTAINER, state, &c->hook_output, e);
}

static int make_cwd(struct child *c, struct err *e)
{
	AUTO_FD fd = -1;
	int r = rootpath_mkdirs(c->root_tree, c->plan->process.cwd, 0755, &fd, e);

	/* a read-only root, say: entering it will tell more */
	return r < 0 && r != -EROFS && r != -EACCES && r != -ENOTDIR ? r : 0;
}

static int enter_root(struct child *c, struct err *e)
{
	const struct spec_linux *l = c->plan->spec->linux_;
	AUTO_FD null = -1;
	int r;

	r = make_cwd(c, e);
	if (r == 0 && l->masked_paths.n)
		r = mask_open_null(c->root_tree, &null, e);
	if (r == 0)
		r = rootfs_enter(c->no_pivot, e);
	if (r == 0)
		r = mask_readonly(&l->readonly_paths, e);
	if (r == 0)
		r = mask_paths(c->plan, null, e);
	return r < 0 ? r : rootfs_seal(c->plan, e);
}

static int use_terminal(struct child *c, struct terminal *tty, struct err *e)
{
	int r;

	if (!c->plan->process.terminal)
		return 0;
	r = c->plan->pids_last ? 0 : terminal_make_controlling(tty->slave, e);
	if (r == 0)
		r = terminal_use(tty->slave, e);
	if (r == 0 && c->console_socket >= 0) {
		r = terminal_send_master(c->console_socket, tty->master, e);
		fd_close(&tty->master);
	}
	return r;
}

/* With plan->pids_last: from here on the process is in the container's pid namespace. */
static int be_born(struct child *c, struct process_exec *x, struct terminal *tty, struct err *e)
{
	const struct birth_gift gift = {
		.sync = c->sync,
		.master = tty->master,
		.n_low = 3 + c->preserve_fds,
		.keep = { c->trampoline_fd, x->filter_fd, c->gate, c->label_inside },
		.have_terminal = c->plan->process.terminal,
	};

	if (!c->plan->pids_last)
		return 0;
	*tty = (struct terminal){ -1, -1 };
	x->label_procfd = c->label_inside;
	return birth_give(c->birth, &gift, e);
}

/* Waits until start (another process) connects to the gate and says GO. *gate is then
 * that connection. */
static int wait_gate(struct child *c, int *out_gate, int32_t *out_pid, struct err *e)
{
	int r = 0;

	if (c->gate < 0) {
		*out_gate = c->sync;
		r = sync_expect(c->sync, SYNC_GO, NULL, out_pid, e);
		return r < 0 ? r : process_outlive(e);
	}
	fd_close(&c->sync);
	*out_gate = -1; /* nobody listens until there is a connection */
	for (;;) {
		AUTO_FD conn = accept4(c->gate, NULL, NULL, SOCK_CLOEXEC);

		if (conn < 0 && errno != EINTR && errno != ECONNABORTED)
			return err_sys(e, errno, "accept on the gate");
		if (conn < 0 || sync_expect(conn, SYNC_GO, NULL, out_pid, NULL) < 0)
			continue;
		*out_gate = fd_take(&conn);
		fd_close(&c->gate);
		return 0;
	}
}

static int start_hooks(struct child *c, const struct process_exec *x, pid_t pid, struct err *e)
{
	const struct spec *spec = c->plan->spec;
	AUTO_FREE char *state = NULL;

	if (!spec->hooks[HOOK_START_CONTAINER].n)
		return 0;
	if (seccomp_notifies(x->filter))
		seccomp_notify_reset(); /* a hook is waited for */
	state = state_json(c->state, STATE_CREATED, pid);
	return hooks_run(spec, HOOK_START_CONTAINER, state, x, e);
}

/* Once the parent reads READY it may end, and the process behind a gate must outlive it: not before
 * a GO says that state.json names it, or nobody would find it. If the parent died before this, the
 * message cannot be sent. */
static int say_ready(struct child *c, int master, struct err *e)
{
	bool said = has_early_hooks(c->plan->spec) || seccomp_notifies(c->filter);
	int r = 0;

	if (c->gate >= 0 && (!said || c->plan->pids_last)) /* else a GO said so; of a stage (birth.h) it did not */
		r = sync_expect(c->sync, SYNC_GO, NULL, NULL, e);
	if (r == 0 && c->gate >= 0)
		r = process_outlive(e);
	return r < 0 ? r : sync_send(c->sync, SYNC_READY, 0, master, e);
}

/* The whole sequence. *out_peer is where a failure is told. */
static int run(struct child *c, int *out_peer, struct err *e)
{
	struct process_exec x = {
		.plan = &c->plan->process,
		.filter = c->filter,
		.trampoline_fd = c->trampoline_fd,
		.label_procfd = c->label_procfd,
		.sync = c->sync,
		.preserve_fds = c->preserve_fds,
		.listen_fds = c->listen_fds,
		.n_given = c->n_given,
		.deferred = c->deferred,
		.rlimits_done = c->rlimits_done,
		.sched_done = c->rlimits_done || c->plan->pids_last,
	};
	struct terminal tty = { -1, -1 };
	pid_t pid = 0;
	int r;

	memcpy(x.given, c->given, c->n_given * sizeof(*x.given));
	r = isolate(c, e);
	if (r == 0)
		r = lsm_check(c->label_procfd, &c->plan->process.lsm, e);
	if (r == 0)
		r = set_up_namespaces(c, e);
	if (r == 0)
		r = open_sources(c, e);
	if (r == 0)
		r = rootfs_attach(c->root_tree, c->plan, e);
	if (r == 0)
		r = fill_root(c, &tty, e);
	if (r == 0)
		r = hook_pause(c, &pid, e);
	if (r == 0)
		r = enter_root(c, e);
	if (r == 0)
		r = use_terminal(c, &tty, e);
	if (r == 0 && c->plan->pids_last)
		r = process_prepare_listener(&x, e);
	if (r == 0 && c->plan->pids_last)
		r = spawn_join_pids(c->plan, e);
	if (r == 0)
		r = process_become(&x, e);
	if (r == 0)
		r = be_born(c, &x, &tty, e);
	if (r == 0)
		r = say_ready(c, tty.master, e);
	if (r == 0)
		r = wait_gate(c, out_peer, &pid, e);
	if (r == 0)
		r = start_hooks(c, &x, pid, e);
	return r < 0 ? r : process_execute(&x, *out_peer, e);
}

void child_run(struct child *c)
{
	struct err e = { 0 };
	int peer = c->sync;

	(void)run(c, &peer, &e);
	(void)sync_send_err(peer, &e);
	_exit(1);
}
