/* SPDX-License-Identifier: Apache-2.0 */
/* vm_mounts.c: see vm_mounts.h. */
#include "vm_mounts.h"

#include "fd.h"
#include "gen.h"
#include "io.h"
#include "json.h"
#include "log.h"
#include "vm_control.h"
#include "vm_cross.h"
#include "vm_places.h"
#include "vmplan.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

struct change {
	const struct husk_ctx *ctx;
	const char *id, *verb;
	char *state_text, *config_text, *text;
	struct json_doc state, config, asked; /* of these */
	const struct json *mounts;	      /* of asked */
	struct vm_places places;
	char **taken; /* for each mount its place; NULL: it has none; owned */
};

static const char *text_of(const struct json *obj, const char *key)
{
	const struct json *v = json_get(obj, key);

	return v && v->type == JSON_STRING ? v->str : "";
}

static int check_status(struct change *c, struct err *e)
{
	const char *status;
	int r = husk_state(c->ctx, c->id, &c->state_text, e);

	if (r == 0)
		r = json_parse(c->state_text, strlen(c->state_text), &c->state, e);
	if (r < 0)
		return r;
	status = text_of(c->state.root, "status");
	if (str_eq(status, "stopped"))
		return err_set(e, ESRCH, "cannot %s mounts: container not running", c->verb);
	if (str_eq(status, "creating"))
		return err_set(e, EBUSY, "cannot %s mounts: container '%s' is still being created", c->verb, c->id);
	if (str_eq(status, "created"))
		return err_set(e, EBUSY, "cannot %s mounts: container '%s' is a VM that was not started yet", c->verb,
			       c->id);
	if (str_eq(status, "paused"))
		return err_set(e, EBUSY, "cannot %s mounts: container '%s' is a VM that is paused: resume it first",
			       c->verb, c->id);
	return 0;
}

static int load(struct change *c, const char *file, bool removal, struct err *e)
{
	size_t len;
	int r = vm_control_config(c->ctx, c->id, &c->config_text, &len, e);

	if (r == 0)
		r = json_parse(c->config_text, len, &c->config, e);
	if (r < 0)
		return err_add(e, "container '%s'", c->id);
	r = husk_mounts_read(c->config_text, len, file, removal, &c->text, e);
	if (r < 0)
		return r;
	if (strlen(c->text) > MESSAGE_TEXT_MAX)
		return err_set(e, EFBIG, "%s: longer than %u bytes", file, MESSAGE_TEXT_MAX);
	r = json_parse(c->text, strlen(c->text), &c->asked, e);
	c->mounts = json_get(c->asked.root, "mounts");
	return r;
}

static struct vmplan_input input(const struct change *c)
{
	return (struct vmplan_input){
		.id = c->id, .bundle = text_of(c->state.root, "bundle"), .config = &c->asked, .container = &c->config
	};
}

/* ---- on the host: the jail ---- */

/* The library's verb on the jail: text is the file. */
static int change_jail(const struct change *c, const char *text, bool removal, struct err *e)
{
	AUTO_FD fd = io_memory_file("husk-mounts", text, strlen(text));
	char path[FD_PATH_MAX];

	if (fd < 0)
		return err_sys(e, -fd, "write mounts into memory");
	fd_path(fd, path);
	return removal ? husk_mounts_remove(c->ctx, c->id, path, e) : husk_mounts_add(c->ctx, c->id, path, e);
}

static int empty_place(const struct change *c, const char *place, struct err *e)
{
	AUTO_FREE char *path = vmplan_place_in_jail(c->id, place);
	/* what is there may be a symlink: the source itself, by src-nofollow */
	AUTO_FREE char *text = x_printf("[{\"destination\":\"%s\",\"options\":[\"dest-nofollow\"]}]", path);

	return change_jail(c, text, true, e);
}

/* The library speaks of the place in the jail, and of the first mount of its file. */
static int explain(const struct change *c, const struct json *mount, struct err *e)
{
	AUTO_FREE char *place = vmplan_place_in_jail(c->id, c->taken[mount->index]);
	AUTO_FREE char *said = x_strdup(e->msg);
	const char *rest = str_starts(said, "mounts[0]") ? said + strlen("mounts[0]") : NULL;
	const char *at = rest ? strstr(rest, place) : NULL;

	if (!rest)
		return err_add(e, "mounts[%u]", mount->index);
	if (!at)
		return err_set(e, e->code, "mounts[%u]%s", mount->index, rest);
	return err_set(e, e->code, "mounts[%u]%.*s%s%s", mount->index, (int)(at - rest), rest,
		       text_of(mount, "destination"), at + strlen(place));
}

static int take_place(struct change *c, const struct json *mount, struct err *e)
{
	AUTO_FREE char *source = vmplan_is_bind(mount) ? vmplan_source(mount, text_of(c->state.root, "bundle")) : NULL;
	bool directory = true;
	const char *name;
	struct stat st;
	int r = source ? vm_cross_check_source(mount, source, e) : 0;

	if (r < 0)
		return r;
	if (source) { /* its kind decides; that it is still there is for the jail to say */
		r = vmplan_source_is_link(mount) ? lstat(source, &st) : stat(source, &st);
		directory = r == 0 && S_ISDIR(st.st_mode);
	}
	r = vm_places_take(&c->places, text_of(mount, "destination"), directory, &name, e);
	if (r < 0)
		return err_add(e, "mounts[%u]", mount->index);
	c->taken[mount->index] = x_strdup(name);
	return 0;
}

