/* SPDX-License-Identifier: Apache-2.0 */
/* check_json.c: base/json.c: what is refused and where, the tree and its offsets, paths, typed reads. */
#include "ck_run.h"
#include "err.h"
#include "json.h"
#include "str.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* From a copy of its exact size, so that ASan sees one byte too far. */
static int parse(const char *text, size_t len, char **out_copy, struct json_doc *doc, struct err *e)
{
	*out_copy = x_calloc(len, 1);
	memcpy(*out_copy, text, len);
	return json_parse(*out_copy, len, doc, e);
}

static struct json_doc parse_ok(const char *text)
{
	struct json_doc doc = { 0 };
	struct err e = { 0 };

	ck_assert_msg(json_parse(text, strlen(text), &doc, &e) == 0, "%s: %s", text, e.msg);
	return doc;
}

/* --- refusals --- */

static const struct {
	const char *text;
	const char *msg;
} refused[] = {
	{ "", "not valid JSON: the text is empty" },
	{ "  \n ", "line 2, column 2: not valid JSON: premature EOF" },
	{ "{", "line 1, column 2: not valid JSON: premature EOF" },
	{ "{\"a\":[1,\n2", "line 2, column 2: not valid JSON: premature EOF" },
	{ "\"a", "line 1, column 3: not valid JSON: premature EOF" },
	{ "[1,]", "line 1, column 4: not valid JSON: unallowed token at this point in JSON text" },
	{ "{\"a\":1,}", "line 1, column 8: not valid JSON: invalid object key (must be a string)" },
	{ "{\"a\" 1}", "line 1, column 6: not valid JSON: object key and value must be separated by a colon (':')" },
	{ "{a:1}", "line 1, column 2: not valid JSON: invalid char in json text." },
	{ "{'a':1}", "line 1, column 2: not valid JSON: invalid char in json text." },
	{ "[01]", "line 1, column 3: not valid JSON: after array element, I expect ',' or ']'" },
	{ "[NaN]", "line 1, column 2: not valid JSON: invalid char in json text." },
	{ "[+1]", "line 1, column 2: not valid JSON: invalid char in json text." },
	{ "[1.]", "line 1, column 3: not valid JSON: malformed number, a digit is required after the decimal point." },
	{ "{} x", "line 1, column 4: not valid JSON: trailing garbage" },
	{ "{}{}", "line 1, column 3: not valid JSON: trailing garbage" },
	{ "[1]]", "line 1, column 4: not valid JSON: trailing garbage" },
	{ "// c\n{}", "line 1, column 1: not valid JSON: probable comment found in input text, comments are not "
		      "enabled." },
	{ "{\n\"a\": /* c */ 1}",
	  "line 2, column 5: not valid JSON: probable comment found in input text, comments are not enabled." },
	{ "[\n  \"\xff\"]", "line 2, column 4: not valid JSON: invalid bytes in UTF8 string." },
	{ "[\"\xc3\"]", "line 1, column 4: not valid JSON: invalid bytes in UTF8 string." },
	{ "\xef\xbb\xbf{}", "line 1, column 1: not valid JSON: invalid char in json text." },
	{ "[\"\\x\"]", "line 1, column 3: not valid JSON: inside a string, '\\' occurs before a character which it may "
		       "not." },
	{ "[\"a\nb\"]", "line 1, column 3: not valid JSON: invalid character inside string." },
	{ "[\"a\\u0000b\"]", "line 1, column 2: a string holds a NUL character" },
	{ "{\"\\u0000\":1}", "line 1, column 2: a string holds a NUL character" },
	{ "{\"a\":1,\n \"b\":2,\n \"a\":3}", "line 3, column 6: the key 'a' is there twice" },
	{ "{\"\":1,\"\":2}", "line 1, column 10: the key '' is there twice" },
	/* the same key, written in another way */
	{ "{\"a\":1,\"\\u0061\":2}", "line 1, column 17: the key 'a' is there twice" },
	{ "{\"a\\nb\":1,\"a\\nb\":2}", "line 1, column 18: the key 'a?b' is there twice" },
};

