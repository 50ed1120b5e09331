/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lsm.h: labels of the kernel's security modules: an AppArmor profile or a SELinux
 * label for a program, a SELinux label for a file system.
 *
 * The kernel takes a program's label from /proc/thread-self/attr at the next execve
 * of that very task, and only from a file that this task itself opened since its
 * last one. husk's last program, the trampoline, is executed before the container's
 * own; a label written by husk would be used up by it, and the container's program
 * would then need a rule of the profile to be executed at all. So the trampoline
 * writes it. What is passed to it is the directory `attr` of the process itself, found
 * from a descriptor of the host's procfs that was opened before any namespace was
 * entered: nothing that an image mounts at /proc can take its place. Both are closed
 * before the program runs.
 */
#ifndef HUSK_LINUX_LSM_H
#define HUSK_LINUX_LSM_H

#include "err.h"
#include "plan.h"

#include <stdbool.h>

bool lsm_wanted(const struct lsm_step *step);

/* Before there is a child: fails with the key when this kernel lacks what is asked for. *out_procfd:
 * the host's procfs, for lsm_open(); stays as it is when no label is asked for. */
int lsm_prepare(const struct lsm_step *step, int *out_procfd, struct err *e);
/* In the child: fails when an AppArmor profile is not loaded. */
int lsm_check(int procfd, const struct lsm_step *step, struct err *e);
/* In the process that executes the trampoline: the directory of its own attributes, as O_PATH. A seccomp filter
 * may hold for it already: this takes openat and fstatfs. */
int lsm_open(int procfd, const struct lsm_step *step, int *out_attr, struct err *e);
/* What the trampoline writes to `exec` there: "exec PROFILE", or the label. malloc'ed. */
char *lsm_exec_text(const struct lsm_step *step);
/* What to say when that was refused with this errno. */
int lsm_refused(const char *exec_text, int code, struct err *e);

/* linux.mountLabel: fails when this kernel has no SELinux. NULL is no label. */
int lsm_check_mount_label(const char *label, struct err *e);
#endif
