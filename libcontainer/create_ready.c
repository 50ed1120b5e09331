/* SPDX-License-Identifier: Apache-2.0 */
/* create_ready.c: see create_ready.h. */
#include "create_ready.h"

#include "annotation.h"
#include "attach.h"
#include "caller.h"
#include "cgroup_apply.h"
#include "create_cgroup.h"
#include "fd.h"
#include "hooks.h"
#include "io.h"
#include "kernel.h"
#include "listener.h"
#include "namespace.h"
#include "proc.h"
#include "rdt.h"
#include "sched.h"
#include "str.h"
#include "sync.h"

#include <poll.h>
#include <string.h>
#include <sys/wait.h>

#define INTERRUPT_MS 100 /* between looks for a signal that ends us */
#define FROZEN_MS 1000	 /* how long the child may stand still */

bool creation_raises_loopback(const struct creation *c)
{
	return c->ctx->host_root && c->plan->clone_flags & CLONE_NEWNET;
}

/* The terminal comes with READY, and must have its size before the program can ask for it. */
static bool relays_terminal(const struct creation *c, enum creation_mode mode)
{
	return mode == CREATION_ATTACHED && c->plan->process.terminal && !c->opts->console_socket;
}

/* The child stops before READY until we have done something for it: hooks, or its listener. Where that is
 * a stage (birth.h), both are over when the process is born. */
static bool child_pauses(const struct creation *c)
{
	const struct spec_hooks *hooks = c->spec->hooks;

	if (c->plan->pids_last)
		return false;
	return hooks[HOOK_PRESTART].n || hooks[HOOK_CREATE_RUNTIME].n || hooks[HOOK_CREATE_CONTAINER].n ||
	       seccomp_notifies(&c->filter);
}

/* The GO that creation_announce() sends is not for the program, or is not sent. */
static bool owes_go(const struct creation *c, enum creation_mode mode)
{
	return child_pauses(c) || relays_terminal(c, mode);
}

static int send_pidfd_to_receiver(const struct creation *c, struct err *e)
{
	const char *path = NULL;
	int r = annotation_host_path(c->spec, ANNOTATION_PIDFD_RECEIVER, &path, e);

	if (r < 0)
		return r;
	return caller_send_pidfd(path, "annotations[\"" ANNOTATION_PIDFD_RECEIVER "\"]", c->pidfd, e);
}

/* In the state directory, so that delete finds it. Twice where there are hooks before the process that
 * was set up is born (birth.h). */
static int write_down(struct creation *c, struct err *e)
{
	const struct spec_intel_rdt *rdt = c->spec->linux_->intel_rdt;
	int r;

	r = io_replace_file(c->state.dir, STATE_CONFIG, c->spec->text, strlen(c->spec->text), 0600, e);
	if (r == 0 && c->instead.note)
		r = io_replace_file(c->state.dir, HUSK_STATE_NOTE, c->instead.note, strlen(c->instead.note), 0600, e);
	if (r == 0 && c->state.start_time)
		r = rdt_enter(rdt, c->state.id, c->state.pid, e);
	else if (r == 0) /* after the file by which delete finds the group */
		r = rdt_create(rdt, c->state.id, c->state.pid, e);
	if (r < 0)
		return r;
	r = creation_raises_loopback(c) ? namespace_loopback_up(c->pidfd, e) : 0;
	if (r < 0)
		return r;
	r = proc_start_time(c->state.pid, &c->state.start_time, NULL);
	if (r < 0)
		return err_sys(e, -r, "find the container's process");
	return state_write(&c->state, e);
}

int creation_announce(struct creation *c, enum creation_mode mode, struct err *e)
{
	int r;

	r = write_down(c, e);
	if (r == 0)
		r = caller_write_pid(c->opts->pid_file, c->state.pid, e);
	c->pid_written = r == 0 && c->opts->pid_file;
	if (r == 0)
		r = caller_send_pidfd(c->opts->pidfd_socket, "--pidfd-socket", c->pidfd, e);
	if (r == 0)
		r = send_pidfd_to_receiver(c, e);
	return r < 0 || owes_go(c, mode) ? r : sync_send(c->sync, SYNC_GO, c->state.pid, -1, e);
}

static int runtime_hooks(struct creation *c, struct err *e)
{
	AUTO_FREE char *state = state_json(&c->state, STATE_CREATING, c->state.pid);
	int r;

	/* those of a stage (birth.h) come before creation_announce() */
	r = c->state.start_time ? 0 : write_down(c, e);
	if (r < 0)
		return r;
	c->owes_poststop = true;
	r = hooks_run_interruptible(c->spec, HOOK_PRESTART, state, e);
	if (r == 0)
		r = hooks_run_interruptible(c->spec, HOOK_CREATE_RUNTIME, state, e);
	return r < 0 ? r : sync_send(c->sync, SYNC_GO, c->state.pid, -1, e);
}