START_TEST(test_bad_text_is_refused_with_its_place)
{
	AUTO_FREE char *copy = NULL;
	struct json_doc doc = { 0 };
	struct err e = { 0 };
	const char *text = refused[_i].text;

	ck_assert_int_eq(parse(text, strlen(text), &copy, &doc, &e), -EINVAL);
	ck_assert_str_eq(e.msg, refused[_i].msg);
	ck_assert_int_eq(e.code, EINVAL);
	ck_assert_ptr_null(doc.arena);
}
END_TEST

START_TEST(test_a_zero_byte_is_refused)
{
	struct json_doc doc;
	struct err e = { 0 };

	ck_assert_int_eq(json_parse("{\0}", 3, &doc, &e), -EINVAL);
	ck_assert_int_eq(json_parse("{}\0", 3, &doc, &e), -EINVAL);
	ck_assert_int_eq(json_parse("[\"a\0\"]", 6, &doc, &e), -EINVAL);
}
END_TEST

START_TEST(test_each_truncation_is_refused)
{
	static const char text[] = "{\"a\": [1, -2.5e3, \"\\u00e9\\\"\", true, null], \"b\": {\"c\": false}}";
	size_t len;

	for (len = 0; len < strlen(text); len++) {
		AUTO_FREE char *copy = NULL;
		struct json_doc doc = { 0 };
		struct err e = { 0 };

		ck_assert_int_eq(parse(text, len, &copy, &doc, &e), -EINVAL);
		ck_assert_ptr_null(strchr(e.msg, '\n'));
	}
}
END_TEST

static char *nested(size_t depth)
{
	char *text = x_calloc(2 * depth + 1, 1);

	memset(text, '[', depth);
	memset(text + depth, ']', depth);
	return text;
}

START_TEST(test_depth_is_bounded)
{
	AUTO_FREE char *most = nested(JSON_DEPTH_MAX), *more = nested(JSON_DEPTH_MAX + 1), *huge = nested(1U << 20);
	struct json_doc doc = parse_ok(most);
	struct err e = { 0 };

	json_free(&doc);
	ck_assert_int_eq(json_parse(more, strlen(more), &doc, &e), -EINVAL);
	ck_assert_str_eq(e.msg, "line 1, column 65: nested deeper than 64 levels");
	ck_assert_int_eq(json_parse(huge, strlen(huge), &doc, &e), -EINVAL);
	ck_assert_str_eq(e.msg, "line 1, column 65: nested deeper than 64 levels");
}
END_TEST

START_TEST(test_length_is_bounded)
{
	AUTO_FREE char *text = x_calloc(JSON_TEXT_MAX + 1, 1);
	struct json_doc doc;
	struct err e = { 0 };

	memset(text, ' ', JSON_TEXT_MAX + 1);
	memcpy(text, "[]", 2);
	ck_assert_int_eq(json_parse(text, JSON_TEXT_MAX, &doc, &e), 0);
	json_free(&doc);
	ck_assert_int_eq(json_parse(text, JSON_TEXT_MAX + 1, &doc, &e), -EFBIG);
	ck_assert_str_eq(e.msg, "JSON text of 8388609 bytes: at most 8388608 are accepted");
}
END_TEST

/* n different keys, then the key of number `again`. */
static char *many_keys(size_t n, size_t again)
{
	struct strbuf b = { 0 };
	size_t i;

	strbuf_puts(&b, "{");
	for (i = 0; i < n; i++)
		strbuf_printf(&b, "\"key%zu\":%zu,", i, i);
	strbuf_printf(&b, "\"key%zu\":0}", again);
	return b.s;
}

START_TEST(test_a_key_may_occur_once_in_objects_of_any_size)
{
	static const size_t sizes[] = { 1, 2, 15, 16, 17, 1000 };
	size_t i, j;

	for (j = 0; j < 3 * ARRAY_LEN(sizes); j++) {
		i = j / 3;
		AUTO_FREE char *good = many_keys(sizes[i], sizes[i]),
			       *bad = many_keys(sizes[i], (sizes[i] - 1) * (j % 3) / 2);
		struct json_doc doc = parse_ok(good);
		struct err e = { 0 };
		char want[80];

		/* the first, the middle and the last key again */
		ck_assert_uint_eq(doc.root->len, sizes[i] + 1);
		json_free(&doc);
		ck_assert_int_eq(json_parse(bad, strlen(bad), &doc, &e), -EINVAL);
		(void)snprintf(want, sizeof(want), "line 1, column %zu: the key 'key%zu' is there twice",
			       strlen(bad) - 1, (sizes[i] - 1) * (j % 3) / 2);
		ck_assert_str_eq(e.msg, want);
	}
}
END_TEST

