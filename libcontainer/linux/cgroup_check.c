/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_check.c: see cgroup_check.h.
 *
 * One table has every key of linux.resources (runtime-spec, config-linux.md,
 * "Control groups") with its type and the values of it that ask for nothing.
 * The walk goes by the table, so keys that are not in it are ignored. What
 * becomes of the values is cgroup_limits.c's matter.
 */
#include "cgroup_check.h"

#include "json.h"
#include "log.h"
#include "spec.h"
#include "str.h"

#include <limits.h>
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

/* What cgroup v2 makes of a key that asks. */
enum fate {
	APPLIED,  /* cgroup_limits.c turns it into writes */
	REFUSED,  /* cgroup v1 only, and somebody counts on it */
	OBSOLETE, /* cgroup v1 only, and long without effect there: warned of */
};

struct field {
	const char *name;
	enum kind kind;
	uint64_t max;
	enum fate fate;
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
	enum fate fate;
};

#define DEFAULT_SHARES 1024

static const struct field memory_fields[] = {
	{ "limit", LIMIT, 0, APPLIED },
	{ "reservation", LIMIT, 0, APPLIED },
	{ "swap", LIMIT, 0, APPLIED },
	{ "kernel", LIMIT, 0, OBSOLETE },
	{ "kernelTCP", LIMIT, 0, OBSOLETE },
	{ "swappiness", GIVEN, 200, REFUSED },
	{ "disableOOMKiller", SWITCH, 0, REFUSED },
	{ "useHierarchy", FLAG, 0, APPLIED }, /* cgroup v2 knows nothing else */
	{ "checkBeforeUpdate", FLAG, 0, APPLIED },
	{ 0 },
};

/* A period bounds nothing without its quota or runtime. */
static const struct field cpu_fields[] = {
	{ "shares", SHARES, UINT64_MAX, APPLIED },
	{ "quota", LIMIT, 0, APPLIED },
	{ "burst", AMOUNT, UINT64_MAX, APPLIED },
	{ "period", NUMBER, UINT64_MAX, APPLIED },
	{ "realtimeRuntime", LIMIT, 0, REFUSED },
	{ "realtimePeriod", NUMBER, UINT64_MAX, APPLIED }, /* bounds nothing without a runtime */
	{ "cpus", TEXT, 0, APPLIED },
	{ "mems", TEXT, 0, APPLIED },
	{ "idle", LIMIT, 0, APPLIED },
	{ 0 },
};

static const struct field pids_fields[] = { { "limit", LIMIT, 0, APPLIED }, { 0 } };

static const struct field block_io_fields[] = {
	{ "weight", AMOUNT, UINT16_MAX, APPLIED },
	{ "leafWeight", AMOUNT, UINT16_MAX, REFUSED },
	{ 0 },
};

static const struct field network_fields[] = { { "classID", AMOUNT, UINT32_MAX, REFUSED }, { 0 } };

static const struct section sections[] = {
	{ "memory", memory_fields },	{ "cpu", cpu_fields },	       { "pids", pids_fields },
	{ "blockIO", block_io_fields }, { "network", network_fields },
};

static const struct field weight_device[] = {
	{ "major", NUMBER, UINT32_MAX, APPLIED },
	{ "minor", NUMBER, UINT32_MAX, APPLIED },
	{ "weight", NUMBER, UINT16_MAX, APPLIED },
	{ "leafWeight", NUMBER, UINT16_MAX, APPLIED },
	{ 0 },
};

static const struct field throttle_device[] = {
	{ "major", NUMBER, UINT32_MAX, APPLIED },
	{ "minor", NUMBER, UINT32_MAX, APPLIED },
	{ "rate", NUMBER, UINT64_MAX, APPLIED },
	{ 0 },
};

static const struct field hugepage_limit[] = { { "pageSize", NAME, 0, APPLIED },
					       { "limit", NUMBER, UINT64_MAX, APPLIED },
					       { 0 } };
static const struct field if_priority[] = { { "name", NAME, 0, APPLIED },
					    { "priority", NUMBER, UINT32_MAX, APPLIED },
					    { 0 } };

static const struct field rdma_limit[] = {
	{ "hcaHandles", NUMBER, UINT32_MAX, APPLIED },
	{ "hcaObjects", NUMBER, UINT32_MAX, APPLIED },
	{ 0 },
};

static const struct list lists[] = {
	{ "blockIO", "weightDevice", false, weight_device, APPLIED },
	{ "blockIO", "throttleReadBpsDevice", false, throttle_device, APPLIED },
	{ "blockIO", "throttleWriteBpsDevice", false, throttle_device, APPLIED },
	{ "blockIO", "throttleReadIOPSDevice", false, throttle_device, APPLIED },
	{ "blockIO", "throttleWriteIOPSDevice", false, throttle_device, APPLIED },
	{ NULL, "hugepageLimits", false, hugepage_limit, APPLIED },
	{ "network", "priorities", false, if_priority, REFUSED },
	{ NULL, "rdma", true, rdma_limit, APPLIED },
};

/* v asks for something: warned of, refused or left to cgroup_limits.c. */
static int report(const struct json *v, enum fate fate, bool warn_only, struct err *e)
{
	char path[256];

	if (fate == APPLIED && !warn_only)
		return 0;
	if (fate == REFUSED && !warn_only)
		return json_err(e, ENOTSUP, v, "cgroup v2 has no such limit: leave the key out");
	json_path(v, path, sizeof(path));
	log_warn("%s: %s: ignoring", path,
		 fate == APPLIED ? "not enforced without a cgroup of its own" : "cgroup v2 has no such limit");
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
			asked = report(v, f->fate, warn_only, e);
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
	return v->child ? report(v, l->fate, warn_only, e) : 0;
}

/* A name that can be opened below the cgroup's directory and nowhere else. */
static int check_file_name(const struct json *v, struct err *e)
{
	if (!*v->key || strchr(v->key, '/') || str_eq(v->key, ".") || str_eq(v->key, ".."))
		return json_err(e, EINVAL, v, "expected the name of a cgroup file, without '/'");
	if (strlen(v->key) > NAME_MAX)
		return json_err(e, ENAMETOOLONG, v, "the name of a file is longer than %d bytes", NAME_MAX);
	return 0;
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
		if (r == 0)
			r = check_file_name(v, e);
		if (r == 0)
			r = report(v, APPLIED, warn_only, e);
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
