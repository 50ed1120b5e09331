/* SPDX-License-Identifier: Apache-2.0 */
/* gvariant.c: see gvariant.h. */
#include "gvariant.h"

#include "str.h"

#include <ctype.h>
#include <string.h>

static const struct integer {
	const char *keyword, *type;
	uint64_t max, min; /* min: the magnitude of the least */
} integers[] = {
	{ "byte", "y", UINT8_MAX, 0 },	  { "int16", "n", INT16_MAX, (uint64_t)INT16_MAX + 1 },
	{ "uint16", "q", UINT16_MAX, 0 }, { "int32", "i", INT32_MAX, (uint64_t)INT32_MAX + 1 },
	{ "uint32", "u", UINT32_MAX, 0 }, { "int64", "x", INT64_MAX, (uint64_t)INT64_MAX + 1 },
	{ "uint64", "t", UINT64_MAX, 0 },
};

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, " \t\n\r");
}

static int bad(struct err *e, const char *text)
{
	return err_set(
		e, EINVAL,
		"expected a value in GVariant's text format, such as true, 'text', uint64 7 or ['a', 'b'], got '%.80s'",
		text);
}

/* ---- types ---- */

/* The type in front of the value, as "@t " or "uint64 ", in D-Bus's letters; "": none. *s moves behind it. NULL: none
 * that is known. */
static const char *take_type(const char **s)
{
	static const char *const others[][2] = { { "boolean", "b" }, { "string", "s" }, { NULL, "as" } };
	bool sign = **s == '@';
	size_t len = sign ? strcspn(++*s, " \t\n\r") : strspn(*s, "abcdefghijklmnopqrstuvwxyz0123456789");
	const char *word = *s, *found = NULL;

	if (!sign &&
	    (!isalpha((unsigned char)*word) || skip_blanks(word + len) == word + len || !*skip_blanks(word + len)))
		return ""; /* a value, if any: true */
	for (size_t i = 0; i < ARRAY_LEN(integers); i++) {
		const char *name = sign ? integers[i].type : integers[i].keyword;

		if (strlen(name) == len && strncmp(name, word, len) == 0)
			found = integers[i].type;
	}
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		const char *name = others[i][sign];

		if (name && strlen(name) == len && strncmp(name, word, len) == 0)
			found = others[i][1];
	}
	*s = skip_blanks(word + len);
	return found;
}

/* ---- numbers ---- */

static const struct integer *find_integer(const char *type)
{
	for (size_t i = 0; i < ARRAY_LEN(integers); i++)
		if (str_eq(integers[i].type, type))
			return &integers[i];
	return NULL;
}

/* Digits as strtoull(3) has them with base 0, no blank and no sign; false for none or too many. */
static bool take_digits(const char **s, uint64_t *out)
{
	unsigned int base = 10;
	uint64_t n = 0;
	size_t digits = 0;

	if (**s == '0') {
		bool hex = (*s)[1] == 'x' || (*s)[1] == 'X';

		base = hex ? 16 : 8;
		*s += hex ? 2 : 0;
	}
	for (; isxdigit((unsigned char)**s); ++*s, digits++) {
		unsigned int digit = isdigit((unsigned char)**s)
					     ? (unsigned int)(**s - '0')
					     : (unsigned int)(tolower((unsigned char)**s) - 'a') + 10;

		if (digit >= base || n > (UINT64_MAX - digit) / base)
			return false;
		n = n * base + digit;
	}
	*out = n;
	return digits > 0;
}

static int parse_integer(const char *text, const struct integer *kind, const char **s, struct gvariant *out,
			 struct err *e)
{
	out->type = kind->type;
	out->negative = **s == '-';
	*s += **s == '-' || **s == '+';
	if (!take_digits(s, &out->magnitude))
		return bad(e, text);
	if (out->magnitude > (out->negative ? kind->min : kind->max))
		return err_set(e, EINVAL, "'%.80s' is out of the range of %s: write another type in front of it", text,
			       kind->keyword);
	return 0;
}

/* ---- strings ---- */

/* \uXXXX or \UXXXXXXXX, as UTF-8; *s is at its first digit. */
static bool take_code_point(const char **s, size_t digits, struct strbuf *b)
{
	uint32_t c = 0;

	for (size_t i = 0; i < digits; i++, ++*s) {
		if (!isxdigit((unsigned char)**s))
			return false;
		c = c * 16 +
		    (uint32_t)(isdigit((unsigned char)**s) ? **s - '0' : tolower((unsigned char)**s) - 'a' + 10);
	}
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return false;
	if (c < 0x80)
		strbuf_printf(b, "%c", (int)c);
	else if (c < 0x800)
		strbuf_printf(b, "%c%c", (int)(0xc0 | c >> 6), (int)(0x80 | (c & 0x3f)));
	else if (c < 0x10000)
		strbuf_printf(b, "%c%c%c", (int)(0xe0 | c >> 12), (int)(0x80 | (c >> 6 & 0x3f)),
			      (int)(0x80 | (c & 0x3f)));
	else
		strbuf_printf(b, "%c%c%c%c", (int)(0xf0 | c >> 18), (int)(0x80 | (c >> 12 & 0x3f)),
			      (int)(0x80 | (c >> 6 & 0x3f)), (int)(0x80 | (c & 0x3f)));
	return true;
}

