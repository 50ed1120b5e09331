/* SPDX-License-Identifier: Apache-2.0 */
/* delete.c: the end of a container: nothing of it stays. */
#include "delete.h"

#include "cgroup.h"
#include "cgroup_procs.h"
#include "cgroup_systemd.h"
#include "fd.h"
#include "hooks.h"
#include "kernel.h"
#include "libcontainer.h"
#include "log.h"
#include "rdt.h"
#include "spec.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>

#define KILL_WAIT_MS 10000 /* how long a killed init may take to end */
#define LOCK_WAIT_MS 2000

static int remove_cgroup(const struct state *s, struct err *e)
{
	AUTO_FD fd = -1;
	int r;

	if (!s->cgroup)
		return 0;
	r = cgroup_open(s->cgroup, &fd, e);
	if (r == 0 && cgroup_is_populated(fd) == 1)
		r = cgroup_kill(fd, SIGKILL, e);
	if (r < 0 && r != -ENOENT && r != -ENODEV) /* these two: it was removed, before or meanwhile */
		return r;
	if (s->scope)
		return cgroup_scope_remove(s->cgroup, s->scope, husk_is_rootless(), e);
	return cgroup_remove(s->cgroup, e);
}

int delete_remains(const struct husk_ctx *ctx, const struct state *s, const struct spec *spec, struct err *e)
{
	struct spec *own = NULL;
	struct err why = { 0 };
	int r = remove_cgroup(s, e);

	if (r < 0)
		return r;
	if (!spec && spec_load(s->dir, STATE_CONFIG, &own, &why) < 0)
		log_debug("%s: skipping the poststop hooks", why.msg);
	if (!spec)
		spec = own;
	if (spec && rdt_leave(spec->linux_->intel_rdt, s->id, &why) < 0)
		log_warn("%s: leaving it", why.msg);
	if (spec)
		hooks_run_after(spec, HOOK_POSTSTOP, s);
	spec_free(own);
	return state_remove(ctx, s, e);
}

/* SIGKILL, and wait for the end; it is somebody else's child, so the pidfd tells. */
static int kill_and_wait(const struct state *s, struct err *e)
{
	AUTO_FD pidfd = -1;
	AUTO_FD cgroup = -1;
	struct pollfd p = { .events = POLLIN };
	int r = state_pidfd(s, &pidfd);

	if (r == -ESRCH)
		return 0;
	if (r < 0)
		return err_sys(e, -r, "find the process of container '%s'", s->id);
	if (s->cgroup && cgroup_open(s->cgroup, &cgroup, NULL) == 0)
		(void)cgroup_kill(cgroup, SIGKILL, NULL);
	if (sys_pidfd_send_signal(pidfd, SIGKILL) < 0 && errno != ESRCH)
		return err_sys(e, errno, "kill container '%s'", s->id);
	p.fd = pidfd;
	do
		r = poll(&p, 1, KILL_WAIT_MS);
	while (r < 0 && errno == EINTR);
	return r > 0 ? 0 : err_set(e, ETIMEDOUT, "container '%s' does not end after SIGKILL", s->id);
}

static int check_deletable(const struct state *s, struct err *e)
{
	enum state_status status = state_status(s);

	if (status == STATE_STOPPED || status == STATE_CREATED)
		return 0;
	return err_set(e, EBUSY, "cannot delete container '%s' that is not stopped: %s", s->id,
		       state_status_name(status));
}

/* r: what locking gave. */
static int delete_check(const struct husk_ctx *ctx, const char *id, int r, struct state *s, struct err *e)
{
	struct err why = { 0 };

	if (r == 0)
		return check_deletable(s, e);
	state_free(s);
	if (state_open(ctx, id, false, s, &why) == 0 && check_deletable(s, &why) < 0)
		*e = why;
	return -e->code;
}

int husk_delete(const struct husk_ctx *ctx, const char *id, bool force, struct err *e)
{
	struct state s = { .dir = -1 };
	int r;

	r = state_open_locked(ctx, id, LOCK_WAIT_MS, force, &s, e);
	if (r == -ENOENT && force) {
		state_free(&s);
		return 0;
	}
	if (!force && (r == 0 || r == -EBUSY)) /* who holds the lock may be making it, or starting it */
		r = delete_check(ctx, id, r, &s, e);
	if (r == 0)
		r = kill_and_wait(&s, e);
	if (r == 0)
		r = delete_remains(ctx, &s, NULL, e);
	state_free(&s);
	return r;
}
