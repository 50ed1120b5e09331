/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_apply.c: see cgroup_apply.h. */
#include "cgroup_apply.h"

#include "fd.h"
#include "io.h"
#include "str.h"

#include <fcntl.h>
#include <string.h>

#define HELD_MAX 65536 /* bytes of one file that are kept */

/* ---- writing ---- */

/* The file of the step that is there; NULL when none is and none is needed. */
static const char *step_file(int fd, const struct cgroup_step *step)
{
	if (faccessat(fd, step->file, F_OK, 0) == 0)
		return step->file;
	if (step->other_file && faccessat(fd, step->other_file, F_OK, 0) == 0)
		return step->other_file;
	return step->optional ? NULL : step->file;
}

static const char *step_value(const struct cgroup_step *step, const char *file)
{
	return file == step->other_file && step->other_value ? step->other_value : step->value;
}

static bool is_idle(int fd)
{
	char text[8];

	return io_read_small(fd, "cpu.idle", text, sizeof(text)) > 0 && text[0] == '1';
}

static int write_failed(int fd, const struct cgroup_step *step, const char *file, const char *value, int code,
			struct err *e)
{
	const char *hint = "";

	if (code == ENOENT)
		return json_err(e, code, step->node, "the kernel has no file '%s' in a cgroup", file);
	if (code == EINVAL && str_eq(file, "cpu.weight") && is_idle(fd))
		hint = ": the cgroup is idle (cpu.idle), and has no weight";
	else if (code == ENODEV && str_starts(file, "io."))
		hint = ": expected the numbers of a whole disk";
	else if (code == EACCES || code == EPERM)
		hint = ": the file is not this user's (is the cgroup delegated?)";
	return json_err(e, code, step->node, "write '%.200s' to %s: %s%s", value, file, strerror(code), hint);
}

/* The common case is one open, one write: who needs another file learns it from ENOENT. */
static int write_step(int fd, const struct cgroup_step *step, struct err *e)
{
	const char *file = step->file, *value = step->value;
	int r = io_write_value(fd, file, value);

	if (r == -ENOENT && step->other_file) {
		file = step->other_file;
		value = step_value(step, file);
		r = io_write_value(fd, file, value);
	}
	if (r == -ENOENT && step->optional)
		return 0;
	return r < 0 ? write_failed(fd, step, file, value, -r, e) : 0;
}

int cgroup_apply(int fd, const struct cgroup_steps *steps, struct err *e)
{
	for (size_t i = 0; i < steps->n; i++) {
		int r = write_step(fd, &steps->v[i], e);

		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- taking back ---- */

/* The line of text that starts with word[0..len) and a blank, without its newline; malloc'ed. */
static char *find_line(const char *text, const char *word, size_t len)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		if (n > len && strncmp(text, word, len) == 0 && text[len] == ' ')
			return x_printf("%.*s", (int)n, text);
		text += n + (text[n] == '\n');
	}
	return NULL;
}

/* No line of a device: nothing was set for it. */
static char *device_default(const char *file, const char *device, size_t len)
{
	if (str_eq(file, "io.max"))
		return x_printf("%.*s rbps=max wbps=max riops=max wiops=max", (int)len, device);
	if (str_eq(file, "io.weight") || str_eq(file, "io.bfq.weight"))
		return x_printf("%.*s default", (int)len, device);
	return NULL;
}

/* "8:0 ..." or "mlx5_0 hca_handle=..." is about one line of several. */
static size_t line_key(const char *value)
{
	size_t len = strcspn(value, " ");

	return memchr(value, ':', len) || (value[len] && strchr(value + len, '=')) ? len : 0;
}

char *cgroup_value_before(const char *file, const char *value, const char *held)
{
	size_t len = line_key(value);
	char *line;

	if (len > 0) {
		line = find_line(held, value, len);
		return line ? line : device_default(file, value, len);
	}
	line = find_line(held, "default", strlen("default"));
	if (line)
		return line;
	len = strcspn(held, "\n");
	/* an empty list is written as a line: write(2) of no bytes would reach no file */
	return len > 0 ? x_printf("%.*s", (int)len, held) : x_strdup("\n");
}

struct kept {
	char *file, *value;
};

struct cgroup_undo {
	struct kept *v;
	size_t n;
};

void cgroup_undo_free(struct cgroup_undo *undo)
{
	if (!undo)
		return;
	for (size_t i = 0; i < undo->n; i++) {
		free(undo->v[i].file);
		free(undo->v[i].value);
	}
	free(undo->v);
	free(undo);
}

/* Write-only files (memory.reclaim) hold nothing, and what they did cannot be taken back. */
static void keep(struct cgroup_undo *undo, int fd, const char *file, const char *value)
{
	AUTO_FREE char *held = NULL;
	char *before;

	if (io_read_file(fd, file, O_NOFOLLOW, HELD_MAX, &held, NULL, NULL) < 0)
		return;
	before = cgroup_value_before(file, value, held);
	if (before)
		undo->v[undo->n++] = (struct kept){ .file = x_strdup(file), .value = before };
}