/* What stands behind a backslash. */
static bool take_escape(const char **s, struct strbuf *b)
{
	static const char letters[] = "abfnrtv", meant[] = "\a\b\f\n\r\t\v";
	const char *at;
	char c = **s;

	if (!c)
		return false;
	++*s;
	if (c == 'u' || c == 'U')
		return take_code_point(s, c == 'u' ? 4 : 8, b);
	if (c == '\n') /* a line that goes on */
		return true;
	at = strchr(letters, c);
	strbuf_add(b, at ? &meant[at - letters] : &c, 1);
	return true;
}

static int take_string(const char *text, const char **s, struct gvariant *out, struct err *e)
{
	struct strbuf b = { 0 };
	char quote = **s;
	bool good = quote == '\'' || quote == '"';

	strbuf_puts(&b, "");
	*s += good;
	while (good && **s != quote) {
		if (**s == '\\') {
			++*s;
			good = take_escape(s, &b);
		} else {
			good = **s;
			strbuf_add(&b, *s, good);
			*s += good;
		}
	}
	if (!good) {
		free(b.s);
		return bad(e, text);
	}
	++*s;
	out->strings = x_realloc(out->strings, out->n_strings + 2, sizeof(*out->strings));
	out->strings[out->n_strings++] = b.s;
	out->strings[out->n_strings] = NULL;
	return 0;
}

/* typed: an empty array tells nothing of its type itself. */
static int parse_array(const char *text, bool typed, const char **s, struct gvariant *out, struct err *e)
{
	int r = 0;

	out->type = "as";
	out->strings = x_calloc(1, sizeof(*out->strings));
	*s = skip_blanks(*s + 1);
	if (**s == ']' && !typed)
		return err_set(e, EINVAL, "'%.80s' has no type: write @as in front of it", text);
	while (r == 0 && **s != ']') {
		if (out->n_strings == GVARIANT_STRINGS_MAX)
			return err_set(e, E2BIG, "more than %d strings", GVARIANT_STRINGS_MAX);
		r = take_string(text, s, out, e);
		*s = skip_blanks(*s);
		if (r == 0 && **s != ',' && **s != ']')
			r = bad(e, text);
		if (r == 0 && **s == ',') {
			*s = skip_blanks(*s + 1);
			r = **s == ']' ? bad(e, text) : 0;
		}
	}
	*s += r == 0;
	return r;
}

/* ---- */

static int parse_truth(const char *text, const char **s, struct gvariant *out, struct err *e)
{
	size_t len = strspn(*s, "abcdefghijklmnopqrstuvwxyz");

	out->type = "b";
	out->magnitude = len == 4 && strncmp(*s, "true", len) == 0;
	if (!out->magnitude && (len != 5 || strncmp(*s, "false", len) != 0))
		return bad(e, text);
	*s += len;
	return 0;
}

static int parse_value(const char *text, struct gvariant *out, struct err *e)
{
	const char *s = skip_blanks(text), *type = take_type(&s);
	const struct integer *integer;
	int r;

	if (!type)
		return bad(e, text);
	integer = find_integer(*type ? type : "i");
	if ((!*type || str_eq(type, "as")) && *s == '[')
		r = parse_array(text, *type, &s, out, e);
	else if ((!*type || str_eq(type, "s")) && (*s == '\'' || *s == '"'))
		r = take_string(text, &s, out, e);
	else if ((!*type || str_eq(type, "b")) && isalpha((unsigned char)*s))
		r = parse_truth(text, &s, out, e);
	else
		r = integer ? parse_integer(text, integer, &s, out, e) : bad(e, text);
	if (r == 0 && !out->type)
		out->type = "s";
	return r < 0 ? r : *skip_blanks(s) ? bad(e, text) : 0;
}

int gvariant_parse(const char *text, struct gvariant *out, struct err *e)
{
	*out = (struct gvariant){ 0 };
	if (strlen(text) > GVARIANT_TEXT_MAX)
		return err_set(e, E2BIG, "more than %d bytes", GVARIANT_TEXT_MAX);
	return parse_value(text, out, e);
}

void gvariant_free(struct gvariant *v)
{
	for (size_t i = 0; i < v->n_strings; i++)
		free(v->strings[i]);
	free(v->strings);
	*v = (struct gvariant){ 0 };
}
