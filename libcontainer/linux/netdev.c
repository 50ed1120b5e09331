/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netdev.c: see netdev.h. Netlink is the work of a helper, a program of its own: few
 * containers need it, and each start would pay for it.
 */
#include "netdev.h"

#include "fd.h"
#include "helper.h"
#include "kernel.h"
#include "str.h"

#include <fcntl.h>

#define HELPER "husk-net"

static int open_netns(const struct plan *plan, pid_t pid, int *out_fd, struct err *e)
{
	AUTO_FREE char *path = NULL;

	for (size_t i = 0; i < plan->n_joins; i++) {
		if (plan->joins[i].clone_flag != CLONE_NEWNET)
			continue;
		*out_fd = fcntl(plan->joins[i].fd, F_DUPFD_CLOEXEC, 0);
		return *out_fd < 0 ? err_sys(e, errno, "linux.netDevices: dup") : 0;
	}
	path = x_printf("/proc/%d/ns/net", (int)pid);
	*out_fd = open(path, O_RDONLY | O_CLOEXEC);
	return *out_fd < 0 ? err_sys(e, errno, "linux.netDevices: open '%s'", path) : 0;
}

/* Freed as one block; the names stay the spec's. */
static char **helper_args(const struct spec_linux *l)
{
	static char fd_text[] = { '0' + HELPER_FD, '\0' };
	char **argv = x_calloc(5 + 2 * l->n_netdevs, sizeof(*argv)), **next = argv;

	*next++ = (char *)(uintptr_t)HELPER;
	*next++ = (char *)(uintptr_t) "move";
	*next++ = (char *)(uintptr_t) "--netns-fd";
	*next++ = fd_text;
	for (size_t i = 0; i < l->n_netdevs; i++) {
		*next++ = (char *)(uintptr_t)l->netdevs[i].host_name;
		*next++ = (char *)(uintptr_t)l->netdevs[i].name;
	}
	return argv;
}

int netdev_move_all(const struct plan *plan, pid_t pid, struct err *e)
{
	static char *const no_env[] = { NULL };
	struct helper helper = { .name = HELPER, .key = "linux.netDevices" };
	AUTO_FREE char **argv = NULL;
	AUTO_FD netns = -1;
	int r;

	if (plan->spec->linux_->n_netdevs == 0)
		return 0;
	r = open_netns(plan, pid, &netns, e);
	if (r < 0)
		return r;
	argv = helper_args(plan->spec->linux_);
	r = helper_start(&helper, argv, -1, -1, netns, no_env, e);
	return r < 0 ? r : helper_wait(&helper, e);
}
