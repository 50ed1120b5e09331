/* SPDX-License-Identifier: Apache-2.0 */
/*
 * isolation.h: which wall a workload gets: namespaces alone, or a machine of its own.
 *
 * The first of these that speaks wins: the `vm` section of config.json; the annotations
 * run.oci.handler and io.husk.isolation; the name that husk was called by (husk-vm);
 * `isolation` in husk.json. A sandbox of CRI (a pod's pause container) is a container
 * unless it has a `vm` section: the pod's annotations are on it, too.
 */
#ifndef HUSK_ISOLATION_H
#define HUSK_ISOLATION_H

#include "err.h"
#include "json.h"

#define ISOLATION_VM_NAME "husk-vm" /* the program's name that asks for VMs */

enum isolation { ISOLATION_CONTAINER, ISOLATION_VM };

/* What config.json or the name say. 1 and *out; 0: nothing, husk.json decides; -EINVAL for what cannot be meant.
 * config: the object of a config.json. program: the last part of argv[0]. No system calls. */
int isolation_asked(const struct json *config, const char *program, enum isolation *out, struct err *e);
/* What husk.json says; config NULL: there is none. */
int isolation_default(const struct json *host_config, enum isolation *out, struct err *e);

#endif
