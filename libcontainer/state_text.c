/* SPDX-License-Identifier: Apache-2.0 */
/* state_text.c: see state.h. A state as text: state.json in both directions, and the OCI state. No system
 * calls. */
#include "state.h"

#include "str.h"

#include <string.h>
#include <yajl/yajl_gen.h>

#define OCI_VERSION "1.3.0"

static void gen_str(yajl_gen g, const char *key, const char *value)
{
	if (!value)
		return;
	(void)yajl_gen_string(g, (const unsigned char *)key, strlen(key));
	(void)yajl_gen_string(g, (const unsigned char *)value, strlen(value));
}

/* yajl_gen_number() writes its text as it is: a number, or JSON that was parsed before. */
static void gen_raw(yajl_gen g, const char *key, const char *text)
{
	(void)yajl_gen_string(g, (const unsigned char *)key, strlen(key));
	(void)yajl_gen_number(g, text, strlen(text));
}

static void gen_u64(yajl_gen g, const char *key, uint64_t v)
{
	AUTO_FREE char *digits = x_printf("%ju", (uintmax_t)v);

	gen_raw(g, key, digits);
}

static yajl_gen gen_open(void)
{
	yajl_gen g = yajl_gen_alloc(NULL);

	if (!g)
		abort();
	(void)yajl_gen_config(g, yajl_gen_validate_utf8, 0);
	(void)yajl_gen_map_open(g);
	return g;
}

static char *gen_close(yajl_gen g)
{
	const unsigned char *text;
	size_t len;
	char *out;

	(void)yajl_gen_map_close(g);
	(void)yajl_gen_get_buf(g, &text, &len);
	out = x_printf("%.*s", (int)len, (const char *)text);
	yajl_gen_free(g);
	return out;
}

char *state_text(const struct state *s)
{
	yajl_gen g = gen_open();

	gen_str(g, "id", s->id);
	gen_str(g, "bundle", s->bundle);
	gen_str(g, "rootfs", s->rootfs);
	gen_str(g, "created", s->created);
	gen_str(g, "cgroup", s->cgroup);
	gen_str(g, "scope", s->scope);
	gen_u64(g, "pid", (uint64_t)s->pid);
	gen_u64(g, "startTime", s->start_time);
	gen_u64(g, "owner", s->owner);
	gen_raw(g, "ready", s->ready ? "true" : "false");
	if (s->annotations)
		gen_raw(g, "annotations", s->annotations);
	return gen_close(g);
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
	yajl_gen g = gen_open();

	gen_str(g, "ociVersion", OCI_VERSION);
	gen_str(g, "id", s->id);
	gen_str(g, "status", state_status_name(status));
	gen_u64(g, "pid", status == STATE_STOPPED ? 0 : (uint64_t)pid);
	gen_str(g, "bundle", s->bundle);
	gen_str(g, "rootfs", s->rootfs);
	gen_str(g, "created", s->created);
	gen_str(g, "owner", owner);
	if (s->annotations)
		gen_raw(g, "annotations", s->annotations);
	return gen_close(g);
}

char *state_process_json(const struct state *s, enum state_status status, pid_t pid, const char *metadata)
{
	AUTO_FREE char *state = state_json(s, status, s->pid);
	yajl_gen g = gen_open();

	gen_str(g, "ociVersion", OCI_VERSION);
	gen_raw(g, "fds", "[\"seccompFd\"]");
	gen_u64(g, "pid", (uint64_t)pid);
	gen_str(g, "metadata", metadata);
	gen_raw(g, "state", state);
	return gen_close(g);
}
