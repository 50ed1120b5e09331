/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm_control.h: speaks to the husk-mon of a VM over its control socket (mon/control.h).
 *
 * That there is a socket in a container's state directory is what tells a VM from a plain
 * container: one system call. A VM that was only created has none that answers: its
 * husk-mon comes with start.
 */
#ifndef HUSK_VM_CONTROL_H
#define HUSK_VM_CONTROL_H

#include "libcontainer.h"
#include "message.h"

/* Is it a VM? False for ids that are none, too. */
bool vm_control_is_vm(const struct husk_ctx *ctx, const char *id);
/* Is it one whose program waits for start? */
bool vm_control_is_created(const struct husk_ctx *ctx, const char *id);
/* -ESRCH with "container not running" when nobody answers, -EBUSY before start. */
int vm_control_connect(const struct husk_ctx *ctx, const char *id, int *out_fd, struct err *e);

/* husk-mon, as `husk state` names it. -ESRCH when the container is not running. out_pid may be NULL. */
int vm_control_find(const struct husk_ctx *ctx, const char *id, pid_t *out_pid, bool *out_paused, struct err *e);
/* -EBUSY for a VM that is paused, and so answers nothing; other failures as vm_control_find(). */
int vm_control_check_runs(const struct husk_ctx *ctx, const char *id, struct err *e);
/* All that w holds; -errno, without a SIGPIPE when nobody takes it. */
int vm_control_send(int fd, const struct frame_writer *w);

/* One question: SIGNAL (with signal), PS, STATS, or UPDATE or MOUNTS_... (with text). *out_text (may be NULL) is
 * malloc'ed. Waits for VM_CONTROL_SECONDS at most, or with MOUNTS_ADD and MOUNTS_REMOVE for VM_CONTROL_MOUNTS_SECONDS. Of a VM that is
 * paused nothing is asked (-EBUSY), but a signal reaches it when it is resumed: that is not waited for. */
#define VM_CONTROL_SECONDS 15
#define VM_CONTROL_MOUNTS_SECONDS 70
int vm_control_ask(const struct husk_ctx *ctx, const char *id, enum message_type type,
		   const struct message_signal *signal, const char *text, char **out_text, struct err *e);

/* The config.json that the guest follows; malloc'ed. */
int vm_control_config(const struct husk_ctx *ctx, const char *id, char **out, size_t *out_len, struct err *e);

#endif
