/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statx_op.h: FUSE_STATX (protocol 7.39, Linux 6.6), which the <linux/fuse.h> that husk is built with
 * may not have. The reply's body is the kernel's own struct statx, spare fields and all.
 */
#ifndef HUSK_FS_STATX_OP_H
#define HUSK_FS_STATX_OP_H

#include <stdint.h>
#include <sys/stat.h>

#define HUSK_FUSE_MINOR 39
#define HUSK_FUSE_STATX 52

struct husk_fuse_statx_in {
	uint32_t getattr_flags, reserved;
	uint64_t fh;
	uint32_t sx_flags, sx_mask;
};

struct husk_fuse_statx_out {
	uint64_t attr_valid;
	uint32_t attr_valid_nsec, flags;
	uint64_t spare[2];
	struct statx stat;
};

#endif
