/* SPDX-License-Identifier: Apache-2.0 */
/* source.h: what a prepared kernel is made from, read into memory: the kernel, the agent, the modules. */
#ifndef HUSK_PREPARE_SOURCE_H
#define HUSK_PREPARE_SOURCE_H

#include "image.h"
#include "modules.h"
#include "vm_manifest.h"

/* One file: as it was when it was read. */
struct source {
	struct vm_file file;
	mode_t mode;
	uint8_t *data; /* of a module: unpacked */
	size_t len;
	struct unpacked unpacked; /* what data points into when the file was packed */
};

/* From all zeroes; sources_free() ends it. */
struct sources {
	struct image image;
	struct unpacked vmlinux;
	struct modules names;
	struct source *v; /* the kernel, the agent, then the modules in the order of loading */
	size_t n;
	struct vm_file *files; /* v's, as a manifest has them: n of them, nothing of its own but the array */
};

/* Reads, checks and unpacks all. modules: their directory; NULL: that of the kernel's version below
 * /lib/modules or /usr/lib/modules; "none": there are none. Paths are absolute. */
int sources_read(const char *kernel, const char *agent, const char *modules, struct sources *out, struct err *e);
void sources_free(struct sources *s);

/* The kernel's ELF: in the file itself or unpacked. */
void sources_vmlinux(const struct sources *s, const uint8_t **out, size_t *out_len);

#endif
