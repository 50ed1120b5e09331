/* SPDX-License-Identifier: Apache-2.0 */
/* check_fs.c: the file server does for an honest guest what a local file system does. */
#include "ck_run.h"
#include "fs_talk.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/falloc.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <time.h>

static struct talk *t;

static void set_up(void)
{
	t = talk_new(1000);
	ck_assert_int_eq(talk_init(t), 0);
}

static void tear_down(void)
{
	talk_free(t);
}

static void host_file(const char *name, const char *content, mode_t mode)
{
	int fd = openat(t->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	ck_assert(fd >= 0 && write(fd, content, strlen(content)) == (ssize_t)strlen(content));
	ck_assert(fchmod(fd, mode) == 0);
	(void)close(fd);
}

static struct stat host_stat(const char *name)
{
	struct stat st;

	ck_assert_msg(fstatat(t->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0, "%s: %s", name, strerror(errno));
	return st;
}

static struct fuse_entry_out entry(void)
{
	struct fuse_entry_out out;

	memcpy(&out, talk_body(t), sizeof(out));
	return out;
}

static uint64_t create(const char *name, uint32_t flags, uint32_t mode, uint32_t umask_bits, uint64_t *out_node)
{
	struct fuse_create_in in = { .flags = flags, .mode = mode, .umask = umask_bits };
	struct fuse_open_out out;

	ck_assert_int_eq(talk_send(t, FUSE_CREATE, 1, &in, sizeof(in), name, NULL), 0);
	memcpy(&out, (const char *)talk_body(t) + sizeof(struct fuse_entry_out), sizeof(out));
	*out_node = entry().nodeid;
	return out.fh;
}

static int write_at(uint64_t fh, uint64_t offset, const char *text, uint32_t flags, uint32_t write_flags)
{
	struct fuse_write_in in = {
		.fh = fh, .offset = offset, .size = (uint32_t)strlen(text), .flags = flags, .write_flags = write_flags
	};

	talk_begin(t);
	talk_add(t, &in, sizeof(in));
	talk_add(t, text, strlen(text));
	return talk_end(t, FUSE_WRITE, 1);
}

static const char *read_all(uint64_t fh)
{
	static char text[4096];
	struct fuse_read_in in = { .fh = fh, .size = sizeof(text) - 1 };

	ck_assert_int_eq(talk_send(t, FUSE_READ, 1, &in, sizeof(in), NULL, NULL), 0);
	memcpy(text, talk_body(t), talk_body_len(t));
	text[talk_body_len(t)] = '\0';
	return text;
}

static int setattr(uint64_t node, const struct fuse_setattr_in *in)
{
	return talk_send(t, FUSE_SETATTR, node, in, sizeof(*in), NULL, NULL);
}

START_TEST(a_file_is_what_the_host_has)
{
	struct stat st;
	struct fuse_entry_out e;

	host_file("f", "hello", 0640);
	ck_assert_uint_ne(talk_lookup(t, 1, "f"), 0);
	e = entry();
	st = host_stat("f");
	ck_assert_uint_eq(e.attr.ino, st.st_ino);
	ck_assert_uint_eq(e.attr.size, 5);
	ck_assert_uint_eq(e.attr.mode, S_IFREG | 0640);
	ck_assert_uint_eq(e.attr.uid, st.st_uid);
	ck_assert_uint_eq(e.attr.mtime, (uint64_t)st.st_mtim.tv_sec);
	ck_assert_uint_eq(e.attr.mtimensec, (uint32_t)st.st_mtim.tv_nsec);
	ck_assert_str_eq(read_all(talk_open(t, e.nodeid, O_RDONLY)), "hello");
}
END_TEST

START_TEST(what_is_not_there_is_told_and_may_be_kept_as_long)
{
	ck_assert_int_eq(talk_send(t, FUSE_LOOKUP, 1, NULL, 0, "nope", NULL), 0);
	ck_assert_uint_eq(entry().nodeid, 0);
	ck_assert_uint_eq(entry().entry_valid, FS_CACHE_SECONDS);
}
END_TEST

START_TEST(a_change_of_the_hosts_is_seen)
{
	uint64_t node;

	host_file("f", "a", 0644);
	node = talk_lookup(t, 1, "f");
	host_file("f", "longer", 0600);
	ck_assert_uint_eq(talk_lookup(t, 1, "f"), node);
	ck_assert_uint_eq(entry().attr.size, 6);
	ck_assert_int_eq(unlinkat(t->dir_fd, "f", 0), 0);
	ck_assert_uint_eq(talk_lookup(t, 1, "f"), 0);
}
END_TEST

static bool pages_are_kept(uint64_t node)
{
	struct fuse_open_in in = { .flags = O_RDONLY };
	struct fuse_open_out out;

	ck_assert_int_eq(talk_send(t, FUSE_OPEN, node, &in, sizeof(in), NULL, NULL), 0);
	memcpy(&out, talk_body(t), sizeof(out));
	return out.open_flags & FOPEN_KEEP_CACHE;
}

START_TEST(pages_are_kept_only_of_a_file_that_is_as_it_was)
{
	const struct timespec second = { .tv_sec = 3 };
	uint64_t node;
	time_t began;

	host_file("f", "a", 0644);
	node = talk_lookup(t, 1, "f");
	ck_assert_msg(!pages_are_kept(node), "never seen before");
	do { /* again, where the machine stood still in between */
		began = time(NULL);
		host_file("f", "a", 0644);
		ck_assert_msg(!pages_are_kept(node), "another");
	} while (time(NULL) != began);
	(void)nanosleep(&second, NULL);
	ck_assert_msg(!pages_are_kept(node), "seen when it was too new to tell");
	ck_assert_msg(pages_are_kept(node), "seen");
	host_file("f", "b", 0644);
	ck_assert_msg(!pages_are_kept(node), "changed");
}
END_TEST

START_TEST(files_of_all_kinds_are_made)
{
	static const struct {
		const char *name;
		mode_t mode;
	} kinds[] = {
		{ "reg", S_IFREG }, { "fifo", S_IFIFO }, { "sock", S_IFSOCK }, { "chr", S_IFCHR }, { "blk", S_IFBLK }
	};
	struct fuse_mkdir_in dir = { .mode = 01777, .umask = 022 };
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		/* 9:300, as the kernel's new_encode_dev() has it */
		struct fuse_mknod_in in = { .mode = kinds[i].mode | 0666,
					    .umask = 027,
					    .rdev = 44 | 9 << 8 | 256 << 12 };
		bool device = S_ISCHR(kinds[i].mode) || S_ISBLK(kinds[i].mode);

		if (device && geteuid() != 0) {
			puts("skip devices: only root makes them");
			continue;
		}
		ck_assert_int_eq(talk_send(t, FUSE_MKNOD, 1, &in, sizeof(in), kinds[i].name, NULL), 0);
		ck_assert_uint_eq(entry().attr.mode, kinds[i].mode | 0640);
		st = host_stat(kinds[i].name);
		ck_assert_uint_eq(st.st_mode, kinds[i].mode | 0640);
		ck_assert(!device || st.st_rdev == makedev(9, 300));
		ck_assert(!device || entry().attr.rdev == in.rdev);
	}
	ck_assert_int_eq(talk_send(t, FUSE_MKDIR, 1, &dir, sizeof(dir), "dir", NULL), 0);
	ck_assert_uint_eq(host_stat("dir").st_mode, S_IFDIR | 01755);
	ck_assert_int_eq(talk_send(t, FUSE_SYMLINK, 1, NULL, 0, "sym", "/etc/passwd"), 0);
	ck_assert_uint_eq(entry().attr.mode & S_IFMT, S_IFLNK);
	ck_assert_int_eq(talk_send(t, FUSE_READLINK, entry().nodeid, NULL, 0, NULL, NULL), 0);
	ck_assert_uint_eq(talk_body_len(t), 11);
	ck_assert_int_eq(memcmp(talk_body(t), "/etc/passwd", 11), 0);
}
END_TEST

START_TEST(new_files_belong_to_the_caller)
{
	struct fuse_mkdir_in dir = { .mode = 0700 };
	struct fuse_mknod_in node = { .mode = S_IFREG | 0600 };
	uint64_t ino;

	if (geteuid() != 0) {
		puts("skip: only root acts for others");
		return;
	}
	t->uid = 1234;
	t->gid = 5678;
	(void)talk_send(t, FUSE_MKDIR, 1, &dir, sizeof(dir), "d", NULL);
	(void)talk_send(t, FUSE_MKNOD, 1, &node, sizeof(node), "n", NULL);
	(void)talk_send(t, FUSE_SYMLINK, 1, NULL, 0, "s", "x");
	(void)create("c", O_WRONLY, 0600, 0, &ino);
	for (size_t i = 0; i < 4; i++) {
		char name[2] = { "dnsc"[i], '\0' };

		ck_assert_msg(host_stat(name).st_uid == 1234 && host_stat(name).st_gid == 5678, "%s: %u", name,
			      host_stat(name).st_uid);
	}
	/* and the next one to the next caller */
	t->uid = t->gid = 0;
	(void)create("root", O_WRONLY, 0600, 0, &ino);
	ck_assert_uint_eq(host_stat("root").st_uid, 0);
	t->uid = UINT32_MAX;
	ck_assert_int_eq(talk_send(t, FUSE_MKDIR, 1, &dir, sizeof(dir), "nobody", NULL), -EINVAL);
}
END_TEST

START_TEST(a_set_group_id_directory_gives_its_group)
{
	struct fuse_mkdir_in dir = { .mode = 0755 };
	uint64_t ino;

	if (geteuid() != 0) {
		puts("skip: only root acts for others");
		return;
	}
	ck_assert(fchown(t->dir_fd, 0, 77) == 0 && fchmod(t->dir_fd, 02777) == 0);
	t->uid = t->gid = 1234;
	(void)create("c", O_WRONLY, 0600, 0, &ino);
	ck_assert_uint_eq(host_stat("c").st_gid, 77);
	(void)talk_send(t, FUSE_MKDIR, 1, &dir, sizeof(dir), "d", NULL);
	ck_assert_uint_eq(host_stat("d").st_mode, S_IFDIR | 02755);
}
END_TEST

START_TEST(writes_and_reads_are_at_their_places)
{
	uint64_t node, fh = create("f", O_RDWR, 0644, 0, &node);

	ck_assert_int_eq(write_at(fh, 0, "0123456789", 0, 0), 0);
	ck_assert_int_eq(write_at(fh, 3, "abc", 0, 0), 0);
	ck_assert_str_eq(read_all(fh), "012abc6789");
	/* O_APPEND of the guest's at the time of the write, whatever the offset */
	ck_assert_int_eq(write_at(fh, 0, "END", O_APPEND, 0), 0);
	ck_assert_str_eq(read_all(fh), "012abc6789END");
}
END_TEST

START_TEST(a_write_takes_set_user_id_away_when_the_guest_says_so)
{
	uint64_t fh;

	if (geteuid() != 0) {
		puts("skip: an ordinary user's writes always do");
		return;
	}
	host_file("f", "x", 06755);
	fh = talk_open(t, talk_lookup(t, 1, "f"), O_WRONLY);
	ck_assert_int_eq(write_at(fh, 0, "y", 0, 0), 0);
	ck_assert_uint_eq(host_stat("f").st_mode, S_IFREG | 06755);
	ck_assert_int_eq(write_at(fh, 0, "y", 0, FUSE_WRITE_KILL_SUIDGID), 0);
	ck_assert_uint_eq(host_stat("f").st_mode, S_IFREG | 0755);
}
END_TEST

START_TEST(truncation_takes_set_user_id_away_when_the_guest_says_so)
{
	struct fuse_open_in in = { .flags = O_WRONLY | O_TRUNC, .open_flags = FUSE_OPEN_KILL_SUIDGID };
	struct fuse_setattr_in size = { .valid = FATTR_SIZE | FATTR_KILL_SUIDGID, .size = 1 };

	host_file("f", "xyz", 04755);
	ck_assert_int_eq(setattr(talk_lookup(t, 1, "f"), &size), 0);
	ck_assert_uint_eq(host_stat("f").st_mode, S_IFREG | 0755);
	ck_assert_uint_eq((uint64_t)host_stat("f").st_size, 1);
	host_file("g", "xyz", 04755);
	ck_assert_int_eq(talk_send(t, FUSE_OPEN, talk_lookup(t, 1, "g"), &in, sizeof(in), NULL, NULL), 0);
	ck_assert_uint_eq(host_stat("g").st_mode, S_IFREG | 0755);
	ck_assert_uint_eq((uint64_t)host_stat("g").st_size, 0);
}
END_TEST

START_TEST(attributes_are_set)
{
	struct fuse_setattr_in in = {
		.valid = FATTR_MODE | FATTR_SIZE | FATTR_ATIME | FATTR_MTIME,
		.mode = S_IFREG | 04711,
		.size = 3,
		.atime = 1000,
		.atimensec = 5,
		.mtime = 2000,
		.mtimensec = 6,
	};
	struct fuse_setattr_in owner = { .valid = FATTR_UID | FATTR_GID, .uid = 12, .gid = 34 };
	struct stat st;
	uint64_t node;

	host_file("f", "abcdef", 0600);
	node = talk_lookup(t, 1, "f");
	ck_assert_int_eq(setattr(node, &in), 0);
	st = host_stat("f");
	ck_assert_uint_eq(st.st_mode & 0777, 0711);
	ck_assert_int_eq(st.st_size, 3);
	ck_assert_int_eq(st.st_atim.tv_sec, 1000);
	ck_assert_int_eq(st.st_mtim.tv_nsec, 6);
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(setattr(node, &owner), 0);
	ck_assert(host_stat("f").st_uid == 12 && host_stat("f").st_gid == 34);
	owner.uid = UINT32_MAX; /* to chown(2) it would mean: leave */
	ck_assert_int_eq(setattr(node, &owner), -EINVAL);
	in.size = 1ULL << 63;
	ck_assert_int_eq(setattr(node, &in), -EFBIG);
}
END_TEST

START_TEST(a_link_and_its_target_are_one_file)
{
	struct fuse_link_in in;

	host_file("f", "x", 0600);
	in.oldnodeid = talk_lookup(t, 1, "f");
	ck_assert_int_eq(talk_send(t, FUSE_LINK, 1, &in, sizeof(in), "g", NULL), 0);
	ck_assert_uint_eq(entry().nodeid, in.oldnodeid);
	ck_assert_uint_eq(entry().attr.nlink, 2);
	ck_assert_int_eq(talk_send(t, FUSE_LINK, 1, &in, sizeof(in), "g", NULL), -EEXIST);
	ck_assert_uint_eq(host_stat("g").st_ino, host_stat("f").st_ino);
}
END_TEST

/* As the server of an ordinary user's VM has none on the host. */
START_TEST(a_link_needs_no_privilege)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };
	struct fuse_link_in in;

	(void)create("f", O_RDWR, 0600, 0, &in.oldnodeid); /* so that it is held from before */
	ck_assert_int_eq((int)syscall(SYS_capset, &head, none), 0);
	ck_assert_int_eq(talk_send(t, FUSE_LINK, 1, &in, sizeof(in), "g", NULL), 0);
	ck_assert_uint_eq(host_stat("g").st_ino, host_stat("f").st_ino);
	/* a symbolic link is linked itself */
	ck_assert_int_eq(symlinkat("f", t->dir_fd, "s"), 0);
	in.oldnodeid = talk_lookup(t, 1, "s");
	ck_assert_int_eq(talk_send(t, FUSE_LINK, 1, &in, sizeof(in), "s2", NULL), 0);
	ck_assert_uint_eq(host_stat("s2").st_ino, host_stat("s").st_ino);
	ck_assert(S_ISLNK(host_stat("s2").st_mode));
}
END_TEST

