/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_limits.c: see cgroup_limits.h. */
#include "cgroup_limits.h"

#include "str.h"

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#define SHARES_MIN 2
#define SHARES_MAX 262144
#define WEIGHT_MAX 10000
#define BLKIO_WEIGHT_MIN 10
#define BLKIO_WEIGHT_MAX 1000
#define DEFAULT_SHARES 1024
#define DEFAULT_PERIOD 100000 /* microseconds; cgroup-v2.rst, "cpu.max" */
#define PAGE_SIZE_TEXT_MAX 16 /* bytes of "1048576KB" and the like */
#define DEVICE_NAME_MAX 64    /* IB_DEVICE_NAME_MAX */
#define VALUE_MAX 4095	      /* kernfs takes less than a page in one write */
#define UNIFIED_MAX 1024      /* lines of linux.resources.unified */

const struct cgroup_current cgroup_current_none = {
	.memory = 0,
	.swap = CGROUP_UNLIMITED,
	.quota = CGROUP_UNLIMITED,
	.period = DEFAULT_PERIOD,
};

/* ---- numbers ---- */

uint64_t cgroup_shares_to_weight(uint64_t shares)
{
	double l;

	if (shares <= SHARES_MIN)
		return 1;
	if (shares >= SHARES_MAX)
		return WEIGHT_MAX;
	l = log2((double)shares);
	return (uint64_t)ceil(pow(10, (l * l + 125 * l) / 612.0 - 7.0 / 34.0));
}

uint64_t cgroup_blkio_to_io_weight(uint64_t weight)
{
	return 1 + (weight - BLKIO_WEIGHT_MIN) * (WEIGHT_MAX - 1) / (BLKIO_WEIGHT_MAX - BLKIO_WEIGHT_MIN);
}

size_t cgroup_file_controller(const char *file)
{
	size_t len = strcspn(file, ".");

	if (!file[len] || (len == strlen("cgroup") && strncmp(file, "cgroup", len) == 0))
		return 0;
	return len;
}

/* ---- reading what was checked: the type is right, so a wrong one reads as absent ---- */

static bool get_i64(const struct json *obj, const char *key, const struct json **out_node, int64_t *out)
{
	*out_node = json_get(obj, key);
	return *out_node && json_i64(*out_node, INT64_MIN, INT64_MAX, out, NULL) == 0;
}

static bool get_u64(const struct json *obj, const char *key, const struct json **out_node, uint64_t *out)
{
	*out_node = json_get(obj, key);
	return *out_node && json_u64(*out_node, UINT64_MAX, out, NULL) == 0;
}

static bool get_text(const struct json *obj, const char *key, const struct json **out_node, const char **out)
{
	*out_node = json_get(obj, key);
	return *out_node && json_str(*out_node, out, NULL) == 0 && **out;
}

/* ---- steps ---- */

/* The pointer is good until the next step is added. value becomes the list's. */
static struct cgroup_step *add(struct cgroup_steps *s, const struct json *node, const char *file, char *value)
{
	struct cgroup_step *step;

	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 8;
		s->v = x_realloc(s->v, s->cap, sizeof(*s->v));
	}
	step = &s->v[s->n++];
	*step = (struct cgroup_step){ .file = x_strdup(file), .value = value, .node = node };
	return step;
}

static struct cgroup_step *add_u64(struct cgroup_steps *s, const struct json *node, const char *file, uint64_t value)
{
	return add(s, node, file, value == CGROUP_UNLIMITED ? x_strdup("max") : x_printf("%ju", (uintmax_t)value));
}

/* A limit: 0 is not set, what is negative is none. */
static void add_limit(struct cgroup_steps *s, const struct json *obj, const char *key, const char *file)
{
	const struct json *node;
	int64_t value;

	if (!get_i64(obj, key, &node, &value) || value == 0)
		return;
	add_u64(s, node, file, value < 0 ? CGROUP_UNLIMITED : (uint64_t)value)->optional = value < 0;
}

void cgroup_steps_make_optional(struct cgroup_steps *steps)
{
	for (size_t i = 0; i < steps->n; i++)
		steps->v[i].optional = true;
}

