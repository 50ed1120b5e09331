/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create.c: config.json -> spec -> plan -> child -> READY.
 *
 * The order matters for crashes: the state directory, which names the cgroup,
 * comes before the cgroup, and the cgroup before the process; so that whatever
 * point husk is killed at, `delete --force` finds what there is. Until READY the
 * child dies with us.
 */
#include "create.h"

#include "annotation.h"
#include "caller.h"
#include "cgroup.h"
#include "cgroup_procs.h"
#include "child.h"
#include "clock.h"
#include "create_cgroup.h"
#include "create_ready.h"
#include "create_sources.h"
#include "fd.h"
#include "hooks.h"
#include "idmap.h"
#include "io.h"
#include "kernel.h"
#include "listener.h"
#include "log.h"
#include "netdev.h"
#include "oom.h"
#include "process.h"
#include "rdt.h"
#include "rlimit.h"
#include "sched.h"
#include "seal.h"
#include "spawn.h"
#include "str.h"
#include "sync.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#define PROGRAM_BACKLOG 64 /* connections to its socket that wait */

static int find_bundle(struct creation *c, struct err *e)
{
	const char *bundle = c->opts->bundle ? c->opts->bundle : ".";

	c->bundle = realpath(bundle, NULL);
	return c->bundle ? 0 : err_sys(e, errno, "--bundle '%s'", bundle);
}

/* What is wrong with a config, or ignored of it, is told now and by its own words, whatever is made of it. */
static int plan_in_vain(const struct creation *c, struct err *e)
{
	struct plan *plan = NULL;
	int r = plan_make(c->spec, c->bundle, &plan, e);

	plan_free(plan);
	return r;
}

/* The caller may want another container made of config.json than it describes. */
static int rewrite(struct creation *c, struct err *e)
{
	struct husk_instead *in = &c->instead;
	struct spec *spec = NULL;
	int r = c->opts->rewrite(c->ctx, c->bundle, &c->spec->doc, c->opts->rewrite_arg, in, e);

	c->n_given = in->n_fds;
	memcpy(c->given, in->fds, in->n_fds * sizeof(*c->given));
	if (r < 0 || !in->config)
		return r;
	r = plan_in_vain(c, e);
	if (r < 0)
		return r;
	r = spec_parse(in->config, strlen(in->config), &spec, e);
	if (r < 0)
		return r;
	spec_free(c->spec);
	c->spec = spec;
	return 0;
}

static int load(struct creation *c, struct err *e)
{
	AUTO_FREE char *config = NULL;
	int r;

	r = find_bundle(c, e);
	if (r < 0)
		return r;
	config = c->opts->config ? x_strdup(c->opts->config) : x_printf("%s/config.json", c->bundle);
	r = spec_load(AT_FDCWD, config, &c->spec, e);
	if (r == 0 && !c->spec->process)
		r = err_set(e, EINVAL, "%s: process: missing", config);
	if (r == 0)
		r = annotation_check(c->spec, e);
	if (r == 0 && c->opts->rewrite)
		r = rewrite(c, e);
	if (r == 0 && c->spec->vm && c->spec->vm->len)
		r = json_err(e, ENOTSUP, c->spec->vm, "no container has a machine of its own");
	if (r < 0)
		return r;
	r = plan_make(c->spec, c->bundle, &c->plan, e);
	if (r == 0)
		plan_console_size(&c->plan->process, c->opts->console_width, c->opts->console_height);
	if (r == 0 && c->plan->pids_last && (c->instead.n_fds || c->instead.deferred))
		r = err_set(e, ENOTSUP, "linux.namespaces: a joined pid namespace, and descriptors for the program");
	return r;
}

static int check_terminal(const struct creation *c, enum creation_mode mode, struct err *e)
{
	bool terminal = c->plan->process.terminal;

	if (c->opts->console_socket && !terminal)
		return err_set(e, EINVAL, "--console-socket: process.terminal is false in config.json");
	if (mode != CREATION_ATTACHED && terminal && !c->opts->console_socket)
		return err_set(e, EINVAL, "process.terminal: needs --console-socket when husk does not stay attached");
	return 0;
}

/* What delete would need is written before it is made: here, the cgroup's path. */
static int make_state(struct creation *c, const char *id, struct err *e)
{
	const struct json *notes;
	char created[CLOCK_TEXT_MAX];
	int r;

	r = state_make(c->ctx, id, &c->state, e);
	if (r < 0)
		return r;
	notes = json_get(c->spec->doc.root, "annotations");
	c->state.bundle = x_strdup(c->bundle);
	c->state.rootfs = x_strdup(c->instead.rootfs ? c->instead.rootfs : c->plan->root);
	clock_now(created);
	c->state.created = x_strdup(created);
	c->state.owner = geteuid();
	if (notes)
		c->state.annotations =
			x_printf("%.*s", (int)(notes->end - notes->start), c->spec->doc.text + notes->start);
	r = creation_cgroup_name(c, e);
	return r < 0 || !c->state.cgroup ? r : state_write(&c->state, e);
}

