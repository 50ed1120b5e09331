/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mounts.c: mounts added to and removed from a container that runs.
 *
 * The work is done by a child that enters the container's mount namespace (and those that give a new file
 * system its content), but never its pid namespace: the container cannot see it. What the file names on
 * the host is opened before that, as detached mounts:
 *
 *   with the rights of the host's root: binds, by us, as create does;
 *   in the container's user namespace, with a copy of our mount namespace: new file systems, as
 *   create does; and an ordinary user's binds;
 *   in the container's mount namespace: targets alone, each resolved once, to a descriptor.
 *
 * The container's /proc is never used: it may be anything, and a procfs there does not have the child.
 *
 * All of a file is attached or nothing is. From the first one on the child no longer dies with husk, so
 * that a signal does not leave a part. Directories and files that were made as targets stay.
 */
#include "libcontainer.h"

#include "fd.h"
#include "idmap.h"
#include "init_ns.h"
#include "kernel.h"
#include "log.h"
#include "mount.h"
#include "mount_idmap.h"
#include "plan.h"
#include "plan_mount.h"
#include "proc.h"
#include "process.h"
#include "spawn.h"
#include "state.h"
#include "str.h"
#include "sync.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

struct change {
	struct state state;
	struct spec *spec;  /* the container's */
	struct spec *asked; /* the file's: only its mounts */
	struct plan *plan;  /* of the file's mounts; for removal its joins alone */
	bool removal, privileged;
	int init_pidfd, mntns, pidns; /* the init's */
	int *attached;		      /* in the child: the mounts that are there now; -1: none */
};

static int check_status(struct change *c, struct err *e)
{
	const char *verb = c->removal ? "remove" : "add";
	enum state_status status = state_status(&c->state);

	if (status == STATE_STOPPED || state_pidfd(&c->state, &c->init_pidfd) < 0)
		return err_set(e, ESRCH, "cannot %s mounts: container not running", verb);
	if (status == STATE_CREATING)
		return err_set(e, EBUSY, "cannot %s mounts: container '%s' is still being created", verb, c->state.id);
	return 0;
}

static int load(struct change *c, const char *file, struct err *e)
{
	int r;

	r = spec_load(c->state.dir, STATE_CONFIG, &c->spec, e);
	if (r < 0)
		return err_add(e, "container '%s'", c->state.id);
	r = spec_load_mounts(AT_FDCWD, file, &c->asked, e);
	if (r < 0)
		return r;
	if (!c->removal)
		return plan_make_mounts(c->asked, c->spec, c->state.bundle, &c->plan, e);
	c->plan = x_calloc(1, sizeof(*c->plan));
	c->plan->spec = c->spec;
	return 0;
}

/* A procfs shows the pid namespace that it is told of, or else ours. */
static int use_pidns(struct change *c, struct mount_step *step, struct err *e)
{
	char path[40];

	if (c->pidns < 0) {
		(void)snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)c->state.pid);
		c->pidns = open(path, O_RDONLY | O_CLOEXEC);
		if (c->pidns < 0)
			return err_sys(e, errno, "open '%s'", path);
	}
	free(step->data);
	step->data = x_printf("pidns=/proc/self/fd/%d", c->pidns);
	return 0;
}

static int open_namespaces(struct change *c, struct err *e)
{
	struct plan *p = c->plan;
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->n_mounts; i++)
		if (p->mounts[i].kind == MOUNT_FS && str_eq(p->mounts[i].fstype, "proc") && p->has_pidns)
			r = use_pidns(c, &p->mounts[i], e);
	if (r == 0)
		r = init_ns_open(p, c->spec, c->state.pid, c->init_pidfd, CLONE_NEWPID | CLONE_NEWTIME | CLONE_NEWUTS,
				 e);
	if (r == 0)
		c->mntns = fd_take(&p->joins[--p->n_joins].fd); /* the last one; every container has it */
	return r;
}

static int open_sources(struct change *c, struct err *e)
{
	int r;

	c->privileged = geteuid() == 0;
	if (!c->privileged)
		return mount_idmap_refuse(c->plan, e);
	r = mount_open_sources(c->plan, e);
	return r < 0 ? r : mount_idmap_all(c->plan, idmap_userns, e);
}

/* ---- in the child ---- */

