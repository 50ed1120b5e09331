/* SPDX-License-Identifier: Apache-2.0 */
/* vm_manifest.c: see vm_manifest.h. */
#include "vm_manifest.h"

#include "gen.h"
#include "io.h"
#include "json.h"
#include "str.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#define TEXT_MAX (64U << 10)
#define NAMES_MAX 64
#define SHA256_TEXT 64

static const char *const file_names[VM_MANIFEST_FILES] = { "kernel", "vmlinux", "initrd" };

size_t vm_manifest_modules_end(const struct vm_manifest *m)
{
	size_t last = m->n_inputs ? m->n_inputs - 1 : 0;

	return last >= VM_MANIFEST_MODULES && str_eq(m->inputs[last].name, VM_MANIFEST_INITRD) ? last : m->n_inputs;
}

bool vm_manifest_is_for(const struct vm_manifest *m, const char *kernel, const char *agent, const char *initrd,
			bool image)
{
	size_t end = vm_manifest_modules_end(m);

	return str_eq(m->inputs[VM_MANIFEST_KERNEL].path, kernel) && str_eq(m->inputs[VM_MANIFEST_AGENT].path, agent) &&
	       (end < m->n_inputs ? str_eq(m->inputs[end].path, initrd) : !initrd) && m->image == image;
}

void vm_file_stamp(struct vm_file *f, const struct stat *st)
{
	f->size = (uint64_t)st->st_size;
	f->mtime_ns = (uint64_t)st->st_mtim.tv_sec * 1000000000U + (uint64_t)st->st_mtim.tv_nsec;
}

static void write_file(yajl_gen gen, const struct vm_file *f)
{
	gen_object_open(gen, NULL);
	gen_pair(gen, "name", f->name);
	gen_pair(gen, "path", f->path);
	gen_u64(gen, "size", f->size);
	gen_u64(gen, "mtimeNs", f->mtime_ns);
	gen_pair(gen, "sha256", f->sha256);
	gen_object_close(gen);
}

char *vm_manifest_text(const struct vm_manifest *m)
{
	yajl_gen gen = gen_new("    ");

	gen_object_open(gen, NULL);
	gen_u64(gen, "format", VM_MANIFEST_FORMAT);
	gen_pair(gen, "version", m->version);
	if (m->image)
		gen_bool(gen, "image", true);
	gen_array_open(gen, "inputs");
	for (size_t i = 0; i < m->n_inputs; i++)
		write_file(gen, &m->inputs[i]);
	gen_array_close(gen);
	gen_array_open(gen, "files");
	for (size_t i = 0; i < VM_MANIFEST_FILES; i++)
		write_file(gen, &m->files[i]);
	gen_array_close(gen);
	gen_strings(gen, "builtin", (const char *const *)m->builtin);
	gen_strings(gen, "absent", (const char *const *)m->absent);
	gen_object_close(gen);
	return gen_end(gen);
}

/* The member `key` must be there. */
static int need(const struct json *v, const char *key, const struct json **out, struct err *e)
{
	*out = json_get(v, key);
	return *out ? 0 : json_err(e, EBADMSG, v, "'%s' is missing", key);
}

static int read_string(const struct json *v, const char *key, char **out, struct err *e)
{
	const struct json *member;
	const char *s;
	int r = need(v, key, &member, e);

	if (r == 0)
		r = json_str(member, &s, e);
	if (r == 0)
		*out = x_strdup(s);
	return r;
}

static int read_number(const struct json *v, const char *key, uint64_t *out, struct err *e)
{
	const struct json *member;
	int r = need(v, key, &member, e);

	return r < 0 ? r : json_u64(member, UINT64_MAX, out, e);
}

static int read_stamp(const struct json *v, struct vm_file *out, struct err *e)
{
	int r = json_want(v, JSON_OBJECT, e);

	if (r == 0)
		r = read_string(v, "name", &out->name, e);
	if (r == 0)
		r = read_number(v, "size", &out->size, e);
	if (r == 0)
		r = read_number(v, "mtimeNs", &out->mtime_ns, e);
	return r;
}

