/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_idmap.c: see plan_idmap.h. Three ways to say how a mount's ids are mapped:
 *
 *   mounts[].uidMappings and gidMappings        (runtime-spec 1.0, with or without an option)
 *   the option "idmap=uids=0-1-10#10-11-10;gids=0-100-10"   (crun.1, "idmap mount options")
 *   the option "idmap" or "ridmap" alone        (the container's user namespace)
 *
 * No system calls here.
 */
#include "plan_idmap.h"

#include "kernel.h"
#include "str.h"

#include <string.h>

#define RANGES_MAX 340 /* user_namespaces(7), Linux 4.15 */

struct maps {
	struct spec_id_map *v;
	size_t n;
};

static bool number(char **text, char end, uint32_t *out)
{
	char *stop = strchr(*text, end);
	uint64_t value;

	if (!stop)
		return false;
	*stop = '\0';
	if (str_u64(*text, UINT32_MAX, &value) < 0)
		return false;
	*text = stop + 1;
	*out = (uint32_t)value;
	return true;
}

/* The whole range must lie in one of the container's. */
static bool to_host(const struct spec_id_map *maps, size_t n, struct spec_id_map *range)
{
	for (size_t i = 0; i < n; i++) {
		const struct spec_id_map *m = &maps[i];

		if (range->host_id < m->container_id || range->host_id - m->container_id >= m->size ||
		    range->size > m->size - (range->host_id - m->container_id))
			continue;
		range->host_id = m->host_id + (range->host_id - m->container_id);
		return true;
	}
	return false;
}

/* "0-1-10#@10-11-10": id in the file system, id on the host (after '@': in the container), length. */
static int ranges_read(struct mount_step *step, char *text, const struct spec_id_map *container, size_t n_container,
		       struct maps *out, struct err *e)
{
	char *save = NULL;

	for (char *word = strtok_r(text, "#", &save); word; word = strtok_r(NULL, "#", &save)) {
		struct spec_id_map *range = &out->v[out->n];
		AUTO_FREE char *copy = x_printf("%s;", word);
		bool relative = *copy == '@';
		char *p = copy + relative;

		if (out->n++ == RANGES_MAX)
			return err_set(e, EINVAL, "%s.options: '%.*s': more than %d ranges", step->label,
				       (int)strcspn(step->idmap.option, "="), step->idmap.option, RANGES_MAX);
		if (!number(&p, '-', &range->container_id) || !number(&p, '-', &range->host_id) ||
		    !number(&p, ';', &range->size) || *p || range->size == 0)
			return err_set(
				e, EINVAL,
				"%s.options: '%s': expected ranges like 0-1000-10, with # between them, got '%s'",
				step->label, step->idmap.option, word);
		if (relative && !to_host(container, n_container, range))
			return err_set(e, EINVAL, "%s.options: '%s': '%s' lies in no range of the container's ids",
				       step->label, step->idmap.option, word);
	}
	return 0;
}

static int text_read(struct mount_step *step, const struct spec_linux *l, struct err *e)
{
	struct mount_idmap_step *map = &step->idmap;
	AUTO_FREE char *text = x_strdup(strchr(map->option, '=') + 1);
	struct maps uids = { 0 }, gids = { 0 };
	char *save = NULL;
	int r = 0;

	map->own = x_calloc(2 * (RANGES_MAX + 1), sizeof(*map->own));
	uids.v = map->own;
	gids.v = map->own + RANGES_MAX + 1;
	for (char *word = strtok_r(text, ";", &save); word && r == 0; word = strtok_r(NULL, ";", &save)) {
		if (str_starts(word, "uids="))
			r = ranges_read(step, word + 5, l->uid_maps, l->n_uid_maps, &uids, e);
		else if (str_starts(word, "gids="))
			r = ranges_read(step, word + 5, l->gid_maps, l->n_gid_maps, &gids, e);
		else
			r = err_set(e, EINVAL, "%s.options: '%s': expected uids= and gids=, got '%s'", step->label,
				    map->option, word);
	}
	if (r < 0)
		return r;
	if (!uids.n || !gids.n)
		return err_set(e, EINVAL, "%s.options: '%s': expected uids= and gids=, each with a range", step->label,
			       map->option);
	map->uid_maps = uids.v;
	map->gid_maps = gids.v;
	map->n_uid_maps = uids.n;
	map->n_gid_maps = gids.n;
	return 0;
}

/* A joined user namespace is used itself: linux.uidMappings need not say what it has. */
static int container_maps(struct mount_step *step, const struct spec *spec, struct err *e)
{
	const struct spec_namespace *user = spec_namespace(spec, CLONE_NEWUSER);
	struct mount_idmap_step *map = &step->idmap;

	if (!user)
		return err_set(e, EINVAL,
			       "%s.options: '%s' needs %s.uidMappings and gidMappings, or a 'user' namespace in "
			       "linux.namespaces",
			       step->label, map->option, step->label);
	if (user->path)
		return 0;
	map->uid_maps = spec->linux_->uid_maps;
	map->gid_maps = spec->linux_->gid_maps;
	map->n_uid_maps = spec->linux_->n_uid_maps;
	map->n_gid_maps = spec->linux_->n_gid_maps;
	return 0;
}

int plan_idmap_make(const struct spec_mount *m, const struct spec *spec, struct mount_step *step, struct err *e)
{
	struct mount_idmap_step *map = &step->idmap;
	bool has_text = map->option && strchr(map->option, '=');

	if (m->n_uid_maps == 0 && !map->option)
		return 0;
	if (m->n_uid_maps == 0)
		return has_text ? text_read(step, spec->linux_, e) : container_maps(step, spec, e);
	if (step->kind != MOUNT_BIND)
		return err_set(e, EINVAL, "%s.uidMappings: for bind mounts only", step->label);
	if (has_text)
		return err_set(e, EINVAL, "%s.options: '%s': there is %s.uidMappings, too", step->label, map->option,
			       step->label);
	if (!map->option)
		map->option = "uidMappings";
	map->uid_maps = m->uid_maps;
	map->gid_maps = m->gid_maps;
	map->n_uid_maps = m->n_uid_maps;
	map->n_gid_maps = m->n_gid_maps;
	return 0;
}
