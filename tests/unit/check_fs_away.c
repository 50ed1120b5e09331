/* SPDX-License-Identifier: Apache-2.0 */
/* check_fs_away.c: a guest may know more files than there may be descriptors. */
#include "ck_run.h"
#include "fs_talk.h"

#include <check.h>
#include <errno.h>
#include <sys/stat.h>

#define FDS_MAX 40
#define DIRS 10
#define FILES 30

static struct talk *t;
static int fds_before;

static void host_file(const char *name, const char *content)
{
	int fd = openat(t->dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	ck_assert_msg(fd >= 0 && write(fd, content, strlen(content)) == (ssize_t)strlen(content), "%s", name);
	(void)close(fd);
}

/* More files than descriptors, in directories 0, 1, ...; what is in "i/j" is "i/j". */
static void set_up(void)
{
	t = talk_new(FDS_MAX);
	t->out_max = 4096; /* thousands of requests: each clears the room of its reply */
	for (int i = 0; i < DIRS; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "%d", i);
		ck_assert_int_eq(mkdirat(t->dir_fd, name, 0755), 0);
		for (int j = 0; j < FILES; j++) {
			(void)snprintf(name, sizeof(name), "%d/%d", i, j);
			host_file(name, name);
		}
	}
	ck_assert_int_eq(mkdirat(t->dir_fd, "d", 0755), 0);
	host_file("d/f", "d/f");
	ck_assert_int_eq(talk_init(t), 0);
	fds_before = open_fds();
}

static void tear_down(void)
{
	talk_free(t);
}

static uint64_t look(uint64_t dir, int n)
{
	char name[16];
	uint64_t node;

	(void)snprintf(name, sizeof(name), "%d", n);
	node = talk_lookup(t, dir, name);
	ck_assert_msg(node != 0, "%d", n);
	return node;
}

static int getattr(uint64_t node, struct fuse_attr *out)
{
	struct fuse_getattr_in in = { 0 };
	struct fuse_attr_out reply;
	int r = talk_send(t, FUSE_GETATTR, node, &in, sizeof(in), NULL, NULL);

	if (r == 0) {
		memcpy(&reply, talk_body(t), sizeof(reply));
		*out = reply.attr;
	}
	return r;
}

/* The guest uses all of them, twice: whatever was not used since has no descriptor any more. */
static void use_many(uint64_t dirs[DIRS], uint64_t files[DIRS][FILES])
{
	struct fuse_attr attr;

	for (int turn = 0; turn < 2; turn++)
		for (int i = 0; i < DIRS; i++) {
			dirs[i] = look(1, i);
			for (int j = 0; j < FILES; j++) {
				files[i][j] = look(dirs[i], j);
				ck_assert_int_eq(getattr(files[i][j], &attr), 0);
			}
		}
}

/* True when a descriptor of this process leads to what is at this name in the share. */
static bool is_held(const char *name)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	char want[256], at[512];
	bool held = false;

	(void)snprintf(want, sizeof(want), "%s/share/%s", t->dir, name);
	while ((entry = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, at, sizeof(at) - 1);

		if (n > 0) {
			at[n] = '\0';
			held = held || strcmp(at, want) == 0;
		}
	}
	(void)closedir(dir);
	return held;
}

static uint64_t put_away(uint64_t dir, const char *name, const char *path)
{
	uint64_t dirs[DIRS], files[DIRS][FILES], node = talk_lookup(t, dir, name);

	ck_assert_uint_ne(node, 0);
	use_many(dirs, files);
	ck_assert_msg(!is_held(path), "%s is still held", path);
	return node;
}

static const char *content(uint64_t node)
{
	static char text[64];
	struct fuse_read_in in = { .fh = talk_open(t, node, O_RDONLY), .size = sizeof(text) - 1 };
	struct fuse_release_in release = { .fh = in.fh };

	if (talk_send(t, FUSE_READ, node, &in, sizeof(in), NULL, NULL) != 0)
		return "";
	memcpy(text, talk_body(t), talk_body_len(t));
	text[talk_body_len(t)] = '\0';
	ck_assert_int_eq(talk_send(t, FUSE_RELEASE, node, &release, sizeof(release), NULL, NULL), 0);
	return text;
}

