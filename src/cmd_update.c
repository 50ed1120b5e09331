/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_update.c: husk update. The options are runc's. They become the JSON text that
 * --resources would have brought, so that there is one way on.
 */
#include "cmd.h"
#include "gen.h"
#include "io.h"
#include "json.h"
#include "log.h"
#include "vm_control.h"
#include "vm_update.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct update_options {
	const char *resources;
	const char *blkio_weight;
	const char *cpu_period, *cpu_quota, *cpu_burst, *cpu_share, *cpu_idle, *cpu_rt_period, *cpu_rt_runtime;
	const char *cpuset_cpus, *cpuset_mems;
	const char *memory, *memory_reservation, *memory_swap;
	const char *kernel_memory, *kernel_memory_tcp;
	const char *pids_limit;
	const char *l3_cache_schema, *mem_bw_schema;
};

#define AT(member) offsetof(struct update_options, member)

enum kind {
	SIGNED,	  /* -9223372036854775808 .. */
	UNSIGNED, /* 0 .. 18446744073709551615 */
	BYTES,	  /* "512m", or "-1" */
	TEXT,
};

/* By section, each of which is opened once. */
static const struct {
	const char *section, *key, *option;
	size_t at;
	enum kind kind;
} keys[] = {
	{ "memory", "limit", "memory", AT(memory), BYTES },
	{ "memory", "reservation", "memory-reservation", AT(memory_reservation), BYTES },
	{ "memory", "swap", "memory-swap", AT(memory_swap), BYTES },
	{ "cpu", "shares", "cpu-share", AT(cpu_share), UNSIGNED },
	{ "cpu", "quota", "cpu-quota", AT(cpu_quota), SIGNED },
	{ "cpu", "period", "cpu-period", AT(cpu_period), UNSIGNED },
	{ "cpu", "burst", "cpu-burst", AT(cpu_burst), UNSIGNED },
	{ "cpu", "idle", "cpu-idle", AT(cpu_idle), SIGNED },
	{ "cpu", "realtimePeriod", "cpu-rt-period", AT(cpu_rt_period), UNSIGNED },
	{ "cpu", "realtimeRuntime", "cpu-rt-runtime", AT(cpu_rt_runtime), SIGNED },
	{ "cpu", "cpus", "cpuset-cpus", AT(cpuset_cpus), TEXT },
	{ "cpu", "mems", "cpuset-mems", AT(cpuset_mems), TEXT },
	{ "blockIO", "weight", "blkio-weight", AT(blkio_weight), UNSIGNED },
	{ "pids", "limit", "pids-limit", AT(pids_limit), SIGNED },
};

/* "4096", "64k", "512MiB", "1g": 1024 to the power of its place in "kmgtp". */
static int parse_bytes(const char *text, int64_t *out)
{
	const char *unit = text, *place = NULL;
	unsigned int shift = 0;
	uint64_t n;

	if (str_eq(text, "-1")) {
		*out = -1;
		return 0;
	}
	if (!str_take_u64(&unit, INT64_MAX, &n))
		return -EINVAL;
	if (*unit && (place = strchr("kmgtp", tolower((unsigned char)*unit)))) {
		shift = 10 * (unsigned int)(place - "kmgtp" + 1);
		unit++;
		unit += tolower((unsigned char)*unit) == 'i' && tolower((unsigned char)unit[1]) == 'b';
	}
	unit += tolower((unsigned char)*unit) == 'b';
	if (*unit || n > (uint64_t)INT64_MAX >> shift)
		return -EINVAL;
	*out = (int64_t)(n << shift);
	return 0;
}

/* The value as JSON has it, from what the option says. */
static int add_value(yajl_gen gen, const char *key, const char *option, enum kind kind, const char *value,
		     struct err *e)
{
	AUTO_FREE char *digits = NULL;
	int64_t n = 0;
	uint64_t u = 0;

	switch (kind) {
	case TEXT:
		gen_pair(gen, key, value);
		return 0;
	case SIGNED:
		if (str_i64(value, INT64_MIN, INT64_MAX, &n) < 0)
			return err_set(e, EINVAL, "update: option '--%s': expected a number, got '%s'", option, value);
		digits = x_printf("%jd", (intmax_t)n);
		break;
	case UNSIGNED:
		if (str_u64(value, UINT64_MAX, &u) < 0)
			return err_set(e, EINVAL, "update: option '--%s': expected a number from 0 up, got '%s'",
				       option, value);
		digits = x_printf("%ju", (uintmax_t)u);
		break;
	case BYTES:
		if (parse_bytes(value, &n) < 0)
			return err_set(
				e, EINVAL,
				"update: option '--%s': expected bytes, such as 536870912 or 512m, or -1, got '%s'",
				option, value);
		digits = x_printf("%jd", (intmax_t)n);
		break;
	}
	gen_raw(gen, key, digits);
	return 0;
}

static int add_options(yajl_gen gen, const struct update_options *o, struct err *e)
{
	const char *section = NULL;
	int r = 0;

	gen_object_open(gen, NULL);
	for (size_t i = 0; i < ARRAY_LEN(keys) && r == 0; i++) {
		const char *value = *(const char *const *)(const void *)((const char *)o + keys[i].at);

		if (!value)
			continue;
		if (section && !str_eq(section, keys[i].section))
			gen_object_close(gen);
		if (!str_eq(section, keys[i].section)) {
			section = keys[i].section;
			gen_object_open(gen, section);
		}
		r = add_value(gen, keys[i].key, keys[i].option, keys[i].kind, value, e);
	}
	if (section && r == 0)
		gen_object_close(gen);
	if (r == 0)
		gen_object_close(gen);
	return r;
}

