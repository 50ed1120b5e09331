/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c: the program husk-agent, pid 1 of a guest.
 *
 * With --fd N it is pid 1 of a pid namespace that somebody has made, with /proc and cgroup2 mounted, and N is
 * its channel to the host: so all but guest.c is tested without a guest. --run DIR is where it keeps
 * its files then.
 */
#include "agent.h"
#include "guest.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RUN_DIR "/run/husk-agent"

struct options {
	int fd; /* -1: in a guest, where the words are the kernel's */
	const char *run_dir;
	bool image; /* the guest's root is a disk image */
};

static int parse(char **words, struct options *o, struct err *e)
{
	for (; *words; words++) {
		uint64_t fd;

		if (str_eq(*words, "--fd") && words[1]) {
			if (str_u64(*++words, INT32_MAX, &fd) < 0)
				return err_set(e, EINVAL, "--fd '%s': expected a descriptor", *words);
			o->fd = (int)fd;
		} else if (str_eq(*words, "--run") && words[1]) {
			o->run_dir = *++words;
		} else if (str_eq(*words, "--image")) {
			o->image = true;
		}
	}
	return 0;
}

static int bring_up(struct agent *a, const struct options *o, struct err *e)
{
	int r, fd = o->fd;

	if (getpid() != 1)
		return err_set(e, EINVAL, "to be run as pid 1, of a guest of husk's");
	r = fd < 0 ? guest_begin(e) : 0;
	if (r == 0)
		r = husk_seal(e);
	if (r == 0 && fd < 0) {
		r = guest_boot(o->image, e);
		if (r == 0)
			(void)guest_mount_files(&a->files_err);
		if (r == 0)
			r = guest_open_port(&fd, e);
	}
	return r < 0 ? r : agent_init(a, fd, e);
}

int main(int argc, char **argv)
{
	static struct agent a;
	struct options o = { .fd = -1, .run_dir = RUN_DIR };
	struct err e = { 0 };
	AUTO_FREE char *root = NULL;
	int r = parse(argc > 0 ? argv + 1 : argv, &o, &e);

	a.in_guest = o.fd < 0;
	a.run_dir = o.run_dir;
	root = x_printf("%s/state", o.run_dir);
	a.ctx = (struct husk_ctx){ .root = root, .host_root = !husk_is_rootless() };
	if (r == 0)
		r = bring_up(&a, &o, &e);
	if (r == 0)
		r = agent_run(&a, &e);
	if (a.in_guest && getpid() == 1)
		guest_off(&e);
	agent_delete_container(&a);
	agent_free(&a);
	if (r < 0)
		fprintf(stderr, "husk-agent: %s\n", e.msg);
	return r < 0 ? 1 : 0;
}
