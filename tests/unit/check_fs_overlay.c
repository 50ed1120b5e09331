/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_fs_overlay.c: hard links on an overlay, of which a write makes two files.
 *
 * Two names of one file of a lower directory have one inode number on an overlay (without index=on), and are two
 * files to it: what is written to the one is not in the other.
 */
#include "ck_run.h"
#include "fs_talk.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>

static struct talk *t;

static void put_file(const char *below, const char *name, const char *content)
{
	AUTO_FREE char *path = x_printf("%s/%s/%s", t->dir, below, name);
	FILE *file = fopen(path, "wx");

	ck_assert_msg(file && fputs(content, file) >= 0 && fclose(file) == 0, "%s", path);
}

static const char *content(const char *name)
{
	AUTO_FREE char *path = x_printf("%s/share/%s", t->dir, name);
	static char text[64];
	FILE *file = fopen(path, "r");

	ck_assert_ptr_nonnull(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	(void)fclose(file);
	return text;
}

static void make_directory(const char *name)
{
	AUTO_FREE char *path = x_printf("%s/%s", t->dir, name);

	ck_assert_int_eq(mkdir(path, 0755), 0);
}

static bool mount_overlay(void)
{
	AUTO_FREE char *at = x_printf("%s/share", t->dir);
	AUTO_FREE char *options =
		x_printf("index=off,lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", t->dir, t->dir, t->dir);

	return mount("overlay", at, "overlay", 0, options) == 0;
}

/* False, with a reason: no overlay can be mounted here. Its lower directory has "a" and "b", which are one file. */
static bool start(void)
{
	AUTO_FREE char *a = NULL, *b = NULL;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		(void)printf("skip: no mount namespace of its own: %s\n", strerror(errno));
		ck_assert_msg(!getenv("HUSK_MUST_RUN"), "skipped, but HUSK_MUST_RUN is set");
		return false;
	}
	t = talk_new(40);
	make_directory("lower");
	make_directory("upper");
	make_directory("work");
	put_file("lower", "a", "one");
	a = x_printf("%s/lower/a", t->dir);
	b = x_printf("%s/lower/b", t->dir);
	ck_assert_int_eq(link(a, b), 0);
	if (!mount_overlay()) {
		(void)printf("skip: no overlay below /tmp: %s\n", strerror(errno));
		ck_assert_msg(!getenv("HUSK_MUST_RUN"), "skipped, but HUSK_MUST_RUN is set");
		return false;
	}
	talk_end_server(t);
	talk_serve(t, 40);
	ck_assert_int_eq(talk_init(t), 0);
	return true;
}

static void end(void)
{
	AUTO_FREE char *at = x_printf("%s/share", t->dir);

	(void)umount2(at, MNT_DETACH);
	talk_free(t);
}

static void write_file(uint64_t node, const char *text)
{
	struct fuse_write_in in = { .fh = talk_open(t, node, O_WRONLY), .size = (uint32_t)strlen(text) };

	ck_assert_uint_ne(in.fh, 0);
	talk_begin(t);
	talk_add(t, &in, sizeof(in));
	talk_add(t, text, strlen(text));
	ck_assert_int_eq(talk_end(t, FUSE_WRITE, node), 0);
}

START_TEST(what_is_written_to_one_of_two_links_is_not_in_the_other)
{
	uint64_t a, b;

	if (!start())
		return;
	a = talk_lookup(t, 1, "a");
	b = talk_lookup(t, 1, "b");
	ck_assert(a != 0 && b != 0 && a != b);
	ck_assert_uint_eq(talk_lookup(t, 1, "a"), a);
	ck_assert_uint_eq(talk_lookup(t, 1, "b"), b);
	write_file(a, "two");
	ck_assert_str_eq(content("a"), "two");
	ck_assert_str_eq(content("b"), "one");
	end();
}
END_TEST

/* Links that the guest makes are of one file, on an overlay, too. */
START_TEST(links_that_the_guest_makes_are_one_file)
{
	uint64_t c, d;
	struct fuse_link_in in;

	if (!start())
		return;
	put_file("share", "c", "one");
	c = talk_lookup(t, 1, "c");
	in.oldnodeid = c;
	ck_assert_int_eq(talk_send(t, FUSE_LINK, 1, &in, sizeof(in), "d", NULL), 0);
	d = talk_lookup(t, 1, "d");
	ck_assert_uint_eq(d, c);
	ck_assert_uint_eq(talk_lookup(t, 1, "c"), c);
	write_file(d, "two");
	ck_assert_str_eq(content("c"), "two");
	ck_assert_str_eq(content("d"), "two");
	end();
}
END_TEST

/* The link has made a file of its own of the one name. */
START_TEST(a_link_of_one_of_two_links_is_not_the_other)
{
	struct fuse_link_in in;

	if (!start())
		return;
	in.oldnodeid = talk_lookup(t, 1, "a");
	ck_assert_int_eq(talk_send(t, FUSE_LINK, 1, &in, sizeof(in), "e", NULL), 0);
	write_file(talk_lookup(t, 1, "b"), "two");
	ck_assert_str_eq(content("a"), "one");
	ck_assert_str_eq(content("b"), "two");
	ck_assert_str_eq(content("e"), "one");
	end();
}
END_TEST

START_TEST(a_link_that_the_guest_renames_is_still_the_file)
{
	struct fuse_rename_in in = { .newdir = 1 };
	uint64_t f;

	if (!start())
		return;
	put_file("share", "f", "one");
	ck_assert_int_eq(linkat(t->dir_fd, "f", t->dir_fd, "g", 0), 0);
	f = talk_lookup(t, 1, "f");
	ck_assert_uint_ne(talk_lookup(t, 1, "g"), f);
	ck_assert_int_eq(talk_send(t, FUSE_RENAME, 1, &in, sizeof(in), "f", "h"), 0);
	ck_assert_uint_eq(talk_lookup(t, 1, "h"), f);
	write_file(f, "two");
	ck_assert_str_eq(content("h"), "two");
	end();
}
END_TEST

START_TEST(a_link_that_the_guest_removes_is_still_the_file)
{
	struct fuse_getattr_in in = { 0 };
	uint64_t a, b;

	if (!start())
		return;
	a = talk_lookup(t, 1, "a");
	b = talk_lookup(t, 1, "b");
	ck_assert_int_eq(talk_send(t, FUSE_UNLINK, 1, NULL, 0, "a", NULL), 0);
	ck_assert_int_eq(talk_send(t, FUSE_GETATTR, a, &in, sizeof(in), NULL, NULL), 0);
	ck_assert_int_eq(talk_send(t, FUSE_GETATTR, b, &in, sizeof(in), NULL, NULL), 0);
	end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fs_overlay");
	TCase *c = tcase_create("fs_overlay");

	tcase_add_test(c, what_is_written_to_one_of_two_links_is_not_in_the_other);
	tcase_add_test(c, links_that_the_guest_makes_are_one_file);
	tcase_add_test(c, a_link_of_one_of_two_links_is_not_the_other);
	tcase_add_test(c, a_link_that_the_guest_renames_is_still_the_file);
	tcase_add_test(c, a_link_that_the_guest_removes_is_still_the_file);
	suite_add_tcase(suite, c);
	return ck_run(suite);
}