START_TEST(renames_with_each_flag)
{
	struct fuse_rename_in plain = { .newdir = 1 };
	struct fuse_rename2_in in = { .newdir = 1, .flags = RENAME_NOREPLACE };

	host_file("a", "A", 0600);
	host_file("b", "BB", 0600);
	ck_assert_int_eq(talk_send(t, FUSE_RENAME2, 1, &in, sizeof(in), "a", "b"), -EEXIST);
	in.flags = RENAME_EXCHANGE;
	ck_assert_int_eq(talk_send(t, FUSE_RENAME2, 1, &in, sizeof(in), "a", "b"), 0);
	ck_assert_int_eq(host_stat("a").st_size, 2);
	in.flags = 1U << 31;
	ck_assert_int_eq(talk_send(t, FUSE_RENAME2, 1, &in, sizeof(in), "a", "b"), -EINVAL);
	ck_assert_int_eq(talk_send(t, FUSE_RENAME, 1, &plain, sizeof(plain), "a", "b"), 0);
	ck_assert_int_eq(host_stat("b").st_size, 2);
	ck_assert_uint_eq(talk_lookup(t, 1, "a"), 0);
}
END_TEST

START_TEST(names_are_removed_by_what_they_are)
{
	host_file("f", "", 0600);
	ck_assert_int_eq(mkdirat(t->dir_fd, "d", 0700), 0);
	ck_assert_int_eq(talk_send(t, FUSE_RMDIR, 1, NULL, 0, "f", NULL), -ENOTDIR);
	ck_assert_int_eq(talk_send(t, FUSE_UNLINK, 1, NULL, 0, "d", NULL), -EISDIR);
	ck_assert_int_eq(talk_send(t, FUSE_UNLINK, 1, NULL, 0, "f", NULL), 0);
	ck_assert_int_eq(talk_send(t, FUSE_RMDIR, 1, NULL, 0, "d", NULL), 0);
	ck_assert_int_eq(talk_send(t, FUSE_RMDIR, 1, NULL, 0, "d", NULL), -ENOENT);
}
END_TEST

