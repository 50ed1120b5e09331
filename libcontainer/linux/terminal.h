/* SPDX-License-Identifier: Apache-2.0 */
/* terminal.h: the container's pseudo-terminal (pty(7)). */
#ifndef HUSK_LINUX_TERMINAL_H
#define HUSK_LINUX_TERMINAL_H

#include "err.h"

#include <stdint.h>
#include <sys/types.h>

struct terminal {
	int master, slave;
};

/* A new pair from the devpts that is mounted in the container: its ptmx is opened below rootfd and
 * checked, the slave comes from the master (TIOCGPTPEER), never from a path. The slave is given to
 * uid. width and height in characters; 0: leave them. */
int terminal_open(int rootfd, uid_t uid, uint16_t width, uint16_t height, struct terminal *out, struct err *e);
/* Binds the slave over /dev/console below rootfd. */
int terminal_bind_console(int rootfd, int slave, struct err *e);
/* The slave becomes the controlling terminal of the caller, a session leader. */
int terminal_make_controlling(int slave, struct err *e);
/* The slave becomes fds 0, 1, 2. */
int terminal_use(int slave, struct err *e);
/* Connects to the unix socket of --console-socket. */
int terminal_connect_socket(const char *path, int *out_fd, struct err *e);
/* Sends the master over it, as runc does: one message with the name of the terminal and SCM_RIGHTS. */
int terminal_send_master(int sock, int master, struct err *e);

#endif
