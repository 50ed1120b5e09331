/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_stats.h: what a cgroup has used, from its files (cgroup-v2.rst).
 *
 * A file that is not there, as its controller is not, leaves its numbers at 0. The
 * kernel's texts are bounded and parsed by the functions that fuzzing calls.
 */
#ifndef HUSK_LINUX_CGROUP_STATS_H
#define HUSK_LINUX_CGROUP_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CGROUP_STAT_NAME_MAX 48 /* bytes of "workingset_activate_anon" and the like, with the NUL */

/* One line of a flat keyed file: memory.stat and others. */
struct cgroup_stat {
	char name[CGROUP_STAT_NAME_MAX];
	uint64_t value;
};

struct cgroup_stat_list {
	struct cgroup_stat *v; /* owned */
	size_t n;
};

/* cpu.pressure and its like (psi(7)): percentages, and microseconds in all. */
struct cgroup_psi_line {
	double avg10, avg60, avg300;
	uint64_t total;
};
struct cgroup_psi {
	bool given; /* the kernel has it */
	struct cgroup_psi_line some, full;
};

/* One device of io.stat. */
struct cgroup_io {
	uint32_t major, minor;
	uint64_t rbytes, wbytes, dbytes, rios, wios, dios;
};

struct cgroup_hugetlb {
	char size[CGROUP_STAT_NAME_MAX]; /* "2MB" */
	uint64_t usage, failures;
};

struct cgroup_stats {
	struct cgroup_stat_list cpu, memory, memory_events; /* cpu.stat (us), memory.stat (bytes), memory.events */
	uint64_t memory_usage, memory_limit, memory_peak;   /* bytes; limits: UINT64_MAX without */
	uint64_t swap_usage, swap_limit;		    /* of swap alone */
	uint64_t pids, pids_limit;			    /* limit: 0 without */
	struct cgroup_psi cpu_psi, memory_psi, io_psi;
	struct cgroup_io *io; /* owned, as is the next */
	size_t n_io;
	struct cgroup_hugetlb *hugetlb;
	size_t n_hugetlb;
};

/* Fills *out, which starts from all zeroes; ended by cgroup_stats_free(). fd: the cgroup's directory. */
void cgroup_stats_read(int fd, struct cgroup_stats *out);
void cgroup_stats_free(struct cgroup_stats *stats);

/* The value of a line; 0 when there is none. */
uint64_t cgroup_stat_value(const struct cgroup_stat_list *list, const char *name);

/* The parsers alone; text is NUL-terminated, lines that are not understood are skipped. */
void cgroup_stats_parse_flat(const char *text, struct cgroup_stat_list *out);
void cgroup_stats_parse_psi(const char *text, struct cgroup_psi *out);
void cgroup_stats_parse_io(const char *text, struct cgroup_io **out, size_t *out_n);

#endif
