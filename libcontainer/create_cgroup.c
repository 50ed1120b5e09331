/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create_cgroup.c: see create_cgroup.h.
 *
 * Under systemd the path is known only once the scope is there. Nothing needs to be
 * written down before: if husk dies, the helper in the scope leaves it, and systemd
 * removes a scope that is empty.
 */
#include "create_cgroup.h"

#include "cgroup.h"
#include "cgroup_apply.h"
#include "cgroup_check.h"
#include "cgroup_controllers.h"
#include "cgroup_dev.h"
#include "cgroup_owner.h"
#include "cgroup_procs.h"
#include "fd.h"
#include "log.h"
#include "str.h"

#include <string.h>
#include <unistd.h>

/* A limit on processes that would not leave room for the helper and the init at once. */
#define FEW_TASKS 8

/* Goes on without a cgroup, as e says why, and says what is then not enforced. */
static int do_without_cgroup(struct creation *c, struct err *e)
{
	const struct spec_linux *l = c->spec->linux_;

	/* most ordinary users own no cgroup: worth a word only if one was asked for */
	log_write(l->cgroups_path || c->limits.n ? LOG_LVL_WARN : LOG_LVL_INFO,
		  "linux.cgroupsPath: %s: running without a cgroup", e->msg);
	free(c->state.cgroup);
	free(c->state.scope);
	c->state.cgroup = c->state.scope = NULL;
	return cgroup_check_resources(l, true, e);
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

	r = cgroup_check_resources(l, disabled, e);
	if (r < 0 || disabled)
		return r;
	r = cgroup_limits_plan(l->resources, &cgroup_current_none, &c->limits, e);
	if (r < 0)
		return r;
	if (c->ctx->cgroup_manager == HUSK_CGROUP_SYSTEMD)
		return cgroup_scope_names(l->cgroups_path, c->state.id, !c->ctx->host_root, &c->slice, &c->state.scope,
					  e);
	r = cgroup_path_make(l->cgroups_path, c->state.id, &c->state.cgroup, e);
	if (r < 0 && c->ctx->rootless)
		return do_without_cgroup(c, e);
	return r < 0 ? r : refuse_used_cgroup(c, e);
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

/* Limits and device filter hold before the first process is born into the cgroup. */
static int limit_cgroup(const struct creation *c, const struct cgroup_steps *limits, bool adopted, struct err *e)
{
	const struct spec_linux *l = c->spec->linux_;
	struct cgroup_dev_change change = CGROUP_DEV_NO_CHANGE;
	int r;

	r = cgroup_controllers_enable(c->state.cgroup, c->cgroup, limits, e);
	if (r == 0)
		r = cgroup_apply(c->cgroup, limits, e);
	if (r == 0)
		r = cgroup_dev_limit(c->cgroup, l, c->ctx->rootless, !adopted, &change, e);
	cgroup_dev_change_free(&change);
	return r < 0 ? r : own_cgroup(c, e);
}

/* ---- under systemd ---- */

/* The limit on processes, when it is so low that it must wait for the helper to leave. */
static const struct cgroup_step *late_step(const struct creation *c)
{
	uint64_t n;

	for (size_t i = 0; i < c->limits.n; i++)
		if (str_eq(c->limits.v[i].file, "pids.max") && str_u64(c->limits.v[i].value, FEW_TASKS, &n) == 0)
			return &c->limits.v[i];
	return NULL;
}

/* All limits but that one, in an array of its own; what they point to stays c's. */
static struct cgroup_steps early_steps(const struct creation *c)
{
	const struct cgroup_step *late = late_step(c);
	struct cgroup_steps out = { .v = x_calloc(c->limits.n + 1, sizeof(*out.v)) };

	for (size_t i = 0; i < c->limits.n; i++)
		if (&c->limits.v[i] != late)
			out.v[out.n++] = c->limits.v[i];
	return out;
}

static int make_scope(struct creation *c, struct err *e)
{
	struct cgroup_steps early = early_steps(c);
	int r;

	r = cgroup_scope_start(&c->scope, c->slice, c->state.scope, !c->ctx->host_root, &early, &c->state.cgroup, e);
	if (r < 0 && c->ctx->rootless)
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

int creation_cgroup_settle(struct creation *c, struct err *e)
{
	const struct cgroup_step *late = c->scope.helper.pid > 0 ? late_step(c) : NULL;
	const struct cgroup_steps one = { .v = (struct cgroup_step *)(uintptr_t)late, .n = 1 };
	int r;

	cgroup_scope_release(&c->scope);
	if (!late)
		return 0;
	r = cgroup_apply(c->cgroup, &one, e);
	return r < 0 ? r : cgroup_scope_set(c->state.scope, !c->ctx->host_root, &one, e);
}

/* ---- */

int creation_cgroup_make(struct creation *c, struct err *e)
{
	int r;

	if (c->state.scope)
		return make_scope(c, e);
	if (!c->state.cgroup)
		return 0;
	r = cgroup_create(c->state.cgroup, &c->cgroup, e);
	if (r >= 0)
		return limit_cgroup(c, &c->limits, r == 1, e);
	if (c->ctx->rootless && r != -EEXIST) {
		r = do_without_cgroup(c, e);
		return r < 0 ? r : state_write(&c->state, e);
	}
	free(c->state.cgroup); /* not ours: undoing must leave it alone */
	c->state.cgroup = NULL;
	return r;
}
