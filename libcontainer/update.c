/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update.c: other limits for a container that is there.
 *
 * The cgroup's files are the only memory of limits: what an update leaves out is
 * read from them, and nothing of it is kept in the state directory. What is
 * refused half-way is put back: the files from what they held before, the device filter,
 * and what systemd was told. Controllers that were enabled for it above the cgroup stay: they limit
 * nothing, and who took one away again would lift, without a word, the limits of a container that was
 * made beside this one meanwhile.
 */
#include "libcontainer.h"

#include "cgroup.h"
#include "cgroup_apply.h"
#include "cgroup_check.h"
#include "cgroup_controllers.h"
#include "cgroup_dev.h"
#include "cgroup_limits.h"
#include "cgroup_systemd.h"
#include "fd.h"
#include "log.h"
#include "rdt.h"
#include "spec.h"
#include "state.h"
#include "str.h"

#define LOCK_WAIT_MS 2000

struct updating {
	const struct husk_ctx *ctx;
	const struct husk_update_opts *opts;
	struct state state;
	struct spec *asked;	   /* its resources; NULL: none */
	struct spec *container;	   /* its config.json; NULL: not needed */
	struct cgroup_steps steps; /* what is written, */
	struct cgroup_undo *undo;  /* and what takes it back */
	struct cgroup_dev_change devices;
	bool told; /* systemd, of the steps */
	int cgroup;
};

static int open_container(struct updating *u, const char *id, struct err *e)
{
	int r = state_open_locked(u->ctx, id, LOCK_WAIT_MS, false, &u->state, e);

	if (r < 0)
		return r;
	switch (state_status(&u->state)) {
	case STATE_STOPPED:
		return err_set(e, ESRCH, "cannot update container '%s': container not running", id);
	case STATE_CREATING:
		return err_set(e, EBUSY, "cannot update container '%s': it is still being created", id);
	default:
		return 0;
	}
}

static int open_cgroup(struct updating *u, struct err *e)
{
	int r;

	if (!u->state.cgroup && u->opts->limits_optional) {
		spec_free(u->asked);
		u->asked = NULL;
		return 0;
	}
	if (!u->state.cgroup)
		return err_set(e, ENOTSUP, "cannot update container '%s': it runs without a cgroup", u->state.id);
	r = cgroup_open(u->state.cgroup, &u->cgroup, e);
	return r < 0 ? err_add(e, "cannot update container '%s'", u->state.id) : 0;
}

static int write_limits(struct updating *u, struct err *e)
{
	const struct spec_linux *l = u->asked->linux_;
	struct cgroup_current current;
	int r;

	cgroup_current_read(u->cgroup, &current);
	r = cgroup_limits_plan(l->resources, &current, &u->steps, e);
	if (r == 0 && u->opts->limits_optional)
		cgroup_steps_make_optional(&u->steps);
	if (r == 0)
		r = cgroup_check_usage(u->cgroup, l->resources, e);
	if (r == 0 && u->steps.n > 0)
		r = cgroup_controllers_enable(u->state.cgroup, u->cgroup, &u->steps, e);
	return r < 0 ? r : cgroup_apply_undoable(u->cgroup, &u->steps, &u->undo, e);
}

/* The rules given take the place of all there were; linux.devices are those of the container. */
static int replace_devices(struct updating *u, struct err *e)
{
	struct spec_linux l = *u->asked->linux_;

	if (l.n_device_rules == 0)
		return 0;
	if (cgroup_dev_is_others(u->cgroup)) {
		log_warn("devices: the device filter of container '%s' is not husk's any more: ignoring", u->state.id);
		return 0;
	}
	l.devices = u->container->linux_->devices;
	l.n_devices = u->container->linux_->n_devices;
	return cgroup_dev_limit(u->cgroup, &l, u->ctx->rootless, false, &u->devices, e);
}

/* Or it would put the old ones back some day. */
static int tell_systemd(struct updating *u, struct err *e)
{
	int r;

	if (!u->state.scope)
		return 0;
	r = cgroup_scope_set(u->state.scope, husk_is_rootless(), &u->steps, e);
	u->told = r == 0;
	return r;
}

/* The kernel takes all of them or none, so nothing after it can fail. */

static int rewrite_schemas(struct updating *u, struct err *e)
{
	struct spec_intel_rdt rdt;

	if (!u->opts->l3_cache_schema && !u->opts->mem_bw_schema)
		return 0;
	if (!u->container->linux_->intel_rdt)
		return err_set(e, ENOTSUP,
			       "container '%s' was made without linux.intelRdt: there is no schema to change",
			       u->state.id);
	rdt = *u->container->linux_->intel_rdt;
	rdt.schemata = (struct strv){ 0 };
	rdt.l3_cache_schema = u->opts->l3_cache_schema;
	rdt.mem_bw_schema = u->opts->mem_bw_schema;
	return rdt_update(&rdt, u->state.id, e);
}

static int prepare(struct updating *u, struct err *e)
{
	bool devices = false;
	int r = 0;

	if (u->opts->resources) {
		r = spec_parse_resources(u->opts->resources, u->opts->len, &u->asked, e);
		if (r == 0)
			r = cgroup_check_resources(u->asked->linux_, false, e);
		if (r == 0)
			r = open_cgroup(u, e);
		devices = r == 0 && u->asked && u->asked->linux_->n_device_rules > 0;
	}
	if (r == 0 && (devices || u->opts->l3_cache_schema || u->opts->mem_bw_schema))
		r = spec_load(u->state.dir, STATE_CONFIG, &u->container, e);
	return r;
}

/* The last first. What cannot be taken back is said, in the error that the user is to see anyway. */
static void take_back(struct updating *u, struct err *e)
{
	struct cgroup_steps before = { 0 };
	AUTO_FREE char *first = NULL;
	struct err why = { 0 };

	cgroup_undo_steps(u->undo, &before);
	if (u->told)
		(void)cgroup_scope_set(u->state.scope, husk_is_rootless(), &before, &why);
	(void)cgroup_dev_undo(u->cgroup, &u->devices, why.code ? NULL : &why);
	if (u->undo)
		(void)cgroup_undo(u->cgroup, u->undo, why.code ? NULL : &why);
	cgroup_steps_free(&before);
	if (!why.code || !e)
		return;
	first = x_strdup(e->msg);
	(void)err_set(e, e->code, "%s; %s", first, why.msg);
}

int husk_update(const struct husk_ctx *ctx, const char *id, const struct husk_update_opts *o, struct err *e)
{
	struct updating u = {
		.ctx = ctx, .opts = o, .state = { .dir = -1 }, .devices = CGROUP_DEV_NO_CHANGE, .cgroup = -1
	};
	int r;

	r = open_container(&u, id, e);
	if (r == 0)
		r = prepare(&u, e);
	if (r == 0 && u.asked)
		r = write_limits(&u, e);
	if (r == 0 && u.asked)
		r = replace_devices(&u, e);
	if (r == 0)
		r = tell_systemd(&u, e);
	if (r == 0 && o->then)
		r = o->then(o->then_arg, e);
	if (r == 0)
		r = rewrite_schemas(&u, e);
	if (r < 0 && u.cgroup >= 0)
		take_back(&u, e);
	cgroup_undo_free(u.undo);
	cgroup_dev_change_free(&u.devices);
	cgroup_steps_free(&u.steps);
	fd_close(&u.cgroup);
	spec_free(u.asked);
	spec_free(u.container);
	state_free(&u.state);
	return r;
}
