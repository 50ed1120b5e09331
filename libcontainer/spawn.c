/* SPDX-License-Identifier: Apache-2.0 */
/* spawn.c: see spawn.h. */
#include "spawn.h"

#include "cgroup_systemd.h"
#include "fd.h"
#include "io.h"
#include "kernel.h"
#include "namespace.h"
#include "timens.h"

#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

static const struct join_step *user_join(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_joins; i++)
		if (plan->joins[i].clone_flag == CLONE_NEWUSER)
			return &plan->joins[i];
	return NULL;
}

/* True for a join that is the parent's work. */
static bool before_clone(const struct plan *plan, const struct join_step *join)
{
	if (user_join(plan) || join->clone_flag == CLONE_NEWUSER)
		return false;
	if (join->clone_flag == CLONE_NEWPID && plan->pids_last)
		return false;
	return join->clone_flag == CLONE_NEWPID || (plan->clone_flags & CLONE_NEWUSER);
}

/* A cgroup namespace shows its maker's cgroup as the root, so the child makes it once it is in its
 * own: clone3 would take the parent's. A time namespace with offsets is made by time_begin(). */
static uint64_t clone_flags(const struct plan *plan)
{
	return plan->clone_flags & ~(uint64_t)(CLONE_NEWCGROUP | (plan->time_offsets ? CLONE_NEWTIME : 0));
}

/* *out_saved: the namespace to return to after the clone; -1 when there is nothing to do. */
static int time_begin(const struct plan *plan, int *out_saved, struct err *e)
{
	AUTO_FD offsets = -1;
	int r;

	if (!plan->time_offsets)
		return 0;
	r = timens_open(&offsets, e);
	if (r == 0)
		r = namespace_save(CLONE_NEWTIME, out_saved, e);
	return r < 0 ? r : timens_make(offsets, plan->time_offsets, e);
}

static pid_t clone_into(uint64_t flags, int cgroup_fd, int *pidfd)
{
	struct kernel_clone_args args = {
		.flags = flags | CLONE_PIDFD | (cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0),
		.pidfd = (uint64_t)(uintptr_t)pidfd,
		.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD,
		.cgroup = cgroup_fd >= 0 ? (uint64_t)cgroup_fd : 0,
	};

	return sys_clone3(&args);
}

static int clone_failed(int code, int cgroup_fd, struct err *e)
{
	if (code == EPERM)
		return err_sys(e, code,
			       "clone3 (an ordinary user needs a 'user' namespace in linux.namespaces, and "
			       "the sysctls user.max_user_namespaces and kernel.unprivileged_userns_clone)");
	if (code == ENOSPC)
		return err_sys(e, code, "clone3 (a limit in user.max_*_namespaces is reached)");
	if (code == EAGAIN)
		return err_sys(e, code,
			       "clone3 (a limit on processes is reached: pids.max of the container's cgroup or of one "
			       "above it, or RLIMIT_NPROC)");
	if (code == EBUSY && cgroup_fd >= 0)
		return err_sys(e, code, "clone3 (the cgroup has controllers enabled for its children)");
	if (code == EACCES && cgroup_fd >= 0) /* cgroups(7), "Cgroups delegation: delegation containment" */
		return err_sys(e, code,
			       "clone3 (this user may not put a process into the container's cgroup from the one that "
			       "husk runs in: run husk below a cgroup of the user's own, as systemd-run --user --scope "
			       "does, or use --cgroup-manager disabled)");
	return err_sys(e, code, "clone3");
}

