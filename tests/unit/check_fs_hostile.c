/* SPDX-License-Identifier: Apache-2.0 */
/* check_fs_hostile.c: a guest that sends what no kernel would gets an error, and nothing outside of its tree. */
#include "ck_run.h"
#include "fs_talk.h"
#include "server.h"

#include <check.h>
#include <errno.h>
#include <sys/stat.h>

#define SECRET "outside of the tree"

static struct talk *t;

static void set_up(void)
{
	char path[128];
	FILE *f;

	t = talk_new(50);
	(void)snprintf(path, sizeof(path), "%s/secret", t->dir);
	f = fopen(path, "we");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_gt(fprintf(f, SECRET), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(mkdirat(t->dir_fd, "d", 0755), 0);
	ck_assert_int_eq(symlinkat(path, t->dir_fd, "out"), 0);
	ck_assert_int_eq(symlinkat("../secret", t->dir_fd, "up"), 0);
	ck_assert_int_eq(talk_init(t), 0);
}

static void tear_down(void)
{
	talk_free(t);
}

static const char *const bad_names[] = { "", ".", "..", "/", "/etc", "d/", "d/..", "../secret", "a/b", "..//" };

START_TEST(no_name_leads_out_or_down)
{
	struct fuse_create_in create = { .flags = O_RDWR, .mode = 0600 };
	struct fuse_mknod_in node = { .mode = S_IFREG | 0600 };
	struct fuse_mkdir_in dir = { .mode = 0700 };
	struct fuse_rename_in rename = { .newdir = 1 };
	struct fuse_rename2_in rename2 = { .newdir = 1 };
	struct fuse_link_in link = { .oldnodeid = talk_lookup(t, 1, "out") };

	for (size_t i = 0; i < ARRAY_LEN(bad_names); i++) {
		const char *bad = bad_names[i];

		ck_assert_int_eq(talk_send(t, FUSE_LOOKUP, 1, NULL, 0, bad, NULL), -EINVAL);
		ck_assert_int_eq(talk_send(t, FUSE_CREATE, 1, &create, sizeof(create), bad, NULL), -EINVAL);
		ck_assert_int_eq(talk_send(t, FUSE_MKNOD, 1, &node, sizeof(node), bad, NULL), -EINVAL);
		ck_assert_int_eq(talk_send(t, FUSE_MKDIR, 1, &dir, sizeof(dir), bad, NULL), -EINVAL);
		ck_assert_int_eq(talk_send(t, FUSE_SYMLINK, 1, NULL, 0, bad, "x"), -EINVAL);
		ck_assert_int_eq(talk_send(t, FUSE_UNLINK, 1, NULL, 0, bad, NULL), -EINVAL);
		ck_assert_int_eq(talk_send(t, FUSE_RMDIR, 1, NULL, 0, bad, NULL), -EINVAL);
		ck_assert_int_eq(talk_send(t, FUSE_LINK, 1, &link, sizeof(link), bad, NULL), -EINVAL);
		ck_assert_int_eq(talk_send(t, FUSE_RENAME, 1, &rename, sizeof(rename), bad, "x"), -EINVAL);
		ck_assert_int_eq(talk_send(t, FUSE_RENAME, 1, &rename, sizeof(rename), "d", bad), -EINVAL);
		ck_assert_int_eq(talk_send(t, FUSE_RENAME2, 1, &rename2, sizeof(rename2), "d", bad), -EINVAL);
	}
}
END_TEST

START_TEST(symbolic_links_are_held_and_not_followed)
{
	static const char *const links[] = { "out", "up" };
	struct fuse_setattr_in mode = { .valid = FATTR_MODE, .mode = 0777 };
	struct fuse_setattr_in size = { .valid = FATTR_SIZE };
	struct fuse_open_in in = { .flags = O_RDONLY };
	struct stat st;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/secret", t->dir);
	for (size_t i = 0; i < ARRAY_LEN(links); i++) {
		uint64_t node = talk_lookup(t, 1, links[i]);
		struct fuse_entry_out entry;

		ck_assert_uint_ne(node, 0);
		memcpy(&entry, talk_body(t), sizeof(entry));
		ck_assert_uint_eq(entry.attr.mode & S_IFMT, S_IFLNK);
		ck_assert_int_eq(talk_send(t, FUSE_OPEN, node, &in, sizeof(in), NULL, NULL), -ELOOP);
		ck_assert_int_eq(talk_send(t, FUSE_OPENDIR, node, &in, sizeof(in), NULL, NULL), -ENOTDIR);
		ck_assert_int_eq(talk_send(t, FUSE_LOOKUP, node, NULL, 0, "x", NULL), -ENOTDIR);
		ck_assert_int_lt(talk_send(t, FUSE_SETATTR, node, &mode, sizeof(mode), NULL, NULL), 0);
		ck_assert_int_lt(talk_send(t, FUSE_SETATTR, node, &size, sizeof(size), NULL, NULL), 0);
	}
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_ne(st.st_mode & 0777, 0777);
	ck_assert_int_eq(st.st_size, strlen(SECRET));
}
END_TEST

/* As if the host put a link where a directory was: the guest still has the directory by its number. */
START_TEST(a_directory_swapped_for_a_link_is_still_the_directory)
{
	uint64_t node = talk_lookup(t, 1, "d");

	ck_assert_int_eq(renameat(t->dir_fd, "d", t->dir_fd, "moved"), 0);
	ck_assert_int_eq(symlinkat("..", t->dir_fd, "d"), 0);
	ck_assert_uint_eq(talk_lookup(t, node, "secret"), 0);
}
END_TEST

START_TEST(what_is_neither_file_nor_directory_is_not_opened)
{
	struct fuse_open_in in = { .flags = O_RDONLY };
	struct fuse_setattr_in size = { .valid = FATTR_SIZE };
	uint64_t node;

	ck_assert_int_eq(mkfifoat(t->dir_fd, "fifo", 0600), 0);
	node = talk_lookup(t, 1, "fifo");
	/* opening it would block for ever */
	ck_assert_int_eq(talk_send(t, FUSE_OPEN, node, &in, sizeof(in), NULL, NULL), -EINVAL);
	ck_assert_int_eq(talk_send(t, FUSE_SETATTR, node, &size, sizeof(size), NULL, NULL), -EINVAL);
	ck_assert_int_eq(talk_send(t, FUSE_OPEN, 1, &in, sizeof(in), NULL, NULL), -EINVAL);
	if (geteuid() != 0 || mknodat(t->dir_fd, "dev", S_IFCHR | 0600, 1 << 8 | 3) < 0) {
		puts("skip the device: only root makes one");
		return;
	}
	node = talk_lookup(t, 1, "dev");
	ck_assert_int_eq(talk_send(t, FUSE_OPEN, node, &in, sizeof(in), NULL, NULL), -EINVAL);
}
END_TEST

START_TEST(flags_of_open_that_do_more_than_open_are_dropped)
{
	struct fuse_create_in create = { .flags = O_RDWR, .mode = 0600 };
	static const uint32_t flags[] = {
		O_CREAT, O_PATH, O_DIRECTORY, O_TMPFILE, O_APPEND, O_DIRECT, O_EXCL, ~0U & ~3U
	};

	ck_assert_int_eq(talk_send(t, FUSE_CREATE, 1, &create, sizeof(create), "f", NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		struct fuse_read_in in = { .fh = talk_open(t, talk_lookup(t, 1, "f"), flags[i]), .size = 10 };

		ck_assert_msg(in.fh != 0, "%x", flags[i]);
		ck_assert_int_eq(talk_send(t, FUSE_READ, 1, &in, sizeof(in), NULL, NULL), 0);
	}
}
END_TEST

START_TEST(a_name_needs_its_end_and_a_length)
{
	char name[4096];

	memset(name, 'a', sizeof(name));
	talk_begin(t);
	talk_add(t, "abc", 3);
	ck_assert_int_eq(talk_end(t, FUSE_LOOKUP, 1), -EINVAL);
	ck_assert_int_eq(talk_send(t, FUSE_LOOKUP, 1, NULL, 0, NULL, NULL), -EINVAL);
	talk_begin(t);
	talk_add(t, name, sizeof(name));
	ck_assert_int_eq(talk_end(t, FUSE_LOOKUP, 1), -ENAMETOOLONG);
	name[256] = '\0';
	ck_assert_int_eq(talk_send(t, FUSE_LOOKUP, 1, NULL, 0, name, NULL), -ENAMETOOLONG);
	name[255] = '\0';
	ck_assert_int_eq(talk_send(t, FUSE_LOOKUP, 1, NULL, 0, name, NULL), 0);
	/* the second name of two */
	talk_begin(t);
	talk_add_text(t, "sym");
	talk_add(t, "target", 6);
	ck_assert_int_eq(talk_end(t, FUSE_SYMLINK, 1), -EINVAL);
	ck_assert_int_eq(talk_send(t, FUSE_SYMLINK, 1, NULL, 0, "sym", ""), -ENOENT);
	ck_assert_int_lt(faccessat(t->dir_fd, "sym", F_OK, AT_SYMLINK_NOFOLLOW), 0);
}
END_TEST

/* The head says less than came, or more. */
START_TEST(the_length_in_the_head_bounds_the_request)
{
	struct {
		struct fuse_in_header head;
		char name[8];
	} rq = { { .opcode = FUSE_LOOKUP, .nodeid = 1, .unique = 7 }, "d\0xxxxx" };
	struct fuse_out_header reply;
	static const struct {
		uint32_t len;
		int error;
	} cases[] = {
		{ sizeof(rq), 0 },
		{ sizeof(rq.head) + 2, 0 },
		{ sizeof(rq.head) + 1, -EINVAL },
		{ sizeof(rq.head), -EINVAL },
		{ sizeof(rq) + 1, -EINVAL },
		{ 39, -EINVAL },
		{ 0, -EINVAL },
		{ UINT32_MAX, -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		rq.head.len = cases[i].len;
		ck_assert_uint_ge(talk_raw(t, &rq, sizeof(rq), 4096), sizeof(reply));
		memcpy(&reply, t->out, sizeof(reply));
		ck_assert_msg(reply.error == cases[i].error, "%u: %d", cases[i].len, reply.error);
	}
	/* no head at all: there is nothing to answer */
	ck_assert_uint_eq(talk_raw(t, &rq, sizeof(rq.head) - 1, 4096), 0);
	ck_assert_uint_eq(talk_raw(t, &rq, 0, 4096), 0);
}
END_TEST

START_TEST(a_reply_stays_in_its_room)
{
	struct fuse_read_in read = { .size = 1 << 20 };
	struct fuse_create_in create = { .flags = O_RDWR, .mode = 0600 };
	struct fuse_getattr_in getattr = { 0 };
	int fds;

	t->out_max = 16;
	ck_assert_int_eq(talk_send(t, FUSE_GETATTR, 1, &getattr, sizeof(getattr), NULL, NULL), -EIO);
	fds = open_fds();
	ck_assert_int_eq(talk_send(t, FUSE_LOOKUP, 1, NULL, 0, "d", NULL), -EIO);
	ck_assert_int_eq(talk_send(t, FUSE_CREATE, 1, &create, sizeof(create), "f", NULL), -EIO);
	t->out_max = 16 + sizeof(struct fuse_entry_out);
	ck_assert_int_eq(talk_send(t, FUSE_CREATE, 1, &create, sizeof(create), "f", NULL), -EIO);
	ck_assert_int_eq(open_fds(), fds); /* what the guest was not told of is not kept */
	t->out_max = 15;
	ck_assert_int_eq(talk_send(t, FUSE_MKDIR, 1, &(struct fuse_mkdir_in){ 0 }, 8, "made", NULL), 1);
	ck_assert_int_lt(faccessat(t->dir_fd, "made", F_OK, 0), 0);
	t->out_max = 4096;
	read.fh = talk_open(t, talk_lookup(t, 1, "f"), O_RDONLY);
	ck_assert_int_eq(ftruncate(openat(t->dir_fd, "f", O_WRONLY | O_CLOEXEC), 1 << 20), 0);
	ck_assert_int_eq(talk_send(t, FUSE_READ, 1, &read, sizeof(read), NULL, NULL), 0);
	ck_assert_uint_eq(t->out_len, 4096);
}
END_TEST

START_TEST(numbers_that_were_not_given_find_nothing)
{
	static const uint64_t ids[] = { 0, 99, 1ULL << 32 | 1, UINT64_MAX, 1ULL << 63, 0x7fffffff };
	struct fuse_open_in open = { 0 };
	struct fuse_read_in read = { .size = 10 };
	struct fuse_link_in link = { 0 };
	struct fuse_rename_in rename = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		for (uint32_t op = FUSE_LOOKUP; op < 60; op++) {
			if (op == FUSE_INIT || op == FUSE_DESTROY)
				continue;
			ck_assert_msg(talk_send(t, op, ids[i], &read, sizeof(read), NULL, NULL) != 0, "%u of %lx", op,
				      (unsigned long)ids[i]);
		}
		ck_assert_int_eq(talk_send(t, FUSE_OPENDIR, ids[i], &open, sizeof(open), NULL, NULL), -ENOENT);
		read.fh = link.oldnodeid = rename.newdir = ids[i];
		ck_assert_int_eq(talk_send(t, FUSE_READ, 1, &read, sizeof(read), NULL, NULL), -EBADF);
		ck_assert_int_eq(talk_send(t, FUSE_READDIR, 1, &read, sizeof(read), NULL, NULL), -EBADF);
		ck_assert_int_eq(talk_send(t, FUSE_LINK, 1, &link, sizeof(link), "x", NULL), -ENOENT);
		ck_assert_int_eq(talk_send(t, FUSE_RENAME, 1, &rename, sizeof(rename), "d", "e"), -ENOENT);
	}
	ck_assert_uint_ne(talk_lookup(t, 1, "d"), 0);
}
END_TEST

START_TEST(a_directory_s_handle_is_no_file_s)
{
	struct fuse_open_in open = { 0 };
	struct fuse_open_out out;
	struct fuse_read_in read = { .size = 10 };
	struct fuse_release_in release;

	ck_assert_int_eq(talk_send(t, FUSE_OPENDIR, 1, &open, sizeof(open), NULL, NULL), 0);
	memcpy(&out, talk_body(t), sizeof(out));
	read.fh = out.fh;
	release = (struct fuse_release_in){ .fh = out.fh };
	ck_assert_int_eq(talk_send(t, FUSE_READ, 1, &read, sizeof(read), NULL, NULL), -EBADF);
	ck_assert_int_eq(talk_send(t, FUSE_RELEASE, 1, &release, sizeof(release), NULL, NULL), -EBADF);
	read.offset = UINT64_MAX;
	ck_assert_int_eq(talk_send(t, FUSE_READDIR, 1, &read, sizeof(read), NULL, NULL), -EINVAL);
	ck_assert_int_eq(talk_send(t, FUSE_RELEASEDIR, 1, &release, sizeof(release), NULL, NULL), 0);
	ck_assert_int_eq(talk_send(t, FUSE_READDIR, 1, &read, sizeof(read), NULL, NULL), -EBADF);
}
END_TEST

START_TEST(sizes_and_offsets_are_bounded)
{
	struct fuse_create_in create = { .flags = O_RDWR, .mode = 0600 };
	struct fuse_open_out out;
	struct fuse_read_in read = { .size = FS_DATA_MAX + 1 };
	struct fuse_write_in write = { .size = 100 };
	struct fuse_setxattr_in xattr = { .size = UINT32_MAX };

	ck_assert_int_eq(talk_send(t, FUSE_CREATE, 1, &create, sizeof(create), "f", NULL), 0);
	memcpy(&out, (const char *)talk_body(t) + sizeof(struct fuse_entry_out), sizeof(out));
	read.fh = write.fh = out.fh;
	ck_assert_int_eq(talk_send(t, FUSE_READ, 1, &read, sizeof(read), NULL, NULL), -EINVAL);
	read.size = 1;
	read.offset = 1ULL << 63;
	ck_assert_int_eq(talk_send(t, FUSE_READ, 1, &read, sizeof(read), NULL, NULL), -EINVAL);
	/* it claims 100 bytes, and brings none */
	ck_assert_int_eq(talk_send(t, FUSE_WRITE, 1, &write, sizeof(write), NULL, NULL), -EINVAL);
	write.size = 0;
	write.offset = UINT64_MAX;
	ck_assert_int_eq(talk_send(t, FUSE_WRITE, 1, &write, sizeof(write), NULL, NULL), -EINVAL);
	ck_assert_int_eq(talk_send(t, FUSE_SETXATTR, 1, &xattr, sizeof(xattr), "user.x", NULL), -E2BIG);
	xattr.size = 100;
	ck_assert_int_eq(talk_send(t, FUSE_SETXATTR, 1, &xattr, sizeof(xattr), "user.x", NULL), -EINVAL);
}
END_TEST

START_TEST(lookups_given_back_twice_do_not_wrap)
{
	uint64_t node = talk_lookup(t, 1, "d");
	struct fuse_forget_in forget = { .nlookup = UINT64_MAX };
	int fds = open_fds();

	ck_assert_int_eq(talk_send(t, FUSE_FORGET, node, &forget, sizeof(forget), NULL, NULL), 1);
	ck_assert_int_eq(open_fds(), fds - 1);
	ck_assert_int_eq(talk_send(t, FUSE_FORGET, node, &forget, sizeof(forget), NULL, NULL), 1);
	ck_assert_int_eq(talk_send(t, FUSE_LOOKUP, node, NULL, 0, "x", NULL), -ENOENT);
	/* the root is never forgotten */
	ck_assert_int_eq(talk_send(t, FUSE_FORGET, 1, &forget, sizeof(forget), NULL, NULL), 1);
	ck_assert_int_eq(talk_send(t, FUSE_FORGET, 1, &forget, sizeof(forget), NULL, NULL), 1);
	ck_assert_uint_ne(talk_lookup(t, 1, "d"), 0);
	ck_assert_uint_ne(talk_lookup(t, 1, "d"), node);
}
END_TEST

START_TEST(a_batch_that_claims_more_than_it_brings_ends_there)
{
	struct {
		struct fuse_batch_forget_in head;
		struct fuse_forget_one one;
	} in = { { .count = UINT32_MAX }, { .nodeid = talk_lookup(t, 1, "d"), .nlookup = 1 } };

	ck_assert_int_eq(talk_send(t, FUSE_BATCH_FORGET, 0, &in, sizeof(in), NULL, NULL), 1);
	ck_assert_int_eq(talk_send(t, FUSE_LOOKUP, in.one.nodeid, NULL, 0, "x", NULL), -ENOENT);
}
END_TEST

START_TEST(too_many_open_files_are_refused_and_others_stay)
{
	struct fuse_release_in release = { 0 };
	uint64_t first = 0, last = 0;
	int r = 0, n;

	for (n = 0; n < 100 && r == 0; n++) {
		struct fuse_create_in in = { .flags = O_RDWR, .mode = 0600 };
		char name[16];

		(void)snprintf(name, sizeof(name), "f%d", n);
		r = talk_send(t, FUSE_CREATE, 1, &in, sizeof(in), name, NULL);
		if (r == 0)
			memcpy(&last, (const char *)talk_body(t) + sizeof(struct fuse_entry_out), sizeof(last));
		if (n == 0)
			first = talk_lookup(t, 1, "f0");
	}
	ck_assert_int_eq(r, -ENFILE);
	ck_assert_int_eq(n, 25); /* 24 with two descriptors each, beside the root's, and the one that was refused */
	ck_assert_uint_ne(talk_open(t, first, O_RDONLY), 0); /* the last descriptor, which the refused one gave back */
	ck_assert_uint_eq(talk_open(t, first, O_RDONLY), 0);
	ck_assert_uint_eq(talk_lookup(t, 1, "f0"), first);
	release.fh = last;
	ck_assert_int_eq(talk_send(t, FUSE_RELEASE, 0, &release, sizeof(release), NULL, NULL), 0);
	ck_assert_uint_ne(talk_open(t, first, O_RDONLY), 0);
}
END_TEST

START_TEST(nothing_is_served_before_init_and_init_only_once)
{
	struct fuse_init_in in = { .major = 7, .minor = 38 };

	ck_assert_int_eq(talk_init(t), -EINVAL);
	ck_assert_uint_ne(talk_lookup(t, 1, "d"), 0);
	ck_assert_int_eq(talk_send(t, FUSE_DESTROY, 1, NULL, 0, NULL, NULL), 0);
	ck_assert_int_eq(talk_send(t, FUSE_LOOKUP, 1, NULL, 0, "d", NULL), -EIO);
	in.minor = 30;
	ck_assert_int_eq(talk_send(t, FUSE_INIT, 0, &in, sizeof(in), NULL, NULL), -EPROTO);
	in = (struct fuse_init_in){ .major = 6, .minor = 40 };
	ck_assert_int_eq(talk_send(t, FUSE_INIT, 0, &in, sizeof(in), NULL, NULL), -EPROTO);
	/* a newer one is told ours, and must ask again */
	in.major = 8;
	ck_assert_int_eq(talk_send(t, FUSE_INIT, 0, &in, sizeof(in), NULL, NULL), 0);
	ck_assert_int_eq(talk_send(t, FUSE_LOOKUP, 1, NULL, 0, "d", NULL), -EIO);
	in.major = 7;
	ck_assert_int_eq(talk_send(t, FUSE_INIT, 0, &in, 8, NULL, NULL), -EINVAL);
	ck_assert_int_eq(talk_init(t), 0);
	ck_assert_uint_ne(talk_lookup(t, 1, "d"), 0);
}
END_TEST

START_TEST(the_end_of_a_session_leaves_no_descriptor)
{
	uint64_t node = talk_lookup(t, 1, "d");
	struct fuse_open_in open = { 0 };
	int fds;

	ck_assert_int_eq(talk_send(t, FUSE_DESTROY, 1, NULL, 0, NULL, NULL), 0);
	fds = open_fds();
	ck_assert_int_eq(talk_init(t), 0);
	ck_assert_int_eq(talk_send(t, FUSE_LOOKUP, node, NULL, 0, "x", NULL), -ENOENT);
	ck_assert_uint_ne(talk_lookup(t, 1, "d"), 0);
	ck_assert_int_eq(talk_send(t, FUSE_OPENDIR, 1, &open, sizeof(open), NULL, NULL), 0);
	ck_assert_int_eq(open_fds(), fds + 2);
	fs_server_reset(t->server);
	ck_assert_int_eq(open_fds(), fds);
	ck_assert_int_eq(talk_init(t), 0);
	ck_assert_uint_ne(talk_lookup(t, 1, "d"), 0);
}
END_TEST

START_TEST(only_files_of_known_types_are_made)
{
	static const uint32_t modes[] = { 0600, S_IFDIR | 0600, S_IFLNK | 0600, 0xffffffff, 0xf000 };

	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		struct fuse_mknod_in in = { .mode = modes[i] };

		ck_assert_int_eq(talk_send(t, FUSE_MKNOD, 1, &in, sizeof(in), "x", NULL), -EINVAL);
	}
}
END_TEST

#define KNOWN_MAX 100

/* A file whose name has 255 bytes. */
static uint64_t look_up_long_name(int i)
{
	char name[NAME_MAX + 1];

	memset(name, 'n', NAME_MAX);
	name[NAME_MAX] = '\0';
	(void)snprintf(name, 8, "%06d", i);
	name[6] = 'n';
	ck_assert(mknodat(t->dir_fd, name, S_IFREG | 0644, 0) == 0 || errno == EEXIST);
	return talk_lookup(t, 1, name);
}

/* Lookups are the guest's to give back: what it does not is bounded, in bytes. */
START_TEST(what_the_guest_remembers_has_a_bound)
{
	struct fuse_forget_in once = { .nlookup = 1 };
	uint64_t nodes[4 * KNOWN_MAX];
	int known = 0;

	t->out_max = 4096;
	fs_server_set_memory(t->server, KNOWN_MAX * 512);
	for (int turn = 0; turn < 2; turn++) {
		for (known = 0; known < 4 * KNOWN_MAX; known++) {
			nodes[known] = look_up_long_name(known);
			if (!nodes[known])
				break;
		}
		ck_assert_int_ge(known, KNOWN_MAX - 1);
		ck_assert_int_lt(known, 3 * KNOWN_MAX / 2);
		for (int i = 0; i < known; i++)
			(void)talk_send(t, FUSE_FORGET, nodes[i], &once, sizeof(once), NULL, NULL);
	}
}
END_TEST

/* Nor do the names that known files get later. */
START_TEST(longer_names_keep_the_bound)
{
	const struct fs_inodes *known = &t->server->inodes;
	struct fuse_rename_in in = { .newdir = 1 };
	char name[16], longer[NAME_MAX + 1];
	int n = -1;

	t->out_max = 4096;
	fs_server_set_memory(t->server, KNOWN_MAX * 512);
	do {
		(void)snprintf(name, sizeof(name), "%06d", ++n);
		ck_assert_int_eq(mknodat(t->dir_fd, name, S_IFREG | 0644, 0), 0);
	} while (talk_lookup(t, 1, name));
	ck_assert_int_gt(n, KNOWN_MAX);
	memset(longer, 'n', NAME_MAX);
	longer[NAME_MAX] = '\0';
	for (int i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "%06d", i);
		memcpy(longer, name, 6);
		ck_assert_int_eq(talk_send(t, FUSE_RENAME, 1, &in, sizeof(in), name, longer), 0);
		ck_assert_uint_le(atomic_load(&known->bytes), atomic_load(&known->bytes_max));
	}
}
END_TEST

