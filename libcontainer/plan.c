/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.c: see plan.h. The container's own part: namespaces, root, the list of
 * mounts (each read by plan_mount.c) and devices; plan_process.c has the process.
 * No system calls here, and no policy that config.json does not ask for.
 */
#include "plan.h"

#include "annotation.h"
#include "kernel.h"
#include "log.h"
#include "plan_idmap.h"
#include "plan_mount.h"
#include "str.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* What the kernel can number: include/linux/kdev_t.h, MINORBITS 20. */
#define DEV_MAJOR_MAX 0xfff
#define DEV_MINOR_MAX 0xfffff

/* runtime-spec, config-linux.md, "Default Devices"; console and ptmx are no nodes. */
static const struct {
	const char *path;
	unsigned int major, minor;
} default_devices[] = {
	{ "/dev/null", 1, 3 },	 { "/dev/zero", 1, 5 },	   { "/dev/full", 1, 7 },
	{ "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 },
};

static int namespaces_plan(const struct spec_linux *l, struct plan *p, struct err *e)
{
	unsigned int all = 0;

	for (size_t i = 0; i < l->n_namespaces; i++) {
		const struct spec_namespace *ns = &l->namespaces[i];

		all |= ns->clone_flag;
		if (!ns->path) {
			p->clone_flags |= ns->clone_flag;
			continue;
		}
		if (p->n_joins == PLAN_JOIN_MAX)
			return err_set(e, EINVAL, "linux.namespaces[%zu]: more than %d to join", i, PLAN_JOIN_MAX);
		p->joins[p->n_joins++] = (struct join_step){ .clone_flag = ns->clone_flag, .path = ns->path, .fd = -1 };
	}
	p->time_offsets = l->time_offsets;
	p->has_userns = all & CLONE_NEWUSER;
	p->has_netns = all & CLONE_NEWNET;
	p->has_pidns = all & CLONE_NEWPID;
	p->has_cgroupns = all & CLONE_NEWCGROUP;
	p->has_utsns = all & CLONE_NEWUTS;
	return 0;
}

static int root_plan(const struct spec *spec, const char *bundle, struct plan *p, struct err *e)
{
	const char *propagation = spec->linux_->rootfs_propagation;

	if (!spec->root_path || !*spec->root_path)
		return err_set(e, EINVAL, "root.path: expected the path of the container's root");
	p->root = plan_path_resolve(bundle, spec->root_path);
	p->root_readonly = spec->root_readonly;
	if (propagation && *propagation &&
	    !plan_mount_propagation(propagation, &p->root_propagation, &p->root_propagation_rec))
		return err_set(e, EINVAL,
			       "linux.rootfsPropagation: expected shared, slave, private or unbindable, with an r "
			       "before it for the whole tree, got '%s'",
			       propagation);
	return 0;
}

/* crun's annotation says by which of SELinux's mount options (mount(8)) the label is given. */
static int mount_label_plan(const struct spec *spec, struct plan *p, struct err *e)
{
	static const char *const types[] = { "context", "fscontext", "defcontext", "rootcontext" };
	const char *type = spec_annotation(spec, ANNOTATION_CONTEXT_TYPE);

	p->mount_label = spec->linux_->mount_label;
	p->mount_label_type = type && *type ? type : types[0];
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_eq(p->mount_label_type, types[i]))
			return 0;
	return err_set(e, EINVAL,
		       "annotations[\"" ANNOTATION_CONTEXT_TYPE "\"]: expected context, fscontext, defcontext or "
		       "rootcontext, got '%s'",
		       type);
}

/* from: where the mounts are written; spec: the container's. */
static int mounts_plan(const struct spec *from, const struct spec *spec, const char *bundle, struct plan *p,
		       struct err *e)
{
	p->mounts = x_calloc(from->n_mounts, sizeof(p->mounts[0]));
	p->dev_setup = true;
	for (size_t i = 0; i < from->n_mounts; i++) {
		struct mount_step *step = &p->mounts[i];
		int r;

		p->n_mounts = i + 1;
		r = plan_mount_make(&from->mounts[i], i, bundle, step, e);
		if (r == 0 && p->mount_label)
			plan_mount_label(step, p->mount_label_type, p->mount_label);
		if (r == 0)
			r = plan_idmap_make(&from->mounts[i], spec, step, e);
		if (r < 0)
			return r;
		if (step->is_dev && step->kind == MOUNT_BIND)
			p->dev_setup = false;
	}
	return 0;
}

/* The entry for path, a new one at the end if there is none. Takes path over. */
static struct device_step *device_slot(struct plan *p, char *path)
{
	struct device_step *d;

	for (size_t i = 0; i < p->n_devices; i++) {
		if (str_eq(p->devices[i].path, path)) {
			free(path);
			return &p->devices[i];
		}
	}
	d = &p->devices[p->n_devices++];
	d->path = path;
	return d;
}

