/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_controllers.c: see cgroup_controllers.h.
 *
 * A cgroup has the controllers that its parent's cgroup.subtree_control names, and
 * a name can be written there only if the parent has the controller itself. So the
 * way goes from the root down. At first every level is given what it can take, and
 * refusals do not count. Only when something that is needed is missing afterwards
 * is the way gone again for that one, to find out who refuses it and why.
 */
#include "cgroup_controllers.h"

#include "cgroup.h"
#include "fd.h"
#include "io.h"
#include "str.h"

#include <fcntl.h>
#include <string.h>

#define NAMES_MAX 512 /* bytes of cgroup.controllers; the kernel knows about ten */

/* Those that every host with nothing but cgroup v2 has. */
static const char *const usual[] = { "cpu", "cpuset", "io", "memory", "pids" };

bool cgroup_controllers_has(const char *names, const char *name, size_t len)
{
	while (*names) {
		size_t n = strcspn(names, " \n");

		if (n == len && strncmp(names, name, len) == 0)
			return true;
		names += n + (names[n] != '\0');
	}
	return false;
}

static bool has_usual(const char *names)
{
	for (size_t i = 0; i < ARRAY_LEN(usual); i++)
		if (!cgroup_controllers_has(names, usual[i], strlen(usual[i])))
			return false;
	return true;
}

const struct cgroup_step *cgroup_controllers_missing(const char *have, const struct cgroup_steps *steps)
{
	for (size_t i = 0; i < steps->n; i++) {
		const struct cgroup_step *step = &steps->v[i];
		size_t len = cgroup_file_controller(step->file);

		if (!step->optional && len > 0 && !cgroup_controllers_has(have, step->file, len))
			return step;
	}
	return NULL;
}

char *cgroup_controllers_request(const char *available, const char *enabled)
{
	struct strbuf b = { 0 };

	while (*available) {
		size_t len = strcspn(available, " \n");

		if (len > 0 && !cgroup_controllers_has(enabled, available, len))
			strbuf_printf(&b, "%s+%.*s", b.len ? " " : "", (int)len, available);
		available += len + (available[len] != '\0');
	}
	return b.s;
}

static bool names_cover(const char *names, const char *others)
{
	AUTO_FREE char *request = cgroup_controllers_request(others, names);

	return !request;
}

/* ---- one level ---- */

struct level {
	int dir;
	const char *path; /* "" for the root */
};

static int read_names(int dir, const char *file, char names[NAMES_MAX], struct err *e)
{
	ssize_t n = io_read_small(dir, file, names, NAMES_MAX);

	return n < 0 ? err_sys(e, (int)-n, "read %s", file) : 0;
}

static int write_names(int dir, const char *names)
{
	return io_write_value(dir, "cgroup.subtree_control", names);
}

/* Where there are processes, most controllers are refused, and the few that are not (cpu, pids: the threaded
 * ones) would make the cgroup one of threads, below which no container can be. The root is exempt. */
static bool holds_processes(int dir)
{
	char pid[8];

	if (faccessat(dir, "cgroup.events", F_OK, 0) < 0) /* which all but the root have */
		return false;
	return io_read_small(dir, "cgroup.procs", pid, sizeof(pid)) != 0;
}

/* All that it can take. One that is refused (by realtime processes, say) takes the others with it, so they
 * are then tried each by itself. Returns false at a root that has no more than have, which the cgroup at the
 * end of the way has already: no level can be given any more. So it is where cgroup v1 has the usual ones. */
static bool level_give_all(const struct level *l, const char *have)
{
	char available[NAMES_MAX], enabled[NAMES_MAX];
	AUTO_FREE char *request = NULL;
	char *rest, *word;

	if (read_names(l->dir, "cgroup.controllers", available, NULL) < 0)
		return true;
	if (!*l->path && names_cover(have, available))
		return false;
	if (read_names(l->dir, "cgroup.subtree_control", enabled, NULL) < 0)
		return true;
	request = cgroup_controllers_request(available, enabled);
	if (!request || holds_processes(l->dir) || write_names(l->dir, request) == 0)
		return true;
	rest = request;
	while ((word = strsep(&rest, " ")))
		(void)write_names(l->dir, word);
	return true;
}

