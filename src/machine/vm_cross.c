/* SPDX-License-Identifier: Apache-2.0 */
/* vm_cross.c: see vm_cross.h. */
#include "vm_cross.h"

#include "fd.h"
#include "log.h"
#include "str.h"
#include "vmplan.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#define CONFIGFS_MAGIC 0x62656570 /* fs/configfs/mount.c */

/* Namespaces of a container, and what a VM does for each. */
static const struct namespace_rule {
	const char *type;
	bool needed;   /* without it the container would share the host's */
	bool may_join; /* by path: husk-mon does */
} namespaces[] = {
	{ "network", true, true }, { "pid", true, false },   { "ipc", true, false },	 { "mount", false, false },
	{ "uts", false, false },   { "user", false, false }, { "cgroup", false, false }, { "time", false, false },
};

/* File systems that the guest's kernel makes out of nothing. */
static const char *const guest_types[] = {
	"proc", "sysfs",   "tmpfs",   "ramfs",	  "devpts",  "mqueue",	   "cgroup",	"cgroup2",
	"bpf",	"tracefs", "debugfs", "configfs", "fusectl", "securityfs", "hugetlbfs", "devtmpfs",
};

/* Devices that are of the kernel, not of a machine (devices.txt): the guest has them as well, by the same numbers. */
static const struct {
	uint32_t major, minor;
} guest_devices[] = {
	{ 1, 3 },    { 1, 5 },	  /* null, zero */
	{ 1, 7 },		  /* full */
	{ 1, 8 },    { 1, 9 },	  /* random, urandom */
	{ 1, 11 },		  /* kmsg */
	{ 5, 0 },    { 5, 2 },	  /* tty, ptmx */
	{ 10, 200 }, { 10, 229 }, /* tun, fuse */
};

static int check_namespace(const struct json *list, const struct namespace_rule *rule, struct err *e)
{
	json_each (item, list) {
		if (!str_eq(json_get_text(item, "type"), rule->type))
			continue;
		if (json_get_text(item, "path") && !rule->may_join)
			return json_err(e, ENOTSUP, json_get(item, "path"),
					"a VM cannot join a %s namespace: it has a kernel of its own", rule->type);
		return 0;
	}
	if (rule->needed)
		return err_set(e, ENOTSUP,
			       "linux.namespaces: no '%s': a VM cannot share the host's, it has a kernel of its own",
			       rule->type);
	return 0;
}

static bool guest_has_number(uint64_t major, uint64_t minor)
{
	for (size_t i = 0; i < ARRAY_LEN(guest_devices); i++)
		if (guest_devices[i].major == major && guest_devices[i].minor == minor)
			return true;
	return false;
}

bool vm_cross_guest_has_device(const struct json *device)
{
	const struct json *major = json_get(device, "major"), *minor = json_get(device, "minor");
	const char *type = json_get_text(device, "type");
	uint64_t numbers[2];

	if (str_eq(type, "p"))
		return true;
	if ((!str_eq(type, "c") && !str_eq(type, "u")) || !major || !minor ||
	    json_u64(major, UINT32_MAX, &numbers[0], NULL) < 0 || json_u64(minor, UINT32_MAX, &numbers[1], NULL) < 0)
		return false;
	return guest_has_number(numbers[0], numbers[1]);
}

/* The last rule for all devices counts. */
static bool may_use_all_devices(const struct json *linux_)
{
	bool all = false;

	json_each (rule, json_get(json_get(linux_, "resources"), "devices")) {
		const struct json *allow = json_get(rule, "allow");
		const char *type = json_get_text(rule, "type"), *access = json_get_text(rule, "access");

		if (json_get(rule, "major") || json_get(rule, "minor") || (type && !str_eq(type, "a")))
			continue;
		if (!access || (strchr(access, 'r') && strchr(access, 'w') && strchr(access, 'm')))
			all = allow && allow->type == JSON_BOOL && allow->boolean;
	}
	return all;
}

/* An engine's --privileged lists all devices of the host, and means those of the machine: the guest has its own. A
 * device that was asked for by name is refused. */
static int check_devices(const struct json *linux_, struct err *e)
{
	bool all = may_use_all_devices(linux_);
	size_t n = 0;

	json_each (item, json_get(linux_, "devices")) {
		if (vm_cross_guest_has_device(item))
			continue;
		if (!all)
			return json_err(e, ENOTSUP, item, "'%s': a device of the host cannot enter a VM",
					json_get_text(item, "path") ? json_get_text(item, "path") : "?");
		n++;
	}
	if (n)
		log_warn("linux.devices: %zu devices of the host cannot enter a VM: ignoring", n);
	return 0;
}

bool vm_cross_is_hosts_fs(const struct json *mount)
{
	if (vmplan_is_bind(mount))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(guest_types); i++)
		if (str_eq(guest_types[i], json_get_text(mount, "type")))
			return false;
	return true;
}

/* File systems by which one speaks to the host's kernel: who writes there acts on the host. */
static bool is_hosts_interface(const char *type)
{
	static const char *const types[] = { "binfmt_misc", "efivarfs",	 "nfsd",   "pstore",
					     "resctrl",	    "selinuxfs", "smackfs" };

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_eq(types[i], type))
			return true;
	return false;
}

int vm_cross_check_mounts(const struct json *config, struct err *e)
{
	json_each (mount, json_get(config, "mounts")) {
		if (!vm_cross_is_hosts_fs(mount))
			continue;
		if (!json_get_text(mount, "type"))
			return json_err(e, ENOTSUP, mount, "no type, and no bind mount");
		if (is_hosts_interface(json_get_text(mount, "type")))
			return json_err(e, ENOTSUP, mount, "%s: a kernel file system of the host cannot enter a VM",
					json_get_text(mount, "type"));
	}
	return 0;
}

