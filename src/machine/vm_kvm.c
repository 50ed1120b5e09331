/* SPDX-License-Identifier: Apache-2.0 */
/* vm_kvm.c: see vm_kvm.h. The interface is Documentation/virt/kvm/api.rst of Linux. */
#include "vm_kvm.h"

#include "clock.h"
#include "fd.h"
#include "kernel.h"
#include "str.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#ifdef __x86_64__

#include <linux/kvm.h>
#include <sys/ioctl.h>

#define PAGE 4096U
#define MEMORY (16 * PAGE)
#define CODE 0x1000 /* guest addresses */
#define PML4 0x2000
#define PDPT 0x3000
#define PD 0x4000
#define CPUID_ENTRIES 256

#define PTE_PRESENT_WRITE 3U
#define PTE_LARGE 0x80U
#define CR0_PE_ET_NE_PG 0x80000031U
#define CR4_PAE 0x20U
#define EFER_LME_LMA 0x500U
#define RFLAGS_ALWAYS 2U

/* Two runs differ by so many instructions, and so their times by these alone: what it costs to enter the
 * guest and to leave it falls out. The best of some tries, since the host has other work, too. */
#define LOOPS_FEW 8U
#define LOOPS_MANY 520U
#define INSTRUCTIONS_A_LOOP 2U
#define TRIES 3

struct guest {
	int kvm, vm, cpu; /* owned; -1 when not open */
	uint8_t *memory;
	struct kvm_run *run;
};

static void say(struct vm_kvm *out, const char *what, int code)
{
	(void)snprintf(out->why, sizeof(out->why), "%s%s%s", what, code ? ": " : "", code ? strerror(code) : "");
}

static bool failed(struct vm_kvm *out, const char *what)
{
	say(out, what, errno);
	return false;
}

/* Without it a 64-bit mode is not among what the CPU has. */
static bool give_cpuid(struct guest *g, struct vm_kvm *out)
{
	AUTO_FREE struct kvm_cpuid2 *list =
		x_calloc(1, sizeof(*list) + CPUID_ENTRIES * sizeof(struct kvm_cpuid_entry2));

	list->nent = CPUID_ENTRIES;
	if (ioctl(g->kvm, KVM_GET_SUPPORTED_CPUID, list) < 0)
		return failed(out, "KVM_GET_SUPPORTED_CPUID");
	if (ioctl(g->cpu, KVM_SET_CPUID2, list) < 0)
		return failed(out, "KVM_SET_CPUID2");
	return true;
}

