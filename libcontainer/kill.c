/* SPDX-License-Identifier: Apache-2.0 */
/* kill.c: a signal to the container's init, or to all its processes; SIGKILL is always to all. */
#include "libcontainer.h"

#include "cgroup.h"
#include "cgroup_procs.h"
#include "fd.h"
#include "kernel.h"
#include "signame.h"
#include "state.h"

#include <signal.h>

static int kill_init(const struct state *s, int sig, struct err *e)
{
	AUTO_FD pidfd = -1;

	int r = state_pidfd(s, &pidfd);

	if (r == -ESRCH)
		return err_set(e, ESRCH, "container not running");
	if (r < 0)
		return err_sys(e, -r, "find the process of container '%s'", s->id);
	if (sys_pidfd_send_signal(pidfd, sig) < 0)
		return errno == ESRCH ? err_set(e, ESRCH, "container not running")
				      : err_sys(e, errno, "signal container '%s'", s->id);
	return 0;
}

/* The rest of a pid namespace of its own ends with the init; but a container may have none, and its init may
 * be gone already. What is in its cgroup is its own. */
static int kill_for_good(const struct state *s, struct err *e)
{
	AUTO_FD cgroup = -1;
	struct err why = { 0 };
	int r = kill_init(s, SIGKILL, e);

	if (!s->cgroup || cgroup_open(s->cgroup, &cgroup, NULL) < 0 || cgroup_is_populated(cgroup) != 1)
		return r;
	if (cgroup_kill(cgroup, SIGKILL, &why) == 0)
		return 0;
	if (cgroup_is_populated(cgroup) != 1) /* all ended meanwhile, and it may be gone itself */
		return r;
	return err_set(e, why.code, "%s", why.msg);
}

static int kill_all(const struct state *s, int sig, struct err *e)
{
	AUTO_FD cgroup = -1;
	struct err why = { 0 };
	int r;

	if (!s->cgroup) /* the pid namespace ends with its init */
		return kill_init(s, sig, e);
	r = cgroup_open(s->cgroup, &cgroup, e);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0)
		r = cgroup_kill(cgroup, sig, &why);
	if (r == 0)
		return 0;
	if (cgroup < 0 || cgroup_is_populated(cgroup) < 0) /* gone, before or meanwhile */
		return err_set(e, ESRCH, "container not running");
	return err_set(e, why.code, "%s", why.msg);
}

int husk_kill(const struct husk_ctx *ctx, const char *id, const char *signal, bool all, struct err *e)
{
	struct state s = { .dir = -1 };
	int sig = 0, r;

	if (signame_parse(signal, &sig) < 0)
		return err_set(e, EINVAL, "signal '%s': unknown; give a name such as TERM or a number below %d", signal,
			       _NSIG);
	r = state_open(ctx, id, false, &s, e);
	if (r == 0)
		r = all ? kill_all(&s, sig, e) : sig == SIGKILL ? kill_for_good(&s, e) : kill_init(&s, sig, e);
	state_free(&s);
	return r;
}