START_TEST(test_large_objects_do_not_cost_quadratic_time)
{
	AUTO_FREE char *text = many_keys(200000, 200000);
	struct timespec before, after;
	struct json_doc doc;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	doc = parse_ok(text);
	json_free(&doc);
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	/* 0.1 s here; comparing each with each takes minutes. */
	ck_assert_int_lt(after.tv_sec - before.tv_sec, 5);
}
END_TEST

/* --- the tree --- */

/* The bytes of a node, as the text has them. */
static void assert_bytes(const struct json_doc *doc, const struct json *v, const char *want)
{
	ck_assert_ptr_nonnull(v);
	ck_assert_uint_eq(v->end - v->start, strlen(want));
	ck_assert_mem_eq(doc->text + v->start, want, strlen(want));
}

START_TEST(test_nodes_know_their_bytes)
{
	static const char text[] = " {\"n\" : -12.5e+3 ,\"t\":true,\"f\": false , \"z\":null, \"s\":\"plain\" ,"
				   "\"e\":\"\\\"\\\\\" , \"q\" : [\"\\\\\",\"a\\\"b\",\"\\u00e9\",\"\" ],\n"
				   "\"o\":{ \"x\" :{}, \"y\":[ ] } } ";
	struct json_doc doc = parse_ok(text);
	const struct json *root = doc.root, *item;

	assert_bytes(&doc, json_get(root, "n"), "-12.5e+3");
	assert_bytes(&doc, json_get(root, "t"), "true");
	assert_bytes(&doc, json_get(root, "f"), "false");
	assert_bytes(&doc, json_get(root, "s"), "\"plain\"");
	assert_bytes(&doc, json_get(root, "e"), "\"\\\"\\\\\"");
	assert_bytes(&doc, json_get(root, "q"), "[\"\\\\\",\"a\\\"b\",\"\\u00e9\",\"\" ]");
	item = json_get(root, "q")->child;
	assert_bytes(&doc, item, "\"\\\\\"");
	assert_bytes(&doc, item->next, "\"a\\\"b\"");
	assert_bytes(&doc, item->next->next, "\"\\u00e9\"");
	assert_bytes(&doc, item->next->next->next, "\"\"");
	assert_bytes(&doc, json_get(root, "o"), "{ \"x\" :{}, \"y\":[ ] }");
	assert_bytes(&doc, json_get(json_get(root, "o"), "x"), "{}");
	assert_bytes(&doc, json_get(json_get(root, "o"), "y"), "[ ]");
	ck_assert_uint_eq(root->start, 1);
	ck_assert_uint_eq(root->end, strlen(text) - 1);
	json_free(&doc);
}
END_TEST

START_TEST(test_nodes_hold_their_values)
{
	struct json_doc doc =
		parse_ok("{\"s\":\"a\\u00e9\\n\\ud83d\\ude00\",\"n\":-12.5e+3,\"t\":true,\"z\":null,\"a\":[1,2]}");
	const struct json *v = doc.root->child;

	ck_assert_int_eq(doc.root->type, JSON_OBJECT);
	ck_assert_uint_eq(doc.root->len, 5);
	ck_assert_int_eq(v->type, JSON_STRING);
	ck_assert_str_eq(v->key, "s");
	ck_assert_str_eq(v->str, "a\xc3\xa9\n\xf0\x9f\x98\x80");
	ck_assert_uint_eq(v->len, strlen(v->str));
	ck_assert_ptr_eq(v->parent, doc.root);
	v = v->next;
	ck_assert_int_eq(v->type, JSON_NUMBER);
	ck_assert_str_eq(v->str, "-12.5e+3");
	v = v->next;
	ck_assert_int_eq(v->type, JSON_BOOL);
	ck_assert(v->boolean);
	v = v->next;
	ck_assert_int_eq(v->type, JSON_NULL);
	ck_assert_uint_eq(v->index, 3);
	v = v->next;
	ck_assert_uint_eq(v->len, 2);
	ck_assert_uint_eq(v->child->next->index, 1);
	ck_assert_ptr_null(v->child->key);
	ck_assert_ptr_null(v->child->next->next);
	ck_assert_ptr_null(v->next);
	json_free(&doc);
}
END_TEST

