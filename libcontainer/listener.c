/* SPDX-License-Identifier: Apache-2.0 */
/* listener.c: see listener.h. */
#include "listener.h"

#include "fd.h"
#include "str.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define AGENT_WAIT_S 10 /* for a place in its queue, and for each part of the state that it reads */

int listener_connect(const struct seccomp_prog *filter, const struct spec_seccomp *s, int *out_sock, struct err *e)
{
	const struct timeval wait = { .tv_sec = AGENT_WAIT_S };
	AUTO_FD sock = -1;
	int r;

	if (!seccomp_notifies(filter))
		return 0;
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sock < 0 || setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) < 0)
		return err_sys(e, errno, "linux.seccomp.listenerPath: socket");
	r = fd_connect(sock, s->listener_path);
	if (r == -EAGAIN)
		return err_set(e, ETIMEDOUT, "linux.seccomp.listenerPath: '%s' accepted no connection within %d s",
			       s->listener_path, AGENT_WAIT_S);
	if (r < 0)
		return err_sys(e, -r, "linux.seccomp.listenerPath: connect to the agent at '%s'", s->listener_path);
	*out_sock = fd_take(&sock);
	return 0;
}

static int send_all(int sock, const char *text, size_t len, int listener)
{
	ssize_t n = fd_send(sock, text, len, &listener, 1);

	while (n >= 0 && (size_t)n < len) {
		text += n;
		len -= (size_t)n;
		n = fd_send(sock, text, len, NULL, 0);
	}
	return n < 0 ? (int)n : 0;
}

int listener_send(int *sock, const struct spec_seccomp *s, const struct state *state, enum state_status status,
		  pid_t pid, int listener, struct err *e)
{
	AUTO_FREE char *text = state_process_json(state, status, pid, s->listener_metadata);
	int r = send_all(*sock, text, strlen(text), listener);

	fd_close(sock);
	if (r == -EAGAIN)
		return err_set(e, ETIMEDOUT, "linux.seccomp.listenerPath: the agent at '%s' did not read within %d s",
			       s->listener_path, AGENT_WAIT_S);
	if (r < 0)
		return err_sys(e, -r, "linux.seccomp.listenerPath: send the listener to the agent at '%s'",
			       s->listener_path);
	return 0;
}