START_TEST(an_open_file_outlives_its_name)
{
	uint64_t node, fh = create("f", O_RDWR, 0600, 0, &node);
	struct fuse_setattr_in in = { .valid = FATTR_SIZE | FATTR_FH, .fh = fh, .size = 2 };
	struct fuse_release_in release = { .fh = fh };

	ck_assert_int_eq(write_at(fh, 0, "still", 0, 0), 0);
	ck_assert_int_eq(talk_send(t, FUSE_UNLINK, 1, NULL, 0, "f", NULL), 0);
	ck_assert_int_eq(setattr(node, &in), 0);
	ck_assert_str_eq(read_all(fh), "st");
	ck_assert_int_eq(talk_send(t, FUSE_RELEASE, node, &release, sizeof(release), NULL, NULL), 0);
	ck_assert_int_eq(talk_send(t, FUSE_RELEASE, node, &release, sizeof(release), NULL, NULL), -EBADF);
}
END_TEST

START_TEST(create_opens_what_appeared_meanwhile_unless_it_must_be_new)
{
	struct fuse_create_in in = { .flags = O_RDWR | O_EXCL, .mode = 0600 };
	uint64_t node;

	host_file("f", "old", 0600);
	ck_assert_int_eq(talk_send(t, FUSE_CREATE, 1, &in, sizeof(in), "f", NULL), -EEXIST);
	ck_assert_str_eq(read_all(create("f", O_RDWR, 0600, 0, &node)), "old");
	ck_assert_str_eq(read_all(create("f", O_RDWR | O_TRUNC, 0600, 0, &node)), "");
	/* nothing but a regular file is opened: a FIFO would block, a link would lead out */
	in.flags = O_RDWR;
	ck_assert_int_eq(mkfifoat(t->dir_fd, "fifo", 0600), 0);
	ck_assert_int_eq(talk_send(t, FUSE_CREATE, 1, &in, sizeof(in), "fifo", NULL), -EINVAL);
	ck_assert_int_eq(symlinkat("/tmp/check_fs_outside", t->dir_fd, "link"), 0);
	ck_assert_int_eq(talk_send(t, FUSE_CREATE, 1, &in, sizeof(in), "link", NULL), -ELOOP);
	ck_assert_int_lt(access("/tmp/check_fs_outside", F_OK), 0);
}
END_TEST

