/* SPDX-License-Identifier: Apache-2.0 */
/* signame.h: names of signals. */
#ifndef HUSK_BASE_SIGNAME_H
#define HUSK_BASE_SIGNAME_H

/* "9", "KILL", "SIGKILL", "sigkill", "RTMIN+3", "RTMAX-1" -> the number; -EINVAL for anything else. */
int signame_parse(const char *s, int *out);

#endif
