/* SPDX-License-Identifier: Apache-2.0 */
/* gen.c: see gen.h. yajl refuses only what is no JSON, such as a second outermost value, so its answers
 * are not looked at. */
#include "gen.h"

#include "str.h"

#include <string.h>

yajl_gen gen_new(const char *indent)
{
	yajl_gen g = yajl_gen_alloc(NULL);

	if (!g)
		abort();
	if (indent) {
		(void)yajl_gen_config(g, yajl_gen_beautify, 1);
		(void)yajl_gen_config(g, yajl_gen_indent_string, indent);
	}
	return g;
}

char *gen_end(yajl_gen g)
{
	struct strbuf out = { 0 };
	const unsigned char *text;
	size_t len;

	(void)yajl_gen_get_buf(g, &text, &len);
	strbuf_add(&out, (const char *)text, len);
	yajl_gen_free(g);
	return out.s;
}

void gen_string(yajl_gen g, const char *s)
{
	(void)yajl_gen_string(g, (const unsigned char *)s, strlen(s));
}

void gen_pair(yajl_gen g, const char *key, const char *value)
{
	if (!value)
		return;
	gen_string(g, key);
	gen_string(g, value);
}

void gen_bool(yajl_gen g, const char *key, bool value)
{
	gen_string(g, key);
	(void)yajl_gen_bool(g, value);
}

/* yajl's own integers are signed. */
void gen_u64(yajl_gen g, const char *key, uint64_t value)
{
	AUTO_FREE char *digits = x_printf("%ju", (uintmax_t)value);

	gen_raw(g, key, digits);
}

/* yajl_gen_number() writes its text as it is. */
void gen_raw(yajl_gen g, const char *key, const char *text)
{
	gen_string(g, key);
	(void)yajl_gen_number(g, text, strlen(text));
}

void gen_strings(yajl_gen g, const char *key, const char *const *strings)
{
	gen_array_open(g, key);
	for (; *strings; strings++)
		gen_string(g, *strings);
	gen_array_close(g);
}

void gen_object_open(yajl_gen g, const char *key)
{
	if (key)
		gen_string(g, key);
	(void)yajl_gen_map_open(g);
}

void gen_object_close(yajl_gen g)
{
	(void)yajl_gen_map_close(g);
}

void gen_array_open(yajl_gen g, const char *key)
{
	if (key)
		gen_string(g, key);
	(void)yajl_gen_array_open(g);
}

void gen_array_close(yajl_gen g)
{
	(void)yajl_gen_array_close(g);
}
