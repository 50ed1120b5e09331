/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_sched.c: how a process is to share the machine: scheduler, ioPriority and
 * execCPUAffinity of the `process` object; personality, memoryPolicy and intelRdt
 * of the `linux` object. Names of policies and lists of CPUs are plan_sched.c's.
 */
#include "spec_read.h"

#include "str.h"

#include <string.h>

#define NICE_MIN -20 /* setpriority(2) */
#define NICE_MAX 19
#define RT_PRIORITY_MAX 99 /* sched(7) */
#define IO_PRIORITY_MAX 7  /* ioprio_set(2) */

static struct spec_scheduler *read_scheduler(struct spec_reader *rd, const struct json *obj)
{
	struct spec_scheduler *s;
	int64_t nice = 0;

	if (!obj)
		return NULL;
	s = json_alloc(rd->doc, 1, sizeof(*s));
	s->policy = spec_read_need_str(rd, obj, "policy");
	(void)spec_read_i64(rd, obj, "nice", NICE_MIN, NICE_MAX, &nice);
	s->nice = (int32_t)nice;
	s->priority = spec_read_u32(rd, obj, "priority", RT_PRIORITY_MAX);
	s->flags = spec_read_strv(rd, obj, "flags");
	(void)spec_read_u64(rd, obj, "runtime", UINT64_MAX, &s->runtime);
	(void)spec_read_u64(rd, obj, "deadline", UINT64_MAX, &s->deadline);
	(void)spec_read_u64(rd, obj, "period", UINT64_MAX, &s->period);
	return s;
}

static struct spec_io_priority *read_io_priority(struct spec_reader *rd, const struct json *obj)
{
	struct spec_io_priority *p;

	if (!obj)
		return NULL;
	p = json_alloc(rd->doc, 1, sizeof(*p));
	p->io_class = spec_read_need_str(rd, obj, "class");
	p->priority = (int)spec_read_u32(rd, obj, "priority", IO_PRIORITY_MAX);
	return p;
}

static struct spec_cpu_affinity *read_affinity(struct spec_reader *rd, const struct json *obj)
{
	struct spec_cpu_affinity *a;

	if (!obj)
		return NULL;
	a = json_alloc(rd->doc, 1, sizeof(*a));
	a->initial = spec_read_str(rd, obj, "initial");
	a->final = spec_read_str(rd, obj, "final");
	return a;
}

void spec_read_sched(struct spec_reader *rd, const struct json *process, struct spec_process *out)
{
	out->scheduler = read_scheduler(rd, spec_read_object(rd, process, "scheduler"));
	out->io_priority = read_io_priority(rd, spec_read_object(rd, process, "ioPriority"));
	out->exec_cpu_affinity = read_affinity(rd, spec_read_object(rd, process, "execCPUAffinity"));
}

/* The runtime-spec has a list of flags and says that none are defined. */
static struct spec_personality *read_personality(struct spec_reader *rd, const struct json *obj)
{
	struct spec_personality *p;
	struct strv flags;

	if (!obj)
		return NULL;
	p = json_alloc(rd->doc, 1, sizeof(*p));
	p->domain = spec_read_need_str(rd, obj, "domain");
	flags = spec_read_strv(rd, obj, "flags");
	if (flags.n)
		(void)spec_read_fail(rd, json_get(obj, "flags"), "unknown flag '%s': the runtime-spec defines none",
				     flags.v[0]);
	return p;
}

static struct spec_memory_policy *read_memory_policy(struct spec_reader *rd, const struct json *obj)
{
	struct spec_memory_policy *p;

	if (!obj)
		return NULL;
	p = json_alloc(rd->doc, 1, sizeof(*p));
	p->mode = spec_read_need_str(rd, obj, "mode");
	p->nodes = spec_read_str(rd, obj, "nodes");
	p->flags = spec_read_strv(rd, obj, "flags");
	return p;
}

/* One component of a path, or the root group. */
static void check_clos_id(struct spec_reader *rd, const struct json *obj, const char *id)
{
	if (!id || str_eq(id, "/"))
		return;
	if (strchr(id, '/') || strchr(id, '\n') || str_eq(id, ".") || str_eq(id, ".."))
		(void)spec_read_fail(rd, json_get(obj, "closID"), "expected the name of a group, or '/', got '%s'", id);
	else if (str_eq(id, "info") || str_eq(id, "mon_groups") || str_eq(id, "mon_data"))
		(void)spec_read_fail(rd, json_get(obj, "closID"), "'%s' is a directory of resctrl itself, not a group",
				     id);
}

static void check_mem_bw(struct spec_reader *rd, const struct json *obj, const char *schema)
{
	if (schema && (!str_starts(schema, "MB:") || strchr(schema, '\n')))
		(void)spec_read_fail(rd, json_get(obj, "memBwSchema"),
				     "expected one line that starts with 'MB:', got '%s'", schema);
}

static struct spec_intel_rdt *read_intel_rdt(struct spec_reader *rd, const struct json *obj)
{
	struct spec_intel_rdt *rdt;

	if (!obj)
		return NULL;
	rdt = json_alloc(rd->doc, 1, sizeof(*rdt));
	rdt->clos_id = spec_read_str(rd, obj, "closID");
	check_clos_id(rd, obj, rdt->clos_id);
	rdt->schemata = spec_read_strv(rd, obj, "schemata");
	rdt->l3_cache_schema = spec_read_str(rd, obj, "l3CacheSchema");
	rdt->mem_bw_schema = spec_read_str(rd, obj, "memBwSchema");
	check_mem_bw(rd, obj, rdt->mem_bw_schema);
	/* a monitoring group shows all that the machine can measure: there is nothing to choose */
	rdt->monitoring = spec_read_bool(rd, obj, "enableMonitoring");
	rdt->monitoring |= spec_read_bool(rd, obj, "enableCMT");
	rdt->monitoring |= spec_read_bool(rd, obj, "enableMBM");
	return rdt;
}

void spec_read_placement(struct spec_reader *rd, const struct json *obj, struct spec_linux *out)
{
	out->personality = read_personality(rd, spec_read_object(rd, obj, "personality"));
	out->memory_policy = read_memory_policy(rd, spec_read_object(rd, obj, "memoryPolicy"));
	out->intel_rdt = read_intel_rdt(rd, spec_read_object(rd, obj, "intelRdt"));
}