START_TEST(more_files_than_descriptors_are_known)
{
	uint64_t dirs[DIRS], files[DIRS][FILES];
	struct fuse_attr attr;
	struct stat st;
	char name[32];

	use_many(dirs, files);
	ck_assert_int_le(open_fds(), fds_before + FDS_MAX);
	for (int i = 0; i < DIRS; i++)
		for (int j = 0; j < FILES; j++) {
			(void)snprintf(name, sizeof(name), "%d/%d", i, j);
			ck_assert_int_eq(getattr(files[i][j], &attr), 0);
			ck_assert_int_eq(fstatat(t->dir_fd, name, &st, 0), 0);
			ck_assert_uint_eq(attr.ino, st.st_ino);
			ck_assert_str_eq(content(files[i][j]), name);
			ck_assert_uint_eq(look(dirs[i], j), files[i][j]);
		}
	ck_assert_int_le(open_fds(), fds_before + FDS_MAX);
}
END_TEST

/* A file that the guest only wants to be told of needs no descriptor, a directory is held. */
START_TEST(a_lookup_takes_no_descriptor)
{
	uint64_t dir = look(1, 0), file = look(dir, 1);
	int fds = open_fds();
	struct fuse_attr attr;

	ck_assert_int_eq(fds, fds_before + 1);
	ck_assert(is_held("0") && !is_held("0/1"));
	ck_assert_uint_eq(look(dir, 1), file);
	ck_assert_int_eq(open_fds(), fds);
	ck_assert_int_eq(getattr(file, &attr), 0);
	ck_assert(is_held("0/1"));
}
END_TEST

START_TEST(a_walk_that_forgets_leaves_nothing)
{
	uint64_t dirs[DIRS], files[DIRS][FILES];
	struct fuse_forget_in all = { .nlookup = 1000 };

	use_many(dirs, files);
	for (int i = 0; i < DIRS; i++) {
		for (int j = 0; j < FILES; j++)
			(void)talk_send(t, FUSE_FORGET, files[i][j], &all, sizeof(all), NULL, NULL);
		(void)talk_send(t, FUSE_FORGET, dirs[i], &all, sizeof(all), NULL, NULL);
	}
	ck_assert_int_eq(open_fds(), fds_before);
	ck_assert_int_eq(talk_send(t, FUSE_LOOKUP, dirs[0], NULL, 0, "0", NULL), -ENOENT);
}
END_TEST

START_TEST(what_the_guest_renames_is_still_the_file)
{
	uint64_t d = talk_lookup(t, 1, "d"), f = put_away(d, "f", "d/f");
	struct fuse_rename_in in = { .newdir = 1 };
	struct fuse_attr attr;

	/* its directory, which is away as well by now */
	ck_assert(!is_held("d"));
	ck_assert_int_eq(talk_send(t, FUSE_RENAME, 1, &in, sizeof(in), "d", "e"), 0);
	ck_assert_int_eq(getattr(f, &attr), 0);
	ck_assert_uint_eq(talk_lookup(t, 1, "e"), d);
	ck_assert_uint_eq(put_away(d, "f", "e/f"), f);
	/* itself */
	ck_assert_int_eq(talk_send(t, FUSE_RENAME, d, &in, sizeof(in), "f", "g"), 0);
	ck_assert_int_eq(getattr(f, &attr), 0);
	ck_assert_str_eq(content(f), "d/f");
}
END_TEST

START_TEST(what_the_guest_removes_is_still_the_file)
{
	uint64_t d = talk_lookup(t, 1, "d"), f = put_away(d, "f", "d/f");
	uint64_t dirs[DIRS], files[DIRS][FILES];
	struct fuse_rename_in in = { .newdir = d };
	struct fuse_attr attr;

	ck_assert_int_eq(talk_send(t, FUSE_UNLINK, d, NULL, 0, "f", NULL), 0);
	use_many(dirs, files);
	ck_assert_int_eq(getattr(f, &attr), 0);
	ck_assert_uint_eq(attr.nlink, 0);
	/* the same of a file that another is renamed onto */
	host_file("d/f", "second");
	f = put_away(d, "f", "d/f");
	ck_assert_int_eq(talk_send(t, FUSE_RENAME, dirs[0], &in, sizeof(in), "0", "f"), 0);
	host_file("0/0", "0/0");
	use_many(dirs, files);
	ck_assert_int_eq(getattr(f, &attr), 0);
	ck_assert_uint_eq(attr.nlink, 0);
}
END_TEST

START_TEST(another_file_in_its_place_is_not_the_file)
{
	uint64_t d = talk_lookup(t, 1, "d"), f = put_away(d, "f", "d/f"), other;
	struct fuse_attr attr;

	ck_assert_int_eq(unlinkat(t->dir_fd, "d/f", 0), 0);
	ck_assert_int_eq(getattr(f, &attr), -ESTALE);
	host_file("d/f", "another"); /* perhaps with the same inode number */
	ck_assert_int_eq(getattr(f, &attr), -ESTALE);
	other = talk_lookup(t, d, "f");
	ck_assert_uint_ne(other, 0);
	ck_assert_uint_ne(other, f);
	ck_assert_str_eq(content(other), "another");
	ck_assert_int_eq(getattr(f, &attr), -ESTALE);
}
END_TEST

