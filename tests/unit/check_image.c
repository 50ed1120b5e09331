/* SPDX-License-Identifier: Apache-2.0 */
/* check_image.c: what is a kernel, and what it says of itself. */
#include "image.h"

#include "ck_err.h"
#include "ck_run.h"
#include "kernel_image.h"
#include "str.h"

static uint8_t elf[ELF_SIZE];
static uint8_t bz[BZ_MAX];
static size_t bz_len;
static struct image image;

static void set_up(void)
{
	elf_write(elf);
	bz_len = bz_write(bz, elf, sizeof(elf));
}

static Elf64_Phdr *segment(unsigned int i)
{
	return (Elf64_Phdr *)(void *)(elf + sizeof(Elf64_Ehdr)) + i;
}

START_TEST(test_a_vmlinux_tells_its_version)
{
	ck_assert_ok(image_parse(elf, sizeof(elf), &image, e));
	ck_assert(image.elf);
	ck_assert_str_eq(image.version, "6.1.0-9-test");
	ck_assert(image_has_pvh(elf, sizeof(elf)));
	ck_assert(!image_has_interpreter(elf, sizeof(elf)));
}
END_TEST

START_TEST(test_a_bzimage_tells_its_version_and_payload)
{
	ck_assert_ok(image_parse(bz, bz_len, &image, e));
	ck_assert(!image.elf);
	ck_assert_str_eq(image.version, "6.1.0-9-test");
	ck_assert_uint_eq(image.payload, BZ_SETUP);
	ck_assert_uint_eq(image.payload_len, sizeof(elf));
	ck_assert_int_eq(image.packing, PACKING_NONE);
}
END_TEST

START_TEST(test_other_files_are_no_kernel)
{
	const uint8_t text[1024] = "#!/bin/sh\n";

	ck_assert_fails(image_parse(text, sizeof(text), &image, e), ENOEXEC, "expected a bzImage (vmlinuz) or an ELF");
	ck_assert_fails(image_parse(text, 0, &image, e), ENOEXEC, "expected a bzImage");
	ck_assert_fails(image_parse(bz, 0x24f, &image, e), ENOEXEC, "expected a bzImage");
}
END_TEST

/* Each prefix of both: an error with words, and nothing is read behind it (for the sanitizers). */
START_TEST(test_a_cut_kernel_is_none)
{
	for (size_t len = 0; len < bz_len; len++) {
		AUTO_FREE uint8_t *copy = x_calloc(1, len + 1);
		struct err e = { 0 };

		memcpy(copy, bz, len);
		ck_assert_int_lt(image_parse(copy, len, &image, &e), 0);
		ck_assert_str_ne(e.msg, "");
	}
	for (size_t len = 0; len < sizeof(elf) - 1; len++) {
		AUTO_FREE uint8_t *copy = x_calloc(1, len + 1);
		struct err e = { 0 };

		memcpy(copy, elf, len);
		ck_assert_int_lt(image_check_elf(copy, len, &e), 0);
		ck_assert_str_ne(e.msg, "");
	}
}
END_TEST

/* No sum of an offset and a length wraps around. */
START_TEST(test_offsets_beyond_the_file_are_refused)
{
	static const uint32_t far[] = { 0xffffffff, 0xfffffc00, 0x7fffffff, 1024 };

	for (size_t i = 0; i < ARRAY_LEN(far); i++) {
		set_up();
		memcpy(bz + 0x248, &far[i], 4);
		ck_assert_fails(image_parse(bz, bz_len, &image, e), ENOEXEC, "cut");
		set_up();
		memcpy(bz + 0x24c, &far[i], 4);
		ck_assert_fails(image_parse(bz, bz_len, &image, e), ENOEXEC, "cut");
		set_up();
		segment(0)->p_offset = UINT64_MAX - 8 + (far[i] == 1024);
		ck_assert_fails(image_check_elf(elf, sizeof(elf), e), ENOEXEC, "segment 0 ends beyond it");
	}
	set_up();
	segment(0)->p_filesz = UINT64_MAX;
	segment(0)->p_memsz = UINT64_MAX;
	ck_assert_fails(image_check_elf(elf, sizeof(elf), e), ENOEXEC, "segment 0 ends beyond it");
}
END_TEST

