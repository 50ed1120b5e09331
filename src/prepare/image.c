/* SPDX-License-Identifier: Apache-2.0 */
/* image.c: see image.h. */
#include "image.h"

#include "le.h"
#include "str.h"

#include <ctype.h>
#include <elf.h>
#include <string.h>

/* Offsets in a bzImage. */
#define SETUP_SECTS 0x1f1
#define BOOT_FLAG 0x1fe /* 0xaa55 */
#define HEADER_MAGIC 0x202
#define PROTOCOL 0x206
#define KERNEL_VERSION 0x20e /* from 0x200 on */
#define XLOADFLAGS 0x236     /* since 0x20c; bit 0: has the 64-bit entry */
#define PAYLOAD_OFFSET 0x248 /* since 0x208; from the end of the setup code on */
#define PAYLOAD_LENGTH 0x24c
#define HEADER_END 0x250
#define SECTOR 512U
#define SECTS_OF_0 4U /* what a setup_sects of 0 means */

#define XEN_NOTE_PVH 18 /* XEN_ELFNOTE_PHYS32_ENTRY */
#define PHDRS_MAX 64

/* The word at s, which ends at a blank or a NUL. It becomes the name of a directory. */
static int copy_version(const uint8_t *s, size_t room, char out[IMAGE_VERSION_MAX], struct err *e)
{
	size_t len = 0;

	while (len < room && len < IMAGE_VERSION_MAX && s[len] && s[len] != ' ') {
		if (!isalnum(s[len]) && !strchr("._+~-", s[len]))
			return err_set(e, ENOEXEC, "the version in it has the byte 0x%02x", s[len]);
		len++;
	}
	if (len == 0 || len == room || len == IMAGE_VERSION_MAX || !isdigit(s[0]))
		return err_set(e, ENOEXEC, "it does not say which version it is");
	memcpy(out, s, len);
	out[len] = '\0';
	return 0;
}

static int parse_bzimage(const uint8_t *data, size_t size, struct image *out, struct err *e)
{
	size_t sects = data[SETUP_SECTS] ? data[SETUP_SECTS] : SECTS_OF_0;
	size_t setup = (sects + 1) * SECTOR;
	size_t version = (size_t)le16_get(data + KERNEL_VERSION) + 0x200;
	uint32_t off = le32_get(data + PAYLOAD_OFFSET), len = le32_get(data + PAYLOAD_LENGTH);
	int r;

	if (le16_get(data + PROTOCOL) < 0x20c || !(le16_get(data + XLOADFLAGS) & 1))
		return err_set(e, ENOEXEC,
			       "a bzImage without a 64-bit entry: expected a kernel for x86-64, 3.8 or newer");
	if (setup >= size || off >= size - setup || len > size - setup - off || len < 8)
		return err_set(e, ENOEXEC, "a bzImage that is cut: its payload of %u bytes ends beyond the file", len);
	if (version == 0x200 || version >= setup)
		return err_set(e, ENOEXEC, "a bzImage that does not say which version it is");
	r = copy_version(data + version, setup - version, out->version, e);
	if (r < 0)
		return r;
	out->payload = setup + off;
	out->payload_len = len;
	out->packing = packing_of(data + out->payload, len);
	if (out->packing == PACKING_BZIP2 || out->packing == PACKING_LZO)
		return err_set(e, ENOTSUP, "its payload is packed with %s: expected gzip, xz, lzma, zstd or lz4",
			       packing_name(out->packing));
	if (out->packing == PACKING_NONE && memcmp(data + out->payload, ELFMAG, SELFMAG) != 0)
		return err_set(
			e, ENOEXEC, "its payload is packed in an unknown way (it begins with %02x %02x %02x %02x)",
			data[out->payload], data[out->payload + 1], data[out->payload + 2], data[out->payload + 3]);
	return 0;
}

/* The header of a program header table that lies inside the file, copied. */
static int elf_header(const uint8_t *data, size_t size, Elf64_Ehdr *out, struct err *e)
{
	if (size < sizeof(*out) || memcmp(data, ELFMAG, SELFMAG) != 0)
		return err_set(e, ENOEXEC, "no ELF file");
	memcpy(out, data, sizeof(*out));
	if (out->e_ident[EI_CLASS] != ELFCLASS64 || out->e_ident[EI_DATA] != ELFDATA2LSB || out->e_machine != EM_X86_64)
		return err_set(e, ENOEXEC, "an ELF file, but not for x86-64");
	if (out->e_type != ET_EXEC && out->e_type != ET_DYN)
		return err_set(e, ENOEXEC, "an ELF file, but no program");
	if (out->e_phentsize != sizeof(Elf64_Phdr) || out->e_phnum == 0 || out->e_phnum > PHDRS_MAX ||
	    out->e_phoff > size || out->e_phnum * sizeof(Elf64_Phdr) > size - out->e_phoff)
		return err_set(e, ENOEXEC, "an ELF file whose program headers are damaged or cut");
	return 0;
}

