/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create_cgroup.c: see create_cgroup.h.
 *
 * Under systemd the path is known only once the scope is there. Nothing needs to be
 * written down before: if husk dies, the helper in the scope leaves it, and systemd
 * removes a scope that is empty.
 */
#include "create_cgroup.h"

#include "annotation.h"
#include "cgroup.h"
#include "cgroup_apply.h"
#include "cgroup_check.h"
#include "cgroup_controllers.h"
#include "cgroup_dev.h"
#include "cgroup_owner.h"
#include "cgroup_procs.h"
#include "fd.h"
#include "io.h"
#include "log.h"
#include "spawn.h"
#include "str.h"

#include <string.h>
#include <unistd.h>

#define CGROUP_EVENTS_MAX 256 /* bytes of cgroup.events */

/* A limit on processes that would not leave room for the helper and the init at once. */
#define FEW_TASKS 8
#define FILE_TASKS "pids.max"

/* Goes on without a cgroup, as e says why, and says what is then not enforced. */
static int do_without_cgroup(struct creation *c, struct err *e)
{
	const struct spec_linux *l = c->spec->linux_;
	bool limited = c->limits.n && !c->instead.limits_optional;

	/* most ordinary users own no cgroup: worth a word only if one was asked for */
	log_write(l->cgroups_path || limited || c->state.scope ? LOG_LVL_WARN : LOG_LVL_INFO,
		  "%s%s: running without a cgroup", c->state.scope ? "" : "linux.cgroupsPath: ", e->msg);
	free(c->state.cgroup);
	free(c->state.scope);
	c->state.cgroup = c->state.scope = NULL;
	return c->instead.limits_optional ? 0 : cgroup_check_resources(l, true, e);
}

/* Before it is written to state.json: `delete --force` of a creation that was killed ends whatever is
 * in that cgroup. */
static int refuse_used_cgroup(const struct creation *c, struct err *e)
{
	AUTO_FD fd = -1;

	if (!c->state.cgroup || cgroup_open(c->state.cgroup, &fd, NULL) < 0 || cgroup_is_populated(fd) != 1)
		return 0;
	return err_set(e, EEXIST, "cgroup '%s' already has processes in it: choose another linux.cgroupsPath",
		       c->state.cgroup);
}

int creation_cgroup_name(struct creation *c, struct err *e)
{
	const struct spec_linux *l = c->spec->linux_;
	bool disabled = c->ctx->cgroup_manager == HUSK_CGROUP_DISABLED;
	int r;

	r = cgroup_check_resources(l, disabled && !c->instead.limits_optional, e);
	if (r < 0 || disabled)
		return r;
	r = cgroup_limits_plan(l->resources, &cgroup_current_none, &c->limits, e);
	if (r < 0)
		return r;
	if (c->instead.limits_optional)
		cgroup_steps_make_optional(&c->limits);
	if (c->ctx->cgroup_manager == HUSK_CGROUP_SYSTEMD) {
		r = annotation_unitprops(c->spec, !c->ctx->host_root, &c->unit_properties, e);
		if (r == 0)
			r = annotation_subgroup(c->spec, &c->subgroup, e);
		return r < 0 ? r
			     : cgroup_scope_names(l->cgroups_path, c->state.id, !c->ctx->host_root, &c->slice,
						  &c->state.scope, e);
	}
	r = cgroup_path_make(l->cgroups_path, c->state.id, &c->state.cgroup, e);
	if (r < 0 && c->ctx->rootless)
		return do_without_cgroup(c, e);
	return r < 0 ? r : refuse_used_cgroup(c, e);
}

/* ---- limits ---- */

/* Is there more than the init in the cgroup until it is born: the helper of a scope, or who makes the init (spawn.h,
 * birth.h)? */
static bool is_shared_at_first(const struct creation *c)
{
	return c->state.scope || c->plan->pids_last || spawn_needs_stage(c->plan);
}

/* The limit on processes, when it is so low that it must wait until the init is alone. Till then nothing runs there
 * but what is husk's. Of two (linux.resources.unified) the last counts. */
static const struct cgroup_step *late_step(const struct creation *c)
{
	size_t i = is_shared_at_first(c) ? c->limits.n : 0;
	uint64_t n;

	while (i > 0 && !str_eq(c->limits.v[i - 1].file, FILE_TASKS))
		i--;
	return i > 0 && str_u64(c->limits.v[i - 1].value, FEW_TASKS, &n) == 0 ? &c->limits.v[i - 1] : NULL;
}

/* The limits that need not wait, in an array of its own; what they point to stays c's. */
static struct cgroup_steps early_steps(const struct creation *c)
{
	bool wait = late_step(c);
	struct cgroup_steps out = { .v = x_calloc(c->limits.n + 1, sizeof(*out.v)) };

