/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events.c: what a container uses, once or again and again, and when memory runs out in it.
 *
 * memory.events changes when the kernel kills for lack of memory, and is watched by
 * inotify(7) (cgroup-v2.rst, "memory.events"); the init's pidfd says when to stop.
 */
#include "libcontainer.h"

#include "cgroup.h"
#include "cgroup_apply.h"
#include "cgroup_stats.h"
#include "clock.h"
#include "events_json.h"
#include "fd.h"
#include "state.h"
#include "str.h"

#include <poll.h>
#include <stdio.h>
#include <sys/inotify.h>

struct watch {
	const char *id;
	int cgroup;
	int inotify; /* -1: no memory controller here */
	int pidfd;
	uint64_t oom_kills;
	husk_event_fn *fn;
	void *arg;
};

static int say(const struct watch *w, char *json, struct err *e)
{
	int r = json ? w->fn(json, w->arg, e) : err_set(e, EIO, "cannot write an event as JSON");

	free(json);
	return r;
}

static int say_stats(const struct watch *w, struct err *e)
{
	struct cgroup_stats stats = { 0 };
	char *json;

	cgroup_stats_read(w->cgroup, &stats);
	json = events_json_stats(w->id, &stats);
	cgroup_stats_free(&stats);
	return say(w, json, e);
}

/* One event however many processes it cost. */
static int say_oom(struct watch *w, struct err *e)
{
	uint64_t n = cgroup_oom_kills(w->cgroup);
	bool more = n > w->oom_kills;

	w->oom_kills = more ? n : w->oom_kills; /* 0 is said of a cgroup that is gone */
	return more ? say(w, events_json_oom(w->id), e) : 0;
}

static void drop_notices(int inotify)
{
	char notices[4096];

	while (read(inotify, notices, sizeof(notices)) > 0)
		;
}

static int begin(struct watch *w, struct err *e)
{
	char path[FD_PATH_MAX + sizeof("/memory.events")], dir[FD_PATH_MAX];

	w->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->inotify < 0)
		return err_sys(e, errno, "inotify_init1 (sysctl fs.inotify.max_user_instances)");
	fd_path(w->cgroup, dir);
	(void)snprintf(path, sizeof(path), "%s/memory.events", dir);
	if (inotify_add_watch(w->inotify, path, IN_MODIFY) < 0) {
		if (errno != ENOENT)
			return err_sys(e, errno, "watch memory.events");
		fd_close(&w->inotify);
	}
	w->oom_kills = cgroup_oom_kills(w->cgroup);
	return 0;
}

static int loop(struct watch *w, int64_t interval_ms, struct err *e)
{
	int64_t next = clock_monotonic_ms() + interval_ms;
	int r = 0;

	while (r >= 0) {
		struct pollfd p[] = { { .fd = w->pidfd, .events = POLLIN }, { .fd = w->inotify, .events = POLLIN } };
		int64_t left = next - clock_monotonic_ms();

		if (poll(p, ARRAY_LEN(p), left < 0 ? 0 : (int)left) < 0 && errno != EINTR)
			return err_sys(e, errno, "poll");
		if (p[1].revents)
			drop_notices(w->inotify);
		if (p[0].revents || p[1].revents)
			r = say_oom(w, e);
		if (r < 0 || p[0].revents)
			return r;
		if (clock_monotonic_ms() >= next) {
			r = say_stats(w, e);
			next += interval_ms;
		}
	}
	return r;
}

static int open_container(const struct husk_ctx *ctx, const char *id, struct state *s, struct watch *w, struct err *e)
{
	int r = state_open(ctx, id, false, s, e);

	if (r < 0)
		return r;
	if (state_pidfd(s, &w->pidfd) < 0)
		return err_set(e, ESRCH, "container '%s': container not running", id);
	if (!s->cgroup)
		return err_set(e, ENOTSUP, "container '%s' runs without a cgroup: nothing counts what it uses", id);
	return cgroup_open(s->cgroup, &w->cgroup, e);
}

int husk_events(const struct husk_ctx *ctx, const char *id, int64_t interval_ms, husk_event_fn *fn, void *arg,
		struct err *e)
{
	struct watch w = { .id = id, .cgroup = -1, .inotify = -1, .pidfd = -1, .fn = fn, .arg = arg };
	struct state s = { .dir = -1 };
	int r;

	r = open_container(ctx, id, &s, &w, e);
	if (r == 0 && interval_ms == 0) {
		r = say_stats(&w, e);
	} else if (r == 0) {
		r = begin(&w, e);
		if (r == 0)
			r = loop(&w, interval_ms, e);
	}
	fd_close(&w.cgroup);
	fd_close(&w.inotify);
	fd_close(&w.pidfd);
	state_free(&s);
	return r;
}
