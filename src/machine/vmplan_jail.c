/* SPDX-License-Identifier: Apache-2.0 */
/* vmplan_jail.c: the config.json of the container in which the machine runs. */
#include "vmplan_config.h"

#include "str.h"
#include "vm_cross.h"

#include <string.h>

/* What serving files for other users takes, what takes husk-mon from it again, and of the network until that is set up
 * (mon/links.h). */
static const char *const caps[] = {
	"CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FOWNER",  "CAP_FSETID", "CAP_MKNOD", "CAP_NET_ADMIN",
	"CAP_SETFCAP", "CAP_SETGID",	   "CAP_SETPCAP", "CAP_SETUID", NULL,
};

#define RELEASE_SECONDS 10 /* of what husk-net does in a moment */

static const char *const host_hooks[] = {
	"prestart", "createRuntime", "createContainer", "poststart", "poststop", NULL
};

char *vmplan_rootfs(const struct vmplan_input *in)
{
	const struct json *path = json_get(json_get(in->config->root, "root"), "path");

	if (!path || path->type != JSON_STRING)
		return x_strdup(in->bundle);
	return path->str[0] == '/' ? x_strdup(path->str) : x_printf("%s/%s", in->bundle, path->str);
}

bool vmplan_in_system_dirs(const struct vmplan_input *in, const char *path)
{
	for (const char *const *dir = in->system_dirs; *dir; dir++)
		if (str_starts(path, *dir) && path[strlen(*dir)] == '/')
			return true;
	return false;
}

static void add_options(yajl_gen g, const char *const *options)
{
	if (options)
		gen_strings(g, "options", options);
}

static void mount_fs(yajl_gen g, const char *where, const char *type, const char *const *options)
{
	gen_object_open(g, NULL);
	gen_pair(g, "destination", where);
	gen_pair(g, "type", type);
	gen_pair(g, "source", type);
	add_options(g, options);
	gen_object_close(g);
}

static void bind_readonly(yajl_gen g, const char *what, const char *where)
{
	static const char *const options[] = { "bind", "ro", "nosuid", "nodev", NULL };

	gen_object_open(g, NULL);
	gen_pair(g, "destination", where);
	gen_pair(g, "type", "bind");
	gen_pair(g, "source", what);
	gen_strings(g, "options", options);
	gen_object_close(g);
}

static bool has_option(const struct json *mount, const char *name)
{
	json_each (option, json_get(mount, "options"))
		if (str_eq(option->str, name))
			return true;
	return false;
}

static void export_root(yajl_gen g, const struct vmplan_input *in, const char *rootfs)
{
	const struct json *readonly = json_get(json_get(in->config->root, "root"), "readonly");
	AUTO_FREE char *where = x_printf(VM_JAIL_EXPORT "/%s/rootfs", in->id);

	gen_object_open(g, NULL);
	gen_pair(g, "destination", where);
	gen_pair(g, "type", "bind");
	gen_pair(g, "source", rootfs);
	gen_array_open(g, "options");
	gen_string(g, "rbind");
	if (readonly && readonly->type == JSON_BOOL && readonly->boolean)
		gen_string(g, "ro");
	gen_array_close(g);
	gen_object_close(g);
}

