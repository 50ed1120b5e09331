/* SPDX-License-Identifier: Apache-2.0 */
/* check_plan_idmap.c: whose id mappings a mount gets, and crun's text for them. */
#include "ck_run.h"
#include "err.h"
#include "kernel.h"
#include "plan_idmap.h"
#include "plan_mount.h"
#include "str.h"

#include <check.h>
#include <string.h>

static struct spec_id_map uids[] = { { 0, 100000, 10 }, { 10, 500000, 90 } };
static struct spec_id_map gids[] = { { 0, 200000, 100 } };
static struct spec_id_map own[] = { { 1, 2, 3 } };

enum user_ns { NO_USER_NS, NEW_USER_NS, JOINED_USER_NS };

/* option: the only one of mounts[0] beside "bind"; NULL: none. */
static int make(const char *option, bool has_maps, enum user_ns user, struct mount_step *step, struct err *e)
{
	struct spec_namespace ns = { .clone_flag = CLONE_NEWUSER, .path = user == JOINED_USER_NS ? "/u" : NULL };
	struct spec_linux l = { .namespaces = &ns, .n_namespaces = user != NO_USER_NS };
	struct spec spec = { .linux_ = &l };
	char *options[] = { (char *)"bind", (char *)(uintptr_t)option, NULL };
	struct spec_mount m = { .destination = "/m", .source = "/s", .options = { .v = options, .n = option ? 2 : 1 } };
	int r;

	if (user == NEW_USER_NS) {
		l.uid_maps = uids;
		l.gid_maps = gids;
		l.n_uid_maps = ARRAY_LEN(uids);
		l.n_gid_maps = ARRAY_LEN(gids);
	}
	if (has_maps) {
		m.uid_maps = m.gid_maps = own;
		m.n_uid_maps = m.n_gid_maps = 1;
	}
	memset(step, 0, sizeof(*step));
	memset(e, 0, sizeof(*e));
	r = plan_mount_make(&m, 0, "/b", step, e);
	return r < 0 ? r : plan_idmap_make(&m, &spec, step, e);
}

START_TEST(whose_mappings_a_mount_gets)
{
	static const struct {
		const char *option;
		bool has_maps;
		enum user_ns user;
		bool mapped, recursive;
		const struct spec_id_map *uid_maps, *gid_maps; /* NULL: the joined namespace's */
	} cases[] = {
		{ NULL, false, NO_USER_NS, false, false, NULL, NULL },
		{ NULL, false, NEW_USER_NS, false, false, NULL, NULL },
		{ NULL, true, NO_USER_NS, true, false, own, own },
		{ "idmap", true, NO_USER_NS, true, false, own, own },
		{ "ridmap", true, NEW_USER_NS, true, true, own, own },
		{ "idmap", false, NEW_USER_NS, true, false, uids, gids },
		{ "ridmap", false, NEW_USER_NS, true, true, uids, gids },
		{ "idmap", false, JOINED_USER_NS, true, false, NULL, NULL },
		{ "idmap", true, JOINED_USER_NS, true, false, own, own },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct mount_step s;
		struct err e;

		ck_assert_msg(make(cases[i].option, cases[i].has_maps, cases[i].user, &s, &e) == 0, "%zu: %s", i,
			      e.msg);
		ck_assert_msg((s.idmap.option != NULL) == cases[i].mapped, "%zu", i);
		ck_assert_msg(s.idmap.recursive == cases[i].recursive, "%zu", i);
		ck_assert_msg(s.idmap.uid_maps == cases[i].uid_maps, "%zu", i);
		ck_assert_msg(s.idmap.gid_maps == cases[i].gid_maps, "%zu", i);
		ck_assert_msg(!s.idmap.n_uid_maps == !cases[i].uid_maps, "%zu", i);
		plan_mount_free(&s);
	}
}
END_TEST

static void expect_map(const struct spec_id_map *map, uint32_t container, uint32_t host, uint32_t size)
{
	ck_assert_uint_eq(map->container_id, container);
	ck_assert_uint_eq(map->host_id, host);
	ck_assert_uint_eq(map->size, size);
}

START_TEST(the_options_text_holds_ranges)
{
	struct mount_step s;
	struct err e;

	ck_assert_msg(make("idmap=uids=0-1-10#10-11-20;gids=0-100-4294967295", false, NO_USER_NS, &s, &e) == 0, "%s",
		      e.msg);
	ck_assert(!s.idmap.recursive);
	ck_assert_uint_eq(s.idmap.n_uid_maps, 2);
	ck_assert_uint_eq(s.idmap.n_gid_maps, 1);
	expect_map(&s.idmap.uid_maps[0], 0, 1, 10);
	expect_map(&s.idmap.uid_maps[1], 10, 11, 20);
	expect_map(&s.idmap.gid_maps[0], 0, 100, UINT32_MAX);
	plan_mount_free(&s);
	/* relative to the container's ids */
	ck_assert_msg(make("ridmap=gids=@5-0-100;uids=@0-9-1#7-3-1#@1-20-80", false, NEW_USER_NS, &s, &e) == 0, "%s",
		      e.msg);
	ck_assert(s.idmap.recursive);
	ck_assert_uint_eq(s.idmap.n_uid_maps, 3);
	expect_map(&s.idmap.uid_maps[0], 0, 100009, 1);
	expect_map(&s.idmap.uid_maps[1], 7, 3, 1);
	expect_map(&s.idmap.uid_maps[2], 1, 500010, 80);
	expect_map(&s.idmap.gid_maps[0], 5, 200000, 100);
	plan_mount_free(&s);
}
END_TEST

