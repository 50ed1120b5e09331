/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_procs.c: see cgroup_procs.h.
 *
 * A process id read from cgroup.procs may be another process's by the time it is
 * used. So signals go by pidfd: opened first, then the list is read again, and
 * only those still in it are signalled.
 */
#include "cgroup_procs.h"

#include "clock.h"
#include "fd.h"
#include "io.h"
#include "kernel.h"
#include "proc.h"
#include "str.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define FREEZE_MS 10000		   /* how long a freeze may take */
#define FREEZE_SOON_MS 100	   /* after which it is looked at what keeps it */
#define FREEZE_LOOK_MS 50	   /* between two looks */
#define KILL_MS 10000		   /* how long the fallback of cgroup.kill tries */
#define DEPTH_MAX 128		   /* levels of cgroups that are listed */
#define PROCS_TEXT_MAX (64U << 20) /* bytes of one cgroup.procs */
#define PROCESSES "cgroup.procs"
#define THREADS "cgroup.threads"
#define SIGNAL_BATCH 64 /* pidfds open at a time */

/* ---- cgroup.events ---- */

int cgroup_event_value(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) == 0 && line[len] == ' ')
			return line[len + 1] == '1';
	}
	return -ENODATA;
}

/* The same of cgroup.events, which fd has open. */
static int read_event(int fd, const char *key)
{
	char buf[256];
	ssize_t n = pread(fd, buf, sizeof(buf) - 1, 0);

	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return cgroup_event_value(buf, key);
}

static int open_events(int fd)
{
	int events = openat(fd, "cgroup.events", O_RDONLY | O_CLOEXEC);

	return events < 0 ? -errno : events;
}

int cgroup_is_populated(int fd)
{
	AUTO_FD events = open_events(fd);

	return events < 0 ? events : read_event(events, "populated");
}

int cgroup_is_frozen(int fd)
{
	char buf[16];
	ssize_t n = io_read_small(fd, "cgroup.freeze", buf, sizeof(buf));

	return n < 0 ? (int)n : buf[0] == '1';
}

/* Waits for the event to become `wanted`. 0, -ETIMEDOUT or -errno. */
static int wait_event(int events, const char *key, int wanted, long timeout_ms)
{
	int64_t deadline = clock_monotonic_ms() + timeout_ms;

	for (;;) {
		struct pollfd p = { .fd = events, .events = POLLPRI };
		int r = read_event(events, key);
		int64_t left = deadline - clock_monotonic_ms();

		if (r < 0)
			return r;
		if (r == wanted)
			return 0;
		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)left) < 0 && errno != EINTR)
			return -errno;
	}
}

/* ---- listing ---- */

static void pids_add(struct cgroup_pids *p, pid_t pid)
{
	if (p->n == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 64;
		p->v = x_realloc(p->v, p->cap, sizeof(*p->v));
	}
	p->v[p->n++] = pid;
}