static int make_trees(struct change *c, struct err *e)
{
	int r;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return err_sys(e, errno, "make a mount namespace to open the sources in");
	r = c->privileged ? 0 : mount_open_sources(c->plan, e);
	if (r == 0)
		r = mount_make_trees(c->plan, e);
	return r == -EINVAL && c->pidns >= 0 ? err_add(e, "a procfs is added on Linux 6.17 or newer only") : r;
}

/* Last first: one may stand on another. */
static void undo(struct change *c, int procfd)
{
	struct err e = { 0 };

	for (size_t i = c->plan->n_mounts; i-- > 0;)
		if (c->attached[i] >= 0 && mount_detach(procfd, c->attached[i], &e) < 0)
			log_warn("%s ('%s'): %s: leaving it", c->plan->mounts[i].label, c->plan->mounts[i].target,
				 e.msg);
}

static int attach_all(struct change *c, int root, int procfd, struct err *e)
{
	struct plan *p = c->plan;
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->n_mounts; i++)
		r = mount_place(root, procfd, &p->mounts[i], p, &c->attached[i], e);
	for (size_t i = 0; r == 0 && i < p->n_mounts; i++) /* a tmpfs could not be, while others went into it */
		if (c->attached[i] >= 0)
			r = mount_set(c->attached[i], p->mounts[i].attr_set & MOUNT_ATTR_RDONLY, 0, 0, false, e);
	return r;
}

static bool asks_nofollow(const struct spec_mount *m)
{
	for (size_t i = 0; i < m->options.n; i++)
		if (str_eq(m->options.v[i], "dest-nofollow"))
			return true;
	return false;
}

static int mount_point(int fd, struct statx *out, struct err *e)
{
	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, out) < 0)
		return err_sys(e, errno, "stat");
	return 0;
}

/* As for add: never procfs, sysfs and the masks there by a symlink that the container put in the way. */
static int check_removal(int procfd, int fd, const char *path, struct err *e)
{
	static const char *const kernels[] = { "/proc", "/sys" };
	char link[FD_PATH_MAX], at[PATH_MAX];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "self/fd/%d", fd);
	n = readlinkat(procfd, link, at, sizeof(at) - 1);
	if (n < 0)
		return err_sys(e, errno, "find where '%s' is mounted", path);
	at[n] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(kernels); i++)
		if (str_is_in(at, kernels[i]) && !str_is_in(path, kernels[i]))
			return err_set(e, EXDEV, "'%s' leads to '%s' by a symlink", path, at);
	return 0;
}

