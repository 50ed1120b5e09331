/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.c: see json.h.
 *
 * yajl checks the grammar and calls one function a token; they append nodes to
 * the innermost open array or object, which `open` keeps as a stack. Where a
 * token stands in the text comes from the number of bytes that yajl has
 * consumed, which in a callback is the end of the token. Nodes and strings are
 * cut from chunks of memory that double in size, so a config.json takes a handful
 * of mallocs. Keys are compared when an object ends: pairwise in small objects,
 * by sorting in large ones, so that no text costs quadratic time.
 */
#include "json.h"

#include "str.h"

#include <ctype.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#define CHUNK_MIN (16U << 10)
#define CHUNK_MAX (1U << 20)
#define PAIRWISE_MAX 16 /* members up to which keys are compared pairwise */
#define PATH_MAX_LEN 512

/* Under AddressSanitizer each piece of an arena is a chunk of its own, so that it sees a step beyond one. */
#if defined(__SANITIZE_ADDRESS__)
#define PIECES_APART 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PIECES_APART 1
#endif
#endif
#ifndef PIECES_APART
#define PIECES_APART 0
#endif

struct chunk {
	struct chunk *older;
	alignas(8) char data[];
};

struct json_arena {
	struct chunk *chunks;
	char *next;
	size_t left;
	size_t chunk_size; /* of the next one */
};

struct level {
	struct json *node;
	struct json *last; /* its last child so far */
};

struct parser {
	yajl_handle yajl;
	const char *text;
	size_t len;
	bool finishing; /* in yajl_complete_parse(), which counts its bytes from 0 again */
	struct json_arena *arena;
	struct json *root;
	const char *key; /* of the value to come */
	struct level open[JSON_DEPTH_MAX];
	unsigned int depth;
	struct err *e;
	int result;
};

/* --- memory --- */

static void *arena_alloc(struct json_arena *a, size_t size)
{
	char *p;

	if (size > SIZE_MAX - CHUNK_MAX)
		abort();
	if (!PIECES_APART)
		size = (size + 7) & ~(size_t)7;
	if (PIECES_APART || size > a->left) {
		size_t room = PIECES_APART || size > a->chunk_size ? size : a->chunk_size;
		struct chunk *c = x_realloc(NULL, sizeof(*c) + room, 1);

		c->older = a->chunks;
		a->chunks = c;
		a->next = c->data;
		a->left = room;
		if (a->chunk_size < CHUNK_MAX)
			a->chunk_size *= 2;
	}
	p = a->next;
	a->next += size;
	a->left -= size;
	return p;
}

static struct json_arena *arena_new(size_t text_len)
{
	struct json_arena *a = x_calloc(1, sizeof(*a));

	/* A typical config.json needs about three times its own size. */
	a->chunk_size = text_len < CHUNK_MIN / 4 ? CHUNK_MIN : text_len * 4;
	if (a->chunk_size > CHUNK_MAX)
		a->chunk_size = CHUNK_MAX;
	return a;
}

