/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_mount.c: mount options, as mount(8) and runc name them, to what the mount
 * system calls take.
 *
 * One sorted table holds every option that has a meaning of its own. An option
 * that is not in it belongs to the file system and is passed on as it is, in
 * order. Options are read left to right and a later one overrides an earlier
 * one. No system calls here.
 *
 * The access time is no bit but a field of MOUNT_ATTR__ATIME's width, whose zero
 * is relatime: mount_setattr(2) wants the whole field in attr_clr whenever it
 * changes. fsmount(2) takes attr_set alone.
 */
#include "plan_mount.h"

#include "kernel.h"
#include "log.h"
#include "mount_label.h"
#include "str.h"

#include <stdio.h>
#include <string.h>

enum option_act {
	ACT_NONE,	 /* the default, or of no effect on a new mount */
	ACT_BIND,	 /* value: 1 for the whole tree */
	ACT_SET,	 /* value: MOUNT_ATTR_* */
	ACT_CLEAR,	 /* value: MOUNT_ATTR_* */
	ACT_ATIME,	 /* value: the field */
	ACT_ATIME_UNSET, /* value: back to relatime if the field holds this */
	ACT_REC_SET,	 /* the same for the whole tree, in this order: see REC_OF() */
	ACT_REC_CLEAR,
	ACT_REC_ATIME,
	ACT_REC_ATIME_UNSET,
	ACT_PROPAGATION,     /* value: MS_* */
	ACT_REC_PROPAGATION, /* value: MS_* */
	ACT_SUPER,	     /* a flag of the superblock: mount.c knows it by this name */
	ACT_REMOUNT,
	ACT_COPY_UP,	  /* of tmpfs only */
	ACT_IDMAP,	  /* of binds only, as the next two; value: 1 for the whole tree */
	ACT_COPY_SYMLINK, /* this and the next two are crun's */
	ACT_SRC_NOFOLLOW,
	ACT_DEST_NOFOLLOW,
};

struct option {
	const char *name;
	enum option_act act;
	uint64_t value;
};

