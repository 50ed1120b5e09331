/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec.c: one more process in a container: in the namespaces and the cgroup of its
 * init, under the same filter.
 *
 * Descriptors of the init's namespaces take the place of the plan's joins, so that
 * spawn.c enters them; then the steps are those of the init from process_become()
 * on.
 */
#include "libcontainer.h"

#include "annotation.h"
#include "attach.h"
#include "birth.h"
#include "caller.h"
#include "cgroup.h"
#include "cgroup_procs.h"
#include "exec_process.h"
#include "fd.h"
#include "init_ns.h"
#include "io.h"
#include "kernel.h"
#include "listener.h"
#include "lsm.h"
#include "mount_proc.h"
#include "oom.h"
#include "plan.h"
#include "process.h"
#include "rdt.h"
#include "rlimit.h"
#include "sched.h"
#include "seal.h"
#include "seccomp.h"
#include "spawn.h"
#include "state.h"
#include "str.h"
#include "sync.h"
#include "terminal.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define DYING_MS 1000 /* how long an init may need to end, once it has begun to */

struct execution {
	const struct husk_exec_opts *opts;
	struct state state;
	struct spec *spec;	    /* the container's */
	struct spec *own;	    /* --process; NULL without */
	struct exec_process merged; /* the process as asked for */
	struct plan plan;	    /* only joins and process are used */
	struct seccomp_prog filter;
	int init_pidfd, trampoline, console_socket;
	int cgroup;	   /* -1: none */
	char *cgroup_path; /* the same below the hierarchy's root; owned */
	int label_procfd;  /* of lsm_prepare(); -1: no label is asked for */
	int agent;	   /* the seccomp agent, to be told of the listener; -1: none, or told */
	int label_inside;  /* the same of the container's pid namespace, with plan.pids_last */
	int sync, pidfd, master;
	pid_t pid;
	struct birth birth; /* with plan.pids_last */
	bool pid_written;   /* to --pid-file */
};

static int check_status(struct execution *x, struct err *e)
{
	enum state_status status = state_status(&x->state);

	if (status == STATE_STOPPED || state_pidfd(&x->state, &x->init_pidfd) < 0)
		return err_set(e, ESRCH, "cannot exec in a stopped container: container not running");
	if (status == STATE_CREATING)
		return err_set(e, EBUSY, "cannot exec in container '%s': it is still being created", x->state.id);
	if (status == STATE_PAUSED && !x->opts->ignore_paused)
		return err_set(e, EBUSY, "cannot exec in a paused container (use --ignore-paused to override)");
	return 0;
}

/* A container that ends meanwhile is in the way by many errors: its init's namespaces are gone, and its pid namespace
 * takes no process (ENOMEM), even before its init is seen to be dead. */
static int explain(const struct execution *x, int r, struct err *e)
{
	struct pollfd init = { .fd = x->init_pidfd, .events = POLLIN };

	if (r < 0 && poll(&init, 1, r == -ENOMEM ? DYING_MS : 0) == 1)
		return err_set(e, ESRCH, "container not running");
	return r;
}

static int open_cgroup(struct execution *x, struct err *e)
{
	int r;

	if (!x->state.cgroup) {
		if (x->opts->cgroup)
			return err_set(e, ENOTSUP, "--cgroup: container '%s' runs without a cgroup", x->state.id);
		return 0;
	}
	if (!x->opts->cgroup) {
		x->cgroup_path = x_strdup(x->state.cgroup);
		return cgroup_open(x->cgroup_path, &x->cgroup, e);
	}
	if (strstr(x->opts->cgroup, ".."))
		return err_set(e, EINVAL, "--cgroup '%s': must lie below the container's cgroup", x->opts->cgroup);
	x->cgroup_path = x_printf("%s/%s", x->state.cgroup, x->opts->cgroup);
	r = cgroup_open(x->cgroup_path, &x->cgroup, e);
	return r < 0 ? err_add(e, "--cgroup '%s'", x->opts->cgroup) : 0;
}

/* The cgroup of the init itself: where the container's has children with controllers, no process
 * may live in it any more. */