/* The guest gets nothing that it could write to where the config says ro. */
static void export_bind(yajl_gen g, const struct vmplan_input *in, const struct json *mount, const char *where)
{
	static const char *const mappings[] = { "uidMappings", "gidMappings", NULL };
	static const char *const passed[] = { "ro", "rro" };
	const struct json_doc *container = in->container ? in->container : in->config;
	AUTO_FREE char *source = vmplan_source(mount, in->bundle);
	bool of_namespace = false;

	gen_object_open(g, NULL);
	gen_pair(g, "destination", where);
	gen_pair(g, "type", "bind");
	gen_pair(g, "source", source);
	gen_array_open(g, "options");
	gen_string(g, has_option(mount, "bind") && !has_option(mount, "rbind") ? "bind" : "rbind");
	for (size_t i = 0; i < ARRAY_LEN(passed); i++)
		if (has_option(mount, passed[i]))
			gen_string(g, passed[i]);
	json_each (option, json_get(mount, "options"))
		if (vmplan_is_idmap(option->str)) {
			of_namespace = of_namespace || !strchr(option->str, '=');
			gen_string(g, option->str);
		}
	if (vmplan_source_is_link(mount))
		gen_string(g, "src-nofollow");
	gen_array_close(g);
	if (json_get(mount, "uidMappings") || json_get(mount, "gidMappings"))
		of_namespace = false;
	for (const char *const *key = mappings; *key; key++) {
		/* those of the container's user namespace, which is the guest's: the jail has none */
		const struct json_doc *doc = of_namespace ? container : in->config;
		const struct json *maps = json_get(of_namespace ? json_get(doc->root, "linux") : mount, *key);

		if (maps)
			vmplan_copy(g, doc, maps, *key);
	}
	gen_object_close(g);
}

/* A file system that the host has to mount, as config.json asks for it. */
static void export_fs(yajl_gen g, const struct vmplan_input *in, const struct json *mount, const char *where)
{
	gen_object_open(g, NULL);
	gen_pair(g, "destination", where);
	json_each (item, mount)
		if (!str_eq(item->key, "destination"))
			vmplan_copy(g, in->config, item, item->key);
	gen_object_close(g);
}

static void export_mount(yajl_gen g, const struct vmplan_input *in, const struct json *mount, const char *where)
{
	if (vmplan_is_bind(mount))
		export_bind(g, in, mount, where);
	else
		export_fs(g, in, mount, where);
}

char *vmplan_place_in_jail(const char *id, const char *place)
{
	return x_printf(VM_JAIL_EXPORT "/%s/" VM_ADDED_DIR "/%s", id, place);
}

char *vmplan_added_to_jail(const struct vmplan_input *in, const struct json *mount, const char *place)
{
	AUTO_FREE char *where = vmplan_place_in_jail(in->id, place);
	yajl_gen g = gen_new(NULL);

	gen_array_open(g, NULL);
	export_mount(g, in, mount, where);
	gen_array_close(g);
	return gen_end(g);
}

/* What mounts that come later stand on: directories and files of the host, which the guest cannot change. */
static void export_places(yajl_gen g, const struct vmplan_input *in)
{
	AUTO_FREE char *what = x_printf("%s/" VM_ADDED_DIR, in->jail_root);
	AUTO_FREE char *where = x_printf(VM_JAIL_EXPORT "/%s/" VM_ADDED_DIR, in->id);

	bind_readonly(g, what, where);
}