/* The next program header of this type, from number *i on, which moves behind it. h: of elf_header(). */
static bool next_program(const uint8_t *data, const Elf64_Ehdr *h, uint32_t type, unsigned int *i, Elf64_Phdr *out)
{
	while (*i < h->e_phnum) {
		memcpy(out, data + h->e_phoff + *i * sizeof(*out), sizeof(*out));
		++*i;
		if (out->p_type == type)
			return true;
	}
	return false;
}

static bool inside(const Elf64_Phdr *p, size_t size)
{
	return p->p_offset <= size && p->p_filesz <= size - p->p_offset;
}

int image_check_elf(const uint8_t *data, size_t size, struct err *e)
{
	Elf64_Phdr p;
	Elf64_Ehdr h;
	unsigned int i = 0, loads = 0;
	int r = elf_header(data, size, &h, e);

	while (r == 0 && next_program(data, &h, PT_LOAD, &i, &p)) {
		loads++;
		if (!inside(&p, size) || p.p_memsz < p.p_filesz)
			r = err_set(e, ENOEXEC, "an ELF file that is cut: segment %u ends beyond it", i - 1);
	}
	if (r == 0 && loads == 0)
		r = err_set(e, ENOEXEC, "an ELF file with nothing to load");
	return r;
}

/* Notes: three words (length of the name, length of the content, type), then both, each padded to four bytes. */
static bool notes_have_pvh(const uint8_t *p, size_t len)
{
	while (len >= 12) {
		size_t name = ((size_t)le32_get(p) + 3) & ~(size_t)3, desc = ((size_t)le32_get(p + 4) + 3) & ~(size_t)3;

		if (name > len - 12 || desc > len - 12 - name)
			return false;
		if (le32_get(p + 8) == XEN_NOTE_PVH && le32_get(p) == sizeof("Xen") &&
		    memcmp(p + 12, "Xen", sizeof("Xen")) == 0)
			return true;
		p += 12 + name + desc;
		len -= 12 + name + desc;
	}
	return false;
}

bool image_has_pvh(const uint8_t *data, size_t size)
{
	Elf64_Phdr p;
	Elf64_Ehdr h;
	unsigned int i = 0;

	if (elf_header(data, size, &h, NULL) < 0)
		return false;
	while (next_program(data, &h, PT_NOTE, &i, &p))
		if (inside(&p, size) && notes_have_pvh(data + p.p_offset, p.p_filesz))
			return true;
	return false;
}

bool image_has_interpreter(const uint8_t *data, size_t size)
{
	Elf64_Phdr p;
	Elf64_Ehdr h;
	unsigned int i = 0;

	return elf_header(data, size, &h, NULL) == 0 && next_program(data, &h, PT_INTERP, &i, &p);
}

bool image_is_module(const uint8_t *data, size_t size)
{
	Elf64_Ehdr h;

	if (size < sizeof(h) || memcmp(data, ELFMAG, SELFMAG) != 0)
		return false;
	memcpy(&h, data, sizeof(h));
	return h.e_ident[EI_CLASS] == ELFCLASS64 && h.e_machine == EM_X86_64 && h.e_type == ET_REL;
}

/* linux_banner (init/version-timestamp.c of Linux) is in the text of every kernel. */
static int parse_elf(const uint8_t *data, size_t size, struct image *out, struct err *e)
{
	static const char banner[] = "Linux version ";
	const size_t len = sizeof(banner) - 1;
	const uint8_t *at = data;
	int r = image_check_elf(data, size, e);

	if (r < 0)
		return r;
	out->elf = true;
	while ((at = memmem(at, size - (size_t)(at - data), banner, len))) {
		at += len;
		if (copy_version(at, size - (size_t)(at - data), out->version, NULL) == 0)
			return 0;
	}
	return err_set(e, ENOEXEC, "an ELF program without the words 'Linux version': expected a vmlinux");
}

int image_parse(const uint8_t *data, size_t size, struct image *out, struct err *e)
{
	struct image image = { 0 };
	int r;

	if (size >= SELFMAG && memcmp(data, ELFMAG, SELFMAG) == 0)
		r = parse_elf(data, size, &image, e);
	else if (size >= HEADER_END && le16_get(data + BOOT_FLAG) == 0xaa55 &&
		 memcmp(data + HEADER_MAGIC, "HdrS", 4) == 0)
		r = parse_bzimage(data, size, &image, e);
	else
		r = err_set(e, ENOEXEC, "no kernel for x86-64: expected a bzImage (vmlinuz) or an ELF vmlinux");
	if (r == 0)
		*out = image;
	return r;
}
