/* SPDX-License-Identifier: Apache-2.0 */
/* vm_report.h: what husk-mon has left about a container's machine, for `husk state`. */
#ifndef HUSK_VM_REPORT_H
#define HUSK_VM_REPORT_H

#include "libcontainer.h"

/* {"failure": "...", "console": [...], "oomKills": n}, of these what there is; for free(). NULL: nothing. */
char *vm_report_json(const struct husk_ctx *ctx, const char *id);

#endif
