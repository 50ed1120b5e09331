/* SPDX-License-Identifier: Apache-2.0 */
/* vm_places.c: see vm_places.h. */
#include "vm_places.h"

#include "fd.h"
#include "gen.h"
#include "io.h"
#include "json.h"
#include "vmplan.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST "places"	   /* in the state directory: a JSON array of [place, destination] */
#define LOCK "places.lock" /* beside it: the list itself is replaced */
#define LIST_MAX (1U << 20)

/* "/a//b/./" is "/a/b". What ".." means depends on symlinks: it stays. */
static char *clean(const char *path)
{
	struct strbuf out = { 0 };

	while (*path) {
		size_t len = strcspn(path, "/");

		if (len && !(len == 1 && path[0] == '.')) {
			strbuf_puts(&out, "/");
			strbuf_add(&out, path, len);
		}
		path += len + (path[len] == '/');
	}
	return out.s ? out.s : x_strdup("/");
}

static bool is_name(const char *s)
{
	uint64_t n;

	return (s[0] == 'd' || s[0] == 'f') && str_u64(s + 1, VM_PLACES_MAX - 1, &n) == 0;
}

static int read_one(struct vm_places *p, const struct json *item, struct err *e)
{
	const struct json *name = item->child, *destination = name ? name->next : NULL;

	if (!destination || name->type != JSON_STRING || destination->type != JSON_STRING || !is_name(name->str) ||
	    p->n == VM_PLACES_MAX)
		return json_err(e, EINVAL, item, "expected a place and a destination");
	(void)snprintf(p->v[p->n].name, sizeof(p->v[p->n].name), "%s", name->str);
	p->v[p->n++].destination = x_strdup(destination->str);
	return 0;
}

static int read_list(struct vm_places *p, struct err *e)
{
	AUTO_FREE char *text = NULL;
	struct json_doc doc = { 0 };
	size_t len;
	int r = io_read_file(p->dir, LIST, O_NOFOLLOW, LIST_MAX, &text, &len, e);

	if (r == -ENOENT) {
		*e = (struct err){ 0 };
		return 0;
	}
	if (r == 0)
		r = json_parse(text, len, &doc, e);
	if (r < 0)
		return r;
	json_each (item, doc.root)
		if (r == 0)
			r = read_one(p, item, e);
	json_free(&doc);
	return r < 0 ? err_add(e, LIST) : 0;
}

/* Whoever waited may find that the container is gone, and that its name is another's by now. */
static int take_lock(struct vm_places *p, const char *id, struct err *e)
{
	struct stat st;

	p->lock = openat(p->dir, LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (p->lock < 0 || flock(p->lock, LOCK_EX) < 0)
		return err_sys(e, errno, "container '%s': lock '" LOCK "'", id);
	if (fstat(p->lock, &st) == 0 && st.st_nlink == 0)
		return err_set(e, ENOENT, "container '%s' does not exist", id);
	return 0;
}

int vm_places_open(const struct husk_ctx *ctx, const char *id, struct vm_places *out, struct err *e)
{
	AUTO_FREE char *path = x_printf("%s/%s", ctx->root, id);
	struct vm_places p = { .root = x_strdup(ctx->root), .lock = -1 };
	int r;

	p.dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = p.dir < 0 ? err_sys(e, errno, "open '%s'", path) : take_lock(&p, id, e);
	if (r == 0)
		r = read_list(&p, e);
	if (r < 0) {
		vm_places_close(&p);
		return r;
	}
	*out = p;
	return 0;
}

void vm_places_close(struct vm_places *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i].destination);
	fd_close(&p->lock);
	fd_close(&p->dir);
	free(p->root);
	*p = (struct vm_places){ .dir = -1, .lock = -1 };
}

int vm_places_save(const struct vm_places *p, struct err *e)
{
	yajl_gen g = gen_new(NULL);
	AUTO_FREE char *text = NULL;

	gen_array_open(g, NULL);
	for (size_t i = 0; i < p->n; i++) {
		gen_array_open(g, NULL);
		gen_string(g, p->v[i].name);
		gen_string(g, p->v[i].destination);
		gen_array_close(g);
	}
	gen_array_close(g);
	text = gen_end(g);
	return io_replace_file(p->dir, LIST, text, strlen(text), 0600, e);
}

static bool is_taken(const struct vm_places *p, unsigned int number)
{
	uint64_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		if (str_u64(p->v[i].name + 1, VM_PLACES_MAX - 1, &n) == 0 && n == number)
			return true;
	return false;
}

/* Of mode 0, by which the file server knows that what is there may change (fs/lookup.c). */
static int make_place(const struct vm_places *p, const char *name, struct err *e)
{
	AUTO_FREE char *path = x_printf("%s/" VM_JAIL_DIR "/" VM_ADDED_DIR "/%s", p->root, name);
	int r = name[0] == 'd' ? mkdir(path, 0) : mknod(path, S_IFREG, 0);

	return r < 0 && errno != EEXIST ? err_sys(e, errno, "make '%s'", path) : 0;
}

int vm_places_take(struct vm_places *p, const char *destination, bool directory, const char **out_name, struct err *e)
{
	unsigned int number = 0;
	struct vm_place *place;
	int r;

	if (p->n == VM_PLACES_MAX)
		return err_set(e, ENOSPC, "%d mounts that were added come from the host: a VM can have no more",
			       VM_PLACES_MAX);
	while (is_taken(p, number))
		number++;
	place = &p->v[p->n];
	(void)snprintf(place->name, sizeof(place->name), "%c%u", directory ? 'd' : 'f', number);
	r = make_place(p, place->name, e);
	if (r < 0)
		return r;
	place->destination = clean(destination);
	place->found = false;
	p->n++;
	*out_name = place->name;
	return 0;
}

const char *vm_places_find(struct vm_places *p, const char *destination)
{
	AUTO_FREE char *path = clean(destination);

	for (size_t i = p->n; i-- > 0;) {
		if (p->v[i].found || !str_eq(p->v[i].destination, path))
			continue;
		p->v[i].found = true;
		return p->v[i].name;
	}
	return NULL;
}

void vm_places_give(struct vm_places *p, const char *name)
{
	for (size_t i = p->n; i-- > 0;) {
		if (!str_eq(p->v[i].name, name))
			continue;
		free(p->v[i].destination);
		p->n--;
		memmove(&p->v[i], &p->v[i + 1], (p->n - i) * sizeof(p->v[i]));
		return;
	}
}
