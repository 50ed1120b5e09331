/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp_compile.h: linux.seccomp -> instructions, by libseccomp. Takes milliseconds. */
#ifndef HUSK_LINUX_SECCOMP_COMPILE_H
#define HUSK_LINUX_SECCOMP_COMPILE_H

#include "seccomp.h"

#include <stdbool.h>

/* How the decisions are looked up: SECCOMP_LOOKUP_AUTO is a binary tree where the
 * rules are many. The other two are for measuring. */
enum seccomp_lookup { SECCOMP_LOOKUP_AUTO, SECCOMP_LOOKUP_LINEAR, SECCOMP_LOOKUP_TREE };

int seccomp_compile(const struct spec_seccomp *s, enum seccomp_lookup lookup, struct seccomp_prog *out, struct err *e);
/* Fails at the first system call in the rules that libseccomp does not know; a filter leaves those out. */
int seccomp_check_names(const struct spec_seccomp *s, struct err *e);

#endif
