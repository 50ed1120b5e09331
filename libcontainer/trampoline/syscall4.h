/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syscall4.h: a system call that touches no memory but its own arguments: no C library, no errno.
 * For the trampoline, which has none, and for a process whose errno another one uses at the time.
 */
#ifndef HUSK_SYSCALL4_H
#define HUSK_SYSCALL4_H

/* Returns what the kernel does: -errno on failure. */
#if defined(__x86_64__)
static inline long syscall4(long n, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	long ret;

	__asm__ volatile("syscall" : "=a"(ret) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
	return ret;
}
#elif defined(__aarch64__)
static inline long syscall4(long n, long a, long b, long c, long d)
{
	register long x8 __asm__("x8") = n;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
}
#else
#error "no system calls for this architecture"
#endif

#endif
