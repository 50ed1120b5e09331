/* SPDX-License-Identifier: Apache-2.0 */
/* mount_proc.c: see mount_proc.h. */
#include "mount_proc.h"

#include "fd.h"
#include "kernel.h"
#include "mount.h"
#include "mount_proc_context.h"
#include "str.h"

#include <sched.h>
#include <stdlib.h>

/* What the procfs of a pid namespace is made of. */
struct origin {
	int pidns;
	int *contexts; /* one for each; NULL: the kernel has pidns= */
	size_t used;
};

static int new_by_option(int pidns, const char *source, const char *options, uint64_t attr, int *out_fd, struct err *e)
{
	AUTO_FREE char *data = NULL;
	char path[FD_PATH_MAX];

	fd_path(pidns, path);
	data = x_printf("pidns=%s%s%s", path, options ? "," : "", options ? options : "");
	return mount_new_fs("proc", source, data, attr, out_fd, e);
}

static int new_proc(struct origin *o, const char *source, const char *options, uint64_t attr, int *out_fd,
		    struct err *e)
{
	AUTO_FD fd = -1;
	int r;

	if (!o->contexts)
		return new_by_option(o->pidns, source, options, attr, out_fd, e);
	r = mount_of_context(o->contexts[o->used++], "proc", source, options, attr, &fd, e);
	if (r < 0)
		return r;
	if (fd_check_magic(fd, HUSK_PROC_SUPER_MAGIC) < 0)
		return err_set(e, EPROTO, "the process that opens a procfs in the pid namespace was led astray");
	*out_fd = fd_take(&fd);
	return 0;
}

static bool is_proc(const struct mount_step *step)
{
	return step->kind == MOUNT_FS && str_eq(step->fstype, "proc");
}

static int make(struct origin *o, struct plan *plan, int *out_procfd, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->n_mounts; i++) {
		struct mount_step *step = &plan->mounts[i];

		if (is_proc(step) && step->source_fd < 0)
			r = new_proc(o, step->source, step->data, step->attr_set, &step->source_fd, e);
	}
	/* what config.json masks must not be reached by it */
	if (r == 0 && out_procfd)
		r = new_proc(o, "proc", "subset=pid", 0, out_procfd, e);
	return r;
}

static int make_by_contexts(struct origin *o, struct plan *plan, int *out_procfd, struct err *e)
{
	AUTO_FREE int *contexts = NULL;
	size_t n = out_procfd ? 1 : 0;
	int r;

	for (size_t i = 0; i < plan->n_mounts; i++)
		n += is_proc(&plan->mounts[i]);
	o->contexts = contexts = x_calloc(n, sizeof(*contexts));
	r = mount_proc_contexts(o->pidns, contexts, n, e);
	if (r < 0)
		return r;
	r = make(o, plan, out_procfd, e);
	for (size_t i = 0; i < n; i++)
		fd_close(&contexts[i]);
	return r;
}

int mount_proc_outside(struct plan *plan, int *out_procfd, struct err *e)
{
	struct origin o = { .pidns = -1 };
	struct err why = { 0 };
	int r;

	for (size_t i = 0; i < plan->n_joins; i++)
		if (plan->joins[i].clone_flag == CLONE_NEWPID)
			o.pidns = plan->joins[i].fd;
	r = make(&o, plan, out_procfd, NULL);
	if (r == -EINVAL) /* the option is not known, or another one is wrong, which is found again */
		r = make_by_contexts(&o, plan, out_procfd, &why);
	if (r == -EPROTO)
		return err_set(e, EPROTO, "linux.namespaces: pid: %s", why.msg);
	return r == 0;
}
