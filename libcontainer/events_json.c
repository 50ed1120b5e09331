/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events_json.c: see events_json.h.
 *
 * The keys were made for cgroup v1; what v2 counts in another unit is converted as
 * runc does: times in nanoseconds, swap with memory in it. Keys of v1 alone are left out.
 */
#include "events_json.h"

#include "str.h"

#include <string.h>
#include <yajl/yajl_gen.h>

#define NS_PER_US 1000U

static void put_key(yajl_gen g, const char *key)
{
	(void)yajl_gen_string(g, (const unsigned char *)key, strlen(key));
}

static void put_text(yajl_gen g, const char *key, const char *value)
{
	put_key(g, key);
	put_key(g, value);
}

/* yajl's own integers are signed. */
static void put_number(yajl_gen g, const char *key, uint64_t value)
{
	AUTO_FREE char *text = x_printf("%llu", (unsigned long long)value);

	put_key(g, key);
	(void)yajl_gen_number(g, text, strlen(text));
}

static void put_percent(yajl_gen g, const char *key, double value)
{
	AUTO_FREE char *text = x_printf("%.2f", value);

	put_key(g, key);
	(void)yajl_gen_number(g, text, strlen(text));
}

static void open_object(yajl_gen g, const char *key)
{
	put_key(g, key);
	(void)yajl_gen_map_open(g);
}

static void put_psi_line(yajl_gen g, const char *key, const struct cgroup_psi_line *line)
{
	open_object(g, key);
	put_percent(g, "avg10", line->avg10);
	put_percent(g, "avg60", line->avg60);
	put_percent(g, "avg300", line->avg300);
	put_number(g, "total", line->total);
	(void)yajl_gen_map_close(g);
}

static void put_psi(yajl_gen g, const struct cgroup_psi *psi)
{
	if (!psi->given)
		return;
	open_object(g, "psi");
	put_psi_line(g, "some", &psi->some);
	put_psi_line(g, "full", &psi->full);
	(void)yajl_gen_map_close(g);
}

static void put_cpu(yajl_gen g, const struct cgroup_stats *s)
{
	open_object(g, "cpu");
	open_object(g, "usage");
	put_number(g, "total", cgroup_stat_value(&s->cpu, "usage_usec") * NS_PER_US);
	put_number(g, "kernel", cgroup_stat_value(&s->cpu, "system_usec") * NS_PER_US);
	put_number(g, "user", cgroup_stat_value(&s->cpu, "user_usec") * NS_PER_US);
	(void)yajl_gen_map_close(g);
	open_object(g, "throttling");
	put_number(g, "periods", cgroup_stat_value(&s->cpu, "nr_periods"));
	put_number(g, "throttledPeriods", cgroup_stat_value(&s->cpu, "nr_throttled"));
	put_number(g, "throttledTime", cgroup_stat_value(&s->cpu, "throttled_usec") * NS_PER_US);
	(void)yajl_gen_map_close(g);
	put_psi(g, &s->cpu_psi);
	(void)yajl_gen_map_close(g);
}

static void put_memory_entry(yajl_gen g, const char *key, uint64_t usage, uint64_t limit, uint64_t peak,
			     uint64_t failures)
{
	open_object(g, key);
	put_number(g, "limit", limit);
	put_number(g, "usage", usage);
	if (peak)
		put_number(g, "max", peak);
	put_number(g, "failcnt", failures);
	(void)yajl_gen_map_close(g);
}

/* Sums that stay at "no limit". */
static uint64_t add_limits(uint64_t a, uint64_t b)
{
	return a == UINT64_MAX || b == UINT64_MAX ? UINT64_MAX : a + b;
}