static int refused(const struct level *l, const struct json *node, const char *name, int code, struct err *e)
{
	if (code == EBUSY)
		return json_err(
			e, code, node,
			"the controller '%s' cannot be enabled below cgroup '/%s': it holds processes, and cgroup "
			"v2 has none beside controllers ('no internal processes', cgroups(7)): choose a "
			"linux.cgroupsPath below a cgroup without processes",
			name, l->path);
	if (code == EACCES || code == EPERM || code == EROFS)
		return json_err(
			e, code, node,
			"the controller '%s' is not delegated to this user: cgroup '/%s' does not have it enabled "
			"(systemd: Delegate=yes, or a drop-in of user@.service with Delegate=%s)",
			name, l->path, name);
	if (code == EOPNOTSUPP)
		return json_err(
			e, code, node,
			"the controller '%s' cannot be enabled below cgroup '/%s': it is threaded (cgroup.type)", name,
			l->path);
	return json_err(e, code, node, "enable the controller '%s' below cgroup '/%s': %s", name, l->path,
			strerror(code));
}

static int level_give_one(const struct level *l, const struct json *node, const char *name, struct err *e)
{
	char names[NAMES_MAX];
	AUTO_FREE char *request = x_printf("+%s", name);
	int r = read_names(l->dir, "cgroup.controllers", names, e);

	if (r < 0)
		return r;
	if (!cgroup_controllers_has(names, name, strlen(name)))
		return json_err(e, ENOENT, node, "cgroup '/%s' has no controller '%s'%s", l->path, name,
				*l->path
					? ""
					: ": the kernel was built or booted without it (cgroup_disable=), or cgroup v1 "
					  "has it");
	r = read_names(l->dir, "cgroup.subtree_control", names, e);
	if (r < 0 || cgroup_controllers_has(names, name, strlen(name)))
		return r;
	r = holds_processes(l->dir) ? -EBUSY : write_names(l->dir, request);
	return r < 0 ? refused(l, node, name, -r, e) : 0;
}

/* ---- all levels above a cgroup ---- */

/* From the root to the parent of path, which has the controllers have. step: the one that something is missing
 * for; NULL: all, as far as it goes. Returns 1 when path has had all there is before. */
static int walk(const char *path, const char *have, const struct cgroup_step *step, struct err *e)
{
	AUTO_FREE char *name = step ? x_printf("%.*s", (int)cgroup_file_controller(step->file), step->file) : NULL;
	AUTO_FREE char *above = x_strdup(path);
	struct level l = { .path = "" };
	AUTO_FD dir = -1;
	size_t at = 0;
	int r = cgroup_open_root(&dir, e);

	while (r == 0) {
		size_t len = strcspn(path + at, "/");
		int next;

		l.dir = dir;
		if (step)
			r = level_give_one(&l, step->node, name, e);
		else if (!level_give_all(&l, have))
			return 1;
		if (r < 0 || !path[at + len]) /* the rest is the cgroup itself */
			break;
		above[at + len] = '\0';
		if (at > 0)
			above[at - 1] = '/';
		l.path = above;
		next = cgroup_open_below(dir, above + at, O_PATH);
		if (next < 0)
			return err_sys(e, -next, "open cgroup '/%s'", above);
		(void)close(dir);
		dir = next;
		at += len + 1;
	}
	return r;
}

int cgroup_controllers_enable(const char *path, int fd, const struct cgroup_steps *steps, struct err *e)
{
	const struct cgroup_step *step;
	char have[NAMES_MAX];
	int r = read_names(fd, "cgroup.controllers", have, e);

	if (r < 0)
		return err_add(e, "cgroup '%s'", path);
	if (has_usual(have) && !cgroup_controllers_missing(have, steps))
		return 0;
	r = walk(path, have, NULL, e);
	if (r == 0) /* it may have more now */
		r = read_names(fd, "cgroup.controllers", have, e);
	if (r < 0)
		return r;
	step = cgroup_controllers_missing(have, steps);
	if (!step)
		return 0;
	r = walk(path, have, step, e);
	return r < 0 ? r
		     : json_err(e, ENOENT, step->node, "cgroup '/%s' did not get the controller of %s", path,
				step->file);
}