static int read_inputs(const struct json *v, struct vm_manifest *m, struct err *e)
{
	int r = json_want(v, JSON_ARRAY, e);

	if (r < 0)
		return r;
	if (v->len < 2 || v->len > VM_MANIFEST_INPUTS_MAX)
		return json_err(e, EBADMSG, v, "expected 2 to %d elements, got %zu", VM_MANIFEST_INPUTS_MAX, v->len);
	m->inputs = x_calloc(v->len, sizeof(*m->inputs));
	m->n_inputs = v->len;
	json_each (it, v) {
		struct vm_file *f = &m->inputs[it->index];

		r = read_stamp(it, f, e);
		if (r == 0)
			r = read_string(it, "path", &f->path, e);
		if (r == 0 && *f->path != '/')
			r = json_err(e, EBADMSG, it, "expected an absolute path, got '%s'", f->path);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_files(const struct json *v, struct vm_manifest *m, struct err *e)
{
	int r = json_want(v, JSON_ARRAY, e);

	if (r == 0 && v->len != VM_MANIFEST_FILES)
		r = json_err(e, EBADMSG, v, "expected %d elements, got %zu", VM_MANIFEST_FILES, v->len);
	if (r < 0)
		return r;
	json_each (it, v) {
		struct vm_file *f = &m->files[it->index];

		r = read_stamp(it, f, e);
		if (r == 0)
			r = read_string(it, "sha256", &f->sha256, e);
		if (r == 0 && !str_eq(f->name, file_names[it->index]))
			r = json_err(e, EBADMSG, it, "expected the file '%s', got '%s'", file_names[it->index],
				     f->name);
		if (r == 0 && strlen(f->sha256) != SHA256_TEXT)
			r = json_err(e, EBADMSG, it, "expected a SHA-256, got '%s'", f->sha256);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_names(const struct json *v, char ***out, struct err *e)
{
	char **names;
	int r = json_want(v, JSON_ARRAY, e);

	if (r == 0 && v->len > NAMES_MAX)
		r = json_err(e, EBADMSG, v, "expected at most %d names, got %zu", NAMES_MAX, v->len);
	if (r < 0)
		return r;
	*out = names = x_calloc(v->len + 1, sizeof(*names));
	json_each (it, v) {
		const char *s;

		r = json_str(it, &s, e);
		if (r < 0)
			return r;
		names[it->index] = x_strdup(s);
	}
	return 0;
}

static int read_all(const struct json *root, struct vm_manifest *m, struct err *e)
{
	const struct json *inputs = NULL, *files = NULL, *builtin = NULL, *absent = NULL;
	uint64_t format = 0;
	int r = json_want(root, JSON_OBJECT, e);

	if (r == 0)
		r = read_number(root, "format", &format, e);
	if (r == 0 && format != VM_MANIFEST_FORMAT)
		r = err_set(e, EBADMSG, "format: expected %d, got %ju", VM_MANIFEST_FORMAT, (uintmax_t)format);
	if (r == 0)
		r = read_string(root, "version", &m->version, e);
	if (r == 0 && json_get(root, "image"))
		r = json_bool(json_get(root, "image"), &m->image, e);
	if (r == 0)
		r = need(root, "inputs", &inputs, e);
	if (r == 0)
		r = read_inputs(inputs, m, e);
	if (r == 0)
		r = need(root, "files", &files, e);
	if (r == 0)
		r = read_files(files, m, e);
	if (r == 0)
		r = need(root, "builtin", &builtin, e);
	if (r == 0)
		r = read_names(builtin, &m->builtin, e);
	if (r == 0)
		r = need(root, "absent", &absent, e);
	if (r == 0)
		r = read_names(absent, &m->absent, e);
	return r;
}

int vm_manifest_parse(const char *text, size_t len, struct vm_manifest *out, struct err *e)
{
	struct vm_manifest m = { 0 };
	struct json_doc doc = { 0 };
	int r = json_parse(text, len, &doc, e);

	if (r == 0)
		r = read_all(doc.root, &m, e);
	json_free(&doc);
	if (r < 0)
		vm_manifest_free(&m);
	else
		*out = m;
	return r;
}

int vm_manifest_read(int dirfd, struct vm_manifest *out, struct err *e)
{
	AUTO_FREE char *text = NULL;
	size_t len;
	int r = io_read_file(dirfd, VM_MANIFEST_NAME, O_NOFOLLOW | O_NONBLOCK, TEXT_MAX, &text, &len, e);

	if (r < 0)
		return r;
	r = vm_manifest_parse(text, len, out, e);
	return r < 0 ? err_add(e, "%s", VM_MANIFEST_NAME) : 0;
}

static void file_free(struct vm_file *f)
{
	free(f->name);
	free(f->path);
	free(f->sha256);
}

static void names_free(char **names)
{
	for (size_t i = 0; names && names[i]; i++)
		free(names[i]);
	free(names);
}

void vm_manifest_free(struct vm_manifest *m)
{
	free(m->version);
	for (size_t i = 0; i < m->n_inputs; i++)
		file_free(&m->inputs[i]);
	free(m->inputs);
	for (size_t i = 0; i < VM_MANIFEST_FILES; i++)
		file_free(&m->files[i]);
	names_free(m->builtin);
	names_free(m->absent);
	*m = (struct vm_manifest){ 0 };
}

static int check(const struct vm_file *f, int dirfd, const char *path, int flags, struct err *e)
{
	struct vm_file now = { 0 };
	struct stat st;

	if (fstatat(dirfd, path, &st, flags) < 0)
		return err_set(e, ESTALE, "'%s' is gone: %s", path, strerror(errno));
	vm_file_stamp(&now, &st);
	if (!S_ISREG(st.st_mode) || now.size != f->size || now.mtime_ns != f->mtime_ns)
		return err_set(e, ESTALE, "'%s' has changed", path);
	return 0;
}

int vm_manifest_check_files(const struct vm_manifest *m, int dirfd, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < VM_MANIFEST_FILES; i++)
		r = check(&m->files[i], dirfd, m->files[i].name, AT_SYMLINK_NOFOLLOW, e);
	return r;
}

int vm_manifest_check_inputs(const struct vm_manifest *m, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->n_inputs; i++)
		r = check(&m->inputs[i], AT_FDCWD, m->inputs[i].path, 0, e);
	return r;
}

int vm_manifest_check(const struct vm_manifest *m, int dirfd, struct err *e)
{
	int r = vm_manifest_check_inputs(m, e);

	return r < 0 ? r : vm_manifest_check_files(m, dirfd, e);
}
