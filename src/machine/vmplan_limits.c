/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmplan_limits.c: linux.resources on both sides of a VM.
 *
 * The guest's cgroup gets all that config.json asks for, but what names CPUs, memory
 * nodes and disks: those are the host's, and have other numbers in the guest. The jail's cgroup gets
 * what protects the host from the machine as a whole: see vmplan.h.
 */
#include "vmplan_config.h"

#include "str.h"

/* What the processes of the jail take beside the guest's memory. Seen: 84 MB of QEMU, most of it the code that TCG
 * makes, 1.3 MB of husk-mon and husk-fsd; the rest is room for buffers and page cache. */
#define OVERHEAD (128ULL << 20)
#define OVERHEAD_TCG ((uint64_t)VM_TCG_CODE_MIB << 20)
/* And what grows with it: page tables, and the host's record of each file that the guest remembers. Of both this and
 * OVERHEAD husk-fsd takes a part at most (FS_MEMORY and memory_for() there). */
#define OVERHEAD_SHARE 8

/* husk-mon, husk-fsd's and QEMU's threads (64 of them for I/O), and 64 proxies of exec; then one for each vCPU. */
#define JAIL_TASKS 256

uint64_t vmplan_overhead(uint64_t memory, bool kvm)
{
	return OVERHEAD + (kvm ? 0 : OVERHEAD_TCG) + memory / OVERHEAD_SHARE;
}

static bool is_of_host(const char *section, const char *key)
{
	if (str_eq(section, "cpu"))
		return str_eq(key, "cpus") || str_eq(key, "mems");
	return str_eq(section, "blockIO") && (str_eq(key, "weightDevice") || str_starts(key, "throttle"));
}

/* ---- the guest ---- */

void vmplan_guest_limits(yajl_gen g, const struct json_doc *doc, const struct json *resources, const char *key)
{
	if (resources->type != JSON_OBJECT) {
		vmplan_copy(g, doc, resources, key);
		return;
	}
	gen_object_open(g, key);
	json_each (section, resources) {
		if (section->type != JSON_OBJECT) {
			vmplan_copy(g, doc, section, section->key);
			continue;
		}
		gen_object_open(g, section->key);
		json_each (item, section)
			if (!is_of_host(section->key, item->key))
				vmplan_copy(g, doc, item, item->key);
		gen_object_close(g);
	}
	gen_object_close(g);
}

/* ---- the jail ---- */

void vmplan_jail_shares(yajl_gen g, const struct json_doc *doc, const struct json *resources)
{
	static const char *const sections[] = { "cpu", "blockIO" };

	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		if (json_get(resources, sections[i]))
			vmplan_copy(g, doc, json_get(resources, sections[i]), sections[i]);
}

/* As much swap as config.json lets the container have. Its key counts memory and swap together. */
static void add_swap(yajl_gen g, const struct json *memory, uint64_t host_limit)
{
	const struct json *limit = json_get(memory, "limit"), *swap = json_get(memory, "swap");
	int64_t bytes = 0, both = 0;

	if (!swap || json_i64(swap, INT64_MIN, INT64_MAX, &both, NULL) < 0)
		return;
	if (both == -1)
		gen_raw(g, "swap", "-1");
	else if (limit && json_i64(limit, INT64_MIN, INT64_MAX, &bytes, NULL) == 0 && bytes > 0 && both >= bytes)
		gen_u64(g, "swap", host_limit + (uint64_t)(both - bytes));
}

static void allow_device(yajl_gen g, uint64_t major, uint64_t minor)
{
	gen_object_open(g, NULL);
	gen_bool(g, "allow", true);
	gen_pair(g, "type", "c");
	gen_u64(g, "major", major);
	gen_u64(g, "minor", minor);
	gen_pair(g, "access", "rw");
	gen_object_close(g);
}

static void add_device_rules(yajl_gen g, bool kvm)
{
	gen_array_open(g, "devices");
	gen_object_open(g, NULL);
	gen_bool(g, "allow", false);
	gen_pair(g, "access", "rwm");
	gen_object_close(g);
	allow_device(g, VM_TUN_MAJOR, VM_TUN_MINOR);
	if (kvm)
		allow_device(g, VM_KVM_MAJOR, VM_KVM_MINOR);
	gen_array_close(g);
}

void vmplan_jail_limits(yajl_gen g, const struct vmplan_input *in, const struct vmplan *p)
{
	const struct json *resources = json_get(json_get(in->config->root, "linux"), "resources");
	uint64_t limit = p->memory + vmplan_overhead(p->memory, in->kvm);

	gen_object_open(g, "resources");
	gen_object_open(g, "memory");
	gen_u64(g, "limit", limit);
	add_swap(g, json_get(resources, "memory"), limit);
	gen_object_close(g);
	gen_object_open(g, "pids");
	gen_u64(g, "limit", JAIL_TASKS + p->vcpus);
	gen_object_close(g);
	vmplan_jail_shares(g, in->config, resources);
	add_device_rules(g, in->kvm);
	gen_object_close(g);
}
