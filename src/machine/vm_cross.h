/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm_cross.h: what of a config.json cannot cross into a VM: refused by name, or left out
 * with a warning. All of that is here; husk-vm(7) has the same as a table.
 */
#ifndef HUSK_VM_CROSS_H
#define HUSK_VM_CROSS_H

#include "err.h"
#include "json.h"

#include <stdbool.h>

/* Looks at the object of a config.json. Refuses joins of the host's namespaces, devices of the host, listeners for
 * system calls. Warns of labels, and of devices where all are allowed. No system calls. */
int vm_cross_check(const struct json *config, struct err *e);
/* The same of `mounts` alone. */
int vm_cross_check_mounts(const struct json *config, struct err *e);
/* Is this element of linux.devices one that the guest's kernel has, too? A FIFO is. */
bool vm_cross_guest_has_device(const struct json *device);
/* A member of `process` or `linux` that the guest gets nothing of. */
bool vm_cross_leaves_out(const char *key);
/* Is this element of mounts[] neither a bind mount nor what the guest's kernel makes of nothing, such as an overlay?
 * Then it is mounted on the host. */
bool vm_cross_is_hosts_fs(const struct json *mount);
/* Does the guest get this annotation? told: a hook in the guest is told of all that are not about the host. Else it gets
 * none but the library's own: engines write paths and names of the host there. */
bool vm_cross_annotation_enters(const char *name, bool told);
/* Are the caller's groups the container's (run.oci.keep_original_groups)? They are handed over by number. */
bool vm_cross_keeps_groups(const struct json *config);
/* All interfaces of the network namespace become the machine's, so one that is joined by path must not be ours or that
 * of the host's first process. Looks at the files. */
int vm_cross_check_network(const struct json *config, struct err *e);
/* May this be the source of a bind mount? mount: for messages. Looks at the file: sockets, FIFOs and devices have
 * their other end on the host, and kernel file systems tell of the host. */
int vm_cross_check_source(const struct json *mount, const char *path, struct err *e);

#endif
