/* SPDX-License-Identifier: Apache-2.0 */
/* rdt.c: see rdt.h. */
#include "rdt.h"

#include "fd.h"
#include "io.h"
#include "kernel.h"
#include "spec.h"
#include "str.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SCHEMATA_MAX (64 << 10)
#define STATUS_MAX 256

int rdt_open_root(int *out_fd, struct err *e)
{
	AUTO_FD fd = open(RDT_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fd_check_magic(fd, HUSK_RDTGROUP_SUPER_MAGIC) < 0)
		return err_set(e, ENOENT,
			       "linux.intelRdt: no resctrl file system is mounted on " RDT_ROOT
			       " (mount -t resctrl resctrl " RDT_ROOT
			       "; the processor must have RDT or QoS, and the kernel "
			       "CONFIG_X86_CPU_RESCTRL)");
	*out_fd = fd_take(&fd);
	return 0;
}

static bool has_schemas(const struct spec_intel_rdt *rdt)
{
	return rdt->l3_cache_schema || rdt->mem_bw_schema || rdt->schemata.n;
}

static const char *group_name(const struct spec_intel_rdt *rdt, const char *id)
{
	if (!rdt->clos_id)
		return id;
	return str_eq(rdt->clos_id, "/") ? "." : rdt->clos_id;
}

static int open_group(int root, const struct spec_intel_rdt *rdt, const char *id, int *out_fd, struct err *e)
{
	const char *name = group_name(rdt, id);
	AUTO_FD fd = openat(root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT && rdt->clos_id && !has_schemas(rdt))
		return err_set(
			e, ENOENT,
			"linux.intelRdt.closID: there is no group '%s' in resctrl, and no schema to make it with",
			name);
	if (fd < 0)
		return err_sys(e, errno, "linux.intelRdt: open the group '%s' in resctrl", name);
	*out_fd = fd_take(&fd);
	return 0;
}

/* resctrl explains its last failure in a file of its own. */
static int group_err(int root, int code, const char *what, const char *name, struct err *e)
{
	char why[STATUS_MAX];
	ssize_t n = io_read_small(root, "info/last_cmd_status", why, sizeof(why));

	if (n < 0)
		why[0] = '\0';
	why[strcspn(why, "\n")] = '\0';
	if (!why[0] || str_eq(why, "ok"))
		return err_sys(e, code, "linux.intelRdt: %s '%s'", what, name);
	return err_sys(e, code, "linux.intelRdt: %s '%s': resctrl says '%s'", what, name, why);
}

/* --- schemas --- */

/* The lines of l3CacheSchema and memBwSchema; a line "MB:" of the first gives way to the second. */
static char *combined(const struct spec_intel_rdt *rdt)
{
	const char *line = rdt->l3_cache_schema ? rdt->l3_cache_schema : "", *end;
	struct strbuf b = { 0 };

	for (; *line; line = *end ? end + 1 : end) {
		end = line + strcspn(line, "\n");
		if (end == line || (rdt->mem_bw_schema && str_starts(line, "MB:")))
			continue;
		strbuf_add(&b, line, (size_t)(end - line));
		strbuf_puts(&b, "\n");
	}
	if (rdt->mem_bw_schema)
		strbuf_printf(&b, "%s\n", rdt->mem_bw_schema);
	return b.s;
}

/* "0=00ff" and "0=ff" mean the same: the kernel pads values. The first is at *s, which then stands
 * behind it. */
struct share {
	const char *id, *value;
	size_t id_len, value_len;
};

static bool next_share(const char **s, struct share *out)
{
	const char *end, *equals;

	*s += strspn(*s, "; \t");
	end = *s + strcspn(*s, ";\n");
	equals = memchr(*s, '=', (size_t)(end - *s));
	if (!equals)
		return false;
	*out = (struct share){ .id = *s, .value = equals + 1, .id_len = (size_t)(equals - *s) };
	out->value += strspn(out->value, " \t");
	while (*out->value == '0' && out->value + 1 < end && out->value[1] != ' ')
		out->value++;
	out->value_len = strcspn(out->value, "; \t\n");
	*s = end;
	return true;
}

static bool share_is_there(const char *line, const struct share *want)
{
	struct share have;

	while (next_share(&line, &have))
		if (have.id_len == want->id_len && memcmp(have.id, want->id, want->id_len) == 0)
			return have.value_len == want->value_len &&
			       strncasecmp(have.value, want->value, want->value_len) == 0;
	return false;
}

/* The line of `text` for the resource of `line` ("L3:"), behind the colon; NULL without. */
static const char *find_resource(const char *text, const char *line)
{
	size_t len = strcspn(line, ":\n") + 1;

	for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
		text += strspn(text, " \t");
		if (strncmp(text, line, len) == 0)
			return text + len;
	}
	return NULL;
}

bool rdt_same_schemas(const char *want, const char *have)
{
	for (; *want; want += strcspn(want, "\n"), want += *want == '\n') {
		const char *line = find_resource(have, want), *s = want + strcspn(want, ":\n");
		struct share share;

		if (!line || *s != ':')
			return false;
		for (s++; next_share(&s, &share);)
			if (!share_is_there(line, &share))
				return false;
	}
	return true;
}