static bool give_memory(struct guest *g, struct vm_kvm *out)
{
	struct kvm_userspace_memory_region region = { .memory_size = MEMORY };

	g->memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (g->memory == MAP_FAILED)
		return failed(out, "mmap");
	region.userspace_addr = (uintptr_t)g->memory;
	if (ioctl(g->vm, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return failed(out, "KVM_SET_USER_MEMORY_REGION");
	return true;
}

static bool make_guest(struct guest *g, struct vm_kvm *out)
{
	int size;

	g->vm = ioctl(g->kvm, KVM_CREATE_VM, 0);
	if (g->vm < 0)
		return failed(out, "KVM_CREATE_VM");
	if (!give_memory(g, out))
		return false;
	g->cpu = ioctl(g->vm, KVM_CREATE_VCPU, 0);
	if (g->cpu < 0)
		return failed(out, "KVM_CREATE_VCPU");
	size = ioctl(g->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (size < (int)sizeof(*g->run))
		return failed(out, "KVM_GET_VCPU_MMAP_SIZE");
	g->run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, g->cpu, 0);
	if (g->run == MAP_FAILED)
		return failed(out, "mmap of a vCPU");
	return give_cpuid(g, out);
}

/* Flat segments at 0, so that rip is an address. */
static bool enter_real_mode(struct guest *g, struct vm_kvm *out)
{
	/* again: dec ecx; jnz again; hlt */
	static const uint8_t code[] = { 0x66, 0x49, 0x75, 0xfc, 0xf4 };
	struct kvm_sregs s;

	memcpy(g->memory + CODE, code, sizeof(code));
	if (ioctl(g->cpu, KVM_GET_SREGS, &s) < 0)
		return failed(out, "KVM_GET_SREGS");
	s.cs.base = 0;
	s.cs.selector = 0;
	return ioctl(g->cpu, KVM_SET_SREGS, &s) == 0 || failed(out, "KVM_SET_SREGS (real mode)");
}

static void put_entry(struct guest *g, size_t table, uint64_t entry)
{
	memcpy(g->memory + table, &entry, sizeof(entry));
}

static bool enter_long_mode(struct guest *g, struct vm_kvm *out)
{
	static const uint8_t code[] = { 0xff, 0xc9, 0x75, 0xfc, 0xf4 }; /* the same in 64-bit code */
	struct kvm_segment flat = {
		.limit = 0xffffffff, .selector = 0x10, .type = 3, .present = 1, .s = 1, .g = 1, .db = 1
	};
	struct kvm_sregs s;

	memcpy(g->memory + CODE, code, sizeof(code));
	put_entry(g, PML4, PDPT | PTE_PRESENT_WRITE);
	put_entry(g, PDPT, PD | PTE_PRESENT_WRITE);
	put_entry(g, PD, PTE_LARGE | PTE_PRESENT_WRITE);
	if (ioctl(g->cpu, KVM_GET_SREGS, &s) < 0)
		return failed(out, "KVM_GET_SREGS");
	s.ds = s.es = s.fs = s.gs = s.ss = flat;
	flat.selector = 8;
	flat.type = 11;
	flat.db = 0;
	flat.l = 1;
	s.cs = flat;
	s.cr3 = PML4;
	s.cr4 = CR4_PAE;
	s.cr0 = CR0_PE_ET_NE_PG;
	s.efer = EFER_LME_LMA;
	return ioctl(g->cpu, KVM_SET_SREGS, &s) == 0 || failed(out, "KVM_SET_SREGS (64-bit mode)");
}

/* Runs the loop; -1, or how long it took. */
static int64_t run_loops(struct guest *g, uint32_t loops, struct vm_kvm *out)
{
	struct kvm_regs regs = { .rip = CODE, .rcx = loops, .rflags = RFLAGS_ALWAYS };
	int64_t start;

	if (ioctl(g->cpu, KVM_SET_REGS, &regs) < 0)
		return failed(out, "KVM_SET_REGS") - 1;
	start = clock_monotonic_ns();
	if (ioctl(g->cpu, KVM_RUN, 0) < 0)
		return failed(out, "KVM_RUN") - 1;
	start = clock_monotonic_ns() - start;
	if (g->run->exit_reason != KVM_EXIT_HLT) {
		(void)snprintf(out->why, sizeof(out->why), "a guest did not run: KVM_RUN gave exit reason %u",
			       g->run->exit_reason);
		return -1;
	}
	if (ioctl(g->cpu, KVM_GET_REGS, &regs) < 0)
		return failed(out, "KVM_GET_REGS") - 1;
	if (regs.rcx != 0) {
		say(out, "a guest did not run: its loop ended too early", 0);
		return -1;
	}
	return start;
}

static bool time_loops(struct guest *g, uint32_t *out_ns, struct vm_kvm *out)
{
	int64_t few = INT64_MAX, many = INT64_MAX;

	for (int i = 0; i < TRIES; i++) {
		int64_t a = run_loops(g, LOOPS_FEW, out), b = a < 0 ? a : run_loops(g, LOOPS_MANY, out);

		if (b < 0)
			return false;
		few = a < few ? a : few;
		many = b < many ? b : many;
	}
	*out_ns = many <= few ? 0 : (uint32_t)((many - few) / (INSTRUCTIONS_A_LOOP * (LOOPS_MANY - LOOPS_FEW)));
	return true;
}

/* In the child. The process's end closes all. */
static void probe(int kvm, struct vm_kvm *out)
{
	struct guest g = { .kvm = kvm, .vm = -1, .cpu = -1 };

	if (!make_guest(&g, out))
		return;
	out->ran = enter_real_mode(&g, out) && time_loops(&g, &out->real_ns, out) && enter_long_mode(&g, out) &&
		   time_loops(&g, &out->long_ns, out);
	if (!out->ran)
		return;
	out->usable = out->long_ns < VM_KVM_SLOW_NS;
	if (!out->usable)
		(void)snprintf(out->why, sizeof(out->why),
			       "guest kernel code is emulated (%u ns an instruction; expected less than %d)",
			       out->long_ns, VM_KVM_SLOW_NS);
}

static bool is_kvm(int kvm, struct vm_kvm *out)
{
	int version = ioctl(kvm, KVM_GET_API_VERSION, 0);

	if (version == KVM_API_VERSION)
		return true;
	if (version < 0)
		return failed(out, "KVM_GET_API_VERSION");
	say(out, "an unknown version of KVM's interface", 0);
	return false;
}

_Noreturn static void child(int kvm, int answer, struct vm_kvm *out)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	probe(kvm, out);
	(void)!write(answer, out, sizeof(*out)); /* fewer bytes than a pipe takes at once */
	_exit(0);
}

static bool ends_within(int pidfd, int ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int64_t end = clock_monotonic_ms() + ms;
	int r;

	do
		r = poll(&p, 1, ms);
	while (r < 0 && errno == EINTR && (ms = (int)(end - clock_monotonic_ms())) > 0);
	return r > 0;
}

/* What the child says, if it does so in time. One that not even SIGKILL ends at once is left alone. */
static void wait_for(pid_t pid, int answer, struct vm_kvm *out)
{
	AUTO_FD pidfd = sys_pidfd_open(pid, 0);
	struct vm_kvm said;
	bool in_time;

	if (pidfd < 0) {
		say(out, "pidfd_open", errno);
		(void)kill(pid, SIGKILL);
		return;
	}
	in_time = ends_within(pidfd, VM_KVM_LIMIT_MS);
	if (!in_time) {
		(void)kill(pid, SIGKILL);
		(void)ends_within(pidfd, 100);
	}
	(void)waitpid(pid, NULL, WNOHANG);
	if (read(answer, &said, sizeof(said)) == (ssize_t)sizeof(said))
		*out = said;
	else if (in_time)
		say(out, "the process that tried a guest died", 0);
	else
		(void)snprintf(out->why, sizeof(out->why), "a guest of a few instructions had not ended after %d ms",
			       VM_KVM_LIMIT_MS);
}

static void try_guests(int kvm, struct vm_kvm *out)
{
	int pipes[2];
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK) < 0) {
		say(out, "pipe", errno);
		return;
	}
	pid = fork();
	if (pid == 0)
		child(kvm, pipes[1], out);
	fd_close(&pipes[1]);
	if (pid < 0)
		say(out, "fork", errno);
	else
		wait_for(pid, pipes[0], out);
	fd_close(&pipes[0]);
}

void vm_kvm_probe(struct vm_kvm *out)
{
	AUTO_FD kvm = open(VM_KVM_DEVICE, O_RDWR | O_CLOEXEC);
	struct vm_kvm found = { .present = kvm >= 0 || errno != ENOENT };

	if (kvm < 0)
		say(&found, found.present ? "open " VM_KVM_DEVICE : "there is no " VM_KVM_DEVICE,
		    found.present ? errno : 0);
	else if (is_kvm(kvm, &found))
		try_guests(kvm, &found);
	*out = found;
}

#else

void vm_kvm_probe(struct vm_kvm *out)
{
	*out = (struct vm_kvm){ .why = "not known for this architecture" };
}

#endif

bool vm_kvm_usable(void)
{
	struct vm_kvm kvm;

	vm_kvm_probe(&kvm);
	return kvm.usable;
}