START_TEST(open_directories_have_a_bound)
{
	struct fuse_read_in in = { .size = 4096 };
	struct fuse_open_in how = { 0 };
	struct fuse_open_out out;
	int opened = 0, r;

	t->out_max = 8192;
	fs_server_set_memory(t->server, 200000);
	do {
		r = talk_send(t, FUSE_OPENDIR, 1, &how, sizeof(how), NULL, NULL);
		if (r == 0) {
			memcpy(&out, talk_body(t), sizeof(out));
			in.fh = out.fh;
			r = talk_send(t, FUSE_READDIR, 1, &in, sizeof(in), NULL, NULL);
			opened += r == 0;
		}
	} while (r == 0 && opened < 90);
	ck_assert(r == -ENFILE || r == -ENOMEM);
	ck_assert(opened > 10 && opened < 30);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fs_hostile");
	TCase *c = tcase_create("fs_hostile");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_set_timeout(c, 30);
	tcase_add_test(c, no_name_leads_out_or_down);
	tcase_add_test(c, symbolic_links_are_held_and_not_followed);
	tcase_add_test(c, a_directory_swapped_for_a_link_is_still_the_directory);
	tcase_add_test(c, what_is_neither_file_nor_directory_is_not_opened);
	tcase_add_test(c, flags_of_open_that_do_more_than_open_are_dropped);
	tcase_add_test(c, a_name_needs_its_end_and_a_length);
	tcase_add_test(c, the_length_in_the_head_bounds_the_request);
	tcase_add_test(c, a_reply_stays_in_its_room);
	tcase_add_test(c, numbers_that_were_not_given_find_nothing);
	tcase_add_test(c, a_directory_s_handle_is_no_file_s);
	tcase_add_test(c, sizes_and_offsets_are_bounded);
	tcase_add_test(c, lookups_given_back_twice_do_not_wrap);
	tcase_add_test(c, a_batch_that_claims_more_than_it_brings_ends_there);
	tcase_add_test(c, too_many_open_files_are_refused_and_others_stay);
	tcase_add_test(c, nothing_is_served_before_init_and_init_only_once);
	tcase_add_test(c, the_end_of_a_session_leaves_no_descriptor);
	tcase_add_test(c, only_files_of_known_types_are_made);
	tcase_add_test(c, what_the_guest_remembers_has_a_bound);
	tcase_add_test(c, longer_names_keep_the_bound);
	tcase_add_test(c, open_directories_have_a_bound);
	suite_add_tcase(suite, c);
	return ck_run(suite);
}
