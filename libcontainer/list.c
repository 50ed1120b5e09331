/* SPDX-License-Identifier: Apache-2.0 */
/* list.c: one container's state, and all of them. */
#include "libcontainer.h"

#include "fd.h"
#include "log.h"
#include "state.h"
#include "str.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

int husk_state(const struct husk_ctx *ctx, const char *id, char **out_json, struct err *e)
{
	struct state s = { .dir = -1 };
	int r = state_open(ctx, id, false, &s, e);

	if (r == 0)
		*out_json = state_json(&s, state_status(&s), s.pid);
	state_free(&s);
	return r;
}

static void describe(const struct state *s, struct husk_container_info *out)
{
	enum state_status status = state_status(s);

	*out = (struct husk_container_info){
		.id = x_strdup(s->id),
		.bundle = x_strdup(s->bundle ? s->bundle : ""),
		.created = x_strdup(s->created ? s->created : ""),
		.rootfs = x_strdup(s->rootfs ? s->rootfs : ""),
		.owner = x_printf("%u", s->owner),
		.status = state_status_name(status),
		.pid = status == STATE_STOPPED ? 0 : s->pid,
	};
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct husk_container_info *)a)->id, ((const struct husk_container_info *)b)->id);
}

int husk_list(const struct husk_ctx *ctx, struct husk_container_info **out, size_t *out_n, struct err *e)
{
	struct husk_container_info *v = NULL;
	struct dirent *d;
	size_t n = 0;
	DIR *dir;
	int fd = -1, r;

	r = state_open_root(ctx, false, &fd, e);
	if (r < 0 && r != -ENOENT)
		return r;
	dir = r == 0 ? fdopendir(fd) : NULL;
	while (dir && (d = readdir(dir))) {
		struct state s = { .dir = -1 };
		struct err why = { 0 };

		if (state_check_id(d->d_name, NULL) < 0)
			continue;
		if (state_open(ctx, d->d_name, false, &s, &why) == 0) {
			v = x_realloc(v, n + 1, sizeof(*v));
			describe(&s, &v[n++]);
		} else if (why.code != ENOENT) {
			log_warn("%s: skipping", why.msg);
		}
		state_free(&s);
	}
	if (dir)
		(void)closedir(dir);
	if (n)
		qsort(v, n, sizeof(*v), by_id);
	*out = v;
	*out_n = n;
	return 0;
}

void husk_list_free(struct husk_container_info *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].id);
		free(v[i].bundle);
		free(v[i].created);
		free(v[i].owner);
		free(v[i].rootfs);
	}
	free(v);
}
