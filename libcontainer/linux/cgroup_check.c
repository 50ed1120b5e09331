/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_check.c: see cgroup_check.h.
 *
 * One table has every key of linux.resources (runtime-spec, config-linux.md,
 * "Control groups") with its type and the values of it that ask for nothing.
 * The walk goes by the table, so keys that are not in it are ignored.
 */
#include "cgroup_check.h"

#include "json.h"
#include "log.h"
#include "spec.h"
#include "str.h"

#include <string.h>

enum kind {
	LIMIT,	/* integer; 0 and negative: unlimited */
	AMOUNT, /* unsigned; 0: not set */
	SHARES, /* unsigned; 0: not set, 1024: everybody's share */
	GIVEN,	/* unsigned; asks whatever the value */
	TEXT,	/* string; "": not set */
	SWITCH, /* boolean; false: not set */
	NUMBER, /* unsigned; asks for nothing by itself */
	FLAG,	/* boolean; asks for nothing by itself */
	NAME,	/* string; asks for nothing by itself, but must be there */
};

struct field {
	const char *name;
	enum kind kind;
	uint64_t max;
};

/* Keys of one object below linux.resources. */
struct section {
	const char *name;
	const struct field *fields;
};

/* An array (or with is_map an object) of objects: any element asks. */
struct list {
	const char *section; /* NULL: directly below linux.resources */
	const char *name;
	bool is_map;
	const struct field *fields;
};

#define DEFAULT_SHARES 1024

static const struct field memory_fields[] = {
	{ "limit", LIMIT, 0 },
	{ "reservation", LIMIT, 0 },
	{ "swap", LIMIT, 0 },
	{ "kernel", LIMIT, 0 },
	{ "kernelTCP", LIMIT, 0 },
	{ "swappiness", GIVEN, 200 },
	{ "disableOOMKiller", SWITCH, 0 },
	{ "useHierarchy", FLAG, 0 },
	{ "checkBeforeUpdate", FLAG, 0 },
	{ 0 },
};

/* A period bounds nothing without its quota or runtime. */
static const struct field cpu_fields[] = {
	{ "shares", SHARES, UINT64_MAX },
	{ "quota", LIMIT, 0 },
	{ "burst", AMOUNT, UINT64_MAX },
	{ "period", NUMBER, UINT64_MAX },
	{ "realtimeRuntime", LIMIT, 0 },
	{ "realtimePeriod", NUMBER, UINT64_MAX },
	{ "cpus", TEXT, 0 },
	{ "mems", TEXT, 0 },
	{ "idle", LIMIT, 0 },
	{ 0 },
};

static const struct field pids_fields[] = { { "limit", LIMIT, 0 }, { 0 } };

static const struct field block_io_fields[] = {
	{ "weight", AMOUNT, UINT16_MAX },
	{ "leafWeight", AMOUNT, UINT16_MAX },
	{ 0 },
};

static const struct field network_fields[] = { { "classID", AMOUNT, UINT32_MAX }, { 0 } };

static const struct section sections[] = {
	{ "memory", memory_fields },	{ "cpu", cpu_fields },	       { "pids", pids_fields },
	{ "blockIO", block_io_fields }, { "network", network_fields },
};

static const struct field weight_device[] = {
	{ "major", NUMBER, UINT32_MAX },
	{ "minor", NUMBER, UINT32_MAX },
	{ "weight", NUMBER, UINT16_MAX },
	{ "leafWeight", NUMBER, UINT16_MAX },
	{ 0 },
};

static const struct field throttle_device[] = {
	{ "major", NUMBER, UINT32_MAX },
	{ "minor", NUMBER, UINT32_MAX },
	{ "rate", NUMBER, UINT64_MAX },
	{ 0 },
};

static const struct field hugepage_limit[] = { { "pageSize", NAME, 0 }, { "limit", NUMBER, UINT64_MAX }, { 0 } };
static const struct field if_priority[] = { { "name", NAME, 0 }, { "priority", NUMBER, UINT32_MAX }, { 0 } };

static const struct field rdma_limit[] = {
	{ "hcaHandles", NUMBER, UINT32_MAX },
	{ "hcaObjects", NUMBER, UINT32_MAX },
	{ 0 },
};

static const struct list lists[] = {
	{ "blockIO", "weightDevice", false, weight_device },
	{ "blockIO", "throttleReadBpsDevice", false, throttle_device },
	{ "blockIO", "throttleWriteBpsDevice", false, throttle_device },
	{ "blockIO", "throttleReadIOPSDevice", false, throttle_device },
	{ "blockIO", "throttleWriteIOPSDevice", false, throttle_device },
	{ NULL, "hugepageLimits", false, hugepage_limit },
	{ "network", "priorities", false, if_priority },
	{ NULL, "rdma", true, rdma_limit },
};

