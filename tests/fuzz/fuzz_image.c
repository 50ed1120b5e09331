/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_image.c: the bytes of a kernel, a module or another program, as husk-prepare
 * reads them, and of a cache's manifest.
 *
 * What is found must lie inside the file. It is unpacked too, with a bound that is
 * small, as decompressors are not what is tested: more than it must not come out.
 */
#include "fuzz.h"
#include "image.h"
#include "vm_manifest.h"

#include <ctype.h>

#define UNPACKED_MAX (64U << 10)

static void read_unpacked(enum packing packing, const uint8_t *data, size_t size)
{
	struct unpacked u = { 0 };
	struct err e = { 0 };
	int r = unpack(packing, data, size, UNPACKED_MAX, &u, &e);

	if (r < 0) {
		require_message(r, &e);
		require(!u.data);
		return;
	}
	require(u.len <= UNPACKED_MAX);
	(void)image_check_elf(u.data, u.len, &e);
	(void)image_has_pvh(u.data, u.len);
	unpacked_free(&u);
}

static void read_kernel(const uint8_t *data, size_t size)
{
	struct image image = { 0 };
	struct err e = { 0 };
	int r = image_parse(data, size, &image, &e);

	if (r < 0) {
		require_message(r, &e);
		return;
	}
	/* the version becomes a part of a path */
	require(isdigit(image.version[0]) && !strchr(image.version, '/') && strlen(image.version) < IMAGE_VERSION_MAX);
	if (image.elf) {
		require(image_check_elf(data, size, &e) == 0);
		return;
	}
	require(image.payload < size && image.payload_len <= size - image.payload);
	if (image.packing != PACKING_NONE)
		read_unpacked(image.packing, data + image.payload, image.payload_len);
}

static void read_manifest(const char *text, size_t len)
{
	struct vm_manifest m = { 0 };
	struct err e = { 0 };
	int r = vm_manifest_parse(text, len, &m, &e);

	if (r < 0) {
		require_message(r, &e);
		return;
	}
	require(m.version && m.n_inputs >= 2 && m.builtin && m.absent);
	for (size_t i = 0; i < m.n_inputs; i++)
		require(m.inputs[i].name && m.inputs[i].path[0] == '/');
	vm_manifest_free(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum packing packing = packing_of(data, size);

	read_kernel(data, size);
	(void)image_has_pvh(data, size);
	(void)image_has_interpreter(data, size);
	(void)image_is_module(data, size);
	if (packing != PACKING_NONE)
		read_unpacked(packing, data, size);
	read_manifest((const char *)data, size);
	return 0;
}
