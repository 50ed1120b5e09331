/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_stats.c: see cgroup_stats.h. */
#include "cgroup_stats.h"

#include "io.h"
#include "str.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX 65536 /* bytes of one file */
#define LINES_MAX 1024 /* of one file */
#define SIZES_MAX 16   /* of huge pages: no architecture has as many */

/* ---- texts ---- */

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : line + strlen(line);
}

void cgroup_stats_parse_flat(const char *text, struct cgroup_stat_list *out)
{
	for (const char *line = text; *line && out->n < LINES_MAX; line = next_line(line)) {
		size_t len = strcspn(line, " \n");
		const char *at = line + len + 1;
		uint64_t value;

		if (len == 0 || len >= CGROUP_STAT_NAME_MAX || line[len] != ' ' ||
		    !str_take_u64(&at, UINT64_MAX, &value))
			continue;
		out->v = x_realloc(out->v, out->n + 1, sizeof(*out->v));
		memcpy(out->v[out->n].name, line, len);
		out->v[out->n].name[len] = '\0';
		out->v[out->n++].value = value;
	}
}

/* "avg10=0.12 avg60=..": percentages with two digits. */
static double take_average(const char *line, const char *end, const char *key)
{
	const char *at = memmem(line, (size_t)(end - line), key, strlen(key));
	uint64_t whole, part = 0;

	if (!at)
		return 0;
	at += strlen(key);
	if (!str_take_u64(&at, 100, &whole))
		return 0;
	if (*at == '.' && at[1] >= '0' && at[1] <= '9' && at[2] >= '0' && at[2] <= '9')
		part = (uint64_t)(at[1] - '0') * 10 + (uint64_t)(at[2] - '0');
	return (double)whole + (double)part / 100;
}

static void parse_psi_line(const char *line, const char *end, struct cgroup_psi_line *out)
{
	const char *total = memmem(line, (size_t)(end - line), "total=", strlen("total="));

	out->avg10 = take_average(line, end, "avg10=");
	out->avg60 = take_average(line, end, "avg60=");
	out->avg300 = take_average(line, end, "avg300=");
	if (total) {
		total += strlen("total=");
		(void)str_take_u64(&total, UINT64_MAX, &out->total);
	}
}

void cgroup_stats_parse_psi(const char *text, struct cgroup_psi *out)
{
	for (const char *line = text; *line; line = next_line(line)) {
		const char *end = line + strcspn(line, "\n");

		if (str_starts(line, "some "))
			parse_psi_line(line, end, &out->some);
		else if (str_starts(line, "full "))
			parse_psi_line(line, end, &out->full);
		else
			continue;
		out->given = true;
	}
}

static void parse_io_value(const char *word, struct cgroup_io *io)
{
	static const struct {
		const char *key;
		size_t offset;
	} keys[] = {
		{ "rbytes=", offsetof(struct cgroup_io, rbytes) }, { "wbytes=", offsetof(struct cgroup_io, wbytes) },
		{ "dbytes=", offsetof(struct cgroup_io, dbytes) }, { "rios=", offsetof(struct cgroup_io, rios) },
		{ "wios=", offsetof(struct cgroup_io, wios) },	   { "dios=", offsetof(struct cgroup_io, dios) },
	};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *at = word + strlen(keys[i].key);

		if (str_starts(word, keys[i].key))
			(void)str_take_u64(&at, UINT64_MAX, (uint64_t *)(void *)((char *)io + keys[i].offset));
	}
}

/* "8:16 rbytes=1459200 wbytes=314773504 rios=192 ..." */
void cgroup_stats_parse_io(const char *text, struct cgroup_io **out, size_t *out_n)
{
	for (const char *line = text; *line && *out_n < LINES_MAX; line = next_line(line)) {
		struct cgroup_io io = { 0 };
		const char *at = line;
		uint64_t major, minor;

		if (!str_take_u64(&at, UINT32_MAX, &major) || *at++ != ':' || !str_take_u64(&at, UINT32_MAX, &minor))
			continue;
		io.major = (uint32_t)major;
		io.minor = (uint32_t)minor;
		while (*at == ' ') {
			parse_io_value(++at, &io);
			at += strcspn(at, " \n");
		}
		*out = x_realloc(*out, *out_n + 1, sizeof(**out));
		(*out)[(*out_n)++] = io;
	}
}

/* ---- files ---- */

