/* SPDX-License-Identifier: Apache-2.0 */
/* check_vm_manifest.c: what was written is read again, what is damaged is refused, what changed is seen. */
#include "vm_manifest.h"

#include "ck_err.h"
#include "ck_run.h"
#include "fd.h"
#include "io.h"
#include "str.h"

#include <fcntl.h>
#include <stdio.h>

#define SUM "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char *builtin[] = { (char *)"overlay", NULL }, *none[] = { NULL };
static struct vm_file inputs[] = {
	{ .name = (char *)"kernel", .path = (char *)"/k", .size = 7, .mtime_ns = 1794824260123456789 },
	{ .name = (char *)"agent", .path = (char *)"/a", .size = 8, .mtime_ns = 2 },
	{ .name = (char *)"fuse", .path = (char *)"/f.ko.xz", .size = UINT64_MAX, .mtime_ns = 3 },
};
static const struct vm_manifest sample = {
	.version = (char *)"6.1.0",
	.inputs = inputs,
	.n_inputs = ARRAY_LEN(inputs),
	.files = { { .name = (char *)"kernel", .sha256 = (char *)SUM, .size = 1, .mtime_ns = 1 },
		   { .name = (char *)"vmlinux", .sha256 = (char *)SUM, .size = 2, .mtime_ns = 2 },
		   { .name = (char *)"initrd", .sha256 = (char *)SUM, .size = 3, .mtime_ns = 3 } },
	.builtin = builtin,
	.absent = none,
};
static struct vm_manifest got;

START_TEST(test_what_was_written_is_read_again)
{
	AUTO_FREE char *text = vm_manifest_text(&sample);
	AUTO_FREE char *again = NULL;

	ck_assert_ok(vm_manifest_parse(text, strlen(text), &got, e));
	ck_assert_uint_eq(got.n_inputs, 3);
	ck_assert_str_eq(got.inputs[2].path, "/f.ko.xz");
	ck_assert_uint_eq(got.inputs[0].mtime_ns, 1794824260123456789);
	ck_assert_str_eq(got.builtin[0], "overlay");
	ck_assert_ptr_null(got.absent[0]);
	again = vm_manifest_text(&got);
	ck_assert_str_eq(again, text);
	vm_manifest_free(&got);
}
END_TEST

/* Of one kernel there may be several, and none stands for another. */
START_TEST(test_what_it_was_made_for)
{
	struct vm_file files[4];
	struct vm_manifest m = sample;
	AUTO_FREE char *text = NULL;

	ck_assert(vm_manifest_is_for(&m, "/k", "/a", NULL, false));
	ck_assert(!vm_manifest_is_for(&m, "/other", "/a", NULL, false));
	ck_assert(!vm_manifest_is_for(&m, "/k", "/a", "/i", false));
	ck_assert(!vm_manifest_is_for(&m, "/k", "/a", NULL, true));
	ck_assert_uint_eq(vm_manifest_modules_end(&m), 3);
	memcpy(files, inputs, sizeof(inputs));
	files[3] = (struct vm_file){ .name = (char *)VM_MANIFEST_INITRD, .path = (char *)"/i" };
	m.inputs = files;
	m.n_inputs = 4;
	m.image = true;
	text = vm_manifest_text(&m);
	ck_assert_ok(vm_manifest_parse(text, strlen(text), &got, e));
	ck_assert(vm_manifest_is_for(&got, "/k", "/a", "/i", true));
	ck_assert(!vm_manifest_is_for(&got, "/k", "/a", NULL, true));
	ck_assert(!vm_manifest_is_for(&got, "/k", "/a", "/j", true));
	ck_assert(!vm_manifest_is_for(&got, "/k", "/a", "/i", false));
	ck_assert_uint_eq(vm_manifest_modules_end(&got), 3);
	vm_manifest_free(&got);
}
END_TEST

START_TEST(test_a_cut_manifest_is_refused)
{
	AUTO_FREE char *text = vm_manifest_text(&sample);

	for (size_t len = strlen(text) - 1; len-- > 0;) {
		struct err e = { 0 };

		if (text[len] == '\n')
			continue;
		ck_assert_int_lt(vm_manifest_parse(text, len, &got, &e), 0);
		ck_assert_str_ne(e.msg, "");
		ck_assert_ptr_null(got.inputs);
	}
}
END_TEST

