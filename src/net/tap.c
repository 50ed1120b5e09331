/* SPDX-License-Identifier: Apache-2.0 */
/* tap.c: see tap.h. */
#include "tap.h"

#include "fd.h"
#include "link.h"
#include "str.h"

#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#define STEM "husk"

bool tap_is_name(const char *name)
{
	uint64_t number;

	return str_starts(name, STEM) && str_u64(name + strlen(STEM), UINT32_MAX, &number) == 0;
}

/* What was opened may be what stands in the device's place where there is none (/dev/null says ENOTTY), and a device
 * whose module is not there says ENODEV or ENXIO. */
static int no_tun(int code, struct err *e)
{
	if (code == ENOTTY || code == ENODEV || code == ENXIO || code == ENOENT)
		return err_set(e, ENODEV, "this machine has no /dev/net/tun: load the kernel's module 'tun'");
	return err_sys(e, code, "open /dev/net/tun");
}

static int open_tap(int tun_fd, const char *name, struct err *e)
{
	struct ifreq request = { .ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_TUN_EXCL) };
	char path[FD_PATH_MAX];
	AUTO_FD fd = -1;
	unsigned int features;

	fd_path(tun_fd, path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, TUNGETFEATURES, &features) < 0)
		return no_tun(errno, e);
	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &request) < 0) {
		if (errno == EBUSY)
			return err_set(e, EBUSY, "another VM is in this network namespace already: its interface '%s'",
				       name);
		return err_sys(e, errno, "make the tap '%s'", name);
	}
	return fd_take(&fd);
}

/* The kernel gives it no IPv6 address: it would speak for itself, into the guest. EAFNOSUPPORT: there is no IPv6.
 * Before the MTU, as with less than IPv6 asks for an interface has no IPv6, either. */
static int silence(struct rtnl *nl, int index, struct err *e)
{
	struct ifinfomsg *info;
	struct nlmsghdr *msg = rtnl_start(nl, RTM_NEWLINK, 0, sizeof(*info), &info);
	struct nlattr *families, *ipv6;
	int r;

	info->ifi_index = index;
	families = mnl_attr_nest_start(msg, IFLA_AF_SPEC);
	ipv6 = mnl_attr_nest_start(msg, AF_INET6);
	mnl_attr_put_u8(msg, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(msg, ipv6);
	mnl_attr_nest_end(msg, families);
	r = rtnl_ask(nl, msg, NULL, NULL);
	return r < 0 && r != -EAFNOSUPPORT ? rtnl_failed(nl, -r, e, "keep IPv6 addresses from it") : 0;
}

static int set_mtu(struct rtnl *nl, int index, uint32_t mtu, struct err *e)
{
	struct ifinfomsg *info;
	struct nlmsghdr *msg = rtnl_start(nl, RTM_NEWLINK, 0, sizeof(*info), &info);
	int r;

	info->ifi_index = index;
	mnl_attr_put_u32(msg, IFLA_MTU, mtu);
	r = rtnl_ask(nl, msg, NULL, NULL);
	return r < 0 ? rtnl_failed(nl, -r, e, "set its MTU to %u", mtu) : 0;
}

static int set_up(struct rtnl *nl, const char *name, uint32_t mtu, int *out_index, struct err *e)
{
	struct link link;
	int r = link_find(nl, name, &link, e);

	if (r == -ENODEV)
		return err_set(e, ENODEV, "it is gone");
	if (r == 0)
		r = silence(nl, link.index, e);
	if (r == 0)
		r = set_mtu(nl, link.index, mtu, e);
	if (r == 0)
		r = link_up(nl, link.index, e);
	if (r == 0)
		*out_index = link.index;
	return r;
}

int tap_make(struct rtnl *nl, int tun_fd, unsigned int number, uint32_t mtu, struct tap *out, struct err *e)
{
	struct tap tap = { .fd = -1 };
	AUTO_FD fd = -1;
	int r;

	(void)snprintf(tap.name, sizeof(tap.name), STEM "%u", number);
	fd = open_tap(tun_fd, tap.name, e);
	if (fd < 0)
		return fd;
	r = set_up(nl, tap.name, mtu, &tap.index, e);
	if (r < 0)
		return err_add(e, "the tap '%s'", tap.name);
	tap.fd = fd_take(&fd);
	*out = tap;
	return 0;
}
