/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_limits.h: linux.resources as a list of writes to files of cgroup v2.
 *
 * Pure: no file is touched, so that tables can test it. cgroup_apply.h carries
 * the list out, on a cgroup that whoever made (cgroup.h, or a service manager).
 */
#ifndef HUSK_LINUX_CGROUP_LIMITS_H
#define HUSK_LINUX_CGROUP_LIMITS_H

#include "err.h"
#include "json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CGROUP_UNLIMITED UINT64_MAX /* "max" */

struct cgroup_step {
	char *file;		 /* "memory.max"; owned, as are the next three */
	char *value;		 /* one line, without a newline */
	char *other_file;	 /* written instead where there is no `file`; NULL: nothing */
	char *other_value;	 /* to other_file; NULL: value */
	bool optional;		 /* where there is no file, what is asked for holds anyway */
	const struct json *node; /* of config.json, for messages */
};

/* In the order in which they are to be written. Starts from all zeroes. */
struct cgroup_steps {
	struct cgroup_step *v;
	size_t n, cap;
};

/* What holds in a cgroup before an update; a new one has cgroup_current_none. */
struct cgroup_current {
	uint64_t memory; /* bytes, or CGROUP_UNLIMITED; 0: not known */
	uint64_t swap;	 /* the same, of swap alone */
	uint64_t quota;	 /* microseconds, or CGROUP_UNLIMITED */
	uint64_t period; /* microseconds */
	uint64_t burst;	 /* microseconds */
};
extern const struct cgroup_current cgroup_current_none;

/* Turns resources (linux.resources; NULL: none), which cgroup_check_resources() has passed, into steps:
 * pids, memory, io, cpu, cpuset, hugetlb, rdma, and last `unified`, as runc orders them. Keys are converted
 * as runc 1.3 and crun 1.23 do. Values that stand for "not set" (0, "") give no step. -EINVAL for a value
 * that cgroup v2 cannot have, with its path. End with cgroup_steps_free(), on failure too. */
int cgroup_limits_plan(const struct json *resources, const struct cgroup_current *current, struct cgroup_steps *out,
		       struct err *e);
/* None of them fails for want of a file. */
void cgroup_steps_make_optional(struct cgroup_steps *steps);
void cgroup_steps_free(struct cgroup_steps *steps);

/* The length of the controller's name in that of a file: "memory" of "memory.max". 0 for what belongs to
 * none ("cgroup.freeze", or no dot). */
size_t cgroup_file_controller(const char *file);

/* cpu.shares (2 .. 262144, 1024 is everybody's) -> cpu.weight (1 .. 10000, 100 is everybody's). Quadratic
 * between the three pairs, as opencontainers/cgroups has it since 0.0.3. */
uint64_t cgroup_shares_to_weight(uint64_t shares);
/* blkio.weight (10 .. 1000) -> io.weight (1 .. 10000), linear. */
uint64_t cgroup_blkio_to_io_weight(uint64_t weight);

#endif