static const struct {
	const char *from, *to, *says;
} damages[] = {
	{ "\"format\": 1", "\"format\": 2", "format: expected 1, got 2" },
	{ "\"version\"", "\"vorsion\"", "'version' is missing" },
	{ "\"/a\"", "\"a\"", "expected an absolute path, got 'a'" },
	{ "\"size\": 7", "\"size\": -7", "inputs[0].size" },
	{ "\"name\": \"initrd\"", "\"name\": \"../x\"", "expected the file 'initrd', got '../x'" },
	{ SUM, "12", "expected a SHA-256, got '12'" },
	{ "\"overlay\"", "7", "builtin[0]: expected a string" },
};

START_TEST(test_a_damaged_manifest_is_refused)
{
	AUTO_FREE char *text = vm_manifest_text(&sample);
	const char *at = strstr(text, damages[_i].from);
	AUTO_FREE char *bad = NULL;

	ck_assert_ptr_nonnull(at);
	bad = x_printf("%.*s%s%s", (int)(at - text), text, damages[_i].to, at + strlen(damages[_i].from));
	{
		struct err e = { 0 };

		ck_assert_int_lt(vm_manifest_parse(bad, strlen(bad), &got, &e), 0);
		ck_assert_msg(strstr(e.msg, damages[_i].says), "'%s' says '%s'", damages[_i].to, e.msg);
	}
}
END_TEST

static char dir_name[] = "/tmp/husk-manifest.XXXXXX";

static void put(int dir, const char *name, const char *text, struct vm_file *f)
{
	struct stat st;

	ck_assert_ok(io_replace_file(dir, name, text, strlen(text), 0644, e));
	ck_assert_int_eq(fstatat(dir, name, &st, 0), 0);
	vm_file_stamp(f, &st);
}

START_TEST(test_a_file_that_changed_is_seen)
{
	struct vm_manifest m = sample;
	AUTO_FD dir = -1;

	ck_assert_ptr_nonnull(mkdtemp(dir_name));
	dir = open(dir_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < VM_MANIFEST_FILES; i++)
		put(dir, m.files[i].name, "text", &m.files[i]);
	ck_assert_ok(vm_manifest_check_files(&m, dir, e));
	ck_assert_fails(vm_manifest_check(&m, dir, e), ESTALE, "'/k'"); /* the inputs first */
	m.files[1].mtime_ns++;
	ck_assert_fails(vm_manifest_check_files(&m, dir, e), ESTALE, "'vmlinux' has changed");
	m.files[1].mtime_ns--;
	m.files[2].size++;
	ck_assert_fails(vm_manifest_check_files(&m, dir, e), ESTALE, "'initrd' has changed");
	m.files[2].size--;
	ck_assert_int_eq(unlinkat(dir, "kernel", 0), 0);
	ck_assert_fails(vm_manifest_check_files(&m, dir, e), ESTALE, "'kernel' is gone");
	ck_assert_int_eq(symlinkat("vmlinux", dir, "kernel"), 0);
	ck_assert_fails(vm_manifest_check_files(&m, dir, e), ESTALE, "'kernel' has changed");
	for (int i = 0; i < VM_MANIFEST_FILES; i++)
		(void)unlinkat(dir, m.files[i].name, 0);
	ck_assert_int_eq(rmdir(dir_name), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vm_manifest");
	TCase *t = tcase_create("vm_manifest");

	tcase_add_test(t, test_what_was_written_is_read_again);
	tcase_add_test(t, test_what_it_was_made_for);
	tcase_add_test(t, test_a_cut_manifest_is_refused);
	tcase_add_loop_test(t, test_a_damaged_manifest_is_refused, 0, (int)ARRAY_LEN(damages));
	tcase_add_test(t, test_a_file_that_changed_is_seen);
	suite_add_tcase(suite, t);
	return ck_run(suite);
}
