/* SPDX-License-Identifier: Apache-2.0 */
/* spec_example.c: the config.json that `husk spec` writes: a shell in ./rootfs with little privilege.
 * Its content is that of `runc spec`, so that instructions written for one fit the other. */
#include "spec.h"

#include "gen.h"
#include "str.h"

#include <stdlib.h>
#include <string.h>

#define STRINGS_MAX 12

struct example_mount {
	const char *destination, *type, *source;
	const char *options[STRINGS_MAX]; /* NULL-terminated */
};

static void put_process(yajl_gen g)
{
	static const char *const args[] = { "sh", NULL };
	static const char *const env[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
					   "TERM=xterm", NULL };
	static const char *const caps[] = { "CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE", NULL };
	static const char *const sets[] = { "bounding", "effective", "permitted" };
	size_t i;

	gen_object_open(g, "process");
	gen_bool(g, "terminal", true);
	gen_object_open(g, "user");
	gen_u64(g, "uid", 0);
	gen_u64(g, "gid", 0);
	gen_object_close(g);
	gen_strings(g, "args", args);
	gen_strings(g, "env", env);
	gen_pair(g, "cwd", "/");
	gen_object_open(g, "capabilities");
	for (i = 0; i < ARRAY_LEN(sets); i++)
		gen_strings(g, sets[i], caps);
	gen_object_close(g);
	gen_array_open(g, "rlimits");
	gen_object_open(g, NULL);
	gen_pair(g, "type", "RLIMIT_NOFILE");
	gen_u64(g, "hard", 1024);
	gen_u64(g, "soft", 1024);
	gen_object_close(g);
	gen_array_close(g);
	gen_bool(g, "noNewPrivileges", true);
	gen_object_close(g);
}

static void put_mount(yajl_gen g, const struct example_mount *m)
{
	gen_object_open(g, NULL);
	gen_pair(g, "destination", m->destination);
	gen_pair(g, "type", m->type);
	gen_pair(g, "source", m->source);
	if (m->options[0])
		gen_strings(g, "options", m->options);
	gen_object_close(g);
}

static void put_mounts(yajl_gen g, bool rootless)
{
	static const struct example_mount proc = { "/proc", "proc", "proc", { NULL } };
	static const struct example_mount dev = {
		"/dev", "tmpfs", "tmpfs", { "nosuid", "strictatime", "mode=755", "size=65536k" }
	};
	static const struct example_mount pts = { "/dev/pts",
						  "devpts",
						  "devpts",
						  { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620",
						    "gid=5" } };
	/* Group 5 (tty) is not mapped there. */
	static const struct example_mount pts_rootless = {
		"/dev/pts", "devpts", "devpts", { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620" }
	};
	static const struct example_mount shm = {
		"/dev/shm", "tmpfs", "shm", { "nosuid", "noexec", "nodev", "mode=1777", "size=65536k" }
	};
	static const struct example_mount mqueue = {
		"/dev/mqueue", "mqueue", "mqueue", { "nosuid", "noexec", "nodev" }
	};
	static const struct example_mount sys = { "/sys", "sysfs", "sysfs", { "nosuid", "noexec", "nodev", "ro" } };
	/* A new sysfs needs a network namespace of the same user namespace. */
	static const struct example_mount sys_rootless = {
		"/sys", "none", "/sys", { "rbind", "nosuid", "noexec", "nodev", "ro" }
	};
	static const struct example_mount cgroup = {
		"/sys/fs/cgroup", "cgroup", "cgroup", { "nosuid", "noexec", "nodev", "relatime", "ro" }
	};

	gen_array_open(g, "mounts");
	put_mount(g, &proc);
	put_mount(g, &dev);
	put_mount(g, rootless ? &pts_rootless : &pts);
	put_mount(g, &shm);
	put_mount(g, &mqueue);
	put_mount(g, rootless ? &sys_rootless : &sys);
	put_mount(g, &cgroup);
	gen_array_close(g);
}

static void put_namespaces(yajl_gen g, bool rootless)
{
	static const char *const types[] = { "pid", "ipc", "uts", "mount", "cgroup" };
	size_t i;

	gen_array_open(g, "namespaces");
	for (i = 0; i < ARRAY_LEN(types); i++) {
		gen_object_open(g, NULL);
		gen_pair(g, "type", types[i]);
		gen_object_close(g);
	}
	gen_object_open(g, NULL);
	gen_pair(g, "type", rootless ? "user" : "network");
	gen_object_close(g);
	gen_array_close(g);
}

static void put_id_map(yajl_gen g, const char *key, uint32_t host_id)
{
	gen_array_open(g, key);
	gen_object_open(g, NULL);
	gen_u64(g, "containerID", 0);
	gen_u64(g, "hostID", host_id);
	gen_u64(g, "size", 1);
	gen_object_close(g);
	gen_array_close(g);
}

static void put_device_rules(yajl_gen g)
{
	gen_object_open(g, "resources");
	gen_array_open(g, "devices");
	gen_object_open(g, NULL);
	gen_bool(g, "allow", false);
	gen_pair(g, "access", "rwm");
	gen_object_close(g);
	gen_array_close(g);
	gen_object_close(g);
}

static void put_linux(yajl_gen g, bool rootless, uid_t uid, gid_t gid)
{
	static const char *const masked[] = { "/proc/acpi",
					      "/proc/asound",
					      "/proc/kcore",
					      "/proc/keys",
					      "/proc/latency_stats",
					      "/proc/timer_list",
					      "/proc/timer_stats",
					      "/proc/sched_debug",
					      "/sys/firmware",
					      "/proc/scsi",
					      NULL };
	static const char *const readonly[] = { "/proc/bus",	       "/proc/fs", "/proc/irq", "/proc/sys",
						"/proc/sysrq-trigger", NULL };

	gen_object_open(g, "linux");
	if (rootless) {
		put_id_map(g, "uidMappings", uid);
		put_id_map(g, "gidMappings", gid);
	} else {
		put_device_rules(g);
	}
	put_namespaces(g, rootless);
	gen_strings(g, "maskedPaths", masked);
	gen_strings(g, "readonlyPaths", readonly);
	gen_object_close(g);
}

char *spec_example(bool rootless, uid_t uid, gid_t gid)
{
	yajl_gen g = gen_new("\t");

	gen_object_open(g, NULL);
	gen_pair(g, "ociVersion", "1.0.2");
	put_process(g);
	gen_object_open(g, "root");
	gen_pair(g, "path", "rootfs");
	gen_bool(g, "readonly", true);
	gen_object_close(g);
	gen_pair(g, "hostname", "husk");
	put_mounts(g, rootless);
	put_linux(g, rootless, uid, gid);
	gen_object_close(g);
	return gen_end(g);
}