/* NULL when there is none. */
static char *read_text(int fd, const char *file)
{
	char *text = NULL;

	return io_read_file(fd, file, 0, FILE_MAX, &text, NULL, NULL) < 0 ? NULL : text;
}

static void read_flat(int fd, const char *file, struct cgroup_stat_list *out)
{
	AUTO_FREE char *text = read_text(fd, file);

	if (text)
		cgroup_stats_parse_flat(text, out);
}

static void read_psi(int fd, const char *file, struct cgroup_psi *out)
{
	AUTO_FREE char *text = read_text(fd, file);

	if (text)
		cgroup_stats_parse_psi(text, out);
}

/* One number, or "max". 0 when there is no file. */
static uint64_t read_number(int fd, const char *file, uint64_t max_means)
{
	AUTO_FREE char *text = read_text(fd, file);
	const char *at = text;
	uint64_t value = 0;

	if (!text)
		return 0;
	if (str_starts(text, "max"))
		return max_means;
	return str_take_u64(&at, UINT64_MAX, &value) ? value : 0;
}

static void read_hugetlb(int fd, struct cgroup_stats *out)
{
	static const char prefix[] = "hugetlb.", suffix[] = ".current";
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);

	if (!d && copy >= 0)
		(void)close(copy);
	for (struct dirent *entry = d ? readdir(d) : NULL; entry && out->n_hugetlb < SIZES_MAX; entry = readdir(d)) {
		size_t len = strlen(entry->d_name), affixes = sizeof(prefix) - 1 + sizeof(suffix) - 1;
		struct cgroup_stat_list events = { 0 };
		struct cgroup_hugetlb *h;
		char file[NAME_MAX + 1];

		if (len <= affixes || len - affixes >= CGROUP_STAT_NAME_MAX || !str_starts(entry->d_name, prefix) ||
		    !str_eq(entry->d_name + len - (sizeof(suffix) - 1), suffix) ||
		    memmem(entry->d_name, len, ".rsvd.", strlen(".rsvd.")))
			continue;
		out->hugetlb = x_realloc(out->hugetlb, out->n_hugetlb + 1, sizeof(*h));
		h = &out->hugetlb[out->n_hugetlb++];
		(void)snprintf(h->size, sizeof(h->size), "%.*s", (int)(len - affixes),
			       entry->d_name + sizeof(prefix) - 1);
		h->usage = read_number(fd, entry->d_name, UINT64_MAX);
		(void)snprintf(file, sizeof(file), "%s%s.events", prefix, h->size);
		read_flat(fd, file, &events);
		h->failures = cgroup_stat_value(&events, "max");
		free(events.v);
	}
	if (d)
		(void)closedir(d);
}

void cgroup_stats_read(int fd, struct cgroup_stats *out)
{
	AUTO_FREE char *io = read_text(fd, "io.stat");

	read_flat(fd, "cpu.stat", &out->cpu);
	read_flat(fd, "memory.stat", &out->memory);
	read_flat(fd, "memory.events", &out->memory_events);
	out->memory_usage = read_number(fd, "memory.current", UINT64_MAX);
	out->memory_limit = read_number(fd, "memory.max", UINT64_MAX);
	out->memory_peak = read_number(fd, "memory.peak", UINT64_MAX); /* Linux 5.19 */
	out->swap_usage = read_number(fd, "memory.swap.current", UINT64_MAX);
	out->swap_limit = read_number(fd, "memory.swap.max", UINT64_MAX);
	out->pids = read_number(fd, "pids.current", UINT64_MAX);
	out->pids_limit = read_number(fd, "pids.max", 0);
	read_psi(fd, "cpu.pressure", &out->cpu_psi);
	read_psi(fd, "memory.pressure", &out->memory_psi);
	read_psi(fd, "io.pressure", &out->io_psi);
	if (io)
		cgroup_stats_parse_io(io, &out->io, &out->n_io);
	read_hugetlb(fd, out);
}

uint64_t cgroup_stat_value(const struct cgroup_stat_list *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++)
		if (str_eq(list->v[i].name, name))
			return list->v[i].value;
	return 0;
}

void cgroup_stats_free(struct cgroup_stats *stats)
{
	free(stats->cpu.v);
	free(stats->memory.v);
	free(stats->memory_events.v);
	free(stats->io);
	free(stats->hugetlb);
	*stats = (struct cgroup_stats){ 0 };
}
