/* SPDX-License-Identifier: Apache-2.0 */
/* vmplan_config.h: the two configs of vmplan.h, as texts; malloc'ed. */
#ifndef HUSK_VMPLAN_CONFIG_H
#define HUSK_VMPLAN_CONFIG_H

#include "gen.h"
#include "vmplan.h"

/* In the jail. */
#define VM_JAIL_KERNEL "/vm/kernel"
#define VM_JAIL_INITRD "/vm/initrd"
#define VM_JAIL_IMAGE "/vm/image"
#define VM_JAIL_HYPERVISOR "/vm/hypervisor" /* one that is not in the system's directories */
#define VM_JAIL_SERVER "/vm/husk-fsd"
#define VM_JAIL_EXPORT "/export"

#define VM_TUN_MAJOR 10 /* devices.txt */
#define VM_TUN_MINOR 200
#define VM_KVM_MAJOR 10
#define VM_KVM_MINOR 232
#define VM_TCG_CODE_MIB 128 /* of the machine's emulated: what QEMU keeps of the code that it made */

/* The absolute path of the container's root directory. */
char *vmplan_rootfs(const struct vmplan_input *in);
/* vmplan_jail.c. Of p: memory, vcpus and rootfs. */
char *vmplan_jail(const struct vmplan_input *in, const struct vmplan *p);
/* vmplan_guest.c. Of p: memory. */
char *vmplan_guest(const struct vmplan_input *in, const struct vmplan *p);
/* vmplan_limits.c: linux.resources of the one and the other; the latter under this key (NULL: the outermost). */
void vmplan_jail_limits(yajl_gen g, const struct vmplan_input *in, const struct vmplan *p);
void vmplan_guest_limits(yajl_gen g, const struct json_doc *doc, const struct json *resources, const char *key);
/* The sections of the jail's that are config.json's own. */
void vmplan_jail_shares(yajl_gen g, const struct json_doc *doc, const struct json *resources);

/* Does the jail have it at its own path? */
bool vmplan_in_system_dirs(const struct vmplan_input *in, const char *path);

/* Is it idmap or ridmap, with or without text? */
bool vmplan_is_idmap(const char *option);

/* A member as it stands in the text, under this key (NULL: an element of an array). */
void vmplan_copy(yajl_gen g, const struct json_doc *doc, const struct json *v, const char *key);

#endif
