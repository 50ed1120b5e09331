/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_kernel.c: the texts that the kernel gives, which a container has its part
 * in: it chooses names of processes, cgroups and mount points. Each input is read
 * as every one of them: mountinfo, cgroup, uid_map and stat of /proc/PID,
 * cgroup.events, cgroup.procs, the statistics of a cgroup, and (two texts, a NUL
 * byte between) schemata, cgroup.controllers, and a limit with what was there.
 */
#include "cgroup.h"
#include "cgroup_apply.h"
#include "cgroup_controllers.h"
#include "cgroup_procs.h"
#include "cgroup_stats.h"
#include "fuzz.h"
#include "mountinfo.h"
#include "proc.h"
#include "rdt.h"

#include <errno.h>
#include <sys/sysmacros.h>

static void read_mountinfo(const char *text)
{
	static const unsigned int devices[][2] = { { 0, 1 }, { 0, 22 }, { 8, 1 }, { 259, 0 } };
	char name[16];

	for (size_t i = 0; i < ARRAY_LEN(devices); i++) {
		memset(name, '\n', sizeof(name));
		if (mountinfo_fstype(text, makedev(devices[i][0], devices[i][1]), name, sizeof(name)))
			require(memchr(name, '\0', sizeof(name)) && !name[strcspn(name, " \n")]);
		else
			require(name[0] == '\n');
	}
}

static void read_cgroup(const char *text)
{
	AUTO_FREE char *copy = x_strdup(text);
	AUTO_FREE char *joined = NULL;
	struct err e = { 0 };
	const char *own = cgroup_own_path(copy);
	int r;

	require(!own || (own >= copy + 3 && own <= copy + strlen(text) && !strchr(own, '\n')));
	if (!own)
		return;
	r = cgroup_path_join(own, NULL, "c1", &joined, &e);
	if (r < 0)
		require_message(r, &e);
	else
		require(joined[0] != '/' && !str_starts(joined, "../") && !strstr(joined, "/../"));
}

static void read_proc(const char *text)
{
	uint64_t ticks = 7;
	char state = '\0';

	if (proc_parse_stat(text, &ticks, &state) == 0)
		require(strchr(text, ')') && state);
	else
		require(ticks == 7);
	if (proc_uid_map_is_whole(text))
		require(strstr(text, "4294967295") != NULL);
}

static void read_cgroup_files(const char *text)
{
	AUTO_FREE char *copy = x_strdup(text);
	struct cgroup_pids pids = { 0 };
	int r = cgroup_event_value(text, "populated");

	require(r == 0 || r == 1 || r == -ENODATA);
	require(r == -ENODATA || strstr(text, "populated "));
	cgroup_pids_parse(copy, &pids);
	for (size_t i = 0; i < pids.n; i++)
		require(pids.v[i] > 0);
	free(pids.v);
}

static void read_stats(const char *text)
{
	struct cgroup_stat_list flat = { 0 };
	struct cgroup_psi psi = { 0 };
	struct cgroup_io *io = NULL;
	size_t n = 0;

	cgroup_stats_parse_flat(text, &flat);
	for (size_t i = 0; i < flat.n; i++)
		require(flat.v[i].name[0] && strstr(text, flat.v[i].name));
	(void)cgroup_stat_value(&flat, "oom_kill");
	free(flat.v);
	cgroup_stats_parse_psi(text, &psi);
	require(psi.some.avg10 >= 0 && psi.some.avg10 < 101);
	cgroup_stats_parse_io(text, &io, &n);
	free(io);
}

static void read_two(const char *text, const char *other)
{
	static const char *const files[] = { "io.max", "io.weight", "memory.max", "rdma.max" };
	AUTO_FREE char *request = cgroup_controllers_request(text, other);

	require(!request || request[0] == '+');
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		AUTO_FREE char *before = cgroup_value_before(files[i], text, other);

		require(!before || before[0]);
	}
	(void)rdt_same_schemas(text, other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = next_text(&data, &size);
	AUTO_FREE char *other = text_copy(data, size);

	if (!text)
		return 0;
	read_mountinfo(text);
	read_cgroup(text);
	read_proc(text);
	read_cgroup_files(text);
	read_stats(text);
	read_two(text, other);
	return 0;
}
