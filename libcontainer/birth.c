/* SPDX-License-Identifier: Apache-2.0 */
/* birth.c: see birth.h. clone(2), madvise(2) MADV_DONTFORK, close_range(2). */
#include "birth.h"

#include "fd.h"
#include "kernel.h"
#include "log.h"
#include "proc.h"
#include "process.h"
#include "str.h"
#include "sync.h"
#include "terminal.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define SHARED_BYTES sizeof(pid_t) /* the kernel makes a page of it */

int birth_prepare(struct birth *b, struct err *e)
{
	void *p = mmap(NULL, SHARED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return err_sys(e, errno, "mmap");
	b->born = p;
	return 0;
}

void birth_free(struct birth *b)
{
	if (b->born)
		(void)munmap(b->born, SHARED_BYTES);
	b->born = NULL;
}

static int drop_descriptors(const struct birth_gift *g, struct err *e)
{
	int keep[1 + ARRAY_LEN(g->keep)] = { g->sync };
	int r;

	memcpy(keep + 1, g->keep, sizeof(g->keep));
	r = fd_close_others((unsigned int)g->n_low, keep, ARRAY_LEN(keep));
	return r < 0 ? err_sys(e, -r, "close the descriptors of the set-up") : 0;
}

/* The older call, as profiles that forbid clone3(2) are common. */
static long clone_sibling(pid_t *out_pid)
{
	return syscall(SYS_clone, CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD, NULL, out_pid, NULL, NULL);
}

int birth_give(struct birth *b, const struct birth_gift *g, struct err *e)
{
	const char *hint = " (linux.seccomp must allow clone and setsid here)";
	long pid;
	int r;

	r = sync_send(g->sync, SYNC_BIRTH, 0, g->master, e);
	if (r < 0)
		return r;
	proc_forget_environment(); /* it may hold secrets; what the process gets was copied */
	log_close();
	r = drop_descriptors(g, e);
	if (r < 0)
		return r;
	if (madvise(b->born, SHARED_BYTES, MADV_DONTFORK) < 0)
		return err_sys(e, errno, "madvise");
	pid = clone_sibling(b->born);
	if (pid < 0)
		return err_sys(e, errno, "clone into the pid namespace%s",
			       errno == EPERM || errno == ENOSYS ? hint : "");
	if (pid > 0)
		_exit(0);
	b->born = NULL; /* not mapped here */
	if (setsid() < 0)
		return err_sys(e, errno, "setsid%s", hint);
	r = process_guard(e);
	return r < 0 || !g->have_terminal ? r : terminal_make_controlling(STDIN_FILENO, e);
}

int birth_take(struct birth *b, int sync, pid_t *pid, int *pidfd, struct err *e)
{
	int fd;

	while (waitpid(*pid, NULL, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, errno, "wait for the set-up");
	fd_close(pidfd);
	*pid = *b->born;
	if (*pid <= 0) { /* its last word says why */
		fd = sync_expect(sync, SYNC_BIRTH, NULL, NULL, e);
		return fd < 0 ? fd : err_set(e, ECHILD, "the container's process died during set-up");
	}
	fd = sys_pidfd_open(*pid, 0);
	if (fd < 0)
		return err_sys(e, errno, "pidfd_open");
	*pidfd = fd;
	return 0;
}