/* Sorted by name: looked up by bsearch(). */
static const struct option options[] = {
	{ "async", ACT_SUPER, 0 },
	{ "atime", ACT_ATIME_UNSET, MOUNT_ATTR_NOATIME },
	{ "bind", ACT_BIND, 0 },
	{ "copy-symlink", ACT_COPY_SYMLINK, 0 },
	{ "defaults", ACT_NONE, 0 },
	{ "dest-nofollow", ACT_DEST_NOFOLLOW, 0 },
	{ "dev", ACT_CLEAR, MOUNT_ATTR_NODEV },
	{ "diratime", ACT_CLEAR, MOUNT_ATTR_NODIRATIME },
	{ "dirsync", ACT_SUPER, 1 },
	{ "exec", ACT_CLEAR, MOUNT_ATTR_NOEXEC },
	{ "idmap", ACT_IDMAP, 0 },
	{ "iversion", ACT_SUPER, 1 },
	{ "lazytime", ACT_SUPER, 1 },
	{ "loud", ACT_NONE, 0 },
	{ "mand", ACT_SUPER, 1 },
	{ "noatime", ACT_ATIME, MOUNT_ATTR_NOATIME },
	{ "nodev", ACT_SET, MOUNT_ATTR_NODEV },
	{ "nodiratime", ACT_SET, MOUNT_ATTR_NODIRATIME },
	{ "noexec", ACT_SET, MOUNT_ATTR_NOEXEC },
	{ "noiversion", ACT_SUPER, 0 },
	{ "nolazytime", ACT_SUPER, 0 },
	{ "nomand", ACT_SUPER, 0 },
	{ "norelatime", ACT_NONE, 0 },
	{ "nostrictatime", ACT_ATIME_UNSET, MOUNT_ATTR_STRICTATIME },
	{ "nosuid", ACT_SET, MOUNT_ATTR_NOSUID },
	{ "nosymfollow", ACT_SET, MOUNT_ATTR_NOSYMFOLLOW },
	{ "private", ACT_PROPAGATION, MS_PRIVATE },
	{ "ratime", ACT_REC_ATIME_UNSET, MOUNT_ATTR_NOATIME },
	{ "rbind", ACT_BIND, 1 },
	{ "rdev", ACT_REC_CLEAR, MOUNT_ATTR_NODEV },
	{ "rdiratime", ACT_REC_CLEAR, MOUNT_ATTR_NODIRATIME },
	{ "relatime", ACT_ATIME, MOUNT_ATTR_RELATIME },
	{ "remount", ACT_REMOUNT, 0 },
	{ "rexec", ACT_REC_CLEAR, MOUNT_ATTR_NOEXEC },
	{ "ridmap", ACT_IDMAP, 1 },
	{ "rnoatime", ACT_REC_ATIME, MOUNT_ATTR_NOATIME },
	{ "rnodev", ACT_REC_SET, MOUNT_ATTR_NODEV },
	{ "rnodiratime", ACT_REC_SET, MOUNT_ATTR_NODIRATIME },
	{ "rnoexec", ACT_REC_SET, MOUNT_ATTR_NOEXEC },
	{ "rnorelatime", ACT_NONE, 0 },
	{ "rnostrictatime", ACT_REC_ATIME_UNSET, MOUNT_ATTR_STRICTATIME },
	{ "rnosuid", ACT_REC_SET, MOUNT_ATTR_NOSUID },
	{ "rnosymfollow", ACT_REC_SET, MOUNT_ATTR_NOSYMFOLLOW },
	{ "ro", ACT_SET, MOUNT_ATTR_RDONLY },
	{ "rprivate", ACT_REC_PROPAGATION, MS_PRIVATE },
	{ "rrelatime", ACT_REC_ATIME, MOUNT_ATTR_RELATIME },
	{ "rro", ACT_REC_SET, MOUNT_ATTR_RDONLY },
	{ "rrw", ACT_REC_CLEAR, MOUNT_ATTR_RDONLY },
	{ "rshared", ACT_REC_PROPAGATION, MS_SHARED },
	{ "rslave", ACT_REC_PROPAGATION, MS_SLAVE },
	{ "rstrictatime", ACT_REC_ATIME, MOUNT_ATTR_STRICTATIME },
	{ "rsuid", ACT_REC_CLEAR, MOUNT_ATTR_NOSUID },
	{ "rsymfollow", ACT_REC_CLEAR, MOUNT_ATTR_NOSYMFOLLOW },
	{ "runbindable", ACT_REC_PROPAGATION, MS_UNBINDABLE },
	{ "rw", ACT_CLEAR, MOUNT_ATTR_RDONLY },
	{ "shared", ACT_PROPAGATION, MS_SHARED },
	{ "silent", ACT_NONE, 0 },
	{ "slave", ACT_PROPAGATION, MS_SLAVE },
	{ "src-nofollow", ACT_SRC_NOFOLLOW, 0 },
	{ "strictatime", ACT_ATIME, MOUNT_ATTR_STRICTATIME },
	{ "suid", ACT_CLEAR, MOUNT_ATTR_NOSUID },
	{ "symfollow", ACT_CLEAR, MOUNT_ATTR_NOSYMFOLLOW },
	{ "sync", ACT_SUPER, 1 },
	{ "tmpcopyup", ACT_COPY_UP, 0 },
	{ "unbindable", ACT_PROPAGATION, MS_UNBINDABLE },
};

static int option_compare(const void *name, const void *option)
{
	return strcmp(name, ((const struct option *)option)->name);
}

static const struct option *option_find(const char *name)
{
	return bsearch(name, options, ARRAY_LEN(options), sizeof(options[0]), option_compare);
}

const char *const *plan_mount_option_names(void)
{
	static const char *names[ARRAY_LEN(options) + 1];
	size_t n = 0;

	if (names[0])
		return names;
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (options[i].act != ACT_REMOUNT)
			names[n++] = options[i].name;
	return names;
}

