/* SPDX-License-Identifier: Apache-2.0 */
/* spec_linux.c: the `linux` object of config.json. */
#include "spec_read.h"

#include "ifname.h"
#include "kernel.h"
#include "str.h"

#include <string.h>

/* What dev_t of the kernel holds: 12 bits and 20 bits. */
#define DEV_MAJOR_MAX 0xfff
#define DEV_MINOR_MAX 0xfffff
#define NANOSECS_MAX 999999999
#define NETDEVS_MAX 256 /* far above what a container was ever given */

static void read_namespace_type(struct spec_reader *rd, const struct json *item, struct spec_namespace *out)
{
	static const struct {
		const char *name;
		unsigned int flag;
	} types[] = {
		{ "pid", CLONE_NEWPID },       { "network", CLONE_NEWNET }, { "mount", CLONE_NEWNS },
		{ "ipc", CLONE_NEWIPC },       { "uts", CLONE_NEWUTS },	    { "user", CLONE_NEWUSER },
		{ "cgroup", CLONE_NEWCGROUP }, { "time", CLONE_NEWTIME },
	};
	const struct json *node = json_get(item, "type");
	size_t i;

	out->type = spec_read_need_str(rd, item, "type");
	if (!out->type)
		return;
	for (i = 0; i < ARRAY_LEN(types); i++)
		if (strcmp(out->type, types[i].name) == 0)
			out->clone_flag = types[i].flag;
	if (!out->clone_flag)
		(void)spec_read_fail(rd, node, "expected pid, network, mount, ipc, uts, user, cgroup or time, got '%s'",
				     out->type);
}

static void read_namespaces(struct spec_reader *rd, const struct json *obj, struct spec_linux *out)
{
	const struct json *array;
	unsigned int seen = 0;

	array = spec_read_items(rd, obj, "namespaces", sizeof(*out->namespaces), &out->namespaces, &out->n_namespaces);
	json_each (item, array) {
		struct spec_namespace *ns = &out->namespaces[item->index];
		const char *path;

		read_namespace_type(rd, item, ns);
		path = spec_read_str(rd, item, "path");
		if (path)
			ns->path = spec_read_need_abs(rd, item, "path");
		if (ns->path && ns->clone_flag == CLONE_NEWNS)
			(void)spec_read_fail(rd, json_get(item, "path"),
					     "an existing mount namespace cannot be joined");
		if (rd->status >= 0 && seen & ns->clone_flag)
			(void)spec_read_fail(rd, item, "the namespace '%s' is there twice", ns->type);
		seen |= ns->clone_flag;
	}
}

void spec_read_id_maps(struct spec_reader *rd, const struct json *obj, const char *key, struct spec_id_map **out,
		       size_t *out_n)
{
	const struct json *array = spec_read_items(rd, obj, key, sizeof(**out), out, out_n);

	json_each (item, array) {
		struct spec_id_map *map = &(*out)[item->index];

		map->container_id = spec_read_u32(rd, item, "containerID", UINT32_MAX);
		map->host_id = spec_read_u32(rd, item, "hostID", UINT32_MAX);
		map->size = (uint32_t)spec_read_need_u64(rd, item, "size", UINT32_MAX);
	}
}

/* One letter of a set, or 0. */
static char read_letter(struct spec_reader *rd, const struct json *item, const char *set, const char *expected)
{
	const char *type = spec_read_str(rd, item, "type");

	if (!type)
		return 0;
	if (strchr(set, type[0]) && !type[1])
		return type[0];
	(void)spec_read_fail(rd, json_get(item, "type"), "expected %s, got '%s'", expected, type);
	return 0;
}

static void read_device_number(struct spec_reader *rd, const struct json *item, const char *key, int64_t max,
			       bool needed, int64_t *out)
{
	if (!spec_read_i64(rd, item, key, 0, max, out) && needed)
		(void)spec_read_fail_key(rd, item, key, "required for a character or block device");
}

