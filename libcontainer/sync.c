/* SPDX-License-Identifier: Apache-2.0 */
/* sync.c: see sync.h. */
#include "sync.h"

#include "fd.h"
#include "log.h"
#include "lsm.h"
#include "trampoline.h"

#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#define INTERRUPT_MS 100 /* between looks for a signal that ends us */
#define WARNINGS_MAX 64	 /* of one start */

/* What a packet may hold: a message, or a trampoline's failure with a path. */
union packet {
	struct sync_msg msg;
	struct {
		struct trampoline_failure failure;
		char path[PATH_MAX];
	} exec;
};

int sync_pair(int out[2], struct err *e)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, out) < 0)
		return err_sys(e, errno, "socketpair");
	return 0;
}

static int exec_failed(union packet *p, size_t len, struct err *e)
{
	int code = p->exec.failure.error > 0 && p->exec.failure.error < 4096 ? p->exec.failure.error : EIO;
	size_t path_len = len - sizeof(p->exec.failure);

	p->exec.path[path_len < PATH_MAX ? path_len : PATH_MAX - 1] = '\0';
	if (p->exec.failure.step == TRAMPOLINE_FILTER)
		return err_sys(e, code, "linux.seccomp: install the filter");
	if (p->exec.failure.step == TRAMPOLINE_LABEL)
		return lsm_refused(p->exec.path, code, e);
	return err_sys(e, code, "exec '%s'", p->exec.path);
}

static int child_failed(union packet *p, size_t len, struct err *e)
{
	if (len != sizeof(p->msg))
		return err_set(e, EPROTO, "the container's process sent a message of %zu bytes", len);
	p->msg.err.msg[sizeof(p->msg.err.msg) - 1] = '\0';
	return err_set(e, p->msg.err.code > 0 ? p->msg.err.code : EIO, "%s",
		       p->msg.err.msg[0] ? p->msg.err.msg : "the container's process failed and did not say why");
}

int sync_recv(int sock, int *out_fd, int32_t *out_value, struct err *e)
{
	union packet p;
	AUTO_FD fd = -1;
	int n_fds = 0;
	bool unread;
	ssize_t n;

	p.msg.type = 0;
	n = fd_recv(sock, &p, sizeof(p), &fd, 1, &n_fds);
	unread = n == -ECONNRESET; /* told once: what the other end sent comes after */
	if (unread)
		n = fd_recv(sock, &p, sizeof(p), &fd, 1, &n_fds);
	if (n == -ECONNRESET || (n == 0 && unread))
		return err_set(e, ECONNRESET, "the container's process died");
	if (n < 0)
		return err_sys(e, (int)-n, "read from the container's process");
	if (n == 0)
		return 0;
	if ((size_t)n >= sizeof(p.exec.failure) && p.msg.type == SYNC_EXEC_ERR)
		return exec_failed(&p, (size_t)n, e);
	if (p.msg.type == SYNC_ERR)
		return child_failed(&p, (size_t)n, e);
	if (p.msg.type == SYNC_WARN && (size_t)n == sizeof(p.msg)) {
		p.msg.err.msg[sizeof(p.msg.err.msg) - 1] = '\0';
		log_warn("%s", p.msg.err.msg);
		return SYNC_WARN;
	}
	if ((size_t)n != offsetof(struct sync_msg, err) || p.msg.type > SYNC_UP || !p.msg.type)
		return err_set(e, EPROTO, "the container's process sent an unknown message");
	if (out_value)
		*out_value = p.msg.value;
	if (out_fd)
		*out_fd = fd_take(&fd);
	return (int)p.msg.type;
}

int sync_expect(int sock, enum sync_type type, int *out_fd, int32_t *out_value, struct err *e)
{
	int r = sync_recv(sock, out_fd, out_value, e);

	if (r < 0)
		return r;
	if (r == 0)
		return err_set(e, ECHILD, "the container's process died during set-up");
	if (r != (int)type)
		return err_set(e, EPROTO, "the container's process sent message %d where %d was due", r, (int)type);
	return 0;
}

/* The program may take its time, and the caller may be told to end meanwhile. */
static int wait_up(int sock, bool (*interrupted)(void), struct err *e)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	int r = SYNC_WARN;

	for (int n = 0; r == SYNC_WARN && n <= WARNINGS_MAX; n++) {
		while (interrupted && poll(&p, 1, INTERRUPT_MS) == 0)
			if (interrupted())
				return err_set(e, EINTR, "ended by a signal before the program was up");
		r = sync_recv(sock, NULL, NULL, e);
	}
	if (r == SYNC_UP)
		return 0;
	return r ? r : err_set(e, ECHILD, "the program died before it was up, and did not say why");
}

int sync_wait_exec(int sock, bool (*interrupted)(void), struct err *e)
{
	int r = sync_recv(sock, NULL, NULL, e);

	if (r == SYNC_DEFERRED)
		r = wait_up(sock, interrupted, e);
	return r > 0 ? err_set(e, EPROTO, "the container's process sent an unknown message") : r;
}