START_TEST(what_cannot_be_mapped_is_refused_by_name)
{
	static const struct {
		const char *option;
		bool has_maps;
		const char *message;
	} cases[] = {
		{ "idmap", false, "'idmap' needs mounts[0].uidMappings and gidMappings, or a 'user' namespace" },
		{ "ridmap", false, "'ridmap' needs mounts[0].uidMappings" },
		{ "idmap=uids=0-1-2;gids=0-1-2", true, "there is mounts[0].uidMappings, too" },
		{ "idmap=", false, "expected uids= and gids=, each with a range" },
		{ "idmap=uids=0-1-2", false, "expected uids= and gids=, each with a range" },
		{ "idmap=uids=;gids=", false, "expected uids= and gids=, each with a range" },
		{ "idmap=uids=0-1-2;pids=0-1-2", false, "expected uids= and gids=, got 'pids=0-1-2'" },
		{ "idmap=uids=0-1;gids=0-1-2", false,
		  "expected ranges like 0-1000-10, with # between them, got '0-1'" },
		{ "idmap=uids=0-1-2-3;gids=0-1-2", false, "got '0-1-2-3'" },
		{ "idmap=uids=0-1-0;gids=0-1-2", false, "got '0-1-0'" },
		{ "idmap=uids=0-1-2#x;gids=0-1-2", false, "got 'x'" },
		{ "idmap=uids=-1-1-2;gids=0-1-2", false, "got '-1-1-2'" },
		{ "idmap=uids=0-4294967296-2;gids=0-1-2", false, "got '0-4294967296-2'" },
		{ "idmap=uids=@0-1-2;gids=0-1-2", false, "'@0-1-2' lies in no range of the container's ids" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct mount_step s;
		struct err e;

		ck_assert_msg(make(cases[i].option, cases[i].has_maps, NO_USER_NS, &s, &e) < 0, "%s", cases[i].option);
		ck_assert_msg(strstr(e.msg, cases[i].message), "%s: %s", cases[i].option, e.msg);
		ck_assert_msg(str_starts(e.msg, "mounts[0].options: '"), "%s", e.msg);
		plan_mount_free(&s);
	}
}
END_TEST

START_TEST(a_relative_range_must_lie_in_one_of_the_containers)
{
	static const char *const options[] = {
		"idmap=uids=@0-9-2;gids=0-1-1",
		"idmap=uids=@0-100-1;gids=0-1-1",
		"idmap=uids=@0-10-91;gids=0-1-1",
		"idmap=uids=0-1-1;gids=@0-99-2",
	};

	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		struct mount_step s;
		struct err e;

		ck_assert_msg(make(options[i], false, NEW_USER_NS, &s, &e) < 0, "%s", options[i]);
		ck_assert_msg(strstr(e.msg, "lies in no range"), "%s", e.msg);
		plan_mount_free(&s);
	}
}
END_TEST

START_TEST(the_number_of_ranges_is_bounded)
{
	struct strbuf text = { 0 };
	struct mount_step s;
	struct err e;

	strbuf_puts(&text, "idmap=gids=0-1-1;uids=");
	for (int i = 0; i < 340; i++)
		strbuf_printf(&text, "%s%d-%d-1", i ? "#" : "", i, i + 1000);
	ck_assert_msg(make(text.s, false, NO_USER_NS, &s, &e) == 0, "%s", e.msg);
	ck_assert_uint_eq(s.idmap.n_uid_maps, 340);
	plan_mount_free(&s);
	strbuf_puts(&text, "#340-1340-1");
	ck_assert_int_lt(make(text.s, false, NO_USER_NS, &s, &e), 0);
	ck_assert_str_eq(e.msg, "mounts[0].options: 'idmap': more than 340 ranges");
	plan_mount_free(&s);
	free(text.s);
}
END_TEST

START_TEST(mappings_are_for_binds)
{
	struct spec_linux l = { 0 };
	struct spec spec = { .linux_ = &l };
	struct spec_mount m = { .destination = "/m", .type = "tmpfs", .uid_maps = own, .gid_maps = own };
	struct mount_step s = { 0 };
	struct err e = { 0 };

	m.n_uid_maps = m.n_gid_maps = 1;
	ck_assert_int_eq(plan_mount_make(&m, 0, "/b", &s, &e), 0);
	ck_assert_int_lt(plan_idmap_make(&m, &spec, &s, &e), 0);
	ck_assert_str_eq(e.msg, "mounts[0].uidMappings: for bind mounts only");
	plan_mount_free(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan_idmap");
	TCase *t = tcase_create("plan_idmap");

	tcase_add_test(t, whose_mappings_a_mount_gets);
	tcase_add_test(t, the_options_text_holds_ranges);
	tcase_add_test(t, what_cannot_be_mapped_is_refused_by_name);
	tcase_add_test(t, a_relative_range_must_lie_in_one_of_the_containers);
	tcase_add_test(t, the_number_of_ranges_is_bounded);
	tcase_add_test(t, mappings_are_for_binds);
	suite_add_tcase(suite, t);
	return ck_run(suite);
}
