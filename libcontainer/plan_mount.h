/* SPDX-License-Identifier: Apache-2.0 */
/* plan_mount.h: one entry of "mounts" -> one mount_step; private to the plan. */
#ifndef HUSK_PLAN_MOUNT_H
#define HUSK_PLAN_MOUNT_H

#include "err.h"
#include "plan.h"
#include "spec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Resolves mounts[index] into a zeroed *out; bundle is an absolute path. What it allocated is
 * freed by plan_mount_free(), after a failure too. *out must not move afterwards: its label
 * points into it. */
int plan_mount_make(const struct spec_mount *m, size_t index, const char *bundle, struct mount_step *out,
		    struct err *e);
/* linux.mountLabel for a file system that is made: adds the option "TYPE=LABEL", where the file system takes
 * it and has no such option already. */
void plan_mount_label(struct mount_step *step, const char *type, const char *label);
void plan_mount_free(struct mount_step *step);

/* "rslave" -> MS_SLAVE and true. False for a name that is no propagation type. */
bool plan_mount_propagation(const char *name, uint64_t *out_flag, bool *out_recursive);

/* The options that have a meaning of their own, for `husk features`: sorted by strcmp(),
 * NULL-terminated, static. Others go to the file system as they are. */
const char *const *plan_mount_option_names(void);

/* path seen from the absolute directory base, by text alone: one '/' between names, no "." and
 * "..", none at the end; ".." stops at "/". malloc'ed. */
char *plan_path_resolve(const char *base, const char *path);

#endif
