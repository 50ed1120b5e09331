/* SPDX-License-Identifier: Apache-2.0 */
/* filter.h: the system calls that husk-mon makes once the machine runs, and no other. */
#ifndef HUSK_MON_FILTER_H
#define HUSK_MON_FILTER_H

#include "err.h"

/* After the last fork: children would inherit it. no_new_privs is set. What is not allowed fails with EPERM. */
int filter_install(struct err *e);

#endif
