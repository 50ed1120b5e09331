/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c: husk-net, the helper that husk starts for what needs netlink.
 *
 *   husk-net move --netns-fd N HOSTNAME NEWNAME [HOSTNAME NEWNAME]...
 *
 * moves network interfaces from the current network namespace into the one behind
 * the inherited descriptor N. Status 0; or 1 and one line on standard error.
 *
 *   husk-net tap --tun-fd N --socket-fd M
 *
 * gives a guest the Ethernet interfaces of the current network namespace: N is a descriptor of
 * the host's /dev/net/tun (O_PATH, or another file's where there is none), M a socket over which
 * the taps and what belongs to them go to husk-mon, as network.h says. Status 0, with warnings
 * of what was left out on standard error; or 1, and the failure is told over M.
 *
 *   husk-net release PATH
 *
 * gives the network namespace PATH its frames back when the VM that had them has ended: a poststop hook.
 */
#include "fd.h"
#include "guest_links.h"
#include "ifname.h"
#include "move.h"
#include "network.h"
#include "release.h"
#include "str.h"

#include <limits.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define USAGE_MOVE "husk-net move --netns-fd N HOSTNAME NEWNAME [HOSTNAME NEWNAME]..."
#define USAGE_RELEASE "husk-net release PATH"
#define USAGE_TAP "husk-net tap --tun-fd N --socket-fd M"

_Static_assert(NETWORK_FAILURE_MAX >= ERR_MSG_MAX, "each message fits");

static int read_fd(const char *option, const char *text, int *out, struct err *e)
{
	uint64_t fd;

	if (str_u64(text, INT_MAX, &fd) < 0)
		return err_set(e, EINVAL, "%s: expected a descriptor, got '%s'", option, text);
	*out = (int)fd;
	return 0;
}

static int read_netns_fd(const char *text, int *out, struct err *e)
{
	int r = read_fd("--netns-fd", text, out, e);

	if (r == 0 && ioctl(*out, NS_GET_NSTYPE) != CLONE_NEWNET)
		return err_set(e, EINVAL, "--netns-fd: descriptor %s is no network namespace", text);
	return r;
}

static int read_socket_fd(const char *text, int *out, struct err *e)
{
	int type = 0, r = read_fd("--socket-fd", text, out, e);
	socklen_t len = sizeof(type);

	if (r == 0 && (getsockopt(*out, SOL_SOCKET, SO_TYPE, &type, &len) < 0 || type != SOCK_SEQPACKET))
		return err_set(e, EINVAL, "--socket-fd: descriptor %s is no socket of packets", text);
	return r;
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

static int move(int argc, char **argv, struct err *e)
{
	AUTO_FREE struct move *moves = NULL;
	size_t n;
	int netns_fd = -1, r;

	if (argc < 6 || argc % 2 != 0 || strcmp(argv[2], "--netns-fd") != 0)
		return err_set(e, EINVAL, "usage: " USAGE_MOVE);
	n = ((size_t)argc - 4) / 2;
	moves = x_calloc(n, sizeof(*moves));
	r = read_netns_fd(argv[3], &netns_fd, e);
	if (r == 0)
		r = read_names(argv + 4, n, moves, e);
	return r < 0 ? r : move_all(moves, n, netns_fd, e);
}

/* 0 when husk-mon knows. */
static int tell_failure(int socket_fd, const struct err *e)
{
	struct network_failure failure = { .type = NETWORK_FAILURE, .code = e->code };

	memcpy(failure.message, e->msg, sizeof(e->msg));
	return fd_send(socket_fd, &failure, sizeof(failure), NULL, 0) < 0 ? -1 : 0;
}

static void print_warnings(struct strbuf *warnings)
{
	char *rest = warnings->s, *line;

	while ((line = strsep(&rest, "\n")))
		if (*line)
			(void)fprintf(stderr, "husk-net: warning: %s\n", line);
	free(warnings->s);
}

/* *out_told: the failure is known where it is asked for, and needs no line here. */
static int tap(int argc, char **argv, bool *out_told, struct err *e)
{
	struct strbuf warnings = { 0 };
	int tun_fd = -1, socket_fd = -1, r;

	if (argc != 6 || strcmp(argv[2], "--tun-fd") != 0 || strcmp(argv[4], "--socket-fd") != 0)
		return err_set(e, EINVAL, "usage: " USAGE_TAP);
	r = read_fd("--tun-fd", argv[3], &tun_fd, e);
	if (r == 0)
		r = read_socket_fd(argv[5], &socket_fd, e);
	if (r < 0)
		return r;
	r = guest_links_send(tun_fd, socket_fd, &warnings, e);
	print_warnings(&warnings);
	*out_told = r < 0 && tell_failure(socket_fd, e) == 0;
	return r;
}

static int run(int argc, char **argv, bool *out_told, struct err *e)
{
	if (argc >= 2 && strcmp(argv[1], "move") == 0)
		return move(argc, argv, e);
	if (argc >= 2 && strcmp(argv[1], "tap") == 0)
		return tap(argc, argv, out_told, e);
	if (argc == 3 && strcmp(argv[1], "release") == 0)
		return release_all(argv[2], e);
	return err_set(e, EINVAL, "usage: " USAGE_MOVE ", " USAGE_TAP ", or " USAGE_RELEASE);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	bool told = false;

	if (run(argc, argv, &told, &e) == 0)
		return 0;
	if (!told)
		(void)fprintf(stderr, "husk-net: %s\n", e.msg);
	return 1;
}