bool vm_cross_leaves_out(const char *key)
{
	static const char *const keys[] = { "apparmorProfile", "selinuxLabel", "mountLabel",
					    "cgroupsPath",     "intelRdt",     "netDevices" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (str_eq(key, keys[i]))
			return true;
	return false;
}

bool vm_cross_annotation_enters(const char *name, bool told)
{
	if (str_eq(name, "run.oci.seccomp_fail_unknown_syscall"))
		return true;
	return told && !str_starts(name, "run.oci.") && !str_starts(name, "io.husk.") &&
	       !str_starts(name, "org.systemd.");
}

bool vm_cross_keeps_groups(const struct json *config)
{
	const char *v = json_get_text(json_get(config, "annotations"), "run.oci.keep_original_groups");

	return v && !str_eq(v, "0") && !str_eq(v, "false");
}

/* Without the action the path is not used (config-linux.md, "Seccomp"). */
static int check_listener(const struct json *seccomp, struct err *e)
{
	const struct json *path = json_get(seccomp, "listenerPath");

	if (!path || !path->len)
		return 0;
	json_each (rule, json_get(seccomp, "syscalls"))
		if (str_eq(json_get_text(rule, "action"), "SCMP_ACT_NOTIFY"))
			return json_err(e, ENOTSUP, path, "a socket of the host cannot enter a VM");
	return 0;
}

static void warn_of_labels(const struct json *config)
{
	const struct json *process = json_get(config, "process");

	if (json_get_text(process, "apparmorProfile"))
		log_warn("process.apparmorProfile: '%s': the guest's kernel has no profile of the host's: ignoring",
			 json_get_text(process, "apparmorProfile"));
	if (json_get_text(process, "selinuxLabel"))
		log_warn("process.selinuxLabel: the guest's kernel has no policy: ignoring");
	if (json_get_text(json_get(config, "linux"), "mountLabel"))
		log_warn("linux.mountLabel: the guest's kernel has no policy: ignoring");
}

int vm_cross_check(const struct json *config, struct err *e)
{
	const struct json *linux_ = json_get(config, "linux");
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(namespaces); i++)
		r = check_namespace(json_get(linux_, "namespaces"), &namespaces[i], e);
	if (r == 0)
		r = check_devices(linux_, e);
	if (r == 0)
		r = vm_cross_check_mounts(config, e);
	if (r == 0)
		r = check_listener(json_get(linux_, "seccomp"), e);
	if (r == 0)
		warn_of_labels(config);
	return r;
}

int vm_cross_check_network(const struct json *config, struct err *e)
{
	static const char *const hosts[] = { "/proc/self/ns/net", "/proc/1/ns/net" };
	struct stat joined, host;

	json_each (item, json_get(json_get(config, "linux"), "namespaces")) {
		const char *path = json_get_text(item, "path");

		if (!path || !str_eq(json_get_text(item, "type"), "network") || stat(path, &joined) < 0)
			continue; /* joining it tells of an error */
		for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
			if (stat(hosts[i], &host) == 0 && host.st_dev == joined.st_dev && host.st_ino == joined.st_ino)
				return json_err(e, ENOTSUP, json_get(item, "path"),
						"'%s' is the host's network namespace: a VM cannot share it, it has a "
						"kernel of its own",
						path);
	}
	return 0;
}

/* NULL: it can be served. A device file is a pair of numbers, which the guest's kernel opens as its own. */
static const char *kind_of_file(const struct stat *st)
{
	switch (st->st_mode & S_IFMT) {
	case S_IFSOCK:
		return "a socket of the host";
	case S_IFIFO:
		return "a FIFO of the host";
	case S_IFCHR:
		return guest_has_number(major(st->st_rdev), minor(st->st_rdev)) ? NULL : "a device of the host";
	case S_IFBLK:
		return "a device of the host";
	default:
		return NULL;
	}
}

static bool tells_of_host(long magic)
{
	static const long magics[] = { PROC_SUPER_MAGIC,     SYSFS_MAGIC,    CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
				       DEBUGFS_MAGIC,	     TRACEFS_MAGIC,  BPF_FS_MAGIC,	 SECURITYFS_MAGIC,
				       DEVPTS_SUPER_MAGIC,   BINFMTFS_MAGIC, EFIVARFS_MAGIC,	 PSTOREFS_MAGIC,
				       RDTGROUP_SUPER_MAGIC, SELINUX_MAGIC,  NSFS_MAGIC,	 CONFIGFS_MAGIC };

	for (size_t i = 0; i < ARRAY_LEN(magics); i++)
		if (magic == magics[i])
			return true;
	return false;
}

int vm_cross_check_source(const struct json *mount, const char *path, struct err *e)
{
	AUTO_FD fd = open(path, O_PATH | O_CLOEXEC | (vmplan_source_is_link(mount) ? O_NOFOLLOW : 0));
	const struct json *source = json_get(mount, "source");
	struct statfs fs;
	struct stat st;

	if (fd < 0)
		return json_err(e, errno, source ? source : mount, "open '%s': %s", path, strerrordesc_np(errno));
	if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
		return err_sys(e, errno, "stat '%s'", path);
	if (kind_of_file(&st))
		return json_err(e, ENOTSUP, mount, "source '%s': %s cannot enter a VM", path, kind_of_file(&st));
	if (tells_of_host((long)fs.f_type))
		return json_err(e, ENOTSUP, mount, "source '%s': a kernel file system of the host cannot enter a VM",
				path);
	return 0;
}
