/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm_kvm.h: can this host's KVM run a kernel? Asked by doing it: a guest of a few
 * instructions, in real mode and in 64-bit mode, both in ring 0, is run and timed.
 *
 * That /dev/kvm opens, or that the CPU has VT-x or SVM, does not answer it: there
 * are KVMs that emulate each instruction of a guest's kernel, in which a stock one
 * does not get through its own unpacking in a minute; and nested ones without flags
 * in sight that are quick. It takes some milliseconds, in a process of its own that
 * is ended after VM_KVM_LIMIT_MS, so that a KVM that hangs does not hang husk.
 */
#ifndef HUSK_VM_KVM_H
#define HUSK_VM_KVM_H

#include <stdbool.h>
#include <stdint.h>

#define VM_KVM_DEVICE "/dev/kvm"
#define VM_KVM_LIMIT_MS 800
/* Slower instructions than that are emulated. Hardware takes 0.3 ns, under one more level of emulation
 * (a nested KVM in a guest of QEMU's TCG) some 10 ns; kvm-pvm, which emulates, 550 to 1300 ns. */
#define VM_KVM_SLOW_NS 250

struct vm_kvm {
	bool usable;	  /* for a kernel */
	bool present;	  /* the device is there */
	bool ran;	  /* both guests ran to their end; only then are the times known */
	uint32_t real_ns; /* of an instruction in real mode, rounded down */
	uint32_t long_ns; /* in 64-bit mode: what decides */
	char why[160];	  /* why it is not usable, or "" */
};

void vm_kvm_probe(struct vm_kvm *out);
/* vm_kvm_probe() for who wants the answer alone: accel=kvm, or tcg. */
bool vm_kvm_usable(void);

#endif
