/* SPDX-License-Identifier: Apache-2.0 */
/* vmplan_config.h: the two configs of vmplan.h, as texts; malloc'ed. */
#ifndef HUSK_VMPLAN_CONFIG_H
#define HUSK_VMPLAN_CONFIG_H

#include "gen.h"
#include "vmplan.h"

/* In the jail. */
#define VM_JAIL_KERNEL "/vm/kernel"
#define VM_JAIL_INITRD "/vm/initrd"
#define VM_JAIL_HYPERVISOR "/vm/hypervisor" /* one that is not in the system's directories */
#define VM_JAIL_SERVER "/vm/husk-fsd"
#define VM_JAIL_EXPORT "/export"

/* The absolute path of the container's root directory. */
char *vmplan_rootfs(const struct vmplan_input *in);
/* vmplan_jail.c */
char *vmplan_jail(const struct vmplan_input *in, const char *rootfs);
/* vmplan_guest.c */
char *vmplan_guest(const struct vmplan_input *in);

/* Does the jail have it at its own path? */
bool vmplan_in_system_dirs(const struct vmplan_input *in, const char *path);

/* A member as it stands in the text, under this key (NULL: an element of an array). */
void vmplan_copy(yajl_gen g, const struct json_doc *doc, const struct json *v, const char *key);

#endif
