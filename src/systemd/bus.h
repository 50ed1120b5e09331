/* SPDX-License-Identifier: Apache-2.0 */
/* bus.h: a connection to a systemd, the host's or the user's. */
#ifndef HUSK_SYSTEMD_BUS_H
#define HUSK_SYSTEMD_BUS_H

#include "err.h"

#include <stdbool.h>
#include <systemd/sd-bus.h>

#define SYSTEMD_NAME "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER SYSTEMD_NAME ".Manager"

/* user: the user's own systemd, by $DBUS_SESSION_BUS_ADDRESS or $XDG_RUNTIME_DIR. systemd's private
 * socket is tried first as systemctl(1) does: it saves the hop over the bus, and is there without one. The
 * caller ends it with sd_bus_flush_close_unref(). */
int bus_open(bool user, sd_bus **out, struct err *e);
/* What a failed call says: systemd's own words where there are any. r: negative errno. */
int bus_error(struct err *e, int r, const sd_bus_error *why, const char *what);

#endif
