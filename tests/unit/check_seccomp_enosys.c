/* SPDX-License-Identifier: Apache-2.0 */
/* check_seccomp_enosys.c: the head of strict filters, by a small interpreter, since most of its
 * architectures are not this machine's. check_seccomp.c runs the native one in the kernel. */
#include "ck_run.h"
#include "seccomp_enosys.h"
#include "str.h"

#include <check.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

#define X32_BIT 0x40000000

/* What the head does, for architectures that this machine is not: the value that it returns, or
 * UINT32_MAX where it goes on to the filter. */
static uint32_t run_head(const struct sock_filter *p, size_t n, uint32_t arch, uint32_t nr)
{
	uint32_t a = 0;

	for (size_t i = 0; i < n; i++) {
		const struct sock_filter *f = &p[i];

		switch (f->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			a = f->k == offsetof(struct seccomp_data, nr) ? nr : arch;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			i += a == f->k ? f->jt : f->jf;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			i += a > f->k ? f->jt : f->jf;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			i += a & f->k ? f->jt : f->jf;
			break;
		case BPF_JMP | BPF_JA:
			i += f->k;
			ck_assert_uint_lt(i, n);
			break;
		case BPF_RET | BPF_K:
			return f->k;
		default:
			ck_abort_msg("instruction %#x", f->code);
		}
	}
	return UINT32_MAX;
}

START_TEST(the_head_judges_each_architecture_by_its_own_number)
{
	static const struct enosys_arch v[] = { { AUDIT_ARCH_X86_64, 450, X32_BIT | 547, false },
						{ AUDIT_ARCH_I386, 0, 0, false },
						{ AUDIT_ARCH_S390X, 440, 0, true },
						{ AUDIT_ARCH_AARCH64, 430, 0, false } };
	static const struct {
		uint32_t arch, nr;
		bool enosys;
	} cases[] = {
		{ AUDIT_ARCH_X86_64, 450, false },
		{ AUDIT_ARCH_X86_64, 451, true },
		{ AUDIT_ARCH_X86_64, X32_BIT | 547, false },
		{ AUDIT_ARCH_X86_64, X32_BIT | 548, true },
		{ AUDIT_ARCH_I386, 100000, false },
		{ AUDIT_ARCH_S390X, 440, false },
		{ AUDIT_ARCH_S390X, 441, true },
		{ AUDIT_ARCH_S390X, 0, true },
		{ AUDIT_ARCH_AARCH64, 0, false },
		{ AUDIT_ARCH_AARCH64, 431, true },
		{ AUDIT_ARCH_RISCV64, 5000, false },
	};
	struct sock_filter p[ENOSYS_INSNS(ARRAY_LEN(v))];
	size_t n = seccomp_enosys_head(v, ARRAY_LEN(v), p);

	ck_assert_uint_le(n, ARRAY_LEN(p));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ck_assert_msg(run_head(p, n, cases[i].arch, cases[i].nr) ==
				      (cases[i].enosys ? (SECCOMP_RET_ERRNO | ENOSYS) : UINT32_MAX),
			      "case %zu", i);
	ck_assert_uint_eq(seccomp_enosys_head(&v[1], 1, p), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("seccomp_enosys");
	TCase *t = tcase_create("seccomp_enosys");

	tcase_add_test(t, the_head_judges_each_architecture_by_its_own_number);
	suite_add_tcase(suite, t);
	return ck_run(suite);
}