/* The names that READDIR or READDIRPLUS gives, a page at a time, each followed by a blank. */
static const char *list(uint32_t opcode, uint32_t page, size_t *out_n)
{
	static char names[65536];
	struct fuse_open_in open_in = { 0 };
	struct fuse_read_in in = { .size = page };
	struct fuse_open_out out;
	size_t head = opcode == FUSE_READDIR ? 0 : sizeof(struct fuse_entry_out);

	*out_n = 0;
	names[0] = '\0';
	ck_assert_int_eq(talk_send(t, FUSE_OPENDIR, 1, &open_in, sizeof(open_in), NULL, NULL), 0);
	memcpy(&out, talk_body(t), sizeof(out));
	in.fh = out.fh;
	for (;;) {
		size_t at = 0;

		ck_assert_int_eq(talk_send(t, opcode, 1, &in, sizeof(in), NULL, NULL), 0);
		ck_assert_uint_le(talk_body_len(t), page);
		if (talk_body_len(t) == 0)
			break;
		while (at < talk_body_len(t)) {
			const char *body = (const char *)talk_body(t) + at;
			struct fuse_entry_out e = { .nodeid = 1 };
			struct fuse_dirent d;

			memcpy(&d, body + head, FUSE_NAME_OFFSET);
			if (head)
				memcpy(&e, body, sizeof(e));
			(void)strncat(names, body + head + FUSE_NAME_OFFSET, d.namelen);
			(void)strcat(names, " ");
			ck_assert((e.nodeid != 0) == (body[head + FUSE_NAME_OFFSET] != '.' || !head));
			(*out_n)++;
			in.offset = d.off;
			at += FUSE_DIRENT_ALIGN(head + FUSE_NAME_OFFSET + d.namelen);
		}
		ck_assert_uint_eq(at, talk_body_len(t));
	}
	return names;
}