/* The target as a descriptor, if a mount that may be removed stands there. */
static int open_mounted(int root, int procfd, const struct spec_mount *m, int *out_fd, struct err *e)
{
	AUTO_FREE char *path = plan_path_resolve("/", m->destination);
	AUTO_FD fd = fd_open_in_root(root, path, O_PATH | (asks_nofollow(m) ? O_NOFOLLOW : 0), 0);
	struct statx top, at;
	int r;

	if (fd < 0)
		return err_sys(e, errno, "open '%s' in the container", path);
	r = mount_point(root, &top, e);
	if (r == 0)
		r = mount_point(fd, &at, e);
	if (r < 0)
		return r;
	if (top.stx_mnt_id == at.stx_mnt_id && top.stx_ino == at.stx_ino)
		return err_set(e, EINVAL, "'%s' is the container's root", path);
	if (!(at.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return err_set(e, EINVAL, "'%s' is not a mount point in the container", path);
	r = check_removal(procfd, fd, path, e);
	if (r == 0)
		*out_fd = fd_take(&fd);
	return r;
}

/* Nothing is removed unless all is there; then the last first, as what add made of the same file. */
static int remove_all(const struct change *c, int root, int procfd, struct err *e)
{
	const struct spec_mount *v = c->asked->mounts;
	size_t n = c->asked->n_mounts;
	int r = 0;

	for (size_t i = 0; i < 2 * n; i++) {
		size_t at = i < n ? i : 2 * n - 1 - i;
		AUTO_FD fd = -1;

		r = open_mounted(root, procfd, &v[at], &fd, e);
		if (r == 0 && i >= n)
			r = mount_detach(procfd, fd, e);
		if (r < 0)
			return err_add(e, "mounts[%zu].destination", at);
	}
	return 0;
}

static int child_steps(struct change *c, struct err *e)
{
	AUTO_FD procfd = -1, root = -1;
	int r;

	(void)umask(0);
	(void)setsid(); /* what the terminal sends is for husk */
	r = process_guard(e);
	if (r == 0)
		r = spawn_enter(c->plan, e);
	if (r == 0)
		r = process_guard(e);
	if (r == 0 && !c->removal)
		r = make_trees(c, e);
	if (r == 0)
		r = proc_open(&procfd, e);
	if (r < 0)
		return r;
	if (setns(c->mntns, CLONE_NEWNS) < 0)
		return err_sys(e, errno, "enter the container's mount namespace");
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_sys(e, errno, "open the container's root");
	(void)prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
	if (c->removal)
		return remove_all(c, root, procfd, e);
	r = attach_all(c, root, procfd, e);
	if (r < 0)
		undo(c, procfd);
	return r;
}

static __attribute__((noreturn)) void child(struct change *c, int sync)
{
	struct err e = { 0 };
	int r = child_steps(c, &e);

	(void)(r < 0 ? sync_send_err(sync, &e) : sync_send(sync, SYNC_READY, 0, -1, NULL));
	_exit(0);
}

/* ---- in husk ---- */

static int run_child(struct change *c, struct err *e)
{
	AUTO_FD ours = -1, theirs = -1, pidfd = -1;
	const struct spawn_home home = { .cgroup = -1 };
	int pair[2], r;
	pid_t pid;

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) /* the child must not be, from its birth on */
		return err_sys(e, errno, "prctl");
	r = sync_pair(pair, e);
	if (r < 0)
		return r;
	ours = pair[0];
	theirs = pair[1];
	r = spawn_child(c->plan, &home, &pid, &pidfd, e);
	if (r == 0) {
		fd_close(&ours);
		child(c, theirs);
	}
	if (r < 0)
		return r;
	fd_close(&theirs);
	r = sync_recv(ours, NULL, NULL, e);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return r == 0 ? err_set(e, ECHILD, "the process in the container's mount namespace died") : r < 0 ? r : 0;
}

static int run(struct change *c, const struct husk_ctx *ctx, const char *id, const char *file, struct err *e)
{
	int r;

	r = state_open(ctx, id, false, &c->state, e);
	if (r == 0)
		r = check_status(c, e);
	if (r == 0)
		r = load(c, file, e);
	if (r == 0)
		r = open_namespaces(c, e);
	if (r == 0)
		r = open_sources(c, e);
	if (r < 0)
		return r;
	c->attached = x_calloc(c->plan->n_mounts + 1, sizeof(*c->attached));
	for (size_t i = 0; i < c->plan->n_mounts; i++)
		c->attached[i] = -1;
	return run_child(c, e);
}

static int change(const struct husk_ctx *ctx, const char *id, const char *file, bool removal, struct err *e)
{
	struct change c = { .state = { .dir = -1 }, .removal = removal, .init_pidfd = -1, .mntns = -1, .pidns = -1 };
	int r = run(&c, ctx, id, file, e);

	if (c.plan) {
		init_ns_close(c.plan);
		for (size_t i = 0; i < c.plan->n_mounts; i++)
			fd_close(&c.plan->mounts[i].source_fd);
	}
	plan_free(c.plan);
	spec_free(c.asked);
	spec_free(c.spec);
	free(c.attached);
	fd_close(&c.init_pidfd);
	fd_close(&c.mntns);
	fd_close(&c.pidns);
	state_free(&c.state);
	return r;
}

int husk_mounts_read(const char *config, size_t len, const char *file, bool removal, char **out_json, struct err *e)
{
	struct spec *spec = NULL, *asked = NULL;
	struct plan *plan = NULL;
	int r = spec_parse(config, len, &spec, e);

	if (r == 0)
		r = spec_load_mounts(AT_FDCWD, file, &asked, e);
	if (r == 0 && !removal)
		r = plan_make_mounts(asked, spec, "/", &plan, e);
	if (r == 0)
		*out_json = asked->doc.root->type == JSON_ARRAY ? x_printf("{\"mounts\":%s}", asked->text)
								: x_strdup(asked->text);
	plan_free(plan);
	spec_free(asked);
	spec_free(spec);
	return r;
}

int husk_mounts_add(const struct husk_ctx *ctx, const char *id, const char *file, struct err *e)
{
	return change(ctx, id, file, false, e);
}

int husk_mounts_remove(const struct husk_ctx *ctx, const char *id, const char *file, struct err *e)
{
	return change(ctx, id, file, true, e);
}
