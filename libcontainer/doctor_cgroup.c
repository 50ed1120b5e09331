/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_cgroup.c: cgroup v2: its place, each controller there, delegation, device rules, systemd. */
#include "doctor.h"

#include "cgroup.h"
#include "cgroup_controllers.h"
#include "cgroup_dev.h"
#include "fd.h"
#include "io.h"
#include "str.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 4096 /* bytes of cgroup.controllers, and of the own cgroup's path */

/* Whether /proc/cgroups (cgroups(7)) has the controller in a hierarchy of cgroup v1, where io is blkio. */
static bool is_on_v1(const char *controller)
{
	const char *name = str_eq(controller, "io") ? "blkio" : controller;
	AUTO_FREE char *text = NULL;
	size_t len = strlen(name);

	if (io_read_file(AT_FDCWD, "/proc/cgroups", 0, 65536, &text, NULL, NULL) < 0)
		return false;
	for (char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, len) == 0 && line[len] == '\t')
			return line[len + 1] != '0';
	}
	return false;
}

static void check_controller(struct doctor *d, const char *list, const char *name, const char *what_for)
{
	if (cgroup_controllers_has(list, name, strlen(name))) {
		doctor_add(d, HUSK_FINE, "cgroup", name, "available");
		return;
	}
	doctor_add(d, HUSK_LACKS, "cgroup", name, "no controller here: %s cannot be had", what_for);
	if (is_on_v1(name))
		doctor_remedy(d, "it is bound to cgroup v1: boot with systemd.unified_cgroup_hierarchy=1 "
				 "cgroup_no_v1=all");
	else if (d->rootless)
		doctor_remedy(d, "let systemd delegate it: in /etc/systemd/system/user@.service.d/delegate.conf put "
				 "[Service] and Delegate=cpu cpuset io memory pids, then log in anew");
	else
		doctor_remedy(d, "a kernel that has it, booted without cgroup_disable=%s", name);
}

static void check_controllers(struct doctor *d, int dir)
{
	static const struct {
		const char *name, *what_for;
	} controllers[] = {
		{ "cpu", "linux.resources.cpu" },	{ "cpuset", "linux.resources.cpu.cpus and .mems" },
		{ "memory", "linux.resources.memory" }, { "pids", "linux.resources.pids" },
		{ "io", "linux.resources.blockIO" },	{ "hugetlb", "linux.resources.hugepageLimits" },
		{ "rdma", "linux.resources.rdma" },
	};
	char list[TEXT_MAX];

	if (io_read_small(dir, "cgroup.controllers", list, sizeof(list)) < 0)
		*list = '\0';
	for (size_t i = 0; i < ARRAY_LEN(controllers); i++)
		check_controller(d, list, controllers[i].name, controllers[i].what_for);
}

/* The directory in which this caller's containers get theirs; its path below the root in *out_path. */
static int open_place(struct doctor *d, char **out_path, struct err *e)
{
	char *slash;
	int fd, r;

	if (!d->rootless) {
		*out_path = x_strdup("");
		r = cgroup_open_root(&fd, e);
		return r < 0 ? r : fd;
	}
	r = cgroup_path_make(NULL, "x", out_path, e);
	if (r < 0)
		return r;
	slash = strrchr(*out_path, '/');
	(*out_path)[slash ? slash - *out_path : 0] = '\0';
	r = **out_path ? cgroup_open(*out_path, &fd, e) : cgroup_open_root(&fd, e);
	return r < 0 ? r : fd;
}

static void check_delegation(struct doctor *d, int dir, const char *path)
{
	if (faccessat(dir, ".", W_OK, AT_EACCESS) == 0 && faccessat(dir, "cgroup.procs", W_OK, AT_EACCESS) == 0) {
		doctor_add(d, HUSK_FINE, "cgroup", "delegation", "cgroups can be made in '/%s'", path);
		return;
	}
	doctor_add(d, HUSK_LACKS, "cgroup", "delegation",
		   "no cgroup can be made in '/%s': no limit is enforced, no container paused", path);
	doctor_remedy(d, d->rootless ? "systemd-run --user --scope -p Delegate=yes COMMAND"
				     : "mount /sys/fs/cgroup read-write");
}

static void check_device_rules(struct doctor *d)
{
	int r = cgroup_dev_probe();

	if (r == 0) {
		doctor_add(d, HUSK_FINE, "cgroup", "device rules", "eBPF programs can be loaded");
		return;
	}
	doctor_add(d, d->rootless ? HUSK_NOTE : HUSK_LACKS, "cgroup", "device rules", "not enforced: bpf: %s",
		   strerror(-r));
	doctor_remedy(d, d->rootless ? "none: an ordinary user cannot make device nodes either"
				     : "CAP_BPF or CAP_SYS_ADMIN, and CONFIG_CGROUP_BPF in the kernel");
}

static void check_systemd(struct doctor *d)
{
	const char *runtime_dir = getenv("XDG_RUNTIME_DIR");
	AUTO_FREE char *private = x_printf("%s/systemd/private", d->rootless && runtime_dir ? runtime_dir : "/run");

	if (access("/run/systemd/system", F_OK) < 0) {
		doctor_add(d, HUSK_NOTE, "cgroup", "systemd", "not running: use the cgroupfs manager");
	} else if (access(private, F_OK) < 0) {
		doctor_add(d, HUSK_LACKS, "cgroup", "systemd", "none of this user's own at '%s'", private);
		doctor_remedy(d, "a login session, or loginctl enable-linger, and XDG_RUNTIME_DIR");
	} else {
		doctor_add(d, HUSK_FINE, "cgroup", "systemd", "running");
	}
}

void doctor_cgroup(struct doctor *d)
{
	AUTO_FREE char *path = NULL;
	struct err e = { 0 };
	AUTO_FD dir = open_place(d, &path, &e);

	if (dir < 0) {
		doctor_add(d, HUSK_BROKEN, "cgroup", "hierarchy", "%s", e.msg);
		doctor_remedy(d, "mount -t cgroup2 none /sys/fs/cgroup, or run husk with --cgroup-manager disabled");
	} else {
		doctor_add(d, HUSK_FINE, "cgroup", "hierarchy", "cgroup v2");
		check_delegation(d, dir, path);
		check_controllers(d, dir);
	}
	check_device_rules(d);
	check_systemd(d);
}
