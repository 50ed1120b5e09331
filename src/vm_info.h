/* SPDX-License-Identifier: Apache-2.0 */
/* vm_info.h: what a VM would run with here, for `husk vm info`. */
#ifndef HUSK_VM_INFO_H
#define HUSK_VM_INFO_H

#include "vm_kernel.h"

#include <stdbool.h>

/* Looks and prints; nothing is changed. *out_lacks: something is not there that a VM needs. */
int vm_info_print(const struct vm_kernel_query *q, bool json, bool *out_lacks, struct err *e);

#endif