/* Bound by way of the state directory's descriptor: its path may be longer than an address holds. */
static int listen_on(const struct creation *c, const char *name, int type, int backlog, int *out_fd, struct err *e)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	AUTO_FD sock = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	if (sock < 0)
		return err_sys(e, errno, "socket");
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/%s", c->state.dir, name);
	if (bind(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(sock, backlog) < 0)
		return err_sys(e, errno, "make the socket '%s' of container '%s'", name, c->state.id);
	*out_fd = fd_take(&sock);
	return 0;
}

/* The program's own socket. The state directory is the caller's alone. */
static int listen_for_program(struct creation *c, struct err *e)
{
	int r = listen_on(c, HUSK_STATE_SOCKET, SOCK_STREAM, PROGRAM_BACKLOG, &c->given[c->n_given], e);

	if (r == 0)
		c->n_given++;
	return r;
}

static int open_report(struct creation *c, struct err *e)
{
	int fd = openat(c->state.dir, HUSK_STATE_REPORT, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_sys(e, errno, "make the file '" HUSK_STATE_REPORT "' of container '%s'", c->state.id);
	c->given[c->n_given++] = fd;
	return 0;
}

/* For its id maps; for its network interfaces, which its sysctls may be about; and a stage (birth.h), whose process has
 * from it what privilege_child() gives. */
static bool child_waits(const struct creation *c)
{
	return c->plan->clone_flags & CLONE_NEWUSER || c->spec->linux_->n_netdevs || c->opts->network ||
	       c->plan->pids_last;
}

/* What only somebody outside of its namespaces can do for the child. */
static int privilege_child(struct creation *c, struct err *e)
{
	const struct process_plan *p = &c->plan->process;
	int r;

	r = p->have_oom_score_adj ? oom_set_score(c->state.pid, p->oom_score_adj, e) : 0;
	if (r == 0 && c->plan->has_userns)
		r = rlimit_apply(c->state.pid, p->rlimits, p->n_rlimits, e);
	if (r == 0 && c->plan->has_userns)
		r = sched_apply(c->state.pid, &p->sched, e);
	if (r == 0 && c->plan->clone_flags & CLONE_NEWUSER)
		r = idmap_write(c->state.pid, c->spec->linux_, e);
	if (r == 0)
		r = netdev_move_all(c->plan, c->state.pid, e);
	if (r == 0 && c->opts->network)
		r = c->opts->network(c->opts->network_arg, c->state.pid, e);
	if (r == 0 && child_waits(c))
		r = sync_send(c->sync, SYNC_GO, 0, -1, e);
	return r;
}

static void close_given(struct creation *c)
{
	while (c->n_given > 0)
		fd_close(&c->given[--c->n_given]);
}

static int clone_child(struct creation *c, struct err *e)
{
	struct child child = {
		.plan = c->plan,
		.birth = &c->birth,
		.filter = &c->filter,
		.state = &c->state,
		.gate = c->gate,
		.root_tree = c->rootfs,
		.agent = c->agent,
		.console_socket = c->console_socket,
		.trampoline_fd = c->trampoline,
		.hook_output = c->hook_output,
		.label_procfd = c->label_procfd,
		.label_inside = c->label_inside,
		.preserve_fds = c->opts->preserve_fds,
		.listen_fds = c->opts->listen_fds,
		.given = c->given,
		.n_given = c->n_given,
		.deferred = c->instead.deferred,
		.wait_go = child_waits(c),
		.rlimits_done = c->plan->has_userns,
		.loopback_done = creation_raises_loopback(c),
		.no_pivot = c->opts->no_pivot,
		.no_new_keyring = c->opts->no_new_keyring,
	};
	const struct spawn_home home = { .cgroup = c->cgroup,
					 .path = c->state.cgroup,
					 .scope = c->ctx->host_root ? NULL : c->state.scope };
	int pair[2], r;

	/* before the child shares a namespace with anyone */
	if (c->privileged && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(e, errno, "prctl");
	r = c->plan->pids_last ? birth_prepare(&c->birth, e) : 0;
	if (r == 0)
		r = sync_pair(pair, e);
	if (r < 0)
		return r;
	c->sync = pair[0];
	child.sync = pair[1];
	r = spawn_child(c->plan, &home, &c->state.pid, &c->pidfd, e);
	if (r == 0) {
		(void)close(pair[0]);
		child_run(&child);
	}
	(void)close(pair[1]);
	if (r < 0)
		return r;
	fd_close(&c->rootfs);
	fd_close(&c->trampoline);
	fd_close(&c->label_procfd);
	hooks_close_output(&c->hook_output);
	fd_close(&c->gate);
	fd_close(&c->console_socket);
	close_given(c);
	return privilege_child(c, e);
}

static int make(struct creation *c, const char *id, enum creation_mode mode, struct err *e)
{
	int r;

	r = state_check_id(id, e);
	if (r == 0)
		r = caller_check_fds(c->opts->preserve_fds, e);
	if (r == 0)
		r = load(c, e);
	if (r == 0)
		r = check_terminal(c, mode, e);
	if (r == 0 && creation_shares_pids(c->plan))
		r = seal_self(e);
	if (r == 0)
		r = creation_open_sources(c, e);
	if (r == 0)
		r = process_prepare_filter(c->ctx, c->spec, &c->filter, e);
	if (r == 0)
		r = listener_connect(&c->filter, c->spec->linux_->seccomp, &c->agent, e);
	if (r == 0)
		r = seal_trampoline(&c->trampoline, e);
	if (r == 0)
		r = make_state(c, id, e);
	if (r == 0)
		r = creation_cgroup_make(c, e);
	if (r == 0 && mode == CREATION_GATED)
		r = listen_on(c, STATE_GATE, SOCK_SEQPACKET, 1, &c->gate, e);
	if (r == 0 && c->instead.reports)
		r = open_report(c, e);
	if (r == 0 && c->instead.listens)
		r = listen_for_program(c, e);
	if (r == 0)
		r = clone_child(c, e);
	if (r == 0 && c->plan->pids_last)
		r = creation_wait_birth(c, e);
	if (r == 0)
		r = creation_cgroup_settle(c, e);
	if (r == 0)
		r = creation_announce(c, mode, e);
	if (r < 0) {
		creation_prefer_child_error(c, e);
		return -e->code;
	}
	return creation_wait_ready(c, mode, e);
}

int creation_make(struct creation *c, const struct husk_ctx *ctx, const char *id, const struct husk_create_opts *o,
		  enum creation_mode mode, struct err *e)
{
	int r;

	*c = (struct creation){
		.ctx = ctx,
		.opts = o,
		.state = { .dir = -1 },
		.cgroup = -1,
		.sync = -1,
		.pidfd = -1,
		.master = -1,
		.rootfs = -1,
		.trampoline = -1,
		.hook_output = { -1, -1 },
		.label_procfd = -1,
		.label_inside = -1,
		.console_socket = -1,
		.agent = -1,
		.gate = -1,
	};
	r = make(c, id, mode, e);
	if (r < 0) {
		creation_undo(c);
		creation_free(c);
	}
	return r;
}

void creation_undo(struct creation *c)
{
	struct err e = { 0 };
	bool left = false; /* the state stays with what it tells of */

	if (c->pidfd >= 0) {
		(void)sys_pidfd_send_signal(c->pidfd, SIGKILL);
		while (waitpid(c->state.pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	cgroup_scope_release(&c->scope);
	if (c->cgroup >= 0) { /* else it was not made, and what is at that path is another's */
		(void)cgroup_kill(c->cgroup, SIGKILL, NULL);
		if (c->state.scope)
			left = cgroup_scope_remove(c->state.cgroup, c->state.scope, !c->ctx->host_root, &e) < 0;
		else
			left = cgroup_remove(c->state.cgroup, &e) < 0;
		if (left)
			log_warn("%s: leaving it and the container to 'delete --force'", e.msg);
	}
	if (c->pidfd >= 0 && rdt_leave(c->spec->linux_->intel_rdt, c->state.id, &e) < 0)
		log_warn("%s: leaving it", e.msg);
	if (c->owes_poststop)
		hooks_run_after(c->spec, HOOK_POSTSTOP, &c->state);
	if (c->pid_written)
		(void)unlink(c->opts->pid_file);
	if (!left && c->state.dir >= 0 && state_remove(c->ctx, &c->state, &e) < 0)
		log_warn("%s: leaving it", e.msg);
}

void creation_free(struct creation *c)
{
	fd_close(&c->cgroup);
	fd_close(&c->sync);
	fd_close(&c->pidfd);
	fd_close(&c->master);
	fd_close(&c->rootfs);
	fd_close(&c->trampoline);
	fd_close(&c->label_procfd);
	fd_close(&c->label_inside);
	hooks_close_output(&c->hook_output);
	fd_close(&c->console_socket);
	fd_close(&c->agent);
	fd_close(&c->gate);
	close_given(c);
	free(c->instead.config);
	free(c->instead.rootfs);
	free(c->instead.note);
	birth_free(&c->birth);
	state_free(&c->state);
	seccomp_prog_free(&c->filter);
	cgroup_steps_free(&c->limits);
	free(c->slice);
	free(c->subgroup);
	cgroup_scope_properties_free(c->unit_properties.v);
	plan_free(c->plan);
	spec_free(c->spec);
	free(c->bundle);
	c->plan = NULL;
	c->spec = NULL;
	c->bundle = NULL;
}

int husk_create(const struct husk_ctx *ctx, const char *id, const struct husk_create_opts *o, struct err *e)
{
	struct creation c;
	int r = creation_make(&c, ctx, id, o, CREATION_GATED, e);

	if (r == 0)
		creation_free(&c);
	return r;
}