static const char *arena_str(struct json_arena *a, const char *s, size_t len)
{
	char *p = arena_alloc(a, len + 1);

	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

void *json_alloc(const struct json_doc *doc, size_t n, size_t size)
{
	size_t total;
	void *p;

	if (__builtin_mul_overflow(n, size, &total))
		abort();
	p = arena_alloc(doc->arena, total);
	memset(p, 0, total);
	return p;
}

static void arena_free(struct json_arena *a)
{
	struct chunk *c, *older;

	if (!a)
		return;
	for (c = a->chunks; c; c = older) {
		older = c->older;
		free(c);
	}
	free(a);
}

void json_free(struct json_doc *doc)
{
	if (!doc)
		return;
	arena_free(doc->arena);
	memset(doc, 0, sizeof(*doc));
}

static void *yajl_malloc(void *ctx, size_t size)
{
	(void)ctx;
	return x_realloc(NULL, size, 1);
}

static void *yajl_realloc(void *ctx, void *p, size_t size)
{
	(void)ctx;
	return x_realloc(p, size, 1);
}

static void yajl_mfree(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

/* --- parsing --- */

/* "line 3, column 12: ", counted from 1, columns in bytes; then the message. */
static int refuse_at(struct parser *p, size_t offset, int code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static int refuse_at(struct parser *p, size_t offset, int code, const char *fmt, ...)
{
	size_t line = 1, bol = 0, i;
	char msg[256];
	va_list ap;

	if (p->result < 0)
		return p->result;
	if (offset > p->len)
		offset = p->len;
	for (i = 0; i < offset; i++)
		if (p->text[i] == '\n') {
			line++;
			bol = i + 1;
		}
	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	for (i = 0; msg[i]; i++)
		if (iscntrl((unsigned char)msg[i]))
			msg[i] = '?';
	p->result = err_set(p->e, code, "line %zu, column %zu: %s", line, offset - bol + 1, msg);
	return p->result;
}

/* The end of the token that a callback is called for. */
static size_t token_end(const struct parser *p)
{
	return p->finishing ? p->len : yajl_get_bytes_consumed(p->yajl);
}

static struct json *add_node(struct parser *p, enum json_type type, size_t start)
{
	struct level *up = p->depth ? &p->open[p->depth - 1] : NULL;
	struct json *n = arena_alloc(p->arena, sizeof(*n));

	memset(n, 0, sizeof(*n));
	n->type = type;
	n->start = (uint32_t)start;
	n->end = (uint32_t)token_end(p);
	n->key = p->key;
	p->key = NULL;
	if (!up) {
		p->root = n;
		return n;
	}
	n->parent = up->node;
	n->index = (unsigned int)up->node->len++;
	if (up->last)
		up->last->next = n;
	else
		up->node->child = n;
	up->last = n;
	return n;
}

static int on_null(void *ctx)
{
	struct parser *p = ctx;

	add_node(p, JSON_NULL, token_end(p) - strlen("null"));
	return 1;
}

static int on_boolean(void *ctx, int value)
{
	struct parser *p = ctx;

	add_node(p, JSON_BOOL, token_end(p) - (value ? strlen("true") : strlen("false")))->boolean = value;
	return 1;
}

static int on_number(void *ctx, const char *digits, size_t len)
{
	struct parser *p = ctx;
	struct json *n = add_node(p, JSON_NUMBER, token_end(p) - len);

	n->str = arena_str(p->arena, digits, len);
	n->len = len;
	return 1;
}

/* Where the string token that ends at `end` (its closing quote included) starts: yajl gives a string
 * without escapes in place; one with escapes starts at the nearest quote that no backslash precedes. */
static size_t string_start(const struct parser *p, const unsigned char *s, size_t end)
{
	uintptr_t at_text = (uintptr_t)s - (uintptr_t)p->text;
	size_t at = end - 1;

	if (at_text > 0 && at_text < end)
		return at_text - 1;
	while (at > 0) {
		at--;
		if (p->text[at] == '"' && (at == 0 || p->text[at - 1] != '\\'))
			break;
	}
	return at;
}

static const char *take_string(struct parser *p, const unsigned char *s, size_t len, size_t *out_start)
{
	*out_start = string_start(p, s, token_end(p));
	if (memchr(s, '\0', len)) {
		(void)refuse_at(p, *out_start, EINVAL, "a string holds a NUL character");
		return NULL;
	}
	return arena_str(p->arena, (const char *)s, len);
}

static int on_string(void *ctx, const unsigned char *s, size_t len)
{
	struct parser *p = ctx;
	size_t start;
	const char *str = take_string(p, s, len, &start);
	struct json *n;

	if (!str)
		return 0;
	n = add_node(p, JSON_STRING, start);
	n->str = str;
	n->len = len;
	return 1;
}

static int on_key(void *ctx, const unsigned char *s, size_t len)
{
	struct parser *p = ctx;
	size_t start;

	p->key = take_string(p, s, len, &start);
	return p->key != NULL;
}

static int open_level(struct parser *p, enum json_type type)
{
	struct json *n;

	if (p->depth == JSON_DEPTH_MAX) {
		(void)refuse_at(p, token_end(p) - 1, EINVAL, "nested deeper than %d levels", JSON_DEPTH_MAX);
		return 0;
	}
	n = add_node(p, type, token_end(p) - 1);
	p->open[p->depth++] = (struct level){ .node = n };
	return 1;
}

static void close_level(struct parser *p)
{
	p->open[--p->depth].node->end = (uint32_t)token_end(p);
}

static int on_start_array(void *ctx)
{
	return open_level(ctx, JSON_ARRAY);
}

static int on_end_array(void *ctx)
{
	close_level(ctx);
	return 1;
}

static int on_start_object(void *ctx)
{
	return open_level(ctx, JSON_OBJECT);
}

static int compare_members(const void *a, const void *b)
{
	const struct json *const *x = a, *const *y = b;
	int order = strcmp((*x)->key, (*y)->key);

	return order ? order : ((*x)->index > (*y)->index) - ((*x)->index < (*y)->index);
}

/* A member whose key an earlier one has, or NULL. */
static const struct json *find_duplicate(const struct json *obj)
{
	AUTO_FREE const struct json **sorted = NULL;
	size_t i = 0;

	if (obj->len <= PAIRWISE_MAX) {
		json_each (m, obj)
			for (const struct json *other = obj->child; other != m; other = other->next)
				if (strcmp(other->key, m->key) == 0)
					return m;
		return NULL;
	}
	sorted = x_calloc(obj->len, sizeof(const struct json *));
	json_each (m, obj)
		sorted[i++] = m;
	qsort(sorted, obj->len, sizeof(const struct json *), compare_members);
	for (i = 1; i < obj->len; i++)
		if (strcmp(sorted[i - 1]->key, sorted[i]->key) == 0)
			return sorted[i];
	return NULL;
}

static int on_end_object(void *ctx)
{
	struct parser *p = ctx;
	const struct json *twice = find_duplicate(p->open[p->depth - 1].node);

	if (twice) {
		(void)refuse_at(p, twice->start, EINVAL, "the key '%s' is there twice", twice->key);
		return 0;
	}
	close_level(p);
	return 1;
}

static int refuse_syntax(struct parser *p)
{
	unsigned char *msg = yajl_get_error(p->yajl, 0, (const unsigned char *)p->text, p->len);
	const char *detail = strstr((const char *)msg, ": ");
	size_t at = token_end(p);

	/* yajl has taken the character that it does not like. */
	if (!p->finishing && at > 0)
		at--;
	detail = detail ? detail + 2 : (const char *)msg;
	(void)refuse_at(p, at, EINVAL, "not valid JSON: %.*s", (int)strcspn(detail, "\n"), detail);
	yajl_free_error(p->yajl, msg);
	return p->result;
}

static int run_parser(struct parser *p)
{
	yajl_status st = yajl_parse(p->yajl, (const unsigned char *)p->text, p->len);

	if (st == yajl_status_ok) {
		p->finishing = true;
		st = yajl_complete_parse(p->yajl);
	}
	if (st == yajl_status_ok && p->root)
		return 0;
	return p->result < 0 ? p->result : refuse_syntax(p);
}

int json_parse(const char *text, size_t len, struct json_doc *out, struct err *e)
{
	static const yajl_callbacks callbacks = {
		.yajl_null = on_null,
		.yajl_boolean = on_boolean,
		.yajl_number = on_number,
		.yajl_string = on_string,
		.yajl_start_map = on_start_object,
		.yajl_map_key = on_key,
		.yajl_end_map = on_end_object,
		.yajl_start_array = on_start_array,
		.yajl_end_array = on_end_array,
	};
	yajl_alloc_funcs memory = { .malloc = yajl_malloc, .realloc = yajl_realloc, .free = yajl_mfree };
	struct parser p = { .text = text, .len = len, .e = e };
	int r;

	if (len > JSON_TEXT_MAX)
		return err_set(e, EFBIG, "JSON text of %zu bytes: at most %u are accepted", len, JSON_TEXT_MAX);
	if (len == 0)
		return err_set(e, EINVAL, "not valid JSON: the text is empty");
	p.yajl = yajl_alloc(&callbacks, &memory, &p);
	p.arena = arena_new(len);
	r = run_parser(&p);
	yajl_free(p.yajl);
	if (r < 0) {
		arena_free(p.arena);
		return r;
	}
	*out = (struct json_doc){ .root = p.root, .text = text, .arena = p.arena };
	return 0;
}

/* --- reading --- */

const struct json *json_get(const struct json *obj, const char *key)
{
	if (!obj || obj->type != JSON_OBJECT)
		return NULL;
	json_each (m, obj)
		if (strcmp(m->key, key) == 0)
			return m->type == JSON_NULL ? NULL : m;
	return NULL;
}

const char *json_get_text(const struct json *obj, const char *key)
{
	const struct json *v = json_get(obj, key);

	return v && v->type == JSON_STRING && v->len ? v->str : NULL;
}

/* A key that reads well after a dot. */
static bool is_plain_key(const char *key)
{
	if (!*key)
		return false;
	for (; *key; key++)
		if (!isalnum((unsigned char)*key) && *key != '_' && *key != '-')
			return false;
	return true;
}

static int print_step(const struct json *v, bool first, char *out, size_t size)
{
	if (!v->key)
		return snprintf(out, size, "[%u]", v->index);
	if (is_plain_key(v->key))
		return snprintf(out, size, "%s%s", first ? "" : ".", v->key);
	return snprintf(out, size, "[\"%s\"]", v->key);
}

void json_path(const struct json *v, char *out, size_t size)
{
	const struct json *chain[JSON_DEPTH_MAX + 1];
	size_t n = 0, used = 0, i;

	if (size == 0)
		return;
	out[0] = '\0';
	for (; v && v->parent && n < ARRAY_LEN(chain); v = v->parent)
		chain[n++] = v;
	for (i = n; i-- > 0 && used < size;) {
		int printed = print_step(chain[i], i == n - 1, out + used, size - used);

		if (printed < 0)
			break;
		used += (size_t)printed;
	}
}

int json_err(struct err *e, int code, const struct json *v, const char *fmt, ...)
{
	char path[PATH_MAX_LEN], msg[ERR_MSG_MAX];
	va_list ap;

	if (!e)
		return -code;
	json_path(v, path, sizeof(path));
	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	(void)err_set(e, code, "%s%s%s", path, *path ? ": " : "", msg);
	/* Keys and values are the user's: keep the message on one line. */
	for (char *s = e->msg; *s; s++)
		if (iscntrl((unsigned char)*s))
			*s = '?';
	return -code;
}

int json_want(const struct json *v, enum json_type type, struct err *e)
{
	static const char *const names[] = {
		[JSON_NULL] = "null",	    [JSON_BOOL] = "true or false", [JSON_NUMBER] = "a number",
		[JSON_STRING] = "a string", [JSON_ARRAY] = "an array",	   [JSON_OBJECT] = "an object",
	};

	if (v->type == type)
		return 0;
	return json_err(e, EINVAL, v, "expected %s, got %s", names[type], names[v->type]);
}

int json_str(const struct json *v, const char **out, struct err *e)
{
	int r = json_want(v, JSON_STRING, e);

	if (r == 0)
		*out = v->str;
	return r;
}

int json_bool(const struct json *v, bool *out, struct err *e)
{
	int r = json_want(v, JSON_BOOL, e);

	if (r == 0)
		*out = v->boolean;
	return r;
}

int json_i64(const struct json *v, int64_t min, int64_t max, int64_t *out, struct err *e)
{
	int r = json_want(v, JSON_NUMBER, e);

	if (r < 0)
		return r;
	r = str_i64(v->str, min, max, out);
	if (r == -ERANGE)
		return json_err(e, ERANGE, v, "expected a number from %lld to %lld, got %s", (long long)min,
				(long long)max, v->str);
	if (r < 0)
		return json_err(e, EINVAL, v, "expected an integer, got %s", v->str);
	return 0;
}

int json_u64(const struct json *v, uint64_t max, uint64_t *out, struct err *e)
{
	int r = json_want(v, JSON_NUMBER, e);

	if (r < 0)
		return r;
	if (strcspn(v->str, ".eE") < v->len)
		return json_err(e, EINVAL, v, "expected an integer, got %s", v->str);
	if (str_u64(v->str, max, out) < 0)
		return json_err(e, ERANGE, v, "expected a number from 0 to %llu, got %s", (unsigned long long)max,
				v->str);
	return 0;
}

int json_strv(const struct json_doc *doc, const struct json *v, char ***out, size_t *out_n, struct err *e)
{
	char **strv;
	int r = json_want(v, JSON_ARRAY, e);

	if (r < 0)
		return r;
	json_each (item, v) {
		r = json_want(item, JSON_STRING, e);
		if (r < 0)
			return r;
	}
	strv = json_alloc(doc, v->len + 1, sizeof(char *));
	json_each (item, v)
		strv[item->index] = (char *)item->str;
	*out = strv;
	*out_n = v->len;
	return 0;
}