START_TEST(a_link_in_a_directory_s_place_leads_nowhere)
{
	uint64_t d = talk_lookup(t, 1, "d"), f = put_away(d, "f", "d/f");
	struct fuse_attr attr;

	/* the very same file, found through a link out of the share */
	ck_assert_int_eq(renameat(t->dir_fd, "d", t->dir_fd, "../d"), 0);
	ck_assert_int_eq(symlinkat("../d", t->dir_fd, "d"), 0);
	ck_assert_int_eq(getattr(f, &attr), -ESTALE);
	ck_assert_int_eq(getattr(d, &attr), -ESTALE);
	ck_assert_int_eq(talk_send(t, FUSE_LOOKUP, d, NULL, 0, "f", NULL), -ESTALE);
}
END_TEST

/* Nor is it a way by which a file counts as found again, and loses its descriptor. */
START_TEST(a_link_in_a_directory_s_place_puts_nothing_away)
{
	uint64_t d = talk_lookup(t, 1, "d"), f = put_away(d, "f", "d/f");
	uint64_t dirs[DIRS], files[DIRS][FILES];
	struct fuse_attr attr;

	ck_assert(!is_held("d"));
	ck_assert_int_eq(getattr(f, &attr), 0);
	ck_assert(is_held("d/f") && !is_held("d"));
	ck_assert_int_eq(renameat(t->dir_fd, "d", t->dir_fd, "e"), 0);
	ck_assert_int_eq(symlinkat("e", t->dir_fd, "d"), 0);
	use_many(dirs, files);
	ck_assert(is_held("e/f"));
	ck_assert_int_eq(getattr(f, &attr), 0);
}
END_TEST

START_TEST(an_open_file_stays_whatever_the_host_does)
{
	uint64_t d = talk_lookup(t, 1, "d"), f = talk_lookup(t, d, "f"), fh = talk_open(t, f, O_RDONLY);
	uint64_t dirs[DIRS], files[DIRS][FILES];
	struct fuse_attr attr;

	ck_assert_uint_ne(fh, 0);
	use_many(dirs, files);
	ck_assert_int_eq(unlinkat(t->dir_fd, "d/f", 0), 0);
	ck_assert_int_eq(getattr(f, &attr), 0);
	ck_assert_uint_eq(attr.nlink, 0);
}
END_TEST

/* Files that are not where they were cannot be put away. */
START_TEST(files_that_stay_hold_up_nobody_until_they_are_all)
{
	uint64_t dirs[DIRS], files[DIRS][FILES], nodes[FDS_MAX];
	struct fuse_forget_in once = { .nlookup = 1 };
	struct fuse_attr attr;
	int n, r = 0;

	for (n = 0; n < FDS_MAX && r == 0; n++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "x%d", n);
		host_file(name, name);
		nodes[n] = talk_lookup(t, 1, name);
		r = getattr(nodes[n], &attr);
		ck_assert_int_eq(unlinkat(t->dir_fd, name, 0), 0);
	}
	ck_assert_int_eq(r, -ENFILE);
	ck_assert_int_eq(n, FDS_MAX); /* the root has one */
	for (n = 0; n < FDS_MAX / 2; n++)
		(void)talk_send(t, FUSE_FORGET, nodes[n], &once, sizeof(once), NULL, NULL);
	use_many(dirs, files);
	for (; n < FDS_MAX - 1; n++)
		ck_assert_int_eq(getattr(nodes[n], &attr), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fs_away");
	TCase *c = tcase_create("fs_away");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, more_files_than_descriptors_are_known);
	tcase_add_test(c, a_lookup_takes_no_descriptor);
	tcase_add_test(c, a_walk_that_forgets_leaves_nothing);
	tcase_add_test(c, what_the_guest_renames_is_still_the_file);
	tcase_add_test(c, what_the_guest_removes_is_still_the_file);
	tcase_add_test(c, another_file_in_its_place_is_not_the_file);
	tcase_add_test(c, a_link_in_a_directory_s_place_leads_nowhere);
	tcase_add_test(c, a_link_in_a_directory_s_place_puts_nothing_away);
	tcase_add_test(c, an_open_file_stays_whatever_the_host_does);
	tcase_add_test(c, files_that_stay_hold_up_nobody_until_they_are_all);
	suite_add_tcase(suite, c);
	return ck_run(suite);
}
