/* SPDX-License-Identifier: Apache-2.0 */
/* spec_example.c: the config.json that `husk spec` writes: a shell in ./rootfs with little privilege.
 * Its content is that of `runc spec`, so that instructions written for one fit the other. */
#include "spec.h"

#include "str.h"

#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_gen.h>

#define STRINGS_MAX 12

struct example_mount {
	const char *destination, *type, *source;
	const char *options[STRINGS_MAX]; /* NULL-terminated */
};

static void put_text(yajl_gen g, const char *s)
{
	(void)yajl_gen_string(g, (const unsigned char *)s, strlen(s));
}

static void put_str(yajl_gen g, const char *key, const char *value)
{
	put_text(g, key);
	put_text(g, value);
}

static void put_bool(yajl_gen g, const char *key, bool value)
{
	put_text(g, key);
	(void)yajl_gen_bool(g, value);
}

static void put_num(yajl_gen g, const char *key, long long value)
{
	put_text(g, key);
	(void)yajl_gen_integer(g, value);
}

/* strings ends with NULL */
static void put_strings(yajl_gen g, const char *key, const char *const *strings)
{
	put_text(g, key);
	(void)yajl_gen_array_open(g);
	for (; *strings; strings++)
		put_text(g, *strings);
	(void)yajl_gen_array_close(g);
}

static void open_object(yajl_gen g, const char *key)
{
	put_text(g, key);
	(void)yajl_gen_map_open(g);
}

static void open_array(yajl_gen g, const char *key)
{
	put_text(g, key);
	(void)yajl_gen_array_open(g);
}

static void put_process(yajl_gen g)
{
	static const char *const args[] = { "sh", NULL };
	static const char *const env[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
					   "TERM=xterm", NULL };
	static const char *const caps[] = { "CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE", NULL };
	static const char *const sets[] = { "bounding", "effective", "permitted" };
	size_t i;

	open_object(g, "process");
	put_bool(g, "terminal", true);
	open_object(g, "user");
	put_num(g, "uid", 0);
	put_num(g, "gid", 0);
	(void)yajl_gen_map_close(g);
	put_strings(g, "args", args);
	put_strings(g, "env", env);
	put_str(g, "cwd", "/");
	open_object(g, "capabilities");
	for (i = 0; i < ARRAY_LEN(sets); i++)
		put_strings(g, sets[i], caps);
	(void)yajl_gen_map_close(g);
	open_array(g, "rlimits");
	(void)yajl_gen_map_open(g);
	put_str(g, "type", "RLIMIT_NOFILE");
	put_num(g, "hard", 1024);
	put_num(g, "soft", 1024);
	(void)yajl_gen_map_close(g);
	(void)yajl_gen_array_close(g);
	put_bool(g, "noNewPrivileges", true);
	(void)yajl_gen_map_close(g);
}

static void put_mount(yajl_gen g, const struct example_mount *m)
{
	(void)yajl_gen_map_open(g);
	put_str(g, "destination", m->destination);
	put_str(g, "type", m->type);
	put_str(g, "source", m->source);
	if (m->options[0])
		put_strings(g, "options", m->options);
	(void)yajl_gen_map_close(g);
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

	open_array(g, "mounts");
	put_mount(g, &proc);
	put_mount(g, &dev);
	put_mount(g, rootless ? &pts_rootless : &pts);
	put_mount(g, &shm);
	put_mount(g, &mqueue);
	put_mount(g, rootless ? &sys_rootless : &sys);
	put_mount(g, &cgroup);
	(void)yajl_gen_array_close(g);
}

static void put_namespaces(yajl_gen g, bool rootless)
{
	static const char *const types[] = { "pid", "ipc", "uts", "mount", "cgroup" };
	size_t i;

	open_array(g, "namespaces");
	for (i = 0; i < ARRAY_LEN(types); i++) {
		(void)yajl_gen_map_open(g);
		put_str(g, "type", types[i]);
		(void)yajl_gen_map_close(g);
	}
	(void)yajl_gen_map_open(g);
	put_str(g, "type", rootless ? "user" : "network");
	(void)yajl_gen_map_close(g);
	(void)yajl_gen_array_close(g);
}

static void put_id_map(yajl_gen g, const char *key, uint32_t host_id)
{
	open_array(g, key);
	(void)yajl_gen_map_open(g);
	put_num(g, "containerID", 0);
	put_num(g, "hostID", host_id);
	put_num(g, "size", 1);
	(void)yajl_gen_map_close(g);
	(void)yajl_gen_array_close(g);
}

static void put_device_rules(yajl_gen g)
{
	open_object(g, "resources");
	open_array(g, "devices");
	(void)yajl_gen_map_open(g);
	put_bool(g, "allow", false);
	put_str(g, "access", "rwm");
	(void)yajl_gen_map_close(g);
	(void)yajl_gen_array_close(g);
	(void)yajl_gen_map_close(g);
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

	open_object(g, "linux");
	if (rootless) {
		put_id_map(g, "uidMappings", uid);
		put_id_map(g, "gidMappings", gid);
	} else {
		put_device_rules(g);
	}
	put_namespaces(g, rootless);
	put_strings(g, "maskedPaths", masked);
	put_strings(g, "readonlyPaths", readonly);
	(void)yajl_gen_map_close(g);
}

char *spec_example(bool rootless, uid_t uid, gid_t gid)
{
	yajl_gen g = yajl_gen_alloc(NULL);
	const unsigned char *text;
	struct strbuf out = { 0 };
	size_t len;

	if (!g)
		abort();
	(void)yajl_gen_config(g, yajl_gen_beautify, 1);
	(void)yajl_gen_config(g, yajl_gen_indent_string, "\t");
	(void)yajl_gen_map_open(g);
	put_str(g, "ociVersion", "1.0.2");
	put_process(g);
	open_object(g, "root");
	put_str(g, "path", "rootfs");
	put_bool(g, "readonly", true);
	(void)yajl_gen_map_close(g);
	put_str(g, "hostname", "husk");
	put_mounts(g, rootless);
	put_linux(g, rootless, uid, gid);
	(void)yajl_gen_map_close(g);
	(void)yajl_gen_get_buf(g, &text, &len);
	strbuf_add(&out, (const char *)text, len);
	yajl_gen_free(g);
	return out.s;
}