START_TEST(a_directory_is_listed_whole_in_pages_of_any_size)
{
	static const uint32_t pages[] = { 4096, 512, 65536, 1 << 20 };
	size_t n;

	for (int i = 0; i < 300; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "file-%d", i);
		host_file(name, "", 0600);
	}
	for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
		ck_assert_ptr_nonnull(strstr(list(FUSE_READDIR, pages[i], &n), "file-299 "));
		ck_assert_uint_eq(n, 302);
		ck_assert_ptr_nonnull(strstr(list(FUSE_READDIRPLUS, pages[i], &n), "file-299 "));
		ck_assert_uint_eq(n, 302);
	}
}
END_TEST

START_TEST(attributes_of_users_pass_through)
{
	struct fuse_setxattr_in in = { .size = 3 };
	struct fuse_getxattr_in get = { .size = 100 };
	struct fuse_getxattr_out size;
	uint64_t node;
	char value[8];
	int r;

	host_file("f", "", 0600);
	node = talk_lookup(t, 1, "f");
	talk_begin(t);
	talk_add(t, &in, sizeof(in));
	talk_add_text(t, "user.k");
	talk_add(t, "val", 3);
	r = talk_end(t, FUSE_SETXATTR, node);
	if (r == -EOPNOTSUPP) {
		puts("skip: no user.* attributes on the file system of /tmp");
		return;
	}
	ck_assert_int_eq(r, 0);
	r = openat(t->dir_fd, "f", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(fgetxattr(r, "user.k", value, sizeof(value)), 3);
	(void)close(r);
	ck_assert_int_eq(talk_send(t, FUSE_GETXATTR, node, &get, sizeof(get), "user.k", NULL), 0);
	ck_assert(talk_body_len(t) == 3 && memcmp(talk_body(t), "val", 3) == 0);
	ck_assert_int_eq(talk_send(t, FUSE_LISTXATTR, node, &get, sizeof(get), NULL, NULL), 0);
	ck_assert_ptr_nonnull(memmem(talk_body(t), talk_body_len(t), "user.k", 7));
	get.size = 2;
	ck_assert_int_eq(talk_send(t, FUSE_GETXATTR, node, &get, sizeof(get), "user.k", NULL), -ERANGE);
	get.size = 0;
	ck_assert_int_eq(talk_send(t, FUSE_GETXATTR, node, &get, sizeof(get), "user.k", NULL), 0);
	memcpy(&size, talk_body(t), sizeof(size));
	ck_assert_uint_eq(size.size, 3);
	ck_assert_int_eq(talk_send(t, FUSE_REMOVEXATTR, node, NULL, 0, "user.k", NULL), 0);
	ck_assert_int_eq(talk_send(t, FUSE_GETXATTR, node, &get, sizeof(get), "user.k", NULL), -ENODATA);
}
END_TEST

START_TEST(room_is_made_and_found)
{
	uint64_t node, fh = create("f", O_RDWR, 0600, 0, &node);
	struct fuse_fallocate_in in = { .fh = fh, .length = 1 << 20 };
	struct fuse_lseek_in seek = { .fh = fh, .whence = SEEK_HOLE };
	struct fuse_lseek_out at;

	ck_assert_int_eq(talk_send(t, FUSE_FALLOCATE, node, &in, sizeof(in), NULL, NULL), 0);
	ck_assert_int_eq(host_stat("f").st_size, 1 << 20);
	ck_assert_int_eq(write_at(fh, 0, "data", 0, 0), 0);
	in.mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	in.offset = 65536;
	in.length = 65536;
	ck_assert_int_eq(talk_send(t, FUSE_FALLOCATE, node, &in, sizeof(in), NULL, NULL), 0);
	ck_assert_int_eq(talk_send(t, FUSE_LSEEK, node, &seek, sizeof(seek), NULL, NULL), 0);
	memcpy(&at, talk_body(t), sizeof(at));
	ck_assert_uint_le(at.offset, 65536);
	seek.whence = SEEK_SET;
	ck_assert_int_eq(talk_send(t, FUSE_LSEEK, node, &seek, sizeof(seek), NULL, NULL), -EINVAL);
	in.mode = 1U << 20;
	ck_assert_int_eq(talk_send(t, FUSE_FALLOCATE, node, &in, sizeof(in), NULL, NULL), -EOPNOTSUPP);
}
END_TEST

START_TEST(a_range_is_copied_by_the_host)
{
	uint64_t from_node, to_node;
	uint64_t from = create("from", O_RDWR, 0600, 0, &from_node), to = create("to", O_RDWR, 0600, 0, &to_node);
	struct fuse_copy_file_range_in in = {
		.fh_in = from, .off_in = 2, .nodeid_out = to_node, .fh_out = to, .off_out = 1, .len = 3
	};
	struct fuse_write_out out;

	ck_assert_int_eq(write_at(from, 0, "012345", 0, 0), 0);
	ck_assert_int_eq(write_at(to, 0, "abcdef", 0, 0), 0);
	ck_assert_int_eq(talk_send(t, FUSE_COPY_FILE_RANGE, from_node, &in, sizeof(in), NULL, NULL), 0);
	memcpy(&out, talk_body(t), sizeof(out));
	ck_assert_uint_eq(out.size, 3);
	ck_assert_str_eq(read_all(to), "a234ef");
	in.flags = 1;
	ck_assert_int_eq(talk_send(t, FUSE_COPY_FILE_RANGE, from_node, &in, sizeof(in), NULL, NULL), -EINVAL);
}
END_TEST

START_TEST(a_file_without_a_name_gets_one_by_a_link)
{
	struct fuse_create_in in = { .flags = O_RDWR, .mode = 0600 };
	struct fuse_link_in link;

	if (talk_send(t, FUSE_TMPFILE, 1, &in, sizeof(in), "#1", NULL) == -EOPNOTSUPP) {
		puts("skip: no O_TMPFILE on the file system of /tmp");
		return;
	}
	link.oldnodeid = entry().nodeid;
	ck_assert_uint_ne(link.oldnodeid, 0);
	ck_assert_uint_eq(entry().attr.nlink, 0);
	ck_assert_int_eq(talk_send(t, FUSE_LINK, 1, &link, sizeof(link), "f", NULL), 0);
	ck_assert_uint_eq(host_stat("f").st_nlink, 1);
}
END_TEST

START_TEST(statx_has_the_birth_time)
{
	const uint32_t opcode_statx = 52;
	struct {
		uint32_t flags, reserved;
		uint64_t fh;
		uint32_t sx_flags, sx_mask;
	} in = { .sx_mask = STATX_ALL };
	struct statx want, got;

	ck_assert_int_eq(statx(t->dir_fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &want), 0);
	ck_assert_int_eq(talk_send(t, opcode_statx, 1, &in, sizeof(in), NULL, NULL), 0);
	ck_assert_uint_eq(talk_body_len(t), 32 + 256);
	memcpy(&got, (const char *)talk_body(t) + 32, sizeof(got));
	ck_assert_uint_eq(got.stx_ino, want.stx_ino);
	ck_assert_int_eq(got.stx_btime.tv_sec, want.stx_btime.tv_sec);
}
END_TEST

static void forget(uint64_t node, uint64_t n)
{
	struct fuse_forget_in in = { .nlookup = n };

	ck_assert_int_eq(talk_send(t, FUSE_FORGET, node, &in, sizeof(in), NULL, NULL), 1);
}

static bool is_known(uint64_t node)
{
	struct fuse_getattr_in in = { 0 };

	return talk_send(t, FUSE_GETATTR, node, &in, sizeof(in), NULL, NULL) == 0;
}

static char *mount_tmpfs(const char *name)
{
	char *path = x_printf("%s/share/%s", t->dir, name);

	ck_assert(mkdir(path, 0755) == 0 && mount("tmpfs", path, "tmpfs", 0, NULL) == 0);
	return path;
}

/* Whether a server in a mount namespace of its own could be made. */
static bool begin_with_mounts(void)
{
	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		puts("skip: no mounts for us");
		return false;
	}
	talk_free(t);
	set_up();
	return true;
}

