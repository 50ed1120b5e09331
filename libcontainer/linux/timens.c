/* SPDX-License-Identifier: Apache-2.0 */
/* timens.c: see timens.h. */
#include "timens.h"

#include "kernel.h"

#include <errno.h>
#include <stdio.h>

int timens_open(int *out_fd, struct err *e)
{
	int fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return err_set(e, ENOTSUP, "linux.timeOffsets: this kernel has no time namespaces (CONFIG_TIME_NS)");
	if (fd < 0)
		return err_sys(e, errno, "linux.timeOffsets: open '/proc/self/timens_offsets'");
	*out_fd = fd;
	return 0;
}

int timens_make(int offsets_fd, const struct spec_time_offset *offsets, struct err *e)
{
	const struct spec_time_offset *mono = &offsets[CLOCK_OF_MONOTONIC], *boot = &offsets[CLOCK_OF_BOOTTIME];
	char text[128];
	int len = snprintf(text, sizeof(text), "monotonic %lld %u\nboottime %lld %u\n", (long long)mono->secs,
			   mono->nanosecs, (long long)boot->secs, boot->nanosecs);

	if (unshare(CLONE_NEWTIME) < 0)
		return err_sys(e, errno, "linux.namespaces: make a time namespace");
	if (write(offsets_fd, text, (size_t)len) == len)
		return 0;
	if (errno == ERANGE)
		return err_set(e, ERANGE,
			       "linux.timeOffsets: a clock would be below zero or beyond what the kernel counts");
	return err_sys(e, errno, "linux.timeOffsets: write '/proc/self/timens_offsets'");
}
