/* SPDX-License-Identifier: Apache-2.0 */
/* kernel_image.h: small kernels for tests: what image.c reads of one, and nothing that would boot. */
#ifndef HUSK_TEST_KERNEL_IMAGE_H
#define HUSK_TEST_KERNEL_IMAGE_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ELF_BANNER "Linux version 6.1.0-9-test (a@b) #1"
#define ELF_SIZE (sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr) + 24 + sizeof(ELF_BANNER))

/* A vmlinux of ELF_SIZE bytes with a segment, which holds the banner, and a note: a PVH entry. */
static inline void elf_write(uint8_t out[ELF_SIZE])
{
	const Elf64_Off note = sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr), text = note + 24;
	const Elf64_Ehdr h = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			       .e_type = ET_EXEC,
			       .e_machine = EM_X86_64,
			       .e_phoff = sizeof(h),
			       .e_phentsize = sizeof(Elf64_Phdr),
			       .e_phnum = 2 };
	const Elf64_Phdr p[2] = {
		{ .p_type = PT_LOAD, .p_offset = text, .p_filesz = sizeof(ELF_BANNER), .p_memsz = 4096 },
		{ .p_type = PT_NOTE, .p_offset = note, .p_filesz = 24, .p_memsz = 24 },
	};
	const uint32_t head[3] = { 4, 8, 18 };

	memset(out, 0, ELF_SIZE);
	memcpy(out, &h, sizeof(h));
	memcpy(out + sizeof(h), p, sizeof(p));
	memcpy(out + note, head, sizeof(head));
	memcpy(out + note + sizeof(head), "Xen", 4);
	memcpy(out + text, ELF_BANNER, sizeof(ELF_BANNER));
}

#define BZ_SETUP 1024U /* bytes of the boot sector and the setup code */
#define BZ_VERSION 0x300U
#define BZ_MAX (BZ_SETUP + 65536U)

/* A bzImage around a payload, which begins at BZ_SETUP. Its length. */
static inline size_t bz_write(uint8_t out[BZ_MAX], const uint8_t *payload, uint32_t len)
{
	static const char version[] = "6.1.0-9-test (a@b) #1";
	const uint16_t protocol = 0x20f, version_at = BZ_VERSION - 0x200, flags = 1;

	memset(out, 0, BZ_SETUP);
	out[0x1f1] = BZ_SETUP / 512 - 1;
	out[0x1fe] = 0x55;
	out[0x1ff] = 0xaa;
	memcpy(out + 0x202, "HdrS", 4);
	memcpy(out + 0x206, &protocol, 2);
	memcpy(out + 0x20e, &version_at, 2);
	memcpy(out + 0x236, &flags, 2);
	memcpy(out + 0x24c, &len, 4);
	memcpy(out + BZ_VERSION, version, sizeof(version));
	memcpy(out + BZ_SETUP, payload, len);
	return BZ_SETUP + len;
}

#endif
