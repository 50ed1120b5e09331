/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm_manifest.h: what the cache knows of one prepared kernel: manifest.json of its
 * directory. husk-prepare writes it, last of all; husk reads it at each start of a VM,
 * and takes the directory when nothing has changed since: neither the files that it
 * was made from nor those that were made (size and time; husk-prepare compares the
 * content too).
 */
#ifndef HUSK_VM_MANIFEST_H
#define HUSK_VM_MANIFEST_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define VM_MANIFEST_NAME "manifest.json"
#define VM_MANIFEST_FORMAT 1 /* raised when directories made before are of no use */
#define VM_MANIFEST_FILES 3
#define VM_MANIFEST_FILE_INITRD 2 /* its place among them */
/* places in `inputs` */
#define VM_MANIFEST_KERNEL 0
#define VM_MANIFEST_AGENT 1
#define VM_MANIFEST_MODULES 2	    /* the first of them */
#define VM_MANIFEST_INPUTS_MAX 70   /* a kernel, an agent, modules, an initrd */
#define VM_MANIFEST_INITRD "initrd" /* the name of that input, the last */

/* An input: "kernel", "agent", "initrd" or a module's name, with its path. Or a file of the directory: "kernel"
 * (what a monitor boots), "vmlinux", "initrd", with its SHA-256. */
struct vm_file {
	char *name;
	char *path;   /* NULL for a file of the directory */
	char *sha256; /* NULL for an input */
	uint64_t size, mtime_ns;
};

/* From all zeroes; vm_manifest_free() ends it. */
struct vm_manifest {
	char *version; /* of the kernel: "6.1.0-56-cloud-amd64" */
	struct vm_file *inputs;
	size_t n_inputs; /* the kernel, the agent, the modules in the order of loading; an initrd of another's, if any */
	bool image;	 /* with the modules for a disk image as the guest's root */
	struct vm_file files[VM_MANIFEST_FILES];
	char **builtin; /* modules that the kernel has built in; ends with a NULL */
	char **absent;	/* modules that would be of use, but are not there; ends with a NULL */
};

/* The first input that is no module any more. */
size_t vm_manifest_modules_end(const struct vm_manifest *m);
/* Was it made of this kernel and agent, this initrd (NULL: none), for an image or not? By the paths. */
bool vm_manifest_is_for(const struct vm_manifest *m, const char *kernel, const char *agent, const char *initrd,
			bool image);

void vm_file_stamp(struct vm_file *f, const struct stat *st);

/* As JSON, for free(). */
char *vm_manifest_text(const struct vm_manifest *m);
/* text[0..len) as a manifest. -EBADMSG or -EINVAL for what is none, or of another format. */
int vm_manifest_parse(const char *text, size_t len, struct vm_manifest *out, struct err *e);
/* The manifest below dirfd. -EBADMSG for one that is none, or of another format. */
int vm_manifest_read(int dirfd, struct vm_manifest *out, struct err *e);
void vm_manifest_free(struct vm_manifest *m);

/* -ESTALE with the first file that has another size or time, or is gone. _files: of the directory alone. */
int vm_manifest_check(const struct vm_manifest *m, int dirfd, struct err *e);
int vm_manifest_check_files(const struct vm_manifest *m, int dirfd, struct err *e);
int vm_manifest_check_inputs(const struct vm_manifest *m, struct err *e);

#endif