static void read_device(struct spec_reader *rd, const struct json *item, struct spec_device *out)
{
	uint64_t mode = 0;
	bool numbered;

	out->path = spec_read_need_abs(rd, item, "path");
	(void)spec_read_need_str(rd, item, "type");
	out->type = read_letter(rd, item, "cbpu", "c, b, u or p");
	if (out->type == 'u')
		out->type = 'c';
	numbered = out->type == 'c' || out->type == 'b';
	read_device_number(rd, item, "major", DEV_MAJOR_MAX, numbered, &out->major);
	read_device_number(rd, item, "minor", DEV_MINOR_MAX, numbered, &out->minor);
	/* Some engines write st_mode whole, with the file type in it. */
	out->have_mode = spec_read_u64(rd, item, "fileMode", 0177777, &mode);
	out->mode = (mode_t)mode & 07777;
	out->uid = spec_read_u32(rd, item, "uid", UINT32_MAX - 1);
	out->gid = spec_read_u32(rd, item, "gid", UINT32_MAX - 1);
}

static void read_devices(struct spec_reader *rd, const struct json *obj, struct spec_linux *out)
{
	const struct json *array;

	array = spec_read_items(rd, obj, "devices", sizeof(*out->devices), &out->devices, &out->n_devices);
	json_each (item, array)
		read_device(rd, item, &out->devices[item->index]);
}

static void read_device_rule(struct spec_reader *rd, const struct json *item, struct spec_device_rule *out)
{
	out->allow = spec_read_bool(rd, item, "allow");
	out->type = read_letter(rd, item, "acb", "a, c or b");
	if (!out->type)
		out->type = 'a';
	out->major = -1;
	out->minor = -1;
	(void)spec_read_i64(rd, item, "major", -1, UINT32_MAX, &out->major);
	(void)spec_read_i64(rd, item, "minor", -1, UINT32_MAX, &out->minor);
	out->access = spec_read_str(rd, item, "access");
	if (!out->access)
		out->access = "rwm";
	if (out->access[strspn(out->access, "rwm")])
		(void)spec_read_fail(rd, json_get(item, "access"), "expected letters of 'rwm', got '%s'", out->access);
}

void spec_read_resources(struct spec_reader *rd, const struct json *resources, struct spec_linux *out)
{
	const struct json *array;

	out->resources = resources;
	array = spec_read_items(rd, out->resources, "devices", sizeof(*out->device_rules), &out->device_rules,
				&out->n_device_rules);
	json_each (item, array)
		read_device_rule(rd, item, &out->device_rules[item->index]);
}

static void read_propagation(struct spec_reader *rd, const struct json *obj, struct spec_linux *out)
{
	static const char *const known[] = { "shared",	"slave",  "private",  "unbindable",
					     "rshared", "rslave", "rprivate", "runbindable" };
	size_t i;

	out->rootfs_propagation = spec_read_str(rd, obj, "rootfsPropagation");
	if (!out->rootfs_propagation)
		return;
	for (i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(out->rootfs_propagation, known[i]) == 0)
			return;
	(void)spec_read_fail(rd, json_get(obj, "rootfsPropagation"),
			     "expected shared, slave, private or unbindable, with or without an r before, got '%s'",
			     out->rootfs_propagation);
}

static struct strv read_paths(struct spec_reader *rd, const struct json *obj, const char *key)
{
	struct strv out = spec_read_strv(rd, obj, key);

	if (rd->status < 0)
		return out;
	json_each (item, json_get(obj, key))
		if (*item->str != '/')
			(void)spec_read_fail(rd, item, "expected an absolute path, got '%s'", item->str);
	return out;
}

static void read_netdev(struct spec_reader *rd, const struct json *item, struct spec_netdev *out)
{
	const struct json *node = json_get(item, "name");

	out->host_name = item->key;
	out->name = spec_read_str(rd, item, "name");
	if (rd->status < 0)
		return;
	if (!ifname_valid(out->host_name))
		(void)spec_read_fail(rd, item, "not the name of a network interface: expected %s", IFNAME_RULE);
	else if (out->name && !ifname_valid(out->name) && !ifname_is_template(out->name))
		(void)spec_read_fail(rd, node, "expected %s, or such a name with %%d at its end, got '%s'", IFNAME_RULE,
				     out->name);
	if (!out->name)
		out->name = out->host_name;
}

