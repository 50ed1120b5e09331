/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_apply.h: carries out what cgroup_limits.h planned, and undoes it.
 *
 * fd is always the cgroup's directory. Every error names the key, the file and
 * the value.
 */
#ifndef HUSK_LINUX_CGROUP_APPLY_H
#define HUSK_LINUX_CGROUP_APPLY_H

#include "cgroup_limits.h"
#include "err.h"

#include <stdint.h>

/* Writes each step. What was written before a failure stays: for a cgroup that is then removed. */
int cgroup_apply(int fd, const struct cgroup_steps *steps, struct err *e);

/* The same for a cgroup in use: before each write what the file holds is kept, and a failure puts all of
 * it back, the last first. *out_undo (malloc'ed, may be NULL): what puts it back later, with
 * cgroup_undo(); set on success only. */
struct cgroup_undo;
int cgroup_apply_undoable(int fd, const struct cgroup_steps *steps, struct cgroup_undo **out_undo, struct err *e);
/* Puts everything back; -errno of the first file that would not take its value, with the others done. */
int cgroup_undo(int fd, const struct cgroup_undo *undo, struct err *e);
/* What cgroup_undo() would write, in its order, for whoever else must hear of it. undo may be NULL: no step. End with
 * cgroup_steps_free(). */
void cgroup_undo_steps(const struct cgroup_undo *undo, struct cgroup_steps *out);
void cgroup_undo_free(struct cgroup_undo *undo);

/* What is to be written to `file` to take back a write of `value`, given what the file held; malloc'ed.
 * Files of lines with keys ("8:0 rbps=max", "default 100", "mlx5_0 hca_handle=2") give the line that the
 * value is about. NULL: nothing can be written. Pure. */
char *cgroup_value_before(const char *file, const char *value, const char *held);

/* What the cgroup holds now that a plan depends on. What cannot be read counts as not limited. */
void cgroup_current_read(int fd, struct cgroup_current *out);

/* How many processes of it the kernel has killed for want of memory (memory.events); 0 if it cannot tell. */
uint64_t cgroup_oom_kills(int fd);

/* memory.checkBeforeUpdate: -EBUSY when a limit that resources asks for is not above what is in use. */
int cgroup_check_usage(int fd, const struct json *resources, struct err *e);

#endif
