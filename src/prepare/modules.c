/* SPDX-License-Identifier: Apache-2.0 */
/* modules.c: see modules.h. */
#include "modules.h"

#include "str.h"

#include <libkmod.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define MODULES_MAX 64 /* files; Debian's kernels have 13 */

static const struct wanted {
	const char *name;
	const char *option; /* of the kernel's configuration; NULL: a guest runs without it */
} wanted[] = {
	{ "virtio_pci", "CONFIG_VIRTIO_PCI" },
	{ "virtio_console", "CONFIG_VIRTIO_CONSOLE" },
	{ "fuse", "CONFIG_FUSE_FS" },
	{ "virtiofs", "CONFIG_VIRTIO_FS" },
	{ "virtio_rng", NULL },
	{ "overlay", NULL },
	{ "virtio_net", NULL },
	{ "af_packet", NULL },
};

/* For a guest whose root is a disk image, under what it writes (overlay); the file systems are those that images have. */
static const struct wanted wanted_by_image[] = {
	{ "virtio_blk", "CONFIG_VIRTIO_BLK" },
	{ "overlay", "CONFIG_OVERLAY_FS" },
	{ "ext4", NULL },
	{ "squashfs", NULL },
	{ "erofs", NULL },
};

static void list_add(char ***list, const char *name)
{
	size_t n = 0;

	while ((*list)[n])
		n++;
	*list = x_realloc(*list, n + 2, sizeof(**list));
	(*list)[n] = x_strdup(name);
	(*list)[n + 1] = NULL;
}

static bool has(const struct modules *m, const char *name)
{
	for (size_t i = 0; i < m->n; i++)
		if (str_eq(m->v[i].name, name))
			return true;
	return false;
}

/* The module behind what it depends on. depmod refuses cycles; a table that has one all the same ends here
 * at depth MODULES_MAX. */
static int add(struct modules *m, struct kmod_module *mod, unsigned int depth, struct err *e)
{
	const char *name = kmod_module_get_name(mod), *path = kmod_module_get_path(mod);
	struct kmod_list *deps, *it;
	int r = 0;

	if (has(m, name))
		return 0;
	if (depth == MODULES_MAX || m->n == MODULES_MAX)
		return err_set(e, E2BIG, "module '%s': more than %d modules depend on each other", name, MODULES_MAX);
	if (kmod_module_get_initstate(mod) == KMOD_MODULE_BUILTIN)
		return 0;
	if (!path)
		return err_set(e, ENOENT, "module '%s': the tables do not say where its file is", name);
	deps = kmod_module_get_dependencies(mod);
	kmod_list_foreach(it, deps)
	{
		struct kmod_module *dep = kmod_module_get_module(it);

		if (r == 0)
			r = add(m, dep, depth + 1, e);
		(void)kmod_module_unref(dep);
	}
	(void)kmod_module_unref_list(deps);
	if (r < 0)
		return r;
	m->v = x_realloc(m->v, m->n + 1, sizeof(*m->v));
	m->v[m->n++] = (struct module){ .name = x_strdup(name), .path = x_strdup(path) };
	return 0;
}

static int want(struct kmod_ctx *kmod, const char *dir, const struct wanted *w, struct modules *m, struct err *e)
{
	struct kmod_list *found = NULL, *it;
	int r = kmod_module_new_from_lookup(kmod, w->name, &found);

	if (r < 0 && r != -ENOENT)
		return err_sys(e, -r, "look for module '%s' in '%s'", w->name, dir);
	r = 0;
	if (!found && w->option)
		r = err_set(e, ENOENT,
			    "the kernel has no module '%s', neither in '%s' nor built in: expected one with %s",
			    w->name, dir, w->option);
	if (!found && !w->option)
		list_add(&m->absent, w->name);
	kmod_list_foreach(it, found)
	{
		struct kmod_module *mod = kmod_module_get_module(it);

		if (r == 0 && kmod_module_get_initstate(mod) == KMOD_MODULE_BUILTIN)
			list_add(&m->builtin, w->name);
		else if (r == 0)
			r = add(m, mod, 0, e);
		(void)kmod_module_unref(mod);
	}
	(void)kmod_module_unref_list(found);
	return r;
}

/* Without depmod's tables every look-up would find nothing. */
static int check_tables(const char *dir, struct err *e)
{
	AUTO_FREE char *table = x_printf("%s/modules.dep.bin", dir);

	if (access(dir, X_OK) < 0)
		return err_sys(e, errno, "the directory of the kernel's modules '%s'", dir);
	if (access(table, R_OK) < 0)
		return err_sys(e, errno, "'%s': expected the tables that depmod(8) makes", table);
	return 0;
}

static void say_nothing(void *data, int priority, const char *file, int line, const char *fn, const char *format,
			va_list args)
{
	(void)data, (void)priority, (void)file, (void)line, (void)fn, (void)format, (void)args;
}

int modules_resolve(const char *dir, bool image, struct modules *out, struct err *e)
{
	static const char *const no_config[] = { NULL };
	struct modules m = { .builtin = x_calloc(1, sizeof(char *)), .absent = x_calloc(1, sizeof(char *)) };
	struct kmod_ctx *kmod;
	int r = 0;

	if (dir)
		r = check_tables(dir, e);
	kmod = r == 0 && dir ? kmod_new(dir, no_config) : NULL;
	if (r == 0 && dir && !kmod)
		r = err_set(e, ENOMEM, "libkmod cannot read '%s'", dir);
	if (kmod)
		kmod_set_log_fn(kmod, say_nothing, NULL);
	for (size_t i = 0; r == 0 && kmod && i < ARRAY_LEN(wanted); i++)
		r = want(kmod, dir, &wanted[i], &m, e);
	for (size_t i = 0; r == 0 && kmod && image && i < ARRAY_LEN(wanted_by_image); i++)
		r = want(kmod, dir, &wanted_by_image[i], &m, e);
	(void)kmod_unref(kmod);
	if (r < 0)
		modules_free(&m);
	else
		*out = m;
	return r;
}

static void list_free(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

void modules_free(struct modules *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->v[i].name);
		free(m->v[i].path);
	}
	free(m->v);
	list_free(m->builtin);
	list_free(m->absent);
	*m = (struct modules){ 0 };
}
