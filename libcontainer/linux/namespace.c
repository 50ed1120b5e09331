/* SPDX-License-Identifier: Apache-2.0 */
/* namespace.c: see namespace.h. */
#include "namespace.h"

#include "fd.h"
#include "kernel.h"

#include <linux/nsfs.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int namespace_open_joins(struct join_step *joins, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		int type;

		joins[i].fd = open(joins[i].path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		if (joins[i].fd < 0)
			return err_sys(e, errno, "linux.namespaces: open '%s'", joins[i].path);
		type = ioctl(joins[i].fd, NS_GET_NSTYPE);
		if (type < 0)
			return err_set(e, EINVAL, "linux.namespaces: '%s' is not a namespace", joins[i].path);
		if ((unsigned int)type != joins[i].clone_flag)
			return err_set(e, EINVAL, "linux.namespaces: '%s' is a namespace of another type",
				       joins[i].path);
	}
	return 0;
}

int namespace_join(const struct join_step *join, struct err *e)
{
	if (setns(join->fd, (int)join->clone_flag) < 0)
		return err_sys(e, errno, "join the namespace '%s'", join->path);
	return 0;
}

static const char *namespace_file(unsigned int clone_flag)
{
	switch (clone_flag) {
	case CLONE_NEWPID:
		return "/proc/self/ns/pid"; /* pid_for_children is the same before any setns */
	case CLONE_NEWNET:
		return "/proc/self/ns/net";
	case CLONE_NEWIPC:
		return "/proc/self/ns/ipc";
	case CLONE_NEWUTS:
		return "/proc/self/ns/uts";
	case CLONE_NEWCGROUP:
		return "/proc/self/ns/cgroup";
	case CLONE_NEWTIME:
		return "/proc/self/ns/time";
	default:
		return "/proc/self/ns/mnt";
	}
}

int namespace_save(unsigned int clone_flag, int *out_fd, struct err *e)
{
	const char *path = namespace_file(clone_flag);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, errno, "open '%s'", path);
	*out_fd = fd;
	return 0;
}

int namespace_restore(int fd, unsigned int clone_flag, struct err *e)
{
	if (setns(fd, (int)clone_flag) < 0)
		return err_sys(e, errno, "return to '%s'", namespace_file(clone_flag));
	return 0;
}

/* A socket belongs to the network namespace that it was made in. */
static int socket_of(int pidfd, int *out_fd, struct err *e)
{
	AUTO_FD own = -1;
	int sock, code, r;

	r = namespace_save(CLONE_NEWNET, &own, e);
	if (r < 0)
		return r;
	if (setns(pidfd, CLONE_NEWNET) < 0)
		return err_sys(e, errno, "enter the container's network namespace");
	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	code = errno;
	r = namespace_restore(own, CLONE_NEWNET, e);
	if (r < 0 && sock >= 0)
		(void)close(sock);
	*out_fd = sock;
	errno = code;
	return r;
}

int namespace_loopback_up(int pidfd, struct err *e)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	AUTO_FD sock = -1;
	int r;

	if (pidfd >= 0) {
		r = socket_of(pidfd, &sock, e);
		if (r < 0)
			return r;
	} else {
		sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	}
	if (sock < 0) /* a kernel without IPv4 */
		return errno == EAFNOSUPPORT ? 0 : err_sys(e, errno, "open a socket for the loopback device");
	if (ioctl(sock, SIOCSIFFLAGS, &ifr) < 0)
		return err_sys(e, errno, "bring the loopback device up");
	return 0;
}

int namespace_set_names(const char *hostname, const char *domainname, struct err *e)
{
	if (hostname && sethostname(hostname, strlen(hostname)) < 0)
		return err_sys(e, errno, "hostname: set '%s'", hostname);
	if (domainname && setdomainname(domainname, strlen(domainname)) < 0)
		return err_sys(e, errno, "domainname: set '%s'", domainname);
	return 0;
}
