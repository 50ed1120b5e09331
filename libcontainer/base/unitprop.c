/* SPDX-License-Identifier: Apache-2.0 */
/* unitprop.c: see unitprop.h. */
#include "unitprop.h"

#include "str.h"

#include <ctype.h>
#include <string.h>

#define NAME_MIN 3
#define NAME_LIMIT 64
#define SECOND_US 1000000

static int check_name(const char *name, struct err *e)
{
	size_t len = strnlen(name, NAME_LIMIT + 1);
	bool good = len >= NAME_MIN && len <= NAME_LIMIT;

	for (size_t i = 0; good && i < len; i++)
		good = isascii((unsigned char)name[i]) && isalpha((unsigned char)name[i]);
	return good ? 0
		    : err_set(e, EINVAL, "expected the name of a property, of %d to %d letters, got '%.80s'", NAME_MIN,
			      NAME_LIMIT, name);
}

static bool ends_with(const char *s, const char *end)
{
	size_t len = strlen(s), n = strlen(end);

	return len > n && strcmp(s + len - n, end) == 0;
}

/* "Sec" behind a small letter: TimeoutStopSec, but not TimeoutStopUSec. */
static bool is_in_seconds(const char *name)
{
	return ends_with(name, "Sec") && islower((unsigned char)name[strlen(name) - strlen("Sec") - 1]);
}

static int to_microseconds(struct unitprop *p, const char *text, struct err *e)
{
	struct gvariant *v = &p->value;
	char *name;

	if (v->strings || str_eq(v->type, "b") || (v->negative && v->magnitude))
		return err_set(e, EINVAL, "expected a number of seconds, got '%.80s'", text);
	if (v->magnitude > UINT64_MAX / SECOND_US)
		return err_set(e, EINVAL, "'%.80s' seconds are too many", text);
	v->type = "t";
	v->negative = false;
	v->magnitude *= SECOND_US;
	name = x_printf("%.*sUSec", (int)(strlen(p->name) - strlen("Sec")), p->name);
	free(p->name);
	p->name = name;
	return 0;
}

int unitprop_parse(const char *name, const char *text, struct unitprop *out, struct err *e)
{
	int r;

	*out = (struct unitprop){ 0 };
	r = check_name(name, e);
	if (r == 0)
		r = gvariant_parse(text, &out->value, e);
	if (r < 0)
		return r;
	out->name = x_strdup(name);
	return is_in_seconds(name) ? to_microseconds(out, text, e) : 0;
}

void unitprop_free(struct unitprop *p)
{
	free(p->name);
	gvariant_free(&p->value);
	p->name = NULL;
}

bool unitprop_has_power(const struct unitprop *p)
{
	static const char *const harmless[] = { "After", "Before", "Documentation" };

	if (str_eq(p->name, "Slice") || ends_with(p->name, "Action"))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(harmless); i++)
		if (str_eq(p->name, harmless[i]))
			return false;
	return str_eq(p->value.type, "as");
}