/* The root of a mount stays known without a lookup (inode.h), but only while it is one. */
START_TEST(what_the_host_has_unmounted_is_let_go)
{
	AUTO_FREE char *path = NULL, *below = NULL;
	uint64_t node, inner;

	if (!begin_with_mounts())
		return;
	path = mount_tmpfs("m");
	below = mount_tmpfs("m/sub");
	node = talk_lookup(t, 1, "m");
	inner = talk_lookup(t, node, "sub");
	ck_assert(node && inner && node != inner);
	forget(inner, 1);
	forget(node, 1);
	ck_assert(is_known(node) && is_known(inner));
	ck_assert_uint_eq(talk_lookup(t, 1, "m"), node);
	ck_assert_uint_eq(talk_lookup(t, node, "sub"), inner);
	forget(inner, 1); /* before the end of its mount: with that above it, it goes */
	ck_assert_int_eq(umount2(path, MNT_DETACH), 0);
	ck_assert(is_known(node) && is_known(inner)); /* the guest has one in use */
	forget(node, 1);
	ck_assert(!is_known(node) && !is_known(inner));
	forget(1, 1000);
	ck_assert(is_known(1));
}
END_TEST

/* So that the guest sees at once what the host has mounted or unmounted. */
START_TEST(a_name_that_may_be_mounted_on_is_not_kept)
{
	AUTO_FREE char *path = NULL;

	host_file("plain", "", 0600);
	ck_assert(mkdirat(t->dir_fd, "place", 0) == 0 && mkdirat(t->dir_fd, "dir", 0700) == 0);
	ck_assert(talk_lookup(t, 1, "plain") && entry().entry_valid == FS_CACHE_SECONDS);
	ck_assert(talk_lookup(t, 1, "dir") && entry().entry_valid == FS_CACHE_SECONDS);
	ck_assert(talk_lookup(t, 1, "place") && entry().entry_valid == 0);
	ck_assert(talk_lookup(t, 1, "place") && entry().entry_valid == 0); /* it is known by now */
	if (!begin_with_mounts())
		return;
	path = mount_tmpfs("m");
	ck_assert(talk_lookup(t, 1, "m") && entry().entry_valid == 0);
	ck_assert_int_eq(umount2(path, 0), -1); /* it is held */
	ck_assert_int_eq(umount2(path, MNT_DETACH), 0);
	ck_assert(talk_lookup(t, 1, "m") && entry().entry_valid == FS_CACHE_SECONDS);
}
END_TEST