static void put_memory(yajl_gen g, const struct cgroup_stats *s)
{
	static const char *const counts[] = { "low", "high", "max", "oom", "oom_kill" };

	open_object(g, "memory");
	put_number(g, "cache", cgroup_stat_value(&s->memory, "file"));
	put_memory_entry(g, "usage", s->memory_usage, s->memory_limit, s->memory_peak,
			 cgroup_stat_value(&s->memory_events, "max"));
	put_memory_entry(g, "swap", s->memory_usage + s->swap_usage, add_limits(s->memory_limit, s->swap_limit), 0, 0);
	put_memory_entry(g, "kernel", cgroup_stat_value(&s->memory, "kernel"), 0, 0, 0);
	put_memory_entry(g, "kernelTCP", cgroup_stat_value(&s->memory, "sock"), 0, 0, 0);
	open_object(g, "raw");
	for (size_t i = 0; i < s->memory.n; i++)
		put_number(g, s->memory.v[i].name, s->memory.v[i].value);
	(void)yajl_gen_map_close(g);
	put_psi(g, &s->memory_psi);
	open_object(g, "event_count");
	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		put_number(g, counts[i], cgroup_stat_value(&s->memory_events, counts[i]));
	(void)yajl_gen_map_close(g);
	(void)yajl_gen_map_close(g);
}

static void put_io_entry(yajl_gen g, const struct cgroup_io *io, const char *op, uint64_t value)
{
	(void)yajl_gen_map_open(g);
	put_number(g, "major", io->major);
	put_number(g, "minor", io->minor);
	put_text(g, "op", op);
	put_number(g, "value", value);
	(void)yajl_gen_map_close(g);
}

static void put_io(yajl_gen g, const struct cgroup_stats *s)
{
	open_object(g, "blkio");
	put_key(g, "ioServiceBytesRecursive");
	(void)yajl_gen_array_open(g);
	for (const struct cgroup_io *io = s->io; io < s->io + s->n_io; io++) {
		put_io_entry(g, io, "Read", io->rbytes);
		put_io_entry(g, io, "Write", io->wbytes);
		put_io_entry(g, io, "Discard", io->dbytes);
	}
	(void)yajl_gen_array_close(g);
	put_key(g, "ioServicedRecursive");
	(void)yajl_gen_array_open(g);
	for (const struct cgroup_io *io = s->io; io < s->io + s->n_io; io++) {
		put_io_entry(g, io, "Read", io->rios);
		put_io_entry(g, io, "Write", io->wios);
		put_io_entry(g, io, "Discard", io->dios);
	}
	(void)yajl_gen_array_close(g);
	put_psi(g, &s->io_psi);
	(void)yajl_gen_map_close(g);
}

static void put_hugetlb(yajl_gen g, const struct cgroup_stats *s)
{
	open_object(g, "hugetlb");
	for (const struct cgroup_hugetlb *h = s->hugetlb; h < s->hugetlb + s->n_hugetlb; h++) {
		open_object(g, h->size);
		put_number(g, "usage", h->usage);
		put_number(g, "failcnt", h->failures);
		(void)yajl_gen_map_close(g);
	}
	(void)yajl_gen_map_close(g);
}

static yajl_gen open_event(const char *type, const char *id)
{
	yajl_gen g = yajl_gen_alloc(NULL);

	if (!g)
		abort();
	(void)yajl_gen_map_open(g);
	put_text(g, "type", type);
	put_text(g, "id", id);
	return g;
}

static char *close_event(yajl_gen g)
{
	const unsigned char *text;
	char *out = NULL;
	size_t len;

	(void)yajl_gen_map_close(g);
	if (yajl_gen_get_buf(g, &text, &len) == yajl_gen_status_ok)
		out = x_strdup((const char *)text);
	yajl_gen_free(g);
	return out;
}

char *events_json_stats(const char *id, const struct cgroup_stats *stats)
{
	yajl_gen g = open_event("stats", id);

	open_object(g, "data");
	put_cpu(g, stats);
	open_object(g, "cpuset");
	(void)yajl_gen_map_close(g);
	put_memory(g, stats);
	open_object(g, "pids");
	put_number(g, "current", stats->pids);
	put_number(g, "limit", stats->pids_limit);
	(void)yajl_gen_map_close(g);
	put_io(g, stats);
	put_hugetlb(g, stats);
	open_object(g, "intel_rdt");
	(void)yajl_gen_map_close(g);
	put_key(g, "network_interfaces");
	(void)yajl_gen_null(g);
	(void)yajl_gen_map_close(g);
	return close_event(g);
}

char *events_json_oom(const char *id)
{
	return close_event(open_event("oom", id));
}
