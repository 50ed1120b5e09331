/* SPDX-License-Identifier: Apache-2.0 */
/* format.c: see format.h. */
#include "format.h"

#include "cmd.h"

#include <string.h>

int format_is_json(const char *format, bool *out_json, struct err *e)
{
	if (format && !str_eq(format, "table") && !str_eq(format, "json"))
		return err_set(e, EINVAL, "option '--format': expected table or json, got '%s'", format);
	*out_json = str_eq(format, "json");
	return 0;
}

void format_string(yajl_gen gen, const char *s)
{
	(void)yajl_gen_string(gen, (const unsigned char *)s, strlen(s));
}

void format_pair(yajl_gen gen, const char *key, const char *value)
{
	format_string(gen, key);
	format_string(gen, value ? value : "");
}

int format_print(yajl_gen gen, struct err *e)
{
	const unsigned char *text;
	struct strbuf out = { 0 };
	size_t len;
	int r;

	(void)yajl_gen_get_buf(gen, &text, &len);
	strbuf_add(&out, (const char *)text, len);
	strbuf_add(&out, "\n", 1);
	yajl_gen_free(gen);
	r = cmd_print(out.s, out.len, e);
	free(out.s);
	return r;
}
