/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy.h: `husk-mon exec`: stands in the jail for a process that was exec'd in the guest. It hands its own
 * standard input and output to husk-mon, passes its signals on, and ends with the process's status.
 *
 * Descriptors: 3 is a connection to the control socket, 4 a memory file with the process.json, 5 the gate.
 */
#ifndef HUSK_MON_PROXY_H
#define HUSK_MON_PROXY_H

#include <stdbool.h>

/* Returns the exit status. */
int proxy_run(bool terminal, const char *cgroup);

#endif