bool plan_mount_propagation(const char *name, uint64_t *out_flag, bool *out_recursive)
{
	const struct option *o = option_find(name);

	if (!o || (o->act != ACT_PROPAGATION && o->act != ACT_REC_PROPAGATION))
		return false;
	*out_flag = o->value;
	*out_recursive = o->act == ACT_REC_PROPAGATION;
	return true;
}

/* Adds the names of path to out, which holds an absolute path or nothing. */
static void path_append(struct strbuf *out, const char *path)
{
	while (*path) {
		size_t len = strcspn(path, "/");

		if (len == 2 && path[0] == '.' && path[1] == '.') {
			while (out->len > 0 && out->s[--out->len] != '/')
				;
			if (out->s)
				out->s[out->len] = '\0';
		} else if (len > 0 && !(len == 1 && path[0] == '.')) {
			strbuf_add(out, "/", 1);
			strbuf_add(out, path, len);
		}
		path += len;
		path += strspn(path, "/");
	}
}

char *plan_path_resolve(const char *base, const char *path)
{
	struct strbuf out = { 0 };

	if (path[0] != '/')
		path_append(&out, base);
	path_append(&out, path);
	if (out.len == 0)
		strbuf_puts(&out, "/");
	return out.s;
}

static void attr_put(uint64_t *set, uint64_t *clear, uint64_t value, bool on)
{
	if (on) {
		*set |= value;
		*clear &= ~value;
	} else {
		*set &= ~value;
		*clear |= value;
	}
}

static void atime_put(uint64_t *set, uint64_t *clear, uint64_t value)
{
	*set = (*set & ~(uint64_t)MOUNT_ATTR__ATIME) | value;
	*clear |= MOUNT_ATTR__ATIME;
}

/* "atime" takes "noatime" back and nothing else; so with "nostrictatime". */
static void atime_unset(uint64_t *set, uint64_t *clear, uint64_t value)
{
	bool asked = *clear & MOUNT_ATTR__ATIME;

	if (!asked || (*set & MOUNT_ATTR__ATIME) == value)
		atime_put(set, clear, MOUNT_ATTR_RELATIME);
}

static void attr_apply(enum option_act act, uint64_t value, uint64_t *set, uint64_t *clear)
{
	if (act == ACT_ATIME)
		atime_put(set, clear, value);
	else if (act == ACT_ATIME_UNSET)
		atime_unset(set, clear, value);
	else
		attr_put(set, clear, value, act == ACT_SET);
}

/* State of reading one mount's options. */
struct reader {
	struct mount_step *step;
	struct strbuf data;
	bool bind;
};

static void data_add(struct strbuf *data, const char *option)
{
	if (data->len > 0)
		strbuf_puts(data, ",");
	strbuf_puts(data, option);
}

/* "context=LABEL" and kin. The label may stand in quotes, as mount(8) wants it when it has commas; here
 * those get a backslash, as in all data. */
static void data_add_label(struct strbuf *data, const char *type, size_t type_len, const char *label)
{
	size_t len = strlen(label);

	if (len >= 2 && label[0] == '"' && label[len - 1] == '"') {
		label++;
		len -= 2;
	}
	if (data->len > 0)
		strbuf_puts(data, ",");
	strbuf_add(data, type, type_len);
	strbuf_puts(data, "=");
	for (; len > 0; label++, len--) {
		if (*label == ',')
			strbuf_puts(data, "\\");
		strbuf_add(data, label, 1);
	}
}

/* What mount(8) and fstab keep for themselves: no kernel gets to see it. */
static bool for_userspace(const char *option)
{
	return str_starts(option, "x-") || str_starts(option, "X-") || str_eq(option, "_netdev") ||
	       str_starts(option, "comment=");
}

/* Superblock flags and "remount": nothing a bind mount could have. */
static int option_of_fs(struct reader *r, const struct option *o, struct err *e)
{
	const char *label = r->step->label;

	if (o->act == ACT_REMOUNT && !r->bind)
		return err_set(e, ENOTSUP, "%s.options: 'remount' is not supported: every entry is a new mount", label);
	if (o->act == ACT_SUPER && !r->bind)
		data_add(&r->data, o->name);
	else if (o->act != ACT_SUPER || o->value)
		log_warn("%s.options: '%s' has no effect here: ignoring", label, o->name);
	return 0;
}

