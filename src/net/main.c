/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c: husk-net, the helper that husk starts for what needs netlink.
 *
 *   husk-net move --netns-fd N HOSTNAME NEWNAME [HOSTNAME NEWNAME]...
 *
 * moves network interfaces from the current network namespace into the one behind
 * the inherited descriptor N. Status 0; or 1 and one line on standard error.
 */
#include "ifname.h"
#include "move.h"
#include "str.h"

#include <limits.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#define USAGE "usage: husk-net move --netns-fd N HOSTNAME NEWNAME [HOSTNAME NEWNAME]..."

static int read_netns_fd(const char *text, int *out, struct err *e)
{
	uint64_t fd;

	if (str_u64(text, INT_MAX, &fd) < 0)
		return err_set(e, EINVAL, "--netns-fd: expected a descriptor, got '%s'", text);
	if (ioctl((int)fd, NS_GET_NSTYPE) != CLONE_NEWNET)
		return err_set(e, EINVAL, "--netns-fd: descriptor %s is no network namespace", text);
	*out = (int)fd;
	return 0;
}

static int read_names(char **args, size_t n, struct move *out, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		out[i] = (struct move){ .from = args[2 * i], .to = args[2 * i + 1] };
		if (!ifname_valid(out[i].from))
			return err_set(e, EINVAL, "no name of an interface: '%s' (%s)", out[i].from, IFNAME_RULE);
		if (!ifname_valid(out[i].to) && !ifname_is_template(out[i].to))
			return err_set(e, EINVAL, "no name of an interface: '%s' (%s)", out[i].to, IFNAME_RULE);
	}
	return 0;
}

static int run(int argc, char **argv, struct err *e)
{
	AUTO_FREE struct move *moves = NULL;
	size_t n;
	int netns_fd = -1, r;

	if (argc < 6 || argc % 2 != 0 || strcmp(argv[1], "move") != 0 || strcmp(argv[2], "--netns-fd") != 0)
		return err_set(e, EINVAL, USAGE);
	n = ((size_t)argc - 4) / 2;
	moves = x_calloc(n, sizeof(*moves));
	r = read_netns_fd(argv[3], &netns_fd, e);
	if (r == 0)
		r = read_names(argv + 4, n, moves, e);
	return r < 0 ? r : move_all(moves, n, netns_fd, e);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };

	if (run(argc, argv, &e) == 0)
		return 0;
	(void)fprintf(stderr, "husk-net: %s\n", e.msg);
	return 1;
}