void cgroup_steps_free(struct cgroup_steps *steps)
{
	for (size_t i = 0; i < steps->n; i++) {
		free(steps->v[i].file);
		free(steps->v[i].value);
		free(steps->v[i].other_file);
		free(steps->v[i].other_value);
	}
	free(steps->v);
	*steps = (struct cgroup_steps){ 0 };
}

/* ---- memory ---- */

/* memory.swap, which counts memory too, -> memory.swap.max, which does not. */
static int swap_alone(const struct json *node, int64_t swap, uint64_t memory, uint64_t *out, struct err *e)
{
	if (swap < 0) {
		*out = CGROUP_UNLIMITED;
		return 0;
	}
	if (memory == 0)
		return json_err(e, EINVAL, node, "a limit of memory and swap together needs memory.limit beside it");
	if (memory == CGROUP_UNLIMITED) {
		*out = (uint64_t)swap;
		return 0;
	}
	if ((uint64_t)swap < memory)
		return json_err(e, EINVAL, node,
				"expected at least memory.limit (%ju), as it counts memory and swap together, got %jd",
				(uintmax_t)memory, (intmax_t)swap);
	*out = (uint64_t)swap - memory;
	return 0;
}

/* Swap that grows comes first, so that a memory limit that shrinks finds it; swap that shrinks comes last,
 * so that what the limit pushes out still has a place. */
static int plan_memory(struct cgroup_steps *s, const struct json *obj, const struct cgroup_current *current,
		       struct err *e)
{
	const struct json *limit_node, *swap_node;
	int64_t limit = 0, swap = 0;
	uint64_t memory = current->memory, alone = 0;
	int r = 0;

	if (get_i64(obj, "limit", &limit_node, &limit) && limit != 0)
		memory = limit < 0 ? CGROUP_UNLIMITED : (uint64_t)limit;
	if (!get_i64(obj, "swap", &swap_node, &swap) || swap == 0) {
		swap = limit < 0 ? -1 : 0; /* cgroup v1 had no memory without a limit below that of both */
		swap_node = limit_node;
	}
	if (swap != 0)
		r = swap_alone(swap_node, swap, memory, &alone, e);
	if (r < 0)
		return r;
	if (swap != 0 && alone >= current->swap)
		add_u64(s, swap_node, "memory.swap.max", alone)->optional = alone == 0 || alone == CGROUP_UNLIMITED;
	add_limit(s, obj, "limit", "memory.max");
	if (swap != 0 && alone < current->swap)
		add_u64(s, swap_node, "memory.swap.max", alone)->optional = alone == 0;
	add_limit(s, obj, "reservation", "memory.low");
	return 0;
}

/* ---- io ---- */

static int check_blkio_weight(const struct json *node, uint64_t weight, struct err *e)
{
	if (weight < BLKIO_WEIGHT_MIN || weight > BLKIO_WEIGHT_MAX)
		return json_err(e, EINVAL, node, "expected a number from %d to %d, got %ju", BLKIO_WEIGHT_MIN,
				BLKIO_WEIGHT_MAX, (uintmax_t)weight);
	return 0;
}

/* Where BFQ schedules, its own file rules; else that of iocost. device: "" or "8:0 ". */
static int add_io_weight(struct cgroup_steps *s, const struct json *node, const char *device, uint64_t weight,
			 struct err *e)
{
	int r = check_blkio_weight(node, weight, e);
	struct cgroup_step *step;

	if (r < 0)
		return r;
	step = add(s, node, "io.bfq.weight", x_printf("%s%ju", device, (uintmax_t)weight));
	step->other_file = x_strdup("io.weight");
	step->other_value = x_printf("%s%ju", device, (uintmax_t)cgroup_blkio_to_io_weight(weight));
	return 0;
}

static char *device_number(const struct json *item)
{
	const struct json *node;
	uint64_t major = 0, minor = 0;

	(void)get_u64(item, "major", &node, &major);
	(void)get_u64(item, "minor", &node, &minor);
	return x_printf("%ju:%ju ", (uintmax_t)major, (uintmax_t)minor);
}

static int plan_weight_device(struct cgroup_steps *s, const struct json *item, struct err *e)
{
	AUTO_FREE char *device = device_number(item);
	const struct json *node;
	uint64_t weight = 0;

	if (get_u64(item, "leafWeight", &node, &weight) && weight != 0)
		return json_err(e, ENOTSUP, node, "cgroup v2 has no such limit: leave the key out");
	if (!get_u64(item, "weight", &node, &weight) || weight == 0)
		return 0;
	return add_io_weight(s, node, device, weight, e);
}

