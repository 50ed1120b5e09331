/* SPDX-License-Identifier: Apache-2.0 */
/* vm_stats.c: see vm_stats.h. */
#include "vm_stats.h"

#include "gen.h"
#include "json.h"
#include "str.h"

#include <string.h>

#define NAME_MAX_BYTES 47  /* of a line of memory.stat, or the size of a huge page */
#define ELEMENTS_MAX 4096  /* of one map or list */
#define PERCENT_MAX_LEN 16 /* digits and a point */

enum kind {
	COUNT,	 /* 0 to 2^64 - 1 */
	PERCENT, /* with a fraction */
	WORD,	 /* one of words */
	OBJECT,	 /* inner: its members */
	MAP,	 /* inner: what is under each of its names */
	LIST,	 /* inner: what each of its elements is */
};

/* A key of NULL ends members. */
struct shape {
	const char *key;
	enum kind kind;
	const struct shape *inner;
};

static const char *const words[] = { "Read", "Write", "Discard" };

static const struct shape count = { NULL, COUNT, NULL };

static const struct shape nothing[] = { { 0 } };

static const struct shape psi_line[] = {
	{ "avg10", PERCENT, NULL },
	{ "avg60", PERCENT, NULL },
	{ "avg300", PERCENT, NULL },
	{ "total", COUNT, NULL },
	{ 0 },
};

static const struct shape psi[] = { { "some", OBJECT, psi_line }, { "full", OBJECT, psi_line }, { 0 } };

static const struct shape cpu_usage[] = {
	{ "total", COUNT, NULL },
	{ "kernel", COUNT, NULL },
	{ "user", COUNT, NULL },
	{ 0 },
};

static const struct shape throttling[] = {
	{ "periods", COUNT, NULL },
	{ "throttledPeriods", COUNT, NULL },
	{ "throttledTime", COUNT, NULL },
	{ 0 },
};

static const struct shape cpu[] = {
	{ "usage", OBJECT, cpu_usage },
	{ "throttling", OBJECT, throttling },
	{ "psi", OBJECT, psi },
	{ 0 },
};

static const struct shape memory_entry[] = {
	{ "limit", COUNT, NULL }, { "usage", COUNT, NULL }, { "max", COUNT, NULL }, { "failcnt", COUNT, NULL }, { 0 },
};

static const struct shape event_count[] = {
	{ "low", COUNT, NULL }, { "high", COUNT, NULL },     { "max", COUNT, NULL },
	{ "oom", COUNT, NULL }, { "oom_kill", COUNT, NULL }, { 0 },
};

static const struct shape memory[] = {
	{ "cache", COUNT, NULL },
	{ "usage", OBJECT, memory_entry },
	{ "swap", OBJECT, memory_entry },
	{ "kernel", OBJECT, memory_entry },
	{ "kernelTCP", OBJECT, memory_entry },
	{ "raw", MAP, &count },
	{ "psi", OBJECT, psi },
	{ "event_count", OBJECT, event_count },
	{ 0 },
};

static const struct shape pids[] = { { "current", COUNT, NULL }, { "limit", COUNT, NULL }, { 0 } };

static const struct shape io_members[] = {
	{ "major", COUNT, NULL }, { "minor", COUNT, NULL }, { "op", WORD, NULL }, { "value", COUNT, NULL }, { 0 },
};

static const struct shape io_entry = { NULL, OBJECT, io_members };

static const struct shape blkio[] = {
	{ "ioServiceBytesRecursive", LIST, &io_entry },
	{ "ioServicedRecursive", LIST, &io_entry },
	{ "psi", OBJECT, psi },
	{ 0 },
};

static const struct shape hugetlb_members[] = { { "usage", COUNT, NULL }, { "failcnt", COUNT, NULL }, { 0 } };

static const struct shape hugetlb_entry = { NULL, OBJECT, hugetlb_members };

static const struct shape members_of_data[] = {
	{ "cpu", OBJECT, cpu },		  { "cpuset", OBJECT, nothing },
	{ "memory", OBJECT, memory },	  { "pids", OBJECT, pids },
	{ "blkio", OBJECT, blkio },	  { "hugetlb", MAP, &hugetlb_entry },
	{ "intel_rdt", OBJECT, nothing }, { 0 },
};