/* Says that v asks for what cannot be given. */
static int report(const struct json *v, bool warn_only, struct err *e)
{
	char path[256];

	if (!warn_only)
		return json_err(e, ENOTSUP, v,
				"limits are not applied by this version: use --cgroup-manager disabled to run without");
	json_path(v, path, sizeof(path));
	log_warn("%s: limits are not applied by this version: ignoring", path);
	return 0;
}

/* 1 if the value asks for something, 0 if not, or the error of its type. */
static int asks(const struct json *v, const struct field *f, struct err *e)
{
	uint64_t amount = 0;
	const char *text;
	int64_t limit;
	bool on;
	int r;

	switch (f->kind) {
	case LIMIT:
		r = json_i64(v, INT64_MIN, INT64_MAX, &limit, e);
		return r < 0 ? r : limit > 0;
	case TEXT:
	case NAME:
		r = json_str(v, &text, e);
		return r < 0 ? r : f->kind == TEXT && *text;
	case SWITCH:
	case FLAG:
		r = json_bool(v, &on, e);
		return r < 0 ? r : f->kind == SWITCH && on;
	case AMOUNT:
	case SHARES:
	case GIVEN:
	case NUMBER:
		break;
	}
	r = json_u64(v, f->max, &amount, e);
	if (r < 0 || f->kind == NUMBER)
		return r;
	return f->kind == GIVEN || (amount > 0 && !(f->kind == SHARES && amount == DEFAULT_SHARES));
}

/* The member of obj, which must be an object or absent, of this type. 1 if it is there, 0 if not. */
static int get(const struct json *obj, const char *name, enum json_type type, const struct json **out, struct err *e)
{
	int r;

	*out = json_get(obj, name);
	if (!*out)
		return 0;
	r = json_want(*out, type, e);
	return r < 0 ? r : 1;
}

static int check_section(const struct json *resources, const struct section *s, bool warn_only, struct err *e)
{
	const struct json *obj;
	int r = get(resources, s->name, JSON_OBJECT, &obj, e);

	for (const struct field *f = s->fields; r > 0 && f->name; f++) {
		const struct json *v = json_get(obj, f->name);
		int asked = v ? asks(v, f, e) : 0;

		if (asked > 0)
			asked = report(v, warn_only, e);
		if (asked < 0)
			return asked;
	}
	return r < 0 ? r : 0;
}

static int check_element(const struct json *element, const struct field *fields, struct err *e)
{
	int r = json_want(element, JSON_OBJECT, e);

	for (const struct field *f = fields; r >= 0 && f->name; f++) {
		const struct json *v = json_get(element, f->name);

		if (v)
			r = asks(v, f, e);
		else if (f->kind == NAME)
			r = json_err(e, EINVAL, element, "'%s' is missing", f->name);
	}
	return r < 0 ? r : 0;
}

static int check_list(const struct json *resources, const struct list *l, bool warn_only, struct err *e)
{
	const struct json *parent = l->section ? json_get(resources, l->section) : resources;
	const struct json *v;
	int r = get(parent, l->name, l->is_map ? JSON_OBJECT : JSON_ARRAY, &v, e);

	if (r <= 0)
		return r;
	json_each (element, v) {
		r = check_element(element, l->fields, e);
		if (r < 0)
			return r;
	}
	return v->child ? report(v, warn_only, e) : 0;
}

/* unified: names of cgroup v2 files and what is written to them. */
static int check_unified(const struct json *resources, bool warn_only, struct err *e)
{
	const struct json *unified;
	int r = get(resources, "unified", JSON_OBJECT, &unified, e);

	if (r <= 0)
		return r;
	json_each (v, unified) {
		const char *text;

		r = json_str(v, &text, e);
		if (r == 0 && strchr(v->key, '/'))
			r = json_err(e, EINVAL, v, "expected the name of a cgroup file, without '/'");
		if (r == 0)
			r = report(v, warn_only, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int cgroup_check_resources(const struct spec_linux *l, bool warn_only, struct err *e)
{
	const struct json *resources = l->resources;
	int r;

	if (!resources)
		return 0;
	r = json_want(resources, JSON_OBJECT, e);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(sections); i++)
		r = check_section(resources, &sections[i], warn_only, e);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(lists); i++)
		r = check_list(resources, &lists[i], warn_only, e);
	return r == 0 ? check_unified(resources, warn_only, e) : r;
}