/* The child's filter is in force; what it calls from now on may wait for the agent. */
static int pass_listener(struct creation *c, int listener, struct err *e)
{
	int r;

	if (c->agent < 0 || listener < 0)
		return err_set(e, EPROTO, "the container's process sent a listener that was not due");
	r = listener_send(&c->agent, c->spec->linux_->seccomp, &c->state, STATE_CREATING, c->state.pid, listener, e);
	return r < 0 ? r : sync_send(c->sync, SYNC_GO, c->state.pid, -1, e);
}

/* Whom the kernel killed in the cgroup so far was the child, if that is dead. */
static bool out_of_memory(const struct creation *c)
{
	struct pollfd dead = { .fd = c->pidfd, .events = POLLIN };

	return c->cgroup >= 0 && c->pidfd >= 0 && poll(&dead, 1, 0) == 1 && cgroup_oom_kills(c->cgroup) > 0;
}

static int memory_err(struct err *e)
{
	return err_set(
		e, ENOMEM,
		"linux.resources.memory.limit: too low to start the container: the kernel killed its process during "
		"set-up, for want of memory");
}

/* How it died, by its own status: it is our child, and nobody else waits for it. r: what sync_recv() gave,
 * with *e. */
static int child_died(struct creation *c, int r, struct err *e)
{
	int status = 0;

	if (c->plan->pids_last) /* what may be traced may be stopped, its socket shut */
		(void)sys_pidfd_send_signal(c->pidfd, SIGKILL);
	if (waitpid(c->state.pid, &status, 0) != c->state.pid)
		status = 0;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && out_of_memory(c))
		return memory_err(e);
	if (WIFSIGNALED(status))
		return err_set(e, ECHILD, "the container's process died during set-up, of signal %d (%s)%s",
			       WTERMSIG(status), sigabbrev_np(WTERMSIG(status)),
			       WTERMSIG(status) == SIGSYS ? ": linux.seccomp kills what the set-up itself calls" : "");
	return r < 0 ? r : err_set(e, ECHILD, "the container's process died during set-up");
}

/* Until the child says something, or somebody wants us to end, or it cannot say anything. */
static int wait_child(const struct creation *c, struct err *e)
{
	struct pollfd p = { .fd = c->sync, .events = POLLIN };
	int frozen_ms = 0;

	while (poll(&p, 1, INTERRUPT_MS) == 0) {
		if (attach_interrupted())
			return err_set(e, EINTR, "ended by a signal before the container ran");
		frozen_ms = creation_cgroup_is_frozen(c) ? frozen_ms + INTERRUPT_MS : 0;
		if (frozen_ms >= FROZEN_MS)
			return creation_cgroup_frozen_err(c, e);
	}
	return 0;
}

/* Serves the child until it says this. What comes with it is a terminal's master. A process that was born
 * where it can be traced (birth.h) may be made to say anything: it is owed nothing more. */
static int wait_message(struct creation *c, enum sync_type until, struct err *e)
{
	bool born = c->plan->pids_last && until == SYNC_READY;
	int r;

	for (;;) {
		AUTO_FD fd = -1;

		r = wait_child(c, e);
		if (r < 0)
			return r;
		r = sync_recv(c->sync, &fd, NULL, e);
		if (r == 0 || r == -ECONNRESET)
			return child_died(c, r, e);
		if (r == (int)until && c->master < 0 && !born)
			c->master = fd_take(&fd);
		if (r < 0 || r == (int)until)
			return r < 0 ? r : 0;
		if (r == SYNC_HOOKS && !born)
			r = runtime_hooks(c, e);
		else if (r == SYNC_LISTENER && !born)
			r = pass_listener(c, fd, e);
		else
			r = err_set(e, EPROTO, "the container's process sent message %d out of turn", r);
		if (r < 0)
			return r;
	}
}

int creation_wait_ready(struct creation *c, enum creation_mode mode, struct err *e)
{
	int r = wait_message(c, SYNC_READY, e);

	if (r < 0)
		return r;
	attach_copy_size(c->master);
	if (mode != CREATION_GATED && owes_go(c, mode))
		r = sync_send(c->sync, SYNC_GO, c->state.pid, -1, e);
	if (r < 0)
		return r;
	c->state.ready = true;
	return state_write(&c->state, e);
}

int creation_wait_birth(struct creation *c, struct err *e)
{
	int r = wait_message(c, SYNC_BIRTH, e);

	c->told = r < 0;
	if (r == 0)
		r = birth_take(&c->birth, c->sync, &c->state.pid, &c->pidfd, e);
	return r < 0 ? r : sched_apply(c->state.pid, &c->plan->process.sched, e);
}

void creation_prefer_child_error(struct creation *c, struct err *e)
{
	struct pollfd p = { .fd = c->sync, .events = POLLIN };
	struct err said = { 0 };
	int r = c->told ? 0 : 1;

	while (r > 0 && c->pidfd >= 0 && poll(&p, 1, 0) > 0) {
		r = sync_recv(c->sync, NULL, NULL, &said);
		if (r == 0 || r == -ECONNRESET)
			(void)child_died(c, r, &said);
	}
	if (said.code)
		*e = said;
}
