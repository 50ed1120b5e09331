/* SPDX-License-Identifier: Apache-2.0 */
/* proc.c: see proc.h. */
#include "proc.h"

#include "fd.h"
#include "io.h"
#include "kernel.h"
#include "str.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STAT_FIELD_START 22 /* proc(5) */
#define STAT_FIELD_FLAGS 9
#define STAT_FIELD_STATE 3
#define FLAG_KTHREAD 0x00200000U /* PF_KTHREAD of the kernel's sched.h */
#define ALL_IDS 4294967295U	 /* user_namespaces(7) */

int proc_open(int *out_fd, struct err *e)
{
	AUTO_FD fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return err_sys(e, errno, "open '/proc'");
	r = fd_check_magic(fd, HUSK_PROC_SUPER_MAGIC);
	if (r < 0)
		return err_set(e, -r, "'/proc' is not a procfs");
	*out_fd = fd_take(&fd);
	return 0;
}

/* The state, and behind it the field with this number. NULL: the text has none. */
static const char *find_field(const char *text, int wanted, char *out_state)
{
	/* the second field is a name in parentheses that may hold anything, ')' included */
	const char *p = strrchr(text, ')');

	if (!p || p[1] != ' ' || !p[2])
		return NULL;
	p += 2;
	if (out_state)
		*out_state = *p;
	for (int field = STAT_FIELD_STATE; p && field < wanted; field++) {
		p = strchr(p, ' ');
		p += p != NULL;
	}
	return p;
}

int proc_parse_stat(const char *text, uint64_t *out_ticks, char *out_state)
{
	const char *p = find_field(text, STAT_FIELD_START, out_state);

	return p && str_take_u64(&p, UINT64_MAX, out_ticks) ? 0 : -EINVAL;
}

int proc_parse_thread(const char *text, char *out_state, bool *out_is_kernels)
{
	const char *p = find_field(text, STAT_FIELD_FLAGS, out_state);
	uint64_t flags;

	if (!p || !str_take_u64(&p, UINT32_MAX, &flags))
		return -EINVAL;
	*out_is_kernels = flags & FLAG_KTHREAD;
	return 0;
}

static int read_stat(pid_t pid, char *text, size_t size)
{
	char path[40];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	n = io_read_small(AT_FDCWD, path, text, size);
	return n == -ENOENT ? -ESRCH : n < 0 ? (int)n : 0;
}

int proc_start_time(pid_t pid, uint64_t *out_ticks, char *out_state)
{
	char text[1024];
	int r = read_stat(pid, text, sizeof(text));

	return r < 0 ? r : proc_parse_stat(text, out_ticks, out_state);
}

int proc_thread(pid_t tid, char *out_state, bool *out_is_kernels)
{
	char text[1024];
	int r = read_stat(tid, text, sizeof(text));

	return r < 0 ? r : proc_parse_thread(text, out_state, out_is_kernels);
}

/* The next number of a line of blanks and digits; *s moves behind it. */
static bool next_number(const char **s, uint64_t *out)
{
	*s += strspn(*s, " ");
	return str_take_u64(s, UINT32_MAX, out);
}

bool proc_uid_map_is_whole(const char *text)
{
	uint64_t inside, outside, count;

	return next_number(&text, &inside) && next_number(&text, &outside) && next_number(&text, &count) &&
	       inside == 0 && outside == 0 && count == ALL_IDS;
}

uint64_t proc_uid_map_count(const char *text)
{
	uint64_t inside, outside, count, sum = 0;

	for (; text && next_number(&text, &inside) && next_number(&text, &outside) && next_number(&text, &count);
	     text += text != NULL) {
		sum += count;
		text = strchr(text, '\n');
	}
	return sum;
}

void proc_forget_environment(void)
{
	for (char **v = environ; v && *v; v++)
		explicit_bzero(*v, strlen(*v));
}