static void add_mounts(yajl_gen g, const struct vmplan_input *in, const char *rootfs)
{
	static const char *const proc[] = { "nosuid", "noexec", "nodev", NULL };
	static const char *const dev[] = { "nosuid", "noexec", "mode=755", "size=64k", NULL };
	static const char *const pts[] = { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", NULL };
	static const char *const export[] = { "ro", "nosuid", "nodev", "mode=700", "size=1m", NULL };
	static const char *const tmp[] = { "nosuid", "nodev", "mode=755", "size=1m", NULL };

	gen_array_open(g, "mounts");
	for (const char *const *dir = in->system_dirs; *dir; dir++)
		bind_readonly(g, *dir, *dir);
	mount_fs(g, "/proc", "proc", proc);
	mount_fs(g, "/dev", "tmpfs", dev);
	mount_fs(g, "/dev/pts", "devpts", pts);
	mount_fs(g, "/run", "tmpfs", tmp);
	mount_fs(g, "/vm", "tmpfs", tmp);
	bind_readonly(g, in->kernel, VM_JAIL_KERNEL);
	bind_readonly(g, in->initrd, VM_JAIL_INITRD);
	if (in->section->image)
		bind_readonly(g, in->section->image, VM_JAIL_IMAGE);
	bind_readonly(g, in->mon, VM_MON_PATH);
	if (!vmplan_in_system_dirs(in, in->hypervisor))
		bind_readonly(g, in->hypervisor, VM_JAIL_HYPERVISOR);
	bind_readonly(g, in->file_server, VM_JAIL_SERVER);
	bind_readonly(g, in->net, MACHINE_NET_HELPER);
	mount_fs(g, VM_JAIL_EXPORT, "tmpfs", export); /* the hypervisor is another user */
	export_root(g, in, rootfs);
	export_places(g, in);
	json_each (mount, json_get(in->config->root, "mounts")) {
		AUTO_FREE char *where = x_printf(VM_JAIL_EXPORT "/%s/mounts/%u", in->id, mount->index);

		if (vmplan_is_shared(mount))
			export_mount(g, in, mount, where);
	}
	gen_array_close(g);
}

static void add_process(yajl_gen g, const struct vmplan_input *in)
{
	static const char *const args[] = { VM_MON_PATH, NULL }, *const none[] = { NULL };
	static const char *const env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/", NULL };
	static const char *const sets[] = { "bounding", "permitted", "effective", NULL };
	static const char *const copied[] = { "terminal", "consoleSize", "oomScoreAdj", NULL };
	const struct json *process = json_get(in->config->root, "process");

	gen_object_open(g, "process");
	for (const char *const *key = copied; *key; key++)
		if (json_get(process, *key))
			vmplan_copy(g, in->config, json_get(process, *key), *key);
	gen_object_open(g, "user");
	gen_u64(g, "uid", 0);
	gen_u64(g, "gid", 0);
	gen_object_close(g);
	gen_strings(g, "args", args);
	gen_strings(g, "env", env);
	gen_pair(g, "cwd", "/");
	gen_object_open(g, "capabilities");
	for (const char *const *set = sets; *set; set++)
		gen_strings(g, *set, caps);
	gen_strings(g, "inheritable", none);
	gen_strings(g, "ambient", none);
	gen_object_close(g);
	gen_bool(g, "noNewPrivileges", true);
	gen_object_close(g);
}

static bool has_user_namespace(const struct json *config)
{
	json_each (item, json_get(json_get(config, "linux"), "namespaces"))
		if (json_get(item, "type") && str_eq(json_get(item, "type")->str, "user"))
			return true;
	return false;
}

bool vmplan_hypervisor_is_caller(const struct vmplan_input *in, uint64_t own_ids)
{
	const struct json *config = in->config->root;
	uint64_t ids = 0, size;

	if (!has_user_namespace(config))
		return own_ids == 1;
	json_each (map, json_get(json_get(config, "linux"), "uidMappings"))
		if (json_u64(json_get(map, "size"), UINT32_MAX, &size, NULL) == 0)
			ids += size;
	return ids == 1;
}

/* The path of the network namespace; NULL: it is a new one. */
static const char *joined_network(const struct json *config)
{
	json_each (item, json_get(json_get(config, "linux"), "namespaces"))
		if (json_get(item, "type") && str_eq(json_get(item, "type")->str, "network"))
			return json_get_text(item, "path");
	return NULL;
}

/* The network namespace is the container's own: engines set it up, and look for it by the pid. */
static void add_namespaces(yajl_gen g, const struct vmplan_input *in)
{
	static const char *const types[] = { "mount", "pid", "ipc", "uts", "cgroup", NULL };

	bool user = in->unprivileged && has_user_namespace(in->config->root);

	gen_array_open(g, "namespaces");
	if (user) {
		gen_object_open(g, NULL);
		gen_pair(g, "type", "user");
		gen_object_close(g);
	}
	for (const char *const *type = types; *type; type++) {
		gen_object_open(g, NULL);
		gen_pair(g, "type", *type);
		gen_object_close(g);
	}
	json_each (item, json_get(json_get(in->config->root, "linux"), "namespaces"))
		if (json_get(item, "type") && str_eq(json_get(item, "type")->str, "network"))
			vmplan_copy(g, in->config, item, NULL);
	gen_array_close(g);
}

static void add_linux(yajl_gen g, const struct vmplan_input *in, const struct vmplan *p)
{
	static const char *const maps[] = { "uidMappings", "gidMappings" };
	static const char *const hosts[] = { "intelRdt", "netDevices" };
	const struct json *linux_ = json_get(in->config->root, "linux");

	gen_object_open(g, "linux");
	add_namespaces(g, in);
	for (size_t i = 0; in->unprivileged && i < ARRAY_LEN(maps); i++)
		if (json_get(linux_, maps[i]))
			vmplan_copy(g, in->config, json_get(linux_, maps[i]), maps[i]);
	if (json_get(linux_, "cgroupsPath"))
		vmplan_copy(g, in->config, json_get(linux_, "cgroupsPath"), "cgroupsPath");
	vmplan_jail_limits(g, in, p);
	if (in->kvm) {
		gen_array_open(g, "devices");
		gen_object_open(g, NULL);
		gen_pair(g, "path", "/dev/kvm");
		gen_pair(g, "type", "c");
		gen_u64(g, "major", VM_KVM_MAJOR);
		gen_u64(g, "minor", VM_KVM_MINOR);
		gen_u64(g, "fileMode", 0666);
		gen_object_close(g);
		gen_array_close(g);
	}
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
		if (json_get(linux_, hosts[i]))
			vmplan_copy(g, in->config, json_get(linux_, hosts[i]), hosts[i]);
	gen_object_close(g);
}

/* A network namespace that stays when the machine is gone gets its frames back. */
static void release_network(yajl_gen g, const struct vmplan_input *in, const char *netns)
{
	gen_object_open(g, NULL);
	gen_pair(g, "path", in->net);
	gen_strings(g, "args", (const char *[]){ "husk-net", "release", netns, NULL });
	gen_u64(g, "timeout", RELEASE_SECONDS);
	gen_object_close(g);
}

static void add_hooks(yajl_gen g, const struct vmplan_input *in)
{
	const struct json *hooks = json_get(in->config->root, "hooks"), *poststop = json_get(hooks, "poststop");
	const char *netns = joined_network(in->config->root);
	bool releases = netns && (!poststop || poststop->type == JSON_ARRAY);

	gen_object_open(g, "hooks");
	for (const char *const *name = host_hooks; *name; name++)
		if (json_get(hooks, *name) && !(releases && str_eq(*name, "poststop")))
			vmplan_copy(g, in->config, json_get(hooks, *name), *name);
	if (releases) {
		gen_array_open(g, "poststop");
		release_network(g, in, netns);
		json_each (hook, poststop)
			vmplan_copy(g, in->config, hook, NULL);
		gen_array_close(g);
	}
	gen_object_close(g);
}

char *vmplan_jail(const struct vmplan_input *in, const struct vmplan *p)
{
	const struct json *version = json_get(in->config->root, "ociVersion");
	const struct json *hostname = json_get(in->config->root, "hostname");
	const struct json *notes = json_get(in->config->root, "annotations");
	yajl_gen g = gen_new(NULL);

	gen_object_open(g, NULL);
	if (version)
		vmplan_copy(g, in->config, version, "ociVersion");
	if (hostname)
		vmplan_copy(g, in->config, hostname, "hostname");
	gen_object_open(g, "root");
	gen_pair(g, "path", in->jail_root);
	gen_bool(g, "readonly", true);
	gen_object_close(g);
	add_mounts(g, in, p->rootfs);
	add_process(g, in);
	add_linux(g, in, p);
	add_hooks(g, in);
	if (notes)
		vmplan_copy(g, in->config, notes, "annotations");
	gen_object_close(g);
	return gen_end(g);
}