static int check_existing(int group, const char *name, const char *want, struct err *e)
{
	AUTO_FREE char *have = NULL;
	size_t len;
	int r = io_read_file(group, "schemata", O_NOFOLLOW, SCHEMATA_MAX, &have, &len, e);

	if (r < 0)
		return err_add(e, "linux.intelRdt: group '%s'", name);
	if (!rdt_same_schemas(want, have))
		return err_set(
			e, EEXIST,
			"linux.intelRdt.closID: the group '%s' exists with another schema than l3CacheSchema and "
			"memBwSchema",
			name);
	return 0;
}

static int write_schemas(int root, int group, const struct spec_intel_rdt *rdt, const char *name, const char *first,
			 struct err *e)
{
	struct strbuf lines = { 0 };
	int r = first ? io_write_value(group, "schemata", first) : 0;

	for (size_t i = 0; i < rdt->schemata.n; i++)
		strbuf_printf(&lines, "%s\n", rdt->schemata.v[i]);
	if (r >= 0 && lines.s)
		r = io_write_value(group, "schemata", lines.s);
	free(lines.s);
	return r < 0 ? group_err(root, -r, "write the schemata of the group", name, e) : 0;
}

/* --- groups --- */

static int make_monitoring(int root, int group, const char *id, struct err *e)
{
	AUTO_FD dir = openat(group, "mon_groups", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir < 0)
		return err_sys(e, errno,
			       "linux.intelRdt.enableMonitoring: open 'mon_groups' in resctrl (can this machine "
			       "monitor?)");
	if (mkdirat(dir, id, 0755) < 0 && errno != EEXIST)
		return group_err(root, errno, "make the monitoring group", id, e);
	return 0;
}

int rdt_make(int root, const struct spec_intel_rdt *rdt, const char *id, struct err *e)
{
	AUTO_FREE char *first = combined(rdt);
	const char *name = group_name(rdt, id);
	bool wanted = !rdt->clos_id || has_schemas(rdt), made = false;
	AUTO_FD group = -1;
	int r;

	if (wanted && !str_eq(name, ".")) {
		made = mkdirat(root, name, 0755) == 0;
		if (!made && errno != EEXIST)
			return group_err(root, errno, "make the group", name, e);
	}
	r = open_group(root, rdt, id, &group, e);
	if (r == 0 && first && !made && rdt->clos_id)
		r = check_existing(group, name, first, e);
	if (r == 0)
		r = write_schemas(root, group, rdt, name, made || !rdt->clos_id ? first : NULL, e);
	if (r == 0 && rdt->monitoring)
		r = make_monitoring(root, group, id, e);
	if (r < 0 && made)
		(void)unlinkat(root, name, AT_REMOVEDIR);
	return r;
}

int rdt_rewrite(int root, const struct spec_intel_rdt *rdt, const char *id, struct err *e)
{
	AUTO_FREE char *first = combined(rdt);
	AUTO_FD group = -1;
	int r = open_group(root, rdt, id, &group, e);

	return r < 0 ? r : write_schemas(root, group, rdt, group_name(rdt, id), first, e);
}

int rdt_join(int root, const struct spec_intel_rdt *rdt, const char *id, pid_t pid, struct err *e)
{
	AUTO_FREE char *tasks = x_printf("mon_groups/%s/tasks", id);
	char number[16];
	AUTO_FD group = -1;
	int r = open_group(root, rdt, id, &group, e);

	if (r < 0)
		return r;
	(void)snprintf(number, sizeof(number), "%d\n", (int)pid);
	r = io_write_value(group, "tasks", number);
	if (r >= 0 && rdt->monitoring)
		r = io_write_value(group, tasks, number);
	return r < 0 ? group_err(root, -r, "move the process to the group", group_name(rdt, id), e) : 0;
}

int rdt_remove(int root, const struct spec_intel_rdt *rdt, const char *id, struct err *e)
{
	const char *name = group_name(rdt, id);
	AUTO_FREE char *monitoring = x_printf("%s/mon_groups/%s", name, id);

	if (rdt->monitoring && unlinkat(root, monitoring, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return group_err(root, errno, "remove the monitoring group", id, e);
	if (!rdt->clos_id && unlinkat(root, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return group_err(root, errno, "remove the group", name, e);
	return 0;
}

int rdt_create(const struct spec_intel_rdt *rdt, const char *id, pid_t pid, struct err *e)
{
	AUTO_FD root = -1;
	int r;

	if (!rdt)
		return 0;
	r = rdt_open_root(&root, e);
	if (r == 0)
		r = rdt_make(root, rdt, id, e);
	return r < 0 ? r : rdt_join(root, rdt, id, pid, e);
}

int rdt_enter(const struct spec_intel_rdt *rdt, const char *id, pid_t pid, struct err *e)
{
	AUTO_FD root = -1;
	int r = rdt ? rdt_open_root(&root, e) : 0;

	return r < 0 || !rdt ? r : rdt_join(root, rdt, id, pid, e);
}

int rdt_update(const struct spec_intel_rdt *rdt, const char *id, struct err *e)
{
	AUTO_FD root = -1;
	int r = rdt_open_root(&root, e);

	return r < 0 ? r : rdt_rewrite(root, rdt, id, e);
}

int rdt_leave(const struct spec_intel_rdt *rdt, const char *id, struct err *e)
{
	AUTO_FD root = -1;

	if (!rdt || rdt_open_root(&root, NULL) < 0)
		return 0;
	return rdt_remove(root, rdt, id, e);
}