static int device_check(const struct spec_device *d, size_t i, struct err *e)
{
	if (!d->path || d->path[0] != '/')
		return err_set(e, EINVAL, "linux.devices[%zu].path: expected an absolute path, got '%s'", i,
			       d->path ? d->path : "");
	if (d->type != 'c' && d->type != 'u' && d->type != 'b' && d->type != 'p')
		return err_set(e, EINVAL, "linux.devices[%zu].type: expected c, b, u or p, got '%c'", i, d->type);
	if (d->type == 'p')
		return 0;
	if (d->major < 0 || d->major > DEV_MAJOR_MAX)
		return err_set(e, EINVAL, "linux.devices[%zu].major: expected 0 to %d, got %lld", i, DEV_MAJOR_MAX,
			       (long long)d->major);
	if (d->minor < 0 || d->minor > DEV_MINOR_MAX)
		return err_set(e, EINVAL, "linux.devices[%zu].minor: expected 0 to %d, got %lld", i, DEV_MINOR_MAX,
			       (long long)d->minor);
	return 0;
}

static void device_add(struct plan *p, char *path, const struct spec_device *d)
{
	struct device_step *step = device_slot(p, path);
	mode_t type = d->type == 'p' ? S_IFIFO : d->type == 'b' ? S_IFBLK : S_IFCHR;

	step->mode = type | ((d->have_mode ? d->mode : 0666) & 07777);
	step->dev = d->type == 'p' ? 0 : makedev((unsigned int)d->major, (unsigned int)d->minor);
	step->uid = d->uid;
	step->gid = d->gid;
	step->source_fd = -1;
}

/* The default ones first; one of the spec with the same path takes its place. */
static int devices_plan(const struct spec_linux *l, struct plan *p, struct err *e)
{
	p->devices = x_calloc(ARRAY_LEN(default_devices) + l->n_devices, sizeof(p->devices[0]));
	for (size_t i = 0; i < ARRAY_LEN(default_devices); i++) {
		struct spec_device d = {
			.type = 'c',
			.major = default_devices[i].major,
			.minor = default_devices[i].minor,
		};

		device_add(p, x_strdup(default_devices[i].path), &d);
	}
	for (size_t i = 0; i < l->n_devices; i++) {
		char *path;
		int r = device_check(&l->devices[i], i, e);

		if (r < 0)
			return r;
		path = plan_path_resolve("/", l->devices[i].path);
		if (str_eq(path, "/dev/ptmx")) { /* the container's own devpts has it */
			log_debug("linux.devices[%zu]: '%s' is made with /dev/pts: skipping", i, path);
			free(path);
			continue;
		}
		device_add(p, path, &l->devices[i]);
	}
	return 0;
}

int plan_make(const struct spec *spec, const char *bundle, struct plan **out, struct err *e)
{
	struct plan *p;
	int r;

	if (!spec->process)
		return err_set(e, EINVAL, "process: missing; a container needs it to be created");
	p = x_calloc(1, sizeof(*p));
	p->spec = spec;
	r = namespaces_plan(spec->linux_, p, e);
	if (r == 0)
		r = root_plan(spec, bundle, p, e);
	if (r == 0)
		r = mount_label_plan(spec, p, e);
	if (r == 0)
		r = mounts_plan(spec, spec, bundle, p, e);
	if (r == 0)
		r = devices_plan(spec->linux_, p, e);
	if (r == 0)
		r = plan_process(spec->process, &p->process, e);
	p->process.keep_groups = annotation_is_on(spec, ANNOTATION_KEEP_GROUPS);
	if (r == 0)
		r = plan_process_linux(spec->linux_, &p->process, e);
	if (r < 0) {
		plan_free(p);
		return r;
	}
	*out = p;
	return 0;
}

int plan_make_mounts(const struct spec *added, const struct spec *spec, const char *bundle, struct plan **out,
		     struct err *e)
{
	struct plan *p = x_calloc(1, sizeof(*p));
	int r;

	p->spec = spec;
	r = namespaces_plan(spec->linux_, p, e);
	p->clone_flags = 0; /* they are there; who enters them says which */
	p->n_joins = 0;
	p->time_offsets = NULL;
	if (r == 0)
		r = root_plan(spec, bundle, p, e);
	if (r == 0)
		r = mount_label_plan(spec, p, e);
	if (r == 0)
		r = mounts_plan(added, spec, bundle, p, e);
	if (r < 0) {
		plan_free(p);
		return r;
	}
	*out = p;
	return 0;
}

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->n_mounts; i++)
		plan_mount_free(&plan->mounts[i]);
	for (size_t i = 0; i < plan->n_devices; i++)
		free((void *)(uintptr_t)plan->devices[i].path);
	plan_process_free(&plan->process);
	free(plan->mounts);
	free(plan->devices);
	free((void *)(uintptr_t)plan->root);
	free(plan);
}
