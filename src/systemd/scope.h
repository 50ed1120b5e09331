/* SPDX-License-Identifier: Apache-2.0 */
/* scope.h: transient scopes (systemd.scope(5)), by the manager's D-Bus interface (org.freedesktop.systemd1(5)). */
#ifndef HUSK_SYSTEMD_SCOPE_H
#define HUSK_SYSTEMD_SCOPE_H

#include "err.h"

#include <systemd/sd-bus.h>

/* Makes the scope with this process in it, waits until systemd has, and tells its cgroup ("/a/b.scope",
 * malloc'ed). properties: NULL-terminated. One of the same name that has nothing left in it, and that
 * systemd has not yet forgotten, is waited for (2 s). */
int scope_start(sd_bus *bus, const char *unit, char *const *properties, char **out_cgroup, struct err *e);
/* Moves a process into the unit's cgroup, or into the one below it that `below` names ("/a/b"; "": none). systemd does
 * it for processes of the same user, whatever cgroup they are in. */
int scope_attach(sd_bus *bus, const char *unit, const char *below, uint32_t pid, struct err *e);
/* Sets properties of one that runs, until it ends. */
int scope_set(sd_bus *bus, const char *unit, char *const *properties, struct err *e);
/* Ends it and makes systemd forget it; one that is not there is no error. */
int scope_stop(sd_bus *bus, const char *unit, struct err *e);

#endif