START_TEST(test_a_scalar_may_stand_alone)
{
	struct json_doc doc = parse_ok(" 42");

	ck_assert_int_eq(doc.root->type, JSON_NUMBER);
	assert_bytes(&doc, doc.root, "42");
	json_free(&doc);
}
END_TEST

START_TEST(test_get_takes_null_for_absent)
{
	struct json_doc doc = parse_ok("{\"a\":null,\"b\":[{\"c\":1}]}");

	ck_assert_ptr_null(json_get(doc.root, "a"));
	ck_assert_ptr_null(json_get(doc.root, "x"));
	ck_assert_ptr_null(json_get(NULL, "x"));
	ck_assert_ptr_null(json_get(json_get(doc.root, "b"), "c"));
	ck_assert_ptr_nonnull(json_get(json_get(doc.root, "b")->child, "c"));
	json_free(&doc);
}
END_TEST

START_TEST(test_each_takes_nothing)
{
	struct json_doc doc = parse_ok("[[],{},\"a\"]");
	const struct json *none = NULL;
	size_t n = 0;

	json_each (it, none)
		n++;
	json_each (outer, doc.root) {
		n++;
		json_each (inner, outer)
			n += 100;
	}
	ck_assert_uint_eq(n, 3);
	json_free(&doc);
}
END_TEST

START_TEST(test_paths_read_like_code)
{
	struct json_doc doc = parse_ok(
		"{\"linux\":{\"namespaces\":[0,{\"path\":1}],\"sysctl\":{\"net.x\":1,\"\":2}},\"a_b-9\":[[7]]}");
	const struct json *l = json_get(doc.root, "linux"), *item = json_get(l, "namespaces")->child->next;
	char path[64];

	json_path(json_get(item, "path"), path, sizeof(path));
	ck_assert_str_eq(path, "linux.namespaces[1].path");
	json_path(json_get(json_get(l, "sysctl"), "net.x"), path, sizeof(path));
	ck_assert_str_eq(path, "linux.sysctl[\"net.x\"]");
	json_path(json_get(json_get(l, "sysctl"), ""), path, sizeof(path));
	ck_assert_str_eq(path, "linux.sysctl[\"\"]");
	json_path(json_get(doc.root, "a_b-9")->child->child, path, sizeof(path));
	ck_assert_str_eq(path, "a_b-9[0][0]");
	json_path(doc.root, path, sizeof(path));
	ck_assert_str_eq(path, "");
	json_path(json_get(item, "path"), path, 10);
	ck_assert_str_eq(path, "linux.nam");
	json_path(json_get(item, "path"), path, 1);
	ck_assert_str_eq(path, "");
	json_free(&doc);
}
END_TEST

/* --- typed reads --- */

static const struct {
	const char *text; /* [value] */
	int64_t min, max;
	const char *msg; /* NULL: accepted */
	int64_t value;
} i64_cases[] = {
	{ "[7]", 0, 10, NULL, 7 },
	{ "[-0]", 0, 10, NULL, 0 },
	{ "[0]", 0, 10, NULL, 0 },
	{ "[10]", 0, 10, NULL, 10 },
	{ "[11]", 0, 10, "[0]: expected a number from 0 to 10, got 11", 0 },
	{ "[-1]", 0, 10, "[0]: expected a number from 0 to 10, got -1", 0 },
	{ "[-9223372036854775808]", INT64_MIN, INT64_MAX, NULL, INT64_MIN },
	{ "[9223372036854775807]", INT64_MIN, INT64_MAX, NULL, INT64_MAX },
	{ "[9223372036854775808]", INT64_MIN, INT64_MAX,
	  "[0]: expected a number from -9223372036854775808 to 9223372036854775807, got 9223372036854775808", 0 },
	{ "[99999999999999999999999]", 0, 10, "[0]: expected a number from 0 to 10, got 99999999999999999999999", 0 },
	{ "[1.5]", 0, 10, "[0]: expected an integer, got 1.5", 0 },
	{ "[1.0]", 0, 10, "[0]: expected an integer, got 1.0", 0 },
	{ "[1e1]", 0, 10, "[0]: expected an integer, got 1e1", 0 },
	{ "[\"7\"]", 0, 10, "[0]: expected a number, got a string", 0 },
	{ "[true]", 0, 10, "[0]: expected a number, got true or false", 0 },
	{ "[null]", 0, 10, "[0]: expected a number, got null", 0 },
};

