/* SPDX-License-Identifier: Apache-2.0 */
/* check_unitprop.c: values in GVariant's text format, and properties of units made from annotations. */
#include "ck_run.h"
#include "str.h"
#include "unitprop.h"

#include <check.h>
#include <errno.h>

/* ---- values ---- */

static const struct {
	const char *text, *type;
	uint64_t magnitude;
	bool negative;
} numbers[] = {
	{ "true", "b", 1, false },
	{ " false ", "b", 0, false },
	{ "boolean true", "b", 1, false },
	{ "@b false", "b", 0, false },
	{ "0", "i", 0, false },
	{ "7", "i", 7, false },
	{ "+7", "i", 7, false },
	{ "-2147483648", "i", 2147483648, true },
	{ "2147483647", "i", INT32_MAX, false },
	{ "byte 0xff", "y", 255, false },
	{ "int16 -32768", "n", 32768, true },
	{ "uint16 65535", "q", 65535, false },
	{ "@u 010", "u", 8, false },
	{ "uint32 4294967295", "u", UINT32_MAX, false },
	{ "int64 -9223372036854775808", "x", (uint64_t)INT64_MAX + 1, true },
	{ "uint64 18446744073709551615", "t", UINT64_MAX, false },
	{ "@t  0xFFFFFFFFFFFFFFFF\n", "t", UINT64_MAX, false },
};

START_TEST(test_numbers_and_truths_are_read)
{
	struct gvariant v;
	struct err e = { 0 };

	ck_assert_msg(gvariant_parse(numbers[_i].text, &v, &e) == 0, "%s: %s", numbers[_i].text, e.msg);
	ck_assert_str_eq(v.type, numbers[_i].type);
	ck_assert_uint_eq(v.magnitude, numbers[_i].magnitude);
	ck_assert_int_eq(v.negative, numbers[_i].negative);
	ck_assert_ptr_null(v.strings);
	gvariant_free(&v);
}
END_TEST

static const struct {
	const char *text, *type, *strings[3];
} strings[] = {
	{ "'a'", "s", { "a" } },
	{ "\"it's\"", "s", { "it's" } },
	{ "''", "s", { "" } },
	{ "string 'a'", "s", { "a" } },
	{ "@s 'a'", "s", { "a" } },
	{ "'\\a\\b\\f\\n\\r\\t\\v\\\\\\'\\\"\\q'", "s", { "\a\b\f\n\r\t\v\\'\"q" } },
	{ "'a\\\nb'", "s", { "ab" } },
	{ "'\\u0041\\u00e9\\u20ac\\U0001f40b'", "s", { "A\303\251\342\202\254\360\237\220\213" } },
	{ "@as []", "as", { NULL } },
	{ "['a']", "as", { "a" } },
	{ "[ 'a,]' ,\n\"b\" ]", "as", { "a,]", "b" } },
	{ "@as ['a','b']", "as", { "a", "b" } },
};

START_TEST(test_strings_and_their_arrays_are_read)
{
	struct gvariant v;
	struct err e = { 0 };
	size_t n = 0;

	ck_assert_msg(gvariant_parse(strings[_i].text, &v, &e) == 0, "%s: %s", strings[_i].text, e.msg);
	ck_assert_str_eq(v.type, strings[_i].type);
	for (; strings[_i].strings[n]; n++) {
		ck_assert_uint_lt(n, v.n_strings);
		ck_assert_str_eq(v.strings[n], strings[_i].strings[n]);
	}
	ck_assert_uint_eq(v.n_strings, n);
	ck_assert_ptr_nonnull(v.strings);
	ck_assert_ptr_null(v.strings[n]);
	gvariant_free(&v);
}
END_TEST

static const char *const bad[] = {
	"",
	" ",
	"yes",
	"TRUE",
	"truefalse",
	"true false",
	"1 2",
	"1a",
	"08",
	"0x",
	"0xg",
	"-",
	"+-1",
	"--1",
	"1.5",
	"2147483648",
	"-2147483649",
	"byte 256",
	"byte -1",
	"uint64 -1",
	"uint64 18446744073709551616",
	"uint64",
	"uint64 ",
	"uint65 1",
	"@ 1",
	"@z 1",
	"@tt 1",
	"boolean 1",
	"uint64 true",
	"string 1",
	"int32 'a'",
	"'a",
	"'a\\",
	"'a\\'",
	"\"a'",
	"'a' b",
	"'\\u12'",
	"'\\u0000'",
	"'\\ud800'",
	"'\\U00110000'",
	"'\\uzzzz'",
	"[]",
	"[",
	"['a'",
	"['a',",
	"['a',]",
	"['a' 'b']",
	"[1]",
	"[true]",
	"['a', 1]",
	"['a']]",
	"@s ['a']",
	"@as 'a'",
	"@as [",
	"@a{sv} {}",
	"(1, 2)",
	"b'bytes'",
	"nothing",
	"just 1",
	"<1>",
	"objectpath '/a'",
	"1e3",
	"'a'\\n",
};

START_TEST(test_what_is_no_value_is_refused)
{
	struct gvariant v;
	struct err e = { 0 };

	ck_assert_msg(gvariant_parse(bad[_i], &v, &e) == -EINVAL, "'%s' is taken", bad[_i]);
	ck_assert_str_ne(e.msg, "");
	gvariant_free(&v);
	gvariant_free(&v);
}
END_TEST