static int put(yajl_gen g, const struct shape *s, const struct json *v, const char *key, struct err *e);

static int put_count(yajl_gen g, const struct json *v, const char *key, struct err *e)
{
	uint64_t value;
	int r = json_u64(v, UINT64_MAX, &value, e);

	if (r == 0)
		gen_u64(g, key, value);
	return r;
}

static int put_percent(yajl_gen g, const struct json *v, const char *key, struct err *e)
{
	int r = json_want(v, JSON_NUMBER, e);

	if (r < 0)
		return r;
	if (v->len > PERCENT_MAX_LEN || strspn(v->str, "0123456789.") != v->len)
		return json_err(e, EPROTO, v, "expected a percentage");
	gen_raw(g, key, v->str);
	return 0;
}

static int put_word(yajl_gen g, const struct json *v, const char *key, struct err *e)
{
	const char *text;
	int r = json_str(v, &text, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_eq(text, words[i])) {
			gen_pair(g, key, words[i]);
			return 0;
		}
	return json_err(e, EPROTO, v, "expected Read, Write or Discard");
}

static int put_members(yajl_gen g, const struct shape *s, const struct json *obj, struct err *e)
{
	int r = 0;

	for (; r == 0 && s->key; s++) {
		const struct json *v = json_get(obj, s->key);

		r = v ? put(g, s, v, s->key, e) : 0;
	}
	return r;
}

static bool is_name(const char *s)
{
	size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");

	return len > 0 && len <= NAME_MAX_BYTES && !s[len];
}

static int put_each(yajl_gen g, const struct shape *s, const struct json *all, struct err *e)
{
	int r = 0;

	if (all->len > ELEMENTS_MAX)
		return json_err(e, EPROTO, all, "%zu elements: expected at most %d", all->len, ELEMENTS_MAX);
	for (const struct json *v = all->child; r == 0 && v; v = v->next) {
		if (v->key && !is_name(v->key))
			return json_err(e, EPROTO, all, "a name in it is none");
		r = put(g, s, v, v->key, e);
	}
	return r;
}

static int put(yajl_gen g, const struct shape *s, const struct json *v, const char *key, struct err *e)
{
	int r;

	if (s->kind == COUNT)
		return put_count(g, v, key, e);
	if (s->kind == PERCENT)
		return put_percent(g, v, key, e);
	if (s->kind == WORD)
		return put_word(g, v, key, e);
	r = json_want(v, s->kind == LIST ? JSON_ARRAY : JSON_OBJECT, e);
	if (r < 0)
		return r;
	if (s->kind == LIST) {
		gen_array_open(g, key);
		r = put_each(g, s->inner, v, e);
		gen_array_close(g);
		return r;
	}
	gen_object_open(g, key);
	r = s->kind == MAP ? put_each(g, s->inner, v, e) : put_members(g, s->inner, v, e);
	gen_object_close(g);
	return r;
}

static int put_event(yajl_gen g, const char *id, const struct json *event, struct err *e)
{
	const struct json *data = json_get(event, "data");
	int r;

	if (!data)
		return err_set(e, EPROTO, "no 'data'");
	r = json_want(data, JSON_OBJECT, e);
	if (r < 0)
		return r;
	gen_object_open(g, NULL);
	gen_pair(g, "type", "stats");
	gen_pair(g, "id", id);
	gen_object_open(g, "data");
	r = put_members(g, members_of_data, data, e);
	gen_raw(g, "network_interfaces", "null");
	gen_object_close(g);
	gen_object_close(g);
	return r;
}

int vm_stats_json(const char *id, const char *text, char **out, struct err *e)
{
	AUTO_FREE char *json = NULL;
	struct json_doc doc = { 0 };
	yajl_gen g;
	int r = json_parse(text, strlen(text), &doc, e);

	if (r < 0)
		return err_add(e, "the VM's statistics");
	g = gen_new(NULL);
	r = put_event(g, id, doc.root, e);
	json = gen_end(g);
	json_free(&doc);
	if (r < 0)
		return err_add(e, "the VM's statistics");
	*out = json;
	json = NULL;
	return 0;
}
