/* SPDX-License-Identifier: Apache-2.0 */
/* check_seccomp_cache.c: what a cache file must be like to be used, and how many stay. */
#include "ck_run.h"
#include "fd.h"
#include "io.h"
#include "seccomp.h"
#include "seccomp_cache.h"
#include "spec.h"
#include "str.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct err e;
static char dir_path[] = "/tmp/check_seccomp.XXXXXX";
static int dir_fd = -1;

#define RULE(names, rest) "{\"names\":[" names "]," rest "}"
#define ALLOW_BUT(rule) "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[" rule "]}"
static struct spec *parse(const char *seccomp)
{
	AUTO_FREE char *text =
		x_printf("{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},"
			 "\"process\":{\"args\":[\"true\"],\"cwd\":\"/\",\"user\":{\"uid\":0,\"gid\":0}},"
			 "\"linux\":{\"namespaces\":[{\"type\":\"mount\"}],\"seccomp\":%s}}",
			 seccomp);
	struct spec *spec = NULL;

	ck_assert_msg(spec_parse(text, strlen(text), &spec, &e) == 0, "%s", e.msg);
	ck_assert_ptr_nonnull(spec->linux_->seccomp);
	return spec;
}

#define PROFILE ALLOW_BUT(RULE("\"getppid\"", "\"action\":\"SCMP_ACT_ERRNO\""))

static void cache_setup(void)
{
	(void)strcpy(dir_path, "/tmp/check_seccomp.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir_path));
	dir_fd = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dir_fd, 0);
}