int cgroup_undo(int fd, const struct cgroup_undo *undo, struct err *e)
{
	int failed = 0;

	for (size_t i = undo->n; i > 0; i--) {
		const struct kept *k = &undo->v[i - 1];
		int r = io_write_value(fd, k->file, k->value);

		if (r < 0 && failed == 0)
			failed = err_sys(e, -r, "write '%.200s' back to %s", k->value, k->file);
	}
	return failed;
}

void cgroup_undo_steps(const struct cgroup_undo *undo, struct cgroup_steps *out)
{
	if (!undo)
		return;
	out->v = x_calloc(undo->n ? undo->n : 1, sizeof(*out->v));
	for (size_t i = undo->n; i > 0; i--)
		out->v[out->n++] = (struct cgroup_step){ .file = x_strdup(undo->v[i - 1].file),
							 .value = x_strdup(undo->v[i - 1].value) };
}

int cgroup_apply_undoable(int fd, const struct cgroup_steps *steps, struct cgroup_undo **out_undo, struct err *e)
{
	struct cgroup_undo *undo = x_calloc(1, sizeof(*undo));
	struct err why = { 0 };
	int r = 0;

	undo->v = x_calloc(steps->n ? steps->n : 1, sizeof(*undo->v));
	for (size_t i = 0; i < steps->n && r == 0; i++) {
		const char *file = step_file(fd, &steps->v[i]);

		if (!file)
			continue;
		keep(undo, fd, file, step_value(&steps->v[i], file));
		r = write_step(fd, &steps->v[i], e);
	}
	if (r == 0) {
		*out_undo = undo;
		return 0;
	}
	(void)cgroup_undo(fd, undo, &why);
	if (e) {
		AUTO_FREE char *first = x_strdup(e->msg);

		(void)err_set(e, -r, "%s; %s", first, why.code ? why.msg : "nothing is changed");
	}
	cgroup_undo_free(undo);
	return r;
}

/* ---- what holds now ---- */

/* A number or "max" at the start of text. */
static uint64_t parse_amount(const char *text, uint64_t otherwise)
{
	size_t len = strcspn(text, " \n");
	AUTO_FREE char *word = x_printf("%.*s", (int)len, text);
	uint64_t value;

	if (str_eq(word, "max"))
		return CGROUP_UNLIMITED;
	return str_u64(word, UINT64_MAX, &value) == 0 ? value : otherwise;
}

static uint64_t read_amount(int fd, const char *file, uint64_t otherwise)
{
	char text[64];

	return io_read_small(fd, file, text, sizeof(text)) > 0 ? parse_amount(text, otherwise) : otherwise;
}

void cgroup_current_read(int fd, struct cgroup_current *out)
{
	char text[64];

	*out = cgroup_current_none;
	out->memory = read_amount(fd, "memory.max", CGROUP_UNLIMITED);
	out->swap = read_amount(fd, "memory.swap.max", CGROUP_UNLIMITED);
	out->burst = read_amount(fd, "cpu.max.burst", 0);
	if (io_read_small(fd, "cpu.max", text, sizeof(text)) > 0) {
		const char *blank = strchr(text, ' ');

		out->quota = parse_amount(text, out->quota);
		if (blank)
			out->period = parse_amount(blank + 1, out->period);
	}
}

uint64_t cgroup_oom_kills(int fd)
{
	char text[512];
	const char *line;

	if (io_read_small(fd, "memory.events", text, sizeof(text)) <= 0)
		return 0;
	line = strstr(text, "\noom_kill ");
	return line ? parse_amount(line + strlen("\noom_kill "), 0) : 0;
}

static int check_above(const struct json *memory, const char *key, uint64_t used, struct err *e)
{
	const struct json *node = json_get(memory, key);
	int64_t limit;

	if (!node || json_i64(node, INT64_MIN, INT64_MAX, &limit, NULL) < 0 || limit <= 0 || (uint64_t)limit > used)
		return 0;
	return json_err(e, EBUSY, node, "%jd bytes are not above the %ju that are in use (memory.checkBeforeUpdate)",
			(intmax_t)limit, (uintmax_t)used);
}

int cgroup_check_usage(int fd, const struct json *resources, struct err *e)
{
	const struct json *memory = json_get(resources, "memory"), *check = json_get(memory, "checkBeforeUpdate");
	uint64_t used;
	bool on = false;
	int r;

	if (!check || json_bool(check, &on, NULL) < 0 || !on)
		return 0;
	used = read_amount(fd, "memory.current", 0);
	r = check_above(memory, "limit", used, e);
	if (r == 0)
		r = check_above(memory, "swap", used + read_amount(fd, "memory.swap.current", 0), e);
	return r;
}
