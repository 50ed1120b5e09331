/* SPDX-License-Identifier: Apache-2.0 */
/* run.c: create and start in one process, which then stays, or leaves with --detach. */
#include "libcontainer.h"

#include "attach.h"
#include "create.h"
#include "delete.h"
#include "fd.h"
#include "hooks.h"
#include "log.h"
#include "sync.h"

#define LOCK_WAIT_MS 10000 /* a delete that kills may take as long */

static int wait_exec(struct creation *c, bool attached, struct err *e)
{
	int r = sync_wait_exec(c->sync, attached ? attach_interrupted : NULL, e);

	if (r == 0)
		hooks_run_after(c->spec, HOOK_POSTSTART, &c->state);
	return r;
}

/* Others may work on the container while we wait for its end, `delete --force` among them: then
 * nothing is left to do, and its name may be another container's. */
static int stay(struct creation *c, const struct husk_run_opts *o, int sigfd, int *out_status, struct err *e)
{
	struct err why = { 0 };
	int r;

	state_unlock(&c->state);
	fd_close(&c->cgroup);
	r = attach_wait(sigfd, c->state.pid, c->pidfd, c->master, out_status, e);
	if (r < 0 || o->keep)
		return r;
	r = state_lock(&c->state, LOCK_WAIT_MS, &why);
	if (r == 0)
		r = delete_remains(c->ctx, &c->state, c->spec, &why);
	if (r < 0 && r != -ENOENT) /* the status is the container's, whatever became of its remains */
		log_warn("%s: leaving the container's state", why.msg);
	return 0;
}

/* Whoever was killed once the container was told to run has a status as any other: before its execve, or while its
 * start was deferred. Otherwise `e` stands. */
static int died_before_it_was_up(struct creation *c, const struct husk_run_opts *o, int sigfd, int *out_status,
				 struct err *e)
{
	struct err why = { 0 };
	int r = stay(c, o, sigfd, out_status, &why);

	return r == 0 && *out_status > 128 ? 0 : -e->code;
}

int husk_run(const struct husk_ctx *ctx, const char *id, const struct husk_run_opts *o, int *out_status, struct err *e)
{
	enum creation_mode mode = o->detach ? CREATION_DETACHED : CREATION_ATTACHED;
	struct creation c;
	AUTO_FD sigfd = -1;
	int r = 0;

	if (!o->detach)
		r = attach_begin(!o->no_subreaper, &sigfd, e);
	if (r == 0)
		r = creation_make(&c, ctx, id, &o->create, mode, e);
	if (r < 0)
		return r;
	r = wait_exec(&c, !o->detach, e);
	if ((r == -ECHILD || r == -ECONNRESET) && !o->detach)
		r = died_before_it_was_up(&c, o, sigfd, out_status, e);
	else if (r < 0) {
		c.owes_poststop = true; /* it was created: this is its delete */
		creation_undo(&c);
	} else if (!o->detach)
		r = stay(&c, o, sigfd, out_status, e);
	else
		*out_status = 0;
	creation_free(&c);
	return r;
}
