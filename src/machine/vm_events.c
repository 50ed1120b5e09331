/* SPDX-License-Identifier: Apache-2.0 */
/* vm_events.c: see vm_events.h. husk-mon passes on what the agent says of the guest's cgroup. */
#include "vm_events.h"

#include "clock.h"
#include "fd.h"
#include "gen.h"
#include "kernel.h"
#include "vm_control.h"
#include "vm_stats.h"

#include <poll.h>
#include <string.h>

#define END_MS 10000 /* from the end of the connection to the process's */

struct watch {
	const struct husk_ctx *ctx;
	const char *id;
	int fd;
	bool ended;
	struct frame_reader in;
	husk_event_fn *fn;
	void *arg;
};

static int say_stats(const struct watch *w, struct err *e)
{
	AUTO_FREE char *said = NULL;
	AUTO_FREE char *json = NULL;
	int r = vm_control_ask(w->ctx, w->id, MSG_STATS, NULL, NULL, &said, e);

	if (r == 0)
		r = vm_stats_json(w->id, said, &json, e);
	return r < 0 ? r : w->fn(json, w->arg, e);
}

static int say_oom(const struct watch *w, struct err *e)
{
	AUTO_FREE char *json = NULL;
	yajl_gen g = gen_new(NULL);

	gen_object_open(g, NULL);
	gen_pair(g, "type", "oom");
	gen_pair(g, "id", w->id);
	gen_object_close(g);
	json = gen_end(g);
	return w->fn(json, w->arg, e);
}

static int take(const struct watch *w, const struct frame *f, struct err *e)
{
	struct err why = { 0 };
	int r = message_check(f, MESSAGE_AGENT, e);

	if (r == 0 && f->type == MSG_ERR)
		r = message_err_decode(f, &why, e);
	if (r < 0)
		return r;
	if (why.code)
		return err_set(e, why.code, "%s", why.msg);
	return f->type == MSG_OOM ? say_oom(w, e) : 0;
}

static int read_frames(struct watch *w, struct err *e)
{
	struct frame f;
	size_t room;
	uint8_t *space = frame_reader_space(&w->in, &room);
	ssize_t n = read(w->fd, space, room);
	int r = 0;

	if (n < 0 && errno == EINTR)
		return 0;
	w->ended = n <= 0;
	if (n > 0)
		frame_reader_added(&w->in, (size_t)n);
	while (r >= 0 && (r = frame_reader_next(&w->in, &f, e)) > 0)
		r = take(w, &f, e);
	return r;
}

static int ask(const struct watch *w, struct err *e)
{
	struct frame_writer out;
	int r;

	frame_writer_init(&out, FRAME_MAX);
	(void)message_put(&out, MSG_WATCH, 0, 1);
	r = vm_control_send(w->fd, &out);
	frame_writer_free(&out);
	return r < 0 ? err_set(e, ESRCH, "container not running") : 0;
}

static int loop(struct watch *w, int64_t interval_ms, struct err *e)
{
	int64_t next = clock_monotonic_ms() + interval_ms;
	int r = ask(w, e);

	if (r < 0) /* it may have said why */
		return read_frames(w, e) < 0 ? -e->code : r;
	while (r >= 0 && !w->ended) {
		struct pollfd p = { .fd = w->fd, .events = POLLIN };
		int64_t left = next - clock_monotonic_ms();

		if (poll(&p, 1, left < 0 ? 0 : (int)left) < 0 && errno != EINTR)
			return err_sys(e, errno, "poll");
		if (p.revents)
			r = read_frames(w, e);
		if (r < 0 || w->ended || clock_monotonic_ms() < next)
			continue;
		r = say_stats(w, e);
		/* it ends, and what it still said of that is to be read; or it is paused, was meanwhile, or is slow */
		if (r == -ESRCH || r == -EBUSY || r == -ETIMEDOUT)
			r = 0;
		while (next <= clock_monotonic_ms())
			next += interval_ms;
	}
	return r < 0 ? r : 0;
}

static int open_process(const struct husk_ctx *ctx, const char *id, int *out_fd, struct err *e)
{
	bool paused;
	pid_t pid;
	int r = vm_control_find(ctx, id, &pid, &paused, e);

	if (r < 0)
		return r;
	*out_fd = sys_pidfd_open(pid, 0);
	if (*out_fd < 0)
		return errno == ESRCH ? err_set(e, ESRCH, "container not running") : err_sys(e, errno, "pidfd_open");
	return 0;
}

int vm_events(const struct husk_ctx *ctx, const char *id, int64_t interval_ms, husk_event_fn *fn, void *arg,
	      struct err *e)
{
	AUTO_FD process = -1;
	AUTO_FD fd = -1;
	struct pollfd end = { .events = POLLIN };
	struct watch w = { .ctx = ctx, .id = id, .fn = fn, .arg = arg };
	int r;

	if (!interval_ms)
		return say_stats(&w, e);
	r = open_process(ctx, id, &process, e);
	if (r == 0)
		r = vm_control_connect(ctx, id, &fd, e);
	if (r < 0)
		return r;
	w.fd = fd;
	frame_reader_init(&w.in);
	r = loop(&w, interval_ms, e);
	frame_reader_free(&w.in);
	end.fd = process;
	if (r == 0) /* a delete that follows finds it gone */
		(void)poll(&end, 1, END_MS);
	return r;
}