static int option_of_bind(struct reader *r, const struct option *o, struct err *e)
{
	struct mount_step *s = r->step;

	if (!r->bind)
		return err_set(e, EINVAL, "%s.options: '%s' is for bind mounts only", s->label, o->name);
	if (o->act == ACT_IDMAP) {
		s->idmap.option = o->name;
		s->idmap.recursive = o->value;
	} else if (o->act == ACT_COPY_SYMLINK) {
		s->copy_symlink = true;
	} else {
		s->src_nofollow = true;
	}
	return 0;
}

static int option_apply(struct reader *r, const struct option *o, struct err *e)
{
	struct mount_step *s = r->step;

	switch (o->act) {
	case ACT_NONE:
	case ACT_BIND: /* seen before */
		return 0;
	case ACT_SET:
	case ACT_CLEAR:
	case ACT_ATIME:
	case ACT_ATIME_UNSET:
		attr_apply(o->act, o->value, &s->attr_set, &s->attr_clear);
		return 0;
	case ACT_REC_SET:
	case ACT_REC_CLEAR:
	case ACT_REC_ATIME:
	case ACT_REC_ATIME_UNSET:
		attr_apply(o->act - ACT_REC_SET + ACT_SET, o->value, &s->rec_set, &s->rec_clear);
		return 0;
	case ACT_PROPAGATION:
	case ACT_REC_PROPAGATION:
		s->propagation = o->value;
		s->propagation_rec = o->act == ACT_REC_PROPAGATION;
		return 0;
	case ACT_SUPER:
	case ACT_REMOUNT:
		return option_of_fs(r, o, e);
	case ACT_COPY_UP:
		s->copy_up = true;
		if (r->bind || !str_eq(s->fstype, "tmpfs"))
			return err_set(e, EINVAL, "%s.options: '%s' is for tmpfs only", s->label, o->name);
		return 0;
	case ACT_IDMAP:
	case ACT_COPY_SYMLINK:
	case ACT_SRC_NOFOLLOW:
		return option_of_bind(r, o, e);
	case ACT_DEST_NOFOLLOW:
		s->dest_nofollow = true;
		return 0;
	}
	return 0;
}

/* An option that the table does not know. */
static int option_other(struct reader *r, const char *option, struct err *e)
{
	const char *value;

	if (str_starts(option, "idmap=") || str_starts(option, "ridmap=")) {
		const struct option *o = option_find(*option == 'r' ? "ridmap" : "idmap");
		int ret = option_of_bind(r, o, e);

		r->step->idmap.option = option;
		return ret;
	}
	if (!*option || for_userspace(option))
		return 0;
	if (r->bind)
		return err_set(e, EINVAL,
			       "%s.options: '%s' is unknown, and a bind mount takes no options of a file system",
			       r->step->label, option);
	if (mount_label_option(option, &value)) {
		r->step->has_context = true;
		data_add_label(&r->data, option, (size_t)(value - option - 1), value);
	} else {
		data_add(&r->data, option);
	}
	return 0;
}

static int options_read(struct reader *r, const struct strv *names, struct err *e)
{
	for (size_t i = 0; i < names->n; i++) {
		const struct option *o = option_find(names->v[i]);
		int ret = o ? option_apply(r, o, e) : option_other(r, names->v[i], e);

		if (ret < 0)
			return ret;
	}
	return 0;
}

/* What kind it is decides how its other options are read. Other types than
 * "bind" mean nothing on an entry with the option "bind" or "rbind". */