START_TEST(test_signed_numbers_keep_their_range)
{
	struct json_doc doc = parse_ok(i64_cases[_i].text);
	struct err e = { 0 };
	int64_t v = 99;
	int r = json_i64(doc.root->child, i64_cases[_i].min, i64_cases[_i].max, &v, &e);

	if (!i64_cases[_i].msg) {
		ck_assert_int_eq(r, 0);
		ck_assert(v == i64_cases[_i].value);
	} else {
		ck_assert_int_eq(r, -e.code);
		ck_assert_int_lt(r, 0);
		ck_assert_str_eq(e.msg, i64_cases[_i].msg);
		ck_assert(v == 99);
	}
	json_free(&doc);
}
END_TEST

static const struct {
	const char *text;
	uint64_t max;
	const char *msg;
	uint64_t value;
} u64_cases[] = {
	{ "[18446744073709551615]", UINT64_MAX, NULL, UINT64_MAX },
	{ "[0]", 0, NULL, 0 },
	{ "[18446744073709551616]", UINT64_MAX,
	  "[0]: expected a number from 0 to 18446744073709551615, got 18446744073709551616", 0 },
	{ "[-1]", 65535, "[0]: expected a number from 0 to 65535, got -1", 0 },
	{ "[65536]", 65535, "[0]: expected a number from 0 to 65535, got 65536", 0 },
	{ "[1E2]", 65535, "[0]: expected an integer, got 1E2", 0 },
	{ "[{}]", 65535, "[0]: expected a number, got an object", 0 },
};

START_TEST(test_unsigned_numbers_keep_their_range)
{
	struct json_doc doc = parse_ok(u64_cases[_i].text);
	struct err e = { 0 };
	uint64_t v = 99;
	int r = json_u64(doc.root->child, u64_cases[_i].max, &v, &e);

	if (!u64_cases[_i].msg) {
		ck_assert_int_eq(r, 0);
		ck_assert(v == u64_cases[_i].value);
	} else {
		ck_assert_int_lt(r, 0);
		ck_assert_str_eq(e.msg, u64_cases[_i].msg);
		ck_assert(v == 99);
	}
	json_free(&doc);
}
END_TEST

START_TEST(test_types_are_wanted_by_name)
{
	struct json_doc doc = parse_ok("{\"a\":[1],\"b\":\"x\",\"c\":false}");
	const struct json *a = json_get(doc.root, "a"), *b = json_get(doc.root, "b"), *c = json_get(doc.root, "c");
	struct err e = { 0 };
	const char *s = NULL;
	bool yes = true;

	ck_assert_int_eq(json_str(a, &s, &e), -EINVAL);
	ck_assert_str_eq(e.msg, "a: expected a string, got an array");
	ck_assert_int_eq(json_str(a->child, &s, &e), -EINVAL);
	ck_assert_str_eq(e.msg, "a[0]: expected a string, got a number");
	ck_assert_int_eq(json_bool(b, &yes, &e), -EINVAL);
	ck_assert_str_eq(e.msg, "b: expected true or false, got a string");
	ck_assert_int_eq(json_want(doc.root, JSON_ARRAY, &e), -EINVAL);
	ck_assert_str_eq(e.msg, "expected an array, got an object");
	ck_assert_ptr_null(s);
	ck_assert(yes);
	ck_assert_int_eq(json_str(b, &s, &e), 0);
	ck_assert_str_eq(s, "x");
	ck_assert_int_eq(json_bool(c, &yes, &e), 0);
	ck_assert(!yes);
	ck_assert_int_eq(json_want(a, JSON_ARRAY, NULL), 0);
	ck_assert_int_eq(json_want(a, JSON_OBJECT, NULL), -EINVAL);
	json_free(&doc);
}
END_TEST