/* A rate of 0 took a limit away in cgroup v1. */
static void plan_throttle(struct cgroup_steps *s, const struct json *list, const char *word)
{
	json_each (item, list) {
		AUTO_FREE char *device = device_number(item);
		const struct json *node;
		uint64_t rate;

		if (!get_u64(item, "rate", &node, &rate))
			continue;
		if (rate == 0)
			(void)add(s, node, "io.max", x_printf("%s%s=max", device, word));
		else
			(void)add(s, node, "io.max", x_printf("%s%s=%ju", device, word, (uintmax_t)rate));
	}
}

static int plan_io(struct cgroup_steps *s, const struct json *obj, struct err *e)
{
	static const struct {
		const char *key, *word;
	} throttles[] = {
		{ "throttleReadBpsDevice", "rbps" },
		{ "throttleWriteBpsDevice", "wbps" },
		{ "throttleReadIOPSDevice", "riops" },
		{ "throttleWriteIOPSDevice", "wiops" },
	};
	const struct json *node;
	uint64_t weight;
	int r = 0;

	if (get_u64(obj, "weight", &node, &weight) && weight != 0)
		r = add_io_weight(s, node, "", weight, e);
	json_each (item, json_get(obj, "weightDevice"))
		if (r == 0)
			r = plan_weight_device(s, item, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_LEN(throttles); i++)
		plan_throttle(s, json_get(obj, throttles[i].key), throttles[i].word);
	return 0;
}

/* ---- cpu ---- */

/* An idle group has no weight to be set (EINVAL): it wakes first, or falls asleep last. */
static void plan_cpu_weight(struct cgroup_steps *s, const struct json *obj)
{
	const struct json *idle_node, *node;
	uint64_t shares;
	int64_t idle = 0;
	bool has_idle = get_i64(obj, "idle", &idle_node, &idle);

	if (has_idle && idle <= 0)
		add_u64(s, idle_node, "cpu.idle", 0)->optional = true;
	if (get_u64(obj, "shares", &node, &shares) && shares != 0)
		add_u64(s, node, "cpu.weight", cgroup_shares_to_weight(shares))->optional = shares == DEFAULT_SHARES;
	if (has_idle && idle > 0)
		(void)add_u64(s, idle_node, "cpu.idle", (uint64_t)idle);
}

/* quota and period are one file. A burst is at most its quota: one that shrinks goes before it, one that
 * grows behind it. */
static void plan_cpu_max(struct cgroup_steps *s, const struct json *obj, const struct cgroup_current *current)
{
	const struct json *quota_node, *period_node, *burst_node;
	uint64_t quota = current->quota, period = 0, burst = 0;
	int64_t given = 0;
	bool has_burst = get_u64(obj, "burst", &burst_node, &burst);

	(void)get_u64(obj, "period", &period_node, &period);
	if (get_i64(obj, "quota", &quota_node, &given) && given != 0)
		quota = given < 0 ? CGROUP_UNLIMITED : (uint64_t)given;
	if (has_burst && burst <= current->burst)
		add_u64(s, burst_node, "cpu.max.burst", burst)->optional = burst == 0;
	if (given != 0 || period != 0) {
		const struct json *node = given != 0 ? quota_node : period_node;
		uint64_t p = period ? period : current->period;
		bool open = quota == CGROUP_UNLIMITED;

		if (open)
			add(s, node, "cpu.max", x_printf("max %ju", (uintmax_t)p))->optional = true;
		else
			(void)add(s, node, "cpu.max", x_printf("%ju %ju", (uintmax_t)quota, (uintmax_t)p));
	}
	if (has_burst && burst > current->burst)
		(void)add_u64(s, burst_node, "cpu.max.burst", burst);
}

static void plan_cpu(struct cgroup_steps *s, const struct json *obj, const struct cgroup_current *current)
{
	const struct json *node;
	const char *list;

	plan_cpu_weight(s, obj);
	plan_cpu_max(s, obj, current);
	if (get_text(obj, "cpus", &node, &list))
		(void)add(s, node, "cpuset.cpus", x_strdup(list));
	if (get_text(obj, "mems", &node, &list))
		(void)add(s, node, "cpuset.mems", x_strdup(list));
}

