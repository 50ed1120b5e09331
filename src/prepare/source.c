/* SPDX-License-Identifier: Apache-2.0 */
/* source.c: see source.h. */
#include "source.h"

#include "fd.h"
#include "io.h"
#include "str.h"

#include <fcntl.h>
#include <string.h>

#define KERNEL_MAX (128U << 20)	 /* Debian's have 8 to 14 MiB */
#define VMLINUX_MAX (256U << 20) /* unpacked: 50 to 60 MiB; with its debugging data more */
#define AGENT_MAX (64U << 20)
#define MODULE_MAX (64U << 20)

static int read_source(const char *name, const char *path, size_t max, struct source *out, struct err *e)
{
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* NONBLOCK: a FIFO ends here too */
	struct stat st;
	int r;

	if (fd < 0)
		return err_sys(e, errno, "open '%s'", path);
	if (fstat(fd, &st) < 0)
		return err_sys(e, errno, "stat '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, EINVAL, "'%s' is no regular file", path);
	r = io_read_fd(fd, max, (char **)&out->data, &out->len);
	if (r == -EFBIG)
		return err_set(e, EFBIG, "'%s' has more than %zu bytes", path, max);
	if (r < 0)
		return err_sys(e, -r, "read '%s'", path);
	out->file.name = x_strdup(name);
	out->file.path = x_strdup(path);
	out->mode = st.st_mode;
	vm_file_stamp(&out->file, &st);
	return 0;
}

static int read_kernel(const char *path, struct sources *s, struct err *e)
{
	struct source *k = &s->v[VM_MANIFEST_KERNEL];
	const uint8_t *elf;
	size_t len;
	int r = read_source("kernel", path, KERNEL_MAX, k, e);

	if (r == -EACCES && geteuid() != 0)
		return err_set(e, EACCES,
			       "kernel '%s': only root may read it: 'husk vm prepare' as root makes it ready for all",
			       path);
	if (r < 0)
		return err_add(e, "kernel");
	r = image_parse(k->data, k->len, &s->kernel, e);
	if (r == 0 && s->kernel.packing != PACKING_NONE)
		r = unpack(s->kernel.packing, k->data + s->kernel.payload, s->kernel.payload_len, VMLINUX_MAX,
			   &s->vmlinux, e);
	if (r == 0) {
		sources_vmlinux(s, &elf, &len);
		r = image_check_elf(elf, len, e);
	}
	return r < 0 ? err_add(e, "kernel '%s'", path) : 0;
}

static int read_agent(const char *path, struct sources *s, struct err *e)
{
	struct source *a = &s->v[VM_MANIFEST_AGENT];
	int r = read_source("agent", path, AGENT_MAX, a, e);

	if (r < 0)
		return err_add(e, "the guest's first program");
	r = image_check_elf(a->data, a->len, e);
	if (r == 0 && image_has_interpreter(a->data, a->len))
		r = err_set(e, ENOEXEC, "a dynamic program: expected a static one, nothing else is in the initramfs");
	return r < 0 ? err_add(e, "the guest's first program '%s'", path) : 0;
}

static int read_module(const struct module *m, struct source *out, struct err *e)
{
	enum packing packing;
	int r = read_source(m->name, m->path, MODULE_MAX, out, e);

	if (r < 0)
		return err_add(e, "module '%s'", m->name);
	packing = packing_of(out->data, out->len);
	if (packing != PACKING_NONE) {
		r = unpack(packing, out->data, out->len, MODULE_MAX, &out->unpacked, e);
		free(out->data);
		out->data = out->unpacked.data;
		out->len = out->unpacked.len;
	}
	if (r == 0 && !image_is_module(out->data, out->len))
		r = err_set(e, ENOEXEC, "no kernel module for x86-64");
	return r < 0 ? err_add(e, "module '%s' ('%s')", m->name, m->path) : 0;
}

/* NULL in *out: none. */
static int modules_directory(const char *asked, const char *version, char **out, struct err *e)
{
	static const char *const tops[] = { "/lib/modules", "/usr/lib/modules" };

	*out = NULL;
	if (str_eq(asked, "none"))
		return 0;
	if (asked) {
		*out = x_strdup(asked);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(tops); i++) {
		*out = x_printf("%s/%s", tops[i], version);
		if (access(*out, F_OK) == 0)
			return 0;
		free(*out);
	}
	*out = NULL;
	return err_set(e, ENOENT,
		       "no directory of modules for version '%s': expected '/lib/modules/%s', or --modules none for a "
		       "kernel that has all built in",
		       version, version);
}

static int read_modules(const struct source_wish *w, struct sources *s, struct err *e)
{
	AUTO_FREE char *dir = NULL;
	int r = modules_directory(w->modules, s->kernel.version, &dir, e);

	if (r == 0)
		r = modules_resolve(dir, w->image, &s->names, e);
	if (r < 0)
		return r;
	s->v = x_realloc(s->v, VM_MANIFEST_MODULES + s->names.n, sizeof(*s->v));
	for (size_t i = 0; r == 0 && i < s->names.n; i++) {
		s->v[s->n] = (struct source){ 0 };
		r = read_module(&s->names.v[i], &s->v[s->n++], e);
	}
	return r;
}

/* Whatever the kernel unpacks: a cpio archive, packed or not, or several. */
static int read_initrd(const char *path, struct sources *s, struct err *e)
{
	static const char magic[] = "07070"; /* 1: newc, 2: with checksums */
	struct source *v;
	int r;

	if (!path)
		return 0;
	s->v = x_realloc(s->v, s->n + 1, sizeof(*s->v));
	v = &s->v[s->n];
	*v = (struct source){ 0 };
	s->n++;
	r = read_source(VM_MANIFEST_INITRD, path, INITRD_MAX, v, e);
	if (r == 0 && packing_of(v->data, v->len) == PACKING_NONE &&
	    (v->len < strlen(magic) || memcmp(v->data, magic, strlen(magic)) != 0))
		r = err_set(e, EINVAL, "'%s' is no initramfs: expected a cpio archive, packed or not", path);
	return r < 0 ? err_add(e, "initrd") : 0;
}

int sources_read(const struct source_wish *w, struct sources *out, struct err *e)
{
	struct sources s = { .v = x_calloc(VM_MANIFEST_MODULES, sizeof(*s.v)),
			     .n = VM_MANIFEST_MODULES,
			     .image = w->image };
	int r = read_kernel(w->kernel, &s, e);

	if (r == 0)
		r = read_modules(w, &s, e) < 0 ? err_add(e, "kernel '%s'", w->kernel) : 0;
	if (r == 0)
		r = read_agent(w->agent, &s, e);
	s.modules_end = s.n;
	if (r == 0)
		r = read_initrd(w->initrd, &s, e);
	if (r < 0) {
		sources_free(&s);
		return r;
	}
	s.files = x_calloc(s.n, sizeof(*s.files));
	for (size_t i = 0; i < s.n; i++)
		s.files[i] = s.v[i].file;
	*out = s;
	return 0;
}

void sources_free(struct sources *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->v[i].unpacked.data)
			unpacked_free(&s->v[i].unpacked);
		else
			free(s->v[i].data);
		free(s->v[i].file.name);
		free(s->v[i].file.path);
	}
	free(s->v);
	free(s->files);
	unpacked_free(&s->vmlinux);
	modules_free(&s->names);
	*s = (struct sources){ 0 };
}

void sources_vmlinux(const struct sources *s, const uint8_t **out, size_t *out_len)
{
	const struct source *k = &s->v[VM_MANIFEST_KERNEL];

	if (s->vmlinux.data) {
		*out = s->vmlinux.data;
		*out_len = s->vmlinux.len;
	} else if (s->kernel.elf) {
		*out = k->data;
		*out_len = k->len;
	} else {
		*out = k->data + s->kernel.payload;
		*out_len = s->kernel.payload_len;
	}
}