START_TEST(test_an_old_bzimage_is_refused)
{
	bz[0x206] = 0x0b;
	ck_assert_fails(image_parse(bz, bz_len, &image, e), ENOEXEC, "without a 64-bit entry");
	set_up();
	bz[0x236] = 0;
	ck_assert_fails(image_parse(bz, bz_len, &image, e), ENOEXEC, "without a 64-bit entry");
}
END_TEST

static const char *const versions[] = { "../../etc", "6.1/..", "", " 6.1", "x", "6.1\n", "6.1\xff" };

/* It becomes a part of the path of the modules. */
START_TEST(test_a_version_is_a_plain_word)
{
	memset(bz + BZ_VERSION, 0, 64);
	memcpy(bz + BZ_VERSION, versions[_i], strlen(versions[_i]));
	ck_assert_fails(image_parse(bz, bz_len, &image, e), ENOEXEC, "version");
}
END_TEST

START_TEST(test_a_version_has_an_end)
{
	memset(bz + BZ_VERSION, '6', BZ_SETUP - BZ_VERSION);
	ck_assert_fails(image_parse(bz, bz_len, &image, e), ENOEXEC, "which version it is");
}
END_TEST

START_TEST(test_packings_that_are_not_unpacked_are_named)
{
	memcpy(bz + BZ_SETUP, "BZh9", 4);
	ck_assert_fails(image_parse(bz, bz_len, &image, e), ENOTSUP, "bzip2");
	memcpy(bz + BZ_SETUP, "\x89LZO\0", 5);
	ck_assert_fails(image_parse(bz, bz_len, &image, e), ENOTSUP, "lzo");
	memcpy(bz + BZ_SETUP, "abcd", 4);
	ck_assert_fails(image_parse(bz, bz_len, &image, e), ENOEXEC, "begins with 61 62 63 64");
}
END_TEST

START_TEST(test_an_elf_for_another_machine_is_refused)
{
	elf[offsetof(Elf64_Ehdr, e_machine)] = EM_AARCH64;
	ck_assert_fails(image_parse(elf, sizeof(elf), &image, e), ENOEXEC, "not for x86-64");
	set_up();
	elf[offsetof(Elf64_Ehdr, e_type)] = ET_REL;
	ck_assert_fails(image_parse(elf, sizeof(elf), &image, e), ENOEXEC, "no program");
	ck_assert(image_is_module(elf, sizeof(elf)));
	set_up();
	elf[sizeof(elf) - sizeof(ELF_BANNER)] = 'l';
	ck_assert_fails(image_parse(elf, sizeof(elf), &image, e), ENOEXEC, "Linux version");
}
END_TEST

START_TEST(test_only_xens_note_18_is_a_pvh_entry)
{
	uint8_t *note = elf + segment(1)->p_offset;

	note[8] = 17;
	ck_assert(!image_has_pvh(elf, sizeof(elf)));
	note[8] = 18;
	note[12] = 'x';
	ck_assert(!image_has_pvh(elf, sizeof(elf)));
	note[12] = 'X';
	memset(note + 4, 0xff, 4); /* a length beyond the note */
	ck_assert(!image_has_pvh(elf, sizeof(elf)));
}
END_TEST

START_TEST(test_an_interpreter_makes_a_program_dynamic)
{
	segment(1)->p_type = PT_INTERP;
	ck_assert(image_has_interpreter(elf, sizeof(elf)));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("image");
	TCase *t = tcase_create("image");

	tcase_add_checked_fixture(t, set_up, NULL);
	tcase_add_test(t, test_a_vmlinux_tells_its_version);
	tcase_add_test(t, test_a_bzimage_tells_its_version_and_payload);
	tcase_add_test(t, test_other_files_are_no_kernel);
	tcase_add_test(t, test_a_cut_kernel_is_none);
	tcase_add_test(t, test_offsets_beyond_the_file_are_refused);
	tcase_add_test(t, test_an_old_bzimage_is_refused);
	tcase_add_loop_test(t, test_a_version_is_a_plain_word, 0, (int)ARRAY_LEN(versions));
	tcase_add_test(t, test_a_version_has_an_end);
	tcase_add_test(t, test_packings_that_are_not_unpacked_are_named);
	tcase_add_test(t, test_an_elf_for_another_machine_is_refused);
	tcase_add_test(t, test_only_xens_note_18_is_a_pvh_entry);
	tcase_add_test(t, test_an_interpreter_makes_a_program_dynamic);
	suite_add_tcase(suite, t);
	return ck_run(suite);
}
