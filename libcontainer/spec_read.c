/* SPDX-License-Identifier: Apache-2.0 */
/* spec_read.c: see spec_read.h. */
#include "spec_read.h"

#include "str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MSG_MAX 512

int spec_read_fail(struct spec_reader *rd, const struct json *v, const char *fmt, ...)
{
	char msg[MSG_MAX];
	va_list ap;

	if (rd->status < 0)
		return rd->status;
	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	rd->status = json_err(rd->e, EINVAL, v, "%s", msg);
	return rd->status;
}

int spec_read_fail_key(struct spec_reader *rd, const struct json *obj, const char *key, const char *msg)
{
	char path[MSG_MAX];

	if (rd->status < 0)
		return rd->status;
	json_path(obj, path, sizeof(path));
	rd->status = err_set(rd->e, EINVAL, "%s%s%s: %s", path, *path ? "." : "", key, msg);
	return rd->status;
}

static bool holds_nothing(const struct json *v)
{
	switch (v->type) {
	case JSON_NULL:
		return true;
	case JSON_BOOL:
		return !v->boolean;
	case JSON_NUMBER:
		return false;
	default:
		return v->len == 0;
	}
}

void spec_read_elsewhere(struct spec_reader *rd, const struct json *obj, const char *key)
{
	const struct json *v = json_get(obj, key);

	if (rd->status < 0 || !v || holds_nothing(v))
		return;
	(void)spec_read_fail(rd, v, "not supported by this build: it is for another platform");
	rd->status = -ENOTSUP;
	if (rd->e)
		rd->e->code = ENOTSUP;
}

/* The member if it is there and nothing failed before. */
static const struct json *member(struct spec_reader *rd, const struct json *obj, const char *key)
{
	return rd->status < 0 ? NULL : json_get(obj, key);
}

static const struct json *typed_member(struct spec_reader *rd, const struct json *obj, const char *key,
				       enum json_type type)
{
	const struct json *v = member(rd, obj, key);

	if (!v)
		return NULL;
	rd->status = json_want(v, type, rd->e);
	return rd->status < 0 ? NULL : v;
}

const struct json *spec_read_object(struct spec_reader *rd, const struct json *obj, const char *key)
{
	return typed_member(rd, obj, key, JSON_OBJECT);
}

const struct json *spec_read_array(struct spec_reader *rd, const struct json *obj, const char *key)
{
	return typed_member(rd, obj, key, JSON_ARRAY);
}

const struct json *spec_read_items(struct spec_reader *rd, const struct json *obj, const char *key, size_t size,
				   void *out_items, size_t *out_n)
{
	return spec_read_elements(rd, spec_read_array(rd, obj, key), size, out_items, out_n);
}

const struct json *spec_read_elements(struct spec_reader *rd, const struct json *array, size_t size, void *out_items,
				      size_t *out_n)
{
	void *items;

	if (!array || array->len == 0)
		return NULL;
	json_each (item, array) {
		rd->status = json_want(item, JSON_OBJECT, rd->e);
		if (rd->status < 0)
			return NULL;
	}
	items = json_alloc(rd->doc, array->len, size);
	memcpy(out_items, &items, sizeof(items));
	*out_n = array->len;
	return array;
}

const char *spec_read_str(struct spec_reader *rd, const struct json *obj, const char *key)
{
	const struct json *v = typed_member(rd, obj, key, JSON_STRING);

	return v && *v->str ? v->str : NULL;
}

const char *spec_read_need_str(struct spec_reader *rd, const struct json *obj, const char *key)
{
	const char *s = spec_read_str(rd, obj, key);

	if (!s)
		(void)spec_read_fail_key(rd, obj, key, "required, but missing or empty");
	return s;
}

const char *spec_read_need_abs(struct spec_reader *rd, const struct json *obj, const char *key)
{
	const char *s = spec_read_need_str(rd, obj, key);

	if (s && *s != '/')
		(void)spec_read_fail(rd, json_get(obj, key), "expected an absolute path, got '%s'", s);
	return s;
}

bool spec_read_bool(struct spec_reader *rd, const struct json *obj, const char *key)
{
	const struct json *v = typed_member(rd, obj, key, JSON_BOOL);

	return v && v->boolean;
}

struct spec_kv *spec_read_kv(struct spec_reader *rd, const struct json *obj, const char *key, size_t *out_n)
{
	const struct json *members = spec_read_object(rd, obj, key);
	struct spec_kv *out;

	if (!members)
		return NULL;
	out = json_alloc(rd->doc, members->len, sizeof(*out));
	json_each (item, members) {
		struct spec_kv *kv = &out[item->index];

		kv->key = item->key;
		rd->status = json_str(item, &kv->value, rd->e);
		if (rd->status < 0)
			return NULL;
	}
	*out_n = members->len;
	return out;
}

struct strv spec_read_strv(struct spec_reader *rd, const struct json *obj, const char *key)
{
	const struct json *v = member(rd, obj, key);
	struct strv out = { 0 };

	if (v)
		rd->status = json_strv(rd->doc, v, &out.v, &out.n, rd->e);
	return out;
}

bool spec_read_i64(struct spec_reader *rd, const struct json *obj, const char *key, int64_t min, int64_t max,
		   int64_t *out)
{
	const struct json *v = member(rd, obj, key);

	if (!v)
		return false;
	rd->status = json_i64(v, min, max, out, rd->e);
	return rd->status >= 0;
}

bool spec_read_u64(struct spec_reader *rd, const struct json *obj, const char *key, uint64_t max, uint64_t *out)
{
	const struct json *v = member(rd, obj, key);

	if (!v)
		return false;
	rd->status = json_u64(v, max, out, rd->e);
	return rd->status >= 0;
}

uint32_t spec_read_u32(struct spec_reader *rd, const struct json *obj, const char *key, uint32_t max)
{
	uint64_t v = 0;

	(void)spec_read_u64(rd, obj, key, max, &v);
	return (uint32_t)v;
}

uint64_t spec_read_need_u64(struct spec_reader *rd, const struct json *obj, const char *key, uint64_t max)
{
	uint64_t v = 0;

	if (!spec_read_u64(rd, obj, key, max, &v))
		(void)spec_read_fail_key(rd, obj, key, "required, but missing");
	return v;
}
