/* SPDX-License-Identifier: Apache-2.0 */
/* pause.c: freezing and thawing by cgroup.freeze. */
#include "libcontainer.h"

#include "cgroup.h"
#include "cgroup_procs.h"
#include "fd.h"
#include "state.h"

static int set_frozen(const struct husk_ctx *ctx, const char *id, bool freeze, struct err *e)
{
	const char *verb = freeze ? "pause" : "resume";
	struct state s = { .dir = -1 };
	AUTO_FD cgroup = -1;
	enum state_status status;
	int r;

	r = state_open(ctx, id, false, &s, e);
	if (r < 0)
		goto out;
	status = state_status(&s);
	if (!s.cgroup)
		r = err_set(e, ENOTSUP, "cannot %s container '%s': it runs without a cgroup", verb, id);
	else if (freeze && status != STATE_RUNNING && status != STATE_CREATED)
		r = err_set(e, EINVAL, "cannot pause container '%s': it is %s", id, state_status_name(status));
	else if (!freeze && status != STATE_PAUSED)
		r = err_set(e, EINVAL, "cannot resume container '%s': it is %s, not paused", id,
			    state_status_name(status));
	if (r == 0)
		r = cgroup_open(s.cgroup, &cgroup, e);
	if (r == 0)
		r = cgroup_freeze(cgroup, freeze, e);
out:
	state_free(&s);
	return r;
}

int husk_pause(const struct husk_ctx *ctx, const char *id, struct err *e)
{
	return set_frozen(ctx, id, true, e);
}

int husk_resume(const struct husk_ctx *ctx, const char *id, struct err *e)
{
	return set_frozen(ctx, id, false, e);
}