static int text_of_options(const struct update_options *o, char **out, size_t *out_len, struct err *e)
{
	yajl_gen gen = gen_new(NULL);
	int r = add_options(gen, o, e);
	AUTO_FREE char *text = gen_end(gen);

	if (r == 0) {
		*out_len = strlen(text);
		*out = x_strdup(text);
	}
	return r;
}

static int read_resources(const char *path, char **out, size_t *out_len, struct err *e)
{
	int r;

	if (!str_eq(path, "-"))
		return io_read_file(AT_FDCWD, path, 0, JSON_TEXT_MAX, out, out_len, e);
	r = io_read_fd(STDIN_FILENO, JSON_TEXT_MAX, out, out_len);
	return r < 0 ? err_sys(e, -r, "--resources: read standard input") : 0;
}

static int run(const struct husk_ctx *ctx, const void *options, char **words, int *out_status, struct err *e)
{
	const struct update_options *o = options;
	struct husk_update_opts u = { .l3_cache_schema = o->l3_cache_schema, .mem_bw_schema = o->mem_bw_schema };
	AUTO_FREE char *text = NULL;
	int r;

	(void)out_status;
	if (o->kernel_memory)
		log_warn("--kernel-memory: cgroup v2 has no such limit: ignoring");
	if (o->kernel_memory_tcp)
		log_warn("--kernel-memory-tcp: cgroup v2 has no such limit: ignoring");
	r = o->resources ? read_resources(o->resources, &text, &u.len, e) : text_of_options(o, &text, &u.len, e);
	if (r < 0)
		return r;
	if (!str_eq(text, "{}"))
		u.resources = text;
	return vm_control_is_vm(ctx, words[0]) ? vm_update(ctx, words[0], &u, e) : husk_update(ctx, words[0], &u, e);
}

static const struct option_def options_table[] = {
	{ "resources", 'r', OPTION_STRING, AT(resources), "FILE",
	  "read linux.resources as JSON from FILE (-: standard input)" },
	{ "blkio-weight", 0, OPTION_STRING, AT(blkio_weight), "N", "weight of block I/O, 10 to 1000" },
	{ "cpu-period", 0, OPTION_STRING, AT(cpu_period), "N", "period of the CPU quota, in microseconds" },
	{ "cpu-quota", 0, OPTION_STRING, AT(cpu_quota), "N", "CPU time in each period, in microseconds; -1: no limit" },
	{ "cpu-burst", 0, OPTION_STRING, AT(cpu_burst), "N", "unused CPU time to be saved up, in microseconds" },
	{ "cpu-share", 0, OPTION_STRING, AT(cpu_share), "N", "CPU shares, 2 to 262144; 1024 is everybody's" },
	{ "cpu-rt-period", 0, OPTION_STRING, AT(cpu_rt_period), "N", "without effect on cgroup v2" },
	{ "cpu-rt-runtime", 0, OPTION_STRING, AT(cpu_rt_runtime), "N", "not to be had on cgroup v2: refused" },
	{ "cpu-idle", 0, OPTION_STRING, AT(cpu_idle), "N", "1: run only when nobody else would; 0: as everybody" },
	{ "cpuset-cpus", 0, OPTION_STRING, AT(cpuset_cpus), "LIST", "CPUs, such as 0-3,7" },
	{ "cpuset-mems", 0, OPTION_STRING, AT(cpuset_mems), "LIST", "memory nodes, such as 0-1" },
	{ "memory", 0, OPTION_STRING, AT(memory), "BYTES", "memory limit, such as 512m; -1: no limit" },
	{ "memory-reservation", 0, OPTION_STRING, AT(memory_reservation), "BYTES",
	  "memory that is spared from reclaim" },
	{ "memory-swap", 0, OPTION_STRING, AT(memory_swap), "BYTES",
	  "limit of memory and swap together; -1: no limit" },
	{ "kernel-memory", 0, OPTION_STRING, AT(kernel_memory), "N", "ignored" },
	{ "kernel-memory-tcp", 0, OPTION_STRING, AT(kernel_memory_tcp), "N", "ignored" },
	{ "pids-limit", 0, OPTION_STRING, AT(pids_limit), "N", "number of processes and threads; -1: no limit" },
	{ "l3-cache-schema", 0, OPTION_STRING, AT(l3_cache_schema), "SCHEMA", "resctrl's schema of the L3 cache" },
	{ "mem-bw-schema", 0, OPTION_STRING, AT(mem_bw_schema), "SCHEMA", "resctrl's schema of memory bandwidth" },
	{ 0 },
};

const struct cmd cmd_update = {
	.name = "update",
	.operands = "ID",
	.summary = "Change the limits of a container.",
	.options = options_table,
	.options_size = sizeof(struct update_options),
	.min_words = 1,
	.max_words = 1,
	.wants_rootless = true,
	.failed_status = CMD_FAILED,
	.run = run,
};
