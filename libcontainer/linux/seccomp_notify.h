/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp_notify.h: installing a filter with SCMP_ACT_NOTIFY (seccomp_unotify(2)).
 *
 * From the moment that such a filter is in force, any system call of ours may wait for
 * the answer of an agent that does not have the listener yet, and so for ever. So the
 * listener is delivered by a carrier: a process that is made before, is not under the
 * filter, and shares our memory and our descriptors. Until the carrier has ended, this
 * side makes no system call at all: it looks at memory. No profile can make us wait for
 * ourselves, whatever it notifies of.
 */
#ifndef HUSK_LINUX_SECCOMP_NOTIFY_H
#define HUSK_LINUX_SECCOMP_NOTIFY_H

#include "seccomp.h"

/* Called in the carrier: gives the listener away, and returns when the other side has it. The listener
 * stays the carrier's, which closes it. Must not use the heap's or stdio's locks of the caller. 0 or -errno. */
typedef int seccomp_deliver_fn(int listener, void *arg, struct err *e);

/* Makes the carrier, one of a process. It is born into the pid namespace that children go to: before a
 * setns(2) into one whose processes must not find it (birth.h). It lives until seccomp_notify_install()
 * has ended, or the calling process. *e and what arg points to must live as long.
 * SIGCHLD is left so that children are reaped by the kernel (SA_NOCLDWAIT), which saves the call that
 * would reap the carrier; execve(2) ends that, or seccomp_notify_reset(). */
int seccomp_notify_prepare(seccomp_deliver_fn *deliver, void *arg, struct err *e);
/* After that: seccomp(2) on the calling process, which has one thread, and delivery. Afterwards the agent
 * may have to answer any call of ours. On failure the filter may be in force all the same.
 * Linux 5.5, with TSYNC 5.7. */
int seccomp_notify_install(const struct seccomp_prog *prog, struct err *e);
/* For those that will wait for children. */
void seccomp_notify_reset(void);

#endif
