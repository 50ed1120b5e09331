/* SPDX-License-Identifier: Apache-2.0 */
/* mountinfo.h: the text of /proc/PID/mountinfo (proc_pid_mountinfo(5)). */
#ifndef HUSK_BASE_MOUNTINFO_H
#define HUSK_BASE_MOUNTINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The type of the file system with this device number, cut to size; false when no line has it. */
bool mountinfo_fstype(const char *text, dev_t dev, char *out, size_t size);

#endif
