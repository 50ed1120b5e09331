/* SPDX-License-Identifier: Apache-2.0 */
/* release.c: see release.h. setns(2). */
#include "release.h"

#include "ether.h"
#include "fd.h"
#include "redirect.h"
#include "rtnl.h"
#include "str.h"

#include <fcntl.h>
#include <sched.h>

static int release_one(struct rtnl *nl, const struct ether *ether, struct err *e)
{
	int r = redirect_is_dead(nl, ether->index, e);

	if (r > 0)
		r = redirect_remove(nl, ether->index, e);
	return r < 0 ? err_add(e, "interface '%s'", ether->name) : 0;
}

int release_all(const char *netns, struct err *e)
{
	AUTO_FREE struct rtnl *nl = x_calloc(1, sizeof(*nl));
	AUTO_FREE struct ether *ethers = NULL;
	AUTO_FD fd = open(netns, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(e, errno, "open '%s'", netns);
	if (setns(fd, CLONE_NEWNET) < 0)
		return err_sys(e, errno, "enter the network namespace '%s'", netns);
	r = rtnl_open(nl, e);
	if (r == 0)
		r = ether_list(nl, &ethers, &n, e);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = release_one(nl, &ethers[i], e);
	rtnl_close(nl);
	return r;
}
