/* SPDX-License-Identifier: Apache-2.0 */
/*
 * old_kernel.c: runs a program as if the kernel were older, by a seccomp filter.
 *   old_kernel 5.15 PROGRAM [ARG...]   what came after Linux 5.15 is denied
 *   old_kernel bare PROGRAM [ARG...]   also what husk can do without on any kernel, as a filter
 *                                      of an outer container may deny it
 *   old_kernel look                    prints what some of it answers here
 * A system call that is too new answers ENOSYS; a flag that is too new answers what an older
 * kernel says to flags that it does not know. Flags in structs (clone3, openat2, mount_setattr)
 * are out of a filter's sight: husk uses none there that is newer than 5.15.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* process_mrelease(2), the last number of Linux 5.15; from 424 on they are the same everywhere */
#define LAST_OF_5_15 448
#define FUTEX_WAITV 449 /* Linux 5.16 */
#define NEW_MFD_EXEC 0x10U
#define PROGRAM_MAX 256

/* An argument whose bits in `mask` are between lo and hi answers `error`. */
struct too_new {
	long nr;
	unsigned int arg;
	uint32_t mask, lo, hi;
	int error;
};

#define UNKNOWN_BITS(known) ~(uint32_t)(known), 1, UINT32_MAX

static const struct too_new too_new[] = {
	/* MFD_NOEXEC_SEAL, MFD_EXEC: 6.3; the high bits are a page size */
	{ SYS_memfd_create, 1, UNKNOWN_BITS(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB | 0xfc000000), EINVAL },
	/* MOVE_MOUNT_BENEATH: 6.5 */
	{ SYS_move_mount, 4, UNKNOWN_BITS(0x177), EINVAL },
	{ SYS_open_tree, 2, UNKNOWN_BITS(OPEN_TREE_CLONE | O_CLOEXEC | 0x9900), EINVAL },
	/* FSCONFIG_CMD_CREATE_EXCL: 6.6 */
	{ SYS_fsconfig, 1, UINT32_MAX, 8, UINT32_MAX, EOPNOTSUPP },
	/* SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 5.19 */
	{ SYS_seccomp, 1, UNKNOWN_BITS(0x1f), EINVAL },
	/* PIDFD_THREAD: 6.9 */
	{ SYS_pidfd_open, 1, UNKNOWN_BITS(O_NONBLOCK), EINVAL },
	{ SYS_pidfd_send_signal, 3, UNKNOWN_BITS(0), EINVAL },
	/* AT_EXECVE_CHECK: 6.14 */
	{ SYS_execveat, 4, UNKNOWN_BITS(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW), EINVAL },
	/* options after PR_SCHED_CORE: 5.17 and later */
	{ SYS_prctl, 0, UINT32_MAX, 63, 0xffff, EINVAL },
	/* MPOL_WEIGHTED_INTERLEAVE: 6.9 */
	{ SYS_set_mempolicy, 0, 0x1fff, 6, 0x1fff, EINVAL },
	/* F_DUPFD_QUERY, F_CREATED_QUERY: 6.10, 6.12 */
	{ SYS_fcntl, 1, UINT32_MAX, 1027, 1028, EINVAL },
	/* ioctls of pidfds, 6.11, and the later ones of namespaces, 6.10 */
	{ SYS_ioctl, 1, 0xffff, 0xff00, 0xffff, ENOTTY },
	{ SYS_ioctl, 1, 0xffff, 0xb705, 0xb7ff, ENOTTY },
};

static const long can_do_without[] = { SYS_close_range, SYS_keyctl, SYS_sendfile };

struct filter {
	struct sock_filter insns[PROGRAM_MAX];
	unsigned short len;
};

__attribute__((format(printf, 1, 2), noreturn)) static void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)fputs("old_kernel: ", stderr);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	exit(125);
}

static void stmt(struct filter *f, unsigned int code, uint32_t k)
{
	f->insns[f->len++] = (struct sock_filter)BPF_STMT((unsigned short)code, k);
}

static void jump(struct filter *f, unsigned int test, uint32_t k, unsigned int if_true, unsigned int if_false)
{
	f->insns[f->len++] = (struct sock_filter)BPF_JUMP((unsigned short)(BPF_JMP | test | BPF_K), k, (uint8_t)if_true,
							  (uint8_t)if_false);
}

static void load(struct filter *f, size_t offset)
{
	stmt(f, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset);
}

static void answer(struct filter *f, int error)
{
	stmt(f, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error);
}

static void deny_argument(struct filter *f, const struct too_new *t)
{
	load(f, offsetof(struct seccomp_data, nr));
	jump(f, BPF_JEQ, (uint32_t)t->nr, 0, 5);
	load(f, offsetof(struct seccomp_data, args) + t->arg * sizeof(uint64_t)); /* the low half */
	stmt(f, BPF_ALU | BPF_AND | BPF_K, t->mask);
	jump(f, BPF_JGE, t->lo, 0, 2);
	jump(f, BPF_JGT, t->hi, 1, 0);
	answer(f, t->error);
}

static void build(struct filter *f, int bare)
{
	load(f, offsetof(struct seccomp_data, nr));
	jump(f, BPF_JGT, LAST_OF_5_15, 0, 1);
	answer(f, ENOSYS);
	for (size_t i = 0; bare && i < sizeof(can_do_without) / sizeof(*can_do_without); i++) {
		jump(f, BPF_JEQ, (uint32_t)can_do_without[i], 0, 1);
		answer(f, ENOSYS);
	}
	for (size_t i = 0; i < sizeof(too_new) / sizeof(*too_new); i++)
		deny_argument(f, &too_new[i]);
	stmt(f, BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
}

/* By CAP_SYS_ADMIN and without no_new_privs, under which newuidmap would have no power. */
static void install(int bare)
{
	struct filter f = { .len = 0 };
	struct sock_fprog prog;

	build(&f, bare);
	prog = (struct sock_fprog){ .len = f.len, .filter = f.insns };
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0)
		die("no filter (it takes CAP_SYS_ADMIN): %s", strerror(errno));
}

static void say(const char *what, long result)
{
	printf("%s: %s\n", what, result < 0 ? strerrorname_np(errno) : "there");
}

static void look(void)
{
	say("futex_waitv", syscall(FUTEX_WAITV, NULL, 0, 0, NULL, 0));
	say("MFD_EXEC", syscall(SYS_memfd_create, "x", MFD_CLOEXEC | NEW_MFD_EXEC));
	say("MFD_CLOEXEC", syscall(SYS_memfd_create, "x", MFD_CLOEXEC));
	say("close_range", syscall(SYS_close_range, 900, 900, 0));
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "look") == 0) {
		look();
		return 0;
	}
	if (argc < 3 || (strcmp(argv[1], "5.15") != 0 && strcmp(argv[1], "bare") != 0))
		die("usage: old_kernel 5.15|bare PROGRAM [ARG...], or old_kernel look");
	install(strcmp(argv[1], "bare") == 0);
	(void)execvp(argv[2], argv + 2);
	die("'%s': %s", argv[2], strerror(errno));
}
