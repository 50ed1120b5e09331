/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp_enosys.c: see seccomp_enosys.h.
 *
 * One section for each architecture:
 *
 *	jeq arch, 0, <next section>
 *	ld  nr
 *	jset X32_BIT ...	(x86_64 only: chooses one of two checks)
 *	jgt last, 0, 1
 *	ret ENOSYS
 *	ja  <filter>
 *
 * Each instruction is among those that the kernel evaluates ahead of time
 * (seccomp_is_const_allow(), Linux 5.11), so calls that are always allowed still
 * cost nothing.
 */
#include "seccomp_enosys.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

#define X32_BIT 0x40000000U
#define TO_FILTER UINT32_MAX /* a jump whose distance is filled in at the end */

static struct sock_filter *put_check(struct sock_filter *p, uint32_t last)
{
	if (last) {
		*p++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, last, 0, 1);
		*p++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
	}
	*p++ = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, TO_FILTER);
	return p;
}

static struct sock_filter *put_section(struct sock_filter *p, const struct enosys_arch *a)
{
	struct sock_filter *arch = p++, *mode;

	*p++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	if (a->audit_arch == AUDIT_ARCH_X86_64) {
		mode = p++;
		p = put_check(p, a->last_x32);
		*mode = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, X32_BIT, 0, (uint8_t)(p - mode - 1));
	}
	if (a->zero_is_newer) {
		*p++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1);
		*p++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
	}
	p = put_check(p, a->last);
	*arch = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, a->audit_arch, 0, (uint8_t)(p - arch - 1));
	return p;
}

size_t seccomp_enosys_head(const struct enosys_arch *v, size_t n, struct sock_filter *out)
{
	struct sock_filter *p = out, *start;

	*p++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	start = p;
	for (size_t i = 0; i < n; i++)
		if (v[i].last || v[i].last_x32)
			p = put_section(p, &v[i]);
	if (p == start)
		return 0;
	/* An architecture without a section falls through to the filter. */
	for (struct sock_filter *j = out; j < p; j++)
		if (j->code == (BPF_JMP | BPF_JA) && j->k == TO_FILTER)
			j->k = (uint32_t)(p - j - 1);
	return (size_t)(p - out);
}
