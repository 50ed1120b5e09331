/* SPDX-License-Identifier: Apache-2.0 */
/* proc.h: a procfs that was checked to be one, and facts about a process. */
#ifndef HUSK_BASE_PROC_H
#define HUSK_BASE_PROC_H

#include "err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Opens /proc of the caller's mount namespace as O_PATH and checks its file system type. */
int proc_open(int *out_fd, struct err *e);
/* When pid started, in clock ticks since boot (proc(5), stat field 22); the state as its letter,
 * if out_state is not NULL. -ESRCH when there is no such process. */
int proc_start_time(pid_t pid, uint64_t *out_ticks, char *out_state);
/* The parsing alone; text is NUL-terminated. */
int proc_parse_stat(const char *text, uint64_t *out_ticks, char *out_state);
/* Overwrites the caller's environment, for a process that others may look into. What was copied of it stays. */
void proc_forget_environment(void);
/* Does the text of /proc/PID/uid_map say that this is the initial user namespace: all ids, onto themselves? */
bool proc_uid_map_is_whole(const char *text);

#endif
