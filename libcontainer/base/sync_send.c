/* SPDX-License-Identifier: Apache-2.0 */
/* sync_send.c: see sync_send.h. */
#include "sync_send.h"

#include "fd.h"

#include <stddef.h>
#include <stdio.h>

int sync_send(int sock, enum sync_type type, int32_t value, int fd, struct err *e)
{
	struct sync_msg msg = { .type = type, .value = value };
	ssize_t n = fd_send(sock, &msg, offsetof(struct sync_msg, err), &fd, fd >= 0 ? 1 : 0);

	if (n < 0)
		return err_sys(e, (int)-n, "send to the container's process");
	return 0;
}

int sync_send_err(int sock, const struct err *failure)
{
	struct sync_msg msg = { .type = SYNC_ERR, .err = *failure };
	ssize_t n = fd_send(sock, &msg, sizeof(msg), NULL, 0);

	return n < 0 ? (int)n : 0;
}

int sync_send_warning(int sock, const char *text)
{
	struct sync_msg msg = { .type = SYNC_WARN };
	ssize_t n;

	(void)snprintf(msg.err.msg, sizeof(msg.err.msg), "%s", text);
	n = fd_send(sock, &msg, sizeof(msg), NULL, 0);
	return n < 0 ? (int)n : 0;
}
