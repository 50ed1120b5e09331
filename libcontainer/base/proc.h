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
/* A thread's state as its letter, and whether it is one of the kernel's own. -ESRCH when there is no such thread, or
 * procfs hides it. tid may be any thread's. */
int proc_thread(pid_t tid, char *out_state, bool *out_is_kernels);
/* The parsing alone. */
int proc_parse_thread(const char *text, char *out_state, bool *out_is_kernels);
/* Overwrites the caller's environment, for a process that others may look into. What was copied of it stays. */
void proc_forget_environment(void);
/* Does the text of /proc/PID/uid_map say that this is the initial user namespace: all ids, onto themselves? */
bool proc_uid_map_is_whole(const char *text);
/* How many ids it maps; what cannot be read of it does not count. */
uint64_t proc_uid_map_count(const char *text);

#endif
