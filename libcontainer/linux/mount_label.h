/* SPDX-License-Identifier: Apache-2.0 */
/* mount_label.h: SELinux labels of file systems, by mount option (mount(8)) or as an attribute. */
#ifndef HUSK_LINUX_MOUNT_LABEL_H
#define HUSK_LINUX_MOUNT_LABEL_H

#include "err.h"

#include <stdbool.h>

/* Is this one of SELinux's four mount options, "context=" and kin? *out_value: what stands after the '='. */
bool mount_label_option(const char *option, const char **out_value);
/* Sets the label of a mount's root (security.selinux), for a file system that takes no such option. */
int mount_label_root(int mount_fd, const char *label, struct err *e);

#endif
