/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rdt.h: linux.intelRdt: a group of the resctrl file system (Linux 4.10; Intel's
 * RDT, AMD's QoS) that gives its tasks a share of caches and memory bandwidth.
 *
 * The group is linux.intelRdt.closID, or without it one of the container's own,
 * named by its id and removed with it. With enableMonitoring the container also
 * has a monitoring group of its own below that, mon_groups/<id>. The names of
 * keys and the order of writes are those of runtime-spec's config-linux.md.
 */
#ifndef HUSK_LINUX_RDT_H
#define HUSK_LINUX_RDT_H

#include "err.h"

#include <stdbool.h>
#include <sys/types.h>

struct spec_intel_rdt;

#define RDT_ROOT "/sys/fs/resctrl"

/* The descriptor of RDT_ROOT; fails with a message that names it when no resctrl is mounted there. */
int rdt_open_root(int *out_fd, struct err *e);

/* The rest works below such a descriptor. rdt_make() makes the group where it is missing, or compares what
 * it has with the two schemas, then writes; rdt_rewrite() writes alone. rdt_join() moves pid there; its children follow. */
int rdt_make(int root, const struct spec_intel_rdt *rdt, const char *id, struct err *e);
int rdt_rewrite(int root, const struct spec_intel_rdt *rdt, const char *id, struct err *e);
int rdt_join(int root, const struct spec_intel_rdt *rdt, const char *id, pid_t pid, struct err *e);
/* Removes what is the container's own; what is not there is no error. */
int rdt_remove(int root, const struct spec_intel_rdt *rdt, const char *id, struct err *e);
/* Is each share of each line of `want` what `have`, the text of a group's file `schemata`, says? */
bool rdt_same_schemas(const char *want, const char *have);

/* For the verbs: each opens the root, and does nothing when rdt is NULL. rdt_leave(): no resctrl is no
 * error, as then there are no groups either. */
int rdt_create(const struct spec_intel_rdt *rdt, const char *id, pid_t pid, struct err *e);
int rdt_enter(const struct spec_intel_rdt *rdt, const char *id, pid_t pid, struct err *e);
/* Writes schemas that have changed into the group of the container; rdt is not NULL. */
int rdt_update(const struct spec_intel_rdt *rdt, const char *id, struct err *e);
int rdt_leave(const struct spec_intel_rdt *rdt, const char *id, struct err *e);

#endif