	for (size_t i = 0; i < c->limits.n; i++)
		if (!wait || !str_eq(c->limits.v[i].file, FILE_TASKS))
			out.v[out.n++] = c->limits.v[i];
	return out;
}

/* One who may not give it away lets the container run all the same: it can make no cgroups then. */
static int own_cgroup(const struct creation *c, struct err *e)
{
	uid_t uid;
	int r;

	if (!cgroup_owner_wanted(c->spec, &uid) || uid == geteuid())
		return 0;
	r = cgroup_owner_set(c->cgroup, uid, e);
	if (r == -EPERM && c->ctx->rootless) {
		log_info("%s: ignoring", e->msg);
		return 0;
	}
	return r;
}

/* Limits and device filter hold before the first process is born into the cgroup. The controllers are those of all
 * limits: the late one's, too. */
static int limit_cgroup(const struct creation *c, const struct cgroup_steps *early, bool adopted, struct err *e)
{
	const struct spec_linux *l = c->spec->linux_;
	struct cgroup_dev_change change = CGROUP_DEV_NO_CHANGE;
	int r;

	r = cgroup_controllers_enable(c->state.cgroup, c->cgroup, &c->limits, e);
	if (r == 0)
		r = cgroup_apply(c->cgroup, early, e);
	if (r == 0)
		r = cgroup_dev_limit(c->cgroup, l, c->ctx->rootless, !adopted, &change, e);
	cgroup_dev_change_free(&change);
	return r < 0 ? r : own_cgroup(c, e);
}

/* ---- under systemd ---- */

static int make_scope(struct creation *c, struct err *e)
{
	struct cgroup_steps early = early_steps(c);
	const struct cgroup_scope_wish wish = {
		.slice = c->slice,
		.unit = c->state.scope,
		.below = c->subgroup ? c->subgroup : "",
		.user = !c->ctx->host_root,
		.steps = &early,
		.properties = c->unit_properties.v,
	};
	int r;

	r = cgroup_scope_start(&c->scope, &wish, &c->state.cgroup, e);
	if (r == -ENOTCONN && c->ctx->rootless) /* what a systemd that answers refuses is an error to anybody */
		r = do_without_cgroup(c, e);
	else if (r == 0)
		r = cgroup_open(c->state.cgroup, &c->cgroup, e);
	if (r == 0)
		r = state_write(&c->state, e);
	if (r == 0 && c->state.cgroup)
		r = limit_cgroup(c, &early, false, e);
	free(early.v);
	return r;
}

/* ---- */

int creation_cgroup_settle(struct creation *c, struct err *e)
{
	const struct cgroup_step *late = c->cgroup >= 0 ? late_step(c) : NULL;
	const struct cgroup_steps one = { .v = (struct cgroup_step *)(uintptr_t)late, .n = 1 };
	int r;

	cgroup_scope_release(&c->scope);
	if (!late)
		return 0;
	r = cgroup_apply(c->cgroup, &one, e);
	if (r == 0 && c->state.scope)
		r = cgroup_scope_set(c->state.scope, !c->ctx->host_root, &one, e);
	return r;
}

static int make_plain(struct creation *c, struct err *e)
{
	struct cgroup_steps early = early_steps(c);
	int r = cgroup_create(c->state.cgroup, &c->cgroup, e);

	if (r >= 0)
		r = limit_cgroup(c, &early, r == 1, e);
	if (r == 0 && is_shared_at_first(c) && creation_cgroup_is_frozen(c)) /* whoever makes the child is waited for */
		r = creation_cgroup_frozen_err(c, e);
	free(early.v);
	return r;
}

int creation_cgroup_make(struct creation *c, struct err *e)
{
	int r;

	if (c->state.scope)
		return make_scope(c, e);
	if (!c->state.cgroup)
		return 0;
	r = make_plain(c, e);
	if (r == 0 || c->cgroup >= 0)
		return r;
	if (c->ctx->rootless && r != -EEXIST) {
		r = do_without_cgroup(c, e);
		return r < 0 ? r : state_write(&c->state, e);
	}
	free(c->state.cgroup); /* not ours: undoing must leave it alone */
	c->state.cgroup = NULL;
	return r;
}

bool creation_cgroup_is_frozen(const struct creation *c)
{
	char events[CGROUP_EVENTS_MAX];

	return c->cgroup >= 0 && io_read_small(c->cgroup, "cgroup.events", events, sizeof(events)) > 0 &&
	       cgroup_event_value(events, "frozen") == 1;
}

int creation_cgroup_frozen_err(const struct creation *c, struct err *e)
{
	return err_set(e, EBUSY,
		       "cgroup '%s', or one above it, is frozen, so that nothing in it can start: thaw it, or choose "
		       "another linux.cgroupsPath",
		       c->state.cgroup);
}