/* ---- hugetlb, rdma ---- */

/* "2MB", "64KB", "1GB": it becomes part of a file's name. */
static bool is_page_size(const char *s)
{
	size_t digits = strspn(s, "0123456789");

	return digits > 0 && s[0] != '0' && strlen(s) < PAGE_SIZE_TEXT_MAX && s[digits] && strchr("KMG", s[digits]) &&
	       str_eq(s + digits + 1, "B");
}

/* The second file also counts what is only reserved (Linux 5.7). */
static int plan_hugetlb(struct cgroup_steps *s, const struct json *list, struct err *e)
{
	json_each (item, list) {
		AUTO_FREE char *file = NULL, *reserved = NULL;
		const struct json *node, *limit_node;
		const char *size = "";
		uint64_t limit = 0;

		if (!get_text(item, "pageSize", &node, &size) || !is_page_size(size))
			return json_err(e, EINVAL, node ? node : item, "expected a size such as 2MB or 1GB, got '%s'",
					size);
		if (!get_u64(item, "limit", &limit_node, &limit))
			continue;
		file = x_printf("hugetlb.%s.max", size);
		reserved = x_printf("hugetlb.%s.rsvd.max", size);
		(void)add_u64(s, limit_node, file, limit);
		add_u64(s, limit_node, reserved, limit)->optional = true;
	}
	return 0;
}

static int plan_rdma(struct cgroup_steps *s, const struct json *devices, struct err *e)
{
	json_each (item, devices) {
		struct strbuf line = { 0 };
		const struct json *node;
		uint64_t n;

		if (!*item->key || strlen(item->key) >= DEVICE_NAME_MAX || strpbrk(item->key, " \t\n"))
			return json_err(e, EINVAL, item, "expected the name of an RDMA device");
		strbuf_puts(&line, item->key);
		if (get_u64(item, "hcaHandles", &node, &n))
			strbuf_printf(&line, " hca_handle=%ju", (uintmax_t)n);
		if (get_u64(item, "hcaObjects", &node, &n))
			strbuf_printf(&line, " hca_object=%ju", (uintmax_t)n);
		if (line.len > strlen(item->key))
			(void)add(s, item, "rdma.max", line.s);
		else
			free(line.s);
	}
	return 0;
}

/* ---- unified ---- */

/* A value of several lines is that many writes: such files take one line at a time. */
static int plan_unified_file(struct cgroup_steps *s, const struct json *item, size_t *lines, struct err *e)
{
	const char *text = "";

	(void)json_str(item, &text, NULL);
	do {
		size_t len = strcspn(text, "\n");

		if (len > VALUE_MAX)
			return json_err(e, E2BIG, item, "a line is longer than %d bytes", VALUE_MAX);
		if (++*lines > UNIFIED_MAX)
			return json_err(e, E2BIG, item, "more than %d lines for cgroup files", UNIFIED_MAX);
		(void)add(s, item, item->key, x_printf("%.*s", (int)len, text));
		text += len + (text[len] == '\n');
	} while (*text);
	return 0;
}

static int plan_unified(struct cgroup_steps *s, const struct json *files, struct err *e)
{
	size_t lines = 0;

	json_each (item, files) {
		int r = plan_unified_file(s, item, &lines, e);

		if (r < 0)
			return r;
	}
	return 0;
}

int cgroup_limits_plan(const struct json *resources, const struct cgroup_current *current, struct cgroup_steps *out,
		       struct err *e)
{
	int r;

	if (!resources)
		return 0;
	add_limit(out, json_get(resources, "pids"), "limit", "pids.max");
	r = plan_memory(out, json_get(resources, "memory"), current, e);
	if (r == 0)
		r = plan_io(out, json_get(resources, "blockIO"), e);
	if (r < 0)
		return r;
	plan_cpu(out, json_get(resources, "cpu"), current);
	r = plan_hugetlb(out, json_get(resources, "hugepageLimits"), e);
	if (r == 0)
		r = plan_rdma(out, json_get(resources, "rdma"), e);
	return r == 0 ? plan_unified(out, json_get(resources, "unified"), e) : r;
}
