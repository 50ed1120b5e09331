/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trampoline.h: what child.c and the trampoline agree on.
 *
 * The trampoline's argument vector is
 *   [0] five decimal numbers: the gate socket, the filter's descriptor, the filter's
 *       bytes and its seccomp(2) flags, and the descriptor of the process's own
 *       directory of attributes; -1 and 0 for none. Then, after a blank, the text
 *       for the attribute `exec` in that directory (linux/lsm.h);
 *   [1] the path of the program; [2] ... the program's own argv.
 * Its environment is the program's.
 */
#ifndef HUSK_TRAMPOLINE_H
#define HUSK_TRAMPOLINE_H

#include <stdint.h>

#define TRAMPOLINE_FILTER_MAX (4096 * 8) /* BPF_MAXINSNS instructions */

/* Sent on the gate as one packet, the path (or the label) behind it, when a step fails.
 * `type` stands where struct sync_msg has its own. */
struct trampoline_failure {
	uint32_t type; /* SYNC_EXEC_ERR */
	int32_t error; /* errno */
	int32_t step;  /* enum trampoline_step */
};

enum trampoline_step { TRAMPOLINE_FILTER = 1, TRAMPOLINE_EXEC = 2, TRAMPOLINE_LABEL = 3 };

#endif
