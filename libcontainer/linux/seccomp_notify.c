/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp_notify.c: see seccomp_notify.h.
 *
 *   the process                      the carrier
 *   clone  ------------------------> begins
 *   waits for `ready`  <------------ looks for `result`
 *   seccomp(2)                         :
 *   result = listener                delivers the listener, closes it
 *   looks for `tid`                  ends: the kernel clears `tid`
 *   goes on, under the filter
 *
 * Both have the same thread-local memory, errno in it. So from `ready` to `result` the
 * carrier calls nothing of the C library, and from then on, until it has ended, the
 * process does not. The carrier is no thread: TSYNC would put it under the filter, too.
 */
#include "seccomp_notify.h"

#include "fd.h"
#include "syscall4.h"

#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define STACK_SIZE (256U << 10)
#define LOOK_NS 50000	  /* between the carrier's looks */
#define READY_NS 10000000 /* between looks for a carrier that died early */
#define UNKNOWN INT_MIN	  /* no result of seccomp(2) yet */

struct carrier {
	seccomp_deliver_fn *deliver;
	void *arg;
	struct err *e;
	pid_t parent;
	_Atomic int ready;  /* the carrier needs nothing more of us but the result */
	_Atomic int result; /* of seccomp(2) */
	int delivered;	    /* what deliver() returned; 1: nothing yet */
	_Atomic int tid;    /* of the carrier; 0 when it has ended */
};

static struct carrier the_carrier;

/* A process of ours with a real-time policy does not make room while it looks at memory: on a single
 * processor only an ordinary one gets what the kernel keeps free of real time. */
static void leave_real_time(void)
{
	const struct sched_param none = { 0 };
	int policy = sched_getscheduler(0);

	if (policy == SCHED_FIFO || policy == SCHED_RR)
		(void)sched_setscheduler(0, SCHED_OTHER, &none);
}

static int carry(void *arg)
{
	static const struct timespec look = { .tv_nsec = LOOK_NS };
	struct carrier *c = arg;
	AUTO_FD listener = -1;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != c->parent)
		return 1;
	leave_real_time();
	atomic_store(&c->ready, 1);
	(void)syscall(SYS_futex, &c->ready, FUTEX_WAKE_PRIVATE, 1, NULL);
	while ((listener = atomic_load(&c->result)) == UNKNOWN)
		(void)syscall4(SYS_nanosleep, (long)&look, 0, 0, 0);
	if (listener >= 0)
		c->delivered = c->deliver(listener, c->arg, c->e);
	return 0;
}

/* Not under the filter yet, so it may sleep. */
static void wait_ready(struct carrier *c)
{
	const struct timespec look = { .tv_nsec = READY_NS };

	while (!atomic_load(&c->ready) && atomic_load(&c->tid))
		(void)syscall4(SYS_futex, (long)&c->ready, FUTEX_WAIT_PRIVATE, 0, (long)&look);
}

static void look_again(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static int died(struct err *e)
{
	return err_set(e, ECHILD, "linux.seccomp: the process that delivers the listener died");
}

int seccomp_notify_prepare(seccomp_deliver_fn *deliver, void *arg, struct err *e)
{
	static char stack[STACK_SIZE] __attribute__((aligned(16)));
	const struct sigaction no_zombie = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT };
	struct carrier *c = &the_carrier;
	int flags = CLONE_VM | CLONE_FILES | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD;

	*c = (struct carrier){ .deliver = deliver, .arg = arg, .e = e, .parent = getpid(), .delivered = 1 };
	atomic_store(&c->result, UNKNOWN);
	if (sigaction(SIGCHLD, &no_zombie, NULL) < 0)
		return err_sys(e, errno, "linux.seccomp: sigaction");
	if (clone(carry, stack + sizeof(stack), flags, c, &c->tid, NULL, &c->tid) < 0)
		return err_sys(e, errno,
			       "linux.seccomp: make the process that delivers the listener of SCMP_ACT_NOTIFY "
			       "(a limit on processes, or SCHED_DEADLINE without reset-on-fork, forbids it)");
	wait_ready(c);
	return atomic_load(&c->ready) ? 0 : died(e);
}

int seccomp_notify_install(const struct seccomp_prog *prog, struct err *e)
{
	const struct sock_fprog fprog = { .len = prog->n, .filter = prog->insns };
	struct carrier *c = &the_carrier;
	long r;

	if (!atomic_load(&c->tid)) /* a filter without it would make us wait for ever */
		return died(e);
	r = syscall4(SYS_seccomp, SECCOMP_SET_MODE_FILTER, prog->flags, (long)&fprog, 0);
	atomic_store(&c->result, (int)r);
	while (atomic_load(&c->tid))
		look_again();
	if (r < 0)
		return seccomp_install_failed(prog, r, e);
	return c->delivered > 0 ? died(e) : c->delivered;
}

void seccomp_notify_reset(void)
{
	(void)signal(SIGCHLD, SIG_DFL);
}
