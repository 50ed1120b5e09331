/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_schema.c: no key of config.json is silently ignored. For each key of the tables in
 * schema_keys.c: a value of a wrong type is refused by the key's path, so it is read; and
 * a good one is found in struct spec, or in what is written to the cgroup. Or it is refused
 * by name. What the keys then do is for the tests that schema_proofs[] names.
 */
#include "schema_key.h"

#include "cgroup_check.h"
#include "cgroup_limits.h"
#include "ck_run.h"
#include "io.h"

#include <fcntl.h>
#include <stdlib.h>

static const char *const wrong[] = {
	[STR] = "7", [STRV] = "7", [NUM] = "'x'", [BOOL] = "7", [CHR] = "7", [ARR] = "true", [OBJ] = "7"
};

/* text, with the value in its hole. */
static char *fill(const char *text, const char *value)
{
	const char *hole = strstr(text, "%s");

	ck_assert_msg(hole != NULL, "%s", text);
	return x_printf("%.*s%s%s", (int)(hole - text), text, value, hole + 2);
}

/* The path as a message has it: the first element, and the one name that the table uses in maps. */
static char *message_path(const char *path)
{
	static const struct {
		const char *path, *shown;
	} odd[] = {
		{ "linux.sysctl.{}", "linux.sysctl[\"net/x\"]" },
		{ "linux.timeOffsets.{}", "linux.timeOffsets.monotonic" },
		{ "linux.resources.unified.{}", "linux.resources.unified[\"memory.high\"]" },
	};
	struct strbuf b = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(odd); i++)
		if (str_eq(odd[i].path, path))
			return x_strdup(odd[i].shown);
	for (; *path; path++) {
		if (str_starts(path, "[]")) {
			strbuf_puts(&b, "[0]");
			path++;
		} else if (str_starts(path, "{}")) {
			strbuf_puts(&b, "x");
			path++;
		} else {
			strbuf_add(&b, path, 1);
		}
	}
	return b.s;
}

static int parse(enum part part, const char *text, struct spec **out, struct err *e)
{
	AUTO_FREE char *whole = config_text(part, text);

	memset(e, 0, sizeof(*e));
	return spec_parse(whole, strlen(whole), out, e);
}

static void assert_wrong_type(const char *path, const struct err *e)
{
	AUTO_FREE char *shown = message_path(path);
	AUTO_FREE char *want = x_printf("%s: expected ", shown);

	ck_assert_msg(str_starts(e->msg, want), "%s: the message is '%s'", path, e->msg);
}

START_TEST(a_wrong_type_is_refused_by_the_keys_path)
{
	for (size_t i = 0; i < n_schema_keys; i++) {
		const struct schema_key *k = &schema_keys[i];
		AUTO_FREE char *text = fill(k->text, wrong[k->type]);
		struct spec *spec = NULL;
		struct err e;

		ck_assert_msg(parse(k->part, text, &spec, &e) < 0, "%s: %s is accepted", k->path, text);
		assert_wrong_type(k->path, &e);
	}
}
END_TEST

/* The value without its quotes, or the first element of an array. */
static char *bare(const char *good)
{
	size_t from = strcspn(good, "'");

	from += good[from] == '\'';
	return x_printf("%.*s", (int)strcspn(good + from, "'"), good + from);
}

static unsigned long long number_at(const void *field, size_t size)
{
	uint64_t v = 0;

	memcpy(&v, field, size); /* little-endian, as all that husk is built for */
	return v;
}

static bool holds(const struct schema_key *k, const void *field)
{
	AUTO_FREE char *text = bare(k->good);
	const char *s;
	void *pointer;

	switch (k->type) {
	case NUM:
		return number_at(field, k->size) == strtoull(k->good, NULL, 10);
	case BOOL:
		return *(const bool *)field;
	case CHR:
		return *(const char *)field == text[0];
	case STR:
		memcpy(&s, field, sizeof(s));
		return str_eq(s, text);
	case STRV:
		return ((const struct strv *)field)->n == 1 && str_eq(((const struct strv *)field)->v[0], text);
	case ARR:
		memcpy(&pointer, field, sizeof(pointer));
		return pointer != NULL;
	default: /* an object: something of it arrived */
		return number_at(field, k->size < 8 ? k->size : 8) != 0;
	}
}

START_TEST(a_value_arrives_in_the_spec)
{
	for (size_t i = 0; i < n_schema_keys; i++) {
		const struct schema_key *k = &schema_keys[i];
		AUTO_FREE char *text = fill(k->text, k->good);
		struct spec *spec = NULL;
		const char *base;
		struct err e;

		ck_assert_msg(parse(k->part, text, &spec, &e) == 0, "%s: %s: %s", k->path, text, e.msg);
		base = k->base(spec);
		ck_assert_msg(base && holds(k, base + k->offset), "%s: %s is ignored", k->path, k->good);
		spec_free(spec);
	}
}
END_TEST

static int plan_limits(const struct spec *spec, struct cgroup_steps *steps, struct err *e)
{
	int r = cgroup_check_resources(spec->linux_, false, e);

	return r < 0 ? r : cgroup_limits_plan(spec->linux_->resources, &cgroup_current_none, steps, e);
}

