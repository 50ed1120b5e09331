/* SPDX-License-Identifier: Apache-2.0 */
/*
 * move.c: see move.h.
 *
 * Two sockets, one in each namespace, serve all steps. The kernel moves first and
 * renames then, and does not move back when the new name is taken; so that is
 * looked up before.
 */
#include "move.h"

#include "addr.h"
#include "fd.h"
#include "ifname.h"
#include "link.h"
#include "rtnl.h"
#include "str.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>

/* The caller's namespace and the container's. */
struct ends {
	struct rtnl home, inside;
	int home_fd, inside_fd;
};

/* One interface on its way. */
struct trip {
	const struct move *move;
	char name[IF_NAMESIZE]; /* in the container */
	struct link link;	/* at home, before */
	struct rtnl_list addrs;
	int index; /* in the container; 0: not there */
};

static int choose_name(struct ends *ends, struct trip *t, struct err *e)
{
	struct link taken;
	int r;

	if (ifname_is_template(t->move->to))
		return link_free_name(&ends->inside, t->move->to, t->name, e);
	(void)snprintf(t->name, sizeof(t->name), "%s", t->move->to);
	r = link_find(&ends->inside, t->name, &taken, e);
	if (r == -ENODEV)
		return 0;
	return r < 0 ? r : err_set(e, EEXIST, "the container's network namespace has a '%s' already", t->name);
}

static int look_at_home(struct ends *ends, struct trip *t, struct err *e)
{
	int r = link_find(&ends->home, t->move->from, &t->link, e);

	if (r == -ENODEV)
		return err_set(e, ENODEV, "there is no such interface");
	return r < 0 ? r : addr_list_get(&ends->home, t->link.index, &t->addrs, e);
}

/* With its addresses before it is up, nobody sees it without them. */
static int set_up_inside(struct ends *ends, struct trip *t, struct err *e)
{
	struct link link;
	int r = link_find(&ends->inside, t->name, &link, e);

	if (r == -ENODEV)
		return err_set(e, ENODEV, "it did not arrive in the container's network namespace");
	if (r < 0)
		return r;
	t->index = link.index;
	r = addr_list_add(&ends->inside, t->index, &t->addrs, e);
	return r < 0 ? r : link_up(&ends->inside, t->index, e);
}

static int move_one(struct ends *ends, struct trip *t, struct err *e)
{
	int r;

	r = look_at_home(ends, t, e);
	if (r == 0)
		r = choose_name(ends, t, e);
	if (r == 0)
		r = link_send(&ends->home, t->link.index, ends->inside_fd, t->name, e);
	if (r == 0)
		r = set_up_inside(ends, t, e);
	return r < 0 ? err_add(e, "interface '%s'", t->move->from) : 0;
}

static void bring_home(struct ends *ends, struct trip *t)
{
	struct link link;

	if (t->index == 0 || link_send(&ends->inside, t->index, ends->home_fd, t->move->from, NULL) < 0)
		return;
	if (link_find(&ends->home, t->move->from, &link, NULL) < 0)
		return;
	(void)addr_list_add(&ends->home, link.index, &t->addrs, NULL);
	if (t->link.flags & IFF_UP)
		(void)link_up(&ends->home, link.index, NULL);
}

static int open_ends(struct ends *ends, struct err *e)
{
	int r = rtnl_open(&ends->home, e);

	if (r < 0)
		return r;
	ends->home_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (ends->home_fd < 0)
		return err_sys(e, errno, "open '/proc/self/ns/net'");
	if (setns(ends->inside_fd, CLONE_NEWNET) < 0)
		return err_sys(e, errno, "enter the container's network namespace");
	return rtnl_open(&ends->inside, e);
}

int move_all(const struct move *moves, size_t n, int netns_fd, struct err *e)
{
	struct ends *ends = x_calloc(1, sizeof(*ends));
	struct trip *trips = x_calloc(n, sizeof(*trips));
	size_t i;
	int r;

	ends->home_fd = -1;
	ends->inside_fd = netns_fd;
	r = open_ends(ends, e);
	for (i = 0; r == 0 && i < n; i++) {
		trips[i].move = &moves[i];
		r = move_one(ends, &trips[i], e);
	}
	while (r < 0 && i-- > 0)
		bring_home(ends, &trips[i]);
	for (i = 0; i < n; i++)
		rtnl_list_free(&trips[i].addrs);
	rtnl_close(&ends->home);
	rtnl_close(&ends->inside);
	fd_close(&ends->home_fd);
	free(trips);
	free(ends);
	return r;
}
