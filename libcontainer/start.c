/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start.c: opens the gate of a created container.
 *
 * The gate's connection is close-on-exec in the container's process: its end
 * without a message says that execve succeeded. A process that read GO and was killed just
 * before it looks the same, as does a program that ends at once.
 */
#include "libcontainer.h"

#include "fd.h"
#include "hooks.h"
#include "kernel.h"
#include "log.h"
#include "spec.h"
#include "state.h"
#include "sync.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#define LOCK_WAIT_MS 1000

static int connect_gate(const struct state *s, int *out_fd, struct err *e)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	AUTO_FD sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (sock < 0)
		return err_sys(e, errno, "socket");
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/" STATE_GATE, s->dir);
	if (connect(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return err_sys(e, errno, "open the gate of container '%s'", s->id);
	*out_fd = fd_take(&sock);
	return 0;
}

static int check_startable(const struct state *s, struct err *e)
{
	enum state_status status = state_status(s);

	if (status == STATE_CREATED)
		return 0;
	if (status == STATE_STOPPED)
		return err_set(e, EINVAL, "cannot start a container that has stopped");
	if (status == STATE_CREATING)
		return err_set(e, EBUSY, "container '%s' is still being created", s->id);
	return err_set(e, EINVAL, "cannot start an already running container");
}

static int open_gate(const struct state *s, struct err *e)
{
	AUTO_FD gate = -1, pidfd = -1;
	int r;

	r = state_pidfd(s, &pidfd);
	if (r < 0)
		return err_sys(e, -r, "container '%s'", s->id);
	r = connect_gate(s, &gate, e);
	if (r == 0)
		r = sync_send(gate, SYNC_GO, s->pid, -1, e);
	if (r == 0)
		r = sync_wait_exec(gate, NULL, e);
	/* no one waits for the gate any more, whether it ran or not */
	if (unlinkat(s->dir, STATE_GATE, 0) < 0 && errno != ENOENT && r == 0)
		return err_sys(e, errno,
			       "container '%s' runs, but will look like one that was only created: remove its gate",
			       s->id);
	return r;
}

static void run_poststart(const struct state *s)
{
	struct spec *spec = NULL;
	struct err e = { 0 };

	if (spec_load(s->dir, STATE_CONFIG, &spec, &e) < 0) {
		log_warn("%s: skipping the poststart hooks", e.msg);
		return;
	}
	hooks_run_after(spec, HOOK_POSTSTART, s);
	spec_free(spec);
}

int husk_start(const struct husk_ctx *ctx, const char *id, struct err *e)
{
	struct state s = { .dir = -1 };
	int r;

	r = state_open_locked(ctx, id, LOCK_WAIT_MS, false, &s, e);
	if (r == 0)
		r = check_startable(&s, e);
	if (r == 0)
		r = open_gate(&s, e);
	if (r == 0)
		run_poststart(&s);
	state_free(&s);
	return r;
}
