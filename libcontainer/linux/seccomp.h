/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp.h: linux.seccomp -> a BPF program, by libseccomp, cached.
 *
 * Compiling a docker-like profile takes milliseconds, loading it a fraction of
 * one, so the compiled program is kept in a directory that only its owner can
 * write. A cache file holds the section's text beside the program and is used
 * only when that text is the same byte for byte, so the file's name needs no
 * cryptographic hash. What is read from the cache is checked like outside input.
 */
#ifndef HUSK_LINUX_SECCOMP_H
#define HUSK_LINUX_SECCOMP_H

#include "err.h"
#include "spec.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>

struct seccomp_prog {
	struct sock_filter *insns; /* owned */
	unsigned short n;	   /* 0: no filter */
	unsigned int flags;	   /* SECCOMP_FILTER_FLAG_* for seccomp(2) */
};

/* cache_dirfd: where compiled programs are kept, or -1. A cache that cannot be
 * read or written only costs time. Unknown actions, operators, architectures and
 * flags are refused by name; system calls that this libseccomp does not know are
 * skipped, and calls newer than all that it knows get ENOSYS when the default
 * action is an errno (as runc does). SCMP_ACT_NOTIFY is refused as the default action. */
int seccomp_prepare(int cache_dirfd, const struct spec_seccomp *s, struct seccomp_prog *out, struct err *e);
/* True when the program notifies somebody: then it is seccomp_notify.h that installs it. */
static inline bool seccomp_notifies(const struct seccomp_prog *prog)
{
	return prog->flags & SECCOMP_FILTER_FLAG_NEW_LISTENER;
}
/* seccomp(2) on the calling thread. */
int seccomp_install(const struct seccomp_prog *prog, struct err *e);
/* What went wrong, when seccomp(2) did not give 0 or a listener but result (-errno). */
int seccomp_install_failed(const struct seccomp_prog *prog, long result, struct err *e);
void seccomp_prog_free(struct seccomp_prog *prog);

/* For features: names this build knows. */
const char *const *seccomp_action_names(void);
const char *const *seccomp_operator_names(void);
const char *const *seccomp_arch_names(void);
const char *const *seccomp_flag_names(void);
/* The SECCOMP_FILTER_FLAG_* of a name; -EINVAL. WAIT_KILLABLE_RECV takes no part without SCMP_ACT_NOTIFY. */
int seccomp_flag_value(const char *name, unsigned int *out_flag);
/* True when this kernel takes the flag. */
bool seccomp_flag_supported(const char *name);

#endif
