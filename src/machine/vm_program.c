/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm_program.c: see vm_program.h.
 *
 * The mounts are made in the guest, so the image alone can be looked at. A path is walked component by component
 * without following symlinks; where it comes to the place of a mount, what is there cannot be told.
 */
#include "vm_program.h"

#include "fd.h"
#include "program.h"
#include "str.h"
#include "vmplan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40 /* as the kernel's own limit */

#define UNTOLD (-1) /* beside errnos: what is there cannot be told */

/* done: absolute, exists, without symlinks or ".."; "" is the root. rest: still to come. mode: of what is last in
 * done. What walks returns 0, an errno that is for sure, or UNTOLD. */
struct walk {
	int root;
	mode_t mode;
	char done[PATH_MAX], rest[PATH_MAX];
	int links;
};

/* Puts a symlink's target before the rest. */
static int walk_link(struct walk *w, int link, size_t parent)
{
	char to[PATH_MAX], joined[PATH_MAX];
	ssize_t n = readlinkat(link, "", to, sizeof(to) - 1);

	if (n <= 0)
		return UNTOLD;
	if (++w->links > LINKS_MAX)
		return ELOOP;
	to[n] = '\0';
	if (snprintf(joined, sizeof(joined), "%s/%s", to, w->rest) >= (int)sizeof(joined))
		return UNTOLD;
	memcpy(w->rest, joined, strlen(joined) + 1);
	w->done[to[0] == '/' ? 0 : parent] = '\0';
	return 0;
}

/* One component of rest, which is `len` long, goes to done; on an error, too. */
static int walk_down(struct walk *w, const char *name, size_t len)
{
	size_t parent = strlen(w->done);
	AUTO_FD fd = -1;
	struct stat st;

	if (parent + len + 2 > sizeof(w->done))
		return UNTOLD;
	(void)snprintf(w->done + parent, sizeof(w->done) - parent, "/%.*s", (int)len, name);
	memmove(w->rest, name + len, strlen(name + len) + 1);
	fd = fd_open_in_root(w->root, w->done, O_PATH | O_NOFOLLOW, RESOLVE_NO_SYMLINKS);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? errno : UNTOLD;
	if (fstat(fd, &st) < 0)
		return UNTOLD;
	w->mode = st.st_mode;
	return S_ISLNK(st.st_mode) ? walk_link(w, fd, parent) : 0;
}

/* The next component of rest. *at_end: there was none. */
static int walk_next(struct walk *w, bool *at_end)
{
	const char *name = w->rest + strspn(w->rest, "/");
	size_t len = strcspn(name, "/");
	char *slash = strrchr(w->done, '/');

	*at_end = len == 0;
	if (len == 0)
		return 0;
	if (len > 2 || name[0] != '.' || (len == 2 && name[1] != '.'))
		return walk_down(w, name, len);
	if (len == 2 && slash)
		*slash = '\0';
	memmove(w->rest, name + len, strlen(name + len) + 1);
	w->mode = S_IFDIR; /* if it is none, the next step says so */
	return 0;
}

static bool walk_begin(struct walk *w, int root, const char *dir, const char *path)
{
	*w = (struct walk){ .root = root };
	return snprintf(w->rest, sizeof(w->rest), "%s/%s", path[0] == '/' ? "" : dir, path) < (int)sizeof(w->rest);
}

/* After an error: the whole of the path in done. false: it cannot be told. */
static bool walk_finish(struct walk *w)
{
	size_t len = strlen(w->done), more = strlen(w->rest);

	if (len + more >= sizeof(w->done) || strstr(w->rest, ".."))
		return false;
	memcpy(w->done + len, w->rest, more + 1);
	for (len += more; len > 0 && w->done[len - 1] == '/'; len--)
		w->done[len - 1] = '\0';
	return true;
}

/* Where mounts lie, in the image. */
struct places {
	char (*v)[PATH_MAX];
	size_t n;
};

static bool is_in_places(const struct places *p, const char *path)
{
	for (size_t i = 0; i < p->n; i++)
		if (str_is_in(path, p->v[i]))
			return true;
	return false;
}

