/* SPDX-License-Identifier: Apache-2.0 */
/* plan_idmap.h: the id mappings of one mount; private to the plan. */
#ifndef HUSK_PLAN_IDMAP_H
#define HUSK_PLAN_IDMAP_H

#include "err.h"
#include "plan.h"
#include "spec.h"

/* Completes step->idmap, whose option plan_mount_make() found: the mappings are those of the mount, of
 * the option's own text, or else the container's. */
int plan_idmap_make(const struct spec_mount *m, const struct spec *spec, struct mount_step *step, struct err *e);

#endif
