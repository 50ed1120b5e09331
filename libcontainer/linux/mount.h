/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount.h: one mount step of the plan: a detached mount is made, given all its
 * attributes, and only then attached, descriptor to descriptor, to a target that
 * was resolved below the root's descriptor. No path is used twice.
 */
#ifndef HUSK_LINUX_MOUNT_H
#define HUSK_LINUX_MOUNT_H

#include "err.h"
#include "plan.h"

#include <stdint.h>

/* Opens the sources of all binds as detached trees (open_tree(2)), in the mount namespace of the
 * caller. Needs CAP_SYS_ADMIN over that namespace. Steps that have a source_fd are left alone. */
int mount_open_sources(struct plan *plan, struct err *e);

/* Makes and attaches one step below rootfd. has_cgroupns: a cgroup mount shows the container's
 * own cgroup as its root. Takes step->source_fd. */
int mount_apply(int rootfd, struct mount_step *step, const struct plan *plan, struct err *e);

/* Makes the trees of all steps that are no binds into their source_fd, before the mount namespace of a
 * container that runs is entered: the paths in their options are the caller's. Needs a mount namespace of its own,
 * from which nothing propagates. */
int mount_make_trees(struct plan *plan, struct err *e);
/* The same as mount_apply() with *out_fd as the mount that is attached now (-1 for copy-symlink); a read-only
 * tmpfs or /dev is left to the caller to be made read-only. procfd: a procfs with this process in it; -1: /proc. */
int mount_place(int rootfd, int procfd, struct mount_step *step, const struct plan *plan, int *out_fd, struct err *e);
/* Unmounts the mount whose root fd is, with all below it (umount2(2), MNT_DETACH), by way of procfd, a
 * procfs with this process in it. */
int mount_detach(int procfd, int fd, struct err *e);

/* open_tree(OPEN_TREE_CLONE) of dirfd/path (AT_EMPTY_PATH when path is ""). */
int mount_clone(int dirfd, const char *path, bool recursive, int *out_fd, struct err *e);
/* move_mount(2) of a detached tree onto what target_fd is. */
int mount_attach(int tree_fd, int target_fd, struct err *e);
/* mount_setattr(2) on the mount behind fd; all zero does nothing. */
int mount_set(int fd, uint64_t set, uint64_t clear, uint64_t propagation, bool recursive, struct err *e);
/* A new detached file system. data: comma-separated options, or NULL. The message carries the
 * kernel's own words about a refused option. */
int mount_new_fs(const char *fstype, const char *source, const char *data, uint64_t attr, int *out_fd, struct err *e);
/* The same of a context that fsopen(2) has given. */
int mount_of_context(int fsfd, const char *fstype, const char *source, const char *data, uint64_t attr, int *out_fd,
		     struct err *e);

#endif
