/* SPDX-License-Identifier: Apache-2.0 */
/* host_config.c: see host_config.h. */
#include "host_config.h"

#include "annotation.h"
#include "fd.h"
#include "io.h"
#include "kernel.h"
#include "libcontainer.h"
#include "str.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TEXT_MAX (64U << 10) /* bytes */

static int check_owner(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, errno, "stat '%s'", path);
	if (st.st_uid != 0)
		return err_set(e, EPERM, "'%s' belongs to user %u: expected root", path, st.st_uid);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return err_set(e, EPERM, "'%s' has mode %04o: expected one that root alone may write", path,
			       st.st_mode & 07777);
	return 0;
}

static int open_checked(int *out_fd, struct err *e)
{
	AUTO_FD dir = open(HOST_CONFIG_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_FD fd = -1;
	struct stat st;
	int r;

	if (dir < 0)
		return errno == ENOENT ? 0 : err_sys(e, errno, "open '" HOST_CONFIG_DIR "'");
	fd = openat(dir, HOST_CONFIG_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(e, errno, "open '" HOST_CONFIG_PATH "'");
	r = check_owner(dir, HOST_CONFIG_DIR, e);
	if (r == 0)
		r = check_owner(fd, HOST_CONFIG_PATH, e);
	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, EINVAL, "'" HOST_CONFIG_PATH "' is no regular file");
	*out_fd = fd_take(&fd);
	return 0;
}

static int read_allowed(const struct json *list, struct host_config *out, struct err *e)
{
	int r = json_strv(&out->doc, list, &out->allowed_annotations.v, &out->allowed_annotations.n, e);

	if (r < 0)
		return r;
	json_each (item, list)
		if (!annotation_needs_leave(item->str))
			return json_err(e, EINVAL, item, "'%s' is no annotation that has to be allowed", item->str);
	return 0;
}

int host_config_parse(char *text, size_t len, struct host_config *out, struct err *e)
{
	int r;

	out->text = text;
	r = json_parse(text, len, &out->doc, e);
	if (r == 0)
		r = json_want(out->doc.root, JSON_OBJECT, e);
	if (r < 0)
		return r;
	json_each (item, out->doc.root) {
		if (str_eq(item->key, "isolation") || str_eq(item->key, "vm"))
			continue; /* the caller's (husk_host_config()) */
		if (!str_eq(item->key, "allowedAnnotations"))
			return json_err(e, EINVAL, item, "unknown key: expected allowedAnnotations, isolation or vm");
		r = read_allowed(item, out, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int host_config_load(struct host_config *out, struct err *e)
{
	AUTO_FD fd = -1;
	char *text;
	size_t len;
	int r;

	*out = (struct host_config){ 0 };
	r = open_checked(&fd, e);
	if (r < 0 || fd < 0)
		return r;
	r = io_read_fd(fd, TEXT_MAX, &text, &len);
	if (r < 0)
		return err_sys(e, -r, "read '" HOST_CONFIG_PATH "' (at most %u bytes)", TEXT_MAX);
	r = host_config_parse(text, len, out, e);
	return r < 0 ? err_add(e, HOST_CONFIG_PATH) : 0;
}

int husk_host_config(char **out_text, struct err *e)
{
	struct host_config c;
	int r = host_config_load(&c, e);

	if (r == 0) {
		*out_text = c.text;
		c.text = NULL;
	}
	host_config_free(&c);
	return r;
}

void host_config_free(struct host_config *c)
{
	json_free(&c->doc);
	free(c->text);
}
