/* SPDX-License-Identifier: Apache-2.0 */
/* username.h: names of the host's users, by /etc/passwd alone: a static program has no name services. */
#ifndef HUSK_BASE_USERNAME_H
#define HUSK_BASE_USERNAME_H

#include <sys/types.h>

/* For free(); NULL: it has no entry. */
char *username_find(uid_t uid);

#endif