/* Walks to the end of path, from dir if it is relative. After an error w->done is all of it. */
static int follow(struct walk *w, int root, const struct places *places, const char *dir, const char *path)
{
	bool at_end = false;
	int code = walk_begin(w, root, dir, path) ? 0 : UNTOLD;

	while (code == 0 && !at_end) {
		code = walk_next(w, &at_end);
		if (code > 0 && !walk_finish(w))
			code = UNTOLD;
		if (code != UNTOLD && is_in_places(places, w->done))
			code = UNTOLD;
	}
	return code;
}

/* false: not all can be told, such as one below a bind, in which symlinks may lead elsewhere. */
static bool find_places(int root, const struct json *mounts, struct places *out)
{
	struct places binds = { 0 };
	bool told = true;
	struct walk w;

	if (!mounts || !mounts->len)
		return true;
	out->v = x_realloc(NULL, mounts->len, sizeof(*out->v));
	binds.v = x_realloc(NULL, mounts->len, sizeof(*binds.v));
	json_each (mount, mounts) {
		const char *destination = json_get_text(mount, "destination");

		told = destination && follow(&w, root, &binds, "", destination) != UNTOLD;
		if (!told)
			break;
		memcpy(out->v[out->n++], w.done, sizeof(w.done));
		if (vmplan_is_bind(mount))
			memcpy(binds.v[binds.n++], w.done, sizeof(w.done));
	}
	free(binds.v);
	return told;
}

/* Of process.env the first, as the library takes it. */
static const char *path_of(const struct json *process)
{
	json_each (item, json_get(process, "env"))
		if (item->type == JSON_STRING && str_starts(item->str, "PATH="))
			return item->str + strlen("PATH=");
	return PROGRAM_DEFAULT_PATH;
}

/* As execvp(3) would, for anyone: of a file that nobody may execute, nobody can. */
static int check_one(int root, const struct places *places, const char *cwd, const char *path)
{
	struct walk w;
	int code = follow(&w, root, places, cwd, path);

	if (code != 0 || S_ISREG(w.mode))
		return code == 0 && !(w.mode & 0111) ? EACCES : code;
	return S_ISDIR(w.mode) ? EISDIR : EACCES;
}

/* The rules are those of the library's own search. */
static int find_in_path(int root, const struct places *places, const struct json *process, const char *name)
{
	const char *cwd = json_get_text(process, "cwd") ? json_get_text(process, "cwd") : "/";
	const char *dirs = path_of(process);
	int found = ENOENT;

	if (strchr(name, '/'))
		return check_one(root, places, cwd, name);
	for (;;) {
		size_t len = strcspn(dirs, ":");
		AUTO_FREE char *path = x_printf("%.*s/%s", len ? (int)len : 1, len ? dirs : ".", name);
		int code = check_one(root, places, cwd, path);

		if (code == 0 || code == UNTOLD)
			return code;
		if (code == EACCES)
			found = EACCES;
		if (!dirs[len])
			return found;
		dirs += len + 1;
	}
}

/* Hooks of the host that come before the program may put it there. */
static bool has_early_hooks(const struct json *config)
{
	static const char *const early[] = { "prestart", "createRuntime", "createContainer", "startContainer" };
	const struct json *hooks = json_get(config, "hooks");

	for (size_t i = 0; i < ARRAY_LEN(early); i++)
		if (json_get(hooks, early[i]) && json_get(hooks, early[i])->len)
			return true;
	return false;
}

int vm_program_check(const struct json *config, const char *rootfs, struct err *e)
{
	const struct json *process = json_get(config, "process"), *args = json_get(process, "args");
	AUTO_FD root = open(rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int code = UNTOLD;
	struct places places = { 0 };
	const char *name = NULL;

	json_each (arg, args) {
		name = arg->type == JSON_STRING && arg->len ? arg->str : NULL;
		break;
	}
	if (root < 0 || !name || has_early_hooks(config))
		return 0;
	if (find_places(root, json_get(config, "mounts"), &places))
		code = find_in_path(root, &places, process, name);
	free(places.v);
	return code > 0 ? program_error(name, code, e) : 0;
}
