/* SPDX-License-Identifier: Apache-2.0 */
/* loop.h: serves all of husk-mon's descriptors until the machine has ended. poll(2), as standard input
 * may be a regular file, which epoll(7) refuses. */
#ifndef HUSK_MON_LOOP_H
#define HUSK_MON_LOOP_H

#include "mon.h"

/* Returns when m->done. */
void loop_run(struct mon *m);

#endif
