/* SPDX-License-Identifier: Apache-2.0 */
/* spec.c: see spec.h. Loading, and the sections that are neither process nor linux. */
#include "spec.h"

#include "io.h"
#include "spec_read.h"
#include "str.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void read_root(struct spec_reader *rd, const struct json *top, struct spec *out)
{
	const struct json *root = spec_read_object(rd, top, "root");

	if (!root) {
		(void)spec_read_fail_key(rd, top, "root", "required, but missing");
		return;
	}
	out->root_path = spec_read_need_str(rd, root, "path");
	out->root_readonly = spec_read_bool(rd, root, "readonly");
}

/* A relative destination is taken from the container's root, as runc does. */
static const char *read_destination(struct spec_reader *rd, const struct json *mount)
{
	const char *s = spec_read_need_str(rd, mount, "destination");
	char *absolute;
	size_t len;

	if (!s || *s == '/')
		return s;
	len = strlen(s);
	absolute = json_alloc(rd->doc, len + 2, 1);
	absolute[0] = '/';
	memcpy(absolute + 1, s, len);
	return absolute;
}

static void read_mounts(struct spec_reader *rd, const struct json *array, struct spec *out)
{
	array = spec_read_elements(rd, array, sizeof(*out->mounts), &out->mounts, &out->n_mounts);
	json_each (item, array) {
		struct spec_mount *m = &out->mounts[item->index];

		m->node = item;
		m->destination = read_destination(rd, item);
		m->type = spec_read_str(rd, item, "type");
		m->source = spec_read_str(rd, item, "source");
		m->options = spec_read_strv(rd, item, "options");
		spec_read_id_maps(rd, item, "uidMappings", &m->uid_maps, &m->n_uid_maps);
		spec_read_id_maps(rd, item, "gidMappings", &m->gid_maps, &m->n_gid_maps);
	}
}

const char *const spec_hook_names[HOOK_KINDS + 1] = {
	[HOOK_PRESTART] = "prestart",
	[HOOK_CREATE_RUNTIME] = "createRuntime",
	[HOOK_CREATE_CONTAINER] = "createContainer",
	[HOOK_START_CONTAINER] = "startContainer",
	[HOOK_POSTSTART] = "poststart",
	[HOOK_POSTSTOP] = "poststop",
};

static void read_hook_list(struct spec_reader *rd, const struct json *hooks, const char *kind, struct spec_hooks *out)
{
	const struct json *array = spec_read_items(rd, hooks, kind, sizeof(*out->v), &out->v, &out->n);

	json_each (item, array) {
		struct spec_hook *h = &out->v[item->index];
		int64_t timeout = 0;

		h->path = spec_read_need_abs(rd, item, "path");
		h->args = spec_read_strv(rd, item, "args");
		h->env = spec_read_strv(rd, item, "env");
		(void)spec_read_i64(rd, item, "timeout", 1, INT_MAX, &timeout);
		h->timeout = (int)timeout;
	}
}

static void read_hooks(struct spec_reader *rd, const struct json *top, struct spec *out)
{
	const struct json *hooks = spec_read_object(rd, top, "hooks");
	size_t i;

	for (i = 0; i < HOOK_KINDS; i++)
		read_hook_list(rd, hooks, spec_hook_names[i], &out->hooks[i]);
}

/* The part of version 1.x that this code knows is the whole of every 1.x: new keys are only added. */
static void read_version(struct spec_reader *rd, const struct json *top, struct spec *out)
{
	out->oci_version = spec_read_need_str(rd, top, "ociVersion");
	if (out->oci_version &&
	    (!str_starts(out->oci_version, "1.") || !strchr("0123456789", out->oci_version[2]) || !out->oci_version[2]))
		(void)spec_read_fail(rd, json_get(top, "ociVersion"), "expected a version 1.x, got '%s'",
				     out->oci_version);
}

