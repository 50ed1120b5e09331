/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmplan.h: from a config.json that asks for a VM to what husk follows in its place.
 *
 *   the jail    a config.json for libcontainer: the container in which husk-mon, the
 *               hypervisor and the file server run. Host-side hooks, the cgroup's path, the
 *               network namespace and the terminal are those of the original.
 *   the guest   a config.json for the agent: the original, where root and bind mounts
 *               come out of the shared folder, without what is the host's.
 *   the machine what husk-mon is told (proto/machine.h).
 *
 * The shared folder is the jail's /export, which the guest sees as VM_GUEST_FOLDER:
 * <id>/rootfs, <id>/mounts/<n> for the source of the n-th mount, if that is a bind, and <id>/added/<place> for those
 * of mounts that were added since (vm_places.h). Of the folder itself the guest can change nothing.
 *
 * The jail's cgroup on the host has memory.max = the machine's memory + vmplan_overhead(),
 * pids.max of its own programs, a device filter, and the `cpu` and `blockIO` of linux.resources. Where the host
 * lacks a controller, the guest's own limits are all there is.
 */
#ifndef HUSK_VMPLAN_H
#define HUSK_VMPLAN_H

#include "json.h"
#include "machine.h"
#include "vm_section.h"

#include <sys/types.h>

#define VM_GUEST_FOLDER "/run/husk-fs"
#define VM_FOLDER_TAG "husk"
#define VM_CHANNEL_NAME "husk.agent"
#define VM_IMAGE_SERIAL "husk.image"	/* the guest's root, of a disk image */
#define VM_MON_PATH "/vm/husk-mon"	/* in the jail */
#define VM_JAIL_DIR ".jail"		/* below --root: what the jail's mounts stand on */
#define VM_ADDED_DIR "added"		/* in VM_JAIL_DIR: what later mounts stand on */
#define VM_MEMORY_NOTE "husk.vm.memory" /* an annotation of the guest's config: the machine's bytes */

struct vmplan_input {
	const char *id, *bundle;
	const struct json_doc *config; /* vm_cross_check() has let it pass */
	/* Whose linux.uidMappings and linux.gidMappings are the container's; NULL: config. */
	const struct json_doc *container;
	const struct vm_section *section;
	const struct vm_host *host;
	/* Of the host, absolute: */
	const char *jail_root, *kernel, *initrd, *hypervisor, *mon, *file_server, *net;
	const char *const *system_dirs; /* those of /usr, /lib, ... that there are; ends with a NULL */
	uint64_t initrd_bytes;		/* of that file */
	bool kvm;			/* the machine can have /dev/kvm */
	const gid_t *groups;		/* the caller's, if vm_cross_keeps_groups() */
	size_t n_groups;
	/* The caller is not the host's root: a user namespace that config.json asks for is the jail's, so
	 * that husk-fsd may do in it what root does, and the guest's container needs none. */
	bool unprivileged;
};

struct vmplan {
	char *jail, *guest, *rootfs; /* owned */
	char **words;		     /* of the hypervisor, then of the file server; owned */
	struct machine machine;	     /* points into the rest */
	uint64_t memory;	     /* bytes */
	uint32_t vcpus;
};

/* No system calls. */
int vmplan_make(const struct vmplan_input *in, struct vmplan *out, struct err *e);
void vmplan_free(struct vmplan *p);

/* Files for husk_mounts_add(), malloc'ed. in: id, bundle, config (the file of `husk mounts add`) and container are
 * looked at. Of one mount that vmplan_is_shared(): what adds its source to the jail, at this place. */
char *vmplan_added_to_jail(const struct vmplan_input *in, const struct json *mount, const char *place);
/* The whole file, for the guest. places: one for each mount, NULL for those that the guest makes itself. */
char *vmplan_added_to_guest(const struct vmplan_input *in, const char *const *places);
/* A place as the jail and as the guest have it; malloc'ed. */
char *vmplan_place_in_jail(const char *id, const char *place);
char *vmplan_place_in_guest(const char *id, const char *place);

/* What the machine takes of the host's memory beyond its own, in bytes, both. */
uint64_t vmplan_overhead(uint64_t memory, bool kvm);

/* Is the hypervisor the caller, by user and groups (in a user namespace of a single id, mon/qemu.c), or nobody? own_ids:
 * how many the caller's own namespace maps, which is the jail's where config.json asks for none. unprivileged only. */
bool vmplan_hypervisor_is_caller(const struct vmplan_input *in, uint64_t own_ids);

/* Does this entry of `mounts` come out of the shared folder? */
bool vmplan_is_shared(const struct json *mount);
/* Is it a bind? */
bool vmplan_is_bind(const struct json *mount);
/* Is its source the symlink, where it is one? (src-nofollow, copy-symlink) */
bool vmplan_source_is_link(const struct json *mount);
/* The absolute path of its source; malloc'ed. NULL: it has none. */
char *vmplan_source(const struct json *mount, const char *bundle);

#endif
