/* SPDX-License-Identifier: Apache-2.0 */
/* vmplan_guest.c: the config.json that the agent follows. */
#include "vmplan_config.h"

#include "str.h"
#include "vm_cross.h"

#include <string.h>

void vmplan_copy(yajl_gen g, const struct json_doc *doc, const struct json *v, const char *key)
{
	if (key)
		gen_string(g, key);
	(void)yajl_gen_number(g, doc->text + v->start, v->end - v->start);
}

bool vmplan_is_bind(const struct json *mount)
{
	const struct json *type = json_get(mount, "type");

	json_each (option, json_get(mount, "options"))
		if (str_eq(option->str, "bind") || str_eq(option->str, "rbind"))
			return true;
	return type && str_eq(type->str, "bind");
}

bool vmplan_is_shared(const struct json *mount)
{
	return vmplan_is_bind(mount) || vm_cross_is_hosts_fs(mount);
}

bool vmplan_source_is_link(const struct json *mount)
{
	json_each (option, json_get(mount, "options"))
		if (str_eq(option->str, "src-nofollow") || str_eq(option->str, "copy-symlink"))
			return true;
	return false;
}

char *vmplan_source(const struct json *mount, const char *bundle)
{
	const struct json *source = json_get(mount, "source");

	if (!source || source->type != JSON_STRING || !source->len)
		return NULL;
	return source->str[0] == '/' ? x_strdup(source->str) : x_printf("%s/%s", bundle, source->str);
}

bool vmplan_is_idmap(const char *option)
{
	const char *end = option && str_starts(option, "ridmap") ? option + 6 : NULL;

	if (option && str_starts(option, "idmap"))
		end = option + 5;
	return end && (!*end || *end == '=');
}

/* What acts on a mount whatever its file system is; the others are that one's, and were for the host. */
static bool is_of_mount(const char *option)
{
	static const char *const names[] = { "ro",	  "rw",	    "suid",	"dev",	      "exec",
					     "symfollow", "atime",  "diratime", "relatime",   "strictatime",
					     "private",	  "shared", "slave",	"unbindable", "dest-nofollow" };
	const char *name = option;

	for (int cut = 0; cut < 3; cut++) { /* as it is, without "r" and without "no" */
		if (cut == 1 && str_starts(name, "r") && !str_eq(name, "relatime"))
			name++;
		if (cut == 2 && str_starts(name, "no"))
			name += 2;
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			if (str_eq(name, names[i]))
				return true;
	}
	return false;
}

/* What the idmap of a mount is about is done on the host's side of it. */
static void bind_options(yajl_gen g, const struct json *mount)
{
	bool is_bind = vmplan_is_bind(mount);

	gen_array_open(g, "options");
	if (!is_bind)
		gen_string(g, "bind");
	json_each (option, json_get(mount, "options"))
		if (is_bind ? !vmplan_is_idmap(option->str) : is_of_mount(option->str))
			gen_string(g, option->str);
	gen_array_close(g);
}

static void add_mount(yajl_gen g, const struct vmplan_input *in, const struct json *mount, const char *source)
{
	if (!source) {
		vmplan_copy(g, in->config, mount, NULL);
		return;
	}
	gen_object_open(g, NULL);
	json_each (item, mount)
		if (!str_eq(item->key, "source") && !str_eq(item->key, "options") && !str_eq(item->key, "type") &&
		    !str_eq(item->key, "uidMappings") && !str_eq(item->key, "gidMappings"))
			vmplan_copy(g, in->config, item, item->key);
	gen_pair(g, "source", source);
	bind_options(g, mount);
	gen_object_close(g);
}

static void add_mounts(yajl_gen g, const struct vmplan_input *in)
{
	gen_array_open(g, "mounts");
	json_each (mount, json_get(in->config->root, "mounts")) {
		AUTO_FREE char *source = NULL;

		if (vmplan_is_shared(mount))
			source = x_printf(VM_GUEST_FOLDER "/%s/mounts/%u", in->id, mount->index);
		add_mount(g, in, mount, source);
	}
	gen_array_close(g);
}

char *vmplan_place_in_guest(const char *id, const char *place)
{
	return x_printf(VM_GUEST_FOLDER "/%s/" VM_ADDED_DIR "/%s", id, place);
}

char *vmplan_added_to_guest(const struct vmplan_input *in, const char *const *places)
{
	yajl_gen g = gen_new(NULL);

	gen_array_open(g, NULL);
	json_each (mount, json_get(in->config->root, "mounts")) {
		const char *place = places[mount->index];
		AUTO_FREE char *source = place ? vmplan_place_in_guest(in->id, place) : NULL;

		add_mount(g, in, mount, source);
	}
	gen_array_close(g);
	return gen_end(g);
}

static void add_root(yajl_gen g, const struct vmplan_input *in)
{
	const struct json *readonly = json_get(json_get(in->config->root, "root"), "readonly");
	AUTO_FREE char *path = x_printf(VM_GUEST_FOLDER "/%s/rootfs", in->id);

	gen_object_open(g, "root");
	gen_pair(g, "path", path);
	if (readonly)
		vmplan_copy(g, in->config, readonly, "readonly");
	gen_object_close(g);
}

/* In new namespaces of the guest's, whatever the host has. */
static void add_namespaces(yajl_gen g, const struct json *list, bool user)
{
	gen_array_open(g, "namespaces");
	json_each (item, list) {
		const struct json *type = json_get(item, "type");

		if (!type || type->type != JSON_STRING || (!user && str_eq(type->str, "user")))
			continue;
		gen_object_open(g, NULL);
		gen_pair(g, "type", type->str);
		gen_object_close(g);
	}
	gen_array_close(g);
}