static int init_cgroup(struct execution *x, struct err *e)
{
	AUTO_FREE char *text = NULL;
	const char *path;
	char file[40];
	size_t len;
	int r;

	(void)snprintf(file, sizeof(file), "/proc/%d/cgroup", (int)x->state.pid);
	r = io_read_file(AT_FDCWD, file, 0, CGROUP_TEXT_MAX, &text, &len, e);
	if (r < 0)
		return r;
	path = cgroup_own_path(text);
	if (!path || !path[0] || !path[1])
		return err_set(e, ENOENT, "'%s' names no cgroup v2 below the root", file);
	fd_close(&x->cgroup);
	free(x->cgroup_path);
	x->cgroup_path = x_strdup(path + strlen("/"));
	return cgroup_open(x->cgroup_path, &x->cgroup, e);
}

/* In the container. Without a user namespace it opens processes of the host, dumpable or not. */
static bool may_trace(const struct spec_process *p)
{
	for (size_t set = 0; set < CAPS_SETS; set++)
		for (size_t i = 0; i < p->caps[set].n; i++)
			if (strcasecmp(p->caps[set].v[i], "CAP_SYS_PTRACE") == 0)
				return true;
	return false;
}

static bool has_own_pids(const struct execution *x)
{
	return spec_namespace(x->spec, CLONE_NEWPID) && !spec_namespace(x->spec, CLONE_NEWUSER);
}

/* Can somebody in the container's pid namespace look at us although we are not dumpable? In one that
 * was joined there may be anybody. */
static bool may_be_traced(const struct execution *x)
{
	if (!has_own_pids(x))
		return false;
	return spec_namespace(x->spec, CLONE_NEWPID)->path || may_trace(x->spec->process) ||
	       faccessat(x->state.dir, STATE_TRACER, F_OK, 0) == 0;
}

