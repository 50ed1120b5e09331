/* SPDX-License-Identifier: Apache-2.0 */
/* state_text.c: see state.h. A state as text: state.json in both directions, and the OCI state. No system
 * calls. */
#include "state.h"

#include "gen.h"
#include "str.h"

#define OCI_VERSION "1.3.0"

char *state_text(const struct state *s)
{
	yajl_gen g = gen_new(NULL);

	gen_object_open(g, NULL);
	gen_pair(g, "id", s->id);
	gen_pair(g, "bundle", s->bundle);
	gen_pair(g, "rootfs", s->rootfs);
	gen_pair(g, "created", s->created);
	gen_pair(g, "cgroup", s->cgroup);
	gen_pair(g, "scope", s->scope);
	gen_u64(g, "pid", (uint64_t)s->pid);
	gen_u64(g, "startTime", s->start_time);
	gen_u64(g, "owner", s->owner);
	gen_bool(g, "ready", s->ready);
	if (s->annotations)
		gen_raw(g, "annotations", s->annotations);
	gen_object_close(g);
	return gen_end(g);
}

static int read_member(const struct json *obj, const char *key, char **out, struct err *e)
{
	const struct json *v = json_get(obj, key);
	const char *s;
	int r;

	if (!v)
		return 0;
	r = json_str(v, &s, e);
	if (r == 0)
		*out = x_strdup(s);
	return r;
}

static int read_number(const struct json *obj, const char *key, uint64_t max, uint64_t *out, struct err *e)
{
	const struct json *v = json_get(obj, key);

	if (!v)
		return err_set(e, EINVAL, "%s: missing", key);
	return json_u64(v, max, out, e);
}

static int fill(struct state *s, const struct json_doc *doc, struct err *e)
{
	const struct json *top = doc->root, *ready, *notes;
	uint64_t pid = 0, owner = 0;
	int r = json_want(top, JSON_OBJECT, e);

	if (r == 0)
		r = read_member(top, "bundle", &s->bundle, e);
	if (r == 0)
		r = read_member(top, "rootfs", &s->rootfs, e);
	if (r == 0)
		r = read_member(top, "created", &s->created, e);
	if (r == 0)
		r = read_member(top, "cgroup", &s->cgroup, e);
	if (r == 0)
		r = read_member(top, "scope", &s->scope, e);
	if (r == 0)
		r = read_number(top, "pid", INT32_MAX, &pid, e);
	if (r == 0)
		r = read_number(top, "startTime", UINT64_MAX, &s->start_time, e);
	if (r == 0)
		r = read_number(top, "owner", UINT32_MAX, &owner, e);
	if (r < 0)
		return r;
	ready = json_get(top, "ready");
	notes = json_get(top, "annotations");
	s->ready = ready && ready->type == JSON_BOOL && ready->boolean;
	s->pid = (pid_t)pid;
	s->owner = (uid_t)owner;
	if (notes && notes->type == JSON_OBJECT)
		s->annotations = x_printf("%.*s", (int)(notes->end - notes->start), doc->text + notes->start);
	return 0;
}

int state_parse(const char *text, size_t len, struct state *s, struct err *e)
{
	struct json_doc doc = { 0 };
	int r = json_parse(text, len, &doc, e);

	if (r == 0)
		r = fill(s, &doc, e);
	json_free(&doc);
	return r;
}

const char *state_status_name(enum state_status status)
{
	static const char *const names[] = { "creating", "created", "running", "paused", "stopped" };

	return names[status];
}

char *state_json(const struct state *s, enum state_status status, pid_t pid)
{
	AUTO_FREE char *owner = x_printf("%u", s->owner);
	yajl_gen g = gen_new(NULL);

	gen_object_open(g, NULL);
	gen_pair(g, "ociVersion", OCI_VERSION);
	gen_pair(g, "id", s->id);
	gen_pair(g, "status", state_status_name(status));
	gen_u64(g, "pid", status == STATE_STOPPED ? 0 : (uint64_t)pid);
	gen_pair(g, "bundle", s->bundle);
	gen_pair(g, "rootfs", s->rootfs);
	gen_pair(g, "created", s->created);
	gen_pair(g, "owner", owner);
	if (s->annotations)
		gen_raw(g, "annotations", s->annotations);
	gen_object_close(g);
	return gen_end(g);
}

char *state_process_json(const struct state *s, enum state_status status, pid_t pid, const char *metadata)
{
	AUTO_FREE char *state = state_json(s, status, s->pid);
	yajl_gen g = gen_new(NULL);

	gen_object_open(g, NULL);
	gen_pair(g, "ociVersion", OCI_VERSION);
	gen_raw(g, "fds", "[\"seccompFd\"]");
	gen_u64(g, "pid", (uint64_t)pid);
	gen_pair(g, "metadata", metadata);
	gen_raw(g, "state", state);
	gen_object_close(g);
	return gen_end(g);
}