static int compare_pids(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

/* cgroup.procs may name one twice when it moved or its id was used again. */
static void pids_sort(struct cgroup_pids *p)
{
	size_t kept = 0;

	if (p->n == 0)
		return;
	qsort(p->v, p->n, sizeof(*p->v), compare_pids);
	for (size_t i = 1; i < p->n; i++)
		if (p->v[i] != p->v[kept])
			p->v[++kept] = p->v[i];
	p->n = kept + 1;
}

void cgroup_pids_parse(char *text, struct cgroup_pids *out)
{
	char *line, *at;

	for (line = strtok_r(text, "\n", &at); line; line = strtok_r(NULL, "\n", &at)) {
		uint64_t pid;

		if (str_u64(line, INT32_MAX, &pid) < 0)
			continue;
		if (pid > 0)
			pids_add(out, (pid_t)pid);
		else
			out->hidden = true;
	}
}

/* What the file of one cgroup lists. A threaded one has no processes of its own (EOPNOTSUPP): they are listed
 * further up. */
static int list_one(int fd, const char *file, struct cgroup_pids *out)
{
	AUTO_FD procs = openat(fd, file, O_RDONLY | O_CLOEXEC);
	AUTO_FREE char *text = NULL;
	int r;

	if (procs < 0)
		return -errno;
	r = io_read_fd(procs, PROCS_TEXT_MAX, &text, NULL);
	if (r == 0)
		cgroup_pids_parse(text, out);
	return r == -EOPNOTSUPP ? 0 : r;
}

static bool is_gone(int r)
{
	return r == -ENOENT || r == -ENODEV;
}

/* file: PROCESSES or THREADS. */
static int list_tree(int fd, const char *file, unsigned int depth, struct cgroup_pids *out)
{
	int copy, r = list_one(fd, file, out);
	DIR *d;

	if (r < 0)
		return r;
	copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = copy < 0 ? NULL : fdopendir(copy);
	if (!d) {
		r = -errno;
		if (copy >= 0)
			(void)close(copy);
		return r;
	}
	for (struct dirent *entry = readdir(d); entry && r == 0; entry = readdir(d)) {
		AUTO_FD child = -1;

		if (entry->d_type != DT_DIR || str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
			continue;
		if (depth >= DEPTH_MAX) {
			r = -ELOOP;
			break;
		}
		child = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		r = child < 0 ? -errno : list_tree(child, file, depth + 1, out);
		if (is_gone(r)) /* removed meanwhile */
			r = 0;
	}
	(void)closedir(d);
	return r;
}

int cgroup_procs(int fd, pid_t **out, size_t *out_n, struct err *e)
{
	struct cgroup_pids pids = { 0 };
	int r = list_tree(fd, PROCESSES, 0, &pids);

	if (r < 0) {
		free(pids.v);
		if (r == -ELOOP)
			return err_set(e, ELOOP, "the container made cgroups more than %d levels deep", DEPTH_MAX);
		return err_sys(e, -r, "read cgroup.procs");
	}
	pids_sort(&pids);
	*out = pids.v;
	*out_n = pids.n;
	return 0;
}

/* ---- freezing ---- */

/*
 * A cgroup may have threads of the kernel's in it, which the freezer does not stop, and counts: KVM has one for each
 * machine (Linux 6.1: kvm-nx-lpage-recovery, in the cgroups of who made the machine), vhost has had such ones. Then
 * cgroup.events never says that all are frozen, and not even when such a thread is moved away then. They are not the
 * container's, and go on; of the others procfs is asked, thread by thread, which an ordinary user may as well.
 *
 * A thread that was told to freeze has a signal pending until it is in the freezer's trap, so that no other
 * sleep that can be interrupted lasts ('S'; do_freezer_trap() in kernel/signal.c). One that gets there while the others
 * are looked at may have made a thread before: so it takes two looks, some time apart, at the same threads.
 */
struct look {
	struct cgroup_pids threads;
	bool stopped; /* all but the kernel's, of which there is one at least */
};

static void look_at_threads(int fd, struct look *out)
{
	bool is_kernels, any_kernels = false;
	char state;

	*out = (struct look){ 0 };
	if (list_tree(fd, THREADS, 0, &out->threads) < 0 || out->threads.hidden)
		return;
	pids_sort(&out->threads);
	for (size_t i = 0; i < out->threads.n; i++) {
		if (proc_thread(out->threads.v[i], &state, &is_kernels) < 0)
			return;
		if (!is_kernels && !strchr("STtZX", state))
			return;
		any_kernels = any_kernels || is_kernels;
	}
	out->stopped = any_kernels;
}

static bool is_same(const struct look *a, const struct look *b)
{
	return a->stopped && b->stopped && a->threads.n == b->threads.n &&
	       memcmp(a->threads.v, b->threads.v, a->threads.n * sizeof(pid_t)) == 0;
}

/* 0, -ETIMEDOUT or -errno. */
static int wait_frozen(int fd, int events)
{
	int64_t deadline = clock_monotonic_ms() + FREEZE_MS;
	struct look now, last = { 0 };
	int r = wait_event(events, "frozen", 1, FREEZE_SOON_MS);

	while (r == -ETIMEDOUT && clock_monotonic_ms() < deadline) {
		look_at_threads(fd, &now);
		r = is_same(&now, &last) ? 0 : wait_event(events, "frozen", 1, FREEZE_LOOK_MS);
		free(last.threads.v);
		last = now;
	}
	free(last.threads.v);
	return r;
}

int cgroup_freeze(int fd, bool freeze, struct err *e)
{
	AUTO_FD events = open_events(fd);
	const char *verb = freeze ? "freeze" : "thaw";
	int r;

	if (events < 0)
		return err_sys(e, -events, "%s: open cgroup.events", verb);
	r = io_write_value(fd, "cgroup.freeze", freeze ? "1" : "0");
	if (r == -ENOENT)
		return err_set(e, ENOENT, "%s: the kernel has no cgroup.freeze: it needs Linux 5.2", verb);
	if (r < 0)
		return err_sys(e, -r, "%s: write cgroup.freeze", verb);
	r = freeze ? wait_frozen(fd, events) : wait_event(events, "frozen", 0, FREEZE_MS);
	if (r == -ENODEV && !freeze) /* all have ended, by signals that waited for it, and it was removed */
		return 0;
	if (r < 0 && freeze)
		(void)io_write_value(fd, "cgroup.freeze", "0");
	if (r == -ETIMEDOUT && freeze)
		return err_set(e, ETIMEDOUT, "freeze: the processes did not stop within 10 s: running again");
	if (r == -ETIMEDOUT)
		return err_set(e, ETIMEDOUT, "thaw: still frozen after 10 s: is a cgroup above it frozen?");
	return r < 0 ? err_sys(e, -r, "%s: wait for cgroup.events", verb) : 0;
}

/* ---- signals ---- */

/* Signals pids[0..n), n <= SIGNAL_BATCH, as far as they are still in the cgroup. */
static int signal_batch(int fd, const pid_t *pids, size_t n, int sig, struct err *e)
{
	AUTO_FREE pid_t *still = NULL;
	int pidfds[SIGNAL_BATCH];
	size_t n_still;
	int r, failed = 0;

	for (size_t i = 0; i < n; i++)
		pidfds[i] = sys_pidfd_open(pids[i], 0);
	r = cgroup_procs(fd, &still, &n_still, e);
	for (size_t i = 0; i < n; i++) {
		if (r == 0 && pidfds[i] >= 0 && still &&
		    bsearch(&pids[i], still, n_still, sizeof(pid_t), compare_pids) &&
		    sys_pidfd_send_signal(pidfds[i], sig) < 0 && errno != ESRCH)
			failed = err_sys(e, errno, "send signal %d to process %d", sig, (int)pids[i]);
		if (pidfds[i] >= 0)
			(void)close(pidfds[i]);
	}
	return r < 0 ? r : failed;
}

static int signal_all(int fd, int sig, struct err *e)
{
	AUTO_FREE pid_t *pids = NULL;
	size_t n;
	int r = cgroup_procs(fd, &pids, &n, e);

	for (size_t i = 0; r == 0 && i < n; i += SIGNAL_BATCH)
		r = signal_batch(fd, pids + i, n - i < SIGNAL_BATCH ? n - i : SIGNAL_BATCH, sig, e);
	return r;
}

/* Without cgroup.kill: frozen processes cannot fork away from the signal, and SIGKILL wakes them. */
static int kill_by_freezing(int fd, struct err *e)
{
	AUTO_FD events = open_events(fd);
	int64_t deadline = clock_monotonic_ms() + KILL_MS;
	int r;

	if (events < 0)
		return err_sys(e, -events, "kill: open cgroup.events");
	do {
		(void)cgroup_freeze(fd, true, NULL);
		r = signal_all(fd, SIGKILL, e);
		(void)io_write_value(fd, "cgroup.freeze", "0");
		if (r < 0)
			return r;
		r = wait_event(events, "populated", 0, 100);
		if (r != -ETIMEDOUT)
			return r < 0 ? err_sys(e, -r, "kill: wait for cgroup.events") : 0;
	} while (clock_monotonic_ms() < deadline);
	return err_set(e, ETIMEDOUT, "kill: processes are left after 10 s");
}

int cgroup_kill(int fd, int sig, struct err *e)
{
	int r;

	if (sig != SIGKILL)
		return signal_all(fd, sig, e);
	r = io_write_value(fd, "cgroup.kill", "1");
	if (r == -ENOENT || r == -EOPNOTSUPP)
		return kill_by_freezing(fd, e);
	return r < 0 ? err_sys(e, -r, "write cgroup.kill") : 0;
}
