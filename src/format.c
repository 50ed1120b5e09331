/* SPDX-License-Identifier: Apache-2.0 */
/* format.c: see format.h. */
#include "format.h"

#include "cmd.h"

int format_is_json(const char *format, bool *out_json, struct err *e)
{
	if (format && !str_eq(format, "table") && !str_eq(format, "json"))
		return err_set(e, EINVAL, "option '--format': expected table or json, got '%s'", format);
	*out_json = str_eq(format, "json");
	return 0;
}

void format_pair(yajl_gen gen, const char *key, const char *value)
{
	gen_pair(gen, key, value ? value : "");
}

int format_print(yajl_gen gen, struct err *e)
{
	AUTO_FREE char *text = gen_end(gen);

	return cmd_print_line(text, e);
}