static struct spec *parse_limit(const struct schema_limit *k, const char *value)
{
	AUTO_FREE char *members = fill(k->text, value);
	AUTO_FREE char *text = x_printf("'resources':{%s}", members);

	return parse_ok(LINUX, text);
}

START_TEST(a_limit_of_a_wrong_type_is_refused_by_its_path)
{
	for (size_t i = 0; i < n_schema_limits; i++) {
		struct spec *spec = parse_limit(&schema_limits[i], wrong[schema_limits[i].type]);
		struct err e = { 0 };

		ck_assert_msg(cgroup_check_resources(spec->linux_, false, &e) < 0, "%s is not read",
			      schema_limits[i].path);
		assert_wrong_type(schema_limits[i].path, &e);
		spec_free(spec);
	}
}
END_TEST

static bool is_written(const struct cgroup_steps *steps, const char *file)
{
	for (size_t i = 0; i < steps->n; i++)
		if (str_eq(steps->v[i].file, file) || str_eq(steps->v[i].other_file, file))
			return true;
	return false;
}

START_TEST(a_limit_is_written_or_refused_by_name)
{
	for (size_t i = 0; i < n_schema_limits; i++) {
		const struct schema_limit *k = &schema_limits[i];
		struct spec *spec = parse_limit(k, k->good);
		struct cgroup_steps steps = { 0 };
		struct err e = { 0 };
		int r = plan_limits(spec, &steps, &e);

		ck_assert_msg(!k->file + !k->refused + !k->nothing == 2, "%s: one verdict", k->path);
		if (k->refused)
			ck_assert_msg(r < 0 && str_starts(e.msg, k->refused), "%s: %d '%s'", k->path, r, e.msg);
		else
			ck_assert_msg(r == 0, "%s: %s", k->path, e.msg);
		if (k->file)
			ck_assert_msg(is_written(&steps, k->file), "%s: '%s' is not written", k->path, k->file);
		if (k->nothing)
			ck_assert_msg(steps.n == 0, "%s: something is done, although %s", k->path, k->nothing);
		cgroup_steps_free(&steps);
		spec_free(spec);
	}
}
END_TEST

START_TEST(what_cannot_be_had_is_refused_by_name)
{
	for (size_t i = 0; i < n_schema_refused; i++) {
		const struct schema_refused *k = &schema_refused[i];
		struct spec *spec = NULL;
		struct err e;

		ck_assert_msg(parse(k->part, k->text, &spec, &e) < 0, "%s: %s is accepted", k->path, k->text);
		ck_assert_msg(str_starts(e.msg, k->message), "%s: '%s'", k->path, e.msg);
	}
}
END_TEST

static const struct schema_proof *proof_of(const char *path)
{
	const struct schema_proof *best = NULL;

	for (size_t i = 0; i < n_schema_proofs; i++)
		if (str_starts(path, schema_proofs[i].path) &&
		    (!best || strlen(schema_proofs[i].path) > strlen(best->path)))
			best = &schema_proofs[i];
	return best;
}

/* The test that a section's effect is left to is there, and speaks of it. */
START_TEST(each_proof_is_a_test_that_names_its_section)
{
	const char *top = getenv("HUSK_TOP_SRCDIR");

	for (size_t i = 0; i < n_schema_proofs; i++) {
		const struct schema_proof *p = &schema_proofs[i];
		AUTO_FREE char *file = x_printf("%s/%s", top ? top : ".", p->file);
		const char *section = strrchr(p->path, '.');
		AUTO_FREE char *text = NULL;
		struct err e = { 0 };
		size_t len;

		ck_assert_msg(io_read_file(AT_FDCWD, file, 0, 1U << 20, &text, &len, &e) == 0, "%s", e.msg);
		section = section ? section + 1 : p->path;
		ck_assert_msg(strstr(text, section) != NULL, "%s says nothing of %s", p->file, section);
	}
	for (size_t i = 0; i < n_schema_keys; i++)
		ck_assert_ptr_nonnull(proof_of(schema_keys[i].path));
}
END_TEST

/* One verdict a key. */
START_TEST(no_key_is_there_twice)
{
	for (size_t i = 0; i < n_schema_keys; i++)
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(schema_keys[i].path, schema_keys[j].path);
	for (size_t i = 0; i < n_schema_refused; i++)
		for (size_t j = 0; j < n_schema_keys; j++)
			ck_assert_str_ne(schema_refused[i].path, schema_keys[j].path);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("schema");
	TCase *tc = tcase_create("schema");

	tcase_add_test(tc, a_wrong_type_is_refused_by_the_keys_path);
	tcase_add_test(tc, a_value_arrives_in_the_spec);
	tcase_add_test(tc, a_limit_of_a_wrong_type_is_refused_by_its_path);
	tcase_add_test(tc, a_limit_is_written_or_refused_by_name);
	tcase_add_test(tc, what_cannot_be_had_is_refused_by_name);
	tcase_add_test(tc, each_proof_is_a_test_that_names_its_section);
	tcase_add_test(tc, no_key_is_there_twice);
	suite_add_tcase(suite, tc);
	return ck_run(suite);
}