START_TEST(what_is_left_to_the_guest_is_not_served)
{
	static const uint32_t left[] = { FUSE_FLUSH, FUSE_ACCESS, FUSE_GETLK, FUSE_SETLK,
					 FUSE_IOCTL, FUSE_POLL,	  FUSE_BMAP };

	for (size_t i = 0; i < ARRAY_LEN(left); i++)
		ck_assert_int_eq(talk_send(t, left[i], 1, NULL, 0, NULL, NULL), -ENOSYS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fs");
	TCase *c = tcase_create("fs");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_set_timeout(c, 30);
	tcase_add_test(c, a_file_is_what_the_host_has);
	tcase_add_test(c, what_is_not_there_is_told_and_may_be_kept_as_long);
	tcase_add_test(c, a_change_of_the_hosts_is_seen);
	tcase_add_test(c, pages_are_kept_only_of_a_file_that_is_as_it_was);
	tcase_add_test(c, files_of_all_kinds_are_made);
	tcase_add_test(c, new_files_belong_to_the_caller);
	tcase_add_test(c, a_set_group_id_directory_gives_its_group);
	tcase_add_test(c, writes_and_reads_are_at_their_places);
	tcase_add_test(c, a_write_takes_set_user_id_away_when_the_guest_says_so);
	tcase_add_test(c, truncation_takes_set_user_id_away_when_the_guest_says_so);
	tcase_add_test(c, attributes_are_set);
	tcase_add_test(c, a_link_and_its_target_are_one_file);
	tcase_add_test(c, a_link_needs_no_privilege);
	tcase_add_test(c, renames_with_each_flag);
	tcase_add_test(c, names_are_removed_by_what_they_are);
	tcase_add_test(c, an_open_file_outlives_its_name);
	tcase_add_test(c, create_opens_what_appeared_meanwhile_unless_it_must_be_new);
	tcase_add_test(c, a_directory_is_listed_whole_in_pages_of_any_size);
	tcase_add_test(c, attributes_of_users_pass_through);
	tcase_add_test(c, room_is_made_and_found);
	tcase_add_test(c, a_range_is_copied_by_the_host);
	tcase_add_test(c, a_file_without_a_name_gets_one_by_a_link);
	tcase_add_test(c, statx_has_the_birth_time);
	tcase_add_test(c, what_the_host_has_unmounted_is_let_go);
	tcase_add_test(c, a_name_that_may_be_mounted_on_is_not_kept);
	tcase_add_test(c, what_is_left_to_the_guest_is_not_served);
	suite_add_tcase(suite, c);
	return ck_run(suite);
}