/* Nothing is notified (vm_cross.h), so the agent on the host, whom both are about, is none of the guest's. */
static void add_seccomp(yajl_gen g, const struct vmplan_input *in, const struct json *seccomp)
{
	gen_object_open(g, seccomp->key);
	json_each (item, seccomp)
		if (!str_eq(item->key, "listenerPath") && !str_eq(item->key, "listenerMetadata"))
			vmplan_copy(g, in->config, item, item->key);
	gen_object_close(g);
}

static void add_devices(yajl_gen g, const struct vmplan_input *in, const struct json *devices)
{
	gen_array_open(g, "devices");
	json_each (device, devices)
		if (vm_cross_guest_has_device(device))
			vmplan_copy(g, in->config, device, NULL);
	gen_array_close(g);
}

static bool is_id_map(const char *key)
{
	return str_eq(key, "uidMappings") || str_eq(key, "gidMappings");
}

static void add_linux(yajl_gen g, const struct vmplan_input *in)
{
	gen_object_open(g, "linux");
	json_each (item, json_get(in->config->root, "linux")) {
		if (vm_cross_leaves_out(item->key) || (in->unprivileged && is_id_map(item->key)))
			continue;
		if (str_eq(item->key, "namespaces"))
			add_namespaces(g, item, !in->unprivileged);
		else if (str_eq(item->key, "devices") && item->type == JSON_ARRAY)
			add_devices(g, in, item);
		else if (str_eq(item->key, "resources"))
			vmplan_guest_limits(g, in->config, item, item->key);
		else if (str_eq(item->key, "seccomp") && item->type == JSON_OBJECT)
			add_seccomp(g, in, item);
		else
			vmplan_copy(g, in->config, item, item->key);
	}
	gen_object_close(g);
}

/* A number of 32 bits, or 0. */
static uint64_t number(const struct json *obj, const char *key)
{
	const struct json *v = json_get(obj, key);
	uint64_t n = 0;

	return v && json_u64(v, UINT32_MAX, &n, NULL) == 0 ? n : 0;
}

/* What a group of the host's is in the guest's user namespace; false: nothing. */
static bool group_in_guest(const struct vmplan_input *in, gid_t group, uint64_t *out)
{
	const struct json *maps = json_get(json_get(in->config->root, "linux"), "gidMappings");

	*out = group;
	if (!maps || !maps->len)
		return true;
	json_each (map, maps) {
		uint64_t first = number(map, "hostID");

		if (group < first || group - first >= number(map, "size"))
			continue;
		*out = number(map, "containerID") + (group - first);
		return true;
	}
	return false;
}

/* With the groups of the caller in place of config.json's. */
static void add_user(yajl_gen g, const struct vmplan_input *in, const struct json *user)
{
	uint64_t group;

	gen_object_open(g, user->key);
	json_each (item, user)
		if (!str_eq(item->key, "additionalGids"))
			vmplan_copy(g, in->config, item, item->key);
	gen_array_open(g, "additionalGids");
	for (size_t i = 0; i < in->n_groups; i++)
		if (group_in_guest(in, in->groups[i], &group))
			(void)yajl_gen_integer(g, (long long)group);
	gen_array_close(g);
	gen_object_close(g);
}

static void add_process(yajl_gen g, const struct vmplan_input *in)
{
	bool keeps = vm_cross_keeps_groups(in->config->root);

	gen_object_open(g, "process");
	json_each (item, json_get(in->config->root, "process")) {
		if (keeps && str_eq(item->key, "user") && item->type == JSON_OBJECT)
			add_user(g, in, item);
		else if (!vm_cross_leaves_out(item->key))
			vmplan_copy(g, in->config, item, item->key);
	}
	gen_object_close(g);
}

/* The others run on the host. */
static void add_hooks(yajl_gen g, const struct vmplan_input *in)
{
	const struct json *start = json_get(json_get(in->config->root, "hooks"), "startContainer");

	if (!start)
		return;
	gen_object_open(g, "hooks");
	vmplan_copy(g, in->config, start, "startContainer");
	gen_object_close(g);
}

static void add_annotations(yajl_gen g, const struct vmplan_input *in, const struct vmplan *p)
{
	AUTO_FREE char *memory = x_printf("%ju", (uintmax_t)p->memory);
	const struct json *hooks = json_get(json_get(in->config->root, "hooks"), "startContainer");

	gen_object_open(g, "annotations");
	gen_pair(g, VM_MEMORY_NOTE, memory);
	json_each (item, json_get(in->config->root, "annotations"))
		if (vm_cross_annotation_enters(item->key, hooks && hooks->len) && !str_eq(item->key, VM_MEMORY_NOTE))
			vmplan_copy(g, in->config, item, item->key);
	gen_object_close(g);
}

char *vmplan_guest(const struct vmplan_input *in, const struct vmplan *p)
{
	static const char *const done[] = { "root", "mounts", "linux", "process", "hooks", "annotations", "vm" };
	yajl_gen g = gen_new(NULL);

	gen_object_open(g, NULL);
	json_each (item, in->config->root) {
		size_t i = 0;

		while (i < ARRAY_LEN(done) && !str_eq(done[i], item->key))
			i++;
		if (i == ARRAY_LEN(done))
			vmplan_copy(g, in->config, item, item->key);
	}
	add_root(g, in);
	add_mounts(g, in);
	add_linux(g, in);
	add_process(g, in);
	add_hooks(g, in);
	add_annotations(g, in, p);
	gen_object_close(g);
	return gen_end(g);
}