START_TEST(test_values_are_bounded)
{
	struct strbuf text = { 0 };
	struct gvariant v;
	struct err e = { 0 };

	strbuf_puts(&text, "['a'");
	for (int i = 1; i < GVARIANT_STRINGS_MAX; i++)
		strbuf_puts(&text, ",'a'");
	strbuf_puts(&text, "]");
	ck_assert_int_eq(gvariant_parse(text.s, &v, &e), 0);
	ck_assert_uint_eq(v.n_strings, GVARIANT_STRINGS_MAX);
	gvariant_free(&v);
	text.s[text.len - 1] = ',';
	strbuf_puts(&text, "'a']");
	ck_assert_int_eq(gvariant_parse(text.s, &v, &e), -E2BIG);
	gvariant_free(&v);
	text.len = 0;
	for (int i = 0; i < GVARIANT_TEXT_MAX; i++)
		strbuf_puts(&text, " ");
	strbuf_puts(&text, "1");
	ck_assert_int_eq(gvariant_parse(text.s, &v, &e), -E2BIG);
	ck_assert_int_eq(gvariant_parse(text.s + 1, &v, &e), 0);
	gvariant_free(&v);
	free(text.s);
}
END_TEST

/* ---- properties ---- */

static const struct {
	const char *name, *text, *out_name;
	uint64_t magnitude;
} seconds[] = {
	{ "TimeoutStopSec", "2", "TimeoutStopUSec", 2000000 },
	{ "TimeoutStopSec", "uint64 0", "TimeoutStopUSec", 0 },
	{ "RuntimeMaxSec", "-0", "RuntimeMaxUSec", 0 },
	{ "TimeoutStopSec", "uint64 18446744073709", "TimeoutStopUSec", 18446744073709000000U },
};

START_TEST(test_seconds_become_microseconds)
{
	struct unitprop p;
	struct err e = { 0 };

	ck_assert_msg(unitprop_parse(seconds[_i].name, seconds[_i].text, &p, &e) == 0, "%s", e.msg);
	ck_assert_str_eq(p.name, seconds[_i].out_name);
	ck_assert_str_eq(p.value.type, "t");
	ck_assert_uint_eq(p.value.magnitude, seconds[_i].magnitude);
	ck_assert(!p.value.negative);
	unitprop_free(&p);
}
END_TEST

START_TEST(test_other_names_stay)
{
	static const char *const names[] = { "TimeoutStopUSec", "Sec", "FOOSec", "CollectMode" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct unitprop p;
		struct err e = { 0 };

		ck_assert_msg(unitprop_parse(names[i], "uint64 7", &p, &e) == 0, "%s", e.msg);
		ck_assert_str_eq(p.name, names[i]);
		ck_assert_uint_eq(p.value.magnitude, 7);
		unitprop_free(&p);
	}
}
END_TEST

static const char *const refused[][2] = {
	{ "", "1" },
	{ "Ab", "1" },
	{ "Memory Max", "1" },
	{ "Memory.Max", "1" },
	{ "Memory=Max", "1" },
	{ "CPU2", "1" },
	{ "M\303\251moire", "1" },
	{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "1" },
	{ "MemoryMax", "" },
	{ "TimeoutStopSec", "'2'" },
	{ "TimeoutStopSec", "true" },
	{ "TimeoutStopSec", "-2" },
	{ "TimeoutStopSec", "uint64 18446744073710" },
};

START_TEST(test_names_and_values_are_checked)
{
	struct unitprop p;
	struct err e = { 0 };

	ck_assert_msg(unitprop_parse(refused[_i][0], refused[_i][1], &p, &e) == -EINVAL, "%s=%s is taken",
		      refused[_i][0], refused[_i][1]);
	unitprop_free(&p);
}
END_TEST

START_TEST(test_what_acts_on_other_units_has_power)
{
	static const struct {
		const char *name, *text;
		bool power;
	} cases[] = {
		{ "After", "['a.service']", false },	{ "Before", "['a.service']", false },
		{ "CollectMode", "'inactive'", false }, { "MemoryMax", "uint64 1", false },
		{ "Wants", "['a.service']", true },	{ "Conflicts", "@as []", true },
		{ "OnFailure", "['a.service']", true }, { "FailureAction", "'reboot'", true },
		{ "SuccessAction", "'exit'", true },	{ "Slice", "'a.slice'", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct unitprop p;
		struct err e = { 0 };

		ck_assert_msg(unitprop_parse(cases[i].name, cases[i].text, &p, &e) == 0, "%s", e.msg);
		ck_assert_msg(unitprop_has_power(&p) == cases[i].power, "%s", cases[i].name);
		unitprop_free(&p);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("unitprop");
	TCase *t = tcase_create("unitprop");

	tcase_add_loop_test(t, test_numbers_and_truths_are_read, 0, ARRAY_LEN(numbers));
	tcase_add_loop_test(t, test_strings_and_their_arrays_are_read, 0, ARRAY_LEN(strings));
	tcase_add_loop_test(t, test_what_is_no_value_is_refused, 0, ARRAY_LEN(bad));
	tcase_add_test(t, test_values_are_bounded);
	tcase_add_loop_test(t, test_seconds_become_microseconds, 0, ARRAY_LEN(seconds));
	tcase_add_test(t, test_other_names_stay);
	tcase_add_loop_test(t, test_names_and_values_are_checked, 0, ARRAY_LEN(refused));
	tcase_add_test(t, test_what_acts_on_other_units_has_power);
	suite_add_tcase(suite, t);
	return ck_run(suite);
}
