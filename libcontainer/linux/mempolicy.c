/* SPDX-License-Identifier: Apache-2.0 */
/* mempolicy.c: see mempolicy.h. */
#include "mempolicy.h"

#include "kernel.h"
#include "plan.h"
#include "str.h"

/* Numbers: set_mempolicy(2) and the kernel's uapi/linux/mempolicy.h. The index is the number. */
static const char *const modes[] = {
	"MPOL_DEFAULT",
	"MPOL_PREFERRED",
	"MPOL_BIND",
	"MPOL_INTERLEAVE",
	"MPOL_LOCAL",
	"MPOL_PREFERRED_MANY",	    /* Linux 5.15 */
	"MPOL_WEIGHTED_INTERLEAVE", /* Linux 6.9 */
	NULL,
};

/* Flag i is bit FLAG_FIRST + i. */
#define FLAG_FIRST 13
static const char *const flags[] = {
	"MPOL_F_NUMA_BALANCING", /* Linux 5.12 */
	"MPOL_F_RELATIVE_NODES",
	"MPOL_F_STATIC_NODES",
	NULL,
};

const char *const *mempolicy_mode_names(void)
{
	return modes;
}

const char *const *mempolicy_flag_names(void)
{
	return flags;
}

static int index_of(const char *const *names, const char *name)
{
	for (int i = 0; names[i]; i++)
		if (str_eq(names[i], name))
			return i;
	return -EINVAL;
}

int mempolicy_mode_number(const char *name)
{
	return index_of(modes, name);
}

int mempolicy_flag_number(const char *name)
{
	int i = index_of(flags, name);

	return i < 0 ? i : 1 << (FLAG_FIRST + i);
}

int mempolicy_apply(const struct mempolicy_step *step, struct err *e)
{
	const char *nodes = step->nodes_text;

	/* the kernel counts one bit less than it is told (set_mempolicy(2), BUGS) */
	if (!step->mode_name ||
	    syscall(SYS_set_mempolicy, step->mode, nodes ? step->nodes : NULL, nodes ? MEMPOLICY_NODES + 1 : 0) == 0)
		return 0;
	if (errno == ENOSYS)
		return err_sys(e, ENOSYS, "linux.memoryPolicy: the kernel has no memory policies (CONFIG_NUMA)");
	if (errno == EINVAL)
		return err_sys(
			e, EINVAL,
			"linux.memoryPolicy: set_mempolicy: %s%s%s (the kernel may not know the mode or a flag for it, "
			"or may not have these nodes: see /proc/self/status, Mems_allowed_list)",
			step->mode_name, nodes ? " on nodes " : "", nodes ? nodes : "");
	return err_sys(e, errno, "linux.memoryPolicy: set_mempolicy: %s", step->mode_name);
}