static int kind_find(const struct spec_mount *m, struct reader *r, struct err *e)
{
	struct mount_step *s = r->step;

	r->bind = str_eq(m->type, "bind");
	for (size_t i = 0; i < m->options.n; i++) {
		const struct option *o = option_find(m->options.v[i]);

		if (!o || o->act != ACT_BIND)
			continue;
		r->bind = true;
		s->recursive = s->recursive || o->value;
	}
	if (r->bind)
		s->kind = MOUNT_BIND;
	else if (str_eq(m->type, "cgroup") || str_eq(m->type, "cgroup2"))
		s->kind = MOUNT_CGROUP;
	else
		s->kind = MOUNT_FS;
	if (!r->bind && (!m->type || !*m->type))
		return err_set(e, EINVAL, "%s.type: expected a file system, or the option 'bind' or 'rbind'", s->label);
	if (!r->bind && str_eq(m->type, "none"))
		return err_set(e, EINVAL, "%s.type: 'none' needs the option 'bind' or 'rbind'", s->label);
	s->fstype = r->bind ? "bind" : m->type;
	return 0;
}

static int target_find(const struct spec_mount *m, struct mount_step *s, struct err *e)
{
	if (!m->destination || !*m->destination)
		return err_set(e, EINVAL, "%s.destination: expected an absolute path", s->label);
	s->target = plan_path_resolve("/", m->destination);
	if (m->destination[0] != '/')
		log_warn("%s.destination: '%s' is not absolute: taking it as '%s'", s->label, m->destination,
			 s->target);
	if (str_eq(s->target, "/"))
		return err_set(e, EINVAL, "%s.destination: '%s' is the container's root itself: set root.path instead",
			       s->label, m->destination);
	s->is_dev = str_eq(s->target, "/dev");
	return 0;
}

static int source_find(const struct spec_mount *m, const char *bundle, struct mount_step *s, struct err *e)
{
	if (s->kind != MOUNT_BIND) {
		s->source = x_strdup(m->source && *m->source ? m->source : s->fstype);
		return 0;
	}
	if (!m->source || !*m->source)
		return err_set(e, EINVAL, "%s.source: a bind mount needs the path of what to mount", s->label);
	/* An absolute one stays as written: ".." after a symlink is the kernel's to follow. */
	s->source = m->source[0] == '/' ? x_strdup(m->source) : plan_path_resolve(bundle, m->source);
	return 0;
}

int plan_mount_make(const struct spec_mount *m, size_t index, const char *bundle, struct mount_step *out, struct err *e)
{
	struct reader r = { .step = out };
	int ret;

	out->source_fd = -1;
	out->late_fd = -1;
	(void)snprintf(out->label_buf, sizeof(out->label_buf), "mounts[%zu]", index);
	out->label = out->label_buf;
	ret = target_find(m, out, e);
	if (ret == 0)
		ret = kind_find(m, &r, e);
	if (ret == 0)
		ret = source_find(m, bundle, out, e);
	if (ret == 0)
		ret = options_read(&r, &m->options, e);
	/* A file system on a device opens it for writing unless the superblock is read-only too. */
	if (ret == 0 && out->kind == MOUNT_FS && (out->attr_set & MOUNT_ATTR_RDONLY) && out->source[0] == '/')
		data_add(&r.data, "ro");
	out->data = r.data.s;
	return ret;
}

/* As runc does it: no kernel labels procfs or sysfs this way, cgroup2 is the kernel's, and a mqueue gets its
 * label afterwards. */
void plan_mount_label(struct mount_step *step, const char *type, const char *label)
{
	struct strbuf data = { .s = step->data };

	if (step->kind != MOUNT_FS || step->has_context || str_eq(step->fstype, "proc") ||
	    str_eq(step->fstype, "sysfs"))
		return;
	if (str_eq(step->fstype, "mqueue")) {
		step->root_label = label;
		return;
	}
	data.len = step->data ? strlen(step->data) : 0;
	data.cap = step->data ? data.len + 1 : 0;
	data_add_label(&data, type, strlen(type), label);
	step->data = data.s;
}

void plan_mount_free(struct mount_step *step)
{
	free((void *)(uintptr_t)step->target);
	free((void *)(uintptr_t)step->source);
	free(step->data);
	free(step->link);
	free(step->idmap.own);
}
