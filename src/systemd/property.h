/* SPDX-License-Identifier: Apache-2.0 */
/* property.h: "MemoryMax=1048576" -> a property of a unit, as it goes over the bus. */
#ifndef HUSK_SYSTEMD_PROPERTY_H
#define HUSK_SYSTEMD_PROPERTY_H

#include "err.h"

#include <systemd/sd-bus.h>

/* Appends one (sv). Known are the properties of systemd.resource-control(5) that linux.resources has a
 * word for, with values in the units of the bus (bytes, microseconds; "infinity"), and those of
 * systemd.unit(5) that a scope of a container has. Any other as "@NAME=VALUE", in the form of unitprop.h. */
int property_append(sd_bus_message *m, const char *text, struct err *e);

#endif
