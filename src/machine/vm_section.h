/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm_section.h: what is asked of a machine: the `vm` section of config.json (OCI
 * runtime-spec, config-vm.md), and `vm` of husk.json, the host's own say.
 *
 * Go's types write empty structs, so that an empty path, or an object without members, is an absent one.
 * Strings and arrays live in the document they were read from. No system calls.
 */
#ifndef HUSK_VM_SECTION_H
#define HUSK_VM_SECTION_H

#include "err.h"
#include "json.h"

#include <stddef.h>
#include <stdint.h>

#define VM_MEMORY_MIN (128ULL << 20)	 /* bytes, below which a stock kernel and its initramfs do not come up */
#define VM_KERNEL_BYTES (48ULL << 20)	 /* what no stock kernel runs without, with no initramfs */
#define VM_MEMORY_DEFAULT (512ULL << 20) /* bytes */
#define VM_VCPUS_MAX 64
#define VM_BOOT_SECONDS 60
#define VM_PARAMETERS_MAX 64 /* strings */
/* Bytes of all of them: x86's kernels take 2048 of a command line (COMMAND_LINE_SIZE), of which some are husk's. */
#define VM_KERNEL_PARAMETERS_BYTES 1536
#define VM_HYPERVISOR_PARAMETERS_BYTES 65536

/* Absent: NULL, 0. */
struct vm_section {
	const char *hypervisor; /* absolute path */
	char **hypervisor_parameters;
	size_t n_hypervisor_parameters;
	const char *kernel, *initrd; /* absolute paths */
	const char *image;	     /* the same: a raw disk image */
	char **kernel_parameters;
	size_t n_kernel_parameters;
	uint64_t memory; /* bytes */
	uint32_t vcpus;
};

struct vm_host {
	const char *hypervisor, *kernel, *file_server; /* absolute paths */
	uint64_t memory;			       /* bytes, of a machine whose container has no limit */
	uint32_t vcpus;				       /* of one that has no quota */
	uint32_t boot_seconds;
};

/* config: the object of a config.json, with its document. What cannot be done is refused by name. */
int vm_section_read(const struct json_doc *config, struct vm_section *out, struct err *e);
/* host_config: the object of husk.json; NULL: there is none. */
int vm_host_read(const struct json *host_config, struct vm_host *out, struct err *e);

#endif
