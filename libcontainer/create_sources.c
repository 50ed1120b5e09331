/* SPDX-License-Identifier: Apache-2.0 */
/* create_sources.c: see create_sources.h. */
#include "create_sources.h"

#include "device.h"
#include "idmap.h"
#include "lsm.h"
#include "mount.h"
#include "mount_idmap.h"
#include "mount_proc.h"
#include "namespace.h"
#include "rootfs.h"
#include "terminal.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

bool creation_shares_pids(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_joins; i++)
		if (plan->joins[i].clone_flag == CLONE_NEWPID)
			return !plan->has_userns;
	return false;
}

/* Where no procfs can be made from outside, the child sets itself up in there, visible. */
static int keep_from_tracers(struct creation *c, struct err *e)
{
	bool label = lsm_wanted(&c->plan->process.lsm);
	int r;

	if (!creation_shares_pids(c->plan))
		return 0;
	r = mount_proc_outside(c->plan, label ? &c->label_inside : NULL, e);
	c->plan->pids_last = r > 0;
	return r < 0 ? r : 0;
}

/* An ordinary user may make a time namespace only within its new user namespace, and its offsets are
 * written before a process enters it (timens.h): so the user namespace is made first, and joined. */
static int make_userns_first(struct plan *plan, struct err *e)
{
	struct join_step *join = &plan->joins[plan->n_joins];
	int fd, r;

	if (!plan->time_offsets || !(plan->clone_flags & CLONE_NEWUSER))
		return 0;
	if (plan->n_joins == PLAN_JOIN_MAX)
		return err_set(e, EINVAL, "linux.namespaces: more than %d to join", PLAN_JOIN_MAX - 1);
	r = idmap_userns(plan->spec->linux_, &fd, e);
	if (r < 0)
		return r;
	*join = (struct join_step){ .clone_flag = CLONE_NEWUSER, .path = "the container's own", .fd = fd };
	plan->n_joins++;
	plan->clone_flags &= ~(unsigned int)CLONE_NEWUSER;
	return 0;
}

int creation_open_sources(struct creation *c, struct err *e)
{
	int r;

	c->privileged = geteuid() == 0;
	r = lsm_prepare(&c->plan->process.lsm, &c->label_procfd, e);
	if (r == 0)
		r = lsm_check_mount_label(c->plan->mount_label, e);
	if (r == 0 && c->spec->hooks[HOOK_CREATE_CONTAINER].n)
		r = hooks_open_output(c->spec, &c->hook_output, e);
	if (r == 0)
		r = namespace_open_joins(c->plan->joins, c->plan->n_joins, e);
	if (r == 0)
		r = keep_from_tracers(c, e);
	if (r == 0 && c->opts->console_socket)
		r = terminal_connect_socket(c->opts->console_socket, &c->console_socket, e);
	if (r == 0 && !c->privileged)
		r = mount_idmap_refuse(c->plan, e);
	c->plan->staged = !c->ctx->host_root;
	if (r == 0 && c->plan->staged)
		r = make_userns_first(c->plan, e);
	if (r < 0 || !c->privileged)
		return r;
	r = rootfs_open(c->plan, &c->rootfs, e);
	/* not even here is it root of the mounts: then the child opens them in its own, as a user's does */
	if (r == -EPERM) {
		c->privileged = false;
		return mount_idmap_refuse(c->plan, e);
	}
	if (r == 0)
		r = mount_open_sources(c->plan, e);
	if (r == 0)
		r = mount_idmap_all(c->plan, idmap_userns, e);
	if (r == 0 && c->plan->has_userns)
		r = device_open_sources(c->plan, e);
	return r;
}
