/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events_json.c: see events_json.h.
 *
 * The keys were made for cgroup v1; what v2 counts in another unit is converted as
 * runc does: times in nanoseconds, swap with memory in it. Keys of v1 alone are left out.
 */
#include "events_json.h"

#include "gen.h"
#include "str.h"

#define NS_PER_US 1000U

static void put_percent(yajl_gen g, const char *key, double value)
{
	AUTO_FREE char *text = x_printf("%.2f", value);

	gen_raw(g, key, text);
}

static void put_psi_line(yajl_gen g, const char *key, const struct cgroup_psi_line *line)
{
	gen_object_open(g, key);
	put_percent(g, "avg10", line->avg10);
	put_percent(g, "avg60", line->avg60);
	put_percent(g, "avg300", line->avg300);
	gen_u64(g, "total", line->total);
	gen_object_close(g);
}

static void put_psi(yajl_gen g, const struct cgroup_psi *psi)
{
	if (!psi->given)
		return;
	gen_object_open(g, "psi");
	put_psi_line(g, "some", &psi->some);
	put_psi_line(g, "full", &psi->full);
	gen_object_close(g);
}

static void put_cpu(yajl_gen g, const struct cgroup_stats *s)
{
	gen_object_open(g, "cpu");
	gen_object_open(g, "usage");
	gen_u64(g, "total", cgroup_stat_value(&s->cpu, "usage_usec") * NS_PER_US);
	gen_u64(g, "kernel", cgroup_stat_value(&s->cpu, "system_usec") * NS_PER_US);
	gen_u64(g, "user", cgroup_stat_value(&s->cpu, "user_usec") * NS_PER_US);
	gen_object_close(g);
	gen_object_open(g, "throttling");
	gen_u64(g, "periods", cgroup_stat_value(&s->cpu, "nr_periods"));
	gen_u64(g, "throttledPeriods", cgroup_stat_value(&s->cpu, "nr_throttled"));
	gen_u64(g, "throttledTime", cgroup_stat_value(&s->cpu, "throttled_usec") * NS_PER_US);
	gen_object_close(g);
	put_psi(g, &s->cpu_psi);
	gen_object_close(g);
}

static void put_memory_entry(yajl_gen g, const char *key, uint64_t usage, uint64_t limit, uint64_t peak,
			     uint64_t failures)
{
	gen_object_open(g, key);
	gen_u64(g, "limit", limit);
	gen_u64(g, "usage", usage);
	if (peak)
		gen_u64(g, "max", peak);
	gen_u64(g, "failcnt", failures);
	gen_object_close(g);
}

/* Sums that stay at "no limit". */
static uint64_t add_limits(uint64_t a, uint64_t b)
{
	return a == UINT64_MAX || b == UINT64_MAX ? UINT64_MAX : a + b;
}

static void put_memory(yajl_gen g, const struct cgroup_stats *s)
{
	static const char *const counts[] = { "low", "high", "max", "oom", "oom_kill" };

	gen_object_open(g, "memory");
	gen_u64(g, "cache", cgroup_stat_value(&s->memory, "file"));
	put_memory_entry(g, "usage", s->memory_usage, s->memory_limit, s->memory_peak,
			 cgroup_stat_value(&s->memory_events, "max"));
	put_memory_entry(g, "swap", s->memory_usage + s->swap_usage, add_limits(s->memory_limit, s->swap_limit), 0, 0);
	put_memory_entry(g, "kernel", cgroup_stat_value(&s->memory, "kernel"), 0, 0, 0);
	put_memory_entry(g, "kernelTCP", cgroup_stat_value(&s->memory, "sock"), 0, 0, 0);
	gen_object_open(g, "raw");
	for (size_t i = 0; i < s->memory.n; i++)
		gen_u64(g, s->memory.v[i].name, s->memory.v[i].value);
	gen_object_close(g);
	put_psi(g, &s->memory_psi);
	gen_object_open(g, "event_count");
	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		gen_u64(g, counts[i], cgroup_stat_value(&s->memory_events, counts[i]));
	gen_object_close(g);
	gen_object_close(g);
}

static void put_io_entry(yajl_gen g, const struct cgroup_io *io, const char *op, uint64_t value)
{
	gen_object_open(g, NULL);
	gen_u64(g, "major", io->major);
	gen_u64(g, "minor", io->minor);
	gen_pair(g, "op", op);
	gen_u64(g, "value", value);
	gen_object_close(g);
}

static void put_io(yajl_gen g, const struct cgroup_stats *s)
{
	gen_object_open(g, "blkio");
	gen_array_open(g, "ioServiceBytesRecursive");
	for (const struct cgroup_io *io = s->io; io < s->io + s->n_io; io++) {
		put_io_entry(g, io, "Read", io->rbytes);
		put_io_entry(g, io, "Write", io->wbytes);
		put_io_entry(g, io, "Discard", io->dbytes);
	}
	gen_array_close(g);
	gen_array_open(g, "ioServicedRecursive");
	for (const struct cgroup_io *io = s->io; io < s->io + s->n_io; io++) {
		put_io_entry(g, io, "Read", io->rios);
		put_io_entry(g, io, "Write", io->wios);
		put_io_entry(g, io, "Discard", io->dios);
	}
	gen_array_close(g);
	put_psi(g, &s->io_psi);
	gen_object_close(g);
}

static void put_hugetlb(yajl_gen g, const struct cgroup_stats *s)
{
	gen_object_open(g, "hugetlb");
	for (const struct cgroup_hugetlb *h = s->hugetlb; h < s->hugetlb + s->n_hugetlb; h++) {
		gen_object_open(g, h->size);
		gen_u64(g, "usage", h->usage);
		gen_u64(g, "failcnt", h->failures);
		gen_object_close(g);
	}
	gen_object_close(g);
}

static yajl_gen open_event(const char *type, const char *id)
{
	yajl_gen g = gen_new(NULL);

	gen_object_open(g, NULL);
	gen_pair(g, "type", type);
	gen_pair(g, "id", id);
	return g;
}

char *events_json_stats(const char *id, const struct cgroup_stats *stats)
{
	yajl_gen g = open_event("stats", id);

	gen_object_open(g, "data");
	put_cpu(g, stats);
	gen_object_open(g, "cpuset");
	gen_object_close(g);
	put_memory(g, stats);
	gen_object_open(g, "pids");
	gen_u64(g, "current", stats->pids);
	gen_u64(g, "limit", stats->pids_limit);
	gen_object_close(g);
	put_io(g, stats);
	put_hugetlb(g, stats);
	gen_object_open(g, "intel_rdt");
	gen_object_close(g);
	gen_raw(g, "network_interfaces", "null");
	gen_object_close(g);
	gen_object_close(g);
	return gen_end(g);
}

char *events_json_oom(const char *id)
{
	yajl_gen g = open_event("oom", id);

	gen_object_close(g);
	return gen_end(g);
}
