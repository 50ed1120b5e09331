/* SPDX-License-Identifier: Apache-2.0 */
/* unitprop.h: a property of a systemd unit as an annotation gives it: org.systemd.property.NAME, with a value in
 * GVariant's text format. runc's docs/systemd.md; crun(1). */
#ifndef HUSK_BASE_UNITPROP_H
#define HUSK_BASE_UNITPROP_H

#include "err.h"
#include "gvariant.h"

#define UNITPROP_PREFIX "org.systemd.property."

struct unitprop {
	char *name; /* as the bus has it; owned */
	struct gvariant value;
};

/* Names are of three letters or more and nothing else. One in seconds, which unit files have and the bus has not
 * (TimeoutStopSec), becomes the one in microseconds (TimeoutStopUSec), as with runc. -EINVAL for a bad name or value.
 * End with unitprop_free(), on failure too. Pure. */
int unitprop_parse(const char *name, const char *text, struct unitprop *out, struct err *e);
void unitprop_free(struct unitprop *p);
/* Does it act on more than the unit: on other units (every list of units but After= and Before=), on the host
 * (FailureAction=), or on what limits the unit (Slice=)? */
bool unitprop_has_power(const struct unitprop *p);

#endif
