/* SPDX-License-Identifier: Apache-2.0 */
/* ifname.h: which names Linux takes for a network interface. */
#ifndef HUSK_BASE_IFNAME_H
#define HUSK_BASE_IFNAME_H

#include <stdbool.h>

/* What a name must be, for messages. */
#define IFNAME_RULE "1 to 15 bytes without '/', ':', '%' or blanks, and not '.' or '..'"

/* A name that an interface can have (net/core/dev.c, dev_valid_name()). */
bool ifname_valid(const char *s);
/* The same with one "%d" at its end, which the kernel's names cannot have: a template, where the
 * first free number goes in. */
bool ifname_is_template(const char *s);

#endif
