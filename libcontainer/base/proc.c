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
#define STAT_FIELD_STATE 3
#define ALL_IDS 4294967295U /* user_namespaces(7) */

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

int proc_parse_stat(const char *text, uint64_t *out_ticks, char *out_state)
{
	/* the second field is a name in parentheses that may hold anything, ')' included */
	const char *p = strrchr(text, ')');

	if (!p || p[1] != ' ' || !p[2])
		return -EINVAL;
	p += 2;
	if (out_state)
		*out_state = *p;
	for (int field = STAT_FIELD_STATE; field < STAT_FIELD_START; field++) {
		p = strchr(p, ' ');
		if (!p)
			return -EINVAL;
		p++;
	}
	return str_take_u64(&p, UINT64_MAX, out_ticks) ? 0 : -EINVAL;
}

int proc_start_time(pid_t pid, uint64_t *out_ticks, char *out_state)
{
	char path[40], text[1024];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	n = io_read_small(AT_FDCWD, path, text, sizeof(text));
	if (n < 0)
		return n == -ENOENT ? -ESRCH : (int)n;
	return proc_parse_stat(text, out_ticks, out_state);
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

void proc_forget_environment(void)
{
	for (char **v = environ; v && *v; v++)
		explicit_bzero(*v, strlen(*v));
}