/* Calls f for each entry, which it may remove; returns their number. */
static int each_entry(void (*f)(const char *name))
{
	DIR *dir = fdopendir(openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	const struct dirent *d;
	int n = 0;

	ck_assert_ptr_nonnull(dir);
	while ((d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.')
			continue;
		n++;
		if (f)
			f(d->d_name);
	}
	(void)closedir(dir);
	return n;
}

static void remove_entry(const char *name)
{
	if (unlinkat(dir_fd, name, 0) < 0)
		(void)unlinkat(dir_fd, name, AT_REMOVEDIR);
}

static void cache_teardown(void)
{
	(void)each_entry(remove_entry);
	fd_close(&dir_fd);
	(void)rmdir(dir_path);
}

static char entry[64];

static void note_entry(const char *name)
{
	(void)snprintf(entry, sizeof(entry), "%s", name);
}

/* Prepares PROFILE with the cache. */
static struct seccomp_prog prepare(void)
{
	struct spec *spec = parse(PROFILE);
	struct seccomp_prog prog = { 0 };

	ck_assert_msg(seccomp_prepare(dir_fd, spec->linux_->seccomp, &prog, &e) == 0, "%s", e.msg);
	spec_free(spec);
	return prog;
}

static int load(void)
{
	struct seccomp_prog prog;
	int r = seccomp_cache_load(dir_fd, PROFILE, strlen(PROFILE), &prog);

	if (r == 0)
		seccomp_prog_free(&prog);
	return r;
}

/* Fills the cache; `entry` is then the file's name. */
static void fill(void)
{
	struct seccomp_prog prog = prepare();

	seccomp_prog_free(&prog);
	ck_assert_int_eq(each_entry(note_entry), 1);
	ck_assert_int_eq(load(), 0);
}

/* The file was unfit: it is not used, and the next preparation puts a good one in its place. */
static void expect_ignored_then_rewritten(void)
{
	struct seccomp_prog prog;

	ck_assert_int_lt(load(), 0);
	prog = prepare();
	ck_assert_uint_gt(prog.n, 1);
	seccomp_prog_free(&prog);
	ck_assert_int_eq(load(), 0);
}

START_TEST(a_profile_is_compiled_once)
{
	struct sock_filter allow = { .code = BPF_RET | BPF_K, .k = SECCOMP_RET_ALLOW };
	struct seccomp_prog mark = { .insns = &allow, .n = 1, .flags = SECCOMP_FILTER_FLAG_LOG }, prog;
	struct stat st;

	fill();
	ck_assert_int_eq(fstatat(dir_fd, entry, &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	/* another program in the same place shows where the next one comes from */
	ck_assert_int_eq(seccomp_cache_store(dir_fd, PROFILE, strlen(PROFILE), &mark), 0);
	prog = prepare();
	ck_assert_uint_eq(prog.n, 1);
	ck_assert_uint_eq(prog.flags, SECCOMP_FILTER_FLAG_LOG);
	ck_assert_uint_eq(prog.insns[0].k, SECCOMP_RET_ALLOW);
	seccomp_prog_free(&prog);
}
END_TEST

START_TEST(what_comes_from_the_cache_is_what_was_compiled)
{
	struct seccomp_prog a = prepare(), b = prepare();

	ck_assert_uint_eq(a.n, b.n);
	ck_assert_uint_eq(a.flags, b.flags);
	ck_assert_mem_eq(a.insns, b.insns, a.n * sizeof(*a.insns));
	seccomp_prog_free(&a);
	seccomp_prog_free(&b);
}
END_TEST

/* Changes the stored file's bytes: XORs one at offset (from the end when negative). */
static void flip(long offset)
{
	AUTO_FD fd = openat(dir_fd, entry, O_RDWR | O_CLOEXEC);
	off_t at = offset < 0 ? lseek(fd, 0, SEEK_END) + offset : offset;
	char c;

	ck_assert_int_eq(pread(fd, &c, 1, at), 1);
	c ^= 1;
	ck_assert_int_eq(pwrite(fd, &c, 1, at), 1);
}

START_TEST(a_changed_byte_makes_a_file_unfit)
{
	static const long offsets[] = { offsetof(struct seccomp_cache_header, magic),
					offsetof(struct seccomp_cache_header, format),
					offsetof(struct seccomp_cache_header, library),
					offsetof(struct seccomp_cache_header, flags) + 3,
					offsetof(struct seccomp_cache_header, text_len),
					offsetof(struct seccomp_cache_header, n_insns),
					offsetof(struct seccomp_cache_header, n_insns) + 2,
					offsetof(struct seccomp_cache_header, reserved),
					offsetof(struct seccomp_cache_header, sum),
					sizeof(struct seccomp_cache_header),
					sizeof(struct seccomp_cache_header) + sizeof(PROFILE) - 2,
					sizeof(struct seccomp_cache_header) + sizeof(PROFILE) - 1,
					-1 };

	for (size_t i = 0; i < ARRAY_LEN(offsets); i++) {
		fill();
		flip(offsets[i]);
		expect_ignored_then_rewritten();
	}
}
END_TEST

START_TEST(a_file_of_another_size_is_unfit)
{
	struct stat st;

	fill();
	ck_assert_int_eq(fstatat(dir_fd, entry, &st, 0), 0);
	for (int i = 0; i < 4; i++) {
		const off_t sizes[] = { 0, (off_t)sizeof(struct seccomp_cache_header), st.st_size - 8, st.st_size + 8 };
		AUTO_FD fd = openat(dir_fd, entry, O_RDWR | O_CLOEXEC);

		ck_assert_int_eq(ftruncate(fd, sizes[i]), 0);
		expect_ignored_then_rewritten();
	}
}
END_TEST

START_TEST(a_file_that_others_can_write_is_unfit)
{
	static const mode_t modes[] = { 0620, 0602, 0666 };

	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		fill();
		ck_assert_int_eq(fchmodat(dir_fd, entry, modes[i], 0), 0);
		expect_ignored_then_rewritten();
	}
}
END_TEST

START_TEST(a_file_of_another_user_is_unfit)
{
	fill();
	if (fchownat(dir_fd, entry, 1234, (gid_t)-1, 0) < 0) {
		(void)fprintf(stderr, "SKIP %s: needs CAP_CHOWN\n", __func__);
		ck_assert_msg(!str_eq(getenv("HUSK_MUST_RUN"), "1"), "must run");
		return;
	}
	expect_ignored_then_rewritten();
}
END_TEST

START_TEST(a_symlink_or_fifo_is_unfit)
{
	fill();
	ck_assert_int_eq(renameat(dir_fd, entry, dir_fd, "other"), 0);
	ck_assert_int_eq(symlinkat("other", dir_fd, entry), 0);
	expect_ignored_then_rewritten();
	ck_assert_int_eq(unlinkat(dir_fd, entry, 0), 0);
	ck_assert_int_eq(mkfifoat(dir_fd, entry, 0600), 0);
	expect_ignored_then_rewritten();
}
END_TEST

START_TEST(a_cache_that_cannot_be_used_only_costs_time)
{
	struct seccomp_prog prog;
	int save = dir_fd;

	fill();
	ck_assert_int_eq(unlinkat(dir_fd, entry, 0), 0);
	ck_assert_int_eq(mkdirat(dir_fd, entry, 0700), 0);
	prog = prepare();
	ck_assert_uint_gt(prog.n, 0);
	seccomp_prog_free(&prog);
	ck_assert_int_eq(each_entry(NULL), 1); /* no temporary file stays */

	dir_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	prog = prepare();
	ck_assert_uint_gt(prog.n, 0);
	seccomp_prog_free(&prog);
	fd_close(&dir_fd);
	dir_fd = save;
}
END_TEST

START_TEST(the_same_name_with_another_text_is_unfit)
{
	char other[] = PROFILE;
	char *buf;
	size_t len;
	struct seccomp_cache_view view;

	fill();
	other[sizeof(other) - 2] = ' ';
	ck_assert_int_eq(io_read_file(dir_fd, entry, 0, 1 << 20, &buf, &len, &e), 0);
	ck_assert_int_eq(seccomp_cache_parse(buf, len, PROFILE, strlen(PROFILE), &view), 0);
	ck_assert_int_eq(seccomp_cache_parse(buf, len, other, strlen(other), &view), -EINVAL);
	for (size_t cut = 0; cut < len; cut++)
		ck_assert_int_eq(seccomp_cache_parse(buf, cut, PROFILE, strlen(PROFILE), &view), -EINVAL);
	free(buf);
}
END_TEST

START_TEST(the_oldest_files_make_room)
{
	struct timespec times[2] = { { 0 } };
	char name[32];

	ck_assert_int_eq(io_replace_file(dir_fd, "keep-me", "x", 1, 0600, &e), 0);
	for (int i = 0; i < SECCOMP_CACHE_FILES + 2; i++) {
		(void)snprintf(name, sizeof(name), "seccomp-%d", i);
		ck_assert_int_eq(io_replace_file(dir_fd, name, "x", 1, 0600, &e), 0);
		times[0].tv_sec = times[1].tv_sec = 1000 + (i * 7) % (SECCOMP_CACHE_FILES + 2);
		ck_assert_int_eq(utimensat(dir_fd, name, times, 0), 0);
	}
	times[0].tv_sec = times[1].tv_sec = 1;
	ck_assert_int_eq(utimensat(dir_fd, "keep-me", times, 0), 0);

	struct seccomp_prog prog = prepare();

	seccomp_prog_free(&prog);
	ck_assert_int_eq(load(), 0);
	ck_assert_int_eq(each_entry(NULL), SECCOMP_CACHE_FILES + 1);
	ck_assert_int_eq(faccessat(dir_fd, "keep-me", F_OK, 0), 0);
	ck_assert_int_lt(faccessat(dir_fd, "seccomp-0", F_OK, 0), 0);
}
END_TEST

static void add_tests(TCase *t)
{
	tcase_add_checked_fixture(t, cache_setup, cache_teardown);
	tcase_add_test(t, a_profile_is_compiled_once);
	tcase_add_test(t, what_comes_from_the_cache_is_what_was_compiled);
	tcase_add_test(t, a_changed_byte_makes_a_file_unfit);
	tcase_add_test(t, a_file_of_another_size_is_unfit);
	tcase_add_test(t, a_file_that_others_can_write_is_unfit);
	tcase_add_test(t, a_file_of_another_user_is_unfit);
	tcase_add_test(t, a_symlink_or_fifo_is_unfit);
	tcase_add_test(t, a_cache_that_cannot_be_used_only_costs_time);
	tcase_add_test(t, the_same_name_with_another_text_is_unfit);
	tcase_add_test(t, the_oldest_files_make_room);
}

int main(void)
{
	Suite *suite = suite_create("seccomp_cache");
	TCase *t = tcase_create("seccomp_cache");

	add_tests(t);
	suite_add_tcase(suite, t);
	return ck_run(suite);
}
