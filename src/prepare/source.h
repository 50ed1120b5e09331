/* SPDX-License-Identifier: Apache-2.0 */
/* source.h: what a prepared kernel is made from, read into memory: the kernel, the agent, the modules, and an
 * initramfs of another's. */
#ifndef HUSK_PREPARE_SOURCE_H
#define HUSK_PREPARE_SOURCE_H

#include "image.h"
#include "modules.h"
#include "vm_manifest.h"

#include <stdbool.h>

#define INITRD_MAX (96U << 20) /* bytes; it takes as much of the guest's memory */

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
	struct image kernel;
	struct unpacked vmlinux;
	struct modules names;
	struct source *v; /* the kernel, the agent, then the modules in the order of loading, then the archive */
	size_t n;
	size_t modules_end;    /* in v */
	bool image;	       /* with the modules for a disk image as the guest's root */
	struct vm_file *files; /* v's, as a manifest has them: n of them, nothing of its own but the array */
};

/* What is asked for; paths are absolute. */
struct source_wish {
	const char *kernel, *agent;
	/* a directory; NULL: that of the kernel's version below /lib/modules or /usr/lib/modules; "none": there are none */
	const char *modules;
	const char *initrd; /* an initramfs that comes before the one that is made; NULL: none */
	bool image;
};

/* Reads, checks and unpacks all; but the initrd stays as it is. */
int sources_read(const struct source_wish *w, struct sources *out, struct err *e);
void sources_free(struct sources *s);

/* The kernel's ELF: in the file itself or unpacked. */
void sources_vmlinux(const struct sources *s, const uint8_t **out, size_t *out_len);

#endif