static int enter_before(const struct plan *plan, int saved[PLAN_JOIN_MAX], struct err *e)
{
	for (size_t i = 0; i < plan->n_joins; i++) {
		int r;

		if (!before_clone(plan, &plan->joins[i]))
			continue;
		r = namespace_save(plan->joins[i].clone_flag, &saved[i], e);
		if (r == 0)
			r = namespace_join(&plan->joins[i], e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int leave_after(const struct plan *plan, int saved[PLAN_JOIN_MAX], struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < plan->n_joins; i++) {
		if (saved[i] >= 0 && namespace_restore(saved[i], plan->joins[i].clone_flag, e) < 0)
			r = -e->code;
		fd_close(&saved[i]);
	}
	return r;
}

/* -EACCES of clone3 alone, and where systemd can be asked. */
static bool needs_letting_in(const struct spawn_home *home)
{
	return errno == EACCES && home->cgroup >= 0 && home->scope;
}

/* *out_shut: the kernel lets nobody into the cgroup from the one we are in. */
static int spawn_direct(const struct plan *plan, const struct spawn_home *home, pid_t *out_pid, int *out_pidfd,
			bool *out_shut, struct err *e)
{
	int saved[PLAN_JOIN_MAX] = { -1, -1, -1, -1, -1, -1, -1, -1 };
	AUTO_FD saved_time = -1;
	int r, code, pidfd = -1;
	pid_t pid = -1;

	r = time_begin(plan, &saved_time, e);
	if (r == 0)
		r = enter_before(plan, saved, e);
	if (r == 0) {
		pid = clone_into(clone_flags(plan), home->cgroup, &pidfd);
		code = errno;
		if (pid == 0)
			return 0;
		*out_shut = pid < 0 && needs_letting_in(home);
		if (pid < 0)
			r = clone_failed(code, home->cgroup, e);
	}
	if (leave_after(plan, saved, e) < 0)
		r = -e->code;
	if (saved_time >= 0 && namespace_restore(saved_time, CLONE_NEWTIME, r < 0 ? NULL : e) < 0 && r == 0)
		r = -e->code;
	if (r < 0 && pid > 0) {
		(void)sys_pidfd_send_signal(pidfd, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
	if (r < 0) {
		fd_close(&pidfd);
		return r;
	}
	*out_pid = pid;
	*out_pidfd = pidfd;
	return 1;
}

struct stage_result {
	pid_t pid;
	struct err err;
};

/* The ones that the child could not enter itself. */
static int stage_join_rest(struct plan *plan, const struct join_step *user, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->n_joins; i++) {
		struct join_step *join = &plan->joins[i];

		if (join == user || join->joined)
			continue;
		if (join->clone_flag == CLONE_NEWPID || before_clone(plan, join))
			r = namespace_join(join, e);
	}
	return r;
}

bool spawn_needs_stage(const struct plan *plan)
{
	if (user_join(plan) || (plan->staged && plan->time_offsets))
		return true;
	for (size_t i = 0; plan->staged && i < plan->n_joins; i++)
		if (before_clone(plan, &plan->joins[i]))
			return true;
	return false;
}

/* In the stage: enter the user namespace, if there is one to join, and the pid namespace, make the child
 * as the parent's own, report its pid. Returns in the child only. */
static void stage_run(struct plan *plan, int report)
{
	const struct join_step *user = user_join(plan);
	struct stage_result result = { .pid = -1 };
	int pidfd = -1, r = 0;
	AUTO_FD offsets = -1;

	if (plan->time_offsets) /* while /proc/self is ours */
		r = timens_open(&offsets, &result.err);
	/* the namespace's root must not look into us or the child; one that only came by way of a stage is dumpable as
	 * without, or this user could not write its maps */
	if (spawn_needs_stage(plan))
		(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	/* what the host owns must be entered while we are still the host's root */
	for (size_t i = 0; i < plan->n_joins; i++)
		if (&plan->joins[i] != user)
			plan->joins[i].joined = namespace_join(&plan->joins[i], NULL) == 0;
	if (r == 0 && user)
		r = namespace_join(user, &result.err);
	if (r == 0 && plan->time_offsets)
		r = timens_make(offsets, plan->time_offsets, &result.err);
	if (r == 0)
		r = stage_join_rest(plan, user, &result.err);
	if (r == 0) {
		result.pid = clone_into(clone_flags(plan) | CLONE_PARENT, -1, &pidfd);
		if (result.pid == 0)
			return;
		if (result.pid < 0)
			(void)clone_failed(errno, -1, &result.err);
	}
	(void)!write(report, &result, sizeof(result));
	_exit(0);
}

/* Moves the stage, while it waits and is still the caller's own, to where its child is to be born. */
static int let_in(const struct spawn_home *home, pid_t stage, int to_stage, struct err *e)
{
	char controllers[2];
	int r;

	if (io_read_small(home->cgroup, "cgroup.subtree_control", controllers, sizeof(controllers)) > 0 &&
	    *controllers != '\n')
		return clone_failed(EBUSY, home->cgroup, e); /* as the kernel would say */
	r = cgroup_scope_attach(home->scope, home->path, stage, e);
	if (r < 0)
		return err_add(e, "this user may not put a process into the container's cgroup from the one that husk "
				  "runs in, and the user's systemd did not do it");
	return send(to_stage, "", 1, MSG_NOSIGNAL) == 1 ? 0
							: err_set(e, ECHILD, "the process that joins namespaces died");
}

static bool was_let_in(int report)
{
	char byte;
	ssize_t n;

	do
		n = recv(report, &byte, 1, 0);
	while (n < 0 && errno == EINTR);
	return n == 1;
}

/* Like fork(2), or -errno. *out_shut: it is outside of the cgroup, and waits to be let in. */
static pid_t clone_stage(const struct spawn_home *home, int *out_pidfd, bool *out_shut, struct err *e)
{
	pid_t stage = clone_into(0, home->cgroup, out_pidfd);

	*out_shut = stage < 0 && needs_letting_in(home);
	if (*out_shut)
		stage = clone_into(0, -1, out_pidfd);
	return stage < 0 ? clone_failed(errno, home->cgroup, e) : stage;
}

/* Waits for the stage's end; what it reports is valid on success. */
static int take_report(pid_t stage, int from_stage, struct stage_result *out, struct err *e)
{
	ssize_t n = recv(from_stage, out, sizeof(*out), 0);

	while (waitpid(stage, NULL, 0) < 0 && errno == EINTR)
		;
	if (n != sizeof(*out))
		return err_set(e, ECHILD, "the process that joins namespaces died");
	return out->pid < 0 ? err_set(e, out->err.code, "%s", out->err.msg) : 0;
}

static int spawn_staged(struct plan *plan, const struct spawn_home *home, pid_t *out_pid, int *out_pidfd, struct err *e)
{
	struct stage_result result = { .pid = -1 };
	AUTO_FD ours = -1, theirs = -1, stage_pidfd = -1;
	bool shut = false;
	int pair[2], r;
	pid_t stage;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, errno, "socketpair");
	ours = pair[0];
	theirs = pair[1];
	/* Born in the cgroup: from within the cgroup namespace, which it enters, a mount with nsdelegate lets
	 * nobody come in from outside (ENOENT; cgroups(7)). */
	stage = clone_stage(home, &stage_pidfd, &shut, e);
	if (stage < 0)
		return stage;
	if (stage == 0) {
		fd_close(&ours);
		if (shut && !was_let_in(theirs))
			_exit(0);
		stage_run(plan, theirs);
		return 0;
	}
	fd_close(&theirs);
	r = shut ? let_in(home, stage, ours, e) : 0;
	if (r < 0) {
		(void)shutdown(ours, SHUT_RDWR); /* ends it */
		(void)take_report(stage, ours, &result, NULL);
		return r;
	}
	r = take_report(stage, ours, &result, e);
	if (r < 0)
		return r;
	r = sys_pidfd_open(result.pid, 0);
	if (r < 0)
		return err_sys(e, errno, "pidfd_open");
	*out_pid = result.pid;
	*out_pidfd = r;
	return 1;
}

int spawn_child(struct plan *plan, const struct spawn_home *home, pid_t *out_pid, int *out_pidfd, struct err *e)
{
	bool shut = false;
	int r;

	if (spawn_needs_stage(plan))
		return spawn_staged(plan, home, out_pid, out_pidfd, e);
	r = spawn_direct(plan, home, out_pid, out_pidfd, &shut, e);
	return shut ? spawn_staged(plan, home, out_pid, out_pidfd, e) : r;
}

static int become_root(bool keep_groups, struct err *e)
{
	/* fails where setgroups is denied (a single-id map): the groups are then the caller's */
	if (!keep_groups)
		(void)setgroups(0, NULL);
	if (setresgid(0, 0, 0) < 0)
		return err_sys(e, errno, "become group 0 of the user namespace (linux.gidMappings must map 0)");
	if (setresuid(0, 0, 0) < 0)
		return err_sys(e, errno, "become user 0 of the user namespace (linux.uidMappings must map 0)");
	return 0;
}

int spawn_join_pids(const struct plan *plan, struct err *e)
{
	for (size_t i = 0; i < plan->n_joins; i++)
		if (plan->joins[i].clone_flag == CLONE_NEWPID)
			return namespace_join(&plan->joins[i], e);
	return 0;
}

int spawn_enter(const struct plan *plan, struct err *e)
{
	for (size_t i = 0; i < plan->n_joins; i++) {
		const struct join_step *join = &plan->joins[i];
		int r;

		if (join->joined || before_clone(plan, join) || join->clone_flag & (CLONE_NEWUSER | CLONE_NEWPID))
			continue;
		r = namespace_join(join, e);
		if (r < 0)
			return r;
	}
	if (plan->clone_flags & CLONE_NEWCGROUP && unshare(CLONE_NEWCGROUP) < 0)
		return err_sys(e, errno, "linux.namespaces: make a cgroup namespace");
	return plan->has_userns ? become_root(plan->process.keep_groups, e) : 0;
}