static void refuse_platforms(struct spec_reader *rd, const struct json *top)
{
	static const char *const keys[] = { "freebsd", "solaris", "windows", "zos" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		spec_read_elsewhere(rd, top, keys[i]);
}

static void read_config(struct spec_reader *rd, const struct json *top, struct spec *out)
{
	const struct json *process;

	read_version(rd, top, out);
	refuse_platforms(rd, top);
	out->vm = spec_read_object(rd, top, "vm");
	process = spec_read_object(rd, top, "process");
	if (process) {
		out->process = json_alloc(rd->doc, 1, sizeof(*out->process));
		spec_read_process(rd, process, out->process);
	}
	read_root(rd, top, out);
	out->hostname = spec_read_str(rd, top, "hostname");
	out->domainname = spec_read_str(rd, top, "domainname");
	read_mounts(rd, spec_read_array(rd, top, "mounts"), out);
	read_hooks(rd, top, out);
	spec_read_linux(rd, spec_read_object(rd, top, "linux"), out->linux_);
	out->annotations = spec_read_kv(rd, top, "annotations", &out->n_annotations);
}

static void read_process_json(struct spec_reader *rd, const struct json *top, struct spec *out)
{
	out->process = json_alloc(rd->doc, 1, sizeof(*out->process));
	spec_read_process(rd, top, out->process);
}

/* The array alone, which is what the key "mounts" holds, is as good as an object with it. */
static void read_mounts_json(struct spec_reader *rd, const struct json *top, struct spec *out)
{
	const struct json *array = top->type == JSON_ARRAY ? top : spec_read_array(rd, top, "mounts");

	if (!array)
		(void)spec_read_fail_key(rd, top, "mounts", "required, but missing");
	read_mounts(rd, array, out);
}

static void read_resources_json(struct spec_reader *rd, const struct json *top, struct spec *out)
{
	spec_read_resources(rd, top, out->linux_);
}

typedef void read_top_fn(struct spec_reader *rd, const struct json *top, struct spec *out);

static int check_top(read_top_fn *read_top, const struct spec *spec, struct err *e)
{
	if (read_top == read_config)
		return spec_check(spec, e);
	if (read_top == read_resources_json)
		return 0; /* cgroup_check.c's matter */
	return read_top == read_mounts_json ? spec_check_mounts(spec, e) : spec_check_process(spec->process, e);
}

/* Takes text over, also on failure. */
static int parse_owned(char *text, size_t len, read_top_fn *read_top, struct spec **out, struct err *e)
{
	struct spec *spec = x_calloc(1, sizeof(*spec));
	struct spec_reader rd = { .doc = &spec->doc, .e = e };

	spec->text = text;
	rd.status = json_parse(text, len, &spec->doc, e);
	if (rd.status >= 0 && !(read_top == read_mounts_json && spec->doc.root->type == JSON_ARRAY))
		rd.status = json_want(spec->doc.root, JSON_OBJECT, e);
	if (rd.status >= 0) {
		spec->linux_ = json_alloc(&spec->doc, 1, sizeof(*spec->linux_));
		read_top(&rd, spec->doc.root, spec);
	}
	if (rd.status >= 0)
		rd.status = check_top(read_top, spec, e);
	if (rd.status < 0) {
		spec_free(spec);
		return rd.status;
	}
	*out = spec;
	return 0;
}

static int parse(const char *text, size_t len, read_top_fn *read_top, struct spec **out, struct err *e)
{
	char *copy = x_calloc(len + 1, 1);

	if (len)
		memcpy(copy, text, len);
	return parse_owned(copy, len, read_top, out, e);
}

int spec_parse(const char *text, size_t len, struct spec **out, struct err *e)
{
	return parse(text, len, read_config, out, e);
}

int spec_parse_process(const char *text, size_t len, struct spec **out, struct err *e)
{
	return parse(text, len, read_process_json, out, e);
}

int spec_parse_resources(const char *text, size_t len, struct spec **out, struct err *e)
{
	return parse(text, len, read_resources_json, out, e);
}

int spec_parse_mounts(const char *text, size_t len, struct spec **out, struct err *e)
{
	return parse(text, len, read_mounts_json, out, e);
}

static int load(int dirfd, const char *path, read_top_fn *read_top, struct spec **out, struct err *e)
{
	char *text;
	size_t len;
	int r = io_read_file(dirfd, path, 0, JSON_TEXT_MAX, &text, &len, e);

	if (r < 0)
		return r;
	r = parse_owned(text, len, read_top, out, e);
	return r < 0 ? err_add(e, "%s", path) : 0;
}

int spec_load(int dirfd, const char *path, struct spec **out, struct err *e)
{
	return load(dirfd, path, read_config, out, e);
}

int spec_load_process(int dirfd, const char *path, struct spec **out, struct err *e)
{
	return load(dirfd, path, read_process_json, out, e);
}

int spec_load_mounts(int dirfd, const char *path, struct spec **out, struct err *e)
{
	bool from_stdin = strcmp(path, "-") == 0;
	char *text;
	size_t len;
	int r;

	r = from_stdin ? io_read_fd(STDIN_FILENO, JSON_TEXT_MAX, &text, &len)
		       : io_read_file(dirfd, path, 0, JSON_TEXT_MAX, &text, &len, e);
	if (r < 0)
		return from_stdin ? err_sys(e, -r, "read standard input") : r;
	r = parse_owned(text, len, read_mounts_json, out, e);
	return r < 0 ? err_add(e, "%s", from_stdin ? "standard input" : path) : 0;
}

void spec_free(struct spec *spec)
{
	if (!spec)
		return;
	json_free(&spec->doc);
	free(spec->text);
	free(spec);
}

const char *spec_annotation(const struct spec *spec, const char *key)
{
	size_t i;

	for (i = 0; i < spec->n_annotations; i++)
		if (strcmp(spec->annotations[i].key, key) == 0)
			return spec->annotations[i].value;
	return NULL;
}

const struct spec_namespace *spec_namespace(const struct spec *spec, unsigned int clone_flag)
{
	const struct spec_linux *l = spec->linux_;
	size_t i;

	for (i = 0; i < l->n_namespaces; i++)
		if (l->namespaces[i].clone_flag == clone_flag)
			return &l->namespaces[i];
	return NULL;
}
