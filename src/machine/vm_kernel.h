/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm_kernel.h: the kernel and the initramfs that a VM boots, from the cache.
 *
 * The cache is /var/cache/husk; for others than root the user's own
 * ($XDG_CACHE_HOME/husk, $HOME/.cache/husk), after a look into root's. A kernel whose
 * files have not changed since it was prepared is taken as it lies there; else
 * husk-prepare makes it ready (src/prepare/). Looking starts no process.
 */
#ifndef HUSK_VM_KERNEL_H
#define HUSK_VM_KERNEL_H

#include "err.h"
#include "vm_manifest.h"

/* All may be NULL. Paths may be relative. */
struct vm_kernel_query {
	const char *kernel; /* a bzImage or vmlinux; NULL: the newest of this host */
	const char *cache;  /* the directory to use in place of the usual ones */
	const char
		*modules; /* the directory of its modules, or "none"; NULL: by its version. Only prepare looks at it. */
	const char *initrd; /* an initramfs that is unpacked before the prepared one; absolute */
	bool image;	    /* with what a disk image as the guest's root takes */
	bool check_all;	    /* prepare looks at all that is in the cache, too */
};

/* From all zeroes; vm_kernel_free() ends it, after a failure too. */
struct vm_kernel {
	char *source;	       /* the kernel's file, absolute, without symlinks */
	char *agent;	       /* the guest's first program, where it is or is missing */
	char *dir;	       /* the prepared one; NULL: there is none */
	char *kernel, *initrd; /* files of it, for the monitor */
	struct vm_manifest about;
};

/* Finds it prepared, or prepares it: a second or so. For the start of a VM. */
int vm_kernel_find(const struct vm_kernel_query *q, struct vm_kernel *out, struct err *e);
/* Has husk-prepare check it to the last byte, and make it when it is not whole. */
int vm_kernel_prepare(const struct vm_kernel_query *q, struct vm_kernel *out, struct err *e);
/* Which kernel it is, and what is prepared of it. Not finding it prepared is no failure: out->dir is NULL, and *out_why says why. */
int vm_kernel_look(const struct vm_kernel_query *q, struct vm_kernel *out, struct err *out_why, struct err *e);
void vm_kernel_free(struct vm_kernel *k);

/* The newest vmlinuz-VERSION in /boot or /usr/lib/modules/VERSION/vmlinuz. For free(). */
int vm_kernel_newest(char **out, struct err *e);
/* The directory that this user's kernels are prepared in. For free(). */
int vm_kernel_cache(char **out, struct err *e);

#endif
