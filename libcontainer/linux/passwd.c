/* SPDX-License-Identifier: Apache-2.0 */
/* passwd.c: see passwd.h. By hand, as getpwuid(3) would read the host's file and load NSS modules. */
#include "passwd.h"

#include "fd.h"
#include "io.h"
#include "str.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define UID_DIGITS 10 /* of the largest uid_t */

enum { FIELD_UID = 2, FIELD_HOME = 5 };

struct slice {
	const char *p;
	size_t len;
};

/* Field n of a line, counted from 0. False if the line has fewer. */
static bool line_field(struct slice line, unsigned int n, struct slice *out)
{
	for (;;) {
		const char *colon = memchr(line.p, ':', line.len);
		size_t len = colon ? (size_t)(colon - line.p) : line.len;

		if (n == 0) {
			*out = (struct slice){ line.p, len };
			return true;
		}
		if (!colon)
			return false;
		n--;
		line.p += len + 1;
		line.len -= len + 1;
	}
}

static bool line_is_of(struct slice line, uid_t uid)
{
	char digits[UID_DIGITS + 1];
	struct slice field;
	uint64_t value;

	if (!line_field(line, FIELD_UID, &field) || field.len > UID_DIGITS)
		return false;
	memcpy(digits, field.p, field.len);
	digits[field.len] = '\0';
	/* A NUL in the field would end the digits early. */
	if (strlen(digits) != field.len)
		return false;
	return str_u64(digits, (uid_t)-1, &value) == 0 && value == uid;
}

/* True for a line that is an entry for uid with an absolute path as home. */
static bool line_home(struct slice line, uid_t uid, struct slice *out)
{
	if (line.len == 0 || line.len > PASSWD_LINE_MAX || line.p[0] == '#' || !line_is_of(line, uid))
		return false;
	return line_field(line, FIELD_HOME, out) && out->len > 0 && out->p[0] == '/' && !memchr(out->p, '\0', out->len);
}

int passwd_find_home(const char *text, size_t len, uid_t uid, char *out, size_t size)
{
	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		struct slice line = { text, end ? (size_t)(end - text) : len };
		struct slice home;

		if (line_home(line, uid, &home)) {
			if (home.len >= size)
				return -ENAMETOOLONG;
			memcpy(out, home.p, home.len);
			out[home.len] = '\0';
			return 0;
		}
		text += line.len + !!end;
		len -= line.len + !!end;
	}
	return -ENOENT;
}

/* No file that this process could read: an image need not have one. */
static bool means_none(int code)
{
	return code == ENOENT || code == ENOTDIR || code == ELOOP || code == ENXIO || code == EACCES;
}

/* O_NONBLOCK: a FIFO there must not hold us up. -ENOENT also for what is no regular file. */
static int passwd_read(int rootfd, char **out, size_t *out_len)
{
	AUTO_FD fd = fd_open_in_root(rootfd, "etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	struct stat st;

	if (fd < 0)
		return means_none(errno) ? -ENOENT : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOENT;
	return io_read_fd(fd, PASSWD_FILE_MAX, out, out_len);
}

int passwd_home(int rootfd, uid_t uid, char *out, size_t size, struct err *e)
{
	AUTO_FREE char *text = NULL;
	size_t len = 0;
	int r;

	if (size < sizeof("/"))
		return err_set(e, ENAMETOOLONG, "no room for the home of uid %u", uid);
	r = passwd_read(rootfd, &text, &len);
	if (r == 0)
		r = passwd_find_home(text, len, uid, out, size);
	if (r == -ENOENT) {
		memcpy(out, "/", sizeof("/"));
		return 0;
	}
	if (r == -EFBIG)
		return err_set(e, EFBIG, "the container's '/etc/passwd' is larger than %u bytes", PASSWD_FILE_MAX);
	if (r == -ENAMETOOLONG)
		return err_set(e, ENAMETOOLONG, "the container's '/etc/passwd': the home of uid %u is too long", uid);
	if (r < 0)
		return err_sys(e, -r, "read the container's '/etc/passwd'");
	return 0;
}
