/* SPDX-License-Identifier: Apache-2.0 */
/*
 * annotation.h: what annotations of config.json mean to husk: crun's run.oci.*, its own
 * io.husk.*, and org.systemd.property.*. All others are the caller's notes.
 *
 * Annotations come by ways on which nobody looks for power: an engine's command line,
 * a pod's metadata. Those that name something of the host's have an effect only if
 * the administrator allows them by name (host_config.h).
 */
#ifndef HUSK_ANNOTATION_H
#define HUSK_ANNOTATION_H

#include "err.h"
#include "spec.h"

#include <stdbool.h>

#define ANNOTATION_KEEP_GROUPS "run.oci.keep_original_groups"
#define ANNOTATION_FAIL_UNKNOWN "run.oci.seccomp_fail_unknown_syscall"
#define ANNOTATION_CONTEXT_TYPE "run.oci.mount_context_type"
#define ANNOTATION_HOOKS_STDOUT "run.oci.hooks.stdout"
#define ANNOTATION_HOOKS_STDERR "run.oci.hooks.stderr"
#define ANNOTATION_PIDFD_RECEIVER "run.oci.pidfd_receiver"
#define ANNOTATION_SUBGROUP "run.oci.systemd.subgroup"

/* Before a container is created: refuses what this build cannot do, or the administrator did not allow; warns of
 * unknown ones with these prefixes. Makes no system call unless there is one that must be allowed. */
int annotation_check(const struct spec *spec, struct err *e);
/* One that turns something on: there, and not "", "0" or "false". */
bool annotation_is_on(const struct spec *spec, const char *name);
/* The path of the host that it names; NULL when it is not there. Fails when it is not allowed. */
int annotation_host_path(const struct spec *spec, const char *name, const char **out_path, struct err *e);
/* Under the systemd manager: the properties of the unit that org.systemd.property.* ask for, as husk-systemd takes them
 * ("@NAME=VALUE"), added to *out, whose strings and v are malloc'ed. Refuses what is malformed, and with `user` (the
 * user's own systemd) not, what has power (unitprop_has_power()) and must be allowed. */
int annotation_unitprops(const struct spec *spec, bool user, struct strv *out, struct err *e);
/* The cgroup below the scope's that is the container's, "/a"; malloc'ed; *out stays as it is when there is none. */
int annotation_subgroup(const struct spec *spec, char **out, struct err *e);

/* Is this the name of one that must be allowed, or may have to be? */
bool annotation_needs_leave(const char *name);
/* All that change what husk does, for `features`; ends with NULL. */
const char *const *annotation_names(void);

#endif