/* This process will be able to look at those that come later, which must know. */
static int note_tracer(struct execution *x, struct err *e)
{
	AUTO_FD note = -1;

	if (x->plan.pids_last || !has_own_pids(x) || !may_trace(&x->merged.process))
		return 0;
	note = openat(x->state.dir, STATE_TRACER, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return note < 0 ? err_sys(e, errno, "note CAP_SYS_PTRACE in the state directory of '%s'", x->state.id) : 0;
}

static int load(struct execution *x, struct err *e)
{
	const struct husk_exec_opts *o = x->opts;
	const struct spec_process *base;
	int r;

	r = spec_load(x->state.dir, STATE_CONFIG, &x->spec, e);
	if (r < 0)
		return err_add(e, "container '%s'", x->state.id);
	x->plan.pids_last = may_be_traced(x);
	r = x->plan.pids_last ? seal_self(e) : 0; /* our program will be in there, too; begins anew */
	if (r < 0)
		return r;
	if (o->process) {
		r = spec_load_process(AT_FDCWD, o->process, &x->own, e);
		if (r < 0)
			return err_add(e, "--process '%s'", o->process);
	}
	base = x->own ? x->own->process : x->spec->process;
	r = exec_process_merge(base, o, &x->merged, e);
	exec_process_inherit(&x->merged.process, x->spec->process);
	if (r == 0)
		r = plan_process(&x->merged.process, &x->plan.process, e);
	plan_console_size(&x->plan.process, o->console_width, o->console_height);
	x->plan.process.keep_groups = annotation_is_on(x->spec, ANNOTATION_KEEP_GROUPS);
	if (r == 0)
		r = plan_process_linux(x->spec->linux_, &x->plan.process, e);
	if (r == 0 && x->plan.pids_last && (o->n_given_fds || o->deferred))
		r = err_set(e, ENOTSUP, "a process that may be traced from its birth on can be given no descriptors");
	if (r == 0 && o->console_socket && !x->plan.process.terminal)
		r = err_set(e, EINVAL, "--console-socket: the process has no terminal (use --tty)");
	if (r == 0 && o->detach && x->plan.process.terminal && !o->console_socket)
		r = err_set(e, EINVAL, "--detach with a terminal needs --console-socket");
	return r;
}

static int prepare(struct execution *x, const struct husk_ctx *ctx, struct err *e)
{
	int r;

	r = note_tracer(x, e);
	if (r == 0)
		r = process_prepare_filter(ctx, x->spec, &x->filter, e);
	if (r == 0)
		r = listener_connect(&x->filter, x->spec->linux_->seccomp, &x->agent, e);
	if (r == 0)
		r = seal_trampoline(&x->trampoline, e);
	if (r == 0)
		r = lsm_prepare(&x->plan.process.lsm, &x->label_procfd, e);
	if (r == 0)
		x->plan.staged = !ctx->host_root;
	if (r == 0)
		r = explain(x, init_ns_open(&x->plan, x->spec, x->state.pid, x->init_pidfd, 0, e), e);
	if (r == 0 && x->plan.pids_last && x->label_procfd >= 0) {
		r = mount_proc_outside(&x->plan, &x->label_inside, e);
		x->plan.pids_last = r > 0; /* else as if nobody could see it */
		r = r < 0 ? r : 0;
	}
	if (r == 0)
		r = open_cgroup(x, e);
	if (r < 0 || !x->opts->console_socket)
		return r;
	r = terminal_connect_socket(x->opts->console_socket, &x->console_socket, e);
	return r < 0 ? err_add(e, "--console-socket") : 0;
}

static int child_terminal(struct execution *x, int *out_master, struct err *e)
{
	const struct process_plan *p = &x->plan.process;
	AUTO_FD root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct terminal tty = { -1, -1 };
	int r;

	if (root < 0)
		return err_sys(e, errno, "open '/'");
	r = terminal_open(root, p->uid, p->console_width, p->console_height, &tty, e);
	if (r == 0 && !x->plan.pids_last)
		r = terminal_make_controlling(tty.slave, e);
	if (r == 0)
		r = terminal_use(tty.slave, e);
	if (r == 0 && x->console_socket >= 0) {
		r = terminal_send_master(x->console_socket, tty.master, e);
		fd_close(&tty.master);
	}
	*out_master = tty.master;
	return r;
}

/* From here on the process is in the container's pid namespace. */
static int child_birth(struct execution *x, struct process_exec *p, int sync, int *master, struct err *e)
{
	struct birth_gift gift = {
		.sync = sync,
		.master = *master,
		.n_low = 3 + x->opts->preserve_fds,
		.keep = { p->trampoline_fd, p->filter_fd, x->label_inside, -1 },
		.have_terminal = x->plan.process.terminal,
	};

	*master = -1;
	p->label_procfd = x->label_inside;
	return birth_give(&x->birth, &gift, e);
}

static int child_steps(struct execution *x, int sync, struct err *e)
{
	struct process_exec p = {
		.plan = &x->plan.process,
		.filter = &x->filter,
		.trampoline_fd = x->trampoline,
		.label_procfd = x->label_procfd,
		.sync = sync,
		.preserve_fds = x->opts->preserve_fds,
		.n_given = x->opts->n_given_fds,
		.deferred = x->opts->deferred,
		.rlimits_done = x->plan.has_userns,
		.sched_done = x->plan.has_userns || x->plan.pids_last,
	};
	const struct affinity_step *cpus = &x->plan.process.affinity;
	int master = -1, r;

	if (p.n_given)
		memcpy(p.given, x->opts->given_fds, p.n_given * sizeof(*p.given));
	process_reset_signals();
	fd_close(&x->agent);
	if (setsid() < 0)
		return err_sys(e, errno, "setsid");
	r = process_guard(e);
	if (r == 0)
		r = lsm_check(x->label_procfd, &x->plan.process.lsm, e);
	if (r == 0)
		r = spawn_enter(&x->plan, e);
	if (r == 0)
		r = process_guard(e);
	if (r == 0)
		r = process_new_keyring(x->state.id, e);
	if (r == 0 && x->plan.pids_last)
		r = process_prepare_listener(&p, e);
	if (r == 0 && x->plan.pids_last)
		r = spawn_join_pids(&x->plan, e);
	if (r == 0 && x->plan.process.terminal)
		r = child_terminal(x, &master, e);
	if (r == 0 && cpus->final_text)
		r = sched_affinity_set(cpus->final, "process.execCPUAffinity.final", cpus->final_text, e);
	if (r == 0)
		r = process_become(&p, e);
	if (r == 0 && x->plan.pids_last)
		r = child_birth(x, &p, sync, &master, e);
	if (r == 0)
		r = sync_send(sync, SYNC_READY, 0, master, e);
	if (r == 0)
		r = sync_expect(sync, SYNC_GO, NULL, NULL, e);
	if (r == 0)
		r = process_outlive(e);
	return r < 0 ? r : process_execute(&p, sync, e);
}

static __attribute__((noreturn)) void child(struct execution *x, int sync)
{
	struct err e = { 0 };

	(void)child_steps(x, sync, &e);
	(void)sync_send_err(sync, &e);
	_exit(255);
}

/* The container's processes can see the child from its birth, so it must not be dumpable then: it
 * inherits that. An ordinary user could not set its score after this; that is inherited, too. */
static int hide(const struct execution *x, struct err *e)
{
	const struct process_plan *p = &x->plan.process;
	int r = p->have_oom_score_adj ? oom_set_score(getpid(), p->oom_score_adj, e) : 0;

	if (r == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		r = err_sys(e, errno, "prctl");
	return r;
}

/* Born in the cgroup; or, where that has as many processes as it may have (EAGAIN), moved there, which the kernel does not
 * count: a container that is full can be looked into. The child waits for GO. */
static int spawn_in_cgroup(struct execution *x, struct err *e)
{
	struct spawn_home home = { .cgroup = x->cgroup,
				   .path = x->cgroup_path,
				   .scope = husk_is_rootless() ? x->state.scope : NULL };
	char pid[16];
	int r = spawn_child(&x->plan, &home, &x->pid, &x->pidfd, e);

	if (r != -EAGAIN || x->cgroup < 0 || x->plan.pids_last) /* what a stage of birth.h makes would not be moved */
		return r;
	home.cgroup = -1;
	r = spawn_child(&x->plan, &home, &x->pid, &x->pidfd, e);
	if (r <= 0)
		return r;
	(void)snprintf(pid, sizeof(pid), "%d", (int)x->pid);
	r = io_write_value(x->cgroup, "cgroup.procs", pid);
	return r < 0 ? err_sys(e, -r, "move process %s to cgroup '%s'", pid, x->cgroup_path) : 1;
}

static int spawn(struct execution *x, struct err *e)
{
	int pair[2], r;

	r = hide(x, e);
	if (r == 0 && x->plan.pids_last)
		r = birth_prepare(&x->birth, e);
	if (r == 0)
		r = sync_pair(pair, e);
	if (r < 0)
		return r;
	x->sync = pair[0];
	for (int attempt = 0;; attempt++) {
		r = spawn_in_cgroup(x, e);
		if (r == 0) {
			(void)close(pair[0]);
			child(x, pair[1]);
		}
		if (r != -EBUSY || x->cgroup < 0 || attempt || init_cgroup(x, e) < 0)
			break;
	}
	(void)close(pair[1]);
	return r < 0 ? explain(x, r, e) : 0;
}

/* process.execCPUAffinity.initial is for husk itself too, until the process is in its cgroup. */
static int spawn_on_cpus(struct execution *x, struct err *e)
{
	const struct affinity_step *cpus = &x->plan.process.affinity;
	unsigned long before[BITLIST_WORDS(SCHED_CPUS)];
	int r;

	if (!cpus->initial_text)
		return spawn(x, e);
	r = sched_affinity_get(before, e);
	if (r == 0)
		r = sched_affinity_set(cpus->initial, "process.execCPUAffinity.initial", cpus->initial_text, e);
	if (r < 0)
		return r;
	r = spawn(x, e);
	sched_affinity_restore(before);
	return r;
}

/* The child's filter is in force; what it calls from now on may wait for the agent. */
static int pass_listener(struct execution *x, struct err *e)
{
	AUTO_FD listener = -1;
	int r;

	if (x->agent < 0)
		return 0;
	r = sync_expect(x->sync, SYNC_LISTENER, &listener, NULL, e);
	if (r == 0)
		r = listener_send(&x->agent, x->spec->linux_->seccomp, &x->state, state_status(&x->state), x->pid,
				  listener, e);
	return r < 0 ? r : sync_send(x->sync, SYNC_GO, x->pid, -1, e);
}

static int take_birth(struct execution *x, struct err *e)
{
	int r = sync_expect(x->sync, SYNC_BIRTH, &x->master, NULL, e);

	if (r == 0)
		r = birth_take(&x->birth, x->sync, &x->pid, &x->pidfd, e);
	if (r == 0)
		r = sched_apply(x->pid, &x->plan.process.sched, e);
	return explain(x, r, e);
}

/* The child waits for GO: time for what it cannot do, and for what the caller must have first. */
static int release(struct execution *x, struct err *e)
{
	const struct process_plan *p = &x->plan.process;
	int r;

	r = x->plan.has_userns ? rlimit_apply(x->pid, p->rlimits, p->n_rlimits, e) : 0;
	if (r == 0 && x->plan.has_userns)
		r = sched_apply(x->pid, &p->sched, e);
	if (r == 0)
		r = rdt_enter(x->spec->linux_->intel_rdt, x->state.id, x->pid, e);
	if (r == 0)
		r = pass_listener(x, e);
	if (r == 0 && x->plan.pids_last)
		r = take_birth(x, e);
	if (r == 0)
		r = sync_expect(x->sync, SYNC_READY, x->plan.pids_last ? NULL : &x->master, NULL, e);
	attach_copy_size(x->master);
	if (r == 0)
		r = caller_write_pid(x->opts->pid_file, x->pid, e);
	x->pid_written = r == 0 && x->opts->pid_file;
	if (r == 0)
		r = caller_send_pidfd(x->opts->pidfd_socket, "--pidfd-socket", x->pidfd, e);
	if (r == 0)
		r = sync_send(x->sync, SYNC_GO, x->pid, -1, e);
	if (r == 0)
		r = sync_wait_exec(x->sync, x->opts->detach ? NULL : attach_interrupted, e);
	return r;
}

static int run(struct execution *x, const struct husk_ctx *ctx, const char *id, int *out_status, struct err *e)
{
	const struct husk_exec_opts *o = x->opts;
	AUTO_FD sigfd = -1;
	int r;

	r = caller_check_fds(o->preserve_fds, e);
	if (r == 0)
		r = state_open(ctx, id, false, &x->state, e);
	if (r == 0)
		r = check_status(x, e);
	if (r == 0)
		r = load(x, e);
	if (r == 0)
		r = prepare(x, ctx, e);
	if (r == 0 && !o->detach)
		r = attach_begin(!o->no_subreaper, &sigfd, e);
	if (r == 0)
		r = spawn_on_cpus(x, e);
	if (r < 0)
		return r;
	r = release(x, e);
	if (r < 0) {
		if (x->pidfd >= 0) {
			(void)sys_pidfd_send_signal(x->pidfd, SIGKILL);
			(void)waitpid(x->pid, NULL, 0);
		}
		if (x->pid_written)
			(void)unlink(o->pid_file);
		return r;
	}
	*out_status = 0;
	return o->detach ? 0 : attach_wait(sigfd, x->pid, x->pidfd, x->master, out_status, e);
}

int husk_exec(const struct husk_ctx *ctx, const char *id, const struct husk_exec_opts *o, int *out_status,
	      struct err *e)
{
	struct execution x = {
		.opts = o,
		.state = { .dir = -1 },
		.init_pidfd = -1,
		.cgroup = -1,
		.trampoline = -1,
		.label_procfd = -1,
		.label_inside = -1,
		.console_socket = -1,
		.agent = -1,
		.sync = -1,
		.pidfd = -1,
		.master = -1,
	};
	int r = run(&x, ctx, id, out_status, e);

	init_ns_close(&x.plan);
	birth_free(&x.birth);
	plan_process_free(&x.plan.process);
	exec_process_free(&x.merged);
	seccomp_prog_free(&x.filter);
	spec_free(x.own);
	spec_free(x.spec);
	fd_close(&x.init_pidfd);
	fd_close(&x.cgroup);
	free(x.cgroup_path);
	fd_close(&x.trampoline);
	fd_close(&x.label_procfd);
	fd_close(&x.label_inside);
	fd_close(&x.console_socket);
	fd_close(&x.agent);
	fd_close(&x.sync);
	fd_close(&x.pidfd);
	fd_close(&x.master);
	state_free(&x.state);
	return r;
}