/* runtime-spec 1.3. A template gives each of its interfaces a name of its own. */
static void read_netdevs(struct spec_reader *rd, const struct json *obj, struct spec_linux *out)
{
	const struct json *netdevs = spec_read_object(rd, obj, "netDevices");
	size_t i;

	if (!netdevs)
		return;
	if (netdevs->len > NETDEVS_MAX) {
		(void)spec_read_fail(rd, netdevs, "more than %d network interfaces", NETDEVS_MAX);
		return;
	}
	out->netdevs = json_alloc(rd->doc, netdevs->len, sizeof(*out->netdevs));
	json_each (item, netdevs) {
		struct spec_netdev *dev = &out->netdevs[out->n_netdevs];

		rd->status = json_want(item, JSON_OBJECT, rd->e);
		if (rd->status >= 0)
			read_netdev(rd, item, dev);
		for (i = 0; rd->status >= 0 && i < out->n_netdevs; i++)
			if (strcmp(out->netdevs[i].name, dev->name) == 0 && !ifname_is_template(dev->name))
				(void)spec_read_fail(rd, item, "the name '%s' is taken by '%s'", dev->name,
						     out->netdevs[i].host_name);
		if (rd->status < 0)
			return;
		out->n_netdevs++;
	}
}

/* time_namespaces(7) */
static void read_time_offsets(struct spec_reader *rd, const struct json *obj, struct spec_linux *out)
{
	static const char *const clocks[SPEC_CLOCKS] = {
		[CLOCK_OF_MONOTONIC] = "monotonic",
		[CLOCK_OF_BOOTTIME] = "boottime",
	};
	const struct json *offsets = spec_read_object(rd, obj, "timeOffsets");
	size_t i;

	if (!offsets || offsets->len == 0)
		return;
	out->time_offsets = json_alloc(rd->doc, SPEC_CLOCKS, sizeof(*out->time_offsets));
	json_each (item, offsets) {
		uint64_t nanosecs = 0;

		for (i = 0; i < SPEC_CLOCKS; i++)
			if (strcmp(item->key, clocks[i]) == 0)
				break;
		if (i == SPEC_CLOCKS) {
			(void)spec_read_fail(rd, item, "no such clock: expected monotonic or boottime");
			return;
		}
		rd->status = json_want(item, JSON_OBJECT, rd->e);
		(void)spec_read_i64(rd, item, "secs", INT64_MIN, INT64_MAX, &out->time_offsets[i].secs);
		(void)spec_read_u64(rd, item, "nanosecs", NANOSECS_MAX, &nanosecs);
		out->time_offsets[i].nanosecs = (uint32_t)nanosecs;
		if (rd->status < 0)
			return;
	}
}

void spec_read_linux(struct spec_reader *rd, const struct json *obj, struct spec_linux *out)
{
	read_namespaces(rd, obj, out);
	read_time_offsets(rd, obj, out);
	spec_read_id_maps(rd, obj, "uidMappings", &out->uid_maps, &out->n_uid_maps);
	spec_read_id_maps(rd, obj, "gidMappings", &out->gid_maps, &out->n_gid_maps);
	read_devices(rd, obj, out);
	read_netdevs(rd, obj, out);
	out->cgroups_path = spec_read_str(rd, obj, "cgroupsPath");
	spec_read_resources(rd, spec_read_object(rd, obj, "resources"), out);
	read_propagation(rd, obj, out);
	out->masked_paths = read_paths(rd, obj, "maskedPaths");
	out->readonly_paths = read_paths(rd, obj, "readonlyPaths");
	out->sysctls = spec_read_kv(rd, obj, "sysctl", &out->n_sysctls);
	out->seccomp = spec_read_seccomp(rd, spec_read_object(rd, obj, "seccomp"));
	spec_read_placement(rd, obj, out);
	out->mount_label = spec_read_str(rd, obj, "mountLabel");
}
