/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_dev.h: linux.resources.devices as a BPF_CGROUP_DEVICE program. */
#ifndef HUSK_LINUX_CGROUP_DEV_H
#define HUSK_LINUX_CGROUP_DEV_H

#include "err.h"
#include "spec.h"

#include <linux/bpf.h>
#include <stdbool.h>

#define CGROUP_DEV_INSNS_MAX 4096

/* Rules as written, last match wins, a rule of type 'a' drops all before it; then the devices that
 * every container has, as runc allows: null zero full random urandom tty ptmx pts, but not one that
 * `devices` (linux.devices) has under the same path, and mknod of anything. Nothing matches: what the
 * last 'a' rule says, deny without one. Pure. *out_n instructions into insns, which has
 * CGROUP_DEV_INSNS_MAX of them; 0 when everything is allowed and there is nothing to enforce. */
int cgroup_dev_compile(const struct spec_device_rule *rules, size_t n, const struct spec_device *devices,
		       size_t n_devices, struct bpf_insn *insns, size_t *out_n, struct err *e);
/* Compiles, loads and attaches (BPF_F_ALLOW_MULTI) to the cgroup; does nothing where everything is
 * allowed. Without the privilege (CAP_BPF, CAP_NET_ADMIN or CAP_SYS_ADMIN) the error is -EPERM: the
 * caller decides whether that is fatal. */
int cgroup_dev_apply(int cgroup_fd, const struct spec_linux *l, struct err *e);

/* husk's programs on a cgroup around a change, by which it is undone. Owned; -1: none. */
struct cgroup_dev_change {
	int before, after;
};
#define CGROUP_DEV_NO_CHANGE \
	{                    \
		-1, -1       \
	}

/* The same for a cgroup that may have a filter of husk's: the new one takes its place in one step
 * (BPF_F_REPLACE, Linux 5.6), so that no access goes unfiltered. Programs of others stay. */
int cgroup_dev_replace(int cgroup_fd, const struct spec_linux *l, struct cgroup_dev_change *out, struct err *e);
/* The filter before takes the place of the one after, in one step, too. */
int cgroup_dev_undo(int cgroup_fd, const struct cgroup_dev_change *c, struct err *e);
void cgroup_dev_change_free(struct cgroup_dev_change *c);
/* cgroup_dev_replace(), or with new_cgroup cgroup_dev_apply(), for which a rootless caller needs no privilege:
 * without, there is no filter, and the devices are those that the host lets this user open. */
int cgroup_dev_limit(int cgroup_fd, const struct spec_linux *l, bool rootless, bool new_cgroup,
		     struct cgroup_dev_change *out, struct err *e);
/* True when the cgroup has device filters and none is husk's: somebody has taken them over, such as a
 * hook that gives a container its GPU. */
bool cgroup_dev_is_others(int cgroup_fd);
/* 0 when this process may load such programs, else -errno. One is loaded and let go. */
int cgroup_dev_probe(void);

#endif