START_TEST(test_string_vectors_end_with_null)
{
	struct json_doc doc = parse_ok("{\"a\":[\"x\",\"\",\"y\"],\"b\":[],\"c\":[\"x\",null],\"d\":\"x\"}");
	struct err e = { 0 };
	char **v = NULL;
	size_t n = 0;

	ck_assert_int_eq(json_strv(&doc, json_get(doc.root, "a"), &v, &n, &e), 0);
	ck_assert_uint_eq(n, 3);
	ck_assert_str_eq(v[0], "x");
	ck_assert_str_eq(v[1], "");
	ck_assert_str_eq(v[2], "y");
	ck_assert_ptr_null(v[3]);
	ck_assert_int_eq(json_strv(&doc, json_get(doc.root, "b"), &v, &n, &e), 0);
	ck_assert_uint_eq(n, 0);
	ck_assert_ptr_null(v[0]);
	ck_assert_int_eq(json_strv(&doc, json_get(doc.root, "c"), &v, &n, &e), -EINVAL);
	ck_assert_str_eq(e.msg, "c[1]: expected a string, got null");
	ck_assert_int_eq(json_strv(&doc, json_get(doc.root, "d"), &v, &n, &e), -EINVAL);
	ck_assert_str_eq(e.msg, "d: expected an array, got a string");
	json_free(&doc);
}
END_TEST

START_TEST(test_messages_stay_on_one_line)
{
	struct json_doc doc = parse_ok("{\"a\\nb\":1}");
	struct err e = { 0 };

	ck_assert_int_eq(json_err(&e, EPERM, doc.root->child, "bad '%s'", "x\r\ny"), -EPERM);
	ck_assert_str_eq(e.msg, "[\"a?b\"]: bad 'x??y'");
	ck_assert_int_eq(e.code, EPERM);
	ck_assert_int_eq(json_err(&e, EPERM, NULL, "bad"), -EPERM);
	ck_assert_str_eq(e.msg, "bad");
	json_free(&doc);
}
END_TEST

START_TEST(test_memory_is_zeroed_and_aligned)
{
	struct json_doc doc = parse_ok("[\"abc\"]");
	size_t size, i;

	for (size = 0; size < 200000; size = size * 3 + 1) {
		unsigned char *p = json_alloc(&doc, size, 1);

		ck_assert_uint_eq((uintptr_t)p % 8, 0);
		for (i = 0; i < size; i++)
			ck_assert_uint_eq(p[i], 0);
		memset(p, 0xff, size);
	}
	ck_assert_str_eq(doc.root->child->str, "abc");
	json_free(&doc);
	json_free(&doc);
	json_free(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("json");
	TCase *refusals = tcase_create("refusals"), *tree = tcase_create("tree"), *reads = tcase_create("reads");

	tcase_add_loop_test(refusals, test_bad_text_is_refused_with_its_place, 0, ARRAY_LEN(refused));
	tcase_add_test(refusals, test_a_zero_byte_is_refused);
	tcase_add_test(refusals, test_each_truncation_is_refused);
	tcase_add_test(refusals, test_depth_is_bounded);
	tcase_add_test(refusals, test_length_is_bounded);
	tcase_add_test(refusals, test_a_key_may_occur_once_in_objects_of_any_size);
	tcase_add_test(refusals, test_large_objects_do_not_cost_quadratic_time);
	tcase_set_timeout(refusals, 30);
	tcase_add_test(tree, test_nodes_know_their_bytes);
	tcase_add_test(tree, test_nodes_hold_their_values);
	tcase_add_test(tree, test_a_scalar_may_stand_alone);
	tcase_add_test(tree, test_get_takes_null_for_absent);
	tcase_add_test(tree, test_each_takes_nothing);
	tcase_add_test(tree, test_paths_read_like_code);
	tcase_add_loop_test(reads, test_signed_numbers_keep_their_range, 0, ARRAY_LEN(i64_cases));
	tcase_add_loop_test(reads, test_unsigned_numbers_keep_their_range, 0, ARRAY_LEN(u64_cases));
	tcase_add_test(reads, test_types_are_wanted_by_name);
	tcase_add_test(reads, test_string_vectors_end_with_null);
	tcase_add_test(reads, test_messages_stay_on_one_line);
	tcase_add_test(reads, test_memory_is_zeroed_and_aligned);
	suite_add_tcase(suite, refusals);
	suite_add_tcase(suite, tree);
	suite_add_tcase(suite, reads);
	return ck_run(suite);
}
