/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount_proc_context.h: what a procfs of a pid namespace is made from that the caller is not in, on
 * kernels without procfs's option pidns= (Linux 6.17).
 *
 * Before, a procfs shows the pid namespace of who called fsopen(2) for it. So a process is born in
 * there to call that and nothing else, and its contexts are taken away from it (pidfd_getfd(2)).
 * Who is in there with CAP_SYS_PTRACE can look into it and lead it: so it holds nothing of the
 * host's. It is made by a stage outside, as birth.h has it:
 *
 *   - no descriptor, no environment; an empty root in a mount namespace of its own;
 *   - a user namespace of its own, in which the kernel wants CAP_SYS_ADMIN for fsopen(2); over the
 *     host it has no privilege;
 *   - from before its birth a seccomp filter for the system calls that it needs: it can be made to open
 *     another type of file system, but to give it no source and no option, and no descriptor of anyone's.
 */
#ifndef HUSK_LINUX_MOUNT_PROC_CONTEXT_H
#define HUSK_LINUX_MOUNT_PROC_CONTEXT_H

#include "err.h"

#include <stddef.h>

/* Contexts (fsopen(2), O_CLOEXEC) into out[0 .. n-1], owned by the caller; n > 0. pidns: the namespace. Whoever
 * makes mounts of them looks whether they are procfs. Linux 5.6. -ENOTSUP where no such process can be made;
 * -EPROTO where it did not do its work, as when somebody holds it up. On failure all of out are -1. */
int mount_proc_contexts(int pidns, int *out, size_t n, struct err *e);

#endif
