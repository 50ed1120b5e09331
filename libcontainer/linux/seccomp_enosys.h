/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp_enosys.h: the head that a strict filter gets, so that system calls
 * newer than its profile fail with ENOSYS.
 *
 * A profile that lists what is allowed and refuses the rest with EPERM would
 * also refuse calls that did not exist when it was written; C libraries then see
 * EPERM where only ENOSYS makes them fall back to the older call. The head
 * compares the call's number with the highest one that the profile's rules name
 * for that architecture: above it is ENOSYS, all else goes on to the filter.
 * runc does the same.
 */
#ifndef HUSK_LINUX_SECCOMP_ENOSYS_H
#define HUSK_LINUX_SECCOMP_ENOSYS_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct enosys_arch {
	uint32_t audit_arch; /* AUDIT_ARCH_*, as struct seccomp_data has it */
	uint32_t last;	     /* the highest number that a rule names; 0: none */
	uint32_t last_x32;   /* the same of x32, which is x86_64 with a bit set in the number; 0: none */
	bool zero_is_newer;  /* s390: numbers that the kernel does not know arrive as 0 */
};

#define ENOSYS_ARCH_INSNS 11 /* at most, for each architecture */
#define ENOSYS_INSNS(n_archs) ((n_archs)*ENOSYS_ARCH_INSNS + 2)

/* Writes the head, to be followed by the filter at once, into out, which has
 * room for ENOSYS_INSNS(n). Returns the number of instructions, 0 when no
 * architecture has a number. */
size_t seccomp_enosys_head(const struct enosys_arch *v, size_t n, struct sock_filter *out);

#endif