static int take_places(struct change *c, struct err *e)
{
	int r = vm_cross_check_mounts(c->asked.root, e);

	json_each (mount, c->mounts)
		if (r == 0 && vmplan_is_shared(mount))
			r = take_place(c, mount, e);
	/* before anything is mounted: who is killed meanwhile leaves a place that is not used twice */
	return r < 0 ? r : vm_places_save(&c->places, e);
}

/* *out_n: so many of the mounts are there. */
static int fill_places(struct change *c, unsigned int *out_n, struct err *e)
{
	struct vmplan_input in = input(c);

	json_each (mount, c->mounts) {
		const char *place = c->taken[mount->index];
		AUTO_FREE char *text = place ? vmplan_added_to_jail(&in, mount, place) : NULL;

		if (text && change_jail(c, text, false, e) < 0)
			return explain(c, mount, e);
		*out_n = mount->index + 1;
	}
	return 0;
}

/* Unmounts the first n, and tells the guest, so that nothing keeps them. */
static void clear_places(struct change *c, unsigned int n)
{
	struct strbuf gone = { 0 };
	struct err e = { 0 };
	int r;

	for (unsigned int i = (unsigned int)c->mounts->len; i-- > 0;) {
		AUTO_FREE char *path = c->taken[i] ? vmplan_place_in_guest(c->id, c->taken[i]) : NULL;

		if (!path)
			continue;
		r = i < n ? empty_place(c, c->taken[i], &e) : 0;
		if (r < 0 && r != -EINVAL) { /* of one that is empty already */
			log_warn("mounts[%u]: '%s' of the VM's folder: %s: leaving it", i, c->taken[i], e.msg);
			continue;
		}
		if (i < n)
			strbuf_printf(&gone, "%s\n", path);
		vm_places_give(&c->places, c->taken[i]);
	}
	if (vm_places_save(&c->places, &e) < 0)
		log_warn("%s: leaving it", e.msg);
	if (gone.len && vm_control_ask(c->ctx, c->id, MSG_MOUNTS_GONE, NULL, gone.s, NULL, &e) < 0)
		log_debug("tell the guest what was unmounted: %s", e.msg);
	free(gone.s);
}

/* ---- the two verbs ---- */

static int add_mounts(struct change *c, struct err *e)
{
	const struct vmplan_input in = input(c);
	AUTO_FREE char *text = NULL;
	unsigned int n = 0;
	int r = take_places(c, e);

	if (r == 0)
		r = fill_places(c, &n, e);
	if (r == 0) {
		text = vmplan_added_to_guest(&in, (const char *const *)c->taken);
		r = vm_control_ask(c->ctx, c->id, MSG_MOUNTS_ADD, NULL, text, NULL, e);
	}
	if (r < 0)
		clear_places(c, n);
	return r;
}

/* All that removal looks at; the rest is the host's. */
static char *destinations(const struct json *mounts)
{
	static const char *const nofollow[] = { "dest-nofollow", NULL }, *const none[] = { NULL };
	yajl_gen g = gen_new(NULL);

	gen_array_open(g, NULL);
	json_each (mount, mounts) {
		bool follows = true;

		json_each (option, json_get(mount, "options"))
			follows = follows && !str_eq(option->str, nofollow[0]);
		gen_object_open(g, NULL);
		gen_pair(g, "destination", text_of(mount, "destination"));
		gen_strings(g, "options", follows ? none : nofollow);
		gen_object_close(g);
	}
	gen_array_close(g);
	return gen_end(g);
}

/* What has no place here is the guest's own, or config.json's: that stays in the shared folder. The host takes back what
 * it gave whatever the guest says: an honest one that has unmounted it itself refuses, too. */
static int remove_mounts(struct change *c, struct err *e)
{
	AUTO_FREE char *text = destinations(c->mounts);
	int r = vm_control_ask(c->ctx, c->id, MSG_MOUNTS_REMOVE, NULL, text, NULL, e);

	json_each (mount, c->mounts) {
		const char *place = vm_places_find(&c->places, text_of(mount, "destination"));

		if (place)
			c->taken[mount->index] = x_strdup(place);
	}
	clear_places(c, (unsigned int)c->mounts->len);
	return r;
}

/* What a user sends to end husk comes to it when the change is whole, or undone: after the 60 s that husk-mon gives the
 * guest, and 10 more to hear what is gone. */
static void hold_signals(sigset_t *before)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		(void)sigaddset(&set, signals[i]);
	(void)sigprocmask(SIG_BLOCK, &set, before);
}

static int change(struct change *c, const char *file, bool removal, struct err *e)
{
	sigset_t before;
	int r = check_status(c, e);

	if (r == 0)
		r = load(c, file, removal, e);
	if (r == 0)
		r = vm_places_open(c->ctx, c->id, &c->places, e);
	if (r < 0)
		return r;
	c->taken = x_calloc(c->mounts->len + 1, sizeof(*c->taken));
	hold_signals(&before);
	r = removal ? remove_mounts(c, e) : add_mounts(c, e);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	for (size_t i = 0; i < c->mounts->len; i++)
		free(c->taken[i]);
	free(c->taken);
	vm_places_close(&c->places);
	return r;
}

int vm_mounts_change(const struct husk_ctx *ctx, const char *id, const char *file, bool removal, struct err *e)
{
	struct change c = { .ctx = ctx, .id = id, .verb = removal ? "remove" : "add" };
	int r = change(&c, file, removal, e);

	json_free(&c.asked);
	json_free(&c.config);
	json_free(&c.state);
	free(c.text);
	free(c.config_text);
	free(c.state_text);
	return r;
}
